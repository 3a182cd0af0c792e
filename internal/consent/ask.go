package consent

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
)

// What can be wrong with what is asked.
var (
	ErrChannel = errs.New(errs.Invalid, "consent.channel_unknown")
	ErrLocale  = errs.New(errs.Invalid, "consent.locale_unknown")
	ErrContact = errs.New(errs.Invalid, "consent.no_contact") // the guardian has none for this channel
	ErrTTL     = errs.New(errs.Invalid, "consent.ttl_invalid")
	ErrPayload = errs.New(errs.Invalid, "consent.payload_invalid")
	ErrReturn  = errs.New(errs.Invalid, "consent.return_url_invalid")
	ErrOrigin  = errs.New(errs.Invalid, "consent.return_url_elsewhere") // not an origin that the charter names
	ErrName    = errs.New(errs.Invalid, "consent.nickname_invalid")
	ErrMany    = errs.New(errs.TooMany, "consent.too_many_open")
	ErrOver    = errs.New(errs.Gone, "consent.child_expired") // the time to answer is over
)

const (
	defaultTTL = 7 * 24 * time.Hour
	maxTTL     = 30 * 24 * time.Hour
	maxOpen    = 8 // requests of one child that wait
	maxAnew    = 4 // of those, where an old link asks: there is room left for who may ask by itself
	maxPayload = 4096
	maxReturn  = 2000
	maxName    = 20
)

// An Asker is who starts a request: an app of the service (account.App), a
// guardian of the child (family.Guardian), whoever runs the service
// (catalog.Actor), as an import does, or whoever holds a link of an earlier
// request, which then goes to the guardian's contact alone: see Renew. Nobody
// else is let in.
type Asker interface {
	Ledger() string
}

// Asking is what an Asker wants to ask.
type Asking struct {
	Guardian  family.GuardianID // empty: the first of the child's guardians who may answer
	Minor     bool              // the minor itself is asked, from 14 on (edge case 4), by a Link
	Purposes  []string          // empty: whatever this guardian hasn't answered yet
	Channel   Channel
	Locale    string
	Payload   pii.Text      // what the operator wants back; at most 4096 bytes
	ReturnURL pii.Text      // where the guardian goes afterwards; https, at an origin of the charter
	Nickname  pii.Text      // what the guardian calls the child, on the pages that ask; one line, at most 20 characters
	TTL       time.Duration // 0: 7 days; at most 30 days, and never beyond an unconsented child's life

	until time.Time // of AskSuccession: the end, whatever TTL says
}

// Ask records a request and returns what leads to it; nothing is sent. After a
// no, the same purpose isn't asked again unless a guardian starts it or it
// changed materially since (edge case 26): ErrRefused. A guardian who asks itself
// by a link, with nothing to be given back, for what already waits for it is led
// to that, by the same Token however often, with no entry and no other secret:
// whoever thinks again ten times has one request. Other errors: ErrUnasked,
// ErrNothing, ErrCeasing, ErrAnswerers, ErrContact, ErrMany, ErrOver and those of the input.
func (d Desk) Ask(ctx context.Context, tx *db.Tx, by Asker, child family.Child, a Asking) (Request, Secrets, string, error) {
	if err := may(by, child.Service, child.ID); err != nil {
		return Request{}, Secrets{}, "", err
	}
	if err := a.check(); err != nil {
		return Request{}, Secrets{}, "", err
	}
	c, err := family.Lock(ctx, tx, child.Service, child.ID)
	if err != nil {
		return Request{}, Secrets{}, "", err
	}
	if err := mayAsk(ctx, tx, c.Service, a.Purposes); err != nil {
		return Request{}, Secrets{}, "", err
	}
	published, err := d.Charters.Current(ctx, tx, c.Service)
	if err != nil {
		return Request{}, Secrets{}, "", err
	}
	if !a.ReturnURL.IsZero() && !published.Charter.Returns(a.ReturnURL.Reveal()) {
		return Request{}, Secrets{}, "", ErrOrigin.At("return_url")
	}
	answers, guardians, err := standing(ctx, tx, c.ID)
	if err != nil {
		return Request{}, Secrets{}, "", err
	}
	class, err := c.Class(d.Ring, tx.Now())
	if err != nil {
		return Request{}, Secrets{}, "", err
	}
	if err := review(ctx, tx, by.Ledger(), c, class, published, answers, guardians); err != nil {
		return Request{}, Secrets{}, "", err
	}
	if a.Minor {
		self, _, err := family.AddSelf(ctx, tx, d.Ring, by, c)
		if err != nil {
			return Request{}, Secrets{}, "", err
		}
		a.Guardian, guardians = self.ID, append(guardians, self)
	}
	r := Request{
		ID: id.New(id.Request), Child: c.ID, Service: c.Service, Charter: published.Number,
		Channel: a.Channel, Locale: a.Locale, State: Pending, CreatedAt: tx.Now(),
	}
	if r.ExpiresAt, err = a.expiry(c, tx.Now()); err != nil {
		return Request{}, Secrets{}, "", err
	}
	to, err := whom(a.Guardian, by, guardians, class)
	if err != nil {
		return Request{}, Secrets{}, "", err
	}
	r.Guardian = to.ID
	if r.Purposes, err = toAsk(a.Purposes, by, to, published, Counting(answers, guardians, class), guardians); err != nil {
		return Request{}, Secrets{}, "", err
	}
	if r.Purposes, r.Takeover, err = lasting(ctx, tx, c.Service, r.Purposes, a.Purposes); err != nil {
		return Request{}, Secrets{}, "", err
	}
	if r.Purposes, err = notRefused(ctx, tx, by, c, r.Purposes, published); err != nil {
		return Request{}, Secrets{}, "", err
	}
	if a.ofItself(by, to) {
		same, waits, err := like(ctx, tx, r, published)
		switch {
		case err != nil:
			return Request{}, Secrets{}, "", err
		case waits:
			secrets, err := d.leadAgain(ctx, tx, same)
			return same, secrets, "", err
		}
	}
	return d.ask(ctx, tx, by, c, to, r, a)
}

// ask writes what Ask has checked.
func (d Desk) ask(ctx context.Context, tx *db.Tx, by Asker, c family.Child, to family.Guardian, r Request, a Asking) (Request, Secrets, string, error) {
	fail := func(err error) (Request, Secrets, string, error) { return Request{}, Secrets{}, "", err }
	if r.Channel != Link {
		if to.Relation == family.Self {
			return fail(ErrByLink.At("channel"))
		}
		if _, err := d.contact(ctx, tx, c, to, r.Channel); err != nil {
			return fail(err)
		}
	}
	open, err := db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM consent_request
		WHERE child = $1 AND state IN ('pending', 'opened', 'verified') AND expires_at > $2`, c.ID, (*db.Time)(&r.CreatedAt))
	switch {
	case err != nil:
		return fail(err)
	case a.until.IsZero() && open >= mayWait(by):
		return fail(ErrMany)
	}
	if r.payload, err = d.sealPayload(c, r, a); err != nil {
		return fail(err)
	}
	err = tx.Queue(ctx, `
		INSERT INTO consent_request (child, id, service, guardian, charter, purposes, channel, locale, state, payload,
			notice, page, shown_lang, shown_on, shown_before, code_tries, code_wrong, code_sends, sends, takeover, created_at, expires_at, due_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', '', '', '', '', 0, 0, 0, 0, $11, $12, $13, $13)`,
		r.Child, r.ID, r.Service, r.Guardian, r.Charter, strings.Join(r.Purposes, " "), r.Channel, r.Locale, r.State, r.payload,
		r.Takeover, (*db.Time)(&r.CreatedAt), (*db.Time)(&r.ExpiresAt))
	if err != nil {
		return fail(err)
	}
	secrets, err := d.link(ctx, tx, r)
	if err != nil {
		return fail(err)
	}
	if err := d.lead(ctx, tx, r, d.Ring.Index(askDomain, secrets.Ask), false); err != nil {
		return fail(err)
	}
	entry, err := note(ctx, tx, c, KindRequested, by.Ledger(), RequestedBody{
		Request: r.ID, Guardian: r.Guardian, Charter: r.Charter, Purposes: r.Purposes,
		Channel: r.Channel, Locale: r.Locale, Expires: r.ExpiresAt.UnixMicro(), Payload: r.payload != nil, Takeover: r.Takeover,
	})
	return r, secrets, entry, err
}

// mayWait is how many requests of a child may wait where somebody asks once more.
func mayWait(by Asker) int64 {
	if _, anew := by.(holder); anew {
		return maxAnew
	}
	return maxOpen
}

// may refuses whoever has nothing to do with the child, or not the authority
// (Article 15).
func may(by Asker, service string, child family.ID) error {
	switch by := by.(type) {
	case account.App:
		if by.Service != service {
			return family.ErrNotFound
		}
		if !by.May(account.ConsentsWrite) {
			return account.ErrMayNot
		}
	case family.Guardian:
		if by.Child != child || by.Strength < family.OneTimeCode || !by.Relation.MaySpeak() && by.Relation != family.Self || !by.EndedAt.IsZero() {
			return ErrMayNot
		}
	case holder:
		if by.child != child {
			return ErrNotYours
		}
	case catalog.Actor:
		if !by.Governs(service) {
			return account.ErrMayNot
		}
	default:
		return account.ErrMayNot
	}
	return nil
}

func (a Asking) check() error {
	switch {
	case a.Channel != SMS && a.Channel != Email && a.Channel != Link:
		return ErrChannel.At("channel")
	case !isLocale(a.Locale):
		return ErrLocale.At("locale")
	case a.TTL < 0 || a.TTL > maxTTL:
		return ErrTTL.At("ttl")
	case len(a.Payload.Reveal()) > maxPayload:
		return ErrPayload.At("external_payload")
	case !a.ReturnURL.IsZero() && !isReturn(a.ReturnURL.Reveal()):
		return ErrReturn.At("return_url")
	case !a.Nickname.IsZero() && !isName(a.Nickname.Reveal()):
		return ErrName.At("nickname")
	}
	return nil
}

// expiry is the end of the request. An unconsented child's contact lives a day,
// and no request outlives it (edge case 5).
func (a Asking) expiry(c family.Child, now time.Time) (time.Time, error) {
	ttl := a.TTL
	if ttl == 0 {
		ttl = defaultTTL
	}
	end := now.Add(ttl)
	if !a.until.IsZero() {
		end = a.until
	}
	if !c.ExpiresAt.IsZero() && c.ExpiresAt.Before(end) {
		end = c.ExpiresAt
	}
	if !end.After(now) {
		return end, ErrOver
	}
	return end, nil
}

// whom returns the guardian to ask: one who could answer once verified. A
// teacher, a grandparent or an unclear relation can't (edge case 11), and from 14 on
// nobody but the minor itself (edge case 4).
func whom(named family.GuardianID, by Asker, guardians []family.Guardian, class age.Class) (family.Guardian, error) {
	if g, ok := by.(family.Guardian); ok && named == "" {
		named = g.ID
	}
	for _, g := range guardians {
		if (named == "" || g.ID == named) && g.EndedAt.IsZero() && g.Relation.Answers(class) {
			return g, nil
		}
	}
	switch class {
	case age.Minor:
		return family.Guardian{}, ErrPast14.At("guardian")
	case age.Adult:
		return family.Guardian{}, ErrPast18.At("guardian")
	}
	return family.Guardian{}, ErrAnswerers.At("guardian")
}

// toAsk returns the purposes of a request, in the charter's order. Those that are
// named are asked, whatever this guardian has agreed to, or refused; but an old
// link asks nothing that has its answer.
func toAsk(named []string, by Asker, to family.Guardian, p catalog.Published, answers []Answer, guardians []family.Guardian) ([]string, error) {
	_, own := by.(family.Guardian)
	_, anew := by.(holder)
	onlyOpen := len(named) == 0 || anew
	for i, name := range named {
		if _, ok := p.Charter.Purpose(name); !ok || slices.Contains(named[:i], name) {
			return nil, ErrUnasked.At("purposes")
		}
		// Edge case 26.
		if !own && !anew && refusedBefore(answers, guardians, name, p.AskedSince[name]) {
			return nil, ErrRefused.At("purposes." + name)
		}
	}
	var ask []string
	for _, purpose := range p.Charter.Purposes {
		name := purpose.Name
		switch {
		case len(named) > 0 && !slices.Contains(named, name):
		case onlyOpen && refusedBefore(answers, guardians, name, p.AskedSince[name]):
		case onlyOpen && grantedBy(answers, to, name, p.AskedSince[name]):
		default:
			ask = append(ask, name)
		}
	}
	if len(ask) == 0 {
		return nil, ErrNothing
	}
	return ask, nil
}

// notRefused leaves out what a guardian refused before the same child was erased
// for it and registered anew (edge case 26), unless it changed since.
func notRefused(ctx context.Context, tx *db.Tx, by Asker, c family.Child, purposes []string, p catalog.Published) ([]string, error) {
	if _, own := by.(family.Guardian); own {
		return purposes, nil
	}
	refused, err := family.RefusedBefore(ctx, tx, c)
	if err != nil || refused == 0 {
		return purposes, err
	}
	changed := slices.DeleteFunc(slices.Clone(purposes), func(name string) bool { return p.AskedSince[name] <= refused })
	if len(changed) == 0 {
		return nil, ErrRefused.At("purposes")
	}
	return changed, nil
}

// refusedBefore reports whether a guardian in office said no to the purpose as
// it is today.
func refusedBefore(answers []Answer, guardians []family.Guardian, purpose string, since int64) bool {
	return slices.ContainsFunc(answers, func(a Answer) bool {
		g, known := guardian(guardians, a.Guardian)
		return a.Purpose == purpose && !a.Granted && a.Charter >= since && (!known || g.EndedAt.IsZero())
	})
}

// grantedBy reports whether this guardian agreed to the purpose as it is today.
func grantedBy(answers []Answer, g family.Guardian, purpose string, since int64) bool {
	return slices.ContainsFunc(answers, func(a Answer) bool {
		return a.Purpose == purpose && a.Guardian == g.ID && a.Granted && a.Charter >= since
	})
}

// outside is what an operator gives with a request; it may name the child.
type outside struct {
	Payload  string `json:"payload,omitempty"`
	Return   string `json:"return,omitempty"`
	Nickname string `json:"nickname,omitempty"`
}

// Article 13: whatever may be a personal value exists only encrypted.
func (d Desk) sealPayload(c family.Child, r Request, a Asking) ([]byte, error) {
	o := outside{a.Payload.Reveal(), a.ReturnURL.Reveal(), a.Nickname.Reveal()}
	if o == (outside{}) {
		return nil, nil
	}
	plain, err := json.Marshal(o)
	if err != nil {
		return nil, ErrPayload.At("external_payload")
	}
	return c.SealNote(d.Ring, pii.New(string(plain)), "consent.payload", r.ID)
}

// Payload returns what the operator gave with the request and gets back.
func (d Desk) Payload(c family.Child, r Request) (payload, returnURL pii.Text, err error) {
	o, err := d.outside(c, r)
	return pii.New(o.Payload), pii.New(o.Return), err
}

// Face returns what the pages of a request show of it to whoever holds its link:
// what the child is called, and where the guardian goes afterwards. Either may be
// nothing.
func (d Desk) Face(c family.Child, r Request) (nickname, returnURL pii.Text, err error) {
	o, err := d.outside(c, r)
	return pii.New(o.Nickname), pii.New(o.Return), err
}

func (d Desk) outside(c family.Child, r Request) (o outside, err error) {
	if len(r.payload) == 0 {
		return o, nil
	}
	plain, err := c.OpenNote(d.Ring, r.payload, "consent.payload", r.ID)
	if err != nil {
		return o, err
	}
	return o, json.Unmarshal([]byte(plain.Reveal()), &o)
}

func isLocale(s string) bool { return slices.Contains(i18n.Langs, i18n.Lang(s)) }

// isReturn reports whether a guardian may be led there.
func isReturn(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= maxReturn && u.Scheme == "https" && u.Host != "" && u.User == nil
}

// isName reports whether s is one short line that a reader can see.
func isName(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= maxName && strings.TrimSpace(s) == s && s != "" &&
		strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}
