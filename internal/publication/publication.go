// Package publication looks at content that is about to be published (Article 4): nobody
// makes, publishes or spreads what harms the security of children's information.
//
// Its one invariant: what it answers "publish" to was read to its end, and nothing of what
// was read is kept or told: no text, no value, and no child.
package publication

import (
	"context"
	"errors"
	"unicode/utf8"

	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
	"wardkeep/internal/screening"
	"wardkeep/internal/vault"
)

// What can't be looked at. None of it is published.
var (
	ErrNothing = errs.New(errs.Invalid, "publication.nothing")     // neither text nor picture
	ErrText    = errs.New(errs.Invalid, "publication.text_large")  // of more than screening.LargestText
	ErrPicture = errs.New(errs.Invalid, "publication.picture_bad") // not one of a known format, or it can't be read to its end
)

// A Content is what somebody is about to publish.
type Content struct {
	Text    pii.Text
	Picture []byte // nil: none
}

// A Finding is a place in the text, without what stands there.
type Finding struct {
	Kind           screening.Kind
	Start, End     int // bytes of the text, as UTF-8
	FromRune, Upto int // the same in characters: code points of Unicode
	Mask           string
	Verdict        screening.Verdict
}

// A Line is something that a picture carries beside what it shows, without what it says.
type Line struct {
	Tag     string           // as its standard calls it: "GPSLatitude"
	Kinds   []screening.Kind // what it says by its name, and what is found in it
	Verdict screening.Verdict
}

// A Screened is the answer about a content.
type Screened struct {
	Verdict  screening.Verdict
	Findings []Finding
	Masked   string // the text with masks for what is held; empty if nothing of it is
	Lines    []Line
}

// A Reading is what was found in a content, before anybody has judged it.
type Reading struct {
	text  string
	found []screening.Finding
	lines []screening.Line
	whose map[screening.Child]family.ID // of whom something was found
}

// Hits returns how many values of held children were found that few share, or that
// another value of the same child proves: what a stranger learns from.
func (r *Reading) Hits() (n int) {
	count := func(found []screening.Finding) {
		for _, f := range found {
			if len(f.Children) > 0 && f.Confidence > screening.Possible {
				n++
			}
		}
	}
	count(r.found)
	for _, l := range r.lines {
		count(l.Findings)
	}
	return n
}

// A Desk looks at contents.
type Desk struct {
	Vault  *vault.Vault
	Sets   *Sets
	Policy screening.Policy // of kinds; the zero Policy is strict
	Quota  *Quota
}

// Read looks in a content for what has a form of its own, and for the values of children
// that the service holds. Errors: ErrNothing, ErrText, ErrPicture, ErrNotReady.
func (d *Desk) Read(ctx context.Context, service string, c Content) (*Reading, error) {
	if c.Text.IsZero() && c.Picture == nil {
		return nil, ErrNothing
	}
	one, err := d.Sets.of(ctx, service)
	if err != nil {
		return nil, err
	}
	// What it finds holds nothing of the set when the lock is given back.
	one.mu.RLock()
	defer one.mu.RUnlock()
	if one.known == nil {
		return nil, ErrNotReady
	}
	r := &Reading{text: c.Text.Reveal(), whose: make(map[screening.Child]family.ID)}
	if err := r.read(c, one.known); err != nil {
		return nil, err
	}
	lists := [][]screening.Finding{r.found}
	for _, l := range r.lines {
		lists = append(lists, l.Findings)
	}
	screening.Detach(lists...)
	for _, n := range screening.Whose(lists...) {
		r.whose[n] = one.ids[n]
	}
	return r, nil
}

func (r *Reading) read(c Content, known *screening.Known) (err error) {
	if r.found, err = screening.Screen(r.text, known); err != nil {
		return ErrText.At("text")
	}
	if c.Picture == nil {
		return nil
	}
	// Its errors say nothing of the picture, and neither do ours: who sends it knows it.
	if r.lines, err = screening.Picture(c.Picture, known); errors.Is(err, screening.ErrLargeText) {
		return ErrText.At("image")
	} else if err != nil {
		return ErrPicture.At("image")
	}
	return nil
}

// judge answers by the policy, for whoever publishes.
func (r *Reading) judge(p screening.Policy, by screening.Author) Screened {
	out := Screened{Verdict: screening.Publish}
	var held []screening.Finding
	at, runes := 0, 0
	upto := func(to int) int {
		runes += utf8.RuneCountInString(r.text[at:to])
		at = to
		return runes
	}
	for _, f := range r.found {
		v := p.About(by, f)
		if v == screening.Hold {
			held = append(held, f)
		} else if by.Guesses(f) {
			continue // a word that is also some child's name: that it is one is told to nobody
		}
		out.Findings = append(out.Findings, Finding{Kind: f.Kind, Start: f.Start, End: f.End, FromRune: upto(f.Start), Upto: upto(f.End), Mask: f.Mask, Verdict: v})
		out.Verdict = max(out.Verdict, v)
	}
	if len(held) > 0 {
		out.Masked = screening.Masked(r.text, held)
	}
	for _, l := range r.lines {
		line := Line{Tag: l.Tag, Verdict: screening.Publish}
		for _, f := range l.All() {
			v := p.About(by, f)
			if v == screening.Publish && by.Guesses(f) {
				continue
			}
			line.Kinds, line.Verdict = append(line.Kinds, f.Kind), max(line.Verdict, v)
		}
		if len(line.Kinds) == 0 {
			continue
		}
		out.Lines = append(out.Lines, line)
		out.Verdict = max(out.Verdict, line.Verdict)
	}
	return out
}
