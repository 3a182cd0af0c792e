package inspection

import (
	"context"
	"crypto/subtle"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
)

// The kinds of entries about inspections. They are about the operator and no child, and no
// decision of the gate is computed from them: their version is 0.
const (
	KindInvited = "inspection.invited"
	KindCoded   = "inspection.coded"
	KindEntered = "inspection.entered"
	KindFailed  = "inspection.failed"
	KindLooked  = "inspection.looked"
	KindLeft    = "inspection.left"
	KindShut    = "inspection.shut"
	KindEnded   = "inspection.ended"
)

// An InvitedBody is what the ledger keeps of an invitation: no name, and no number of a document.
// Times are microseconds, 0 is none.
type InvitedBody struct {
	Inspection string `json:"inspection"`
	Articles   []int  `json:"articles,omitempty"` // none: all
	From       int64  `json:"from,omitempty"`
	Before     int64  `json:"before,omitempty"`
	Until      int64  `json:"until"`
	Mark       string `json:"mark"` // of who is invited, and by what
	approval.Inside
}

// A DoneBody says that the office has given a new code, or has ended the inspection; or that an
// inspector has come in, or has signed out; or that nobody is in by it any more, and no code is
// open.
type DoneBody struct {
	Inspection string `json:"inspection"`
	approval.Inside
}

// A FailedBody says that somebody with the link has tried a wrong code, and how many it were: with
// the last one the code is open no more.
type FailedBody struct {
	Inspection string `json:"inspection"`
	Tries      int64  `json:"tries"`
}

// A LookedBody says what an inspector looks at.
type LookedBody struct {
	Inspection string `json:"inspection"`
	Look       int64  `json:"look"` // from 1 on
	Page       Page   `json:"page"`
	Article    int    `json:"article,omitempty"`
	About      string `json:"about,omitempty"`
}

// Keys are what an inspector comes in by. The office gives them out by two ways.
type Keys struct {
	Link string // a secret of 256 bits
	Code string // "7K2M-9QXT": it opens once
}

// Invite invites somebody of an authority, for so many days from now, and returns what they come in
// by, which is nowhere else. Errors: ErrMayNot, ErrMany, and those of the form.
func Invite(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Acting, service string, scope Scope, days int, text Text) (Invitation, Keys, error) {
	fail := func(err error) (Invitation, Keys, error) { return Invitation{}, Keys{}, err }
	inside, err := insideOf(ctx, tx, by, staff.InviteInspectors, service)
	if err != nil {
		return fail(err)
	}
	if err := text.valid(); err != nil {
		return fail(err)
	}
	if err := scope.valid(); err != nil {
		return fail(err)
	}
	if days < 1 || days > MaxDays {
		return fail(ErrDays.At("days"))
	}
	open, err := db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM (SELECT id FROM inspection WHERE service = $1 AND closed_at IS NULL AND due_at > $2 LIMIT $3) AS open`,
		service, tx.Now().UnixMicro(), int64(maxOpen))
	switch {
	case err != nil:
		return fail(err)
	case open >= maxOpen:
		return fail(ErrMany)
	}
	keys := Keys{Link: id.Secret(32), Code: id.Number()}
	i := Invitation{ID: id.New(id.Inspection), Service: service, Scope: scope, InvitedAt: tx.Now(), InvitedBy: by.ID, Until: tx.Now().Add(time.Duration(days) * 24 * time.Hour)}
	i.link, i.code = ring.Index(linkDomain, keys.Link), i.codeHash(ring, keys.Code)
	mark, err := i.seal(ring, text)
	if err != nil {
		return fail(err)
	}
	i.bound = i.bind(ring)
	_, err = tx.Exec(ctx, `
		INSERT INTO inspection (id, service, articles, from_at, before_at, invited_at, invited_by, due_at, closed_by, looks, tries, link, code, bound, sealed, salt)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', 0, 0, $9, $10, $11, $12, $13)`,
		i.ID, i.Service, i.Scope.Numbers(), (*db.Time)(&i.Scope.From), (*db.Time)(&i.Scope.Before), (*db.Time)(&i.InvitedAt), i.InvitedBy,
		(*db.Time)(&i.Until), i.link, i.code, i.bound, i.sealed, i.salt)
	if err != nil {
		return fail(err)
	}
	b := InvitedBody{Inspection: i.ID, Articles: scope.Articles, Until: i.Until.UnixMicro(), Mark: mark, Inside: inside}
	if !scope.From.IsZero() {
		b.From = scope.From.UnixMicro()
	}
	if !scope.Before.IsZero() {
		b.Before = scope.Before.UnixMicro()
	}
	return i, keys, i.note(ctx, tx, KindInvited, by.Ledger(), b)
}

// Code gives a new code for an invitation, in place of one that is open. Who is in by it stays so
// until somebody comes in by the new one. Errors: ErrMayNot, ErrNotFound, ErrEnded, ErrOver, ErrSealed.
func Code(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Acting, service, name string) (Invitation, string, error) {
	inside, err := insideOf(ctx, tx, by, staff.ReceiveInspectors, service)
	if err != nil {
		return Invitation{}, "", err
	}
	i, err := hold(ctx, tx, service, name)
	if err == nil {
		err = i.stands(ring, tx.Now())
	}
	if err != nil {
		return i, "", err
	}
	code := id.Number()
	i.code, i.tries = i.codeHash(ring, code), 0
	if err := i.save(ctx, tx, ring); err != nil {
		return i, "", err
	}
	return i, code, i.note(ctx, tx, KindCoded, by.Ledger(), DoneBody{i.ID, inside})
}

// End ends an inspection, at once: from the commit on nothing is shown by it. Errors: ErrMayNot,
// ErrNotFound, ErrEnded.
func End(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by staff.Acting, service, name string) (Invitation, error) {
	inside, err := insideOf(ctx, tx, by, staff.ReceiveInspectors, service)
	if err != nil {
		return Invitation{}, err
	}
	return end(ctx, tx, ring, by.Ledger(), service, name, inside)
}

// EndAgain ends an inspection in a store that was put back to when it held (edge case 15).
// Errors: ErrNotFound, ErrEnded.
func EndAgain(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by catalog.Operator, service, name string) error {
	_, err := end(ctx, tx, ring, by.Ledger(), service, name, approval.Inside{})
	return err
}

func end(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by, service, name string, inside approval.Inside) (Invitation, error) {
	i, err := hold(ctx, tx, service, name)
	if err == nil && !i.EndedAt.IsZero() {
		err = ErrEnded
	}
	if err != nil {
		return i, err
	}
	// What its browser holds stays known, so that who comes by it reads that it was ended.
	i.EndedAt, i.EndedBy, i.code = tx.Now(), by, nil
	if err := i.save(ctx, tx, ring); err != nil {
		return i, err
	}
	return i, i.note(ctx, tx, KindEnded, by, DoneBody{i.ID, inside})
}

// ShutAll signs out who is in by an invitation, and voids each code that is open, in a store that
// was put back: a code that was used, or was replaced, would open once more, and who had signed out
// would be in. It does so with at most limit of them, and returns how many it found. One that was
// changed by hand stays so: to bind it here would have it open as somebody made it.
func ShutAll(ctx context.Context, tx *db.Tx, ring *keyring.Ring, by catalog.Operator, limit int) (int, error) {
	all, err := db.All(ctx, tx, scan, `
		SELECT `+columns+` FROM inspection WHERE closed_at IS NULL AND (code IS NOT NULL OR session IS NOT NULL) ORDER BY id LIMIT $1`, int64(limit))
	if err != nil {
		return 0, err
	}
	for _, i := range all {
		whole := i.Bound(ring)
		i.code, i.session, i.tries = nil, nil, 0
		if whole {
			i.bound = i.bind(ring)
		}
		if err := i.write(ctx, tx); err != nil {
			return 0, err
		}
		if err := i.note(ctx, tx, KindShut, by.Ledger(), DoneBody{Inspection: i.ID}); err != nil {
			return 0, err
		}
	}
	return len(all), nil
}

// At returns the invitation to which a link leads, and nil while somebody may come in by it. What
// it says of an invitation that is over is for its page. Errors: ErrLink, and with an invitation
// ErrEnded, ErrOver.
func At(ctx context.Context, tx *db.Tx, ring *keyring.Ring, link string) (Invitation, error) {
	if link == "" || len(link) > maxSecret {
		return Invitation{}, ErrLink
	}
	i, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM inspection WHERE link = $1`, ring.Index(linkDomain, link))
	if errors.Is(err, db.ErrNone) {
		err = ErrLink
	}
	if err != nil {
		return i, err
	}
	return i, i.stands(ring, tx.Now())
}

// Enter lets in who has the link and the code, and returns what the browser keeps. The code is used
// by it, and who was in by the invitation before is out. A wrong code is on record, and with the
// fifth the code is void. Errors: those of At; ErrNoCode, ErrCode.
func Enter(ctx context.Context, tx *db.Tx, ring *keyring.Ring, link, code string) (Invitation, string, error) {
	i, err := At(ctx, tx, ring, link)
	if err == nil {
		i, err = hold(ctx, tx, i.Service, i.ID) // of two who come by one code, one is in
	}
	if err == nil {
		err = i.stands(ring, tx.Now())
	}
	switch {
	case err != nil:
		return i, "", err
	case i.code == nil:
		return i, "", ErrNoCode.At("code")
	}
	said, may := id.ParseNumber(code)
	if !may || subtle.ConstantTimeCompare(i.codeHash(ring, said), i.code) != 1 {
		return i, "", i.failed(ctx, tx, ring)
	}
	secret := id.Secret(32)
	i.code, i.tries, i.session, i.EnteredAt = nil, 0, ring.Index(sessionDomain, secret), tx.Now()
	i.SeenAt = i.EnteredAt
	if err := i.save(ctx, tx, ring); err != nil {
		return i, "", err
	}
	return i, secret, i.note(ctx, tx, KindEntered, i.Ledger(), DoneBody{Inspection: i.ID})
}

// failed records a wrong code. It is refused, and the transaction commits nevertheless.
func (i Invitation) failed(ctx context.Context, tx *db.Tx, ring *keyring.Ring) error {
	i.tries++
	b := FailedBody{i.ID, i.tries}
	if i.tries >= maxTries {
		i.code, i.tries = nil, 0
	}
	if err := i.save(ctx, tx, ring); err != nil {
		return err
	}
	if err := i.note(ctx, tx, KindFailed, i.Ledger(), b); err != nil {
		return err
	}
	return db.Recorded(ErrCode.At("code"))
}

// Voids reports whether that many wrong tries make a code void, for who reads them from the ledger.
func Voids(tries int64) bool { return tries >= maxTries }

// Find returns the invitation by which a browser is in, by what it holds. Errors: ErrSignedOut; and
// with an invitation ErrEnded, ErrOver.
func Find(ctx context.Context, tx *db.Tx, ring *keyring.Ring, secret string) (Invitation, error) {
	if secret == "" || len(secret) > maxSecret {
		return Invitation{}, ErrSignedOut
	}
	i, err := db.One(ctx, tx, scan, `SELECT `+columns+` FROM inspection WHERE session = $1`, ring.Index(sessionDomain, secret))
	if errors.Is(err, db.ErrNone) {
		err = ErrSignedOut
	}
	if err != nil {
		return i, err
	}
	return i, i.signedIn(ring, tx.Now())
}

// Looks records that an inspector looks at a page, and returns the look. The page is shown once that is
// committed, and not before (Invariant 2). Errors: those of Find; ErrScope, ErrFast, ErrLooks.
func Looks(ctx context.Context, tx *db.Tx, ring *keyring.Ring, secret string, l Look) (Invitation, Look, error) {
	i, err := holdIn(ctx, tx, ring, secret)
	switch {
	case err != nil:
		return i, Look{}, err
	case !l.Fits(i.Scope):
		return i, Look{}, ErrScope
	case i.Looks >= MaxLooks:
		return i, Look{}, ErrLooks
	}
	if err := i.unhurried(ctx, tx); err != nil {
		return i, Look{}, err
	}
	i.Looks++
	i.SeenAt = tx.Now()
	l.Inspection, l.Number, l.At = i.ID, i.Looks, tx.Now()
	if err := i.save(ctx, tx, ring); err != nil {
		return i, Look{}, err
	}
	_, err = tx.Exec(ctx, `INSERT INTO inspection_look (`+lookColumns+`) VALUES ($1, $2, $3, $4, $5, $6)`,
		l.Inspection, l.Number, (*db.Time)(&l.At), l.Page, int64(l.Article), l.About)
	if err != nil {
		return i, Look{}, err
	}
	return i, l, i.note(ctx, tx, KindLooked, i.Ledger(), LookedBody{i.ID, l.Number, l.Page, l.Article, l.About})
}

// unhurried refuses who looks at more than anybody reads. Errors: ErrFast.
func (i Invitation) unhurried(ctx context.Context, tx *db.Tx) error {
	at, err := db.One(ctx, tx, db.Single[int64], `SELECT looked_at FROM inspection_look WHERE inspection = $1 AND number = $2`, i.ID, i.Looks-perMinute+1)
	if errors.Is(err, db.ErrNone) {
		return nil
	}
	if err == nil && tx.Now().Sub(time.UnixMicro(at)) < time.Minute {
		err = ErrFast
	}
	return err
}

// Leave signs an inspector out. The invitation stands, and opens by another code. Errors:
// those of Find.
func Leave(ctx context.Context, tx *db.Tx, ring *keyring.Ring, secret string) error {
	i, err := holdIn(ctx, tx, ring, secret)
	if err != nil {
		return err
	}
	i.session = nil
	if err := i.save(ctx, tx, ring); err != nil {
		return err
	}
	return i.note(ctx, tx, KindLeft, i.Ledger(), DoneBody{Inspection: i.ID})
}

// holdIn returns the invitation by which a browser is in, whose row nobody else changes before the
// transaction ends. Errors: those of Find.
func holdIn(ctx context.Context, tx *db.Tx, ring *keyring.Ring, secret string) (Invitation, error) {
	i, err := Find(ctx, tx, ring, secret)
	if err == nil {
		i, err = hold(ctx, tx, i.Service, i.ID)
	}
	if err == nil && subtle.ConstantTimeCompare(i.session, ring.Index(sessionDomain, secret)) != 1 {
		err = ErrSignedOut // meanwhile
	}
	if err == nil {
		err = i.signedIn(ring, tx.Now())
	}
	return i, err
}

// hold returns an invitation, whose row nobody else changes before the transaction ends.
// Errors: ErrNotFound.
func hold(ctx context.Context, tx *db.Tx, service, name string) (Invitation, error) {
	if _, err := tx.Exec(ctx, `UPDATE inspection SET looks = looks WHERE id = $1 AND service = $2`, name, service); err != nil {
		return Invitation{}, err
	}
	return Named(ctx, tx, service, name)
}

// save binds and writes what may change of a held invitation.
func (i *Invitation) save(ctx context.Context, tx *db.Tx, ring *keyring.Ring) error {
	i.bound = i.bind(ring)
	return i.write(ctx, tx)
}

func (i Invitation) write(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `
		UPDATE inspection SET closed_at = $1, closed_by = $2, looks = $3, tries = $4, code = $5, session = $6, entered_at = $7, seen_at = $8, bound = $9
		WHERE id = $10`,
		(*db.Time)(&i.EndedAt), i.EndedBy, i.Looks, i.tries, i.code, i.session, (*db.Time)(&i.EnteredAt), (*db.Time)(&i.SeenAt), i.bound, i.ID)
	return err
}

func (i Invitation) note(ctx context.Context, tx *db.Tx, kind, actor string, body any) error {
	_, err := ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: i.Service, Actor: actor, Body: body})
	return err
}

// insideOf returns what the act of a person inside rests on. Errors: ErrMayNot.
func insideOf(ctx context.Context, tx *db.Tx, by staff.Acting, a staff.Action, service string) (approval.Inside, error) {
	if by.Action != a || !by.Governs(service) {
		return approval.Inside{}, ErrMayNot
	}
	inside, err := approval.InsideOf(ctx, tx, by, a, service)
	if errors.Is(err, approval.ErrMayNot) {
		err = ErrMayNot
	}
	return inside, err
}

func isLine(s string) bool {
	return utf8.ValidString(s) && strings.TrimSpace(s) == s && utf8.RuneCountInString(s) <= maxLine && !strings.ContainsFunc(s, unicode.IsControl)
}

// NewText returns a Text of what a form has.
func NewText(inspector, authority, provision, document string) Text {
	return Text{pii.New(inspector), pii.New(authority), pii.New(provision), pii.New(document)}
}
