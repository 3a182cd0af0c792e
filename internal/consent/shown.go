package consent

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// shownOn returns what was shown of the request in a language on a surface: there
// is one at most.
func (r Request) shownOn(lang, surface string) (Shown, bool) {
	for _, s := range append(slices.Clone(r.before), r.Shown) {
		if s.Lang == lang && s.Channel == surface {
			return s, true
		}
	}
	return Shown{}, false
}

// with returns what is before s once the request is Shown as s: all the others.
func (r Request) with(s Shown) (before []Shown) {
	for _, was := range append(slices.Clone(r.before), r.Shown) {
		if was.Lang != "" && (was.Lang != s.Lang || was.Channel != s.Channel) {
			before = append(before, was)
		}
	}
	return before
}

// ShownText writes what was shown as consent_request keeps it: a line each of
// language, surface, notice, page or "-", and microseconds.
func ShownText(all []Shown) string {
	var b strings.Builder
	for _, s := range all {
		page := s.Page
		if page == "" {
			page = "-"
		}
		b.WriteString(s.Lang + " " + s.Channel + " " + s.Notice + " " + page + " " + strconv.FormatInt(s.At.UnixMicro(), 10) + "\n")
	}
	return b.String()
}

// parseShown reads what ShownText wrote. A line that somebody else wrote was not
// shown: there is no answer to it.
func parseShown(text string) (all []Shown) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 5 {
			continue
		}
		at, err := strconv.ParseInt(f[4], 10, 64)
		if err != nil {
			continue
		}
		s := Shown{Lang: f[0], Channel: f[1], Notice: f[2], Page: f[3], At: time.UnixMicro(at).UTC()}
		if s.Page == "-" {
			s.Page = ""
		}
		all = append(all, s)
	}
	return all
}
