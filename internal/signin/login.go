package signin

import (
	"context"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/staff"
)

const (
	tries = 5                // wrong ones with a name, then nobody tries for a while
	rest  = 24 * time.Hour   // without a try wipes the wrong ones out
	first = time.Minute      // the first while; each is twice the one before
	last  = 15 * time.Minute // and none is longer: a stranger could shut its owner out

	recoveryCodes = 10
	recoveryLen   = 24 // characters of 5 bits: from 112 bits on a plain hash keeps them (ASVS 6.5.2)
	misses        = 20 // wrong codes after the right password within a day, then nobody tries for a day
	period        = 30 // seconds that a code of an authenticator is shown (RFC 6238)
	totpLen       = 20 // bytes of its secret (RFC 4226, 4)
)

const (
	nameDomain     = "signin.name"
	partyDomain    = "signin.party_name"
	loginDomain    = "signin.login"
	totpDomain     = "signin.totp"
	recoveryDomain = "signin.recovery"
)

// A login is what a person signs in with.
type login struct {
	person, password  string
	name, totp, bound []byte
	step              int64
	setAt             time.Time
}

const loginColumns = `person, name, password, totp, step, bound, set_at`

func scanLogin(row db.Row) (l login, err error) {
	err = row.Scan(&l.person, &l.name, &l.password, &l.totp, &l.step, &l.bound, (*db.Time)(&l.setAt))
	return l, err
}

// bindLogin hashes all of a login that only its person changes: whoever writes a password of
// their own into a row has made a login that is nobody's.
func (d Door) bindLogin(l login) []byte {
	return d.Ring.Index(loginDomain, l.person, hex.EncodeToString(l.name), l.password, hex.EncodeToString(l.totp), micros(l.setAt))
}

func (d Door) intact(l login) bool {
	return len(l.bound) > 0 && subtle.ConstantTimeCompare(l.bound, d.bindLogin(l)) == 1
}

// named hashes a name. Persons of parties have theirs apart: so none of them learns by choosing one
// whether somebody inside has it, and none shuts that one out by guessing.
func (d Door) named(name string) []byte {
	if d.Parties {
		return d.Ring.Index(partyDomain, name)
	}
	return d.Ring.Index(nameDomain, name)
}

// A Claim is that somebody is who has a name. It says of itself neither whether there is
// such a person nor whether the password was right.
type Claim struct {
	name  []byte
	login login // the zero login: nobody has the name
	right bool
}

// Look begins a sign-in by name and password. Errors: Locked.
func (d Door) Look(ctx context.Context, tx *db.Tx, name pii.Text) (Claim, error) {
	c := Claim{name: d.named(meantName(name))}
	l, err := db.One(ctx, tx, scanLogin, `SELECT `+loginColumns+` FROM person_login WHERE name = $1`, c.name)
	if err == nil && d.intact(l) {
		c.login = l
	}
	if err != nil && !errors.Is(err, db.ErrNone) {
		return Claim{}, err
	}
	return c, locked(ctx, tx, c.name)
}

// LookAt is Look for who is signed in and shows once more who it is. Errors: Locked;
// ErrRefused, for who has no password.
func (d Door) LookAt(ctx context.Context, tx *db.Tx, s Session) (Claim, error) {
	l, err := db.One(ctx, tx, scanLogin, `SELECT `+loginColumns+` FROM person_login WHERE person = $1`, s.person)
	if errors.Is(err, db.ErrNone) || err == nil && !d.intact(l) {
		err = ErrRefused
	}
	if err != nil {
		return Claim{}, err
	}
	return Claim{name: l.name, login: l}, locked(ctx, tx, l.name)
}

// locked returns Locked while nobody may try the name.
func locked(ctx context.Context, tx *db.Tx, name []byte) error {
	until, err := db.One(ctx, tx, func(row db.Row) (t time.Time, err error) {
		err = row.Scan((*db.Time)(&t))
		return t, err
	}, `SELECT locked_until FROM person_guess WHERE name = $1`, name)
	switch {
	case errors.Is(err, db.ErrNone):
		return nil
	case err == nil && tx.Now().Before(until):
		return &Locked{until}
	}
	return err
}

// Try compares the password. It takes its time, the same for a name that nobody has,
// and so belongs in no transaction.
func (d Door) Try(c Claim, password pii.Text) Claim {
	kept := c.login.password
	if kept == "" {
		kept = nobodys
	}
	c.right = matches(d.Ring, kept, meantPassword(password))
	return c
}

// Enter lets a person in whose password was right, by a code of its authenticator or of
// its list, and returns the session with the secret to keep in the browser. Former is
// what the browser holds, or empty: its session ends. A wrong try is counted for good:
// its refusal is Recorded. Errors: ErrRefused, whatever is wrong; Locked.
func (d Door) Enter(ctx context.Context, tx *db.Tx, c Claim, code pii.Text, former string) (Session, string, error) {
	p, way, err := d.answer(ctx, tx, c, code)
	if err != nil {
		return Session{}, "", err
	}
	return d.admit(ctx, tx, p, way, "", former, tx.Now())
}

// StepUp is Enter for who is signed in: the session is fresh again, under a new secret.
func (d Door) StepUp(ctx context.Context, tx *db.Tx, s Session, c Claim, code pii.Text) (string, error) {
	if c.login.person != s.person {
		return "", ErrRefused
	}
	p, way, err := d.answer(ctx, tx, c, code)
	if err != nil {
		return "", err
	}
	return d.freshen(ctx, tx, s, p, way)
}

// answer counts a try before it is looked at, so that many at once get no more of them
// than one after the other, and returns the locked person if it was right.
func (d Door) answer(ctx context.Context, tx *db.Tx, c Claim, code pii.Text) (staff.Person, Way, error) {
	wrong, err := count(ctx, tx, c.name)
	if err != nil {
		return staff.Person{}, "", err
	}
	p, err := staff.Lock(ctx, tx, c.login.person)
	known := err == nil
	if err != nil && !errors.Is(err, staff.ErrNotFound) && !errors.Is(err, staff.ErrLeft) {
		return staff.Person{}, "", err
	}
	way, right := Way(""), false
	if known && c.right && d.lets(p) {
		if way, right, err = d.second(ctx, tx, c.login, meantCode(code)); err != nil {
			return staff.Person{}, "", err
		}
	}
	if right {
		// What was missed stays: who knows the password and guesses codes wins no new ones
		// by each time that the person comes in.
		return p, way, tx.Queue(ctx, `UPDATE person_guess SET wrong = 0 WHERE name = $1`, c.name)
	}
	return staff.Person{}, "", refuse(ctx, tx, c, wrong, p, known)
}

// count takes a try, and returns how many were wrong if this one is. Errors: Locked.
func count(ctx context.Context, tx *db.Tx, name []byte) (int64, error) {
	now, rested, never := tx.Now(), tx.Now().Add(-rest), time.UnixMicro(0)
	wrong, err := db.One(ctx, tx, db.Single[int64], `
		INSERT INTO person_guess (name, wrong, since, missed, missed_since, locked_until) VALUES ($1, 1, $2, 0, $2, $3)
		ON CONFLICT (name) DO UPDATE SET
			wrong = CASE WHEN person_guess.since <= $4 THEN 1 ELSE person_guess.wrong + 1 END, since = excluded.since
		WHERE person_guess.locked_until <= $2
		RETURNING wrong`, name, (*db.Time)(&now), (*db.Time)(&never), (*db.Time)(&rested))
	if errors.Is(err, db.ErrNone) {
		if err = locked(ctx, tx, name); err == nil {
			err = ErrRefused
		}
	}
	return wrong, err
}

// refuse records a wrong try. What is written for a name that nobody has is the same,
// but for the ledger's entry: a name that isn't a person's is nothing to record.
func refuse(ctx context.Context, tx *db.Tx, c Claim, wrong int64, p staff.Person, known bool) error {
	until := shut(wrong, tx.Now())
	missed, err := miss(ctx, tx, c)
	if err != nil {
		return err
	}
	if missed >= misses {
		until = tx.Now().Add(rest)
	}
	if !until.IsZero() {
		if err := shutTill(ctx, tx, c.name, until); err != nil {
			return err
		}
	}
	if known {
		kind, body := KindFailed, TriedBody{Person: p.ID}
		if !until.IsZero() {
			kind, body.Until = KindLocked, until.UnixMicro()
		}
		if _, err := p.Note(ctx, tx, kind, "system:signin", body); err != nil {
			return err
		}
	}
	return db.Recorded(ErrRefused)
}

// shut is till when a name with so many wrong tries is shut from now on; zero: it isn't.
func shut(wrong int64, now time.Time) (until time.Time) {
	if wrong%tries == 0 {
		until = now.Add(min(last, first<<min(wrong/tries-1, 10)))
	}
	return until
}

func shutTill(ctx context.Context, tx *db.Tx, name []byte, until time.Time) error {
	return tx.Queue(ctx, `UPDATE person_guess SET locked_until = $1 WHERE name = $2`, (*db.Time)(&until), name)
}

// miss counts a wrong try that had the right password, and returns how many there were
// within a day. Of others it writes the same and counts none.
func miss(ctx context.Context, tx *db.Tx, c Claim) (int64, error) {
	one := int64(0)
	if c.right {
		one = 1
	}
	now, rested := tx.Now(), tx.Now().Add(-rest)
	return db.One(ctx, tx, db.Single[int64], `
		UPDATE person_guess SET
			missed = CASE WHEN missed_since <= $1 THEN $2 ELSE missed + $2 END,
			missed_since = CASE WHEN missed_since <= $1 THEN $3 ELSE missed_since END
		WHERE name = $4
		RETURNING missed`, (*db.Time)(&rested), one, (*db.Time)(&now), c.name)
}

// second compares the second factor of the login that the claim found, which is there
// still, and uses the code up: of an authenticator, none that is as old counts again;
// of the list, each counts once.
func (d Door) second(ctx context.Context, tx *db.Tx, l login, code string) (Way, bool, error) {
	now, err := db.One(ctx, tx, scanLogin, `SELECT `+loginColumns+` FROM person_login WHERE person = $1`, l.person)
	switch {
	case errors.Is(err, db.ErrNone):
		return "", false, nil
	case err != nil:
		return "", false, err
	case subtle.ConstantTimeCompare(now.bound, l.bound) != 1:
		return "", false, nil // it was changed since the password was compared
	}
	secret, err := d.Ring.Open(totpDomain, l.totp, l.person)
	if err != nil {
		return "", false, err
	}
	if step := stepOf(secret, code, tx.Now()); step > 0 {
		n, err := tx.Exec(ctx, `UPDATE person_login SET step = $1 WHERE person = $2 AND step < $1`, step, l.person)
		return ByPassword, n == 1, err
	}
	n, err := tx.Exec(ctx, `DELETE FROM person_recovery WHERE code = $1 AND person = $2`, d.recovery(l, code), l.person)
	return ByRecovery, n == 1, err
}

func (d Door) recovery(l login, code string) []byte {
	return d.Ring.Index(recoveryDomain, l.person, micros(l.setAt), code)
}

// stepOf returns the time step of a code (RFC 6238), of those around now, or 0. A clock
// may be half a minute off.
func stepOf(secret []byte, code string, now time.Time) (found int64) {
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
	for step := now.Unix()/period - 1; step <= now.Unix()/period+1; step++ {
		want, err := hotp.GenerateCode(text, uint64(step))
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			found = step
		}
	}
	return found
}

// RecoveryLeft returns how many codes are left on the person's list.
func RecoveryLeft(ctx context.Context, tx *db.Tx, s Session) (int64, error) {
	return db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM person_recovery WHERE person = $1`, s.person)
}

// A Chosen is what a person sets up to sign in with.
type Chosen struct {
	Name, Password pii.Text
	Code           pii.Text // of the authenticator, to show that it has the secret
}

// A SettingUp is a person at an open link.
type SettingUp struct {
	Person staff.Person
	Until  time.Time
	// Authenticator is what an authenticator is told, as the address of a QR code holds
	// it, and Secret the same to be typed. It is computed from the link: nothing is stored
	// before it was shown that the authenticator has it.
	Authenticator, Secret string

	secret []byte
	known  []string // names that a password is guessed by
}

// Prepare checks what was chosen and stretches the password. It takes its time, and
// belongs in no transaction. Errors: ErrName, ErrShort, ErrLong, ErrCommon, ErrCodeWord.
func (d Door) Prepare(at SettingUp, c Chosen, now time.Time) (Prepared, error) {
	name, password := meantName(c.Name), meantPassword(c.Password)
	if err := checkName(name); err != nil {
		return Prepared{}, err
	}
	if err := checkPassword(password, append(at.known, name)...); err != nil {
		return Prepared{}, err
	}
	step := stepOf(at.secret, meantCode(c.Code), now)
	if step == 0 {
		return Prepared{}, ErrCodeWord.At("code")
	}
	return Prepared{name: d.named(name), password: d.stretch(password), step: step}, nil
}

// A Prepared is what is kept of what a person has chosen.
type Prepared struct {
	name     []byte
	password string
	step     int64
}

// authenticator is what an authenticator is told.
func authenticator(issuer string, p staff.Person, secret []byte) (*otp.Key, error) {
	return totp.Generate(totp.GenerateOpts{Issuer: issuer, AccountName: p.Name, Secret: secret, Period: period})
}

// SetUp makes what was chosen the person's login, in place of all that it signed in with
// before, whose sessions end, uses the link up, and signs the person in. The codes of the
// list are returned here and never again. Errors: ErrLink, ErrTaken.
func (d Door) SetUp(ctx context.Context, tx *db.Tx, link string, by Browser, c Prepared) (s Session, secret string, codes []string, err error) {
	fail := func(err error) (Session, string, []string, error) { return Session{}, "", nil, err }
	at, err := d.open(ctx, tx, link, by)
	if err != nil {
		return fail(err)
	}
	p, err := staff.Lock(ctx, tx, at.Person.ID)
	if errors.Is(err, staff.ErrLeft) {
		err = ErrLink
	}
	if err != nil {
		return fail(err)
	}
	// Used up first: whoever comes second with the same link finds none.
	n, err := tx.Exec(ctx, `DELETE FROM person_invite WHERE person = $1 AND token = $2`, p.ID, d.Ring.Index(linkDomain, link))
	if err == nil && n != 1 {
		err = ErrLink
	}
	if err != nil {
		return fail(err)
	}
	l := login{person: p.ID, name: c.name, password: c.password, step: c.step, setAt: tx.Now()}
	if l.totp, err = d.Ring.Seal(totpDomain, at.secret, p.ID); err != nil {
		return fail(err)
	}
	l.bound = d.bindLogin(l)
	if err := write(ctx, tx, l); err != nil {
		return fail(err)
	}
	if codes, err = d.list(ctx, tx, l); err != nil {
		return fail(err)
	}
	if _, err := p.Note(ctx, tx, KindSetUp, p.Ledger(), SetUpBody{Person: p.ID, Codes: recoveryCodes}); err != nil {
		return fail(err)
	}
	if err := removePasskeys(ctx, tx, p, p.Ledger(), Changed); err != nil {
		return fail(err)
	}
	if err := endAll(ctx, tx, p, "", p.Ledger(), Changed); err != nil {
		return fail(err)
	}
	s, secret, err = d.admit(ctx, tx, p, BySetUp, "", by.Session, tx.Now())
	return s, secret, codes, err
}

// A SetUpBody says that a person has chosen how to sign in, and how many codes are on
// its list.
type SetUpBody struct {
	Person string `json:"person"`
	Codes  int64  `json:"codes"`
}

// write makes a login the person's only one. Errors: ErrTaken, when somebody else has
// the name.
func write(ctx context.Context, tx *db.Tx, l login) error {
	if err := tx.Queue(ctx, `DELETE FROM person_login WHERE person = $1`, l.person); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `
		INSERT INTO person_login (person, name, password, totp, step, bound, set_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT DO NOTHING`, l.person, l.name, l.password, l.totp, l.step, l.bound, (*db.Time)(&l.setAt))
	if err == nil && n != 1 {
		err = ErrTaken.At("name")
	}
	return err
}

// list makes the codes of a list, in place of those of a former one.
func (d Door) list(ctx context.Context, tx *db.Tx, l login) (codes []string, err error) {
	if err := tx.Queue(ctx, `DELETE FROM person_recovery WHERE person = $1`, l.person); err != nil {
		return nil, err
	}
	for range recoveryCodes {
		code := id.Secret(16)[:recoveryLen]
		if err := tx.Queue(ctx, `INSERT INTO person_recovery (code, person) VALUES ($1, $2)`, d.recovery(l, code), l.person); err != nil {
			return nil, err
		}
		codes = append(codes, groups(code))
	}
	return codes, nil
}

// groups writes a code so that it can be copied by hand: "abcd-efgh-…".
func groups(code string) string {
	var all []string
	for part := range slices.Chunk([]byte(code), 4) {
		all = append(all, string(part))
	}
	return strings.Join(all, "-")
}

// A Kept is a row of a login, for an audit.
type Kept struct {
	Person string
	SetAt  time.Time
	login  login
}

// Intact reports whether the row is as it was written.
func (k Kept) Intact(ring *keyring.Ring) bool { return Door{Ring: ring}.intact(k.login) }

// EachLogin calls fn with every row, in the order of persons, for an audit.
func EachLogin(ctx context.Context, tx *db.Tx, fn func(Kept) error) error {
	return db.Each(ctx, tx, func(row db.Row) error {
		l, err := scanLogin(row)
		if err != nil {
			return err
		}
		return fn(Kept{l.person, l.setAt, l})
	}, `SELECT `+loginColumns+` FROM person_login ORDER BY person`)
}
