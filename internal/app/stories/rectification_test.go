package stories

import (
	"os"
	"path/filepath"
	"time"

	"wardkeep/internal/app/apptest"
	"wardkeep/internal/family/age"
)

// putsRight tells how the officer records a summons and what has to be put right for it, and
// proves that with a document (Article 25); that another person confirms it the tests of the
// console tell.
func (p *insider) putsRight() {
	p.t.Helper()
	day := func(n int) string { return time.Now().In(age.Zone).AddDate(0, 0, n).Format(time.DateOnly) }
	p.goes("/console/rectifications")
	p.sees("console.takedowns.none")
	p.at("rectifications-empty")
	p.follow(`main a[href^="/console/rectifications/new"]`)
	p.sees("console.rectifications.choose")
	p.at("rectification_new-choose")
	p.follow(`main a[href*="what=summons"]`)
	p.sees("console.rectifications.authority.summons")
	p.at("rectification_new")
	p.fill(`input[name=authority]`, "某市网信办")
	p.fill(`input[name=document]`, "网信约〔2026〕7号")
	p.Find(`input[name=dated]`).Choose(day(-1))
	p.fill(`textarea[name=words]`, "未经同意收集位置")
	p.Find(`input[name=due]`).Choose(day(30))
	p.follow(`main form button`)
	p.sees("console.rectifications.no_parts.item")
	p.at("rectification")
	p.follow(`main a[href*="/part"]`)
	p.at("rectification_new-part")
	p.fill(`textarea[name=words]`, "停止收集位置")
	p.Find(`input[name=due]`).Choose(day(10))
	p.follow(`main form button`)
	p.sees("console.rectifications.prove.item")
	p.at("rectification-item")
	proof := filepath.Join(p.t.TempDir(), "proof.pdf")
	if err := os.WriteFile(proof, []byte("%PDF-1.7"), 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.fill(`#words-prove`, "1.8 版已停止收集")
	p.Find(`#document`).Attach(proof)
	p.follow(`form[action*="/prove"] button`)
	p.sees("console.rectifications.another")
	p.at("rectification-proved")
	p.follow(`form[action*="/words"] button`)
	p.sees("console.incidents.read_done")
	p.at("rectification-read")
	p.goes("/console/rectifications")
	p.sees("console.rectifications.state.proved")
	p.at("rectifications")
	p.follow(`main a[href^="/console/yearly"]`)
	p.sees("console.yearly.what")
	p.at("yearly")
	p.Visit(p.site.URL + "/console/yearly/" + apptest.Service + "/2025")
	p.sees("console.yearly.back")
	p.at("audit")
}
