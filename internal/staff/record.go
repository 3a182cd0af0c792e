package staff

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/ledger"
)

// A TriedBody says what a person tried: the code of the refusal, and the request for a
// look that it was about, if it was about one.
type TriedBody struct {
	Person  string `json:"person"`
	What    string `json:"what"`
	Request string `json:"request,omitempty"`
}

// An OperatedBody says what a person had the system do.
type OperatedBody struct {
	Person string `json:"person"`
	What   Doing  `json:"what"`
	About  string `json:"about,omitempty"`
}

// An AtTerminalBody says what somebody at the terminal had the system do.
type AtTerminalBody struct {
	What Doing `json:"what"`
}

// A Doing is something about how the system runs.
type Doing string

// The doings.
const (
	RotatedKeys Doing = "keys.rotate"
	CopiedKeys  Doing = "keys.backup" // the key file; at the terminal alone
	Rekeyed     Doing = "keys.rekey"  // by another key-encryption key; at the terminal alone
	RetriedJob  Doing = "jobs.retry"  // About: its number
	TestedSMS   Doing = "channel.sms"
	TestedEmail Doing = "channel.email"
	AskedBundle Doing = "evidence.ask" // for an authority (Article 22); About: its name
)

// Needs is what somebody must be let to do who does it, with every service.
func (d Doing) Needs() Action {
	if d == AskedBundle {
		return MakeBundles
	}
	return ManageSystem
}

// Doings lists them.
var Doings = []Doing{RotatedKeys, RetriedJob, TestedSMS, TestedEmail, AskedBundle}

// AtTerminalDoings lists those that are recorded of who is at the terminal.
var AtTerminalDoings = []Doing{RotatedKeys, Rekeyed, CopiedKeys}

// An ExportedBody says that a person took a list away as a file, and which.
type ExportedBody struct {
	Person string `json:"person"`
	List   string `json:"list"` // a word of the program
}

// Tried records that a person tried what is refused, so that whoever looks for a way
// around the rules is seen (Article 15). Errors: ErrNotFound, ErrLeft.
func Tried(ctx context.Context, tx *db.Tx, by Person, what *errs.Error, request string) (string, error) {
	p, err := Lock(ctx, tx, by.ID)
	if err != nil {
		return "", err
	}
	return p.Note(ctx, tx, KindTried, p.Ledger(), TriedBody{Person: p.ID, What: what.Code, Request: request})
}

// Exported records that a person takes a list away, before the first of it leaves
// (Article 15). List is a word of the program. Errors: ErrNotFound, ErrLeft.
func Exported(ctx context.Context, tx *db.Tx, by Person, list string) (string, error) {
	p, err := Lock(ctx, tx, by.ID)
	if err != nil {
		return "", err
	}
	return p.Note(ctx, tx, KindExported, p.Ledger(), ExportedBody{Person: p.ID, List: list})
}

// Operated records what a person has the system do, before it is done: if we crash in
// between, it is done again by whoever sees that it wasn't. It is done to all services, and
// asks for the role in each (Person.MayEverywhere). Errors: ErrMayNot, ErrNotFound,
// ErrLeft.
func Operated(ctx context.Context, tx *db.Tx, by Person, what Doing, about string) (string, error) {
	p, err := Lock(ctx, tx, by.ID)
	if err != nil {
		return "", err
	}
	all, err := catalog.List(ctx, tx)
	if err == nil && !p.MayEverywhere(what.Needs(), all) {
		err = ErrMayNot
	}
	if err != nil {
		return "", err
	}
	return p.Note(ctx, tx, KindOperated, p.Ledger(), OperatedBody{Person: p.ID, What: what, About: about})
}

// AtTerminal records what somebody at the terminal has the system do, before it is done or
// with it (Article 13).
func AtTerminal(ctx context.Context, tx *db.Tx, by catalog.Operator, what Doing) error {
	_, err := ledger.Append(ctx, tx, ledger.Entry{Kind: KindAtTerminal, Actor: by.Ledger(), Body: AtTerminalBody{What: what}})
	return err
}
