package wardkeep

import (
	"encoding/json"
	"time"
)

// Event is something that happened. Its id is that of the ledger entry.
type Event struct {
	ID      string          `json:"id" example:"le_00r8m0p3q5s9t2w4x6y8z0a1b2"`
	Type    string          `json:"type" enum:"charter.proposed,charter.refused,charter.taken_back,charter.published,charter.recalled,service.ceasing,service.ceased,child.registered,child.frozen,child.unfrozen,child.disputed,child.settled,child.corrected,child.turning_14,child.turned_14,child.turned_18,child.inactive,child.handed_over,child.event,child.erased,consent.requested,consent.sent,consent.opened,consent.verified,consent.expired,consent.cancelled,consent.granted,consent.refused,consent.withdrawn,shield.raised,shield.lifted,shield.over,request.received,request.confirmed,request.assigned,request.told,request.extended,request.done,request.refused,request.cancelled,request.recalled,order.issued,order.attested,order.reminded,order.overdue,order.end_attested,bundle.fetched,bundle.delivered,bundle.dropped,bundle.withheld,party.suspended,party.resumed,party.registered,party.assessed,party.agreed,party.mechanism_filed,party.halted,party.continued,party.sub_processors_declared,party.ended,party.parted,party.narrowed,party.trimmed,party.key_bound,party.key_revoked,party.seat_given,party.seat_taken,party.checked,party.alarm,legal.kept,legal.erased,suspicion.opened,suspicion.taken,suspicion.decided,takedown.opened,takedown.taken,takedown.decided,takedown.done,stream.registered,stream.tested,stream.flipped,stream.ended,assistance.asked,assistance.answered,incident.opened,incident.noted,incident.graded,incident.closed,incident.read,incident.contained,incident.planned,incident.ticked,authority.drafted,authority.sent,authority.confirmed,authority.answered,warning.drafted,warning.confirmed,warning.paused,warning.resumed,warning.extended,warning.prepared,warning.published,warning.withdrawn,complaint.received,complaint.added,complaint.reopened,complaint.acknowledged,complaint.answered,complaint.dismissed,complaint.reminded,complaint.erased,rectification.recorded,rectification.handed,rectification.postponed,rectification.appealed,rectification.proved,rectification.confirmed,rectification.reopened,rectification.reminded,yearly.filed,yearly.drawn,approval.broken,approval.review_late,approval.alarm,approval.foreign,approval.released,approval.told,screening.alarm,guardian.added,guardian.verified,guardian.ended"`
	At      time.Time       `json:"at"`
	Service string          `json:"service"`
	Child   string          `json:"child,omitempty" doc:"left out for the service itself, and three days after an erasure"`
	Data    json.RawMessage `json:"data" doc:"ids, names of purposes and codes; never a personal value. Of charter.published, material names the purposes whose older answers are stale: ask again"`
}

// Events is a page of events, the oldest first.
type Events struct {
	Events []Event `json:"events" nullable:"false"`
	Next   string  `json:"next" doc:"send it as after, to go on from here: now if more is true, later otherwise"`
	More   bool    `json:"more" doc:"there may be more right now"`
}

// Proof proves that an entry is in the ledger.
type Proof struct {
	Place   int64  `json:"place" doc:"from 0"`
	Leaf    []byte `json:"leaf" doc:"the bytes of the entry, which are what is proven"`
	Receipt string `json:"receipt" doc:"C2SP tlog-proof: place, inclusion proof, signed checkpoint"`
}

// LedgerKey verifies the ledger's checkpoints.
type LedgerKey struct {
	Key string `json:"key" doc:"C2SP signed-note verifier key; public"`
}

// Service is a service as it is, and what of it ends or has ended.
type Service struct {
	Service string   `json:"service"`
	State   string   `json:"state" enum:"live,test"`
	Charter int64    `json:"charter" doc:"number of the charter in force, 0 while there is none"`
	Ends    []Ending `json:"ends" doc:"what ends or has ended, the service itself first; nothing opens it again (Article 23)"`
}

// Ending is the end of a service, or of one of its purposes. From the announcement on
// nothing is collected or used for it.
type Ending struct {
	Purpose     string     `json:"purpose,omitempty" doc:"empty: the service itself"`
	Reason      string     `json:"reason" enum:"discontinued,closing_down,ordered"`
	AnnouncedAt time.Time  `json:"announced_at"`
	EndsAt      time.Time  `json:"ends_at" doc:"until then guardians look at what is held; then it is erased"`
	EndedAt     *time.Time `json:"ended_at,omitempty" doc:"when all was erased"`
	Successor   *Successor `json:"successor,omitempty" doc:"who takes over the service"`
}

// Successor takes over a service that ends: until then, what guardians agree to after the
// announcement may be transferred to it, and nothing else.
type Successor struct {
	Recipient string `json:"recipient" doc:"as the charter calls it"`
	Purpose   string `json:"purpose" doc:"for which it is transferred"`
}

// Charter is the published charter of a service, with the notice that its
// guardians read.
type Charter struct {
	Service    string `json:"service"`
	Number     int64  `json:"number"`
	Hash       string `json:"hash"`
	Lang       string `json:"lang" enum:"zh-CN,en"`
	Notice     Notice `json:"notice"`
	NoticeHash string `json:"notice_hash"`
}

// Notice is what a guardian is told before being asked (Article 10), as
// structured text in one language.
type Notice struct {
	Service     string          `json:"service"`
	CharterHash string          `json:"charter" doc:"hash of the charter"`
	Lang        string          `json:"lang"`
	Title       string          `json:"title"`
	Intro       string          `json:"intro" doc:"who asks, and that refusing is as easy as agreeing"`
	Summary     []NoticePoint   `json:"summary" nullable:"false" doc:"one screen: what, why, how long, where, who else, if you refuse"`
	Sections    []NoticeSection `json:"sections" nullable:"false" doc:"Article 10(1) to (7) in order, then necessity, then effect"`
	Purposes    []NoticePurpose `json:"purposes" nullable:"false" doc:"one answer each"`
}

// NoticeSection is one thing that the law wants said.
type NoticeSection struct {
	Key    string        `json:"key"`
	Basis  string        `json:"basis" doc:"the article"`
	Title  string        `json:"title"`
	Points []NoticePoint `json:"points" nullable:"false"`
}

// NoticePoint is a labelled text.
type NoticePoint struct {
	Label string `json:"label"`
	Text  string `json:"text"`
}

// NoticePurpose is what a guardian reads beside one switch.
type NoticePurpose struct {
	Name            string       `json:"name"`
	Label           string       `json:"label"`
	Necessary       bool         `json:"necessary"`
	Standing        string       `json:"standing" doc:"necessary or optional, in words"`
	What            string       `json:"what"`
	Why             string       `json:"why"`
	How             string       `json:"how"`
	Activities      string       `json:"activities"`
	HowLong         string       `json:"how_long"`
	AtExpiry        string       `json:"at_expiry"`
	Where           string       `json:"where"`
	WhoElse         string       `json:"who_else"`
	IfRefused       string       `json:"if_refused"`
	SeparateConsent bool         `json:"separate_consent"`
	Items           []NoticeItem `json:"items" nullable:"false"`
}

// NoticeItem is one item in words.
type NoticeItem struct {
	Name        string `json:"name"`
	Label       string `json:"label"`
	Sensitivity string `json:"sensitivity"`
	Necessity   string `json:"necessity"`
	Effect      string `json:"effect"`
}
