package browsertest

import "net/url"

// What a page offers and what a browser sends are two things: whoever opens the browser's
// own tools sends what they like, from our page and with its cookies.

// Tamper runs a script in the page.
func (t *Tab) Tamper(script string) {
	t.T.Helper()
	ask[bool](t, "(() => {"+script+"; return true; })()")
}

// Post sends a form that no page has, as a page's own are sent, and waits for the page that
// comes.
func (t *Tab) Post(path string, form url.Values) {
	t.T.Helper()
	t.wait("a form that no page has", func() {
		t.Tamper(`const form = document.createElement("form");
			form.method = "post";
			form.action = ` + quoted(path) + `;
			for (const [name, value] of new URLSearchParams(` + quoted(form.Encode()) + `)) {
				const field = document.createElement("input");
				field.type = "hidden";
				[field.name, field.value] = [name, value];
				form.append(field);
			}
			document.body.append(form);
			form.submit()`)
	})
}

// A Said is how a script's request was answered.
type Said struct {
	Status     int
	Type, Text string
	Elsewhere  bool // it leads to another page
}

// Fetch sends a form, as the page's script does.
func (t *Tab) Fetch(path string, form url.Values) Said {
	t.T.Helper()
	return ask[Said](t, `fetch(`+quoted(path)+`, {method: "POST", body: new URLSearchParams(`+quoted(form.Encode())+`), redirect: "manual", cache: "no-store"}).then(
		async answer => ({Status: answer.status, Type: answer.headers.get("Content-Type") || "", Text: await answer.text(), Elsewhere: answer.type === "opaqueredirect"}))`)
}
