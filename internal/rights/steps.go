package rights

import (
	"context"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
)

// A Step is something that became of a demand, as the ledger tells it.
type Step struct {
	Kind  string
	At    time.Time
	Entry string // "le_…"
	Actor string // as the ledger names actors
}

// Shown is how often its words were shown.
func (r Request) Shown() int { return r.times(KindShown) }

// times is how many steps of a kind there were.
func (r Request) times(kind string) (n int) {
	for _, s := range r.Steps {
		if s.Kind == kind {
			n++
		}
	}
	return n
}

// step records what becomes of a demand of the locked child, and adds it to the row, which
// whoever calls writes.
func (r *Request) step(ctx context.Context, tx *db.Tx, c family.Child, kind, actor string, body any) (string, error) {
	entry, err := record(ctx, tx, c, kind, actor, body)
	if err != nil {
		return "", err
	}
	r.steps = strings.TrimSpace(r.steps + " " + Step{kind, tx.Now(), entry, actor}.text())
	r.Steps = readSteps(r.steps)
	return entry, nil
}

// text is what the row has: kind, microseconds, entry, and who. No part has a slash or a
// space.
func (s Step) text() string {
	return strings.Join([]string{s.Kind, strconv.FormatInt(s.At.UnixMicro(), 10), s.Entry, s.Actor}, "/")
}

// readSteps reads what text has written. What isn't that is no step: the audit finds it.
func readSteps(text string) (all []Step) {
	for one := range strings.FieldsSeq(text) {
		parts := strings.SplitN(one, "/", 4)
		if len(parts) != 4 {
			continue
		}
		n, err := strconv.ParseInt(parts[1], 10, 64)
		if err != nil {
			continue
		}
		all = append(all, Step{parts[0], time.UnixMicro(n).UTC(), parts[2], parts[3]})
	}
	return all
}
