package main

import (
	"bytes"
	"strings"
	"testing"
)

// The whole story, with the smaller export. `make test` tells it once more with
// all 20,000 rows, as a new user would.
func TestDemo_EverythingHolds(t *testing.T) {
	for _, lang := range []string{"zh-CN", "en"} {
		var out, fault bytes.Buffer
		code := run([]string{"--lang", lang, "demo", "--once", "--listen", "127.0.0.1:0", "--dir", t.TempDir(),
			"--children", "../../examples/xiaoxi-english/children-gb18030.csv"}, strings.NewReader(""), &out, &fault)
		if code != exitDone {
			t.Errorf("%s: exit %d\n%s\n%s", lang, code, out.String(), fault.String())
		}
		if text := out.String(); strings.Contains(text, "✗") || strings.Count(text, "✓") < 30 || strings.Contains(text, "demo.") || strings.Contains(text, "{{") {
			t.Errorf("%s:\n%s", lang, text)
		}
	}
}
