package console

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// requestPage is what request.html shows.
type requestPage struct {
	approval.Request
	Path       string
	Word       string // how far it has come
	Ref        string // what the operator calls the child
	Subject    string // its pseudonym in the ledger
	Hidden     bool   // Ref and what was written, from who looks
	Who        staff.Person
	By         staff.Person // who has decided
	Label      string       // of the purpose
	Asked      []named
	May        []named // what was granted
	Note       string
	Reply      string
	FirstBy    staff.Person // who was the first of two to agree
	FirstWords string
	Left       []named // about which somebody still has to decide
	File       bool    // it can be made, by whoever looks
	Mine       bool
	Decide     bool // by whoever looks
	Join       bool // likewise
	Broken     approval.Glass
	Late       bool // its review
	Review     bool // by whoever looks
	Judge      string
	End        bool
	Look       bool
	Fresh      bool
	Less       []approval.Answer // with less
	No         []approval.Answer
	Problem    string
	Reasons    []string // of the gate

	Paper              approval.Paper // what is written of the basis
	Needs              []askItem      // why each item is needed
	LastDay, SilentDay string
}

func (s *Server) request(v *visit) error { return v.requestPage(nil) }

// found returns a request that the person has made, has decided about, or may decide about
// or join. Of others nobody learns that there are any.
func (v *visit) found(ctx context.Context, tx *db.Tx, in signin.Session) (r approval.Request, decides bool, err error) {
	service, err := catalog.Find(ctx, tx, v.r.PathValue("service"))
	if errs.Of(err).Is(catalog.ErrNotFound) {
		err = approval.ErrNotFound
	}
	if err == nil {
		r, err = approval.Find(ctx, tx, service.Name, v.r.PathValue("request"))
	}
	if err != nil {
		return approval.Request{}, false, err
	}
	decides = approval.May(in.Person, staff.DecideAccess, service)
	if r.Asker != in.Person.ID && r.Decider != in.Person.ID && r.First != in.Person.ID && !decides && !joins(in.Person, r, service, tx.Now()) {
		if !r.Glass || !strings.HasSuffix(v.r.URL.Path, "/join") { // who comes too late to join has tried nothing
			v.notTheirs()
		}
		return approval.Request{}, false, approval.ErrNotFound
	}
	if !r.Intact(v.s.Ring) {
		return approval.Request{}, false, approval.ErrForged // whose it is, its row doesn't prove
	}
	return r, decides, nil
}

func (v *visit) requestPage(problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := requestPage{Problem: words, Fresh: v.in.IsFresh(v.now) == nil, Less: approval.Answers[approval.Narrowed], No: approval.Answers[approval.Refused],
		Reasons: v.reasons(problem)}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		r, decides, err := v.found(ctx, tx, v.in)
		if err != nil {
			return err
		}
		now := tx.Now()
		page.Request, page.Path, page.Word, page.Mine = r, requestPath(r), state(r, now), r.Asker == v.in.Person.ID
		page.Decide = decides && !page.Mine && !r.Glass && (r.State == approval.Open || r.State == approval.Agreed && r.First != v.in.Person.ID) && !r.Closed(now)
		page.End = !r.Closed(now) && (page.Mine || decides && (r.Glass || r.State != approval.Open)) // what is open is refused
		opens := page.Mine && (r.State == approval.Granted || r.State == approval.Narrowed) && !r.Closed(now)
		page.Look, page.File = opens && !r.Export, opens && r.Export && r.Looks == 0
		if page.Who, err = person(ctx, tx, r.Asker); err == nil && r.Decider != "" {
			page.By, err = person(ctx, tx, r.Decider)
		}
		if err == nil && r.Glass {
			err = page.glass(ctx, tx, v)
		}
		if err == nil && r.First != "" {
			page.FirstBy, err = person(ctx, tx, r.First)
		}
		if err != nil {
			return err
		}
		c, err := family.Find(ctx, tx, r.Service, r.Child)
		if err != nil {
			return err
		}
		page.Subject = c.Subject
		// What nothing comes of any more concerns who has asked and who has decided.
		page.Hidden = r.Closed(now) && !slices.Contains([]string{r.Asker, r.First, r.Decider}, v.in.Person.ID)
		if !page.Hidden {
			if err := page.told(v.s.Ring, c); err != nil {
				return err
			}
		}
		page.Label, page.Asked, page.May, err = v.words(ctx, tx, r)
		page.LastDay, page.SilentDay = lastDay(r.Ends), lastDay(r.SilentUntil)
		for i, need := range page.Paper.Needs {
			if i < len(page.Asked) {
				page.Needs = append(page.Needs, askItem{page.Asked[i], need})
			}
		}
		if page.Left = page.Asked; r.State == approval.Agreed {
			page.Left = page.May
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.show(status, "request", page)
}

// told tells whom the request is about, and what was written.
func (p *requestPage) told(ring *keyring.Ring, c family.Child) error {
	ref, err := c.Ref(ring)
	if err != nil {
		return err
	}
	note, reply, err := p.Text(ring, c)
	if err != nil {
		return err
	}
	if p.Paper, err = p.PaperOf(ring, c); err != nil {
		return err
	}
	first, err := p.FirstText(ring, c)
	p.Ref, p.Note, p.FirstWords, p.Reply = ref.Reveal(), note.Reveal(), first.Reveal(), reply.Reveal()
	return err
}

// glass tells of what needs no decision: whether whoever looks may join, and how its
// review stands.
func (p *requestPage) glass(ctx context.Context, tx *db.Tx, v *visit) error {
	service, err := catalog.Find(ctx, tx, p.Service)
	if err != nil {
		return err
	}
	p.Join = joins(v.in.Person, p.Request, service, tx.Now())
	if p.Decider == "" {
		return nil
	}
	p.Broken, err = approval.FindGlass(ctx, tx, p.Service, p.ID)
	p.Late, p.Judge = p.Broken.Late(tx.Now()), reviewPath(p.Broken)
	p.Review = approval.May(v.in.Person, staff.ReviewAccess, service)
	return err
}

// person finds somebody who may have left, or whose row is gone.
func person(ctx context.Context, tx *db.Tx, who string) (staff.Person, error) {
	p, err := staff.Find(ctx, tx, who)
	if errs.Of(err).Is(staff.ErrNotFound) {
		return staff.Person{ID: who}, nil
	}
	return p, err
}

// words are what the charter in force calls the purpose and the items of a request: what
// it doesn't know any more goes by its name.
func (v *visit) words(ctx context.Context, tx *db.Tx, r approval.Request) (purpose string, asked, granted []named, err error) {
	c, err := v.s.inForce(ctx, tx, r.Service)
	if err != nil {
		return "", nil, nil, err
	}
	p, _ := c.Purpose(r.Purpose)
	call := func(names []string) (all []named) {
		for _, name := range names {
			i, _ := c.Item(name)
			all = append(all, named{name, v.label(i.Label, name), slices.Contains(r.Granted, name)})
		}
		return all
	}
	return v.label(p.Label, r.Purpose), call(r.Items), call(r.Granted), nil
}

// inForce returns the charter of a service that is in force, or an empty one.
func (s *Server) inForce(ctx context.Context, tx *db.Tx, name string) (*charter.Charter, error) {
	service, err := catalog.Find(ctx, tx, name)
	if err != nil || service.Charter == 0 {
		return &charter.Charter{}, err
	}
	p, err := s.Vault.Gate.Charters.Version(ctx, tx, service.Name, service.Charter)
	if err != nil {
		return nil, err
	}
	return p.Charter, nil
}

// wordsInForce is inForce for the words of it alone. Of a charter that isn't what was
// recorded there are none, and damaged says so: a list shows names instead.
func (s *Server) wordsInForce(ctx context.Context, tx *db.Tx, name string) (c *charter.Charter, damaged bool, err error) {
	c, err = s.inForce(ctx, tx, name)
	if errors.Is(err, catalog.ErrDamaged) {
		return &charter.Charter{}, true, nil
	}
	return c, false, err
}

// decide decides about somebody else's request: with all that is asked, with less, or
// with nothing.
func (s *Server) decide(v *visit) error {
	d := approval.Decision{Verdict: approval.State(v.r.PostFormValue("verdict")), Reason: approval.Answer(v.r.PostFormValue("reason")),
		Items: v.r.PostForm["item"]}
	if words := v.r.PostFormValue("words"); words != "" {
		d.Text = pii.New(words)
	}
	if minutes := v.r.PostFormValue("minutes"); minutes != "" {
		n, err := strconv.Atoi(minutes)
		if err != nil {
			return v.requestPage(approval.ErrNarrowed.At("minutes"))
		}
		d.Minutes = n
	}
	return v.changedRequest(func(ctx context.Context, tx *db.Tx, in signin.Session, service, request string) error {
		// As the matrix says; the session that is found in this transaction counts.
		if err := in.IsFresh(tx.Now()); err != nil {
			return err
		}
		_, _, err := s.desk().Decide(ctx, tx, in.Person, service, request, d)
		return err
	})
}

// endRequest gives back what one has asked for, or takes back what was granted.
func (s *Server) endRequest(v *visit) error {
	return v.changedRequest(func(ctx context.Context, tx *db.Tx, in signin.Session, service, request string) error {
		_, _, err := s.desk().End(ctx, tx, in.Person, service, request)
		return err
	})
}

// changedRequest does something about the request of the address, and shows what became
// of it.
func (v *visit) changedRequest(fn func(ctx context.Context, tx *db.Tx, in signin.Session, service, request string) error) error {
	var r approval.Request
	err := v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) (err error) {
		if r, _, err = v.found(ctx, tx, in); err != nil {
			return err
		}
		return fn(ctx, tx, in, r.Service, r.ID)
	})
	if r.ID == "" {
		return err
	}
	if err != nil {
		return v.requestPage(err)
	}
	return v.to(requestPath(r))
}
