package gate_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wardkeep/internal/border"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/gate/gatetest"
	"wardkeep/internal/party"
)

// A combination is a case of the law, and what the gate alone can be told of it.
type combination struct {
	gatetest.Case
	otherRole bool // the register has the party in another role only
}

// A point is one of a dimension: how it differs from a case against which nothing speaks.
type point struct {
	words string
	set   func(*combination)
}

// A dimension is a question that the law asks beside the others.
type dimension []point

// moment is the shortest time there is here.
const moment = time.Microsecond

var (
	both  = []string{"voice", "score"}
	voice = []string{"voice"}
	usual = gatetest.Period{From: now.Add(-time.Hour), Until: now.Add(time.Hour)}
)

// What a guardian may have said.
var (
	yes        = gatetest.Answer{Yes: true, Notice: 2, Proved: true, Informed: true}
	code       = gatetest.Answer{Yes: true, Notice: 2, Informed: true}
	older      = gatetest.Answer{Yes: true, Notice: 1, Proved: true, Informed: true}
	before     = gatetest.Answer{Yes: true, Notice: 2, Proved: true}
	unverified = gatetest.Answer{Yes: true, Notice: 2, Proved: true, Informed: true, Unverified: true}
	former     = gatetest.Answer{Yes: true, Notice: 2, Proved: true, Informed: true, Former: true}
	no         = gatetest.Answer{Notice: 2}
	withdrawn  = gatetest.Answer{Withdrew: true, Notice: 2}
)

var agreedTo = []gatetest.Answer{yes}

// fine is a case against which nothing speaks.
func fine() combination {
	paper := gatetest.Paper{Signed: true, Passed: true, Period: usual, Items: both}
	crossing := paper
	crossing.Kind = "standard_contract"
	return combination{Case: gatetest.Case{
		At: now, Way: gatetest.App, Items: both, Does: true, Has: both, Names: true, Gives: both, Asked: 2,
		Registered: true, Assessment: paper, Agreement: paper, Bound: true, KeyUntil: now.Add(time.Hour), Crossing: crossing, Storage: crossing, Access: crossing,
		Counted: true, Persons: 5, Answers: agreedTo, Window: now.Add(time.Hour),
	}}
}

// answers is what guardians have said. The slice is there once, so that what the gate is given
// of it is made once.
func answers(words string, said ...gatetest.Answer) point {
	return point{words, func(c *combination) { c.Answers = said }}
}

// papers are the points of a paper: in whatever way it isn't there, or not now.
func papers(what string, of func(*combination) *gatetest.Paper, also ...point) dimension {
	at := func(words string, set func(*gatetest.Paper)) point {
		return point{what + " " + words, func(c *combination) { set(of(c)) }}
	}
	return append(dimension{
		at("holds", func(*gatetest.Paper) {}),
		at("is none", func(p *gatetest.Paper) { *p = gatetest.Paper{} }),
		at("begins in a moment", func(p *gatetest.Paper) { p.From = now.Add(moment) }),
		at("begins now", func(p *gatetest.Paper) { p.From = now }),
		at("has a moment left", func(p *gatetest.Paper) { p.Until = now.Add(moment) }),
		at("is over now", func(p *gatetest.Paper) { p.Until = now }),
	}, also...)
}

// scopes are the points of what a paper covers.
func scopes(what string, of func(*combination) *gatetest.Paper) dimension {
	covers := func(words string, items []string) point {
		return point{what + " " + words, func(c *combination) {
			if p := of(c); p.Signed {
				p.Items = items
			}
		}}
	}
	return dimension{covers("covers it", both), covers("leaves out an item", voice), covers("leaves out the purpose", nil)}
}

func assessment(c *combination) *gatetest.Paper { return &c.Assessment }
func agreement(c *combination) *gatetest.Paper  { return &c.Agreement }

// abroad has the charter say that the party is there.
func abroad(words string, change func(*combination)) point {
	return point{words, func(c *combination) {
		c.Abroad, c.Is, c.Mechanism = "HK", "HK", "standard_contract"
		change(c)
	}}
}

// stored has the charter say that everything is kept abroad, and how to make the case of it.
func stored(words string, change func(*combination)) point {
	return point{words, func(c *combination) {
		c.Stored, c.StorageIs, c.Mechanism = "SG", "SG", "standard_contract"
		change(c)
	}}
}

// reads has an app, a person inside or a party read it, as a way that it goes.
func reads(words string, way gatetest.Way, transfer bool) point {
	return point{words, func(c *combination) {
		c.Way = way
		switch {
		case transfer:
			transferred[0].set(c)
		case way == gatetest.Look:
			c.Items = voice // one at a time (Article 15)
		}
	}}
}

// in has whoever has the items in hand be in Singapore, where the charter says that it is read by a
// contract, and how to make the case of it.
func in(words string, change func(*combination)) point {
	return point{words, func(c *combination) {
		c.sits("SG")
		c.ReadFrom, c.AccessIs, c.Mechanism = singapore, "SG", "standard_contract"
		change(c)
	}}
}

// sits has whoever has the items in hand be somewhere.
func (c *combination) sits(country string) {
	switch c.Way {
	case gatetest.App, gatetest.Use:
		c.AppIn = country
	case gatetest.Look:
		c.SitsIn = country
	default:
		c.KeyIn = country
	}
}

// Where the charter may say that something is read.
var (
	singapore = []string{"SG"}
	japan     = []string{"JP"}
	several   = []string{"JP", "SG"}
)

var (
	ways = dimension{
		{"the app gives it", func(c *combination) { c.Way = gatetest.App }},
		{"the party asks", func(c *combination) { c.Way = gatetest.Key }},
		{"the app pushes it", func(c *combination) { c.Way = gatetest.Push }},
		{"what was pushed goes", func(c *combination) { c.Way = gatetest.Bundle }},
	}
	readers = dimension{
		reads("the app uses it", gatetest.Use, false),
		reads("a person inside looks", gatetest.Look, false),
		reads("the app entrusts it", gatetest.App, false),
		reads("the processor asks", gatetest.Key, false),
		reads("it is pushed to the processor", gatetest.Push, false),
		reads("what was pushed to the processor goes", gatetest.Bundle, false),
		{"an app abroad pushes it to the processor", func(c *combination) { c.Way, c.AppIn = gatetest.Push, "SG" }},
		reads("the app transfers it", gatetest.App, true),
		reads("the recipient asks", gatetest.Key, true),
		reads("it is pushed to the recipient", gatetest.Push, true),
		reads("what was pushed to the recipient goes", gatetest.Bundle, true),
	}
	places = dimension{
		{"read at home", func(*combination) {}},
		in("read abroad by a contract", func(*combination) {}),
		in("read abroad, at one of two places", func(c *combination) { c.ReadFrom = several }),
		in("read abroad by a contract that begins now", func(c *combination) { c.Access.From = now }),
		in("read abroad by a contract with a moment left", func(c *combination) { c.Access.Until = now.Add(moment) }),
		in("read abroad by a contract that is over now", func(c *combination) { c.Access.Until = now }),
		in("read abroad by a contract to come", func(c *combination) { c.Access.From = now.Add(moment) }),
		in("read abroad, by no mechanism that is told", func(c *combination) { c.Mechanism = "" }),
		in("read abroad, untold", func(c *combination) { c.ReadFrom = nil }),
		in("read elsewhere than told", func(c *combination) { c.ReadFrom = japan }),
		in("read abroad by nothing", func(c *combination) { c.Access = gatetest.Paper{} }),
		in("read abroad by nobody", func(c *combination) { c.AccessIs, c.Access = "", gatetest.Paper{} }),
		in("read abroad by something else", func(c *combination) { c.Access.Kind = "certification" }),
		in("read abroad by a contract for elsewhere", func(c *combination) { c.AccessIs = "JP" }),
		in("read from where nobody should", func(c *combination) { c.AccessSuspended = true }),
		in("read from where nobody should, untold", func(c *combination) { c.AccessSuspended, c.ReadFrom = true, nil }),
		in("elsewhere nobody should read", func(c *combination) { c.AccessIs, c.AccessSuspended = "JP", true }),
		{"read where the party may be", func(c *combination) { c.sits("HK") }},
	}
	readKeys    = dimension{{"by a good key", func(*combination) {}}, {"without a key", func(c *combination) { c.Bound = false }}}
	entrusted   = dimension{{"to a processor", func(*combination) {}}}
	transferred = dimension{{"to a recipient", func(c *combination) { c.Transfer, c.Agreement = true, gatetest.Paper{} }}}
	states      = dimension{
		{"registered", func(*combination) {}},
		{"not registered", func(c *combination) { c.Registered = false }},
		{"registered in another role", func(c *combination) { c.Registered, c.otherRole = false, true }},
		{"suspended", func(c *combination) { c.Suspended = true }},
		{"ends now", func(c *combination) { c.EndsAt = now }},
		{"ends in a moment", func(c *combination) { c.EndsAt = now.Add(moment) }},
		{"with overdue orders", func(c *combination) { c.Overdue = true }},
	}
	subs     = dimension{{"alone", func(*combination) {}}, {"with a sub-processor", func(c *combination) { c.Entrusts = true }}}
	assessed = papers("assessment", assessment, point{"assessment failed", func(c *combination) { c.Assessment.Passed = false }})
	agreed   = papers("agreement", agreement)
	charters = dimension{
		{"the charter names it", func(*combination) {}},
		{"the charter names another", func(c *combination) { c.Names = false }},
		{"the charter gives it one item", func(c *combination) { c.Gives = voice }},
		{"the purpose has one item", func(c *combination) { c.Has = voice }},
		{"the purpose doesn't do that", func(c *combination) { c.Does = false }},
	}
	borders = dimension{
		{"at home", func(*combination) {}},
		abroad("abroad by a contract", func(*combination) {}),
		abroad("abroad, untold", func(c *combination) { c.Mechanism = "" }),
		abroad("abroad by nothing", func(c *combination) { c.Crossing = gatetest.Paper{} }),
		abroad("abroad by something else", func(c *combination) { c.Crossing.Kind = "certification" }),
		abroad("abroad by a contract that is over now", func(c *combination) { c.Crossing.Until = now }),
		abroad("abroad by the register alone", func(c *combination) { c.Abroad = "" }),
	}
	allBorders = append(slices.Clone(borders),
		abroad("abroad by a contract to come", func(c *combination) { c.Crossing.From = now.Add(moment) }),
		abroad("abroad by a contract with a moment left", func(c *combination) { c.Crossing.Until = now.Add(moment) }),
		abroad("abroad by the charter alone", func(c *combination) { c.Is = "" }),
		abroad("abroad elsewhere", func(c *combination) { c.Is = "SG" }),
		abroad("abroad by the register, untold", func(c *combination) { c.Abroad, c.Mechanism = "", "" }),
	)
	grants = dimension{
		{"agreed", func(*combination) {}},
		answers("never asked"),
		answers("agreed by a one-time code", code),
		answers("refused", no),
		answers("withdrawn", withdrawn),
		answers("agreed to an older notice", older),
		answers("agreed by nobody verified", unverified),
		answers("agreed by a former guardian", former),
		answers("one agreed, the other refused", yes, no),
		answers("both agreed", yes, yes),
		answers("agreed by a code, and to an older notice by a proof", code, older),
		{"agreed, and its deletion asked for", func(c *combination) { c.Frozen = true }},
	}
	freshGrants = append(slices.Clone(grants),
		answers("agreed before the takeover", before),
		answers("agreed before the takeover, and by a code since", before, code),
		answers("agreed to an older notice, and by nobody verified", older, unverified),
		answers("withdrawn, and agreed by a former guardian", withdrawn, former),
	)
	takeovers = dimension{
		{"the service goes on", func(*combination) {}},
		{"the service ends", func(c *combination) { c.Ending = true }},
		{"the party takes it over", func(c *combination) { c.Ending, c.TakeOver = true, true }},
		{"the party takes it over for a moment more", func(c *combination) { c.Ending, c.TakeOver, c.Window = true, true, now.Add(moment) }},
		{"the party took it over until now", func(c *combination) { c.Ending, c.TakeOver, c.Window = true, true, now }},
		{"the party would take it over", func(c *combination) { c.TakeOver = true }},
	}
	keys = dimension{
		{"by a good key", func(*combination) {}},
		{"without a key", func(c *combination) { c.Bound = false }},
		{"by a revoked key", func(c *combination) { c.Revoked = true }},
		{"by a key that is over now", func(c *combination) { c.KeyUntil = now }},
		{"by a key with a moment left", func(c *combination) { c.KeyUntil = now.Add(moment) }},
		{"by a key of an earlier paper", func(c *combination) { c.BoundOther = true }},
	}
	storages = dimension{
		{"kept at home", func(*combination) {}},
		stored("kept abroad by a contract", func(*combination) {}),
		stored("kept abroad, untold", func(c *combination) { c.Mechanism = "" }),
		stored("kept abroad by nothing", func(c *combination) { c.Storage = gatetest.Paper{} }),
		stored("kept abroad by nobody", func(c *combination) { c.StorageIs, c.Storage = "", gatetest.Paper{} }),
		stored("kept abroad by something else", func(c *combination) { c.Storage.Kind = "certification" }),
		stored("kept abroad by a contract that is over now", func(c *combination) { c.Storage.Until = now }),
		stored("kept abroad by a contract to come", func(c *combination) { c.Storage.From = now.Add(moment) }),
		stored("kept where nobody should", func(c *combination) { c.StorageSuspended = true }),
		stored("kept elsewhere", func(c *combination) { c.StorageIs = "HK" }),
	}
	counts = dimension{
		{"few have crossed", func(*combination) {}},
		{"the last before the threshold", func(c *combination) { c.Persons = 9_998 }},
		{"the first beyond it", func(c *combination) { c.Persons = 9_999 }},
		{"one who has crossed", func(c *combination) { c.Persons, c.Among = 9_999, true }},
		{"the count of another year", func(c *combination) { c.Counted = false }},
		{"many, by an assessment", func(c *combination) {
			c.Persons = 20_000
			if c.Mechanism != "" {
				c.Mechanism = "security_assessment"
			}
			for _, p := range []*gatetest.Paper{&c.Crossing, &c.Storage, &c.Access} {
				if p.Kind == "standard_contract" {
					p.Kind = "security_assessment"
				}
			}
		}},
	}
	values = dimension{
		{"held", func(*combination) {}},
		{"one is over now", func(c *combination) { c.Ended = voice }},
		{"both are over now", func(c *combination) { c.Ended = both }},
	}
)

// products are all combinations of some dimensions each, and how many of those the law permits.
var products = []struct {
	name    string
	of      []dimension
	permits int64
}{
	// By each way, in two states, at three moments of each paper; at home by four answers, abroad by two.
	{"Processors", []dimension{entrusted, ways, states, subs, assessed, scopes("assessment", assessment), agreed, scopes("agreement", agreement), charters, borders, grants},
		4 * 2 * 3 * 3 * (4 + 2)},
	// Likewise, at home or by a contract: by four answers while the service goes on, and by two to who
	// takes it over within its window.
	{"Recipients", []dimension{transferred, ways, states, subs, assessed, scopes("assessment", assessment), charters, borders, freshGrants, takeovers},
		4 * 2 * 3 * 2 * (2*4 + 2*2)},
	// The app needs no key, the others one of two. Kept at home: at home by four answers or two, with
	// any count; at three places abroad by two, with four counts. Kept abroad: at five, likewise.
	{"Abroad", []dimension{append(slices.Clone(entrusted), transferred...), ways, keys, allBorders, storages, counts, values, grants},
		(6 + 3*2) * (6*(4+2) + 2*3*4*2 + 2*5*4*2)},
	// The app and a person inside read whatever is said of a key and a party; the app hands on with a
	// key or without, the others by one. At home by four answers, or by two to a recipient, with any
	// count; once anything is abroad, by two with four counts. Of the seven places of a party it gets
	// something at home and by a contract, and at the untold one once a storage or a reader has the
	// charter tell of the contract; of the storages, likewise. Readers are at four places by a contract,
	// and a key also where its party is.
	{"Readers", []dimension{readers, readKeys, borders, storages, places, counts, grants},
		2*2*7*(6*4+4*2+4*3*4*2) +
			6*(6*4+4*2+3*4*2+4*3*3*4*2) + 4*3*4*2 +
			5*(6*2+4*2+3*4*2+4*3*3*4*2) + 3*3*4*2},
}

// combine sets the i-th combination of dimensions, and returns it in words.
func combine(c *combination, of []dimension, i int) {
	for _, d := range of {
		d[i%len(d)].set(c)
		i /= len(d)
	}
}

func inWords(of []dimension, i int) string {
	var all []string
	for _, d := range of {
		all = append(all, d[i%len(d)].words)
		i /= len(d)
	}
	return strings.Join(all, ", ")
}

// No value leaves without its basis: of each combination of how a party stands, its papers and
// their moments, what they and the charter cover, the border, the consent and the way that
// something goes, the gate says what the law does, and permits where that has nothing to say.
// Of these millions it tries one in oneIn, from another one on each time, and all of them with
// WARDKEEP_ORACLE=all (make oracle).
func TestArticle16_EveryCombinationAgainstTheOracle(t *testing.T) {
	oneIn := 97 // no dimension has as many points, so none of them is passed over
	if os.Getenv("WARDKEEP_ORACLE") == "all" {
		oneIn = 1
	}
	for _, p := range products {
		t.Run(p.name, func(t *testing.T) {
			n := 1
			for _, d := range p.of {
				n *= len(d)
			}
			var all sync.WaitGroup
			var permits atomic.Int64
			first, workers := rand.IntN(oneIn), runtime.GOMAXPROCS(0)
			for w := range workers {
				all.Go(func() {
					b := newBench(t)
					var got []gatetest.Reason
					for i := first + w*oneIn; i < n && !t.Failed(); i += workers * oneIn {
						c := fine()
						combine(&c, p.of, i)
						law := c.Law()
						f, by, u := b.facts(&c)
						permit, reasons := gate.Decide(f, by, u)
						if got = told(got[:0], reasons); !law.Is(got) || permit.Allows("ch_1", u.Activity, "voice") != law.Permits() {
							t.Errorf("%s:\ngot  %v\nwant %v", inWords(p.of, i), got, law)
						}
						if law.Permits() {
							permits.Add(1)
						}
					}
				})
			}
			all.Wait()
			t.Logf("%d combinations, one in %d tried, %d permitted of these", n, oneIn, permits.Load())
			if got := permits.Load(); oneIn == 1 && got != p.permits {
				t.Errorf("of %d combinations %d are permitted, want %d", n, got, p.permits)
			}
		})
	}
}

// told appends what the gate has told, as the law writes it.
func told(all []gatetest.Reason, denials []gate.Denial) []gatetest.Reason {
	for _, d := range denials {
		all = append(all, gatetest.Reason{Article: d.Article, Code: strings.TrimPrefix(d.Code, "gate."), Item: d.Item})
	}
	return all
}

// A bench makes of cases what the gate is given. What takes long to make it makes once.
type bench struct {
	world   *world
	written map[wording]*charter.Charter
	heard   map[*gatetest.Answer]answered
	held    [3][]gate.Held
}

// A wording is what of a case the charter says.
type wording struct {
	transfer, does, names     bool
	has, gives                int
	mechanism, abroad, stored string
	readFrom                  string
}

// answered is what of a case guardians have said.
type answered struct {
	guardians []family.Guardian
	answers   []consent.Answer
	disputed  bool
}

func newBench(t testing.TB) *bench {
	b := &bench{world: open(t), written: make(map[wording]*charter.Charter), heard: make(map[*gatetest.Answer]answered)}
	for over := range b.held {
		b.held[over] = slices.Clone(b.world.facts.Held)
		for i := range over {
			b.held[over][i].Expires = now
		}
	}
	return b
}

// facts returns what the gate is given of a case.
func (b *bench) facts(c *combination) (gate.Facts, gate.Actor, gate.Use) {
	f := b.world.facts
	u := gate.Use{Service: "xiaoxi", Child: "ch_1", Activity: charter.Entrust, Purpose: "speaking", Items: c.Items, Party: "yuping"}
	of, stands := party.ID{Service: "xiaoxi", Role: party.Processor, Name: "yuping"}, "pp_agreed"
	if c.Transfer {
		u.Activity, u.Party = charter.Transfer, "examiner"
		of, stands = party.ID{Service: "xiaoxi", Role: party.Recipient, Name: "examiner"}, "pp_assessed"
	}
	f.Now, f.Published.Charter, f.Held = c.At, b.charter(c), b.held[len(c.Ended)]
	if c.Overdue {
		f.Service.Overdue = u.Party
	}
	if c.Ending {
		f.Service.Closed = catalog.All
	}
	if c.TakeOver {
		f.Service.Successor = catalog.Successor{Purpose: "speaking", Recipient: u.Party, Until: c.Window}
	}
	f.Child.Frozen = c.Frozen
	a := b.answered(c.Answers)
	f.Guardians, f.Answers, f.Child.Disputed = a.guardians, a.answers, a.disputed
	f.Border = border.Count{Year: 2026, Persons: int64(c.Persons), Crossed: c.Among}
	if !c.Counted {
		f.Border.Year--
	}
	f.Party = party.Standing{}
	if c.Registered || c.otherRole {
		f.Party = party.Standing{ID: of, Country: country(c.Is), EndsAt: c.EndsAt, Assessment: term("pp_assessed", c.Assessment), Agreement: term("pp_agreed", c.Agreement),
			Mechanism: term("pp_crossing", c.Crossing)}
		if c.otherRole {
			f.Party.Role = map[party.Role]party.Role{party.Processor: party.Recipient, party.Recipient: party.Processor}[of.Role]
		}
		if c.Suspended {
			f.Party.Halted = party.Other
		}
		if c.Entrusts {
			f.Party.Subs = []string{"somebody"}
		}
	}
	if c.Stored != "" && c.StorageIs != "" {
		f.Storage = party.Standing{ID: party.StorageOf("xiaoxi"), Country: c.StorageIs, Mechanism: term("pp_storage", c.Storage)}
		if c.StorageSuspended {
			f.Storage.Halted = party.Other
		}
	}
	f.Access = party.Standing{}
	if c.AccessIs != "" {
		f.Access = party.Standing{ID: party.AccessFrom("xiaoxi", c.AccessIs), Country: c.AccessIs, Mechanism: term("pp_access", c.Access)}
		if c.AccessSuspended {
			f.Access.Halted = party.Other
		}
	}
	app := b.world.app
	app.Country = country(c.AppIn)
	by := gate.ByApp(app)
	f.Key = party.Key{}
	switch c.Way {
	case gatetest.App:
		return f, by, u
	case gatetest.Use, gatetest.Look:
		if u.Activity, u.Party = charter.Use, ""; c.Way == gatetest.Look {
			look := b.world.look
			look.Person.Country = country(c.SitsIn)
			by = gate.ByStaff(look)
		}
		return f, by, u
	}
	pull := gate.Pull{Key: "kp_1", Party: of, Limits: b.world.pull.Limits}
	if c.Way != gatetest.Key {
		pull.Key, pull.Bundle = sealKey, "bn_1"
	}
	if c.Bound {
		f.Key = party.Key{ID: pull.Key, Party: of, Paper: stands, Country: country(c.KeyIn), Until: c.KeyUntil}
	} else if c.Way != gatetest.Key {
		pull.Key = ""
	}
	if c.BoundOther {
		f.Key.Paper = "pp_earlier"
	}
	if c.Revoked {
		f.Key.RevokedAt = now.Add(-time.Minute)
	}
	switch c.Way {
	case gatetest.Key:
		return f, gate.ByParty(pull), u
	case gatetest.Push:
		return f, by.Pushing(pull), u
	}
	return f, gate.ByBundle(pull), u
}

func country(of string) string {
	if of == "" {
		return charter.Home
	}
	return of
}

func term(id string, p gatetest.Paper) party.Term {
	if !p.Signed {
		return party.Term{}
	}
	return party.Term{ID: id, Kind: party.Kind(p.Kind), Passed: p.Passed, Scope: covering[len(p.Items)], From: p.From, Until: p.Until}
}

// covering are the scopes of papers by how many items of the purpose they cover.
var covering = []party.Scope{{"reports": both}, {"speaking": voice}, {"speaking": both}}

func (b *bench) charter(c *combination) *charter.Charter {
	is := wording{c.Transfer, c.Does, c.Names, len(c.Has), len(c.Gives), c.Mechanism, c.Abroad, c.Stored, strings.Join(c.ReadFrom, " ")}
	if all, ok := b.written[is]; ok {
		return all
	}
	all := *b.world.charter
	all.Storage.Country = country(c.Stored)
	all.Processors, all.Recipients = slices.Clone(all.Processors), slices.Clone(all.Recipients)
	if c.Transfer {
		all.Recipients[0].Country, all.Recipients[0].Items = country(c.Abroad), c.Gives
	} else {
		all.Processors[0].Country, all.Processors[0].Items = country(c.Abroad), c.Gives
	}
	all.Purposes = slices.Clone(all.Purposes)
	p := &all.Purposes[0]
	p.Items = c.Has
	if !c.Names {
		p.Processors, p.Recipients = []string{"another"}, []string{"another"}
	}
	if !c.Does {
		p.Activities = []charter.Activity{charter.Collect, charter.Store, charter.Use}
	}
	if c.Mechanism != "" {
		p.CrossBorder = &charter.CrossBorder{Mechanism: charter.Mechanism(c.Mechanism)}
	}
	for _, region := range c.ReadFrom {
		p.AccessFrom = append(p.AccessFrom, charter.Region(region))
	}
	b.written[is] = &all
	return &all
}

func (b *bench) answered(said []gatetest.Answer) answered {
	if len(said) == 0 {
		return answered{guardians: b.world.facts.Guardians}
	}
	if all, ok := b.heard[&said[0]]; ok {
		return all
	}
	var all answered
	for i, s := range said {
		g := family.Guardian{ID: family.GuardianID(fmt.Sprint("gu_", i)), Child: "ch_1", Relation: family.Parent, Strength: family.NameAndNumber, VerifiedAt: now}
		a := consent.Answer{ID: fmt.Sprint("co_", i), Child: "ch_1", Guardian: g.ID, Purpose: "speaking", Charter: int64(s.Notice),
			Granted: s.Yes, Takeover: s.Informed, Strength: family.OneTimeCode, GivenAt: now}
		if s.Withdrew {
			a.Withdraws = "co_before"
		}
		if s.Proved {
			a.Strength = family.NameAndNumber
		}
		if s.Unverified {
			g.Strength, g.VerifiedAt = 0, time.Time{}
		}
		if s.Former {
			g.EndedAt = now
		}
		// As consent finds out when somebody answers (edge case 7).
		for _, other := range said {
			all.disputed = all.disputed || s.Yes && !s.Unverified && !s.Former && !other.Yes && !other.Former
		}
		all.guardians, all.answers = append(all.guardians, g), append(all.answers, a)
	}
	b.heard[&said[0]] = all
	return all
}

// The oracle is none if it asks the gate, or what that asks.
func TestArticle16_TheOracleAsksNobody(t *testing.T) {
	files, err := filepath.Glob("gatetest/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			if i.Path.Value != `"slices"` && i.Path.Value != `"time"` {
				t.Errorf("%s imports %s", name, i.Path.Value)
			}
		}
	}
}
