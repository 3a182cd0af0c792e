package warning

import (
	"context"
	"crypto/subtle"
	"errors"
	"slices"

	"wardkeep/internal/account"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
	"wardkeep/internal/staff"
)

// SheetLines is how many are shown at a time whom somebody calls or writes to: so many as one
// gets through in an hour.
const SheetLines = 20

// maxCalls is how often nobody picks up before a letter is written.
const maxCalls = 3

// An Outcome is what came of a call or a letter, or what was heard of a message.
type Outcome string

// The outcomes.
const (
	Reached  Outcome = "reached"  // by telephone: they know
	NoAnswer Outcome = "noanswer" // nobody picked up
	Wrong    Outcome = "wrong"    // it isn't their number
	Mailed   Outcome = "mailed"   // the letter was posted
	Arrived  Outcome = "arrived"  // by its delivery note, or the gateway's
	Returned Outcome = "returned" // the letter or the message came back
)

// outcomes are those that there can be where an addressee stands.
var outcomes = map[State][]Outcome{
	Call:   {Reached, NoAnswer, Wrong},
	Letter: {Mailed},
	Posted: {Arrived, Returned},
	Sent:   {Arrived, Returned},
}

// Sheets are where those stand who are called or written to one after the other, and Returns where
// one stands of whom somebody hears that a letter or a message came back.
var (
	Sheets  = []State{Call, Letter}
	Returns = []State{Sent, Posted}
)

// OutcomesOf returns what can come of somebody who stands so.
func OutcomesOf(s State) []Outcome { return outcomes[s] }

// A ListedBody says that somebody was shown whom to call or to write to, and how many: which they
// are, the hash of their names says.
type ListedBody struct {
	Notice string `json:"notice"`
	State  State  `json:"state"`
	Many   int64  `json:"many"`
	Hash   string `json:"hash"`
	approval.Inside
}

// A Line is one of those who are called or written to.
type Line struct {
	Addressee
	Person pii.Text // their name, where it is on file
	Phone  pii.Text
	Ref    pii.Text // what the operator calls the child: by it the operator finds an address
	Lang   i18n.Lang
}

// Sheet records that somebody whom the matrix lets (staff.TellFamilies) is shown whom to call, or
// to write to, and returns them: those who have come to it first, some at a time. That two persons
// have confirmed the notice is what opens their contacts (Article 15), and only of those whom no
// message reaches: of whom a message or a letter went to those of one child alone, by what the
// operator calls it and without a number, as somebody has heard that it came back. It is shown once that is committed,
// and not before (Invariant 2). Errors: ErrMayNot, ErrNotFound, ErrUnconfirmed, ErrWithheld,
// ErrPaused, ErrState.
func (d Desk) Sheet(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string, state State, ref pii.Text) (Notice, []Line, error) {
	inside, err := insideOf(ctx, tx, by, staff.TellFamilies, service)
	if err != nil {
		return Notice{}, nil, err
	}
	n, err := hold(ctx, tx, service, name)
	switch {
	case err != nil:
		return n, nil, err
	case !n.Confirmed():
		return n, nil, ErrUnconfirmed
	case n.Withheld:
		return n, nil, ErrWithheld
	case slices.Contains(Sheets, state) && n.Paused:
		return n, nil, ErrPaused
	case !slices.Contains(Sheets, state) && !slices.Contains(Returns, state):
		return n, nil, ErrState
	}
	which, args := ` ORDER BY child, addressee LIMIT $3`, []any{n.ID, state}
	one := slices.Contains(Returns, state)
	if one {
		c, err := family.FindByRef(ctx, tx, d.Consent.Ring, service, ref)
		if errors.Is(err, family.ErrNotFound) {
			err = ErrNobody.At("ref")
		}
		if err != nil {
			return n, nil, err
		}
		which, args = ` AND child = $3 ORDER BY addressee LIMIT $4`, append(args, c.ID)
	}
	rows, err := db.All(ctx, tx, scanAddressee, `
		SELECT `+addresseeColumns+` FROM breach_addressee WHERE notice = $1 AND state = $2`+which, append(args, int64(SheetLines))...)
	if err == nil && len(rows) == 0 && one {
		err = ErrNobody.At("ref")
	}
	if err != nil {
		return n, nil, err
	}
	var lines []Line
	var names []string
	for _, a := range rows {
		line, err := d.line(ctx, tx, n, a)
		switch {
		case errors.Is(err, errNobody), errors.Is(err, family.ErrErased), errors.Is(err, family.ErrNotFound):
			if one {
				continue // they were told, or may have been
			}
			if _, err := a.becomes(ctx, tx, n, Actor, Gone, approval.Inside{}); err != nil {
				return n, nil, err
			}
			continue
		case err != nil:
			return n, nil, err
		}
		if one {
			line.Phone = pii.Text{} // nobody is called by it
		}
		lines, names = append(lines, line), append(names, a.Name)
	}
	_, err = n.note(ctx, tx, KindListed, by.Ledger(), ListedBody{n.ID, state, int64(len(lines)), HashOf(names), inside})
	return n, lines, err
}

func (d Desk) line(ctx context.Context, tx *db.Tx, n Notice, a Addressee) (Line, error) {
	to, err := d.reach(ctx, tx, n, a)
	if err != nil {
		return Line{}, err
	}
	c, err := family.Find(ctx, tx, n.Service, a.Child)
	if err != nil {
		return Line{}, err
	}
	l := Line{Addressee: a, Lang: to.lang}
	if l.Phone, _, l.Person, err = family.Contact(ctx, tx, d.Consent.Ring, c, a.Guardian); err != nil {
		return Line{}, err
	}
	l.Ref, err = c.Ref(d.Consent.Ring)
	return l, err
}

// Note writes down what came of a call or a letter, or that a message came back: who wasn't
// reached goes by the next way, and after the last the public is warned for them. Errors:
// ErrMayNot, ErrNotFound, ErrOutcome, ErrState.
func (t Teller) Note(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string, child family.ID, guardian family.GuardianID, came Outcome) (Addressee, error) {
	inside, err := insideOf(ctx, tx, by, staff.TellFamilies, service)
	if err != nil {
		return Addressee{}, err
	}
	n, err := hold(ctx, tx, service, name)
	if err != nil {
		return Addressee{}, err
	}
	a, err := db.One(ctx, tx, scanAddressee, `
		SELECT `+addresseeColumns+` FROM breach_addressee WHERE child = $1 AND notice = $2 AND addressee = $3`, child, n.ID, guardian)
	if errors.Is(err, db.ErrNone) {
		err = ErrNotFound
	}
	switch {
	case err != nil:
		return a, err
	case len(outcomes[a.State]) == 0:
		return a, ErrState
	case !slices.Contains(outcomes[a.State], came):
		return a, ErrOutcome.At("outcome")
	}
	switch came {
	case Reached, Arrived:
		return a.becomes(ctx, tx, n, by.Ledger(), Told, inside)
	case Mailed:
		return a.becomes(ctx, tx, n, by.Ledger(), Posted, inside)
	case NoAnswer:
		if a.Tries+1 < maxCalls {
			return a.again(ctx, tx, n, by.Ledger(), inside)
		}
	}
	return t.pass(ctx, tx, n, a, by.Ledger(), inside)
}

// CameBack writes down what the operator's mail server or gateway says of a message that it had
// taken: that it didn't reach anybody. Message is the name by which it got that, and to where it
// was sent to: who knows both has sent it. The addressee goes by the next way, at once; nothing
// that a gateway says makes anybody one who knows. Errors: ErrMayNot, ErrMessage: there is no such
// message, or somebody has heard of it before; ErrSending.
func (t Teller) CameBack(ctx context.Context, tx *db.Tx, by account.App, to pii.Text, message string) (Addressee, error) {
	if !by.May(account.IncidentsWrite) {
		return Addressee{}, ErrMayNot
	}
	guardians, err := family.GuardiansByPhone(ctx, tx, t.Consent.Ring, to) // nobody, if it is an address
	if err != nil {
		return Addressee{}, err
	}
	byMail, err := family.GuardiansByEmail(ctx, tx, t.Consent.Ring, to)
	if err != nil {
		return Addressee{}, err
	}
	var children []family.ID
	reached := make(map[family.GuardianID]bool)
	for _, g := range append(guardians, byMail...) {
		children, reached[g.ID] = append(children, g.Child), true
	}
	slices.Sort(children)
	for some := range slices.Chunk(slices.Compact(children), db.Chunk) { // a teacher's number stands beside every child of a school
		in, args := db.Placeholders(some)
		rows, err := db.All(ctx, tx, scanAddressee, `
			SELECT `+addresseeColumns+` FROM breach_addressee WHERE child IN `+in+` AND state IN ('sending', 'sent') ORDER BY child, notice, addressee`, args...)
		if err != nil {
			return Addressee{}, err
		}
		for _, a := range rows {
			if reached[a.Guardian] && t.sentAs(a, message) {
				if a, err = t.cameBack(ctx, tx, by, a, message); !errors.Is(err, ErrNotFound) { // or it is another service's
					return a, err
				}
			}
		}
	}
	return Addressee{}, ErrMessage.At("message")
}

// sentAs reports whether an addressee is told, or is being told, by the message of that name.
func (t Teller) sentAs(a Addressee, message string) bool {
	return subtle.ConstantTimeCompare([]byte(messageName(t.Consent.Ring, a)), []byte(message)) == 1
}

// cameBack passes on whom a message didn't reach. Of two who say so at once the second sees what the
// first has made of it.
func (t Teller) cameBack(ctx context.Context, tx *db.Tx, by account.App, a Addressee, message string) (Addressee, error) {
	n, err := hold(ctx, tx, by.Service, a.Notice)
	if err != nil {
		return a, err
	}
	a, err = db.One(ctx, tx, scanAddressee, `
		SELECT `+addresseeColumns+` FROM breach_addressee WHERE child = $1 AND notice = $2 AND addressee = $3`, a.Child, a.Notice, a.Guardian)
	switch {
	case errors.Is(err, db.ErrNone), err == nil && !t.sentAs(a, message):
		return a, ErrMessage.At("message")
	case err != nil:
		return a, err
	case a.State == Sending:
		return a, ErrSending
	case a.State != Sent:
		return a, ErrMessage.At("message")
	}
	return t.pass(ctx, tx, n, a, by.Ledger(), approval.Inside{})
}

// again leaves somebody on the call sheet who didn't pick up.
func (a Addressee) again(ctx context.Context, tx *db.Tx, n Notice, actor string, inside approval.Inside) (Addressee, error) {
	now := tx.Now()
	a.Tries, a.ChangedAt = a.Tries+1, now
	changed, err := tx.Exec(ctx, `UPDATE breach_addressee SET tries = $1, changed_at = $2 WHERE child = $3 AND notice = $4 AND addressee = $5 AND state = $6`,
		a.Tries, (*db.Time)(&now), a.Child, a.Notice, a.Guardian, a.State)
	if err == nil && changed == 1 { // or they have gone with their child meanwhile
		_, err = n.note(ctx, tx, KindTold, actor, ToldBody{Notice: n.ID, Addressee: a.Name, State: a.State, Ways: a.Written(), Inside: inside})
	}
	return a, err
}
