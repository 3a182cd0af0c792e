package console_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/catalog"
	birth "wardkeep/internal/family/age"
	"wardkeep/internal/party"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

const (
	partyAt  = "/console/parties/" + vaulttest.Service + "/processor/" + vaulttest.Processor
	impactAt = "/console/charters/" + vaulttest.Service + "/1/impact/" + purpose
)

// identity is the form by which the processor is registered.
func identity() sheet {
	is := vaulttest.Identity()
	return sheet{values: map[string]string{"legal_name": is.LegalName, "registration": is.Registration, "contact": is.Contact, "address": is.Address, "country": is.Country, "task": is.Task}}
}

// with returns a form in which something else is said.
func (s sheet) with(pairs ...string) sheet {
	values := make(map[string]string)
	for name, value := range s.values {
		values[name] = value
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return sheet{values, s.files}
}

// assessment is a form that passes, valid for 300 days.
func (d *desk) assessment() sheet {
	today := d.Store.Now().In(birth.Zone)
	values := map[string]string{"by": "self", "scope": "speaking-practice:voice", "risks.0.risk": "录音没有删除", "risks.0.level": "high", "risks.0.treatment": "每月抽查", "risks.0.left": "low",
		"signed_on": today.Format(time.DateOnly), "valid_until": today.AddDate(0, 0, 300).Format(time.DateOnly)}
	for _, q := range (party.Form{}).Questions() {
		values[q.Name+".answer"], values[q.Name+".score"] = "已查验。", "2"
	}
	return sheet{values: values}
}

// deed is an agreement that has begun, and runs for 30 days.
func (d *desk) deed() sheet {
	now := d.Store.Now().In(birth.Zone)
	day := now.Format(time.DateOnly)
	values := map[string]string{"matters": "评分", "nature": "自动", "scope": "speaking-practice:voice", "operator_duties": "说明要求", "measures": "加密", "supervision": "每季度检查", "supervised_every": "3",
		"duties.instructions": "按要求处理", "duties.assistance": "协助", "duties.security": "保密", "duties.deletion": "删除", "duties.no_sub_processors": "不转委托", "duties.others": "无",
		"document": "", "signed_by_operator.by": "法定代表人", "signed_by_operator.on": day, "signed_by_processor.by": "法定代表人", "signed_by_processor.on": day,
		"from": now.Format(time.DateTime), "until": now.AddDate(0, 0, 30).Format("2006-01-02T15:04:05")}
	return sheet{values: values, files: map[string]upload{"document.file": {"协议.pdf", letter}}}
}

func (d *desk) inspection() sheet {
	return sheet{values: map[string]string{"on": d.Store.Now().In(birth.Zone).Format(time.DateOnly), "checked_by": "安全负责人", "manner": "现场", "checked": "日志、删除", "findings": "无", "outcome": "met"},
		files: map[string]upload{"document.file": {"记录.pdf", letter}}}
}

// Articles 16 and 17: all that a party stands on is signed at the console by who holds an
// office, with the verbs of the terminal, and read there by who audits.
func TestArticle16_AProcessorThroughThePages(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		b := d.bureau()
		auditor, worker := d.browser(d.hire(staff.Auditor).Secret), d.browser(d.hire(staff.Worker).Secret)
		is := func(want party.State) {
			t.Helper()
			d.Do(func(ctx context.Context, tx *db.Tx) error {
				p, err := party.Find(ctx, tx, vaulttest.ProcessorID())
				if err == nil && p.State(tx.Now()) != want {
					t.Errorf("it is %s, want %s", p.State(tx.Now()), want)
				}
				return err
			})
		}
		signs := func(form string, s sheet) {
			t.Helper()
			if w := b.boss.sends(partyAt+"/"+form, s); w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), partyAt+"?") {
				t.Fatalf("%s: %d %s", form, w.Code, shown.ReplaceAllString(w.Body.String(), " "))
			}
		}
		refused := func(name string, w *httptest.ResponseRecorder, at string) {
			t.Helper()
			body := w.Body.String()
			_, tag, _ := strings.Cut(body, ` id="`+at+`"`)
			tag, _, _ = strings.Cut(tag, ">")
			if w.Code != 422 && w.Code != 409 || !strings.Contains(body, `id="problem"`) || at != "" && !strings.Contains(tag, `problem"`) {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		if page := auditor.get("/console/parties?lang=en").Body.String(); !strings.Contains(page, partyAt+"?") || !strings.Contains(page, i18n.English.T("console.parties.unregistered")) {
			t.Error("the charter's processor isn't listed")
		}
		refused("another number", b.boss.sends(partyAt+"/identity", identity().with("registration", "91330106MA2CGR7T4Y")), "f-registration")
		signs("identity", identity())
		is(party.Draft)
		if w := b.boss.sends(partyAt+"/agreement", d.deed()); w.Code != 409 {
			t.Errorf("signed without an assessment: %d", w.Code)
		}
		refused("an answer is missing", b.boss.sends(partyAt+"/assessment", d.assessment().with("staff.answer", "")), "f-staff")
		if w := b.boss.sends(partyAt+"/assessment", d.assessment().with("staff.answer", "")); !strings.Contains(w.Body.String(), "接触信息的人员：多少、是否保密、是否培训："+i18n.Chinese.T("party.form_invalid")) {
			t.Error("which field it is about isn't said")
		}
		refused("a question isn't scored", b.boss.sends(partyAt+"/assessment", d.assessment().with("staff.score", "")), "f-staff")
		refused("beyond the charter", b.boss.sends(partyAt+"/assessment", d.assessment().with("scope", "account:guardian_phone")), "f-scope")
		weak := d.assessment().with("measures.score", "0", "do", "check")
		if w := b.boss.sends(partyAt+"/assessment?lang=en", weak); w.Code != 200 || !strings.Contains(w.Body.String(), i18n.English.T("console.sign.against")) || !strings.Contains(w.Body.String(), "<li>"+i18n.English.T("console.sign.sum")) {
			t.Errorf("what it would come to: %d", w.Code)
		}
		is(party.Draft)
		signs("assessment", d.assessment())
		is(party.Ready)
		refused("no document", b.boss.sends(partyAt+"/agreement", sheet{values: d.deed().values}), "f-document")
		refused("it ends before it begins", b.boss.sends(partyAt+"/agreement", d.deed().with("until", "2020-01-01T00:00:00")), "f-until")
		refused("it is never checked", b.boss.sends(partyAt+"/agreement", d.deed().with("supervised_every", "")), "f-supervised_every")
		form := b.boss.get(partyAt + "/agreement").Body.String()
		for _, asked := range []string{`<input id="f-signed_by_operator-by"`, `<input id="f-signed_by_processor-by"`, `<option value="12">每年`} {
			if !strings.Contains(form, asked) {
				t.Errorf("the form of an agreement has no %s", asked)
			}
		}
		signs("agreement", d.deed().with("supervised_every", "4")) // as a file may say, and no choice here does
		is(party.Active)
		refused("nothing was found out", b.boss.sends(partyAt+"/check", d.inspection().with("findings", "")), "f-findings")
		signs("check", d.inspection())
		is(party.Active)
		if page := auditor.get(partyAt).Body.String(); !strings.Contains(page, "下一次监督检查") || !strings.Contains(page, "安全负责人") || !strings.Contains(page, "<dd>4</dd>") {
			t.Error("the check isn't shown, or how often one is owed")
		}
		// Whom the charter names no more it can't be assessed for, and is checked for as long as its
		// agreement runs.
		names := func(is, was string) {
			d.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `UPDATE party SET name = $1 WHERE name = $2`, is, was)
				return err
			})
		}
		names("former", vaulttest.Processor)
		former := strings.Replace(partyAt, vaulttest.Processor, "former", 1)
		if page := b.boss.get(former).Body.String(); !strings.Contains(page, former+"/check?") || strings.Contains(page, former+"/assessment?") {
			t.Error("whom the charter names no more isn't to be checked")
		}
		names(vaulttest.Processor, "former")
		if page := auditor.get(partyAt).Body.String(); !strings.Contains(page, "每季度检查") || !strings.Contains(page, "语评科技") || strings.Contains(page, partyAt+"/suspend") || strings.Contains(page, "4,") {
			t.Error("an auditor doesn't read the papers, or is offered to change them")
		}
		refused("no reason", b.boss.post(partyAt+"/suspend", "reason", "because"), "")
		for verb, form := range map[string][]string{"suspend": {"reason", "supervision"}} {
			if w := b.boss.post(partyAt+"/"+verb, form...); w.Code != 303 {
				t.Fatalf("%s: %d", verb, w.Code)
			}
		}
		is(party.Suspended)
		if w := b.boss.post(partyAt + "/resume"); w.Code != 303 {
			t.Fatalf("resumed: %d", w.Code)
		}
		is(party.Active)
		// Edge case 19: one that somebody has found suspends it at once, and no one resumes.
		if w := b.boss.post(partyAt+"/declare", "subs", "另一家公司\r\n\r\n第三家"); w.Code != 303 {
			t.Fatalf("declared: %d", w.Code)
		}
		is(party.Suspended)
		if w := b.boss.post(partyAt + "/resume"); w.Code != 409 {
			t.Errorf("resumed with sub-processors: %d", w.Code)
		}
		if page := auditor.get(partyAt).Body.String(); !strings.Contains(page, "第三家") {
			t.Error("which ones isn't said")
		}
		b.boss.post(partyAt+"/declare", "subs", "")
		b.boss.post(partyAt + "/resume")
		signs("mechanism", sheet{values: map[string]string{"mechanism": "standard_contract", "reference": "备案 7", "document": strings.Repeat("ab", 32), "from": d.deed().values["from"], "until": d.deed().values["until"]}})
		refused("no moment", b.boss.post(partyAt+"/end", "at", "tomorrow"), "at")
		// Who holds no office signs nothing, and it is on record.
		for name, w := range map[string]*httptest.ResponseRecorder{"worker": worker.sends(partyAt+"/assessment", d.assessment()), "auditor": auditor.post(partyAt + "/end"), "form": auditor.get(partyAt + "/assessment")} {
			if outcome(w) != mayNot {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		for _, none := range []string{partyAt + "/nothing", "/console/parties/" + vaulttest.Service + "/processor/nobody", "/console/parties/" + vaulttest.Service + "/recipient/" + vaulttest.Processor} {
			if w := b.boss.get(none); w.Code != 404 {
				t.Errorf("%s: %d", none, w.Code)
			}
		}
		if file := auditor.post("/console/parties/csv?lang=en", "filter", ""); len(rowsOf(t, file.Body.Bytes())) != 2 {
			t.Errorf("the file: %d %s", file.Code, file.Body)
		}
		b.bindsKeys(d, auditor, refused)
		d.Pass(signin.Fresh)
		if w := b.boss.post(partyAt + "/end"); outcome(w) != toAgain {
			t.Errorf("not fresh: %d", w.Code)
		}
		is(party.Active)
		b.everybody()
		if w := b.boss.post(partyAt + "/end"); w.Code != 303 {
			t.Fatalf("ended: %d", w.Code)
		}
		is(party.Ended)
		if w := b.boss.post(partyAt + "/end"); w.Code != 409 {
			t.Errorf("ended twice: %d", w.Code)
		}
		d.replays()
	})
}

// Article 17: a recipient is registered and assessed at the console, by an institution where the
// office says so, and has no form of an agreement.
func TestArticle17_ARecipientThroughThePages(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.Publish(vaulttest.Takeover(d.Charter))
		b := d.bureau()
		of := party.ID{Service: vaulttest.Service, Role: party.Recipient, Name: vaulttest.Successor}
		at := "/console/parties/" + of.Service + "/recipient/" + of.Name
		scope := vaulttest.Handover + ":nickname"
		byOthers := d.assessment().with("scope", scope, "by", "institution", "institution", "评估所", "report", strings.Repeat("ef", 32))
		if w := b.boss.sends(at+"/assessment", byOthers); w.Code < 400 {
			t.Errorf("nobody has registered it: %d", w.Code)
		}
		for _, step := range []struct {
			form string
			s    sheet
		}{{"identity", identity()}, {"assessment", byOthers}} {
			if w := b.boss.sends(at+"/"+step.form, step.s); w.Code != http.StatusSeeOther {
				t.Fatalf("%s: %d %s", step.form, w.Code, shown.ReplaceAllString(w.Body.String(), " "))
			}
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			p, err := party.Find(ctx, tx, of)
			if err == nil && (!p.Assessment.Passed || !p.Assessment.Holds(tx.Now())) {
				t.Errorf("%+v", p.Assessment)
			}
			return err
		})
		if page := b.boss.get(at); page.Code != http.StatusOK || strings.Contains(page.Body.String(), at+"/agreement") {
			t.Errorf("%d", page.Code)
		}
		if w := b.boss.sends(at+"/agreement", d.deed().with("scope", scope)); w.Code < 400 {
			t.Errorf("it signs: %d", w.Code)
		}
	})
}

// bindsKeys tells how the office binds the public half of a key to an agreement, and how it
// revokes that. Who holds no office reads which ones there are.
func (b *bureau) bindsKeys(d *desk, auditor *browser, refused func(name string, w *httptest.ResponseRecorder, at string)) {
	d.T.Helper()
	at := partyAt + "/keys"
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		d.T.Fatal(err)
	}
	text, secret := base64.StdEncoding.EncodeToString(public), base64.StdEncoding.EncodeToString(private)
	refused("no key", b.boss.post(at, "public", "nothing"), "public")
	sent := b.boss.post(at, "public", secret)
	refused("the private half", sent, "public")
	if strings.Contains(sent.Body.String(), secret) {
		d.T.Error("a private key is sent back")
	}
	refused("no moment", b.boss.post(at, "public", text, "until", "soon"), "until")
	refused("behind the agreement", b.boss.post(at, "public", text, "until", "2099-01-01T00:00:00"), "until")
	if w := b.boss.post(at, "public", text); w.Code != 303 {
		d.T.Fatalf("bound: %d %s", w.Code, shown.ReplaceAllString(w.Body.String(), " "))
	}
	refused("bound twice", b.boss.post(at, "public", text), "")
	// What is pushed is sealed to a key of another kind.
	seal, err := age.GenerateX25519Identity()
	if err != nil {
		d.T.Fatal(err)
	}
	if sent := b.boss.post(at, "public", seal.String()); sent.Code != 422 || strings.Contains(strings.ToUpper(sent.Body.String()), seal.String()) {
		d.T.Errorf("the private half of a key that is sealed to: %d, or it is sent back", sent.Code)
	}
	if w := b.boss.post(at, "public", seal.Recipient().String()); w.Code != 303 {
		d.T.Errorf("a key that is sealed to: %d", w.Code)
	}
	page := auditor.get(at).Body.String()
	if !strings.Contains(page, i18n.Chinese.T("console.party_keys.seals")) {
		d.T.Error("what a key is for isn't said")
	}
	key := regexp.MustCompile(`kp_[0-9a-z]{26}`).FindString(page)
	if key == "" || strings.Contains(page, at+"/revoke") || !strings.Contains(page, i18n.Chinese.T("party.key_state.holds")) || !strings.Contains(page, party.Key{Public: public}.Print()) {
		d.T.Error("an auditor doesn't read it, or is offered to revoke it")
	}
	for name, w := range map[string]*httptest.ResponseRecorder{"bound": auditor.post(at, "public", text), "revoked": auditor.post(at+"/revoke", "key", key)} {
		if outcome(w) != mayNot {
			d.T.Errorf("%s by an auditor: %d", name, w.Code)
		}
	}
	if w := b.boss.post(at+"/revoke", "key", key); w.Code != 303 {
		d.T.Fatalf("revoked: %d", w.Code)
	}
	if page := b.boss.get(at).Body.String(); !strings.Contains(page, i18n.Chinese.T("party.key_state.revoked")) || strings.Count(page, at+"/revoke") != 1 {
		d.T.Error("it isn't revoked")
	}
	if w := b.boss.post(at+"/revoke", "key", key); w.Code != 404 {
		d.T.Errorf("revoked twice: %d", w.Code)
	}
}

// assessed is a form that passes, of a purpose that demands nothing more.
func assessed() sheet {
	values := map[string]string{"made_by": "产品部", "effect": "影响很小。", "risks.0.risk": "泄露", "risks.0.likelihood": "2", "risks.0.severity": "3", "risks.0.treatment": "加密",
		"risks.0.left.likelihood": "1", "risks.0.left.severity": "2"}
	for _, f := range []string{"lawful", "legitimate", "necessary", "measures.lawful", "measures.effective", "measures.fit"} {
		values[f+".holds"], values[f+".why"] = "yes", "已核对。"
	}
	return sheet{values: values}
}

// PIPL 55 and 56: what a purpose does to children is assessed at the console and signed by
// who holds an office; what it comes to is computed.
func TestArticle7_AnImpactIsAssessedThroughThePages(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		b := d.bureau()
		auditor := d.browser(d.hire(staff.Auditor).Secret)
		signed := func() (all []catalog.Assessment) {
			d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				all, err = catalog.Assessments(ctx, tx, vaulttest.Service)
				return err
			})
			return all
		}
		before := len(signed())
		high := assessed().with("risks.0.left.likelihood", "4", "risks.0.likelihood", "4", "risks.0.left.severity", "3")
		if w := b.boss.sends(impactAt+"?lang=en", high.with("do", "check")); w.Code != 200 || !strings.Contains(w.Body.String(), i18n.English.T("console.sign.against")) {
			t.Errorf("what it would come to: %d", w.Code)
		}
		for name, s := range map[string]sheet{"no reason": assessed().with("lawful.why", ""), "it grows": assessed().with("risks.0.left.severity", "4"), "no risk": assessed().with("risks.0.risk", ""), "for ever": assessed().with("until", "2099-01-01"), "no day": assessed().with("until", "soon")} {
			if w := b.boss.sends(impactAt, s); w.Code != 422 || !strings.Contains(w.Body.String(), `id="problem"`) {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		if w := auditor.sends(impactAt, assessed()); outcome(w) != mayNot {
			t.Errorf("by an auditor: %d", w.Code)
		}
		if len(signed()) != before {
			t.Fatal("something was signed")
		}
		if w := b.boss.sends(impactAt, high); w.Code != 303 {
			t.Fatalf("signed: %d %s", w.Code, shown.ReplaceAllString(w.Body.String(), " "))
		}
		if page := auditor.get(impactAt + "?lang=en").Body.String(); !strings.Contains(page, i18n.English.T("console.charters.lack.not_passed")) || !strings.Contains(page, "影响很小") || strings.Contains(page, `method="post" action="`+impactAt) {
			t.Error("an auditor doesn't read it, or is offered to sign")
		}
		if w := b.vice.sends(impactAt, assessed()); w.Code != 303 {
			t.Fatalf("signed again: %d %s", w.Code, shown.ReplaceAllString(w.Body.String(), " "))
		}
		if page := auditor.get(impactAt + "?lang=en").Body.String(); !strings.Contains(page, i18n.English.T("console.impact.counts")) || len(signed()) != before+2 {
			t.Error("what passes doesn't count")
		}
		if w := b.boss.get(strings.Replace(impactAt, purpose, "nothing", 1)); w.Code != 404 {
			t.Errorf("a purpose that there isn't: %d", w.Code)
		}
		// Of what is entrusted more is asked for: a risk that comes of it, and why it has to be.
		entrusts := strings.Replace(impactAt, purpose, "speaking-practice", 1)
		more := assessed().with("risks.1.risk", "超出目的使用", "risks.1.of", "entrust", "risks.1.likelihood", "2", "risks.1.severity", "4", "risks.1.treatment", "协议",
			"risks.1.left.likelihood", "1", "risks.1.left.severity", "3")
		if w := b.boss.sends(entrusts, more); w.Code != 422 || !strings.Contains(w.Body.String(), "这个目的有委托处理") {
			t.Errorf("without a word of whom it is entrusted to: %d", w.Code)
		}
		if w := b.boss.sends(entrusts, more.with("beyond.0.of", "entrust", "beyond.0.why", "自己做不到。", "beyond.0.checked", "对方的措施。")); w.Code != 303 {
			t.Errorf("of what is entrusted: %d %s", w.Code, shown.ReplaceAllString(w.Body.String(), " "))
		}
		if page := auditor.get(entrusts).Body.String(); !strings.Contains(page, "对方的措施。") || len(signed()) != before+3 {
			t.Error("what was signed of what is entrusted isn't shown")
		}
		d.replays()
	})
}

// The pages as they are sent: before anybody is registered, in the middle, and after.
func TestPagesOfParties(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		b := d.bureau()
		b.check("party-unregistered", b.boss, partyAt)
		b.check("sign-identity", b.boss, partyAt+"/identity")
		b.boss.sends(partyAt+"/identity", identity())
		b.check("parties-draft", b.boss, "/console/parties")
		b.check("sign-agreement", b.boss, partyAt+"/agreement")
		b.check("sign-mechanism", b.boss, partyAt+"/mechanism")
		b.check("sign-assessment", b.boss, partyAt+"/assessment")
		b.boss.sends(partyAt+"/assessment", d.assessment())
		b.boss.sends(partyAt+"/agreement", d.deed())
		b.check("parties", b.boss, "/console/parties")
		b.check("party", b.boss, partyAt)
		b.check("party-keys-none", b.boss, partyAt+"/keys")
		b.boss.post(partyAt+"/keys", "public", "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=") // of RFC 8032
		b.check("party-keys", b.boss, partyAt+"/keys")
		b.check("party-read", d.browser(d.hire(staff.Auditor).Secret), partyAt)
		b.boss.post(partyAt+"/declare", "subs", "另一家公司")
		b.check("party-suspended", b.boss, partyAt)
		b.check("impact", b.boss, impactAt)
	})
}
