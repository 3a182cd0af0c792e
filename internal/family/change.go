package family

import (
	"context"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/family/age"
)

// What can be wrong with a change.
var (
	ErrFrozen        = errs.New(errs.Conflict, "family.already_frozen")
	ErrNotFrozen     = errs.New(errs.Conflict, "family.not_frozen")
	ErrFreezeReason  = errs.New(errs.Invalid, "family.freeze_reason_unknown")
	ErrDisputed      = errs.New(errs.Conflict, "family.already_disputed")
	ErrNotDisputed   = errs.New(errs.Conflict, "family.not_disputed")
	ErrNotWaiting    = errs.New(errs.Conflict, "family.not_waiting")            // a guardian has agreed already
	ErrNeedsDocument = errs.New(errs.Forbidden, "family.birth_needs_document")  // edge case 3
	ErrByDocument    = errs.New(errs.Forbidden, "family.birth_by_document")     // edge case 3: a document has decided
	ErrTooWeak       = errs.New(errs.Forbidden, "family.verification_too_weak") // edge case 24
	ErrGrown         = errs.New(errs.Conflict, "family.birth_grown")            // by this date it is no child of anybody
	ErrNoBirth       = errs.New(errs.Invalid, "family.birth_missing")
)

// Activate lets a locked child that waited for its guardian live on: the first
// grant has been given. Errors: ErrNotWaiting.
func Activate(ctx context.Context, tx *db.Tx, c Child) error {
	if c.State != Unconsented {
		return ErrNotWaiting
	}
	return changed(tx.Exec(ctx, `
		UPDATE child SET state = 'active', expires_at = NULL
		WHERE child = $1 AND version = $2 AND state = 'unconsented'`, c.ID, c.Version))
}

// EndWait ends the short life of a locked child whose guardian has refused
// everything, now: the next sweep erases it (edge case 5). Errors: ErrNotWaiting.
func EndWait(ctx context.Context, tx *db.Tx, c Child) error {
	if c.State != Unconsented {
		return ErrNotWaiting
	}
	now := tx.Now()
	return changed(tx.Exec(ctx, `
		UPDATE child SET expires_at = $1
		WHERE child = $2 AND version = $3 AND state = 'unconsented'`, (*db.Time)(&now), c.ID, c.Version))
}

// A FreezeReason is why a child's information may only be kept.
type FreezeReason string

// The reasons to freeze.
const (
	DeletionRequested FreezeReason = "deletion_requested" // Article 20; also by one who isn't a guardian (edge case 11)
	ClosureRequested  FreezeReason = "closure_requested"  // edge case 17
	Death             FreezeReason = "death"              // edge case 27
	ByOfficer         FreezeReason = "officer"
	Restored          FreezeReason = "restored" // the store was put back, and what was decided since can't be had again (edge case 15)
)

// Freeze lets nothing happen with a locked child's information but keeping it.
// Errors: ErrFreezeReason, ErrFrozen.
func Freeze(ctx context.Context, tx *db.Tx, by Actor, c Child, why FreezeReason) (string, error) {
	switch why {
	case DeletionRequested, ClosureRequested, Death, ByOfficer, Restored:
	default:
		return "", ErrFreezeReason
	}
	if c.Frozen {
		return "", ErrFrozen
	}
	err := changed(tx.Exec(ctx, `
		UPDATE child SET frozen = true
		WHERE child = $1 AND version = $2 AND frozen = false AND state <> 'erased'`, c.ID, c.Version))
	if err != nil {
		return "", err
	}
	return c.note(ctx, tx, by.Ledger(), KindFrozen, FrozenBody{why})
}

// Unfreeze ends Freeze for a locked child. Errors: ErrNotFrozen.
func Unfreeze(ctx context.Context, tx *db.Tx, by Actor, c Child) (string, error) {
	if !c.Frozen {
		return "", ErrNotFrozen
	}
	err := changed(tx.Exec(ctx, `
		UPDATE child SET frozen = false
		WHERE child = $1 AND version = $2 AND frozen = true AND state <> 'erased'`, c.ID, c.Version))
	if err != nil {
		return "", err
	}
	return c.note(ctx, tx, by.Ledger(), KindUnfrozen, UnfrozenBody{})
}

// Dispute records that two guardians of a locked child differ: storage and
// security only, until they agree or a document decides (edge case 7). Errors:
// ErrDisputed.
func Dispute(ctx context.Context, tx *db.Tx, actor string, c Child) (string, error) {
	if c.Disputed {
		return "", ErrDisputed
	}
	err := changed(tx.Exec(ctx, `
		UPDATE child SET disputed = true
		WHERE child = $1 AND version = $2 AND disputed = false AND state <> 'erased'`, c.ID, c.Version))
	if err != nil {
		return "", err
	}
	return c.note(ctx, tx, actor, KindDisputed, DisputedBody{})
}

// Settle ends a dispute. Errors: ErrNotDisputed.
func Settle(ctx context.Context, tx *db.Tx, actor string, c Child) (string, error) {
	if !c.Disputed {
		return "", ErrNotDisputed
	}
	err := changed(tx.Exec(ctx, `
		UPDATE child SET disputed = false
		WHERE child = $1 AND version = $2 AND disputed = true AND state <> 'erased'`, c.ID, c.Version))
	if err != nil {
		return "", err
	}
	return c.note(ctx, tx, actor, KindSettled, SettledBody{})
}

// TellCeasing records that the guardians of a locked child are to be told, each once, of
// the end of its service or of a purpose (Article 23). What follows is a message.
func TellCeasing(ctx context.Context, tx *db.Tx, actor string, c Child, purpose string, ends time.Time) (string, error) {
	return c.note(ctx, tx, actor, KindCeasing, CeasingBody{Purpose: purpose, Ends: ends.UnixMicro()})
}

// TellInactive records that the guardians of a locked child are to be told that it is
// erased, since nobody uses it (Article 12). What follows is a message.
func TellInactive(ctx context.Context, tx *db.Tx, actor string, c Child, charter int64, last, erase time.Time) (string, error) {
	return c.note(ctx, tx, actor, KindInactive, InactiveBody{Charter: charter, Last: last.UnixMicro(), Erase: erase.UnixMicro()})
}

// HandOver records that something of a locked child goes to who takes over its service
// (edge case 18): what it is, the entry of the use tells. Only the first time counts;
// then, entry is empty.
func HandOver(ctx context.Context, tx *db.Tx, actor string, c Child, b HandedOverBody) (entry string, err error) {
	if !c.HandedAt.IsZero() {
		return "", nil
	}
	at := time.UnixMicro(b.At)
	if err := changed(tx.Exec(ctx, `
		UPDATE child SET handed_at = $1 WHERE child = $2 AND version = $3 AND state <> 'erased'`, (*db.Time)(&at), c.ID, c.Version)); err != nil {
		return "", err
	}
	return c.note(ctx, tx, actor, KindHandedOver, b)
}

// Correct replaces the birth date of a locked child (Article 19). It may make the
// child younger. To make it older takes a document and a second person, and is
// refused here with ErrNeedsDocument (edge case 3); so is a first birth date by
// which it would be no child. What two have seen in a document is replaced by nobody's
// word (ErrByDocument): else a minor that has said no would be a child again, for whom a
// former yes counts. A guardian who corrects must have been verified by
// more than a one-time code (ErrTooWeak, edge case 24). Other errors: ErrNoBirth,
// ErrBirthSource, ErrBirthFuture, age.ErrImpossible. It is package consent's alone to
// call, as CorrectByDocument is: a minor that is a child again answers no more.
func Correct(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Actor, c Child, b age.Birth, from Source) (Child, string, error) {
	if err := mayCorrect(by, c); err != nil {
		return Child{}, "", err
	}
	if c.BirthFrom == FromDocument {
		return Child{}, "", ErrByDocument.At("birth")
	}
	old, err := c.Birth(ring)
	if err != nil {
		return Child{}, "", err
	}
	if err := younger(old, b, from, tx.Now()); err != nil {
		return Child{}, "", err
	}
	return c.rewriteBirth(ctx, tx, ring, by, b, from, "")
}

// CorrectByDocument replaces the birth date of a locked child by the one that two persons
// have seen in a document, which makes it older or not (edge case 3). Claim is the name of
// that matter. Who the two are is checked in package rights.
// Errors: those of CheckDocument.
func CorrectByDocument(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Actor, c Child, b age.Birth, claim string) (Child, string, error) {
	if err := CheckDocument(b, tx.Now()); err != nil {
		return Child{}, "", err
	}
	return c.rewriteBirth(ctx, tx, ring, by, b, FromDocument, claim)
}

// CheckDocument refuses a birth date that no child registered here can have. Whoever is
// grown up is nobody's child: the account is closed, and the person registers anew.
// Errors: ErrNoBirth, age.ErrImpossible, ErrBirthFuture, ErrGrown.
func CheckDocument(b age.Birth, now time.Time) error {
	switch {
	case b.IsZero():
		return ErrNoBirth.At("birth")
	case b.Check() != nil:
		return age.ErrImpossible.At("birth")
	case b.InFuture(now):
		return ErrBirthFuture.At("birth")
	case b.ClassAt(now) == age.Adult:
		return ErrGrown.At("birth")
	}
	return nil
}

// rewriteBirth seals a birth date that was checked, and lets what hangs on it be told
// anew.
func (c Child) rewriteBirth(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by Actor, b age.Birth, from Source, claim string) (Child, string, error) {
	key, err := c.Key(ring)
	if err != nil {
		return Child{}, "", err
	}
	turns14 := c.sealBirth(ring, key, b, from)
	c.Aged = AgedNot
	err = changed(tx.Exec(ctx, `
		UPDATE child SET birth = $1, birth_from = $2, birth_version = $3, turns_14 = $4, aged = 0
		WHERE child = $5 AND version = $3 AND state <> 'erased'`, c.birth, c.BirthFrom, c.birthVersion, turns14, c.ID))
	if err != nil {
		return Child{}, "", err
	}
	entry, err := c.note(ctx, tx, by.Ledger(), KindCorrected,
		CorrectedBody{What: "birth", Class: b.ClassAt(tx.Now()), Source: from, Claim: claim})
	return c, entry, err
}

// mayCorrect refuses a guardian of another child and a weakly verified one.
func mayCorrect(by Actor, c Child) error {
	g, ok := by.(Guardian)
	switch {
	case !ok:
		return nil
	case g.Child != c.ID:
		return ErrGuardianNotFound
	case !g.MayAnswer() || g.Strength < NameAndNumber:
		return ErrTooWeak
	}
	return nil
}

// younger refuses a birth date that is wrong or makes older than old.
func younger(old, b age.Birth, from Source, now time.Time) error {
	switch {
	case b.IsZero():
		return ErrNoBirth.At("birth")
	case b.Check() != nil:
		return age.ErrImpossible.At("birth")
	case !from.known():
		return ErrBirthSource.At("birth_source")
	case b.InFuture(now):
		return ErrBirthFuture.At("birth")
	case old.IsZero() && b.ClassAt(now) != age.Child:
		return ErrNeedsDocument.At("birth")
	case !old.IsZero() && b.Turns(14).Before(old.Turns(14)):
		return ErrNeedsDocument.At("birth")
	}
	return nil
}
