package restoration

import (
	"context"
	"errors"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/border"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/gate"
	"wardkeep/internal/inspection"
	"wardkeep/internal/ledger"
	"wardkeep/internal/notify"
	"wardkeep/internal/party"
	"wardkeep/internal/session"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
	"wardkeep/internal/warning"
	"wardkeep/internal/webhook"
)

// A gap is what the entries tell that the store has missed, as far as it must hold. It is
// read several times: once for what isn't about one child, and then for some of the
// children at a time, so that no more is in memory of a gap of years than of one of hours.
type gap struct {
	children map[string]*child // by pseudonym: those of this part
	part     int64             // which of so many parts of the children
	parts    int64
	entries  int64 // that tell something of children
	services map[string]*service
	passkeys map[string]session.Why // that were removed
	left     map[string]bool        // persons inside
	logins   map[string]bool        // of persons inside, which may have been changed for a reason
	keys     map[string]bool        // of persons inside, to which files were sealed and may not be any more
	located  map[string]string      // where persons inside sit
	reached  map[string]bool        // persons inside whose address may not be theirs any more
	taken    []staff.RoleBody       // roles, in order: those that were given again are lost
	copies   []backup.MadeBody
	ends     []backup.GoneBody
	crossed  map[int64]int64 // how many children had something leave the country, by year

	disapproved []disapproval

	report  Report
	done    Report           // of the child at hand
	letters []notify.Message // as is this
}

func newGap() *gap {
	return &gap{children: make(map[string]*child), services: make(map[string]*service), passkeys: make(map[string]session.Why),
		left: make(map[string]bool), logins: make(map[string]bool), keys: make(map[string]bool), located: make(map[string]string), reached: make(map[string]bool), crossed: make(map[int64]int64),
		report: Report{Lost: make(map[string]int64)}}
}

// A disapproval says that an approval to keep something for a law was taken back, and by
// whom.
type disapproval struct{ service, approval, by string }

// A service is what must hold of one.
type service struct {
	ended    []string // terms of office, "st_…"
	charter  bool     // one was published
	ends     []catalog.CeasingBody
	revoked  []string   // "ak_…", or given another key
	removed  []string   // "wh_…"
	paused   []string   // "wh_…", or changed
	parties  []party.ID // that may stand otherwise
	signers  []party.RevokedBody
	seats    []party.UnseatedBody
	notices  map[string]bool // "wn_…", whether it was paused last, or went on
	conceals bool            // something happened that this release doesn't know

	inspections []string // "iv_…", that were ended
}

// survey takes from one entry what isn't about one child, and counts it.
func (g *gap) survey(p ledger.Placed) error {
	g.report.Entries++
	read, known, why, adds := readingOf(p)
	if adds && why == "" || p.Kind == consent.KindGranted {
		g.report.Lost[p.Kind]++
	}
	if err := g.crosses(p); err != nil {
		return err
	}
	switch {
	case read.rest != nil:
		return read.rest(g, p)
	case known, !adds && p.Subject != "":
		g.entries++
	case !adds && p.Service != "":
		return conceals(g, p)
	}
	return nil
}

// crosses takes from a use, or a registration, which of the year's children had something leave by
// it: the number is as high here again, and it is the ledger's.
func (g *gap) crosses(p ledger.Placed) error {
	person, err := gate.Crossed(p)
	if year := border.YearOf(p.At); err == nil && person > g.crossed[year] {
		g.crossed[year] = person
	}
	return err
}

// read takes from one entry what it tells of a child of this part. Of a kind that nobody
// here knows it is that something happened.
func (g *gap) read(p ledger.Placed) error {
	read, known, _, adds := readingOf(p)
	switch {
	case p.Subject == "" || adds || known && read.child == nil || g.partOf(p.Subject) != g.part:
		return nil
	case known:
		return read.child(g.child(p), p)
	}
	g.child(p).unclear = true
	return nil
}

// atOnce bounds how many entries about children are kept in memory, on the average.
const atOnce = 50_000

// divide says in how many parts the children are dealt with, of each of which at most so
// many entries tell.
func (g *gap) divide(most int64) { g.parts = 1 + g.entries/most }

// partOf returns the part that a child is in. Pseudonyms are random.
func (g *gap) partOf(subject string) int64 {
	h := fnv.New64a()
	h.Write([]byte(subject)) // never fails (hash.Hash)
	return int64(h.Sum64() % uint64(g.parts))
}

func (g *gap) service(name string) *service {
	if g.services[name] == nil {
		g.services[name] = &service{notices: make(map[string]bool)}
	}
	return g.services[name]
}

// rest does again what isn't about one child.
func (g *gap) rest(ctx context.Context, tx *db.Tx, ring *keyring.Ring) error {
	g.report.Services = nil
	for _, passkey := range slices.Sorted(maps.Keys(g.passkeys)) {
		if err := session.RemoveAgain(ctx, tx, by.Ledger(), passkey, g.passkeys[passkey]); err != nil {
			return err
		}
	}
	if err := g.inside(ctx, tx); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(g.services)) {
		closed, err := g.services[name].again(ctx, tx, ring, name)
		if err != nil {
			return err
		}
		if closed {
			g.report.Services = append(g.report.Services, name)
		}
	}
	if err := catalog.TellAgain(ctx, tx); err != nil {
		return err
	}
	for _, year := range slices.Sorted(maps.Keys(g.crossed)) {
		if err := border.Recount(ctx, tx, year, g.crossed[year]); err != nil {
			return err
		}
	}
	for _, b := range g.copies {
		_, err := backup.Find(ctx, tx, b.Backup)
		if errors.Is(err, backup.ErrNotFound) {
			_, err = backup.Record(ctx, tx, by, b.Backup, time.UnixMicro(b.Made).UTC(), b.Size)
		}
		if err != nil {
			return err
		}
	}
	for _, b := range g.ends {
		if err := moot(backup.End(ctx, tx, by, b.Backup, b.Why), backup.ErrGone, backup.ErrNotFound); err != nil {
			return err
		}
	}
	return nil
}

// inside takes from persons inside what they had lost. Who has changed how to sign in,
// used a code of the list, or removed a passkey, gets a new link from the terminal; who
// has changed the key that files are sealed to, or where alarms are sent, has none.
func (g *gap) inside(ctx context.Context, tx *db.Tx) error {
	for _, person := range slices.Sorted(maps.Keys(g.left)) {
		if _, err := signin.Leave(ctx, tx, by, person); moot(err, staff.ErrLeft, staff.ErrNotFound) != nil {
			return err
		}
	}
	for _, b := range g.taken {
		_, err := staff.Take(ctx, tx, by, b.Person, staff.Grant{Role: b.Role, Service: b.Service, Office: b.Office})
		if err := moot(err, staff.ErrLeft, staff.ErrNotFound, staff.ErrNotHeld); err != nil {
			return err
		}
	}
	for _, person := range slices.Sorted(maps.Keys(g.located)) {
		_, err := staff.Locate(ctx, tx, by, person, g.located[person])
		if err := moot(err, staff.ErrLeft, staff.ErrNotFound, staff.ErrThere); err != nil {
			return err
		}
	}
	for _, person := range slices.Sorted(maps.Keys(g.keys)) {
		err := staff.EndRecipient(ctx, tx, by, person)
		if err := moot(err, staff.ErrLeft, staff.ErrNotFound, staff.ErrNoRecipient); err != nil {
			return err
		}
	}
	for _, person := range slices.Sorted(maps.Keys(g.reached)) {
		_, err := staff.Unreach(ctx, tx, by, person)
		if err := moot(err, staff.ErrLeft, staff.ErrNotFound, staff.ErrNoAddress); err != nil {
			return err
		}
	}
	for _, person := range slices.Sorted(maps.Keys(g.logins)) {
		if !g.logins[person] {
			continue
		}
		if err := signin.ResetAgain(ctx, tx, by, person); err != nil {
			return err
		}
	}
	return nil
}

// again closes what was closed. What was opened instead is lost: nobody holds the
// office, and no app has the key, until somebody is appointed and it is given one.
func (s *service) again(ctx context.Context, tx *db.Tx, ring *keyring.Ring, name string) (closed bool, err error) {
	if _, err := catalog.Find(ctx, tx, name); err != nil {
		return false, moot(err, catalog.ErrNotFound) // made in the gap
	}
	for _, e := range s.ends {
		_, _, err := catalog.CeaseAgain(ctx, tx, by, name, e)
		if err = moot(err, catalog.ErrCeasing); err != nil {
			return closed, err
		}
	}
	for _, officer := range s.ended {
		_, _, err := catalog.EndOffice(ctx, tx, by, name, officer)
		closed = closed || err == nil
		if err = moot(err, catalog.ErrOfficerNotFound); err != nil {
			return closed, err
		}
	}
	for _, of := range s.parties {
		_, _, err := party.SuspendAgain(ctx, tx, by, of)
		if err = moot(err, party.ErrNotFound, party.ErrSuspended); err != nil {
			return closed, err
		}
	}
	// By one that somebody else has a party could be heard still, suspended or not.
	for _, b := range s.signers {
		_, _, err := party.RevokeAgain(ctx, tx, by, party.ID{Service: name, Role: b.Role, Name: b.Party}, b.Key)
		if err = moot(err, party.ErrKeyNotFound); err != nil {
			return closed, err
		}
	}
	for _, b := range s.seats { // and so by a person who is gone
		err := party.TakeSeatAgain(ctx, tx, by, party.ID{Service: name, Role: b.Role, Name: b.Party}, b.Seat)
		if err = moot(err, party.ErrSeatNotFound); err != nil {
			return closed, err
		}
	}
	for _, inspected := range s.inspections { // whoever was to look no longer, doesn't
		err := inspection.EndAgain(ctx, tx, ring, by, name, inspected)
		if err = moot(err, inspection.ErrNotFound, inspection.ErrEnded); err != nil {
			return closed, err
		}
	}
	if s.charter || s.conceals {
		_, err := catalog.Recall(ctx, tx, by, name)
		closed = closed || err == nil
		if err = moot(err, catalog.ErrRecalled, catalog.ErrNoCharter); err != nil {
			return closed, err
		}
	}
	for _, app := range s.revoked {
		if _, err := account.RevokeApp(ctx, tx, by, name, app); moot(err, account.ErrNotFound) != nil {
			return closed, err
		}
	}
	for _, endpoint := range s.removed {
		if _, err := webhook.Remove(ctx, tx, by, name, endpoint); moot(err, webhook.ErrNotFound) != nil {
			return closed, err
		}
	}
	for _, endpoint := range s.paused {
		if _, err := webhook.Pause(ctx, tx, by, name, endpoint); moot(err, webhook.ErrNotFound, webhook.ErrPaused) != nil {
			return closed, err
		}
	}
	// Article 21: families aren't told by a notice that somebody has stopped. One that isn't
	// confirmed here goes to nobody until two persons have decided it again.
	for _, notice := range slices.Sorted(maps.Keys(s.notices)) {
		if !s.notices[notice] {
			continue
		}
		err := warning.PauseAgain(ctx, tx, by, name, notice)
		if err := moot(err, warning.ErrNotFound, warning.ErrUnconfirmed, warning.ErrWithheld, warning.ErrState); err != nil {
			return closed, err
		}
	}
	return closed, nil
}
