package api_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wardkeep/client"
	"wardkeep/internal/account"
	"wardkeep/internal/api"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/vault/vaulttest"
)

const goodChild = `{"ref":"r","guardian":{"phone":"13800138000"}}`

// What a stranger may send, and the code it gets. %s stands for a child.
func TestBadInputHasItsCode(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		child := w.child("bad")
		deep := strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)
		for _, c := range []struct {
			method, path, body string
			status             int
			code, field        string
		}{
			{"POST", "/children", `{"ref":`, 400, "api.malformed_json", ""},
			{"POST", "/children", `nonsense`, 400, "api.malformed_json", ""},
			{"POST", "/children", ``, 415, "api.content_type", ""},
			{"POST", "/children", ` `, 400, "api.malformed_json", ""},
			{"POST", "/children", goodChild + goodChild, 400, "api.malformed_json", ""},
			{"POST", "/children", goodChild + `,`, 400, "api.malformed_json", ""},
			{"POST", "/children", `{"ref":"a","ref":"b","guardian":{"phone":"13800138000"}}`, 400, "api.duplicate_field", ""},
			{"POST", "/children", `{"ref":"a","\u0072ef":"b","guardian":{"phone":"13800138000"}}`, 400, "api.duplicate_field", ""},
			{"POST", "/children", deep, 400, "api.too_deep", ""},
			{"POST", "/children", "{\"ref\":\"a\xff\",\"guardian\":{\"phone\":\"13800138000\"}}", 400, "api.not_utf8", ""},
			{"POST", "/children", `{"ref":"a\ud800","guardian":{"phone":"13800138000"}}`, 400, "api.not_utf8", ""},
			{"POST", "/children", `{"ref":"a\u0007b","guardian":{"phone":"13800138000"}}`, 422, "api.control_character", "ref"},
			{"POST", "/children", `{"ref":"a","guardian":{"name":"x\u0000","phone":"13800138000"}}`, 422, "api.control_character", "guardian.name"},
			{"POST", "/children", "{\"ref\":\"a\x01\",\"guardian\":{\"phone\":\"13800138000\"}}", 400, "api.malformed_json", ""},
			{"POST", "/children", `{"ref":"a","guardian":{"phone":"13800138000"},"sex":"f"}`, 422, "api.unknown_field", ""},
			{"POST", "/children", `{"ref":"a","guardian":{"phone":"13800138000","wechat":"x"}}`, 422, "api.unknown_field", "guardian"},
			{"POST", "/children", `{"guardian":{"phone":"13800138000"}}`, 422, "api.missing_field", "ref"},
			{"POST", "/children", `{"ref":7,"guardian":{"phone":"13800138000"}}`, 422, "api.wrong_type", "ref"},
			{"POST", "/children", `{"ref":"a","guardian":[]}`, 422, "api.wrong_type", "guardian"},
			{"POST", "/children", `[]`, 422, "api.wrong_type", ""},
			{"POST", "/children", `null`, 422, "api.wrong_type", ""},
			{"POST", "/children", `{"ref":"","guardian":{"phone":"13800138000"}}`, 422, "api.too_short", "ref"},
			{"POST", "/children", `{"ref":"` + strings.Repeat("长", 201) + `","guardian":{"phone":"13800138000"}}`, 422, "api.too_long", "ref"},
			{"POST", "/children", `{"ref":" a","guardian":{"phone":"13800138000"}}`, 422, "family.ref_invalid", "ref"},
			{"POST", "/children", `{"ref":"bad","guardian":{"phone":"13800138000"}}`, 409, "family.ref_taken", "ref"},
			{"POST", "/children", `{"ref":"a","guardian":{"name":"x"}}`, 422, "family.no_contact", "guardian"},
			{"POST", "/children", `{"ref":"a","guardian":{"phone":"12"}}`, 422, "family.phone_invalid", "guardian.phone"},
			{"POST", "/children", `{"ref":"a","guardian":{"email":"x"}}`, 422, "family.email_invalid", "guardian.email"},
			{"POST", "/children", `{"ref":"a","guardian":{"phone":"13800138000","relation":"aunt"}}`, 422, "api.not_a_choice", "guardian.relation"},
			{"POST", "/children", `{"ref":"a","birth_date":"2017-02-30","guardian":{"phone":"13800138000"}}`, 422, "family.birth_impossible", "birth_date"},
			{"POST", "/children", `{"ref":"a","birth_date":"2017/2/3","guardian":{"phone":"13800138000"}}`, 422, "family.birth_malformed", "birth_date"},
			{"POST", "/children", `{"ref":"a","birth_date":"2099-01-01","guardian":{"phone":"13800138000"}}`, 422, "family.birth_future", "birth_date"},
			{"POST", "/children", `{"ref":"a","birth_date":"1990","guardian":{"phone":"13800138000"}}`, 422, "family.not_a_child", "birth_date"},
			{"POST", "/age-checks", `{"birth_date":"2099-01-01"}`, 422, "family.birth_future", "birth_date"},
			{"POST", "/age-checks", `{"birth_date":"1899-12-31"}`, 422, "family.birth_impossible", "birth_date"},

			{"GET", "/children/nobody", ``, 404, "family.not_found", ""},
			{"GET", "/children/ref:nobody", ``, 404, "family.not_found", ""},
			{"GET", "/children/ref:%ff", ``, 404, "family.not_found", ""},
			{"GET", "/children/%s?x=1", ``, 422, "api.unknown_field", ""},
			{"PATCH", "/children/%s", ``, 405, "api.method_not_allowed", ""},
			{"POST", "/children/%s", ``, 404, "api.not_found", ""},
			{"POST", "/children/%s:grow", ``, 404, "api.not_found", ""},
			{"GET", "/children?after=%s,x", ``, 422, "api.cursor_invalid", "after"},
			{"GET", "/children?after=ref:bad", ``, 422, "api.cursor_invalid", "after"},
			{"GET", "/children?limit=1001", ``, 422, "api.out_of_range", "limit"},

			{"POST", "/children/%s:correct", `{}`, 422, "api.missing_field", "birth_date"},
			{"POST", "/children/%s:correct", `{"birth_date":""}`, 422, "api.too_short", "birth_date"},
			{"POST", "/children/%s:correct", `{"birth_date":"2017-02-30"}`, 422, "family.birth_impossible", "birth_date"},
			{"POST", "/children/%s:correct", `{"birth_date":"2099"}`, 422, "family.birth_future", "birth_date"},
			{"POST", "/children/%s:correct", `{"birth_date":"2016"}`, 403, "family.birth_needs_document", "birth_date"},
			{"POST", "/children/%s:correct", `{"birth_date":"2018","document":"x"}`, 422, "api.unknown_field", ""},
			{"POST", "/children/ref:nobody:correct", `{"birth_date":"2018"}`, 404, "family.not_found", ""},

			{"POST", "/children/%s/guardians", `{"phone":"13800138001"}`, 422, "api.missing_field", "relation"},
			{"POST", "/children/%s/guardians", `{"relation":"aunt","phone":"13800138001"}`, 422, "api.not_a_choice", "relation"},
			{"POST", "/children/%s/guardians", `{"relation":"parent"}`, 422, "family.no_contact", ""},
			{"POST", "/children/%s/guardians", `{"relation":"parent","phone":"12"}`, 422, "family.phone_invalid", "phone"},
			{"POST", "/children/%s/guardians", `{"relation":"parent","email":"x"}`, 422, "family.email_invalid", "email"},
			{"POST", "/children/%s/guardians", `{"relation":"parent","name":"a\u0000","phone":"13800138001"}`, 422, "api.control_character", "name"},
			{"POST", "/children/%s/guardians", `{"relation":"parent","phone":"13800138001","strength":4}`, 422, "api.unknown_field", ""},
			{"POST", "/children/%s/guardians", `{"relation":"parent","phone":"13800138001","verified_at":"2026-01-01T00:00:00Z"}`, 422, "api.unknown_field", ""},
			{"POST", "/children/ref:nobody/guardians", `{"relation":"parent","phone":"13800138001"}`, 404, "family.not_found", ""},
			{"DELETE", "/children/%s/guardians/gu_00000000000000000000000000", ``, 404, "family.guardian_not_found", ""},
			{"DELETE", "/children/%s/guardians/nobody", ``, 404, "family.guardian_not_found", ""},
			{"POST", "/children/%s/guardians/nobody:unverify", ``, 404, "family.guardian_not_found", ""},
			{"POST", "/children/%s/guardians/nobody:unverify", `{"strength":4}`, 422, "api.unknown_field", ""},
			{"POST", "/children/%s/guardians/nobody:verify", ``, 404, "api.not_found", ""},
			{"GET", "/kids", ``, 404, "api.not_found", ""},
			{"GET", "/children//x", ``, 404, "api.not_found", ""},
			{"POST", "/consent-requests/x:explode", ``, 404, "api.not_found", ""},
			{"POST", "/consent-requests/x", ``, 404, "api.not_found", ""},

			{"PUT", "/children/%s/items", `{"purpose":"course-progress","values":{}}`, 422, "api.too_short", "values"},
			{"PUT", "/children/%s/items", `{"purpose":"course-progress","values":{"grade":1}}`, 422, "api.wrong_type", "values"},
			{"PUT", "/children/%s/items", `{"purpose":"course-progress","values":{"school":"x"}}`, 403, "gate.denied", ""},
			{"PUT", "/children/%s/items", `{"purpose":"course-progress","values":{"birth_date":"2017-02-30"}}`, 422, "value.not_a_date", "values.birth_date"},
			{"PUT", "/children/%s/items", `{"purpose":"course-progress","values":{"birth_date":"2099-01-01"}}`, 422, "value.in_the_future", "values.birth_date"},
			{"PUT", "/children/%s/items", `{"purpose":"course-progress","values":{"nickname":"a\u0007"}}`, 422, "value.control_character", "values.nickname"},

			{"POST", "/children/%s/items:read", `{"purpose":"course-progress","items":["nickname"]`, 400, "api.malformed_json", ""},
			{"POST", "/children/%s/items:read", `{"purpose":"course-progress","items":["nickname"]}x`, 400, "api.malformed_json", ""},
			{"POST", "/children/%s/items:read", `{"purpose":"course-progress","items":["a\qb"]}`, 400, "api.malformed_json", ""},
			{"POST", "/children/%s/items:read", `{"purpose":"x","purpose":"y","items":["nickname"]}`, 400, "api.duplicate_field", ""},
			{"POST", "/children/%s/items:read", "{\"purpose\":\"\xc3\",\"items\":[\"nickname\"]}", 400, "api.not_utf8", ""},
			{"POST", "/children/%s/items:read", `{"purpose":"course-progress"}`, 422, "api.missing_field", "items"},
			{"POST", "/children/%s/items:read", `{"items":["nickname"]}`, 422, "api.missing_field", "purpose"},
			{"POST", "/children/%s/items:read", `{"purpose":"course-progress","items":[]}`, 422, "api.too_short", "items"},
			{"POST", "/children/%s/items:read", `{"purpose":"course-progress","items":"nickname"}`, 422, "api.wrong_type", "items"},
			{"POST", "/children/%s/items:read", `{"purpose":7,"items":["nickname"]}`, 422, "api.wrong_type", "purpose"},
			{"POST", "/children/%s/items:read", `{"purpose":"course-progress","items":["nickname"],"why":"x"}`, 422, "api.unknown_field", ""},
			{"POST", "/children/%s/items:read", `{"purpose":"course-progress","items":["school"]}`, 403, "gate.denied", ""},
			{"POST", "/children/ch_00000000000000000000000000/items:read", `{"purpose":"course-progress","items":["nickname"]}`, 404, "family.not_found", ""},

			{"POST", "/children/%s/events", `{"event":"zhang san"}`, 422, "vault.event_unknown", "event"},
			{"POST", "/children/%s/events", `{"event":""}`, 422, "api.too_short", "event"},
			{"POST", "/children/%s/events", `{"happened_at":"2026-01-01T00:00:00Z"}`, 422, "api.missing_field", "event"},
			{"POST", "/children/%s/events", `{"event":"account-closed","happened_at":"2099-01-01T00:00:00Z"}`, 422, "vault.event_future", "happened_at"},
			{"POST", "/children/%s/events", `{"event":"account-closed","happened_at":"2019-10-01T00:00:00+08:00"}`, 422, "vault.event_before_child", "happened_at"},
			{"POST", "/children/%s/events", `{"event":"account-closed","happened_at":"0001-01-01T00:00:00Z"}`, 422, "vault.event_before_child", "happened_at"},
			{"POST", "/children/%s/events", `{"happened_at":"0001-01-01T08:00:00+08:00","event":"account-closed"}`, 422, "vault.event_before_child", "happened_at"},
			{"POST", "/children/%s/events", `{"event":"account-closed","happened_at":"2026-02-30T00:00:00Z"}`, 422, "api.invalid_value", "happened_at"},
			{"POST", "/children/%s/events", `{"event":"account-closed","happened_at":1767225600}`, 422, "api.wrong_type", "happened_at"},
			{"POST", "/children/%s/events", `{"event":"account-closed","name":"zhang san"}`, 422, "api.unknown_field", ""},
			{"POST", "/children/ref:nobody/events", `{"event":"account-closed"}`, 404, "family.not_found", ""},

			{"POST", "/decisions", `{"checks":[]}`, 422, "api.too_short", "checks"},
			{"POST", "/decisions", `{"checks":[{"child":"x","activity":"eat","purpose":"p","items":[]}]}`, 422, "api.not_a_choice", "checks[0].activity"},
			{"POST", "/decisions", `{"checks":[{"child":"x","activity":"use","purpose":"p"}]}`, 422, "api.missing_field", "checks[0].items"},
			{"POST", "/decisions", `{"checks":[{"child":"x","activity":"use","purpose":"p","items":[],"name":"y"}]}`, 422, "api.unknown_field", "checks[0]"},
			{"POST", "/decisions", `{"checks":[7]}`, 422, "api.wrong_type", "checks[0]"},
			{"POST", "/decisions", `{"checks":{}}`, 422, "api.wrong_type", "checks"},

			{"POST", "/seal", `{"purpose":"course-progress","children":[]}`, 422, "api.too_short", "children"},
			{"POST", "/seal", `{"purpose":"course-progress","children":[{"child":"%s","values":{"nickname":"a"}},{"child":"ref:bad","values":{"nickname":"b"}}]}`, 422, "api.child_twice", "children[1]"},
			{"POST", "/seal", `{"purpose":"course-progress","children":[{"child":"%s","values":{"birth_date":"zhang san"}}]}`, 422, "value.not_a_date", "children[0].values.birth_date"},

			{"POST", "/consent-requests", `{"child":"ref:nobody","channel":"link","locale":"en"}`, 404, "family.not_found", "child"},
			{"POST", "/consent-requests", `{"child":"%s","channel":"pigeon","locale":"en"}`, 422, "api.not_a_choice", "channel"},
			{"POST", "/consent-requests", `{"child":"%s","channel":"link","locale":"en","return_url":"http://x"}`, 422, "consent.return_url_invalid", "return_url"},
			{"POST", "/consent-requests", `{"child":"%s","channel":"link","locale":"en","return_url":"https://x"}`, 422, "consent.return_url_elsewhere", "return_url"},
			{"POST", "/consent-requests", `{"child":"%s","channel":"link","locale":"en","nickname":"a\nb"}`, 422, "consent.nickname_invalid", "nickname"},
			{"POST", "/consent-requests", `{"child":"%s","channel":"link","locale":"en","purposes":["zhang san"]}`, 422, "consent.purpose_unknown", "purposes"},
			{"POST", "/consent-requests", `{"child":"%s","channel":"email","locale":"en","purposes":["account"]}`, 422, "consent.no_contact", "channel"},
			{"POST", "/consent-requests/cr_x:cancel", ``, 404, "consent.request_unknown", ""},
			{"POST", "/consent-requests/cr_x:cancel", `{"why":"x"}`, 422, "api.unknown_field", ""},
			{"GET", "/consent-requests/cr_x", ``, 404, "consent.request_unknown", ""},

			{"POST", "/messages:returned", `{"message":"x"}`, 422, "api.missing_field", "to"},
			{"POST", "/messages:returned", `{"to":"13800138000"}`, 422, "api.missing_field", "message"},
			{"POST", "/messages:returned", `{"to":"1","message":"x"}`, 422, "api.too_short", "to"},
			{"POST", "/messages:returned", `{"to":"` + strings.Repeat("x", 321) + `","message":"x"}`, 422, "api.too_long", "to"},
			{"POST", "/messages:returned", `{"to":"13800138000","message":""}`, 422, "api.too_short", "message"},
			{"POST", "/messages:returned", `{"to":"13800138000","message":"` + strings.Repeat("x", 201) + `"}`, 422, "api.too_long", "message"},
			{"POST", "/messages:returned", `{"to":13800138000,"message":"x"}`, 422, "api.wrong_type", "to"},
			{"POST", "/messages:returned", `{"to":"13800138000","message":"x","state":"told"}`, 422, "api.unknown_field", ""},
			{"POST", "/messages:returned", `{"to":"13800138000","message":"x"}`, 404, "warning.message", "message"},
			{"POST", "/messages:returned", `{"to":"nobody","message":"x"}`, 404, "warning.message", "message"},
		} {
			path, body := base+strings.ReplaceAll(c.path, "%s", child), strings.ReplaceAll(c.body, "%s", child)
			x := w.send(c.method, path, body)
			if x.status != c.status || x.problem.Code != c.code || x.problem.Field != c.field {
				t.Errorf("%s %s %.60q:\n got %d %s at %q\nwant %d %s at %q", c.method, c.path, c.body, x.status, x.problem.Code, x.problem.Field, c.status, c.code, c.field)
				continue
			}
			x.refused(t, c.status, c.code)
		}
		w.send("GET", "/v1/events?after=zhang-san", "").refused(t, 422, "api.cursor_invalid")
		w.send("GET", "/v1/events?after=at_999999", "").refused(t, 422, "api.cursor_invalid")
		w.send("GET", "/v1/events?limit=0x", "").refused(t, 422, "api.invalid_value")
		w.send("GET", "/v1/events?limit=5000", "").refused(t, 422, "api.out_of_range")
		w.send("GET", "/", "").refused(t, 404, "api.not_found")
		w.send("POST", "/v1/guardian/requests/nothing:verify", `{"code":"1"}`).refused(t, 404, "consent.link_unknown")
		w.send("GET", "/v1/guardian/requests/"+strings.Repeat("x", 2000), "").refused(t, 404, "consent.link_unknown")
	})
}

func TestBodiesHaveALimit(t *testing.T) {
	w := newWorld(t, storeOf(t), noLimits)
	child := w.child("big")
	big := `{"ref":"` + strings.Repeat("a", 1<<20) + `"}`
	w.send("POST", base+"/children", big).refused(t, 413, "api.too_large")
	large := `{"purpose":"speaking-practice","values":{"voice":"` + strings.Repeat("A", 16<<20) + `"}}`
	w.send("PUT", base+"/children/"+child+"/items", large).refused(t, 413, "api.too_large")
	// Without a length it is counted on the way.
	r, err := http.NewRequest("POST", w.server.URL+base+"/children", struct{ *strings.Reader }{strings.NewReader(big)})
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.Key)
	r.Header.Set("Content-Type", "application/json")
	a, err := w.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	a.Body.Close()
	if a.StatusCode != 413 {
		t.Errorf("without a length: %d", a.StatusCode)
	}
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "application/json; charset=gbk", "application/problem+json", "x"} {
		w.send("POST", base+"/children", goodChild, "Content-Type", kind).refused(t, 415, "api.content_type")
	}
	w.send("POST", base+"/children", goodChild, "Content-Encoding", "gzip").refused(t, 415, "api.content_type")
}

func TestAStrangerIsTurnedAway(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, header := range []string{"", "Basic eDp5", "wk_live_x", "Bearer"} {
			w.send("GET", base+"/charter", "", "Authorization", header).refused(t, 401, "api.key_missing")
		}
		for _, key := range []string{"x", "wk_test_zzzz", "wk_live_" + strings.Repeat("0", 52), strings.Repeat("k", 5000)} {
			x := w.send("GET", base+"/charter", "", "Authorization", "Bearer "+key)
			x.refused(t, 401, "account.key_refused")
			if x.header.Get("WWW-Authenticate") == "" {
				t.Error("no challenge")
			}
		}
		// Revoked and expired keys get the same code.
		app, key := w.keyWith(account.ChildrenRead)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := account.RevokeApp(ctx, tx, w.Officer, vaulttest.Service, app.ID)
			return err
		})
		w.send("GET", base+"/charter", "", "Authorization", "Bearer "+key).refused(t, 401, "account.key_refused")
	})
}

// Another service's child is one that isn't there.
func TestAnotherServicesChildIsNotFound(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		child := w.child("mine")
		if _, err := w.client.Register(t.Context(), wardkeep.NewChild{Ref: "waits", Guardian: wardkeep.GuardianContact{Phone: "13800138000"}}); err != nil {
			t.Fatal(err)
		}
		var key string
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			operator := catalog.Operator{ID: "test"}
			if _, _, err = catalog.Create(ctx, tx, operator, "other-app", catalog.Live); err != nil {
				return err
			}
			_, key, _, err = account.IssueApp(ctx, tx, operator, "other-app", "app", account.AllScopes(), time.Time{})
			return err
		})
		other := func(method, path, body string) exchange {
			return w.send(method, "/v1/services/other-app"+path, body, "Authorization", "Bearer "+key)
		}
		other("GET", "/children/"+child, "").refused(t, 404, "family.not_found")
		other("GET", "/children/"+child+"/permissions", "").refused(t, 404, "family.not_found")
		other("GET", "/children/ref:mine", "").refused(t, 404, "family.not_found")
		other("DELETE", "/children/"+child, "").refused(t, 404, "family.not_found")
		other("PUT", "/children/"+child+"/items", `{"purpose":"account","values":{"nickname":"x"}}`).refused(t, 404, "family.not_found")
		other("POST", "/children/"+child+"/items:read", `{"purpose":"account","items":["nickname"]}`).refused(t, 404, "family.not_found")
		other("POST", "/consent-requests", `{"child":"`+child+`","channel":"link","locale":"en"}`).refused(t, 404, "family.not_found")
		x := other("POST", "/decisions", `{"checks":[{"child":"`+child+`","activity":"use","purpose":"account","items":["nickname"]}]}`)
		if x.status != 200 || !strings.Contains(x.body, "gate.child_unknown") || strings.Contains(x.body, "consent") {
			t.Errorf("%d %s", x.status, x.body)
		}
		x = other("POST", "/open", `{"purpose":"account","children":[{"child":"`+child+`","values":{"nickname":"wk1.x"}}]}`)
		if x.status != 200 || !strings.Contains(x.body, "family.not_found") || strings.Contains(x.body, child) {
			t.Errorf("%d %s", x.status, x.body)
		}
		r, err := w.client.Ask(t.Context(), wardkeep.Asking{Child: "ref:waits", Channel: "link", Locale: "en"})
		if err != nil {
			t.Fatal(err)
		}
		other("GET", "/consent-requests/"+r.ID, "").refused(t, 404, "consent.request_unknown")
		other("POST", "/consent-requests/"+r.ID+":cancel", "").refused(t, 404, "consent.request_unknown")
		other("GET", "/charter", "").refused(t, 409, "catalog.no_charter")
		w.sequence()
		x = w.send("GET", "/v1/events", "", "Authorization", "Bearer "+key)
		if x.status != 200 || strings.Contains(x.body, vaulttest.Service) || strings.Contains(x.body, child) {
			t.Errorf("%d %s", x.status, x.body)
		}
		events, err := w.client.Events(t.Context(), "", 0)
		if err != nil {
			t.Fatal(err)
		}
		entry := events.Events[0].ID
		if x := w.send("GET", "/v1/ledger/entries/"+entry+"/proof", ""); x.status != 200 {
			t.Errorf("the service's own entry: %d", x.status)
		}
		w.send("GET", "/v1/events?after="+entry, "", "Authorization", "Bearer "+key).refused(t, 422, "api.cursor_invalid")
		w.send("GET", "/v1/ledger/entries/"+entry+"/proof", "", "Authorization", "Bearer "+key).refused(t, 404, "ledger.not_found")
	})
}

// Codes and proofs work once, and for a while.
func TestCodesAreNotReplayed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		refused := func(err error, code string) {
			t.Helper()
			if !errors.Is(err, &wardkeep.Problem{Code: code}) {
				t.Errorf("got %v, want %s", err, code)
			}
		}
		child, err := w.client.Register(ctx, wardkeep.NewChild{Ref: "codes", Guardian: wardkeep.GuardianContact{Phone: "13800138000"}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := w.client.Ask(ctx, wardkeep.Asking{Child: child.ID, Channel: "link", Locale: "zh-CN", Purposes: []string{"account"}})
		if err != nil {
			t.Fatal(err)
		}
		g := w.guardian(r)
		_, err = g.SendCode(ctx)
		refused(err, "consent.not_shown")
		seen, err := g.Open(ctx, "")
		if err != nil || seen.Lang != "zh-CN" {
			t.Fatal(err)
		}
		if _, err := g.SendCode(ctx); err != nil {
			t.Fatal(err)
		}
		code := w.code()
		_, err = g.Verify(ctx, "not it")
		refused(err, "consent.code_wrong")
		w.Pass(11 * time.Minute)
		_, err = g.Verify(ctx, code)
		refused(err, "consent.code_expired")
		if _, err := g.SendCode(ctx); err != nil {
			t.Fatal(err)
		}
		code = w.code()
		v, err := g.Verify(ctx, code)
		if err != nil {
			t.Fatal(err)
		}
		_, err = g.Verify(ctx, code)
		refused(err, "consent.code_expired")

		answer := wardkeep.GuardianAnswer{Proof: v.Proof, NoticeHash: seen.NoticeHash, Lang: "zh-CN", Answers: map[string]bool{"account": true}}
		forged := answer
		forged.Proof = strings.Repeat("0", 52)
		_, err = g.Answer(ctx, forged)
		refused(err, "consent.not_verified")
		forged = answer
		forged.NoticeHash = strings.Repeat("0", 64)
		_, err = g.Answer(ctx, forged)
		refused(err, "consent.notice_changed")
		forged = answer
		forged.Answers = map[string]bool{"zhang san": true}
		_, err = g.Answer(ctx, forged)
		refused(err, "consent.purpose_unknown")
		if _, err := g.Answer(ctx, answer); err != nil {
			t.Fatal(err)
		}
		_, err = g.Answer(ctx, answer)
		refused(err, "consent.answered")
		_, err = w.client.Cancel(ctx, r.ID)
		refused(err, "consent.answered")
		_, err = w.client.Ask(ctx, wardkeep.Asking{Child: child.ID, Channel: "link", Locale: "zh-CN", Purposes: []string{"account", "account"}})
		refused(err, "consent.purpose_unknown")
	})
}

// A store that is held by another process, or that is being closed, refuses with
// a code of its own, says when to come back, and has done nothing.
func TestALockedStoreIsAClearRefusal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	store, err := db.OpenSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, store, noLimits)
	child := w.child("locked")
	holder, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	held, err := holder.Begin()
	if err != nil {
		t.Fatal(err)
	}
	x := w.send("DELETE", base+"/children/"+child, "")
	x.refused(t, 503, "db.locked")
	if x.header.Get("Retry-After") == "" {
		t.Error("it doesn't say when to come back")
	}
	if err := held.Rollback(); err != nil {
		t.Fatal(err)
	}
	if x := w.send("GET", base+"/children/"+child, ""); x.status != 200 {
		t.Errorf("%d %s", x.status, x.body)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	w.send("DELETE", base+"/children/"+child, "").refused(t, 503, "db.closed")
}

// A full disk refuses what writes, with a code of its own, and serves what reads.
func TestAFullDiskIsAClearRefusal(t *testing.T) {
	dir := t.TempDir()
	store, err := db.OpenSQLite(filepath.Join(dir, "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, store, noLimits)
	child := w.child("full")
	if err := store.Update(t.Context(), func(tx *db.Tx) error {
		n, err := db.One(t.Context(), tx, db.Single[int64], `PRAGMA page_count`)
		if err != nil {
			return err
		}
		return db.Each(t.Context(), tx, func(db.Row) error { return nil }, fmt.Sprintf(`PRAGMA max_page_count = %d`, n+2))
	}); err != nil {
		t.Fatal(err)
	}
	full := false
	for i := 0; i < 400 && !full; i++ {
		x := w.send("POST", base+"/children", strings.Replace(goodChild, `"r"`, fmt.Sprintf(`"r%d"`, i), 1))
		if full = x.status == 507; full {
			x.refused(t, 507, "db.full")
		} else if x.status != 201 {
			t.Fatalf("%d %s", x.status, x.body)
		}
	}
	if !full {
		t.Error("the disk never filled")
	}
	if x := w.send("GET", base+"/children/"+child, ""); x.status != 200 {
		t.Errorf("reading: %d %s", x.status, x.body)
	}
	if _, err := os.Stat(filepath.Join(dir, "test.db")); err != nil {
		t.Error(err)
	}
}

// A panic is an error of the server, and its value is in no log.
func TestAPanicTellsNothing(t *testing.T) {
	w := newWorld(t, storeOf(t), api.Limits{})
	child := w.child("panic")
	now := w.Store.Now
	w.Store.Now = func() time.Time { panic("canary-panic-value") }
	x := w.send("GET", base+"/children/"+child, "")
	w.Store.Now = now
	x.refused(t, 500, errs.Of(nil).Code)
	if strings.Contains(w.log.String()+x.body, "canary") || !strings.Contains(w.log.String(), "api: panic") {
		t.Error("the value of a panic is told, or the panic isn't")
	}
	var line map[string]any
	for _, text := range strings.Split(strings.TrimSpace(w.log.String()), "\n") {
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Error(err)
		}
	}
}
