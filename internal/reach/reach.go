// Package reach answers the question with which an incident begins (Article 21): which children,
// and what of them, has this key, this person inside, this processor or recipient come to, or was
// used under this charter or by this node, between these moments?
//
// It keeps an index of the ledger: for each stretch of 4,096 entries, and for sixteen of those
// together, and so on, who has come to which children. It is made a moment after the entries have
// their places, by a consumer of them, so no use waits for it and no entry has a row of its own.
//
// Its one invariant: nobody is left out. What the index says is under keyed hashes, and a part of
// it that is altered, or gone from what says that it is there, is an error and not an answer;
// where a stretch isn't in it, the entries themselves are read. What it can't tell apart it counts
// as reached. It says nothing that the ledger doesn't: who was erased is a pseudonym in both.
package reach

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/charter"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
	"wardkeep/internal/rights"
	"wardkeep/internal/shield"
	"wardkeep/internal/vault"
	"wardkeep/internal/verification"
)

// What can be wrong with a question, and with the index.
var (
	ErrBy      = errs.New(errs.Invalid, "reach.by_unknown")   // a key, a person, a processor, a recipient, a charter, a node, the service
	ErrName    = errs.New(errs.Invalid, "reach.name_invalid") // of what is asked about
	ErrTime    = errs.New(errs.Invalid, "reach.time_invalid") // from later than to
	ErrBehind  = errs.New(errs.Unavailable, "reach.behind")   // too many entries aren't in the index: it is being made
	ErrDamaged = errs.New(errs.Internal, "reach.damaged")     // it isn't as it was made: run audit
)

// A By is what kind of thing has come to children.
type By string

// The kinds. Whoever asks about the service asks about all that came to its children.
const (
	ByKey       By = "key"       // of an app: "ak_…"
	ByPerson    By = "person"    // inside: "st_…"; or a term of office, of who has no account, or none any more
	ByProcessor By = "processor" // as the charter calls it: by its own keys and seats, and what was given to it
	ByRecipient By = "recipient" // likewise
	ByPartyKey  By = "party_key" // of either, alone: "kp_…"
	ByCharter   By = "charter"   // its number
	ByNode      By = "node"      // what one server of several has done, by its name in its configuration
	ByService   By = "service"
)

// Kinds lists them.
var Kinds = []By{ByKey, ByPerson, ByProcessor, ByRecipient, ByPartyKey, ByCharter, ByNode, ByService}

// A Question asks whom something has reached in a service.
type Question struct {
	Service  string
	By       By
	Name     string    // which; empty for ByService
	From, To time.Time // From ≤ t < To; zero: from the first, to the last

	terms []string // of office of the person: whoever holds one has come to some as that
}

// Check says what is wrong with a question. Errors: ErrBy, ErrName, ErrTime.
func (q Question) Check() error {
	if !slices.Contains(Kinds, q.By) {
		return ErrBy.At("by")
	}
	good := q.Name != "" && len(q.Name) <= 100 && !strings.ContainsAny(q.Name, " :/")
	switch q.By {
	case ByKey:
		good = id.Is(id.Credential, q.Name)
	case ByPerson:
		good = id.Is(id.Staff, q.Name)
	case ByPartyKey:
		good = id.Is(id.PartyKey, q.Name) || id.Is(id.PartySeat, q.Name)
	case ByCharter:
		n, err := charterOf(q.Name)
		good = err == nil && n > 0
	case ByService:
		good = q.Name == ""
	}
	switch {
	case !good:
		return ErrName.At("name")
	case !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To):
		return ErrTime.At("to")
	}
	return nil
}

func charterOf(name string) (n int64, err error) {
	_, err = fmt.Sscanf(name, "%d", &n)
	if err == nil && fmt.Sprint(n) != name {
		err = ErrName
	}
	return n, err
}

// A shape is what uses have in common that are counted together: who has come to which items of
// children, and under which charter.
type shape struct {
	Service string `json:"s"`
	Charter int64  `json:"c"`
	Actor   string `json:"a"`           // as the ledger names actors
	Party   string `json:"p,omitempty"` // "processor/acme": who has asked, or was given it
	Node    uint16 `json:"o,omitempty"` // see ledger.NodeOf
	Items   string `json:"i"`           // in order, separated by spaces
}

// matches reports whether uses of a shape are asked about.
func (q Question) matches(s shape) bool {
	if s.Service != q.Service {
		return false
	}
	switch q.By {
	case ByKey:
		return s.Actor == "app:"+q.Name
	case ByPerson:
		term, office := strings.CutPrefix(s.Actor, "officer:")
		return s.Actor == "staff:"+q.Name || office && (term == q.Name || slices.Contains(q.terms, term))
	case ByPartyKey:
		return s.Actor == "party:"+q.Name
	case ByProcessor, ByRecipient:
		return s.Party == string(q.By)+"/"+q.Name
	case ByCharter:
		return fmt.Sprint(s.Charter) == q.Name
	case ByNode:
		return s.Node == 0 || s.Node == ledger.NodeOf(q.Name) // what nobody says may be this one's
	}
	return q.By == ByService
}

func (s shape) compare(t shape) int {
	for _, by := range [][2]string{{s.Service, t.Service}, {s.Actor, t.Actor}, {s.Party, t.Party}} {
		if c := strings.Compare(by[0], by[1]); c != 0 {
			return c
		}
	}
	if s.Charter != t.Charter {
		return int(max(-1, min(1, s.Charter-t.Charter)))
	}
	return cmp.Or(cmp.Compare(s.Node, t.Node), strings.Compare(s.Items, t.Items))
}

// kinds are those of entries by which something came to somebody: what was denied did not. What is
// collected was permitted first, in the same transaction, by an entry of its own.
var kinds = []string{gate.KindPermitted, gate.KindReleased}

// looks are those by which a guardian has seen what is held, or it left by a guardian's word. Who
// asks about the service finds them; a guardian comes to their own child alone, whose entries are
// found by the child.
var looks = []string{gate.KindViewed, gate.KindCopied, gate.KindPorted}

// papers are those by which a person inside has come to what is written with a child and is no item
// of a charter: who a guardian is, the words of a demand, why something is hidden from one. Which
// of the child's it names nobody knows.
var papers = []string{verification.KindSeen, rights.KindShown, shield.KindShown}

// A reader reads the shapes of entries. The bodies of most are those of others, byte by byte, and
// are read once.
type reader map[string]shape

// remembered is how many bodies a reader keeps.
const remembered = 1 << 12

// shape returns the shape of an entry and the child, and false for one that tells of no use.
// Errors: ledger.ErrDamaged.
func (r reader) shape(p ledger.Placed) (s shape, child Key, is bool, err error) {
	switch {
	case p.Subject == "":
		return s, 0, false, nil
	case slices.Contains(kinds, p.Kind):
		s, err = r.use(p)
	case slices.Contains(looks, p.Kind):
		var b gate.AccessBody
		err = p.Into(&b)
		s.Items = inOrder(b.Items)
	case p.Kind == vault.KindFetched: // by which key or seat; of what, the entry before it says
		var b vault.FetchedBody
		err = p.Into(&b)
		s.Party = string(b.Role) + "/" + b.Party
	case p.Kind == vault.KindErased: // Article 21: what is lost was reached, too
		var b vault.ErasedBody
		err = p.Into(&b)
		s.Items = inOrder(b.Items)
	case !slices.Contains(papers, p.Kind):
		return s, 0, false, nil
	}
	if err != nil {
		return s, 0, false, err
	}
	if child, is = KeyOf(p.Subject); !is {
		return s, 0, false, fmt.Errorf("%w: %s at place %d is about nobody", ledger.ErrDamaged, p.Kind, p.Place)
	}
	s.Service, s.Actor = p.Service, actorOf(p.Actor)
	s.Node, _ = ledger.NodeIn(p.ID)
	return s, child, true, nil
}

// actorOf is how a shape has an actor: of those whom nobody can ask about there are as many as
// there are guardians and bundles, and they are as one.
func actorOf(actor string) string {
	switch kind, _, _ := strings.Cut(actor, ":"); kind {
	case "app", "staff", "officer", "party":
		return actor
	default:
		return kind
	}
}

// use returns the shape that the body of a use gives.
func (r reader) use(p ledger.Placed) (s shape, err error) {
	s, known := r[string(p.Body)]
	if known {
		return s, nil
	}
	if s, err = bodyOf(p); err != nil {
		return s, err
	}
	if len(r) == remembered {
		clear(r)
	}
	r[string(p.Body)] = s
	return s, nil
}

// bodyOf returns what the body of a use says of its shape.
func bodyOf(p ledger.Placed) (s shape, err error) {
	var b gate.UseBody
	if err := p.Into(&b); err != nil {
		return s, err
	}
	s = shape{Charter: b.Charter, Items: inOrder(b.Items)}
	switch {
	case b.Pull != nil:
		s.Party = string(b.Pull.Role) + "/" + b.Pull.Party
	case b.Activity == string(charter.Entrust):
		s.Party = string(party.Processor) + "/" + b.Party
	case b.Activity == string(charter.Transfer):
		s.Party = string(party.Recipient) + "/" + b.Party
	}
	return s, nil
}

// inOrder is how a shape has items.
func inOrder(items []string) string {
	if !slices.IsSorted(items) {
		items = slices.Sorted(slices.Values(items))
	}
	return strings.Join(slices.Compact(slices.Clone(items)), " ")
}

// A Key is how the pseudonym of a child begins: 12 of its 26 letters, which are 60 bits. Two of a
// hundred million children share one with a probability of half a percent; then both are reached.
type Key uint64

// keyLetters is how many letters of a pseudonym are in its key.
const keyLetters = 12

// letters are those of base/id, in the order of their values and of their bytes.
const letters = "0123456789abcdefghjkmnpqrstvwxyz"

// values are the values of the letters, and 0xff for what is none.
var values = func() (v [256]byte) {
	for i := range v {
		v[i] = 0xff
	}
	for i := range len(letters) {
		v[letters[i]] = byte(i)
	}
	return v
}()

// KeyOf returns the key of a pseudonym, and false for what is none.
func KeyOf(subject string) (k Key, ok bool) {
	rest, ok := strings.CutPrefix(subject, string(id.Subject)+"_")
	if !ok || len(rest) != 26 {
		return 0, false
	}
	for i := range keyLetters {
		v := values[rest[i]]
		if v == 0xff {
			return 0, false
		}
		k = k<<5 | Key(v)
	}
	return k, true
}

// Begins is how the pseudonyms of a key begin.
func (k Key) Begins() string {
	var text [keyLetters]byte
	for i := keyLetters - 1; i >= 0; i-- {
		text[i] = letters[k&31]
		k >>= 5
	}
	return string(id.Subject) + "_" + string(text[:])
}

// An Index keeps who has come to whom. The zero Span is that of the product; tests have a
// shorter one.
type Index struct {
	Ring *keyring.Ring
	Span int64 // how many entries the shortest stretch has
}

const (
	span   = 4096
	fan    = 16   // how many stretches the next longer one has
	levels = 8    // of stretches
	part   = 8192 // keys that are stored together
	// sets is how many sets of items of one actor are told apart in a stretch. Where somebody asks
	// for ever new ones, they count as one with all their items.
	sets = 64
	// walked is how many entries are read for one question that aren't in the index.
	walked = 1 << 17
	// waited is how many entries without a place are.
	waited = 1 << 16
)

func (x Index) span() int64 {
	if x.Span > 0 {
		return x.Span
	}
	return span
}

// size is how many entries a stretch of a level has.
func (x Index) size(level int64) int64 { return x.span() << (4 * level) }

// A posting is a shape in a stretch, with the marks of the parts that have its children.
type posting struct {
	shape
	First int64    `json:"f"` // number of its first part
	Parts [][]byte `json:"h"` // see markOf
	Keys  int64    `json:"n"` // how many children
}

// bind is the keyed hash of a stretch: without the keys nobody makes one.
func (x Index) bind(s segment) []byte {
	var numbers []byte
	for _, n := range []int64{x.span(), s.level, s.n, s.minAt, s.maxAt} {
		numbers = binary.BigEndian.AppendUint64(numbers, uint64(n))
	}
	return x.Ring.Index("reach.segment", string(numbers), string(s.directory))
}

// A segment is a row of reach_segment.
type segment struct {
	level, n     int64
	minAt, maxAt int64 // of its entries
	directory    []byte
	bound        []byte
}
