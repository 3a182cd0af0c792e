// Package transcript writes the copy of what is held about a child that its guardian
// takes away (PIPL 45; Minors' network protection regulation 34): one page that opens
// on a phone without a network, and holds the same for machines.
//
// Its one invariant: what is written is readable to nobody but who has the code. The
// code has 120 random bits, is shown once and kept nowhere; all of the document is
// AES-256-GCM ciphertext under a key that is computed from it, in which the page's own
// words say nothing of child or service. The file loads nothing and sends nothing.
//
// docs/copy.md describes the format for whoever wants to read it without a browser.
package transcript

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"io"
	"strings"
	"time"

	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/id"
)

// Format is the name of the document's form, and of how it is sealed.
const Format = "wardkeep.copy/1"

// A Document is a copy, or one part of it. Labels are in its language.
type Document struct {
	Format   string    `json:"format"`
	Language string    `json:"language"`
	Number   string    `json:"number"` // of the demand that it answers
	Part     int       `json:"part"`   // from 1
	Parts    int       `json:"parts"`
	MadeAt   time.Time `json:"made_at"`
	Entry    string    `json:"entry"` // of the ledger, that records this very file
	Service  Named     `json:"service"`
	Child    Child     `json:"child"`
	Items    []Item    `json:"items"`
	Consents []Consent `json:"consents"`
	Uses     []Use     `json:"uses"`
	// UsesUntil is when the uses are complete up to; zero: up to MadeAt.
	UsesUntil time.Time `json:"uses_until,omitzero"`
	Demands   []Demand  `json:"requests"`
	Parties   []Party   `json:"parties"`
}

// A Named is something that the charter names, and what it calls it.
type Named struct {
	Name  string `json:"name"`
	Label string `json:"label"`
}

// A Child is what is held beside the items of the charter.
type Child struct {
	ID        string    `json:"id"`
	Reference string    `json:"reference"`            // the operator's own
	Birth     string    `json:"birth_date,omitempty"` // or a part of one
	Since     time.Time `json:"since"`
	Phone     string    `json:"phone,omitempty"` // of the guardian who takes the copy, as the next two
	Email     string    `json:"email,omitempty"`
	Name      string    `json:"name,omitempty"`
}

// An Item is a value that is held. That of a picture, a sound or a film is base64.
type Item struct {
	Named
	Kind        string    `json:"kind"`
	Purpose     Named     `json:"purpose"`
	CollectedAt time.Time `json:"collected_at"`
	ExpiresAt   time.Time `json:"expires_at"`
	Value       string    `json:"value"`
}

// A Consent is one answer of a guardian.
type Consent struct {
	Purpose     Named     `json:"purpose"`
	Granted     bool      `json:"granted"`
	At          time.Time `json:"at"`
	WithdrawnAt time.Time `json:"withdrawn_at,omitzero"`
	Mine        bool      `json:"mine"` // of the guardian who takes the copy
	Charter     int64     `json:"charter"`
}

// A Use is what somebody did with items on a day, alike and so many times.
type Use struct {
	Day       string  `json:"day"` // in China
	Who       string  `json:"who"`
	What      Named   `json:"what"`
	Purpose   Named   `json:"purpose"`
	Party     string  `json:"party,omitempty"`
	Items     []Named `json:"items"`
	Permitted bool    `json:"permitted"`
	Times     int64   `json:"times"`
}

// A Demand is what was demanded about the child.
type Demand struct {
	Number     string    `json:"number"`
	What       Named     `json:"what"`
	State      Named     `json:"state"`
	ReceivedAt time.Time `json:"received_at"`
	DueAt      time.Time `json:"due_at"`
	ClosedAt   time.Time `json:"closed_at,omitzero"`
}

// A Party is somebody else who gets to see something.
type Party struct {
	Role    string  `json:"role"` // processor, recipient, audience
	Label   string  `json:"label"`
	Country string  `json:"country,omitempty"`
	Contact string  `json:"contact,omitempty"`
	Why     string  `json:"why"`
	Items   []Named `json:"items"`
}

const (
	codeLen  = 24 // symbols of five bits
	group    = 4
	symbols  = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	saltLen  = 16
	keyLen   = 32
	nonceLen = 12
)

// NewCode returns a code that opens one copy, as people read it: "7K2M-9QXT-…".
func NewCode() string {
	s := strings.ToUpper(id.Secret(16))
	var b strings.Builder
	for i := range codeLen {
		if i > 0 && i%group == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

var spoken = strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1")

// ParseCode returns the code that somebody typed without what stands between its
// symbols, and whether it is one.
func ParseCode(typed string) (code string, ok bool) {
	code = spoken.Replace(strings.ToUpper(typed))
	return code, len(code) == codeLen && strings.Trim(code, symbols) == ""
}

// keyOf is the key that a code opens with. The code is random, and as good as a key:
// there is nothing to stretch.
func keyOf(code string, salt []byte) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, []byte(code), salt, Format, keyLen)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

//go:embed copy.html
var pageText string

//go:embed copy.js
var script string

//go:embed copy.css
var style string

// page is the file around what is sealed. Its policy lets nothing run but its own
// script, and nothing be loaded.
type page struct {
	Policy      string
	Script      template.JS
	Style       template.CSS
	Salt, Nonce string
	Format      string
}

var pages = func() map[i18n.Lang]*template.Template {
	all := make(map[i18n.Lang]*template.Template)
	for _, lang := range i18n.Langs {
		funcs := template.FuncMap{"t": lang.T, "lang": func() string { return string(lang) }}
		all[lang] = template.Must(template.New("copy.html").Funcs(funcs).Parse(pageText))
	}
	return all
}()

func hashed(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// A File is a copy, or one part of it, that the code opens: ciphertext, and the page
// around it. It may wait for whoever reads it slowly: nothing in it is in plain.
type File struct {
	lang   i18n.Lang
	page   page
	sealed []byte
}

// Seal makes the file of a document that the code opens, which ParseCode has returned.
// While it does it holds the document in memory some three times, afterwards once.
func Seal(lang i18n.Lang, code string, d Document) (*File, error) {
	d.Format, d.Language = Format, string(lang)
	text, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	salt, nonce := make([]byte, saltLen), make([]byte, nonceLen)
	rand.Read(salt) // never fails (crypto/rand)
	rand.Read(nonce)
	aead, err := keyOf(code, salt)
	if err != nil {
		return nil, err
	}
	in := base64.StdEncoding.EncodeToString
	return &File{lang: lang, sealed: aead.Seal(text[:0], nonce, text, []byte(Format)), page: page{
		Policy: "default-src 'none'; base-uri 'none'; form-action 'none'; img-src blob:; media-src blob:; script-src " + hashed(script) + "; style-src " + hashed(style),
		Script: template.JS(script), Style: template.CSS(style), Salt: in(salt), Nonce: in(nonce), Format: Format,
	}}, nil
}

// Write writes the file.
func (f *File) Write(w io.Writer) error {
	var head bytes.Buffer
	if err := pages[f.lang].ExecuteTemplate(&head, "head", f.page); err != nil {
		return err
	}
	if _, err := head.WriteTo(w); err != nil {
		return err
	}
	encode := base64.NewEncoder(base64.StdEncoding, w)
	if _, err := encode.Write(f.sealed); err != nil {
		return err
	}
	if err := encode.Close(); err != nil {
		return err
	}
	return pages[f.lang].ExecuteTemplate(w, "tail", f.page)
}
