package incident

import (
	"context"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family/age"
)

// The steps that contain a case. Each is taken with what it does, in one transaction: see
// Contain.
const (
	StepRevoked    Step = "revoked"    // an app's keys
	StepSuspended  Step = "suspended"  // a processor or a recipient
	StepFrozen     Step = "frozen"     // a child: nothing happens with its information but that it is kept
	StepReleased   Step = "released"   // a child again, of which it turned out that nothing has happened
	StepUnverified Step = "unverified" // a child's guardians, who have to prove anew who they are
	StepRotated    Step = "rotated"    // the keys of the store: asked for, and done by a job
)

// Containing lists them.
var Containing = []Step{StepRevoked, StepSuspended, StepFrozen, StepReleased, StepUnverified, StepRotated}

// A ContainedBody says what was contained, and by which entry that was done.
type ContainedBody struct {
	Case    string `json:"case"`
	Note    int64  `json:"note"`
	Mark    string `json:"mark"`
	Step    Step   `json:"step"`
	Target  string `json:"target"`          // an app "ak_…", a party as "processor name", a child's pseudonym, or Everyone; empty: the store
	Entry   string `json:"entry,omitempty"` // empty: there was nothing to take back
	Suspect string `json:"suspect,omitempty"`
}

// Contain notes about an open case, with the reason, that somebody in office has stopped
// something: whoever calls it has done that in this transaction, by the verb whose entry it
// names, so that neither is there without the other; what is done for Everyone follows at once, and
// is CarryOut's. What is practised stops nothing. Errors:
// ErrMayNot, ErrNotFound, ErrWords, ErrStep, ErrClosed, ErrDrill, ErrFull.
func Contain(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by catalog.Officer, service, name string, step Step, target, done string, words pii.Text) (Case, string, error) {
	c, err := find(ctx, tx, by, service, name, words)
	switch {
	case err != nil:
		return c, "", err
	case !slices.Contains(Containing, step):
		return c, "", ErrStep.At("step")
	case !c.Open():
		return c, "", ErrClosed
	case c.Drill:
		return c, "", ErrDrill
	}
	mark, err := c.write(ctx, tx, ring, by.Ledger(), step, target, words)
	if err != nil {
		return c, "", err
	}
	entry, err := c.note(ctx, tx, KindContained, by.Ledger(), ContainedBody{c.ID, c.Notes - 1, mark, step, target, done, c.Suspect})
	return c, entry, err
}

// drilled is the record of the office that a drill has been: its day, and the number under
// which what was found is read.
func (c Case) drilled() catalog.Record {
	return catalog.Record{Kind: catalog.EmergencyDrill, Day: c.OpenedAt.In(age.Zone).Format(time.DateOnly), Title: i18n.Chinese.T("incident.drill_title", "Number", c.Number())}
}

// PartyTarget is how a note names a party that was contained.
func PartyTarget(role, name string) string { return strings.Join([]string{role, name}, " ") }

// IsTarget reports whether a step may name that.
func (s Step) IsTarget(target string) bool {
	switch s {
	case StepRevoked:
		return id.Is(id.Credential, target)
	case StepFrozen, StepReleased, StepUnverified:
		return target == Everyone || id.Is(id.Subject, target)
	case StepSuspended:
		role, name, two := strings.Cut(target, " ")
		return two && role != "" && name != ""
	}
	return target == ""
}
