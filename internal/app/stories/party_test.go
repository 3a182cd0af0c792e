package stories

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	wardkeep "wardkeep/client"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/app/browsertest"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/rights"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// handy are the sizes that the desk of processors and recipients is made for.
var handy = []browsertest.Size{browsertest.Phone, wide[0], wide[1]}

// TestDesk tells how a person of a processor without engineers sets up how to sign in, adds a
// passkey, answers, confirms, reports a leak, and states after the end that all is deleted
// (Article 16). Each page is looked at on a phone and on a desk, light and dark, and axe-core
// examines it; one on which nobody stops fails.
func TestDesk(t *testing.T) {
	t.Parallel()
	for _, lang := range i18n.Langs {
		t.Run(string(lang), func(t *testing.T) { tellDesk(t, lang, (*insider).examineHandy) })
	}
}

// examineHandy is examine, in the sizes of the desk.
func (p *insider) examineHandy(stop string) {
	p.t.Helper()
	p.keepsToItself(stop)
	p.tellsApart(stop)
	p.isClean(stop, p.Violations)
	for _, size := range handy {
		for _, dark := range []bool{true, false} {
			p.see(look{size, dark})
			where := stop + " " + look{size, dark}.String()
			switch {
			case dark && size == browsertest.Phone && (inEach || p.lang == i18n.Chinese):
				p.isClean(where, p.Discoloured)
			case !dark && size != browsertest.Phone:
				p.isClean(where, p.Misplaced)
			}
			if n := p.Overflow(); n > 0 {
				p.t.Errorf("%s: %d pixels stick out on the right", where, n)
			}
		}
	}
	p.see(p.look)
}

// tellDesk tells it in one language, and calls looks for each stop.
func tellDesk(t *testing.T, lang i18n.Lang, looks func(p *insider, stop string)) {
	site := browsertest.Serve(t)
	p := &insider{guardian: guardian{t: t, site: site, lang: lang, look: look{browsertest.Phone, false}}, name: "周舟", stops: new([]string), paths: new([]string), looks: looks}
	p.asked.URL = site.URL + "/party"
	of := party.ID{Service: apptest.Service, Role: party.Processor, Name: vaulttest.Processor}
	p.engages(of)
	child := apptest.NewChild()
	p.register(child)
	p.ask()
	p.plays("granted")
	p.asked = wardkeep.ConsentRequest{URL: site.URL + "/party"}
	office := signintest.Hire(t, site.App.Store, site.App.StaffDoor(), "林静", staff.Grant{Role: staff.Role(catalog.RoleOfficer), Service: of.Service, Office: site.Officer.ID})
	var link string
	site.Do(site.App, func(ctx context.Context, tx *db.Tx) (err error) {
		link, _, err = site.App.PartyDoor().Seat(ctx, tx, office.Session.Person, of, p.name)
		return err
	})
	p.sit()
	phone := p.Keychain()
	p.Visit(site.URL + "/party/setup/" + link)
	p.secret = strings.ReplaceAll(typedSecret.FindString(p.Text()), " ", "")
	p.at("setup")
	const password = "一句我自己记得住的话，别人猜不到"
	p.fill(`input[name=name]`, "zhou.zhou")
	p.fill(`input[name=password]`, password)
	p.fill(`input[name=code]`, "000000")
	p.follow(`main form button`)
	p.sees("signin.code_wrong")
	p.at("setup-wrong")
	p.fill(`input[name=password]`, password)
	p.fill(`input[name=code]`, p.code())
	p.follow(`main form button`)
	p.sees("desk.codes.what")
	p.at("codes")
	p.follow(`main p:last-child a`)
	p.at("account-empty")
	p.follow(`form[action^="/party/account/passkeys?"] button`)
	p.sees("desk.account.done.added")
	p.at("account")
	if names := phone.Names(); !slices.Contains(names, p.name) {
		t.Errorf("the phone shows %q", names)
	}
	for _, page := range []string{"home", "tasks", "orders", "bundles", "leaks", "end"} {
		p.follow(`nav a[href^="` + map[string]string{"home": "/party?"}[page] + map[bool]string{true: "/party/" + page}[page != "home"] + `"]`)
		p.at(page + "-empty")
	}

	book := order.Book{Ring: site.App.Ring, Charters: site.App.Charters, Calendar: workday.Default()}
	locked := func(fn func(ctx context.Context, tx *db.Tx, c family.Child) error) {
		t.Helper()
		site.Do(site.App, func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Lock(ctx, tx, of.Service, family.ID(p.child.ID))
			if err != nil {
				return err
			}
			return fn(ctx, tx, c)
		})
	}
	locked(func(ctx context.Context, tx *db.Tx, c family.Child) error {
		if err := book.Item(ctx, tx, site.Officer.Ledger(), c, order.Correct, "voice"); err != nil {
			return err
		}
		var all []family.Guardian
		if err := tx.Together(ctx, family.ReadGuardians(&all, c.ID)); err != nil {
			return err
		}
		d := rights.Desk{Ring: site.App.Ring, Charters: site.App.Charters, Calendar: workday.Default()}
		_, _, err := d.Receive(ctx, tx, all[0], c, rights.Demand{Kind: rights.Access, Door: rights.ByGuardian, Guardian: all[0].ID})
		return err
	})
	p.pushes(of)
	p.follow(`nav a[href^="/party?"]`)
	p.at("home")
	p.follow(`main a[href^="/party/sub-processors"]`)
	p.sees("desk.subs.then")
	p.at("subs")
	p.follow(`nav a[href^="/party/bundles"]`)
	p.sees("desk.bundles.open_key")
	p.at("bundles")
	p.follow(`nav a[href^="/party?"]`)
	p.follow(`main a[href^="/party/tasks"]`)
	p.at("tasks")
	p.follow(`main li a`)
	task := p.Page().URL
	p.press(`input[value=has]`)
	p.at("task")
	p.follow(`main form button`)
	p.sees("desk.says.assistance.words_invalid")
	p.at("task-wrong")
	p.fill(`textarea[name=words]`, "五月的录音三段")
	p.follow(`main form button`)
	p.sees("desk.tasks.done")
	p.at("tasks-done")
	p.Visit(task)
	p.at("task-answered")
	p.follow(`nav a[href^="/party/orders"]`)
	p.at("orders")
	p.follow(`main li a`)
	p.unfold()
	p.at("order")
	p.fill(`input[name=document]`, "abc")
	p.follow(`main form button`)
	p.sees("desk.says.order.document_invalid")
	p.at("order-wrong")
	proof := filepath.Join(t.TempDir(), "证明.pdf")
	if err := os.WriteFile(proof, []byte("已经更正"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.Find(`input[type=file]`).Attach(proof)
	p.follow(`main form button`)
	p.sees("desk.orders.done")
	p.follow(`nav a[href^="/party/leaks"]`)
	p.press(`input[value=leaked]`)
	p.press(`input[value=voice]`)
	p.fill(`textarea[name=words]`, "录音文件夹可公开访问")
	p.fill(`input[name=children]`, "几个")
	p.follow(`main form button`)
	p.sees("desk.says.incident.children_invalid")
	p.at("leaks-wrong")
	p.fill(`input[name=children]`, "12")
	p.follow(`main form button`)
	p.sees("desk.leak.done")
	p.at("leak")
	p.follow(`main p:first-child a`)
	p.at("leaks")

	site.Do(site.App, func(ctx context.Context, tx *db.Tx) error {
		_, _, err := party.End(ctx, tx, site.Officer, of, tx.Now())
		return err
	})
	p.follow(`nav a[href^="/party?"]`)
	p.sees("desk.says.party.client_ended")
	p.misses("desk.home.gets.processor")
	p.at("home-ended")
	p.follow(`nav a[href^="/party/end"]`)
	p.at("end-parting")
	locked(func(ctx context.Context, tx *db.Tx, c family.Child) error {
		if err := book.Parted(ctx, tx, "system:cessation", c, order.Processor, of.Name, tx.Now()); err != nil {
			return err
		}
		all, err := party.Walks(ctx, tx)
		if err == nil && len(all) == 1 { // else the site's own round was here before
			var on bool
			if on, err = all[0].Hold(ctx, tx); on {
				err = all[0].Part(ctx, tx, "system:cessation", 1)
			}
		}
		return err
	})
	p.Reload()
	p.sees("desk.end.go")
	p.at("end")
	p.follow(`main form button`)
	p.sees("desk.says.order.document_needed")
	p.Find(`input[type=file]`).Attach(proof)
	p.follow(`main form button`)
	p.at("end-stated")
	p.Visit(site.URL + "/party/nowhere")
	p.sees("desk.no_page")
	p.at("refusal")
	p.follow(`header form button`)
	p.at("door")
	p.follow(`form[action^="/party/in/passkey"] button`)
	p.sees("desk.home.owed")

	names, err := filepath.Glob("../../desk/pages/*.html")
	if err != nil || len(names) == 0 {
		t.Fatal("no pages", err)
	}
	for _, name := range names {
		name = strings.TrimSuffix(filepath.Base(name), ".html")
		if name != "layout" && !slices.ContainsFunc(*p.stops, func(stop string) bool { return templateOf(stop) == name }) {
			t.Errorf("nobody stops at a page of %s", name)
		}
	}
	for _, path := range *p.paths {
		if u, err := url.Parse(path); err != nil || !strings.HasPrefix(u.Path, "/party") {
			t.Errorf("somebody stops at %s", path)
		}
	}
}

// pushes has the app push something to a processor that has nobody's webhook.
func (p *insider) pushes(of party.ID) {
	p.t.Helper()
	w := &vaulttest.World{T: p.t, Store: p.site.App.Store, Officer: p.site.Officer}
	w.BindSeal(of)
	ctx := p.t.Context()
	if _, err := p.site.API.Collect(ctx, p.child.ID, "", wardkeep.Collection{Purpose: "speaking-practice", Values: map[string]string{"gender": "女"}}); err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.site.API.Push(ctx, p.child.ID, wardkeep.Push{Role: string(of.Role), Party: of.Name, Purpose: "speaking-practice", Items: []string{"gender"}}); err != nil {
		p.t.Fatal(err)
	}
}

// engages has a processor registered, assessed and agreed with, as those in office do.
func (p *insider) engages(of party.ID) {
	p.t.Helper()
	p.site.Do(p.site.App, func(ctx context.Context, tx *db.Tx) error {
		published, err := catalog.Current(ctx, tx, of.Service)
		if err != nil {
			return err
		}
		w := &vaulttest.World{T: p.t, Store: p.site.App.Store, Officer: p.site.Officer, Charter: published.Charter}
		scope := party.ScopeOf(w.Charter, of.Role, of.Name)
		_, _, unregistered := party.Register(ctx, tx, w.Officer, of, vaulttest.Identity())
		_, _, unassessed := party.Assess(ctx, tx, w.Officer, of, w.Assessment(scope))
		_, _, unagreed := party.Agree(ctx, tx, w.Officer, of, w.Deed(scope, tx.Now().Add(-time.Minute), tx.Now().Add(100*24*time.Hour)))
		return errors.Join(unregistered, unassessed, unagreed)
	})
}
