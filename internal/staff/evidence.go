package staff

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/ledger"
)

// KindEvidence is that an archive for an authority was made (Article 22).
const KindEvidence = "evidence.made"

// An EvidenceBody says which, of what it states something, and what is in it: the hash of its
// manifest, which has that of each file. Times are microseconds, 0 is none.
type EvidenceBody struct {
	Bundle   string   `json:"bundle"` // "ev_…"
	From     int64    `json:"from,omitempty"`
	To       int64    `json:"to,omitempty"`
	Articles []int    `json:"articles,omitempty"` // none: all
	Services []string `json:"services,omitempty"` // likewise
	Samples  bool     `json:"samples,omitempty"`  // it tells somebody who has a key whose some pseudonyms are
	Manifest string   `json:"manifest"`           // SHA-256, hex
}

// MadeEvidence records that somebody at the terminal makes an archive, before it is whole.
func MadeEvidence(ctx context.Context, tx *db.Tx, by catalog.Operator, b EvidenceBody) (string, error) {
	return ledger.Append(ctx, tx, ledger.Entry{Kind: KindEvidence, Actor: by.Ledger(), Body: b})
}
