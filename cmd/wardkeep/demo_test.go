package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"wardkeep/internal/app/apptest"
)

// The whole story, with the smaller export: once here, where the race detector watches, and
// once by the program itself. `make test` tells it once more with all 20,000 rows, as a new
// user would.
func TestDemo_EverythingHolds(t *testing.T) {
	for lang, at := range map[string]string{"zh-CN": "2027-02-28T23:50", "en": ""} {
		args := []string{"--lang", lang, "demo", "--once", "--listen", "127.0.0.1:0", "--dir", t.TempDir(), "--at", at,
			"--children", "../../examples/xiaoxi-english/children-gb18030.csv"}
		var out, fault bytes.Buffer
		var code int
		if lang == "en" {
			program := exec.Command(apptest.Binary(t), args...)
			program.Stdout, program.Stderr = &out, &fault
			if err := program.Run(); program.ProcessState == nil {
				t.Fatal(err)
			}
			code = program.ProcessState.ExitCode()
		} else {
			code = run(args, strings.NewReader(""), &out, &fault)
		}
		if code != exitDone {
			t.Errorf("%s: exit %d\n%s\n%s", lang, code, out.String(), fault.String())
		}
		if text := out.String(); strings.Contains(text, "✗") || strings.Count(text, "✓") < 91 || strings.Contains(text, "demo.") || strings.Contains(text, "{{") {
			t.Errorf("%s:\n%s", lang, text)
		}
	}
}

// A moment at which the story can't be told is refused before anything is made.
func TestDemo_BeginsAtADayOrAMoment(t *testing.T) {
	for _, at := range []string{"tomorrow", "2021-12-31", "2030-01-01", "2026-02-30", "2026-03-05T25:00"} {
		var out, fault bytes.Buffer
		code := run([]string{"--lang", "en", "demo", "--once", "--listen", "127.0.0.1:0", "--at", at,
			"--children", "../../examples/xiaoxi-english/children-gb18030.csv"}, strings.NewReader(""), &out, &fault)
		if code == exitDone || !strings.Contains(fault.String(), "demo.at_invalid") || out.Len() > 0 {
			t.Errorf("%s: exit %d\n%s\n%s", at, code, out.String(), fault.String())
		}
	}
}
