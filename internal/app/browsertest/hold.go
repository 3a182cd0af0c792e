package browsertest

import (
	"strconv"
	"time"
)

// Lets returns which of the events the page lets have their effect on the element that
// matches a selector: "copy", "contextmenu" and their like.
func (t *Tab) Lets(selector string, events ...string) (lets []string) {
	t.T.Helper()
	e := t.Find(selector)
	for _, name := range events {
		if !of[bool](e, `function() { return !this.dispatchEvent(new Event(`+quoted(name)+`, { bubbles: true, cancelable: true })); }`) {
			lets = append(lets, name)
		}
	}
	return lets
}

// Selected returns the text that the visitor would take along who selects all of the
// element that matches a selector, or, if that is "", the whole page.
func (t *Tab) Selected(selector string) string {
	t.T.Helper()
	element := "document.body"
	if selector != "" {
		element = "document.querySelector(" + quoted(selector) + ")"
	}
	return ask[string](t, `(() => {
		const selection = getSelection();
		selection.selectAllChildren(`+element+`);
		const text = selection.toString();
		selection.removeAllRanges();
		return text;
	})()`)
}

// LookAway is the visitor going to another tab for a moment, and back.
func (t *Tab) LookAway() {
	t.T.Helper()
	ask[bool](t, `(() => {
		Object.defineProperty(document, "hidden", { value: true, configurable: true });
		document.dispatchEvent(new Event("visibilitychange"));
		return delete document.hidden && document.dispatchEvent(new Event("visibilitychange"));
	})()`)
}

// Wait has the clock of the page go ahead, and not that of the server.
func (t *Tab) Wait(d time.Duration) {
	t.T.Helper()
	ask[bool](t, `(() => {
		const now = performance.now.bind(performance);
		performance.now = () => now() + `+strconv.FormatInt(d.Milliseconds(), 10)+`;
		return true;
	})()`)
}
