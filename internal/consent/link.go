package consent

import (
	"context"
	"crypto/subtle"
	"errors"
	"strings"
	"unicode"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
)

// Secrets lead to a request. They are shown once and kept as keyed hashes.
type Secrets struct {
	Token string // of the link; 52 characters
	Code  string // to type: "7K3M-Q9TX"
	Ask   string // of the page that shows both on the child's device, of Ask alone; 52 characters
}

// String keeps secrets out of logs.
func (Secrets) String() string { return "‹secrets›" }

// GoString keeps secrets out of logs.
func (Secrets) GoString() string { return "‹secrets›" }

const (
	linkDomain = "consent.link"
	codeDomain = "consent.short"
	askDomain  = "consent.ask"

	// From the secret of the operator's page its link and its code are computed, so
	// that it can show them again and nothing but hashes is kept.
	askLinkDomain = "consent.ask.link"
	askCodeDomain = "consent.ask.code"

	// letters are those of a short code: none looks like another, and 32 of them
	// take 5 bits each, so none is likelier than another.
	letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	codeLen = 8

	// maxFollowed bounds how often the short codes of one request are exchanged.
	maxFollowed = 40
)

// errNoRing is a fault of the program.
var errNoRing = errors.New("consent: no ring to hash links with")

// ErrFollowed says that the short codes of a request were typed too often. Its
// links lead on.
var ErrFollowed = errs.New(errs.TooMany, "consent.code_followed")

// ByToken returns the request that a link leads to. Errors: ErrLink; and, with
// the request, ErrPast18, ErrPast14 for what a guardian was asked of who is a minor by now, or the
// refusal of one that has ended: ErrExpired, ErrMinorsEnd, ErrCancelled, ErrAnswered.
func (d Desk) ByToken(ctx context.Context, tx *db.Tx, token string) (Request, error) {
	if len(token) > 100 {
		return Request{}, ErrLink
	}
	return d.by(ctx, tx, d.Ring.Index(linkDomain, token))
}

// ByCode returns the request that a short code leads to while it waits, as people
// type it: see typed. Whoever offers it must limit how often one address may try:
// it is 40 bits. Errors: ErrLink, also once the request has ended.
func (d Desk) ByCode(ctx context.Context, tx *db.Tx, code string) (Request, error) {
	code, ok := typed(code)
	if !ok {
		return Request{}, ErrLink
	}
	return d.by(ctx, tx, d.Ring.Index(codeDomain, code))
}

func (d Desk) by(ctx context.Context, tx *db.Tx, hash []byte) (Request, error) {
	if len(hash) == 0 {
		return Request{}, ErrLink
	}
	to, err := db.One(ctx, tx, scanLink, `
		SELECT token, child, request, short, bound FROM consent_link WHERE token = $1`, hash)
	if errors.Is(err, db.ErrNone) || err == nil && !to.Intact(d.Ring) {
		return Request{}, ErrLink
	}
	if err != nil {
		return Request{}, err
	}
	r, err := db.One(ctx, tx, scanRequest, `
		SELECT `+requestColumns+` FROM consent_request WHERE child = $1 AND id = $2`, to.Child, to.Request)
	if errors.Is(err, db.ErrNone) {
		return Request{}, ErrLink
	}
	if err != nil {
		return Request{}, err
	}
	r = r.at(tx.Now())
	if to.short && !r.waits() {
		return Request{}, ErrLink // it ends at that second, swept or not
	}
	c, err := family.Find(ctx, tx, r.Service, r.Child)
	if err != nil {
		return r, err
	}
	// Edge case 4: for who is 18 nobody decides by a link, and each says where to turn,
	// whatever has become of its request.
	switch class, err := c.Class(d.Ring, tx.Now()); {
	case err != nil:
		return r, err
	case class == age.Adult:
		return r, ErrPast18
	case class == age.Minor && r.State != Answered && r.State != Cancelled:
		minor, err := OfMinor(ctx, tx, r)
		switch {
		case err != nil:
			return r, err
		case !minor: // what a guardian was asked is for the minor to say now
			return r, ErrPast14
		case r.State == Expired:
			return r, ErrMinorsEnd
		}
	}
	return r, r.Refusal()
}

// A LinkRow is a row of consent_link.
type LinkRow struct {
	Child   family.ID
	Request string

	short        bool
	token, bound []byte
}

func scanLink(row db.Row) (l LinkRow, err error) {
	err = row.Scan(&l.token, &l.Child, &l.Request, &l.short, &l.bound)
	return l, err
}

// Short reports whether it is a short code, of which there is one for each time
// that the request was made or sent, and which ends with it. Of the links there
// is one more for everybody who typed a code.
func (l LinkRow) Short() bool { return l.short }

// Intact reports whether the link leads where it was made to lead. One that was
// turned to another request by hand leads nowhere.
func (l LinkRow) Intact(ring *keyring.Ring) bool {
	bound := l.binding(ring)
	return len(bound) > 0 && subtle.ConstantTimeCompare(bound, l.bound) == 1
}

// binding is what only whoever has the keys can write beside a link.
func (l LinkRow) binding(ring *keyring.Ring) []byte {
	life := "request" // a short code ends with its request
	if !l.short {
		life = "child"
	}
	return ring.Index("consent.bound", string(l.token), string(l.Child), l.Request, life)
}

// Follow exchanges the short code that somebody typed for a link of its own,
// which leads on once the code has ended with its request. Errors: as ByCode;
// ErrFollowed.
func (d Desk) Follow(ctx context.Context, tx *db.Tx, code string) (token string, err error) {
	r, err := d.ByCode(ctx, tx, code)
	if err != nil {
		return "", err
	}
	// Article 20: an erasure that ends before this one would leave the link behind.
	switch _, err := family.Hold(ctx, tx, r.Service, r.Child); {
	case errors.Is(err, family.ErrErased), errors.Is(err, family.ErrNotFound):
		return "", ErrLink
	case err != nil:
		return "", err
	}
	// Two at once may both be the last one: it is a limit against floods, and
	// whoever only looks shares the child.
	//
	// Each sending makes a link and a short code, and the request one link for the
	// page of the child's device: what is more of links was followed.
	n, err := db.One(ctx, tx, db.Single[int64], `
		SELECT CAST(coalesce(sum(CASE WHEN short = true THEN -1 ELSE 1 END), 0) AS bigint)
		FROM consent_link WHERE child = $1 AND request = $2`, r.Child, r.ID)
	switch {
	case err != nil:
		return "", err
	case n > maxFollowed:
		return "", ErrFollowed
	}
	token = id.Secret(32)
	return token, d.lead(ctx, tx, r, d.Ring.Index(linkDomain, token), false)
}

// ByAsk returns the request whose page for the child's device has this secret,
// with the link and the code to show there. Errors: as ByToken.
func (d Desk) ByAsk(ctx context.Context, tx *db.Tx, ask string) (Request, Secrets, error) {
	if len(ask) > 100 {
		return Request{}, Secrets{}, ErrLink
	}
	r, err := d.by(ctx, tx, d.Ring.Index(askDomain, ask))
	if err != nil {
		return r, Secrets{}, err
	}
	s, err := d.secrets(ask)
	return r, s, err
}

// secrets are those that the secret of a page leads to.
func (d Desk) secrets(ask string) (Secrets, error) {
	link, code := d.Ring.Index(askLinkDomain, ask), d.Ring.Index(askCodeDomain, ask)
	if len(link) < 32 || len(code) < codeLen {
		return Secrets{}, errNoRing
	}
	return Secrets{Token: id.Text(link), Code: shortCode(code), Ask: ask}, nil
}

// link makes secrets that lead to the request, beside those it has.
func (d Desk) link(ctx context.Context, tx *db.Tx, r Request) (Secrets, error) {
	s, err := d.secrets(id.Secret(32))
	if err != nil {
		return Secrets{}, err
	}
	if err := d.lead(ctx, tx, r, d.Ring.Index(linkDomain, s.Token), false); err != nil {
		return Secrets{}, err
	}
	return s, d.lead(ctx, tx, r, d.Ring.Index(codeDomain, strings.ReplaceAll(s.Code, "-", "")), true)
}

// lead makes what has this hash lead to the request. The child is locked or held:
// no row about it outlives its erasure.
func (d Desk) lead(ctx context.Context, tx *db.Tx, r Request, hash []byte, short bool) error {
	if len(hash) == 0 {
		return errNoRing
	}
	l := LinkRow{Child: r.Child, Request: r.ID, short: short, token: hash}
	return tx.Queue(ctx, `
		INSERT INTO consent_link (token, child, request, short, bound) VALUES ($1, $2, $3, $4, $5)`,
		l.token, l.Child, l.Request, l.short, l.binding(d.Ring))
}

// leadOnce is lead for a hash that may lead there already.
func (d Desk) leadOnce(ctx context.Context, tx *db.Tx, r Request, hash []byte) error {
	if len(hash) == 0 {
		return errNoRing
	}
	l := LinkRow{Child: r.Child, Request: r.ID, token: hash}
	return tx.Queue(ctx, `
		INSERT INTO consent_link (token, child, request, short, bound) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (token) DO NOTHING`, l.token, l.Child, l.Request, l.short, l.binding(d.Ring))
}

// endCode ends the short codes of a request with the request: 40 bits are
// enough for as long as it waits. The links stay; they lead back to withdrawing.
func endCode(ctx context.Context, tx *db.Tx, r Request) error {
	return tx.Queue(ctx, `
		DELETE FROM consent_link WHERE child = $1 AND request = $2 AND short = true`, r.Child, r.ID)
}

// shortCode writes random bytes as a code to type.
func shortCode(random []byte) string {
	var b [codeLen]byte
	for i := range b {
		b[i] = letters[random[i]&31]
	}
	return string(b[:4]) + "-" + string(b[4:])
}

// typed returns the short code that somebody meant who typed s: in either case
// and either width, with or without spaces and hyphens, O for 0, I or L for 1. It
// reports whether s can be one.
func typed(s string) (string, bool) {
	if len(s) > 200 {
		return "", false
	}
	s = strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(meant(s)))
	return s, len(s) == codeLen && strings.Trim(s, letters) == ""
}

// meant returns what somebody typed without spaces and hyphens, and in narrow
// letters and digits: an input method for Chinese often makes wide ones.
func meant(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' { // the wide forms of ASCII, in its order
			r -= '！' - '!'
		}
		if unicode.IsSpace(r) || unicode.In(r, unicode.Pd, unicode.Cf) {
			return -1
		}
		return r
	}, s)
}
