// Package message tells guardians by message what was recorded: what they were asked,
// answered and took back (Articles 9, 10 and 20), and what else happened that they
// would want to know of: another guardian, a dispute, the end of a proof, a
// sign-in, an erasure. It tells officer and deputy of alarms (Article 15).
//
// Its one invariant: a message goes out after what it tells of is durable, to a
// contact that is on file at that moment, and nothing is kept longer so that it
// can be sent.
//
// What happens is read from the ledger, so that no message is lost when we crash:
// FromLedger says which are due, each with a name by which it is sent once, and a
// Teller sends them. Where the contact ends with what happens, a Farewell is
// written before the commit and sent right after it.
package message

import (
	"context"
	"errors"
	"strconv"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/approval"
	"wardkeep/internal/assistance"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/complaint"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/notify"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/publication"
	"wardkeep/internal/rectification"
	"wardkeep/internal/rights"
	"wardkeep/internal/session"
	"wardkeep/internal/staff"
	"wardkeep/internal/stream"
	"wardkeep/internal/verification"
)

// A Due is a message that an entry of the ledger asks for.
type Due struct {
	About    string            // what it is about and, where several are told, who is: one message for each
	Entry    string            // "le_…"
	Kind     string            // of notify; empty for an answer or a withdrawal, whose kind its entries tell
	Guardian family.GuardianID // who is told; empty where the entry says so

	Person string // "st_…", who is told of an alarm, and no guardian
	Cause  string // of that alarm
	At     int64  // microseconds, where no entry tells when it was
}

// Round bounds how many entries one look at the ledger passes.
const Round = 25_600

// maxAge is when a message would say nothing new any more. It also keeps a store
// that is upgraded from telling of years.
const maxAge = 72 * time.Hour

// A reading says which messages an entry asks for. It reads what is on file by
// then: of a child that was erased since, nobody is told.
type reading func(ctx context.Context, tx *db.Tx, ring *keyring.Ring, p ledger.Placed) ([]Due, error)

// told are the kinds of entries that somebody is told of.
var told = map[string]reading{
	consent.KindGranted:   answer,
	consent.KindRefused:   answer,
	consent.KindWithdrawn: answer,

	family.KindDisputed:         everybody(notify.KindDisputed),
	family.KindSettled:          everybody(notify.KindSettled),
	family.KindCorrected:        everybody(notify.KindCorrected),
	family.KindTurning:          everybody(notify.KindTurning),
	family.KindTurned:           everybody(notify.KindTurned),
	family.KindInactive:         everybody(notify.KindInactive),
	family.KindCeasing:          ceasing,
	family.KindGuardianAdded:    added,
	family.KindGuardianEnded:    ended,
	family.KindGuardianVerified: unverified,
	family.KindProofExpired:     proofExpired,

	verification.KindSucceeded: succeeded,
	verification.KindFailed:    failed,

	rights.KindReceived:  demanded,
	rights.KindConfirmed: takenOn,
	rights.KindExtended:  answered(notify.KindDemandExtended),
	rights.KindDone:      done,
	rights.KindRefused:   answered(notify.KindDemandRefused),
	rights.KindCancelled: kept,
	rights.KindRecalled:  portEnded,

	gate.KindCopied: copied,
	gate.KindPorted: everybody(notify.KindPortTaken),

	approval.KindAlarm:      alarm,
	approval.KindBroken:     broken,
	approval.KindReviewLate: unreviewed,
	approval.KindReleased:   released,
	approval.KindTold:       releasedBefore,

	publication.KindAlarm: foundMuch,
	account.KindIssued:    given,

	incident.KindOpened: leaked,
	stream.KindFlipped:  flipped,

	complaint.KindReceived: complained(Complaint),
	complaint.KindReopened: complained(Complaint),
	complaint.KindReminded: complained(ComplaintDue),

	rectification.KindReminded: unrectified,

	order.KindIssued:     ordered,
	order.KindReminded:   ordered,
	order.KindOverdue:    ordered,
	assistance.KindAsked: ordered,

	party.KindAlarm:       owed,
	catalog.KindSuspended: shut,

	session.KindOpened: comingIn(notify.KindSignedIn),
	session.KindAdded:  comingIn(notify.KindPasskeyAdded),
}

// prefixes are how the kinds of told begin.
var prefixes = []string{"consent.", "child.", "guardian.", "verification.", "request.", "access.", "session.", "passkey.", "approval.", "incident.", "complaint.", "rectification.", "party.", "order.", "assistance.", "credential.", "stream.", "screening."}

// Tells reports whether somebody is told of entries of this kind.
func Tells(kind string) bool { return told[kind] != nil }

// FromLedger returns the messages that the entries from a place on ask for, in
// their order, and the place of the first entry that it hasn't looked at: from,
// if there is none.
func FromLedger(ctx context.Context, tx *db.Tx, ring *keyring.Ring, from int64) (due []Due, next int64, err error) {
	head, err := ledger.Head(ctx, tx)
	if err != nil {
		return nil, from, err
	}
	next = max(from, min(head.Size, from+Round))
	var entries []ledger.Placed
	err = ledger.ReadKinds(ctx, tx, from, next, prefixes, func(p ledger.Placed) error {
		// Article 23: nothing is erased with a service before this was told, late or not. An
		// account that nobody uses is erased on the day that this tells (Article 12).
		if told[p.Kind] != nil && (tx.Now().Sub(p.At) <= maxAge || p.Kind == family.KindCeasing || p.Kind == family.KindInactive) {
			entries = append(entries, p)
		}
		return nil
	})
	if err != nil {
		return nil, from, err
	}
	seen := make(map[string]bool)
	for _, p := range entries {
		more, err := told[p.Kind](ctx, tx, ring, p)
		if err != nil && !nobody(err) {
			return nil, from, err
		}
		for _, d := range more {
			if !seen[d.About] {
				seen[d.About] = true
				due = append(due, d)
			}
		}
	}
	return due, next, nil
}

// nobody reports whether an error says that who was to be told is gone.
func nobody(err error) bool {
	for _, gone := range []error{
		ErrNobody, family.ErrNotFound, family.ErrErased, family.ErrGuardianNotFound, family.ErrGuardianEnded,
		consent.ErrMayNot, consent.ErrNoRequest, consent.ErrNotFound, verification.ErrNotFound, session.ErrSignedOut, session.ErrPasskey,
		rights.ErrNotFound, staff.ErrNotFound, staff.ErrNoAddress, approval.ErrNotFound,
	} {
		if errors.Is(err, gone) {
			return true
		}
	}
	return false
}

// answer is one message for all answers to a request, and one for each
// withdrawal. What an app played in a test service is told to nobody, and a no
// with which a child's life is over by a Farewell: the contact ends with it.
func answer(_ context.Context, _ *db.Tx, _ *keyring.Ring, p ledger.Placed) ([]Due, error) {
	var a consent.AnswerBody
	if err := p.Into(&a); err != nil || a.Channel == consent.OnTest || a.Over {
		return nil, err
	}
	if a.Request == "" && a.Withdraws == "" {
		return nil, nil // a no that a restore has kept was confirmed when it was given
	}
	if a.Withdraws != "" {
		return []Due{{About: a.Consent, Entry: p.ID}}, nil
	}
	return []Due{{About: a.Request, Entry: p.ID}}, nil
}

// everybody tells all verified guardians in office.
func everybody(kind string) reading {
	return func(ctx context.Context, tx *db.Tx, ring *keyring.Ring, p ledger.Placed) ([]Due, error) {
		return others(ctx, tx, ring, p, kind, "")
	}
}

// others tells all verified guardians in office but one. Nobody else hears
// anything of a child: that a number is on file proves nothing.
func others(ctx context.Context, tx *db.Tx, ring *keyring.Ring, p ledger.Placed, kind string, but family.GuardianID) (due []Due, err error) {
	_, guardians, err := familyOf(ctx, tx, ring, p)
	for _, g := range guardians {
		if g.MayAnswer() && g.ID != but {
			due = append(due, one(p, kind, g.ID))
		}
	}
	return due, err
}

func one(p ledger.Placed, kind string, guardian family.GuardianID) Due {
	return Due{About: p.ID + "." + string(guardian), Entry: p.ID, Kind: kind, Guardian: guardian}
}

// familyOf returns the child of an entry and everybody who is or was tied to it.
func familyOf(ctx context.Context, tx *db.Tx, ring *keyring.Ring, p ledger.Placed) (child family.Child, guardians []family.Guardian, err error) {
	id, err := family.ChildOf(ctx, tx, ring, p.Subject)
	if err != nil {
		return child, nil, err
	}
	if child, err = family.Find(ctx, tx, p.Service, id); err != nil {
		return child, nil, err
	}
	return child, guardians, tx.Together(ctx, family.ReadGuardians(&guardians, id))
}

func find(guardians []family.Guardian, id family.GuardianID) family.Guardian {
	for _, g := range guardians {
		if g.ID == id {
			return g
		}
	}
	return family.Guardian{}
}

// ceasing tells all verified guardians of the end of a service, or of a purpose, once:
// the same entry may be there twice, if we crashed between them.
func ceasing(ctx context.Context, tx *db.Tx, ring *keyring.Ring, p ledger.Placed) ([]Due, error) {
	var b family.CeasingBody
	if err := p.Into(&b); err != nil {
		return nil, err
	}
	kind := notify.KindCeasing
	if b.Purpose != "" {
		kind = notify.KindPurposeCeasing
	}
	due, err := others(ctx, tx, ring, p, kind, "")
	for i, d := range due {
		due[i].About = "ceasing." + b.Purpose + "." + p.Subject + "." + string(d.Guardian)
	}
	return due, err
}

// enrolled is the version of a child that was just registered, with the first of
// those who are tied to it.
const enrolled = 1

func added(ctx context.Context, tx *db.Tx, ring *keyring.Ring, p ledger.Placed) ([]Due, error) {
	var b family.GuardianAddedBody
	if err := p.Into(&b); err != nil || p.Version == enrolled {
		return nil, err
	}
	if b.Relation == family.Self {
		return nil, nil // the minor is asked itself, and answers for itself (edge case 4)
	}
	kind := notify.KindGuardianAdded
	if !b.Relation.MaySpeak() {
		kind = notify.KindContactAdded // edge case 11
	}
	return others(ctx, tx, ring, p, kind, b.Guardian)
}

// ended tells those who stay: who goes was told by a Farewell.
func ended(ctx context.Context, tx *db.Tx, ring *keyring.Ring, p ledger.Placed) ([]Due, error) {
	var b family.GuardianEndedBody
	if err := p.Into(&b); err != nil {
		return nil, err
	}
	_, guardians, err := familyOf(ctx, tx, ring, p)
	if err != nil || !find(guardians, b.Guardian).Relation.MaySpeak() {
		return nil, err
	}
	return others(ctx, tx, ring, p, notify.KindGuardianRemoved, b.Guardian)
}

// unverified tells of a proof that was taken back. Each code that a guardian types
// verifies it once more, and isn't told. Without such a code nothing is taken back
// again, so these messages are at most as many as the codes, which are limited.
func unverified(ctx context.Context, tx *db.Tx, ring *keyring.Ring, p ledger.Placed) ([]Due, error) {
	var b family.GuardianVerifiedBody
	if err := p.Into(&b); err != nil || b.Strength != family.Unproved {
		return nil, err
	}
	_, guardians, err := familyOf(ctx, tx, ring, p)
	if err != nil || !find(guardians, b.Guardian).Relation.MaySpeak() {
		return nil, err
	}
	due, err := others(ctx, tx, ring, p, notify.KindOtherUnverified, b.Guardian)
	return append(due, one(p, notify.KindUnverified, b.Guardian)), err
}

// proofExpired tells once of all proofs of a guardian that ran out together.
func proofExpired(_ context.Context, _ *db.Tx, _ *keyring.Ring, p ledger.Placed) ([]Due, error) {
	var b family.ProofExpiredBody
	if err := p.Into(&b); err != nil {
		return nil, err
	}
	about := string(b.Guardian) + "." + strconv.FormatInt(p.Version, 10)
	return []Due{{About: about, Entry: p.ID, Kind: notify.KindProofExpired, Guardian: b.Guardian}}, nil
}

func succeeded(ctx context.Context, tx *db.Tx, ring *keyring.Ring, p ledger.Placed) ([]Due, error) {
	var b verification.AttemptBody
	if err := p.Into(&b); err != nil {
		return nil, err
	}
	a, err := attempt(ctx, tx, ring, p, b.Verification)
	switch {
	case err != nil:
		return nil, err
	case a.Method == family.ByDocument:
		return []Due{one(p, notify.KindDocumentAccepted, a.Guardian)}, nil
	case a.Method == family.ByOfficial:
		return []Due{one(p, notify.KindIdentityAccepted, a.Guardian)}, nil
	}
	return nil, nil // by name and number: the guardian has it on the screen
}

// failed tells of no reason, as the page doesn't. Who broke off at the official
// service, or found it out of reach, knows.
func failed(ctx context.Context, tx *db.Tx, ring *keyring.Ring, p ledger.Placed) ([]Due, error) {
	var b verification.FailedBody
	if err := p.Into(&b); err != nil {
		return nil, err
	}
	a, err := attempt(ctx, tx, ring, p, b.Verification)
	switch ranOut := b.Why == verification.RanOut; {
	case err != nil:
		return nil, err
	case a.Method == family.ByDocument && ranOut:
		return []Due{one(p, notify.KindDocumentExpired, a.Guardian)}, nil
	case a.Method == family.ByDocument:
		return []Due{one(p, notify.KindDocumentRefused, a.Guardian)}, nil
	case a.Method == family.ByOfficial && !ranOut && b.Why != verification.NotAsked:
		return []Due{one(p, notify.KindIdentityRefused, a.Guardian)}, nil
	}
	return nil, nil
}

// attempt returns the verification that an entry ended.
func attempt(ctx context.Context, tx *db.Tx, ring *keyring.Ring, p ledger.Placed, name string) (verification.Attempt, error) {
	child, err := family.ChildOf(ctx, tx, ring, p.Subject)
	if err != nil {
		return verification.Attempt{}, err
	}
	return verification.Ended(ctx, tx, child, name)
}

// comingIn tells whoever comes in at the home by what the entry is of.
func comingIn(kind string) reading {
	return func(_ context.Context, _ *db.Tx, _ *keyring.Ring, p ledger.Placed) ([]Due, error) {
		return []Due{{About: p.ID, Entry: p.ID, Kind: kind}}, nil
	}
}
