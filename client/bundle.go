package wardkeep

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"filippo.io/age"
)

// Push is what an app gives to a party that can't ask by itself: it goes, sealed to the key of
// that party, to its webhook.
type Push struct {
	Role    string   `json:"role" enum:"processor,recipient"`
	Party   string   `json:"party" minLength:"1" maxLength:"100" doc:"as the charter calls it"`
	Purpose string   `json:"purpose" minLength:"1" maxLength:"100"`
	Items   []string `json:"items" minItems:"1" maxItems:"64" doc:"all of them must be held: what isn't, isn't pushed"`
}

// Pushed says that a bundle waits for its party, and until when.
type Pushed struct {
	Bundle string    `json:"bundle" example:"bn_5kx0…"`
	Handle string    `json:"handle" example:"hd_5kx0…" doc:"by which the party knows the child"`
	Until  time.Time `json:"until" doc:"what the party hasn't taken by then is thrown away; push it anew"`
	Entry  string    `json:"-"` // the ledger entry that records it
}

// TypeBundle is the type of the events by which a party gets what was pushed to it. They are in
// no ledger: their id is the bundle's.
const TypeBundle = "party.bundle"

// BundleEvent is the data of such an event.
type BundleEvent struct {
	Role  string    `json:"role" enum:"processor,recipient"`
	Party string    `json:"party"`
	Key   string    `json:"key" doc:"what it is sealed to, kx_…"`
	Until time.Time `json:"until" doc:"until when it is tried"`
	Age   []byte    `json:"age" doc:"an age file, base64"`
}

// SealedBundle is the envelope of a bundle: the body that a webhook gets, and what a party gets
// that comes for one. OpenBundle opens it.
type SealedBundle struct {
	ID      string      `json:"id" example:"bn_1v7r8m0p3q5s9t2w4x6y8z0a1b"`
	Type    string      `json:"type" enum:"party.bundle"`
	At      time.Time   `json:"at" doc:"when it was sealed"`
	Service string      `json:"service"`
	Data    BundleEvent `json:"data"`
}

// A Bundle is what is in the age file.
type Bundle struct {
	ID       string            `json:"id" doc:"the same in each try: whoever has it already throws the second away"`
	Service  string            `json:"service"`
	Role     string            `json:"role"`
	Party    string            `json:"party"`
	Handle   string            `json:"handle" doc:"by which the party knows the child"`
	Purpose  string            `json:"purpose" doc:"the only one that it may be used for"`
	Values   map[string]string `json:"values"`
	SealedAt time.Time         `json:"sealed_at"`
	UseUntil time.Time         `json:"use_until" doc:"when it must be deleted at the latest: an order may come before"`
}

// ErrBundle is the error of an event that holds no bundle which these keys open.
var ErrBundle = errors.New("wardkeep: no bundle that this key opens")

// OpenBundle opens what a webhook of a party has got, whose signature was checked before: the
// seal says who may read it, and the signature who has sent it. It refuses a bundle under the
// name of another one. A bundle comes at least once: whoever has its ID already has had it.
// Identities are the party's private keys, the newest first.
func OpenBundle(body []byte, identities ...age.Identity) (Bundle, error) {
	var e Event
	var data BundleEvent
	if json.Unmarshal(body, &e) != nil || e.Type != TypeBundle || json.Unmarshal(e.Data, &data) != nil || len(identities) == 0 {
		return Bundle{}, ErrBundle
	}
	plain, err := age.Decrypt(bytes.NewReader(data.Age), identities...)
	if err != nil {
		return Bundle{}, ErrBundle
	}
	text, err := io.ReadAll(plain)
	if err != nil {
		return Bundle{}, ErrBundle // cut off, or changed on its way
	}
	var b Bundle
	if json.Unmarshal(text, &b) != nil || b.ID == "" || b.ID != e.ID || b.Service != e.Service || b.Role != data.Role || b.Party != data.Party {
		return Bundle{}, ErrBundle
	}
	return b, nil
}

// Push gives items of a child to a party that can't ask by itself (Articles 16 and 17): what its
// agreement, or its assessment, and a guardian's yes give it. Before each try it is decided once
// more whether it may still go. Errors: ErrDenied with reasons, ErrOverQuota.
func (c *Client) Push(ctx context.Context, child string, p Push) (Pushed, error) {
	var out Pushed
	h, err := c.call(ctx, request{method: http.MethodPost, path: c.path("children", url.PathEscape(child), "items:push"), in: p, out: &out, once: true})
	out.Entry = h.Get(entryHeader)
	return out, err
}
