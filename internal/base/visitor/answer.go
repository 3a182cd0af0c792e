package visitor

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// An Answered remembers how a request was answered.
type Answered struct {
	http.ResponseWriter
	Status int // 0: it wasn't
}

// WriteHeader writes it, and remembers.
func (w *Answered) WriteHeader(status int) {
	if w.Status == 0 {
		w.Status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write remembers the status that it implies.
func (w *Answered) Write(b []byte) (int, error) {
	if w.Status == 0 {
		w.Status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *Answered) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Within returns the path that a form says to go on to, if it is base or below it, whatever
// was sent, and else base.
func Within(base, to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Host != "" || u.Scheme != "" || u.RawQuery != "" || to != base && !strings.HasPrefix(to, base+"/") ||
		strings.ContainsAny(to, "\\{}") || strings.Contains(to, "//") || strings.Contains(to, "..") {
		return base
	}
	return to
}

// IsText reports whether something that was sent can be written down: the stores don't agree
// on what becomes of anything else, and no browser sends it by itself.
func IsText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// AreText reports that of all fields, and of their names.
func AreText(all ...url.Values) bool {
	for _, fields := range all {
		for name, values := range fields {
			if !IsText(name) || !IsText(strings.Join(values, "")) {
				return false
			}
		}
	}
	return true
}
