package console

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/shield"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// shieldFields are the fields of the filter, as they stand in an address.
var shieldFields = []string{"service", "reason", "stands"}

// shieldsPage is what shields.html shows.
type shieldsPage struct {
	casePage[shieldRow]
	Reasons []shield.Reason
	Term    int  // working days to decide
	Asks    bool // whoever looks may ask for one
}

// A shieldRow is a row of the list: it names neither the child nor the guardian.
type shieldRow struct {
	shield.Shield
	Late bool
	Over bool // nothing is hidden any more, whether or not the sweep has said so
	To   string
}

func shieldPath(service, name string) string { return "/console/shields/" + service + "/" + name }

// shieldCases lists from which guardians what is held is hidden, or is asked to be.
var shieldCases = cases[shieldRow]{
	name: listShields, page: "shields", parse: shield.ParseCursor, read: hidden,
	columns: []string{"number", "id", "service", "reason", "days", "state", "asked_at", "decided_at", "due_by", "ended_at"},
	cells: func(_ *visit, r shieldRow) []string {
		return []string{r.Number(), r.ID, r.Service, string(r.Reason), strconv.Itoa(r.Days), string(r.State), inFile(r.AskedAt), inFile(r.DecidedAt), inFile(r.DueAt), inFile(r.ClosedAt)}
	},
}

func hidden(ctx context.Context, tx *db.Tx, _ *visit, services []string, filter url.Values, from db.Cursor, limit int) (rows []shieldRow, next db.Cursor, err error) {
	want := shield.Wanted{Closed: filter.Get("stands") == "closed", Reason: shield.Reason(filter.Get("reason"))}
	found, next, err := shield.List(ctx, tx, services, want, from, limit)
	for _, one := range found {
		rows = append(rows, shieldRow{one, one.Late(tx.Now()), one.State == shield.Raised && !one.Hides(tx.Now()), shieldPath(one.Service, one.ID)})
	}
	return rows, next, err
}

// shields lists from which guardians what is held is hidden, or is asked to be (edge case 22).
func (s *Server) shields(v *visit) error {
	return shieldCases.show(v, func(l casePage[shieldRow]) any {
		return shieldsPage{l, shield.Reasons, shield.Term, v.in.Person.MaySomewhere(staff.AskShield)}
	})
}

func (s *Server) shieldsFile(v *visit) error { return shieldCases.file(v) }

// shieldNewPage is what shield_new.html shows: first which child it is, and then from which of
// its guardians.
type shieldNewPage struct {
	Services  choices
	Service   string
	Ref       string
	Guardians []shieldGuardian
	Guardian  string
	Reasons   []shield.Reason
	Reason    string
	Days      int
	Most      int
	Words     string
	Problem   string
	Field     string
}

// A shieldGuardian is a guardian by what it is to the child: neither a name nor a number.
type shieldGuardian struct {
	ID       family.GuardianID
	Relation family.Relation
	Verified time.Time
	Hidden   time.Time // until when; zero: nothing is hidden from this one
}

// usualDays is for how long one is asked for, where nobody says otherwise.
const usualDays = 30

func (s *Server) showShieldNew(v *visit) error { return v.shieldNewPage(nil, nil) }

func (v *visit) shieldNewPage(guardians []shieldGuardian, problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := shieldNewPage{Guardians: guardians, Reasons: shield.Reasons, Days: usualDays, Most: shield.MostDays, Problem: words, Service: v.value("service")}
	if problem != nil || guardians != nil {
		page.Ref, page.Guardian, page.Reason, page.Words = v.value("ref"), v.value("guardian"), v.value("reason"), v.value("words")
		if n, err := strconv.Atoi(v.value("days")); err == nil {
			page.Days = n
		}
	}
	if problem != nil {
		page.Field = errs.Of(problem).Field
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		services, err := catalog.List(ctx, tx)
		page.Services = mayIn(v.in.Person, staff.AskShield, services)
		return err
	})
	if err != nil {
		return err
	}
	return v.show(status, "shield_new", page)
}

// askShield asks to hide what is held, or shows who the guardians are of whom to ask. That
// somebody was led to a child is recorded as a look-up (Article 15).
func (s *Server) askShield(v *visit) error {
	if v.value("service") == "" {
		return v.shieldNewPage(nil, family.ErrNotFound.At("ref"))
	}
	if err := v.looksUp(); err != nil {
		return v.shieldNewPage(nil, err)
	}
	days, _ := strconv.Atoi(v.value("days")) // what isn't a number is 0, which is refused
	ask := shield.Asking{Guardian: family.GuardianID(v.value("guardian")), Reason: shield.Reason(v.value("reason")), Days: days, Text: pii.New(v.value("words"))}
	var asked shield.Shield
	var guardians []shieldGuardian
	var of family.Child // that was found, by who may ask about it
	err := v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		guardians, of = nil, family.Child{}
		by := staff.Acting{Person: in.Person, Action: staff.AskShield} // who holds the person after the child
		service, err := catalog.Find(ctx, tx, v.value("service"))
		if err == nil && !approval.May(by.Person, by.Action, service) || errs.Of(err).Is(catalog.ErrNotFound) {
			err = staff.ErrMayNot
		}
		if err != nil {
			return err
		}
		c, err := family.FindByRef(ctx, tx, s.Ring, service.Name, pii.New(v.value("ref")))
		if errs.Of(err).Is(family.ErrNotFound) {
			err = family.ErrNotFound.At("ref")
		}
		if err != nil {
			return err
		}
		of = c
		if ask.Guardian == "" {
			if guardians, err = shieldGuardians(ctx, tx, v.s.Ring, c.ID); err != nil {
				return err
			}
			return approval.Searched(ctx, tx, s.Ring, by.Person, c)
		}
		asked, _, err = shield.Ask(ctx, tx, s.Ring, s.Calendar, by, service.Name, c.ID, ask)
		return err
	})
	switch e := errs.Of(err); {
	case err == nil && guardians == nil && asked.ID != "":
		return v.to(shieldPath(asked.Service, asked.ID))
	case err == nil:
		return v.shieldNewPage(guardians, nil)
	case e.Is(staff.ErrMayNot):
		return err
	}
	// Article 15: a reference that was tried is on record, also where nothing comes of it.
	var there []shieldGuardian
	var fault error
	switch {
	case errs.Of(err).Is(family.ErrNotFound):
		fault = v.foundNobody(v.value("ref"), v.value("service"))
	case of.ID != "":
		fault = v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) (err error) {
			if there, err = shieldGuardians(ctx, tx, v.s.Ring, of.ID); err != nil {
				return err
			}
			there = slices.DeleteFunc(there, func(g shieldGuardian) bool { return g.ID != ask.Guardian })
			return approval.Searched(ctx, tx, s.Ring, in.Person, of)
		})
	}
	if fault != nil {
		return fault
	}
	return v.shieldNewPage(there, err)
}

// shieldGuardians lists who may see what is held of a child. None at all is a list, too.
func shieldGuardians(ctx context.Context, tx *db.Tx, ring *keyring.Ring, child family.ID) ([]shieldGuardian, error) {
	all := []shieldGuardian{}
	var guardians []family.Guardian
	err := tx.Together(ctx, family.ReadGuardians(&guardians, child))
	for _, g := range guardians {
		if !g.MayAnswer() {
			continue
		}
		one := shieldGuardian{ID: g.ID, Relation: g.Relation, Verified: g.VerifiedAt}
		if g.Hidden(ring, tx.Now()) {
			one.Hidden = g.HiddenUntil
		}
		all = append(all, one)
	}
	return all, err
}

// shieldPage is what shield.html shows.
type shieldPage struct {
	shield.Shield
	Path     string
	Relation family.Relation // of the guardian to the child
	Who      string          // has asked
	By       string          // has decided
	Words    string          // that were read a moment ago, by who may decide
	Reads    bool            // there are some to be read
	Late     bool
	Over     bool // it hides nothing any more
	Decides  bool // whoever looks may decide about it, and hasn't asked
	Own      bool // whoever looks has asked
	Lifts    bool
	Fresh    bool
	Problem  string
}

func (s *Server) shield(v *visit) error { return v.shieldPage(nil, pii.Text{}) }

// readShield shows, with its page, what was written with a shield. That it is read is on record
// before (invariant 2).
func (s *Server) readShield(v *visit) error {
	if err := v.readsWords(); err != nil {
		return v.shieldPage(err, pii.Text{})
	}
	var words pii.Text
	err := v.actingAs(unheld, func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) (err error) {
		words, err = shield.Show(ctx, tx, s.Ring, by, service, v.r.PathValue("shield"))
		return err
	})
	if errs.Of(err).Is(staff.ErrMayNot) {
		return err
	}
	return v.shieldPage(err, words)
}

func (v *visit) shieldPage(problem error, read pii.Text) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := shieldPage{Problem: words, Fresh: v.in.IsFresh(v.now) == nil, Words: read.Reveal()}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		service, err := v.of(ctx, tx, staff.SeeShields)
		if errs.Of(err).Is(catalog.ErrNotFound) {
			err = shield.ErrNotFound
		}
		if err != nil {
			return err
		}
		one, err := shield.Find(ctx, tx, service.Name, v.r.PathValue("shield"))
		if err != nil {
			return err
		}
		return page.fill(ctx, tx, v, service, one)
	})
	if err != nil {
		return err
	}
	return v.show(status, "shield", page)
}

func (p *shieldPage) fill(ctx context.Context, tx *db.Tx, v *visit, service catalog.Service, one shield.Shield) (err error) {
	p.Shield, p.Path, p.Late = one, shieldPath(one.Service, one.ID), one.Late(tx.Now())
	p.Over = one.State == shield.Raised && !one.Hides(tx.Now())
	may := approval.May(v.in.Person, staff.DecideShield, service)
	p.Own = one.Asker == v.in.Person.ID
	p.Decides, p.Lifts = may && !p.Own && one.State == shield.Asked, may && one.Hides(tx.Now())
	names := v.names(tx, one.Service)
	if p.Who, err = names.ofStaff(ctx, one.Asker); err != nil {
		return err
	}
	if p.By, err = names.ofStaff(ctx, one.Decider); err != nil {
		return err
	}
	var guardians []family.Guardian
	if err := tx.Together(ctx, family.ReadGuardians(&guardians, one.Child)); err != nil {
		return err
	}
	for _, g := range guardians {
		if g.ID == one.Guardian {
			p.Relation = g.Relation
		}
	}
	// Article 15: what happened is read by who decides about it, and that is recorded.
	p.Reads = may && one.HasText() && p.Words == ""
	return nil
}

// changedShield does something about the shield of the address, and shows what became of it.
func (v *visit) changedShield(fn func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error) error {
	err := v.actingAs(unheld, func(ctx context.Context, tx *db.Tx, by staff.Acting, service string) error {
		return fn(ctx, tx, by, service, v.r.PathValue("shield"))
	})
	switch e := errs.Of(err); {
	case err == nil:
		return v.to("/console/shields/{service}/{shield}")
	case e.Is(staff.ErrMayNot):
		return err
	}
	return v.shieldPage(err, pii.Text{})
}

func (s *Server) raiseShield(v *visit) error {
	return v.changedShield(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error {
		_, _, err := shield.Raise(ctx, tx, v.s.Ring, by, service, name)
		return err
	})
}

func (s *Server) refuseShield(v *visit) error {
	return v.changedShield(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error {
		_, _, err := shield.Refuse(ctx, tx, by, service, name)
		return err
	})
}

// liftShield shows again what was hidden, and erases what has lost its ground meanwhile
// (Article 20 (3)).
func (s *Server) liftShield(v *visit) error {
	return v.changedShield(func(ctx context.Context, tx *db.Tx, by staff.Acting, service, name string) error {
		lifted, _, err := shield.Lift(ctx, tx, v.s.Ring, by, service, name)
		if err == nil {
			_, err = s.Vault.EraseUnfounded(ctx, tx, by.Ledger(), service, lifted.Child)
		}
		return err
	})
}
