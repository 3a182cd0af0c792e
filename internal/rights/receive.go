package rights

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/staff"
)

// A Demand is what somebody asks for.
type Demand struct {
	Kind     Kind
	Door     Door
	Guardian family.GuardianID // who asks, where that is known
	Item     string            // to correct or to supplement
	Text     pii.Text          // in the own words, at most 500 characters; a bare demand is enough
	Held     []string          // the items that can still be read, as the same transaction sees them
	Reached  Reached           // of one that the staff record on somebody's behalf: how it came; may be empty
	Paper    string            // likewise: the SHA-256 of the document that came with it, or empty

	// Of a copy that is carried over: to whom, and which items; none: whatever is held.
	To    Recipient
	Items []string
	ports bool // it is taken by Desk.Port

	hidden bool // what is held is hidden from the guardian who asks
}

// BirthDate names the birth date in a demand to correct or to supplement it. It is no
// item of a charter, unless one declares it: older makes a child only what two have seen
// (ClaimOlder).
const BirthDate = "birth_date"

const (
	maxText = 500
	maxOpen = 20 // of one child
)

// Receive takes a demand about a child. One that erases freezes the child at once: a guardian's
// is erased by the next sweep, a child's after some working days in which its
// guardian hears of it (edge case 17), that of somebody else when a guardian has
// confirmed it (edge case 11). A guardian who demands what another door has
// demanded already confirms that, and the child takes on what waits for a guardian. One to delete a value is the guardian's alone, and
// done with the transaction: whoever calls erases the value in it. One to be told, or to
// get a copy, is done with it too: a verified guardian finds the answer at home for
// seven days, whoever of guardian and child has asked, and a contact gets none. By is the guardian, or the operator's app or
// officer, or a person inside who handles demands, for whoever came by phone or letter. Errors: ErrMayNot, ErrPast18, ErrKind,
// ErrDoor, ErrContact, ErrItem, ErrNotHeld, ErrText, ErrTwice, ErrStands, ErrMany,
// those of family.Lock.
func (d Desk) Receive(ctx context.Context, tx *db.Tx, by family.Actor, child family.Child, ask Demand) (Request, string, error) {
	fail := func(err error) (Request, string, error) { return Request{}, "", err }
	if ask.Kind == Port && !ask.ports {
		return fail(ErrAtHome.At("kind"))
	}
	c, err := family.Lock(ctx, tx, child.Service, child.ID)
	if err != nil {
		return fail(err)
	}
	// Edge case 4: the guardian's door is open until 18, by the second, in office or not.
	switch class, err := c.Class(d.Ring, tx.Now()); {
	case err != nil:
		return fail(err)
	case ask.Door == ByGuardian && class == age.Adult:
		return fail(ErrPast18)
	}
	if err := ask.by(ctx, tx, by, c); err != nil {
		return fail(err)
	}
	if ask.hidden, err = d.fromThreat(ctx, tx, c, ask); err != nil {
		return fail(err)
	}
	if err := d.check(ctx, tx, c, ask); err != nil {
		return fail(err)
	}
	all, err := Of(ctx, tx, c.ID)
	if err != nil {
		return fail(err)
	}
	if slices.ContainsFunc(all, func(r Request) bool { return ask.stands(r, tx.Now()) }) {
		return fail(ErrStands)
	}
	if ask.Kind == Port {
		if err := mayPort(ctx, tx, d.Ring, c); err != nil {
			return fail(err)
		}
	}
	all = slices.DeleteFunc(all, func(r Request) bool { return r.State != Open })
	if i := slices.IndexFunc(all, ask.same); i >= 0 {
		if ask.outweighs(all[i]) {
			return d.takeOn(ctx, tx, by, c, all[i], ask)
		}
		if ask.hidden && (all[i].Door != ByGuardian || all[i].Guardian != ask.Guardian) {
			return fail(ErrNotHere) // nor does it learn what others have demanded
		}
		return fail(ErrTwice)
	}
	if len(all) >= maxOpen {
		return fail(ErrMany)
	}
	return d.receive(ctx, tx, by, c, ask)
}

// receive writes a demand that was checked.
func (d Desk) receive(ctx context.Context, tx *db.Tx, by family.Actor, c family.Child, ask Demand) (Request, string, error) {
	inside, err := insideOf(ctx, tx, by, c.Service)
	if err != nil {
		return Request{}, "", err
	}
	now := tx.Now()
	r := Request{
		ID: id.New(id.Rights), Child: c.ID, Service: c.Service, Number: id.Number(), Kind: ask.Kind, Door: ask.Door,
		Guardian: ask.Guardian, Item: ask.Item, State: Open, ReceivedAt: now, DueAt: d.after(now, d.Clocks.Or(Defaults).Finish),
		Reached: ask.Reached, Paper: ask.Paper != "",
	}
	if r.Kind.Erases() {
		// Article 20: from the demand on, nothing but keeping.
		if r.froze = !c.Frozen; r.froze {
			if _, err := family.Freeze(ctx, tx, by, c, freezes(r.Kind)); err != nil {
				return r, "", err
			}
		}
		r.EraseAt = d.erasure(now, ask)
	}
	told, err := d.told(ctx, tx, c, ask)
	if err != nil {
		return r, "", err
	}
	if told {
		r.FetchUntil = now.Add(fetchable)
	}
	if !told {
		r.Owner = OwnerOf(by)
	}
	if !ask.Text.IsZero() {
		if r.note, err = c.SealNote(d.Ring, ask.Text, r.bound("note")...); err != nil {
			return r, "", err
		}
	}
	if r.Paper {
		if r.paper, err = c.SealNote(d.Ring, pii.New(ask.Paper), r.bound("paper")...); err != nil {
			return r, "", err
		}
	}
	entry, err := r.step(ctx, tx, c, KindReceived, by.Ledger(), ReceivedBody{
		Request: r.ID, Number: r.Number, Kind: r.Kind, Door: r.Door, Guardian: r.Guardian, Item: r.Item,
		Due: r.DueAt.UnixMicro(), Erase: micros(r.EraseAt), Fetch: micros(r.FetchUntil), Froze: r.froze, Owner: r.Owner, Note: r.note != nil,
		Reached: r.Reached, Paper: r.Paper, Items: ask.Items, Home: r.Kind == Port && ask.To.Home, Inside: inside,
	})
	if err != nil {
		return r, "", err
	}
	r.Entry = entry
	if r.Kind == DeleteItem || told {
		r.State, r.ClosedAt = Done, now
		if entry, err = r.step(ctx, tx, c, KindDone, by.Ledger(), EndedBody{Request: r.ID, Received: r.ReceivedAt.UnixMicro(), Inside: inside}); err != nil {
			return r, "", err
		}
	}
	if err := r.insert(ctx, tx); err != nil || !r.Kind.Tells() || r.Kind == Port {
		return r, entry, err
	}
	return r, entry, d.helped(ctx, tx, by, c, r, inside)
}

// told reports whether the demand is answered by itself, because there is a guardian who
// finds the answer at home. Else it waits for the staff, as any other: whoever is 18
// asks for itself, and a child may have nobody who was verified.
func (d Desk) told(ctx context.Context, tx *db.Tx, c family.Child, ask Demand) (bool, error) {
	if !ask.Kind.Tells() || ask.Door == ByGuardian {
		// Edge case 22: who sees nothing at home finds no answer there. The office answers.
		return ask.Kind.Tells() && !ask.hidden, nil
	}
	class, err := c.Class(d.Ring, tx.Now())
	if err != nil || class == age.Adult {
		return false, err
	}
	var all []family.Guardian
	err = tx.Together(ctx, family.ReadGuardians(&all, c.ID))
	return slices.ContainsFunc(all, func(g family.Guardian) bool { return g.MayAnswer() && !g.Hidden(d.Ring, tx.Now()) }), err
}

func (r Request) insert(ctx context.Context, tx *db.Tx) error {
	return tx.Queue(ctx, `
		INSERT INTO rights_request (`+columns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', $11, $12, '', $13, $14, $15, $16, $17, NULL, '', $18, $19, $20, $21)`,
		r.Child, r.ID, r.Service, r.Number, r.Kind, r.Door, r.Guardian, r.Item, r.State, r.Owner, (*db.Time)(&r.ReceivedAt),
		(*db.Time)(&r.DueAt), (*db.Time)(&r.EraseAt), (*db.Time)(&r.ClosedAt), (*db.Time)(&r.FetchUntil), r.froze, r.note, r.Entry,
		r.Reached, r.paper, r.steps)
}

// erasure is when a child is erased of whom it is demanded now.
func (d Desk) erasure(now time.Time, ask Demand) time.Time {
	switch {
	case ask.Door == ByGuardian && ask.hidden:
		// Articles 1 and 20: it is received, it freezes, and its clock runs. But a demand of
		// who is the threat could erase the proof of that, so it isn't carried out by itself:
		// the office does, or refuses it in writing (edge case 22).
		return time.Time{}
	case ask.Door == ByGuardian:
		return now
	case ask.Door == ByChild:
		return d.after(now, d.Clocks.Or(Defaults).ChildWait)
	}
	return time.Time{} // a guardian is asked first
}

// fromThreat reports whether the demand is one of a guardian from whom what is held of the
// child is hidden, whoever has brought it.
func (d Desk) fromThreat(ctx context.Context, tx *db.Tx, c family.Child, ask Demand) (bool, error) {
	if ask.Door != ByGuardian {
		return false, nil
	}
	g, err := family.FindGuardian(ctx, tx, c.ID, ask.Guardian)
	return g.Hidden(d.Ring, tx.Now()), err
}

// after is n working days after a moment, by the calendar of that moment, whether or not
// it knows the holidays of that year yet. What comes of it stands on the row, and no notice
// that is known later moves it: who demands is told the day in writing, and may rely on
// it. The days are ours (the law says timely), and the calendar that doesn't know a lunar
// festival counts it as a working day: the date is the earlier one for all but the few
// weekends that are worked in exchange, by which it may be a day or two late.
func (d Desk) after(from time.Time, n int) time.Time {
	due, _ := d.Calendar.Add(from, n)
	return due.UTC()
}

func freezes(k Kind) family.FreezeReason {
	if k == Close {
		return family.ClosureRequested
	}
	return family.DeletionRequested
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// by refuses whoever may not demand this. A guardian speaks for itself; for
// others the operator's app and its officer do, and where they say that a guardian
// asks, it is one in office.
func (ask Demand) by(ctx context.Context, tx *db.Tx, by family.Actor, c family.Child) error {
	switch by := by.(type) {
	case family.Guardian:
		if by.Child != c.ID || by.Strength < family.OneTimeCode || ask.Door != ByGuardian || ask.Guardian != by.ID {
			return ErrMayNot
		}
	case account.App:
		if by.Service != c.Service || !by.May(account.RequestsWrite) {
			return ErrMayNot
		}
	case catalog.Officer:
		if !by.Governs(c.Service) {
			return ErrMayNot
		}
	case staff.Acting:
		if !governs(by, c.Service) {
			return ErrMayNot
		}
	default:
		return ErrMayNot
	}
	switch {
	case ask.Kind == DeleteItem && ask.Door != ByGuardian:
		return ErrDoor.At("door")
	case ask.Kind.Tells() && ask.Door == ByContact:
		return ErrContact
	}
	switch ask.Door {
	case ByGuardian:
		return inOffice(ctx, tx, c.ID, ask.Guardian)
	case ByChild, ByContact:
		if ask.Guardian == "" {
			return nil
		}
		if ask.Door == ByChild {
			return ErrDoor.At("guardian") // the child asks alone, or it isn't the child who asks
		}
		g, err := family.FindGuardian(ctx, tx, c.ID, ask.Guardian)
		if err == nil && g.MayAnswer() {
			err = ErrDoor.At("door") // a guardian demands as one
		}
		return err
	}
	return ErrDoor.At("door")
}

// inOffice refuses who isn't a verified guardian in office at this moment.
func inOffice(ctx context.Context, tx *db.Tx, child family.ID, guardian family.GuardianID) error {
	g, err := family.FindGuardian(ctx, tx, child, guardian)
	if err == nil && !g.MayAnswer() {
		err = ErrMayNot
	}
	return err
}

// check refuses what can't be demanded. The words of whoever asks are taken as
// they are, if they are words.
func (d Desk) check(ctx context.Context, tx *db.Tx, c family.Child, ask Demand) error {
	switch {
	case !ask.Kind.known():
		return ErrKind.At("kind")
	case !isText(ask.Text):
		return ErrText.At("text")
	case ask.Reached != "" && !slices.Contains(Ways, ask.Reached):
		return ErrReached.At("reached")
	case (ask.Kind == DeleteItem || ask.Kind == Port) && ask.hidden:
		return ErrNotHere // it would be gone, or carried over, at once
	case ask.Kind == Port:
		return ask.chosen()
	case (ask.Kind.Erases() || ask.Kind.Tells()) && ask.Item == "":
		return nil
	case ask.Kind.Erases() || ask.Kind.Tells():
		return ErrItem.At("item")
	case ask.Item == BirthDate && ask.Kind != DeleteItem:
		return nil
	}
	p, err := d.Charters.Current(ctx, tx, c.Service)
	if err != nil {
		return err
	}
	_, declared := p.Charter.Item(ask.Item)
	held := slices.Contains(ask.Held, ask.Item)
	switch {
	case !declared && (!held || ask.hidden):
		return ErrItem.At("item")
	case ask.Kind != Supplement && !held && !ask.hidden:
		return ErrNotHeld.At("item")
	}
	return nil
}

// isText reports whether somebody may have written that: it may be empty.
func isText(t pii.Text) bool {
	text := t.Reveal()
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= maxText && strings.IndexByte(text, 0) < 0
}

// outweighs reports whether somebody with more say demands what r does.
func (ask Demand) outweighs(r Request) bool {
	if ask.hidden || !ask.Kind.Erases() {
		return false
	}
	return ask.Door == ByGuardian && (r.Door != ByGuardian || r.Waits()) || ask.Door == ByChild && (r.Door == ByContact || r.Waits())
}

// same reports whether an open demand asks for this already: all that erase ask
// for one thing.
func (ask Demand) same(r Request) bool {
	return ask.Kind.Erases() && r.Kind.Erases() || ask.Kind == r.Kind && ask.Item == r.Item
}

// stands reports whether r has answered the same already, and its answer is there.
func (ask Demand) stands(r Request, now time.Time) bool {
	return !ask.hidden && ask.Kind.Tells() && ask.Kind != Port && ask.Kind == r.Kind && ask.Door == r.Door && ask.Guardian == r.Guardian && now.Before(r.FetchUntil)
}
