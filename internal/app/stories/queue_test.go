package stories

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"wardkeep/internal/app/apptest"
	"wardkeep/internal/app/browsertest"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/complaint"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/staff"
	"wardkeep/internal/verification"
	"wardkeep/internal/watermark"
)

// looksAfterContent tells how the officer reports content that was published, takes the
// case and decides about it (Article 4).
func (p *insider) looksAfterContent() {
	p.t.Helper()
	p.goes("/console/takedowns")
	p.sees("console.takedowns.none")
	p.at("takedowns-empty")
	p.follow(`main a[href^="/console/takedowns/new"]`)
	p.at("takedown_new")
	p.Find(`input[name=ref]`).Fill("post-20417")
	p.Find(`select[name=harm]`).Choose("identifiers")
	p.Find(`select[name=source]`).Choose("guardian")
	p.follow(`main form button`)
	p.sees("console.takedown.hidden")
	p.at("takedown-open")
	p.follow(`form[action*="/take"] button`)
	p.sees("console.takedown.look")
	p.press(`input[name=outcome][value=stays]`)
	p.follow(`form[action*="/decide"] button`)
	p.sees("takedown.ground_unknown")
	p.at("takedown")
	p.press(`input[name=outcome][value=take_down]`)
	p.follow(`form[action*="/decide"] button`)
	p.sees("console.takedown.ordered")
	p.at("takedown-ordered")
	p.goes("/console/takedowns")
	p.sees("console.takedowns.state.ordered")
	p.at("takedowns")
}

// looksAfterReports tells how the officer takes up what somebody has reported to the desk, reads
// it on record, and answers it (Article 24).
func (p *insider) looksAfterReports() {
	p.t.Helper()
	p.goes("/console/reports")
	p.sees("console.reports.none")
	p.at("complaints-empty")
	p.site.Do(p.site.App, func(ctx context.Context, tx *db.Tx) error {
		puzzle, err := complaint.NewPuzzle(ctx, tx, p.site.App.Ring)
		if err == nil {
			_, _, err = complaint.Desk{Ring: p.site.App.Ring, Calendar: workday.Default()}.Receive(ctx, tx, puzzle.Solve(), complaint.Report{Service: apptest.Service, Kind: complaint.Refuses,
				Words: pii.New("三次要求删除都没有回音，\n也没有编号"), Files: []pii.Text{pii.New("%PDF-1.7 三封邮件")}})
		}
		return err
	})
	p.Reload()
	p.sees("complaint.state.received")
	p.at("complaints")
	p.follow(`main tbody a`)
	p.sees("console.reports.read_what")
	p.at("complaint")
	p.follow(`form[action*="/acknowledge"] button`)
	p.sees("complaint.state.acknowledged")
	p.follow(`form[action*="/words"] button`)
	p.sees("console.reports.reporter")
	if !strings.Contains(p.Text(), "没有回音，\n也没有编号") {
		p.t.Errorf("what was written loses its lines: %s", p.Text())
	}
	p.at("complaint-read")
	p.Find(`#outcome`).Choose("founded")
	p.fill(`textarea[name=words]`, "已经删除。")
	p.follow(`form[action*="/answer"] button`)
	p.sees("complaint.state.answered", "complaint.outcome.founded")
	p.at("complaint-answered")
}

// hidesFromAGuardian tells how the officer asks to hide what is held of a child from one of its
// guardians, and that another person decides about it (edge case 22).
func (p *insider) hidesFromAGuardian(ref string) {
	p.t.Helper()
	p.goes("/console/shields")
	p.sees("console.shields.none")
	p.at("shields-empty")
	p.follow(`main a[href^="/console/shields/new"]`)
	p.sees("console.shields.find")
	p.at("shield_new-find")
	p.Find(`input[name=ref]`).Fill(ref)
	p.follow(`main form button`)
	p.sees("console.shields.whom")
	p.press(`input[name=guardian]`)
	p.Find(`select[name=reason]`).Choose("violence")
	p.fill(`textarea[name=words]`, "孩子告诉老师，父亲打她")
	p.at("shield_new")
	p.follow(`main form button`)
	p.sees("console.shields.own")
	p.at("shield")
	p.goes("/console/shields")
	p.sees("console.shields.state.asked")
	p.at("shields")
}

// tellsTheAuthority tells how a report is made of what is on record, is sent, and has an answer
// (Article 21).
func (p *insider) tellsTheAuthority() {
	p.t.Helper()
	p.follow(`main a[href*="/authority"]`)
	p.sees("console.authority.none")
	p.at("authority")
	p.fill(`#f-to`, "某市网信办")
	p.follow(`form:has(#f-to) button`)
	p.sees("console.authority.send_what")
	p.follow(`form[action*="/send"] button`)
	p.sees("console.authority.stand.sent")
	p.at("report")
}

// dealsWithAnIncident tells how the officer opens a case of what has leaked, grades it, reads
// what was written, and is told what it still lacks (Article 21).
func (p *insider) dealsWithAnIncident() {
	p.t.Helper()
	p.goes("/console/incidents")
	p.sees("console.takedowns.none")
	p.at("incidents-empty")
	p.follow(`main a[href^="/console/incidents/new"]`)
	p.press(`input[name=kind][value=leaked]`)
	p.fill(`main textarea[name=words]`, "一份名单可以公开访问")
	p.at("incident_new")
	p.follow(`main form button`)
	p.sees("console.incidents.read_what")
	p.at("incident-open")
	p.press(`input[name=grade][value=unclear]`)
	p.fill(`#grade-words`, "不清楚谁看过")
	p.follow(`form[action*="/grade"] button`)
	p.Find(`select[name=step]`).Choose("plan")
	p.fill(`#note-words`, "已关闭访问")
	p.follow(`form[action*="/note"] button`)
	p.press(`input[name=outcome][value=reported]`)
	p.fill(`#close-words`, "已处置")
	p.follow(`form[action*="/close"] button`)
	p.sees("console.incidents.lacks.report")
	p.at("incident-lacks")
	p.follow(`form[action*="/words"] button`)
	p.sees("console.incidents.read_done")
	p.at("incident")
	p.follow(`main a[href*="/notices"]`)
	p.sees("console.warnings.none")
	p.at("notices")
	p.fill(`#reason`, "没有涉及任何孩子")
	p.follow(`form:has(#reason) button`)
	p.sees("console.warnings.another")
	p.at("notice")
	p.goes("/console/incidents")
	p.follow(`main a[href*="/in_"]`)
	p.tellsTheAuthority()
	p.goes("/console/incidents")
	p.sees("console.incidents.state.triaged")
	p.at("incidents")
	p.follow(`main a[href*="/in_"]`)
	p.asksWhomItHasReached()
}

// asksWhomItHasReached tells how the officer asks the ledger whom a leak has reached, and has them
// put on the list of the case.
func (p *insider) asksWhomItHasReached() {
	p.t.Helper()
	p.follow(`main a[href*="/reach"]`)
	p.sees("console.reached.none")
	p.Find(`select[name=by]`).Choose("service")
	p.follow(`form[method=get] button`)
	p.at("reached")
	p.follow(`form[action*="/reach/add"] button`)
	p.sees("console.reached.goes")
}

// judgesWhatWaits tells how the officer takes an account that may be a child's and decides
// about it (Article 2), and looks at a document by which a guardian proves who it is, as the
// first of two (edge case 24).
func (p *insider) judgesWhatWaits() {
	p.t.Helper()
	p.goes("/console/suspicions")
	p.sees("console.suspicions.as_child", "console.suspicions.nobody")
	p.at("suspicions")
	p.follow(`main tbody a`)
	p.sees("console.suspicion.hidden")
	p.at("suspicion-open")
	p.follow(`form[action*="/take"] button`)
	p.sees("console.suspicion.look")
	p.at("suspicion")
	p.press(`input[name=outcome][value=not_a_child]`)
	p.follow(`form[action*="/decide"] button`)
	p.sees("suspicion.basis_unknown")
	p.press(`input[name=outcome][value=not_a_child]`)
	p.Find(`select[name=basis]`).Choose("official_check")
	p.follow(`form[action*="/decide"] button`)
	p.sees("console.suspicions.became.not_a_child")
	p.goes("/console/suspicions")
	p.sees("console.suspicions.none")
	p.at("suspicions-empty")
	p.follow(`main a[href^="/console/suspicions/new"]`)
	p.sees("console.suspicions.report")
	p.at("suspicion_new")
	p.looksAfterContent()
	p.looksAfterReports()
	p.putsRight()

	p.goes("/console/evidence")
	p.sees("console.evidence.none")
	p.at("evidence-empty")
	paper := p.sendsADocument()
	p.Reload()
	p.at("evidence")
	p.follow(`main tbody a`)
	p.sees("console.document.unseen")
	p.follow(`main a.button`)
	p.at("document_view-masked")
	p.press(`button[data-show]`)
	p.awaits("console.document.shown")
	m, err := watermark.Read(bytes.NewReader(p.Screenshot(0, 0)))
	if err != nil || !m.Ours(p.site.App.Ring) || m.Number != id.NumberOf(paper) || m.Look != 1 {
		p.t.Errorf("a picture of the page says %+v, %v", m, err)
	}
	if p.Prints() {
		p.t.Error("what is seen can be printed")
	}
	p.at("document_view")
	p.reachesNothingBy("document")
	p.follow(`main p:first-child a`)
	p.sees("console.document.judge")
	p.at("document")
	p.follow(`form[action*="/approve"] button`)
	p.sees("console.document.mine")
	p.at("document-first")
	page := p.Page().URL
	at, _, _ := strings.Cut(strings.TrimPrefix(page, p.site.URL), "?")
	p.isCaught(staff.KindTried, 409, "verification.same_staff", func() browsertest.Said { return p.posts(at+"/approve", url.Values{}) })
}

// sendsADocument walks a guardian to a document that waits, and returns the attempt.
func (p *insider) sendsADocument() (name string) {
	p.t.Helper()
	a, operator := p.site.App, catalog.Operator{ID: "test"}
	asks := consent.Desk{Ring: a.Ring, Charters: a.Charters}
	var r consent.Request
	var code consent.OneTime
	var proof string
	for _, step := range []func(ctx context.Context, tx *db.Tx) error{
		func(ctx context.Context, tx *db.Tx) error {
			child, _, _, err := a.Vault.Gate.Register(ctx, tx, operator, family.Enrolment{Service: apptest.Service, Ref: pii.New(id.Secret(16)),
				Guardian: family.Person{Phone: pii.New("13800138000"), Relation: family.Parent}})
			if err == nil {
				r, _, _, err = asks.Ask(ctx, tx, operator, child, consent.Asking{Channel: consent.Link, Locale: "zh-CN"})
			}
			return err
		},
		func(ctx context.Context, tx *db.Tx) (err error) {
			r, _, _, err = asks.Open(ctx, tx, r, "zh-CN", consent.OnPage)
			return err
		},
		func(ctx context.Context, tx *db.Tx) (err error) {
			code, err = asks.SendCode(ctx, tx, r)
			return err
		},
		func(ctx context.Context, tx *db.Tx) (err error) {
			r, proof, _, err = asks.VerifyCode(ctx, tx, r, code.Code)
			return err
		},
		func(ctx context.Context, tx *db.Tx) error {
			sent, err := verification.Desk{Consent: asks, Documents: true}.SendDocument(ctx, tx, r, proof, verification.Upload{Pages: []pii.Text{pii.New(aPaper())}})
			name = sent.ID
			return err
		},
	} {
		p.site.Do(a, step)
	}
	return name
}

// aPaper is a page with lines that look like writing.
func aPaper() string {
	m := image.NewGray(image.Rect(0, 0, 1400, 900))
	draw.Draw(m, m.Rect, image.NewUniform(color.Gray{Y: 240}), image.Point{}, draw.Src)
	for y := 120; y < 800; y += 60 {
		for x := 100; x < 1300; x++ {
			if x/30%5 != 0 && x < 900+y%240 {
				for _, up := range []int{0, 1, 2, 9, 10} {
					m.SetGray(x, y+up, color.Gray{Y: 40})
				}
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err) // it is written to memory
	}
	return b.String()
}

// keepsLogs tells how the officer registers a log stream, which is a child's until a test says
// otherwise, and has it leave the register (Article 28).
func (p *insider) keepsLogs() {
	p.t.Helper()
	record := filepath.Join(p.t.TempDir(), "test.pdf")
	if err := os.WriteFile(record, []byte("%PDF-1.7 测试记录"), 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.goes("/console/streams")
	p.sees("console.streams.none")
	p.at("streams-empty")
	p.follow(`main a[href*="/new"]`)
	for field, value := range map[string]string{"input[name=name]": "网关访问日志", "input[name=system]": "入口网关", "textarea[name=fields]": "时间、路由、状态码", "input[name=place]": "上海机房",
		"input[name=office]": "运维", "textarea[name=grounds]": "没有任何标识"} {
		p.fill(field, value)
	}
	p.Find(`select[name=months]`).Choose("6")
	p.Find(`select[name=reason]`).Choose("nameless")
	p.at("sign-stream")
	p.follow(`button[value=sign]`)
	p.sees("console.streams.why.untested")
	p.at("stream-untested")
	p.follow(`main a[href*="/test"]`)
	for field, value := range map[string]string{"input[name=made_by]": "安全工程师", "input[name=records]": "500", "input[name=joined]": "0", "textarea[name=findings]": "随机抽取，逐条比对"} {
		p.fill(field, value)
	}
	p.Find(`select[name=method]`).Choose("compared")
	p.Find(`input[name="document.file"]`).Attach(record)
	p.at("sign-join")
	p.follow(`button[value=sign]`)
	p.sees("console.streams.passed")
	p.at("stream")
	p.goes("/console/streams")
	p.at("streams")
	p.follow(`main tbody a`)
	p.Find(`select[name=purpose]`).Choose("course-progress")
	p.follow(`form[action*="/cover"] button`)
	p.at("stream-covered")
	p.goes("/console/streams")
	p.follow(`main a[href*="/new"]`)
	for field, value := range map[string]string{"input[name=name]": "旧版崩溃日志", "input[name=system]": "旧版应用", "textarea[name=fields]": "堆栈", "input[name=place]": "上海机房",
		"input[name=office]": "运维", "textarea[name=grounds]": "没有任何标识"} {
		p.fill(field, value)
	}
	p.Find(`select[name=months]`).Choose("3")
	p.Find(`select[name=reason]`).Choose("no_persons")
	p.follow(`button[value=sign]`)
	p.follow(`form[action*="/stop"] button`)
	p.at("stream-stopped")
}
