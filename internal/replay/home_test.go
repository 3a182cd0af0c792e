package replay_test

import (
	"context"
	"testing"
	"time"

	"wardkeep/internal/access"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/passkey"
	"wardkeep/internal/rights"
	"wardkeep/internal/session"
	"wardkeep/internal/session/sessiontest"
	"wardkeep/internal/tally"
	"wardkeep/internal/vault"
	"wardkeep/internal/vault/vaulttest"
)

// A home is a scene in which a guardian has signed in twice, out once, once more by
// a passkey, and looked at a value, and in which uses were counted. Of two passkeys
// one was removed.
type home struct {
	*scene
	door      session.Door
	phone     sessiontest.Device // has the passkey
	mother    family.Guardian    // of mei
	session   session.Session
	byPasskey session.Session
	copy      rights.Request // the mother has asked for it
	told      rights.Request // she has asked what is held
}

func playHome(t *testing.T, w *vaulttest.World) *home {
	t.Helper()
	h := &home{scene: play(t, w), door: session.Door{Ring: w.Ring, Site: passkey.NewSite("https://home.example")}}
	door := h.door
	in := func() (s session.Session) {
		who, err := family.ParseHandle(w.Ring, pii.New("13800000000"))
		ok(t, err)
		var code consent.OneTime
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			code, err = door.SendCode(ctx, tx, "a", who)
			return err
		})
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			s, _, err = door.Enter(ctx, tx, "a", "", code.Code)
			return err
		})
		return s
	}
	h.session = in()
	gone := in()
	w.Do(func(ctx context.Context, tx *db.Tx) error { return session.SignOut(ctx, tx, gone) })
	owns := func() (d sessiontest.Device, name string) {
		d.T = t
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			options, kept, err := door.Offer(ctx, tx, h.session, "x")
			if err != nil {
				return err
			}
			p, err := door.Add(ctx, tx, h.session, kept, d.Make(options))
			name = p.ID
			return err
		})
		return d, name
	}
	lost, name := owns()
	h.shows(lost)
	h.phone, _ = owns()
	h.byPasskey = h.shows(h.phone)
	w.Do(func(ctx context.Context, tx *db.Tx) error { return door.RemovePasskey(ctx, tx, h.session, name) })
	for _, tie := range h.session.Ties {
		if tie.Child == h.mei.ID {
			h.mother = tie.Guardian
		}
	}
	for range 2 {
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.View(ctx, tx, h.mother, service, "weekly_score")
			return err
		})
	}
	// A copy is taken, and another one denied for want of a proof.
	desk := rights.Desk{Ring: w.Ring, Charters: w.Desk.Charters, Calendar: workday.Default()}
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		ask := rights.Demand{Kind: rights.Copy, Door: rights.ByGuardian, Guardian: h.mother.ID}
		if h.copy, _, err = w.Vault.Demand(ctx, tx, desk, h.mother, h.mei, ask); err != nil {
			return err
		}
		ask.Kind = rights.Access
		h.told, _, err = w.Vault.Demand(ctx, tx, desk, h.mother, h.mei, ask)
		return err
	})
	for _, needs := range []family.Strength{family.OneTimeCode, family.Document} {
		if err := w.Try(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.Copy(ctx, tx, h.mother, h.copy, needs, []string{"weekly_score"})
			return err
		}); (err == nil) != (needs == family.OneTimeCode) {
			t.Error(err)
		}
	}
	// A proof that is taken back is a look that is denied.
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		c, err := family.Lock(ctx, tx, service, h.mei.ID)
		if err != nil {
			return err
		}
		_, _, err = w.Desk.Unverify(ctx, tx, w.App, c, h.mother.ID)
		return err
	})
	if err := w.Try(func(ctx context.Context, tx *db.Tx) error {
		_, err := w.Vault.View(ctx, tx, h.mother, service, "weekly_score")
		return err
	}); err == nil {
		t.Error("shown to nobody's guardian")
	}
	ok(t, h.flush())
	for _, count := range []func(context.Context, *db.DB) (int64, error){access.Count, tally.Count} {
		for {
			n, err := count(t.Context(), w.Store)
			ok(t, err)
			if n == 0 {
				break
			}
		}
	}
	h.replays(t)
	return h
}

// shows signs in by a device's passkey.
func (h *home) shows(d sessiontest.Device) (s session.Session) {
	h.T.Helper()
	h.Do(func(ctx context.Context, tx *db.Tx) error {
		options, kept, err := h.door.Ask(tx.Now())
		if err != nil {
			return err
		}
		s, _, err = h.door.EnterByPasskey(ctx, tx, kept, "", d.Show(options))
		return err
	})
	return s
}

// The clocks of two nodes differ: a passkey that one used later by its clock, and the
// other after that, replays, whether both uses come in one batch of the ledger or not.
func TestInvariant7_UsesOfAPasskeyByTwoClocksReplay(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		h := playHome(t, w)
		for _, together := range []bool{true, false} {
			w.Pass(time.Minute)
			h.shows(h.phone)
			if !together {
				ok(t, h.flush())
			}
			w.Pass(-30 * time.Second)
			h.shows(h.phone)
			ok(t, h.flush())
			w.Pass(30 * time.Second)
			h.replays(t)
		}
	})
}

// homeChanges are changes by hand of what a home leaves in the tables, and what must
// be found.
var homeChanges = []struct {
	name, query string
	args        []any
	found       string
}{
	{"a session of nobody", `UPDATE session SET id = '王小明'`, nil, "row_extra session "},
	{"a session is gone", `DELETE FROM session`, nil, "row_missing session "},
	{"a session began later", `UPDATE session SET created_at = created_at + 1`, nil, "row_differs session created_at"},
	{"a session lasts longer", `UPDATE session SET ends_at = ends_at + 43200000000`, nil, "row_differs session ends_at"},
	{"a session by another way", `UPDATE session SET channel = '王小明'`, nil, "row_differs session channel"},
	{"a session by another passkey", `UPDATE session SET passkey = '王小明' WHERE passkey <> ''`, nil, "row_differs session passkey"},
	{"a passkey of nobody", `UPDATE passkey SET id = '王小明'`, nil, "row_extra passkey "},
	{"a passkey is gone", `DELETE FROM passkey`, nil, "row_missing passkey "},
	{"a passkey by another way", `UPDATE passkey SET channel = '王小明'`, nil, "row_differs passkey channel"},
	{"a passkey is older", `UPDATE passkey SET added_at = added_at - 1`, nil, "row_differs passkey added_at"},
	{"a passkey was never used", `UPDATE passkey SET used_at = NULL`, nil, "row_differs passkey used_at"},
	{"a passkey of another device", `UPDATE passkey SET credential = $1`, []any{[]byte("x")}, "row_hash passkey bound"},
	{"a passkey of another contact", `UPDATE passkey SET contact = $1`, []any{[]byte("x")}, "row_hash passkey bound"},
	{"a passkey has another number", `UPDATE passkey SET number = number + 1`, nil, "row_hash passkey bound"},
	{"a passkey has a key that somebody knows", `UPDATE passkey SET public_key = $1`, []any{[]byte("x")}, "row_hash passkey bound"},
	{"a passkey may be copied", `UPDATE passkey SET eligible = (eligible = false)`, nil, "row_hash passkey bound"},
	{"a passkey's mark is another", `UPDATE passkey SET bound = credential`, nil, "row_hash passkey bound"},
	{"a use is told less often", `UPDATE child_access SET uses = uses + 1`, nil, "row_differs child_access uses"},
	{"a use is told of nobody", `UPDATE child_access SET child = 'zz' WHERE uses = 2`, nil, "row_extra child_access "},
	{"a use is told on another day", `UPDATE child_access SET day = day - 1`, nil, "row_differs child_access uses"},
	{"a use is told of another", `UPDATE child_access SET actor = '王小明'`, nil, "row_damaged child_access line"},
	{"another purpose is told", `UPDATE child_access SET purpose = '王小明'`, nil, "row_damaged child_access line"},
	{"a use is told to be denied", `UPDATE child_access SET permitted = (permitted = false)`, nil, "row_damaged child_access line"},
	{"other items are told", `UPDATE child_access SET items = 'nickname'`, nil, "row_damaged child_access line"},
	{"a use is counted to come", `UPDATE child_access SET upto = upto + 1000000`, nil, "row_differs child_access upto"},
	{"uses aren't told", `DELETE FROM child_access`, nil, "row_differs child_access uses"},
	{"nothing was counted", `DELETE FROM ledger_cursor`, nil, "row_differs child_access upto"},
	{"a use is told under another's key", `UPDATE child_access SET line = $1 WHERE activity = 'access' AND uses = 2`, []any{[]byte("x")}, "row_damaged child_access line"},
	{"another activity is told", `UPDATE child_access SET activity = '王小明'`, nil, "row_damaged child_access line"},
	{"an account was used earlier", `UPDATE child_activity SET last = last - 1`, nil, "row_differs child_activity last"},
	{"an account was used later", `UPDATE child_activity SET last = last + 1`, nil, "row_differs child_activity last"},
	{"an account of another service", `UPDATE child_activity SET service = '王小明'`, nil, "row_differs child_activity service"},
	{"an account is erased that nobody was told of", `UPDATE child_activity SET erase_on = last`, nil, "row_differs child_activity erase_on"},
	{"an account that an entry says nobody uses", `UPDATE child_activity SET entry = '王小明'`, nil, "row_differs child_activity entry"},
	{"an account of nobody", `UPDATE child_activity SET child = 'zz' WHERE child = (SELECT min(child) FROM child_activity)`, nil, "row_extra child_activity "},
	{"nobody knows when an account was used", `DELETE FROM child_activity`, nil, "row_missing child_activity "},
	{"a day tells of more", `UPDATE tally SET n = n + 1`, nil, "row_differs tally n"},
	{"a day of another service", `UPDATE tally SET service = '王小明'`, nil, "row_extra tally "},
	{"a day tells of something else", `UPDATE tally SET what = '王小明' WHERE what = 'permitted'`, nil, "row_extra tally "},
	{"another day is told of", `UPDATE tally SET day = day + 10000`, nil, "row_extra tally "},
	{"a day tells of another purpose", `UPDATE tally SET purpose = '王小明' WHERE purpose = (SELECT max(purpose) FROM tally)`, nil, "row_extra tally "},
	{"a day tells of others", `UPDATE tally SET actor = '王小明' WHERE actor = 'guardian'`, nil, "row_extra tally "},
	{"a day tells of another detail", `UPDATE tally SET detail = '王小明' WHERE detail = (SELECT max(detail) FROM tally)`, nil, "row_extra tally "},
	{"nothing is told of any day", `DELETE FROM tally`, nil, "row_missing tally "},
	{"another party is told", `UPDATE child_access SET party = '王小明'`, nil, "row_damaged child_access line"},
}

func TestInvariant7_LooksSessionsAndCountsReplay(t *testing.T) {
	forgeries := map[string]struct {
		found string
		by    func(h *home)
	}{
		"a look at what isn't held": {"verdict ", func(h *home) {
			h.forgeLook(gate.KindViewed, h.mother, gate.AccessBody{Items: []string{"answers"}, Age: "child", Strength: 1})
		}},
		"a look by who isn't a guardian": {"verdict ", func(h *home) {
			h.forgeLook(gate.KindViewed, family.Guardian{ID: family.GuardianID(id.New(id.Guardian))}, gate.AccessBody{Items: []string{"weekly_score"}, Age: "child", Strength: 1})
		}},
		"a look that was denied for another reason": {"verdict ", func(h *home) {
			h.forgeLook(gate.KindViewDenied, h.mother, gate.AccessBody{Items: []string{"weekly_score"}, Age: "child", Strength: 1,
				Reasons: []gate.Denial{{Code: "gate.access_grown", Article: "2"}}})
		}},
		"a look by an app": {"actor actor", func(h *home) {
			h.forge(h.mei, 0, gate.KindViewed, h.App.Ledger(), gate.AccessBody{Items: []string{"weekly_score"}, Age: "child", Strength: 1})
		}},
		"a look tells a name": {"strange items", func(h *home) {
			h.forgeLook(gate.KindViewed, h.mother, gate.AccessBody{Items: []string{secret}, Age: "child", Strength: 1})
		}},
		"a copy that nobody asked for": {"impossible demand", func(h *home) {
			h.forgeLook(gate.KindCopied, h.mother, gate.AccessBody{Items: []string{"weekly_score"}, Age: "child", Strength: 1, Demand: id.New(id.Rights)})
		}},
		"a copy that somebody else asked for": {"impossible guardian", func(h *home) {
			h.forgeLook(gate.KindCopied, family.Guardian{ID: family.GuardianID(id.New(id.Guardian))}, gate.AccessBody{Items: []string{"weekly_score"}, Age: "child", Strength: 1, Demand: h.copy.ID})
		}},
		"a copy by a demand to be told": {"impossible demand", func(h *home) {
			h.forgeLook(gate.KindCopied, h.mother, gate.AccessBody{Items: []string{"weekly_score"}, Age: "child", Strength: 1, Demand: h.told.ID})
		}},
		"a copy without the proof that it took": {"verdict ", func(h *home) {
			h.forgeLook(gate.KindCopied, h.mother, gate.AccessBody{Items: []string{"weekly_score"}, Age: "child", Strength: 1, Demand: h.copy.ID, Needs: family.Document})
		}},
		"a copy that is told as a look": {"body access.viewed", func(h *home) {
			h.forgeLook(gate.KindViewed, h.mother, gate.AccessBody{Items: []string{"weekly_score"}, Age: "child", Strength: 1, Demand: h.copy.ID})
		}},
		"an account that nobody uses, in the ledger alone": {"row_differs erase_on", func(h *home) {
			h.forgeInactive(actorOfSweeps, func(*family.InactiveBody) {})
		}},
		"an account that an app says nobody uses": {"impossible actor", func(h *home) {
			h.forgeInactive(h.App.Ledger(), func(*family.InactiveBody) {})
		}},
		"an account that was used since": {"impossible inactive", func(h *home) {
			h.forgeInactive(actorOfSweeps, func(b *family.InactiveBody) { b.Last -= day })
		}},
		"an account that ends within the lead": {"impossible inactive", func(h *home) {
			h.forgeInactive(actorOfSweeps, func(b *family.InactiveBody) { b.Erase = b.Last + charter.InactiveLead*day })
		}},
		"an account that ends before the charter says": {"impossible inactive", func(h *home) {
			h.forgeInactive(actorOfSweeps, func(b *family.InactiveBody) { b.Erase -= day })
		}},
		"an account that ends by a charter that there isn't": {"impossible inactive", func(h *home) {
			h.forgeInactive(actorOfSweeps, func(b *family.InactiveBody) { b.Charter += 7 })
		}},
		"an account that ends in the middle of a day": {"body inactive", func(h *home) {
			h.forgeInactive(actorOfSweeps, func(b *family.InactiveBody) { b.Erase++ })
		}},
		"an erasure of an unused account that nobody was told of": {"impossible inactive", func(h *home) {
			h.forge(h.mei, 1, vault.KindErased, actorOfSweeps, vault.ErasedBody{Items: h.held(), Ground: string(family.Inactive)})
			h.forge(h.mei, 1, family.KindErased, actorOfSweeps, family.ErasedBody{Ground: family.Inactive})
		}},
		"a session that ended before it began": {"impossible session", func(h *home) {
			h.forgeSession(session.KindEnded, id.New(id.Session), session.EndedBody{})
		}},
		"a session that began twice": {"impossible session", func(h *home) {
			h.forgeSession(session.KindOpened, h.session.ID, session.OpenedBody{Session: h.session.ID, Channel: consent.SMS})
		}},
		"a session by a passkey that nobody has": {"impossible passkey", func(h *home) {
			name := id.New(id.Session)
			h.forgeSession(session.KindOpened, name, session.OpenedBody{Session: name, Channel: consent.SMS, Passkey: id.New(id.Passkey)})
		}},
		"a session by a passkey of another way": {"impossible passkey", func(h *home) {
			name := id.New(id.Session)
			h.forgeSession(session.KindOpened, name, session.OpenedBody{Session: name, Channel: consent.Email, Passkey: h.byPasskey.Passkey})
		}},
		"a passkey that a passkey added": {"impossible passkey", func(h *home) {
			h.forgeSession(session.KindAdded, h.byPasskey.ID, session.AddedBody{Passkey: id.New(id.Passkey), Channel: consent.SMS})
		}},
		"a passkey that was added twice": {"impossible passkey", func(h *home) {
			h.forgeSession(session.KindAdded, h.session.ID, session.AddedBody{Passkey: h.byPasskey.Passkey, Channel: consent.SMS})
		}},
		"a passkey that nobody had is removed": {"impossible passkey", func(h *home) {
			h.forgeSession(session.KindRemoved, h.session.ID, session.RemovedBody{Passkey: id.New(id.Passkey), Why: session.Unwanted})
		}},
		"a passkey in the ledger alone": {"row_missing ", func(h *home) {
			h.forgeSession(session.KindAdded, h.session.ID, session.AddedBody{Passkey: id.New(id.Passkey), Channel: consent.SMS})
		}},
		"a session in the ledger alone": {"row_missing ", func(h *home) {
			name := id.New(id.Session)
			h.forgeSession(session.KindOpened, name, session.OpenedBody{Session: name, Channel: consent.SMS})
		}},
	}
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		h := playHome(t, w)
		tried := make(tries)
		for _, c := range homeChanges {
			if tried.enough(t, c.query) {
				continue
			}
			found(t, c.name, h.once(t, func() {
				h.do(func(ctx context.Context, tx *db.Tx) error {
					n, err := tx.Exec(ctx, c.query, c.args...)
					if err == nil && n == 0 {
						t.Errorf("%s: nothing was changed", c.name)
					}
					return err
				})
			}), c.found)
		}
		for name, f := range sampled(t, forgeries) {
			forgery(t, name, h.once(t, func() { f.by(h) }), f.found)
		}
		h.replays(t)
		ok(t, h.erase(h.mei.ID), h.flush())
		w.Pass(access.Keep * 24 * time.Hour)
		h.replays(t)
	})
}

func (h *home) forgeLook(kind string, by family.Guardian, b gate.AccessBody) {
	h.T.Helper()
	h.forge(h.mei, 0, kind, by.Ledger(), b)
}

const (
	actorOfSweeps = "system:retention"
	day           = int64(24 * time.Hour / time.Microsecond)
)

// forgeInactive forges that nobody uses anything of mei, from today on.
func (h *home) forgeInactive(actor string, change func(b *family.InactiveBody)) {
	h.T.Helper()
	today := access.DayOf(h.Store.Now())
	var b family.InactiveBody
	h.do(func(ctx context.Context, tx *db.Tx) error {
		published, err := catalog.Current(ctx, tx, service)
		b = family.InactiveBody{Charter: published.Number, Last: access.Begin(today).UnixMicro(),
			Erase: access.Begin(access.IdleFrom(published.Charter.Inactive, today)).UnixMicro()}
		return err
	})
	change(&b)
	h.forge(h.mei, 1, family.KindInactive, actor, b)
}

// held returns the items that are held of mei.
func (h *home) held() (items []string) {
	h.T.Helper()
	h.do(func(ctx context.Context, tx *db.Tx) error {
		all, err := vault.Holdings(ctx, tx, h.mei)
		for _, v := range all {
			items = append(items, v.Item)
		}
		return err
	})
	return items
}

func (h *home) forgeSession(kind, name string, body any) {
	h.T.Helper()
	h.do(func(ctx context.Context, tx *db.Tx) error {
		_, err := ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Version: 2, Actor: "session:" + name, Body: body})
		return err
	})
}
