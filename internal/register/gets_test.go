package register_test

import (
	"context"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/catalog"
	parties "wardkeep/internal/party"
	"wardkeep/internal/register"
	"wardkeep/internal/vault/vaulttest"
)

// Articles 3 and 16: of a party that isn't registered, is suspended, owes an attestation or has
// ended, the register says that it gets nothing, from the second on in which that is so; and
// whoever has read it before is told that it has changed.
func TestArticle3_WhoGetsNothingIsNamedAsThat(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		var counter register.Counter
		of, last := vaulttest.ProcessorID(), ""
		is := func(what string, nothing bool) {
			t.Helper()
			r := read(t, w, &counter, i18n.English)
			if r.Processors[0].Name != of.Name || r.Processors[0].Nothing != nothing || r.Tag() == last {
				t.Errorf("%s: it gets nothing: %v", what, r.Processors[0].Nothing)
			}
			last = r.Tag()
		}
		verb := func(fn func(ctx context.Context, tx *db.Tx) error) {
			t.Helper()
			w.Do(fn)
		}
		is("before it is registered", true)
		until := w.Store.Now().Add(time.Hour)
		w.Engage(until)
		is("with an agreement", false)
		verb(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := parties.Suspend(ctx, tx, w.Officer, of, parties.Incident)
			return err
		})
		is("suspended", true)
		verb(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := parties.Resume(ctx, tx, w.Officer, of)
			return err
		})
		is("let on again", false)
		verb(func(ctx context.Context, tx *db.Tx) error {
			_, err := catalog.Suspend(ctx, tx, "system:retention", of.Service, of.Name)
			return err
		})
		is("with an order that is overdue", true)
		verb(func(ctx context.Context, tx *db.Tx) error {
			_, err := catalog.Resume(ctx, tx, "system:retention", of.Service, of.Name)
			return err
		})
		is("once that is attested", false)
		w.Pass(until.Sub(w.Store.Now()))
		is("at the last second of its agreement", true)
	})
}
