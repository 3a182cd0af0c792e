package message_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/legal"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
	"wardkeep/internal/replay"
	"wardkeep/internal/vault"
	"wardkeep/internal/vault/vaulttest"
)

const (
	site   = "https://wardkeep.example.com"
	origin = "wardkeep.example.com/ledger"
)

// A desk is a world with a ledger that gives places, and a gateway that keeps what
// it takes.
type desk struct {
	*vaulttest.World
	t        *testing.T
	log      *ledger.Log
	outbox   *notify.Outbox
	farewell *message.Farewell
	from     int64 // the place in the ledger up to which tell has told
	seen     int   // how many messages it has returned
}

func each(t *testing.T, fn func(t *testing.T, d *desk)) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		fn(t, newDesk(t, w))
		report, err := replay.Audit(t.Context(), w.Store, w.Ring, catalog.NewCache(4), replay.Options{})
		if err != nil || !report.OK() {
			t.Errorf("%v, %v", report.Differences, err)
		}
	})
}

func newDesk(t *testing.T, w *vaulttest.World) *desk {
	t.Helper()
	signer, _, err := ledger.NewSigner(origin, w.Ring.Signer().Seed())
	if err != nil {
		t.Fatal(err)
	}
	outbox := notify.NewOutbox(100)
	return &desk{World: w, t: t, log: ledger.Open(w.Store, origin, signer), outbox: outbox, farewell: &message.Farewell{
		Desk: w.Desk, Messages: notify.Router{notify.SMS: outbox, notify.Email: outbox}, PublicURL: site, Log: slog.New(slog.DiscardHandler),
	}}
}

// An asked is a request with the way to it.
type asked struct {
	consent.Request
	child family.Child
	proof string // of the browser
}

// keeping is what a law demands to keep of a child that is erased.
func (d *desk) keeping(ctx context.Context, tx *db.Tx, c family.Child) []legal.Keep {
	d.T.Helper()
	keep, err := vault.Keeping(ctx, tx, c)
	if err != nil {
		d.T.Error(err)
	}
	return keep
}

// answer asks the guardian of a child, who reads the notice in a language, and
// answers yes but to what is refused.
func (d *desk) answer(child family.Child, asking consent.Asking, lang string, refused ...string) (a asked) {
	d.t.Helper()
	a = d.ask(child, asking, lang)
	answers := map[string]bool{}
	for _, p := range a.Purposes {
		answers[p] = !slices.Contains(refused, p)
	}
	d.give(&a, answers)
	return a
}

func (d *desk) ask(child family.Child, asking consent.Asking, lang string) (a asked) {
	d.t.Helper()
	asking.Locale = lang
	if asking.Channel == "" {
		asking.Channel = consent.SMS
	}
	a.child = child
	d.Pass(time.Hour) // codes to one contact are limited
	d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		a.Request, _, _, err = d.Desk.Ask(ctx, tx, d.App, child, asking)
		return err
	})
	d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		a.Request, _, _, err = d.Desk.Open(ctx, tx, a.Request, lang, consent.OnPage)
		return err
	})
	d.verify(&a)
	return a
}

// verify proves again who it is.
func (d *desk) verify(a *asked) {
	d.t.Helper()
	var code consent.OneTime
	d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		code, err = d.Desk.SendCode(ctx, tx, a.Request)
		return err
	})
	d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		a.Request, a.proof, _, err = d.Desk.VerifyCode(ctx, tx, a.Request, code.Code)
		return err
	})
}

// give answers as the servers do it.
func (d *desk) give(a *asked, answers map[string]bool) {
	d.t.Helper()
	var letters []notify.Message
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		g, err := d.Desk.Guardian(ctx, tx, a.Request, a.proof)
		if err != nil {
			return err
		}
		if a.Request, _, err = d.Desk.ShowPage(ctx, tx, a.Request, "<p>a page with questions</p>"); err != nil {
			return err
		}
		given, err := d.Desk.Give(ctx, tx, g, a.Request, a.Shown, maps.Clone(answers))
		letters = d.farewell.Refused(ctx, tx, a.Request, given)
		return err
	})
	d.farewell.Send(d.t.Context(), letters)
}

// refuse says no to everything that is asked.
func (d *desk) refuse(a *asked) {
	d.t.Helper()
	answers := map[string]bool{}
	for _, p := range a.Purposes {
		answers[p] = false
	}
	d.give(a, answers)
}

func (d *desk) withdraw(a *asked, purpose string) {
	d.t.Helper()
	d.Pass(time.Hour)
	d.verify(a)
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		g, err := d.Desk.Guardian(ctx, tx, a.Request, a.proof)
		if err != nil {
			return err
		}
		_, err = d.Desk.Withdraw(ctx, tx, g, a.child, purpose)
		return err
	})
}

// family registers a child with this contact.
func (d *desk) family(p family.Person) (child family.Child) {
	d.t.Helper()
	p.Relation = family.Parent
	d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		child, _, _, err = d.Vault.Gate.Register(ctx, tx, d.App, family.Enrolment{Service: vaulttest.Service, Ref: pii.New("r-" + time.Now().String()), Guardian: p})
		return err
	})
	return child
}

// change runs fn with the child locked.
func (d *desk) change(child family.Child, fn func(ctx context.Context, tx *db.Tx, c family.Child) error) {
	d.t.Helper()
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		c, err := family.Lock(ctx, tx, vaulttest.Service, child.ID)
		if err != nil {
			return err
		}
		return fn(ctx, tx, c)
	})
}

// add ties another person to the child.
func (d *desk) add(child family.Child, p family.Person) (g family.Guardian) {
	d.t.Helper()
	d.change(child, func(ctx context.Context, tx *db.Tx, c family.Child) (err error) {
		g, _, err = family.AddGuardian(ctx, tx, d.Ring, d.App, c, p)
		return err
	})
	return g
}

// due returns what the ledger asks for, from a place on.
func (d *desk) due(from int64) (due []message.Due, next int64) {
	d.t.Helper()
	if err := d.log.Flush(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	err := d.Store.View(d.t.Context(), func(tx *db.Tx) (err error) {
		due, next, err = message.FromLedger(d.t.Context(), tx, d.Ring, from)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return due, next
}

func (d *desk) teller(channels ...notify.Channel) message.Teller {
	router := notify.Router{}
	for _, c := range channels {
		router[c] = d.outbox
	}
	return message.Teller{Store: d.Store, Desk: d.Desk, Messages: router, PublicURL: site}
}

// tell sends all that is due since the last time, and returns what was sent since,
// farewells included, the oldest first.
func (d *desk) tell() []notify.Message {
	d.t.Helper()
	due, next := d.due(d.from)
	d.from = next
	for _, one := range due {
		if err := d.teller(notify.SMS, notify.Email).Send(d.t.Context(), one); err != nil && !errors.Is(err, message.ErrNobody) {
			d.t.Fatal(err)
		}
	}
	d.farewell.Wait()
	all := d.outbox.Messages()
	var news []notify.Message
	for _, m := range slices.Backward(all[:len(all)-d.seen]) {
		news = append(news, m.Message)
	}
	d.seen = len(all)
	return news
}

// told fails unless exactly these were told, each "kind number-or-address"; the
// order doesn't matter.
func (d *desk) told(want ...string) (all []notify.Message) {
	d.t.Helper()
	all = d.tell()
	var got []string
	for _, m := range all {
		got = append(got, m.Kind+" "+strings.TrimPrefix(m.To.Reveal(), "+86"))
		d.silent(m)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		d.t.Errorf("told %q, want %q", got, want)
	}
	return all
}

var (
	links  = regexp.MustCompile(`https?://\S+`)
	random = regexp.MustCompile(`[0-9a-z]{52}`)
)

// silent fails if a message names anybody, or leads elsewhere.
func (d *desk) silent(m notify.Message) {
	d.t.Helper()
	// The secret of a link is random, and may hold any four characters.
	text := random.ReplaceAllString(m.Text.Reveal()+m.Subject.Reveal()+m.HTML.Reveal(), "")
	for _, secret := range []string{"王芳", "李强", "13800138000", "13900139000", "wang.fang", "ch_", "gu_", "su_", "2019", "小雨"} {
		if strings.Contains(text, secret) {
			d.t.Errorf("%s holds %q", m.Kind, secret)
		}
	}
	for _, name := range []string{"ch_", "gu_", "su_", "cr_", "co_", "le_"} {
		if strings.Contains(m.ID, name) {
			d.t.Errorf("the id of %s begins with %q, as the ledger's names do", m.Kind, name)
		}
	}
	for _, to := range links.FindAllString(m.Text.Reveal(), -1) {
		if to != site && !strings.HasPrefix(to, site+"/") {
			d.t.Errorf("%s leads to %s", m.Kind, to)
		}
	}
}
