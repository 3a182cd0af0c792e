package browsertest_test

import (
	"bytes"
	"fmt"
	"image/png"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wardkeep/internal/app/browsertest"
	"wardkeep/internal/base/i18n"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := browsertest.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// A bad page has one of everything that a page of ours must not have.
const bad = `<!doctype html><html><head><title>Bad</title><meta name="viewport" content="width=device-width"></head><body>
<main><h1 style="color: red">Bad</h1>
<p style="color: #aaa">You can hardly read this.</p>
<img src="https://somebody.test/pixel.png" width="1" height="1">
<form method="post" action="/taken"><label for="name">Name</label> <input id="name" name="name"> <button>Send</button></form>
<p id="above">Choose.</p>
<button id="big" style="font-size: 20px; padding: 20px">Yes</button> <button id="small">No</button>
<a href="/" style="outline: none">On</a>
<p id="said"></p></main><script>document.getElementById("said").textContent = "script runs"</script></body></html>`

func visit(t *testing.T, policy string) *browsertest.Tab {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if policy != "" {
			w.Header().Set("Content-Security-Policy", policy)
		}
		fmt.Fprint(w, bad)
	})
	mux.HandleFunc("POST /taken", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusConflict)
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Taken</title><p>%q is taken.`, r.PostFormValue("name"))
	})
	url := browsertest.Stranger(t, mux)
	tab := browsertest.Open(t, i18n.English)
	tab.Visit(url)
	return tab
}

// What the tests of the pages rest on: the browser notices what is wrong.
func TestWhatIsWrongWithAPageIsNoticed(t *testing.T) {
	tab := visit(t, "")
	found := strings.Join(tab.Violations(), "\n")
	for _, rule := range []string{"html-has-lang", "image-alt", "color-contrast"} {
		if !strings.Contains(found, rule) {
			t.Errorf("axe doesn't find %s:\n%s", rule, found)
		}
	}
	var elsewhere []string
	for _, r := range tab.Requests() {
		if strings.HasPrefix(r.URL, "https://somebody.test/") {
			elsewhere = append(elsewhere, r.Kind)
		}
	}
	if diff := cmp.Diff([]string{"Image"}, elsewhere); diff != "" {
		t.Errorf("requests to others: %s", diff)
	}
	if p := tab.Page(); p.Status != 200 || p.Bytes < int64(len(bad)) {
		t.Errorf("the page: %+v", p)
	}
	if cmp.Equal(tab.LookOf("#big", "#above"), tab.LookOf("#small", "#above")) {
		t.Error("a big button looks like a small one")
	}
}

func TestWhatThePolicyBlocksIsNoticed(t *testing.T) {
	tab := visit(t, "default-src 'none'; form-action 'self'")
	if faults := strings.Join(tab.Faults(), "\n"); !strings.Contains(faults, "Content Security Policy") {
		t.Errorf("the browser blocks styles and script, and says %q", faults)
	}
	tab.Forgive()
}

func TestHandsFillAndSendForms(t *testing.T) {
	tab := visit(t, "")
	tab.Named("textbox", "Name").Fill("Ann")
	tab.Named("button", "Send").Follow()
	if tab.Page().Status != 409 || !strings.Contains(tab.Text(), `"Ann" is taken`) {
		t.Errorf("%d %s", tab.Page().Status, tab.Text())
	}
	tab.Back()
	tab.Find("h1").Click()
	tab.TabTo("#name")
	tab.Type("Bo")
	tab.Enter()
	if !strings.Contains(tab.Text(), `Bo" is taken`) {
		t.Errorf("by keyboard: %s", tab.Text())
	}
}

func TestAFocusThatCannotBeSeenIsNoticed(t *testing.T) {
	tab := visit(t, "")
	tab.TabTo("#small")
	if diff := cmp.Diff([]string(nil), tab.Faults()); diff != "" {
		t.Error(diff)
	}
	tab.TabTo("a")
	if faults := strings.Join(tab.Faults(), "\n"); !strings.Contains(faults, "On can't be seen") {
		t.Errorf("a link without an outline: %q", faults)
	}
	tab.Forgive()
}

func TestScriptIsOffWhereItIsTurnedOff(t *testing.T) {
	tab := visit(t, "")
	if !strings.Contains(tab.Text(), "script runs") {
		t.Error("script doesn't run")
	}
	tab.Script(false)
	tab.Reload()
	if text := tab.Text(); strings.Contains(text, "script runs") || !strings.Contains(text, "Choose.") {
		t.Errorf("without script: %s", text)
	}
}

func TestAScreenshotIsTheWholePage(t *testing.T) {
	tab := visit(t, "")
	tab.Zoom(browsertest.Phone, 2)
	picture, err := png.Decode(bytes.NewReader(tab.Screenshot(0, 100)))
	if err != nil {
		t.Fatal(err)
	}
	if size := picture.Bounds().Size(); size.X != 720 || size.Y != 200 {
		t.Errorf("the picture has %v", size)
	}
	r, g, b, _ := picture.At(2, 2).RGBA()
	if r>>8 < 250 || g>>8 < 250 || b>>8 < 250 {
		t.Errorf("white paper is %d %d %d", r>>8, g>>8, b>>8)
	}
}
