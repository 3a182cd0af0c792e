package replay_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
	"wardkeep/internal/replay"
	"wardkeep/internal/retention"
	"wardkeep/internal/vault"
	"wardkeep/internal/vault/vaulttest"
)

const service = vaulttest.Service

var terminal = catalog.Operator{ID: "test"}

// A story is a world in which things happen, through the domain packages.
type story struct {
	*vaulttest.World
	log      *ledger.Log
	tx       *db.Tx              // set while what is done shall be undone
	editions [2]*charter.Charter // published in turns
	turn     int
	tied     int // how many guardians came later
	most     int // differences that once asks for; 0: as many as an audit does
}

func begin(t testing.TB, w *vaulttest.World) *story {
	t.Helper()
	signer, _, err := ledger.NewSigner("wardkeep.test", make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	second, err := charter.Load(os.DirFS("../../examples/xiaoxi-english-v2"))
	if err != nil {
		t.Fatal(err)
	}
	return &story{World: w, log: ledger.Open(w.Store, "wardkeep.test", signer), editions: [2]*charter.Charter{second, w.Charter}}
}

func (s *story) audit(t testing.TB) replay.Report {
	t.Helper()
	report, err := replay.Audit(t.Context(), s.Store, s.Ring, catalog.NewCache(4), replay.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// replays fails the test unless the ledger and the tables agree.
func (s *story) replays(t testing.TB) replay.Report {
	t.Helper()
	report := s.audit(t)
	for _, d := range report.Differences {
		t.Errorf("%s (%s)", d, d.What)
	}
	return report
}

// once does something, audits, and undoes it.
func (s *story) once(t testing.TB, something func()) (report replay.Report) {
	t.Helper()
	undo := errors.New("undone")
	err := s.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		s.tx = tx
		defer func() { s.tx = nil }()
		something()
		if report, err = replay.AuditIn(ctx, tx, s.Ring, catalog.NewCache(4), replay.Options{MaxDifferences: s.most}); err != nil {
			return err
		}
		return undo
	})
	if !errors.Is(err, undo) {
		t.Fatal(err)
	}
	return report
}

// do runs fn in the transaction of once, or in one of its own.
func (s *story) do(fn func(ctx context.Context, tx *db.Tx) error) {
	s.T.Helper()
	if s.tx == nil {
		s.Do(fn)
		return
	}
	if err := fn(context.Background(), s.tx); err != nil {
		panic(err)
	}
}

func (s *story) flush() error { return s.log.Flush(context.Background()) }

// locked runs fn with the locked child.
func (s *story) locked(id family.ID, fn func(ctx context.Context, tx *db.Tx, c family.Child) error) error {
	return s.Try(func(ctx context.Context, tx *db.Tx) error {
		c, err := family.Lock(ctx, tx, service, id)
		if err != nil {
			return err
		}
		return fn(ctx, tx, c)
	})
}

func (s *story) put(id family.ID, purpose string, values map[string]string) error {
	sealed := make(map[string]pii.Text, len(values))
	for item, v := range values {
		sealed[item] = pii.New(v)
	}
	return s.Try(func(ctx context.Context, tx *db.Tx) error {
		_, err := s.Vault.Put(ctx, tx, s.By(), service, id, purpose, sealed)
		return err
	})
}

func (s *story) use(id family.ID, activity charter.Activity, purpose, party string, items ...string) error {
	u := gate.Use{Service: service, Child: id, Activity: activity, Purpose: purpose, Items: items, Party: party}
	var p *vault.Prepared
	err := s.Store.View(context.Background(), func(tx *db.Tx) (err error) {
		p, err = s.Vault.Prepare(context.Background(), tx, u)
		return err
	})
	if err != nil {
		return err
	}
	return s.Try(func(ctx context.Context, tx *db.Tx) error {
		_, err := s.Vault.Open(ctx, tx, s.By(), u, p)
		return err
	})
}

func (s *story) seal(id family.ID, purpose, item, value string) (sealed string, err error) {
	u := gate.Use{Service: service, Child: id, Activity: charter.Store, Purpose: purpose, Items: []string{item}}
	err = s.Try(func(ctx context.Context, tx *db.Tx) error {
		out, err := s.Vault.Seal(ctx, tx, s.By(), u, map[string]pii.Text{item: pii.New(value)}, nil)
		sealed = out.Values[item]
		return err
	})
	return sealed, err
}

func (s *story) unseal(id family.ID, purpose, item, sealed string) error {
	u := gate.Use{Service: service, Child: id, Activity: charter.Use, Purpose: purpose, Items: []string{item}}
	return s.Try(func(ctx context.Context, tx *db.Tx) error {
		_, err := s.Vault.Unseal(ctx, tx, s.By(), u, map[string]string{item: sealed}, nil)
		return err
	})
}

// guardian ties another person to the child.
func (s *story) guardian(id family.ID, r family.Relation) (g family.Guardian, err error) {
	s.tied++
	phone := pii.New(fmt.Sprintf("139%08d", s.tied))
	err = s.locked(id, func(ctx context.Context, tx *db.Tx, c family.Child) (err error) {
		g, _, err = s.Vault.Gate.AddGuardian(ctx, tx, s.App, c, family.Person{Phone: phone, Relation: r})
		return err
	})
	return g, err
}

func (s *story) guardians(id family.ID) (all []family.Guardian) {
	s.do(func(ctx context.Context, tx *db.Tx) error {
		all = nil
		return tx.Together(ctx, family.ReadGuardians(&all, id))
	})
	return all
}

func (s *story) verify(g family.Guardian, strength family.Strength) error {
	return s.locked(g.Child, func(ctx context.Context, tx *db.Tx, c family.Child) error {
		if strength == family.Unproved {
			_, _, err := s.Desk.Unverify(ctx, tx, s.Officer, c, g.ID)
			return err
		}
		_, _, err := family.ReverifyGuardian(ctx, tx, s.Officer, c, g.ID, strength)
		return err
	})
}

func (s *story) end(g family.Guardian) error {
	return s.locked(g.Child, func(ctx context.Context, tx *db.Tx, c family.Child) error {
		_, err := s.Desk.EndGuardian(ctx, tx, s.Officer, c, g.ID)
		return err
	})
}

// says walks a guardian from the request to the answer, as a page would.
func (s *story) says(g family.Guardian, yes func(purpose string) bool, purposes ...string) error {
	r, err := s.asks(g, purposes...)
	if err != nil {
		return err
	}
	return s.answers(r, yes)
}

// asks leaves a request that waits.
func (s *story) asks(g family.Guardian, purposes ...string) (r consent.Request, err error) {
	err = s.Try(func(ctx context.Context, tx *db.Tx) error {
		c, err := family.Find(ctx, tx, service, g.Child)
		if err != nil {
			return err
		}
		asker := consent.Asker(s.App)
		if g.MayAnswer() {
			asker = g // a guardian may come back to what was refused (edge case 26)
		}
		r, _, _, err = s.Desk.Ask(ctx, tx, asker, c, consent.Asking{Guardian: g.ID, Purposes: purposes, Channel: consent.SMS, Locale: "zh-CN"})
		return err
	})
	if err != nil {
		return r, err
	}
	err = s.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		r, _, _, _, err = s.Desk.Send(ctx, tx, s.App, r)
		return err
	})
	return r, err
}

// answers opens a request that waits, proves who is there, and answers it.
func (s *story) answers(r consent.Request, yes func(purpose string) bool) error {
	err := s.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		r, _, _, err = s.Desk.Open(ctx, tx, r, "en", consent.OnPage)
		return err
	})
	if err != nil {
		return err
	}
	r, by, err := s.proves(r)
	if err != nil {
		return err
	}
	return s.Try(func(ctx context.Context, tx *db.Tx) error {
		answers := make(map[string]bool, len(r.Purposes))
		for _, p := range r.Purposes {
			answers[p] = yes(p)
		}
		r, _, err := s.Desk.ShowPage(ctx, tx, r, "<p>a page with questions</p>")
		if err != nil {
			return err
		}
		_, err = s.Desk.Give(ctx, tx, by, r, r.Shown, answers)
		return err
	})
}

// proves types a wrong code and the right one.
func (s *story) proves(r consent.Request) (consent.Request, family.Guardian, error) {
	var code consent.OneTime
	var proof string
	var by family.Guardian
	for _, step := range []func(ctx context.Context, tx *db.Tx) error{
		func(ctx context.Context, tx *db.Tx) (err error) {
			code, err = s.Desk.SendCode(ctx, tx, r)
			return err
		},
		func(ctx context.Context, tx *db.Tx) error {
			if _, _, _, err := s.Desk.VerifyCode(ctx, tx, r, pii.New("no code")); !errors.Is(err, consent.ErrCodeWrong) {
				return err
			}
			return nil
		},
		func(ctx context.Context, tx *db.Tx) (err error) {
			r, proof, _, err = s.Desk.VerifyCode(ctx, tx, r, code.Code)
			return err
		},
		func(ctx context.Context, tx *db.Tx) (err error) {
			by, err = s.Desk.Guardian(ctx, tx, r, proof)
			return err
		},
	} {
		if err := s.Try(step); err != nil {
			return r, by, err
		}
	}
	return r, by, nil
}

// thinksAgain brings a guardian back through the last request it answered, to a
// new one of its own.
func (s *story) thinksAgain(g family.Guardian, yes func(purpose string) bool, purposes ...string) error {
	var all []consent.Request
	err := s.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		all, err = consent.Requests(ctx, tx, g.Child)
		return err
	})
	if err != nil {
		return err
	}
	slices.Reverse(all)
	i := slices.IndexFunc(all, func(r consent.Request) bool { return r.Guardian == g.ID && r.State == consent.Answered })
	if i < 0 {
		return consent.ErrNoRequest
	}
	r, by, err := s.proves(all[i])
	if err != nil {
		return err
	}
	err = s.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		r, _, _, err = s.Desk.AskAgain(ctx, tx, by, r, purposes)
		return err
	})
	if err != nil {
		return err
	}
	return s.answers(r, yes)
}

func (s *story) withdraw(g family.Guardian, purpose string) error {
	return s.Try(func(ctx context.Context, tx *db.Tx) error {
		c, err := family.Find(ctx, tx, service, g.Child)
		if err != nil {
			return err
		}
		_, err = s.Desk.Withdraw(ctx, tx, g, c, purpose)
		return err
	})
}

// change publishes the other charter.
func (s *story) change() {
	s.T.Helper()
	s.Publish(s.editions[s.turn%2])
	s.turn++
}

func (s *story) sweep() error {
	_, err := retention.Sweep(context.Background(), s.Store, s.Vault)
	return err
}

func (s *story) erase(id family.ID) error {
	return s.Try(func(ctx context.Context, tx *db.Tx) error {
		_, err := s.Vault.Erase(ctx, tx, s.App.Ledger(), service, id, family.Requested)
		return err
	})
}

func (s *story) rotate(overlap time.Duration, life time.Duration) {
	s.T.Helper()
	s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		s.App, _, _, err = account.Rotate(ctx, tx, terminal, service, s.App.ID, overlap, tx.Now().Add(life))
		return err
	})
}

func (s *story) issue(scopes account.Scopes) {
	s.T.Helper()
	s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		s.App, _, _, err = account.IssueApp(ctx, tx, terminal, service, "another", scopes, time.Time{})
		return err
	})
}

func (s *story) correct(id family.ID, b age.Birth) error {
	return s.locked(id, func(ctx context.Context, tx *db.Tx, c family.Child) error {
		_, _, err := family.Correct(ctx, tx, s.Ring, s.App, c, b, family.FromApp)
		return err
	})
}

// happens reports an event, at the zero time now.
func (s *story) happens(id family.ID, event string, at time.Time) error {
	_, err := s.Event(family.Child{ID: id}, event, at)
	return err
}

func (s *story) freeze(id family.ID, frozen bool) error {
	return s.locked(id, func(ctx context.Context, tx *db.Tx, c family.Child) (err error) {
		if frozen {
			_, err = family.Freeze(ctx, tx, s.App, c, family.DeletionRequested)
		} else {
			_, err = family.Unfreeze(ctx, tx, s.Officer, c)
		}
		return err
	})
}

// vacate leaves the deputy's office empty; fill puts somebody in.
func (s *story) vacate() error {
	return s.Try(func(ctx context.Context, tx *db.Tx) error {
		sv, err := catalog.Find(ctx, tx, service)
		if err != nil {
			return err
		}
		_, _, err = catalog.EndOffice(ctx, tx, terminal, service, sv.DeputyID)
		return err
	})
}

func (s *story) fill(r catalog.Role) {
	s.T.Helper()
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		o, _, err := catalog.Appoint(ctx, tx, terminal, service, r, "某"+string(r), "someone@xiaoxi-english.example")
		if err == nil && r == catalog.RoleOfficer {
			s.Officer = o
		}
		return err
	})
}

// denied fails the test unless err is a denial of the gate.
func denied(t testing.TB, err error, code string) {
	t.Helper()
	d, ok := errors.AsType[*gate.Denied](err)
	if !ok {
		t.Fatalf("got %v, want a denial", err)
	}
	for _, r := range d.Reasons {
		if r.Code == code {
			return
		}
	}
	t.Fatalf("got %v, want %s", d, code)
}

func ok(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func all(string) bool  { return true }
func none(string) bool { return false }

// pull has a party fetch something by itself.
func (s *story) pull(key string, id family.ID, items ...string) error {
	return s.Try(func(ctx context.Context, tx *db.Tx) error {
		by, err := party.ClientOf(ctx, tx, key)
		if err == nil {
			_, err = s.Vault.Pull(ctx, tx, by, id, "speaking-practice", items)
		}
		return err
	})
}
