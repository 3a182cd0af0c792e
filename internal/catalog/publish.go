package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/charter"
)

// What can be wrong with a draft.
var (
	ErrCharterInvalid = errs.New(errs.Invalid, "catalog.charter_invalid")    // it isn't whole; the charter.Problems are wrapped
	ErrUnchanged      = errs.New(errs.Conflict, "catalog.unchanged")         // it is what is published
	ErrProposed       = errs.New(errs.Conflict, "catalog.already_proposed")  // it is what waits for publication
	ErrNoDraft        = errs.New(errs.NotFound, "catalog.draft_not_found")   //
	ErrPublished      = errs.New(errs.Conflict, "catalog.already_published") //
	ErrOutdated       = errs.New(errs.Conflict, "catalog.draft_outdated")    // a later one was published
	ErrRecalled       = errs.New(errs.Conflict, "catalog.recalled")          // it waits for a charter already
)

// The kinds of entries about charters.
const (
	KindProposed  = "charter.proposed"
	KindApproved  = "charter.approved"
	KindRefused   = "charter.refused"
	KindTakenBack = "charter.taken_back" // by who has proposed it
	KindPublished = "charter.published"
	KindRecalled  = "charter.recalled"
)

// A RecalledBody names the charter that is in force and closes the gate, because a
// later one was and is lost.
type RecalledBody struct {
	Number int64 `json:"number"`
}

// A ProposedBody is what the ledger keeps of a draft.
type ProposedBody struct {
	Number  int64   `json:"number"`
	Hash    string  `json:"hash"`
	Touches Touches `json:"touches,omitempty"` // written in the order of the names
	Person  int64   `json:"person,omitempty"`  // the version of who proposes, of a person inside
}

// A PublishedBody is what the ledger keeps of a publication: enough to decide
// every later use again.
type PublishedBody struct {
	Number     int64            `json:"number"`
	Hash       string           `json:"hash"`
	AskedSince map[string]int64 `json:"asked_since"` // written in the order of the names
	Documents  []DocumentHash   `json:"documents"`
	Material   []string         `json:"material"` // the purposes whose older answers are stale
	Terminal   bool             `json:"terminal"` // at the terminal, in the officer's name: nobody who holds an office has an account
}

// A DocumentHash names a document by its hash.
type DocumentHash struct {
	Kind DocumentKind `json:"kind"`
	Lang charter.Lang `json:"lang"`
	Hash string       `json:"hash"`
}

// A Draft is a charter that waits for an officer, beside the published one.
type Draft struct {
	Number   int64
	Hash     string
	Changes  []charter.Change
	Material []string // the purposes for which guardians would be asked again, sorted
}

// A Planned is what would change. How many guardians must be asked again is
// for package consent to count: those with a standing grant on a purpose of
// Material that is not older than Published.AskedSince.
type Planned struct {
	Hash      string
	Published Published // what is in force; zero while nothing is
	Changes   []charter.Change
	Material  []string // sorted
	NoChange  bool     // the charter is what is in force
}

// Plan returns what publishing the charter would change. It writes nothing, and
// the service need not exist yet. Errors: ErrDamaged.
func Plan(ctx context.Context, tx *db.Tx, c *charter.Charter) (Planned, error) {
	published, err := Current(ctx, tx, c.Service)
	if err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrNoCharter) {
		return Planned{}, err
	}
	p := Planned{Hash: c.Hash(), Published: published}
	p.NoChange = p.Hash == published.Hash
	p.Changes = charter.Diff(published.Charter, c)
	p.Material = charter.Material(p.Changes)
	return p, nil
}

// Propose stores a charter as a draft. It stays without effect until it is published, or
// approved; a later proposal stands beside it. What stands there is what can come into
// force: the row carries a keyed hash of itself. Touches is how many children had agreed
// to what it changes; of what isn't material, or doesn't change, it isn't kept. Errors:
// ErrCharterInvalid, ErrNotFound, ErrNotInOffice, ErrCeasing, ErrUnchanged, ErrMany;
// ErrProposed, with the draft that waits already.
func Propose(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Actor, c *charter.Charter, touches Touches) (Draft, string, error) {
	canonical := c.Canonical()
	if _, err := charter.Parse(canonical); err != nil {
		return Draft{}, "", fmt.Errorf("%w: %w", ErrCharterInvalid, err)
	}
	s, err := lock(ctx, tx, c.Service)
	if err != nil {
		return Draft{}, "", err
	}
	inside, is := by.(Colleague)
	switch {
	case !is || !inside.Governs(s.Name):
		err = s.admits(by)
	case inside.Office.ID != "":
		err = s.admits(inside.Office) // what they may rests on it
	}
	if err != nil {
		return Draft{}, "", err
	}
	if s.Ceases("") {
		return Draft{}, "", ErrCeasing
	}
	published, err := s.inForce(ctx, tx)
	if err != nil {
		return Draft{}, "", err
	}
	d := Draft{Number: 1, Hash: c.Hash(), Changes: charter.Diff(published.Charter, c)}
	d.Material = charter.Material(d.Changes)
	latest, err := latest(ctx, tx, c.Service)
	switch {
	case err != nil:
		return Draft{}, "", err
	case d.Hash == published.Hash && !s.Recalled:
		return Draft{}, "", ErrUnchanged
	case d.Hash == latest.Hash && latest.PublishedAt.IsZero() && latest.RefusedAt.IsZero():
		d.Number = latest.Number
		return d, "", ErrProposed
	}
	waiting, err := Waiting(ctx, tx, s)
	switch {
	case err != nil:
		return Draft{}, "", err
	case len(waiting) >= maxWaiting:
		return Draft{}, "", ErrMany
	}
	d.Number = latest.Number + 1
	p := stored{canonical: canonical, Edition: Edition{Number: d.Number, Hash: d.Hash, ProposedAt: tx.Now(), ProposedBy: by.Ledger(), Touches: touches.of(d.Material)}}
	err = tx.Queue(ctx, `
		INSERT INTO charter (service, number, hash, canonical, proposed_at, proposed_by, touches, published_by, decided_by, bound)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		s.Name, p.Number, p.Hash, p.canonical, (*db.Time)(&p.ProposedAt), p.ProposedBy, p.Touches.String(), p.PublishedBy, p.DecidedBy, p.bind(ring, s.Name))
	if err != nil {
		return Draft{}, "", err
	}
	entry, err := s.note(ctx, tx, KindProposed, by, ProposedBody{Number: d.Number, Hash: d.Hash, Touches: p.Touches, Person: inside.Version})
	return d, entry, err
}

// inForce returns the charter in force of the locked service, or the zero
// Published while there is none.
func (s Service) inForce(ctx context.Context, tx *db.Tx) (Published, error) {
	if s.Charter == 0 {
		return Published{}, nil
	}
	return Version(ctx, tx, s.Name, s.Charter)
}

// latest returns the newest version, draft or not, or the zero Edition.
func latest(ctx context.Context, tx *db.Tx, service string) (Edition, error) {
	e, err := db.One(ctx, tx, scanEdition, `
		SELECT `+editionColumns+` FROM charter WHERE service = $1 ORDER BY number DESC LIMIT 1`, service)
	if errors.Is(err, db.ErrNone) {
		return Edition{}, nil
	}
	return e, err
}

// Publish puts a draft into force at the terminal, in the name of the officer, while nobody
// who holds an office of the service has an account: from then on it takes Approve. It comes
// into force together with its rules, its agreement and its notice in every language
// (Articles 8 and 10). From the commit on, answers to an earlier charter are stale for
// each purpose that changed materially; the cost is that of the charter, whatever the
// number of children.
//
// If we crash before the commit, the former charter is in force with all of its
// numbers; afterwards, the new one with all of its own. What parties may hold follows in the
// same transaction: whoever publishes calls party.Publish.
//
// Errors: ErrNotFound, ErrNotInOffice, ErrApproval, ErrCeasing, ErrNoDraft, ErrPublished,
// ErrRefused, ErrOutdated, ErrForged, ErrUnassessed, ErrDocumentMissing, ErrNoticeBlank,
// ErrDamaged.
func Publish(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Officer, service string, number int64) (Published, string, error) {
	s, err := lockBy(ctx, tx, by, service)
	if err != nil {
		return Published{}, "", err
	}
	if s.Ceases("") {
		return Published{}, "", ErrCeasing
	}
	accounts, err := Approvers(ctx, tx, s)
	switch {
	case err != nil:
		return Published{}, "", err
	case len(accounts) > 0:
		return Published{}, "", ErrApproval
	}
	draft, err := s.draft(ctx, tx, ring, number)
	if err != nil {
		return Published{}, "", err
	}
	return s.publish(ctx, tx, ring, by, draft)
}

// publish puts a draft of the locked service into force.
func (s Service) publish(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Officer, draft stored) (Published, string, error) {
	c, err := draft.charter(s.Name)
	if err != nil {
		return Published{}, "", err
	}
	former, err := s.inForce(ctx, tx)
	if err != nil {
		return Published{}, "", err
	}
	number := draft.Number
	papers, err := documents(c, number)
	if err != nil {
		return Published{}, "", err
	}
	// PIPL 55: what a purpose does to children is assessed before it is done.
	switch lacking, err := Unassessed(ctx, tx, ring, s.Name, number, c); {
	case err != nil:
		return Published{}, "", err
	case len(lacking) > 0:
		return Published{}, "", ErrUnassessed.At(lacking[0].Purpose)
	}
	material := charter.Material(charter.Diff(former.Charter, c))
	p := Published{
		Number: number, Hash: draft.Hash, Charter: c, PublishedAt: tx.Now(),
		AskedSince: askedSince(former, c, number, material), Notices: make(map[charter.Lang]string),
	}
	body := PublishedBody{Number: number, Hash: p.Hash, AskedSince: p.AskedSince, Material: append([]string{}, material...), Terminal: draft.DecidedBy == ""}
	for _, d := range papers {
		body.Documents = append(body.Documents, DocumentHash{d.Kind, d.Lang, d.Hash})
		if d.Kind == Notice {
			p.Notices[d.Lang] = d.Hash
		}
	}
	draft.PublishedAt, draft.PublishedBy = p.PublishedAt, by.Ledger()
	if err := s.enforce(ctx, tx, ring, draft, p, papers); err != nil {
		return Published{}, "", err
	}
	entry, err := s.note(ctx, tx, KindPublished, by, body)
	return p, entry, err
}

// draft returns a draft of the locked service that may still be published.
func (s Service) draft(ctx context.Context, tx *db.Tx, ring *keyring.Ring, number int64) (stored, error) {
	d, err := s.undecided(ctx, tx, number)
	if err != nil {
		return stored{}, err
	}
	switch {
	case !d.intact(ring, s.Name): // before it is read: by hand it may be no charter any more
		return stored{}, ErrForged
	case number <= s.Charter:
		return stored{}, ErrOutdated
	}
	_, err = d.charter(s.Name)
	return d, err
}

// undecided returns a draft that nobody has decided about.
func (s Service) undecided(ctx context.Context, tx *db.Tx, number int64) (stored, error) {
	d, err := db.One(ctx, tx, scanStored, `
		SELECT `+storedColumns+` FROM charter WHERE service = $1 AND number = $2`, s.Name, number)
	switch {
	case errors.Is(err, db.ErrNone):
		err = ErrNoDraft
	case err == nil && !d.PublishedAt.IsZero():
		err = ErrPublished
	case err == nil && !d.RefusedAt.IsZero():
		err = ErrRefused
	}
	return d, err
}

// askedSince gives each purpose the number of the charter since which consent
// must have been given (Article 10: a material change asks for consent again).
// A purpose that is new, or back after it was gone, starts at this one.
func askedSince(former Published, c *charter.Charter, number int64, material []string) map[string]int64 {
	asked := make(map[string]int64, len(c.Purposes))
	for _, p := range c.Purposes {
		before, known := former.AskedSince[p.Name]
		if !known || slices.Contains(material, p.Name) {
			before = number
		}
		asked[p.Name] = before
	}
	return asked
}

// enforce writes the publication: rows per purpose and per document, none per
// child.
func (s Service) enforce(ctx context.Context, tx *db.Tx, ring *keyring.Ring, d stored, p Published, papers []Document) error {
	n, err := tx.Exec(ctx, `
		UPDATE charter SET published_at = $1, published_by = $2, decided_by = $3, words = $4, bound = $5
		WHERE service = $6 AND number = $7 AND published_at IS NULL AND refused_at IS NULL`,
		(*db.Time)(&d.PublishedAt), d.PublishedBy, d.DecidedBy, d.words, d.bind(ring, s.Name), s.Name, p.Number)
	switch {
	case err != nil:
		return err
	case n != 1:
		return ErrPublished
	}
	for _, purpose := range p.Charter.Purposes {
		err := tx.Queue(ctx, `
			INSERT INTO charter_purpose (service, charter, purpose, asked_since)
			VALUES ($1, $2, $3, $4)`, s.Name, p.Number, purpose.Name, p.AskedSince[purpose.Name])
		if err != nil {
			return err
		}
	}
	for _, d := range papers {
		err := tx.Queue(ctx, `
			INSERT INTO document (service, charter, kind, lang, hash, body)
			VALUES ($1, $2, $3, $4, $5, $6)`, d.Service, d.Charter, d.Kind, d.Lang, d.Hash, d.Body)
		if err != nil {
			return err
		}
	}
	return tx.Queue(ctx, `UPDATE service SET charter = $1, recalled = false WHERE service = $2`, p.Number, s.Name)
}

// Recall closes the gate of a service whose charter was put back to an earlier one,
// until an officer publishes one again (Articles 8 and 10): guardians have read
// another since, and nobody knows any more what it said. What was agreed to the
// earlier one stands, as far as the next doesn't change it. Errors: ErrNotFound,
// ErrNotInOffice, ErrNoCharter; ErrRecalled the second time.
func Recall(ctx context.Context, tx *db.Tx, by Operator, service string) (string, error) {
	s, err := lockBy(ctx, tx, by, service)
	switch {
	case err != nil:
		return "", err
	case s.Charter == 0:
		return "", ErrNoCharter
	case s.Recalled:
		return "", ErrRecalled
	}
	if err := tx.Queue(ctx, `UPDATE service SET recalled = true WHERE service = $1`, s.Name); err != nil {
		return "", err
	}
	return s.note(ctx, tx, KindRecalled, by, RecalledBody{Number: s.Charter})
}
