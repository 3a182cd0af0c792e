package console

import (
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/charter"
)

// The two forms by which something is asked for that no guardian has agreed to.

func (s *Server) showLaw(v *visit) error { return v.askPage(lawForm, nil) }

func (s *Server) askLaw(v *visit) error { return s.askFor(v, lawForm) }

func (s *Server) showLife(v *visit) error { return v.askPage(lifeForm, nil) }

func (s *Server) askLife(v *visit) error { return s.askFor(v, lifeForm) }

// ground is what a form asks on.
func (f form) ground() approval.Ground {
	switch f {
	case lawForm:
		return approval.OnLaw
	case lifeForm:
		return approval.OnLife
	}
	return approval.OnConsent
}

// reason is the one of a form that asks for none.
func (f form) reason(chosen string) approval.Reason {
	switch f {
	case lawForm:
		return approval.ForAuthority
	case lifeForm:
		return approval.ForSafety
	}
	return approval.Reason(chosen)
}

// urgent reports whether it can't wait for whoever decides.
func (f form) urgent() bool { return f == urgentForm || f == lifeForm }

// export reports whether it leaves as a file.
func (f form) export() bool { return f == exportForm || f == lawForm }

// refs are the children that a form names: on a law one a line.
func (f form) refs(typed string) (refs []string) {
	if f == lawForm {
		for line := range strings.Lines(typed) {
			if ref := strings.TrimSpace(line); ref != "" {
				refs = append(refs, ref)
			}
		}
	}
	if len(refs) == 0 {
		refs = []string{strings.TrimSpace(typed)}
	}
	return refs
}

// A basisPart is what ask.html shows of a basis: what can be chosen, and what was typed.
type basisPart struct {
	Receivers []approval.Receiver
	Levels    []approval.Level
	Silences  []approval.Silence
	approval.Basis
	approval.Paper
	LastDay, SilentDay string // as they were typed
}

// basisPart reads a basis from the form that was sent, and what to show of it again.
func (v *visit) basisPart(f form) (part basisPart, err error) {
	g := f.ground()
	if g == approval.OnConsent {
		return part, nil
	}
	value := func(name string) string { return strings.TrimSpace(v.r.PostFormValue(name)) }
	part = basisPart{Receivers: approval.Receivers[g], Levels: approval.Levels, Silences: approval.Silences}
	part.Ground, part.Receiver, part.Authority = g, approval.Receiver(value("receiver")), value("authority")
	if part.Country = strings.ToUpper(value("country")); v.r.Method != "POST" {
		part.Country = charter.Home
	}
	if g == approval.OnLife {
		return part, nil
	}
	part.Level = approval.Level(value("level"))
	part.Provision, part.Number, part.Document = value("provision"), value("number"), strings.ToLower(value("document"))
	part.Silence, part.LastDay, part.SilentDay = approval.Silence(value("silence")), value("ends"), value("silent_until")
	for _, item := range v.r.PostForm["item"] {
		part.Needs = append(part.Needs, value("need-"+item))
	}
	if v.r.Method != "POST" {
		return part, nil
	}
	if part.Ends, err = afterDay(part.LastDay); err != nil {
		return part, approval.ErrEnds.At("ends")
	}
	if part.SilentDay != "" {
		if part.SilentUntil, err = afterDay(part.SilentDay); err != nil {
			return part, approval.ErrSilence.At("silence")
		}
	}
	return part, nil
}

// afterDay returns the moment at which a day is over in China.
func afterDay(day string) (time.Time, error) {
	t, err := time.ParseInLocation(time.DateOnly, day, shanghai)
	return t.AddDate(0, 0, 1).UTC(), err
}

// lastDay is the day that is over at a moment, as afterDay reads it.
func lastDay(over time.Time) string {
	if over.IsZero() {
		return ""
	}
	return over.Add(-1).In(shanghai).Format(time.DateOnly)
}
