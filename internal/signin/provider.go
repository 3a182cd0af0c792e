package signin

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/passkey"
	"wardkeep/internal/provider"
	"wardkeep/internal/staff"
)

// What can be wrong with who comes in by the operator's provider.
var (
	ErrNoProvider = errs.New(errs.NotFound, "signin.provider_none")      // none is configured
	ErrNoRole     = errs.New(errs.Forbidden, "signin.provider_no_role")  // no group of the person's gives one
	ErrGone       = errs.New(errs.Forbidden, "signin.provider_left")     // the person has left here, whatever is said there
	ErrUnnamed    = errs.New(errs.Forbidden, "signin.provider_unnamed")  // the provider says no name that can be shown
	ErrByProvider = errs.New(errs.Conflict, "signin.provider_only")      // the person comes in by it, and by nothing else
	ErrElse       = errs.New(errs.Forbidden, "signin.provider_somebody") // it is somebody else who showed who they are
)

// KindLinked says that a person is known to the operator's provider.
const KindLinked = "signin.linked"

// A LinkedBody names a person who comes in by the provider. What the provider calls it is
// not in the ledger.
type LinkedBody struct {
	Person string `json:"person"`
}

// A Mapped is a role that the operator's configuration gives to a group of the provider's.
type Mapped struct {
	Group string
	Grant staff.Grant
}

const (
	asking         = "ask" // what a challenge is for, beside making and showing
	nonceDomain    = "signin.provider_nonce"
	pkceDomain     = "signin.provider_pkce"
	subjectDomain  = "signin.provider_subject"
	identityDomain = "signin.provider_bound"
	logoutDomain   = "signin.provider_logout"
)

// question computes what binds a question for the provider to what a browser keeps, and to
// a session that is to be fresh again. It is stored nowhere.
func (d Door) question(kept string, s Session, until time.Time) provider.Question {
	return provider.Question{
		State: hex.EncodeToString(d.challenge(asking, kept, s.ID)),
		Nonce: hex.EncodeToString(d.Ring.Index(nonceDomain, kept, s.ID)),
		// RFC 7636, 4.1: 43 characters of 256 bits that only we know.
		Verifier: base64.RawURLEncoding.EncodeToString(d.Ring.Index(pkceDomain, kept, s.ID)),
		At:       until.Add(-passkey.ChallengeLife), Again: s.ID != "",
	}
}

// AskProvider returns the address of the provider's where somebody shows who it is, and
// what the browser is to keep. S is the session that is to be fresh again, or the zero
// Session. Errors: ErrNoProvider, provider.ErrAway.
func (d Door) AskProvider(ctx context.Context, now time.Time, s Session) (address, kept string, err error) {
	if d.Provider == nil {
		return "", "", ErrNoProvider
	}
	kept = passkey.Keep(now)
	address, err = d.Provider.Ask(ctx, d.question(kept, s, now.Add(passkey.ChallengeLife)))
	return address, kept, err
}

// A Shown is who the provider says that it is, in answer to one question.
type Shown struct {
	who       provider.Identity
	challenge []byte
	until     time.Time
}

// Asked reports whether the answer is to a question that the browser asked for this
// session, or for none.
func (d Door) Asked(kept string, s Session, a provider.Answer) bool {
	state := hex.EncodeToString(d.challenge(asking, kept, s.ID))
	return subtle.ConstantTimeCompare([]byte(state), []byte(a.State)) == 1
}

// ShownBy asks the provider who it is whose browser keeps that, and brings the answer. It
// takes its time, and belongs in no transaction. Errors: ErrNoProvider, those of
// provider.Who.
func (d Door) ShownBy(ctx context.Context, now time.Time, kept string, s Session, a provider.Answer) (Shown, error) {
	if d.Provider == nil {
		return Shown{}, ErrNoProvider
	}
	challenge, until, ok := d.pending(asking, kept, s.ID, now)
	if !ok {
		return Shown{}, provider.ErrAsked
	}
	who, err := d.Provider.Who(ctx, d.question(kept, s, until), a)
	return Shown{who, challenge, until}, err
}

// spend uses an answer up.
func (a Shown) spend(ctx context.Context, tx *db.Tx) error {
	if len(a.challenge) == 0 {
		return provider.ErrAsked
	}
	first, err := passkey.Spend(ctx, tx, a.challenge, a.until)
	if err == nil && !first {
		err = provider.ErrAsked
	}
	return err
}

// An identity is a row that leads from what the provider calls somebody to a person.
type identity struct {
	person         string
	subject, bound []byte
	linkedAt       time.Time
}

const identityColumns = `person, subject, bound, linked_at`

func scanIdentity(row db.Row) (i identity, err error) {
	err = row.Scan(&i.person, &i.subject, &i.bound, (*db.Time)(&i.linkedAt))
	return i, err
}

func (i identity) bind(ring *keyring.Ring) []byte {
	return ring.Index(identityDomain, i.person, hex.EncodeToString(i.subject), micros(i.linkedAt))
}

// intact reports whether the row is as it was written: one that was made to lead to
// somebody else leads to nobody.
func (i identity) intact(ring *keyring.Ring) bool {
	want := i.bind(ring)
	return len(want) > 0 && subtle.ConstantTimeCompare(i.bound, want) == 1
}

// subject hashes what the provider calls somebody: with the issuer, for another one calls
// others the same.
func (d Door) subject(name string) []byte {
	return d.Ring.Index(subjectDomain, d.Provider.Issuer(), name)
}

// known finds whom the provider means. Errors: db.ErrNone; ErrGone, of a row that was
// changed by hand.
func (d Door) known(ctx context.Context, tx *db.Tx, subject []byte) (identity, error) {
	i, err := db.One(ctx, tx, scanIdentity, `SELECT `+identityColumns+` FROM person_identity WHERE subject = $1`, subject)
	if err == nil && !i.intact(d.Ring) {
		err = ErrGone
	}
	return i, err
}

// byProvider returns ErrByProvider for a person who comes in by the provider: there its
// account is kept, and ended.
func byProvider(ctx context.Context, tx *db.Tx, person string) error {
	n, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM person_identity WHERE person = $1`, person)
	if err == nil && n > 0 {
		err = ErrByProvider
	}
	return err
}

// EnterByProvider lets a person in by what the provider answered, and returns the session
// with the secret to keep in the browser. The person has from then on the roles that its
// groups give, and no others but those of an office; a person that isn't known yet gets an
// account by them. What was taken stays taken when nobody is let in: that refusal is
// Recorded. Errors: ErrNoRole, ErrGone, ErrUnnamed, provider.ErrAsked; those of staff.Give.
func (d Door) EnterByProvider(ctx context.Context, tx *db.Tx, a Shown, former string) (Session, string, error) {
	p, err := d.shownTo(ctx, tx, a)
	if err != nil {
		return Session{}, "", err
	}
	// Who is signed in there since this morning hasn't shown now who it is.
	fresh := tx.Now().Add(-Fresh)
	if a.who.ShownAt.After(fresh) {
		fresh = a.who.ShownAt
	}
	if fresh.After(tx.Now()) {
		fresh = tx.Now()
	}
	return d.admit(ctx, tx, p, ByProvider, "", former, fresh)
}

// StepUpByProvider is EnterByProvider for who is signed in, and was asked there once more
// who it is. That it was somebody else is Recorded, of whose session it is. Errors: ErrElse;
// those of EnterByProvider.
func (d Door) StepUpByProvider(ctx context.Context, tx *db.Tx, s Session, a Shown) (string, error) {
	i, err := d.known(ctx, tx, d.subject(a.who.Subject))
	if errors.Is(err, db.ErrNone) || err == nil && i.person != s.person {
		return "", d.somebodyElse(ctx, tx, s, a)
	}
	if err != nil {
		return "", err
	}
	p, err := d.shownTo(ctx, tx, a)
	if err != nil {
		return "", err
	}
	return d.freshen(ctx, tx, s, p, ByProvider)
}

// somebodyElse refuses an answer about another person than the session's, and uses it up.
func (d Door) somebodyElse(ctx context.Context, tx *db.Tx, s Session, a Shown) error {
	if err := a.spend(ctx, tx); err != nil {
		return err
	}
	p, err := staff.Lock(ctx, tx, s.person)
	if err != nil {
		return err
	}
	if _, err := p.Note(ctx, tx, KindFailed, "system:signin", TriedBody{Person: p.ID}); err != nil {
		return err
	}
	return db.Recorded(ErrElse)
}

// shownTo returns the locked person whom the provider means, with the roles of its groups.
func (d Door) shownTo(ctx context.Context, tx *db.Tx, a Shown) (staff.Person, error) {
	if err := a.spend(ctx, tx); err != nil {
		return staff.Person{}, err
	}
	by, subject, roles := staff.Provider{Issuer: d.Provider.Issuer()}, d.subject(a.who.Subject), d.rolesOf(a.who.Groups)
	i, err := d.known(ctx, tx, subject)
	if errors.Is(err, db.ErrNone) {
		return d.join(ctx, tx, by, subject, a.who.Name, roles)
	}
	if err != nil {
		return staff.Person{}, err
	}
	p, err := staff.Lock(ctx, tx, i.person)
	if errors.Is(err, staff.ErrLeft) || errors.Is(err, staff.ErrNotFound) {
		err = ErrGone
	}
	if err != nil {
		return staff.Person{}, err
	}
	if p, err = follow(ctx, tx, by, p, roles); err != nil {
		return staff.Person{}, err
	}
	if len(p.Grants) == 0 {
		if err := endAll(ctx, tx, p, "", by.Ledger(), Roleless); err != nil {
			return staff.Person{}, err
		}
		if _, err := p.Note(ctx, tx, KindFailed, "system:signin", TriedBody{Person: p.ID}); err != nil {
			return staff.Person{}, err
		}
		return staff.Person{}, db.Recorded(ErrNoRole)
	}
	return p, nil
}

// rolesOf returns the roles that groups give, each once.
func (d Door) rolesOf(groups []string) (all []staff.Grant) {
	for _, m := range d.Roles {
		if slices.Contains(groups, m.Group) && !slices.Contains(all, m.Grant) {
			all = append(all, m.Grant)
		}
	}
	return all
}

// join makes an account for somebody whom the provider names for the first time.
func (d Door) join(ctx context.Context, tx *db.Tx, by staff.Provider, subject []byte, name string, roles []staff.Grant) (staff.Person, error) {
	if len(roles) == 0 {
		return staff.Person{}, ErrNoRole
	}
	p, err := staff.Add(ctx, tx, by, name, roles[0])
	if errors.Is(err, staff.ErrName) {
		err = ErrUnnamed
	}
	if err != nil {
		return staff.Person{}, err
	}
	if p, err = staff.Lock(ctx, tx, p.ID); err != nil {
		return staff.Person{}, err
	}
	i := identity{person: p.ID, subject: subject, linkedAt: tx.Now()}
	n, err := tx.Exec(ctx, `
		INSERT INTO person_identity (person, subject, bound, linked_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT DO NOTHING`, i.person, i.subject, i.bind(d.Ring), (*db.Time)(&i.linkedAt))
	if err == nil && n != 1 {
		err = provider.ErrAsked // somebody came in by the same name at this moment, and has the account
	}
	if err != nil {
		return staff.Person{}, err
	}
	if _, err := p.Note(ctx, tx, KindLinked, by.Ledger(), LinkedBody{Person: p.ID}); err != nil {
		return staff.Person{}, err
	}
	return follow(ctx, tx, by, p, roles)
}

// follow takes from the person what its groups don't give, and gives it what they do. What
// comes with an office goes with it, and with nothing else.
func follow(ctx context.Context, tx *db.Tx, by staff.Provider, p staff.Person, roles []staff.Grant) (staff.Person, error) {
	had := slices.Clone(p.Grants)
	var err error
	for _, g := range had {
		if g.Office == "" && !slices.Contains(roles, g) {
			if p, err = staff.Take(ctx, tx, by, p.ID, g); err != nil {
				return staff.Person{}, err
			}
		}
	}
	for _, g := range roles {
		if !slices.Contains(had, g) {
			if p, err = staff.Give(ctx, tx, by, p.ID, g); err != nil {
				return staff.Person{}, err
			}
		}
	}
	return p, nil
}

// SignedOutThere ends the sessions of a person who has signed out at the provider, or was
// signed out there; once for each word of it. Of whom nobody knows there are none.
func (d Door) SignedOutThere(ctx context.Context, tx *db.Tx, l provider.Logout) error {
	first, err := passkey.Spend(ctx, tx, d.Ring.Index(logoutDomain, d.Provider.Issuer(), l.ID), l.Until)
	if err == nil && !first {
		err = provider.ErrAsked
	}
	if err != nil {
		return err
	}
	i, err := d.known(ctx, tx, d.subject(l.Subject))
	if errors.Is(err, db.ErrNone) || errors.Is(err, ErrGone) {
		return nil
	}
	if err != nil {
		return err
	}
	p, err := staff.Lock(ctx, tx, i.person)
	if errors.Is(err, staff.ErrLeft) {
		return nil
	}
	if err != nil {
		return err
	}
	return endAll(ctx, tx, p, "", staff.Provider{}.Ledger(), OutThere)
}

// A Linked is a row that leads from the provider to a person, for an audit.
type Linked struct {
	Person   string
	LinkedAt time.Time
	row      identity
}

// Intact reports whether the row is as it was written.
func (l Linked) Intact(ring *keyring.Ring) bool { return l.row.intact(ring) }

// EachLinked calls fn with every row, in the order of persons, for an audit.
func EachLinked(ctx context.Context, tx *db.Tx, fn func(Linked) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		i, err := scanIdentity(row)
		if err != nil {
			return err
		}
		return fn(Linked{i.person, i.linkedAt, i})
	}, `SELECT `+identityColumns+` FROM person_identity ORDER BY person`)
}
