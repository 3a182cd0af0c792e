// Package assistance asks processors and recipients to help with what a guardian or a child
// demands (Articles 16(2), 19 and 20), and keeps what they answered.
//
// Its one invariant: a task is about one demand and one party, has a clock that ends before
// the demand's own, is answered once and by the party itself, ends with a demand that was open when it
// was asked, and goes with its child. What the party has written is sealed under the child's key.
package assistance

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
)

// What can be wrong with a task.
var (
	ErrNotFound = errs.New(errs.NotFound, "assistance.not_found") // or another party's, or gone with its child
	ErrTwice    = errs.New(errs.Conflict, "assistance.asked_before")
	ErrAnswered = errs.New(errs.Conflict, "assistance.answered_before")
	ErrOver     = errs.New(errs.Conflict, "assistance.demand_over") // and so nobody waits for the answer
	ErrAnswer   = errs.New(errs.Invalid, "assistance.answer_unknown")
	ErrWords    = errs.New(errs.Invalid, "assistance.words_invalid")
)

// Term is within how many working days a party helps. It is ours: the law says timely. Where
// the demand's own clock is shorter, the party has half of what is left of that.
const Term = 5

const maxWords = 2_000 // characters

// An Answer is what a party says; empty until then.
type Answer string

// The answers.
const (
	Has     Answer = "has"     // it has something of the child, and says what
	Nothing Answer = "nothing" // it has nothing of the child
	Done    Answer = "done"    // it has done what was demanded
)

// Answers lists them.
var Answers = []Answer{Has, Nothing, Done}

// Lapsed stands in the place of an answer where the demand ended before there was one. No party
// says it.
const Lapsed Answer = "lapsed"

// A Task is what one party is asked about one demand.
type Task struct {
	ID         string // "as_…"
	Child      family.ID
	Party      party.ID
	Demand     string   // "rr_…"
	Kind       string   // what is demanded, as rights has it
	Item       string   // of a demand about one
	Items      []string // that the party may hold
	AskedAt    time.Time
	AskedBy    string // as the ledger names actors
	DueAt      time.Time
	AnsweredAt time.Time // zero while it is open; of one that Lapsed, when its demand ended
	AnsweredBy string    // empty of one that Lapsed
	Answer     Answer

	words []byte
}

// Open reports whether the party still has to answer.
func (t Task) Open() bool { return t.AnsweredAt.IsZero() }

// Late reports whether it hasn't in time.
func (t Task) Late(now time.Time) bool { return t.Open() && !now.Before(t.DueAt) }

// Number is what people call it: "7K2M-9QXT".
func (t Task) Number() string { return id.NumberOf(t.ID) }

// Written reports whether the party has written something.
func (t Task) Written() bool { return t.words != nil }

const columns = `child, id, service, role, party, demand, kind, item, items, asked_at, asked_by, due_at, answered_at, answered_by, answer, words`

func scan(row db.Row) (t Task, err error) {
	var items string
	err = row.Scan(&t.Child, &t.ID, &t.Party.Service, &t.Party.Role, &t.Party.Name, &t.Demand, &t.Kind, &t.Item, &items, (*db.Time)(&t.AskedAt), &t.AskedBy,
		(*db.Time)(&t.DueAt), (*db.Time)(&t.AnsweredAt), &t.AnsweredBy, &t.Answer, &t.words)
	t.Items = strings.Fields(items)
	return t, err
}

// The kinds of entries about tasks. They are about the child.
const (
	KindAsked    = "assistance.asked"
	KindAnswered = "assistance.answered"
)

// An AskedBody says who is asked about which demand, and until when. Times are microseconds.
type AskedBody struct {
	Task   string     `json:"task"`
	Demand string     `json:"demand"`
	Kind   string     `json:"kind"`
	Item   string     `json:"item,omitempty"`
	Role   party.Role `json:"role"`
	Party  string     `json:"party"`
	Items  []string   `json:"items"`
	Due    int64      `json:"due"`
	approval.Inside
}

// An AnsweredBody says what the party has answered, and whether it has written anything.
type AnsweredBody struct {
	Task   string `json:"task"`
	Answer Answer `json:"answer"`
	Words  bool   `json:"words,omitempty"`
}

// An Asking is a demand that a party is to help with, and what the act of a person inside who
// asks rests on.
type Asking struct {
	Demand string
	Kind   string
	Item   string
	Due    time.Time // the demand's
	Inside approval.Inside
}

// Ask asks one party about a demand of a locked child; items are those that it may hold.
// Errors: ErrTwice, where it was asked about that demand and hasn't answered.
func Ask(ctx context.Context, tx *db.Tx, days workday.Calendar, by family.Actor, c family.Child, of party.ID, items []string, what Asking) (Task, string, error) {
	before, err := Of(ctx, tx, c.ID, what.Demand)
	if err != nil {
		return Task{}, "", err
	}
	if slices.ContainsFunc(before, func(t Task) bool { return t.Open() && t.Party == of }) {
		return Task{}, "", ErrTwice
	}
	now := tx.Now()
	t := Task{ID: id.New(id.Assistance), Child: c.ID, Party: of, Demand: what.Demand, Kind: what.Kind, Item: what.Item, Items: slices.Sorted(slices.Values(items)),
		AskedAt: now, AskedBy: by.Ledger(), DueAt: due(days, now, what.Due)}
	err = tx.Queue(ctx, `
		INSERT INTO party_task (`+columns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, NULL, '', '', NULL)`,
		t.Child, t.ID, t.Party.Service, t.Party.Role, t.Party.Name, t.Demand, t.Kind, t.Item, strings.Join(t.Items, " "),
		(*db.Time)(&t.AskedAt), t.AskedBy, (*db.Time)(&t.DueAt))
	if err != nil {
		return Task{}, "", err
	}
	entry, err := ledger.Append(ctx, tx, ledger.Entry{Kind: KindAsked, Service: c.Service, Subject: c.Subject, Version: c.Version, Actor: t.AskedBy,
		Body: AskedBody{Task: t.ID, Demand: t.Demand, Kind: t.Kind, Item: t.Item, Role: of.Role, Party: of.Name, Items: t.Items, Due: t.DueAt.UnixMicro(), Inside: what.Inside}})
	return t, entry, err
}

// due is when a party has to have answered: before the demand, unless that is late already.
func due(days workday.Calendar, now, demand time.Time) time.Time {
	at, _ := days.Add(now, Term)
	if left := demand.Sub(now); left > 0 && !at.Before(demand) {
		at = now.Add(left / 2)
	} else if left <= 0 {
		at, _ = days.Add(now, 1)
	}
	return at.UTC().Truncate(time.Microsecond)
}

// Reply takes a party's answer to a task of its own, whether it stands still or not: what it
// owes (Article 16) it owes the more when it is suspended or has ended. Errors: ErrNotFound,
// ErrAnswered, ErrOver, ErrAnswer, ErrWords, those of party.Client.Deaf and family.Lock.
func Reply(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by party.Client, task string, answer Answer, words pii.Text) (Task, string, error) {
	if err := by.Deaf(tx.Now()); err != nil {
		return Task{}, "", err
	}
	t, err := Find(ctx, tx, by, task)
	switch {
	case err != nil:
		return t, "", err
	case t.Answer == Lapsed:
		return t, "", ErrOver
	case !slices.Contains(Answers, answer):
		return t, "", ErrAnswer.At("answer")
	case !words.IsZero() && !isText(words), answer == Has && words.IsZero():
		return t, "", ErrWords.At("words")
	}
	c, err := family.Lock(ctx, tx, t.Party.Service, t.Child)
	if errors.Is(err, family.ErrNotFound) {
		err = ErrNotFound
	}
	if err != nil {
		return t, "", err
	}
	t.Answer, t.AnsweredAt, t.AnsweredBy = answer, tx.Now(), by.Ledger()
	if !words.IsZero() {
		if t.words, err = c.SealNote(ring, words, t.bound()...); err != nil {
			return t, "", err
		}
	}
	n, err := tx.Exec(ctx, `
		UPDATE party_task SET answered_at = $1, answered_by = $2, answer = $3, words = $4
		WHERE child = $5 AND id = $6 AND answered_at IS NULL`,
		(*db.Time)(&t.AnsweredAt), t.AnsweredBy, t.Answer, t.words, t.Child, t.ID)
	switch {
	case err != nil:
		return t, "", err
	case n != 1:
		return t, "", ErrAnswered
	}
	entry, err := ledger.Append(ctx, tx, ledger.Entry{Kind: KindAnswered, Service: c.Service, Subject: c.Subject, Version: c.Version, Actor: t.AnsweredBy,
		Body: AnsweredBody{Task: t.ID, Answer: t.Answer, Words: t.words != nil}})
	return t, entry, err
}

// Lapse ends what nobody has answered about a demand of a locked child, in the transaction in
// which that ends: whoever isn't asked any more has nothing to answer, and isn't late. The entry of
// the demand's end says it. If we crash before the commit, both are open.
func Lapse(ctx context.Context, tx *db.Tx, child family.ID, demand string) error {
	now := tx.Now()
	return tx.Queue(ctx, `
		UPDATE party_task SET answered_at = $1, answer = $2
		WHERE child = $3 AND demand = $4 AND answered_at IS NULL`, (*db.Time)(&now), Lapsed, child, demand)
}

func isText(t pii.Text) bool {
	s := t.Reveal()
	return utf8.ValidString(s) && strings.TrimSpace(s) != "" && utf8.RuneCountInString(s) <= maxWords &&
		!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' })
}

func (t Task) bound() []string { return []string{"assistance", t.ID, "words"} }

// Words returns what the party has written. Errors: those of the child's key.
func (t Task) Words(ring *keyring.Ring, c family.Child) (pii.Text, error) {
	if t.words == nil {
		return pii.Text{}, nil
	}
	return c.OpenNote(ring, t.words, t.bound()...)
}

// Intact reports whether what was written would open. Errors: those of the child's key.
func (t Task) Intact(ring *keyring.Ring, c family.Child) error {
	if t.words == nil {
		return nil
	}
	return c.IntactNote(ring, t.words, t.bound()...)
}

// Find returns a task of the party. Errors: ErrNotFound.
func Find(ctx context.Context, tx *db.Tx, by party.Client, task string) (Task, error) {
	if !id.Is(id.Assistance, task) {
		return Task{}, ErrNotFound
	}
	of := by.Key.Party
	t, err := db.One(ctx, tx, scan, `
		SELECT `+columns+` FROM party_task WHERE id = $1 AND service = $2 AND role = $3 AND party = $4`, task, of.Service, of.Role, of.Name)
	if errors.Is(err, db.ErrNone) {
		err = ErrNotFound
	}
	return t, err
}

// Of returns the tasks about a demand, in the order in which they were asked.
func Of(ctx context.Context, tx *db.Tx, child family.ID, demand string) ([]Task, error) {
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM party_task WHERE child = $1 AND demand = $2 ORDER BY asked_at, id`, child, demand)
}

// Waiting returns the open tasks of a party, those that are due first behind after, the zero
// Task at the beginning, and at most limit.
func Waiting(ctx context.Context, tx *db.Tx, of party.ID, after Task, limit int) ([]Task, error) {
	at := int64(0)
	if after.ID != "" {
		at = after.DueAt.UnixMicro()
	}
	return db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM party_task
		WHERE service = $1 AND role = $2 AND party = $3 AND answered_at IS NULL AND (due_at, id) > ($4, $5)
		ORDER BY due_at, id LIMIT $6`, of.Service, of.Role, of.Name, at, after.ID, int64(limit))
}

// Count returns how many tasks of a service are open, and how many of them late: 1000 at most
// of each.
func Count(ctx context.Context, tx *db.Tx, service string) (open, late int64, err error) {
	now := tx.Now()
	open, err = db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT id FROM party_task WHERE service = $1 AND answered_at IS NULL LIMIT 1000) AS open`, service)
	if err != nil {
		return 0, 0, err
	}
	late, err = db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT id FROM party_task WHERE service = $1 AND due_at <= $2 AND answered_at IS NULL LIMIT 1000) AS late`,
		service, (*db.Time)(&now))
	return open, late, err
}

// Forget removes the tasks about a child. It is a part of erasing the child (Article 20):
// what a party still has of it, an order tells it to delete.
func Forget(ctx context.Context, tx *db.Tx, child family.ID) error {
	return tx.Queue(ctx, `DELETE FROM party_task WHERE child = $1`, child)
}

// ReadRows reads the tasks about a stretch of children, in order, for an audit.
func ReadRows(into *[]Task, of family.Stretch) db.Read {
	where, args := of.Where("child")
	return db.ReadInto(into, scan, `
		SELECT `+columns+` FROM party_task
		WHERE `+where+`
		ORDER BY child, id`, args...)
}
