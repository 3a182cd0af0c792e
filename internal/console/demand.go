package console

import (
	"context"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/assistance"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/edge"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/visitor"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
	"wardkeep/internal/receipt"
	"wardkeep/internal/rights"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
	"wardkeep/internal/watermark"
)

// ErrNotHandled refuses to show the words of a demand to who doesn't handle it: they are
// read by the one who answers it, and by nobody else (Article 15).
var ErrNotHandled = errs.New(errs.Forbidden, "console.demand.not_handled")

// demandPage is what demand.html shows. Whoever demands goes by what they are, and nothing
// of what is held is in it: what was written with a demand may be a value, and is shown as
// one is, on a page of its own.
type demandPage struct {
	rights.Request
	Path     string
	Ref      string // what the operator calls the child
	Subject  string // its pseudonym in the ledger
	Label    string // of the item
	Relation family.Relation
	Who      string // handles it
	Clock    clock
	Free     bool
	Mine     bool
	Words    bool // something was written with it
	Reply    bool // something was answered in words
	History  []happened
	Ledger   string // where its entries are, or "": the person doesn't see the ledger
	Others   []named
	Many     bool            // there are more, and somebody is named
	Longer   []rights.Reason // for which it may take longer
	No       []rights.Reason // for which it may be refused
	Finish   bool
	Office   bool   // whoever looks holds one
	Claim    string // the page of the claim that waits
	Birth    bool   // it is about the birth date
	Papers   []rights.Paper
	Today    string
	Untold   []family.Relation
	Told     []told
	Helps    []assistance.Task // what parties were asked, without what they have written
	Helped   bool              // one of them has written something
	Ask      []party.ID        // who else may have what is demanded
	Port     *ported           // of a copy that is handed to somebody
	Fresh    bool
	Problem  string
	Field    string
}

// happened is a line of a demand's history.
type happened struct {
	Kind string
	At   time.Time
	Who  string // a name of somebody inside
	Role string // or what they are
	To   string // its entry
}

// ported is how a copy stands that a guardian hands to somebody: whom, is among the words.
type ported struct {
	State rights.PortEnding
	At    time.Time // when it ended, or until when it waits
	Waits bool
}

// A told guardian was told of a demand to erase the child.
type told struct {
	Relation family.Relation
	Channel  string
	At       time.Time
}

func (s *Server) demand(v *visit) error {
	err := v.demandPage(nil)
	if errs.Of(err).Is(rights.ErrNotFound) {
		return v.carriedOut()
	}
	return err
}

// carriedOutPage is what demand_done.html shows: what is left of a demand whose child was
// erased. Nothing of the child is.
type carriedOutPage struct {
	receipt.CarriedOut
	Who         string // handled it
	Certificate string // its link, for who answers whoever asked; "": the person doesn't
}

// carriedOut shows where the certificate of an erasure is to who handled the demand, and to
// the office: they pass it on to whoever asked, by phone or letter (Article 20).
func (v *visit) carriedOut() error {
	var page carriedOutPage
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		service := v.r.PathValue("service")
		by, err := handler(ctx, tx, v.in.Person, service)
		if err != nil {
			return err
		}
		if page.CarriedOut, err = receipt.FindDemand(ctx, tx, v.s.Ring, service, v.r.PathValue("demand")); err != nil {
			return err
		}
		if _, office := by.(catalog.Officer); office || page.Owner == rights.OwnerOf(by) {
			page.Certificate = receipt.CertificateURL(v.s.System.Site, page.Secret)
		}
		page.Who, err = v.names(tx, service).ofStaff(ctx, page.Owner)
		return err
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "demand_done", page)
}

// demanded returns the demand of the address, and who the person is to it.
func (v *visit) demanded(ctx context.Context, tx *db.Tx, in signin.Session) (rights.Handler, rights.Request, error) {
	by, err := handler(ctx, tx, in.Person, v.r.PathValue("service"))
	if err != nil {
		return nil, rights.Request{}, err
	}
	r, err := rights.Find(ctx, tx, v.r.PathValue("service"), v.r.PathValue("demand"))
	return by, r, err
}

func (v *visit) demandPage(problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := demandPage{Problem: words, Fresh: v.in.IsFresh(v.now) == nil, Longer: rights.ToExtend, Papers: rights.Papers, Today: v.now.In(shanghai).Format(time.DateOnly)}
	if problem != nil {
		page.Field = errs.Of(problem).Field
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		by, r, err := v.demanded(ctx, tx, v.in)
		if err != nil {
			return err
		}
		return page.fill(ctx, tx, v, by, r)
	})
	if err != nil {
		return err
	}
	return v.show(status, "demand", page)
}

func (p *demandPage) fill(ctx context.Context, tx *db.Tx, v *visit, by rights.Handler, r rights.Request) error {
	c, err := family.Find(ctx, tx, r.Service, r.Child)
	if err != nil {
		return err
	}
	ref, err := c.Ref(v.s.Ring)
	if err != nil {
		return err
	}
	in, err := v.s.inForce(ctx, tx, r.Service)
	if err != nil {
		return err
	}
	says := r.Says()
	p.Request, p.Path, p.Ref, p.Subject, p.Clock = r, demandPath(r), ref.Reveal(), c.Subject, v.s.clockOf(r, tx.Now())
	p.Words, p.Reply, p.Mine = says.Note, says.Answer, r.Owner == rights.OwnerOf(by)
	if r.Item != "" {
		p.Label = v.itemOf(in, r.Item)
	}
	_, p.Office = by.(catalog.Officer)
	p.Finish = !r.Kind.Erases() || r.Waits() && p.Office
	if p.No = r.ToRefuse(); r.Kind.Erases() && !p.Office {
		p.No = nil
	}
	if err := p.guardians(ctx, tx); err != nil {
		return err
	}
	if err := p.handlers(ctx, tx, v, by); err != nil {
		return err
	}
	if err := p.helps(ctx, tx, v); err != nil {
		return err
	}
	if r.Kind == rights.Port {
		is, err := rights.PortOf(ctx, tx, r)
		if err != nil {
			return err
		}
		if p.Port = (&ported{is.State(r, tx.Now()), is.EndedAt, is.Waits(r, tx.Now())}); is.EndedAt.IsZero() {
			p.Port.At = r.FetchUntil
		}
	}
	if p.Birth = r.Item == rights.BirthDate && r.State == rights.Open; p.Birth {
		claim, err := rights.ClaimAbout(ctx, tx, r.Child)
		if err == nil {
			p.Claim = birthPath(claim.Service, claim.ID)
		} else if !errs.Of(err).Is(rights.ErrClaim) {
			return err
		}
	}
	return p.history(ctx, tx, v)
}

// guardians says what those are to the child who demand, and who were told.
func (p *demandPage) guardians(ctx context.Context, tx *db.Tx) error {
	var all []family.Guardian
	if err := tx.Together(ctx, family.ReadGuardians(&all, p.Child)); err != nil {
		return err
	}
	relation := func(id family.GuardianID) family.Relation {
		if i := slices.IndexFunc(all, func(g family.Guardian) bool { return g.ID == id }); i >= 0 {
			return all[i].Relation
		}
		return family.Other
	}
	if p.Guardian != "" {
		p.Relation = relation(p.Guardian)
	}
	for _, t := range p.Request.Told {
		p.Told = append(p.Told, told{relation(t.Guardian), t.Channel, t.At})
	}
	for _, g := range p.Request.Untold(all) {
		p.Untold = append(p.Untold, relation(g))
	}
	return nil
}

// handlers says who handles the demand, and who else could.
func (p *demandPage) handlers(ctx context.Context, tx *db.Tx, v *visit, by rights.Handler) error {
	inOffice, inside, err := rights.Handlers(ctx, tx, p.Service)
	if err != nil {
		return err
	}
	for _, o := range inOffice {
		p.Others = append(p.Others, named{o.ID, o.Name, o.ID == p.Owner})
	}
	for _, a := range inside {
		p.Others = append(p.Others, named{a.ID, a.Name, a.ID == p.Owner})
	}
	p.Many = len(inside) == rights.MostHandlers
	p.Others = slices.DeleteFunc(p.Others, func(n named) bool { return n.Name == rights.OwnerOf(by) || n.On })
	owners, err := rights.StillHandle(ctx, tx, p.Service, []rights.Request{p.Request})
	if err != nil {
		return err
	}
	p.Free = v.s.atDesk().Unclaimed(p.Request, owners, tx.Now())
	p.Who, err = v.names(tx, p.Service).ofStaff(ctx, p.Owner)
	return err
}

// maxLinked is how many steps of a demand, of its last, lead to their entries: each is
// looked up. The child's entries have all.
const maxLinked = 20

// history lists what became of the demand. Guardians go by what they are; an entry has an
// address once it has its place in the ledger, for who may see it.
func (p *demandPage) history(ctx context.Context, tx *db.Tx, v *visit) error {
	service, err := catalog.Find(ctx, tx, p.Service)
	if err != nil {
		return err
	}
	reads := approval.May(v.in.Person, staff.SeeLedger, service)
	if reads {
		p.Ledger = p.Subject
	}
	names := v.names(tx, p.Service)
	for i, step := range p.Steps {
		h := happened{Kind: step.Kind, At: step.At}
		switch kind, _, _ := strings.Cut(step.Actor, ":"); kind {
		case "staff", "officer":
			if h.Who, err = names.of(ctx, step.Actor); err != nil {
				return err
			}
		case "guardian", "app", "port":
			h.Role = kind
		default:
			h.Role = "system"
		}
		if reads && len(p.Steps)-i <= maxLinked {
			placed, err := ledger.Find(ctx, tx, step.Entry)
			switch {
			case err == nil:
				h.To = entryPath(placed.Place)
			case !errs.Of(err).Is(ledger.ErrNotFound):
				return err
			}
		}
		p.History = append(p.History, h)
	}
	return nil
}

// handled does something about the demand of the address, and shows what became of it.
func (v *visit) handled(fn func(ctx context.Context, tx *db.Tx, by rights.Handler, r rights.Request) error) error {
	var r rights.Request
	err := v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		by, found, err := v.demanded(ctx, tx, in)
		if err != nil {
			return err
		}
		r = found
		return fn(ctx, tx, by, r)
	})
	if r.ID == "" {
		return err
	}
	if err != nil {
		return v.demandPage(err)
	}
	return v.to(demandPath(r))
}

// written is what somebody writes to whoever demanded something, or about a case; it may be
// nothing.
func (v *visit) written() pii.Text {
	if words := v.value("words"); words != "" {
		return pii.New(strings.ReplaceAll(words, "\r\n", "\n"))
	}
	return pii.Text{}
}

// assignDemand has somebody handle a demand: whoever asks, or somebody else of the service.
func (s *Server) assignDemand(v *visit) error {
	return v.handled(func(ctx context.Context, tx *db.Tx, by rights.Handler, r rights.Request) error {
		to := by
		if who := v.value("to"); who != "" {
			var err error
			if to, err = rights.HandlerCalled(ctx, tx, r.Service, who); err != nil {
				return err
			}
		}
		_, _, err := s.atDesk().Assign(ctx, tx, by, r, to)
		return err
	})
}

func (s *Server) extendDemand(v *visit) error {
	return v.handled(func(ctx context.Context, tx *db.Tx, by rights.Handler, r rights.Request) error {
		_, _, err := s.atDesk().Extend(ctx, tx, by, r, rights.Reason(v.value("reason")))
		return err
	})
}

// helps says what parties were asked about the demand, and whom else one can ask; of what erases
// the child, its parties are told by orders.
func (p *demandPage) helps(ctx context.Context, tx *db.Tx, v *visit) (err error) {
	p.Helps, err = assistance.Of(ctx, tx, p.Child, p.ID)
	p.Helped = slices.ContainsFunc(p.Helps, assistance.Task.Written)
	if err != nil || p.State != rights.Open || p.Kind.Erases() {
		return err
	}
	all, err := v.s.atDesk().MayHelp(ctx, tx, p.Request)
	p.Ask = slices.DeleteFunc(all, func(of party.ID) bool {
		return slices.ContainsFunc(p.Helps, func(t assistance.Task) bool { return t.Open() && t.Party == of })
	})
	return err
}

// helpDemand asks a party to help with a demand (Article 16(2)). A form says which by its place
// and its name together: a company may be both processor and recipient.
func (s *Server) helpDemand(v *visit) error {
	return v.handled(func(ctx context.Context, tx *db.Tx, by rights.Handler, r rights.Request) error {
		role, name, _ := strings.Cut(v.value("party"), " ")
		_, _, err := s.atDesk().Help(ctx, tx, by, r, party.ID{Service: r.Service, Role: party.Role(role), Name: name})
		return err
	})
}

func (s *Server) refuseDemand(v *visit) error {
	return v.handled(func(ctx context.Context, tx *db.Tx, by rights.Handler, r rights.Request) error {
		_, _, err := s.atDesk().Refuse(ctx, tx, by, r, rights.Reason(v.value("reason")), v.written())
		return err
	})
}

func (s *Server) finishDemand(v *visit) error {
	return v.handled(func(ctx context.Context, tx *db.Tx, by rights.Handler, r rights.Request) error {
		_, _, err := s.atDesk().Finish(ctx, tx, by, r, v.written())
		return err
	})
}

// recallDemand has nobody get a copy any more that waits to be fetched: on a guardian's word, who
// may be pressed to have it handed over.
func (s *Server) recallDemand(v *visit) error {
	return v.handled(func(ctx context.Context, tx *db.Tx, by rights.Handler, r rights.Request) error {
		_, _, err := s.atDesk().Recall(ctx, tx, by, r)
		return err
	})
}

// demandWordsPage is what demand_words.html shows: what was written, masked.
type demandWordsPage struct {
	rights.Request
	Path   string
	Ref    string
	Texts  []writing // those that there are
	Fresh  bool
	Time   int          // seconds
	Marks  template.URL // a picture of the visible words, to lie over the page
	Handed bool
}

// The texts of a demand: what was written with it, and what was answered. What a party has
// written that was asked for help goes by the id of that.
const (
	textNote   = "note"
	textAnswer = "answer"
)

// A writing is one of the texts, by what the page calls it.
type writing struct{ Name, Label string }

// writings are the texts of a demand that there are.
func (v *visit) writings(ctx context.Context, tx *db.Tx, r rights.Request) (all []writing, err error) {
	says := r.Says()
	if says.Note {
		all = append(all, writing{textNote, v.lang.T("console.demand.text.note")})
	}
	if says.Answer {
		all = append(all, writing{textAnswer, v.lang.T("console.demand.text.answer")})
	}
	helps, err := assistance.Of(ctx, tx, r.Child, r.ID)
	for _, t := range helps {
		if t.Written() {
			all = append(all, writing{t.ID, v.lang.T("console.demand.text.help", "Party", t.Party.Name)})
		}
	}
	return all, err
}

// shownFor is how long a page shows what somebody wrote.
const shownFor = 10 * time.Minute

// demandWords shows, masked, what was written with a demand and what was answered.
func (s *Server) demandWords(v *visit) error {
	if !v.namesNothing() {
		return ErrFields
	}
	page := demandWordsPage{Fresh: v.in.IsFresh(v.now) == nil, Time: int(shownFor / time.Second)}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		by, r, err := v.demanded(ctx, tx, v.in)
		if err != nil {
			return err
		}
		c, err := family.Find(ctx, tx, r.Service, r.Child)
		if err != nil {
			return err
		}
		ref, err := c.Ref(s.Ring)
		if err != nil {
			return err
		}
		page.Request, page.Path, page.Ref, page.Handed = r, demandPath(r), ref.Reveal(), r.Owner == rights.OwnerOf(by)
		page.Texts, err = v.writings(ctx, tx, r)
		return err
	})
	if err != nil {
		return err
	}
	if len(page.Texts) == 0 || !page.Handed {
		return v.to(page.Path)
	}
	page.Marks = edge.Overlay(v.mark(page.Number))
	visitor.Script(v.w)
	return v.show(http.StatusOK, "demand_words", page)
}

// revealWords answers with a picture of what was written with a demand, or answered, or of what
// a party has written that was asked for help, for who handles it. Who sees it is recorded in the transaction before whose commit it isn't
// drawn (invariant 2).
func (s *Server) revealWords(v *visit) error {
	picture, err := s.wordsPicture(v)
	if err != nil {
		return v.inWords(err)
	}
	h := v.w.Header()
	h.Set("Content-Type", "image/png")
	h.Set("Content-Disposition", "inline")
	v.seen.Shows = "picture"
	_, err = v.w.Write(picture)
	return err
}

func (s *Server) wordsPicture(v *visit) ([]byte, error) {
	which, err := v.item()
	if err != nil {
		return nil, err
	}
	var text pii.Text
	var r rights.Request
	label := ""
	err = v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		v.in = in
		by, found, err := v.demanded(ctx, tx, in)
		if err != nil {
			return err
		}
		if r = found; r.Owner != rights.OwnerOf(by) {
			return ErrNotHandled
		}
		all, err := v.writings(ctx, tx, r)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(w writing) bool { return w.Name == which })
		if i < 0 {
			return ErrFields
		}
		label = all[i].Label
		note, answer, err := s.atDesk().Show(ctx, tx, by, r)
		if err != nil {
			return err
		}
		switch which {
		case textNote:
			text = note
		case textAnswer:
			text = answer
		default:
			if text, err = s.helpWritten(ctx, tx, r, which); err != nil {
				return err
			}
		}
		r, err = rights.Find(ctx, tx, r.Service, r.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	card := watermark.Card{Label: label, Value: text, Visible: v.mark(r.Number), Mark: watermark.New(s.Ring, r.Number, int64(r.Shown())),
		Rest: func(n int) string { return v.lang.T("console.view.rest", "Count", n) }}
	return watermark.Draw(card)
}

// helpWritten is what a party has written that was asked for help with the demand.
func (s *Server) helpWritten(ctx context.Context, tx *db.Tx, r rights.Request, task string) (pii.Text, error) {
	c, err := family.Find(ctx, tx, r.Service, r.Child)
	if err != nil {
		return pii.Text{}, err
	}
	helps, err := assistance.Of(ctx, tx, r.Child, r.ID)
	for _, t := range helps {
		if t.ID == task {
			return t.Words(s.Ring, c)
		}
	}
	return pii.Text{}, err
}
