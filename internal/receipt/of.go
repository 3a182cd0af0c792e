package receipt

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
)

// An Office is where records are made.
type Office struct {
	Charters  *catalog.Cache
	Key       string // verifies the ledger's checkpoints
	PublicURL string // of this server
}

// Of returns the record of an answered request for its guardian. Errors:
// ErrNotYet; consent.ErrNotFound while there is no answer; family.ErrErased.
func (o Office) Of(ctx context.Context, tx *db.Tx, by consent.Reader, r consent.Request) (Record, error) {
	if by.Child != r.Child || by.Guardian != r.Guardian {
		return Record{}, consent.ErrNotYours
	}
	child, err := family.Find(ctx, tx, r.Service, r.Child)
	if err != nil {
		return Record{}, err
	}
	chosen, err := consent.ReceiptOf(ctx, tx, child, r.ID)
	if err != nil {
		return Record{}, err
	}
	proof, err := o.prove(ctx, tx, chosen)
	if err != nil {
		return Record{}, err
	}
	// What was shown last is what was answered.
	lang := charter.Lang(chosen.Request.Shown.Lang)
	notice, err := catalog.FindDocument(ctx, tx, r.Service, catalog.Notice, lang, r.Charter)
	if err != nil {
		return Record{}, err
	}
	published, err := o.Charters.Version(ctx, tx, r.Service, r.Charter)
	if err != nil {
		return Record{}, err
	}
	record, err := build(notice.Body, proof, said{
		link:       o.PublicURL + "/rules/" + r.Service,
		withdrawal: i18n.Lang(lang).T("receipt.withdrawal", "Link", o.PublicURL+"/"),
		parties:    parties(published.Charter, lang, r.Purposes),
	})
	if err != nil {
		return Record{}, fmt.Errorf("%w: %w", ledger.ErrDamaged, err)
	}
	return record, nil
}

// prove gathers the entries of the answers, then of what ended them.
func (o Office) prove(ctx context.Context, tx *db.Tx, chosen consent.Receipt) (Proof, error) {
	var entries []string
	for _, a := range chosen.Answers {
		entries = append(entries, a.Entry)
	}
	for _, a := range chosen.Endings {
		if a.ID != "" {
			entries = append(entries, a.Entry)
		}
	}
	return o.include(ctx, tx, entries)
}

// include proves that the ledger holds entries. Errors: ErrNotYet.
func (o Office) include(ctx context.Context, tx *db.Tx, entries []string) (Proof, error) {
	checkpoint, all, err := ledger.Include(ctx, tx, entries...)
	if errors.Is(err, ledger.ErrNotFound) {
		return Proof{}, ErrNotYet
	}
	if err != nil {
		return Proof{}, err
	}
	p := Proof{Key: o.Key, Checkpoint: checkpoint}
	for _, in := range all {
		e := Entry{Index: in.Place, Leaf: string(in.Leaf), Hashes: []string{}}
		for _, h := range in.Hashes {
			e.Hashes = append(e.Hashes, base64.StdEncoding.EncodeToString(h[:]))
		}
		p.Entries = append(p.Entries, e)
	}
	return p, nil
}
