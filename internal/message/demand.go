package message

import (
	"context"
	"strings"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/notify"
	"wardkeep/internal/rights"
)

// demanded tells the guardians that somebody else wants the child erased: they hear
// of it while they can still confirm it, or keep what is held (edge cases 11 and
// 17). A guardian who demands to correct something gets a confirmation; of what a
// guardian has erased, a Farewell tells.
func demanded(ctx context.Context, tx *db.Tx, ring *keyring.Ring, p ledger.Placed) ([]Due, error) {
	var b rights.ReceivedBody
	err := p.Into(&b)
	switch erases := b.Kind.Erases(); {
	case err != nil, erases && b.Door == rights.ByGuardian && b.Erase != 0:
		return nil, err
	case erases && b.Door == rights.ByGuardian: // it waits for the office (edge case 22)
		return asker(ctx, tx, ring, p, notify.KindDemandReceived, b.Door, b.Guardian)
	case erases:
		return others(ctx, tx, ring, p, notify.KindErasureAsked, "")
	case b.Kind == rights.Port:
		return others(ctx, tx, ring, p, notify.KindPortAsked, b.Guardian) // while they can recall it (edge case 7)
	case b.Kind == rights.DeleteItem, b.Fetch != 0:
		return nil, nil // it is done, and done tells of it
	}
	return asker(ctx, tx, ring, p, notify.KindDemandReceived, b.Door, b.Guardian)
}

// answered tells whoever demanded something what became of it.
func answered(kind string) reading {
	return func(ctx context.Context, tx *db.Tx, ring *keyring.Ring, p ledger.Placed) ([]Due, error) {
		r, err := demandOf(ctx, tx, p)
		if err != nil || r.Kind == rights.DeleteItem {
			return nil, err
		}
		return asker(ctx, tx, ring, p, kind, r.Door, r.Guardian)
	}
}

// done tells whoever demanded something that it was carried out; a guardian who asked
// at home for what is done at once has it on the screen.
func done(ctx context.Context, tx *db.Tx, ring *keyring.Ring, p ledger.Placed) ([]Due, error) {
	r, err := demandOf(ctx, tx, p)
	switch {
	case err != nil || !r.FetchUntil.IsZero() && strings.HasPrefix(p.Actor, "guardian:"):
		return nil, err
	case !r.FetchUntil.IsZero():
		return asker(ctx, tx, ring, p, notify.KindAnswerReady, r.Door, r.Guardian)
	}
	return answered(notify.KindDemandDone)(ctx, tx, ring, p)
}

// copied tells all guardians once of a copy, however many files it is and however
// often they are saved: what left is out of reach of all that is here.
func copied(ctx context.Context, tx *db.Tx, ring *keyring.Ring, p ledger.Placed) ([]Due, error) {
	var b gate.AccessBody
	if err := p.Into(&b); err != nil {
		return nil, err
	}
	due, err := others(ctx, tx, ring, p, notify.KindCopyTaken, "")
	for i := range due {
		due[i].About = b.Demand + "." + string(due[i].Guardian)
	}
	return due, err
}

// portEnded tells the guardians that nobody gets a copy any more that was to be handed over:
// all but the one who has recalled it at home. By a restore it is told to nobody whom it
// surprises: what was fetched was told before.
func portEnded(ctx context.Context, tx *db.Tx, ring *keyring.Ring, p ledger.Placed) ([]Due, error) {
	var b rights.RecalledBody
	if err := p.Into(&b); err != nil || b.Why == rights.Restored {
		return nil, err
	}
	by, _ := strings.CutPrefix(p.Actor, "guardian:")
	return others(ctx, tx, ring, p, notify.KindPortEnded, family.GuardianID(by))
}

// asker tells the guardian who demanded something. A child is told through its
// guardians (edge case 6), and so is whoever isn't one.
func asker(ctx context.Context, tx *db.Tx, ring *keyring.Ring, p ledger.Placed, kind string, door rights.Door, guardian family.GuardianID) ([]Due, error) {
	if door == rights.ByGuardian {
		return []Due{one(p, kind, guardian)}, nil
	}
	return others(ctx, tx, ring, p, kind, "")
}

// takenOn tells the guardians that the child wants what somebody else has demanded:
// it is erased without them. What a guardian has taken on, a Farewell tells.
func takenOn(ctx context.Context, tx *db.Tx, ring *keyring.Ring, p ledger.Placed) ([]Due, error) {
	var b rights.ConfirmedBody
	if err := p.Into(&b); err != nil || b.Door == rights.ByGuardian {
		return nil, err
	}
	return others(ctx, tx, ring, p, notify.KindErasureAsked, "")
}

// kept tells the guardians that one of them keeps what is held: all but that one,
// who has it on the screen.
func kept(ctx context.Context, tx *db.Tx, ring *keyring.Ring, p ledger.Placed) ([]Due, error) {
	r, err := demandOf(ctx, tx, p)
	if err != nil || !r.Kind.Erases() {
		return nil, err
	}
	by, _ := strings.CutPrefix(p.Actor, "guardian:")
	return others(ctx, tx, ring, p, notify.KindErasureKept, family.GuardianID(by))
}

// demandedBy reports whether the demand of an entry is one of that guardian.
func demandedBy(ctx context.Context, tx *db.Tx, p ledger.Placed, guardian family.GuardianID) (bool, error) {
	if p.Kind == rights.KindReceived {
		var b rights.ReceivedBody
		err := p.Into(&b)
		return b.Door == rights.ByGuardian && b.Guardian == guardian, err
	}
	r, err := demandOf(ctx, tx, p)
	return r.Door == rights.ByGuardian && r.Guardian == guardian, err
}

func demandOf(ctx context.Context, tx *db.Tx, p ledger.Placed) (rights.Request, error) {
	var b struct { // of whichever kind
		Request  string
		Received int64
		Reason   rights.Reason
		Due      int64
		Answer   bool
	}
	if err := p.Into(&b); err != nil {
		return rights.Request{}, err
	}
	return rights.Find(ctx, tx, p.Service, b.Request)
}
