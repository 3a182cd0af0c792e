package family

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"strconv"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/family/age"
	"wardkeep/internal/ledger"
)

// What can be wrong with a guardian.
var (
	ErrGuardianNotFound = errs.New(errs.NotFound, "family.guardian_not_found")
	ErrGuardianEnded    = errs.New(errs.Gone, "family.guardian_ended")      // edge case 8
	ErrTied             = errs.New(errs.Conflict, "family.guardian_tied")   // by this contact, and may answer
	ErrContactDiffers   = errs.New(errs.Conflict, "family.contact_differs") // one is of somebody who is tied, the other isn't
	ErrGuardians        = errs.New(errs.Conflict, "family.too_many_guardians")
	ErrRelation         = errs.New(errs.Invalid, "family.relation_unknown")
	ErrStrength         = errs.New(errs.Invalid, "family.strength_unknown")
	ErrNoOfficer        = errs.New(errs.Invalid, "family.institution_without_officer") // edge case 10
	ErrNotMinor         = errs.New(errs.Conflict, "family.not_a_minor")                // edge case 4: only from 14 to 17
)

// A GuardianID names one person's tie to one child: "gu_…". A mother of two has
// two, so that no answer about one child can be taken for the other (edge case 25).
type GuardianID string

// A Relation is what a person is to the child.
type Relation string

// The relations.
const (
	Parent        Relation = "parent"
	LegalGuardian Relation = "legal_guardian"
	Institution   Relation = "institution" // a welfare home; not a school
	Grandparent   Relation = "grandparent"
	Teacher       Relation = "teacher"
	Other         Relation = "other"
	// Self is the minor itself, from 14 on: it speaks for nobody else (edge case 4).
	Self Relation = "self"
)

// ParseRelation returns the relation with that name. Nobody says by itself to be
// Self: see AddSelf. Errors: ErrRelation.
func ParseRelation(s string) (Relation, error) {
	switch r := Relation(s); r {
	case Parent, LegalGuardian, Institution, Grandparent, Teacher, Other:
		return r, nil
	}
	return "", ErrRelation
}

// MaySpeak reports whether such a person can be a guardian at all, once
// verified. A school, a grandparent or a caretaker may be a contact, and can
// neither grant nor withdraw (edge case 11).
func (r Relation) MaySpeak() bool {
	return r == Parent || r == LegalGuardian || r == Institution
}

// Answers reports whether such a person answers for somebody of that class, once
// verified: a guardian for a child, and from the end of the 14th birthday on the minor
// itself (edge case 4). For who is grown up nobody answers here.
func (r Relation) Answers(class age.Class) bool {
	switch class {
	case age.Child:
		return r.MaySpeak()
	case age.Minor:
		return r == Self
	}
	return false
}

// A Strength is how well it was proved who a guardian is (edge case 24).
type Strength int64

// The strengths, each better than the one before.
const (
	Unproved         Strength = 0
	OneTimeCode      Strength = 1 // holds the phone or the mailbox
	NameAndNumber    Strength = 2 // name and identity number match
	OfficialIdentity Strength = 3 // the official identity service said so
	Document         Strength = 4 // two persons saw a document
)

// A Guardian is a person tied to one child, and what was proved about it. It is
// also the actor of what that person does. The zero Guardian may do nothing.
type Guardian struct {
	ID         GuardianID
	Child      ID
	Relation   Relation
	Strength   Strength
	VerifiedAt time.Time // zero until then
	EndedAt    time.Time // zero while in office
	// HiddenUntil is when what is held of the child is shown to this one again, whom two of
	// the staff have taken for the threat (edge case 22); zero: it is shown.
	HiddenUntil time.Time
	HiddenBy    string // "sh_…", who decided it last; empty: nobody ever has

	hiddenMark string // see markHidden
}

// Hidden reports whether what is held of the child is hidden from this guardian. It ends in
// its second by itself: nothing has to run for that. What the guardian says counts still. Of
// a row that says otherwise than was written nobody knows whom it would let in, so it hides
// (invariant 3) until two decide anew.
func (g Guardian) Hidden(ring *keyring.Ring, now time.Time) bool {
	return g.HiddenForged(ring) || now.Before(g.HiddenUntil)
}

// HiddenForged reports whether somebody has changed by hand until when what is held is hidden
// from this guardian, or who has decided it.
func (g Guardian) HiddenForged(ring *keyring.Ring) bool {
	return subtle.ConstantTimeCompare([]byte(g.hiddenMark), g.markHidden(ring)) != 1
}

// markHidden binds what hides, nothing included, to the tie: whoever writes to the database and
// has no key makes no row by which a guardian sees again what two have hidden, nor one that
// hides it for longer.
func (g Guardian) markHidden(ring *keyring.Ring) []byte {
	return ring.Index("family.hidden", string(g.Child), string(g.ID), strconv.FormatInt(micros(g.HiddenUntil), 10), g.HiddenBy)
}

// Ledger returns the actor's name in the ledger: "guardian:gu_…".
func (g Guardian) Ledger() string { return "guardian:" + string(g.ID) }

// MayAnswer reports whether the person can grant, refuse and withdraw: a verified
// parent or legal guardian in office, or an institution whose document was seen
// (edge cases 8, 10 and 11).
func (g Guardian) MayAnswer() bool { return g.MayAnswerFor(age.Child) }

// MayAnswerFor reports whether the person's answer counts for somebody of that class
// (edge case 4).
func (g Guardian) MayAnswerFor(class age.Class) bool {
	needs := OneTimeCode
	if g.Relation == Institution {
		needs = Document
	}
	return g.Relation.Answers(class) && g.Strength >= needs && g.Strength <= Document && !g.VerifiedAt.IsZero() && g.EndedAt.IsZero()
}

// Proved reports whether the person may take back what it has said: whoever may
// answer for somebody of some class.
func (g Guardian) Proved() bool { return g.MayAnswer() || g.MayAnswerFor(age.Minor) }

const guardianColumns = `child, guardian, relation, strength, verified_at, ended_at, hidden_until, hidden_by, hidden_mark`

func scanGuardian(row db.Row) (g Guardian, err error) {
	err = g.scan(row)
	return g, err
}

// scan reads guardianColumns, and what comes after them into also.
func (g *Guardian) scan(row db.Row, also ...any) error {
	var mark []byte
	err := row.Scan(append([]any{&g.Child, &g.ID, &g.Relation, &g.Strength, (*db.Time)(&g.VerifiedAt), (*db.Time)(&g.EndedAt),
		(*db.Time)(&g.HiddenUntil), &g.HiddenBy, &mark}, also...)...)
	g.hiddenMark = string(mark)
	return err
}

// ReadGuardians reads everybody who is or was tied to a child, the oldest tie
// first. An erased child has nobody.
func ReadGuardians(into *[]Guardian, child ID) db.Read {
	return db.ReadInto(into, scanGuardian, `
		SELECT `+guardianColumns+` FROM guardian WHERE child = $1
		ORDER BY created_at, guardian`, child)
}

// ReadGuardiansOf is ReadGuardians for at most db.Chunk children; those of each
// child come in order.
func ReadGuardiansOf(into *[]Guardian, children []ID) db.Read {
	in, args := db.Placeholders(children)
	return db.ReadInto(into, scanGuardian, `
		SELECT `+guardianColumns+` FROM guardian WHERE child IN `+in+`
		ORDER BY child, created_at, guardian`, args...)
}

// FindGuardian returns one person tied to a child. Errors: ErrGuardianNotFound,
// ErrGuardianEnded.
func FindGuardian(ctx context.Context, tx *db.Tx, child ID, guardian GuardianID) (Guardian, error) {
	g, err := db.One(ctx, tx, scanGuardian, `
		SELECT `+guardianColumns+` FROM guardian WHERE child = $1 AND guardian = $2`, child, guardian)
	switch {
	case errors.Is(err, db.ErrNone):
		return Guardian{}, ErrGuardianNotFound
	case err != nil:
		return Guardian{}, err
	case !g.EndedAt.IsZero():
		return Guardian{}, ErrGuardianEnded
	}
	return g, nil
}

// maxGuardians bounds who is tied to one child, former ones included.
const maxGuardians = 20

// AddGuardian ties a person to a locked child. The new guardian is not verified
// yet and so can't answer. One phone or address is one person, and a person has one
// voice: whoever is tied to this child by it already is returned as it is, with no
// entry. A contact that isn't on file for that one is refused and not dropped: no
// message would ever go there, and nobody would know. But who can't speak for the child, as a contact that is now said to be a
// guardian (edge case 11) or an institution without its officer (edge case 10), is
// no voice yet. Only this child's guardians are looked at: nobody learns
// whether a contact is known elsewhere. Errors: ErrTied, ErrContactDiffers,
// ErrGuardians, and those of the person's data.
func AddGuardian(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Actor, c Child, p Person) (Guardian, string, error) {
	r, err := p.check()
	if err != nil {
		return Guardian{}, "", err
	}
	if g, tied, err := c.tiedBy(ctx, tx, ring, r); err != nil || tied {
		return g, "", err
	}
	n, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM guardian WHERE child = $1`, c.ID)
	if err != nil {
		return Guardian{}, "", err
	}
	if n >= maxGuardians {
		return Guardian{}, "", ErrGuardians
	}
	key, err := c.Key(ring)
	if err != nil {
		return Guardian{}, "", err
	}
	before, err := c.hiddenFrom(ctx, tx, key, r)
	if err != nil {
		return Guardian{}, "", err
	}
	return c.tie(ctx, tx, ring, key, by, r, before)
}

// AddSelf ties a minor to its own row: from 14 on it is asked itself (edge case 4).
// Nothing of it is written down for that: the operator's app, which knows it, leads it to
// what is asked. Who is tied already is returned as it is, with no entry. Errors:
// ErrNotMinor before the end of the 14th birthday and from the end of the 18th on, ErrGuardians, and
// those of Birth.
func AddSelf(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Actor, c Child) (Guardian, string, error) {
	birth, err := c.Birth(ring)
	if err != nil {
		return Guardian{}, "", err
	}
	if birth.ClassAt(tx.Now()) != age.Minor {
		return Guardian{}, "", ErrNotMinor
	}
	var all []Guardian
	if err := tx.Together(ctx, ReadGuardians(&all, c.ID)); err != nil {
		return Guardian{}, "", err
	}
	for _, g := range all {
		if g.Relation == Self && g.EndedAt.IsZero() {
			return g, "", nil
		}
	}
	if len(all) >= maxGuardians {
		return Guardian{}, "", ErrGuardians
	}
	key, err := c.Key(ring)
	if err != nil {
		return Guardian{}, "", err
	}
	return c.tie(ctx, tx, ring, key, by, reach{relation: Self}, Guardian{})
}

// tiedBy returns the guardian in office of the child that a person would be once
// more, and whether there is one. Errors: ErrTied, ErrContactDiffers.
func (c Child) tiedBy(ctx context.Context, tx *db.Tx, ring *keyring.Ring, r reach) (first Guardian, tied bool, err error) {
	type reached struct {
		Guardian
		phone, email []byte
	}
	phone, email := phoneHash(ring, r.phone), emailHash(ring, r.email)
	all, err := db.All(ctx, tx, func(row db.Row) (g reached, err error) {
		err = g.scan(row, &g.phone, &g.email)
		return g, err
	}, `
		SELECT `+guardianColumns+`, phone_hash, email_hash FROM guardian
		WHERE child = $1 AND ended_at IS NULL AND (phone_hash = $2 OR email_hash = $3)
			AND (relation <> 'institution' OR name IS NOT NULL)
		ORDER BY created_at, guardian`, c.ID, phone, email)
	if err != nil {
		return Guardian{}, false, err
	}
	differs := "" // the field of a contact that isn't on file
	for _, g := range all {
		switch {
		case g.MayAnswer():
			return Guardian{}, false, ErrTied
		case tied || !g.Relation.MaySpeak() && r.relation.MaySpeak():
		case phone != nil && !bytes.Equal(phone, g.phone):
			differs = "guardian.phone"
		case email != nil && !bytes.Equal(email, g.email):
			differs = "guardian.email"
		default:
			first, tied = g.Guardian, true
		}
	}
	if !tied && differs != "" {
		return Guardian{}, false, ErrContactDiffers.At(differs)
	}
	return first, tied, nil
}

// tie writes the row of a guardian and its entry. What is held is hidden from it as from before,
// another tie of the same person.
func (c Child) tie(ctx context.Context, tx *db.Tx, ring *keyring.Ring, key keyring.ChildKey, by Actor, r reach, before Guardian) (Guardian, string, error) {
	g := Guardian{ID: GuardianID(id.New(id.Guardian)), Child: c.ID, Relation: r.relation, HiddenUntil: before.HiddenUntil, HiddenBy: before.HiddenBy}
	mark, now := g.markHidden(ring), tx.Now()
	g.hiddenMark = string(mark)
	s := sealedContact{
		name:  seal(key, r.name, c.guardianAD(g.ID, now, "name")),
		phone: seal(key, r.phone, c.guardianAD(g.ID, now, "phone")),
		email: seal(key, r.email, c.guardianAD(g.ID, now, "email")),
	}
	err := tx.Queue(ctx, `
		INSERT INTO guardian (child, guardian, relation, strength, name, phone, email, phone_hash, email_hash, created_at, hidden_until, hidden_by, hidden_mark)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		g.Child, g.ID, g.Relation, g.Strength, s.name, s.phone, s.email,
		phoneHash(ring, r.phone), emailHash(ring, r.email), (*db.Time)(&now), (*db.Time)(&g.HiddenUntil), g.HiddenBy, mark)
	if err != nil {
		return Guardian{}, "", err
	}
	entry, err := c.note(ctx, tx, by.Ledger(), KindGuardianAdded, GuardianAddedBody{g.ID, g.Relation, s.known(), g.HiddenBy})
	return g, entry, err
}

// hiddenFrom returns the tie that is hidden the longest of those, former ones included, that
// the person has to the child by the same phone or address; the zero Guardian if none is. What
// is hidden is hidden from a person (edge case 22): an app that ends a tie and makes it anew
// shows nothing by that. A contact that can't be opened may be this person's (invariant 3).
func (c Child) hiddenFrom(ctx context.Context, tx *db.Tx, key keyring.ChildKey, r reach) (longest Guardian, err error) {
	now := tx.Now()
	all, err := db.All(ctx, tx, func(row db.Row) (t tied, err error) {
		err = t.scan(row, (*db.Time)(&t.since), &t.phone, &t.email)
		return t, err
	}, `
		SELECT `+guardianColumns+`, created_at, phone, email FROM guardian
		WHERE child = $1 AND hidden_until > $2
		ORDER BY guardian`, c.ID, (*db.Time)(&now))
	if err != nil {
		return Guardian{}, err
	}
	for _, t := range all {
		same := func(sealed []byte, what, mine string) bool {
			if sealed == nil || mine == "" {
				return false
			}
			theirs, err := key.Open(sealed, c.guardianAD(t.ID, t.since, what)...)
			return err != nil || string(theirs) == mine
		}
		if t.HiddenUntil.After(longest.HiddenUntil) && (same(t.phone, "phone", r.phone) || same(t.email, "email", r.email)) {
			longest = t.Guardian
		}
	}
	return longest, nil
}

// VerifyGuardian records that it was proved, with some strength, who a guardian
// of the locked child is. A weaker proof than the one in force changes nothing
// and is not recorded. An institution can't be verified without the name of the
// person who acts for it (edge case 10). Errors: ErrStrength, ErrNoOfficer,
// ErrGuardianNotFound, ErrGuardianEnded.
func VerifyGuardian(ctx context.Context, tx *db.Tx, actor string, c Child, guardian GuardianID, s Strength) (Guardian, error) {
	if s < OneTimeCode || s > Document {
		return Guardian{}, ErrStrength
	}
	now := tx.Now()
	g, err := db.One(ctx, tx, scanGuardian, `
		UPDATE guardian SET strength = $1, verified_at = $2
		WHERE child = $3 AND guardian = $4 AND ended_at IS NULL AND strength <= $1
			AND (relation <> 'institution' OR name IS NOT NULL)
		RETURNING `+guardianColumns, s, (*db.Time)(&now), c.ID, guardian)
	if errors.Is(err, db.ErrNone) {
		if g, err = FindGuardian(ctx, tx, c.ID, guardian); err == nil && g.Strength <= s {
			return Guardian{}, ErrNoOfficer
		}
		return g, err
	}
	if err != nil {
		return Guardian{}, err
	}
	_, err = c.note(ctx, tx, actor, KindGuardianVerified, GuardianVerifiedBody{g.ID, g.Strength})
	return g, err
}

// ReverifyGuardian puts a new proof in the place of the one in force, stronger or
// weaker: a document that turned out to be false counts no more. Strength
// Unproved takes back everything that was proved; of a guardian of whom nothing is
// proved it takes nothing back, and nothing is recorded, so that nobody is told of
// it. Errors: as VerifyGuardian.
func ReverifyGuardian(ctx context.Context, tx *db.Tx, by Actor, c Child, guardian GuardianID, s Strength) (Guardian, string, error) {
	if s < Unproved || s > Document {
		return Guardian{}, "", ErrStrength
	}
	at := tx.Now()
	if s == Unproved {
		at = time.Time{}
	}
	g, err := db.One(ctx, tx, scanGuardian, `
		UPDATE guardian SET strength = $1, verified_at = $2
		WHERE child = $3 AND guardian = $4 AND ended_at IS NULL AND (strength > 0 OR strength <> $1)
			AND (relation <> 'institution' OR name IS NOT NULL)
		RETURNING `+guardianColumns, s, (*db.Time)(&at), c.ID, guardian)
	if errors.Is(err, db.ErrNone) {
		if g, err = FindGuardian(ctx, tx, c.ID, guardian); err == nil && s == Unproved && g.Strength == Unproved {
			return g, "", nil
		}
		if err == nil {
			err = ErrNoOfficer
		}
	}
	if err != nil {
		return Guardian{}, "", err
	}
	if s == Unproved {
		if err := c.forgetProofs(ctx, tx, g.ID); err != nil {
			return Guardian{}, "", err
		}
	}
	entry, err := c.note(ctx, tx, by.Ledger(), KindGuardianVerified, GuardianVerifiedBody{g.ID, g.Strength})
	return g, entry, err
}

// EndGuardian ends a person's tie to the locked child, at once (edge case 8). It
// stays as a sealed row that nobody is shown and no phone number leads to (edge
// case 9). Errors: ErrGuardianNotFound, ErrGuardianEnded.
func EndGuardian(ctx context.Context, tx *db.Tx, by Actor, c Child, guardian GuardianID) (Guardian, string, error) {
	now := tx.Now()
	g, err := db.One(ctx, tx, scanGuardian, `
		UPDATE guardian SET ended_at = $1, phone_hash = NULL, email_hash = NULL
		WHERE child = $2 AND guardian = $3 AND ended_at IS NULL
		RETURNING `+guardianColumns, (*db.Time)(&now), c.ID, guardian)
	if errors.Is(err, db.ErrNone) {
		if _, err = FindGuardian(ctx, tx, c.ID, guardian); err == nil {
			err = errStale
		}
	}
	if err != nil {
		return Guardian{}, "", err
	}
	remembered, err := c.rememberHidden(ctx, tx, g.ID)
	if err != nil {
		return Guardian{}, "", err
	}
	if err := c.forgetProofs(ctx, tx, g.ID); err != nil {
		return Guardian{}, "", err
	}
	entry, err := c.note(ctx, tx, by.Ledger(), KindGuardianEnded, GuardianEndedBody{g.ID, remembered})
	return g, entry, err
}

// Hide has nothing that is held of the locked child shown to one of its guardians until a
// moment, by a decision "sh_…", in the place of the one that hid it before, which is returned:
// also from the other ties of the same person. Whoever decides that records it (edge case 22).
// Errors: ErrGuardianNotFound, ErrGuardianEnded.
func Hide(ctx context.Context, tx *db.Tx, ring *keyring.Ring, c Child, guardian GuardianID, by string, until time.Time) (before string, err error) {
	g, err := FindGuardian(ctx, tx, c.ID, guardian)
	if err != nil {
		return "", err
	}
	return g.HiddenBy, c.hide(ctx, tx, ring, by, until, func(o Guardian) bool { return o.ID == g.ID || g.HiddenBy != "" && o.HiddenBy == g.HiddenBy })
}

// Show shows again what a decision has hidden, by whatever tie. Whoever decides that records it.
func Show(ctx context.Context, tx *db.Tx, ring *keyring.Ring, c Child, by string) error {
	if err := ForgetHidden(ctx, tx, c, by); err != nil {
		return err
	}
	return c.hide(ctx, tx, ring, "", time.Time{}, func(g Guardian) bool { return g.HiddenBy == by })
}

// ForgetHidden removes by what somebody would be known again from whom a decision has hidden
// what is held, once that is over (Article 12).
func ForgetHidden(ctx context.Context, tx *db.Tx, c Child, by string) error {
	return tx.Queue(ctx, `UPDATE guardian SET hidden_who = NULL WHERE child = $1 AND hidden_by = $2`, c.ID, by)
}

// rememberHidden keeps of a tie that ends while something is hidden from it what its proof has
// sealed of who that is, as long as it is hidden: by another phone, too, the person is known
// again as soon as it proves who it is (see hiddenAs). It reports whether there was any, which
// the ledger keeps: who removes it by hand is found.
func (c Child) rememberHidden(ctx context.Context, tx *db.Tx, guardian GuardianID) (bool, error) {
	now := tx.Now()
	kept, err := db.One(ctx, tx, db.Single[int64], `
		UPDATE guardian SET hidden_who = (
			SELECT sealed FROM proof WHERE child = $1 AND guardian = $2 AND sealed IS NOT NULL ORDER BY kind LIMIT 1)
		WHERE child = $1 AND guardian = $2 AND hidden_until > $3
		RETURNING CASE WHEN hidden_who IS NULL THEN 0 ELSE 1 END`, c.ID, guardian, (*db.Time)(&now))
	if errors.Is(err, db.ErrNone) {
		return false, nil // nothing is hidden from it
	}
	return kept == 1, err
}

// A ghost is a tie that ended while something was hidden from it, with what is sealed of who
// it was.
type ghost struct {
	Guardian
	who []byte
}

func scanGhost(row db.Row) (g ghost, err error) {
	err = g.scan(row, &g.who)
	return g, err
}

// opens returns who it was.
func (g ghost) opens(ring *keyring.Ring, c Child) (k kept, err error) {
	for _, kind := range []ProofKind{Adulthood, Guardianship} { // of which it was isn't kept
		if k, err = (Proof{Guardian: g.ID, Kind: kind, sealed: g.who}).open(ring, c); err == nil {
			return k, nil
		}
	}
	return k, err
}

// hiddenAs returns the tie that is hidden the longest of those former ones whose person was
// proved to be whom this hash is of; the zero Guardian if none is. One of which that can't be
// opened may be this person (invariant 3).
func (c Child) hiddenAs(ctx context.Context, tx *db.Tx, ring *keyring.Ring, identity []byte) (longest Guardian, err error) {
	if identity == nil {
		return Guardian{}, nil
	}
	now := tx.Now()
	all, err := db.All(ctx, tx, scanGhost, `
		SELECT `+guardianColumns+`, hidden_who FROM guardian WHERE child = $1 AND hidden_until > $2 AND hidden_who IS NOT NULL
		ORDER BY guardian`, c.ID, (*db.Time)(&now))
	for _, g := range all {
		k, failed := g.opens(ring, c)
		if g.HiddenUntil.After(longest.HiddenUntil) && (failed != nil || bytes.Equal(k.Identity, identity)) {
			longest = g.Guardian
		}
	}
	return longest, err
}

// hide writes of some ties until when what is held is hidden from them, and by which decision.
func (c Child) hide(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by string, until time.Time, whose func(Guardian) bool) error {
	var all []Guardian
	if err := tx.Together(ctx, ReadGuardians(&all, c.ID)); err != nil {
		return err
	}
	for _, g := range all {
		if !whose(g) {
			continue
		}
		g.HiddenUntil, g.HiddenBy = until, by
		if err := tx.Queue(ctx, `UPDATE guardian SET hidden_until = $1, hidden_by = $2, hidden_mark = $3 WHERE child = $4 AND guardian = $5`,
			(*db.Time)(&until), by, g.markHidden(ring), g.Child, g.ID); err != nil {
			return err
		}
	}
	return nil
}

// note appends an entry about the child at its present version.
func (c Child) note(ctx context.Context, tx *db.Tx, actor, kind string, body any) (string, error) {
	return ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: c.Service, Subject: c.Subject,
		Version: c.Version, Actor: actor, Body: body})
}
