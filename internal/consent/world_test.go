package consent_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
)

// A world is a store with the service xiaoxi, its charter in force and an app.
type world struct {
	t       *testing.T
	ctx     context.Context
	store   *db.DB
	desk    consent.Desk
	app     account.App
	officer catalog.Officer
	clock   atomic.Int64 // µs
}

const service = "xiaoxi-english"

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	dbtest.Each(t, func(t *testing.T, store *db.DB) {
		w := &world{t: t, ctx: t.Context(), store: store}
		w.clock.Store(time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC).UnixMicro())
		store.Now = func() time.Time { return time.UnixMicro(w.clock.Load()).UTC() }
		w.desk = consent.Desk{Ring: ring(t), Charters: catalog.NewCache(16)}
		dbtest.PoolKey(t, store, w.desk.Ring.CurrentPool())
		w.create(service, catalog.Live)
		w.publish(first(t))
		w.app = w.issue(service)
		fn(t, w)
	})
}

func ring(t *testing.T) *keyring.Ring {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "kek")
	if err := keyring.CreateKeyFile(file, filepath.Join(dir, "data")); err != nil {
		t.Fatal(err)
	}
	kek, err := keyring.OpenKeyFile(file)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := keyring.Generate(t.Context(), kek, keyring.AES256GCM)
	if err != nil {
		t.Fatal(err)
	}
	r, err := keyring.Open(t.Context(), kek, stored)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// first is the example's charter; changed keeps recordings longer, which is a
// material change of speaking-practice alone.
func first(t *testing.T) *charter.Charter { return load(t, func(s string) string { return s }) }

func changed(t *testing.T) *charter.Charter {
	return load(t, func(s string) string {
		head, rest, ok := strings.Cut(s, "- name: speaking-practice")
		longer := strings.Replace(rest, "period: 90d", "period: 120d", 1)
		if !ok || longer == rest {
			t.Fatal("the example keeps no recordings for 90 days")
		}
		return head + "- name: speaking-practice" + longer
	})
}

func load(t *testing.T, change func(string) string) *charter.Charter {
	t.Helper()
	folder := fstest.MapFS{}
	files, err := filepath.Glob("../../examples/xiaoxi-english/*.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if filepath.Ext(file) == ".csv" {
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(file) == "charter.yaml" {
			b = []byte(change(string(b)))
		}
		folder[filepath.Base(file)] = &fstest.MapFile{Data: b}
	}
	c, err := charter.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// try runs fn in a transaction of its own.
func (w *world) try(fn func(tx *db.Tx) error) error { return w.store.Update(w.ctx, fn) }

// do is try for what must succeed.
func (w *world) do(fn func(tx *db.Tx) error) {
	w.t.Helper()
	if err := w.try(fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) pass(d time.Duration) { w.clock.Add(d.Microseconds()) }

// refused fails the test unless err is want.
func (w *world) refused(err, want error) {
	w.t.Helper()
	if !errors.Is(err, want) {
		w.t.Errorf("got %v, want %v", err, want)
	}
}

func (w *world) child(service string, id family.ID) (c family.Child) {
	w.t.Helper()
	w.do(func(tx *db.Tx) (err error) {
		c, err = family.Find(w.ctx, tx, service, id)
		return err
	})
	return c
}

func (w *world) find(c family.Child, id family.GuardianID) family.Guardian {
	w.t.Helper()
	_, guardians := w.standing(c)
	for _, g := range guardians {
		if g.ID == id {
			return g
		}
	}
	w.t.Fatalf("no guardian %s", id)
	return family.Guardian{}
}

func (w *world) standing(c family.Child) (answers []consent.Answer, guardians []family.Guardian) {
	w.t.Helper()
	w.do(func(tx *db.Tx) error {
		answers, guardians = nil, nil
		return tx.Together(w.ctx, consent.ReadStanding(&answers, c.ID), family.ReadGuardians(&guardians, c.ID))
	})
	return answers, guardians
}

// verdict is what the gate would hear about a purpose.
func (w *world) verdict(c family.Child, purpose string, since int64) consent.Verdict {
	w.t.Helper()
	answers, guardians := w.standing(c)
	class, err := c.Class(w.desk.Ring, w.store.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	return consent.Standing(answers, guardians, class, purpose, since)
}

func (w *world) ask(by consent.Asker, c family.Child, a consent.Asking) (r consent.Request, s consent.Secrets, err error) {
	if a.Channel == "" {
		a.Channel = consent.SMS
	}
	if a.Locale == "" {
		a.Locale = "zh-CN"
	}
	err = w.try(func(tx *db.Tx) (err error) {
		r, s, _, err = w.desk.Ask(w.ctx, tx, by, c, a)
		return err
	})
	return r, s, err
}

func (w *world) mustAsk(by consent.Asker, c family.Child, a consent.Asking) (consent.Request, consent.Secrets) {
	w.t.Helper()
	r, s, err := w.ask(by, c, a)
	if err != nil {
		w.t.Fatal(err)
	}
	return r, s
}

// open opens a request as a page does: with the questions for who is verified.
func (w *world) open(r consent.Request, lang string) (consent.Request, error) {
	err := w.try(func(tx *db.Tx) (err error) {
		if r, _, _, err = w.desk.Open(w.ctx, tx, r, lang, consent.OnPage); err != nil || r.State != consent.Verified {
			return err
		}
		r, _, err = w.desk.ShowPage(w.ctx, tx, r, questions(lang))
		return err
	})
	return r, err
}

func questions(lang string) string { return "<p>the questions in " + lang + "</p>" }

func (w *world) sendCode(r consent.Request) (code consent.OneTime, err error) {
	err = w.try(func(tx *db.Tx) (err error) {
		code, err = w.desk.SendCode(w.ctx, tx, r)
		return err
	})
	return code, err
}

func (w *world) verify(r consent.Request, code string) (_ consent.Request, proof string, err error) {
	err = w.try(func(tx *db.Tx) (err error) {
		r, proof, _, err = w.desk.VerifyCode(w.ctx, tx, r, pii.New(code))
		return err
	})
	return r, proof, err
}

// verified opens a request, verifies its guardian, and shows the questions.
func (w *world) verified(r consent.Request) (consent.Request, family.Guardian) {
	w.t.Helper()
	r, err := w.open(r, r.Locale)
	if err != nil {
		w.t.Fatal(err)
	}
	code, err := w.sendCode(r)
	if err != nil {
		w.t.Fatal(err)
	}
	r, proof, err := w.verify(r, code.Code.Reveal())
	if err != nil {
		w.t.Fatal(err)
	}
	g := w.signIn(r, proof)
	if r, err = w.open(r, r.Locale); err != nil {
		w.t.Fatal(err)
	}
	return r, g
}

func (w *world) signIn(r consent.Request, proof string) (g family.Guardian) {
	w.t.Helper()
	w.do(func(tx *db.Tx) (err error) {
		g, err = w.desk.Guardian(w.ctx, tx, r, proof)
		return err
	})
	return g
}

func (w *world) give(g family.Guardian, r consent.Request, answers map[string]bool) (given []consent.Answer, err error) {
	err = w.try(func(tx *db.Tx) (err error) {
		given, err = w.desk.Give(w.ctx, tx, g, r, r.Shown, answers)
		return err
	})
	return given, err
}

// answered asks a guardian about the purposes and gives one answer to all.
func (w *world) answered(by consent.Asker, c family.Child, to family.Guardian, yes bool, purposes ...string) (consent.Request, family.Guardian) {
	w.t.Helper()
	r, _ := w.mustAsk(by, c, consent.Asking{Guardian: to.ID, Purposes: purposes})
	r, g := w.verified(r)
	if _, err := w.give(g, r, all(r, yes)); err != nil {
		w.t.Fatal(err)
	}
	return r, g
}

func (w *world) withdraw(g family.Guardian, c family.Child, purpose string) (a consent.Answer, err error) {
	err = w.try(func(tx *db.Tx) (err error) {
		a, err = w.desk.Withdraw(w.ctx, tx, g, c, purpose)
		return err
	})
	return a, err
}

func all(r consent.Request, yes bool) map[string]bool {
	answers := make(map[string]bool)
	for _, p := range r.Purposes {
		answers[p] = yes
	}
	return answers
}

// An entry is what the tests read of a ledger entry.
type entry struct {
	ID, Kind, Subject, Actor string
	Version                  int64
	Body                     json.RawMessage
}

// entries returns the entries of a child in the order of its versions.
func (w *world) entries(c family.Child) (all []entry) {
	w.t.Helper()
	w.do(func(tx *db.Tx) (err error) {
		all, err = db.All(w.ctx, tx, func(row db.Row) (e entry, err error) {
			var b []byte
			if err := row.Scan(&b); err != nil {
				return e, err
			}
			return e, json.Unmarshal(b, &e)
		}, `SELECT entry FROM ledger_pending WHERE subject = $1 ORDER BY version, id`, c.Subject)
		return err
	})
	return all
}

// kinds returns the kinds of a child's entries about consent.
func (w *world) kinds(c family.Child) (kinds []string) {
	for _, e := range w.entries(c) {
		if strings.HasPrefix(e.Kind, "consent.") {
			kinds = append(kinds, e.Kind)
		}
	}
	return kinds
}

// silent fails the test if any text of a personal value or secret is in the
// ledger's entries.
func (w *world) silent(c family.Child, texts ...string) {
	w.t.Helper()
	for _, e := range w.entries(c) {
		b, err := json.Marshal(e)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, text := range append(texts, string(c.ID)) {
			if text != "" && bytes.Contains(b, []byte(text)) {
				w.t.Errorf("the entry %s tells %q", e.Kind, text)
			}
		}
	}
}
