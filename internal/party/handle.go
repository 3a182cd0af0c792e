package party

import (
	"context"
	"crypto/subtle"
	"errors"
	"strings"
	"unicode/utf8"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/family"
)

// ErrHandle is the refusal of a handle that leads to nobody: of one that was never given to
// this party, and of a child that was erased.
var ErrHandle = errs.New(errs.NotFound, "party.handle_unknown")

const (
	handlePrefix = "hd_"
	handleDomain = "party.handle"
)

// HandleOf returns the name by which a party knows a child: the same each time, another one
// for each party, and nothing that leads to the child without our keys. So two parties can't
// find out that they have the same child, and none learns what the operator calls it.
func HandleOf(ring *keyring.Ring, of ID, child family.ID) string {
	sum := ring.Index(handleDomain, of.Service, string(of.Role), of.Name, string(child))
	if sum == nil {
		return ""
	}
	return handlePrefix + id.Text(sum[:16])
}

// Introduce returns the handle of a child that is held for a party of the register; it leads to
// the child from now on. Errors: ErrNotFound.
func Introduce(ctx context.Context, tx *db.Tx, ring *keyring.Ring, of ID, child family.Child) (string, error) {
	if _, err := Find(ctx, tx, of); err != nil {
		return "", err
	}
	handle := HandleOf(ring, of, child.ID)
	if handle == "" {
		return "", keyring.ErrNoRing
	}
	return handle, tx.Queue(ctx, `INSERT INTO party_handle (handle, child) VALUES ($1, $2) ON CONFLICT (handle) DO NOTHING`, handle, child.ID)
}

// ChildBy returns the child that a party knows by a handle. A row is believed as far as it can
// be computed: one that leads elsewhere, or is another party's, leads nowhere. Errors:
// ErrHandle.
func ChildBy(ctx context.Context, tx *db.Tx, ring *keyring.Ring, of ID, handle string) (family.ID, error) {
	if !strings.HasPrefix(handle, handlePrefix) || len(handle) != len(handlePrefix)+26 || !utf8.ValidString(handle) {
		return "", ErrHandle
	}
	child, err := db.One(ctx, tx, db.Single[family.ID], `SELECT child FROM party_handle WHERE handle = $1`, handle)
	if errors.Is(err, db.ErrNone) {
		return "", ErrHandle
	}
	if err == nil && subtle.ConstantTimeCompare([]byte(HandleOf(ring, of, child)), []byte(handle)) != 1 {
		err = ErrHandle
	}
	return child, err
}

// ForgetHandles removes all that leads from parties to a child, as a part of erasing it.
func ForgetHandles(ctx context.Context, tx *db.Tx, child family.ID) error {
	return tx.Queue(ctx, `DELETE FROM party_handle WHERE child = $1`, child)
}
