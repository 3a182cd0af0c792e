package warning

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/notify"
)

// errNobody says that an addressee may not be told any more, or needs not be.
var errNobody = errors.New("warning: nobody to tell")

// Erased is how the ledger says that the row of an addressee has gone with its child: no row has
// this state.
const Erased State = "erased"

const (
	atOnce     = 16              // messages that are being handed over
	some       = 64              // addressees that are read at a time
	maxFailed  = some            // of a round that goes on: what is wrong with so many isn't theirs
	lease      = 5 * time.Minute // after which a message of which nobody knows is sent again, by the same name
	tries      = 12              // of a gateway that can't take it: with pauses that grow, about half a day
	firstPause = 15 * time.Second
	longest    = 2 * time.Hour
)

// A ToldBody says that an addressee came to stand otherwise, and by which ways they were told so
// far. Inside is that of whoever has telephoned, posted a letter, or heard that one came back.
type ToldBody struct {
	Notice    string `json:"notice"`
	Addressee string `json:"addressee"`
	State     State  `json:"state"`
	Ways      string `json:"ways,omitempty"`
	Batch     int64  `json:"batch,omitempty"` // of one that is Erased: with which it was prepared
	Child     string `json:"child,omitempty"` // likewise: whose addressee it was, by a pseudonym that leads to nobody by then
	Proof     string `json:"proof,omitempty"` // likewise: see ProofOf
	approval.Inside
}

// A Desk knows how somebody is reached.
type Desk struct {
	Consent   consent.Desk
	Messages  notify.Router
	PublicURL string
}

// A Teller tells those whom a case has reached, by the notices that are confirmed.
type Teller struct {
	Desk
	Store   *db.DB
	Reached Source
}

// Done is what a round has done.
type Done struct {
	Prepared int64 // addressees
	Sent     int64 // that a mail server or a gateway took
	Failed   int64 // that it didn't take: they go by the next way
	Waits    int64 // that it can't take now
}

// Round prepares who is to be told, and tells whose turn it is, until nobody is left, or ctx ends.
// The next one goes on where this one was, after a crash, too; on several nodes at once each
// addressee is told by one. Of several notices each has its turn: whom a small case has reached
// doesn't wait until a million others are told.
func (t Teller) Round(ctx context.Context) (done Done, err error) {
	var all []Notice
	err = t.Store.View(ctx, func(tx *db.Tx) (err error) {
		all, err = running(ctx, tx)
		return err
	})
	var failed []error
	fail := func(err error) {
		if err != nil {
			failed = append(failed, err)
		}
	}
	fail(err)
	for _, n := range all {
		fail(t.prepare(ctx, n, &done)) // who is prepared is told, whatever keeps the others from being
	}
	for len(all) > 0 && len(failed) < maxFailed && ctx.Err() == nil {
		all = slices.DeleteFunc(all, func(n Notice) bool {
			more, err := t.tell(ctx, n, &done)
			fail(err)
			return !more
		})
	}
	fail(ctx.Err())
	return done, errors.Join(failed...)
}

func (t Teller) prepare(ctx context.Context, n Notice, done *Done) error {
	for more := n.PreparedAt.IsZero(); more && ctx.Err() == nil; {
		err := t.Store.Update(ctx, func(tx *db.Tx) (err error) {
			more, err = prepare(ctx, tx, t.Consent.Ring, t.Reached, n)
			return err
		})
		if err != nil {
			return err
		}
		before := n.Addressees
		err = t.Store.View(ctx, func(tx *db.Tx) (err error) {
			n, err = Find(ctx, tx, n.Service, n.ID)
			return err
		})
		if err != nil {
			return err
		}
		done.Prepared += n.Addressees - before
	}
	return ctx.Err()
}

// tell sends to some whose turn it is, to several at once, and reports whether there may be more.
// Who fails is put off, and holds up nobody behind.
func (t Teller) tell(ctx context.Context, n Notice, done *Done) (more bool, err error) {
	var due []Addressee
	var text Text
	err = t.Store.View(ctx, func(tx *db.Tx) (err error) {
		due = nil
		now, err := Find(ctx, tx, n.Service, n.ID)
		if err != nil || !now.Running() {
			return err
		}
		if text, err = now.Text(t.Consent.Ring); err != nil {
			return err // nobody is put off for what is wrong with the notice
		}
		at := tx.Now()
		due, err = db.All(ctx, tx, scanAddressee, `
			SELECT `+addresseeColumns+` FROM breach_addressee WHERE notice = $1 AND due_at <= $2
			ORDER BY due_at, child, addressee LIMIT $3`, n.ID, (*db.Time)(&at), int64(some))
		return err
	})
	if err != nil {
		return false, err
	}
	var mu sync.Mutex
	var failed []error
	var going sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for _, a := range due {
		slots <- struct{}{}
		going.Go(func() {
			defer func() { <-slots }()
			is, err := t.one(ctx, n, text, a)
			if err != nil && ctx.Err() == nil {
				err = errors.Join(err, t.Store.Update(ctx, func(tx *db.Tx) error { return a.putOff(ctx, tx) }))
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				failed = append(failed, err)
			case is.State == Sent:
				done.Sent++
			case is.State == Waiting && is.Tries > 0:
				done.Waits++
			case is.State != a.State || is.Written() != a.Written():
				done.Failed++
			}
		})
	}
	going.Wait()
	return len(due) > 0, errors.Join(failed...)
}

// putOff has an addressee about whom nothing can be decided now wait, unless they came to stand
// otherwise meanwhile.
func (a Addressee) putOff(ctx context.Context, tx *db.Tx) error {
	due := tx.Now().Add(longest)
	return tx.Queue(ctx, `UPDATE breach_addressee SET due_at = $1 WHERE child = $2 AND notice = $3 AND addressee = $4 AND state = $5 AND due_at = $6`,
		(*db.Time)(&due), a.Child, a.Notice, a.Guardian, a.State, (*db.Time)(&a.DueAt))
}

// one tells one addressee by their next message. What is sent is written down before, and what
// became of it after. If we crash in between, nobody knows whether it was sent: it is sent again
// once the lease is over, by the same name, so that whoever delivers it can drop the second, as
// every message of ours.
func (t Teller) one(ctx context.Context, n Notice, text Text, a Addressee) (is Addressee, err error) {
	var m *notify.Message
	err = t.Store.Update(ctx, func(tx *db.Tx) (err error) {
		is, m, err = t.begin(ctx, tx, n, text, a)
		return err
	})
	if err != nil || m == nil {
		return is, err
	}
	sent := t.Messages.Send(ctx, *m)
	if sent != nil && ctx.Err() != nil {
		return is, ctx.Err()
	}
	// Whoever stops us now doesn't undo that it was sent.
	err = t.Store.Update(context.WithoutCancel(ctx), func(tx *db.Tx) (err error) {
		is, err = t.end(context.WithoutCancel(ctx), tx, n, is, sent)
		return err
	})
	return is, err
}

// begin takes an addressee on, and writes their message; or passes them on to a way that somebody
// has to take. Without a message there is nothing to send: another node may have taken them on.
func (t Teller) begin(ctx context.Context, tx *db.Tx, n Notice, text Text, a Addressee) (Addressee, *notify.Message, error) {
	now, err := Find(ctx, tx, n.Service, n.ID)
	if err != nil || !now.Running() {
		return a, nil, err
	}
	to, err := t.reach(ctx, tx, n, a)
	switch {
	case errors.Is(err, family.ErrErased), errors.Is(err, family.ErrNotFound):
		return a, nil, a.putOff(ctx, tx) // its row has gone with it; one that is still there was written by hand
	case errors.Is(err, errNobody):
		a, err = a.becomes(ctx, tx, n, Actor, Gone, approval.Inside{})
		return a, nil, err
	case err != nil:
		return a, nil, err
	}
	way := a.Way()
	if a.State == Waiting && a.Tries == 0 || !to.by(way) {
		if way = to.next(a); way == ByPhone || way == ByLetter || way == "" {
			a, err = a.byHand(ctx, tx, n, way, Actor, approval.Inside{})
			return a, nil, err
		}
		a.Ways, a.Tries = append(a.Ways, way), 0
	}
	lease := tx.Now().Add(lease)
	a.Tries++
	held, err := tx.Exec(ctx, `
		UPDATE breach_addressee SET state = 'sending', ways = $1, tries = $2, due_at = $3
		WHERE child = $4 AND notice = $5 AND addressee = $6 AND state = $7 AND due_at = $8`,
		a.Written(), a.Tries, (*db.Time)(&lease), a.Child, a.Notice, a.Guardian, a.State, (*db.Time)(&a.DueAt))
	if err != nil || held != 1 {
		return a, nil, err
	}
	a.State, a.DueAt = Sending, lease
	m, err := t.write(ctx, tx, now, text, a, to)
	return a, &m, err
}

// end notes what became of a message.
func (t Teller) end(ctx context.Context, tx *db.Tx, n Notice, a Addressee, sent error) (Addressee, error) {
	switch {
	case sent == nil:
		return a.becomes(ctx, tx, n, Actor, Sent, approval.Inside{})
	case errors.Is(sent, notify.ErrUnavailable) && a.Tries < tries:
		due := tx.Now().Add(min(longest, firstPause<<(a.Tries-1)))
		changed, err := tx.Exec(ctx, `
			UPDATE breach_addressee SET state = 'waiting', due_at = $1 WHERE child = $2 AND notice = $3 AND addressee = $4 AND state = 'sending'`,
			(*db.Time)(&due), a.Child, a.Notice, a.Guardian)
		if err == nil && changed == 1 {
			a.State, a.DueAt = Waiting, due
		}
		return a, err
	}
	return t.pass(ctx, tx, n, a, Actor, approval.Inside{})
}

// pass passes an addressee on to the next way: by a message, if there is another, at once.
func (t Teller) pass(ctx context.Context, tx *db.Tx, n Notice, a Addressee, actor string, inside approval.Inside) (Addressee, error) {
	to, err := t.reach(ctx, tx, n, a)
	switch {
	case errors.Is(err, family.ErrErased), errors.Is(err, family.ErrNotFound):
		return a, nil
	case errors.Is(err, errNobody):
		return a.becomes(ctx, tx, n, actor, Gone, inside)
	case err != nil:
		return a, err
	}
	way := to.next(a)
	if way == BySMS || way == ByEmail {
		return a.becomes(ctx, tx, n, actor, Waiting, inside)
	}
	return a.byHand(ctx, tx, n, way, actor, inside)
}

// byHand has somebody telephone or write; after the last way, nobody can be told.
func (a Addressee) byHand(ctx context.Context, tx *db.Tx, n Notice, way Way, actor string, inside approval.Inside) (Addressee, error) {
	state := Unreachable
	if way != "" {
		a.Ways = append(a.Ways, way)
		if state = Letter; way == ByPhone {
			state = Call
		}
	}
	return a.becomes(ctx, tx, n, actor, state, inside)
}

// becomes writes where an addressee stands from now on, with its entry. Who stands otherwise than
// they were read, or is gone with their child, is left as they are.
func (a Addressee) becomes(ctx context.Context, tx *db.Tx, n Notice, actor string, state State, inside approval.Inside) (Addressee, error) {
	now, due := tx.Now(), time.Time{}
	if state == Waiting {
		due = now
	}
	changed, err := tx.Exec(ctx, `
		UPDATE breach_addressee SET state = $1, ways = $2, tries = 0, changed_at = $3, due_at = $4
		WHERE child = $5 AND notice = $6 AND addressee = $7 AND state = $8`,
		state, a.Written(), (*db.Time)(&now), (*db.Time)(&due), a.Child, a.Notice, a.Guardian, a.State)
	if err != nil || changed != 1 {
		return a, err
	}
	a.State, a.ChangedAt, a.DueAt, a.Tries = state, now, due, 0
	_, err = n.note(ctx, tx, KindTold, actor, ToldBody{Notice: n.ID, Addressee: a.Name, State: a.State, Ways: a.Written(), Inside: inside})
	return a, err
}

// A reached is how somebody can be told.
type reached struct {
	contacts []consent.Contact // for which this server has a gateway, theirs first
	phone    bool              // a number is on file
	lang     i18n.Lang
}

func (r reached) by(w Way) bool {
	return slices.ContainsFunc(r.contacts, func(c consent.Contact) bool { return string(c.Channel) == string(w) })
}

// next returns the first way that wasn't tried yet, or "".
func (r reached) next(a Addressee) Way {
	var all []Way
	for _, c := range r.contacts {
		all = append(all, Way(c.Channel))
	}
	if r.phone {
		all = append(all, ByPhone)
	}
	for _, w := range append(all, ByLetter) {
		if !slices.Contains(a.Ways, w) {
			return w
		}
	}
	return ""
}

// reach returns how an addressee can be told. The child is held: nothing that is written for it
// outlives an erasure. Errors: errNobody, those of family.Hold.
func (d Desk) reach(ctx context.Context, tx *db.Tx, n Notice, a Addressee) (r reached, err error) {
	c, err := family.Hold(ctx, tx, n.Service, a.Child)
	if err != nil {
		return r, err
	}
	g, err := family.FindGuardian(ctx, tx, a.Child, a.Guardian)
	if errors.Is(err, family.ErrGuardianNotFound) || errors.Is(err, family.ErrGuardianEnded) || err == nil && !mayHear(d.Consent.Ring, g, tx.Now()) {
		err = errNobody
	}
	if err != nil {
		return r, err
	}
	to, err := d.Consent.Reach(ctx, tx, c, g.ID)
	switch {
	case errors.Is(err, consent.ErrNoRequest):
		phone, email, _, err := family.Contact(ctx, tx, d.Consent.Ring, c, g.ID)
		if err != nil {
			return r, err
		}
		to.Contacts, to.Lang = []consent.Contact{{Channel: consent.SMS, To: phone}, {Channel: consent.Email, To: email}}, string(i18n.Chinese)
	case err != nil:
		return r, err
	}
	r.lang = i18n.Lang(to.Lang)
	for _, c := range to.Contacts {
		if c.To.IsZero() {
			continue
		}
		r.phone = r.phone || c.Channel == consent.SMS
		if d.Messages.Has(notify.Channel(c.Channel)) {
			r.contacts = append(r.contacts, c)
		}
	}
	return r, nil
}

// write writes the message by which an addressee is told.
func (d Desk) write(ctx context.Context, tx *db.Tx, n Notice, text Text, a Addressee, to reached) (notify.Message, error) {
	i := slices.IndexFunc(to.contacts, func(c consent.Contact) bool { return string(c.Channel) == string(a.Way()) })
	name, err := d.serviceName(ctx, tx, n.Service, to.lang)
	if err != nil {
		return notify.Message{}, err
	}
	m := d.message(n, text, name, notify.To{Channel: notify.Channel(a.Way()), Address: to.contacts[i].To, Lang: to.lang, Site: d.PublicURL})
	m.ID = messageName(d.Consent.Ring, a)
	return m, nil
}

// message puts what a notice says into a message.
func (d Desk) message(n Notice, text Text, service string, to notify.To) notify.Message {
	w := text.In(to.Lang)
	return notify.Breach{Service: service, What: w.What, Cause: w.Cause, Harm: w.Harm, Remedies: w.Remedies, Advice: w.Advice, Contact: w.Contact, Child: w.Child,
		Link: Page(d.PublicURL, n, to.Lang)}.Message(to)
}

// Page is where a notice can be read by whoever has its name, and holds nothing of anybody.
func Page(site string, n Notice, lang i18n.Lang) string {
	return site + "/warnings/" + n.ID + "?lang=" + string(lang)
}

// Preview returns the messages of a notice as they would go out, to nobody.
func (d Desk) Preview(ctx context.Context, tx *db.Tx, n Notice, lang i18n.Lang) (sms, email notify.Message, err error) {
	text, err := n.Text(d.Consent.Ring)
	if err != nil {
		return sms, email, err
	}
	name, err := d.serviceName(ctx, tx, n.Service, lang)
	to := notify.To{Channel: notify.SMS, Lang: lang, Site: d.PublicURL}
	sms = d.message(n, text, name, to)
	to.Channel = notify.Email
	return sms, d.message(n, text, name, to), err
}

// messageName is by what a gateway knows a message again. Mail servers log it beside the address:
// it names nothing that the ledger does.
func messageName(ring *keyring.Ring, a Addressee) string {
	return short(ring.Index("warning.message", a.Name, string(a.Way())))
}

func (d Desk) serviceName(ctx context.Context, tx *db.Tx, service string, lang i18n.Lang) (string, error) {
	published, err := d.Consent.Charters.Current(ctx, tx, service)
	if errors.Is(err, catalog.ErrNoCharter) {
		return service, nil
	}
	if err != nil {
		return "", err
	}
	return published.Charter.Name.In(charter.Lang(lang)), nil
}

// ProofOf is what the ledger has of that an addressee went with its child: who takes a row out of
// the table can't make it, and is found.
func ProofOf(ring *keyring.Ring, notice, name, subject string) string {
	return short(ring.Index("warning.erased", notice, name, subject))
}

// Forget removes the rows of a locked child that is about to be erased. The ledger has that they
// went: by their names, which lead to nobody from then on.
func Forget(ctx context.Context, tx *db.Tx, ring *keyring.Ring, actor string, c family.Child) error {
	rows, err := db.All(ctx, tx, scanAddressee, `SELECT `+addresseeColumns+` FROM breach_addressee WHERE child = $1 ORDER BY notice, addressee`, c.ID)
	for _, a := range rows {
		if err == nil {
			_, err = Notice{Service: c.Service}.note(ctx, tx, KindTold, actor, ToldBody{Notice: a.Notice, Addressee: a.Name, State: Erased, Ways: a.Written(), Batch: a.Batch,
				Child: c.Subject, Proof: ProofOf(ring, a.Notice, a.Name, c.Subject)})
		}
	}
	if err != nil || len(rows) == 0 {
		return err
	}
	return tx.Queue(ctx, `DELETE FROM breach_addressee WHERE child = $1`, c.ID)
}
