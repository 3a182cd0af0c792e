package incident

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/base/pii"
	"wardkeep/internal/family/age"
)

var lines = strings.NewReplacer("\r\n", "\n", "\r", "\n")

func apart(r rune) bool { return strings.ContainsRune(" ,，、", r) }

// ReportOf reads a report from a form: kind, suspected, drill, item (each, or several with spaces or
// commas between them), children, began, noticed, words. What is left empty nobody knows; when it was noticed is a moment, when it began may be
// a day. Errors: ErrChildren, ErrTime.
func ReportOf(form url.Values) (r Report, err error) {
	r = Report{Kind: Kind(form.Get("kind")), Suspected: form.Get("suspected") != "", Drill: form.Get("drill") != "", Items: strings.FieldsFunc(strings.Join(form["item"], " "), apart)}
	if words := form.Get("words"); words != "" {
		r.Words = pii.New(lines.Replace(words))
	}
	if n := strings.TrimSpace(form.Get("children")); n != "" {
		if r.Children, err = strconv.ParseInt(n, 10, 64); err != nil {
			return r, ErrChildren.At("children")
		}
	}
	for field, at := range map[string]*time.Time{"began": &r.BeganAt, "noticed": &r.NoticedAt} {
		text := strings.TrimSpace(form.Get(field))
		if text == "" {
			continue
		}
		// As browsers send it, or as it is shown.
		for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04", time.DateOnly} {
			if *at, err = time.ParseInLocation(layout, text, age.Zone); err == nil {
				break
			}
		}
		if err != nil {
			return r, ErrTime.At(field + "_at")
		}
	}
	return r, nil
}
