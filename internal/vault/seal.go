package vault

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
)

// sealedPrefix begins every sealed value and names its format.
const sealedPrefix = "wk1."

// maxSealed bounds a sealed value that a caller sends, in bytes.
const maxSealed = 16 << 20

// A sealed value for the operator's own databases is
//
//	"wk1." base64url( collected ‖ expires ‖ len(purpose) ‖ purpose ‖ mac ‖ ciphertext )
//
// with the two times as big-endian microseconds. The mac proves all that comes
// before it, for this service, child and item, so that the gate can decide on
// it before anything is decrypted; the ciphertext names the same as associated
// data. It needs no row here: it dies wherever it lies when the child's key is
// destroyed.
type header struct {
	collected, expires time.Time
	purpose            string
}

// fixed is the length of a header without the purpose; mac that of its proof.
const fixed, mac = 17, 32

func (h header) encode() []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(h.collected.UnixMicro()))
	b = binary.BigEndian.AppendUint64(b, uint64(h.expires.UnixMicro()))
	b = append(b, byte(len(h.purpose)))
	return append(b, h.purpose...)
}

func (h header) ad(child family.Child, item string) []string {
	return []string{"sealed", child.Service, string(child.ID), item, h.purpose,
		strconv.FormatInt(h.collected.UnixMicro(), 10), strconv.FormatInt(h.expires.UnixMicro(), 10)}
}

func (v *Vault) seal(key keyring.ChildKey, h header, child family.Child, item string, value pii.Text) string {
	ad := h.ad(child, item)
	b := append(h.encode(), v.Ring.Index("vault.sealed", ad...)...)
	return sealedPrefix + base64.RawURLEncoding.EncodeToString(append(b, key.Seal([]byte(value.Reveal()), ad...)...))
}

// parse splits a sealed value whose header is proven.
func (v *Vault) parse(child family.Child, item, sealed string) (h header, ciphertext []byte, err error) {
	text, ok := strings.CutPrefix(sealed, sealedPrefix)
	if !ok || len(text) > maxSealed {
		return h, nil, ErrCannotOpen
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < fixed || len(b) < fixed+int(b[fixed-1])+mac {
		return h, nil, ErrCannotOpen
	}
	end := fixed + int(b[fixed-1])
	h.collected = time.UnixMicro(int64(binary.BigEndian.Uint64(b))).UTC()
	h.expires = time.UnixMicro(int64(binary.BigEndian.Uint64(b[8:]))).UTC()
	h.purpose = string(b[fixed:end])
	if !hmac.Equal(b[end:end+mac], v.Ring.Index("vault.sealed", h.ad(child, item)...)) {
		return header{}, nil, ErrCannotOpen
	}
	return h, b[end+mac:], nil
}

// Sealed is the answer to Seal.
type Sealed struct {
	Values map[string]string // per item; the caller may keep it anywhere
	Entry  string
}

// Seal encrypts values for the operator's own databases. The activity is store.
func (v *Vault) Seal(ctx context.Context, tx *db.Tx, by gate.Actor, u gate.Use, values map[string]pii.Text, p *Prepared) (Sealed, error) {
	if u.Activity != charter.Store {
		return Sealed{}, ErrActivity
	}
	p, err := v.fresh(ctx, tx, u, p)
	if err != nil {
		return Sealed{}, err
	}
	child, err := p.loaded.Child(u.Service)
	if err != nil {
		return Sealed{}, err
	}
	// What is sealed is new: its time begins now, whatever else is held.
	permit, entry, err := gate.Check(ctx, tx, by, u, p.loaded, child.Version, nil, nil)
	if err != nil {
		return Sealed{Entry: entry}, err
	}
	key, err := child.Key(v.Ring)
	if err != nil {
		return Sealed{}, err
	}
	published, _ := p.loaded.Published()
	out := Sealed{Values: make(map[string]string, len(u.Items)), Entry: entry}
	for _, item := range u.Items {
		if !permit.Allows(child.ID, charter.Store, item) {
			return Sealed{}, gate.ErrDenied
		}
		declared, _ := published.Charter.Item(item)
		if err := check(declared, item, values[item], tx.Now()); err != nil {
			return Sealed{}, err
		}
		h := header{collected: tx.Now(), expires: time.UnixMicro(permit.Expires(item)).UTC(), purpose: u.Purpose}
		out.Values[item] = v.seal(key, h, child, item, values[item])
	}
	return out, nil
}

// sealedValue is a sealed value in its parts.
type sealedValue struct {
	header
	ciphertext []byte
}

// Unseal opens sealed values for a use that the gate permits.
func (v *Vault) Unseal(ctx context.Context, tx *db.Tx, by gate.Actor, u gate.Use, sealed map[string]string, p *Prepared) (Opened, error) {
	if !releases(u.Activity) || u.Activity == charter.Transfer {
		return Opened{}, ErrActivity
	}
	p, err := v.fresh(ctx, tx, u, p)
	if err != nil {
		return Opened{}, err
	}
	child, err := p.loaded.Child(u.Service)
	if err != nil {
		return Opened{}, err
	}
	var held []gate.Held
	var spans []gate.Span
	parsed := make(map[string]sealedValue, len(u.Items))
	for _, item := range u.Items {
		h, ciphertext, err := v.parse(child, item, sealed[item])
		if err != nil {
			return Opened{}, err
		}
		parsed[item] = sealedValue{h, ciphertext}
		s := stored{item: item, purpose: h.purpose, collected: h.collected, expires: h.expires}
		held, spans = append(held, s.held()), append(spans, span(s))
	}
	permit, entry, err := gate.Check(ctx, tx, by, u, p.loaded, child.Version, held, spans)
	if err != nil {
		return Opened{Entry: entry}, err
	}
	out := Opened{Values: make(map[string]pii.Text, len(u.Items)), Entry: entry}
	for _, item := range u.Items {
		s := parsed[item]
		if out.Values[item], err = v.decrypt(permit, u.Activity, child, item, s.ciphertext, s.ad(child, item)); err != nil {
			return Opened{}, err
		}
	}
	return out, nil
}
