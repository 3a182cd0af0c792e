package receipt_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"wardkeep/internal/ledger"
	"wardkeep/internal/receipt"
)

// checkpoint signs a tree.
func checkpoint(t testing.TB, signer note.Signer, size int64, root tlog.Hash) string {
	t.Helper()
	text := log.Checkpoint{Origin: origin, Size: uint64(size), Hash: root[:]}.Marshal()
	signed, err := note.Sign(&note.Note{Text: string(text)}, signer)
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

// ledgerOf is the checkpoint of another ledger of that size, with the right
// signature: the one that an operator shows to somebody else.
func ledgerOf(t *testing.T, signer note.Signer, size int64) string {
	return checkpoint(t, signer, size, tlog.Hash{1})
}

// smallest is a record as small as one can be, of a ledger with one entry.
func smallest(t testing.TB) (file []byte, key string, leaf string) {
	t.Helper()
	signer, key, err := ledger.NewSigner(origin, bytes.Repeat([]byte{9}, 32))
	if err != nil {
		t.Fatal(err)
	}
	const document = `{"service":"s","charter":"c","lang":"en","purposes":[{"name":"p","label":"P","necessary":true,"who_else":"Nobody","items":[{"name":"i","label":"I","sensitivity":"x"}]}]}`
	sum := sha256.Sum256([]byte(document))
	hash := hex.EncodeToString(sum[:])
	leaf = `{"id":"le_00000000000000000000000000","at":0,"kind":"consent.granted","service":"s","subject":"su_1","version":2,"actor":"guardian:gu_1","body":` +
		`{"consent":"co_1","guardian":"gu_1","request":"cr_1","purpose":"p","charter":1,"notice":"` + hash + `","lang":"en","channel":"page","shown":0,"strength":1}}`
	const start = "1970-01-01T00:00:00.000000Z"
	file, err = receipt.Record{
		Context: "https://w3id.org/dpv", Type: "dpv:ConsentRecord", Schema: "https://w3id.org/dpv/schema/iso-27560#record",
		ID: "cr_1", Principal: "su_1", Service: "s",
		Notice: receipt.Notice{Hash: hash, Version: 1, Charter: "c", Language: "en", Shown: start, Channel: "page", Document: document},
		Processing: []receipt.Processing{{
			Purpose: "p", Label: "P", Necessary: true, Basis: "dpv:Consent", Items: []receipt.Item{{Name: "i", Label: "I", Sensitivity: "x"}}, Recipients: "Nobody", ReadFrom: "China",
			Events: []receipt.Event{{State: receipt.Given, Type: "dpv:ExplicitlyExpressedConsent", Time: start, Duration: "dpv:UntilEventDuration",
				Entity: "Guardian", EntityID: "gu_1", Strength: 1, ID: "co_1", Entry: "le_00000000000000000000000000"}},
		}},
		Proof: receipt.Proof{Type: "RFC 6962 inclusion proofs, C2SP tlog-checkpoint", Key: key,
			Checkpoint: checkpoint(t, signer, 1, tlog.RecordHash([]byte(leaf))), Entries: []receipt.Entry{{Leaf: leaf, Hashes: []string{}}}},
	}.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return file, key, leaf
}

// Whatever a stranger sends, a record that holds says what the one entry of the
// ledger says, and its guardian agreed.
func FuzzRecord(f *testing.F) {
	file, key, leaf := smallest(f)
	if r, err := receipt.Verify(file, receipt.Against{Key: key}); err != nil || !r.OK() {
		f.Fatalf("%v %+v", err, r.Findings)
	}
	f.Add(file)
	f.Add([]byte(`{"schema_version":"https://w3id.org/dpv/schema/iso-27560#record","@type":"dpv:ConsentRecord","proof":{"entries":[{"index":-1}]}}`))
	f.Add([]byte(strings.Repeat("[", 1000)))
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := receipt.Verify(file, receipt.Against{Key: key})
		if err != nil {
			if !errors.Is(err, receipt.ErrFormat) {
				t.Errorf("%v", err)
			}
			return
		}
		if !r.OK() {
			return
		}
		p := r.Record.Processing
		if len(p) != 1 || len(p[0].Events) != 1 || p[0].Events[0].State != receipt.Given || p[0].Label != "P" ||
			len(r.Record.Proof.Entries) != 1 || r.Record.Proof.Entries[0].Leaf != leaf {
			t.Errorf("it holds: %+v", r.Record)
		}
	})
}
