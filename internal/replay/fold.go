package replay

import (
	"slices"

	"wardkeep/internal/account"
	approvals "wardkeep/internal/approval"
	"wardkeep/internal/assistance"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/legal"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/rights"
	"wardkeep/internal/shield"
	"wardkeep/internal/suspicion"
	"wardkeep/internal/vault"
	"wardkeep/internal/verification"
	"wardkeep/internal/webhook"
	"wardkeep/internal/yearly"
)

// A fold is the state that the entries so far give.
//
// # Order
//
// For one child, and for one service, the order of entries is the order of
// versions. An entry of a change at version v comes after every entry at a
// version below v and after no use at v or later; several changes of one version
// are of one transaction, and so of one time. A use at version v comes after
// every change up to v. Versions may be left out: a denied collection raises the
// child's version and changes nothing.
//
// Between a child and its service there is no such order: the service's entry
// may have a later place than a use that rests on it. Such a use is kept, with
// its facts about the child, until the entry comes.
type fold struct {
	names     *names
	rows      map[charterID]charterRow
	report    func(Difference)
	services  map[string]*service
	apps      map[string]*credential
	hooks     map[string]*hook // that weren't removed
	orders    map[key]*partyOrder
	approved  map[key]*approval
	kept      map[key]*keeping
	keptOf    map[key][]*keeping  // by child
	allowed   map[key][]*approval // by child
	keptEnds  []keptEnd
	suspects  map[string]*suspected
	papers    map[string]*paper
	bound     map[string]*boundKey
	metered   map[party.ID]*meter
	crossings map[int64]*crossing // by year
	awaited   map[*child]awaited
	alarms    []partyAlarm // of parties, judged at the end
	children  map[key]*child
	erased    map[tomb]int64
	refusals  map[refusal]int
	traces    map[string]*trace           // by what family.TraceOf returns
	trace     func(subject string) []byte // nil without keys
	now       int64                       // what ended before it is remembered no more
	uses      int64
	cutAt     int64 // what was within two slacks from then may go on behind the last entry; 0: there is nothing behind it

	late   []*use   // they wait for an entry about their service
	events []*event // as do they
	shown  map[shown]source
	pages  map[string]bool   // hashes of the pages that guardians were shown
	forced map[string]source // services whose requests an app answered
	homes  map[sym]source    // services that children are of
	ends   []restsOnEnd      // what rests on an announcement that hasn't come yet
	rules  []restsOnRule     // what rests on a charter that hasn't come yet

	comparings []comparing
	harmful    map[string]*harmful
	logged     map[string]*logged
	joinings   map[string]*joining
	mishaps    map[string]*mishap
	planned    map[planID]*planned // emergency plans
	follows    []restsOnPlan
	alerts     map[string]alert       // alarms that open a case, by their entry
	reached    map[key][]reachedChild // by child
	behalves   map[change]behalf
	complaints map[string]*complained
	matters    map[string]*matter
	notices    map[string]*noticed    // of what cases have done
	audits     map[filedYear][]*filed // yearly ones
	inspected  map[string]*inspected
	packs      map[filedYear][]*drawn // of them
	helps      map[key]*helping
	bundles    map[key]*bundle // that wait
	said       []said
	stated     map[stated]*statement

	sessions map[key]signedIn // that are open
	passkeys map[key]passkey  // that open
	inside   insiders

	copies     map[string]*kept     // of the store, that were made
	restored   map[string]*restored // times that the store was put back
	missed     map[key]int64        // children erased while it wasn't this store: of whom a no is remembered
	missedNos  map[no]bool          // that guardians said in that time
	missedEnds map[string]bool      // services of which an end was announced in that time
	missedDone map[string]string    // demands that ended in that time, and by which kind of entry

	counts counts

	bodies gate.Bodies // of uses
	facts  scratch
	hand   use          // the one that is decided, so that most make no garbage
	recent [recent]open // a ring
	oldest int
}

// A source is the entry that says something.
type source struct {
	place            int64
	entry            string
	service, subject string
}

// A fault is what is wrong with an entry; the zero fault is none.
type fault struct{ what, field, want, got string }

// shown is a notice as an answer names it. There are few.
type shown struct {
	service string
	charter int64
	lang    string
	hash    string
}

func newFold(n *names, rows map[charterID]charterRow, report func(Difference)) *fold {
	return &fold{
		names: n, rows: rows, report: report, bodies: make(gate.Bodies),
		services: make(map[string]*service), apps: make(map[string]*credential), hooks: make(map[string]*hook), suspects: make(map[string]*suspected), papers: make(map[string]*paper), bound: make(map[string]*boundKey), metered: make(map[party.ID]*meter), crossings: make(map[int64]*crossing), awaited: make(map[*child]awaited), orders: make(map[key]*partyOrder), approved: make(map[key]*approval), kept: make(map[key]*keeping), keptOf: make(map[key][]*keeping), allowed: make(map[key][]*approval), children: make(map[key]*child),
		erased: make(map[tomb]int64), refusals: make(map[refusal]int), traces: make(map[string]*trace), shown: make(map[shown]source),
		pages: make(map[string]bool), forced: make(map[string]source), homes: make(map[sym]source),
		sessions: make(map[key]signedIn), passkeys: make(map[key]passkey), inside: newInsiders(),
		harmful: make(map[string]*harmful), logged: make(map[string]*logged), joinings: make(map[string]*joining), mishaps: make(map[string]*mishap), planned: make(map[planID]*planned), alerts: make(map[string]alert), reached: make(map[key][]reachedChild), behalves: make(map[change]behalf), complaints: make(map[string]*complained), matters: make(map[string]*matter), notices: make(map[string]*noticed), audits: make(map[filedYear][]*filed), packs: make(map[filedYear][]*drawn), inspected: make(map[string]*inspected), helps: make(map[key]*helping), bundles: make(map[key]*bundle), stated: make(map[stated]*statement), copies: make(map[string]*kept), restored: make(map[string]*restored), missed: make(map[key]int64), missedNos: make(map[no]bool), missedEnds: make(map[string]bool), missedDone: make(map[string]string),
	}
}

func (f *fold) blame(s source, x fault) {
	if x == (fault{}) {
		return
	}
	f.report(Difference{Place: s.place, Entry: s.entry, Service: s.service, Subject: s.subject,
		What: x.what, Field: x.field, Want: x.want, Got: x.got})
}

// entry folds one entry, and reports at most one thing about it.
func (f *fold) entry(p ledger.Placed) {
	s := source{place: p.Place, entry: p.ID, service: p.Service}
	if id.Is(id.Subject, p.Subject) {
		s.subject = p.Subject
	}
	f.settle(p.At.UnixMicro())
	f.blame(s, f.fold(p, s))
}

// ofServices are the kinds about a service itself, ofChildren those about a
// child. What is in neither nobody knows.
var (
	ofServices = []string{catalog.KindCreated, catalog.KindProposed, catalog.KindPublished, catalog.KindRecalled, catalog.KindAppointed, catalog.KindEnded,
		catalog.KindApproved, catalog.KindRefused, catalog.KindTakenBack, catalog.KindReached, catalog.KindRecorded, catalog.KindAssessed, catalog.KindCeasing, catalog.KindCeased,
		account.KindIssued, account.KindRevoked, webhook.KindAdded, webhook.KindRotated, webhook.KindRemoved, webhook.KindReplayed, webhook.KindChanged, webhook.KindPaused, webhook.KindResumed, vault.KindSwept,
		catalog.KindSuspended, catalog.KindResumed, order.KindAttested, order.KindReminded, order.KindOverdue, order.KindStated, legal.KindErased,
		suspicion.KindOpened, suspicion.KindTaken, suspicion.KindDecided,
		party.KindRegistered, party.KindAssessed, party.KindAgreed, party.KindFiled, party.KindHalted, party.KindContinued, party.KindDeclared, party.KindEnded, party.KindParted, party.KindNarrowed, party.KindTrimmed,
		party.KindBound, party.KindRevoked, party.KindSeated, party.KindUnseated, party.KindChecked, party.KindAlarm}
	ofChildren = []string{
		gate.KindPermitted, gate.KindDenied, gate.KindReleased, gate.KindWithheld, vault.KindFetched, vault.KindDelivered, vault.KindDropped, gate.KindViewed, gate.KindViewDenied, gate.KindCopied, gate.KindCopyDenied, gate.KindPorted, gate.KindPortDenied,
		vault.KindCollected, vault.KindKept, vault.KindEvent, vault.KindErased,
		family.KindRegistered, family.KindCorrected, family.KindFrozen, family.KindUnfrozen, family.KindDisputed, family.KindSettled,
		family.KindTurning, family.KindTurned, family.KindGrown, family.KindCeasing, family.KindInactive, family.KindHandedOver, family.KindErased, family.KindGuardianAdded, family.KindGuardianVerified, family.KindGuardianEnded,
		family.KindGuardianProved, family.KindProofExpired,
		verification.KindStarted, verification.KindSucceeded, verification.KindFailed, verification.KindSeen, verification.KindApproved,
		consent.KindRequested, consent.KindSent, consent.KindOpened, consent.KindVerified, consent.KindExpired, consent.KindCancelled,
		consent.KindGranted, consent.KindRefused, consent.KindWithdrawn,
		rights.KindReceived, rights.KindConfirmed, rights.KindAssigned, rights.KindShown, rights.KindTold, rights.KindExtended, rights.KindDone, rights.KindRefused, rights.KindCancelled, rights.KindRecalled,
		shield.KindAsked, shield.KindShown, shield.KindRaised, shield.KindRefused, shield.KindLifted, shield.KindOver,
		rights.KindClaimed, rights.KindClaimRefused, rights.KindClaimExpired, order.KindIssued, legal.KindKept, assistance.KindAsked, assistance.KindAnswered,
		approvals.KindAsked, approvals.KindGranted, approvals.KindNarrowed, approvals.KindRefused, approvals.KindEnded, approvals.KindBroken, approvals.KindAgreed,
		approvals.KindForeign, approvals.KindReleased, approvals.KindTold,
	}
	// ofBoth are the kinds about a child, or about all of a service.
	ofBoth = []string{legal.KindApproved, legal.KindEnded}
)

func (f *fold) fold(p ledger.Placed, s source) fault {
	both := slices.Contains(ofBoth, p.Kind)
	switch {
	case slices.Contains(ofChildren, p.Kind), both && p.Subject != "":
		k, ok := keyOf(id.Subject, p.Subject)
		if !ok || p.Service == "" {
			return fault{what: FoundBody, field: "subject"}
		}
		return f.childEntry(p, s, k)
	case slices.Contains(ofServices, p.Kind), both:
		if p.Subject != "" || p.Service == "" {
			return fault{what: FoundBody, field: "subject"}
		}
		x := f.serviceEntry(p, s)
		f.resolve()
		return x
	case slices.Contains(ofScreening, p.Kind):
		if p.Subject != "" || p.Service == "" || p.Version != 0 {
			return fault{what: FoundBody, field: "subject"}
		}
		return f.screeningEntry(p, s)
	case slices.Contains(ofTakedowns, p.Kind):
		if p.Subject != "" || p.Service == "" || p.Version != 0 {
			return fault{what: FoundBody, field: "subject"}
		}
		return f.takedownEntry(p)
	case slices.Contains(ofStreams, p.Kind):
		if p.Subject != "" || p.Service == "" || p.Version != 0 {
			return fault{what: FoundBody, field: "subject"}
		}
		return f.streamEntry(p)
	case slices.Contains(ofIncidents, p.Kind):
		if p.Subject != "" || p.Service == "" || p.Version != 0 {
			return fault{what: FoundBody, field: "subject"}
		}
		return f.incidentEntry(p, s)
	case slices.Contains(ofReach, p.Kind):
		if p.Subject != "" || p.Service == "" || p.Version != 0 {
			return fault{what: FoundBody, field: "subject"}
		}
		return f.reachEntry(p, s)
	case slices.Contains(ofWarnings, p.Kind):
		if p.Subject != "" || p.Service == "" || p.Version != 0 {
			return fault{what: FoundBody, field: "subject"}
		}
		return f.warningEntry(p, s)
	case slices.Contains(ofAuthority, p.Kind):
		if p.Subject != "" || p.Service == "" || p.Version != 0 {
			return fault{what: FoundBody, field: "subject"}
		}
		return f.authorityEntry(p, s)
	case slices.Contains(ofComplaints, p.Kind):
		if p.Subject != "" || p.Service == "" || p.Version != 0 {
			return fault{what: FoundBody, field: "subject"}
		}
		return f.complaintEntry(p, s)
	case slices.Contains(ofRectifications, p.Kind):
		if p.Subject != "" || p.Service == "" || p.Version != 0 {
			return fault{what: FoundBody, field: "subject"}
		}
		return f.rectificationEntry(p, s)
	case p.Kind == yearly.KindFiled:
		if p.Subject != "" || p.Service == "" || p.Version != 0 {
			return fault{what: FoundBody, field: "subject"}
		}
		return f.yearlyEntry(p, s)
	case slices.Contains(ofInspections, p.Kind):
		if p.Subject != "" || p.Service == "" || p.Version != 0 {
			return fault{what: FoundBody, field: "subject"}
		}
		return f.inspectionEntry(p, s)
	case p.Kind == yearly.KindDrawn:
		if p.Subject != "" || p.Service == "" || p.Version != 0 {
			return fault{what: FoundBody, field: "subject"}
		}
		return f.packEntry(p, s)
	case slices.Contains(ofGlass, p.Kind):
		if p.Subject != "" || p.Service == "" {
			return fault{what: FoundBody, field: "subject"}
		}
		return f.glassEntry(p, s)
	case slices.Contains(ofSessions, p.Kind):
		if p.Subject != "" || p.Service != "" {
			return fault{what: FoundBody, field: "subject"}
		}
		return f.sessionEntry(p)
	case slices.Contains(ofStaff, p.Kind):
		if p.Subject != "" || p.Service != "" {
			return fault{what: FoundBody, field: "subject"}
		}
		return f.staffEntry(p)
	case slices.Contains(ofStore, p.Kind):
		if p.Subject != "" || p.Service != "" {
			return fault{what: FoundBody, field: "subject"}
		}
		return f.storeEntry(p)
	}
	return fault{what: FoundKind, got: f.names.shown(p.Kind)}
}

// finish judges what had to wait for the last entry.
func (f *fold) finish() {
	f.settle(0)
	f.checkGlass()
	f.checkAlarms()
	f.closeMeters()
	f.checkTerminal()
	f.resolve()
	for _, u := range f.late {
		if !f.goesOn(u.at) {
			f.blame(u.source, u.missing)
		}
	}
	f.late = nil
	for _, c := range f.comparings {
		f.blame(c.source, f.compared(c))
	}
	f.comparings = nil
	for _, e := range f.events {
		x, _ := f.told(e)
		f.blame(e.source, x)
	}
	f.events = nil
	for _, e := range f.ends {
		if x, _ := f.announced(e); x != (fault{}) {
			f.blame(e.source, x)
		}
	}
	f.checkCrossings()
	f.checkRules()
	f.checkNotices()
	for name, s := range f.forced {
		if sv := f.services[name]; sv != nil && sv.state != catalog.Test {
			f.blame(s, fault{what: FoundImpossible, field: ruleForced})
		}
	}
	for home, s := range f.homes {
		if f.services[f.names.text(home)] == nil {
			f.blame(s, fault{what: FoundImpossible, field: "service"})
		}
	}
	f.reportUndecided()
	f.checkOrders()
	f.checkNarrowings()
	f.checkSaid()
	f.checkStated()
	f.checkSeats()
	f.checkRaised()
	f.checkKept()
	f.checkPlans()
	f.checkBehalves()
	for k, c := range f.children {
		if o := c.opening; o != nil && o.collect && !o.written && c.state != erased && !f.goesOn(o.at) {
			s := o.source
			s.subject = k.name(id.Subject)
			f.blame(s, fault{what: FoundImpossible, field: ruleCollected})
		}
		f.silent(k, c)
	}
}

// goesOn reports whether what happened at that time may go on behind the last entry.
func (f *fold) goesOn(at int64) bool { return f.cutAt != 0 && at >= f.cutAt && at <= f.cutAt+2*slack }

// The rules that entries obey, as Difference.Field names them.
const (
	ruleRegistered = "registered"
	rulePermit     = "permit"
	ruleExpiry     = "expires_at"
	ruleCollected  = "collected"
	ruleHeld       = "held"
	ruleEvent      = "event"
	ruleGuardian   = "guardian"
	ruleStrength   = "strength"
	ruleProof      = "proof"
	ruleAttempt    = "verification"
	ruleAnswer     = "answer"
	ruleRequest    = "request"
	ruleActor      = "actor"
	ruleForced     = "forced"
	ruleState      = "state"
	ruleClass      = "age"
	ruleService    = "service"
	ruleNumber     = "number"
	ruleHash       = "hash"
	ruleOffice     = "office"
	ruleSession    = "session"
	rulePasskey    = "passkey"
	ruleDemand     = "demand"
	rulePort       = "port"
	ruleClaim      = "birth claim"
	ruleShield     = "shield"
	ruleWebhook    = "webhook"
	ruleCessation  = "cessation"
	ruleInactive   = "inactive"
	ruleHandover   = "handover"
	ruleSwept      = "swept"
	ruleOrder      = "order"
	ruleKept       = "kept"
	ruleBackup     = "backup"
	ruleRestored   = "restored"
	ruleSuspicion  = "suspicion"
	ruleTakedown   = "takedown"
	ruleStream     = "stream"
	ruleIncident   = "incident"
	ruleList       = "list"
	ruleComplaint  = "complaint"

	ruleRectification = "rectification"
	ruleWarning       = "warning"
	ruleReport        = "report"
	ruleYearly        = "yearly"
	ruleInspection    = "inspection"

	ruleHelp      = "assistance"
	rulePerson    = "person"
	ruleSignIn    = "sign-in"
	ruleApproval  = "approval"
	ruleAlarm     = "alarm"
	ruleRecipient = "recipient"
	ruleReached   = "reached"
	ruleParty     = "party"
	ruleMeter     = "meter"
	ruleBundle    = "bundle"
	ruleBorder    = "border"
	ruleImpact    = "impact"
)

func impossible(rule string) fault { return fault{what: FoundImpossible, field: rule} }

// body decodes the body of an entry.
func body[T any](p ledger.Placed) (b T, x fault) {
	if err := p.Into(&b); err != nil {
		return b, fault{what: FoundBody, field: p.Kind}
	}
	return b, fault{}
}
