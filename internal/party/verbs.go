package party

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/ledger"
)

// The kinds of entries about a party. Their version is that of its service, which each of
// them raises: so nobody uses anything by what the party was before. That orders to it are
// overdue, and so nothing new goes there, is catalog's to say: catalog.KindSuspended.
const (
	KindRegistered = "party.registered"
	KindAssessed   = "party.assessed"
	KindAgreed     = "party.agreed"
	KindFiled      = "party.mechanism_filed"
	KindHalted     = "party.halted"
	KindContinued  = "party.continued"
	KindDeclared   = "party.sub_processors_declared"
	KindEnded      = "party.ended"
)

// A RegisteredBody is what the ledger keeps of who a party is.
type RegisteredBody struct {
	Party   string `json:"party"`
	Role    Role   `json:"role"`
	Country string `json:"country"`
	Mark    string `json:"mark"`           // see Party.Mark
	Anew    bool   `json:"anew,omitempty"` // of a place: its mechanism is another company's, or of another place
}

// A PaperBody is what the ledger keeps of a paper: what rests on it, and a mark of the rest.
// Times are microseconds.
type PaperBody struct {
	Party      string `json:"party"`
	Role       Role   `json:"role"`
	Paper      string `json:"paper"` // "pp_…"
	Kind       Kind   `json:"kind"`
	Mark       string `json:"mark"` // see Paper.Mark
	Passed     bool   `json:"passed,omitempty"`
	Scope      Scope  `json:"scope,omitempty"`
	From       int64  `json:"from"`
	Until      int64  `json:"until"`
	Assessment string `json:"assessment,omitempty"` // on which an agreement rests
	Every      int    `json:"every,omitempty"`      // months between two checks, of an agreement
}

// A basis is what an agreement rests on, and what it owes.
type basis struct {
	assessment string
	every      int // months between two checks
}

// A HaltedBody says why a party was suspended.
type HaltedBody struct {
	Party  string `json:"party"`
	Role   Role   `json:"role"`
	Reason Reason `json:"reason"`
}

// A ContinuedBody says that it isn't any more.
type ContinuedBody struct {
	Party string `json:"party"`
	Role  Role   `json:"role"`
}

// A DeclaredBody says how many sub-processors a party has, and has a mark of which.
type DeclaredBody struct {
	Party string `json:"party"`
	Role  Role   `json:"role"`
	Count int    `json:"count"`
	Mark  string `json:"mark,omitempty"` // of their names, with the salt of who the party is
}

// An EndedBody says when all ends that the party stands on.
type EndedBody struct {
	Party string `json:"party"`
	Role  Role   `json:"role"`
	At    int64  `json:"at"` // microseconds
}

// SubsMark is what the ledger keeps of the names of sub-processors; empty where there is none.
func (p Party) SubsMark() string {
	if len(p.Subs) == 0 {
		return ""
	}
	return ledger.Mark(p.Salt, append([]string{p.Service, string(p.Role), p.Name}, p.Subs...)...)
}

// A Paper is an assessment, an agreement or a mechanism, as it was signed.
type Paper struct {
	Term
	Party    ID
	Text     string // the form, as JSON: Form, Deed, Inspection or Mechanism by its kind
	Salt     []byte // of the mark
	SignedAt time.Time
	SignedBy string // as the ledger names actors
	Entry    string // "le_…"
}

// Mark is what the ledger keeps of the form of a paper.
func (p Paper) Mark() string { return ledger.Mark(p.Salt, p.ID, p.Text) }

// Says returns the term that the form gives, whatever its row says: the audit compares them.
// Of an assessment it begins when it was signed. Errors: the form is none of its kind.
func (p Paper) Says() (t Term, err error) {
	t = Term{ID: p.ID, Kind: p.Kind}
	switch p.Kind {
	case Assessed:
		var f Form
		if err = strict(p.Text, &f); err == nil {
			t.Passed, t.Scope, t.From = f.Passes(), f.Scope, p.SignedAt
			t.Until, err = f.check(p.SignedAt)
		}
	case Agreed:
		var d Deed
		if err = strict(p.Text, &d); err == nil {
			t.Scope = d.Scope
			t.From, t.Until, err = d.check(p.SignedAt)
		}
	case Checked:
		var i Inspection
		if err = strict(p.Text, &i); err == nil {
			t.Passed, t.Until = i.Outcome != Breached, p.Until // by the agreement of then, which the replay knows
			t.From, err = i.check(p.SignedAt)
		}
	default:
		var m Mechanism
		if err = strict(p.Text, &m); err == nil {
			t.Kind = Kind(m.Mechanism)
			t.From, t.Until, err = m.check(p.SignedAt)
		}
	}
	return t, err
}

// Is reports whether two terms say the same.
func (t Term) Is(other Term) bool {
	return t.ID == other.ID && t.Kind == other.Kind && t.Passed == other.Passed && t.Scope.String() == other.Scope.String() &&
		t.From.Equal(other.From) && t.Until.Equal(other.Until)
}

// strict reads a form, in which nothing may be that it doesn't have.
func strict(text string, into any) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

const paperColumns = `id, service, role, party, kind, form, salt, passed, scope, from_at, until_at, signed_at, signed_by, entry`

// scanPaper leaves the scope empty where it can't be read. The gate reads it by itself.
func scanPaper(row db.Row) (p Paper, err error) {
	var scope string
	err = row.Scan(&p.ID, &p.Party.Service, &p.Party.Role, &p.Party.Name, &p.Kind, &p.Text, &p.Salt, &p.Passed, &scope,
		(*db.Time)(&p.From), (*db.Time)(&p.Until), (*db.Time)(&p.SignedAt), &p.SignedBy, &p.Entry)
	p.Scope, _ = parseScope(scope)
	return p, err
}

// Papers returns all papers of a party, the newest first: those too that nothing rests on
// any more.
func Papers(ctx context.Context, tx *db.Tx, of ID) ([]Paper, error) {
	return db.All(ctx, tx, scanPaper, `
		SELECT `+paperColumns+` FROM party_paper
		WHERE service = $1 AND role = $2 AND party = $3
		ORDER BY signed_at DESC, kind, id`, of.Service, of.Role, of.Name)
}

// EachPaper calls fn with every paper of the store, for an audit. It must not use tx.
func EachPaper(ctx context.Context, tx *db.Tx, fn func(Paper) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		p, err := scanPaper(row)
		if err != nil {
			return err
		}
		return fn(p)
	}, `SELECT `+paperColumns+` FROM party_paper ORDER BY id`)
}

// Register puts a party of the charter in force on the register, or writes down anew who it
// is. Nothing goes to it for that: once it was assessed it stays the company that was, by
// its number of registration, and another one has another name in the charter. A place has
// no other name: run by another company, or elsewhere, it needs a mechanism anew. Errors: those
// of catalog.Change, ErrRole, ErrUnnamed, ErrIdentity, ErrRegistration, ErrCountry, ErrAnother.
func Register(ctx context.Context, tx *db.Tx, by catalog.Officer, of ID, is Identity) (Party, string, error) {
	s, err := catalog.Change(ctx, tx, by, of.Service)
	if err != nil {
		return Party{}, "", err
	}
	c, err := named(ctx, tx, of)
	if err != nil {
		return Party{}, "", err
	}
	if is.Country != CountryOf(c, of) {
		return Party{}, "", ErrCountry.At("country")
	}
	if err := is.check(); err != nil {
		return Party{}, "", err
	}
	p, err := Find(ctx, tx, of)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Party{}, "", err
	}
	if errors.Is(err, ErrNotFound) {
		p = Party{Standing: Standing{ID: of}, RegisteredAt: tx.Now(), RegisteredBy: by.Ledger(), Salt: ledger.NewSalt()}
	}
	// No paper that one company signed, or was assessed for, carries another.
	if p.Assessment.Exists() && is.Registration != p.Registration {
		return Party{}, "", ErrAnother.At("registration")
	}
	anew := of.Role.Place() && p.Mechanism.Exists() && (is.Registration != p.Registration || is.Country != p.Standing.Country)
	if anew {
		p.Mechanism = Term{}
	}
	// The salt stays: the mark of sub-processors has it, too. A walk over the children begins anew,
	// for how far it is has a mark of the version.
	p.Identity, p.Standing.Country, p.Version = is, is.Country, s.Version
	err = tx.Queue(ctx, `
		INSERT INTO party (service, role, name, version, country, legal_name, registration, contact, address, task, salt, registered_at, registered_by,
			halted, subs, ends_at, assessment, agreement, mechanism, check_by, told_at, parted_upto, parted_at, held, excess, narrowed, narrowed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, '', '', NULL, '', '', '', NULL, NULL, '', NULL, '{}', '{}', 0, NULL)
		ON CONFLICT (service, role, name) DO UPDATE SET version = excluded.version, country = excluded.country, legal_name = excluded.legal_name,
			registration = excluded.registration, contact = excluded.contact, address = excluded.address, task = excluded.task, parted_upto = ''`,
		of.Service, of.Role, of.Name, p.Version, is.Country, is.LegalName, is.Registration, is.Contact, is.Address, is.Task, p.Salt,
		(*db.Time)(&p.RegisteredAt), p.RegisteredBy)
	if err == nil && anew {
		err = p.write(ctx, tx)
	}
	if err != nil {
		return Party{}, "", err
	}
	entry, err := p.note(ctx, tx, by, KindRegistered, RegisteredBody{Party: of.Name, Role: of.Role, Country: is.Country, Mark: p.Mark(), Anew: anew})
	return p, entry, err
}

// Assess signs a security assessment of a party and of what it is to be given (Articles 16
// and 17). It takes the place of the one before, and one that fails does so, too: nothing
// goes to the party from then on. For a recipient it begins anew what had ended. Errors:
// those of catalog.Change, ErrNotFound, ErrRole, ErrForm, ErrScope, ErrParting.
func Assess(ctx context.Context, tx *db.Tx, by catalog.Officer, of ID, f Form) (Party, string, error) {
	if of.Role.Place() {
		return Party{}, "", ErrRole.At("role")
	}
	p, err := change(ctx, tx, by, of)
	if err != nil {
		return Party{}, "", err
	}
	until, err := f.check(tx.Now())
	if err != nil {
		return Party{}, "", err
	}
	f.Scope = f.Scope.sorted()
	if err := p.given(ctx, tx, f.Scope); err != nil {
		return Party{}, "", err
	}
	if p.Role == Recipient && p.Over(tx.Now()) {
		if p.Parting(tx.Now()) {
			return Party{}, "", ErrParting
		}
		p.EndsAt = time.Time{}
	}
	return p.sign(ctx, tx, by, KindAssessed, Term{Kind: Assessed, Passed: f.Passes(), Scope: f.Scope, From: tx.Now(), Until: until}, basis{}, f)
}

// Agree signs an agreement with a processor (Article 16). It takes the place of the one
// before, at once, so it must have begun if that one holds still; and it begins anew what
// had ended. Errors: those of catalog.Change, ErrNotFound, ErrRole, ErrForm, ErrPeriod,
// ErrScope, ErrUnassessed, ErrScopeAssessed, ErrSuspended, ErrSubs, ErrOverdue, ErrParting, ErrGap.
func Agree(ctx context.Context, tx *db.Tx, by catalog.Officer, of ID, d Deed) (Party, string, error) {
	if of.Role != Processor {
		return Party{}, "", ErrRole.At("role")
	}
	s, p, err := changed(ctx, tx, by, of)
	if err != nil {
		return Party{}, "", err
	}
	now := tx.Now()
	from, until, err := d.check(now)
	if err != nil {
		return Party{}, "", err
	}
	d.Document, d.Scope = strings.ToLower(d.Document), d.Scope.sorted()
	if err := p.given(ctx, tx, d.Scope); err != nil {
		return Party{}, "", err
	}
	owes, err := p.owes(ctx, tx)
	if err != nil {
		return Party{}, "", err
	}
	switch {
	case len(p.Subs) > 0:
		return Party{}, "", ErrSubs
	case p.Halted != "":
		return Party{}, "", ErrSuspended
	// Edge case 13: who hasn't done what it was ordered to do gets nothing new.
	case s.IsOverdue(of.Name), owes:
		return Party{}, "", ErrOverdue
	case p.Parting(now):
		return Party{}, "", ErrParting
	case !p.Assessment.Passed || !p.Assessment.Holds(now):
		return Party{}, "", ErrUnassessed
	case !d.Scope.Within(p.Assessment.Scope):
		return Party{}, "", ErrScopeAssessed.At("scope")
	case p.Agreement.Holds(now) && !p.Over(now) && from.After(now):
		return Party{}, "", ErrGap.At("from")
	}
	p.CheckBy, p.EndsAt = p.Owes(now, from, d.SupervisedEvery), time.Time{}
	return p.sign(ctx, tx, by, KindAgreed, Term{Kind: Agreed, Scope: d.Scope, From: from, Until: until}, basis{p.Assessment.ID, d.SupervisedEvery}, d)
}

// owes reports whether the company, which is one by its number of registration, hasn't done in time
// what it was ordered to do, by whatever name and in whatever service: it signs nothing new by
// another (edge case 13).
func (p Party) owes(ctx context.Context, tx *db.Tx) (bool, error) {
	late, err := db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (
			SELECT o.id FROM party q JOIN party_order o ON o.service = q.service AND o.role = q.role AND o.party = q.name
			WHERE q.registration = $1 AND q.country = $2 AND q.role = $3 AND o.attested_at IS NULL AND o.overdue_at IS NOT NULL LIMIT 1) AS late`,
		p.Registration, p.Standing.Country, string(p.Role))
	return late > 0, err
}

// File puts a mechanism on file by which something may cross a border to the party, or be
// kept or read there (edge case 20). It takes the place of the one before. Errors: those of catalog.Change,
// ErrNotFound, ErrForm, ErrPeriod.
func File(ctx context.Context, tx *db.Tx, by catalog.Officer, of ID, m Mechanism) (Party, string, error) {
	p, err := change(ctx, tx, by, of)
	if err != nil {
		return Party{}, "", err
	}
	from, until, err := m.check(tx.Now())
	if err != nil {
		return Party{}, "", err
	}
	m.Document = strings.ToLower(m.Document)
	return p.sign(ctx, tx, by, KindFiled, Term{Kind: Kind(m.Mechanism), From: from, Until: until}, basis{}, m)
}

// Suspend has a party get nothing until Resume. Errors: those of catalog.Change,
// ErrNotFound, ErrReason, ErrSuspended.
func Suspend(ctx context.Context, tx *db.Tx, by catalog.Officer, of ID, why Reason) (Party, string, error) {
	if !slices.Contains(Reasons, why) {
		return Party{}, "", ErrReason.At("reason")
	}
	return halt(ctx, tx, by, of, why)
}

// SuspendAgain suspends a party of a store that was put back and may not know how it stands
// (edge case 15). Errors: as Suspend.
func SuspendAgain(ctx context.Context, tx *db.Tx, by catalog.Operator, of ID) (Party, string, error) {
	// First, so that whoever goes on after a refusal has changed nothing.
	if p, err := Find(ctx, tx, of); err != nil {
		return Party{}, "", err
	} else if p.Halted != "" {
		return Party{}, "", ErrSuspended
	}
	return halt(ctx, tx, by, of, Restored)
}

func halt(ctx context.Context, tx *db.Tx, by catalog.Actor, of ID, why Reason) (Party, string, error) {
	p, err := change(ctx, tx, by, of)
	switch {
	case err != nil:
		return Party{}, "", err
	case p.Halted != "":
		return Party{}, "", ErrSuspended
	}
	p.Halted = why
	if err := p.write(ctx, tx); err != nil {
		return Party{}, "", err
	}
	entry, err := p.note(ctx, tx, by, KindHalted, HaltedBody{Party: of.Name, Role: of.Role, Reason: why})
	return p, entry, err
}

// Resume ends what Suspend did, as far as the party has no sub-processors. Errors: those of
// catalog.Change, ErrNotFound, ErrNotSuspended, ErrSubs.
func Resume(ctx context.Context, tx *db.Tx, by catalog.Officer, of ID) (Party, string, error) {
	p, err := change(ctx, tx, by, of)
	switch {
	case err != nil:
		return Party{}, "", err
	case len(p.Subs) > 0:
		return Party{}, "", ErrSubs
	case p.Halted == "":
		return Party{}, "", ErrNotSuspended
	}
	p.Halted = ""
	if err := p.write(ctx, tx); err != nil {
		return Party{}, "", err
	}
	entry, err := p.note(ctx, tx, by, KindContinued, ContinuedBody{Party: of.Name, Role: of.Role})
	return p, entry, err
}

// Declare writes down which sub-processors a processor has told of, or was found to have.
// One of them suspends it in this transaction: edge case 19 is a hard no. That none is left
// is declared, too, and then somebody has to say Resume. Errors: those of catalog.Change,
// ErrNotFound, ErrRole, ErrIdentity.
func Declare(ctx context.Context, tx *db.Tx, by catalog.Officer, of ID, subs []string) (Party, string, error) {
	if of.Role != Processor {
		return Party{}, "", ErrRole.At("role")
	}
	if !areSubs(subs) {
		return Party{}, "", ErrIdentity.At("sub_processors")
	}
	p, err := change(ctx, tx, by, of)
	if err != nil {
		return Party{}, "", err
	}
	p.ToldAt = time.Time{} // somebody in office has looked at it
	return p.entrusts(ctx, tx, by.Ledger(), subs)
}

// Tell writes down sub-processors of which a processor tells by itself, beside those that are
// known of it: by its own word none of them goes. It is suspended in this transaction, as by
// Declare, and somebody in office has to look at it within LookWithin. It tells that also where
// it is suspended already, or has ended. Errors: ErrRole, ErrIdentity, those of Client.Deaf.
func Tell(ctx context.Context, tx *db.Tx, by Client, subs []string) (Party, string, error) {
	of := by.Key.Party
	switch {
	case of.Role != Processor:
		return Party{}, "", ErrRole.At("role")
	case len(subs) == 0 || !areSubs(subs):
		return Party{}, "", ErrIdentity.At("sub_processors")
	case by.Deaf(tx.Now()) != nil:
		return Party{}, "", by.Deaf(tx.Now())
	}
	s, err := catalog.Advance(ctx, tx, of.Service)
	if err != nil {
		return Party{}, "", err
	}
	p, err := Find(ctx, tx, of)
	if err != nil {
		return Party{}, "", err
	}
	if p.Version = s.Version; p.ToldAt.IsZero() {
		p.ToldAt = tx.Now()
	}
	if subs = slices.Concat(p.Subs, subs); !areSubs(slices.Compact(slices.Sorted(slices.Values(subs)))) {
		return Party{}, "", ErrIdentity.At("sub_processors") // there are too many by now
	}
	return p.entrusts(ctx, tx, by.Ledger(), subs)
}

// areSubs reports whether these can be the names of a party's sub-processors.
func areSubs(subs []string) bool {
	return len(subs) <= 50 && !slices.ContainsFunc(subs, func(s string) bool { return !isLine(s, 200) })
}

// entrusts writes down which sub-processors a party has. One of them suspends it (edge case 19).
func (p Party) entrusts(ctx context.Context, tx *db.Tx, actor string, subs []string) (Party, string, error) {
	p.Subs = slices.Compact(slices.Sorted(slices.Values(subs)))
	if len(p.Subs) > 0 && p.Halted == "" {
		p.Halted = SubProcessor
	}
	if err := p.write(ctx, tx); err != nil {
		return Party{}, "", err
	}
	entry, err := ledger.Append(ctx, tx, ledger.Entry{Kind: KindDeclared, Service: p.Service, Version: p.Version, Actor: actor,
		Body: DeclaredBody{Party: p.Name, Role: p.Role, Count: len(p.Subs), Mark: p.SubsMark()}})
	return p, entry, err
}

// End ends all that a party stands on, at a moment; at the zero time, or one that is over,
// now. What is stored or read somewhere ends by another charter, and not by this: of a place that one
// has brought home, the mechanism goes now, whatever the moment, and nobody is reminded of it any
// more. Errors: those of catalog.Change and catalog.Current, ErrNotFound, ErrRole, ErrEnded.
func End(ctx context.Context, tx *db.Tx, by catalog.Officer, of ID, at time.Time) (Party, string, error) {
	p, err := change(ctx, tx, by, of)
	if err == nil && of.Role.Place() {
		err = p.home(ctx, tx)
	}
	switch {
	case err != nil:
		return Party{}, "", err
	case p.Over(tx.Now()):
		return Party{}, "", ErrEnded
	}
	if at = at.UTC().Truncate(time.Microsecond); at.Before(tx.Now()) || of.Role.Place() {
		at = tx.Now()
	}
	if of.Role.Place() {
		p.Mechanism = Term{}
	} else {
		p.EndsAt = at
	}
	if err := p.write(ctx, tx); err != nil {
		return Party{}, "", err
	}
	entry, err := p.note(ctx, tx, by, KindEnded, EndedBody{Party: of.Name, Role: of.Role, At: at.UnixMicro()})
	return p, entry, err
}

// home refuses the end of a place that is abroad, and of one that stands on nothing. Errors:
// those of catalog.Current, ErrRole, ErrEnded.
func (p Party) home(ctx context.Context, tx *db.Tx) error {
	published, err := catalog.Current(ctx, tx, p.Service)
	switch {
	case err != nil:
		return err
	case CountryOf(published.Charter, p.ID) != "":
		return ErrRole.At("role")
	case !p.Mechanism.Exists():
		return ErrEnded
	}
	return nil
}

// change returns a party for a change of it: the service is held, and has the version that
// the change makes.
func change(ctx context.Context, tx *db.Tx, by catalog.Actor, of ID) (Party, error) {
	_, p, err := changed(ctx, tx, by, of)
	return p, err
}

func changed(ctx context.Context, tx *db.Tx, by catalog.Actor, of ID) (catalog.Service, Party, error) {
	s, err := catalog.Change(ctx, tx, by, of.Service)
	if err != nil {
		return s, Party{}, err
	}
	p, err := Find(ctx, tx, of)
	p.Version = s.Version
	return s, p, err
}

// write writes how the party stands. The service is held. Whoever is in the middle of the
// orders that follow an end begins anew, if it still has ended.
func (p Party) write(ctx context.Context, tx *db.Tx) error {
	n, err := tx.Exec(ctx, `
		UPDATE party SET version = $1, halted = $2, subs = $3, ends_at = $4, assessment = $5, agreement = $6, mechanism = $7, check_by = $8, told_at = $9, parted_upto = ''
		WHERE service = $10 AND role = $11 AND name = $12`,
		p.Version, p.Halted, strings.Join(p.Subs, "\n"), (*db.Time)(&p.EndsAt), p.Assessment.ID, p.Agreement.ID, p.Mechanism.ID,
		(*db.Time)(&p.CheckBy), (*db.Time)(&p.ToldAt), p.Service, p.Role, p.Name)
	if err == nil && n != 1 {
		err = ErrNotFound
	}
	return err
}

// sign keeps a paper, and has the party stand on it. One that covers less than what the party
// holds has it ordered to delete the rest.
func (p Party) sign(ctx context.Context, tx *db.Tx, by catalog.Officer, kind string, t Term, on basis, form any) (Party, string, error) {
	text, err := json.Marshal(form)
	if err != nil {
		return Party{}, "", err
	}
	t.ID = id.New(id.Paper)
	paper := Paper{Term: t, Party: p.ID, Text: string(text), Salt: ledger.NewSalt(), SignedAt: tx.Now(), SignedBy: by.Ledger()}
	switch kind {
	case KindAssessed:
		p.Assessment = t
	case KindAgreed:
		p.Agreement = t
	case KindFiled:
		p.Mechanism = t
	}
	if err := p.write(ctx, tx); err != nil {
		return Party{}, "", err
	}
	paper.Entry, err = p.note(ctx, tx, by, kind, PaperBody{Party: p.Name, Role: p.Role, Paper: t.ID, Kind: t.Kind, Mark: paper.Mark(), Passed: t.Passed,
		Scope: t.Scope, From: t.From.UnixMicro(), Until: t.Until.UnixMicro(), Assessment: on.assessment, Every: on.every})
	if err != nil {
		return Party{}, "", err
	}
	err = tx.Queue(ctx, `
		INSERT INTO party_paper (`+paperColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		paper.ID, p.Service, p.Role, p.Name, t.Kind, paper.Text, paper.Salt, t.Passed, t.Scope.String(), (*db.Time)(&t.From), (*db.Time)(&t.Until),
		(*db.Time)(&paper.SignedAt), paper.SignedBy, paper.Entry)
	if err != nil {
		return Party{}, "", err
	}
	published, err := catalog.Current(ctx, tx, p.Service)
	if err != nil {
		return Party{}, "", err
	}
	p, err = p.follow(ctx, tx, by, published.Charter)
	return p, paper.Entry, err
}

// note records a change of the party.
func (p Party) note(ctx context.Context, tx *db.Tx, by catalog.Actor, kind string, body any) (string, error) {
	return ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: p.Service, Version: p.Version, Actor: by.Ledger(), Body: body})
}

// given refuses a scope that is empty, or beyond what the charter in force gives the party.
func (p Party) given(ctx context.Context, tx *db.Tx, s Scope) error {
	c, err := named(ctx, tx, p.ID)
	if err != nil {
		return err
	}
	items := 0
	for _, some := range s {
		items += len(some)
	}
	if items == 0 || !s.Within(ScopeOf(c, p.Role, p.Name)) {
		return ErrScope.At("scope")
	}
	return nil
}

// named returns the charter in force, if it names the party. Errors: ErrRole, ErrUnnamed.
func named(ctx context.Context, tx *db.Tx, of ID) (*charter.Charter, error) {
	if of.Role != Processor && of.Role != Recipient && !of.Role.Place() {
		return nil, ErrRole.At("role")
	}
	published, err := catalog.Current(ctx, tx, of.Service)
	if err != nil {
		return nil, err
	}
	if CountryOf(published.Charter, of) == "" {
		return nil, ErrUnnamed.At("party")
	}
	return published.Charter, nil
}
