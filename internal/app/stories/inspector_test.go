package stories

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wardkeep/internal/app/apptest"
	"wardkeep/internal/app/browsertest"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/catalog"
	"wardkeep/internal/inspection"
	"wardkeep/internal/inspector"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
)

// invitesAnInspector tells how the officer invites somebody of an authority, gives a new code, and
// sees at what was looked (Article 22).
func (p *insider) invitesAnInspector() {
	p.t.Helper()
	p.goes("/console/rectifications")
	p.follow(`main a[href^="/console/inspections?"]`)
	p.sees("console.inspections.none")
	p.follow(`main a[href^="/console/inspections/new"]`)
	p.at("inspection_new")
	p.fill(`input[name=inspector]`, "赵督")
	p.fill(`input[name=authority]`, "某市网信办")
	p.fill(`input[name=provision]`, "第二十二条")
	p.fill(`input[name=document]`, "网信检〔2026〕3号")
	p.fill(`input[name=articles]`, "9、15")
	p.follow(`main form button`)
	p.sees("console.inspections.given_what", "console.inspections.code_open")
	p.follow(`form[action*="/code"] button`)
	p.sees("console.inspections.given_what")
	if n := p.Count(`main code.link`); n != 1 {
		p.t.Errorf("beside a new code %d others are shown: the link is shown once", n-1)
	}
	p.follow(`main a[href^="/console/inspections?"]`)
	p.at("inspections")
	p.follow(`tbody a`)
	p.sees("console.inspections.not_looked")
	p.at("inspection")
}

// TestInspector tells how somebody of an authority comes in by a link and a code, and looks at an
// article, a register, a sample and how the archive is verified; and reads that the office has ended it
// (Article 22). Each page is looked at on a phone and on a desk, light and dark, and axe-core
// examines it; one on which nobody stops fails.
func TestInspector(t *testing.T) {
	t.Parallel()
	for _, lang := range i18n.Langs {
		if lang == i18n.Chinese || inEach {
			t.Run(string(lang), func(t *testing.T) { tellInspector(t, lang, (*insider).examineHandy) })
		}
	}
}

func tellInspector(t *testing.T, lang i18n.Lang, looks func(p *insider, stop string)) {
	site := browsertest.Serve(t)
	p := &insider{guardian: guardian{t: t, site: site, lang: lang, look: look{browsertest.Phone, false}}, name: "赵督", stops: new([]string), paths: new([]string), looks: looks}
	p.asked.URL = site.URL + "/inspector"
	child := apptest.NewChild()
	p.register(child)
	p.ask()
	p.plays("granted")
	p.asked.URL = site.URL + "/inspector"
	office := signintest.Hire(t, site.App.Store, site.App.StaffDoor(), "林静", staff.Grant{Role: staff.Role(catalog.RoleOfficer), Service: apptest.Service, Office: site.Officer.ID})
	var one inspection.Invitation
	var keys inspection.Keys
	site.Do(site.App, func(ctx context.Context, tx *db.Tx) (err error) {
		one, keys, err = inspection.Invite(ctx, tx, site.App.Ring, staff.Acting{Person: office.Session.Person, Action: staff.InviteInspectors}, apptest.Service,
			inspection.Scope{Articles: []int{9, 15, 16}}, 7, inspection.NewText(p.name, "某市网信办", "第二十二条", "网信检〔2026〕3号"))
		return err
	})
	p.sit()
	p.Visit(site.URL + "/inspector")
	p.sees("inspector.outside.title")
	p.at("inspector-outside")
	p.Visit(inspector.EntryURL(site.URL, keys.Link))
	p.fill(`input[name=code]`, "0000-0000")
	p.follow(`main form button`)
	p.sees("inspection.code_wrong")
	p.at("inspector-door")
	p.fill(`input[name=code]`, keys.Code)
	p.follow(`main form button`)
	p.sees("console.board.article.15")
	if n := p.Count(`tbody tr`); n != 3 {
		t.Errorf("%d articles are shown, not those of the invitation", n)
	}
	p.at("inspector-matrix")
	p.follow(`tbody a[href^="/inspector/articles/9?"]`)
	p.at("inspector-article")
	p.follow(`main a[href^="/inspector/articles/9/consents"]`)
	p.at("inspector-register")
	p.follow(`nav a[href^="/inspector/samples"]`)
	p.at("inspector-samples")
	p.follow(`main li a`)
	p.at("inspector-sample")
	p.follow(`nav a[href^="/inspector/bundle"]`)
	p.at("inspector-bundle")
	site.Do(site.App, func(ctx context.Context, tx *db.Tx) error {
		_, err := inspection.End(ctx, tx, site.App.Ring, staff.Acting{Person: office.Session.Person, Action: staff.ReceiveInspectors}, apptest.Service, one.ID)
		return err
	})
	p.Reload()
	p.sees("inspection.ended")
	p.at("inspector-refusal")

	names, err := filepath.Glob("../../inspector/pages/*.html")
	if err != nil || len(names) == 0 {
		t.Fatal("no pages", err)
	}
	for _, name := range names {
		name = strings.TrimSuffix(filepath.Base(name), ".html")
		if name != "layout" && !slices.Contains(*p.stops, "inspector-"+name) {
			t.Errorf("nobody stops at a page of %s", name)
		}
	}
}
