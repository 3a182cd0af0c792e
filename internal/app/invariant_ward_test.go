package app_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"slices"

	wardkeep "wardkeep/client"
	"wardkeep/internal/app/apptest"
)

// pick returns a number from 0 to n-1.
func pick(n int) int {
	i, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		return 0
	}
	return int(i.Int64())
}

// may is what something can be, as far as its client knows: one value after an
// answer, more while a call was sent and nobody answered.
type may[T comparable] []T

func is[T comparable](v T) may[T] { return may[T]{v} }

func (m may[T]) allows(v T) bool { return slices.Contains(m, v) }

func (m may[T]) sure(v T) bool { return len(m) == 1 && m[0] == v }

// perhaps makes v possible.
func (m may[T]) perhaps(v T) may[T] {
	if m.allows(v) {
		return m
	}
	return append(m, v)
}

// saw makes v certain, or returns false if it can't be.
func (m *may[T]) saw(v T) bool {
	ok := m.allows(v)
	*m = is(v)
	return ok
}

// What a ward's guardian has said about a purpose.
const (
	unasked   = ""
	granted   = "granted"
	withdrawn = "withdrawn"
)

// uses are the purposes and items that wards live with.
var uses = []struct{ purpose, item string }{
	{"course-progress", "nickname"}, {"course-progress", "answers"}, {"parent-reports", "remarks"}, {"push-notices", "push_token"},
}

var purposes = []string{"course-progress", "parent-reports", "push-notices"}

// A caller is the SDK as one worker has it.
type caller struct {
	*wardkeep.Client
	base  string
	phone *apptest.Phone
}

// A ward is what the client that owns a child believes about it. Calls about
// one ward come one after the other.
type ward struct {
	fresh   wardkeep.NewChild
	id      string // once it was told
	there   may[bool]
	erased  may[bool]
	asked   may[bool]              // to delete it, by its guardian
	often   bool                   // it soon is
	over    bool                   // it was found erased after such a demand
	mother  string                 // her id
	said    map[string]may[string] // per purpose
	value   map[string]may[string] // per item; "" = not held
	request wardkeep.ConsentRequest
	proof   string
	sealed  map[string]string // per item: what seal returned
	clear   map[string]string // per item: what was sealed
	writes  int               // acknowledged collections
	next    *step             // was sent, and not answered
}

// A step is a call that changes something. However often it is sent, it has the
// same idempotency key, and happens once.
type step struct {
	name string
	key  string
	may  func()                                     // notes what may be so once it was sent
	do   func(ctx context.Context, c *caller) error // sends it and, once answered, makes the model certain
}

func newWard() *ward {
	w := &ward{fresh: apptest.NewChild(), there: is(false), erased: is(false), asked: is(false),
		said: make(map[string]may[string]), value: make(map[string]may[string]), sealed: make(map[string]string), clear: make(map[string]string)}
	for _, p := range purposes {
		w.said[p] = is(unasked)
	}
	for _, u := range uses {
		w.value[u.item] = is("")
	}
	return w
}

// send sends the step, for the first time or again.
func (s *step) send(ctx context.Context, c *caller) error {
	s.may()
	return s.do(wardkeep.WithIdempotencyKey(ctx, s.key), c)
}

// plan chooses the next step. Nil means that nothing more happens to this ward.
func (w *ward) plan() *step {
	s := &step{key: rand.Text(), may: func() {}}
	switch {
	case w.there.sure(false):
		s.name, s.do = "register", w.register
		s.may = func() { w.there = w.there.perhaps(true) }
	case !w.unfinished():
		return nil
	case w.request.ID == "":
		s.name, s.do = "ask", w.ask
	case w.request.State != "answered":
		s.name, s.do = "grant", w.grant
		s.may = func() {
			for _, p := range purposes {
				w.said[p] = w.said[p].perhaps(granted)
			}
		}
	default:
		w.planLife(s)
	}
	return s
}

// unfinished reports whether something more happens to the ward.
func (w *ward) unfinished() bool { return !w.erased.sure(true) && !w.asked.sure(true) }

// planLife chooses a step in the life of a ward whose guardian has agreed.
func (w *ward) planLife(s *step) {
	use := uses[pick(len(uses))]
	switch dice := pick(20); {
	case w.often && dice < 12, dice == 0 && pick(2) == 0:
		s.name, s.do = "demand", w.demand
		s.may = func() {
			w.asked, w.erased = w.asked.perhaps(true), w.erased.perhaps(true)
		}
	case dice == 0:
		s.name, s.do = "erase", w.erase
		s.may = func() { w.erased = w.erased.perhaps(true) }
	case dice <= 2 && w.proof == "":
		s.name, s.do = "verify", w.verify
	case dice <= 4 && len(w.proof) > 4 && w.said[use.purpose].sure(granted):
		s.name, s.do = "withdraw", func(ctx context.Context, c *caller) error { return w.withdraw(ctx, c, use.purpose) }
		s.may = func() { w.said[use.purpose] = w.said[use.purpose].perhaps(withdrawn) }
	case dice <= 7 && w.said[use.purpose].sure(granted):
		s.name, s.do = "seal", func(ctx context.Context, c *caller) error { return w.seal(ctx, c, use.purpose, use.item) }
	default:
		value := "v" + rand.Text()[:12]
		s.name, s.do = "collect", func(ctx context.Context, c *caller) error {
			return w.collect(ctx, c, use.purpose, use.item, value)
		}
		if !w.said[use.purpose].sure(withdrawn) {
			s.may = func() { w.value[use.item] = w.value[use.item].perhaps(value) }
		}
	}
}

func (w *ward) register(ctx context.Context, c *caller) error {
	child, err := c.Register(ctx, w.fresh)
	if err == nil {
		w.id, w.mother, w.there = child.ID, child.Guardians[0].ID, is(true)
	}
	return err
}

func (w *ward) ask(ctx context.Context, c *caller) error {
	r, err := c.Ask(ctx, wardkeep.Asking{Child: w.id, Purposes: purposes, Channel: "link", Locale: "zh-CN"})
	if err == nil {
		w.request = r
	}
	return err
}

func (w *ward) grant(ctx context.Context, c *caller) error {
	r, err := c.Force(ctx, w.request.ID, granted)
	if err == nil {
		w.request.State = r.State
		for _, p := range purposes {
			w.said[p] = is(granted)
		}
	}
	return err
}

func (w *ward) guardian(c *caller) (*wardkeep.GuardianClient, error) {
	g, err := wardkeep.ForGuardian(c.base, apptest.Token(w.request))
	if err != nil {
		return nil, err
	}
	return g.With(c.Client), nil
}

// verify has a code sent and types it. Both are done anew when they are tried
// again: a message may have been lost with the process that was to send it.
func (w *ward) verify(ctx context.Context, c *caller) error {
	g, err := w.guardian(c)
	if err != nil {
		return err
	}
	_, err = g.SendCode(wardkeep.WithIdempotencyKey(ctx, rand.Text()))
	if errors.Is(err, &wardkeep.Problem{Code: "consent.code_too_many"}) {
		w.proof = "none" // five codes an hour, and each was lost
		return nil
	}
	if err != nil {
		return err
	}
	v, err := g.Verify(wardkeep.WithIdempotencyKey(ctx, rand.Text()), c.phone.Code(w.fresh.Guardian.Phone))
	if err == nil {
		w.proof = v.Proof
	}
	return err
}

func (w *ward) withdraw(ctx context.Context, c *caller, purpose string) error {
	g, err := w.guardian(c)
	if err != nil {
		return err
	}
	if _, err = g.Withdraw(ctx, wardkeep.Withdrawal{Proof: w.proof, Purpose: purpose}); err == nil {
		w.said[purpose] = is(withdrawn)
	}
	return err
}

func (w *ward) collect(ctx context.Context, c *caller, purpose, item, value string) error {
	_, err := c.Collect(ctx, w.id, "", wardkeep.Collection{Purpose: purpose, Values: map[string]string{item: value}})
	switch {
	case err == nil && w.said[purpose].sure(withdrawn):
		return fmt.Errorf("%w: collected after the consent was withdrawn", errWrong)
	case err == nil:
		w.value[item] = is(value)
		w.writes++
	case errors.Is(err, wardkeep.ErrConsentWithdrawn) && w.said[purpose].allows(withdrawn):
		w.said[purpose] = is(withdrawn)
		return nil
	}
	return err
}

func (w *ward) seal(ctx context.Context, c *caller, purpose, item string) error {
	value := "s" + item // the same at every try: an idempotency key has one body
	out, err := c.Seal(ctx, wardkeep.Batch{Purpose: purpose, Children: []wardkeep.ChildValues{{Child: w.id, Values: map[string]string{item: value}}}})
	if err != nil {
		return err
	}
	if len(out) != 1 || out[0].Problem != nil {
		return fmt.Errorf("%w: seal answers %+v", errWrong, out)
	}
	w.sealed[item], w.clear[item] = out[0].Values[item], value
	return nil
}

func (w *ward) erase(ctx context.Context, c *caller) error {
	_, err := c.Erase(ctx, w.id)
	if err == nil {
		w.erased = is(true)
	}
	return err
}

// demand has the guardian ask for everything to be deleted. What follows is the
// sweep's.
func (w *ward) demand(ctx context.Context, c *caller) error {
	_, err := c.Demand(ctx, w.id, wardkeep.Demanding{Kind: "delete", Door: "guardian", Guardian: w.mother, Text: "everything, please"})
	if err == nil {
		w.asked = is(true)
	}
	return err
}

// errWrong marks what must never happen.
var errWrong = errors.New("the server contradicts what it acknowledged")

// look reads what was collected for a use and compares it with what must be so.
func (w *ward) look(ctx context.Context, c *caller, purpose, item string) error {
	name := w.id
	if name == "" {
		name = wardkeep.Ref(w.fresh.Ref)
	}
	v, err := c.Read(ctx, name, wardkeep.Reading{Purpose: purpose, Items: []string{item}})
	ok := false
	switch {
	case err == nil:
		ok = w.there.saw(true) && w.asked.saw(false) && w.erased.saw(false) && w.said[purpose].allows(granted)
		w.said[purpose] = is(granted)
		held := w.value[item]
		ok = held.saw(v.Values[item]) && ok
		w.value[item] = held
	case errors.Is(err, wardkeep.ErrChildNotFound):
		// A reference is free again after the erasure.
		ok = w.there.allows(false)
		if w.id == "" {
			w.there = is(false)
		}
	case errors.Is(err, wardkeep.ErrChildErased):
		ok = w.erased.saw(true)
	case errors.Is(err, wardkeep.ErrFrozen):
		// The next sweep erases it, perhaps at this moment.
		ok = w.there.saw(true) && w.asked.saw(true) && w.erased.allows(false)
	case errors.Is(err, wardkeep.ErrConsentMissing):
		ok = w.there.saw(true) && w.asked.saw(false) && w.erased.saw(false) && w.said[purpose].allows(unasked)
		w.said[purpose] = is(unasked)
	case errors.Is(err, wardkeep.ErrConsentWithdrawn):
		ok = w.there.saw(true) && w.asked.saw(false) && w.erased.saw(false) && w.said[purpose].allows(withdrawn)
		w.said[purpose] = is(withdrawn)
	default:
		return err
	}
	if !ok {
		return fmt.Errorf("%w: read %s for %s: got %v, %v; of %+v", errWrong, item, purpose, v.Values, err, *w)
	}
	return nil
}

// open opens what was sealed.
func (w *ward) open(ctx context.Context, c *caller, purpose, item string) error {
	out, err := c.Open(ctx, wardkeep.Batch{Purpose: purpose, Children: []wardkeep.ChildValues{{Child: w.id, Values: map[string]string{item: w.sealed[item]}}}})
	if err != nil {
		return err
	}
	opened := len(out) == 1 && out[0].Problem == nil
	must := w.erased.sure(false) && w.asked.sure(false) && w.said[purpose].sure(granted)
	mustNot := w.erased.sure(true) || w.asked.sure(true) || w.said[purpose].sure(withdrawn)
	if opened && (mustNot || out[0].Values[item] != w.clear[item]) || !opened && must {
		return fmt.Errorf("%w: open answers %+v; of %+v", errWrong, out, *w)
	}
	return nil
}
