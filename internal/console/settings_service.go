package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
	"wardkeep/internal/webhook"
)

// A secret is shown on the page that answers to its making, and never again.
type secret struct{ Kind, Value string }

// servicePage is what settings_service.html shows.
type servicePage struct {
	Service catalog.Service
	Path    string
	Apps    []account.Listed
	From    string
	Next    string
	Hooks   []hookRow
	Lists   []exportPart // of apps, and of receivers
	Scopes  []named
	Keys    bool // the person may make and end them
	Events  bool // the person may say where they go
	Fresh   bool
	Problem string
	Field   string // that is wrong
	Sent    sent
	Secret  *secret
}

// sent is what was typed, so that it needn't be typed again. The address of a receiver may
// hold a secret of its own, and isn't repeated.
type sent struct{ Name, Until, Country, Types, Party string }

// A hookRow is an endpoint in a list.
type hookRow struct {
	webhook.Endpoint
	Host string // "" where the row was changed by hand
	To   string
}

func (s *Server) serviceSettings(v *visit) error { return v.servicePage(nil, nil) }

func (v *visit) servicePage(made *secret, problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := servicePage{Fresh: v.in.IsFresh(v.now) == nil, Problem: words, Secret: made, From: v.r.URL.Query().Get("from")}
	if !id.Is(id.Credential, page.From) {
		page.From = ""
	}
	if problem != nil {
		page.Field = errs.Of(problem).Field
		page.Sent = sent{v.r.PostFormValue("name"), v.r.PostFormValue("until"), v.value("country"), v.r.PostFormValue("types"), v.r.PostFormValue("party")}
	}
	chosen, _ := account.NewScopes(v.r.PostForm["scope"]...)
	for _, scope := range account.AllScopes().List() {
		page.Scopes = append(page.Scopes, named{scope, v.lang.T("console.scope." + scope), problem != nil && chosen.Has(scope)})
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) (err error) {
		if page.Service, err = v.service(ctx, tx, v.in); err != nil {
			return err
		}
		name := page.Service.Name
		page.Lists = []exportPart{v.exportPart(listApps, url.Values{"service": {name}}), v.exportPart(listReceivers, url.Values{"service": {name}})}
		page.Path, page.Keys, page.Events = servicePath(name), v.in.Person.May(staff.ManageCredentials, name), v.in.Person.May(staff.ManageWebhooks, name)
		if page.Apps, err = account.List(ctx, tx, name, page.From, perPage+1); err != nil {
			return err
		}
		if page.Next = ""; len(page.Apps) > perPage {
			page.Apps, page.Next = page.Apps[:perPage], page.Apps[perPage-1].ID
		}
		all, err := webhook.Of(ctx, tx, name)
		page.Hooks = nil
		for _, e := range all {
			page.Hooks = append(page.Hooks, v.hookRow(e))
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.show(status, "settings_service", page)
}

func (v *visit) hookRow(e webhook.Endpoint) hookRow {
	row := hookRow{Endpoint: e, To: servicePath(e.Service) + "/webhooks/" + e.ID}
	if to, err := e.Address(v.s.Ring); err == nil {
		row.Host = to.Host()
	}
	return row
}

// issueKey makes a key for an app.
func (s *Server) issueKey(v *visit) error {
	var key string
	until, err := day(v.r.PostFormValue("until"))
	if err != nil {
		return v.servicePage(nil, err)
	}
	scopes, err := account.NewScopes(v.r.PostForm["scope"]...)
	if err != nil {
		return v.servicePage(nil, err)
	}
	err = v.operate(func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) (err error) {
		_, key, _, err = account.IssueAppIn(ctx, tx, by, service, strings.TrimSpace(v.r.PostFormValue("name")), homeUnless(v.value("country")), scopes, until)
		return err
	})
	if err != nil {
		return v.servicePage(nil, err)
	}
	return v.servicePage(&secret{"key", key}, nil)
}

// appPage is what settings_app.html shows.
type appPage struct {
	App      account.Listed
	Back     string
	Path     string
	Overlaps []int
	Keys     bool
	Fresh    bool
	Problem  string
	Secret   *secret
}

func (s *Server) app(v *visit) error { return v.appPage(nil, nil) }

func (v *visit) appPage(made *secret, problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := appPage{Overlaps: overlaps, Fresh: v.in.IsFresh(v.now) == nil, Problem: words, Secret: made}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		one, err := v.service(ctx, tx, v.in)
		if err != nil {
			return err
		}
		page.App, err = account.Find(ctx, tx, one.Name, v.r.PathValue("app"))
		page.Back, page.Keys = servicePath(one.Name), v.in.Person.May(staff.ManageCredentials, one.Name)
		page.Path = page.Back + "/apps/" + page.App.ID
		return err
	})
	if err != nil {
		return err
	}
	return v.show(status, "settings_app", page)
}

// rotateKey gives an app another key; the former is good until the overlap is over.
func (s *Server) rotateKey(v *visit) error {
	var key string
	until, err := day(v.r.PostFormValue("until"))
	if err != nil {
		return v.appPage(nil, err)
	}
	beside, err := overlap(v.r.PostFormValue("overlap"), account.ErrOverlap)
	if err != nil {
		return v.appPage(nil, err)
	}
	err = v.operate(func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) (err error) {
		_, key, _, err = account.Rotate(ctx, tx, by, service, v.r.PathValue("app"), beside, until)
		return err
	})
	if err != nil {
		return v.appPage(nil, err)
	}
	return v.appPage(&secret{"key", key}, nil)
}

// revokeKey ends all keys of an app.
func (s *Server) revokeKey(v *visit) error {
	err := v.operate(func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) error {
		_, err := account.RevokeApp(ctx, tx, by, service, v.r.PathValue("app"))
		return err
	})
	if err != nil {
		return v.appPage(nil, err)
	}
	return v.to("/console/settings/services/{service}")
}

// addHook names an address that a service's events go to.
func (s *Server) addHook(v *visit) error {
	var key string
	to, err := webhook.ParseAddress(strings.TrimSpace(v.r.PostFormValue("url")), s.System.Allowed)
	if err != nil {
		return v.servicePage(nil, err)
	}
	err = v.operate(func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) (err error) {
		_, key, _, err = webhook.Add(ctx, tx, s.Ring, by, service, to, strings.Fields(v.r.PostFormValue("types")), strings.TrimSpace(v.r.PostFormValue("party")))
		return err
	})
	if err != nil {
		return v.servicePage(nil, err)
	}
	return v.servicePage(&secret{"webhook", key}, nil)
}

// hookPage is what settings_hook.html shows.
type hookPage struct {
	hookRow
	webhook.Numbers
	Back       string
	All        string // the types, separated by spaces
	Deliveries []delivery
	Export     exportPart
	Only       bool  // those that are parked
	From       int64 // 0: the beginning
	Next       int64 // 0: there are no more
	Overlaps   []int
	Events     bool
	Fresh      bool
	Problem    string
	Field      string
	Done       string
	Secret     *secret
}

// A delivery is an event that the endpoint hasn't taken.
type delivery struct {
	webhook.Delivery
	Event, Type string
	At          time.Time
}

// State is how far it is, as a word.
func (d delivery) State() string {
	switch {
	case d.DueAt.IsZero():
		return "parked"
	case d.Tries > 0:
		return "again"
	}
	return "waits"
}

func (s *Server) hook(v *visit) error { return v.hookPage(nil, nil) }

func (v *visit) hookPage(made *secret, problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	q := v.r.URL.Query()
	page := hookPage{Overlaps: overlaps, Fresh: v.in.IsFresh(v.now) == nil, Problem: words, Secret: made, Only: q.Has("parked"), From: placeOf(q.Get("from"))}
	if problem != nil {
		page.Field = errs.Of(problem).Field
	}
	for _, done := range []string{"changed", "paused", "resumed", "replayed"} {
		if v.r.Method == http.MethodGet && q.Has(done) {
			page.Done = done
		}
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		one, err := v.service(ctx, tx, v.in)
		if err != nil {
			return err
		}
		e, err := webhook.Find(ctx, tx, one.Name, v.r.PathValue("endpoint"))
		if err != nil {
			return err
		}
		page.hookRow, page.Back, page.All = v.hookRow(e), servicePath(one.Name), strings.Join(e.Types, " ")
		page.Export = v.exportPart(listDeliveries, url.Values{"service": {one.Name}, "endpoint": {e.ID}})
		page.Events = v.in.Person.May(staff.ManageWebhooks, one.Name)
		if page.Numbers, err = e.Count(ctx, tx); err != nil {
			return err
		}
		return page.fill(ctx, tx)
	})
	if err != nil {
		return err
	}
	return v.show(status, "settings_hook", page)
}

// placeOf reads a place of the ledger in an address; what can't be read is the beginning.
func placeOf(text string) int64 {
	var n int64
	for _, r := range text {
		if r < '0' || r > '9' || n > 1<<53 {
			return 0
		}
		n = n*10 + int64(r-'0')
	}
	return n
}

// fill lists deliveries.
func (p *hookPage) fill(ctx context.Context, tx *db.Tx) error {
	all, err := p.Endpoint.Deliveries(ctx, tx, p.Only, p.From-1, perPage+1)
	if err != nil {
		return err
	}
	p.Deliveries, p.Next = nil, 0
	if len(all) > perPage {
		p.Next = all[perPage].Place
		all = all[:perPage]
	}
	for _, d := range all {
		found, err := ledger.Since(ctx, tx, d.Place, 1)
		if err != nil {
			return err
		}
		one := delivery{Delivery: d}
		if len(found) == 1 {
			one.Event, one.Type, one.At = found[0].ID, found[0].Kind, found[0].At
		}
		p.Deliveries = append(p.Deliveries, one)
	}
	return nil
}

// hooked does something about the endpoint of the address, and says on its page what
// became of it.
func (v *visit) hooked(done string, fn func(ctx context.Context, tx *db.Tx, by staff.Acting, service, endpoint string) error) error {
	err := v.operate(func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) error {
		return fn(ctx, tx, by, service, v.r.PathValue("endpoint"))
	})
	if err != nil {
		return v.hookPage(nil, err)
	}
	return v.to("/console/settings/services/{service}/webhooks/{endpoint}", done, "")
}

// changeHook has events go elsewhere, or tells of others.
func (s *Server) changeHook(v *visit) error {
	var to webhook.Address // where it is
	if text := strings.TrimSpace(v.r.PostFormValue("url")); text != "" {
		var err error
		if to, err = webhook.ParseAddress(text, s.System.Allowed); err != nil {
			return v.hookPage(nil, err)
		}
	}
	return v.hooked("changed", func(ctx context.Context, tx *db.Tx, by staff.Acting, service, endpoint string) error {
		_, err := webhook.Change(ctx, tx, s.Ring, by, service, endpoint, to, strings.Fields(v.r.PostFormValue("types")))
		return err
	})
}

// rotateHook gives an endpoint another secret.
func (s *Server) rotateHook(v *visit) error {
	var key string
	beside, err := overlap(v.r.PostFormValue("overlap"), webhook.ErrOverlap)
	if err != nil {
		return v.hookPage(nil, err)
	}
	err = v.operate(func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) (err error) {
		key, _, err = webhook.Rotate(ctx, tx, s.Ring, by, service, v.r.PathValue("endpoint"), beside)
		return err
	})
	if err != nil {
		return v.hookPage(nil, err)
	}
	return v.hookPage(&secret{"webhook", key}, nil)
}

func (s *Server) pauseHook(v *visit) error {
	return v.hooked("paused", func(ctx context.Context, tx *db.Tx, by staff.Acting, service, endpoint string) error {
		_, err := webhook.Pause(ctx, tx, by, service, endpoint)
		return err
	})
}

func (s *Server) resumeHook(v *visit) error {
	return v.hooked("resumed", func(ctx context.Context, tx *db.Tx, by staff.Acting, service, endpoint string) error {
		_, err := webhook.Resume(ctx, tx, by, service, endpoint)
		return err
	})
}

// replayHook has one event sent once more, or all that is parked.
func (s *Server) replayHook(v *visit) error {
	parked := v.r.PostFormValue("parked") != ""
	return v.hooked("replayed", func(ctx context.Context, tx *db.Tx, by staff.Acting, service, endpoint string) error {
		if parked {
			_, _, err := webhook.ReplayParked(ctx, tx, by, service, endpoint)
			return err
		}
		_, err := webhook.ReplayEvent(ctx, tx, by, service, endpoint, strings.TrimSpace(v.r.PostFormValue("event")))
		return err
	})
}

// removeHook ends an endpoint with its secrets and what it hasn't taken.
func (s *Server) removeHook(v *visit) error {
	err := v.operate(func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) error {
		_, err := webhook.Remove(ctx, tx, by, service, v.r.PathValue("endpoint"))
		return err
	})
	if err != nil {
		return v.hookPage(nil, err)
	}
	return v.to("/console/settings/services/{service}")
}
