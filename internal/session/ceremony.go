package session

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/family"
)

// What follows is the two ceremonies of W3C Web Authentication: a device makes a
// passkey, and a device shows that it has one. Both begin with a challenge that
// the browser is asked to sign, and end with what it answers.

// ChallengeLife is how long a challenge is good, and what the browser keeps with it.
const ChallengeLife = 5 * time.Minute

const (
	maxAnswer = 16 << 10 // bytes of what a browser answers
	maxID     = 1023     // bytes of what a device calls a passkey (7.1, step 25)
)

// A Site is where passkeys are good: one host and no other, so that a page that
// looks the same and isn't can't get hold of one.
type Site struct{ party *webauthn.WebAuthn }

// NewSite returns the site of the pages at this address; nil where no browser makes
// a passkey: it wants a name, not a number, and a connection that nobody can listen
// to.
func NewSite(publicURL string) *Site {
	u, err := url.Parse(strings.ToLower(publicURL))
	if err != nil {
		return nil
	}
	name := u.Hostname()
	local := name == "localhost" || strings.HasSuffix(name, ".localhost")
	if _, err := netip.ParseAddr(name); err == nil || u.Scheme != "https" && !(u.Scheme == "http" && local) {
		return nil
	}
	if protocol.ValidateRPID(name) != nil {
		return nil
	}
	host := strings.TrimSuffix(u.Host, map[string]string{"https": ":443", "http": ":80"}[u.Scheme])
	party, err := webauthn.New(&webauthn.Config{
		RPID: name, RPDisplayName: host, RPOrigins: []string{u.Scheme + "://" + host},
		AttestationPreference: protocol.PreferNoAttestation, // who made the phone is nobody's business
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			// Nobody types who it is, so nobody learns here who is known.
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(),
			// Edge case 24: a child that holds the phone isn't its owner.
			UserVerification: protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{Login: timeout, Registration: timeout},
	})
	if err != nil {
		return nil
	}
	return &Site{party}
}

var timeout = webauthn.TimeoutConfig{Timeout: ChallengeLife, TimeoutUVD: ChallengeLife}

// An act is what a challenge is for. One can't be answered with the other.
type act string

const (
	making  act = "make"
	showing act = "show"
)

const (
	challengeDomain = "session.challenge"
	holderDomain    = "session.passkey_holder"
)

// challenge computes the challenge that belongs to what a browser keeps, for a
// session where there is one. It is stored nowhere: whoever asks for many of them
// writes nothing.
func (d Door) challenge(a act, kept, session string) []byte {
	return d.Ring.Index(challengeDomain, string(a), kept, session)
}

// keepSince makes what the browser is to keep: a secret, and since when. The time is a
// part of what the challenge is computed from, so a younger one would belong to
// another challenge.
func keepSince(now time.Time) string {
	return id.Secret(32) + "." + strconv.FormatInt(now.UnixMicro(), 10)
}

// pending returns the challenge that is being answered, and until when it is good;
// false if it is no more.
func (d Door) pending(a act, kept, session string, now time.Time) (challenge []byte, until time.Time, ok bool) {
	_, since, dotted := strings.Cut(kept, ".")
	micros, err := strconv.ParseInt(since, 10, 64)
	if len(kept) > 100 || !dotted || err != nil {
		return nil, time.Time{}, false
	}
	challenge, until = d.challenge(a, kept, session), time.UnixMicro(micros).Add(ChallengeLife)
	return challenge, until, len(challenge) > 0 && now.Before(until)
}

// spend uses a challenge up. Only what was answered rightly comes here, so strangers
// write nothing. It is remembered twice as long as it is good: the clocks of two
// nodes differ.
func spend(ctx context.Context, tx *db.Tx, challenge []byte, until time.Time) (bool, error) {
	until = until.Add(ChallengeLife)
	n, err := tx.Exec(ctx, `
		INSERT INTO passkey_spent (challenge, until) VALUES ($1, $2)
		ON CONFLICT (challenge) DO NOTHING`, challenge, (*db.Time)(&until))
	return n == 1, err
}

// A holder is a contact as a device knows it: by a keyed hash, which the device
// keeps, and by a name that says nothing of the person.
type holder struct {
	id   []byte
	name string
	keys []webauthn.Credential
}

// WebAuthnID is what the device keeps beside the key.
func (h holder) WebAuthnID() []byte { return h.id }

// WebAuthnName is what a list of passkeys shows.
func (h holder) WebAuthnName() string { return h.name }

// WebAuthnDisplayName is the same.
func (h holder) WebAuthnDisplayName() string { return h.name }

// WebAuthnCredentials are the passkeys that may answer.
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.keys }

func (d Door) holder(h family.Handle, name string, keys ...Passkey) holder {
	all := holder{id: d.Ring.Index(holderDomain, string(channel(h)), hex.EncodeToString(h.Hash)), name: name}
	for _, p := range keys {
		all.keys = append(all.keys, webauthn.Credential{
			ID: p.credential, PublicKey: p.key, Flags: webauthn.CredentialFlags{BackupEligible: p.eligible},
			Authenticator: webauthn.Authenticator{SignCount: uint32(p.count)},
		})
	}
	return all
}

// Offer returns what a browser is to be asked, as JSON, so that its device makes a
// passkey for the guardian, whom lists of passkeys call by name; and what the
// browser is to keep. A passkey makes no others: who has a guardian's device for
// a moment could stay. Errors: ErrNoPasskeys, ErrNeedsCode, ErrPasskeys.
func (d Door) Offer(ctx context.Context, tx *db.Tx, s Session, name string) (options []byte, kept string, err error) {
	if err := d.mayAdd(s); err != nil {
		return nil, "", err
	}
	all, err := ofContact(ctx, tx, s.contact)
	if err != nil {
		return nil, "", err
	}
	if _, err := free(all); err != nil {
		return nil, "", err
	}
	kept = keepSince(tx.Now())
	creation, _, err := d.Site.party.BeginRegistration(d.holder(s.handle(), name),
		webauthn.WithExclusions(webauthn.Credentials(d.holder(s.handle(), name, all...).keys).CredentialDescriptors()),
		webauthn.WithCredentialParameters(webauthn.CredentialParametersRecommendedL3()),
		func(o *protocol.PublicKeyCredentialCreationOptions) error {
			o.Challenge = d.challenge(making, kept, s.ID)
			return nil
		})
	if err != nil {
		return nil, "", err
	}
	options, err = json.Marshal(creation.Response)
	return options, kept, err
}

func (d Door) mayAdd(s Session) error {
	switch {
	case d.Site == nil:
		return ErrNoPasskeys
	case s.Passkey != "":
		return ErrNeedsCode
	}
	return nil
}

// Add keeps the passkey that a device has made for the guardian, by what its
// browser answered. Errors: ErrNotAdded, whatever is wrong with that; ErrNoPasskeys,
// ErrNeedsCode, ErrPasskeys, ErrSignedOut.
func (d Door) Add(ctx context.Context, tx *db.Tx, s Session, kept string, answer []byte) (Passkey, error) {
	if err := d.mayAdd(s); err != nil {
		return Passkey{}, err
	}
	challenge, until, ok := d.pending(making, kept, s.ID, tx.Now())
	if !ok || len(answer) > maxAnswer {
		return Passkey{}, ErrNotAdded
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return Passkey{}, ErrNotAdded
	}
	who := d.holder(s.handle(), "")
	made, err := d.Site.party.CreateCredential(who, webauthn.SessionData{
		Challenge: base64.RawURLEncoding.EncodeToString(challenge), RelyingPartyID: d.Site.party.Config.RPID, UserID: who.id,
		UserVerification: protocol.VerificationRequired, CredParams: webauthn.CredentialParametersRecommendedL3(),
	}, parsed)
	if err != nil || len(made.ID) == 0 || len(made.ID) > maxID {
		return Passkey{}, ErrNotAdded
	}
	first, err := spend(ctx, tx, challenge, until)
	if err == nil && !first {
		err = ErrNotAdded
	}
	if err != nil {
		return Passkey{}, err
	}
	return d.add(ctx, tx, s, Passkey{credential: made.ID, key: made.PublicKey, eligible: made.Flags.BackupEligible,
		count: int64(made.Authenticator.SignCount)})
}

// Ask returns what a browser is to be asked, as JSON, so that its device shows a
// passkey of this site, whoever's it is; and what the browser is to keep. Errors:
// ErrNoPasskeys.
func (d Door) Ask(now time.Time) (options []byte, kept string, err error) {
	if d.Site == nil {
		return nil, "", ErrNoPasskeys
	}
	kept = keepSince(now)
	assertion, _, err := d.Site.party.BeginDiscoverableLogin(webauthn.WithChallenge(d.challenge(showing, kept, "")))
	if err != nil {
		return nil, "", err
	}
	options, err = json.Marshal(assertion.Response)
	return options, kept, err
}

// Shows returns ErrPasskey unless the browser answered rightly what it was asked:
// EnterByPasskey would refuse it, too. It only reads, so that strangers keep nobody
// from writing.
func (d Door) Shows(ctx context.Context, tx *db.Tx, kept string, answer []byte) error {
	if d.Site == nil {
		return ErrNoPasskeys
	}
	challenge, _, ok := d.pending(showing, kept, "", tx.Now())
	if !ok {
		return ErrPasskey
	}
	_, _, err := d.shown(ctx, tx, challenge, answer)
	return err
}

// EnterByPasskey lets a guardian in by what a browser answered to Ask, as Enter
// does by a code. Errors: ErrNoPasskeys; ErrPasskey, whatever is wrong.
func (d Door) EnterByPasskey(ctx context.Context, tx *db.Tx, kept, former string, answer []byte) (Session, string, error) {
	fail := func(err error) (Session, string, error) { return Session{}, "", err }
	if d.Site == nil {
		return fail(ErrNoPasskeys)
	}
	challenge, until, ok := d.pending(showing, kept, "", tx.Now())
	if !ok {
		return fail(ErrPasskey)
	}
	p, count, err := d.shown(ctx, tx, challenge, answer)
	if err != nil {
		return fail(err)
	}
	known, err := ties(ctx, tx, d.Ring, p.handle())
	if err != nil {
		return fail(err)
	}
	if known = p.knew(known); len(known) == 0 {
		return fail(ErrPasskey) // the contact is nobody's any more, or somebody else's
	}
	first, err := spend(ctx, tx, challenge, until)
	if err == nil && !first {
		err = ErrPasskey
	}
	if err == nil {
		err = use(ctx, tx, p, count)
	}
	if err != nil {
		return fail(err)
	}
	return d.admit(ctx, tx, former, p.handle(), p.ID, known)
}

// shown returns the passkey that signed the challenge, and the count that its
// device told. Errors: ErrPasskey.
func (d Door) shown(ctx context.Context, tx *db.Tx, challenge, answer []byte) (Passkey, int64, error) {
	if len(answer) > maxAnswer {
		return Passkey{}, 0, ErrPasskey
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return Passkey{}, 0, ErrPasskey
	}
	p, err := d.credential(ctx, tx, parsed.RawID)
	if err != nil {
		return Passkey{}, 0, err
	}
	_, shown, err := d.Site.party.ValidatePasskeyLogin(
		func(_, _ []byte) (webauthn.User, error) { return d.holder(p.handle(), "", p), nil },
		webauthn.SessionData{
			Challenge: base64.RawURLEncoding.EncodeToString(challenge), RelyingPartyID: d.Site.party.Config.RPID,
			UserVerification: protocol.VerificationRequired,
		}, parsed)
	// A count that went back means that two devices have what one should have.
	if err != nil || shown.Authenticator.CloneWarning {
		return Passkey{}, 0, ErrPasskey
	}
	return p, int64(shown.Authenticator.SignCount), nil
}
