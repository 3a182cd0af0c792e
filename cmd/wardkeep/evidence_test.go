package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/ledger"
)

// Article 22: the proof of one entry, as the console gives it out, is verified with the
// public key and nothing else.
func TestArticle22_TheProofOfAnEntryIsVerifiedOffline(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		signer, key, err := ledger.NewSigner("ledger.example/xiaoxi", bytes.Repeat([]byte{7}, 32))
		if err != nil {
			t.Fatal(err)
		}
		_, other, err := ledger.NewSigner("ledger.example/xiaoxi", bytes.Repeat([]byte{8}, 32))
		if err != nil {
			t.Fatal(err)
		}
		var entry, file string
		err = store.Update(t.Context(), func(tx *db.Tx) error {
			for _, actor := range []string{"operator:a", "operator:b", "operator:c"} {
				if entry, err = ledger.Append(t.Context(), tx, ledger.Entry{Kind: "service.created", Service: "xiaoxi", Actor: actor, Body: map[string]string{"state": "live"}}); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			err = ledger.Open(store, "ledger.example/xiaoxi", signer).Flush(t.Context())
		}
		if err == nil {
			err = store.View(t.Context(), func(tx *db.Tx) error {
				file, err = ledger.Evidence(context.Background(), tx, entry)
				return err
			})
		}
		if err != nil || !ledger.IsEvidence([]byte(file)) {
			t.Fatal(file, err)
		}
		var out strings.Builder
		s := &session{lang: i18n.English, out: &out}
		if err := s.verifiedEvidence(file, key); err != nil || !strings.Contains(out.String(), `"actor":"operator:c"`) ||
			!strings.Contains(out.String(), i18n.English.T("cmd.verify.evidence_good", "Place", 2, "Size", 3, "Origin", "ledger.example/xiaoxi")) {
			t.Errorf("%q, %v", out.String(), err)
		}
		if err := s.verifiedEvidence(file, ""); !errors.Is(err, errVerifierKey) {
			t.Errorf("without a key: %v", err)
		}
		if err := s.verifiedEvidence(file, other); !errors.Is(err, errEvidence) {
			t.Errorf("with another key: %v", err)
		}
		for i := range file {
			changed := file[:i] + string(file[i]^1) + file[i+1:]
			if err := s.verifiedEvidence(changed, key); err == nil {
				t.Fatalf("byte %d can be changed: %q", i, changed)
			}
		}
	})
}
