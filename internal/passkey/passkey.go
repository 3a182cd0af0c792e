// Package passkey runs the two ceremonies of W3C Web Authentication: a device makes
// a passkey, and a device shows that it has one. Both begin with a challenge that
// the browser is asked to sign, and end with what it answers. Whose passkeys they
// are, and what they open, is for its callers to know: guardians' (session) and
// those of the persons inside (signin).
//
// Its one invariant: a challenge is good for one act, once, for five minutes, in the
// browser that was asked; and the device has looked who holds it.
package passkey

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
)

// ErrAnswer says that what a browser answered is none: nobody is told what is wrong
// with it. Callers say it in words of theirs.
var ErrAnswer = errors.New("passkey: not an answer")

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

// Keep makes what the browser is to keep: a secret, and since when. The time is a
// part of what the challenge is computed from, so a younger one would belong to
// another challenge.
func Keep(now time.Time) string {
	return id.Secret(32) + "." + strconv.FormatInt(now.UnixMicro(), 10)
}

// Until returns until when the challenge of what a browser keeps is good; false if it
// is no more.
func Until(kept string, now time.Time) (until time.Time, ok bool) {
	_, since, dotted := strings.Cut(kept, ".")
	micros, err := strconv.ParseInt(since, 10, 64)
	if len(kept) > 100 || !dotted || err != nil {
		return time.Time{}, false
	}
	until = time.UnixMicro(micros).Add(ChallengeLife)
	return until, now.Before(until)
}

// Spend uses a challenge up; false if it was before. Only what was answered rightly
// comes here, so strangers write nothing. It is remembered twice as long as it is
// good: the clocks of two nodes differ.
func Spend(ctx context.Context, tx *db.Tx, challenge []byte, until time.Time) (bool, error) {
	until = until.Add(ChallengeLife)
	n, err := tx.Exec(ctx, `
		INSERT INTO passkey_spent (challenge, until) VALUES ($1, $2)
		ON CONFLICT (challenge) DO NOTHING`, challenge, (*db.Time)(&until))
	return n == 1, err
}

// Sweep forgets at most limit challenges that are too old anyhow, and returns how
// many.
func Sweep(ctx context.Context, tx *db.Tx, limit int) (int64, error) {
	now := tx.Now()
	return tx.Exec(ctx, `
		DELETE FROM passkey_spent WHERE challenge IN (
			SELECT challenge FROM passkey_spent WHERE until <= $1 ORDER BY until, challenge LIMIT $2)`, (*db.Time)(&now), int64(limit))
}

// A Key is a passkey as its device made it.
type Key struct {
	ID       []byte // as the device calls it
	Public   []byte // COSE
	Eligible bool   // the device may copy it to others of the same person
	Count    int64  // of signatures, as the device told last
}

// A Holder is somebody as a device knows it: by a keyed hash, which the device
// keeps, and by a name that says nothing of the person.
type Holder struct {
	ID   []byte
	Name string
	Keys []Key
}

// WebAuthnID is what the device keeps beside the key.
func (h Holder) WebAuthnID() []byte { return h.ID }

// WebAuthnName is what a list of passkeys shows.
func (h Holder) WebAuthnName() string { return h.Name }

// WebAuthnDisplayName is the same.
func (h Holder) WebAuthnDisplayName() string { return h.Name }

// WebAuthnCredentials are the passkeys that may answer.
func (h Holder) WebAuthnCredentials() []webauthn.Credential {
	var all []webauthn.Credential
	for _, k := range h.Keys {
		all = append(all, webauthn.Credential{
			ID: k.ID, PublicKey: k.Public, Flags: webauthn.CredentialFlags{BackupEligible: k.Eligible},
			Authenticator: webauthn.Authenticator{SignCount: uint32(k.Count)},
		})
	}
	return all
}

// Offer returns what a browser is to be asked, as JSON, so that its device makes a
// passkey for the holder, beside those that it has.
func (s *Site) Offer(h Holder, challenge []byte) ([]byte, error) {
	creation, _, err := s.party.BeginRegistration(h,
		webauthn.WithExclusions(webauthn.Credentials(h.WebAuthnCredentials()).CredentialDescriptors()),
		webauthn.WithCredentialParameters(webauthn.CredentialParametersRecommendedL3()),
		func(o *protocol.PublicKeyCredentialCreationOptions) error {
			o.Challenge = challenge
			return nil
		})
	if err != nil {
		return nil, err
	}
	return json.Marshal(creation.Response)
}

// Made returns the passkey that a device has made, by what its browser answered to
// Offer. Errors: ErrAnswer, whatever is wrong with that.
func (s *Site) Made(h Holder, challenge, answer []byte) (Key, error) {
	if len(answer) > maxAnswer {
		return Key{}, ErrAnswer
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return Key{}, ErrAnswer
	}
	made, err := s.party.CreateCredential(h, webauthn.SessionData{
		Challenge: base64.RawURLEncoding.EncodeToString(challenge), RelyingPartyID: s.party.Config.RPID, UserID: h.ID,
		UserVerification: protocol.VerificationRequired, CredParams: webauthn.CredentialParametersRecommendedL3(),
	}, parsed)
	if err != nil || len(made.ID) == 0 || len(made.ID) > maxID {
		return Key{}, ErrAnswer
	}
	return Key{ID: made.ID, Public: made.PublicKey, Eligible: made.Flags.BackupEligible, Count: int64(made.Authenticator.SignCount)}, nil
}

// Ask returns what a browser is to be asked, as JSON, so that its device shows a
// passkey of this site, whoever's it is.
func (s *Site) Ask(challenge []byte) ([]byte, error) {
	assertion, _, err := s.party.BeginDiscoverableLogin(webauthn.WithChallenge(challenge))
	if err != nil {
		return nil, err
	}
	return json.Marshal(assertion.Response)
}

// Shown returns the count that a device told with its signature of the challenge. Find
// returns who holds the passkey that the device calls so, with that one alone; its
// error is passed on. Errors: ErrAnswer, whatever is wrong with the answer.
func (s *Site) Shown(challenge, answer []byte, find func(id []byte) (Holder, error)) (count int64, err error) {
	if len(answer) > maxAnswer {
		return 0, ErrAnswer
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return 0, ErrAnswer
	}
	h, err := find(parsed.RawID)
	if err != nil {
		return 0, err
	}
	_, shown, err := s.party.ValidatePasskeyLogin(
		func(_, _ []byte) (webauthn.User, error) { return h, nil },
		webauthn.SessionData{
			Challenge: base64.RawURLEncoding.EncodeToString(challenge), RelyingPartyID: s.party.Config.RPID,
			UserVerification: protocol.VerificationRequired,
		}, parsed)
	// A count that went back means that two devices have what one should have.
	if err != nil || shown.Authenticator.CloneWarning {
		return 0, ErrAnswer
	}
	return int64(shown.Authenticator.SignCount), nil
}
