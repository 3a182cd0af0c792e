package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/access"
	"wardkeep/internal/app"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	signin "wardkeep/internal/session"
)

// A familyAtHome is a guardian with two children, who has everything that leads to a
// page. Links and cookies are good for half an hour.
type familyAtHome struct {
	home   string // the cookie of the session
	tie    string // to the first child, who has answered
	ask    string // the page for the child's device, of what the first is still asked
	link   string // to that
	typed  string // a link by which a code was typed: "link cookie"
	answer string // one by which it was answered
}

const (
	households    = 1000
	answersPerRun = 200 // each is given once
)

// settle makes households on top of the store. First what was used so far is
// counted, as a server does every ten minutes.
func (w *world) settle(ctx context.Context, a *app.App, answers int) error {
	for {
		n, err := access.Count(ctx, a.Store)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
	}
	for range households {
		var h familyAtHome
		err := a.Store.Update(ctx, func(tx *db.Tx) (err error) {
			h, err = w.household(ctx, tx, a)
			return err
		})
		if err != nil {
			return err
		}
		w.households = append(w.households, h)
	}
	for range answers {
		var form string
		err := a.Store.Update(ctx, func(tx *db.Tx) (err error) {
			r, token, proof, err := w.typed(ctx, tx, a, w.phone())
			fields := url.Values{"decision": {"agree"}, "notice": {r.Shown.Notice}, "page": {r.Shown.Page}, "ask": r.Purposes, "yes": {benchPurpose}}
			form = token + " " + proof + " " + fields.Encode()
			return err
		})
		if err != nil {
			return err
		}
		w.unanswered = append(w.unanswered, form)
	}
	return a.Ledger.Flush(ctx)
}

func (w *world) household(ctx context.Context, tx *db.Tx, a *app.App) (h familyAtHome, err error) {
	phone, desk := w.phone(), consent.Desk{Ring: a.Ring, Charters: a.Charters}
	child, err := w.enrol(ctx, tx, a, id.Secret(16), phone)
	if err != nil {
		return h, err
	}
	r, secrets, _, err := desk.Ask(ctx, tx, w.app, child, consent.Asking{Purposes: benchPurposes, Channel: consent.Link, Locale: "zh-CN"})
	if err != nil {
		return h, err
	}
	if r, _, err = desk.Force(ctx, tx, w.app, r, consent.ForceGranted); err != nil {
		return h, err
	}
	proof, err := typeCode(ctx, tx, desk, r)
	if err != nil {
		return h, err
	}
	if err := w.collect(ctx, tx, a, child); err != nil {
		return h, err
	}
	h.tie, h.answer = string(r.Guardian), secrets.Token+" "+proof
	_, waits, _, err := desk.Ask(ctx, tx, w.app, child, consent.Asking{Channel: consent.Link, Locale: "zh-CN", Nickname: pii.New("小树")})
	if err != nil {
		return h, err
	}
	h.ask, h.link = waits.Ask, waits.Token
	_, token, proof, err := w.typed(ctx, tx, a, phone)
	if err != nil {
		return h, err
	}
	h.typed = token + " " + proof
	h.home, err = signIn(ctx, tx, a, phone)
	return h, err
}

// typed registers a child whose guardian opens the link to a request and types the
// code.
func (w *world) typed(ctx context.Context, tx *db.Tx, a *app.App, phone pii.Text) (r consent.Request, token, proof string, err error) {
	desk := consent.Desk{Ring: a.Ring, Charters: a.Charters}
	child, err := w.enrol(ctx, tx, a, id.Secret(16), phone)
	if err != nil {
		return r, "", "", err
	}
	r, secrets, _, err := desk.Ask(ctx, tx, w.app, child, consent.Asking{Channel: consent.Link, Locale: "zh-CN"})
	if err != nil {
		return r, "", "", err
	}
	if r, _, _, err = desk.Open(ctx, tx, r, "zh-CN", consent.OnPage); err != nil {
		return r, "", "", err
	}
	if proof, err = typeCode(ctx, tx, desk, r); err != nil {
		return r, "", "", err
	}
	if r, err = consent.ByID(ctx, tx, r.Service, r.ID); err != nil {
		return r, "", "", err
	}
	r, _, err = desk.ShowPage(ctx, tx, r, "bench")
	return r, secrets.Token, proof, err
}

func typeCode(ctx context.Context, tx *db.Tx, desk consent.Desk, r consent.Request) (proof string, err error) {
	code, err := desk.SendCode(ctx, tx, r)
	if err != nil {
		return "", err
	}
	_, proof, _, err = desk.VerifyCode(ctx, tx, r, code.Code)
	return proof, err
}

func signIn(ctx context.Context, tx *db.Tx, a *app.App, phone pii.Text) (secret string, err error) {
	door, browser := signin.Door{Ring: a.Ring}, id.Secret(32)
	handle, err := family.ParseHandle(a.Ring, phone)
	if err != nil {
		return "", err
	}
	code, err := door.SendCode(ctx, tx, browser, handle)
	if err != nil {
		return "", err
	}
	_, secret, err = door.Enter(ctx, tx, browser, "", code.Code)
	return secret, err
}

// pages are what guardians see, in the order in which they are measured: looking at
// values comes before the page that tells who looked, and answers, which are
// confirmed by messages, come last.
var pages = []operation{
	{name: "home", status: 200, next: get("/")},
	{name: "rules", status: 200, next: get("/rules/" + benchService)},
	{name: "rules-child", status: 200, next: get("/rules/" + benchService + "/child")},
	{name: "rules-register", status: 200, next: get("/rules/" + benchService + "/register")},
	{name: "history", status: 200, next: get("/rules/" + benchService + "/history")},
	{name: "version", status: 200, next: get("/rules/" + benchService + "/history/1")},
	{name: "guide", status: 200, next: get("/guide")},
	{name: "guide-child", status: 200, next: get("/guide/child")},
	{name: "short-code", status: 200, next: get("/c")},
	{name: "ask-page", status: 200, next: of(func(h familyAtHome) (string, string) { return "/ask/" + h.ask, "" })},
	{name: "request", status: 200, next: of(func(h familyAtHome) (string, string) { return "/r/" + h.link, "" })},
	{name: "request-verified", status: 200, next: byLink(typed, "")},
	{name: "identity", status: 200, next: byLink(typed, "/identity")},
	{name: "receipt", status: 200, next: byLink(answeredBy, "/receipt")},
	{name: "print", status: 200, next: byLink(answeredBy, "/receipt/print")},
	{name: "record", status: 200, next: byLink(answeredBy, "/receipt.json")},
	{name: "door", status: 200, next: get("/home")},
	{name: "door-code", status: 200, next: get("/home/code")},
	{name: "children", status: 200, next: atHome("")},
	{name: "reveal", status: 200, next: revealNext},
	{name: "child", status: 200, next: atHome("/child")},
	{name: "refusal-link", status: 404, next: get("/r/" + strings.Repeat("0", 52))},
	{name: "refusal-address", status: 404, next: get("/nowhere")},
	{name: "answer-page", status: 200, finite: true, next: giveAnswer},
}

func get(path string) func(*worker) bool {
	return func(w *worker) bool {
		w.http.visit("GET", path, "", nil)
		return true
	}
}

// of asks for a page of any household, with a cookie.
func of(where func(familyAtHome) (path, cookie string)) func(*worker) bool {
	return func(w *worker) bool {
		path, cookie := where(w.world.households[w.random.IntN(len(w.world.households))])
		w.http.visit("GET", path, cookie, nil)
		return true
	}
}

func typed(h familyAtHome) string      { return h.typed }
func answeredBy(h familyAtHome) string { return h.answer }

// byLink asks for a page below a link with the proof of who opened it.
func byLink(link func(familyAtHome) string, below string) func(*worker) bool {
	return of(func(h familyAtHome) (string, string) {
		token, proof, _ := strings.Cut(link(h), " ")
		return "/r/" + token + below, "wardkeep_proof=" + proof
	})
}

func atHome(where string) func(*worker) bool {
	return of(func(h familyAtHome) (string, string) {
		if where == "" {
			return "/home", "wardkeep_home=" + h.home
		}
		return "/home/" + h.tie, "wardkeep_home=" + h.home
	})
}

func revealNext(w *worker) bool {
	h := w.world.households[w.random.IntN(len(w.world.households))]
	w.http.visit("POST", "/home/"+h.tie+"/reveal", "wardkeep_home="+h.home, []byte("item="+benchItem))
	return true
}

func giveAnswer(w *worker) bool {
	all, ok := w.load.unanswered.take()
	if !ok {
		return false
	}
	token, rest, _ := strings.Cut(all, " ")
	proof, form, _ := strings.Cut(rest, " ")
	w.http.visit("POST", "/r/"+token+"/answer", "wardkeep_proof="+proof, []byte(form))
	return true
}

// pages measures every page with each number of connections: how long it takes to
// answer, as the visitor sees it, and how long the server says that it worked.
func (b *bench) pages(ctx context.Context, all []operation) error {
	phones := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer phones.Close()
	if err := b.reach(phones.URL); err != nil {
		return err
	}
	if err := b.seed(ctx, b.Children); err != nil {
		return err
	}
	return b.serving(ctx, func(at *server) error {
		if b.Console {
			if err := b.settle(ctx, at); err != nil {
				return err
			}
		}
		b.say("bench.disk", "Children", b.Children, "Bytes", b.world.perChild)
		if b.Console {
			b.say("bench.entries", "Entries", b.world.office.entries)
		}
		b.say("bench.page_columns")
		b.print(pageHeader)
		var slow []string
		for _, connections := range b.Connections {
			l := b.load(at, connections)
			for _, o := range all {
				if len(b.Only) > 0 && !slices.Contains(b.Only, o.name) {
					continue
				}
				took, err := b.measurePage(ctx, l, o)
				if err != nil {
					return err
				}
				if b.Within > 0 && took > b.Within {
					slow = append(slow, o.name)
				}
			}
			l.close()
		}
		b.memory(at)
		if len(slow) > 0 {
			return fmt.Errorf("%w: %s", errBenchSlow, strings.Join(slow, ", "))
		}
		return nil
	})
}

// reach adds to the configuration a gateway to phones, which takes everything, and a
// proof by document, so that there is a page of proofs.
func (b *bench) reach(phones string) error {
	f, err := os.OpenFile(b.file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	secret := filepath.Join(b.dir, "sms")
	_, err = fmt.Fprintf(f, "verification:\n  documents: true\nsms:\n  url: %q\n  secret_file: %q\n", phones, secret)
	words := "whsec_" + base64.StdEncoding.EncodeToString([]byte(id.Secret(32)))
	return errors.Join(err, f.Close(), os.WriteFile(secret, []byte(words), 0o600))
}

// about says what a page shows.
func (o operation) about(lang i18n.Lang) string {
	if o.path != "" {
		return o.path
	}
	return lang.T("bench.page." + o.name)
}

// A pageRun is one run of a page.
type pageRun struct {
	result
	took latencies // as the server's log has it
}

// measurePage runs a page several times and prints the run in the middle. It returns within
// which time 99 of 100 pages of that run were made.
func (b *bench) measurePage(ctx context.Context, l *load, o operation) (time.Duration, error) {
	o.each = 1
	runs := make([]pageRun, 0, b.Runs)
	for range b.Runs {
		if o.finite {
			for range min(answersPerRun, len(b.world.unanswered)) {
				last := len(b.world.unanswered) - 1
				l.unanswered.put(b.world.unanswered[last])
				b.world.unanswered = b.world.unanswered[:last]
			}
		}
		from, err := l.at.logged()
		if err != nil {
			return 0, err
		}
		r, err := l.run(ctx, o, b.Duration)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", o.name, err)
		}
		took, err := l.at.took(from)
		if err != nil {
			return 0, err
		}
		runs = append(runs, pageRun{r, took})
	}
	slices.SortFunc(runs, func(x, y pageRun) int { return int(x.took.quantile(0.99) - y.took.quantile(0.99)) })
	r := &runs[len(runs)/2]
	b.print(fmt.Sprintf(pageLine, len(l.workers), r.perSecond(), millis(r.quantile(0.5)), millis(r.quantile(0.99)),
		millis(r.took.quantile(0.5)), millis(r.took.quantile(0.99)), micros(r.perOne(r.server)), o.name+" · "+o.about(b.lang)))
	return r.took.quantile(0.99), nil
}

const (
	pageHeader = " conns   pages/s    p50 ms    p99 ms  took p50  took p99  server µs/page"
	pageLine   = "%6d %9.0f %9.2f %9.2f %9.2f %9.2f %15.1f  %s"
)

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// logged returns how long the server's log is.
func (at *server) logged() (int64, error) {
	info, err := os.Stat(at.log)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// took returns how long the server worked on each page of its log from an offset
// on: from the request to the end of its handler.
func (at *server) took(from int64) (all latencies, err error) {
	f, err := os.Open(at.log)
	if err != nil {
		return all, err
	}
	defer f.Close()
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return all, err
	}
	b, err := io.ReadAll(f)
	for line := range bytes.Lines(b) {
		var said struct {
			Msg  string
			Took time.Duration
		}
		// The last line may not be whole yet.
		if json.Unmarshal(line, &said) == nil && (said.Msg == "page" || said.Msg == "console" || said.Msg == "desk") {
			all.count(said.Took)
		}
	}
	return all, err
}
