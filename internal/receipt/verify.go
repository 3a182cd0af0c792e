package receipt

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"

	"wardkeep/internal/base/i18n"
	"wardkeep/internal/charter"
	"wardkeep/internal/ledger"
)

// MaxSize bounds a record, in bytes. One about every purpose of a large charter
// has a tenth.
const MaxSize = 4 << 20

// A Report is what a verification found.
type Report struct {
	Record   Record
	Tree     ledger.Checkpoint // the one that is in the record
	OwnKey   bool              // verified with the record's own key: whose that is, is proven by nothing
	Charter  bool              // the parties were compared with the charter
	Unproved []string          // fields that nothing proves
	Later    []int64           // sizes of checkpoints that this record can't be compared with offline
	Findings []Finding
}

// OK reports that nothing is wrong.
func (r Report) OK() bool { return len(r.Findings) == 0 }

// A Finding is one thing that is wrong.
type Finding struct {
	Code string // one of the Found constants; also its key in base/i18n
	Part string // of the record, "pii_processing[0].events[0].event_time"
}

// The codes of findings.
const (
	FoundCheckpoint = "receipt.finding.checkpoint" // not signed with the key
	FoundEntry      = "receipt.finding.entry"      // not in the ledger that was signed
	FoundContent    = "receipt.finding.content"    // entries that are no answers to one request
	FoundNotice     = "receipt.finding.notice"     // not the notice that was answered
	FoundField      = "receipt.finding.field"      // not what the entries and the notice say
	FoundCharter    = "receipt.finding.charter"    // the charter that was given isn't the one that was answered
	FoundElsewhere  = "receipt.finding.elsewhere"  // a checkpoint kept elsewhere is not signed with the key
	FoundFork       = "receipt.finding.fork"       // a checkpoint kept elsewhere is of another ledger
)

// In returns the finding in words.
func (f Finding) In(lang i18n.Lang) string { return lang.T(f.Code, "Part", f.Part) }

// maxFindings bounds a report.
const maxFindings = 50

func (r *Report) found(code, part string) {
	if len(r.Findings) < maxFindings {
		r.Findings = append(r.Findings, Finding{code, part})
	}
}

// A Against is what a record is checked against, from elsewhere.
type Against struct {
	Key         string           // of the ledger; empty: the record's own
	Charter     *charter.Charter // nil: who the parties are stays unproved
	Checkpoints []string         // kept elsewhere
}

// Verify checks a record, as a file, offline. An error says that it is none:
// ErrFormat; what is wrong with it is in the report.
func Verify(file []byte, against Against) (Report, error) {
	said, record, err := parse(file)
	if err != nil {
		return Report{}, err
	}
	r := Report{Record: record, Unproved: []string{"privacy_notice.link", "withdrawal_method"}}
	key := against.Key
	if key == "" {
		key, r.OwnKey = record.Proof.Key, true
	}
	if r.Tree, err = ledger.OpenCheckpoint(record.Proof.Checkpoint, key); err != nil {
		r.found(FoundCheckpoint, "proof.checkpoint")
	} else {
		r.included(record.Proof)
	}
	r.elsewhere(against.Checkpoints, key)
	if err := r.fields(said, key, against.Charter); err != nil {
		return Report{}, err
	}
	return r, nil
}

// parse reads a record: as whatever JSON it is, and as what we take it for.
func parse(file []byte) (any, Record, error) {
	said, err := values(file)
	if err != nil {
		return nil, Record{}, err
	}
	var r Record
	if json.Unmarshal(file, &r) != nil || r.Schema != schema || r.Type != kind {
		return nil, Record{}, ErrFormat
	}
	return said, r, nil
}

// values reads a file that is one JSON value of at most MaxSize bytes. Errors:
// ErrFormat.
func values(file []byte) (any, error) {
	if len(file) > MaxSize || !utf8.Valid(file) {
		return nil, ErrFormat
	}
	d := json.NewDecoder(bytes.NewReader(file))
	d.UseNumber()
	v, err := once(d)
	if err != nil || d.More() {
		return nil, ErrFormat
	}
	return v, nil
}

// maxDepth bounds how deep a record is nested.
const maxDepth = 16

// once reads one JSON value. A name that comes twice is an error: two readers
// could take the one and the other.
func once(d *json.Decoder) (any, error) { return value(d, maxDepth) }

func value(d *json.Decoder, depth int) (any, error) {
	t, err := d.Token()
	if err != nil || depth == 0 {
		return nil, errors.Join(err, ErrFormat)
	}
	switch t {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := value(d, depth-1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err
	case json.Delim('{'):
		object := map[string]any{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			key, _ := name.(string)
			if _, twice := object[key]; twice {
				return nil, ErrFormat
			}
			if object[key], err = value(d, depth-1); err != nil {
				return nil, err
			}
		}
		_, err := d.Token()
		return object, err
	}
	return t, nil
}

// included checks that the ledger that was signed holds each entry.
func (r *Report) included(p Proof) {
	for i, e := range p.Entries {
		if r.Tree.Holds(e.Index, []byte(e.Leaf), hashesOf(e)) != nil {
			r.found(FoundEntry, fmt.Sprintf("proof.entries[%d]", i))
		}
	}
}

func hashesOf(e Entry) (hashes tlog.RecordProof) {
	for _, text := range e.Hashes {
		b, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil || len(b) != tlog.HashSize {
			b = make([]byte, tlog.HashSize) // then the root isn't reached
		}
		hashes = append(hashes, tlog.Hash(b))
	}
	return hashes
}

// elsewhere compares with checkpoints of the same ledger. Only one of the same
// size says anything without the ledger itself.
func (r *Report) elsewhere(checkpoints []string, key string) {
	for i, text := range checkpoints {
		part := fmt.Sprintf("--checkpoint %d", i+1)
		c, err := ledger.OpenCheckpoint(text, key)
		switch {
		case err != nil:
			r.found(FoundElsewhere, part)
		case c.Size != r.Tree.Size:
			r.Later = append(r.Later, c.Size)
		case c.Root != r.Tree.Root:
			r.found(FoundFork, part)
		}
	}
}

// fields computes the record anew and names each field that differs.
func (r *Report) fields(said any, key string, c *charter.Charter) error {
	is := r.Record.said()
	again, err := build(r.Record.Notice.Document, r.Record.Proof, is)
	switch {
	case errors.Is(err, errNotice):
		r.found(FoundNotice, "privacy_notice.document")
		return nil
	case err != nil:
		r.found(FoundContent, "proof.entries")
		return nil
	}
	again.Proof.Key = key
	switch lang := charter.Lang(again.Notice.Language); {
	case c == nil:
		r.Unproved = append(r.Unproved, "party_identification")
	case c.Hash() != again.Notice.Charter:
		r.found(FoundCharter, "privacy_notice.charter_sha256")
	default:
		r.Charter = true
		again.Parties = parties(c, lang, again.purposes())
	}
	text, err := again.JSON()
	if err != nil {
		return err
	}
	want, err := values(text)
	if err != nil {
		return err
	}
	for _, path := range differ("", want, said) {
		r.found(FoundField, path)
	}
	return nil
}

// differ returns where two JSON values differ, in a fixed order.
func differ(path string, want, got any) (paths []string) {
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok {
			return []string{path}
		}
		names := slices.Collect(maps.Keys(want))
		for name := range got {
			if _, known := want[name]; !known {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		for _, name := range names {
			under := name
			if path != "" {
				under = path + "." + name
			}
			w, known := want[name]
			g, there := got[name]
			if !known {
				// The name of a field that we don't know may be anything.
				paths = append(paths, path+"{…}")
			} else if !there {
				paths = append(paths, under)
			} else {
				paths = append(paths, differ(under, w, g)...)
			}
		}
		return paths
	case []any:
		got, ok := got.([]any)
		if !ok || len(got) != len(want) {
			return []string{path}
		}
		for i := range want {
			paths = append(paths, differ(fmt.Sprintf("%s[%d]", path, i), want[i], got[i])...)
		}
		return paths
	}
	if !reflect.DeepEqual(want, got) {
		return []string{path}
	}
	return nil
}
