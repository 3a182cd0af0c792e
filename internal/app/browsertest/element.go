package browsertest

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Keys that a visitor without a mouse has.
const (
	KeyTab    = kb.Tab
	KeyEnter  = kb.Enter
	KeySpace  = " "
	KeyDown   = kb.ArrowDown
	KeyEscape = kb.Escape
)

// An Element is one thing on the page that is in the tab.
type Element struct {
	tab  *Tab
	what string // for messages
	id   runtime.RemoteObjectID
}

// ask evaluates an expression in the page and decodes what it gives. It works
// with script off too: that holds for the page's own.
func ask[T any](t *Tab, expression string) T {
	t.T.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.T.Fatalf("the page doesn't answer: %v", err)
	}
	return value
}

// of calls a function with the element as this, and decodes what it gives.
func of[T any](e *Element, function string) T {
	e.tab.T.Helper()
	ctx, cancel := context.WithTimeout(e.tab.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.CallFunctionOn[T](function, func(p *runtime.CallFunctionOnParams) { p.ObjectID = e.id }))
	if err != nil {
		e.tab.T.Fatalf("%s doesn't answer: %v", e.what, err)
	}
	return value
}

// quoted is s as JavaScript writes it.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(b)
}

// Count returns how many elements match a selector.
func (t *Tab) Count(selector string) int {
	t.T.Helper()
	return ask[int](t, "document.querySelectorAll("+quoted(selector)+").length")
}

// Find returns the one element that matches a selector; the test ends where
// there is none, or more.
func (t *Tab) Find(selector string) *Element {
	t.T.Helper()
	if n := t.Count(selector); n != 1 {
		t.T.Fatalf("%d elements match %s on the page\n%s", n, selector, t.brief())
	}
	return t.First(selector)
}

// First returns the first of the elements that match a selector.
func (t *Tab) First(selector string) *Element {
	t.T.Helper()
	object := do(t, runtime.Evaluate, runtime.EvaluateParams{Expression: "document.querySelector(" + quoted(selector) + ")"})
	return &Element{t, selector, object.Result.ObjectID}
}

// Named returns the one element that has the role and the name for whoever
// can't see the page: a "button", a "link", a "textbox", with the words on it.
// The test ends where there is none, or more.
func (t *Tab) Named(role, name string) *Element {
	t.T.Helper()
	root := do(t, dom.GetDocument, dom.GetDocumentParams{}).Root
	query := accessibility.QueryAXTreeParams{BackendNodeID: root.BackendNodeID, Role: role, AccessibleName: name}
	var found []*accessibility.Node
	for _, n := range do(t, accessibility.QueryAXTree, query).Nodes {
		if !n.Ignored {
			found = append(found, n)
		}
	}
	if len(found) != 1 {
		t.T.Fatalf("the page has %d of %s “%s”\n%s", len(found), role, name, t.brief())
	}
	object := do(t, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: found[0].BackendDOMNodeID})
	return &Element{t, role + " “" + name + "”", object.Object.ObjectID}
}

// Heard returns the names of the things on the page that have one of the roles,
// in no order: what somebody hears who has them listed, without what stands around
// them. A "DisclosureTriangle" is what opens a fold. What a browser puts by itself into a field
// for a day or a time isn't among them: no page can name it.
func (t *Tab) Heard(roles ...string) (names []string) {
	t.T.Helper()
	nodes := do(t, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}).Nodes
	in := make(map[accessibility.NodeID]*accessibility.Node, len(nodes))
	for _, n := range nodes {
		in[n.NodeID] = n
	}
	for _, n := range nodes {
		if n.Ignored || !slices.Contains(roles, text(n.Role)) {
			continue
		}
		of := in[n.ParentID]
		for of != nil && !slices.Contains([]string{"Date", "DateTime", "InputTime"}, text(of.Role)) {
			of = in[of.ParentID]
		}
		if of == nil {
			names = append(names, text(n.Name))
		}
	}
	return names
}

// text is the value of a property, or "".
func text(v *accessibility.Value) string {
	var s string
	if v == nil || json.Unmarshal(v.Value, &s) != nil {
		return ""
	}
	return s
}

// Click clicks in the middle of the element, as it lies on the screen; the test
// ends where something else lies there.
func (e *Element) Click() {
	e.tab.T.Helper()
	e.click(1)
}

// Follow clicks, and waits for the page that comes.
func (e *Element) Follow() {
	e.tab.T.Helper()
	e.tab.wait(e.what, e.Click)
}

// FollowOn clicks, and waits for the page that those on the way lead to by themselves: the
// first that isn't one of them.
func (e *Element) FollowOn(way func(Request) bool) {
	e.tab.T.Helper()
	t := e.tab
	t.mu.Lock()
	before := len(t.asked)
	t.mu.Unlock()
	t.until(e.what, e.Click, func() bool {
		for i := t.upto - 1; i >= before; i-- {
			if r := t.asked[i]; r.Kind == string(network.ResourceTypeDocument) {
				return r.Status != 0 && (r.Status < 300 || r.Status >= 400) && !way(r)
			}
		}
		return false
	})
}

// FollowTwice clicks twice, as impatient people do, and waits for a page.
func (e *Element) FollowTwice() {
	e.tab.T.Helper()
	e.tab.wait(e.what, func() { e.click(2) })
}

func (e *Element) click(times int) {
	e.tab.T.Helper()
	at := of[struct {
		X, Y float64
		Hit  bool
	}](e, `function() {
		this.scrollIntoView({block: "center", behavior: "instant"});
		const r = this.getClientRects()[0] || this.getBoundingClientRect();
		const x = r.left + r.width / 2, y = r.top + r.height / 2;
		const there = document.elementFromPoint(x, y);
		return {X: x, Y: y, Hit: !!there && (this.contains(there) || there.contains(this))};
	}`)
	if !at.Hit {
		e.tab.T.Fatalf("%s can't be clicked: something else lies there, or it isn't shown", e.what)
	}
	mouse := func(kind input.DispatchMouseEventType, count int) {
		params := input.DispatchMouseEventParams{Type: kind, X: at.X, Y: at.Y, Button: input.MouseButtonLeft, ClickCount: int64(count)}
		do(e.tab, input.DispatchMouseEvent, params)
	}
	for n := range times {
		mouse(input.DispatchMouseEventTypeMousePressed, n+1)
		mouse(input.DispatchMouseEventTypeMouseReleased, n+1)
	}
}

// Fill empties a field and types into it.
func (e *Element) Fill(text string) {
	e.tab.T.Helper()
	of[bool](e, `function() { this.focus(); this.select(); return true; }`)
	e.tab.Type(text)
}

// Choose chooses from the list that the element is.
func (e *Element) Choose(value string) {
	e.tab.T.Helper()
	if !of[bool](e, `function() { this.value = `+quoted(value)+`; this.dispatchEvent(new Event("change", {bubbles: true})); return this.value === `+quoted(value)+`; }`) {
		e.tab.T.Fatalf("%s has no %q", e.what, value)
	}
}

// Attach chooses a file for the field.
func (e *Element) Attach(path string) {
	e.tab.T.Helper()
	do(e.tab, dom.SetFileInputFiles, dom.SetFileInputFilesParams{Files: []string{path}, ObjectID: e.id})
}

// Value returns an attribute of the element, or "".
func (e *Element) Value(attribute string) string {
	e.tab.T.Helper()
	return of[string](e, `function() { return this.getAttribute(`+quoted(attribute)+`) || ""; }`)
}

// Text returns what somebody reads in the element.
func (e *Element) Text() string {
	e.tab.T.Helper()
	return of[string](e, `function() { return this.innerText; }`)
}

// Type types a text into the field that has the focus.
func (t *Tab) Type(text string) {
	t.T.Helper()
	do(t, input.InsertText, input.InsertTextParams{Text: text})
}

// Press presses a key.
func (t *Tab) Press(key string) {
	t.T.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.KeyEvent(key)); err != nil {
		t.T.Fatal(err)
	}
}

// Enter presses Enter, and waits for the page that comes.
func (t *Tab) Enter() {
	t.T.Helper()
	t.PressTo(KeyEnter)
}

// PressTo presses keys, one after the other, and waits for the page that comes.
func (t *Tab) PressTo(keys ...string) {
	t.T.Helper()
	t.wait("a key", func() {
		for _, key := range keys {
			t.Press(key)
		}
	})
}

// maxTabs is how often anybody would press Tab.
const maxTabs = 300

// TabTo presses Tab until the focus is on the element that matches a selector.
// That the focus can't be seen on the way is a fault; the test ends where that
// element is never reached.
func (t *Tab) TabTo(selector string) {
	t.T.Helper()
	for range maxTabs {
		t.Press(KeyTab)
		at := ask[struct {
			There, Seen bool
			What        string
		}](t, `(() => {
			const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
			const ring = s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 1 || s.boxShadow !== "none";
			const inside = r.width > 0 && r.bottom > 0 && r.top < innerHeight && r.right > 0 && r.left < innerWidth;
			return {There: e.matches(`+quoted(selector)+`), Seen: e === document.body || ring && inside,
				What: e.tagName.toLowerCase() + " " + (e.name || e.innerText || "").trim().slice(0, 40)};
		})()`)
		if !at.Seen {
			t.fault("the focus on " + at.What + " can't be seen")
		}
		if at.There {
			return
		}
	}
	t.T.Fatalf("%d times Tab, and never at %s", maxTabs, selector)
}

// Text returns the words on the page that are shown.
func (t *Tab) Text() string {
	t.T.Helper()
	return ask[string](t, "document.body.innerText")
}

// brief is the beginning of Text, for messages.
func (t *Tab) brief() string {
	t.T.Helper()
	text := []rune(t.Text())
	return string(text[:min(len(text), 400)])
}
