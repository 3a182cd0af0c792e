package browsertest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"wardkeep/internal/base/i18n"
)

// A Size is what a visitor holds in their hands, in CSS pixels.
type Size struct {
	Name          string
	Width, Height int64
}

// The sizes that each page is made for.
var (
	Phone  = Size{"phone", 360, 640}
	Tablet = Size{"tablet", 768, 1024}
	Desk   = Size{"desk", 1440, 900}
	Sizes  = []Size{Phone, Tablet, Desk}
)

// patience is how long anything may take that a visitor waits for.
const patience = 30 * time.Second

// A Tab is a visitor with a browser of their own: nothing is shared with other
// tabs. It belongs to one goroutine.
type Tab struct {
	T testing.TB

	ctx  context.Context
	size Size

	mu     sync.Mutex
	pages  int // that have come
	upto   int // how many requests there were when the last came
	came   chan struct{}
	asked  []Request
	byID   map[network.RequestID]int // the place in asked
	faults []string
}

// A Request is one that the browser made, whether or not it was answered.
type Request struct {
	URL, Method, Kind string // Kind is "Document", "Stylesheet", …
	Status            int64  // of the answer; 0 if none came
	Header            http.Header
	Referrer          string // that the browser told
	Bytes             int64  // that came over the wire, headers included
}

// Open opens a tab on a phone, with script, in the language. When the test ends,
// the tab is closed, and its faults fail the test.
func Open(t testing.TB, lang i18n.Lang) *Tab {
	t.Helper()
	tab := &Tab{T: t, came: make(chan struct{}, 1), byID: make(map[network.RequestID]int)}
	ctx, cancel := chromedp.NewContext(start(t), chromedp.WithNewBrowserContext(), chromedp.WithListener(tab.notice))
	tab.ctx = ctx
	t.Cleanup(func() {
		cancel()
		for _, fault := range tab.Faults() {
			t.Errorf("in the browser: %s", fault)
		}
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	tab.Resize(Phone)
	tab.Darken(false)
	tab.Speak(lang)
	return tab
}

// notice keeps what the browser tells. It runs between the browser's messages,
// so it only writes down.
func (t *Tab) notice(event any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e := event.(type) {
	case *page.EventLoadEventFired:
		t.arrive()
	case *page.EventFrameNavigated:
		if e.Type == page.NavigationTypeBackForwardCacheRestore {
			t.arrive()
		}
	case *network.EventRequestWillBeSent:
		if e.RedirectResponse != nil {
			t.answered(e.RequestID, e.RedirectResponse, e.RedirectResponse.EncodedDataLength)
		}
		t.byID[e.RequestID] = len(t.asked)
		t.asked = append(t.asked, Request{URL: e.Request.URL, Method: e.Request.Method, Kind: string(e.Type), Referrer: referrer(e.Request)})
	case *network.EventResponseReceived:
		t.answered(e.RequestID, e.Response, e.Response.EncodedDataLength)
	case *network.EventLoadingFinished:
		if i, ok := t.byID[e.RequestID]; ok {
			t.asked[i].Bytes = int64(e.EncodedDataLength)
		}
	case *log.EventEntryAdded:
		// That an answer was a refusal is no fault of the page that says so.
		if e.Entry.Source != log.EntrySourceNetwork {
			t.faults = append(t.faults, fmt.Sprintf("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	case *runtime.EventExceptionThrown:
		t.faults = append(t.faults, e.ExceptionDetails.Text)
	case *page.EventJavascriptDialogOpening:
		t.faults = append(t.faults, "a dialog opened: "+e.Message)
	}
}

func referrer(r *network.Request) string {
	for name, value := range r.Headers {
		if strings.EqualFold(name, "Referer") {
			return fmt.Sprint(value)
		}
	}
	return ""
}

func (t *Tab) arrive() {
	t.pages, t.upto = t.pages+1, len(t.asked)
	select {
	case t.came <- struct{}{}:
	default: // nobody waits, or somebody was told
	}
}

func (t *Tab) answered(id network.RequestID, r *network.Response, bytes float64) {
	i, ok := t.byID[id]
	if !ok {
		return
	}
	header := make(http.Header)
	for name, v := range r.Headers {
		for line := range strings.SplitSeq(fmt.Sprint(v), "\n") {
			header.Add(name, line)
		}
	}
	t.asked[i].Status, t.asked[i].Header, t.asked[i].Bytes = r.Status, header, int64(bytes)
}

// Requests returns every request that the tab has made, in their order.
func (t *Tab) Requests() []Request {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Request(nil), t.asked...)
}

// Faults returns what was found wrong with the pages on the way: what their own
// policy blocked, errors, what is deprecated, a focus that can't be seen.
func (t *Tab) Faults() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.faults...)
}

func (t *Tab) fault(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = append(t.faults, what)
}

// Forgive forgets the faults so far: the test has looked at them.
func (t *Tab) Forgive() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = nil
}

// Page returns the request that the page in the tab answers.
func (t *Tab) Page() Request {
	t.T.Helper()
	all := t.Requests()
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Kind == string(network.ResourceTypeDocument) {
			return all[i]
		}
	}
	t.T.Fatal("no page was opened")
	return Request{}
}

// do sends a command to the tab, and ends the test where that fails.
func do[P, R any](t *Tab, command cdp.Command[P, R], params P) R {
	t.T.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		t.T.Fatalf("%s: %v", command.Method, err)
	}
	return result
}

// wait waits for the page that act leads to.
func (t *Tab) wait(what string, act func()) {
	t.T.Helper()
	t.mu.Lock()
	before := t.pages
	t.mu.Unlock()
	t.until(what, act, func() bool { return t.pages > before })
}

// until waits until something came by what act does.
func (t *Tab) until(what string, act func(), came func() bool) {
	t.T.Helper()
	act()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		t.mu.Lock()
		done := came()
		t.mu.Unlock()
		if done {
			return
		}
		select {
		case <-t.came:
		case <-late.C:
			t.T.Fatalf("%s leads to no page, from\n%s", what, t.brief())
		}
	}
}

// Visit opens a page.
func (t *Tab) Visit(url string) {
	t.T.Helper()
	t.wait("visiting the page", func() {
		if result := do(t, page.Navigate, page.NavigateParams{URL: url}); result.ErrorText != "" {
			t.T.Fatalf("the page doesn't open: %s", result.ErrorText)
		}
	})
}

// Back is the browser's button.
func (t *Tab) Back() {
	t.T.Helper()
	history := do(t, page.GetNavigationHistory, cdp.Empty{})
	if history.CurrentIndex == 0 {
		t.T.Fatal("there is no page to go back to")
	}
	t.wait("going back", func() {
		do(t, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: history.Entries[history.CurrentIndex-1].ID})
	})
}

// Reload asks for the page again. A form that led to it is sent again, as when
// the visitor says yes to the browser's question.
func (t *Tab) Reload() {
	t.T.Helper()
	t.wait("reloading", func() { do(t, page.Reload, page.ReloadParams{}) })
}

// Resize gives the tab another size; what is on the page stays.
func (t *Tab) Resize(s Size) { t.Zoom(s, 1) }

// Zoom is Resize with so many pixels of the screen to a pixel of the page.
func (t *Tab) Zoom(s Size, scale float64) {
	t.T.Helper()
	t.size = s
	do(t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: s.Width, Height: s.Height, DeviceScaleFactor: scale, Mobile: s == Phone,
	})
}

// Speak sets the language that the browser asks for.
func (t *Tab) Speak(lang i18n.Lang) {
	t.T.Helper()
	do(t, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": string(lang)}})
}

// Darken sets whether the visitor wants dark pages. Nobody in a test wants
// anything to move.
func (t *Tab) Darken(dark bool) {
	t.T.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	do(t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

// Script turns script on or off, for pages that are opened from now on.
func (t *Tab) Script(on bool) {
	t.T.Helper()
	do(t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
}

// Bring has the browser bring a cookie that the site has given to somebody else, or to nobody.
func (t *Tab) Bring(url, name, value string) {
	t.T.Helper()
	do(t, network.SetCookie, network.SetCookieParams{URL: url, Name: name, Value: value, Path: "/", Secure: new(true), HTTPOnly: new(true), SameSite: network.CookieSameSiteStrict})
}

// Cookies returns the cookies that the browser keeps.
func (t *Tab) Cookies(url string) []*network.Cookie {
	t.T.Helper()
	return do(t, network.GetCookies, network.GetCookiesParams{URLs: []string{url}}).Cookies
}
