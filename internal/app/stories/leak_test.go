package stories

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	wardkeep "wardkeep/client"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/app/browsertest"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/catalog"
	"wardkeep/internal/incident"
	"wardkeep/internal/party"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/warning"
)

// TestLeak tells how a processor reports a leak, and how the officer has those found whom it has
// reached, drafts what their guardians are told, telephones and writes to the one whom no message
// reaches, and how the deputy confirms that and at last warns the public (Article 21). The pages
// are looked at in the other stories; a letter is looked at on paper here.
func TestLeak(t *testing.T) {
	t.Parallel()
	site := browsertest.Serve(t)
	p := &insider{guardian: guardian{t: t, site: site, tour: &tour{lang: i18n.Chinese}, lang: i18n.Chinese, look: look{browsertest.Desk, false}}, name: "林静"}
	p.asked.URL = site.URL + "/console"
	p.sit()
	of := party.ID{Service: apptest.Service, Role: party.Processor, Name: vaulttest.Processor}
	p.engages(of)
	key, signer := (&vaulttest.World{T: t, Store: site.App.Store, Officer: site.Officer}).Bind(of)
	child := apptest.NewChild()
	p.register(child)
	p.ask()
	p.plays("granted")
	p.pushes(of)
	p.asked = wardkeep.ConsentRequest{URL: site.URL + "/console"}
	site.Phone.Break(func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no such number", http.StatusBadRequest) })

	processor, err := wardkeep.ForParty(site.URL, key.ID, signer)
	if err != nil {
		t.Fatal(err)
	}
	leak, err := processor.With(site.API).ReportLeak(t.Context(), wardkeep.NewLeak{Kind: "leaked", Items: []string{"gender"}, Words: "导出的文件可以公开下载"})
	if err != nil {
		t.Fatal(err)
	}
	if err := site.App.Ledger.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	hire := func(role catalog.Role) *signintest.Insider {
		var g staff.Grant
		site.Do(site.App, func(ctx context.Context, tx *db.Tx) error {
			held, err := catalog.Holder(ctx, tx, apptest.Service, role)
			if err == nil {
				g, err = staff.OfOffice(ctx, tx, apptest.Service, held.ID)
			}
			return err
		})
		return signintest.Hire(t, site.App.Store, site.App.StaffDoor(), string(role), g)
	}
	officer, deputy := hire(catalog.RoleOfficer), hire(catalog.RoleDeputy)

	p.Bring(site.URL, sessionOf, officer.Secret)
	p.Visit(site.URL + "/console/incidents")
	p.follow(`main a[href*="` + leak.ID + `"]`)
	p.follow(`main a[href*="/reach"]`)
	p.Find(`select[name=by]`).Choose("processor")
	p.fill(`#name`, of.Name)
	p.follow(`form[method=get] button`)
	p.follow(`form[action*="/reach/add"] button`)
	p.sees("console.reached.goes")
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if _, err := site.App.Reach().Extend(t.Context(), site.App.Store); err != nil {
			t.Fatal(err)
		}
		var list incident.CaseList
		site.Do(site.App, func(ctx context.Context, tx *db.Tx) (err error) {
			list, err = incident.ListOf(ctx, tx, leak.ID)
			return err
		})
		if list.Children == 1 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d children are found", list.Children)
		}
	}
	p.Visit(site.URL + "/console/incidents/" + apptest.Service + "/" + leak.ID + "/notices")
	for _, part := range (warning.Words{}).Parts() {
		p.fill(`textarea[name="zh.`+part.Name+`"]`, part.Name+" 的内容")
		p.fill(`textarea[name="en.`+part.Name+`"]`, "about "+part.Name)
	}
	p.follow(`form:has(textarea[name="zh.what"]) button`)
	p.sees("console.warnings.another")
	page := p.Page().URL

	p.Bring(site.URL, sessionOf, deputy.Secret)
	p.Visit(page)
	p.follow(`form[action*="/confirm"] button`)
	site.App.Warnings().Round(t.Context())

	p.Bring(site.URL, sessionOf, officer.Secret)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) { // the server's own round may have begun it
		p.Visit(page)
		if p.Count(`form[action*="/sheet"] input[value=call]`) == 1 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("nobody is to be telephoned")
		}
	}
	came := func(state, outcome string) {
		t.Helper()
		p.follow(`form:has(input[name=state][value=` + state + `]) button`)
		p.sees("console.warnings.sheet." + state)
		if state == "letter" {
			p.printsLetters(1)
		}
		p.Find(`select[name=outcome]`).Choose(outcome)
		p.follow(`form[action*="/note"] button`)
	}
	for range 3 {
		came("call", "noanswer")
	}
	came("letter", "mailed")
	p.Find(`#returned-state`).Choose("posted")
	p.fill(`#returned-ref`, child.Ref)
	p.follow(`form:has(#returned-ref) button`)
	p.sees("console.warnings.sheet.posted")
	p.Find(`select[name=outcome]`).Choose("returned")
	p.follow(`form[action*="/note"] button`)
	p.sees("console.warnings.stand.unreachable", "console.warnings.stand.through")

	p.Bring(site.URL, sessionOf, deputy.Secret)
	p.Visit(page)
	p.follow(`form[action*="/publish"] button`)
	p.sees("console.warnings.published")
	p.Visit(site.URL + "/warnings")
	if !strings.Contains(p.Text(), "cause 的内容") {
		t.Error("the public isn't warned")
	}
	p.follow(`main a[type="application/atom+xml"]`)
	if p.Page().Status != http.StatusOK {
		t.Errorf("the feed: %d", p.Page().Status)
	}
}

// printsLetters looks at a page of letters on paper: each is a sheet of its own.
func (p *insider) printsLetters(many int) {
	p.t.Helper()
	paper := p.Paper()
	if got := bytes.Count(paper, []byte("/Type /Page\n")) + bytes.Count(paper, []byte("/Type /Page ")); got != many {
		p.t.Errorf("%d letters are %d sheets", many, got)
	}
	if file := os.Getenv("WARDKEEP_PAPER"); file != "" {
		if err := os.WriteFile(file, paper, 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
}
