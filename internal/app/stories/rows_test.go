package stories

import (
	"context"
	"testing"

	"wardkeep/internal/app/apptest"
	"wardkeep/internal/app/browsertest"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/console/consoletest"
	"wardkeep/internal/family"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/webhook"
)

// askedAtOnce is how many requests about one child somebody may have open.
const askedAtOnce = 20

// TestConsoleOfManyRows opens every list of the console that grows, with ten thousand rows in it
// and then among ten thousand services: nothing sticks out at either width, axe-core finds
// nothing, and nobody else is asked for anything (make axe). Within make test there are a few pages
// of rows, the screen is the narrow one, and axe-core is spared: the stories show it such pages.
func TestConsoleOfManyRows(t *testing.T) {
	t.Parallel()
	many, sizes := 6*askedAtOnce, wide[:1]
	if inEach {
		many, sizes = 10_000, wide
	}
	site := browsertest.Serve(t)
	p := &insider{guardian: guardian{t: t, site: site, tour: &tour{lang: i18n.Chinese}, lang: i18n.Chinese, look: look{wide[0], false}}}
	p.asked.URL = site.URL + "/console"
	p.sit()

	hire := func(name string, role staff.Role, service string) *signintest.Insider {
		g := staff.Grant{Role: role, Service: service}
		if role.ByOffice() {
			site.Do(site.App, func(ctx context.Context, tx *db.Tx) (err error) {
				g, err = staff.OfOffice(ctx, tx, service, site.Officer.ID)
				return err
			})
		}
		return signintest.Hire(t, site.App.Store, site.App.StaffDoor(), name, g)
	}
	boss, asks, second, decides := hire("林静", staff.Officer, apptest.Service), hire("韩梅梅", staff.Worker, apptest.Service), hire("李雷", staff.Worker, apptest.Service), hire("王芳", staff.Manager, apptest.Service)
	runs, audits := hire("阿依古丽·麦麦提", staff.Engineer, ""), hire("审计", staff.Auditor, "")
	endpoint := p.fillsLists(many, asks, second)

	examine := func(by *signintest.Insider, long bool, paths ...string) {
		t.Helper()
		if !long && !inEach {
			return
		}
		p.Bring(site.URL, sessionOf, by.Secret)
		for _, path := range paths {
			p.Visit(site.URL + path)
			if n := p.Count(`main h1`); n != 1 || p.Page().Status != 200 {
				t.Errorf("%s: status %d, %d headings", path, p.Page().Status, n)
			}
			if n := p.Count(`main a[href*="from="]`); long && n != 1 {
				t.Errorf("%s: of %d rows, %d links lead to others", path, many, n)
			}
			for _, size := range sizes {
				p.see(look{size, false})
				where := path + " " + look{size, false}.String()
				if n := p.Overflow(); n > 0 {
					t.Errorf("%s: %d pixels stick out on the right", where, n)
				}
				if inEach {
					p.isClean(where, p.Violations)
				}
			}
		}
	}
	settings := "/console/settings/services/" + apptest.Service
	examine(boss, true, "/console/people", "/console/due", "/console/suspicions", "/console/orders", "/console/takedowns", "/console/incidents", "/console/streams", "/console/rectifications", "/console/inspections", "/console/shields", "/console/reports", "/console/evidence", "/console/demands", "/console/reviews", "/console/ledger",
		"/console/charters/"+apptest.Service, "/console/offices/"+apptest.Service)
	examine(boss, false, "/console", "/console/board", "/console/board/15", "/console/pictures", "/console/files")
	examine(asks, true, "/console/access")
	examine(second, false, "/console/urgent")
	examine(decides, true, "/console/decisions")
	examine(runs, true, settings, settings+"/webhooks/"+endpoint)

	site.Do(site.App, func(ctx context.Context, tx *db.Tx) error { return consoletest.Services(ctx, tx, many) })
	examine(audits, true, "/console/offices", "/console/charters", "/console/register", "/console/parties", "/console/borders", "/console/yearly", "/console/board", "/console/board/16")
	examine(audits, false, "/console", "/console/due", "/console/ledger", "/console/people", "/console/pictures")
	examine(runs, true, "/console/settings")
	examine(runs, false, "/console/settings/system")
}

// fillsLists makes as many rows of every list, and requests of somebody, and returns a receiver
// with as many events that it hasn't taken.
func (p *insider) fillsLists(many int, asks, second *signintest.Insider) (endpoint string) {
	p.t.Helper()
	desk := approval.Desk{Ring: p.site.App.Ring, Charters: p.site.App.Charters}
	ask := func(by *signintest.Insider, n int, a approval.Asking) {
		a.Purpose, a.Items, a.Text, a.Minutes = "parent-reports", []string{"remarks"}, pii.New("家长来电"), 5
		for range n / askedAtOnce {
			child := apptest.NewChild()
			if _, err := p.site.API.Register(p.t.Context(), child); err != nil {
				p.t.Fatal(err)
			}
			p.site.Do(p.site.App, func(ctx context.Context, tx *db.Tx) error {
				c, err := family.FindByRef(ctx, tx, p.site.App.Ring, apptest.Service, pii.New(child.Ref))
				for i := 0; i < askedAtOnce && err == nil; i++ {
					_, _, err = desk.Ask(ctx, tx, by.Session.Person, c, a)
				}
				return err
			})
		}
	}
	ask(asks, many, approval.Asking{Reason: approval.ForFault})
	ask(second, 2*askedAtOnce, approval.Asking{Reason: approval.ForSafety, Glass: true})
	if err := p.site.App.Ledger.Flush(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	to, err := webhook.ParseAddress("https://hooks.xiaoxi-english.example/in", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	p.site.Do(p.site.App, func(ctx context.Context, tx *db.Tx) error {
		e, _, _, err := webhook.Add(ctx, tx, p.site.App.Ring, signintest.By, apptest.Service, to, nil, "")
		if err == nil {
			_, err = webhook.Pause(ctx, tx, signintest.By, apptest.Service, e.ID)
		}
		if err == nil {
			err = consoletest.Rows(ctx, tx, many, apptest.Service, p.site.Officer.ID, e.ID)
		}
		endpoint = e.ID
		return err
	})
	return endpoint
}
