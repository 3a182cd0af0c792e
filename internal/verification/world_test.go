package verification_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/notify"
	"wardkeep/internal/replay"
	"wardkeep/internal/retention"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/verification"
)

// A world is a service in order whose provider and official service are played.
type world struct {
	*vaulttest.World
	t      *testing.T
	desk   verification.Desk
	said   verification.Reply // what the providers answer
	down   bool
	mu     sync.Mutex
	asked  []verification.Question
	secret []byte
	hook   *notify.Hook
}

// Ask records the question.
func (w *world) Ask(_ context.Context, q verification.Question) (verification.Reply, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, q)
	if w.down {
		return verification.Reply{}, notify.ErrUnavailable
	}
	return w.said, nil
}

// Signed checks as the real one does.
func (w *world) Signed(h http.Header, body []byte, now time.Time) bool {
	return w.hook.Signed(h, body, now)
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	vaulttest.Each(t, func(t *testing.T, v *vaulttest.World) {
		w := &world{World: v, t: t, secret: []byte(strings.Repeat("k", 24)), said: verification.Reply{Result: verification.ResultMatch, Reference: "ref-1"}}
		w.hook = hook(t, "http://127.0.0.1:1/", w.secret)
		w.desk = verification.Desk{Consent: v.Desk, Number: w, Official: w, Documents: true,
			Callback: "https://wardkeep.example/v1/verification/callback", Hosts: []string{"id.example"}}
		fn(t, w)
		report, err := replay.Audit(t.Context(), v.Store, v.Ring, catalog.NewCache(4), replay.Options{})
		if err != nil || !report.OK() {
			t.Errorf("%v, %v", report.Differences, err)
		}
	})
}

func hook(t *testing.T, url string, secret []byte) *notify.Hook {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("whsec_"+base64.StdEncoding.EncodeToString(secret)), 0o600); err != nil {
		t.Fatal(err)
	}
	h, err := notify.NewHook(notify.HookConfig{URL: url, SecretFile: file, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// signed is the headers of Standard Webhooks, made here independently.
func signed(secret []byte, body []byte, at time.Time) http.Header {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "msg_1.%s.%s", stamp, body)
	h := make(http.Header)
	h.Set("webhook-id", "msg_1")
	h.Set("webhook-timestamp", stamp)
	h.Set("webhook-signature", "v1,AAAA v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return h
}

// A seat is a guardian at a browser, after a one-time code.
type seat struct {
	request  consent.Request
	proof    string
	guardian family.GuardianID
}

// sit asks a guardian of the child and types the code.
func (w *world) sit(c family.Child, g family.Guardian, purposes ...string) (s seat) {
	w.t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		child, err := family.Find(ctx, tx, vaulttest.Service, c.ID)
		if err != nil {
			return err
		}
		by := consent.Asker(w.App)
		if g.MayAnswer() {
			by = g
		}
		r, _, _, err := w.Desk.Ask(ctx, tx, by, child, consent.Asking{Guardian: g.ID, Purposes: purposes, Channel: consent.Link, Locale: "zh-CN"})
		if err != nil {
			return err
		}
		r, _, _, err = w.Desk.Open(ctx, tx, r, "zh-CN", consent.OnPage)
		s = seat{request: r, guardian: g.ID}
		return err
	})
	w.code(&s)
	return s
}

// placed gives what has happened its places in the ledger, as a server does within a second:
// of what happens hours apart nothing waits together.
func (w *world) placed() {
	w.t.Helper()
	const origin = "wardkeep.example.com/ledger"
	signer, _, err := ledger.NewSigner(origin, w.Ring.Signer().Seed())
	if err != nil {
		w.t.Fatal(err)
	}
	if err := ledger.Open(w.Store, origin, signer).Flush(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// code types a code again at the same request.
func (w *world) code(s *seat) {
	w.t.Helper()
	w.placed()
	w.Pass(time.Hour) // codes are limited
	var code consent.OneTime
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		code, err = w.Desk.SendCode(ctx, tx, s.request)
		return err
	})
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		s.request, s.proof, _, err = w.Desk.VerifyCode(ctx, tx, s.request, code.Code)
		return err
	})
}

// person returns the guardian in force, and as the browser shows it.
func (w *world) person(s seat) (force, shown family.Guardian) {
	w.t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		if force, err = family.FindGuardian(ctx, tx, s.request.Child, s.guardian); err != nil {
			return err
		}
		shown, err = w.Desk.Guardian(ctx, tx, s.request, s.proof)
		return err
	})
	return force, shown
}

func (w *world) strengths(s seat, force, shown family.Strength) {
	w.t.Helper()
	f, b := w.person(s)
	if f.Strength != force || b.Strength != shown {
		w.t.Errorf("strength %d in force, %d in the browser; want %d, %d", f.Strength, b.Strength, force, shown)
	}
}

// Numbers with a good check digit, of nobody.
var (
	adult   = number("1980-03-05", 1)
	another = number("1981-07-15", 2)
)

// number makes an identity number of somebody born that day.
func number(birth string, n int) string {
	s := "110101" + strings.ReplaceAll(birth, "-", "") + fmt.Sprintf("%03d", n)
	weights := []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		sum += w * int(s[i]-'0')
	}
	return s + string("10X98765432"[sum%11])
}

func (w *world) number(s seat, number string) error {
	var check verification.Check
	who := verification.Identity{Name: pii.New("王芳"), Number: pii.New(number)}
	err := w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		check, err = w.desk.StartNumber(ctx, tx, s.request, s.proof, who)
		return err
	})
	if err != nil || !check.Open() {
		return err
	}
	reply, asked := w.desk.Ask(context.Background(), check)
	return w.Try(func(ctx context.Context, tx *db.Tx) error {
		_, err := w.desk.FinishNumber(ctx, tx, check, reply, asked)
		return err
	})
}

func (w *world) visit(s seat) (v verification.Visit, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		v, err = w.desk.StartOfficial(ctx, tx, s.request, s.proof)
		return err
	})
	return v, err
}

func (w *world) nonce() string { return w.asked[len(w.asked)-1].Nonce }

// report posts what the official service says.
func (w *world) report(v verification.Visit, change func(m map[string]any)) error {
	m := map[string]any{"type": "identity.result", "verification": v.ID, "nonce": w.nonce(), "result": "match", "adult": true, "subject": "op-1", "reference": "r1"}
	if change != nil {
		change(m)
	}
	body, err := json.Marshal(m)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.post(signed(w.secret, body, w.Store.Now()), body)
}

func (w *world) post(h http.Header, body []byte) error {
	return w.Try(func(ctx context.Context, tx *db.Tx) error {
		_, err := w.desk.Report(ctx, tx, h, body)
		return err
	})
}

func (w *world) sweep() retention.Swept {
	w.t.Helper()
	done, err := retention.Sweep(context.Background(), w.Store, w.Vault)
	if err != nil {
		w.t.Fatal(err)
	}
	return done
}

func (w *world) refused(err, want error) {
	w.t.Helper()
	if !errors.Is(err, want) {
		w.t.Errorf("got %v, want %v", err, want)
	}
}

// family makes a child with one guardian who has answered nothing yet.
func (w *world) family() (family.Child, family.Guardian) { return w.Enrol() }

func (w *world) add(c family.Child, p family.Person) (g family.Guardian) {
	w.t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		c, err := family.Lock(ctx, tx, c.Service, c.ID)
		if err != nil {
			return err
		}
		g, _, err = family.AddGuardian(ctx, tx, w.Ring, w.App, c, p)
		return err
	})
	return g
}

// silent fails the test if any table or entry holds one of the texts in clear.
func (w *world) silent(texts ...string) {
	w.t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		for _, query := range []string{
			`SELECT entry FROM ledger_pending ORDER BY id`,
			`SELECT sealed FROM proof WHERE sealed IS NOT NULL ORDER BY child, guardian, kind`,
			`SELECT sealed FROM verification_document ORDER BY child, verification, n`,
			`SELECT identity FROM verification WHERE identity IS NOT NULL ORDER BY child, id`,
		} {
			all, err := db.All(ctx, tx, db.Single[[]byte], query)
			if err != nil {
				return err
			}
			for _, b := range all {
				for _, text := range texts {
					if strings.Contains(string(b), text) {
						w.t.Errorf("%s has a personal value", query)
					}
				}
			}
		}
		return nil
	})
}

func (w *world) count(table string, child family.ID) (n int64) {
	w.t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		n, err = db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM `+table+` WHERE child = $1`, child)
		return err
	})
	return n
}

func (w *world) deputy() (o catalog.Officer) {
	w.t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		all, err := catalog.InOffice(ctx, tx, vaulttest.Service)
		for _, one := range all {
			if one.Role == catalog.RoleDeputy {
				o = one
			}
		}
		return err
	})
	if !id.Is(id.Staff, o.ID) {
		w.t.Fatal("nobody is deputy")
	}
	return o
}
