package cessation_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/cessation"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
	"wardkeep/internal/replay"
	"wardkeep/internal/vault/vaulttest"
)

const (
	day  = 24 * time.Hour
	site = "https://wardkeep.example.com"
)

// A house is a world whose ledger gives places, and whose guardians are told.
type house struct {
	*vaulttest.World
	t        *testing.T
	log      *ledger.Log
	outbox   *notify.Outbox
	farewell *message.Farewell
	from     int64 // up to where in the ledger everybody was told
	silent   bool  // messages aren't sent for now
}

func each(t *testing.T, fn func(t *testing.T, h *house)) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		const origin = "wardkeep.example.com/ledger"
		signer, _, err := ledger.NewSigner(origin, w.Ring.Signer().Seed())
		if err != nil {
			t.Fatal(err)
		}
		outbox := notify.NewOutbox(1000)
		h := &house{World: w, t: t, log: ledger.Open(w.Store, origin, signer), outbox: outbox, farewell: &message.Farewell{
			Desk: w.Desk, Messages: notify.Router{notify.SMS: outbox}, PublicURL: site, Log: slog.New(slog.DiscardHandler),
		}}
		fn(t, h)
		report, err := replay.Audit(t.Context(), w.Store, w.Ring, catalog.NewCache(4), replay.Options{})
		if err != nil || !report.OK() {
			t.Errorf("%v, %v", report.Differences, err)
		}
	})
}

// agreed registers a child with this phone, whose guardian agrees to everything.
func (h *house) agreed(phone string) (child family.Child) {
	h.t.Helper()
	h.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		child, _, _, err = h.Vault.Gate.Register(ctx, tx, h.App, family.Enrolment{Service: vaulttest.Service, Ref: pii.New(id.Secret(16)),
			Guardian: family.Person{Phone: pii.New(phone), Relation: family.Parent}})
		return err
	})
	h.Answer(child, consent.ForceGranted)
	return child
}

// announces has the officer announce an end, and returns what becomes of it.
func (h *house) announces(purpose string, window time.Duration) (c catalog.Cessation, err error) {
	err = h.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		c, _, err = catalog.Cease(ctx, tx, h.Officer, vaulttest.Service, purpose, catalog.Discontinued, tx.Now().Add(window))
		return err
	})
	return c, err
}

// must is announces where nothing is in the way.
func (h *house) must(purpose string, window time.Duration) {
	h.t.Helper()
	if _, err := h.announces(purpose, window); err != nil {
		h.t.Fatal(err)
	}
}

// round takes the steps that can be taken, a moment later, and has people told.
func (h *house) round() cessation.Done {
	h.t.Helper()
	done, err := h.tryRound()
	if err != nil {
		h.t.Fatal(err)
	}
	return done
}

func (h *house) tryRound() (cessation.Done, error) {
	h.t.Helper()
	h.Pass(time.Minute)
	if err := h.log.Flush(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	h.tell()
	done, err := cessation.Round(h.t.Context(), h.Store, h.Vault, h.farewell, h.told)
	h.farewell.Wait()
	if err := h.log.Flush(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	return done, err
}

// tell sends what the ledger asks for, unless nothing is sent for now.
func (h *house) tell() {
	h.t.Helper()
	if h.silent {
		return
	}
	var due []message.Due
	if err := h.Store.View(h.t.Context(), func(tx *db.Tx) (err error) {
		due, h.from, err = message.FromLedger(h.t.Context(), tx, h.Ring, h.from)
		return err
	}); err != nil {
		h.t.Fatal(err)
	}
	teller := message.Teller{Store: h.Store, Desk: h.Desk, Messages: notify.Router{notify.SMS: h.outbox}, PublicURL: site}
	for _, d := range due {
		if err := teller.Send(h.t.Context(), d); err != nil && !errors.Is(err, message.ErrNobody) {
			h.t.Fatal(err)
		}
	}
}

func (h *house) told(_ context.Context, place int64) (bool, error) { return h.from >= place, nil }

// letters returns who was sent a message of the kind, sorted.
func (h *house) letters(kind string) (all []string) {
	for _, m := range h.outbox.Messages() {
		if m.Message.Kind == kind {
			all = append(all, strings.TrimPrefix(m.Message.To.Reveal(), "+86"))
		}
	}
	slices.Sort(all)
	return all
}

// exec changes one row by hand.
func (h *house) exec(query string, args ...any) {
	h.t.Helper()
	h.Do(func(ctx context.Context, tx *db.Tx) error {
		n, err := tx.Exec(ctx, query, args...)
		if err == nil && n != 1 {
			h.t.Errorf("%s: %d rows", query, n)
		}
		return err
	})
}

func (h *house) ceasing(purpose string) (c catalog.Cessation) {
	h.t.Helper()
	h.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		c, err = catalog.FindCessation(ctx, tx, vaulttest.Service, purpose)
		return err
	})
	return c
}

// lastAt returns until when the guardians of a child can look who were told late.
func (h *house) lastAt(child family.Child) (at time.Time) {
	h.t.Helper()
	h.Do(func(ctx context.Context, tx *db.Tx) error {
		all, err := cessation.Late(ctx, tx, child.ID)
		for _, ends := range all {
			at = ends
		}
		return err
	})
	return at
}

// late returns how many ends should be over.
func (h *house) late() (n int64) {
	h.t.Helper()
	h.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		n, err = catalog.CountLate(ctx, tx, "", cessation.Patience)
		return err
	})
	return n
}

func (h *house) living() (n int64) {
	h.t.Helper()
	h.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		n, err = cessation.Living(ctx, tx, vaulttest.Service)
		return err
	})
	return n
}

// sees has the first guardian of a child look at a value.
func (h *house) sees(child family.Child, item string) error {
	g := h.Guardian(child)
	g.Strength = family.OneTimeCode
	return h.Try(func(ctx context.Context, tx *db.Tx) error {
		_, err := h.Vault.View(ctx, tx, g, vaulttest.Service, item)
		return err
	})
}

func reason(t *testing.T, err error, want string) {
	t.Helper()
	denied, ok := errors.AsType[*gate.Denied](err)
	if !ok || !slices.ContainsFunc(denied.Reasons, func(d gate.Denial) bool { return d.Code == want && d.Article == "23" }) {
		t.Errorf("%v, want %s", err, want)
	}
}
