package replay

import (
	"maps"
	"slices"
	"strings"

	approvals "wardkeep/internal/approval"
	"wardkeep/internal/base/id"
	"wardkeep/internal/charter"
	"wardkeep/internal/ledger"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// A person is somebody inside, with what it may and how it signs in.
type person struct {
	who         string
	seat        string // of a person of a party, who is nobody inside
	seatedBy    source // the entry that says so
	sweptBy     source // the entry that says that it left with a seat that ended by itself; none: it hasn't
	country     string // in which the person sits
	seatUsed    int64  // when the person signed in last
	version     int64
	added, left int64
	roles       map[staff.Grant]given
	makers      []string // who has made a link, and stands behind it still; in order

	loginSet int64 // 0: it has set up nothing
	codes    int64 // on its list
	invited  int64 // until when a link is open, or 0
	renewing key   // the session with which that ends, or none
	linked   int64 // since when it comes in by the operator's provider, or 0
	joined   bool  // the provider made the account

	recipient recipient // to which files for it are sealed
	reached   reached   // where it is told of alarms

	history []standing      // what it held, since which version
	looks   approvals.Looks // of values, in the hour and on the day of the last
	looked  bool
}

// A recipient is a key: a hash of it, since when it is there, and from when on it is good.
// The zero recipient is none.
type recipient struct {
	mark      string
	set, good int64
}

// A reached person has an address: a hash of it, and since when. The zero reached is none.
type reached struct {
	mark string
	set  int64
}

// A given role was given at a time, by a person who alone answers for it, or "".
type given struct {
	at int64
	by string
}

// A staffSession is one that was opened and hasn't ended.
type staffSession struct {
	person          key
	way             signin.Way
	at, fresh, most int64
}

// A staffPasskey is one that was added and isn't removed.
type staffPasskey struct {
	person key
	added  int64
}

// insiders are what the fold knows of the persons inside.
type insiders struct {
	persons  map[key]*person
	sessions map[key]staffSession
	passkeys map[key]staffPasskey
	glasses  map[key]*glass
	decoys   approvals.Decoys
	alarms   map[raised]int    // looks that say so, less the entries that do
	alarmed  map[raised]source // of those entries
	claims   []*insideClaim    // that are judged when whatever they rest on has come
	seats    []seated          // accounts that hold or held an office
	terminal []terminally      // charters that came into force at the terminal
}

func newInsiders() insiders {
	return insiders{persons: make(map[key]*person), sessions: make(map[key]staffSession), passkeys: make(map[key]staffPasskey), glasses: make(map[key]*glass), alarms: make(map[raised]int), alarmed: make(map[raised]source)}
}

// ofStaff are the kinds about persons inside. They belong to no child and no service.
var ofStaff = []string{staff.KindAdded, staff.KindLocated, staff.KindGranted, staff.KindRevoked, staff.KindLeft, staff.KindTried, staff.KindConfirmed, staff.KindOperated, staff.KindExported, staff.KindRecipient, staff.KindRecipientEnded, staff.KindReached, staff.KindUnreached,
	signin.KindInvited, signin.KindSetUp, signin.KindOpened, signin.KindFailed, signin.KindLocked, signin.KindSteppedUp, signin.KindEnded,
	signin.KindReset, signin.KindPasskeyAdded, signin.KindPasskeyRemoved, signin.KindLinked}

// about is what every entry about a person says.
type about struct {
	Person  string     `json:"person"`
	Who     string     `json:"who"`
	Seat    string     `json:"seat"`
	Country string     `json:"country"`
	Role    staff.Role `json:"role"`
	Service string     `json:"service"`
	Office  string     `json:"office"`
	Session string     `json:"session"`
	Passkey string     `json:"passkey"`
	Way     signin.Way `json:"way"`
	Why     signin.Why `json:"why"`
	Until   int64      `json:"until"`
	Codes   int64      `json:"codes"`
	What    string     `json:"what"`
	Request string     `json:"request"`
	List    string     `json:"list"`
	Fresh   int64      `json:"fresh"`
	Mark    string     `json:"mark"`
	Good    int64      `json:"good_from"`
	About   string     `json:"about"`
}

// staffEntry folds what became of a person. Its entries have its versions in order.
func (f *fold) staffEntry(p ledger.Placed) fault {
	b, x := body[about](p)
	k, ok := keyOf(id.Staff, b.Person)
	if x != (fault{}) || !ok {
		return fault{what: FoundBody, field: rulePerson}
	}
	who := f.inside.persons[k]
	if p.Kind == staff.KindAdded {
		if who != nil || p.Version < 1 || len(b.Who) != 64 {
			return impossible(rulePerson)
		}
		joined := p.Actor == staff.Provider{}.Ledger()
		f.inside.persons[k] = &person{who: b.Who, seat: f.names.keep(b.Seat), country: charter.Home, seatedBy: source{place: p.Place, entry: p.ID}, version: p.Version, added: p.At.UnixMicro(), roles: make(map[staff.Grant]given), joined: joined}
		if joined {
			return fault{}
		}
		return f.byStaff(p, b.Person)
	}
	if who == nil || p.Version < who.version {
		return impossible(rulePerson)
	}
	who.version = p.Version
	switch p.Kind {
	case staff.KindGranted, staff.KindRevoked, staff.KindLeft, staff.KindConfirmed:
		rises := p.Kind == staff.KindLeft && p.Actor == sweeper && who.seat != ""
		if x := f.byStaff(p, b.Person); x != (fault{}) && !rises && (p.Kind == staff.KindConfirmed || !who.byProvider(p)) {
			return x
		}
		if rises && who.left == 0 {
			who.sweptBy = source{place: p.Place, entry: p.ID}
		}
		if p.Kind == staff.KindConfirmed {
			return who.confirmed(p)
		}
		return who.roleEntry(f, p, b)
	case staff.KindLocated:
		if x := f.byStaff(p, b.Person); x != (fault{}) {
			return x
		}
		if who.left != 0 || who.seat != "" || !charter.IsCountry(b.Country) || b.Country == who.country {
			return impossible(rulePerson)
		}
		who.country = f.names.keep(b.Country)
		who.stands(p.Version)
		return fault{}
	case staff.KindOperated:
		if p.Actor != "staff:"+b.Person || who.left != 0 {
			return impossible(ruleActor)
		}
		if !slices.Contains(staff.Doings, staff.Doing(b.What)) || b.What == string(staff.AskedBundle) && !id.Is(id.Evidence, b.About) {
			return fault{what: FoundBody, field: rulePerson}
		}
		if !f.runs(who, staff.Doing(b.What).Needs(), p.At.UnixMicro()) {
			return impossible(ruleActor)
		}
		return fault{}
	case staff.KindTried, staff.KindExported:
		if p.Actor != "staff:"+b.Person || who.left != 0 {
			return impossible(ruleActor)
		}
		return fault{}
	case staff.KindRecipient, staff.KindRecipientEnded:
		return who.recipientEntry(p, b)
	case staff.KindReached, staff.KindUnreached:
		return who.reachedEntry(p, b)
	case signin.KindLinked:
		if !who.joined || who.left != 0 || who.linked != 0 || p.Actor != (staff.Provider{}).Ledger() {
			return impossible(ruleSignIn)
		}
		who.linked = p.At.UnixMicro()
		return fault{}
	case signin.KindOpened, signin.KindSteppedUp, signin.KindEnded:
		return f.staffSessionEntry(p, b, k, who)
	case signin.KindPasskeyAdded, signin.KindPasskeyRemoved:
		return f.staffPasskeyEntry(p, b, k, who)
	case signin.KindFailed, signin.KindLocked:
		if p.Actor != "system:signin" || (p.Kind == signin.KindLocked) != (b.Until > 0) {
			return impossible(ruleActor)
		}
		if b.Passkey != "" {
			if pk, ok := keyOf(id.StaffPasskey, b.Passkey); !ok || f.inside.passkeys[pk].person != k {
				return impossible(rulePasskey)
			}
		}
		return fault{}
	}
	return who.loginEntry(f, p, b)
}

// runs reports whether a person may have the system do something, as far as it can be told
// here: with each service that was there then. Between persons and services there is no
// order of entries, so one that came at about that moment doesn't count.
func (f *fold) runs(who *person, needs staff.Action, at int64) bool {
	p := staff.Person{ID: "st_", State: staff.Active, Grants: slices.Collect(maps.Keys(who.roles))}
	for name, s := range f.services {
		if s.created < at-2*slack && !p.May(needs, name) {
			return false
		}
	}
	return p.MaySomewhere(needs)
}

// byStaff judges who changed what a person may: somebody at the terminal, or another
// person. Which roles the matrix wanted is in the matrix; the entries of two persons
// have no order by which it could be told here.
func (f *fold) byStaff(p ledger.Placed, about string) fault {
	by, isStaff := strings.CutPrefix(p.Actor, "staff:")
	if !strings.HasPrefix(p.Actor, "operator:") && (!isStaff || !id.Is(id.Staff, by)) || by == about {
		return impossible(ruleActor)
	}
	return fault{}
}

// byProvider reports whether it is the operator's provider that gives or takes a role, of
// somebody who comes in by it.
func (who *person) byProvider(p ledger.Placed) bool {
	return who.joined && p.Actor == staff.Provider{}.Ledger() && p.Kind != staff.KindLeft
}

func (who *person) roleEntry(f *fold, p ledger.Placed, b about) fault {
	if who.left != 0 {
		return impossible(rulePerson)
	}
	g := staff.Grant{Role: b.Role, Service: f.names.keep(b.Service), Office: f.names.keep(b.Office)}
	_, held := who.roles[g]
	switch {
	case p.Kind == staff.KindLeft:
		who.left, who.loginSet, who.codes, who.invited = p.At.UnixMicro(), 0, 0, 0
		f.inside.seat(b.Person, "", who.left, false)
		who.makers, who.recipient, who.reached = nil, recipient{}, reached{}
		clear(who.roles)
	case !g.Role.Known(), g.Role.ByOffice() != (g.Office != ""), g.Service == "" && !g.Role.Everywhere():
		return fault{what: FoundBody, field: rulePerson}
	case held == (p.Kind == staff.KindGranted), who.seat != "":
		return impossible(rulePerson)
	case held:
		delete(who.roles, g)
	default:
		who.roles[g] = given{p.At.UnixMicro(), actorID(p)}
	}
	if g.Office != "" {
		f.inside.seat(b.Person, g.Office, p.At.UnixMicro(), !held)
	}
	who.stands(p.Version)
	return fault{}
}

// actorID returns the person who has made an entry, or "".
func actorID(p ledger.Placed) string {
	name, _ := strings.CutPrefix(p.Actor, "staff:")
	if !id.Is(id.Staff, name) {
		return ""
	}
	return name
}

// confirmed leaves nobody behind the person but who has confirmed it.
func (who *person) confirmed(p ledger.Placed) fault {
	if who.left != 0 {
		return impossible(rulePerson)
	}
	by := actorID(p)
	were := len(who.makers)
	who.makers = slices.DeleteFunc(slices.Clone(who.makers), func(maker string) bool { return maker != by })
	changed := len(who.makers) != were
	for g, is := range who.roles {
		if is.by != "" && is.by != by {
			who.roles[g] = given{at: is.at}
			changed = true
		}
	}
	if !changed {
		return impossible(rulePerson)
	}
	who.stands(p.Version)
	return fault{}
}

// recipientEntry folds the key to which files for the person are sealed: the person sets
// it, and nothing is sealed to it before a day is over.
func (who *person) recipientEntry(p ledger.Placed, b about) fault {
	at, own := p.At.UnixMicro(), p.Actor == "staff:"+b.Person
	switch {
	case who.left != 0:
		return impossible(rulePerson)
	case p.Kind == staff.KindRecipientEnded:
		if who.recipient == (recipient{}) || !own && actorID(p) != "" {
			return impossible(ruleRecipient)
		}
		who.recipient = recipient{}
	case !own:
		return impossible(ruleActor)
	case len(b.Mark) != 64 || b.Mark == who.recipient.mark || b.Good-at < staff.CoolingOff.Microseconds():
		return impossible(ruleRecipient)
	default:
		who.recipient = recipient{b.Mark, at, b.Good}
	}
	who.stands(p.Version)
	return fault{}
}

// reachedEntry folds where the person is told of alarms: nobody else inside says so.
func (who *person) reachedEntry(p ledger.Placed, b about) fault {
	by := actorID(p)
	switch {
	case who.left != 0:
		return impossible(rulePerson)
	case by != "" && by != b.Person:
		return impossible(ruleActor)
	case p.Kind == staff.KindUnreached:
		if who.reached == (reached{}) {
			return impossible(ruleReached)
		}
		who.reached = reached{}
	case len(b.Mark) != 64:
		return impossible(ruleReached)
	default:
		who.reached = reached{b.Mark, p.At.UnixMicro()}
	}
	return fault{}
}

func (who *person) loginEntry(f *fold, p ledger.Placed, b about) fault {
	at := p.At.UnixMicro()
	switch {
	case who.left != 0:
		return impossible(rulePerson)
	case p.Kind == signin.KindInvited && b.Until > at:
		return who.inviteEntry(f, p, b)
	case p.Kind == signin.KindSetUp && at < who.invited && p.Actor == "staff:"+b.Person && b.Codes >= 0:
		who.loginSet, who.codes, who.invited = at, b.Codes, 0
	case p.Kind == signin.KindReset:
		who.loginSet, who.codes, who.invited, who.makers, who.recipient = 0, 0, 0, nil, recipient{}
		who.stands(p.Version)
	default:
		return impossible(ruleSignIn)
	}
	return fault{}
}

// inviteEntry folds a link to set up. One that a person asked for itself is of its session.
func (who *person) inviteEntry(f *fold, p ledger.Placed, b about) fault {
	who.invited, who.renewing = b.Until, key{}
	if b.Session == "" {
		if maker := actorID(p); maker != "" && maker != b.Person && !slices.Contains(who.makers, maker) {
			who.makers = slices.Sorted(slices.Values(append(slices.Clone(who.makers), maker)))
			who.stands(p.Version)
		}
		return fault{}
	}
	sk, ok := keyOf(id.StaffSession, b.Session)
	s, open := f.inside.sessions[sk]
	if !ok || !open || s.person.name(id.Staff) != b.Person || p.Actor != "staff:"+b.Person {
		return impossible(ruleSignIn)
	}
	who.renewing = sk
	return fault{}
}

// staffSessionEntry folds who came and went. What a person signs in with must be there.
func (f *fold) staffSessionEntry(p ledger.Placed, b about, k key, who *person) fault {
	sk, ok := keyOf(id.StaffSession, b.Session)
	s, open := f.inside.sessions[sk]
	at := p.At.UnixMicro()
	switch {
	case !ok:
		return fault{what: FoundBody, field: ruleSignIn}
	case p.Kind == signin.KindEnded:
		if !open || s.person != k {
			return impossible(ruleSignIn)
		}
		delete(f.inside.sessions, sk)
		if who.renewing == sk {
			who.invited, who.renewing = 0, key{}
		}
		return fault{}
	case who.left != 0, p.Actor != "staff:"+b.Person, open != (p.Kind == signin.KindSteppedUp), open && s.person != k:
		return impossible(ruleSignIn)
	}
	switch b.Way {
	case signin.ByPassword, signin.BySetUp:
		if who.loginSet == 0 {
			return impossible(ruleSignIn)
		}
	case signin.ByRecovery:
		if who.codes--; who.codes < 0 {
			return impossible(ruleSignIn)
		}
	case signin.ByPasskey:
		pk, _ := keyOf(id.StaffPasskey, b.Passkey)
		if by, there := f.inside.passkeys[pk]; !open && (!there || by.person != k) {
			return impossible(rulePasskey)
		}
	case signin.ByProvider:
		if who.linked == 0 {
			return impossible(ruleSignIn)
		}
	default:
		return fault{what: FoundBody, field: ruleSignIn}
	}
	if open {
		if b.Until != 0 {
			if b.Way != signin.ByProvider || b.Until <= s.most {
				return fault{what: FoundBody, field: ruleSignIn}
			}
			s.most = b.Until
		}
		s.fresh = at
	} else if s = (staffSession{k, b.Way, at, at, b.Until}); b.Until <= at || b.Fresh > at || b.Fresh != 0 && b.Way != signin.ByProvider {
		return fault{what: FoundBody, field: ruleSignIn}
	} else if b.Fresh != 0 {
		s.fresh = b.Fresh
	}
	f.inside.sessions[sk] = s
	if !open {
		who.seatUsed = at
	}
	return fault{}
}

func (f *fold) staffPasskeyEntry(p ledger.Placed, b about, k key, who *person) fault {
	pk, ok := keyOf(id.StaffPasskey, b.Passkey)
	has, there := f.inside.passkeys[pk]
	adds := p.Kind == signin.KindPasskeyAdded
	switch {
	case !ok:
		return fault{what: FoundBody, field: rulePasskey}
	case there == adds, there && has.person != k, adds && (who.left != 0 || p.Actor != "staff:"+b.Person):
		return impossible(rulePasskey)
	case adds:
		f.inside.passkeys[pk] = staffPasskey{k, p.At.UnixMicro()}
	default:
		delete(f.inside.passkeys, pk)
	}
	return fault{}
}
