package browsertest

import (
	_ "embed" // for the file of axe

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
)

// A Look is how much an element asks to be clicked: what the eye compares with
// the element beside it. Lengths are CSS pixels.
type Look struct {
	Width, Height            float64
	Below                    float64 // from the end of what it answers to its top
	Font, Size, Weight       string
	Style, Spacing, Case     string // of the letters
	Contrast                 float64
	Ink, Paper               string
	Border, Corners, Shadow  string
	Padding, Opacity, Filter string
	Transform, Decoration    string
	Seen                     bool // whole, and nothing lies over it
}

// LookOf measures the one element that matches a selector, and how far it is
// below the one that matches above.
func (t *Tab) LookOf(selector, above string) Look {
	t.T.Helper()
	return of[Look](t.Find(selector), `function() {
		this.scrollIntoView({block: "center", behavior: "instant"});
		const s = getComputedStyle(this), r = this.getBoundingClientRect();
		const end = document.querySelector(`+quoted(above)+`).getBoundingClientRect().bottom;
		const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
		const paint = colors => {
			for (const c of ["white", ...colors]) { canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1); }
			return Array.from(canvas.getImageData(0, 0, 1, 1).data).slice(0, 3);
		};
		// What lies behind the letters is every background from the page to this.
		const behind = [];
		for (let e = this; e; e = e.parentElement) behind.unshift(getComputedStyle(e).backgroundColor);
		const paper = paint(behind), ink = paint([...behind, s.color]);
		// WCAG 2.2, relative luminance and contrast ratio.
		const light = rgb => { const [r, g, b] = rgb.map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
			return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
		const [a, b] = [light(ink), light(paper)].sort((a, b) => b - a);
		const middle = [r.left + r.width / 2, r.top + r.height / 2];
		const edges = [[r.left + 2, middle[1]], [r.right - 2, middle[1]], [middle[0], r.top + 2], [middle[0], r.bottom - 2]];
		const mine = ([x, y]) => { const e = document.elementFromPoint(x, y); return !!e && this.contains(e); };
		return {
			Width: r.width, Height: r.height, Below: r.top - end, Font: s.fontFamily, Size: s.fontSize, Weight: s.fontWeight,
			Style: s.fontStyle, Spacing: s.letterSpacing, Case: s.textTransform,
			Contrast: Math.round((a + 0.05) / (b + 0.05) * 100) / 100, Ink: "" + ink, Paper: "" + paper,
			Border: s.border + " " + s.backgroundImage, Corners: s.borderRadius, Shadow: s.boxShadow + " " + s.textShadow,
			Padding: s.padding, Opacity: s.opacity, Filter: s.filter, Transform: s.transform, Decoration: s.textDecoration + " " + s.animationName,
			Seen: r.left >= 0 && r.right <= innerWidth && edges.every(mine),
		};
	}`)
}

// EndOf returns how far the end of the one element that matches a selector is below
// the top of the page, in CSS pixels.
func (t *Tab) EndOf(selector string) float64 {
	t.T.Helper()
	return of[float64](t.Find(selector), `function() { return this.getBoundingClientRect().bottom + scrollY; }`)
}

// Overflow returns by how many pixels the page is wider than the screen: 0,
// unless a reader must scroll sideways.
func (t *Tab) Overflow() int {
	t.T.Helper()
	return ask[int](t, "Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)")
}

// axe-core, as its makers publish it.
//
//go:embed testdata/axe.min.js
var axe string

// Violations returns what axe-core finds wrong with the page as it is shown: the
// rules of WCAG 2.2 AA, and those that its makers hold good practice.
func (t *Tab) Violations() []string {
	t.T.Helper()
	return t.examine(`["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]`)
}

// Discoloured is Violations of the rules that depend on the scheme: the others say
// of dark what they say of light.
func (t *Tab) Discoloured() []string {
	t.T.Helper()
	return t.examine(`{type: "rule", values: ["color-contrast", "link-in-text-block"]}`)
}

// Misplaced is Violations of the rules that depend on the size of the screen.
func (t *Tab) Misplaced() []string {
	t.T.Helper()
	return t.examine(`{type: "rule", values: ["target-size", "scrollable-region-focusable"]}`)
}

func (t *Tab) examine(rules string) []string {
	t.T.Helper()
	if ask[bool](t, "typeof axe === 'undefined'") {
		ask[bool](t, axe+"\n;true")
	}
	return ask[[]string](t, `axe.run(document, {preload: false, resultTypes: ["violations"], runOnly: `+rules+`})
		.then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + v.help + ": " + n.target.join(" ") + ": " + n.html.slice(0, 200) + " " + n.any.map(c => c.message).join("; "))))`)
}

// Kinds returns what kinds of things are on the page: how each element that is
// shown looks, beside its words, is decided by its place among others, by its
// classes and by its state. (A form's children may be a field of that name.)
func (t *Tab) Kinds() []string {
	t.T.Helper()
	return ask[[]string](t, `(() => {
		const of = e => e.tagName.toLowerCase() + [...e.classList].map(c => "." + c).join("") +
			["type", "role", "open", "readonly", "aria-invalid", "for"].map(a => e.hasAttribute(a) ? "[" + a + (a === "type" || a === "role" ? "=" + e.getAttribute(a) : "") + "]" : "").join("") +
			(e.checked ? ":checked" : "");
		const all = new Set();
		const walk = (e, above) => {
			const path = above + ">" + of(e);
			all.add(path);
			for (const c of e.querySelectorAll(":scope > *")) if (c.checkVisibility()) walk(c, path);
		};
		walk(document.body, "");
		return [...all];
	})()`)
}

// Top returns how far below the top of the page the one element begins that
// matches a selector.
func (t *Tab) Top(selector string) float64 {
	t.T.Helper()
	return of[float64](t.Find(selector), `function() { return this.getBoundingClientRect().top + scrollY; }`)
}

// Prints reports whether anything of the page would come out of a printer. The page is told
// that it is printed.
func (t *Tab) Prints() bool {
	t.T.Helper()
	do(t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	high := ask[float64](t, `dispatchEvent(new Event("beforeprint")), document.body.getBoundingClientRect().height`)
	do(t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{})
	return high > 0
}

// Paper returns the page as it comes out of a printer, on A4: a PDF.
func (t *Tab) Paper() []byte {
	t.T.Helper()
	css := true
	return do(t, page.PrintToPDF, page.PrintToPDFParams{PaperWidth: 210 / 25.4, PaperHeight: 297 / 25.4, PreferCSSPageSize: &css}).Data
}

// Screenshot returns a PNG of the page from top on, of at most so many pixels of
// the page; 0 takes the rest of it.
func (t *Tab) Screenshot(top, height float64) []byte {
	t.T.Helper()
	rest := ask[float64](t, "Math.max(innerHeight, document.documentElement.scrollHeight)") - top
	if height == 0 || height > rest {
		height = rest
	}
	ask[bool](t, "document.activeElement.blur(), scrollTo(0, 0), true")
	beyond := true
	b := do(t, page.CaptureScreenshot, page.CaptureScreenshotParams{
		CaptureBeyondViewport: &beyond, Clip: &page.Viewport{Y: top, Width: float64(t.size.Width), Height: height, Scale: 1},
	}).Data
	small, err := fewerColors(b)
	if err != nil {
		t.T.Fatalf("the screenshot: %v", err)
	}
	return small
}
