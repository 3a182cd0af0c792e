package vault_test

import (
	"context"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/vault"
	"wardkeep/internal/vault/vaulttest"
)

func dbtestNew(t testing.TB) *db.DB { return dbtest.New(t) }

func seal(t *testing.T, w *vaulttest.World, child family.Child, purpose, item, value string) string {
	t.Helper()
	u := gate.Use{Service: vaulttest.Service, Child: child.ID, Activity: charter.Store, Purpose: purpose, Items: []string{item}}
	var out vault.Sealed
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		out, err = w.Vault.Seal(ctx, tx, w.By(), u, map[string]pii.Text{item: pii.New(value)}, nil)
		return err
	})
	return out.Values[item]
}

func unseal(w *vaulttest.World, child family.Child, purpose, item, sealed string) (string, error) {
	var out vault.Opened
	err := w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		out, err = w.Vault.Unseal(ctx, tx, w.By(), use(child, purpose, item), map[string]string{item: sealed}, nil)
		return err
	})
	if err != nil {
		return "", err
	}
	return out.Values[item].Reveal(), nil
}
