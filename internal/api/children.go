package api

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/notify"
	"wardkeep/internal/receipt"
	"wardkeep/internal/retention"
	"wardkeep/internal/suspicion"
	"wardkeep/internal/vault"
)

// birth reads a birth date, whole or in part, and refuses one to come.
func (s *Server) birth(text string) (age.Birth, error) {
	if text == "" {
		return age.Birth{}, nil
	}
	b, err := age.ParseBirth(text)
	if err != nil {
		return age.Birth{}, at(err, "birth_date")
	}
	if b.InFuture(s.Store.Now()) {
		return age.Birth{}, family.ErrBirthFuture.At("birth_date")
	}
	return b, nil
}

type checkAgeInput struct{ Body wardkeep.AgeCheck }

// checkAge answers how old somebody is. It is neutral: it says nothing of what
// an answer leads to, and stores nothing.
func checkAge(s *Server, ctx context.Context, c *call, in *checkAgeInput) (answer[wardkeep.AgeClass], error) {
	if err := lines("ref", in.Body.Ref); err != nil {
		return answer[wardkeep.AgeClass]{}, err
	}
	b, err := s.birth(in.Body.BirthDate)
	if err != nil {
		return answer[wardkeep.AgeClass]{}, err
	}
	if in.Body.Ref != "" {
		err := s.Store.View(ctx, func(tx *db.Tx) (err error) {
			b, err = s.knownBirth(ctx, tx, c.app.Service, pii.New(in.Body.Ref), b)
			return err
		})
		if err != nil {
			return answer[wardkeep.AgeClass]{}, err
		}
	}
	return answer[wardkeep.AgeClass]{Body: wardkeep.AgeClass{Age: string(b.ClassAt(s.Store.Now()))}}, nil
}

// knownBirth returns what the age of an account goes by, for whom a birth date was given.
// Who is suspected to be a child has none that anybody knows, nor who is registered
// without one: both are children (Article 2). Of one on file and one that is given the
// later holds, unless a document has decided (edge case 3).
func (s *Server) knownBirth(ctx context.Context, tx *db.Tx, service string, ref pii.Text, given age.Birth) (age.Birth, error) {
	suspected, err := suspicion.Suspected(ctx, tx, s.Ring, service, ref)
	if err != nil || suspected {
		return age.Birth{}, err
	}
	child, err := family.FindByRef(ctx, tx, s.Ring, service, ref)
	if errors.Is(err, family.ErrNotFound) {
		return given, nil
	}
	if err != nil {
		return age.Birth{}, err
	}
	filed, err := child.Birth(s.Ring)
	switch {
	case err != nil || filed.IsZero():
		return age.Birth{}, err
	case child.BirthFrom == family.FromDocument:
		return filed, nil
	}
	return age.Later(filed, given), nil
}

type registerChildInput struct{ Body wardkeep.NewChild }

func registerChild(s *Server, ctx context.Context, c *call, in *registerChildInput) (answer[wardkeep.Child], error) {
	var out answer[wardkeep.Child]
	n := in.Body
	g := n.Guardian
	if err := lines("ref", n.Ref, "guardian.name", g.Name, "guardian.phone", g.Phone, "guardian.email", g.Email); err != nil {
		return out, err
	}
	b, err := s.birth(n.BirthDate)
	if err != nil {
		return out, err
	}
	if g.Relation == "" {
		g.Relation = string(family.Parent)
	}
	e := family.Enrolment{
		Service: c.app.Service, Ref: pii.New(n.Ref), Birth: b,
		Guardian: family.Person{Name: pii.New(g.Name), Phone: pii.New(g.Phone), Email: pii.New(g.Email), Relation: family.Relation(g.Relation)},
	}
	if !b.IsZero() {
		e.BirthSource = family.FromApp
	}
	return change(ctx, s, c, func(tx *db.Tx) (answer[wardkeep.Child], error) {
		child, guardian, entry, err := s.Vault.Gate.Register(ctx, tx, c.app, e)
		switch {
		case errs.Of(err).Field == "birth":
			return out, at(err, "birth_date")
		case err != nil:
			return out, err
		}
		if err := suspicion.Registered(ctx, tx, s.Ring, c.app, c.app.Service, e.Ref); err != nil {
			return out, err
		}
		// The answer may be kept for a day, longer than the child: it doesn't
		// repeat the reference.
		body := view(child, []family.Guardian{guardian}, b.ClassAt(tx.Now()))
		return answer[wardkeep.Child]{Body: body, Entry: entry, ETag: etagOf(child.Version)}, nil
	})
}

// etagOf is the ETag of a child: its version.
func etagOf(version int64) string { return `"c` + strconv.FormatInt(version, 10) + `"` }

func view(c family.Child, guardians []family.Guardian, class age.Class) wardkeep.Child {
	v := wardkeep.Child{
		ID: string(c.ID), State: string(c.State), Age: string(class), Frozen: c.Frozen, Disputed: c.Disputed && class == age.Child, // after it, guardians' answers are no basis (edge case 4)
		CreatedAt: c.CreatedAt, ExpiresAt: c.ExpiresAt, Guardians: make([]wardkeep.Guardian, 0, len(guardians)),
	}
	for _, g := range guardians {
		v.Guardians = append(v.Guardians, guardianView(g))
	}
	return v
}

// What one page of children has at most.
const (
	childrenLimit = 100
	childrenMost  = 1000
)

type childrenInput struct {
	After string `query:"after" maxLength:"60" doc:"where to go on: the next of a former page; the beginning if left out"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"the most children of a page"`
}

// listChildren pages through the living children of the service. It opens
// no reference, and a birth date of a child in dispute alone.
func listChildren(s *Server, ctx context.Context, c *call, in *childrenInput) (answer[wardkeep.Children], error) {
	out := answer[wardkeep.Children]{Body: wardkeep.Children{Children: []wardkeep.ChildStatus{}}}
	if in.After != "" && !id.Is(id.Child, in.After) {
		return out, ErrAfter.At("after")
	}
	limit := min(max(in.Limit, 1), childrenMost)
	if in.Limit == 0 {
		limit = childrenLimit
	}
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		page, err := family.List(ctx, tx, c.app.Service, family.ID(in.After), limit+1)
		if err != nil {
			return err
		}
		if len(page) > limit {
			page = page[:limit]
			out.Body.Next = string(page[limit-1].ID)
		}
		for _, child := range page {
			out.Body.Children = append(out.Body.Children, wardkeep.ChildStatus{
				ID: string(child.ID), State: string(child.State), Frozen: child.Frozen, Disputed: child.InDispute(s.Ring, tx.Now()),
				CreatedAt: child.CreatedAt, ExpiresAt: child.ExpiresAt,
			})
		}
		return nil
	})
	return out, err
}

// refPrefix begins the operator's own reference where a child is named.
const refPrefix = "ref:"

// maxChild bounds what names a child, in bytes.
const maxChild = 1000

// childID returns the id of the child that a caller names. Of a reference it
// looks the child up; of an id only the shape is checked.
func (s *Server) childID(ctx context.Context, tx *db.Tx, service, name string) (family.ID, error) {
	ref, ok := strings.CutPrefix(name, refPrefix)
	switch {
	case ok && !isRef(ref), !ok && !isChild(name):
		return "", family.ErrNotFound
	case !ok:
		return family.ID(name), nil
	}
	c, err := family.FindByRef(ctx, tx, s.Ring, service, pii.New(ref))
	return c.ID, err
}

func isRef(ref string) bool { return len(ref) <= maxChild && utf8.ValidString(ref) }

func isChild(name string) bool { return id.Is(id.Child, name) }

// child returns the living child that the path names.
func (s *Server) child(ctx context.Context, tx *db.Tx, c *call) (family.Child, error) {
	child, err := s.childID(ctx, tx, c.app.Service, c.param("child"))
	if err != nil {
		return family.Child{}, err
	}
	return family.Find(ctx, tx, c.app.Service, child)
}

type nothing struct{}

func getChild(s *Server, ctx context.Context, c *call, _ *nothing) (answer[wardkeep.Child], error) {
	var out answer[wardkeep.Child]
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		child, err := s.child(ctx, tx, c)
		if err != nil {
			return err
		}
		// For If-Match alone: the age class depends on the day, too.
		out.ETag = etagOf(child.Version)
		var guardians []family.Guardian
		if err := tx.Together(ctx, family.ReadGuardians(&guardians, child.ID)); err != nil {
			return err
		}
		b, err := child.Birth(s.Ring)
		if err != nil {
			return err
		}
		ref, err := child.Ref(s.Ring)
		if err != nil {
			return err
		}
		out.Body = view(child, guardians, b.ClassAt(tx.Now()))
		out.Body.Ref = ref.Reveal()
		return nil
	})
	return out, err
}

// lock locks the child that the path names. A caller who says which version it
// has read is refused if that isn't the one before the lock.
func (s *Server) lock(ctx context.Context, tx *db.Tx, c *call) (family.Child, error) {
	name, err := s.childID(ctx, tx, c.app.Service, c.param("child"))
	if err != nil {
		return family.Child{}, err
	}
	child, err := family.Lock(ctx, tx, c.app.Service, name)
	if err != nil {
		return family.Child{}, err
	}
	if tag := c.header("If-Match"); c.route.IfMatch && tag != "" && !matches(tag, etagOf(child.Version-1)) {
		return family.Child{}, ErrChanged.At("If-Match")
	}
	return child, nil
}

type birthInput struct{ Body wardkeep.BirthDate }

// correctBirth replaces a birth date (Article 19). It never makes a child older:
// that takes a document (edge case 3). Of one that is a child again what a guardian has
// refused is erased.
func correctBirth(s *Server, ctx context.Context, c *call, in *birthInput) (answer[wardkeep.Child], error) {
	b, err := s.birth(in.Body.BirthDate)
	if err != nil {
		return answer[wardkeep.Child]{}, err
	}
	return change(ctx, s, c, func(tx *db.Tx) (out answer[wardkeep.Child], err error) {
		child, err := s.lock(ctx, tx, c)
		if err != nil {
			return out, err
		}
		child, entry, err := s.desk.Correct(ctx, tx, c.app, child, b, family.FromApp)
		switch {
		case errs.Of(err).Field == "birth":
			return out, at(err, "birth_date")
		case err != nil:
			return out, err
		}
		if _, err := s.Vault.EraseUnfounded(ctx, tx, c.app.Ledger(), child.Service, child.ID); err != nil {
			return out, err
		}
		if child, err = family.Find(ctx, tx, child.Service, child.ID); err != nil { // of the version that it has now
			return out, err
		}
		var guardians []family.Guardian
		if err := tx.Together(ctx, family.ReadGuardians(&guardians, child.ID)); err != nil {
			return out, err
		}
		return answer[wardkeep.Child]{Body: view(child, guardians, b.ClassAt(tx.Now())), Entry: entry, ETag: etagOf(child.Version)}, nil
	})
}

type reportEventInput struct{ Body wardkeep.Happening }

// reportEvent ends what waits for an event (Article 12). It asks for no consent:
// it can only shorten.
func reportEvent(s *Server, ctx context.Context, c *call, in *reportEventInput) (answer[wardkeep.Happened], error) {
	if in.Body.HappenedAt.IsZero() && states(c.body, "happened_at") {
		// Only what is left out is now: a program's zero time is a fault of it.
		return answer[wardkeep.Happened]{}, vault.ErrEventEarly.At("happened_at")
	}
	return change(ctx, s, c, func(tx *db.Tx) (answer[wardkeep.Happened], error) {
		var out answer[wardkeep.Happened]
		child, err := s.childID(ctx, tx, c.app.Service, c.param("child"))
		if err != nil {
			return out, err
		}
		ended, err := s.Vault.Event(ctx, tx, c.by, c.app.Service, child, in.Body.Event, in.Body.HappenedAt)
		if err != nil {
			return out, err
		}
		return answer[wardkeep.Happened]{
			Body:  wardkeep.Happened{Child: string(child), Event: in.Body.Event, HappenedAt: ended.Happened, Expires: ended.Expires},
			Entry: ended.Entry, ETag: etagOf(ended.Version),
		}, nil
	})
}

// states reports whether the body, which is an object, has the field.
func states(body []byte, field string) bool {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return false
	}
	_, ok := fields[field]
	return ok
}

// eraseChild ends a child's account: the use has ended (Article 20(4)). Its
// guardians are told, while it is still known how. The app gets the link to the certificate,
// too: where no guardian can be reached, nobody else would have it.
func eraseChild(s *Server, ctx context.Context, c *call, _ *nothing) (answer[wardkeep.Erasure], error) {
	defer s.Farewell.Leaving()()
	var letters []notify.Message
	out, err := change(ctx, s, c, func(tx *db.Tx) (out answer[wardkeep.Erasure], err error) {
		id, err := s.childID(ctx, tx, c.app.Service, c.param("child"))
		if err != nil {
			return out, err
		}
		child, err := family.Lock(ctx, tx, c.app.Service, id)
		if err != nil {
			return out, err
		}
		var secret string
		letters, secret, out.Entry, err = retention.EraseCertified(ctx, tx, s.Vault, s.Farewell, c.app.Ledger(), child, family.UseEnded)
		out.Body.CertificateURL = receipt.CertificateURL(s.PublicURL, secret)
		return out, err
	})
	if err == nil && out.kept == nil {
		s.Farewell.Send(ctx, letters)
	}
	return out, err
}
