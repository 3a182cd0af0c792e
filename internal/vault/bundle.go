package vault

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
)

// The kinds of entries of what became of a bundle, beside those of the gate.
const (
	KindDelivered = "bundle.delivered"
	KindDropped   = "bundle.dropped"
)

// A Loss is why a bundle was thrown away without the gate being asked.
type Loss string

// Why a bundle is thrown away.
const (
	Late    Loss = "late"    // its time was over, and the party hadn't taken it
	Stale   Loss = "stale"   // what is in it was collected anew since
	Emptied Loss = "erased"  // what is in it was erased since
	Damaged Loss = "damaged" // its row was changed by hand
)

// Losses are all there are.
var Losses = []Loss{Late, Stale, Emptied, Damaged}

// A DeliveredBody says that a party has taken a bundle.
type DeliveredBody struct {
	Bundle string     `json:"bundle"`
	Role   party.Role `json:"role"`
	Party  string     `json:"party"`
}

// A DroppedBody says that a bundle was thrown away.
type DroppedBody struct {
	Bundle string     `json:"bundle"`
	Role   party.Role `json:"role,omitempty"` // empty of one that was damaged, as is the next
	Party  string     `json:"party,omitempty"`
	Why    Loss       `json:"why"`
}

// A Bundle is what an app has given to a party that can't ask by itself, and waits for it.
type Bundle struct {
	ID       string // "bn_…"
	Child    family.ID
	Party    party.ID
	Key      string // "kx_…"
	Purpose  string
	Items    []string
	PushedAt time.Time
	UntilAt  time.Time // at this moment nobody gets it any more
	DueAt    time.Time // of the next try
	Tries    int64
	Failure  string // the code of why the last try failed, or ""
	Status   int64  // that was answered to it, or 0

	takesOver bool // its party has taken over the service with it, once it has it: see Delivered
	sealed    []byte
}

// What a list of bundles reads: without what is in them, for that may be MaxBundle of each.
const labelColumns = `child, bundle, service, role, party, key, purpose, items, pushed_at, until_at, due_at, tries, failure, status`

const bundleColumns = labelColumns + `, sealed`

func (b *Bundle) scan(row db.Row, also ...any) error {
	var items string
	err := row.Scan(append([]any{&b.Child, &b.ID, &b.Party.Service, &b.Party.Role, &b.Party.Name, &b.Key, &b.Purpose, &items,
		(*db.Time)(&b.PushedAt), (*db.Time)(&b.UntilAt), (*db.Time)(&b.DueAt), &b.Tries, &b.Failure, &b.Status}, also...)...)
	b.Items = strings.Fields(items)
	return err
}

func scanLabel(row db.Row) (b Bundle, err error) {
	err = b.scan(row)
	return b, err
}

func scanBundle(row db.Row) (b Bundle, err error) {
	err = b.scan(row, &b.sealed)
	return b, err
}

func (b Bundle) items() string { return strings.Join(b.Items, " ") }

// ad is what a bundle is bound to: one that is turned to another party, another key, another
// purpose or a longer life doesn't open, and is thrown away.
func (b Bundle) ad() []string {
	micros := func(t time.Time) string { return strconv.FormatInt(t.UnixMicro(), 10) }
	return []string{"bundle", b.Party.Service, string(b.Child), b.ID, string(b.Party.Role), b.Party.Name, b.Key, b.Purpose, b.items(), micros(b.PushedAt), micros(b.UntilAt)}
}

// Intact reports whether the bundle would open for its child, its party and its key, which
// hands out nothing. Errors: ErrCannotOpen.
func (b Bundle) Intact(ring *keyring.Ring, c family.Child) error {
	key, err := c.Key(ring)
	if err != nil || key.Intact(b.sealed, b.ad()...) != nil {
		return ErrCannotOpen
	}
	return nil
}

// ReadBundles reads the bundles of a stretch of children, in order, for an audit.
func ReadBundles(into *[]Bundle, of family.Stretch) db.Read {
	where, args := of.Where("child")
	return db.ReadInto(into, scanBundle, `
		SELECT `+bundleColumns+` FROM party_bundle
		WHERE `+where+`
		ORDER BY child, bundle`, args...)
}

// use is what the bundle is decided as.
func (b Bundle) use() gate.Use {
	return gate.Use{Service: b.Party.Service, Child: b.Child, Activity: gate.Activity(b.Party.Role), Purpose: b.Purpose, Items: b.Items, Party: b.Party.Name}
}

// DueBundles returns at most limit bundles that may be tried now, of the parties of that name,
// without what is in them.
func DueBundles(ctx context.Context, tx *db.Tx, service, party string, limit int) ([]Bundle, error) {
	now := tx.Now()
	return db.All(ctx, tx, scanLabel, `
		SELECT `+labelColumns+` FROM party_bundle
		WHERE service = $1 AND party = $2 AND due_at <= $3
		ORDER BY due_at, bundle LIMIT $4`, service, party, (*db.Time)(&now), int64(limit))
}

// A Sending is a bundle on its way out. It leaves the process only after the transaction has
// committed.
type Sending struct {
	Bundle
	Age []byte // an age file that only the party opens
}

// Send decides once more, by what holds now, whether a bundle may go to its party, records
// that, and plans the next try (Invariant 2); or throws it away, and says false. If we crash
// after the commit, it may have gone, and goes again when that try is due: the party tells
// it by its id. Of two who send it at once one finds it planned already.
func (v *Vault) Send(ctx context.Context, tx *db.Tx, which Bundle, next func(tries int64) time.Duration) (Sending, bool, error) {
	c, b, ok, err := heldBundle(ctx, tx, which)
	if err != nil || !ok || b.Tries != which.Tries {
		return Sending{}, false, err
	}
	return v.send(ctx, tx, c, b, next)
}

// A weighed bundle is one that is as it was pushed, in time, and not stale, with what decides
// whether it may go.
type weighed struct {
	Bundle
	key    keyring.ChildKey
	loaded *gate.Loaded
	held   []gate.Held
}

func (w weighed) by() gate.Actor {
	return gate.ByBundle(gate.Pull{Key: w.Key, Party: w.Party, Bundle: w.ID})
}

// weigh reads what decides about a bundle, which was read under the lock of its child; or throws
// it away, and says false. One whose child's key opens nothing is an error until its time is over.
func (v *Vault) weigh(ctx context.Context, tx *db.Tx, c family.Child, b Bundle) (w weighed, ok bool, err error) {
	late := !tx.Now().Before(b.UntilAt)
	key, err := c.Key(v.Ring)
	switch {
	case err != nil && late:
		return w, false, b.lose(ctx, tx, c, Late)
	case err != nil:
		return w, false, err
	case key.Intact(b.sealed, b.ad()...) != nil:
		return w, false, b.lose(ctx, tx, c, Damaged)
	case late:
		return w, false, b.lose(ctx, tx, c, Late)
	}
	u, values := b.use(), new([]stored)
	l, err := v.Gate.Load(ctx, tx, u.Service, c.ID, reads(values, u)...)
	if err != nil {
		return w, false, err
	}
	if b.stale(*values) {
		return w, false, b.lose(ctx, tx, c, Stale)
	}
	b.takesOver = l.Facts(tx.Now(), nil).HandsOver(u)
	return weighed{b, key, l, (&Prepared{l, values}).held()}, true, nil
}

// decide decides about a weighed bundle, records that, and throws it away if it may not go. Its
// child is locked.
func (w weighed) decide(ctx context.Context, tx *db.Tx, c family.Child) (may bool, err error) {
	u := w.use()
	// The lock made c.Version; the decision rests on the one before.
	permit, _, err := gate.Check(ctx, tx, w.by(), u, w.loaded, c.Version-1, w.held, nil)
	switch {
	case errors.Is(err, gate.ErrDenied):
		return false, w.forget(ctx, tx)
	case err != nil:
		return false, err
	case slices.ContainsFunc(w.Items, func(item string) bool { return !permit.Allows(c.ID, u.Activity, item) }):
		return false, gate.ErrDenied
	}
	return true, nil
}

// send is Send of a bundle that was read under the lock of its child.
func (v *Vault) send(ctx context.Context, tx *db.Tx, c family.Child, b Bundle, next func(tries int64) time.Duration) (Sending, bool, error) {
	w, ok, err := v.weigh(ctx, tx, c, b)
	if err != nil || !ok {
		return Sending{}, false, err
	}
	if may, err := w.decide(ctx, tx, c); err != nil || !may {
		return Sending{}, false, err
	}
	b = w.Bundle
	sealed, err := w.key.Open(b.sealed, b.ad()...)
	if err != nil {
		return Sending{}, false, err
	}
	due := b.nextTry(tx.Now(), next(b.Tries))
	b.Tries++
	return Sending{b, sealed}, true, tx.Queue(ctx, `
		UPDATE party_bundle SET tries = $1, due_at = $2 WHERE child = $3 AND bundle = $4`, b.Tries, (*db.Time)(&due), b.Child, b.ID)
}

// nextTry is when it is tried next: its last moment is one.
func (b Bundle) nextTry(now time.Time, wait time.Duration) time.Time {
	due := now.Add(wait)
	if due.After(b.UntilAt) && now.Before(b.UntilAt) {
		due = b.UntilAt
	}
	return due
}

// Recall throws a bundle away that may not go any more, as Send does; and says that it may, if
// it still does. Then nothing leaves, so nothing says that it does: no entry is written and no
// child counted that would cross a border, and the bundle waits for the try that is planned.
func (v *Vault) Recall(ctx context.Context, tx *db.Tx, which Bundle) (may bool, err error) {
	c, b, ok, err := heldBundle(ctx, tx, which)
	if err != nil || !ok {
		return false, err
	}
	w, ok, err := v.weigh(ctx, tx, c, b)
	if err != nil || !ok {
		return false, err
	}
	if may, err = gate.Would(ctx, tx, w.by(), w.use(), w.loaded, w.held); err != nil || may {
		return may, err
	}
	return w.decide(ctx, tx, c)
}

// heldBundle locks the child of a bundle, and returns both as they are now; false where the
// bundle is gone: the party has taken it, it was thrown away, or its child was erased, and then
// there is no child.
func heldBundle(ctx context.Context, tx *db.Tx, which Bundle) (c family.Child, b Bundle, ok bool, err error) {
	c, err = family.Lock(ctx, tx, which.Party.Service, which.Child)
	if errors.Is(err, family.ErrErased) || errors.Is(err, family.ErrNotFound) {
		// It went with its child; a row that is still there was written by hand.
		return family.Child{}, which, false, which.forget(ctx, tx)
	}
	if err != nil {
		return c, which, false, err
	}
	b, err = readBundle(ctx, tx, c.ID, which.ID)
	if errors.Is(err, db.ErrNone) {
		return c, b, false, nil
	}
	return c, b, err == nil, err
}

func readBundle(ctx context.Context, tx *db.Tx, child family.ID, bundle string) (Bundle, error) {
	return db.One(ctx, tx, scanBundle, `SELECT `+bundleColumns+` FROM party_bundle WHERE child = $1 AND bundle = $2`, child, bundle)
}

// Delivered ends a bundle that its party has taken. One that is gone already was taken twice.
// Edge case 18: who takes over a service has something of the child from now on, and not since
// it was pushed; what nobody ever took, no guardian is told to look for there. What was recalled
// on its way is there all the same.
func (v *Vault) Delivered(ctx context.Context, tx *db.Tx, which Bundle) error {
	c, b, ok, err := heldBundle(ctx, tx, which)
	if ok && err == nil {
		err = b.end(ctx, tx, c, KindDelivered, DeliveredBody{Bundle: b.ID, Role: b.Party.Role, Party: b.Party.Name})
	}
	if err != nil || !which.takesOver || c.ID == "" {
		return err
	}
	return which.handOver(ctx, tx, c)
}

// handOver records that who takes over a service has something of the child now.
func (b Bundle) handOver(ctx context.Context, tx *db.Tx, c family.Child) error {
	_, err := family.HandOver(ctx, tx, b.actor(), c, family.HandedOverBody{Recipient: b.Party.Name, Purpose: b.Purpose, At: tx.Now().UnixMicro()})
	return err
}

// actor is the bundle's name in the ledger.
func (b Bundle) actor() string { return "bundle:" + b.ID }

// Missed writes down why a try failed. The next one is planned.
func Missed(ctx context.Context, tx *db.Tx, b Bundle, failure string, status int) error {
	return tx.Queue(ctx, `
		UPDATE party_bundle SET failure = $1, status = $2 WHERE child = $3 AND bundle = $4 AND tries = $5`, failure, int64(status), b.Child, b.ID, b.Tries)
}

// PutOff plans the next try of a bundle about which nothing could be decided, and says why. Of
// two who had it in hand one finds it planned already.
func PutOff(ctx context.Context, tx *db.Tx, b Bundle, failure string, next func(tries int64) time.Duration) error {
	due := b.nextTry(tx.Now(), next(b.Tries))
	return tx.Queue(ctx, `
		UPDATE party_bundle SET tries = tries + 1, due_at = $1, failure = $2, status = $3
		WHERE child = $4 AND bundle = $5 AND tries = $6`, (*db.Time)(&due), failure, 0, b.Child, b.ID, b.Tries)
}

// lose throws a bundle away, and records why. One whose name is none was written by hand: its
// name may say anything, and the ledger none of that. What was pushed under the right one is
// found missing.
func (b Bundle) lose(ctx context.Context, tx *db.Tx, c family.Child, why Loss) error {
	if !id.Is(id.Bundle, b.ID) {
		return b.forget(ctx, tx)
	}
	body := DroppedBody{Bundle: b.ID, Why: why}
	if why != Damaged {
		body.Role, body.Party = b.Party.Role, b.Party.Name // else whose it was the row doesn't say any more
	}
	return b.end(ctx, tx, c, KindDropped, body)
}

// loseBundles throws away what waits of a locked child and holds one of the items that are
// erased: what is erased is in no bundle either (Articles 12 and 20).
func (v *Vault) loseBundles(ctx context.Context, tx *db.Tx, c family.Child, items []string) error {
	return v.loseOf(ctx, tx, []family.Child{c}, func(family.ID) []string { return items })
}

// loseOf is loseBundles for at most db.Chunk locked children.
func (v *Vault) loseOf(ctx context.Context, tx *db.Tx, children []family.Child, erased func(family.ID) []string) error {
	ids := make([]family.ID, len(children))
	for i, c := range children {
		ids[i] = c.ID
	}
	in, args := db.Placeholders(ids)
	all, err := db.All(ctx, tx, scanLabel, `SELECT `+labelColumns+` FROM party_bundle WHERE child IN `+in+` ORDER BY child, bundle`, args...)
	if err != nil {
		return err
	}
	for _, label := range all {
		gone := erased(label.Child)
		if !slices.ContainsFunc(label.Items, func(item string) bool { return slices.Contains(gone, item) }) {
			continue
		}
		b, err := readBundle(ctx, tx, label.Child, label.ID)
		if err != nil {
			return err
		}
		c, why := children[slices.Index(ids, b.Child)], Emptied
		if b.Intact(v.Ring, c) != nil {
			why = Damaged // whose it was the row doesn't say any more
		}
		if err := b.lose(ctx, tx, c, why); err != nil {
			return err
		}
	}
	return nil
}

func (b Bundle) end(ctx context.Context, tx *db.Tx, c family.Child, kind string, body any) error {
	if err := b.forget(ctx, tx); err != nil {
		return err
	}
	_, err := ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: c.Service, Subject: c.Subject, Version: c.Version, Actor: b.actor(), Body: body})
	return err
}

func (b Bundle) forget(ctx context.Context, tx *db.Tx) error {
	return tx.Queue(ctx, `DELETE FROM party_bundle WHERE child = $1 AND bundle = $2`, b.Child, b.ID)
}

// EndingBundles returns bundles, without what is in them, behind one, whose time is over, or
// that nobody may get any more: their party is suspended or has ended, or their key was revoked.
func EndingBundles(ctx context.Context, tx *db.Tx, after Bundle, limit int) ([]Bundle, error) {
	now := tx.Now()
	return db.All(ctx, tx, scanLabel, `
		SELECT `+labelColumns+` FROM party_bundle AS b
		WHERE (until_at, bundle) > ($1, $2) AND (until_at <= $3
			OR EXISTS (SELECT 1 FROM party_key AS k WHERE k.id = b.key AND k.revoked_at IS NOT NULL)
			OR EXISTS (SELECT 1 FROM party AS p WHERE p.service = b.service AND p.role = b.role AND p.name = b.party AND (p.halted <> '' OR p.ends_at <= $3)))
		ORDER BY until_at, bundle LIMIT $4`, microsOf(after.UntilAt), after.ID, (*db.Time)(&now), int64(limit))
}

func microsOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// forgetBundles removes all that waits of a child, as a part of erasing it (Article 20).
func forgetBundles(ctx context.Context, tx *db.Tx, child family.ID) error {
	return tx.Queue(ctx, `DELETE FROM party_bundle WHERE child = $1`, child)
}

// BundleNumbers are what of the bundles is watched.
type BundleNumbers struct {
	Waiting int64
	Failed  int64     // of them, those of which a try has failed
	Oldest  time.Time // when the oldest was pushed; zero: none waits
}

// CountBundles returns the numbers of all bundles together.
func CountBundles(ctx context.Context, tx *db.Tx) (n BundleNumbers, err error) {
	err = db.Each(ctx, tx, func(row db.Row) error { return row.Scan(&n.Waiting, &n.Failed, (*db.Time)(&n.Oldest)) }, `
		SELECT count(*), count(CASE WHEN failure <> '' THEN 1 END), min(pushed_at) FROM party_bundle`)
	return n, err
}
