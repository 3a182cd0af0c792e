package replay

import (
	"slices"
	"strings"
	"time"

	"wardkeep/internal/base/id"
	"wardkeep/internal/consent"
	"wardkeep/internal/ledger"
)

// A request is what the ledger says of one request for consent. One that ran out
// or was cancelled changes no more: it is added to the sum of those.
type request struct {
	id       key
	verified int64   // the last time; whoever comes back to withdraw is verified anew
	sum      uint64  // over the rest of its row, once it is answered
	open     *asking // nil once it is answered
}

// An asking is a request that waits, or whose answers are being read.
type asking struct {
	created, expires, sent, answered int64
	charter, sends                   int32
	purposes                         sym // as its row has them
	channel, locale                  sym
	guardian                         uint8 // which of the child's
	state                            step
	payload, takeover                bool
	shown                            showing   // the newest, or the one that was answered
	before                           []showing // the others that may be
	giving                           *giving   // nil before the first answer
}

// A showing is what a guardian was shown of a request.
type showing struct {
	lang, on, notice, page sym
	at                     int64
}

// A giving is what has been answered of a request, in one transaction.
type giving struct {
	purposes []string
	source   source // of the first answer
}

// A step is how far a request has come.
type step uint8

const (
	pending step = iota
	opened
	verified
	answered
	expired
	cancelled
)

var steps = [...]consent.State{consent.Pending, consent.Opened, consent.Verified, consent.Answered, consent.Expired, consent.Cancelled}

// requestEntry folds a step in the life of a request.
func (f *fold) requestEntry(p ledger.Placed, s source, c *child) fault {
	switch p.Kind {
	case consent.KindRequested:
		b, x := body[consent.RequestedBody](p)
		if x != (fault{}) {
			return x
		}
		return f.requested(p, s, c, b)
	case consent.KindOpened:
		b, x := body[consent.OpenedBody](p)
		r := c.asked(b.Request)
		switch {
		case x != (fault{}):
			return x
		case !r.waits(p, pending, opened, verified):
			return impossible(ruleRequest)
		}
		n := f.names
		r.open.state = max(r.open.state, opened)
		r.open.show(showing{lang: n.sym(b.Lang), on: n.sym(b.Channel), notice: n.sym(b.Notice), page: n.sym(b.Page), at: p.At.UnixMicro()})
	case consent.KindVerified:
		b, x := body[consent.VerifiedBody](p)
		r := c.asked(b.Request)
		switch {
		case x != (fault{}):
			return x
		case r == nil || r.open != nil && (!r.waits(p, opened, verified) || !c.is(r.open.guardian, string(b.Guardian))):
			return impossible(ruleRequest)
		}
		r.verified = p.At.UnixMicro()
		if r.open != nil {
			r.open.state = verified
		}
	default:
		b, x := body[consent.RequestBody](p)
		if x != (fault{}) {
			return x
		}
		return f.moved(p, c, b)
	}
	return fault{}
}

func (f *fold) requested(p ledger.Placed, s source, c *child, b consent.RequestedBody) fault {
	k, ok := keyOf(id.Request, b.Request)
	person, _ := keyOf(id.Guardian, string(b.Guardian))
	g, at := c.which(person), p.At.UnixMicro()
	n := f.names
	switch {
	case !ok || len(b.Purposes) == 0 || b.Charter < 1 || b.Charter > 1<<31-1:
		return fault{what: FoundBody, field: ruleRequest}
	case g < 0 || c.guardians[g].ended != 0:
		return impossible(ruleGuardian)
	case c.asked(b.Request) != nil || b.Expires <= at || c.expires != 0 && b.Expires > c.expires:
		return impossible(ruleRequest) // edge case 5: no request outlives an unconsented child
	}
	c.requests = add(c.requests, request{id: k, open: &asking{
		created: at, expires: b.Expires, charter: int32(b.Charter), guardian: uint8(g), payload: b.Payload, takeover: b.Takeover,
		purposes: n.sym(strings.Join(b.Purposes, " ")), channel: n.sym(string(b.Channel)), locale: n.sym(b.Locale),
	}})
	if !b.Takeover {
		return fault{}
	}
	// Edge case 18: only whoever has read the announcement asks about who takes over.
	return f.afterEnd(restsOnEnd{source: s, asks: n.keep(strings.Join(b.Purposes, " ")), since: at})
}

// moved folds that a request was sent, ran out or was cancelled.
func (f *fold) moved(p ledger.Placed, c *child, b consent.RequestBody) fault {
	r := c.asked(b.Request)
	if r == nil || r.open == nil || r.open.state == answered {
		return impossible(ruleRequest)
	}
	over := p.At.UnixMicro() >= r.open.expires
	if p.Kind == consent.KindSent {
		r.open.sends, r.open.sent = r.open.sends+1, p.At.UnixMicro()
		if over || b.Sends != int64(r.open.sends) {
			return impossible(ruleRequest)
		}
		return fault{}
	}
	r.open.state = cancelled
	if p.Kind == consent.KindExpired {
		r.open.state = expired
	}
	c.pastAsked += f.names.sumRequest(c, *r)
	c.ended++
	c.requests = slices.DeleteFunc(c.requests, func(q request) bool { return q.id == r.id })
	if over != (p.Kind == consent.KindExpired) {
		return impossible(ruleRequest)
	}
	return fault{}
}

// answers folds that a purpose of a request was answered: each once, after it was
// shown what the answer names (invariant 4).
func (f *fold) answers(p ledger.Placed, s source, c *child, b consent.AnswerBody) fault {
	again := f.missedNos[no{p.Subject, b.Guardian, b.Purpose}]
	if p.Kind == consent.KindWithdrawn {
		switch {
		case b.Request != "" || b.Takeover:
			return fault{what: FoundBody, field: ruleRequest}
		case b.Again && !again: // else a withdrawal could pass for no use
			return impossible(ruleRequest)
		}
		return fault{}
	}
	// Edge case 26: what a restore has kept of a no names no request, and there was one.
	if b.Request == "" && p.Kind == consent.KindRefused && b.Page == "" && !b.Takeover && b.Again && again {
		return fault{}
	}
	r, at := c.asked(b.Request), p.At.UnixMicro()
	if r == nil || r.open == nil {
		return impossible(ruleRequest)
	}
	o, n := r.open, f.names
	first := o.state == verified && at < o.expires
	if first {
		o.pick(func(s showing) bool { return n.showed(s, b) })
	}
	fits := c.is(o.guardian, string(b.Guardian)) && int64(o.charter) == b.Charter && o.takeover == b.Takeover && !b.Again && n.showed(o.shown, b)
	if !fits || !first && (o.state != answered || o.answered != at) {
		return impossible(ruleRequest)
	}
	if first {
		o.state, o.answered, o.giving = answered, at, &giving{source: s}
	}
	asked, g := strings.Split(n.text(o.purposes), " "), o.giving
	if !slices.Contains(asked, b.Purpose) || slices.Contains(g.purposes, b.Purpose) {
		return impossible(ruleRequest)
	}
	g.purposes = append(g.purposes, n.keep(b.Purpose))
	if len(g.purposes) == len(asked) {
		r.sum = f.names.sumRequest(c, *r)
		r.open = nil
	}
	return fault{}
}

// show folds a showing: of each language and surface the newest may be answered.
func (o *asking) show(s showing) {
	if o.shown != (showing{}) {
		o.before = append(o.before, o.shown)
	}
	o.before = slices.DeleteFunc(o.before, func(was showing) bool { return was.lang == s.lang && was.on == s.on })
	o.shown = s
}

// pick keeps the one showing that was answered. If there was none, all of them go
// on as they are.
func (o *asking) pick(answered func(showing) bool) {
	if i := slices.IndexFunc(o.before, answered); i >= 0 {
		o.shown = o.before[i]
	}
	if answered(o.shown) {
		o.before = nil
	}
}

// showed reports whether an answer was to what was shown then.
func (n *names) showed(s showing, b consent.AnswerBody) bool {
	return s.at != 0 && n.text(s.notice) == b.Notice && n.text(s.page) == b.Page && n.text(s.lang) == b.Lang &&
		n.text(s.on) == b.Channel && s.at == b.Shown
}

// silent reports requests of which a purpose was left without its answer: silence
// is none (Article 9).
func (f *fold) silent(k key, c *child) {
	for _, r := range c.requests {
		if r.open != nil && r.open.giving != nil {
			s := r.open.giving.source
			s.subject = k.name(id.Subject)
			f.blame(s, impossible(ruleRequest))
		}
	}
}

// asked returns the request of that name that waits or is answered, or nil.
func (c *child) asked(name string) *request {
	k, ok := keyOf(id.Request, name)
	if i := slices.IndexFunc(c.requests, func(r request) bool { return r.id == k }); ok && i >= 0 {
		return &c.requests[i]
	}
	return nil
}

// is reports whether the child's guardian of that number has that name.
func (c *child) is(guardian uint8, name string) bool {
	k, ok := keyOf(id.Guardian, name)
	return ok && c.guardians[guardian].id == k
}

// waits reports whether the request is in one of the states and its time isn't
// over at the entry.
func (r *request) waits(p ledger.Placed, in ...step) bool {
	return r != nil && r.open != nil && slices.Contains(in, r.open.state) && p.At.UnixMicro() < r.open.expires
}

// row is what the row of a request says if the ledger is right.
func (n *names) rowOf(c *child, r request) requestRow {
	o := r.open
	var before []consent.Shown
	for _, s := range o.before {
		before = append(before, consent.Shown{
			Lang: n.text(s.lang), Channel: n.text(s.on), Notice: n.text(s.notice), Page: n.text(s.page), At: time.UnixMicro(s.at)})
	}
	return requestRow{
		id: r.id.name(id.Request), guardian: c.guardians[o.guardian].id.name(id.Guardian), charter: int64(o.charter),
		purposes: n.text(o.purposes), channel: n.text(o.channel), locale: n.text(o.locale), state: string(steps[o.state]),
		notice: n.text(o.shown.notice), page: n.text(o.shown.page), lang: n.text(o.shown.lang), on: n.text(o.shown.on), shown: o.shown.at,
		before: consent.ShownText(before), sends: int64(o.sends), sent: o.sent,
		created: o.created, expires: o.expires, verified: r.verified, answered: o.answered, payload: o.payload, takeover: o.takeover,
	}
}

// A requestRow is what a row of consent_request says that the ledger says too.
type requestRow struct {
	id, guardian, purposes, channel, locale, state, notice, page, lang, on, before string
	charter, shown, sends, sent, created, expires, verified, answered              int64
	payload, takeover                                                              bool
}

func rowOf(r consent.RequestRow) requestRow {
	return requestRow{
		id: r.ID, guardian: string(r.Guardian), charter: r.Charter, purposes: strings.Join(r.Purposes, " "),
		channel: string(r.Channel), locale: r.Locale, state: string(r.State),
		notice: r.Shown.Notice, page: r.Shown.Page, lang: r.Shown.Lang, on: r.Shown.Channel, shown: micros(r.Shown.At),
		before: r.ShownBefore(), sends: r.Sends, sent: micros(r.SentAt), created: micros(r.CreatedAt), expires: micros(r.ExpiresAt),
		verified: micros(r.VerifiedAt), answered: micros(r.AnsweredAt), payload: r.HasPayload(), takeover: r.Takeover,
	}
}

func (n *names) sumRequest(c *child, r request) uint64 { return n.sumRequestRow(n.rowOf(c, r)) }

// sumRequestRow is the sum of what changes no more: of an answered request, all
// but when its guardian was verified; of one that ended, all but the payload,
// which is forgotten with the links.
func (n *names) sumRequestRow(r requestRow) uint64 {
	payload, takeover := int64(0), int64(0)
	if r.takeover {
		takeover = 1
	}
	switch {
	case r.state != string(consent.Answered):
	case r.payload:
		r.verified, payload = 0, 1
	default:
		r.verified = 0
	}
	return n.sum([]string{r.id, r.guardian, r.purposes, r.channel, r.locale, r.state, r.notice, r.page, r.lang, r.on, r.before},
		r.charter, r.shown, r.sends, r.sent, r.created, r.expires, r.verified, r.answered, payload, takeover)
}

// compareRequest compares a row of consent_request.
func (a *audit) compareRequest(t *tally, row consent.RequestRow) {
	r := a.of(t, "consent_request", string(row.Child), a.names.shown(row.ID))
	if t == nil {
		r.extra()
		return
	}
	c, got := t.child, rowOf(row)
	t.asked[row.ID] = askedRow{forgotten: row.Forgotten(), waits: row.Refusal() == nil, sends: row.Sends}
	r.text("service", a.names.text(c.service), row.Service)
	for _, column := range row.Unlike(a.tx.Now()) {
		r.found(FoundDiffers, column, "–", "–")
	}
	if a.ring != nil && !t.locked && row.Intact(a.ring, t.record.Child) != nil {
		r.found(FoundSealed, "payload", "–", "–")
	}
	is := c.asked(row.ID)
	switch {
	case is == nil && row.State != consent.Expired && row.State != consent.Cancelled:
		r.extra()
	case is == nil:
		t.ended++
		t.pastAsked += a.names.sumRequestRow(got)
	case is.open == nil:
		t.marks[row.ID] = true
		r.text("state", string(consent.Answered), got.state)
		r.time("verified_at", is.verified, got.verified)
		if got.state == string(consent.Answered) && a.names.sumRequestRow(got) != is.sum {
			r.found(FoundDiffers, "guardian, charter, purposes, channel, locale, notice, page, shown_lang, shown_on, shown_at, "+
				"shown_before, sends, sent_at, takeover, created_at, expires_at, answered_at, payload", "–", "–")
		}
	default:
		t.marks[row.ID] = true
		r.request(a.names.rowOf(c, *is), got)
	}
}

// request compares the row of a request that waits.
func (r at) request(want, got requestRow) {
	r.text("guardian", want.guardian, got.guardian)
	r.number("charter", want.charter, got.charter)
	r.text("purposes", want.purposes, got.purposes)
	r.text("channel", want.channel, got.channel)
	r.text("locale", want.locale, got.locale)
	r.text("state", want.state, got.state)
	r.text("notice", want.notice, got.notice)
	r.text("page", want.page, got.page)
	r.text("shown_lang", want.lang, got.lang)
	r.text("shown_on", want.on, got.on)
	r.time("shown_at", want.shown, got.shown)
	if want.before != got.before {
		r.found(FoundDiffers, "shown_before", "–", "–")
	}
	r.number("sends", want.sends, got.sends)
	r.time("sent_at", want.sent, got.sent)
	r.time("created_at", want.created, got.created)
	r.time("expires_at", want.expires, got.expires)
	r.time("verified_at", want.verified, got.verified)
	r.time("answered_at", want.answered, got.answered)
	r.flag("payload", want.payload, got.payload)
	r.flag("takeover", want.takeover, got.takeover)
}

// An askedRow is what the links to a request are counted by.
type askedRow struct {
	forgotten, waits bool
	sends            int64
	links, codes     int64
}

// compareLink checks that a link leads to a request of its child, and that it is
// the one that it was made for.
func (a *audit) compareLink(t *tally, row consent.LinkRow) {
	r := a.of(t, "consent_link", string(row.Child), a.names.shown(row.Request))
	if t == nil {
		r.extra()
		return
	}
	to, there := t.asked[row.Request]
	if !there || to.forgotten {
		r.extra()
		return
	}
	if row.Short() {
		to.codes++
	} else {
		to.links++
	}
	t.asked[row.Request] = to
	if a.ring != nil && !row.Intact(a.ring) {
		r.found(FoundHash, "bound", "–", "–")
	}
}

// compareAsked names the requests that the ledger knows and the table doesn't,
// and those whose links are gone. Of an answered request some may be.
func (a *audit) compareAsked(t *tally) {
	c, whole := t.child, true
	for _, r := range c.requests {
		name := r.id.name(id.Request)
		if !t.marks[name] {
			whole = false
			a.of(t, "consent_request", "", name).missing()
		} else if to := t.asked[name]; to.waits {
			// A link and a short code from the beginning, and of each one more whenever it
			// was sent; and a link for everybody who typed a code.
			made, row := 1+to.sends, a.of(t, "consent_link", "", name)
			row.number("codes", made, to.codes)
			if to.links < made {
				row.number("links", made, to.links)
			}
		}
	}
	if whole && t.ended != c.ended {
		a.of(t, "consent_request", "", "").number("requests", int64(c.ended), int64(t.ended))
	} else if whole && t.pastAsked != c.pastAsked {
		a.of(t, "consent_request", "", "").found(FoundDiffers, "ended", "–", "–")
	}
}
