package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/access"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/order"
	parties "wardkeep/internal/party"
	"wardkeep/internal/register"
	"wardkeep/internal/session"
	"wardkeep/internal/vault"
)

func (s *Server) homeChildren(mux *http.ServeMux) {
	s.handle(mux, "GET /home/{tie}", s.homeOne)
	s.handle(mux, "GET /home/{tie}/{$}", withoutSlash)
	s.form(mux, "POST /home/{tie}/reveal", "/home/{tie}#held", s.homeReveal)
	s.form(mux, "POST /home/{tie}/withdraw", "/home/{tie}#consents", s.homeWithdraw)
	s.form(mux, "POST /home/{tie}/again", "/home/{tie}#consents", s.homeAgain)
}

// homeChildPage is what guardian/home_child.html shows.
type homeChildPage struct {
	homeChild
	Rules      string
	Held       []homeHeld
	Kept       []certificateHeld // which nobody reads
	Uses       []homeUse
	UsesUntil  time.Time // complete up to then; zero: up to now
	MoreUses   bool      // there are older ones
	Consents   []homeConsent
	Disputes   []string // labels of the purposes
	Processors []homeParty
	Recipients []homeParty
	Audiences  []homeParty
	Orders     []homeOrder
	People     []homePerson
	Invited    bool // just now
	Alone      bool // nobody else could speak for the child
	Demands    []homeDemand
	Days       int         // working days that one may take
	Erasing    *homeDemand // the open one that ends with the erasure
	Missing    []homeItem  // what may be supplemented
	Told       bool        // it was demanded, and the answer stands
	Copied     bool        // so was a copy
}

// A homeHeld is a value that is held. Value is zero until the guardian has asked
// for it, in this very request.
type homeHeld struct {
	Item, Label, Purpose string
	Collected, Until     time.Time
	Value                pii.Text
	Shown                bool
	Media                bool   // it isn't text that anybody could read
	Entry                string // that recorded the look
}

// A homeUse is what somebody did on one day, alike and so many times.
type homeUse struct {
	Day                       time.Time
	Who, What, Purpose, Items string
	Party                     string
	Times                     int64
	Refused                   bool // the gate said no
}

// alike reports whether both say the same, whatever the number of times.
func (u homeUse) alike(v homeUse) bool {
	u.Times, v.Times = 0, 0
	return u == v
}

// A homeConsent is one purpose, and what stands of the answers to it.
type homeConsent struct {
	Purpose, Label string
	Necessary      bool
	State          string // a key
	Since          time.Time
	IfRefused      string
	Withdraw       bool   // there is something to take back
	Again          bool   // the guardian may think again
	Unproved       bool   // … or prove who it is: what stands was agreed to by a code, which doesn't carry it (edge case 24)
	Until          string // what doesn't happen while State says that a proof is missing: a key
	Takeover       bool   // it asks whether who takes over the service may have what is held (edge case 18)
}

// A homeParty is somebody else who gets to see something.
type homeParty struct {
	Label, Country, Contact, Why, Items string
	Nothing                             bool // that is what it gets at present
}

// A homeOrder is what a processor or a recipient was told to do since the child was
// registered, and whether it says that it has.
type homeOrder struct {
	Label, What, Items, Number string // What is a key
	Issued, Due, Attested      time.Time
}

// orders lists what others were told to delete, to correct, or to stop.
func (page *homeChildPage) orders(ctx context.Context, tx *db.Tx, child family.ID, words told) error {
	all, err := order.Of(ctx, tx, child)
	if err != nil {
		return err
	}
	for _, o := range all {
		page.Orders = append(page.Orders, homeOrder{
			Label: words.party(o.Party), What: "web.order.what." + string(o.What), Items: words.items(o.Items),
			Number: o.Number, Issued: o.IssuedAt, Due: o.DueAt, Attested: o.AttestedAt,
		})
	}
	return nil
}

// ErrDark says that nothing can be shown or done about a child: its birth date can't be read,
// and so nobody knows who speaks for it (invariant 3).
var ErrDark = errs.New(errs.Conflict, "web.child_dark")

// tie returns the tie that the path names, if it is one of the visitor's: another
// one is as unknown as none. Errors: ErrNoPage, ErrDark.
func tie(r *http.Request, in session.Session) (family.Tie, int, error) {
	i := slices.IndexFunc(in.Ties, func(t family.Tie) bool { return string(t.ID) == r.PathValue("tie") })
	if i < 0 {
		return family.Tie{}, 0, ErrNoPage
	}
	if in.Ties[i].Dark {
		return family.Tie{}, 0, ErrDark
	}
	return in.Ties[i], i + 1, nil
}

func (s *Server) homeOne(w http.ResponseWriter, r *http.Request) error {
	var page homeChildPage
	var instead *homeClosedPage // of whom nothing is shown here
	err := s.visit(r, func(ctx context.Context, tx *db.Tx, in session.Session) error {
		t, number, err := tie(r, in)
		if instead = nil; err == nil && t.Hidden(s.Ring, tx.Now()) {
			instead = new(homeClosedPage)
			return s.fillClosed(ctx, tx, r, t, number, instead)
		}
		if err != nil {
			return err
		}
		return s.fillChild(ctx, tx, r, in, &page)
	})
	page.Invited = r.URL.Query().Has("invited")
	if err != nil {
		return s.toDoor(w, r, err)
	}
	if instead != nil {
		return s.render(w, r, http.StatusOK, "guardian/home_closed.html", *instead)
	}
	return s.render(w, r, http.StatusOK, "guardian/home_child.html", page)
}

// homeReveal shows one value. The look is recorded in the transaction that opens
// the value, and the page is made after its commit (invariant 2). The value is in
// the answer to this request alone: it has no address, and going back hides it.
func (s *Server) homeReveal(w http.ResponseWriter, r *http.Request) error {
	item := r.PostFormValue("item")
	var opened vault.Opened
	err := s.act(r, func(ctx context.Context, tx *db.Tx, in session.Session) error {
		t, _, err := tie(r, in)
		if err != nil {
			return err
		}
		if strings.IndexByte(item, 0) >= 0 {
			return vault.ErrNotHeld
		}
		opened, err = s.Vault.View(ctx, tx, t.Guardian, t.Of.Service, item)
		return err
	})
	var page homeChildPage
	if err == nil {
		// Beside the one writer: the rest of the page changes nothing.
		err = s.visit(r, func(ctx context.Context, tx *db.Tx, in session.Session) error {
			return s.fillChild(ctx, tx, r, in, &page)
		})
	}
	if err != nil {
		return s.toDoor(w, r, err)
	}
	for i, h := range page.Held {
		if h.Item == item {
			page.Held[i].Value, page.Held[i].Shown, page.Held[i].Entry = opened.Values[item], true, opened.Entry
		}
	}
	return s.render(w, r, http.StatusOK, "guardian/home_child.html", page)
}

// homeWithdraw is the second tap: the first has said what stops. Nothing else is
// asked, no reason and no proof anew (Article 20(3)).
func (s *Server) homeWithdraw(w http.ResponseWriter, r *http.Request) error {
	purpose := r.PostFormValue("purpose")
	err := s.act(r, func(ctx context.Context, tx *db.Tx, in session.Session) error {
		t, _, err := tie(r, in)
		if err != nil {
			return err
		}
		if _, err := s.desk.Withdraw(ctx, tx, t.Guardian, t.Of, purpose); err != nil {
			return err
		}
		_, err = s.Vault.EraseUnfounded(ctx, tx, t.Guardian.Ledger(), t.Of.Service, t.Child)
		return err
	})
	if err != nil {
		return s.toDoor(w, r, err)
	}
	http.Redirect(w, r, at(r, "/home/{tie}#consents"), http.StatusSeeOther)
	return nil
}

// homeAgain starts a request about a purpose that the guardian hasn't agreed to,
// and leads to it (edge case 26).
func (s *Server) homeAgain(w http.ResponseWriter, r *http.Request) error {
	purpose := r.PostFormValue("purpose")
	if purpose == "" {
		return ErrForm
	}
	var secrets consent.Secrets
	err := s.act(r, func(ctx context.Context, tx *db.Tx, in session.Session) error {
		t, _, err := s.openTie(r, in, tx.Now())
		if err != nil {
			return err
		}
		_, secrets, _, err = s.desk.Ask(ctx, tx, t.Guardian, t.Of, consent.Asking{Guardian: t.ID, Purposes: []string{purpose},
			Channel: consent.Link, Locale: string(lang(r)), TTL: againLife})
		return err
	})
	if err != nil {
		return s.toDoor(w, r, err)
	}
	http.Redirect(w, r, linkAt(r, secrets.Token), http.StatusSeeOther)
	return nil
}

// againLife is that of a request which a guardian starts for itself, now.
const againLife = 24 * time.Hour

// A told is what the pages of one child say everything with: the charter in force,
// and those that standing answers were given to.
type told struct {
	now   catalog.Published
	then  map[int64]catalog.Published
	lang  charter.Lang
	comma string
	// Whether stronger proofs than a code are offered.
	proofs  bool
	service catalog.Service // which says what ends
	at      time.Time       // now
	class   age.Class       // of the child
}

func (s *Server) told(ctx context.Context, tx *db.Tx, service string, answers []consent.Answer, l i18n.Lang) (told, error) {
	now, err := s.Charters.Current(ctx, tx, service)
	if err != nil {
		return told{}, err
	}
	t := told{now: now, then: make(map[int64]catalog.Published), lang: charter.Lang(l), comma: l.T("web.mine.comma"),
		proofs: len(s.verifier.Offered()) > 0, at: tx.Now()}
	if t.service, err = catalog.Find(ctx, tx, service); err != nil {
		return told{}, err
	}
	for _, a := range answers {
		if _, ok := t.then[a.Charter]; ok || a.Charter == now.Number {
			continue
		}
		if t.then[a.Charter], err = s.Charters.Version(ctx, tx, service, a.Charter); err != nil {
			return told{}, err
		}
	}
	return t, nil
}

// purpose returns a purpose as the charter in force says it, or an earlier one
// that somebody answered to, and false if none does.
func (t told) purpose(name string) (charter.Purpose, bool) {
	if p, ok := t.now.Charter.Purpose(name); ok {
		return p, true
	}
	for _, c := range t.then {
		if p, ok := c.Charter.Purpose(name); ok {
			return p, true
		}
	}
	return charter.Purpose{}, false
}

// label returns what a parent calls a purpose; its short name if no charter that
// is at hand has it.
func (t told) label(purpose string) string {
	if p, ok := t.purpose(purpose); ok {
		return p.Label.In(t.lang)
	}
	return purpose
}

func (t told) item(name string) (label string, kind charter.Kind) {
	if it, ok := t.now.Charter.Item(name); ok {
		return it.Label.In(t.lang), it.Kind
	}
	for _, c := range t.then {
		if it, ok := c.Charter.Item(name); ok {
			return it.Label.In(t.lang), it.Kind
		}
	}
	return name, charter.Text
}

func (t told) items(names []string) string {
	labels := make([]string, len(names))
	for i, name := range names {
		labels[i], _ = t.item(name)
	}
	return strings.Join(labels, t.comma)
}

func (s *Server) fillChild(ctx context.Context, tx *db.Tx, r *http.Request, in session.Session, page *homeChildPage) error {
	t, number, err := s.openTie(r, in, tx.Now())
	if err != nil {
		return err
	}
	var answers []consent.Answer
	var guardians []family.Guardian
	if err := tx.Together(ctx, consent.ReadStanding(&answers, t.Child), family.ReadGuardians(&guardians, t.Child)); err != nil {
		return err
	}
	words, err := s.told(ctx, tx, t.Of.Service, answers, lang(r))
	if err != nil {
		return err
	}
	if words.class, err = t.Of.Class(s.Ring, tx.Now()); err != nil {
		return err
	}
	*page = homeChildPage{Rules: "/rules/" + t.Of.Service} // Update may run this again
	if page.homeChild, err = s.homeChild(ctx, tx, t, number, lang(r)); err != nil {
		return err
	}
	held, err := vault.Holdings(ctx, tx, t.Of)
	if err != nil {
		return err
	}
	for _, h := range held {
		label, kind := words.item(h.Item)
		page.Held = append(page.Held, homeHeld{Item: h.Item, Label: label, Purpose: words.label(h.Purpose), Collected: h.Collected, Until: h.Expires,
			Media: kind == charter.Image || kind == charter.Audio || kind == charter.Video})
	}
	kept, err := vault.Kept(ctx, tx, t.Child)
	if err != nil {
		return err
	}
	for _, k := range kept {
		label, _ := words.item(k.Item)
		page.Kept = append(page.Kept, certificateHeld{label, k.Basis.Words(lang(r), k.Number), k.Until})
	}
	if err := s.fillUses(ctx, tx, t, words, lang(r), page); err != nil {
		return err
	}
	page.Consents = words.consents(t, answers, guardians)
	page.Disputes = words.disputes(answers, guardians)
	service, err := catalog.Find(ctx, tx, t.Of.Service)
	if err != nil {
		return err
	}
	gets, err := register.Gets(ctx, tx, service)
	if err != nil {
		return err
	}
	page.Processors, page.Recipients, page.Audiences = words.parties(gets)
	page.People, page.Alone = people(t, guardians)
	if err := page.orders(ctx, tx, t.Child, words); err != nil {
		return err
	}
	return s.demands(ctx, tx, t, words, page)
}

// usesShown bounds the lines about uses on a page.
const usesShown = 40

// fillUses says who used what, on which day, how often and why.
func (s *Server) fillUses(ctx context.Context, tx *db.Tx, me family.Tie, words told, l i18n.Lang, page *homeChildPage) error {
	all, until, err := access.Of(ctx, tx, me.Of, usesShown+1)
	if err != nil {
		return err
	}
	page.UsesUntil, page.MoreUses = until, len(all) > usesShown
	for _, u := range all[:min(len(all), usesShown)] {
		line := homeUse{Day: u.Date(), Times: u.Times, Refused: !u.Permitted}
		line.Who, line.What, line.Purpose = words.usedBy(me, u, page.Service, l)
		line.Items, line.Party = words.items(u.Items), words.party(u.Party)
		if i := slices.IndexFunc(page.Uses, line.alike); i >= 0 {
			page.Uses[i].Times += line.Times // by another key of the same service
			continue
		}
		page.Uses = append(page.Uses, line)
	}
	return nil
}

// party returns what a parent calls whoever got to see something.
func (t told) party(name string) string {
	if p, ok := t.now.Charter.Processor(name); ok {
		return p.Label.In(t.lang)
	}
	if p, ok := t.now.Charter.Recipient(name); ok {
		return p.Label.In(t.lang)
	}
	for _, p := range t.now.Charter.Purposes {
		if a, ok := p.Audience(name); ok {
			return a.Label.In(t.lang)
		}
	}
	if slices.Contains(approval.Parties(), name) {
		_, receiver, _ := strings.Cut(name, ":")
		return i18n.Lang(t.lang).T("approval.receiver." + receiver)
	}
	return name
}

// consents says of each purpose what stands, in the charter's order; then of those
// that no charter asks for any more and somebody once agreed to.
func (t told) consents(me family.Tie, answers []consent.Answer, guardians []family.Guardian) (all []homeConsent) {
	for _, p := range t.now.Charter.Purposes {
		all = append(all, t.consent(me, p.Name, answers, guardians))
	}
	for _, a := range answers {
		_, asked := t.now.Charter.Purpose(a.Purpose)
		if a.Granted && !asked && !slices.ContainsFunc(all, func(c homeConsent) bool { return c.Purpose == a.Purpose }) {
			all = append(all, t.consent(me, a.Purpose, answers, guardians))
		}
	}
	return all
}

func (t told) consent(me family.Tie, purpose string, answers []consent.Answer, guardians []family.Guardian) homeConsent {
	p, _ := t.purpose(purpose)
	c := homeConsent{Purpose: purpose, Label: t.label(purpose), Necessary: p.Necessary, IfRefused: p.IfRefused.In(t.lang)}
	_, asked := t.now.Charter.Purpose(purpose)
	goesOn, weighed := t.service.Asks(purpose, t.at), answers
	if c.Takeover = goesOn && t.service.Ceases(purpose); c.Takeover {
		weighed = consent.Fresh(answers, purpose)
	}
	v := consent.Standing(weighed, guardians, t.class, purpose, t.now.AskedSince[purpose])
	var mine, theirs consent.Answer
	for _, a := range answers {
		switch {
		case a.Purpose != purpose:
		case a.Guardian == me.ID:
			mine = a
		case a.Granted && slices.ContainsFunc(guardians, func(g family.Guardian) bool { return g.ID == a.Guardian && g.Relation != family.Self }):
			theirs = a
		}
		if a.ID == v.Consent {
			c.Since = a.GivenAt
		}
	}
	if t.class != age.Child {
		// Edge case 4: what the minor says is the minor's. A former yes can be taken back.
		return homeConsent{Purpose: c.Purpose, Label: c.Label, Necessary: c.Necessary, IfRefused: c.IfRefused,
			State: "web.mine.consent.minor", Withdraw: mine.Granted || mine.ID == "" && theirs.ID != ""}
	}
	weak := v.Granted && v.Strength < consent.Needed(t.now.Charter, purpose)
	c.Unproved = weak && mine.Granted && mine.Charter >= t.now.AskedSince[purpose]
	switch {
	case c.Unproved && t.proofs:
		c.State, c.Until = "web.mine.consent.unproved", consent.UntilProved(t.now.Charter)
	case c.Unproved:
		c.State, c.Until = "web.mine.consent.unproved_nowhere", consent.UntilProved(t.now.Charter)
	case weak:
		c.State, c.Until = "web.mine.consent.unproved_other", consent.UntilProved(t.now.Charter)
	case v.Granted:
		c.State = "web.mine.consent.granted"
	case !asked:
		c.State = "web.mine.consent.not_asked"
	case v.Why == consent.None:
		c.State = "web.mine.consent.none"
	default:
		c.State = "web.mine.consent." + string(v.Why)
	}
	// As consent.Withdraw has it: the own yes, or, for who gave no answer, another's.
	c.Withdraw = mine.Granted || mine.ID == "" && theirs.ID != ""
	before := c.Takeover && !mine.Takeover // the announcement
	switch {
	case !goesOn: // whatever was agreed to
		c.State, c.Until, c.Since, c.Unproved = "web.mine.consent.ending", "", time.Time{}, false
	case c.Takeover && !v.Granted && v.Why == consent.None:
		c.State = "web.mine.consent.takeover"
	}
	counts := slices.ContainsFunc(consent.Counting(answers, guardians, t.class), func(a consent.Answer) bool { return a.ID == mine.ID })
	c.Again = asked && goesOn && (!mine.Granted || before || !counts || weak && (t.proofs || !c.Unproved))
	return c
}

// disputes names the purposes about which two guardians in office say different
// things (edge case 7).
func (t told) disputes(answers []consent.Answer, guardians []family.Guardian) (labels []string) {
	if t.class != age.Child {
		return nil // none of them is asked any more
	}
	ended := func(id family.GuardianID) bool {
		i := slices.IndexFunc(guardians, func(g family.Guardian) bool { return g.ID == id })
		return i >= 0 && !guardians[i].EndedAt.IsZero()
	}
	for _, p := range t.now.Charter.Purposes {
		yes := slices.ContainsFunc(answers, func(a consent.Answer) bool { return a.Purpose == p.Name && a.Granted && !ended(a.Guardian) })
		no := slices.ContainsFunc(answers, func(a consent.Answer) bool { return a.Purpose == p.Name && !a.Granted && !ended(a.Guardian) })
		if yes && no {
			labels = append(labels, p.Label.In(t.lang))
		}
	}
	return labels
}

// parties lists, by name, who else gets to see something (Network Data Regulations
// 21: recipients are told as a list).
func (t told) parties(gets func(role parties.Role, name string) bool) (processors, recipients, audiences []homeParty) {
	for _, p := range t.now.Charter.Processors {
		processors = append(processors, homeParty{p.Label.In(t.lang), charter.CountryIn(p.Country, t.lang), p.Contact, p.Task.In(t.lang), t.items(p.Items), !gets(parties.Processor, p.Name)})
	}
	for _, p := range t.now.Charter.Recipients {
		recipients = append(recipients, homeParty{p.Label.In(t.lang), charter.CountryIn(p.Country, t.lang), p.Contact, p.Why.In(t.lang), t.items(p.Items), !gets(parties.Recipient, p.Name)})
	}
	for _, p := range t.now.Charter.Purposes {
		for _, a := range p.Audiences {
			audiences = append(audiences, homeParty{Label: a.Label.In(t.lang), Why: p.Label.In(t.lang), Items: t.items(a.Items)})
		}
	}
	return processors, recipients, audiences
}
