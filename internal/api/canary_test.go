package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"wardkeep/internal/base/i18n"
)

// Invariant 9: whatever is sent, in whichever field or as a field's name, it is
// in no refusal and in no log.
func TestInvariant9_NoRefusalAndNoLogRepeatsWhatWasSent(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		child := w.child("canaries")
		n := 0
		canary := func() string { n++; return fmt.Sprintf("lulu%dulul", n) }
		refuse := func(method, path, body string, headers ...string) {
			t.Helper()
			x := w.send(method, path, body, headers...)
			if x.status < 400 {
				t.Errorf("%s %.40s was let in: %d %s", method, body, x.status, x.body)
			}
			if strings.Contains(x.body, "lulu") {
				t.Errorf("%s %s repeats what was sent: %s", method, path, x.body)
			}
		}
		bodies := map[string]string{
			"/children":                          `{"ref":"R","birth_date":"B","guardian":{"name":"N","phone":"P","email":"E","relation":"L"}}`,
			"/age-checks":                        `{"birth_date":"B"}`,
			"/seal":                              `{"purpose":"P","children":[{"child":"C","values":{"nickname":"V"}}]}`,
			"/open":                              `{"purpose":"P","children":[{"child":"C","values":{"nickname":"V"}}]}`,
			"/consent-requests":                  `{"child":"C","guardian":"G","purposes":["P"],"channel":"H","locale":"L","external_payload":"X","return_url":"U"}`,
			"/children/" + child + "/items":      `{"purpose":"course-progress","values":{"birth_date":"V"}}`,
			"/children/" + child + "/events":     `{"event":"E","happened_at":"T"}`,
			"/children/" + child + "/items:read": `{"purpose":"P","items":["I"]}`,
			"/children/" + child + "/guardians":  `{"relation":"L","name":"N","phone":"P","email":"E"}`,
			"/children/" + child + ":correct":    `{"birth_date":"B"}`,
			"/decisions":                         `{"checks":[{"child":"C","activity":"A","purpose":"P","items":["I"],"party":"Y"}]}`,
			"/messages:returned":                 `{"to":"TTT","message":"M"}`,
		}
		for path, body := range bodies {
			method := "POST"
			if strings.HasSuffix(path, "/items") {
				method = "PUT"
			}
			for _, variant := range variants(t, body, canary) {
				if strings.HasSuffix(path, "/seal") || strings.HasSuffix(path, "/open") {
					// A batch answers per child; an unknown child is its result.
					if x := w.send(method, base+path, variant); strings.Contains(x.body, "lulu") {
						t.Errorf("%s repeats what was sent: %s", path, x.body)
					}
					continue
				}
				refuse(method, base+path, variant)
			}
			refuse(method, base+path, "{"+canary())
			refuse(method, base+path, `"`+canary()+`"`)
		}
		refuse("GET", base+"/children/"+canary(), "")
		refuse("GET", base+"/children/ref:"+canary(), "")
		refuse("GET", base+"/children/"+child+"?"+canary()+"="+canary(), "")
		refuse("GET", base+"/charter?lang="+canary(), "")
		refuse("GET", "/v1/events?after="+canary(), "")
		refuse("GET", "/v1/events?limit="+canary(), "")
		refuse("GET", "/v1/services/"+canary()+"/charter", "")
		refuse("GET", "/v1/ledger/entries/"+canary()+"/proof", "")
		refuse("GET", "/v1/ledger/tile/"+canary(), "")
		refuse("GET", "/"+canary(), "")
		refuse("GET", "//"+canary(), "")
		refuse("POST", base+"/consent-requests/"+canary()+":"+canary(), "")
		refuse("GET", "/v1/guardian/requests/"+canary(), "")
		refuse("POST", "/v1/guardian/requests/"+canary()+":verify", `{"code":"`+canary()+`"}`)
		refuse("POST", "/v1/guardian/requests/"+canary()+":answer", `{"proof":"`+canary()+`","answers":{"`+canary()+`":true},"notice_hash":"`+canary()+`","lang":"en"}`)
		refuse("POST", "/v1/guardian/requests/"+canary()+":ask", `{"proof":"`+canary()+`","purposes":["`+canary()+`"]}`)
		refuse("GET", base+"/children?after="+canary(), "")
		refuse("DELETE", base+"/children/"+child+"/guardians/"+canary(), "")
		refuse("POST", base+"/children/"+child+"/guardians/"+canary()+":"+canary(), "")
		refuse("GET", base+"/charter", "", "Authorization", "Bearer "+canary())
		refuse("GET", base+"/charter", "", "Authorization", canary())
		refuse("POST", base+"/children", goodChild, "Content-Type", canary())
		refuse("POST", base+"/children", goodChild, "Idempotency-Key", canary()+" "+canary())
		refuse("PUT", base+"/children/"+child+"/items", `{"purpose":"account","values":{"guardian_phone":"13800138000"}}`, "If-Match", canary())
		// What is well-formed and denied: names that the charter doesn't have.
		refuse("PUT", base+"/children/"+child+"/items", `{"purpose":"`+canary()+`","values":{"`+canary()+`":"`+canary()+`"}}`)
		refuse("PUT", base+"/children/"+child+"/items", `{"purpose":"course-progress","values":{"`+canary()+`":"`+canary()+`"}}`)
		// Values that go in are in no log either.
		if x := w.send("PUT", base+"/children/"+child+"/items", `{"purpose":"course-progress","values":{"nickname":"`+canary()+`"}}`); x.status != 200 || strings.Contains(x.body, "lulu") {
			t.Errorf("%d %s", x.status, x.body)
		}
		if x := w.send("POST", base+"/children", `{"ref":"`+canary()+`","guardian":{"name":"`+canary()+`","email":"`+canary()+`@example.com"}}`, "Idempotency-Key", "c1"); x.status != 201 || strings.Contains(x.body, "lulu") {
			t.Errorf("%d %s", x.status, x.body)
		}
		if n < 100 {
			t.Errorf("only %d canaries", n)
		}
		log := w.log.String()
		if i := strings.Index(log, "lulu"); i >= 0 {
			t.Errorf("the log repeats what was sent: …%s…", log[max(0, i-200):min(len(log), i+60)])
		}
		for _, text := range []string{child, "canaries", "13800138000"} {
			if strings.Contains(log, text) {
				t.Errorf("the log tells %q", text)
			}
		}
	})
}

// variants returns bodies with a canary in each text, as the name of a further
// field in each object, and in place of each value.
func variants(t *testing.T, body string, canary func() string) (all []string) {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatal(err)
	}
	add := func() {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(b))
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, old := range v {
				for _, with := range []any{canary(), []any{canary()}, map[string]any{canary(): canary()}} {
					v[name] = with
					add()
				}
				v[name] = old
				walk(old)
			}
			name := canary()
			v[name] = canary()
			add()
			delete(v, name)
		case []any:
			for i, old := range v {
				v[i] = map[string]any{canary(): canary()}
				add()
				v[i] = old
				walk(old)
			}
		}
	}
	walk(v)
	return all
}

// Refusals speak the language that is asked for, Chinese first.
func TestRefusalsInTheLanguageAskedFor(t *testing.T) {
	w := newWorld(t, storeOf(t), noLimits)
	for header, lang := range map[string]i18n.Lang{"": i18n.Chinese, "zh": i18n.Chinese, "en-GB,zh;q=0.5": i18n.English} {
		x := w.send("GET", base+"/children/x", "", "Accept-Language", header)
		if x.problem.Detail != lang.T("family.not_found") || x.problem.Title != lang.T("api.status.404") {
			t.Errorf("%q: %q %q", header, x.problem.Title, x.problem.Detail)
		}
	}
}
