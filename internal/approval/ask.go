package approval

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/staff"
)

// An Asking is what somebody asks to see, and why.
type Asking struct {
	Purpose string   // of the charter in force, that uses what is collected for it
	Items   []string // of that purpose
	Reason  Reason
	Text    pii.Text // in the own words, at most 500 characters: a code alone explains nothing
	Minutes int      // 0: as usual
	// Glass says that it can't wait for whoever decides: another person opens the window by
	// joining, for minutes, and the office reviews it (Join).
	Glass bool
	// Export says that it is to leave as a file, sealed to the key of who asks, about which
	// two others decide.
	Export bool
	// Basis takes the place of a guardian's yes, and Paper is what is written of it.
	Basis Basis
	Paper Paper
}

const (
	maxText  = 500
	maxItems = 64
	maxOpen  = 20 // requests of one person about one child: nobody keeps others from asking
)

// Ask takes a request about a child. It opens nothing: that takes somebody else's
// decision. What a foreign authority demands is refused as it is asked, which is recorded:
// ErrForeign comes with the request. Errors: ErrMayNot, also for who has left; with Glass
// ErrInOffice and ErrSuspended; with Export ErrKey; with a Basis those of it; ErrPurpose, ErrItems, ErrReason, ErrText, ErrMinutes, ErrMany,
// catalog.ErrNoCharter, those of family.Lock.
func (d Desk) Ask(ctx context.Context, tx *db.Tx, by staff.Person, child family.Child, ask Asking) (Request, string, error) {
	fail := func(err error) (Request, string, error) { return Request{}, "", err }
	c, err := family.Lock(ctx, tx, child.Service, child.ID)
	if err != nil {
		return fail(err)
	}
	b := &ask.Basis
	b.Ends, b.SilentUntil = b.Ends.Truncate(time.Microsecond), b.SilentUntil.Truncate(time.Microsecond) // as they are kept
	limits := d.Limits.Or(Defaults).Asked(ask.Glass, ask.Basis.Ground)
	if ask.Minutes == 0 {
		ask.Minutes = limits.Minutes
	}
	if err := ask.check(limits, tx.Now()); err != nil {
		return fail(err)
	}
	asker, err := hold(ctx, tx, by.ID)
	if err != nil {
		return fail(err)
	}
	s, err := catalog.Find(ctx, tx, c.Service)
	if err != nil {
		return fail(err)
	}
	if !May(asker, staff.AskAccess, s) {
		return fail(ErrMayNot)
	}
	if ask.Export && !ask.Basis.Foreign() {
		if err := d.hasKey(ctx, tx, asker); err != nil {
			return fail(err)
		}
	}
	if ask.Glass {
		if err := d.mayBreak(ctx, tx, asker, s); err != nil {
			return fail(err)
		}
	}
	if err := d.declared(ctx, tx, s, ask); err != nil {
		return fail(err)
	}
	now := tx.Now()
	n, err := db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM approval WHERE child = $1 AND asker = $2 AND state IN ('open', 'agreed') AND answer_by > $3`, c.ID, asker.ID, (*db.Time)(&now))
	if err != nil {
		return fail(err)
	}
	if n >= maxOpen {
		return fail(ErrMany)
	}
	r := Request{ID: id.New(id.Look), Child: c.ID, Service: c.Service, Number: id.Number(), Asker: asker.ID, Purpose: ask.Purpose,
		Items: slices.Clone(ask.Items), Reason: ask.Reason, Minutes: ask.Minutes, Glass: ask.Glass, Export: ask.Export, State: Open, AskedAt: now, AnswerBy: now.Add(limits.Answer), Basis: ask.Basis}
	if r.Ground == OnLaw && r.Ends.Before(r.AnswerBy) {
		r.AnswerBy = r.Ends
	}
	kind := KindAsked
	if r.Foreign() {
		kind, r.State, r.Answer = KindForeign, Refused, ForeignAuthority
	}
	paper, err := r.sealPaper(d.Ring, c, ask.Paper)
	if err != nil {
		return fail(err)
	}
	if r.note, err = c.SealNote(d.Ring, ask.Text, r.place("note")...); err != nil {
		return fail(err)
	}
	decoy, err := IsDecoy(ctx, tx, d.Ring, c)
	if err != nil {
		return fail(err)
	}
	var alarms []Cause
	if decoy {
		alarms = []Cause{Touched}
	}
	entry, err := record(ctx, tx, c, kind, asker.Ledger(), AskedBody{Request: r.ID, Number: r.Number, Purpose: r.Purpose, Items: r.Items,
		Reason: r.Reason, Minutes: r.Minutes, Glass: r.Glass, Export: r.Export, AnswerBy: r.AnswerBy.UnixMicro(), Person: asker.Version, Catalog: s.Version, Alarms: alarms, Basis: r.Basis.body(r.ID, paper)})
	if err == nil {
		err = Raise(ctx, tx, r.Service, r.ID, asker.Ledger(), alarms, entry)
	}
	if err != nil {
		return fail(err)
	}
	r.mark = r.bind(d.Ring)
	err = tx.Queue(ctx, `
		INSERT INTO approval (`+columns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, '', '', '', '', $15, NULL, NULL, 0, 0, NULL, '', '',
			$16, $17, $18, $19, $20, $21, $22, false, NULL, NULL, $23, $24, NULL, NULL, NULL, $25)`,
		r.Child, r.ID, r.Service, r.Number, r.Asker, r.Purpose, strings.Join(r.Items, " "), r.Reason, int64(r.Minutes), r.Glass, r.Export, r.State,
		(*db.Time)(&r.AskedAt), (*db.Time)(&r.AnswerBy), r.Answer, r.Ground, r.Receiver, r.Level, r.Country, (*db.Time)(&r.Ends), r.Silence,
		(*db.Time)(&r.SilentUntil), r.paper, r.note, r.mark)
	if err == nil && r.Foreign() {
		err = db.Recorded(ErrForeign)
	}
	return r, entry, err
}

// check refuses what can't be asked, whoever asks.
func (ask Asking) check(limits Limits, now time.Time) error {
	switch {
	case ask.Glass && ask.Export:
		return ErrExport
	case !slices.Contains(Reasons, ask.Reason):
		return ErrReason.At("reason")
	case !isText(ask.Text) || strings.TrimSpace(ask.Text.Reveal()) == "":
		return ErrText.At("text")
	case ask.Minutes < 1 || ask.Minutes > limits.MaxMinutes:
		return ErrMinutes.At("minutes")
	case len(ask.Items) == 0 || len(ask.Items) > maxItems:
		return ErrItems.At("items")
	}
	return ask.grounded(now)
}

// declared refuses names that the charter in force doesn't have: no other gets into the
// ledger.
func (d Desk) declared(ctx context.Context, tx *db.Tx, s catalog.Service, ask Asking) error {
	if s.Charter == 0 {
		return catalog.ErrNoCharter
	}
	p, err := d.Charters.Version(ctx, tx, s.Name, s.Charter)
	if err != nil {
		return err
	}
	purpose, ok := p.Charter.Purpose(ask.Purpose)
	if !ok || ask.Basis.Ground == OnConsent && !purpose.Does(charter.Use) {
		return ErrPurpose.At("purpose")
	}
	for i, item := range ask.Items {
		if !purpose.Has(item) || slices.Contains(ask.Items[:i], item) {
			return ErrItems.At("items")
		}
	}
	return nil
}

// isText reports whether somebody may have written that: it may be empty.
func isText(t pii.Text) bool {
	text := t.Reveal()
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= maxText && strings.IndexByte(text, 0) < 0
}

// hold holds a person to the end of the transaction, so that nobody takes a role from
// them meanwhile. Who isn't there, or has left, may nothing.
func hold(ctx context.Context, tx *db.Tx, person string) (staff.Person, error) {
	p, err := staff.Lock(ctx, tx, person)
	if errors.Is(err, staff.ErrNotFound) || errors.Is(err, staff.ErrLeft) {
		err = ErrMayNot
	}
	return p, err
}

// hasKey refuses who could open no file: there is no key, or it isn't good yet.
func (d Desk) hasKey(ctx context.Context, tx *db.Tx, asker staff.Person) error {
	key, err := staff.RecipientOf(ctx, tx, asker.ID)
	switch {
	case errors.Is(err, staff.ErrNoRecipient):
		return ErrKey
	case err != nil:
		return err
	case !key.Intact(d.Ring):
		return ErrForged
	case !key.Good(tx.Now()):
		return ErrKey
	}
	return nil
}

// mayBreak refuses who may ask, and not without the office.
func (d Desk) mayBreak(ctx context.Context, tx *db.Tx, asker staff.Person, s catalog.Service) error {
	if InOffice(asker, s) {
		return ErrInOffice
	}
	late, err := Suspended(ctx, tx, d.Ring, asker.ID)
	if err == nil && late {
		err = ErrSuspended
	}
	return err
}
