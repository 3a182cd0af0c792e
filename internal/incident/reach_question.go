package incident

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/staff"
)

// What can be wrong with a question about whom a case has reached.
var (
	ErrQuestions = errs.New(errs.Conflict, "incident.questions_full")
	ErrPassed    = errs.New(errs.Conflict, "incident.question_passed") // another process was faster
)

// maxQuestions bounds those of one case.
const maxQuestions = 100

const (
	answering  = "system:incident"
	walkDomain = "incident.walk"
)

// An AskedBody is what the ledger keeps of a question: how the list came about. Times are
// microseconds.
type AskedBody struct {
	Case     string `json:"case"`
	Question int64  `json:"question"` // from 1 on
	Kind     string `json:"kind"`     // of what has come to children: see package reach
	Name     string `json:"name,omitempty"`
	From     int64  `json:"from,omitempty"`
	To       int64  `json:"to"`
	approval.Inside
}

// An AnsweredBody says that all whom a question has found are on the list.
type AnsweredBody struct {
	Case     string `json:"case"`
	Question int64  `json:"question"`
	Found    int64  `json:"found"`
	Gone     int64  `json:"gone"` // who had been erased
}

// A Question is what was asked of the ledger about whom a case has reached.
type Question struct {
	Case     string
	Service  string
	Number   int64  // from 1 on
	Kind     string // see package reach, as is the next
	Name     string
	From, To time.Time // From ≤ t < To; zero From: from the first entry
	AskedAt  time.Time
	AskedBy  string    // as the ledger names actors
	DoneAt   time.Time // zero until all are on the list
	Found    int64     // how many that were, once they are
	Gone     int64     // how many had been erased

	walk []byte
}

// A Walk is how far the answer to a question is on its way to the list. The zero Walk begins.
type Walk struct {
	From  uint64 `json:"from"`  // from which pseudonym it goes on
	Began int64  `json:"began"` // when, in microseconds
	Found int64  `json:"found"`
	Gone  int64  `json:"gone"`
	Again bool   `json:"again"` // it has come to the end, and goes once more when all that was on its way has a place
}

const questionColumns = `q.incident, i.service, q.number, q.kind, q.name, q.from_at, q.to_at, q.asked_at, q.asked_by, q.done_at, q.found, q.gone, q.walk`

func scanQuestion(row db.Row) (q Question, err error) {
	err = row.Scan(&q.Case, &q.Service, &q.Number, &q.Kind, &q.Name, (*db.Time)(&q.From), (*db.Time)(&q.To), (*db.Time)(&q.AskedAt), &q.AskedBy, (*db.Time)(&q.DoneAt),
		&q.Found, &q.Gone, &q.walk)
	return q, err
}

// Walk returns how far the question is. One that was changed by hand begins anew: who is on the
// list already isn't put there twice, and nobody is left out.
func (q Question) Walk(ring *keyring.Ring) (w Walk) {
	plain, err := ring.Open(walkDomain, q.walk, q.Case, number(q.Number))
	if err != nil || json.Unmarshal(plain, &w) != nil {
		return Walk{}
	}
	return w
}

// AskWhom has all be put on the list of a case whom a question finds, as who may write about it
// (staff.WriteIncidents). What is asked about ends now at the latest: what comes later is asked
// anew. Errors: ErrMayNot, ErrNotFound, ErrTime, ErrQuestions.
func AskWhom(ctx context.Context, tx *db.Tx, by approval.Actor, q Question) (Question, string, error) {
	inside, err := insideOf(ctx, tx, by, staff.WriteIncidents, q.Service)
	if err != nil {
		return q, "", err
	}
	if q.From, q.To = q.From.UTC().Truncate(time.Microsecond), q.To.UTC().Truncate(time.Microsecond); q.To.IsZero() || q.To.After(tx.Now()) {
		q.To = tx.Now()
	}
	if !q.From.IsZero() && !q.From.Before(q.To) {
		return q, "", ErrTime.At("from")
	}
	c, _, err := holdList(ctx, tx, q.Service, q.Case)
	if err != nil {
		return q, "", err
	}
	before, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM incident_question WHERE incident = $1`, c.ID)
	switch {
	case err != nil:
		return q, "", err
	case before >= maxQuestions:
		return q, "", ErrQuestions
	}
	q.Number, q.AskedAt, q.AskedBy = before+1, tx.Now(), by.Ledger()
	_, err = tx.Exec(ctx, `
		INSERT INTO incident_question (incident, number, kind, name, from_at, to_at, asked_at, asked_by, done_at, found, gone, walk)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL, 0, 0, NULL)`,
		q.Case, q.Number, q.Kind, q.Name, (*db.Time)(&q.From), (*db.Time)(&q.To), (*db.Time)(&q.AskedAt), q.AskedBy)
	if err != nil {
		return q, "", err
	}
	entry, err := c.note(ctx, tx, KindAsked, by.Ledger(), AskedBody{c.ID, q.Number, q.Kind, q.Name, micros(q.From), micros(q.To), inside})
	return q, entry, err
}

// Asked returns the questions about a case, in their order. There are few.
func Asked(ctx context.Context, tx *db.Tx, incident string) ([]Question, error) {
	return db.All(ctx, tx, scanQuestion, `
		SELECT `+questionColumns+` FROM incident_question q JOIN incident i ON i.id = q.incident WHERE q.incident = $1 ORDER BY q.number`, incident)
}

// Unanswered returns the questions of which not all are on the list yet, the first that were
// asked, and at most limit.
func Unanswered(ctx context.Context, tx *db.Tx, limit int) ([]Question, error) {
	return db.All(ctx, tx, scanQuestion, `
		SELECT `+questionColumns+` FROM incident_question q JOIN incident i ON i.id = q.incident WHERE q.done_at IS NULL
		ORDER BY q.asked_at, q.incident, q.number LIMIT $1`, int64(limit))
}

// Answer puts some of whom a question has found on the list, at most ReachAtMost, and notes how
// far it is; or that it is done. If we crash before its commit, the same are found again. Errors:
// ErrPassed.
func Answer(ctx context.Context, tx *db.Tx, ring *keyring.Ring, q Question, found []Found, walk Walk, done bool) error {
	// Of two who answer it at once, one finds that it has gone on.
	now, err := db.One(ctx, tx, db.Single[[]byte], `
		UPDATE incident_question SET number = number WHERE incident = $1 AND number = $2 AND done_at IS NULL RETURNING walk`, q.Case, q.Number)
	if errors.Is(err, db.ErrNone) || err == nil && string(now) != string(q.walk) {
		return ErrPassed
	}
	if err == nil && len(found) > 0 {
		_, _, err = reach(ctx, tx, q.Service, ReachedBody{Case: q.Case, Question: q.Number}, answering, found)
	}
	if err != nil {
		return err
	}
	if !done {
		plain, err := json.Marshal(walk)
		if err != nil {
			return err
		}
		sealed, err := ring.Seal(walkDomain, plain, q.Case, number(q.Number))
		if err != nil {
			return err
		}
		return tx.Queue(ctx, `UPDATE incident_question SET walk = $1 WHERE incident = $2 AND number = $3`, sealed, q.Case, q.Number)
	}
	c, err := Find(ctx, tx, q.Service, q.Case)
	if err != nil {
		return err
	}
	at := tx.Now()
	err = tx.Queue(ctx, `UPDATE incident_question SET walk = NULL, done_at = $1, found = $2, gone = $3 WHERE incident = $4 AND number = $5`,
		(*db.Time)(&at), walk.Found, walk.Gone, q.Case, q.Number)
	if err != nil {
		return err
	}
	_, err = c.note(ctx, tx, KindAnswered, answering, AnsweredBody{q.Case, q.Number, walk.Found, walk.Gone})
	return err
}

// AllQuestions calls each with every question, by its case and number, for an audit. Each must not
// use tx.
func AllQuestions(ctx context.Context, tx *db.Tx, each func(Question) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		q, err := scanQuestion(row)
		if err != nil {
			return err
		}
		return each(q)
	}, `
		SELECT q.incident, coalesce(i.service, ''), q.number, q.kind, q.name, q.from_at, q.to_at, q.asked_at, q.asked_by, q.done_at, q.found, q.gone, q.walk
		FROM incident_question q LEFT JOIN incident i ON i.id = q.incident ORDER BY q.incident, q.number`)
}

// GuardiansOf returns how many guardians the children on a list have, and most+1 where there are
// more than most.
func GuardiansOf(ctx context.Context, tx *db.Tx, incident string, most int64) (int64, error) {
	return db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (
			SELECT g.guardian FROM incident_child c JOIN guardian g ON g.child = c.child WHERE c.incident = $1 AND g.ended_at IS NULL LIMIT $2
		) AS theirs`, incident, most+1)
}
