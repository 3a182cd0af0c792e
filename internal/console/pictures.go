package console

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"wardkeep/internal/access"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/due"
	"wardkeep/internal/staff"
	"wardkeep/internal/tally"
)

// The pictures.
const (
	ofConsents = "consents" // what guardians answered, over time
	ofUses     = "uses"     // by purpose, and by who
	ofEnding   = "ending"   // what ends soon
	ofAnswers  = "answers"  // how long demands took
)

var allPictures = []string{ofConsents, ofUses, ofEnding, ofAnswers}

// spans are the days that a picture can tell of. Of more than a month it tells by weeks.
var spans = []int64{30, 90, 365}

// picturesPage is what pictures.html shows.
type picturesPage struct {
	Services choices
	Service  string
	Days     int64
	Spans    []int64
	Pictures []picture
	Behind   int64 // entries of the ledger that aren't in it yet
}

// A picture is a drawing, and the same numbers as a table.
type picture struct {
	Name string
	chart
	CSV string // the address of its numbers
}

// pictured is what a picture is drawn of: for which service, how many days up to which one.
type pictured struct {
	service string
	days    int64
	today   int64
	in      *charter.Charter
}

// first is the first day that is told of.
func (s pictured) first() int64 { return s.today - s.days + 1 }

// step is how many days a column stands for.
func (s pictured) step() int64 {
	if s.days > spans[0] {
		return 7
	}
	return 1
}

// columns are the first days of the columns. The last column is today's.
func (s pictured) columns() (all []int64) {
	for day := s.today - s.step() + 1; day+s.step() > s.first(); day -= s.step() {
		all = append(all, day)
	}
	slices.Reverse(all)
	return all
}

// dateOf writes a day.
func dateOf(day int64) string { return access.Begin(day).In(shanghai).Format(time.DateOnly) }

// asked is what the address asks to see, of the services that the person may.
func (v *visit) asked(ctx context.Context, tx *db.Tx) (s pictured, names []string, err error) {
	all, err := catalog.List(ctx, tx)
	if err != nil {
		return s, nil, err
	}
	if names = v.in.Person.Where(staff.SeeBoard, all); len(names) == 0 {
		return s, nil, nil // there is no service yet
	}
	q := fieldsOf(v.r.URL.Query(), []string{"service", "picture", "days"})
	v.keeps = q
	s = pictured{service: names[0], days: spans[0], today: access.DayOf(tx.Now())}
	if slices.Contains(names, q.Get("service")) {
		s.service = q.Get("service")
	}
	if days, err := strconv.ParseInt(q.Get("days"), 10, 64); err == nil && slices.Contains(spans, days) {
		s.days = days
	}
	s.in, err = v.s.inForce(ctx, tx, s.service)
	return s, names, err
}

// pictures shows what people would rather look at.
func (s *Server) pictures(v *visit) error {
	page := picturesPage{Spans: spans}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		what, names, err := v.asked(ctx, tx)
		if err != nil {
			return err
		}
		page.Services, page.Service, page.Days = names, what.service, what.days
		if page.Behind, err = tally.Behind(ctx, tx); err != nil {
			return err
		}
		shown := allPictures
		if what.service == "" {
			shown = nil
		}
		if one := v.r.URL.Query().Get("picture"); slices.Contains(shown, one) {
			shown = []string{one}
		}
		for _, name := range shown {
			n, err := v.numbers(ctx, tx, name, what)
			if err != nil {
				return err
			}
			q := url.Values{"lang": {string(v.lang)}, "service": {what.service}, "days": {strconv.FormatInt(what.days, 10)}}
			page.Pictures = append(page.Pictures, picture{name, draw(n), "/console/pictures/" + name + "?" + q.Encode()})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "pictures", page)
}

// pictureNumbers sends the numbers of a picture as a table for other programs, as a list
// that leaves. Nobody is in them.
func (s *Server) pictureNumbers(v *visit) error {
	name := v.r.PathValue("picture")
	if !slices.Contains(allPictures, name) {
		return ErrNoPage
	}
	var n chartNumbers
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		what, _, err := v.asked(ctx, tx)
		if err == nil && what.service == "" {
			err = ErrNoPage
		}
		if err == nil {
			n, err = v.numbers(ctx, tx, name, what)
		}
		return err
	})
	if err != nil {
		return err
	}
	header := append([]string{n.Of}, n.Series...)
	for i := range header {
		header[i] = inert(header[i])
	}
	return v.sendFile(listPictures+"-"+name, header, func(_ context.Context, _ *db.Tx, each func(...string)) (func(), error) {
		for _, g := range n.Groups {
			row := []string{g.Label}
			for _, n := range g.N {
				row = append(row, strconv.FormatInt(n, 10))
			}
			each(row...)
		}
		return nil, nil
	})
}

// numbers reads those of a picture.
func (v *visit) numbers(ctx context.Context, tx *db.Tx, name string, s pictured) (chartNumbers, error) {
	switch name {
	case ofConsents:
		return v.consents(ctx, tx, s)
	case ofUses:
		return v.uses(ctx, tx, s)
	case ofEnding:
		return v.ending(ctx, tx, s)
	}
	return v.answers(ctx, tx, s)
}

// Article 9: what guardians answered, a column a day or a week.
func (v *visit) consents(ctx context.Context, tx *db.Tx, s pictured) (n chartNumbers, err error) {
	series := []tally.What{tally.Granted, tally.Refused, tally.Withdrawn}
	n.Of, n.Upright = v.lang.T("console.pictures.day"), true
	days := s.columns()
	for _, day := range days {
		n.Groups = append(n.Groups, chartGroup{dateOf(day), make([]int64, len(series))})
	}
	for i, what := range series {
		n.Series = append(n.Series, v.lang.T("console.pictures."+string(what)))
		rows, err := tally.Between(ctx, tx, s.service, what, days[0], s.today)
		if err != nil {
			return n, err
		}
		for _, r := range rows {
			n.Groups[(r.Day-days[0])/s.step()].N[i] += r.N
		}
	}
	return n, nil
}

// Articles 14 and 15: who used what for which purpose, people inside by the role that let
// them; what was refused stands beside it.
func (v *visit) uses(ctx context.Context, tx *db.Tx, s pictured) (n chartNumbers, err error) {
	actors := []tally.Actor{tally.App, tally.Guardian}
	n.Of = v.lang.T("console.pictures.purpose")
	for _, a := range actors {
		n.Series = append(n.Series, v.lang.T("console.pictures.actor."+string(a)))
	}
	for _, role := range staff.Roles {
		if staff.RuleOf(staff.AskAccess).Allows(role) {
			actors, n.Series = append(actors, tally.Inside(role)), append(n.Series, v.lang.T("console.role."+string(role)))
		}
	}
	actors, n.Series = append(actors, tally.Other), append(n.Series, v.lang.T("console.pictures.actor.other"))
	n.Series = append(n.Series, v.lang.T("console.pictures.denied"))
	of := make(map[string][]int64)
	for _, what := range []tally.What{tally.Permitted, tally.Denied} {
		rows, err := tally.Purposes(ctx, tx, s.service, what, s.first())
		if err != nil {
			return n, err
		}
		for _, r := range rows {
			if of[r.Purpose] == nil {
				of[r.Purpose] = make([]int64, len(n.Series))
			}
			i := slices.Index(actors, r.Actor)
			switch {
			case what == tally.Denied:
				i = len(actors)
			case i < 0:
				i = len(actors) - 1
			}
			of[r.Purpose][i] += r.N
		}
	}
	for _, name := range slices.SortedFunc(maps.Keys(of), func(a, b string) int { return cmp.Or(cmp.Compare(sum(of[b]), sum(of[a])), cmp.Compare(a, b)) }) {
		n.Groups = append(n.Groups, chartGroup{v.purpose(s.in, name), of[name]})
	}
	return n, nil
}

// purpose is what a parent calls a purpose. Without one it was a guardian who looked.
func (v *visit) purpose(in *charter.Charter, name string) string {
	if name == "" {
		return v.lang.T("console.pictures.no_purpose")
	}
	p, _ := in.Purpose(name)
	return v.label(p.Label, name)
}

// Article 12: how many values end within each of the next weeks, as far as they are
// counted.
func (v *visit) ending(ctx context.Context, tx *db.Tx, s pictured) (n chartNumbers, err error) {
	all, err := due.Ending(ctx, tx, s.service)
	if err != nil {
		return n, err
	}
	n.Of, n.Most = v.lang.T("console.pictures.purpose"), due.Many
	for i := range due.Weeks {
		n.Series = append(n.Series, v.lang.T("console.pictures.week", "N", i+1))
	}
	for _, e := range all {
		n.Groups = append(n.Groups, chartGroup{v.purpose(s.in, e.Purpose), e.Weeks[:]})
	}
	return n, nil
}

// Articles 19 and 20: how long it took to answer in writing.
func (v *visit) answers(ctx context.Context, tx *db.Tx, s pictured) (n chartNumbers, err error) {
	sums, err := tally.Sums(ctx, tx, s.service, tally.Answered, s.first())
	n.Of, n.Series = v.lang.T("console.pictures.took"), []string{v.lang.T("console.pictures.demands")}
	for _, t := range tally.Times {
		n.Groups = append(n.Groups, chartGroup{v.lang.T("console.pictures.took." + string(t)), []int64{sums[string(t)]}})
	}
	return n, err
}
