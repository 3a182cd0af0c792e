package console

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// peoplePage is what people.html shows.
type peoplePage struct {
	People []staff.Person // the newest first
	pager
	Filter   map[string]string // what is asked for, by field
	Within   choices           // the services by which the list is narrowed
	Held     []staff.Role      // the roles, likewise
	Saved    savedPart
	Services choices // in which people may be invited
	Roles    []staff.Role
	Fresh    bool
	Problem  string
	Export   exportPart
	Link     *setUpLink // that was made just now, and is shown here and never again
}

// A setUpLink is a link by which a person sets up how to sign in.
type setUpLink struct {
	Name, URL string
	Until     time.Time
}

// given are the roles that an officer gives: the others come with an office.
var given = []staff.Role{staff.Manager, staff.Worker, staff.Engineer, staff.Auditor}

func (s *Server) people(v *visit) error { return v.peoplePage(nil, nil) }

// peopleFields are the fields of the filter of people.
var peopleFields = []string{"role", "service"}

// fits reports whether the person holds a role such as the filter asks for, in a service that who looks
// sees: who has left holds none.
func fits(by, p staff.Person, filter url.Values) bool {
	if len(filter) == 0 {
		return true
	}
	role, service := staff.Role(filter.Get("role")), filter.Get("service")
	return slices.ContainsFunc(p.Grants, func(g staff.Grant) bool {
		return (role == "" || g.Role == role) && (service == "" || g.Service == "" || g.Service == service) &&
			(by.May(staff.SeePeople, g.Service) || g.Service == "" && by.MaySomewhere(staff.SeePeople))
	})
}

func (v *visit) peoplePage(link *setUpLink, problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	filter, shown, err := v.filtered(peopleFields)
	if err != nil {
		return err
	}
	page := peoplePage{Roles: given, Fresh: v.in.IsFresh(v.now) == nil, Problem: words, Export: v.exportPart(listPeople, filter), Link: link, Filter: shown, Held: staff.Roles}
	err = v.view(func(ctx context.Context, tx *db.Tx) error {
		services, err := catalog.List(ctx, tx)
		if err != nil {
			return err
		}
		if err := page.fill(ctx, tx, v, filter); err != nil {
			return err
		}
		if page.Saved, err = v.savedPart(ctx, tx, listPeople, filter); err != nil {
			return err
		}
		page.Within = v.in.Person.Where(staff.SeePeople, services)
		page.Services = v.in.Person.Where(staff.ManagePeople, services)
		return nil
	})
	if err != nil {
		return err
	}
	return v.show(status, "people", page)
}

// peopleAtOnce is how many persons are read at a time for those whom somebody sees, and
// peopleReads how often: where they are few, a page may have none, and say where it goes on.
const peopleAtOnce, peopleReads = 50, 10

// fill lists a page of those whom the person sees.
func (p *peoplePage) fill(ctx context.Context, tx *db.Tx, v *visit, filter url.Values) error {
	from := staff.ParseCursor(v.r.URL.Query().Get("from"))
	at := from
	p.People = nil
	for range peopleReads {
		all, err := staff.Page(ctx, tx, at, peopleAtOnce)
		if err != nil {
			return err
		}
		for _, one := range all {
			if !sees(v.in.Person, one) || !fits(v.in.Person, one, filter) {
				continue
			}
			if len(p.People) == perPage {
				p.pager = v.pager(from.String(), p.People[perPage-1].Cursor().String())
				return nil
			}
			p.People = append(p.People, one)
		}
		if len(all) < peopleAtOnce {
			p.pager = v.pager(from.String(), "")
			return nil
		}
		at = all[peopleAtOnce-1].Cursor()
	}
	p.pager = v.pager(from.String(), at.String())
	return nil
}

// sees reports whether by may see the account of a person: of its own services, which a
// role of every service reaches, too; and for who sees those of every service, any.
func sees(by, p staff.Person) bool {
	return p.Seat == "" && (by.May(staff.SeePeople, "") || slices.ContainsFunc(p.Grants, func(g staff.Grant) bool {
		return by.May(staff.SeePeople, g.Service) || g.Service == "" && by.MaySomewhere(staff.SeePeople)
	}))
}

// grantOf reads the role of a form. What comes with an office isn't given here.
func grantOf(v *visit) staff.Grant {
	role, service, _ := strings.Cut(v.r.PostFormValue("role"), " ")
	if s := v.r.PostFormValue("service"); s != "" {
		service = s
	}
	return staff.Grant{Role: staff.Role(role), Service: service}
}

// invitePerson makes an account and the link to set it up, which is shown once.
func (s *Server) invitePerson(v *visit) error {
	var link setUpLink
	err := v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		p, err := staff.Add(ctx, tx, in.Person, strings.TrimSpace(v.r.PostFormValue("name")), grantOf(v))
		if at := homeUnless(v.value("country")); err == nil && at != p.Country {
			p, err = staff.Locate(ctx, tx, in.Person, p.ID, at)
		}
		if err != nil {
			return err
		}
		secret, until, err := s.door.Invite(ctx, tx, in.Person, p.ID)
		link = setUpLink{p.Name, SetUpURL(s.URL, secret), until}
		return err
	})
	if err != nil {
		return v.peoplePage(nil, err)
	}
	return v.peoplePage(&link, nil)
}

// personPage is what person.html shows.
type personPage struct {
	Person   staff.Person
	Manages  bool // every service that the person has a role in
	InOffice bool // the account is reset at the terminal
	Backed   bool // by somebody else than who reads, who may confirm the person
	May      []mayTake
	Services choices
	Roles    []staff.Role
	Self     bool
	Knows    []knownSecret
	Fresh    bool
	Problem  string
	Link     *setUpLink
}

// A mayTake is a role that is held, and whether it can be taken here.
type mayTake struct {
	staff.Grant
	Take bool
}

func (s *Server) person(v *visit) error { return v.personPage(nil, nil) }

func (v *visit) personPage(link *setUpLink, problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := personPage{Roles: given, Fresh: v.in.IsFresh(v.now) == nil, Problem: words, Link: link, Manages: true}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		p, err := staff.Find(ctx, tx, v.r.PathValue("person"))
		if err != nil {
			return err
		}
		if page.Knows, err = v.knownTo(ctx, tx, p); err != nil {
			return err
		}
		if !sees(v.in.Person, p) && (p.State != staff.Left || len(page.Knows) == 0) {
			v.notTheirs()
			return staff.ErrNotFound // whoever may not see a person doesn't learn that there is one
		}
		services, err := catalog.List(ctx, tx)
		page.Person, page.Self = p, p.ID == v.in.Person.ID
		page.Services = v.in.Person.Where(staff.ManagePeople, services)
		for _, g := range p.Grants {
			mine := v.in.Person.May(staff.ManagePeople, g.Service)
			page.Manages, page.InOffice = page.Manages && mine, page.InOffice || g.Role.ByOffice()
			page.May = append(page.May, mayTake{g, mine && !page.Self && p.State == staff.Active})
		}
		page.Manages = page.Manages && len(p.Grants) > 0 && !page.Self && p.State == staff.Active
		if err != nil {
			return err
		}
		behind, err := staff.BackingOf(ctx, tx, p.ID)
		page.Backed = behind.ByOthers(v.in.Person.ID)
		return err
	})
	if err != nil {
		return err
	}
	return v.show(status, "person", page)
}

// changed does something about the person of the address, and shows what became of it.
// Whom one may not see one may not change either: the domain's rule is the stricter.
func (v *visit) changed(fn func(ctx context.Context, tx *db.Tx, by staff.Person, person string) error) error {
	err := v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		return fn(ctx, tx, in.Person, v.r.PathValue("person"))
	})
	if err != nil {
		return v.personPage(nil, err)
	}
	return v.to("/console/people/{person}")
}

func (s *Server) giveRole(v *visit) error {
	return v.changed(func(ctx context.Context, tx *db.Tx, by staff.Person, person string) error {
		_, err := staff.Give(ctx, tx, by, person, grantOf(v))
		return err
	})
}

func (s *Server) takeRole(v *visit) error {
	return v.changed(func(ctx context.Context, tx *db.Tx, by staff.Person, person string) error {
		g := grantOf(v)
		g.Office = v.r.PostFormValue("office")
		_, err := staff.Take(ctx, tx, by, person, g)
		return err
	})
}

func (s *Server) confirmPerson(v *visit) error {
	return v.changed(func(ctx context.Context, tx *db.Tx, by staff.Person, person string) error {
		_, err := staff.Confirm(ctx, tx, by, person)
		return err
	})
}

// homeUnless returns the country of a form, which is home where nothing was typed.
func homeUnless(country string) string { return cmp.Or(strings.ToUpper(country), charter.Home) }

// locatePerson writes down in which country or region a person sits (edge case 20).
func (s *Server) locatePerson(v *visit) error {
	return v.changed(func(ctx context.Context, tx *db.Tx, by staff.Person, person string) error {
		_, err := staff.Locate(ctx, tx, by, person, strings.ToUpper(v.value("country")))
		return err
	})
}

func (s *Server) leftPerson(v *visit) error {
	var known []knownSecret
	err := v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		p, err := signin.Leave(ctx, tx, in.Person, v.r.PathValue("person"))
		if err != nil {
			return err
		}
		known, err = v.knownTo(ctx, tx, p)
		return err
	})
	switch {
	case err != nil:
		return v.personPage(nil, err)
	case len(known) > 0:
		return v.to("/console/people/{person}") // which says what they know still
	}
	return v.to("/console/people")
}

func (s *Server) resetPerson(v *visit) error {
	var link setUpLink
	err := v.act(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		secret, until, err := s.door.Reset(ctx, tx, in.Person, v.r.PathValue("person"))
		link = setUpLink{URL: SetUpURL(s.URL, secret), Until: until}
		return err
	})
	if err != nil {
		return v.personPage(nil, err)
	}
	return v.personPage(&link, nil)
}
