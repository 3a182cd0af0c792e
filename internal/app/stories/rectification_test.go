package stories

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family/age"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
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
	p.invitesAnInspector()
}

// filesAnAudit tells how the officer of a service that was published in an earlier year, and so owes
// an audit on whatever day this is told, says that it was filed: with a letter that is no receipt, and
// then with the receipt (Article 22).
func (p *insider) filesAnAudit() {
	p.t.Helper()
	who := p.person()
	p.site.Do(p.site.App, func(ctx context.Context, tx *db.Tx) error {
		officer, _, err := vaulttest.LaunchIn(ctx, tx, p.site.App.Ring, p.site.Charter)
		if err != nil {
			return err
		}
		g, err := staff.OfOffice(ctx, tx, vaulttest.LiveService, officer.ID)
		if err == nil {
			_, err = staff.Give(ctx, tx, catalog.Operator{ID: "test"}, who.ID, g)
		}
		if err == nil { // as it is more than a year later
			_, err = tx.Exec(ctx, `UPDATE charter SET published_at = published_at - $1 WHERE service = $2`, (400 * 24 * time.Hour).Microseconds(), vaulttest.LiveService)
		}
		return err
	})
	year := p.site.App.Store.Now().In(age.Zone).Year() - 1
	file := func(name, content string) string {
		path := filepath.Join(p.t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			p.t.Fatal(err)
		}
		return path
	}
	p.goes("/console/rectifications")
	p.follow(`main a[href^="/console/yearly"]`)
	p.sees("console.yearly.what", "console.yearly.none")
	p.at("yearly")
	p.follow(fmt.Sprintf(`main tbody a[href*="/%d?"]`, year))
	p.isKnownAgain()
	p.follow(`main a[href*="/new?"]`)
	p.sees("console.pack.form_what", "console.pack.now")
	p.at("pack_new")
	p.follow(`main form[enctype] button`)
	p.sees("console.pack.answers_what", "console.pack.gaps_what")
	p.at("pack")
	p.follow(`main p.unprinted a`)
	p.fill(`#authority`, "某市网信办")
	p.Find(`#dated`).Choose(fmt.Sprintf("%d-11-01", year))
	p.Find(`#document`).Attach(file("letter.txt", "已报送"))
	p.follow(`main form[enctype] button`)
	p.sees("yearly.receipt_invalid", "console.yearly.file_now")
	p.at("audit-wrong")
	p.Find(`#document`).Attach(file("receipt.pdf", "%PDF-1.7 回执"))
	p.follow(`main form[enctype] button`)
	p.sees("console.yearly.is_filed", "console.yearly.correct_now")
	p.at("audit-filed")
}
