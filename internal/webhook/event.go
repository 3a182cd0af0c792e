package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"wardkeep/client"
	"wardkeep/internal/approval"
	"wardkeep/internal/assistance"
	"wardkeep/internal/authority"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/complaint"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/legal"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/publication"
	"wardkeep/internal/rectification"
	"wardkeep/internal/rights"
	"wardkeep/internal/shield"
	"wardkeep/internal/stream"
	"wardkeep/internal/suspicion"
	"wardkeep/internal/takedown"
	"wardkeep/internal/vault"
	"wardkeep/internal/warning"
	"wardkeep/internal/yearly"
)

// types are the kinds of ledger entries that an operator is told of. Uses are not
// among them: they are the operator's own doing. There is none for each consent that a new
// charter makes stale: charter.published says it for all, with the purposes that it asks about
// again in "material".
var types = []string{
	catalog.KindProposed, catalog.KindRefused, catalog.KindTakenBack, catalog.KindPublished, catalog.KindRecalled, catalog.KindCeasing, catalog.KindCeased, catalog.KindSuspended, catalog.KindResumed,

	family.KindRegistered, family.KindFrozen, family.KindUnfrozen, family.KindDisputed, family.KindSettled,
	family.KindCorrected, family.KindTurning, family.KindTurned, family.KindGrown, family.KindInactive, family.KindHandedOver, family.KindErased,
	vault.KindEvent,
	family.KindGuardianAdded, family.KindGuardianVerified, family.KindGuardianEnded,

	consent.KindRequested, consent.KindSent, consent.KindOpened, consent.KindVerified, consent.KindExpired,
	consent.KindCancelled, consent.KindGranted, consent.KindRefused, consent.KindWithdrawn,

	shield.KindRaised, shield.KindLifted, shield.KindOver,
	rights.KindReceived, rights.KindConfirmed, rights.KindAssigned, rights.KindTold, rights.KindExtended, rights.KindDone, rights.KindRefused, rights.KindCancelled, rights.KindRecalled,
	suspicion.KindOpened, suspicion.KindTaken, suspicion.KindDecided,
	takedown.KindOpened, takedown.KindTaken, takedown.KindDecided, takedown.KindDone,
	stream.KindRegistered, stream.KindTested, stream.KindFlipped, stream.KindEnded,
	assistance.KindAsked, assistance.KindAnswered,
	incident.KindOpened, incident.KindNoted, incident.KindGraded, incident.KindClosed, incident.KindRead, incident.KindContained, incident.KindPlanned, incident.KindTicked,
	authority.KindDrafted, authority.KindSent, authority.KindConfirmed, authority.KindAnswered,
	warning.KindDrafted, warning.KindConfirmed, warning.KindPaused, warning.KindResumed, warning.KindExtended, warning.KindPrepared, warning.KindPublished, warning.KindWithdrawn,
	complaint.KindReceived, complaint.KindAdded, complaint.KindReopened, complaint.KindAcknowledged, complaint.KindAnswered, complaint.KindDismissed, complaint.KindReminded, complaint.KindErased,
	rectification.KindRecorded, rectification.KindHanded, rectification.KindPostponed, rectification.KindAppealed,
	rectification.KindProved, rectification.KindConfirmed, rectification.KindReopened, rectification.KindReminded,
	yearly.KindFiled, yearly.KindDrawn,

	order.KindIssued, order.KindAttested, order.KindReminded, order.KindOverdue, order.KindStated,
	vault.KindFetched, vault.KindDelivered, vault.KindDropped, gate.KindWithheld,

	party.KindRegistered, party.KindAssessed, party.KindAgreed, party.KindFiled, party.KindHalted, party.KindContinued, party.KindDeclared, party.KindEnded, party.KindParted, party.KindNarrowed, party.KindTrimmed,
	party.KindBound, party.KindRevoked, party.KindSeated, party.KindUnseated,
	party.KindChecked, party.KindAlarm,

	approval.KindBroken, approval.KindReviewLate, approval.KindAlarm, approval.KindForeign, approval.KindReleased, approval.KindTold, publication.KindAlarm,

	legal.KindKept, legal.KindErased,
}

// ofOrders are the kinds about orders that a processor or a recipient is told of, and ofParties
// all that it is told of.
var (
	ofOrders  = []string{order.KindIssued, order.KindAttested, order.KindReminded, order.KindOverdue}
	ofParties = append(slices.Clone(ofOrders), assistance.KindAsked)
)

// A PartyTask is what a party is told of a task: not whose it is, nor who has asked.
type PartyTask struct {
	Task  string   `json:"task"`
	Kind  string   `json:"kind"` // of what is demanded
	Item  string   `json:"item,omitempty"`
	Items []string `json:"items"` // that it may hold
	Due   int64    `json:"due"`   // microseconds
}

// toParty is an event as a party reads it. By the id of a task it finds the rest with its own
// key, or its seat, where it is recorded (Article 16(2)).
func toParty(e wardkeep.Event) (wardkeep.Event, error) {
	if e.Type != assistance.KindAsked {
		return e, nil
	}
	var b assistance.AskedBody
	if err := json.Unmarshal(e.Data, &b); err != nil {
		return e, err
	}
	data, err := json.Marshal(PartyTask{b.Task, b.Kind, b.Item, b.Items, b.Due})
	e.Child, e.Data = "", data
	return e, err
}

// Tells reports whether an operator is told of entries of this kind.
func Tells(kind string) bool { return slices.Contains(types, kind) }

// Types returns the types of events that there are.
func Types() []string { return slices.Clone(types) }

// everyOf ends a type that stands for all of its kind: "consent.*".
const everyOf = ".*"

// matches reports whether a type that was asked for is, or stands for, a kind.
func matches(asked, kind string) bool {
	begin, every := strings.CutSuffix(asked, everyOf)
	return asked == kind || every && strings.HasPrefix(kind, begin+".")
}

// knownTypes reports whether each asked for is, or stands for, one of those that there
// are.
func knownTypes(asked, among []string) bool {
	return !slices.ContainsFunc(asked, func(a string) bool {
		return !slices.ContainsFunc(among, func(kind string) bool { return matches(a, kind) })
	})
}

// TellsOf reports whether an operator's system is told of an entry. Of what an app's own key
// has raised it isn't: who has got hold of an app has its receiver of events, too, and would
// learn from the alarm, or the case that it opens, which child is a decoy, and from a notice or a report about
// that case that somebody is after them. Of what is practised
// nobody outside is told (Article 21).
func TellsOf(p ledger.Placed) bool {
	if !Tells(p.Kind) || p.Kind == approval.KindAlarm && strings.HasPrefix(p.Actor, "app:") {
		return false
	}
	if !strings.HasPrefix(p.Kind, "incident.") && !strings.HasPrefix(p.Kind, "warning.") && !strings.HasPrefix(p.Kind, "authority.") {
		return true
	}
	var b struct {
		Drill   bool   `json:"drill"`
		Suspect string `json:"suspect"`
	}
	return json.Unmarshal(p.Body, &b) == nil && !b.Drill && !strings.HasPrefix(b.Suspect, "app:")
}

// tells reports whether the endpoint is told of an entry.
func (e Endpoint) tells(p ledger.Placed) bool {
	return p.Service == e.Service && e.hears(p.Kind) && TellsOf(p) && (e.Party == "" || partyOf(p) == e.Party)
}

// hears reports whether the endpoint may be told of entries of this kind. A processor
// or a recipient is told of its orders and its tasks, and of nothing else (Article 15).
func (e Endpoint) hears(kind string) bool {
	if e.Party != "" && !slices.Contains(ofParties, kind) {
		return false
	}
	return Tells(kind) && (len(e.Types) == 0 || slices.ContainsFunc(e.Types, func(a string) bool { return matches(a, kind) }))
}

// partyOf returns whom an order is for.
func partyOf(p ledger.Placed) string { return orderOf(p).Party }

// orderOf returns what an entry about an order says of it, of whichever kind.
func orderOf(p ledger.Placed) (b order.OverdueBody) {
	if json.Unmarshal(p.Body, &b) != nil {
		return order.OverdueBody{}
	}
	return b
}

// prefixes are how the kinds begin that the endpoint may be told of.
func (e Endpoint) prefixes() (all []string) {
	for _, kind := range types {
		if e.hears(kind) {
			begin, _, _ := strings.Cut(kind, ".")
			all = append(all, begin+".")
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Event is an entry as the operator reads it: with its own id of the child, and
// without the pseudonym. Children keeps the ids that were looked up.
func Event(ctx context.Context, tx *db.Tx, ring *keyring.Ring, p ledger.Placed, children map[string]family.ID) (wardkeep.Event, error) {
	e := wardkeep.Event{ID: p.ID, Type: p.Kind, At: p.At, Service: p.Service, Data: p.Body}
	if slices.Contains(ofOrders, p.Kind) {
		// An order is told for as long as it is open, also when its child is erased.
		child, err := order.ChildOf(ctx, tx, ring, p.Service, orderOf(p).Order)
		if errors.Is(err, order.ErrNotFound) {
			err = nil
		}
		e.Child = string(child)
		return e, err
	}
	if p.Subject == "" {
		return e, nil
	}
	child, known := children[p.Subject]
	if !known {
		var err error
		// None: it was erased, and nothing leads back any more.
		if child, err = family.ChildOf(ctx, tx, ring, p.Subject); err != nil && !errors.Is(err, family.ErrNotFound) {
			return e, err
		}
		children[p.Subject] = child
	}
	e.Child = string(child)
	return e, nil
}
