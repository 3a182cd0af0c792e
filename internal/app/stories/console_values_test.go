package stories

import (
	"bytes"
	"context"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"wardkeep/internal/app/apptest"
	"wardkeep/internal/app/browsertest"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/watermark"
)

// looksAtValues tells how the officer asks for a look, sees a value once the manager has
// agreed, and decides about a worker's request, who then looks (Article 15).
func (p *insider) looksAtValues() (ref string, manager *signintest.Insider, worker *insider) {
	p.t.Helper()
	child := apptest.NewChild()
	p.register(child)
	page := p.asked.URL
	p.ask()
	p.plays("granted")
	p.use("parent-reports", map[string]string{"nickname": nicknames[p.lang], "remarks": "进步很大，发音很好"})
	p.asked.URL = page
	manager = signintest.Hire(p.t, p.site.App.Store, p.site.App.StaffDoor(), "周远", staff.Grant{Role: staff.Manager, Service: apptest.Service})
	desk := approval.Desk{Ring: p.site.App.Ring, Charters: p.site.App.Charters}

	p.goes("/console/access")
	p.sees("console.access.none")
	p.at("access-empty")
	p.follow(`main a.button`)
	p.at("where")
	p.follow(`main a[href*="/console/access/new/"][href*="/parent-reports"]`)
	p.asks("nobody", "support", "家长来电，课程里显示的名字不对", "nickname", "remarks")
	p.sees("console.ask.no_child")
	p.at("ask-wrong")
	p.fill(`input[name=ref]`, child.Ref)
	p.follow(`main form button`)
	p.sees("console.request.asked", "console.state.open")
	p.at("request-open")
	mine := p.waiting()
	p.isCaught(staff.KindTried, 403, "approval.self", func() browsertest.Said { return p.posts(pathOf(mine)+"/decide", grants) })
	p.Visit(p.site.URL + pathOf(mine))
	p.site.Do(p.site.App, func(ctx context.Context, tx *db.Tx) error {
		_, _, err := desk.Decide(ctx, tx, manager.Session.Person, apptest.Service, mine.ID, approval.Decision{Verdict: approval.Granted, Reason: approval.Needed})
		return err
	})
	p.isKnownAgain()
	p.sees("console.state.granted")
	p.follow(`main a[href*="/view?"]`)
	p.misses("console.view.first")
	p.at("view-masked")
	p.shows("nickname")
	if text := p.Text(); strings.Contains(text, nicknames[p.lang]) {
		p.t.Error("the page holds the value")
	}
	p.isMarked(mine.Number, 1)
	p.at("view")
	p.press(`button[data-hide]:not([hidden])`)
	if p.Count(`canvas:not([hidden])`) != 0 {
		p.t.Error("what was hidden is there")
	}
	p.shows("remarks")
	if p.Prints() || p.Count(`canvas:not([hidden])`) != 0 {
		p.t.Error("what is seen can be printed")
	}
	p.keepsNothing(child.Ref)
	p.approvesNothingOfTheirOwn(pii.New(child.Ref), manager)
	p.goes("/console/access")
	p.at("access")

	worker = p.comesByTheProvider()
	worker.goes("/console/access")
	worker.follow(`main a.button`)
	worker.follow(`main a[href*="/console/access/new/"][href*="/parent-reports"]`)
	worker.asks(child.Ref, "demand", "监护人要求更正评语", "nickname", "remarks")
	worker.sees("console.state.open")
	theirs := worker.waiting()
	worker.asked.URL = p.site.URL + pathOf(theirs)
	p.isKnownAgain()
	p.goes("/console/decisions")
	p.at("decisions")
	p.follow(`main tbody a`)
	p.at("request")
	p.press(`input[name=item][value=remarks]`)
	p.fill(`#minutes`, "5")
	p.follow(`form:has(input[value=narrowed]) button`)
	p.sees("console.state.narrowed", "console.answer.less_suffices")
	p.at("request-decided")

	second := signintest.Hire(p.t, p.site.App.Store, p.site.App.StaffDoor(), "李雷", staff.Grant{Role: staff.Worker, Service: apptest.Service})
	other := p.grantsAnother(second, manager)
	worker.getsNoFurther(theirs, other)
	p.Visit(p.site.URL + pathOf(other))
	p.follow(`form[action*="/end"] button`)
	p.sees("console.why.revoked")
	p.goes("/console/decisions")
	p.sees("console.decisions.none")
	p.at("decisions-empty")
	p.reviewsAnEmergency(child.Ref, worker, second)
	return child.Ref, manager, worker
}

// approvesNothingOfTheirOwn tells how somebody who decides agrees to what another has left of
// their own request, and gives themselves a role: both are refused (Article 15).
func (p *insider) approvesNothingOfTheirOwn(child pii.Text, manager *signintest.Insider) {
	p.t.Helper()
	var r approval.Request
	p.site.Do(p.site.App, func(ctx context.Context, tx *db.Tx) error {
		desk := approval.Desk{Ring: p.site.App.Ring, Charters: p.site.App.Charters}
		c, err := family.FindByRef(ctx, tx, p.site.App.Ring, apptest.Service, child)
		if err != nil {
			return err
		}
		if r, _, err = desk.Ask(ctx, tx, p.inside(ctx, tx), c, approval.Asking{Purpose: "parent-reports", Items: []string{"nickname", "remarks"},
			Reason: approval.ForSupport, Text: pii.New("家长来电"), Minutes: 20}); err == nil {
			_, _, err = desk.Decide(ctx, tx, manager.Session.Person, apptest.Service, r.ID, approval.Decision{Verdict: approval.Narrowed, Items: []string{"remarks"}, Minutes: 10, Reason: approval.LessSuffices})
		}
		return err
	})
	p.isCaught(staff.KindTried, 403, "approval.self", func() browsertest.Said { return p.posts(pathOf(r)+"/decide", grants) })
	p.Visit(p.site.URL + pathOf(r))
	p.isCaught(staff.KindTried, 403, "staff.self", func() browsertest.Said {
		return p.posts("/console/people/"+p.person().ID+"/give", url.Values{"role": {"manager"}, "service": {apptest.Service}})
	})
	p.Visit(p.site.URL + pathOf(r))
	p.follow(`form[action*="/end"] button`)
}

// asks fills in the form of a look, and sends it.
func (p *insider) asks(ref, reason, words string, items ...string) {
	p.t.Helper()
	p.fill(`input[name=ref]`, ref)
	for _, item := range items {
		p.press(`input[name=item][value=` + item + `]`)
	}
	p.Find(`select[name=reason]`).Choose(reason)
	p.fill(`textarea[name=words]`, words)
	p.follow(`main form button`)
}

// shows has the page show one item.
func (p *insider) shows(item string) {
	p.t.Helper()
	p.press(`form[data-reveal]:has(input[value=` + item + `]) button[data-show]`)
	p.awaits("console.view.shown")
}

// isMarked fails the test where a picture of the page doesn't say by which look of which
// request it was taken.
func (p *insider) isMarked(number string, look int64) {
	p.t.Helper()
	m, err := watermark.Read(bytes.NewReader(p.Screenshot(0, 0)))
	if err != nil || !m.Ours(p.site.App.Ring) || m.Number != number || m.Look != look {
		p.t.Errorf("a picture of the page says %+v, %v", m, err)
	}
}

// reviewsAnEmergency tells how two open something without the office, which finds it, and
// says whether it was right.
func (p *insider) reviewsAnEmergency(ref string, asks *insider, in *signintest.Insider) {
	p.t.Helper()
	p.goes("/console/reviews")
	p.sees("console.reviews.never")
	p.at("reviews-empty")
	p.goes("/console/urgent")
	p.sees("console.urgent.what")
	p.at("urgent-empty")
	asks.opensItWith(ref, in, p)
	p.Visit(p.site.URL + "/console/reviews")
	p.isKnownAgain()
	p.at("reviews")
	p.follow(`section[aria-labelledby=waits] tbody a`)
	p.at("review")
	p.press(`input[name=finding][value=rightful]`)
	p.fill(`textarea[name=words]`, "走失属实，只看了名字")
	p.follow(`form[action*="/console/reviews/"] button`)
	p.sees("console.finding.rightful")
	p.at("review-done")
	p.goes("/console/urgent")
	p.sees("console.urgent.in_office")
	p.at("urgent")
	asks.Reload()
	asks.sees("console.finding.rightful")
	asks.misses("console.suspended")
}

// takesAFile tells how the officer adds a key, asks for a file a day later, and has it once
// two others have agreed.
func (p *insider) takesAFile(ref string, first *signintest.Insider) {
	p.t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		p.t.Fatal(err)
	}
	p.goes("/console/account")
	p.fill(`input[name=recipient]`, key.Recipient().String())
	p.follow(`form[action^="/console/account/key?"] button`)
	p.sees("console.account.done.keyed")
	p.at("account-key")
	p.site.Pass(staff.CoolingOff)
	p.Visit(p.site.URL + "/console/in")
	p.follow(`form[action^="/console/in/passkey"] button`)
	p.sees("console.home.title")
	p.goes("/console/access")
	p.follow(`main a.button`)
	p.follow(`main a[href*="/console/legal/new/"][href*="/parent-reports"]`)
	p.sees("console.legal.foreign")
	p.at("ask-law")
	p.releasesNothingOnALaw(ref, first)
	p.Visit(p.site.URL + "/console/access/new")
	p.follow(`main a[href*="/console/exports/new/"][href*="/parent-reports"]`)
	p.fill(`input[name=ref]`, ref)
	p.press(`input[name=item][value=nickname]`)
	p.press(`input[name=item][value=remarks]`)
	p.Find(`select[name=reason]`).Choose("authority")
	p.fill(`textarea[name=words]`, "监管部门来函调取")
	p.at("ask-export")
	p.follow(`main form button`)
	p.sees("console.export.waits_two")
	mine := p.waiting()
	desk := approval.Desk{Ring: p.site.App.Ring, Charters: p.site.App.Charters}
	second := signintest.Hire(p.t, p.site.App.Store, p.site.App.StaffDoor(), "王芳", staff.Grant{Role: staff.Manager, Service: apptest.Service})
	less := approval.Decision{Verdict: approval.Narrowed, Items: []string{"nickname"}, Reason: approval.LessSuffices, Text: pii.New("名字就够了")}
	decides := func(by *signintest.Insider, a approval.Decision) {
		p.site.Do(p.site.App, func(ctx context.Context, tx *db.Tx) error {
			_, _, err := desk.Decide(ctx, tx, by.Session.Person, apptest.Service, mine.ID, a)
			return err
		})
	}
	decides(first, less)
	p.Reload()
	p.sees("console.export.waits_one")
	if p.Count(`form[action*="/decide"]`)+p.Count(`form[action*="/export"]`) != 0 {
		p.t.Error("who asks is offered to decide, or to take what one has agreed to")
	}
	p.at("request-export-agreed")
	p.isCaught(staff.KindTried, 403, "approval.self", func() browsertest.Said { return p.posts(pathOf(mine)+"/decide", grants) })
	p.isCaught(gate.KindDenied, 403, "gate.approval_two", func() browsertest.Said { return p.posts(pathOf(mine)+"/export", url.Values{}) })
	p.Visit(p.site.URL + pathOf(mine))
	decides(second, approval.Decision{Verdict: approval.Granted, Reason: approval.Needed})
	p.isKnownAgain()
	p.sees("console.export.ready")
	p.at("request-export-ready")
	p.takesNoOtherFile(mine)
	sealed, err := os.ReadFile(p.Find(`form[action*="/export"] button`).Save())
	if err != nil {
		p.t.Fatal(err)
	}
	plain, err := age.Decrypt(bytes.NewReader(sealed), key)
	if err != nil {
		p.t.Fatal(err)
	}
	text, err := io.ReadAll(plain)
	if err != nil || !strings.Contains(string(text), nicknames[p.lang]) {
		p.t.Errorf("the file: %v", err)
	}
	p.Reload()
	p.sees("console.export.made")
	if p.Count(`form[action*="/export"]`) != 0 {
		p.t.Error("the file is offered once more")
	}
	p.at("request-export-made")
	p.isCaught(gate.KindDenied, 403, "gate.approval_used_up", func() browsertest.Said { return p.posts(pathOf(mine)+"/export", url.Values{}) })
}

// releasesNothingOnALaw tells how the officer asks for what a court demands, and tries to have
// it before two others have agreed, one of them in office: each try is refused and recorded
// (invariants 3 and 11).
func (p *insider) releasesNothingOnALaw(ref string, agrees *signintest.Insider) {
	p.t.Helper()
	p.fill(`textarea[name=ref]`, ref)
	p.press(`input[name=item][value=nickname]`)
	p.fill(`input[name=need-nickname]`, "核对当事人身份")
	p.Find(`select[name=receiver]`).Choose("court")
	p.fill(`input[name=authority]`, "北京市朝阳区人民法院")
	p.Find(`select[name=level]`).Choose("law")
	p.fill(`input[name=provision]`, "《民事诉讼法》第七十条")
	p.fill(`input[name=number]`, "（2026）京0105民初7号")
	p.fill(`input[name=document]`, strings.Repeat("ab", 32))
	p.Find(`input[name=ends]`).Choose(p.site.App.Store.Now().AddDate(0, 0, 10).Format(time.DateOnly))
	p.fill(`textarea[name=words]`, "法院来函调取")
	p.follow(`main form button`)
	p.sees("console.export.waits_two", "console.basis.title")
	law := p.waiting()
	at := pathOf(law)
	p.isCaught(staff.KindTried, 403, "approval.self", func() browsertest.Said { return p.posts(at+"/decide", grants) })
	p.isCaught(gate.KindDenied, 403, "gate.approval_open", func() browsertest.Said { return p.posts(at+"/export", url.Values{}) })
	p.site.Do(p.site.App, func(ctx context.Context, tx *db.Tx) error {
		desk := approval.Desk{Ring: p.site.App.Ring, Charters: p.site.App.Charters}
		_, _, err := desk.Decide(ctx, tx, agrees.Session.Person, apptest.Service, law.ID, approval.Decision{Verdict: approval.Granted, Reason: approval.Needed})
		return err
	})
	p.isCaught(gate.KindDenied, 403, "gate.approval_two", func() browsertest.Said { return p.posts(at+"/export", url.Values{}) })
	third := signintest.Hire(p.t, p.site.App.Store, p.site.App.StaffDoor(), "赵敏", staff.Grant{Role: staff.Manager, Service: apptest.Service})
	other := p.colleague("赵敏")
	other.Bring(other.site.URL, sessionOf, third.Secret)
	other.Visit(other.site.URL + "/console")
	other.isCaught(staff.KindTried, 403, "approval.no_officer", func() browsertest.Said { return other.posts(at+"/decide", grants) })
	other.isCaught(gate.KindDenied, 403, "gate.approval_of_other", func() browsertest.Said { return other.posts(at+"/export", url.Values{}) })
	for _, form := range []url.Values{{"watermark": {"off"}}, {"receiver": {"x"}}, {"item": {"remarks"}}, {"child": {"ch_00000000000000000000000000"}}, {"recipient": {"age1"}}} {
		p.isCaught(staff.KindTried, 422, "console.view.fields", func() browsertest.Said { return p.posts(at+"/export", form) })
	}
	p.Visit(p.site.URL + at)
	p.isCaught(gate.KindDenied, 403, "gate.approval_form", func() browsertest.Said { return p.Fetch(at+"/view", url.Values{"item": {"nickname"}}) })
	p.Visit(p.site.URL + at)
	p.follow(`form[action*="/end"] button`)
	p.sees("console.why.given_back")
}

// takesNoOtherFile tells how the file that two have agreed to is tried without its marks, of
// other items, of another child, for another key and by its address (Article 15).
func (p *insider) takesNoOtherFile(mine approval.Request) {
	p.t.Helper()
	at := pathOf(mine)
	for _, form := range []url.Values{{"watermark": {"off"}}, {"item": {"remarks"}}, {"child": {"ch_00000000000000000000000000"}}, {"recipient": {"age1"}}} {
		p.isCaught(staff.KindTried, 422, "console.view.fields", func() browsertest.Said { return p.posts(at+"/export", form) })
	}
	p.isCaught(staff.KindTried, 422, "console.view.fields", func() browsertest.Said { return p.posts(at+"/export?watermark=off", url.Values{}) })
	for _, file := range []string{"/export/" + mine.Number + ".txt.age", "/" + mine.Number + ".txt.age"} {
		p.isCaught(staff.KindTried, 404, "console.no_page", func() browsertest.Said { p.Visit(p.site.URL + at + file); return p.said() })
	}
	p.Visit(p.site.URL + at)
}

// waiting returns the last request of the person of which something can still come.
func (p *insider) waiting() (r approval.Request) {
	p.t.Helper()
	who := p.person()
	p.site.Do(p.site.App, func(ctx context.Context, tx *db.Tx) error {
		all, err := approval.List(ctx, tx, apptest.Service, false, 20)
		if i := slices.IndexFunc(all, func(r approval.Request) bool { return r.Asker == who.ID }); i >= 0 {
			r = all[i]
		}
		return err
	})
	if r.ID == "" {
		p.t.Fatal("nothing waits")
	}
	return r
}
