// Package evidence makes one archive of what the operator can show an authority (Article
// 22), and verifies one offline: without a store, and with no key but the ledger's public
// one, which comes from somewhere else.
//
// Its one invariant: what an archive says is never believed. Each statement in it is
// computed again from the entries of the ledger that come with it, which a signed
// checkpoint holds; every decision among them is decided again; and what neither gives is
// said to be unproved.
//
// # What is in one
//
//	README.txt            what it is and how it is checked, in both languages
//	registers/NAME/…      rows of tables, as JSON lines: what the operator states
//	charters/SERVICE/N    what each version of a charter says, whose hash the ledger has
//	documents/…           rules, agreements and notices, likewise
//	samples.age           whose pseudonyms some of the rows are about, for who has the key
//	manifest.json         its scope, and the hash of each file above
//	ledger/…              a copy of the ledger (C2SP tlog-tiles): all of it, since a
//	                      decision rests on facts from the beginning
//
// The ledger has an entry that an archive was made, with the hash of its manifest, and
// that entry is in the copy: so an archive from which a byte was taken, or to which one was
// added, contradicts the ledger in itself.
package evidence

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"

	"crypto/sha256"

	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
)

// What can be wrong with making an archive, or with a file that is to be verified.
var (
	ErrArchive = errs.New(errs.Invalid, "evidence.archive")      // it is no archive, or cut off
	ErrCrowded = errs.New(errs.Invalid, "evidence.crowded")      // it says that it has more files than any can have
	ErrScope   = errs.New(errs.Invalid, "evidence.scope")        // it ends before it begins, or names what is no article
	ErrKey     = errs.New(errs.Invalid, "evidence.recipient")    // samples can't be sealed to it
	ErrBusy    = errs.New(errs.Unavailable, "evidence.busy")     // too many entries wait for their place
	ErrPlace   = errs.New(errs.Unavailable, "evidence.no_place") // the entry about it got no place in time
)

// format is the first word of each manifest.
const format = "wardkeep-evidence/1"

// A Scope says of what an archive states something. The entries of the ledger are there
// whatever the scope, since a decision rests on what came before.
type Scope struct {
	From, To time.Time // From ≤ t < To; zero: from the first, to the last
	Articles []int     // ascending; nil: all
	Services []string  // ascending; nil: all. What is of none is left out then
}

func (s Scope) valid() error {
	if !s.To.IsZero() && !s.From.Before(s.To) || !articled(s.Articles) || !serviced(s.Services) {
		return ErrScope
	}
	return nil
}

// articled reports whether a scope can have these articles. None at all isn't said by an empty
// list: that of which nothing is stated would hold.
func articled(articles []int) bool {
	for i, a := range articles {
		if a < 1 || a > 29 || i > 0 && articles[i-1] >= a {
			return false
		}
	}
	return articles == nil || len(articles) > 0
}

// serviced is articled, of services.
func serviced(services []string) bool {
	for i, s := range services {
		if s == "" || len(s) > maxName || i > 0 && services[i-1] >= s {
			return false
		}
	}
	return services == nil || len(services) > 0
}

// has reports whether a row lies in the scope: of a time, in microseconds, and of a service.
func (m Manifest) has(at int64, service string) bool {
	return at >= m.From && (m.To == 0 || at < m.To) && (m.Services == nil || slices.Contains(m.Services, service))
}

// A Manifest says what an archive is about, and what is in it. Times are microseconds.
type Manifest struct {
	Format   string   `json:"format"`
	Bundle   string   `json:"bundle"` // "ev_…"
	Origin   string   `json:"origin"` // of the ledger
	Made     int64    `json:"made"`
	From     int64    `json:"from"`     // 0: from the first
	To       int64    `json:"to"`       // 0: to the last
	Articles []int    `json:"articles"` // null: all
	Services []string `json:"services"` // null: all

	// The registers tell of the tables at one moment: after the first Size entries of the
	// ledger, and after those that waited for their place then.
	Size    int64    `json:"size"`
	Also    []string `json:"also"`
	Counted int64    `json:"counted"` // what is counted by the day is counted up to this place

	Recipient string  `json:"recipient,omitempty"` // to whom the samples are sealed: the SHA-256 of its age recipient
	States    []State `json:"states"`
	Files     []File  `json:"files"`
}

// A State is what an archive states: that a register has these rows.
type State struct {
	Register string   `json:"register"`
	Articles []int    `json:"articles"`
	Columns  []string `json:"columns"`
	Rows     int64    `json:"rows"`
}

// A File is one of the archive, the ledger's aside.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Names of files.
const (
	readmeName   = "README.txt"
	manifestName = "manifest.json"
	samplesName  = "samples.age"
	ledgerDir    = "ledger/"
)

// Limits on what is read. An archive of 10,000,000 entries has some 80,000 files.
const (
	maxFiles     = 1 << 20
	maxDirectory = 200 << 20 // bytes of the list of files
	maxManifest  = 64 << 20
	maxListed    = 24 << 20 // bytes of a file that a manifest names
	maxAlso      = 50_000
	maxName      = 200
	maxRatio     = 200 // by which a file may grow when it is read, beyond a few kilobytes
)

// names are those that a file may have: none of them leads anywhere else, on any system.
var names = regexp.MustCompile(`^(README\.txt|manifest\.json|samples\.age|registers/[a-z]+/[0-9]{6}\.jsonl|` +
	`charters/[a-z0-9_-]+/[0-9]+\.json|documents/[a-z0-9_-]+/[0-9]+/[a-z]+\.(zh-CN|en)\.txt|ledger/checkpoint|ledger/tile/[a-z0-9/.]+)$`)

func named(name string) bool {
	return len(name) <= maxName && names.MatchString(name) && !strings.Contains(name, "//") && !strings.Contains(name, "..")
}

// text returns the one form that a manifest has.
func (m Manifest) text() []byte {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		panic(err) // it is made of texts and numbers
	}
	return append(b, '\n')
}

// readManifest reads one that is in its one form: a manifest that says a thing twice, or
// something besides, is none.
func readManifest(b []byte) (m Manifest, ok bool) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if d.Decode(&m) != nil || m.Format != format || !id.Is(id.Evidence, m.Bundle) || m.Size < 0 || len(m.Also) > maxAlso || !articled(m.Articles) || !serviced(m.Services) {
		return Manifest{}, false
	}
	return m, bytes.Equal(m.text(), b)
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// Hash is the hash of a manifest, as the ledger has it.
func (m Manifest) Hash() string { return sum(m.text()) }
