package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"wardkeep/client"
	"wardkeep/internal/account"
	"wardkeep/internal/app"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family/age"
	"wardkeep/internal/notify"
	"wardkeep/internal/verification"
)

var (
	errNotHeld    = errs.New(errs.Internal, "demo.not_held") // a promise of the demo was not kept
	errNoChildren = errs.New(errs.NotFound, "demo.no_children")
	errDemoAt     = errs.New(errs.Invalid, "demo.at_invalid")
)

type demoCmd struct {
	Once     bool   `help:"${demo_once}"`
	Children string `default:"examples/xiaoxi-english/children.csv" type:"path" help:"${demo_children}"`
	Listen   string `default:"127.0.0.1:8080" help:"${demo_listen}"`
	Dir      string `type:"path" placeholder:"DIR" help:"${demo_dir}"`
	At       string `placeholder:"2026-03-05" help:"${demo_at}"`
}

// A demo is one telling of the story: a server of its own, the operator's app,
// and what was shown so far.
type demo struct {
	s      *session
	app    *app.App
	base   string // where the server listens
	dir    string
	outbox *notify.Outbox
	late   atomic.Int64 // how far the demo's clock is ahead

	desk      consent.Desk
	officer   catalog.Officer
	client    *wardkeep.Client
	families  []*household
	imported  int64 // children
	processor *wardkeep.Party
	events    string // how far they were read

	saved, passphrase string // a backup, and what opens it

	chapters int
	shown    []shown
}

// shown is a line of the table at the end.
type shown struct {
	article, what string
	held          bool
}

// Run tells the story on a store of its own in a new directory, and then leaves
// the server running, unless once.
func (c demoCmd) Run(ctx context.Context, s *session) (err error) {
	if _, err := os.Stat(c.Children); err != nil {
		return fmt.Errorf("%w: %w", errNoChildren, err)
	}
	d := &demo{s: s, outbox: notify.NewOutbox(500)}
	if err := d.begin(c.At); err != nil {
		return err
	}
	if d.dir = c.Dir; d.dir == "" {
		if d.dir, err = os.MkdirTemp("", "wardkeep-demo-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(d.dir)) }()
	}
	l, err := listenNear(ctx, c.Listen)
	if err != nil {
		return err
	}
	defer l.Close()
	if err := d.open(ctx, l.Addr().String()); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.app.Close()) }()
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- d.app.Serve(serving, l) }()
	defer func() {
		stop()
		err = errors.Join(err, <-served)
	}()
	if err := d.tell(ctx, c.Children); err != nil {
		return err
	}
	request, err := d.visit(ctx)
	if err != nil {
		return err
	}
	held := d.table()
	if !c.Once {
		d.links(request)
		<-ctx.Done()
	}
	if !held {
		return errNotHeld
	}
	return nil
}

// listenNear listens at the address, or at any free port where that is taken.
func listenNear(ctx context.Context, address string) (net.Listener, error) {
	l, err := listen(ctx, address)
	if !errors.Is(err, errAddressInUse) {
		return l, err
	}
	host, _, _ := net.SplitHostPort(address)
	return listen(ctx, net.JoinHostPort(host, "0"))
}

// open makes the demo's store, keys and outbox. The key lies beside the data
// directory, never in it (Article 13).
func (d *demo) open(ctx context.Context, address string) error {
	d.base = "http://" + address
	c, err := app.LoadConfig("")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(d.server(), 0o700); err != nil {
		return err
	}
	c.DataDir, c.KeyFile = filepath.Join(d.server(), "data"), filepath.Join(d.server(), "wardkeep.key")
	c.Listen, c.PublicURL, c.Console.URL = address, d.base, d.base
	log, err := os.OpenFile(filepath.Join(d.server(), "server.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { log.Sync() })
	if d.app, err = app.Open(ctx, c, slog.New(slog.NewJSONHandler(log, nil))); err != nil {
		return err
	}
	slog.SetDefault(d.app.Log)
	d.app.Store.Now = func() time.Time { return time.Now().Add(time.Duration(d.late.Load())) }
	d.app.Outbox = d.outbox
	d.app.Verification = verification.Desk{Number: registry{}}
	d.app.Messages = notify.Router{notify.SMS: d.outbox, notify.Email: d.outbox}
	d.desk = consent.Desk{Ring: d.app.Ring, Charters: d.app.Charters}
	return nil
}

// server is where the server writes, and nobody else.
func (d *demo) server() string { return filepath.Join(d.dir, "server") }

// The demo's clock begins within these: earlier, children of the example aren't born,
// and later too many of them are grown up.
var earliest, latest = time.Date(2022, 1, 1, 0, 0, 0, 0, age.Zone), time.Date(2030, 1, 1, 0, 0, 0, 0, age.Zone)

// begin sets the demo's clock: a day, which begins at nine, or a moment. Empty: to now.
func (d *demo) begin(at string) error {
	if at == "" {
		return nil
	}
	began, err := time.ParseInLocation("2006-01-02 15:04", at+" 09:00", age.Zone)
	if err != nil {
		began, err = time.ParseInLocation("2006-01-02T15:04", at, age.Zone)
	}
	if err != nil {
		began, err = time.Parse(time.RFC3339, at)
	}
	if err != nil || began.Before(earliest) || !began.Before(latest) {
		return errDemoAt
	}
	d.pass(time.Until(began))
	return nil
}

// pass lets the demo's clock run ahead.
func (d *demo) pass(t time.Duration) { d.late.Add(int64(t)) }

// until lets the demo's clock run ahead to a moment.
func (d *demo) until(at time.Time) { d.pass(at.Sub(d.app.Store.Now())) }

// chapter begins a part of the story.
func (d *demo) chapter(key string) {
	d.chapters++
	fmt.Fprintf(d.s.out, "\n%s\n", d.s.lang.T("demo.chapter", "Number", d.chapters, "Title", d.s.lang.T("demo.chapter."+key)))
}

// show tells one thing and notes whether it held.
func (d *demo) show(article, key string, held bool, pairs ...any) {
	what := d.s.lang.T("demo.show."+key, pairs...)
	mark := "✓"
	if !held {
		mark = "✗"
	}
	fmt.Fprintf(d.s.out, "  %s %s\n", mark, what)
	d.shown = append(d.shown, shown{article, what, held})
}

// tellReasons prints why the gate said no, in the words that a caller gets.
func (d *demo) tellReasons(err error) {
	p, ok := errors.AsType[*wardkeep.Problem](err)
	if !ok {
		return
	}
	for _, r := range p.Reasons {
		fmt.Fprintf(d.s.out, "      %s\n", d.s.lang.T("demo.reason", "Article", r.Article, "Detail", r.Detail, "Remedy", r.Remedy))
	}
}

// tellProblem prints why the server said no, in the words that a caller gets.
func (d *demo) tellProblem(err error) {
	if p, ok := errors.AsType[*wardkeep.Problem](err); ok {
		d.s.print("      " + p.Detail)
	}
}

// table prints article, what was shown, and whether it held.
func (d *demo) table() (held bool) {
	fmt.Fprintf(d.s.out, "\n%s\n\n", d.s.lang.T("demo.table.title"))
	w := tabwriter.NewWriter(d.s.out, 2, 4, 2, ' ', 0)
	held = true
	for _, line := range d.shown {
		answer := d.s.lang.T("demo.table.held")
		if !line.held {
			held = false
			answer = d.s.lang.T("demo.table.broken")
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", d.s.lang.T("demo.table.article", "Article", line.article), answer, line.what)
	}
	w.Flush()
	fmt.Fprintf(d.s.out, "\n%s\n", d.s.lang.T("demo.table.sum", "Count", len(d.shown), "Held", countHeld(d.shown)))
	return held
}

func countHeld(all []shown) (n int) {
	for _, s := range all {
		if s.held {
			n++
		}
	}
	return n
}

// visit leaves something to try: a request that waits for whoever watches.
func (d *demo) visit(ctx context.Context) (url string, err error) {
	child, err := d.client.Register(ctx, wardkeep.NewChild{Ref: "demo-visitor", BirthDate: birthday(d.app.Store.Now(), 9, 200),
		Guardian: wardkeep.GuardianContact{Phone: "13900000000", Relation: "parent"}})
	if err != nil {
		return "", err
	}
	r, err := d.client.Ask(ctx, wardkeep.Asking{Child: child.ID, Channel: "sms", Locale: string(d.s.lang)})
	return r.URL, err
}

// links says where to look while the server goes on.
func (d *demo) links(request string) {
	fmt.Fprintln(d.s.out)
	for _, link := range []struct{ key, to string }{
		{"home", d.base + "/"}, {"request", request}, {"outbox", d.base + "/outbox"}, {"rules", d.base + "/rules/" + story},
		{"checkpoint", d.base + "/v1/ledger/checkpoint"}, {"docs", d.base + "/docs"},
	} {
		fmt.Fprintf(d.s.out, "  %-14s %s\n", d.s.lang.T("demo.link."+link.key), link.to)
	}
	fmt.Fprintf(d.s.out, "\n%s\n", d.s.lang.T("demo.running", "Now", minute(d.app.Store.Now()), "Dir", d.dir))
}

// another returns a client with a key of its own that has only these scopes.
func (d *demo) another(ctx context.Context, name string, scopes ...account.Scope) (*wardkeep.Client, error) {
	key, err := d.issue(ctx, name, scopes...)
	if err != nil {
		return nil, err
	}
	c, err := wardkeep.New(d.base, story, key)
	if err != nil {
		return nil, err
	}
	c.Lang = string(d.s.lang)
	// A demo is one process on one machine: its own connections, closed with it.
	c.HTTP = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: time.Minute}
	return c, nil
}

// code returns the one-time code in the newest message.
func (d *demo) code() string {
	for _, m := range d.outbox.Messages() {
		if m.Message.Kind == notify.KindCode {
			return digits(m.Message.Text.Reveal(), 6)
		}
	}
	return ""
}

// digits returns the first run of exactly n digits.
func digits(text string, n int) string {
	for _, run := range strings.FieldsFunc(text, func(r rune) bool { return r < '0' || r > '9' }) {
		if len(run) == n {
			return run
		}
	}
	return ""
}
