package receipt

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/rights"
)

// A CarriedOut is what is left of a demand whose child was erased: its number and its
// clock, and the link to the certificate, for whoever asked (Article 20). It says nothing of
// the child, and names no guardian.
type CarriedOut struct {
	ID         string      `json:"id"`
	Service    string      `json:"service"`
	Number     string      `json:"number"`
	Kind       rights.Kind `json:"kind"`
	Door       rights.Door `json:"door"`
	Owner      string      `json:"owner,omitempty"` // "st_…", who of the staff handled it
	ReceivedAt time.Time   `json:"received_at"`
	DueAt      time.Time   `json:"due_at"`
	ErasedAt   time.Time   `json:"erased_at"`
	Secret     string      `json:"secret"` // of the link to the certificate
}

// foundFor is how long after an erasure its demand is found. Who asked saves the
// certificate within that time, or keeps its link; from then on nobody without the link
// reads it, this server included.
const foundFor = 90 * 24 * time.Hour

const (
	carriedDomain = "receipt.carried_out"
	byID          = "id"
	byNumber      = "number"
)

// KeepDemand keeps what is left of a demand whose child tx erases, with the secret of the
// link to its certificate. It lies under keyed hashes of what the demand is called, which
// go with it: nothing leads from it to a child, nor from a child to it.
func KeepDemand(ctx context.Context, tx *db.Tx, ring *keyring.Ring, r rights.Request, secret string) error {
	now := tx.Now()
	text, err := json.Marshal(CarriedOut{ID: r.ID, Service: r.Service, Number: r.Number, Kind: r.Kind, Door: r.Door, Owner: r.Owner,
		ReceivedAt: r.ReceivedAt, DueAt: r.DueAt, ErasedAt: now, Secret: secret})
	if err != nil {
		return err
	}
	demand := ring.Index(carriedDomain, byID, r.Service, r.ID)
	sealed, err := ring.Seal(carriedDomain, text, hex.EncodeToString(demand))
	if err != nil {
		return err
	}
	until := now.Add(foundFor).Truncate(24 * time.Hour) // a day, as of the certificate
	return tx.Queue(ctx, `INSERT INTO carried_out (demand, number, sealed, until) VALUES ($1, $2, $3, $4)`,
		demand, ring.Index(carriedDomain, byNumber, r.Service, r.Number), sealed, (*db.Time)(&until))
}

// FindDemand returns what is left of a demand of a service by its ID. Errors:
// rights.ErrNotFound, also for one that ended otherwise, or whose time is over.
func FindDemand(ctx context.Context, tx *db.Tx, ring *keyring.Ring, service, demand string) (CarriedOut, error) {
	now := tx.Now()
	c, err := db.One(ctx, tx, opening(ring), `SELECT demand, sealed FROM carried_out WHERE demand = $1 AND until > $2`,
		ring.Index(carriedDomain, byID, service, demand), (*db.Time)(&now))
	if errors.Is(err, db.ErrNone) {
		err = rights.ErrNotFound
	}
	return c, err
}

// DemandsOfNumber returns what is left of the demands of a service that have a number, at
// most limit.
func DemandsOfNumber(ctx context.Context, tx *db.Tx, ring *keyring.Ring, service, number string, limit int) ([]CarriedOut, error) {
	now := tx.Now()
	return db.All(ctx, tx, opening(ring), `
		SELECT demand, sealed FROM carried_out WHERE number = $1 AND until > $2
		ORDER BY demand LIMIT $3`, ring.Index(carriedDomain, byNumber, service, number), (*db.Time)(&now), int64(limit))
}

// opening reads a row. One that was put under another demand's name doesn't open.
func opening(ring *keyring.Ring) func(db.Row) (CarriedOut, error) {
	return func(row db.Row) (c CarriedOut, err error) {
		var demand, sealed []byte
		if err := row.Scan(&demand, &sealed); err != nil {
			return c, err
		}
		text, err := ring.Open(carriedDomain, sealed, hex.EncodeToString(demand))
		if err != nil {
			return c, err
		}
		return c, json.Unmarshal(text, &c)
	}
}

// ForgetDemands removes what is left of demands whose time is over, at most limit.
func ForgetDemands(ctx context.Context, tx *db.Tx, limit int) (int, error) {
	now := tx.Now()
	n, err := tx.Exec(ctx, `
		DELETE FROM carried_out WHERE demand IN (
			SELECT demand FROM carried_out WHERE until <= $1 LIMIT $2)`, (*db.Time)(&now), int64(limit))
	return int(n), err
}
