package console

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// maxChanges is how many changes a page lists. A charter that differs in more is another
// one, and its text is beneath.
const maxChanges = 200

// chartersPage is what charters.html shows.
type chartersPage struct {
	pager
	Services []chartered
	By       narrowing
}

// A chartered service has a charter, or waits for one.
type chartered struct {
	catalog.Service
	Label   string
	Waiting int
	Damaged bool // what is in force isn't what was recorded
}

// charters lists the services whose charters the person may see.
func (s *Server) charters(v *visit) error {
	var page chartersPage
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		by, all, pager, err := v.ofServices(ctx, tx, listCharters, staff.SeeCharters, standing("charters.stands", unpublished))
		if err != nil {
			return err
		}
		page = chartersPage{pager: pager, By: by}
		for _, service := range all {
			c, damaged, err := s.wordsInForce(ctx, tx, service.Name)
			if err != nil {
				return err
			}
			waiting, err := catalog.Waiting(ctx, tx, service)
			if err != nil {
				return err
			}
			page.Services = append(page.Services, chartered{service, v.label(c.Name, ""), len(waiting), damaged})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "charters", page)
}

// of returns the service of the address, if the person may do that with it. Whoever
// may not doesn't learn that there is one.
func (v *visit) of(ctx context.Context, tx *db.Tx, a staff.Action) (catalog.Service, error) {
	service, err := catalog.Find(ctx, tx, v.r.PathValue("service"))
	if err == nil && !approval.May(v.in.Person, a, service) {
		v.notTheirs()
		err = catalog.ErrNotFound
	}
	return service, err
}

// charterPage is what charter.html shows: the versions of one service's charter.
type charterPage struct {
	Service  string
	Label    string
	InForce  int64
	Recalled bool
	Damaged  bool // what is in force isn't what was recorded
	Waiting  []edition
	Editions []edition
	pager
	Propose bool
}

// An edition is a row of the history.
type edition struct {
	catalog.Edition
	State string // a word
	By    string // who has proposed it
}

// editionRows is a table of versions.
type editionRows struct {
	Service string
	Rows    []edition
}

// Rows makes a table of versions.
func (p charterPage) Rows(all []edition) editionRows { return editionRows{p.Service, all} }

// stateOf is how far a version has come, as a word.
func stateOf(e catalog.Edition, s catalog.Service) string {
	switch {
	case e.TakenBack():
		return "taken_back"
	case !e.RefusedAt.IsZero():
		return "refused"
	case e.PublishedAt.IsZero() && e.Number > s.Charter:
		return "waiting"
	case e.PublishedAt.IsZero():
		return "overtaken"
	case e.Number == s.Charter:
		return "in_force"
	}
	return "former"
}

func (s *Server) charter(v *visit) error {
	below, err := strconv.ParseInt(v.r.URL.Query().Get("from"), 10, 64)
	if err != nil || below < 1 {
		below = math.MaxInt64
	}
	page, from := charterPage{}, ""
	if below != math.MaxInt64 {
		from = strconv.FormatInt(below, 10)
	}
	err = v.view(func(ctx context.Context, tx *db.Tx) error {
		service, err := v.of(ctx, tx, staff.SeeCharters)
		if err != nil {
			return err
		}
		c, damaged, err := s.wordsInForce(ctx, tx, service.Name)
		if err != nil {
			return err
		}
		page.Damaged = damaged
		page.Service, page.Label, page.InForce, page.Recalled = service.Name, v.label(c.Name, service.Name), service.Charter, service.Recalled
		page.Propose = approval.May(v.in.Person, staff.ProposeCharter, service) && !service.Ceases("")
		names := v.names(tx, service.Name)
		rows := func(all []catalog.Edition, err error) (rows []edition, _ error) {
			for _, e := range all {
				by, err := names.of(ctx, e.ProposedBy)
				if err != nil {
					return nil, err
				}
				rows = append(rows, edition{e, stateOf(e, service), by})
			}
			return rows, err
		}
		if page.Waiting, err = rows(catalog.Waiting(ctx, tx, service)); err != nil {
			return err
		}
		all, err := catalog.Page(ctx, tx, service.Name, below, perPage+1)
		next := ""
		if len(all) > perPage {
			all = all[:perPage]
			next = strconv.FormatInt(all[perPage-1].Number, 10)
		}
		page.pager = v.pager(from, next)
		page.Editions, err = rows(all, err)
		return err
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "charter", page)
}

// A planned charter is compared with another, in words.
type planned struct {
	First   bool // there is no other
	Same    bool
	Changes []change
	More    int     // changes that aren't listed
	Prose   []prose // of which the lines differ
	Again   []string
}

// A change is one of them, in the language of the visit.
type change struct {
	What, Why, Path string
	Material        bool
}

// A prose is a text with the lines that went and came.
type prose struct {
	Name       string
	Gone, Come []string
}

// plan compares a charter with the one that it follows; nil is none.
func (v *visit) plan(former, now *charter.Charter) planned {
	lang := charter.Chinese
	if v.lang == i18n.English {
		lang = charter.English
	}
	changes := charter.Diff(former, now)
	p := planned{First: former == nil, Same: len(changes) == 0}
	if p.First {
		return p // everything is new: the text says it better
	}
	for _, c := range changes {
		if len(p.Changes) == maxChanges {
			p.More++
			continue
		}
		p.Changes = append(p.Changes, change{c.Words.In(lang), c.Why.In(lang), c.Path, c.Material})
	}
	for _, name := range charter.Material(changes) {
		q, ok := now.Purpose(name)
		if !ok {
			q, _ = former.Purpose(name)
		}
		p.Again = append(p.Again, v.label(q.Label, name))
	}
	for _, lang := range charter.Langs {
		for _, text := range []struct{ name, was, is string }{{"rules", former.Rules[lang], now.Rules[lang]}, {"agreement", former.Agreement[lang], now.Agreement[lang]}} {
			if gone, come := charter.Lines(text.was, text.is); len(gone)+len(come) > 0 {
				p.Prose = append(p.Prose, prose{charter.ProseFile(text.name, lang), gone, come})
			}
		}
	}
	return p
}

// versionPage is what version.html shows: one version of a charter.
type versionPage struct {
	Service string
	catalog.Edition
	State     string
	By        string // who has proposed it
	Decider   string
	Publisher string
	Words     string // of the decider
	Intact    bool   // the row is as it was written
	Damaged   bool   // there is no charter to be read from it: neither Plan, Touches nor Files
	Lost      bool   // nor from the one that it is compared with: there is no Plan
	Against   int64  // the number of the version that it is compared with
	Plan      planned
	Touches   []touch
	Files     []file
	Lacking   []lacking // purposes without an assessment, of one that waits
	Assessed  []named   // purposes whose assessments whoever looks may read
	Approvers []string  // who may approve it
	Decide    bool      // by whoever looks
	Own       bool
	TakeBack  bool // by whoever looks
	Terminal  bool // it is published at the terminal: nobody in office has an account
	Fresh     bool
	Problem   string
	Path      string
}

// A touch is how many children a proposal touches by a purpose.
type touch struct {
	Label string
	Count int64
}

// A lacking purpose has no assessment that counts, so the charter doesn't come into force
// (PIPL 55).
type lacking struct {
	Name, Label string
	Lack        catalog.Lack
}

// A file is a text of a charter.
type file struct{ Name, Text string }

// filesOf are the texts of a charter, as its folder has them.
func filesOf(c *charter.Charter) []file {
	all := []file{{charter.File, c.Source()}}
	for _, lang := range charter.Langs {
		all = append(all, file{charter.ProseFile("rules", lang), c.Rules[lang]}, file{charter.ProseFile("agreement", lang), c.Agreement[lang]})
	}
	return all
}

// number is the version of the address, or 0.
func (v *visit) number() int64 {
	n, err := strconv.ParseInt(v.r.PathValue("version"), 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != v.r.PathValue("version") {
		return 0
	}
	return n
}

func (s *Server) version(v *visit) error { return v.versionPage(nil) }

func (v *visit) versionPage(problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := versionPage{Problem: words, Fresh: v.in.IsFresh(v.now) == nil}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		service, err := v.of(ctx, tx, staff.SeeCharters)
		if err != nil {
			return err
		}
		return page.fill(ctx, tx, v, service)
	})
	if err != nil {
		return err
	}
	return v.show(status, "version", page)
}

func (p *versionPage) fill(ctx context.Context, tx *db.Tx, v *visit, service catalog.Service) error {
	e, c, err := catalog.Text(ctx, tx, service.Name, v.number())
	damaged := errors.Is(err, catalog.ErrDamaged) // without a text, it can be refused still
	if err != nil && !damaged {
		return err
	}
	p.Service, p.Edition, p.State, p.Damaged, p.Path = service.Name, e, stateOf(e, service), damaged, "/console/charters/"+service.Name+"/"+strconv.FormatInt(e.Number, 10)
	if p.Intact, err = catalog.Intact(ctx, tx, v.s.Ring, service.Name, e.Number); err != nil {
		return err
	}
	p.Intact = p.Intact && !damaged
	if p.Against = service.Charter; p.State != "waiting" {
		if p.Against, err = catalog.Before(ctx, tx, service.Name, e.Number); err != nil {
			return err
		}
	}
	if !damaged {
		if err := p.read(ctx, tx, v, c); err != nil {
			return err
		}
	}
	names := v.names(tx, service.Name)
	for _, one := range []struct {
		actor string
		into  *string
	}{{e.ProposedBy, &p.By}, {e.DecidedBy, &p.Decider}, {e.PublishedBy, &p.Publisher}} {
		if *one.into, err = names.of(ctx, one.actor); err != nil {
			return err
		}
	}
	if e.DecidedBy != "" && p.Intact { // words that were changed by hand don't open
		if p.Words, err = catalog.Words(ctx, tx, v.s.Ring, service.Name, e.Number); err != nil {
			return err
		}
	}
	if p.State != "waiting" {
		return nil
	}
	if !damaged {
		if err := p.assess(ctx, tx, v, c); err != nil {
			return err
		}
	}
	inside, err := catalog.Approvers(ctx, tx, service)
	if err != nil {
		return err
	}
	for _, one := range inside {
		name, err := names.of(ctx, "staff:"+one)
		if err != nil {
			return err
		}
		if "staff:"+one != e.ProposedBy {
			p.Approvers = append(p.Approvers, name)
		}
	}
	p.Own, p.Terminal = e.ProposedBy == v.in.Person.Ledger(), len(inside) == 0
	p.TakeBack = p.Own && approval.May(v.in.Person, staff.ProposeCharter, service)
	p.Decide = approval.May(v.in.Person, staff.PublishCharter, service) && !service.Ceases("")
	return nil
}

// read shows the text of a version, and what it changes for whom.
func (p *versionPage) read(ctx context.Context, tx *db.Tx, v *visit, c *charter.Charter) error {
	var former *charter.Charter
	if p.Against > 0 {
		f, err := v.s.Vault.Gate.Charters.Version(ctx, tx, p.Service, p.Against)
		if p.Lost = errors.Is(err, catalog.ErrDamaged); err != nil && !p.Lost {
			return err
		}
		former = f.Charter
	}
	p.Files = filesOf(c)
	if !p.Lost {
		p.Plan = v.plan(former, c)
	}
	for _, q := range c.Purposes {
		if v.in.Person.May(staff.SeeImpacts, p.Service) {
			p.Assessed = append(p.Assessed, named{Name: q.Name, Label: v.label(q.Label, q.Name)})
		}
		if n := p.Edition.Touches[q.Name]; n > 0 {
			p.Touches = append(p.Touches, touch{v.label(q.Label, q.Name), n})
		}
	}
	return nil
}

// assess says which purposes have no assessment that counts.
func (p *versionPage) assess(ctx context.Context, tx *db.Tx, v *visit, c *charter.Charter) error {
	all, err := catalog.Unassessed(ctx, tx, v.s.Ring, p.Service, p.Number, c)
	for _, s := range all {
		q, _ := c.Purpose(s.Purpose)
		p.Lacking = append(p.Lacking, lacking{s.Purpose, v.label(q.Label, s.Purpose), s.Lack})
	}
	return err
}

// takeBackCharter takes back what the person has proposed.
func (s *Server) takeBackCharter(v *visit) error {
	err := v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		_, err := approval.TakeBackCharter(ctx, tx, s.Ring, in.Person, v.r.PathValue("service"), v.number())
		return err
	})
	if err != nil {
		return v.versionPage(err)
	}
	return v.to("/console/charters/{service}/{version}")
}

// decideCharter puts a proposal into force, or refuses it, as who holds an office.
func (s *Server) decideCharter(v *visit) error {
	words := v.value("words")
	against, err := strconv.ParseInt(v.r.PostFormValue("against"), 10, 64)
	if err != nil {
		against = -1 // then what was seen is another
	}
	err = v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		service := v.r.PathValue("service")
		if v.r.PostFormValue("verdict") == "refused" {
			_, err := approval.RefuseCharter(ctx, tx, s.Ring, in.Person, service, v.number(), words)
			return err
		}
		_, _, err := approval.ApproveCharter(ctx, tx, s.Ring, in.Person, service, v.number(), catalog.Seen{Hash: v.r.PostFormValue("hash"), Against: against}, words)
		return err
	})
	if err != nil {
		return v.versionPage(err)
	}
	return v.to("/console/charters/{service}/{version}")
}
