package web

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/access"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
	"wardkeep/internal/rights"
	"wardkeep/internal/session"
	"wardkeep/internal/transcript"
	"wardkeep/internal/vault"
)

func (s *Server) homeCopies(mux *http.ServeMux) {
	s.copies = newCopies()
	s.form(mux, "POST /home/{tie}/copy", "/home/{tie}#demands", s.homeCopy)
	s.form(mux, "POST /home/{tie}/copy/file", "/home/{tie}#demands", s.homeCopyFile)
}

// homeCopyPage is what guardian/home_copy.html shows: the code of a copy, once.
type homeCopyPage struct {
	homeChild
	ID, Demanded string // of the demand: its id and its number
	Until        time.Time
	Code         string
	Parts        []homePart
	Unproved     bool   // no copy leaves before a stronger proof
	Prove        string // the purpose of a request in which it can be given
}

// A homePart is one file of a copy.
type homePart struct {
	Number int
	Items  string
}

// copyNeeds is how well a guardian must have been verified for a copy, and the purpose of
// a request in which more can be shown. What is exported takes more than a code (edge
// case 24), where more can be shown: the right to a copy doesn't end where an
// installation offers no stronger proof, or where nobody asks this guardian anything any
// more, as from the child's 14th birthday on and when the service ends and isn't asking
// about its successor. Such a guardian sees each value at home by a code anyway.
func (t told) copyNeeds() (needs family.Strength, prove string) {
	if !t.proofs || t.class != age.Child {
		return family.OneTimeCode, ""
	}
	for _, p := range t.now.Charter.Purposes {
		if t.service.Asks(p.Name, t.at) {
			return family.NameAndNumber, p.Name
		}
	}
	return family.OneTimeCode, ""
}

// homeCopy shows the code by which a copy will open, and the way to its files. The
// code is made for this page and kept nowhere: the browser sends it back with the wish
// for a file, which is made and sealed with it then. So a copy that isn't fetched is
// no file anywhere. A page that is loaded again has another code, for other files.
func (s *Server) homeCopy(w http.ResponseWriter, r *http.Request) error {
	var page homeCopyPage
	err := s.visit(r, func(ctx context.Context, tx *db.Tx, in session.Session) error {
		t, number, err := s.openTie(r, in, tx.Now())
		if err != nil {
			return err
		}
		demand, err := rights.Fetch(ctx, tx, t.Guardian, t.Of.Service, r.PostFormValue("request"))
		if err != nil {
			return err
		}
		words, err := s.told(ctx, tx, t.Of.Service, nil, lang(r))
		if err != nil {
			return err
		}
		if words.class, err = t.Of.Class(s.Ring, tx.Now()); err != nil {
			return err
		}
		page = homeCopyPage{ID: demand.ID, Demanded: demand.Number, Code: transcript.NewCode()}
		if page.homeChild, err = s.homeChild(ctx, tx, t, number, lang(r)); err != nil {
			return err
		}
		page.Until = page.lasts(demand.FetchUntil)
		proved, err := family.FindGuardian(ctx, tx, t.Child, t.ID)
		if err != nil {
			return err
		}
		needs, prove := words.copyNeeds()
		if page.Unproved = proved.Strength < needs; page.Unproved {
			page.Code, page.Prove = "", prove
			return nil
		}
		parts, err := vault.Parts(ctx, tx, t.Of)
		for i, p := range parts {
			page.Parts = append(page.Parts, homePart{i + 1, words.items(vault.Items(p.Held))})
		}
		return err
	})
	if err != nil {
		return s.toDoor(w, r, err)
	}
	return s.render(w, r, http.StatusOK, "guardian/home_copy.html", page)
}

// homeCopyFile sends one file of a copy. That it leaves is recorded in the transaction
// that opens its values, and the file is made after its commit (invariant 2).
func (s *Server) homeCopyFile(w http.ResponseWriter, r *http.Request) error {
	code, ok := transcript.ParseCode(r.PostFormValue("code"))
	part, err := strconv.Atoi(r.PostFormValue("part"))
	if !ok || err != nil {
		return ErrForm
	}
	var guardian family.GuardianID
	var size int64
	err = s.visit(r, func(ctx context.Context, tx *db.Tx, in session.Session) error {
		t, _, err := tie(r, in)
		if err != nil {
			return err
		}
		if t.Hidden(s.Ring, tx.Now()) { // how many parts there are isn't told: the gate denies, and records it
			guardian, size = t.ID, 0
			return nil
		}
		parts, err := vault.Parts(ctx, tx, t.Of)
		if err == nil && part >= 1 && part <= len(parts) { // of any other copyOf knows nothing
			guardian, size = t.ID, parts[part-1].Bytes
		}
		return err
	})
	if err != nil {
		return s.toDoor(w, r, err)
	}
	leave, err := s.copies.enter(r.Context(), guardian, size)
	if err != nil {
		return err
	}
	defer leave()
	file, name, err := s.makeCopy(r, code, part)
	if err != nil {
		return s.toDoor(w, r, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	out := bufio.NewWriterSize(paced(w), pieces)
	if err = file.Write(out); err == nil {
		err = out.Flush()
	}
	if err != nil {
		// Nobody is there to be told any more: the file ends where its reader was lost.
		// The error itself would say where that was.
		s.Log.InfoContext(r.Context(), "home: a copy was not taken whole", "slow", errors.Is(err, os.ErrDeadlineExceeded))
		panic(http.ErrAbortHandler)
	}
	return nil
}

// makeCopy opens one part of a copy and seals it with the code, in its turn. What it
// returns is ciphertext.
func (s *Server) makeCopy(r *http.Request, code string, part int) (file *transcript.File, name string, err error) {
	done, err := s.copies.turn(r.Context())
	if err != nil {
		return nil, "", err
	}
	defer done()
	var d transcript.Document
	err = s.act(r, func(ctx context.Context, tx *db.Tx, in session.Session) error {
		t, _, err := tie(r, in)
		if err != nil {
			return err
		}
		d, err = s.copyOf(ctx, tx, t, r.PostFormValue("request"), part, lang(r))
		return err
	})
	if err != nil {
		return nil, "", err
	}
	file, err = transcript.Seal(lang(r), code, d)
	return file, "copy-" + d.Number + "-" + strconv.Itoa(part) + ".html", err
}

// copyOf puts one part of a copy together. What comes before the values only reads: what
// a denial has recorded stays, and nothing else of it.
func (s *Server) copyOf(ctx context.Context, tx *db.Tx, t family.Tie, request string, part int, l i18n.Lang) (d transcript.Document, err error) {
	demand, err := rights.Fetch(ctx, tx, t.Guardian, t.Of.Service, request)
	if err != nil {
		return d, err
	}
	if t.Hidden(s.Ring, tx.Now()) {
		_, err := s.Vault.Copy(ctx, tx, t.Guardian, demand, family.Unproved, nil)
		return d, err
	}
	parts, err := vault.Parts(ctx, tx, t.Of)
	if err != nil {
		return d, err
	}
	if part < 1 || part > len(parts) {
		return d, ErrForm // fewer are held than when the page was made
	}
	answers, err := guardiansHistory(ctx, tx, t.Child)
	if err != nil {
		return d, err
	}
	words, err := s.told(ctx, tx, t.Of.Service, answers, l)
	if err != nil {
		return d, err
	}
	if words.class, err = t.Of.Class(s.Ring, tx.Now()); err != nil {
		return d, err
	}
	needs, _ := words.copyNeeds()
	opened, err := s.Vault.Copy(ctx, tx, t.Guardian, demand, needs, vault.Items(parts[part-1].Held))
	if err != nil {
		return d, err
	}
	d = transcript.Document{Number: demand.Number, Part: part, Parts: len(parts), MadeAt: tx.Now().UTC(), Entry: opened.Entry,
		Service: transcript.Named{Name: t.Of.Service, Label: words.now.Charter.Name.In(words.lang)}, Parties: words.copied()}
	if d.Child, err = s.copiedChild(ctx, tx, t); err != nil {
		return d, err
	}
	for _, h := range parts[part-1].Held {
		label, kind := words.item(h.Item)
		d.Items = append(d.Items, transcript.Item{Named: transcript.Named{Name: h.Item, Label: label}, Kind: string(kind),
			Purpose: words.namedPurpose(h.Purpose), CollectedAt: h.Collected, ExpiresAt: h.Expires, Value: opened.Values[h.Item].Reveal()})
	}
	for _, a := range answers {
		if a.Withdraws != "" {
			continue // said with what it withdraws
		}
		c := transcript.Consent{Purpose: words.namedPurpose(a.Purpose), Granted: a.Granted, At: a.GivenAt, Mine: a.Guardian == t.ID, Charter: a.Charter}
		if a.Ending == consent.EndedByWithdrawal {
			c.WithdrawnAt = a.EndedAt
		}
		d.Consents = append(d.Consents, c)
	}
	if d.Uses, d.UsesUntil, err = words.copiedUses(ctx, tx, t, l); err != nil {
		return d, err
	}
	d.Demands, err = copiedDemands(ctx, tx, t, words, l)
	return d, err
}

// guardiansHistory is whatever was answered about a child by its guardians: what a minor
// says of itself is the minor's, and no guardian is told (edge case 4).
func guardiansHistory(ctx context.Context, tx *db.Tx, child family.ID) ([]consent.Answer, error) {
	var guardians []family.Guardian
	if err := tx.Together(ctx, family.ReadGuardians(&guardians, child)); err != nil {
		return nil, err
	}
	answers, err := consent.History(ctx, tx, child)
	return slices.DeleteFunc(answers, func(a consent.Answer) bool {
		return slices.ContainsFunc(guardians, func(g family.Guardian) bool { return g.ID == a.Guardian && g.Relation == family.Self })
	}), err
}

// copiedChild is what is held beside the items: of contacts the guardian's own alone.
func (s *Server) copiedChild(ctx context.Context, tx *db.Tx, t family.Tie) (c transcript.Child, err error) {
	birth, err := t.Of.Birth(s.Ring)
	if err != nil {
		return c, err
	}
	ref, err := t.Of.Ref(s.Ring)
	if err != nil {
		return c, err
	}
	phone, email, name, err := family.Contact(ctx, tx, s.Ring, t.Of, t.ID)
	if !birth.IsZero() {
		c.Birth = birth.ISO()
	}
	c.ID, c.Reference, c.Since = string(t.Child), ref.Reveal(), t.Of.CreatedAt
	c.Phone, c.Email, c.Name = phone.Reveal(), email.Reveal(), name.Reveal()
	return c, err
}

func (t told) namedPurpose(name string) transcript.Named {
	return transcript.Named{Name: name, Label: t.label(name)}
}

func (t told) namedItems(names []string) (all []transcript.Named) {
	for _, name := range names {
		label, _ := t.item(name)
		all = append(all, transcript.Named{Name: name, Label: label})
	}
	return all
}

// usesCopied bounds the lines about uses in a copy: as many days as are told, with
// forty lines each.
const usesCopied = access.Keep * usesShown

func (t told) copiedUses(ctx context.Context, tx *db.Tx, me family.Tie, l i18n.Lang) (uses []transcript.Use, until time.Time, err error) {
	all, until, err := access.Of(ctx, tx, me.Of, usesCopied)
	for _, u := range all {
		who, what, purpose := t.usedBy(me, u, t.now.Charter.Name.In(t.lang), l)
		uses = append(uses, transcript.Use{Day: u.Date().Format(time.DateOnly), Who: who,
			What: transcript.Named{Name: string(u.Activity), Label: what}, Purpose: transcript.Named{Name: u.Purpose, Label: purpose},
			Party: t.party(u.Party), Items: t.namedItems(u.Items), Permitted: u.Permitted, Times: u.Times})
	}
	return uses, until, err
}

// usedBy says in words who did what, and what for. The operator's app is the
// service: which of its keys it was tells a guardian nothing.
func (t told) usedBy(me family.Tie, u access.Told, service string, l i18n.Lang) (who, what, purpose string) {
	who, what, purpose = service, u.Activity.In(t.lang), t.label(u.Purpose)
	switch {
	case u.Actor == me.Ledger():
		who = l.T("web.mine.uses.you")
	case strings.HasPrefix(u.Actor, "guardian:"):
		who = l.T("web.mine.uses.guardian")
	case strings.HasPrefix(u.Actor, "party:"): // Articles 16 and 17: it has fetched it itself
		who = t.party(u.Party)
	case strings.HasPrefix(u.Actor, "port:"):
		who = l.T("web.port.recipient")
	case strings.HasPrefix(u.Actor, "staff:"): // Article 15
		who, what = l.T("web.mine.uses.staff", "Service", service), l.T("web.mine.uses.looked")
	}
	switch u.Activity {
	case gate.View:
		what, purpose = l.T("web.mine.uses.looked"), l.T("web.mine.uses.right")
	case gate.Port:
		what, purpose = l.T("web.mine.uses.copied"), l.T("web.port.handed")
	case gate.Copy:
		what, purpose = l.T("web.mine.uses.copied"), l.T("web.mine.uses.right")
	}
	if on, _, ok := strings.Cut(u.Party, ":"); ok && slices.Contains(approval.Parties(), u.Party) { // Article 18
		what, purpose = u.Activity.In(t.lang), l.T("web.mine.uses.on_"+on)
	}
	if what == "" {
		what = l.T("web.mine.uses.unknown") // denied: nobody knows such an activity
	}
	return who, what, purpose
}

func copiedDemands(ctx context.Context, tx *db.Tx, t family.Tie, words told, l i18n.Lang) (demands []transcript.Demand, err error) {
	all, err := rights.Of(ctx, tx, t.Child)
	for _, r := range all {
		item := words.demanded(r.Item)
		demands = append(demands, transcript.Demand{Number: r.Number, ReceivedAt: r.ReceivedAt, DueAt: r.DueAt, ClosedAt: r.ClosedAt,
			What:  transcript.Named{Name: string(r.Kind), Label: l.T("web.mine.demand."+string(r.Kind), "Item", item)},
			State: transcript.Named{Name: string(r.State), Label: l.T("web.mine.demand.state." + string(r.State))}})
	}
	return demands, err
}

// copied lists who else gets to see something.
func (t told) copied() (all []transcript.Party) {
	c := t.now.Charter
	for _, p := range c.Processors {
		all = append(all, transcript.Party{Role: "processor", Label: p.Label.In(t.lang), Country: charter.CountryIn(p.Country, t.lang), Contact: p.Contact,
			Why: p.Task.In(t.lang), Items: t.namedItems(p.Items)})
	}
	for _, p := range c.Recipients {
		all = append(all, transcript.Party{Role: "recipient", Label: p.Label.In(t.lang), Country: charter.CountryIn(p.Country, t.lang), Contact: p.Contact,
			Why: p.Why.In(t.lang), Items: t.namedItems(p.Items)})
	}
	for _, p := range c.Purposes {
		for _, a := range p.Audiences {
			all = append(all, transcript.Party{Role: "audience", Label: a.Label.In(t.lang), Why: p.Label.In(t.lang), Items: t.namedItems(a.Items)})
		}
	}
	return all
}
