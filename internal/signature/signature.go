// Package signature reads and verifies HTTP Message Signatures (RFC 9421), in the one profile
// by which processors and recipients ask (Article 16): Ed25519, over the method, the whole
// address and the body, with a time, a nonce and the tag "wardkeep".
//
// Its one invariant: what the signature has to cover is decided here and not by who sends it,
// and each of these is computed from what was received. A header whose name begins with "@",
// a component twice, with a parameter, or of a kind that isn't known, is refused.
//
// It is pure: who has the key, and whether the nonce was used before, is for others to say.
package signature

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"

	"wardkeep/internal/base/errs"
)

// What can be wrong with a signature. None of them says who is known here: a key that nobody
// has and a signature that doesn't fit are ErrWrong, both.
var (
	ErrMissing   = errs.New(errs.Unauthenticated, "signature.missing")
	ErrMalformed = errs.New(errs.Unauthenticated, "signature.malformed") // its field is the header
	ErrTag       = errs.New(errs.Unauthenticated, "signature.tag_missing")
	ErrSeveral   = errs.New(errs.Unauthenticated, "signature.several")
	ErrUncovered = errs.New(errs.Unauthenticated, "signature.component_missing")     // its field is the component, as the next two
	ErrComponent = errs.New(errs.Unauthenticated, "signature.component_unsupported") // or there are too many
	ErrAbsent    = errs.New(errs.Unauthenticated, "signature.component_absent")      // covered, and not in the request
	ErrParameter = errs.New(errs.Unauthenticated, "signature.parameter_missing")     // its field is the parameter
	ErrAlgorithm = errs.New(errs.Unauthenticated, "signature.algorithm")
	ErrNonce     = errs.New(errs.Unauthenticated, "signature.nonce_short")
	ErrOld       = errs.New(errs.Unauthenticated, "signature.too_old")
	ErrNew       = errs.New(errs.Unauthenticated, "signature.too_new")
	ErrExpired   = errs.New(errs.Unauthenticated, "signature.expired")
	ErrWrong     = errs.New(errs.Unauthenticated, "signature.wrong")
	ErrDigest    = errs.New(errs.Unauthenticated, "signature.digest_wrong")
)

// An Off is ErrOld, ErrNew or ErrExpired with how far the two clocks are apart.
type Off struct {
	Err     *errs.Error
	Seconds int64 // more than 0
}

// Error returns the code.
func (o *Off) Error() string { return o.Err.Error() }

// Unwrap returns the refusal.
func (o *Off) Unwrap() error { return o.Err }

const (
	// Tag is what a signature for us says, so that one for somebody else is none.
	Tag = "wardkeep"
	// Algorithm is the only one.
	Algorithm = "ed25519"
	// Window is how far the time in a signature may be from ours, either way.
	Window = 60 * time.Second
)

// Limits of what a stranger sends, in bytes, but for the last.
const (
	maxHeader     = 4 << 10 // of Signature-Input, of Signature, and of Content-Digest
	maxKey        = 64
	minNonce      = 22 // 16 random bytes as base64
	maxNonce      = 128
	maxComponents = 16
)

// A Signature is one that was read, and isn't verified yet.
type Signature struct {
	Key     string // keyid, as it was sent
	Nonce   string
	Created time.Time

	covers []string
	params string // what stands behind "@signature-params"
	bytes  []byte
}

// Covers reports whether a component is signed.
func (s Signature) Covers(component string) bool { return slices.Contains(s.covers, component) }

// Read returns the signature of a request that is for us. Now is the time by which its own is
// judged. Errors: those of this package, but ErrAbsent, ErrWrong and ErrDigest.
func Read(r *http.Request, now time.Time) (Signature, error) {
	input, err := dictionary(r.Header, "Signature-Input")
	if err != nil {
		return Signature{}, err
	}
	signatures, err := dictionary(r.Header, "Signature")
	if err != nil {
		return Signature{}, err
	}
	label, list, err := ours(input)
	if err != nil {
		return Signature{}, err
	}
	s, err := parameters(list)
	if err != nil {
		return Signature{}, err
	}
	member, _ := signatures.Get(label)
	item, _ := member.(httpsfv.Item)
	var ok bool
	if s.bytes, ok = item.Value.([]byte); !ok {
		return Signature{}, ErrMalformed.At("Signature")
	}
	if err := s.covering(list, r); err != nil {
		return Signature{}, err
	}
	if s.params, err = httpsfv.Marshal(list); err != nil {
		return Signature{}, ErrMalformed.At("Signature-Input")
	}
	return s, s.timely(list, now)
}

// dictionary reads a header that holds members by name.
func dictionary(h http.Header, name string) (*httpsfv.Dictionary, error) {
	values := h.Values(name)
	if len(values) == 0 {
		return nil, ErrMissing.At(name)
	}
	size := 0
	for _, v := range values {
		size += len(v)
	}
	if size > maxHeader {
		return nil, ErrMalformed.At(name)
	}
	d, err := httpsfv.UnmarshalDictionary(values)
	if err != nil {
		return nil, ErrMalformed.At(name) // the cause may quote what was sent
	}
	return d, nil
}

// ours returns the one signature with our tag. A proxy may have added others.
func ours(input *httpsfv.Dictionary) (label string, list httpsfv.InnerList, err error) {
	for _, name := range input.Names() {
		member, _ := input.Get(name)
		is, ok := member.(httpsfv.InnerList)
		if !ok {
			continue
		}
		if tag, _ := text(is, "tag"); tag != Tag {
			continue
		}
		if label != "" {
			return "", list, ErrSeveral
		}
		label, list = name, is
	}
	if label == "" {
		return "", list, ErrTag.At("tag")
	}
	return label, list, nil
}

func text(list httpsfv.InnerList, name string) (string, bool) {
	if list.Params == nil {
		return "", false
	}
	v, _ := list.Params.Get(name)
	s, ok := v.(string)
	return s, ok
}

// parameters reads what a signature says of itself.
func parameters(list httpsfv.InnerList) (s Signature, err error) {
	created, _ := list.Params.Get("created")
	at, ok := created.(int64)
	if !ok {
		return s, ErrParameter.At("created")
	}
	s.Created = time.Unix(at, 0).UTC()
	if s.Key, ok = text(list, "keyid"); !ok || len(s.Key) > maxKey {
		return s, ErrParameter.At("keyid")
	}
	alg, ok := text(list, "alg")
	switch {
	case !ok:
		return s, ErrParameter.At("alg")
	case alg != Algorithm:
		return s, ErrAlgorithm.At("alg")
	}
	if s.Nonce, ok = text(list, "nonce"); !ok {
		return s, ErrParameter.At("nonce")
	}
	if len(s.Nonce) < minNonce || len(s.Nonce) > maxNonce {
		return s, ErrNonce.At("nonce")
	}
	return s, nil
}

// address is what covers the whole address where "@target-uri" doesn't.
var address = []string{"@authority", "@path", "@query"}

// covering reads what is signed, and refuses a signature that leaves out something of what is
// asked: the method, the address, the body if there is one, and the headers that change what
// is done.
func (s *Signature) covering(list httpsfv.InnerList, r *http.Request) error {
	if len(list.Items) > maxComponents {
		return ErrComponent
	}
	for _, item := range list.Items {
		name, ok := item.Value.(string)
		switch {
		case !ok || item.Params != nil && len(item.Params.Names()) > 0 || !known(name):
			return ErrComponent // its name is the sender's: it isn't repeated
		case slices.Contains(s.covers, name):
			return ErrComponent
		}
		s.covers = append(s.covers, name)
	}
	required := []string{"@method"}
	if !s.Covers("@target-uri") && !s.Covers(address[0]) {
		required = append(required, "@target-uri")
	} else if !s.Covers("@target-uri") {
		required = append(required, address...)
	}
	if r.ContentLength != 0 {
		required = append(required, "content-digest")
	}
	for _, name := range []string{"idempotency-key", "if-match"} {
		if len(r.Header.Values(name)) > 0 {
			required = append(required, name)
		}
	}
	for _, name := range required {
		if !s.Covers(name) {
			return ErrUncovered.At(name)
		}
	}
	return nil
}

// known reports whether we can compute a component: a header, in lower case, or a part of the
// request.
func known(name string) bool {
	if strings.HasPrefix(name, "@") {
		return name == "@method" || name == "@target-uri" || slices.Contains(address, name)
	}
	return name != "" && name == strings.ToLower(name)
}

// timely refuses what was signed too long ago, by a clock that is wrong, or to be good until a
// time that is over.
func (s Signature) timely(list httpsfv.InnerList, now time.Time) error {
	// Each way by itself: a time that is centuries off is so by the longest duration there is, of
	// which there is no other half.
	if age := now.Sub(s.Created); age > Window {
		return &Off{ErrOld.At("created"), seconds(age)}
	}
	if ahead := s.Created.Sub(now); ahead > Window {
		return &Off{ErrNew.At("created"), seconds(ahead)}
	}
	expires, has := list.Params.Get("expires")
	if !has {
		return nil
	}
	at, ok := expires.(int64)
	if !ok {
		return ErrParameter.At("expires")
	}
	if end := time.Unix(at, 0); !now.Before(end) {
		return &Off{ErrExpired.At("expires"), seconds(now.Sub(end))}
	}
	return nil
}

// seconds rounds up, and is 1 at least: 60.2 seconds are no 60.
func seconds(d time.Duration) int64 {
	n := int64(d / time.Second)
	if d%time.Second > 0 || n == 0 {
		n++
	}
	return n
}

// Verify returns nil if the signature is one by the key over the request, as it was received
// at an address: scheme, host and path of the URL by which callers reach us. Errors: ErrAbsent,
// ErrWrong.
func (s Signature) Verify(r *http.Request, at *url.URL, key ed25519.PublicKey) error {
	base, err := s.base(r, at)
	if err != nil {
		return err
	}
	// ed25519.Verify panics on a key of another length, and answers false to a signature of one.
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, base, s.bytes) {
		return ErrWrong
	}
	return nil
}

// base is the signature base (RFC 9421, section 2.5).
func (s Signature) base(r *http.Request, at *url.URL) ([]byte, error) {
	var b strings.Builder
	for _, name := range s.covers {
		value, ok := component(r, at, name)
		if !ok {
			return nil, ErrAbsent.At(name)
		}
		b.WriteString(`"` + name + `": ` + value + "\n")
	}
	b.WriteString(`"@signature-params": ` + s.params)
	return []byte(b.String()), nil
}

// component is the value of a part of the request (sections 2.1 and 2.2).
func component(r *http.Request, at *url.URL, name string) (string, bool) {
	switch name {
	case "@method":
		return r.Method, true
	case "@target-uri":
		return Target(r, at), true
	case "@authority":
		return strings.ToLower(at.Host), true
	case "@path":
		return at.EscapedPath() + r.URL.EscapedPath(), true
	case "@query":
		return "?" + r.URL.RawQuery, true
	}
	values := r.Header.Values(name)
	trimmed := make([]string, len(values))
	for i, v := range values {
		trimmed[i] = strings.Trim(v, " \t")
	}
	return strings.Join(trimmed, ", "), len(values) > 0
}

// Target is the whole address that was asked for, as callers write it. What a proxy made of
// its beginning doesn't matter: that is where we say that we are, so what was signed for
// another server is for nobody here.
func Target(r *http.Request, at *url.URL) string {
	target := strings.ToLower(at.Scheme+"://"+at.Host) + at.EscapedPath() + r.URL.EscapedPath()
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		target += "?" + r.URL.RawQuery
	}
	return target
}

// Digest returns nil if the body is the one of which the Content-Digest header speaks (RFC
// 9530): by SHA-256. Errors: ErrMissing, ErrMalformed, ErrDigest.
func Digest(h http.Header, body []byte) error {
	const name = "Content-Digest"
	d, err := dictionary(h, name)
	if err != nil {
		return err
	}
	member, _ := d.Get("sha-256")
	item, _ := member.(httpsfv.Item)
	said, ok := item.Value.([]byte)
	if !ok {
		return ErrMalformed.At(name)
	}
	sum := sha256.Sum256(body)
	if subtle.ConstantTimeCompare(said, sum[:]) != 1 {
		return ErrDigest.At(name)
	}
	return nil
}
