package consent

import (
	"context"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/family"
)

// A Receipt says what was chosen in answer to a request, with the ledger entry
// of each answer.
type Receipt struct {
	Request Request
	Answers []Answer // in the order of Request.Purposes; one may have ended since
	Endings []Answer // what the same guardian ended each by, in that order; zero while it stands
}

// ReceiptOf returns the receipt of an answered request. Errors: ErrNoRequest,
// ErrNotFound while there is no answer.
func ReceiptOf(ctx context.Context, tx *db.Tx, child family.Child, request string) (Receipt, error) {
	r, err := reload(ctx, tx, child.ID, request)
	if err != nil {
		return Receipt{}, err
	}
	answers, err := db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM consent WHERE child = $1 AND request = $2
		ORDER BY id`, child.ID, request)
	if err != nil {
		return Receipt{}, err
	}
	receipt := Receipt{Request: r}
	for _, p := range r.Purposes {
		for _, a := range answers {
			if a.Purpose == p {
				receipt.Answers = append(receipt.Answers, a)
			}
		}
	}
	if len(receipt.Answers) == 0 {
		return Receipt{}, ErrNotFound
	}
	receipt.Endings = make([]Answer, len(receipt.Answers))
	if !slices.ContainsFunc(receipt.Answers, func(a Answer) bool { return !a.Stands() }) {
		return receipt, nil
	}
	later, err := History(ctx, tx, child.ID)
	if err != nil {
		return Receipt{}, err
	}
	for i, a := range receipt.Answers {
		if at := slices.IndexFunc(later, a.endedBy); at >= 0 {
			receipt.Endings[i] = later[at]
		}
	}
	return receipt, nil
}

// endedBy reports whether b is what the guardian of a ended it by.
func (a Answer) endedBy(b Answer) bool {
	if b.Guardian != a.Guardian || b.Purpose != a.Purpose || a.Stands() {
		return false
	}
	if a.Ending == EndedByWithdrawal {
		return b.Withdraws == a.ID
	}
	return b.ID != a.ID && b.Withdraws == "" && b.GivenAt.Equal(a.EndedAt)
}

// A Told is what a guardian is told after an answer or a withdrawal. Purposes are
// names, for the charter to put into words.
type Told struct {
	Charter   int64
	Lang      string
	Contacts  []Contact // where it may go, the guardian's channel first; none if there is none
	Agreed    []string
	Refused   []string
	Withdrawn []string
	Strength  family.Strength // with which it was answered
	At        time.Time
	Token     string // of a link that leads back; empty where there is no request, or nothing, to come back to
}

const receiptDomain = "consent.receipt"

// Tell returns what is to be told about an answer, with the answers that were
// given together with it, and about a withdrawal. It makes the link that leads
// back, the same one however often it is called: a message that is sent twice is
// the same message. Errors: ErrNotFound, family.ErrErased, and ErrMayNot for who
// is no guardian any more.
func (d Desk) Tell(ctx context.Context, tx *db.Tx, c family.Child, answer string) (Told, error) {
	c, err := family.Hold(ctx, tx, c.Service, c.ID)
	if err != nil {
		return Told{}, err
	}
	a, err := Find(ctx, tx, c.ID, answer)
	if err != nil {
		return Told{}, err
	}
	r, err := leadsBack(ctx, tx, c, a)
	if err != nil {
		return Told{}, err
	}
	told := Told{Charter: a.Charter, Lang: a.Lang, Strength: a.Strength, At: a.GivenAt}
	about := r.ID
	if a.Withdraws != "" {
		told.Withdrawn, about = []string{a.Purpose}, a.ID
	} else {
		receipt, err := ReceiptOf(ctx, tx, c, r.ID)
		if err != nil {
			return Told{}, err
		}
		for _, a := range receipt.Answers {
			if a.Granted {
				told.Agreed = append(told.Agreed, a.Purpose)
			} else {
				told.Refused = append(told.Refused, a.Purpose)
			}
		}
	}
	if told.Contacts, err = d.contacts(ctx, tx, c, r); err != nil {
		return Told{}, err
	}
	// Edge case 5: of a child that nobody agreed for, nothing stays, not even a link.
	// And to what ran out, or is forgotten, none leads.
	if !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(tx.Now()) || r.Over() {
		return told, nil
	}
	told.Token = id.Text(d.Ring.Index(receiptDomain, about))
	return told, d.leadOnce(ctx, tx, r, d.Ring.Index(linkDomain, told.Token))
}

// leadsBack returns the request through which the guardian of an answer comes
// back: the answered one. Who withdrew what another guardian had granted has one
// of its own, and is never led to the other's.
func leadsBack(ctx context.Context, tx *db.Tx, c family.Child, a Answer) (Request, error) {
	if a.Request != "" {
		return reload(ctx, tx, c.ID, a.Request)
	}
	all, err := Requests(ctx, tx, c.ID)
	if err != nil {
		return Request{}, err
	}
	last := back(all, a.Guardian)
	if last.ID == "" {
		return Request{}, ErrNoRequest
	}
	return last, nil
}

// contacts returns where the guardian of a request is reached: by the channel of
// the request and, failing that, by whatever there is, the phone first.
func (d Desk) contacts(ctx context.Context, tx *db.Tx, c family.Child, r Request) (all []Contact, err error) {
	if _, err := asked(ctx, tx, r); err != nil {
		return nil, err
	}
	phone, email, _, err := family.Contact(ctx, tx, d.Ring, c, r.Guardian)
	if err != nil {
		return nil, err
	}
	if !phone.IsZero() {
		all = append(all, Contact{SMS, phone})
	}
	if !email.IsZero() {
		all = append(all, Contact{Email, email})
	}
	if r.Channel == Email {
		slices.Reverse(all)
	}
	return all, nil
}
