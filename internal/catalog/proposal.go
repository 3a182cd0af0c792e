package catalog

import (
	"context"
	"crypto/subtle"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
)

// What can be wrong with a proposal that is decided about.
var (
	ErrApproval = errs.New(errs.Forbidden, "catalog.approval_needed") // somebody in office has an account, and approves there
	ErrOwn      = errs.New(errs.Forbidden, "catalog.own_proposal")    // nobody approves what they propose
	ErrRefused  = errs.New(errs.Conflict, "catalog.already_refused")
	ErrForged   = errs.New(errs.Conflict, "catalog.proposal_forged") // the row isn't as it was written
	ErrMoved    = errs.New(errs.Conflict, "catalog.moved_on")        // it isn't what was seen, or is compared with another charter by now
	ErrWords    = errs.New(errs.Invalid, "catalog.words_invalid")
	ErrNotOwn   = errs.New(errs.Forbidden, "catalog.not_own_proposal")
	ErrMany     = errs.New(errs.TooMany, "catalog.too_many_proposals")
)

// maxWaiting is how many proposals of a service wait at a time.
const maxWaiting = 20

// maxWords is how many characters a decision is explained in.
const maxWords = 500

// Touches is how many children a proposal touches: by purpose, those of whom somebody had
// agreed to it.
type Touches map[string]int64

// of returns those of some purposes.
func (t Touches) of(purposes []string) Touches {
	some := make(Touches)
	for _, p := range purposes {
		if n := t[p]; n > 0 {
			some[p] = n
		}
	}
	return some
}

// String writes them as the row has them.
func (t Touches) String() string {
	var words []string
	for _, p := range slices.Sorted(maps.Keys(t)) {
		words = append(words, p+"="+strconv.FormatInt(t[p], 10))
	}
	return strings.Join(words, " ")
}

// parseTouches reads what String wrote. What else there is touches nobody: whoever
// approves asks whether the row is as it was written.
func parseTouches(text string) Touches {
	t := make(Touches)
	for word := range strings.FieldsSeq(text) {
		p, n, _ := strings.Cut(word, "=")
		if count, err := strconv.ParseInt(n, 10, 64); err == nil {
			t[p] = count
		}
	}
	return t
}

// A Colleague is a person inside whom the access matrix lets propose charters of one
// service, or decide about them: package approval makes one. Nothing but a charter is
// theirs to change.
type Colleague struct {
	Person  string // "st_…"
	Version int64  // of the person
	Service string
	// Proposer is the version of the person inside who has proposed what is approved; 0: it
	// was proposed at the terminal.
	Proposer int64
	Office   Officer // that the person holds there; zero: none
}

// Ledger returns the actor's name in the ledger: "staff:st_…".
func (c Colleague) Ledger() string { return "staff:" + c.Person }

// Governs reports whether it is about this service.
func (c Colleague) Governs(service string) bool { return c.Person != "" && c.Service == service }

// An ApprovedBody says that a person in office lets a proposal come into force, which it
// does with the next entry of the service.
type ApprovedBody struct {
	Number int64  `json:"number"`
	Hash   string `json:"hash"`
	Office string `json:"office"` // the term of office, "st_…"
	Words  bool   `json:"words"`  // there are some
	Person int64  `json:"person"` // the version of who approves: so the replay knows that they might
	// Proposer is that of who has proposed it, if that is a person inside.
	Proposer int64 `json:"proposer,omitempty"`
}

// A RefusedBody says that a person in office doesn't.
type RefusedBody struct {
	Number int64  `json:"number"`
	Hash   string `json:"hash"`
	Office string `json:"office"`
	Words  bool   `json:"words"`
	Person int64  `json:"person"`
}

// A TakenBackBody says that who has proposed it takes it back.
type TakenBackBody struct {
	Number int64  `json:"number"`
	Hash   string `json:"hash"`
	Person int64  `json:"person,omitempty"` // the version of a person inside
}

// Seen is what somebody was shown who decides about a proposal: its hash, and the number
// of the charter that it was compared with.
type Seen struct {
	Hash    string
	Against int64
}

const (
	boundDomain = "catalog.charter"
	wordsDomain = "catalog.charter.words"
)

// bind hashes the whole row: what was changed by hand between proposal and approval
// doesn't come into force, and what was refused isn't open again.
func (s stored) bind(ring *keyring.Ring, service string) []byte {
	return ring.Index(boundDomain, service, strconv.FormatInt(s.Number, 10), s.Hash, string(s.canonical), micros(s.ProposedAt), s.ProposedBy, s.Touches.String(),
		micros(s.PublishedAt), s.PublishedBy, micros(s.RefusedAt), s.DecidedBy, string(s.words))
}

func micros(t time.Time) string { return strconv.FormatInt(t.UnixMicro(), 10) }

func (s stored) intact(ring *keyring.Ring, service string) bool {
	return len(s.bound) > 0 && subtle.ConstantTimeCompare(s.bound, s.bind(ring, service)) == 1
}

// EachVersion calls fn with every version of every charter, and whether its row is as it
// was written, for an audit.
func EachVersion(ctx context.Context, tx *db.Tx, ring *keyring.Ring, fn func(service string, number int64, intact bool) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		var service, touches string
		var s stored
		if err := row.Scan(append([]any{&service}, append(s.into(&touches), &s.words, &s.bound, &s.canonical)...)...); err != nil {
			return err
		}
		s.Touches = parseTouches(touches)
		return fn(service, s.Number, s.Touches.String() == touches && s.intact(ring, service))
	}, `SELECT service, `+storedColumns+` FROM charter ORDER BY service, number`)
}

// Approvers returns the persons inside who hold an office of the service, with an account
// of their own. While there is one, charters come into force by their approval alone.
func Approvers(ctx context.Context, tx *db.Tx, s Service) (persons []string, err error) {
	return db.All(ctx, tx, db.Single[string], `
		SELECT p.id FROM person_role r
		JOIN person p ON p.id = r.person
		WHERE r.service = $1 AND r.office <> '' AND r.office IN ($2, $3) AND p.state = 'active'
		ORDER BY p.id`, s.Name, s.OfficerID, s.DeputyID)
}

// Approve puts a proposal into force, as a person who holds an office of the service and
// hasn't proposed it (Article 8). What comes into force is what that person has seen: the
// same bytes, compared with the charter that is in force still. Words explain it, and may
// be empty. Errors: those of Publish but ErrApproval; ErrOwn, ErrMoved, ErrWords.
func Approve(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Colleague, service string, number int64, seen Seen, words string) (Published, string, error) {
	fail := func(err error) (Published, string, error) { return Published{}, "", err }
	s, err := lockBy(ctx, tx, by.Office, service)
	if err != nil {
		return fail(err)
	}
	if s.Ceases("") {
		return fail(ErrCeasing)
	}
	d, err := s.draft(ctx, tx, ring, number)
	switch {
	case err != nil:
		return fail(err)
	case d.ProposedBy == by.Ledger():
		return fail(ErrOwn)
	case seen.Hash != d.Hash || seen.Against != s.Charter:
		return fail(ErrMoved)
	}
	if err := s.decide(ring, &d, by, words); err != nil {
		return fail(err)
	}
	_, err = s.note(ctx, tx, KindApproved, by, ApprovedBody{Number: d.Number, Hash: d.Hash, Office: by.Office.ID, Words: d.words != nil, Person: by.Version, Proposer: by.Proposer})
	if err != nil {
		return fail(err)
	}
	// That it is in force is a change of its own: each has one version, and one entry.
	if s, err = lock(ctx, tx, service); err != nil {
		return fail(err)
	}
	return s.publish(ctx, tx, ring, by.Office, d)
}

// Refuse says that a proposal doesn't come into force, with words that say why. Also who
// has proposed it may, and also one that was changed by hand: it only closes. Errors:
// ErrNotFound, ErrNotInOffice, ErrNoDraft, ErrPublished, ErrRefused, ErrWords.
func Refuse(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Colleague, service string, number int64, words string) (string, error) {
	s, err := lockBy(ctx, tx, by.Office, service)
	if err != nil {
		return "", err
	}
	d, err := s.undecided(ctx, tx, number)
	switch {
	case err != nil:
		return "", err
	case words == "":
		return "", ErrWords.At("words")
	}
	intact := d.intact(ring, s.Name)
	d.RefusedAt = tx.Now()
	if err := s.decide(ring, &d, by, words); err != nil {
		return "", err
	}
	if intact { // what was changed by hand stays so
		d.bound = d.bind(ring, s.Name)
	}
	n, err := tx.Exec(ctx, `
		UPDATE charter SET refused_at = $1, decided_by = $2, words = $3, bound = $4
		WHERE service = $5 AND number = $6 AND published_at IS NULL AND refused_at IS NULL`,
		(*db.Time)(&d.RefusedAt), d.DecidedBy, d.words, d.bound, s.Name, d.Number)
	if err == nil && n != 1 {
		err = ErrRefused
	}
	if err != nil {
		return "", err
	}
	return s.note(ctx, tx, KindRefused, by, RefusedBody{Number: d.Number, Hash: d.Hash, Office: by.Office.ID, Words: true, Person: by.Version})
}

// TakeBack takes a proposal back, as who has proposed it: the person inside, or whoever is
// at the terminal where it was proposed there. Nobody else has to agree to that, for it
// only closes. Errors: ErrNotFound, ErrNotInOffice, ErrNoDraft, ErrPublished, ErrRefused,
// ErrNotOwn.
func TakeBack(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Actor, service string, number int64) (string, error) {
	s, err := lock(ctx, tx, service)
	if err != nil {
		return "", err
	}
	inside, is := by.(Colleague)
	if !is || !inside.Governs(s.Name) {
		if err := s.admits(by); err != nil {
			return "", err
		}
	}
	d, err := s.undecided(ctx, tx, number)
	switch {
	case err != nil:
		return "", err
	case !sameSide(d.ProposedBy, by.Ledger()):
		return "", ErrNotOwn
	}
	intact := d.intact(ring, s.Name)
	d.RefusedAt, d.DecidedBy = tx.Now(), by.Ledger()
	if intact { // what was changed by hand stays so
		d.bound = d.bind(ring, s.Name)
	}
	n, err := tx.Exec(ctx, `
		UPDATE charter SET refused_at = $1, decided_by = $2, bound = $3
		WHERE service = $4 AND number = $5 AND published_at IS NULL AND refused_at IS NULL`,
		(*db.Time)(&d.RefusedAt), d.DecidedBy, d.bound, s.Name, d.Number)
	if err == nil && n != 1 {
		err = ErrRefused
	}
	if err != nil {
		return "", err
	}
	return s.note(ctx, tx, KindTakenBack, by, TakenBackBody{Number: d.Number, Hash: d.Hash, Person: inside.Version})
}

// sameSide reports whether two actors are one: at the terminal nobody tells one from another.
func sameSide(one, other string) bool {
	return one == other || strings.HasPrefix(one, terminal) && strings.HasPrefix(other, terminal)
}

// terminal is how the ledger's names of operators begin.
const terminal = "operator:"

// TakenBack reports whether who had proposed it has taken it back, or has refused it in
// office, which comes to the same.
func (e Edition) TakenBack() bool {
	return !e.RefusedAt.IsZero() && sameSide(e.ProposedBy, e.DecidedBy)
}

// decide has a draft decided by somebody, with words.
func (s Service) decide(ring *keyring.Ring, d *stored, by Colleague, words string) (err error) {
	d.DecidedBy = by.Ledger()
	if words == "" {
		return nil
	}
	if !isParagraph(words, maxWords) {
		return ErrWords.At("words")
	}
	d.words, err = ring.Seal(wordsDomain, []byte(words), s.Name, strconv.FormatInt(d.Number, 10))
	return err
}

// isParagraph reports whether s is text that a reader can see.
func isParagraph(s string, limit int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= limit && strings.TrimSpace(s) != "" &&
		strings.IndexFunc(s, func(r rune) bool { return r != '\n' && r != '\r' && !unicode.IsPrint(r) }) < 0
}

// Words returns what was written by who decided about a version, or nothing. Errors:
// ErrVersionNotFound.
func Words(ctx context.Context, tx *db.Tx, ring *keyring.Ring, service string, number int64) (string, error) {
	sealed, err := db.All(ctx, tx, db.Single[[]byte], `SELECT words FROM charter WHERE service = $1 AND number = $2`, service, number)
	switch {
	case err != nil:
		return "", err
	case len(sealed) == 0:
		return "", ErrVersionNotFound
	case len(sealed[0]) == 0:
		return "", nil
	}
	text, err := ring.Open(wordsDomain, sealed[0], service, strconv.FormatInt(number, 10))
	return string(text), err
}

// Intact reports whether the row of a version is as it was written. Errors:
// ErrVersionNotFound.
func Intact(ctx context.Context, tx *db.Tx, ring *keyring.Ring, service string, number int64) (bool, error) {
	all, err := db.All(ctx, tx, scanStored, `SELECT `+storedColumns+` FROM charter WHERE service = $1 AND number = $2`, service, number)
	switch {
	case err != nil:
		return false, err
	case len(all) == 0:
		return false, ErrVersionNotFound
	}
	return all[0].intact(ring, service), nil
}
