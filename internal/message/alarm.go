package message

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/notify"
	"wardkeep/internal/party"
	"wardkeep/internal/publication"
	"wardkeep/internal/rectification"
	"wardkeep/internal/staff"
	"wardkeep/internal/stream"
)

// The causes of alarms beside approval.Causes. That of a party an entry tells of; the others
// are what the store itself says.
const (
	SweepBehind  = "sweep"  // not everything that is due was deleted
	PartyOwes    = "party"  // a paper of a processor or recipient ends, or a check or orders are late
	OrdersLate   = "orders" // a processor or recipient gets nothing new until it has done what it was told
	AuditDiffers = "audit"  // what is stored isn't what was recorded
	Found        = "found"  // an app has found too much of held children by asking what is in a text
	KeyGiven     = "key"    // an app's key was given out that reads values, or opens what is sealed
	BordersNear  = "border" // nearly as many children had something leave the country as may without an assessment
)

// Incident is the cause of the alarm that a case was opened, Drilled of that one is practised, Stream of that a log counts as a
// child's, and Rectification of that what has to be put right has a day that is near or over.
const (
	Incident      = "incident"
	Drilled       = "drill"
	Stream        = "stream"
	Rectification = "rectification"
)

// The causes of letters about reports to the desk.
const (
	Complaint    = "complaint"     // one came in, or was opened once more
	ComplaintDue = "complaint_due" // one is to be acknowledged or answered today
)

// alarm tells officer and deputy of what a look, a look-up or a request has raised, or an
// app's key: of each key, for whoever has one could bury what another does.
func alarm(ctx context.Context, tx *db.Tx, _ *keyring.Ring, p ledger.Placed) ([]Due, error) {
	var b approval.AlarmBody
	if err := p.Into(&b); err != nil {
		return nil, err
	}
	return inOffice(ctx, tx, p, string(b.Cause), keyOf(p))
}

// keyOf returns the id of the key by which an entry was made, an app's or a party's, or "".
func keyOf(p ledger.Placed) string {
	for _, kind := range []string{"app:", "party:"} {
		if key, is := strings.CutPrefix(p.Actor, kind); is {
			return key
		}
	}
	return ""
}

// foundMuch tells them of an app that has found too much of held children by having texts looked
// at (Article 15): of each key, as above.
func foundMuch(ctx context.Context, tx *db.Tx, _ *keyring.Ring, p ledger.Placed) ([]Due, error) {
	return inOffice(ctx, tx, p, Found, keyOf(p))
}

// given tells them of a key that reads values of any child its guardians agreed for, or opens what the
// operator's own databases hold (Article 15): whoever gives it out holds it for a moment, and what is done
// by it stands under the app's name.
func given(ctx context.Context, tx *db.Tx, _ *keyring.Ring, p ledger.Placed) ([]Due, error) {
	var b account.IssuedBody
	if err := p.Into(&b); err != nil {
		return nil, err
	}
	if !slices.Contains(b.Scopes, account.ItemsRead) && !slices.Contains(b.Scopes, account.Seal) {
		return nil, nil
	}
	return inOffice(ctx, tx, p, KeyGiven, b.ID)
}

// broken tells them of a window that was opened without them.
func broken(ctx context.Context, tx *db.Tx, _ *keyring.Ring, p ledger.Placed) ([]Due, error) {
	return inOffice(ctx, tx, p, string(approval.BrokenGlass), "")
}

// leaked tells them that something may have leaked: of each case, for each has clocks of its
// own (Article 21).
func leaked(ctx context.Context, tx *db.Tx, _ *keyring.Ring, p ledger.Placed) ([]Due, error) {
	var b incident.OpenedBody
	if err := p.Into(&b); err != nil {
		return nil, err
	}
	if b.Drill {
		return inOffice(ctx, tx, p, Drilled, b.Case)
	}
	return inOffice(ctx, tx, p, Incident, b.Case)
}

// complained tells them of a report that came in, or whose clock ends today: those of an hour in
// one letter, for strangers can send many (Article 24).
func complained(cause string) reading {
	return func(ctx context.Context, tx *db.Tx, _ *keyring.Ring, p ledger.Placed) ([]Due, error) {
		return inOffice(ctx, tx, p, cause, "")
	}
}

// flipped tells them that a log counts as a child's from now on: of each, for what follows is
// another thing for each (Article 28).
func flipped(ctx context.Context, tx *db.Tx, _ *keyring.Ring, p ledger.Placed) ([]Due, error) {
	var b stream.FlippedBody
	if err := p.Into(&b); err != nil {
		return nil, err
	}
	return inOffice(ctx, tx, p, Stream, b.Stream)
}

// unrectified tells them, and whoever looks after it, of what has to be put right by a day that
// is near or over (Articles 25 to 27): of each.
func unrectified(ctx context.Context, tx *db.Tx, _ *keyring.Ring, p ledger.Placed) ([]Due, error) {
	m, err := rectified(ctx, tx, p)
	if err != nil || !m.Open() {
		return nil, err
	}
	persons, err := approvers(ctx, tx, p.Service)
	if !slices.Contains(persons, m.Owner) {
		persons = append(persons, m.Owner)
	}
	return alarmsTo(persons, p, Rectification, m.ID), err
}

// rectified returns what an entry reminds of, as it stands by now. Of what this store doesn't
// know, from before it was put back, nobody is reminded.
func rectified(ctx context.Context, tx *db.Tx, p ledger.Placed) (rectification.Matter, error) {
	var b rectification.RemindedBody
	if err := p.Into(&b); err != nil {
		return rectification.Matter{}, err
	}
	m, err := rectification.Find(ctx, tx, p.Service, b.Matter)
	if errors.Is(err, rectification.ErrNotFound) {
		err = ErrNobody
	}
	return m, err
}

// unreviewed tells them of one that they haven't reviewed: of each, for a letter goes to nobody
// once its review is made, and then another's mustn't have gone with it.
func unreviewed(ctx context.Context, tx *db.Tx, _ *keyring.Ring, p ledger.Placed) ([]Due, error) {
	var b approval.LateBody
	if err := p.Into(&b); err != nil {
		return nil, err
	}
	return inOffice(ctx, tx, p, string(approval.LateReview), b.Request)
}

// owed tells them of what of a processor or a recipient has a day: of each, for another's
// mustn't have gone with it.
func owed(ctx context.Context, tx *db.Tx, _ *keyring.Ring, p ledger.Placed) ([]Due, error) {
	var b party.AlarmBody
	if err := p.Into(&b); err != nil {
		return nil, err
	}
	return inOffice(ctx, tx, p, PartyOwes, strings.Join([]string{string(b.Role), b.Party, string(b.What)}, "."))
}

// shut tells them that the gate is closed to a processor or recipient whose orders are overdue
// (edge case 13): of each, once, for the next ones close nothing more.
func shut(ctx context.Context, tx *db.Tx, _ *keyring.Ring, p ledger.Placed) ([]Due, error) {
	var b catalog.PartyBody
	if err := p.Into(&b); err != nil {
		return nil, err
	}
	return inOffice(ctx, tx, p, OrdersLate, b.Party)
}

// inOffice tells whoever holds an office of the service and has an account. A thousand
// alarms of one cause within an hour are one letter to each: whoever wants to bury one
// buries the others' letters, and not the first. With a request, or an app's key, they are one
// of that.
func inOffice(ctx context.Context, tx *db.Tx, p ledger.Placed, cause, of string) ([]Due, error) {
	persons, err := approvers(ctx, tx, p.Service)
	return alarmsTo(persons, p, cause, of), err
}

func alarmsTo(persons []string, p ledger.Placed, cause, of string) (due []Due) {
	about := cause
	if of != "" {
		about += "." + of
	}
	for _, person := range persons {
		due = append(due, Due{About: alarmName(p.Service, about, p.At.Unix()/int64(time.Hour/time.Second), person), Entry: p.ID,
			Kind: notify.KindAlarm, Person: person, Cause: cause})
	}
	return due
}

func alarmName(where, cause string, when int64, person string) string {
	return "alarm." + where + "." + cause + "." + strconv.FormatInt(when, 10) + "." + person
}

func approvers(ctx context.Context, tx *db.Tx, service string) ([]string, error) {
	s, err := catalog.Find(ctx, tx, service)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return catalog.Approvers(ctx, tx, s)
}

// ToOffices returns the letters that tell whoever holds an office, of whatever service, of
// what is so with the whole installation since a moment. Of one cause and one name there is
// one to each: the name says which occurrence it is.
func ToOffices(ctx context.Context, tx *db.Tx, cause string, name int64, since time.Time) (due []Due, err error) {
	all, err := catalog.List(ctx, tx)
	if err != nil {
		return nil, err
	}
	told := make(map[string]bool)
	for _, s := range all {
		persons, err := catalog.Approvers(ctx, tx, s)
		if err != nil {
			return nil, err
		}
		for _, person := range persons {
			if told[person] {
				continue
			}
			told[person] = true
			due = append(due, Due{About: alarmName("", cause, name, person), Kind: notify.KindAlarm, Person: person, Cause: cause, At: since.UnixMicro()})
		}
	}
	return due, nil
}

// alarmed writes to somebody in office, if they are still, and have an address. A row that
// isn't as it was written has none.
func (t Teller) alarmed(ctx context.Context, tx *db.Tx, d Due) (notify.Message, error) {
	entry, where := ledger.Placed{}, "" // of the whole installation
	if d.Entry != "" {
		var err error
		if entry, err = ledger.Find(ctx, tx, d.Entry); err != nil {
			return notify.Message{}, err
		}
		where = entry.Service
	}
	who, err := staff.Find(ctx, tx, d.Person)
	if err != nil {
		return notify.Message{}, err
	}
	told := where == "" || who.Office(where) != ""
	if d.Cause == Rectification {
		m, err := rectified(ctx, tx, entry)
		if err != nil || !m.Open() {
			return notify.Message{}, errors.Join(err, ErrNobody)
		}
		told = told || who.ID == m.Owner && who.May(staff.SeeRectifications, where)
	} else {
		told = told && who.MaySomewhere(staff.ReviewAccess)
	}
	if !told {
		return notify.Message{}, ErrNobody
	}
	if d.Cause == string(approval.LateReview) {
		if reviewed, err := reviewed(ctx, tx, entry); err != nil || reviewed {
			return notify.Message{}, errors.Join(err, ErrNobody)
		}
	}
	contact, err := staff.ContactOf(ctx, tx, t.Desk.Ring, who.ID)
	if err == nil && contact.Address.IsZero() {
		err = ErrNobody
	}
	if err != nil {
		return notify.Message{}, err
	}
	if !t.Messages.Has(notify.Email) {
		return notify.Message{}, notify.ErrNoChannel
	}
	to := notify.To{Channel: notify.Email, Address: contact.Address, Lang: contact.Lang, Site: t.ConsoleURL}
	a := notify.Alarm{Cause: d.Cause, At: time.UnixMicro(d.At), Link: t.whereTo(d.Cause, where, string(contact.Lang))}
	if where != "" {
		a.At = entry.At
		if a.Service, err = serviceName(ctx, tx, t.Desk, where, to.Lang); errors.Is(err, catalog.ErrNoCharter) {
			a.Service, err = where, nil
		}
		if key := keyOf(entry); key != "" && err == nil {
			if id.Is(id.PartyKey, key) || id.Is(id.PartySeat, key) {
				a.Party, err = partyName(ctx, tx, key)
			} else {
				a.Key, err = keyName(ctx, tx, where, key)
			}
		}
	}
	m := a.Message(to)
	m.ID = t.name(d)
	return m, err
}

// partyName returns what the charter calls the party that has a key or a seat. One that this
// store doesn't know, of before it was put back, is told by its id.
func partyName(ctx context.Context, tx *db.Tx, key string) (string, error) {
	find := party.ClientOf
	if id.Is(id.PartySeat, key) {
		find = party.ClientAt
	}
	c, err := find(ctx, tx, key)
	if errors.Is(err, party.ErrKeyNotFound) || errors.Is(err, party.ErrSeatNotFound) {
		return key, nil
	}
	return c.Key.Party.Name, err
}

// reviewed reports whether what two persons opened has its review by now.
func reviewed(ctx context.Context, tx *db.Tx, entry ledger.Placed) (bool, error) {
	var b approval.LateBody
	if err := entry.Into(&b); err != nil {
		return false, err
	}
	g, err := approval.FindGlass(ctx, tx, entry.Service, b.Request)
	return g.Reviewer != "", err
}

// whereTo is the page of the console where the alarm is dealt with. It names a service and
// what kind of thing has happened, and nobody.
func (t Teller) whereTo(cause, service, lang string) string {
	page, q := "/console/ledger", url.Values{"lang": {lang}}
	switch cause {
	case string(approval.BrokenGlass), string(approval.LateReview):
		page = "/console/reviews"
	case SweepBehind:
		page = "/console/due"
	case Incident, Drilled:
		page = "/console/due"
		q.Set("kind", string(Incident))
	case Complaint, ComplaintDue:
		page = "/console/reports"
		q.Set("service", service)
	case Stream:
		page = "/console/streams"
		q.Set("service", service)
	case Rectification:
		page = "/console/due"
		q.Set("kind", Rectification)
	case PartyOwes:
		page = "/console/due"
		q.Set("kind", "party")
		q.Set("service", service)
	case OrdersLate:
		page = "/console/due"
		q.Set("kind", "order")
		q.Set("service", service)
	case BordersNear:
		page = "/console/borders"
	case KeyGiven:
		q.Set("kind", account.KindIssued)
		q.Set("service", service)
	case Found:
		q.Set("kind", publication.KindAlarm)
		q.Set("service", service)
	case AuditDiffers: // the ledger's page shows the last audit
	default:
		q.Set("kind", approval.KindAlarm)
		q.Set("service", service)
	}
	return t.ConsoleURL + page + "?" + q.Encode()
}

// keyName is what the operator calls an app's key; one that has ended goes by its id.
func keyName(ctx context.Context, tx *db.Tx, service, key string) (string, error) {
	app, err := account.Find(ctx, tx, service, key)
	if errors.Is(err, account.ErrNotFound) {
		return key, nil
	}
	return cmp.Or(app.Name, key), err
}

// Moved writes to where a person is told of alarms that from now on they go elsewhere, in the
// transaction that says so and before it is said: whoever has got into an account can't have
// its alarms sent elsewhere unnoticed (Article 15). To is where they go; the same address in
// another language, or a row that isn't as it was written, makes no letter. What goes wrong
// here is logged and keeps nobody from being reached.
func (f *Farewell) Moved(ctx context.Context, tx *db.Tx, console, person string, to pii.Text) []notify.Message {
	if f == nil || !f.Messages.Has(notify.Email) {
		return nil
	}
	former, err := staff.ContactOf(ctx, tx, f.Desk.Ring, person)
	switch {
	case errors.Is(err, staff.ErrNoAddress):
		return nil
	case err != nil:
		f.failed(ctx, notify.KindMoved, err)
		return nil
	case former.Address.IsZero() || former.Is(to):
		return nil
	}
	m := notify.News{Kind: notify.KindMoved, At: tx.Now(), Link: console + "/console/account?lang=" + string(former.Lang)}.
		Message(notify.To{Channel: notify.Email, Address: former.Address, Lang: former.Lang, Site: console})
	m.ID = id.New(id.Call)
	return []notify.Message{m}
}
