package api_test

import (
	"errors"
	"testing"

	"wardkeep/client"
	"wardkeep/internal/vault/vaulttest"
)

// Article 3: an operator's systems get the register as it is at that moment, and are told
// when it is what they have.
func TestArticle3_TheRegisterOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.child("amy")
		r, err := w.client.ProcessingRegister(ctx, "en", "")
		if err != nil || r.Charter != 1 || r.Lang != "en" || r.Hash != w.Charter.Hash() || len(r.Purposes) != len(w.Charter.Purposes) || r.Purposes[0].Children != 1 || r.ETag == "" {
			t.Fatalf("%+v, %v", r, err)
		}
		if _, err := w.client.ProcessingRegister(ctx, "en", r.ETag); !errors.Is(err, wardkeep.ErrNotModified) {
			t.Errorf("unchanged: %v", err)
		}
		next := vaulttest.Takeover(w.Charter)
		w.Publish(next)
		now, err := w.client.ProcessingRegister(ctx, "en", r.ETag)
		if err != nil || now.Charter != 2 || now.Hash != next.Hash() || len(now.Recipients) != len(next.Recipients) {
			t.Errorf("the new charter: %+v, %v", now, err)
		}
		if x := w.send("GET", "/v1/services/"+vaulttest.Service+"/register?lang=de", ""); x.status != 422 {
			t.Errorf("an unknown language: %d", x.status)
		}
	})
}
