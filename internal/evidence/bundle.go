package evidence

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/staff"
)

// What can be wrong with an archive that is asked for at the console.
var (
	ErrWaits    = errs.New(errs.Conflict, "evidence.bundle_waits")   // another one is wanted, or being made
	ErrMany     = errs.New(errs.Conflict, "evidence.bundle_many")    // as many as are kept are there
	ErrNoBundle = errs.New(errs.NotFound, "evidence.no_bundle")      //
	ErrNotReady = errs.New(errs.Conflict, "evidence.bundle_unready") // it isn't made, or isn't kept any more
	ErrForged   = errs.New(errs.Conflict, "evidence.bundle_forged")  // the row isn't as it was written
	ErrUnmade   = errs.New(errs.Internal, "evidence.bundle_unmade")  // why, the log says
	ErrTaken    = errs.New(errs.Conflict, "evidence.bundle_taken")   // somebody else makes it, or its making was given up
)

const (
	// Kept is how long the file of an archive is kept once it is made.
	Kept = 72 * time.Hour
	// silence is after how long without a sign of life whoever makes an archive is taken to be gone.
	silence = time.Minute
	// maxKept is how many files are kept at once.
	maxKept = 5
	// maxBundles is how many archives are listed: the newest.
	maxBundles = 50
)

// Beat is how often whoever makes an archive gives a sign of life.
const Beat = 5 * time.Second

// A BundleState is how an archive stands that was asked for at the console.
type BundleState string

// The states.
const (
	Waiting     BundleState = "waiting"     // nobody makes it yet
	Making      BundleState = "making"      //
	Interrupted BundleState = "interrupted" // whoever made it is gone: nothing of it is given out, and it isn't gone on with
	Failed      BundleState = "failed"      // it couldn't be made
	Ready       BundleState = "ready"       // it can be taken away
	Over        BundleState = "over"        // its file isn't kept any more
)

// A Bundle is an archive that somebody inside has asked for. Its row says how far it is; that it was
// made, and its manifest's hash, the ledger says.
type Bundle struct {
	ID        string // "ev_…"
	By        string // as the ledger names actors
	At        time.Time
	Scope     Scope
	Recipient string // as of an Order
	Node      string // that makes it, and has the file
	StartedAt time.Time
	BeatAt    time.Time // the last sign of life
	Done      int64     // entries that are copied
	Total     int64
	EndedAt   time.Time // it was made, or couldn't be
	Until     time.Time // the file is kept
	Size      int64
	Hash      string // SHA-256 of the file, in hex
	Manifest  string // likewise
	Failure   string // a code

	bound []byte
}

// State is how it stands at a moment.
func (b Bundle) State(now time.Time) BundleState {
	switch {
	case b.StartedAt.IsZero():
		return Waiting
	case b.EndedAt.IsZero() && now.Sub(b.BeatAt) > silence:
		return Interrupted
	case b.EndedAt.IsZero():
		return Making
	case b.Failure != "":
		return Failed
	case now.Before(b.Until):
		return Ready
	}
	return Over
}

const bundleColumns = `id, asked_by, asked_at, scope, recipient, node, started_at, beat_at, done, total, ended_at, until_at, size, hash, manifest, failure, bound`

// scoped is how a scope is stored. Times are microseconds.
type scoped struct {
	From     int64    `json:"from,omitempty"`
	To       int64    `json:"to,omitempty"`
	Articles []int    `json:"articles,omitempty"`
	Services []string `json:"services,omitempty"`
}

func (s Scope) text() string {
	text, err := json.Marshal(scoped{micros(s.From), micros(s.To), s.Articles, s.Services})
	if err != nil {
		panic(err) // it is made of texts and numbers
	}
	return string(text)
}

func scanBundle(row db.Row) (b Bundle, err error) {
	var scope string
	err = row.Scan(&b.ID, &b.By, (*db.Time)(&b.At), &scope, &b.Recipient, &b.Node, (*db.Time)(&b.StartedAt), (*db.Time)(&b.BeatAt), &b.Done, &b.Total,
		(*db.Time)(&b.EndedAt), (*db.Time)(&b.Until), &b.Size, &b.Hash, &b.Manifest, &b.Failure, &b.bound)
	var s scoped
	if err == nil && json.Unmarshal([]byte(scope), &s) == nil {
		b.Scope = Scope{Articles: s.Articles, Services: s.Services}
		if s.From != 0 {
			b.Scope.From = time.UnixMicro(s.From).UTC()
		}
		if s.To != 0 {
			b.Scope.To = time.UnixMicro(s.To).UTC()
		}
	}
	return b, err
}

// bind hashes what says which file it is, and who may have asked for what: who writes to the database has
// nobody given another file, nor samples sealed to another key.
func (b Bundle) bind(ring *keyring.Ring) []byte {
	n := func(n int64) string { return strconv.FormatInt(n, 10) }
	return ring.Index("evidence.bundle", b.ID, b.By, n(micros(b.At)), b.Scope.text(), b.Recipient, b.Node, n(micros(b.EndedAt)), n(micros(b.Until)), n(b.Size), b.Hash, b.Manifest, b.Failure)
}

func (b Bundle) intact(ring *keyring.Ring) bool {
	return subtle.ConstantTimeCompare(b.bound, b.bind(ring)) == 1
}

// Ask records that somebody inside, who may for each service that there is, wants an archive, and puts it
// where whoever makes it finds it. Errors: ErrScope, ErrKey, ErrWaits, ErrMany; those of staff.Operated.
func Ask(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Person, s Scope, recipient string) (Bundle, string, error) {
	fail := func(err error) (Bundle, string, error) { return Bundle{}, "", err }
	if err := s.valid(); err != nil {
		return fail(err)
	}
	if recipient != "" {
		if _, err := age.ParseX25519Recipient(recipient); err != nil {
			return fail(ErrKey.At("recipient"))
		}
	}
	services, err := catalog.List(ctx, tx)
	if err != nil {
		return fail(err)
	}
	for _, name := range s.Services {
		if !slices.ContainsFunc(services, func(of catalog.Service) bool { return of.Name == name }) {
			return fail(ErrScope.At("service"))
		}
	}
	b := Bundle{ID: id.New(id.Evidence), At: tx.Now(), Scope: s, Recipient: recipient}
	entry, err := staff.Operated(ctx, tx, by, staff.AskedBundle, b.ID) // it holds the person: only two persons who ask at the same moment have one made each
	if err != nil {
		return fail(err)
	}
	all, err := Bundles(ctx, tx)
	if err != nil {
		return fail(err)
	}
	kept := 0
	for _, other := range all {
		switch other.State(tx.Now()) {
		case Waiting, Making:
			return fail(ErrWaits)
		case Ready:
			kept++
		}
	}
	if kept >= maxKept {
		return fail(ErrMany)
	}
	b.By = by.Ledger()
	n, err := tx.Exec(ctx, `
		INSERT INTO evidence_bundle (id, asked_by, asked_at, scope, recipient, node, done, total, size, hash, manifest, failure, bound)
		VALUES ($1, $2, $3, $4, $5, '', 0, 0, 0, '', '', '', $6)`, b.ID, b.By, (*db.Time)(&b.At), s.text(), recipient, b.bind(ring))
	if err == nil && n != 1 {
		err = ErrTaken
	}
	return b, entry, err
}

// Bundles returns the archives that were asked for, the newest first: maxBundles at most.
func Bundles(ctx context.Context, tx *db.Tx) ([]Bundle, error) {
	return db.All(ctx, tx, scanBundle, `SELECT `+bundleColumns+` FROM evidence_bundle ORDER BY asked_at DESC, id DESC LIMIT $1`, int64(maxBundles))
}

// FindBundle returns one. Errors: ErrNoBundle.
func FindBundle(ctx context.Context, tx *db.Tx, name string) (Bundle, error) {
	b, err := db.One(ctx, tx, scanBundle, `SELECT `+bundleColumns+` FROM evidence_bundle WHERE id = $1`, name)
	if errors.Is(err, db.ErrNone) {
		err = ErrNoBundle
	}
	return b, err
}

// ReadyBundle returns one that can be taken away. Errors: ErrNoBundle, ErrNotReady, ErrForged.
func ReadyBundle(ctx context.Context, tx *db.Tx, ring *keyring.Ring, name string) (Bundle, error) {
	b, err := FindBundle(ctx, tx, name)
	switch {
	case err != nil:
		return b, err
	case b.State(tx.Now()) != Ready:
		return b, ErrNotReady
	case !b.intact(ring):
		return b, ErrForged
	}
	return b, nil
}

// Begin takes the oldest archive that waits, to be made on a node, and reports whether there was one. One whose row
// isn't as it was written is given up. Of two nodes one takes it.
func Begin(ctx context.Context, tx *db.Tx, ring *keyring.Ring, node string) (b Bundle, ok bool, err error) {
	b, err = db.One(ctx, tx, scanBundle, `SELECT `+bundleColumns+` FROM evidence_bundle WHERE started_at IS NULL ORDER BY asked_at, id LIMIT 1`)
	if errors.Is(err, db.ErrNone) {
		return b, false, nil
	}
	if err != nil {
		return b, false, err
	}
	whole := b.intact(ring)
	b.StartedAt, b.BeatAt, b.Node = tx.Now(), tx.Now(), node
	if !whole {
		b.EndedAt, b.Failure = tx.Now(), ErrForged.Code
	}
	n, err := tx.Exec(ctx, `UPDATE evidence_bundle SET started_at = $1, beat_at = $1, node = $2, ended_at = $3, failure = $4, bound = $5 WHERE id = $6 AND started_at IS NULL`,
		(*db.Time)(&b.StartedAt), b.Node, (*db.Time)(&b.EndedAt), b.Failure, b.bind(ring), b.ID)
	return b, err == nil && n == 1 && whole, err
}

// Alive gives a sign of life, and says how far it is. Errors: ErrTaken.
func (b Bundle) Alive(ctx context.Context, tx *db.Tx, done, total int64) error {
	now := tx.Now()
	n, err := tx.Exec(ctx, `UPDATE evidence_bundle SET beat_at = $1, done = $2, total = $3 WHERE id = $4 AND ended_at IS NULL`, (*db.Time)(&now), done, total, b.ID)
	if err == nil && n != 1 {
		err = ErrTaken
	}
	return err
}

// End says that the file of an archive is whole, under its name, with what it is; or, with a failure, that
// there is none. Errors: ErrTaken.
func (b Bundle) End(ctx context.Context, tx *db.Tx, ring *keyring.Ring, size int64, hash, manifest, failure string) error {
	b.EndedAt, b.Size, b.Hash, b.Manifest, b.Failure = tx.Now(), size, hash, manifest, failure
	b.Until = b.EndedAt.Add(Kept)
	n, err := tx.Exec(ctx, `
		UPDATE evidence_bundle SET ended_at = $1, until_at = $2, size = $3, hash = $4, manifest = $5, failure = $6, bound = $7
		WHERE id = $8 AND ended_at IS NULL`, (*db.Time)(&b.EndedAt), (*db.Time)(&b.Until), size, hash, manifest, failure, b.bind(ring), b.ID)
	if err == nil && n != 1 {
		err = ErrTaken
	}
	return err
}

// FileName is what the file of an archive is called, and PartName while it is written.
func FileName(name string) string { return name + ".zip" }

// PartName is what it is called while it is written.
func PartName(name string) string { return name + ".part" }

// Stale reports whether a file of a folder of archives is none that is kept: of which nothing is known, or that is over, was
// interrupted or failed.
func Stale(file string, all []Bundle, now time.Time) bool {
	for _, b := range all {
		switch s := b.State(now); {
		case file == FileName(b.ID):
			return s != Ready && s != Making
		case file == PartName(b.ID):
			return s != Making
		}
	}
	return strings.HasPrefix(file, "ev_")
}
