package evidence_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/evidence"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/replay"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// forges makes an archive as an operator can who has changed the program: the ledger has the entry
// about it, with the hash of the manifest, and is signed.
func (s *scene) forges(t testing.TB, scope evidence.Scope, change func(m *evidence.Manifest, files map[string][]byte)) []byte {
	t.Helper()
	names, files := unpacked(t, s.makes(t, scope))
	var m evidence.Manifest
	ok(t, json.Unmarshal(files["manifest.json"], &m))
	m.Bundle = id.New(id.Evidence)
	change(&m, files)
	m.Files = nil
	var all []string
	for name, b := range files {
		if !strings.HasPrefix(name, "ledger/") && name != "manifest.json" {
			h := sha256.Sum256(b)
			m.Files = append(m.Files, evidence.File{Name: name, Size: int64(len(b)), SHA256: hex.EncodeToString(h[:])})
			all = append(all, name)
		}
	}
	slices.SortFunc(m.Files, func(a, b evidence.File) int { return strings.Compare(a.Name, b.Name) })
	text, err := json.MarshalIndent(m, "", "  ")
	ok(t, err)
	files["manifest.json"] = append(text, '\n')
	h := sha256.Sum256(files["manifest.json"])
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		_, err := staff.MadeEvidence(ctx, tx, catalog.Operator{ID: "test"}, staff.EvidenceBody{Bundle: m.Bundle, From: m.From, To: m.To, Articles: m.Articles,
			Samples: m.Recipient != "", Manifest: hex.EncodeToString(h[:])})
		return err
	})
	ok(t, s.log.Flush(t.Context()))
	names = append(all, "manifest.json")
	ok(t, s.Store.View(t.Context(), func(tx *db.Tx) error {
		return ledger.Copy(t.Context(), tx, func(name string, b []byte) error {
			names = append(names, "ledger/"+name)
			files["ledger/"+name] = bytes.Clone(b)
			return nil
		})
	}))
	return packed(t, names, files)
}

// without empties the registers whose names begin so.
func without(m *evidence.Manifest, files map[string][]byte, prefix string) {
	for name := range files {
		if strings.HasPrefix(name, "registers/"+prefix) {
			delete(files, name)
		}
	}
	for i := range m.States {
		if strings.HasPrefix(m.States[i].Register, prefix) {
			m.States[i].Rows = 0
		}
	}
}

// Article 22: an operator who signs what it likes can't leave out of an archive what its ledger
// tells, nor put something in that nothing proves, nor have whoever checks it wait for ever.
func TestArticle22_WhatTheOperatorSignsIsNotBelieved(t *testing.T) {
	s := play(t, vaulttest.New(t, dbtest.New(t)))
	some := evidence.Scope{Articles: []int{16}}
	for _, c := range []struct {
		name   string
		scope  evidence.Scope
		change func(m *evidence.Manifest, files map[string][]byte)
		found  string
	}{
		{"nothing", evidence.Scope{}, func(*evidence.Manifest, map[string][]byte) {}, ""},
		{"nothing that says what it is", evidence.Scope{}, func(_ *evidence.Manifest, files map[string][]byte) { delete(files, "README.txt") }, "missing README.txt"},
		{"how things were before anything was", evidence.Scope{}, func(m *evidence.Manifest, files map[string][]byte) {
			m.Size, m.Counted, m.Also, m.Recipient = 0, 0, []string{}, ""
			without(m, files, "")
			for name := range files {
				if strings.HasPrefix(name, "charters/") || strings.HasPrefix(name, "documents/") || name == "samples.age" {
					delete(files, name)
				}
			}
		}, "early "},
		{"days of which none was counted", evidence.Scope{}, func(m *evidence.Manifest, files map[string][]byte) {
			m.Counted = 0
			without(m, files, "days")
		}, "early "},
		{"a day before the entry", evidence.Scope{}, func(m *evidence.Manifest, _ map[string][]byte) {
			m.Made -= (25 * time.Hour).Microseconds()
		}, "early "},
		{"of no article", some, func(m *evidence.Manifest, files map[string][]byte) {
			m.Articles, m.States = []int{}, []evidence.State{}
			without(m, files, "")
		}, "manifest manifest.json"},
		{"rows of a register that it doesn't state", some, func(_ *evidence.Manifest, files map[string][]byte) {
			files["registers/consents/000001.jsonl"] = []byte("[]\n")
		}, "unproved registers/consents/000001.jsonl"},
		{"rules that were never published", some, func(_ *evidence.Manifest, files map[string][]byte) {
			files["documents/"+vaulttest.Service+"/1/rules.en.txt"] = []byte("We keep nothing.")
		}, "unproved documents/" + vaulttest.Service + "/1/rules.en.txt"},
		{"a charter that was never proposed", some, func(_ *evidence.Manifest, files map[string][]byte) {
			files["charters/"+vaulttest.Service+"/99.json"] = []byte("{}")
		}, "unproved charters/" + vaulttest.Service + "/99.json"},
		{"samples of which each is two children", evidence.Scope{}, func(_ *evidence.Manifest, files map[string][]byte) {
			plain, err := age.Decrypt(bytes.NewReader(files["samples.age"]), s.recipient)
			ok(t, err)
			one, err := io.ReadAll(plain)
			ok(t, err)
			var twice bytes.Buffer
			sealed, err := age.Encrypt(&twice, s.recipient.Recipient())
			ok(t, err)
			_, err = sealed.Write(append(one, one...))
			ok(t, err, sealed.Close())
			files["samples.age"] = twice.Bytes()
		}, "samples twice"},
	} {
		got := said(s.verifies(t, s.forges(t, c.scope, c.change)))
		if c.found == "" && len(got) > 0 || c.found != "" && !slices.ContainsFunc(got, func(g string) bool { return strings.HasPrefix(g, c.found) }) {
			t.Errorf("%s: %q, want %q", c.name, got, c.found)
		}
	}

	_, files := unpacked(t, s.makes(t, evidence.Scope{}))
	t.Run("a use of a time to come", func(t *testing.T) { s.usesLater(t, files) })

	signer, _, err := ledger.NewSigner(origin, bytes.Repeat([]byte{7}, 32))
	ok(t, err)
	endless, err := note.Sign(&note.Note{Text: origin + "\n281474976710656\n" + base64.StdEncoding.EncodeToString(make([]byte, 32)) + "\n"}, signer)
	ok(t, err)
	const far = "ledger/tile/entries/x281/x474/x976/710"
	for name, archive := range map[string][]byte{
		"a ledger without end, signed":   packed(t, []string{"ledger/checkpoint"}, map[string][]byte{"ledger/checkpoint": endless}),
		"a ledger without end, unsigned": packed(t, []string{far}, map[string][]byte{far: []byte("x")}),
	} {
		if r := s.verifies(t, archive); r.OK() || r.Ledger.OK() {
			t.Errorf("%s holds", name)
		}
	}

	// A gap that can't be is looked for in a second run, and in no third.
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		_, err := ledger.Append(ctx, tx, ledger.Entry{Kind: backup.KindRestored, Actor: "operator:test", Body: backup.RestoredBody{Restoration: "rs_x", Kept: "x"}})
		return err
	})
	if r := s.verifies(t, s.makes(t, evidence.Scope{})); r.OK() || !r.Decided || r.Decisions.OK() {
		t.Errorf("a gap that can't be: %q", said(r))
	}
}

// usesLater puts a use behind the others that says that it is of an hour later, by a
// version of the service that never comes.
func (s *scene) usesLater(t *testing.T, files map[string][]byte) {
	var texts []replay.Text
	for name, b := range files {
		if parts := strings.Split(name, "/"); parts[0] == "charters" {
			texts = append(texts, replay.Text{Service: parts[1], Number: int64(parts[2][0] - '0'), Canonical: b})
		}
	}
	var all []ledger.Placed
	ok(t, s.Store.View(t.Context(), func(tx *db.Tx) error {
		head, err := ledger.Head(t.Context(), tx)
		if err != nil {
			return err
		}
		all, err = ledger.Since(t.Context(), tx, 0, int(head.Size))
		return err
	}))
	run := func(forged ...ledger.Placed) replay.Report {
		o := replay.NewOffline(texts, nil)
		for _, p := range slices.Concat(all[:len(all)-1], forged, all[len(all)-1:]) {
			o.Entry(p)
		}
		r, _ := o.End()
		return r
	}
	use := all[slices.IndexFunc(all, func(p ledger.Placed) bool { return p.Kind == gate.KindPermitted })]
	var body gate.UseBody
	ok(t, json.Unmarshal(use.Body, &body))
	body.Catalog = 9999
	use.Body, _ = json.Marshal(body)
	for _, p := range all {
		if p.Subject == use.Subject {
			use.Version = max(use.Version, p.Version)
		}
	}
	use.At = all[len(all)-1].At.Add(time.Hour)
	if r := run(); !r.OK() {
		t.Fatalf("as it was: %+v", r.Differences)
	}
	if r := run(use); r.OK() {
		t.Error("it is never judged")

	}
}
