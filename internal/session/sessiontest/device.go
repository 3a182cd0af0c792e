// Package sessiontest gives tests a device that makes and shows passkeys, with the
// browser that drives it.
//
// Its one invariant: what it answers is right in all but what a test has made
// wrong.
package sessiontest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/url"
	"testing"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
)

// A Device holds passkeys. Its fields make the next answer wrong.
type Device struct {
	T testing.TB

	Origin     string // of the page that asks; where empty, https:// and the site that is asked for
	Site       string // for which it signs; where empty, the one that is asked for
	Holder     []byte // that it names; where empty, the one that the passkey was made for
	Challenge  string // that it signs; where empty, the one that it was given
	Type       string // of what it says it does; where empty, the right one
	Unverified bool   // it didn't look who holds it
	Absent     bool   // nobody touched it
	Forged     bool   // it signs with another key
	Moved      bool   // it says that the passkey may be copied, or not any more
	Count      uint32 // of its signatures

	made []passkey
}

// A passkey is a key and whose it is.
type passkey struct {
	id, holder []byte
	key        *ecdsa.PrivateKey
}

// The flags of what an authenticator says (Web Authentication, 6.1).
const (
	flagPresent  = 1 << 0
	flagVerified = 1 << 2
	flagCopied   = 1 << 3
	flagMade     = 1 << 6
)

// options are those of both ceremonies.
type options struct {
	Challenge string                                 `json:"challenge"`
	RP        struct{ ID, Name string }              `json:"rp"`
	RPID      string                                 `json:"rpId"`
	User      struct{ ID, Name, DisplayName string } `json:"user"`
	Exclude   []struct{ ID string }                  `json:"excludeCredentials"`
}

// Make makes a passkey as the options ask, and returns what the browser answers.
func (d *Device) Make(asked []byte) []byte {
	d.T.Helper()
	o := d.read(asked)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	d.must(err)
	p := passkey{id: make([]byte, 32), holder: d.bytes(o.User.ID), key: key}
	rand.Read(p.id)
	d.made = append(d.made, p)
	public, err := key.PublicKey.Bytes() // 4, x, y
	d.must(err)
	cose, err := webauthncbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: public[1:33], -3: public[33:]})
	d.must(err)
	said := d.said(o.RP.ID, flagMade)
	said = append(said, make([]byte, 16)...) // it doesn't say what it is
	said = binary.BigEndian.AppendUint16(said, uint16(len(p.id)))
	said = append(append(said, p.id...), cose...)
	attested, err := webauthncbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": said})
	d.must(err)
	return d.answer(p, map[string]string{
		"clientDataJSON": text(d.client("webauthn.create", o.Challenge, o.RP.ID)), "attestationObject": text(attested),
	})
}

// Show shows the passkey that was made last, and returns what the browser answers.
func (d *Device) Show(asked []byte) []byte {
	d.T.Helper()
	if len(d.made) == 0 {
		d.T.Fatal("the device has no passkey")
	}
	o := d.read(asked)
	p := d.made[len(d.made)-1]
	said, client := d.said(o.RPID, 0), d.client("webauthn.get", o.Challenge, o.RPID)
	hash := sha256.Sum256(client)
	signed := sha256.Sum256(append(bytes.Clone(said), hash[:]...))
	key := p.key
	if d.Forged {
		var err error
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		d.must(err)
	}
	signature, err := ecdsa.SignASN1(rand.Reader, key, signed[:])
	d.must(err)
	holder := p.holder
	if d.Holder != nil {
		holder = d.Holder
	}
	return d.answer(p, map[string]string{
		"clientDataJSON": text(client), "authenticatorData": text(said), "signature": text(signature), "userHandle": text(holder),
	})
}

// Names returns all that a list of passkeys shows of what is asked.
func (d *Device) Names(asked []byte) []string {
	d.T.Helper()
	o := d.read(asked)
	return []string{o.RP.ID, o.RP.Name, o.User.Name, o.User.DisplayName}
}

// Excludes returns how many passkeys the options say are there already.
func (d *Device) Excludes(asked []byte) int {
	d.T.Helper()
	return len(d.read(asked).Exclude)
}

// Remembers returns the keyed hash that the device keeps of the last passkey's
// holder.
func (d *Device) Remembers() []byte { return d.made[len(d.made)-1].holder }

// said is what the authenticator says of itself.
func (d *Device) said(site string, flags byte) []byte {
	if d.Site != "" {
		site = d.Site
	}
	if !d.Absent {
		flags |= flagPresent
	}
	if !d.Unverified {
		flags |= flagVerified
	}
	if d.Moved {
		flags |= flagCopied
	}
	hash := sha256.Sum256([]byte(site))
	return binary.BigEndian.AppendUint32(append(hash[:], flags), d.Count)
}

// client is what the browser says.
func (d *Device) client(kind, challenge, site string) []byte {
	origin := (&url.URL{Scheme: "https", Host: site}).String()
	for _, wrong := range []struct {
		what *string
		is   string
	}{{&kind, d.Type}, {&challenge, d.Challenge}, {&origin, d.Origin}} {
		if wrong.is != "" {
			*wrong.what = wrong.is
		}
	}
	b, err := json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": false})
	d.must(err)
	return b
}

func (d *Device) answer(p passkey, response map[string]string) []byte {
	b, err := json.Marshal(map[string]any{
		"id": text(p.id), "rawId": text(p.id), "type": "public-key", "clientExtensionResults": map[string]any{}, "response": response,
	})
	d.must(err)
	return b
}

func (d *Device) read(asked []byte) (o options) {
	d.T.Helper()
	d.must(json.Unmarshal(asked, &o))
	return o
}

func (d *Device) bytes(s string) []byte {
	d.T.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	d.must(err)
	return b
}

func (d *Device) must(err error) {
	d.T.Helper()
	if err != nil {
		d.T.Fatal(err)
	}
}

func text(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
