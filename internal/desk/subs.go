package desk

import (
	"context"
	"strings"

	"wardkeep/internal/base/db"
	"wardkeep/internal/party"
)

// subsPage is what subs.html shows: the form by which a processor tells that it entrusts others,
// and what follows from that at once (Article 16(5), edge case 19).
type subsPage struct {
	Processor bool     // a recipient has purposes of its own, and entrusts whom it wants
	Known     []string // those that are written down of it
	Subs      string   // what was sent, a line each
	Sure      bool     // it was said that this is understood
	Done      bool     // some were told just now
	Problem   string
}

func (s *Server) subs(v *visit) error { return v.subsPage(nil) }

func (v *visit) subsPage(problem error) error {
	words, _, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := subsPage{Processor: v.by.Key.Party.Role == party.Processor, Done: v.r.URL.Query().Has("done"), Problem: words}
	if problem != nil {
		page.Subs, page.Sure = crlf.Replace(v.r.PostFormValue("subs")), v.r.PostFormValue("sure") != ""
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		p, err := party.Find(ctx, tx, v.by.Key.Party)
		page.Known = p.Subs
		return err
	})
	if err != nil {
		return err
	}
	return v.show(status, "subs", page)
}

// tellSubs takes that the party entrusts others. From the commit on it gets nothing.
func (s *Server) tellSubs(v *visit) error {
	if v.r.PostFormValue("sure") == "" {
		return v.subsPage(ErrUnsure)
	}
	var subs []string
	for line := range strings.Lines(v.r.PostFormValue("subs")) {
		if line = strings.TrimSpace(line); line != "" {
			subs = append(subs, line)
		}
	}
	err := v.act(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := party.Tell(ctx, tx, v.by, subs)
		return err
	})
	if err != nil {
		return v.subsPage(err)
	}
	return v.to("/party/sub-processors", "done", "")
}
