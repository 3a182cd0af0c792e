package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"wardkeep/internal/app/apptest"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/catalog/catalogtest"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
)

// hidden are the fields of a form that say what was seen.
var hidden = regexp.MustCompile(`<input type="hidden" name="(hash|against)" value="([^"]*)"`)

// Article 8: whoever waits at the terminal for the office learns of it once somebody in office has
// approved in the console what was proposed.
func TestArticle8_ApplyWaitsForWhoApprovesInTheConsole(t *testing.T) {
	t.Parallel()
	in := apptest.New(t, "")
	a := in.Open(apptest.Discard())
	officer := signintest.Hire(t, a.Store, a.StaffDoor(), "林静", staff.Grant{Role: staff.Role(catalog.RoleOfficer), Service: apptest.Service, Office: in.Officer.ID})
	page := in.Serve(a) + "/console/charters/" + apptest.Service + "/2"
	asks := func(method, path string, form url.Values) (status int, body string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(&http.Cookie{Name: "wardkeep_staff", Value: officer.Secret})
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		b, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(b)
	}

	apply := exec.CommandContext(t.Context(), apptest.Binary(t), "apply", "../../examples/xiaoxi-english-v2", "--config", in.File, "--wait", "--timeout", "1m")
	apply.Env = append(os.Environ(), "WARDKEEP_LANG=en")
	var out bytes.Buffer
	apply.Stdout = &out
	notes, err := apply.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := apply.Start(); err != nil {
		t.Fatal(err)
	}
	lines, waiting := bufio.NewScanner(notes), false
	for !waiting && lines.Scan() {
		waiting = strings.Contains(lines.Text(), "Waiting until somebody decides about charter 2")
	}
	if !waiting {
		t.Fatalf("it doesn't wait: %v\n%s", apply.Wait(), &out)
	}
	in.Do(a, func(ctx context.Context, tx *db.Tx) error { // PIPL 55
		return catalogtest.Assess(ctx, tx, a.Ring, in.Officer, apptest.Service, 2)
	})
	form := url.Values{"verdict": {"approved"}, "words": {"已核对"}}
	status, body := asks("GET", page, nil)
	for _, m := range hidden.FindAllStringSubmatch(body, -1) {
		form.Set(m[1], m[2])
	}
	if status != http.StatusOK || form.Get("hash") == "" {
		t.Fatalf("the page of the proposal: %d", status)
	}
	if status, body = asks("POST", page+"/decide", form); status != http.StatusSeeOther {
		t.Fatalf("the approval: %d\n%s", status, body)
	}
	if err := apply.Wait(); err != nil || !strings.Contains(out.String(), "Charter 2 of xiaoxi-english is in force") {
		t.Errorf("%v\n%s", err, &out)
	}
}
