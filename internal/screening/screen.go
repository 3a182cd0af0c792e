package screening

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// LargestText is the most bytes that Screen reads: a post has thousands, a long
// novel has these. Reading takes eight bytes of memory for each.
const LargestText = 4 << 20

// ErrLargeText is for a text of more than LargestText bytes. Whoever asked must hold
// it: nobody looked at it.
var ErrLargeText = errors.New("screening: the text is too large")

// Screen returns what is found in text, in its order and without overlaps. known
// may be nil. Text that isn't UTF-8 is read as far as it is.
func Screen(text string, known *Known) ([]Finding, error) {
	if len(text) > LargestText {
		return nil, ErrLargeText
	}
	if known != nil && known.values == 0 {
		known = nil
	}
	s := &screen{t: normal(text), known: known, lastSchool: -1, lastClass: -1, passed: -1}
	defer s.t.done()
	s.walk()
	s.sure()
	return s.findings, nil
}

// screen is one walk over one text.
type screen struct {
	t        *text
	known    *Known
	findings []Finding

	sentence      int  // where it began
	passed        int  // where the one before began, if it spoke of no school
	school, class bool // whether it spoke of one
	lastSchool    int  // where a school was named last
	lastClass     int  // where a class was
	housed, named int  // where the last address and the last name ended
}

func (s *screen) walk() {
	t, w := s.t, s.t.w
	skip := 0 // before it, everything was looked at
	for i := 0; i < len(w); i++ {
		word := w[i]
		if word&stops != 0 {
			switch r := rune(word & runes); {
			case word&digit != 0:
				if i >= skip {
					skip = s.numbers(i)
				}
			case word&tally != 0:
				if i >= skip && (t.is(i+1, digits) || t.is(i+1, between) && t.is(i+2, digits)) {
					skip = s.numbers(i)
				}
			case word&ends != 0:
				s.close(i)
			default:
				s.stop(i, r)
			}
		}
		if s.known != nil && word&(between|ends) == 0 && (word&ascii == 0 || i == 0 || w[i-1]&ascii == 0) && s.known.mayBegin(rune(word&runes)) {
			j := i + 1
			for j < len(w) && j < i+4 && w[j]&between != 0 {
				j++
			}
			if j < len(w) {
				if mask := s.known.filter[s.known.pair(rune(word&runes), rune(w[j]&runes))]; mask != 0 {
					s.look(i, mask)
				}
			}
		}
	}
	s.close(len(w))
}

// stop looks closer at a rune at which something may begin or end.
func (s *screen) stop(i int, r rune) {
	switch r {
	case '@':
		s.email(i)
	case '(', '[':
		if s.t.is(i-1, ascii) {
			s.spelt(i)
		}
	case 'q', 'v', 'w', '微', '威', '薇', '维', '扣', '企', '球', '蔻', '叩', '抠', '秋', '丘', '腾', '鹅', penguin:
		s.handle(i)
	case '号', '號', '栋', '幢', '室', '弄', '单', '组':
		s.address(i)
	case '班', '级':
		s.classAt(i)
	default:
		s.schoolAt(i)
	}
}

// near is how many runes after a school the next sentence may still be about it.
const near = 60

// close ends a sentence before i.
func (s *screen) close(i int) {
	asked := s.school || s.class || s.lastSchool >= 0 && s.sentence-s.lastSchool < near || s.lastClass >= 0 && s.sentence-s.lastClass < near
	if (s.school || s.class) && s.passed >= 0 && i-s.passed < 2*near {
		s.pupils(s.passed, s.sentence) // 她叫王子涵。实验小学的。
	}
	if asked {
		s.pupils(s.sentence, i)
	}
	switch {
	case asked:
		s.passed = -1
	case i > s.sentence && (s.passed < 0 || i-s.passed > near):
		s.passed = s.sentence
	}
	s.sentence, s.school, s.class = i+1, false, false
}

// found is a finding from the rune i to before j.
func (s *screen) found(k Kind, i, j int, c Confidence) Finding {
	start, end := s.t.span(i, j)
	return Finding{Kind: k, Start: start, End: end, Confidence: c}
}

func (s *screen) add(f Finding) { s.findings = append(s.findings, f) }

// sure orders the findings, leaves of those that overlap the one that says most,
// and asks of each known value how much it proves.
func (s *screen) sure() {
	slices.SortStableFunc(s.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.End, a.End), cmp.Compare(a.Kind, b.Kind))
	})
	out := s.findings[:0]
	for _, f := range s.findings {
		n := len(out)
		if n == 0 || f.Start >= out[n-1].End {
			out = append(out, f)
			continue
		}
		last := &out[n-1]
		better, worse := *last, f
		if weight(f) > weight(*last) {
			better, worse = f, *last
		}
		*last = over(better, worse)
	}
	s.findings = out
	s.prove()
	for i := range s.findings {
		f := &s.findings[i]
		if f.Mask == "" {
			f.Mask = mask(f.Kind, s.t.src[f.Start:f.End])
		}
	}
}

// over is the finding better, which stays, with what the one that goes says of
// whose value stands there. Where better is no known value itself, it reaches as
// far as those that it goes over.
func over(better, worse Finding) Finding {
	if better.Children != nil {
		return better
	}
	if worse.Children == nil {
		if better.within == nil { // only what was there before the other has any
			better.within = worse.within
		}
		return better
	}
	if better.Start == worse.Start && better.End == worse.End {
		better.Children, better.within = worse.Children, nil
		return better
	}
	better.Start, better.End = min(better.Start, worse.Start), max(better.End, worse.End)
	if n := len(better.within); n == 0 || worse.Start >= better.within[n-1].End {
		better.within = append(better.within, worse)
	} else if weight(worse) > weight(better.within[n-1]) {
		better.within[n-1] = worse
	}
	return better
}

// prove asks of each known value, alone or under another finding, how much it
// proves. What is under another counts by its own kind, and only if it is Certain:
// the rest may be a word that is also some child's name.
func (s *screen) prove() {
	if !slices.ContainsFunc(s.findings, func(f Finding) bool { return f.Children != nil || len(f.within) > 0 }) {
		return
	}
	values := make([]Finding, 0, len(s.findings))
	for _, f := range s.findings {
		values = append(values, f)
		values = append(values, f.within...)
	}
	s.corroborate(values)
	at := 0
	for i := range s.findings {
		f, within := &s.findings[i], s.findings[i].within
		*f = values[at]
		f.within = within[:0]
		for _, v := range values[at+1 : at+1+len(within)] {
			if v.Confidence == Certain {
				f.within = append(f.within, v)
			}
		}
		at += 1 + len(within)
		if f.Children == nil && len(f.within) > 0 {
			f.Children, f.Confidence = f.within[0].Children, Certain
		}
	}
}

// weight orders findings that overlap: the longer one, and of equals what has a
// form of its own.
func weight(f Finding) int {
	n := 4 * (f.End - f.Start)
	if f.Kind < Pupil {
		n += 3
	} else if f.Kind == Pupil {
		n += 2
	}
	return n
}

// few is how many children may share a name that still points at one of them.
const few = 3

// corroborate makes a known value Certain where one that few share would be enough,
// or where another value of the same child stands in the text.
func (s *screen) corroborate(found []Finding) {
	var values [][]Child // of each value that stands in the text: a set's slice is one value's
	seen := map[*Child]int{}
	for _, f := range found {
		if f.Children == nil {
			continue
		}
		if _, ok := seen[&f.Children[0]]; !ok {
			seen[&f.Children[0]] = len(values)
			values = append(values, f.Children)
		}
	}
	both := shared(values)
	for i := range found {
		f := &found[i]
		if f.Children == nil {
			continue
		}
		switch {
		case f.Kind < Pupil, both[seen[&f.Children[0]]]:
			f.Confidence = Certain
		case f.Kind == Other && len(f.Children) <= few && (f.End-f.Start > 12 || s.isNumber(*f)), (f.Kind == Name || f.named) && len(f.Children) <= few && f.End-f.Start >= 9:
			f.Confidence = max(f.Confidence, Likely)
		}
	}
}

// longEnough is how many characters a number has that isn't anybody's by chance.
const longEnough = 6

// isNumber reports whether a finding is long enough and has a digit in it, in whatever width: what is no
// word, as the number of a pupil, points at whoever has it.
func (s *screen) isNumber(f Finding) bool {
	n, digit := 0, false
	for _, r := range s.t.src[f.Start:f.End] {
		n, digit = n+1, digit || unicode.IsDigit(r)
	}
	return digit && n >= longEnough
}

// shared reports of each of the lists, which are in order, whether one of its children is in another
// list, too.
func shared(lists [][]Child) []bool {
	out := make([]bool, len(lists))
	if len(lists) > fewLists {
		count := map[Child]uint8{} // two at most
		for _, l := range lists {
			for _, c := range l {
				count[c] = min(count[c]+1, 2)
			}
		}
		for i, l := range lists {
			out[i] = slices.ContainsFunc(l, func(c Child) bool { return count[c] > 1 })
		}
		return out
	}
	for i, a := range lists {
		for j, b := range lists[:i] {
			if !(out[i] && out[j]) && meet(a, b) {
				out[i], out[j] = true, true
			}
		}
	}
	return out
}

// fewLists is how many lists are compared with one another; of more, children are counted.
const fewLists = 6

// meet reports whether a child is in both.
func meet(a, b []Child) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	for _, c := range a {
		i, ok := slices.BinarySearch(b, c)
		if ok {
			return true
		}
		b = b[i:]
	}
	return false
}

// mask is what may stand instead of a value: enough to read the sentence on, and
// nothing that tells one person from another.
func mask(k Kind, value string) string {
	n := utf8.RuneCountInString(value)
	switch k {
	case Email:
		if i := strings.LastIndexAny(value, "@＠"); i > 0 {
			return "***" + value[i:]
		}
	case Pupil, Name:
		if n > 1 {
			r, _ := utf8.DecodeRuneInString(value)
			return string(r) + strings.Repeat("*", n-1)
		}
	}
	return stars[:min(n, longestMask)]
}

const stars = "************"

// Masked returns text with the mask of each finding in its place, and in whatever
// other place the same is written. None of what was found is in what it returns.
func Masked(text string, found []Finding) string {
	var b strings.Builder
	at := 0
	for _, f := range found {
		b.WriteString(text[at:f.Start])
		b.WriteString(f.Mask)
		at = f.End
	}
	b.WriteString(text[at:])
	out := b.String()
	var pairs []string
	for _, f := range found {
		if value := text[f.Start:f.End]; strings.Trim(value, "*") != "" {
			pairs = append(pairs, value, stars[:min(utf8.RuneCountInString(value), longestMask)])
		}
	}
	// What is written again where it wasn't found, or came together by the masks, goes
	// as well.
	again := strings.NewReplacer(pairs...)
	for range rounds {
		next := again.Replace(out)
		if next == out {
			return out
		}
		out = next
	}
	return stars
}

const (
	longestMask = len(stars)
	rounds      = 8 // after so many, nothing of the text is shown
)
