package catalog

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/ledger"
)

// What can be wrong with the end of a service.
var (
	ErrCeasing    = errs.New(errs.Conflict, "catalog.ceasing")        // it ends or has ended, and nothing opens it again
	ErrPurpose    = errs.New(errs.NotFound, "catalog.purpose_absent") // of which the charter in force says nothing
	ErrReason     = errs.New(errs.Invalid, "catalog.cessation_reason_unknown")
	ErrWindow     = errs.New(errs.Invalid, "catalog.cessation_window_invalid")
	ErrNotCeasing = errs.New(errs.NotFound, "catalog.not_ceasing") // no end was announced

	ErrUnannounced  = errs.New(errs.Conflict, "catalog.unannounced")   // what a row says of an end isn't what the ledger does
	ErrCeasingMoved = errs.New(errs.Conflict, "catalog.ceasing_moved") // somebody else takes the same step
)

// All is the name under which the service itself is Closed: no purpose is called so.
const All = "*"

// Ceases reports whether the purpose ends or has ended, or the service with all of
// them (Article 23). With an empty purpose, it asks for the service itself.
func (s Service) Ceases(purpose string) bool {
	rest := s.Closed
	for rest != "" {
		var name string
		name, rest, _ = strings.Cut(rest, " ")
		if name == All || name == purpose {
			return true
		}
	}
	return false
}

// A Reason is why something ends.
type Reason string

// The reasons.
const (
	Discontinued Reason = "discontinued" // the operator goes on, and offers this no more
	ClosingDown  Reason = "closing_down" // the operator itself ends
	Ordered      Reason = "ordered"      // an authority wants it
)

// Reasons are all that there are.
var Reasons = []Reason{Discontinued, ClosingDown, Ordered}

// The windows in which guardians may take what they want to keep. A purpose may end at
// once: its service is still there to be asked.
const (
	LeastWindow = 7 * 24 * time.Hour
	MostWindow  = 366 * 24 * time.Hour
)

// A Cessation is the end of a service, or of one of its purposes.
type Cessation struct {
	Service     string
	Purpose     string // empty: the service itself
	Reason      Reason
	AnnouncedAt time.Time
	AnnouncedBy string // as the ledger writes it
	EndsAt      time.Time
	ToldUpto    string    // the guardians of children up to this key have been told
	Told        int64     // of how many children
	ToldAt      time.Time // zero until that was all of them, but for those who were left (CountUntold)
	ToldPlace   int64     // how long the ledger was with all entries of it; -1 until that is known
	LastAt      time.Time // until when the last can look of those who were told late; zero: nobody was
	Held        int64     // how many children there were when erasing began; -1 until then
	ErasedUpto  string    // of a purpose: the values of children up to this key are erased
	EndedAt     time.Time // zero until all is erased
	Children    int64     // how many that concerned, once it ended
	Entry       string    // of the ledger: that it was announced
	Takeover    Takeover  // by whom; zero: by nobody
	Tally       Tally     // of the answers about it, once erasing began
}

const cessationColumns = `service, purpose, reason, announced_at, announced_by, ends_at, told_upto, told, told_at,
	CASE WHEN told_place IS NULL THEN -1 ELSE told_place END, last_at, CASE WHEN held IS NULL THEN -1 ELSE held END, erased_upto, ended_at, children, entry,
	successor, handover, assessment, assessment_salt, assessed, asked, agreed, refused, handed`

func scanCessation(row db.Row) (c Cessation, err error) {
	err = row.Scan(&c.Service, &c.Purpose, &c.Reason, (*db.Time)(&c.AnnouncedAt), &c.AnnouncedBy, (*db.Time)(&c.EndsAt),
		&c.ToldUpto, &c.Told, (*db.Time)(&c.ToldAt), &c.ToldPlace, (*db.Time)(&c.LastAt), &c.Held, &c.ErasedUpto, (*db.Time)(&c.EndedAt), &c.Children, &c.Entry,
		&c.Takeover.Recipient, &c.Takeover.Purpose, &c.Takeover.Document, &c.Takeover.Salt, &c.Takeover.Assessed,
		&c.Tally.Asked, &c.Tally.Agreed, &c.Tally.Refused, &c.Tally.Handed)
	return c, err
}

// The kinds of entries about the end of a service, or of one of its purposes.
const (
	KindCeasing = "service.ceasing"
	KindCeased  = "service.ceased"
)

// A CeasingBody is what the ledger keeps of an announcement.
type CeasingBody struct {
	Purpose string `json:"purpose,omitempty"` // empty: the service itself
	Reason  Reason `json:"reason"`
	Ends    int64  `json:"ends"` // µs

	Successor *Takeover `json:"successor,omitempty"`
}

// A CeasedBody says that all was erased: of how many children.
type CeasedBody struct {
	Purpose  string `json:"purpose,omitempty"` // empty: the service itself
	Children int64  `json:"children"`

	Succession *Tally `json:"succession,omitempty"` // where somebody took over
}

// Cease announces the end of a service or, with a purpose, of that one: from the
// commit on nothing is collected or used for it, whatever its consents (Article 23).
// What is held stays until ends for guardians to look at. It costs the same for any
// number of children, and nothing takes it back. Errors: ErrNotFound, ErrNotInOffice,
// ErrReason, ErrWindow, ErrPurpose, ErrCeasing.
func Cease(ctx context.Context, tx *db.Tx, by Officer, service, purpose string, why Reason, ends time.Time) (Cessation, string, error) {
	return cease(ctx, tx, by, service, purpose, why, ends, nil, false)
}

// CeaseAgain announces an end once more in a store that was put back and doesn't know it,
// as the ledger tells that an officer has announced it (edge case 15): at the same end or,
// where guardians wouldn't have time to look, later. The purpose may be one of a charter that
// is lost: it ends before it is published again. Who was to take over is asked about anew; where
// the charter in force doesn't know it, nobody takes over. Errors: those of Cease but
// ErrPurpose.
func CeaseAgain(ctx context.Context, tx *db.Tx, by Operator, service string, was CeasingBody) (Cessation, string, error) {
	least, ends := tx.Now(), time.UnixMicro(was.Ends).UTC()
	if was.Purpose == "" {
		least = least.Add(LeastWindow)
	}
	if ends.Before(least) {
		ends = least
	}
	s, err := Find(ctx, tx, service)
	if err == nil && s.Ceases(was.Purpose) {
		err = ErrCeasing // before the service has another version
	}
	if err != nil {
		return Cessation{}, "", err
	}
	return cease(ctx, tx, by, service, was.Purpose, was.Reason, ends, was.Successor, true)
}

func cease(ctx context.Context, tx *db.Tx, by Actor, service, purpose string, why Reason, ends time.Time, to *Takeover, again bool) (Cessation, string, error) {
	fail := func(err error) (Cessation, string, error) { return Cessation{}, "", err }
	s, err := lockBy(ctx, tx, by, service)
	if err != nil {
		return fail(err)
	}
	if s.Ceases(purpose) {
		return fail(ErrCeasing)
	}
	now := tx.Now()
	least := now.Add(LeastWindow)
	if purpose != "" {
		least = now
	}
	ends = ends.UTC().Truncate(time.Microsecond)
	switch {
	case !slices.Contains(Reasons, why):
		return fail(ErrReason.At("reason"))
	case ends.Before(least) || ends.After(now.Add(MostWindow)):
		return fail(ErrWindow.At("ends_at"))
	}
	var p Published
	if purpose != "" && !again || to != nil {
		if p, err = s.inForce(ctx, tx); err != nil {
			return fail(err)
		}
	}
	if purpose != "" && !again && p.AskedSince[purpose] == 0 {
		return fail(ErrPurpose.At("purpose"))
	}
	c := Cessation{Service: service, Purpose: purpose, Reason: why, AnnouncedAt: now, AnnouncedBy: by.Ledger(), EndsAt: ends, ToldPlace: -1, Held: -1}
	if to != nil {
		found, err := s.takenOver(p, *to, now)
		switch {
		case err == nil:
			to, c.Takeover = &found, found
			s.Successor = Successor{Purpose: found.Purpose, Recipient: found.Recipient, Until: ends}
		case again:
			to = nil
		default:
			return fail(err)
		}
	}
	closed := purpose
	if purpose == "" {
		closed = All
	}
	s.Closed = strings.TrimSpace(s.Closed + " " + closed)
	err = tx.Queue(ctx, `UPDATE service SET closed = $1, successor = $2 WHERE service = $3`, s.Closed, s.Successor.String(), service)
	if err != nil {
		return fail(err)
	}
	if c.Entry, err = s.note(ctx, tx, KindCeasing, by, CeasingBody{Purpose: purpose, Reason: why, Ends: ends.UnixMicro(), Successor: to}); err != nil {
		return fail(err)
	}
	return c, c.Entry, tx.Queue(ctx, `
		INSERT INTO cessation (service, purpose, reason, announced_at, announced_by, ends_at, told_upto, told, erased_upto, children, entry,
			successor, handover, assessment, assessment_salt, assessed, asked, agreed, refused, handed)
		VALUES ($1, $2, $3, $4, $5, $6, '', $7, '', $7, $8, $9, $10, $11, $12, $13, $7, $7, $7, $7)`,
		c.Service, c.Purpose, c.Reason, (*db.Time)(&c.AnnouncedAt), c.AnnouncedBy, (*db.Time)(&c.EndsAt), 0, c.Entry,
		c.Takeover.Recipient, c.Takeover.Purpose, c.Takeover.Document, c.Takeover.Salt, c.Takeover.Assessed)
}

// A finisher is what erased the last child, as the ledger writes it.
type finisher string

// Ledger returns its name in the ledger.
func (f finisher) Ledger() string { return string(f) }

// Governs reports that it may end what was announced, and nothing else asks.
func (f finisher) Governs(string) bool { return f != "" }

// Ceased records that all that ended is erased: of how many children. With a service
// its purposes have ended, too. Errors: ErrNotFound, ErrNotCeasing.
func Ceased(ctx context.Context, tx *db.Tx, actor string, c Cessation, children int64) (string, error) {
	s, err := lock(ctx, tx, c.Service)
	if err != nil {
		return "", err
	}
	now := tx.Now()
	n, err := tx.Exec(ctx, `
		UPDATE cessation SET ended_at = $1, children = $2
		WHERE service = $3 AND purpose = $4 AND ended_at IS NULL`, (*db.Time)(&now), children, c.Service, c.Purpose)
	if err == nil && n != 1 {
		err = ErrNotCeasing
	}
	if err == nil && c.Purpose == "" {
		err = tx.Queue(ctx, `UPDATE cessation SET ended_at = $1 WHERE service = $2 AND ended_at IS NULL`, (*db.Time)(&now), c.Service)
	}
	if err != nil {
		return "", err
	}
	body := CeasedBody{Purpose: c.Purpose, Children: children}
	if c.Takeover != (Takeover{}) {
		body.Succession = &c.Tally
	}
	return s.note(ctx, tx, KindCeased, finisher(actor), body)
}

// Announced returns nil if the ledger says, too, that it was announced, and that the
// window is over: whoever erases for it asks, since a row may have been changed by hand
// and an erasure can't be undone. Errors: ErrUnannounced.
func (c Cessation) Announced(ctx context.Context, tx *db.Tx) error {
	p, err := ledger.Find(ctx, tx, c.Entry)
	if errors.Is(err, ledger.ErrNotFound) {
		return ErrUnannounced
	}
	if err != nil {
		return err
	}
	var b CeasingBody
	if p.Kind != KindCeasing || p.Service != c.Service || p.Into(&b) != nil || b.Purpose != c.Purpose || tx.Now().UnixMicro() < b.Ends {
		return ErrUnannounced
	}
	return nil
}

// Cessations returns what ends or has ended of a service, itself first; with an empty
// name, of all services.
func Cessations(ctx context.Context, tx *db.Tx, service string) ([]Cessation, error) {
	return db.All(ctx, tx, scanCessation, `
		SELECT `+cessationColumns+` FROM cessation WHERE service = $1 OR $1 = ''
		ORDER BY service, purpose`, service)
}

// FindCessation returns how far the end of a service, or of one of its purposes, is.
// Errors: ErrNotCeasing.
func FindCessation(ctx context.Context, tx *db.Tx, service, purpose string) (Cessation, error) {
	c, err := db.One(ctx, tx, scanCessation, `
		SELECT `+cessationColumns+` FROM cessation WHERE service = $1 AND purpose = $2`, service, purpose)
	if errors.Is(err, db.ErrNone) {
		return Cessation{}, ErrNotCeasing
	}
	return c, err
}
