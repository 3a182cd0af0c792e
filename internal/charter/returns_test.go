package charter

import (
	"slices"
	"strings"
	"testing"
)

// No address leads a guardian away from the sites that an officer signed.
func TestReturns_OnlyToAnOriginOfTheCharter(t *testing.T) {
	c := &Charter{ReturnOrigins: []Origin{"https://app.example.com", "https://app.example.com:8443"}}
	for _, good := range []string{"https://app.example.com", "https://app.example.com/", "https://app.example.com/a?b=c#d", "https://app.example.com:8443/a"} {
		if !c.Returns(good) {
			t.Errorf("%s is refused", good)
		}
	}
	for _, bad := range []string{
		"", "/", "//app.example.com", "http://app.example.com/", "https:app.example.com", "https:///app.example.com", "javascript:alert(1)",
		"https://app.example.com.evil.example/", "https://evil.example/https://app.example.com", "https://app.example.com@evil.example/",
		"https://evil.example\\@app.example.com/", "https://app.example.com:443@evil.example/", "https://app.example.com:8444/",
		"https://APP.example.com.evil.example", "https://evil.example#https://app.example.com", " https://app.example.com/", "https://app.example.com/\n", "https://user@app.example.com/",
		"https://app.example.com%2eevil.example/", "data:text/html,x",
	} {
		if c.Returns(bad) {
			t.Errorf("%q is let through", bad)
		}
	}
	if (&Charter{}).Returns("https://") {
		t.Error("no origin is an origin")
	}
}

// A summary of some purposes speaks of those only, and of all six things.
func TestSummary_SpeaksOfWhatIsAskedOnly(t *testing.T) {
	c := example(t)
	for _, lang := range Langs {
		points := Summary(c, lang, []string{"push-notices", "unknown"})
		label := c.Purposes[5].Label.In(lang)
		if len(points) != 6 || points[1].Text != label || !strings.HasPrefix(points[2].Text, label) || slices.ContainsFunc(points, func(p Point) bool { return blank(p.Text) }) {
			t.Errorf("%+v", points)
		}
	}
}
