package console

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/incident"
	reaching "wardkeep/internal/reach"
	"wardkeep/internal/staff"
)

// reachedPage is what reach.html shows: whom a case has reached, in numbers, what was asked of the
// ledger about that, and an answer.
type reachedPage struct {
	incident.Case
	Room, Path     string
	List           incident.CaseList
	FrozenBy       string
	Guardians      int64
	Most           int64
	Many           bool // there are more guardians than Most
	Asked          []askedRow
	Writes, Fresh  bool
	Kinds          []reaching.By
	By, Name       string
	From, To       string
	Lang           string
	Answer         *reaching.Answer
	Problem, Field string
}

// An askedRow is a question about a case, and who has asked it.
type askedRow struct {
	incident.Question
	Who string
}

// mostGuardians is up to how many are counted to show them.
const mostGuardians = 10_000

// questionOf reads what is asked of the ledger about a service. Errors: those of
// reaching.Question.Check.
func questionOf(service string, sent url.Values) (q reaching.Question, err error) {
	q = reaching.Question{Service: service, By: reaching.By(sent.Get("by")), Name: strings.TrimSpace(sent.Get("name"))}
	for field, at := range map[string]*time.Time{"from": &q.From, "to": &q.To} {
		text := strings.TrimSpace(sent.Get(field))
		if text == "" {
			continue
		}
		for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04"} {
			if *at, err = time.ParseInLocation(layout, text, age.Zone); err == nil {
				break
			}
		}
		if err != nil {
			return q, reaching.ErrTime.At(field)
		}
	}
	return q, q.Check()
}

// reached shows whom a case has reached; and whom something has, where that is asked.
func (s *Server) reached(v *visit) error { return v.reachedPage(v.r.URL.Query(), nil) }

func (v *visit) reachedPage(sent url.Values, problem error) error {
	page := reachedPage{Kinds: reaching.Kinds, Most: mostGuardians, Fresh: v.in.IsFresh(v.now) == nil, Lang: string(v.lang),
		By: sent.Get("by"), Name: sent.Get("name"), From: sent.Get("from"), To: sent.Get("to")}
	service, name := v.r.PathValue("service"), v.r.PathValue("incident")
	var q reaching.Question
	if problem == nil && page.By != "" {
		q, problem = questionOf(service, sent)
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		// Of services in which the person sees none, nobody learns that there are any.
		of, err := v.of(ctx, tx, staff.SeeIncidents)
		if errs.Of(err).Is(catalog.ErrNotFound) {
			err = incident.ErrNotFound
		}
		if err != nil {
			return err
		}
		if page.Case, err = incident.Find(ctx, tx, service, name); err != nil {
			return err
		}
		page.Room, page.Path = incidentPath(service, name), incidentPath(service, name)+"/reach"
		page.Writes = approval.May(v.in.Person, staff.WriteIncidents, of)
		if err := page.fill(ctx, tx, v); err != nil {
			return err
		}
		if problem != nil || page.By == "" || !page.Writes {
			return nil
		}
		answer, err := reaching.Index{Ring: v.s.Ring}.Ask(ctx, tx, q)
		if errs.Of(err).Is(reaching.ErrBehind) || errs.Of(err).Is(reaching.ErrDamaged) {
			problem = err // which is said where it was asked, and is no answer
			return nil
		}
		page.Answer = &answer
		return err
	})
	if err != nil {
		return err
	}
	if errs.Of(problem).Is(reaching.ErrDamaged) {
		v.s.Log.ErrorContext(v.r.Context(), "console: the index of the ledger isn't as it was made", "error", problem)
		page.Problem, problem = v.lang.T(errs.Of(problem).Code), nil
	}
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	if problem != nil {
		page.Problem, page.Field = words, errs.Of(problem).Field
	}
	return v.show(status, "reached", page)
}

func (p *reachedPage) fill(ctx context.Context, tx *db.Tx, v *visit) (err error) {
	if p.List, err = incident.ListOf(ctx, tx, p.Case.ID); err != nil {
		return err
	}
	if p.Guardians, err = incident.GuardiansOf(ctx, tx, p.Case.ID, mostGuardians); err != nil {
		return err
	}
	p.Many = p.Guardians > mostGuardians
	names := v.names(tx, p.Case.Service)
	if p.FrozenBy, err = names.of(ctx, p.List.FrozenBy); err != nil {
		return err
	}
	all, err := incident.Asked(ctx, tx, p.Case.ID)
	p.Asked = nil
	for _, q := range all {
		who, err := names.of(ctx, q.AskedBy)
		if err != nil {
			return err
		}
		p.Asked = append(p.Asked, askedRow{q, who})
	}
	return err
}

// changedReach does something about the list of the case, and shows what became of it.
func (v *visit) changedReach(fn func(ctx context.Context, tx *db.Tx, by approval.Actor, service, name string) error) error {
	switch err := v.inRoom(fn); {
	case err == nil:
		return v.to("/console/incidents/{service}/{incident}/reach")
	case errs.Of(err).Is(staff.ErrMayNot):
		return err
	default:
		return v.reachedPage(v.r.PostForm, err)
	}
}

// addReached has all be put on the list whom a question finds (Article 21).
func (s *Server) addReached(v *visit) error {
	q, err := questionOf(v.r.PathValue("service"), v.r.PostForm)
	if err != nil {
		return v.reachedPage(v.r.PostForm, err)
	}
	return v.changedReach(func(ctx context.Context, tx *db.Tx, by approval.Actor, _, name string) error {
		_, _, err := reaching.AskFor(ctx, tx, by, name, q)
		return err
	})
}

// freezeReached fixes the list as evidence.
func (s *Server) freezeReached(v *visit) error {
	return v.changedReach(func(ctx context.Context, tx *db.Tx, by approval.Actor, service, name string) error {
		_, _, err := incident.Freeze(ctx, tx, by, service, name)
		return err
	})
}

// reachedFile sends the list: pseudonyms, and no value.
func (s *Server) reachedFile(v *visit) error {
	var one incident.Case
	err := v.inRoom(func(ctx context.Context, tx *db.Tx, _ approval.Actor, service, name string) (err error) {
		one, err = incident.Find(ctx, tx, service, name)
		return err
	})
	if err != nil {
		return err
	}
	after := family.ID("")
	return v.sendFile(fileReached, v.header("pseudonym", "items", "reached_batch", "reached_at"), func(ctx context.Context, tx *db.Tx, each func(...string)) (func(), error) {
		rows, err := incident.Reached(ctx, tx, one.ID, after, rowsAtOnce)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			each(r.Subject, strings.Join(r.Items, " "), strconv.FormatInt(r.Batch, 10), inFile(r.AddedAt))
		}
		if len(rows) < rowsAtOnce {
			return nil, nil
		}
		return func() { after = rows[len(rows)-1].Child }, nil
	})
}
