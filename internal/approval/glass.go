package approval

import (
	"context"
	"crypto/subtle"
	"errors"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/staff"
)

// What can be wrong with a window that two persons open by themselves, and with its
// review.
var (
	ErrGlass     = errs.New(errs.Conflict, "approval.glass")         // it is joined, or ended, and not decided about
	ErrNoGlass   = errs.New(errs.Conflict, "approval.no_glass")      // it is decided about
	ErrNotTwo    = errs.New(errs.Forbidden, "approval.not_two")      // of who opens it one may be the other, or a third both
	ErrInOffice  = errs.New(errs.Forbidden, "approval.in_office")    // who is at hand decides, and who reviews wasn't in it
	ErrSuspended = errs.New(errs.Forbidden, "approval.suspended")    // till an earlier one was reviewed
	ErrReviewed  = errs.New(errs.Conflict, "approval.reviewed")      // once
	ErrReview    = errs.New(errs.Invalid, "approval.review_unknown") // of the findings
)

// A Finding is what the office says of a window that two persons have opened.
type Finding string

// The findings.
const (
	Rightful Finding = "rightful" // it could not wait, and no more was seen than it took
	Wrongful Finding = "wrongful"
)

const (
	JoinIn   = 30 * time.Minute // for a second person to join
	ReviewIn = 24 * time.Hour   // for the office to review; then both are suspended until it has
)

// A Glass is a window that two persons have opened without the office, and what the
// office says of it. It is about the two, names no child, and stays when the child goes.
type Glass struct {
	Request  string // "sa_…"
	Service  string
	Asker    string // "st_…"
	Second   string // "st_…"
	OpenedAt time.Time
	ReviewBy time.Time
	LateAt   time.Time // zero: nobody has found that the review is late

	Reviewer   string // "st_…"; empty while nobody has reviewed it
	Finding    Finding
	ReviewedAt time.Time

	mark []byte
}

const glassColumns = `request, service, asker, second, opened_at, review_by, late_at, reviewer, finding, reviewed_at, bound`

func scanGlass(row db.Row) (g Glass, err error) {
	err = row.Scan(&g.Request, &g.Service, &g.Asker, &g.Second, (*db.Time)(&g.OpenedAt), (*db.Time)(&g.ReviewBy), (*db.Time)(&g.LateAt),
		&g.Reviewer, &g.Finding, (*db.Time)(&g.ReviewedAt), &g.mark)
	return g, err
}

// bind hashes the whole row, as that of a request.
func (g Glass) bind(ring *keyring.Ring) []byte {
	return ring.Index("approval.glass", g.Request, g.Service, g.Asker, g.Second, micros(g.OpenedAt), micros(g.ReviewBy), micros(g.LateAt),
		g.Reviewer, string(g.Finding), micros(g.ReviewedAt))
}

// Intact reports whether the row is as it was written.
func (g Glass) Intact(ring *keyring.Ring) bool {
	return len(g.mark) > 0 && subtle.ConstantTimeCompare(g.mark, g.bind(ring)) == 1
}

// Late reports whether its review is late at that moment.
func (g Glass) Late(now time.Time) bool { return g.Reviewer == "" && !now.Before(g.ReviewBy) }

// InOffice reports whether the person holds an office of the service.
func InOffice(p staff.Person, s catalog.Service) bool {
	office := p.Office(s.Name)
	return office != "" && (office == s.OfficerID || office == s.DeputyID)
}

// Join opens a window that somebody has asked for because it can't wait for the office
// (Asking.Glass). By is another person who may ask, and holds no office: who does decides,
// or reviews; and nobody else stands behind both, who might be the two (Apart). It is told at
// once, ends within minutes, and is reviewed by the office within a day. Errors: ErrMayNot,
// ErrInOffice, ErrForged, ErrSelf, ErrMade, ErrNotTwo, ErrNoGlass, ErrDecided, ErrExpired, ErrAsker, ErrSuspended, ErrNotFound; those of family.Lock.
func (d Desk) Join(ctx context.Context, tx *db.Tx, by staff.Person, service, request string) (Request, string, error) {
	fail := func(err error) (Request, string, error) { return Request{}, "", err }
	c, r, err := lock(ctx, tx, service, request)
	if err != nil {
		return fail(err)
	}
	second, asker, err := both(ctx, tx, by.ID, r.Asker)
	if err != nil {
		return fail(err)
	}
	s, err := catalog.Find(ctx, tx, c.Service)
	if err != nil {
		return fail(err)
	}
	joins, err := party(ctx, tx, second, staff.AskAccess)
	if err != nil {
		return fail(err)
	}
	asks, err := party(ctx, tx, asker, staff.AskAccess)
	if err != nil {
		return fail(err)
	}
	late, err := Suspended(ctx, tx, d.Ring, second.ID, asker.ID)
	now := tx.Now()
	switch {
	case err != nil:
		return fail(err)
	case !May(second, staff.AskAccess, s):
		return fail(ErrMayNot)
	case !r.Intact(d.Ring):
		return fail(ErrForged)
	case second.ID == r.Asker:
		return fail(ErrSelf)
	case InOffice(second, s):
		return fail(ErrInOffice)
	case slices.Contains(joins.Backers(s), r.Asker):
		return fail(ErrMade)
	case !r.Glass:
		return fail(ErrNoGlass)
	case r.State != Open:
		return fail(ErrDecided)
	case r.Closed(now):
		return fail(ErrExpired)
	case !May(asker, staff.AskAccess, s) || InOffice(asker, s):
		return fail(ErrAsker)
	case Apart(s, true, asks, joins) != nil:
		return fail(ErrNotTwo)
	case late:
		return fail(ErrSuspended)
	}
	r.State, r.Decider, r.Answer, r.Granted = Granted, second.ID, Joined, r.Items
	r.From, r.Until, r.Quota = now, now.Add(time.Duration(r.Minutes)*time.Minute), int64(d.Limits.Or(Defaults).Looks)
	if err := r.decided(ctx, tx, d.Ring, Open); err != nil {
		return fail(err)
	}
	g := Glass{Request: r.ID, Service: r.Service, Asker: asker.ID, Second: second.ID, OpenedAt: now, ReviewBy: now.Add(ReviewIn)}
	g.mark = g.bind(d.Ring)
	err = tx.Queue(ctx, `
		INSERT INTO broken_glass (`+glassColumns+`) VALUES ($1, $2, $3, $4, $5, $6, NULL, '', '', NULL, $7)`,
		g.Request, g.Service, g.Asker, g.Second, (*db.Time)(&g.OpenedAt), (*db.Time)(&g.ReviewBy), g.mark)
	if err != nil {
		return fail(err)
	}
	tx.Announce(Alarm{What: BrokenGlass})
	entry, err := record(ctx, tx, c, KindBroken, second.Ledger(), BrokenBody{Request: r.ID, Items: r.Granted, From: r.From.UnixMicro(),
		Until: r.Until.UnixMicro(), Quota: r.Quota, ReviewBy: g.ReviewBy.UnixMicro(), Person: second.Version, Asker: asker.Version, Catalog: s.Version})
	return r, entry, err
}

// maxTried is how many persons are tried for whether they could open a window together.
const maxTried = 50

// CanJoin reports whether somebody could open a window with who asks for one, and CanBreak
// whether there are two persons of a service who could: it is asked beforehand, so that nobody
// learns while a life is in danger that an office is too small for it (Apart). Of more persons
// than are tried it is taken for granted.
func CanJoin(ctx context.Context, tx *db.Tx, asker staff.Person, s catalog.Service) (bool, error) {
	asks, err := party(ctx, tx, asker, staff.AskAccess)
	if err != nil {
		return false, err
	}
	return breaks(ctx, tx, s, asker.ID, []Party{asks})
}

// CanBreak is explained at CanJoin.
func CanBreak(ctx context.Context, tx *db.Tx, s catalog.Service) (bool, error) {
	return breaks(ctx, tx, s, "", nil)
}

// breaks looks for somebody who isn't one with each of those that are known, nor behind
// the same third: without a first one, with anybody who was tried before.
func breaks(ctx context.Context, tx *db.Tx, s catalog.Service, first string, known []Party) (found bool, err error) {
	tried := 0
	err = staff.Each(ctx, tx, staff.AskAccess, s.Name, func(p staff.Person) (bool, error) {
		if p.ID == first || !May(p, staff.AskAccess, s) || InOffice(p, s) {
			return true, nil
		}
		one, err := party(ctx, tx, p, staff.AskAccess)
		if err != nil {
			return false, err
		}
		found = slices.ContainsFunc(known, func(other Party) bool { return Apart(s, true, one, other) == nil })
		if first == "" {
			known = append(known, one)
		}
		tried++
		return !found && tried < maxTried, nil
	})
	return found || tried == maxTried, err
}

// FindGlass returns what two persons have opened, by the request. Errors: ErrNotFound.
func FindGlass(ctx context.Context, tx *db.Tx, service, request string) (Glass, error) {
	if !id.Is(id.Look, request) {
		return Glass{}, ErrNotFound
	}
	g, err := db.One(ctx, tx, scanGlass, `SELECT `+glassColumns+` FROM broken_glass WHERE request = $1 AND service = $2`, request, service)
	if errors.Is(err, db.ErrNone) {
		err = ErrNotFound
	}
	return g, err
}

// A Review is what the office says of a window that two persons have opened.
type Review struct {
	Finding Finding
	// Text is why, in the own words. It is kept with the request, under the child's key, and
	// goes with it: of a child that is gone the finding alone is kept.
	Text pii.Text
}

// Review keeps what the officer or the deputy says of it, once. Whoever has made a link
// for one of the two, or is one of them, doesn't. From then on a late review suspends
// nobody. Errors: ErrMayNot, ErrSelf, ErrMade, ErrNotFound, ErrForged, ErrReview, ErrText,
// ErrReviewed.
func (d Desk) Review(ctx context.Context, tx *db.Tx, by staff.Person, service, request string, a Review) (Glass, string, error) {
	fail := func(err error) (Glass, string, error) { return Glass{}, "", err }
	if a.Finding != Rightful && a.Finding != Wrongful {
		return fail(ErrReview.At("finding"))
	}
	if !isText(a.Text) || strings.TrimSpace(a.Text.Reveal()) == "" {
		return fail(ErrText.At("text"))
	}
	c, r, err := lock(ctx, tx, service, request)
	gone := errors.Is(err, ErrNotFound)
	if err != nil && !gone {
		return fail(err)
	}
	g, err := FindGlass(ctx, tx, service, request)
	if err != nil {
		return fail(err)
	}
	held, err := all(ctx, tx, by.ID, g.Asker, g.Second)
	if err != nil {
		return fail(err)
	}
	s, err := catalog.Find(ctx, tx, g.Service)
	if err != nil {
		return fail(err)
	}
	reviewer := held[by.ID]
	switch {
	case !May(reviewer, staff.ReviewAccess, s):
		return fail(ErrMayNot)
	case reviewer.ID == g.Asker || reviewer.ID == g.Second:
		return fail(ErrSelf)
	case !g.Intact(d.Ring):
		return fail(ErrForged)
	case g.Reviewer != "":
		return fail(ErrReviewed)
	}
	for _, person := range []string{g.Asker, g.Second} {
		behind, err := staff.BackingOf(ctx, tx, person)
		if err == nil && slices.Contains(behind.Makers, reviewer.ID) {
			err = ErrMade
		}
		if err != nil {
			return fail(err)
		}
	}
	g.Reviewer, g.Finding, g.ReviewedAt = reviewer.ID, a.Finding, tx.Now()
	g.mark = g.bind(d.Ring)
	n, err := tx.Exec(ctx, `
		UPDATE broken_glass SET reviewer = $1, finding = $2, reviewed_at = $3, bound = $4 WHERE request = $5 AND reviewed_at IS NULL`,
		g.Reviewer, g.Finding, (*db.Time)(&g.ReviewedAt), g.mark, g.Request)
	if err == nil && n != 1 {
		err = ErrReviewed
	}
	if err != nil {
		return fail(err)
	}
	if !gone && r.Intact(d.Ring) {
		if r.review, err = c.SealNote(d.Ring, a.Text, r.place("review")...); err != nil {
			return fail(err)
		}
		r.mark = r.bind(d.Ring)
		err := tx.Queue(ctx, `UPDATE approval SET review = $1, bound = $2 WHERE child = $3 AND id = $4`, r.review, r.mark, r.Child, r.ID)
		if err != nil {
			return fail(err)
		}
	}
	entry, err := note(ctx, tx, g.Service, KindReviewed, reviewer.Ledger(), ReviewedBody{Request: g.Request, Finding: g.Finding, Text: r.review != nil,
		Person: reviewer.Version, Asker: held[g.Asker].Version, Second: held[g.Second].Version, Catalog: s.Version})
	return g, entry, err
}

// lookedAt is how many of a person's last windows are looked at, on each side, for whether they are as
// they were written. It is asked with each page, and an audit looks at all.
const lookedAt = 20

// Suspended reports whether one of the persons may look at nothing, because what they have
// opened with another was not reviewed in time, or the row of one of the last isn't as it was
// written. What it reads doesn't grow with the years.
func Suspended(ctx context.Context, tx *db.Tx, ring *keyring.Ring, persons ...string) (bool, error) {
	var all []Glass
	var reads []db.Read
	now := tx.Now()
	for _, person := range persons {
		reads = append(reads,
			db.ReadInto(&all, scanGlass, `SELECT `+glassColumns+` FROM broken_glass WHERE asker = $1 ORDER BY opened_at DESC, request DESC LIMIT $2`, person, int64(lookedAt)),
			db.ReadInto(&all, scanGlass, `SELECT `+glassColumns+` FROM broken_glass WHERE second = $1 ORDER BY opened_at DESC, request DESC LIMIT $2`, person, int64(lookedAt)),
			db.ReadInto(&all, scanGlass, `SELECT `+glassColumns+` FROM broken_glass WHERE asker = $1 AND reviewed_at IS NULL AND review_by <= $2 ORDER BY review_by, request LIMIT 1`, person, (*db.Time)(&now)),
			db.ReadInto(&all, scanGlass, `SELECT `+glassColumns+` FROM broken_glass WHERE second = $1 AND reviewed_at IS NULL AND review_by <= $2 ORDER BY review_by, request LIMIT 1`, person, (*db.Time)(&now)))
	}
	err := tx.Together(ctx, reads...)
	return slices.ContainsFunc(all, func(g Glass) bool { return !g.Intact(ring) || g.Late(now) }), err
}

// SweepGlass says of at most limit windows that their review is late, once. That both are
// suspended doesn't wait for it. It returns how many there were.
func SweepGlass(ctx context.Context, tx *db.Tx, ring *keyring.Ring, actor string, limit int) (int, error) {
	now := tx.Now()
	due, err := db.All(ctx, tx, scanGlass, `
		SELECT `+glassColumns+` FROM broken_glass WHERE late_at IS NULL AND reviewed_at IS NULL AND review_by <= $1
		ORDER BY review_by, request LIMIT $2`, (*db.Time)(&now), int64(limit))
	if err != nil {
		return 0, err
	}
	for _, g := range due {
		whole := g.Intact(ring)
		g.LateAt = now
		if whole { // what was changed by hand stays so, and suspends
			g.mark = g.bind(ring)
		}
		n, err := tx.Exec(ctx, `
			UPDATE broken_glass SET late_at = $1, bound = $2 WHERE request = $3 AND late_at IS NULL AND reviewed_at IS NULL`,
			(*db.Time)(&g.LateAt), g.mark, g.Request)
		if err != nil {
			return 0, err
		}
		if n == 0 {
			continue // somebody was quicker
		}
		tx.Announce(Alarm{What: LateReview})
		if _, err := note(ctx, tx, g.Service, KindReviewLate, actor, LateBody{Request: g.Request}); err != nil {
			return 0, err
		}
	}
	return len(due), nil
}

// CountLate returns of how many windows the review is late, 1000 at most.
func CountLate(ctx context.Context, tx *db.Tx) (int64, error) {
	now := tx.Now()
	return db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT 1 AS one FROM broken_glass WHERE reviewed_at IS NULL AND review_by <= $1 LIMIT 1000) late`, (*db.Time)(&now))
}

// all holds persons, always in one order. By must be there; who of the others has left, or
// isn't there, is returned without a role.
func all(ctx context.Context, tx *db.Tx, by string, others ...string) (map[string]staff.Person, error) {
	persons := slices.DeleteFunc(append([]string{by}, others...), func(who string) bool { return who == "" && by != "" })
	slices.Sort(persons)
	held := make(map[string]staff.Person, len(persons))
	for _, person := range slices.Compact(persons) {
		p, err := hold(ctx, tx, person)
		if err != nil && (person == by || !errors.Is(err, ErrMayNot)) {
			return nil, err
		}
		held[person] = p
	}
	return held, nil
}

// EachGlass calls fn with every row, in order, for an audit.
func EachGlass(ctx context.Context, tx *db.Tx, fn func(Glass) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		g, err := scanGlass(row)
		if err != nil {
			return err
		}
		return fn(g)
	}, `SELECT `+glassColumns+` FROM broken_glass ORDER BY request`)
}
