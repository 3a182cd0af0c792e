package consent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
)

// What can be wrong with a page that is asked for.
var (
	ErrNoPage      = errs.New(errs.NotFound, "consent.page_unknown")
	ErrPageDamaged = errs.New(errs.Internal, "consent.page_damaged") // what is kept isn't what was shown
)

// PageOf returns the hash of a page: the SHA-256 of its body in hexadecimal.
func PageOf(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// ShowPage shows the page with the questions to the guardian of an opened request:
// body is what a person reads there, the notice and the controls of the answer,
// with nothing in it about this child or this guardian. It is kept once, however
// many are shown it, and its hash goes with the answer (Article 9: what was shown
// is kept with what was chosen). Entry is empty if the same was shown before.
// Errors: ErrNotShown, and why the request has ended.
func (d Desk) ShowPage(ctx context.Context, tx *db.Tx, r Request, body string) (Request, string, error) {
	if err := r.Refusal(); err != nil {
		return r, "", err
	}
	if r.State == Pending || r.Shown.Channel != OnPage {
		return r, "", ErrNotShown
	}
	shown := r.Shown
	shown.Page, shown.At = PageOf(body), tx.Now()
	if shown.Page == r.Shown.Page {
		return r, "", nil
	}
	r, entry, err := d.show(ctx, tx, r, shown, "link:"+r.ID)
	if err != nil || entry == "" {
		return r, "", err
	}
	return r, entry, tx.Queue(ctx, `
		INSERT INTO shown_page (hash, body) VALUES ($1, $2)
		ON CONFLICT (hash) DO NOTHING`, shown.Page, body)
}

// Page returns the page of that hash, as it was shown. Errors: ErrNoPage,
// ErrPageDamaged.
func Page(ctx context.Context, tx *db.Tx, hash string) (string, error) {
	body, err := db.One(ctx, tx, db.Single[string], `SELECT body FROM shown_page WHERE hash = $1`, hash)
	switch {
	case errors.Is(err, db.ErrNone):
		return "", ErrNoPage
	case err != nil:
		return "", err
	case PageOf(body) != hash:
		return "", fmt.Errorf("page %s: %w", hash, ErrPageDamaged)
	}
	return body, nil
}
