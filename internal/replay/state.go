package replay

import (
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/party"
)

// What the fold makes of the entries. A child is kept as small as it can be, for
// there may be millions; of services, charters and credentials there are few.

// A child is what the ledger says of one child. Times are microseconds, 0 is none.
type child struct {
	service  sym
	state    state
	frozen   bool
	disputed bool
	seen     bool // its row was found
	aged     uint8
	crossed  int32 // the last year in which something of it left the country, and it was counted; 0: none

	created int64
	expires int64
	version int64 // of the last change
	at      int64 // when that was
	used    int64 // the greatest version that a use rested on
	told    int64 // until when its guardians can look, who were told that the service ends; 0: they weren't
	handed  int64 // when something of it first went to who takes over its service; 0: nothing did

	// What was told of its age since the birth date was given: the last time as a child,
	// the first as none, the last as a minor, the first as an adult.
	childAt, grownAt, minorAt, adultAt int64

	birth     int64 // the version at which the birth date was given; 0 if it is unknown
	birthFrom sym   // who gave it

	life              life
	counted, counting uint64 // the sums over the uses that are, and are being, counted

	guardians []guardian
	proofs    []proof   // those in force
	attempts  []attempt // all that were made
	answers   []answer  // those that stand
	answered  int32     // all there ever were
	past      uint64    // the sum over those that stand no more
	requests  []request // those that wait or are answered
	ended     int32     // the others
	pastAsked uint64    // the sum over them
	values    []value
	endings   []ending
	demands   []demand
	askings   []*asked
	shields   []shielded
	claim     claim // that it is older; zero: none waits
	ordered   int32 // orders of the change at version orderedAt
	orderedAt int64
	opening   *opening // a collection whose values are still to be told
}

type state uint8

const (
	unconsented state = iota
	active
	erased
)

var states = [...]family.State{family.Unconsented, family.Active, family.Erased}

// A guardian is a person tied to a child.
type guardian struct {
	id       key
	relation sym
	strength uint8
	known    uint8 // bits: which of family.Known
	recalled bool  // by what it is known again is kept, while something is hidden from it
	created  int64
	verified int64
	ended    int64
	hidden   int64 // until when what is held is hidden from this one; 0: it is shown
	hider    key   // the shield that has hidden it
}

// A refusal is a no to everything that is still remembered (edge case 26).
type refusal struct {
	service sym
	charter int32
	until   int64
}

// A trace is an erasure of which the child can still be told.
type trace struct {
	service sym
	subject key
	until   int64
	seen    bool // its row was found
}

// A tomb is the day on which children of a service were erased.
type tomb struct {
	service string
	day     int64
}

// MayAnswer and Proved are family's rules.
func (g guardian) mayAnswer(n *names) bool { return g.family(n).MayAnswer() }

func (g guardian) proved(n *names) bool { return g.family(n).Proved() }

func (g guardian) self(n *names) bool { return n.text(g.relation) == string(family.Self) }

func (g guardian) family(n *names) family.Guardian {
	return family.Guardian{
		ID:       family.GuardianID(g.id[:]), // the gate compares it and shows it to nobody
		Relation: family.Relation(n.text(g.relation)), Strength: family.Strength(g.strength),
		VerifiedAt: moment(g.verified), EndedAt: moment(g.ended), HiddenUntil: moment(g.hidden),
	}
}

// An answer is what one guardian said about one purpose and nothing has replaced.
type answer struct {
	id        key
	given     int64
	sum       uint64 // over all that its row says
	charter   int32
	purpose   sym
	guardian  uint8 // which of the child's
	strength  uint8
	granted   bool
	takeover  bool
	withdraws bool
}

// A value is one that is held, without it.
type value struct {
	item, purpose      sym
	version            int64
	collected, expires int64
}

// An ending is what an event did to the values of one purpose.
type ending struct {
	event, purpose sym
	happened, ends int64
}

// An opening is a permitted use after which values may be written: those of a
// collection, or new ends for those that were used.
type opening struct {
	version int64
	at      int64
	purpose string
	items   []string
	collect bool
	terms   *charter.Retention // nil until the charter is known
	spans   []span             // what was written, if that had to wait for terms
	written bool
	source  source
}

// An open says whose opening it is.
type open struct {
	child   *child
	opening *opening
}

// A span is what an entry says of one value's life.
type span struct{ collected, expires int64 }

// moment turns microseconds into a time; 0 is the zero time.
func moment(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// micros is the other way round.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// A service is what the ledger says of one service, at each of its versions.
type service struct {
	name     string
	state    catalog.State
	created  int64
	history  []version // in order; the last is what holds
	editions map[int64]*edition
	officers map[string]*officer
	ends     map[string]*cessation // by purpose; under the empty name its own
	records  map[string]*record    // about who holds or held an office, and plans
	parties  map[party.ID]*registered
	owes     []party.ID           // of whom the next entries say that they have narrowed
	impacts  map[string]*assessed // of its purposes
}

// A version is what the gate reads of a service, since a moment.
type version struct {
	number   int64
	at       int64
	charter  int64
	officer  string
	deputy   string
	closed   string
	succeeds catalog.Successor // who takes over what ends
	overdue  string            // names of parties, with spaces between
	recalled bool              // its charter
}

// A cessation is the end of a service, or of a purpose.
type cessation struct {
	reason          catalog.Reason
	announced, ends int64
	last            int64 // until when the last can look of those who were told late; 0: nobody was
	by, entry       string
	ended           int64 // 0 until all is erased
	children        int64
	takeover        catalog.Takeover // zero: nobody takes over
	again           bool             // by who put the store back: the document isn't known there
	tally           catalog.Tally
}

func (s *service) now() version {
	if len(s.history) == 0 {
		return version{}
	}
	return s.history[len(s.history)-1]
}

// An edition is one version of a charter.
type edition struct {
	number      int64
	hash        string
	proposedAt  int64
	proposedBy  string
	touches     string
	publishedAt int64 // 0 while it is a draft
	publishedBy string
	refusedAt   int64
	decidedBy   string // "staff:st_…", empty: nobody inside has
	office      string // that the one holds who has approved it
	words       bool
	documents   map[document]string
	published   catalog.Published // zero Charter: its text is not to be had
	undecided   int64             // uses that could not be decided
}

type document struct {
	kind catalog.DocumentKind
	lang charter.Lang
}

// An officer is one term of office.
type officer struct {
	role             catalog.Role
	who              string // see catalog.Who
	appointed, ended int64
}

// A record is about somebody who holds or held an office, or, of nobody, about the service.
type record struct {
	officer string
	kind    catalog.RecordKind
	mark    string // see catalog.Record.Mark
	at      int64
	by      string
}

// An assessed is an assessment of a purpose that the office has signed.
type assessed struct {
	purpose, described, outcome, mark, by string
	charter, at, until                    int64
}

// A credential is an app's, with its keys.
type credential struct {
	service string
	scopes  account.Scopes
	country string // from which it is used
	keys    []appKey
	revoked int64
}

// An appKey is one key of an app, with one expiry: a rotation that ends it
// earlier makes another, and the old one is believed a little longer.
type appKey struct {
	mark    string // see account.KeyMark
	shown   string // the person whom it was shown
	since   int64
	expires int64
	until   int64 // 0: it is what the table says
}

// add is append without room to spare: most of these slices never grow again.
func add[T any](list []T, v T) []T {
	if len(list) < cap(list) {
		return append(list, v)
	}
	grown := make([]T, len(list)+1)
	copy(grown, list)
	grown[len(list)] = v
	return grown
}
