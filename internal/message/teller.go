package message

import (
	"context"
	"errors"
	"slices"
	"time"

	"wardkeep/internal/access"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/notify"
	"wardkeep/internal/rights"
	"wardkeep/internal/session"
	"wardkeep/internal/verification"
)

// ErrNobody says that there is nobody to tell, or nothing any more: the child was
// erased since, the guardian is none any more, no contact is on file, or what was
// to be told isn't so any more.
var ErrNobody = errors.New("message: nobody to tell")

// A Teller tells guardians what was recorded. They have to be told: nobody can
// unsubscribe from these messages.
type Teller struct {
	Store     *db.DB
	Desk      consent.Desk
	Messages  notify.Router
	PublicURL string
	Proofs    bool // stronger proofs than a code are offered

	ConsoleURL string // how the console's links begin
}

// Send tells a guardian of an entry. Called again, it sends the same message
// with the same id and the same link, so that a gateway can drop the second.
// Errors: ErrNobody, those of notify, and that the store can't be read.
func (t Teller) Send(ctx context.Context, d Due) error {
	var m notify.Message
	// The link is durable before it is sent. If we crash here, or after the
	// gateway took the message, it is sent again.
	err := t.Store.Update(ctx, func(tx *db.Tx) (err error) {
		m, err = t.write(ctx, tx, d)
		return err
	})
	switch {
	case nobody(err):
		return ErrNobody
	case err != nil:
		return err
	}
	if err := t.Messages.Send(ctx, m); err != nil || d.Kind != notify.KindErasureAsked {
		return err
	}
	return t.Store.Update(ctx, func(tx *db.Tx) error { return t.warned(ctx, tx, d, m.Channel) })
}

// warned records that a guardian was told that the child is to be erased: before it is,
// the operator can see whether anybody was (edge cases 11 and 17). What has ended in the
// meantime needs no record.
func (t Teller) warned(ctx context.Context, tx *db.Tx, d Due, by notify.Channel) error {
	entry, err := ledger.Find(ctx, tx, d.Entry)
	if err != nil {
		return err
	}
	var received rights.ReceivedBody
	var taken rights.ConfirmedBody
	name := &received.Request
	if entry.Kind == rights.KindConfirmed {
		name, err = &taken.Request, entry.Into(&taken)
	} else {
		err = entry.Into(&received)
	}
	if err != nil {
		return err
	}
	r, err := rights.Find(ctx, tx, entry.Service, *name)
	if err == nil {
		err = rights.Tell(ctx, tx, r, d.Guardian, string(by))
	}
	if nobody(err) || errors.Is(err, rights.ErrEnded) {
		return nil
	}
	return err
}

func (t Teller) write(ctx context.Context, tx *db.Tx, d Due) (notify.Message, error) {
	if d.Kind == notify.KindAlarm {
		return t.alarmed(ctx, tx, d)
	}
	entry, err := ledger.Find(ctx, tx, d.Entry)
	if err != nil {
		return notify.Message{}, err
	}
	switch d.Kind {
	case "":
		return t.answer(ctx, tx, d, entry)
	case notify.KindSignedIn, notify.KindPasskeyAdded:
		return t.atHome(ctx, tx, d, entry)
	case notify.KindOwes:
		return t.owes(ctx, tx, d, entry)
	}
	return t.news(ctx, tx, d, entry)
}

// way returns the first contact that this server can send to.
func way(messages notify.Router, site, lang string, contacts []consent.Contact) (notify.To, error) {
	for _, c := range contacts {
		if channel := notify.Channel(c.Channel); messages.Has(channel) {
			return notify.To{Channel: channel, Address: c.To, Lang: i18n.Lang(lang), Site: site}, nil
		}
	}
	if len(contacts) == 0 {
		return notify.To{}, ErrNobody
	}
	return notify.To{}, notify.ErrNoChannel
}

// answer writes of an answer or a withdrawal.
func (t Teller) answer(ctx context.Context, tx *db.Tx, d Due, entry ledger.Placed) (notify.Message, error) {
	var a consent.AnswerBody
	if err := entry.Into(&a); err != nil {
		return notify.Message{}, err
	}
	child, _, err := familyOf(ctx, tx, t.Desk.Ring, entry)
	if err != nil {
		return notify.Message{}, err
	}
	told, err := t.Desk.Tell(ctx, tx, child, a.Consent)
	if err != nil {
		return notify.Message{}, err
	}
	to, err := way(t.Messages, t.PublicURL, told.Lang, told.Contacts)
	if err != nil {
		return notify.Message{}, err
	}
	m, err := confirmation(ctx, tx, t.Desk, entry.Service, told, to, t.Proofs)
	m.ID = t.name(d)
	return m, err
}

// confirmation puts what is told into the words of the charter that was answered:
// they are public, and no value is among them. Proofs says whether a guardian can
// show more than a code.
func confirmation(ctx context.Context, tx *db.Tx, desk consent.Desk, service string, told consent.Told, to notify.To, proofs bool) (notify.Message, error) {
	published, err := desk.Charters.Version(ctx, tx, service, told.Charter)
	if err != nil {
		return notify.Message{}, err
	}
	lang := charter.Lang(to.Lang)
	name, link := published.Charter.Name.In(lang), ""
	if told.Token != "" {
		link = request(to.Site, told.Token, told.Lang)
	}
	labels := func(names []string) (all []string) {
		for _, n := range names {
			purpose, _ := published.Charter.Purpose(n)
			all = append(all, purpose.Label.In(lang))
		}
		return all
	}
	if len(told.Withdrawn) > 0 {
		if link == "" { // withdrawn at home, by somebody who never answered
			link = home(to.Site, told.Lang)
		}
		return notify.Withdrawal{Service: name, Withdrawn: labels(told.Withdrawn), At: told.At, Link: link}.Message(to), nil
	}
	out := notify.Receipt{Service: name, Agreed: labels(told.Agreed), Refused: labels(told.Refused), At: told.At, Link: link}
	for i, n := range told.Agreed {
		// Edge case 24: a yes that falls short isn't confirmed as one that doesn't.
		if told.Strength >= consent.Needed(published.Charter, n) {
			continue
		}
		how := "notify.receipt.unproved"
		if !proofs {
			how = "notify.receipt.unproved_nowhere"
		}
		out.Agreed[i] = to.Lang.T(how, "Purpose", out.Agreed[i], "Until", to.Lang.T(consent.UntilProved(published.Charter)))
		out.Unproved++
	}
	return out.Message(to), nil
}

// The addresses that messages lead to. All begin with the public URL, and only those
// of a request and a certificate hold a secret.

func request(site, token, lang string) string { return site + "/r/" + token + "?lang=" + lang }
func certificate(site, secret, lang string) string {
	return site + "/certificate/" + secret + "?lang=" + lang
}
func home(site, lang string) string           { return site + "/home?lang=" + lang }
func rules(site, service, lang string) string { return site + "/rules/" + service + "?lang=" + lang }

// news writes to one guardian of what has happened to its child, if it still is so.
func (t Teller) news(ctx context.Context, tx *db.Tx, d Due, entry ledger.Placed) (notify.Message, error) {
	child, guardians, err := familyOf(ctx, tx, t.Desk.Ring, entry)
	if err != nil {
		return notify.Message{}, err
	}
	if err := still(ctx, tx, d, entry, child, guardians); err != nil {
		return notify.Message{}, err
	}
	if err := hidden(ctx, tx, t.Desk.Ring, d, entry, find(guardians, d.Guardian)); err != nil {
		return notify.Message{}, err
	}
	reached, err := t.Desk.Reach(ctx, tx, child, d.Guardian)
	if err != nil {
		return notify.Message{}, err
	}
	to, err := way(t.Messages, t.PublicURL, reached.Lang, reached.Contacts)
	if err != nil {
		return notify.Message{}, err
	}
	if d.Kind == notify.KindCeasing || d.Kind == notify.KindPurposeCeasing {
		m, err := t.ceasing(ctx, tx, d, entry, to, reached)
		m.ID = t.name(d)
		return m, err
	}
	if d.Kind == notify.KindInactive {
		m, err := t.inactive(ctx, tx, entry, to, reached.Lang)
		m.ID = t.name(d)
		return m, err
	}
	n := notify.News{Kind: d.Kind, At: entry.At}
	if entry.Kind == approval.KindTold {
		var b approval.ToldBody
		if err := entry.Into(&b); err != nil {
			return notify.Message{}, err
		}
		r, err := approval.OfChild(ctx, tx, child.ID, b.Request)
		if err != nil {
			return notify.Message{}, err
		}
		n.At = r.ReleasedAt
	}
	if n.Service, err = serviceName(ctx, tx, t.Desk, entry.Service, to.Lang); err != nil {
		return notify.Message{}, err
	}
	if n.Link, n.Lost, err = t.link(ctx, tx, d, entry, reached, find(guardians, d.Guardian)); err != nil {
		return notify.Message{}, err
	}
	m := n.Message(to)
	m.ID = t.name(d)
	return m, nil
}

// ceasing writes of the end of a service, or of a purpose, in the words of the charter.
func (t Teller) ceasing(ctx context.Context, tx *db.Tx, d Due, entry ledger.Placed, to notify.To, reached consent.Reached) (notify.Message, error) {
	var b family.CeasingBody
	if err := entry.Into(&b); err != nil {
		return notify.Message{}, err
	}
	published, err := t.Desk.Charters.Current(ctx, tx, entry.Service)
	if err != nil {
		return notify.Message{}, err
	}
	c := notify.Ceasing{Service: published.Charter.Name.In(charter.Lang(to.Lang)), Until: time.UnixMicro(b.Ends), Link: home(t.PublicURL, reached.Lang)}
	if b.Purpose != "" {
		c.Purpose = b.Purpose // a later charter may not have it
		if p, ok := published.Charter.Purpose(b.Purpose); ok {
			c.Purpose = p.Label.In(charter.Lang(to.Lang))
		}
		return c.Message(to), nil
	}
	service, err := catalog.Find(ctx, tx, entry.Service)
	if err != nil || service.Successor == (catalog.Successor{}) {
		return c.Message(to), err
	}
	// Edge case 18: the same message asks, so that nobody has to look for the question.
	c.Successor = recipientName(published.Charter, service.Successor.Recipient, charter.Lang(to.Lang))
	r, err := consent.SuccessionAsked(ctx, tx, reached.Child.ID, d.Guardian, service.Successor)
	if errors.Is(err, consent.ErrNoRequest) {
		return c.Message(to), nil
	}
	if err != nil {
		return notify.Message{}, err
	}
	token, err := t.Desk.Lead(ctx, tx, r, d.About)
	c.Asked, c.Link = true, request(t.PublicURL, token, reached.Lang)
	return c.Message(to), err
}

// recipientName is what a charter calls a recipient.
func recipientName(c *charter.Charter, name string, lang charter.Lang) string {
	if r, ok := c.Recipient(name); ok {
		return r.Label.In(lang)
	}
	return name
}

// inactive writes of an account that nobody uses.
func (t Teller) inactive(ctx context.Context, tx *db.Tx, entry ledger.Placed, to notify.To, lang string) (notify.Message, error) {
	var b family.InactiveBody
	if err := entry.Into(&b); err != nil {
		return notify.Message{}, err
	}
	name, err := serviceName(ctx, tx, t.Desk, entry.Service, to.Lang)
	return notify.Inactive{Service: name, Until: time.UnixMicro(b.Erase), Link: home(t.PublicURL, lang)}.Message(to), err
}

func (t Teller) name(d Due) string { return Name(t.Desk.Ring, d.About) }

// Name is by what a gateway knows a message about something again: the same one
// each time. Mail servers log it beside the address, for longer than a child may
// last here, so it names nothing that the ledger does (Article 20).
func Name(ring *keyring.Ring, about string) string { return id.Text(ring.Index("message.name", about)) }

func serviceName(ctx context.Context, tx *db.Tx, desk consent.Desk, service string, lang i18n.Lang) (string, error) {
	published, err := desk.Charters.Current(ctx, tx, service)
	if err != nil {
		return "", err
	}
	return published.Charter.Name.In(charter.Lang(lang)), nil
}

// still returns ErrNobody unless what is to be told is so: while a gateway was
// down, two guardians may have come to agree.
func still(ctx context.Context, tx *db.Tx, d Due, entry ledger.Placed, child family.Child, guardians []family.Guardian) error {
	me, so := find(guardians, d.Guardian), true
	switch d.Kind {
	case notify.KindUnverified:
		so = me.Strength == family.Unproved
	case notify.KindProofExpired:
		proofs, err := family.Proofs(ctx, tx, child.ID)
		if err != nil {
			return err
		}
		// What runs out was shown by a document, which shows both kinds: who has proved
		// but one of them anew is told still.
		so = !proved(proofs, me.ID, family.Adulthood) || !proved(proofs, me.ID, family.Guardianship)
	case notify.KindDocumentAccepted, notify.KindDocumentRefused, notify.KindDocumentExpired,
		notify.KindIdentityAccepted, notify.KindIdentityRefused:
	case notify.KindErasureAsked:
		so = me.MayAnswer() && child.Frozen
	case notify.KindErasureKept:
		so = me.MayAnswer() && !child.Frozen
	case notify.KindDisputed:
		so = me.MayAnswer() && child.Disputed
	case notify.KindSettled:
		so = me.MayAnswer() && !child.Disputed
	case notify.KindInactive:
		var b family.InactiveBody
		if err := entry.Into(&b); err != nil {
			return err
		}
		a, err := access.ActivityOf(ctx, tx, child.ID)
		if err != nil {
			return err
		}
		// It may have been used since, and its guardians told once more of another day.
		so = me.MayAnswer() && a.EraseOn == access.DayOf(time.UnixMicro(b.Erase))
	case notify.KindGuardianAdded, notify.KindContactAdded:
		var b family.GuardianAddedBody
		if err := entry.Into(&b); err != nil {
			return err
		}
		so = me.MayAnswer() && find(guardians, b.Guardian).EndedAt.IsZero()
	case notify.KindOtherUnverified:
		var b family.GuardianVerifiedBody
		if err := entry.Into(&b); err != nil {
			return err
		}
		so = me.MayAnswer() && find(guardians, b.Guardian).Strength == family.Unproved
	default:
		so = me.MayAnswer()
	}
	if !so {
		return ErrNobody
	}
	return nil
}

func proved(proofs []family.Proof, guardian family.GuardianID, kind family.ProofKind) bool {
	return slices.ContainsFunc(proofs, func(p family.Proof) bool { return p.Guardian == guardian && p.Kind == kind })
}

// hidden returns ErrNobody where a guardian from whom what is held is hidden would learn what the
// child, or who else cares for it, has done (edge case 22). It hears of what it has done itself, of what is
// proved of it, and of an end that the law has every guardian told of (Article 23): there is
// nothing of the child in those. What it isn't told it isn't told later.
func hidden(ctx context.Context, tx *db.Tx, ring *keyring.Ring, d Due, entry ledger.Placed, me family.Guardian) error {
	if !me.Hidden(ring, tx.Now()) {
		return nil
	}
	switch d.Kind {
	case notify.KindCeasing, notify.KindPurposeCeasing, notify.KindInactive, notify.KindUnverified, notify.KindProofExpired,
		notify.KindDocumentAccepted, notify.KindDocumentRefused, notify.KindDocumentExpired, notify.KindIdentityAccepted, notify.KindIdentityRefused:
		return nil
	case notify.KindDemandReceived, notify.KindDemandExtended, notify.KindDemandDone, notify.KindDemandRefused:
		own, err := demandedBy(ctx, tx, entry, me.ID)
		if err != nil || own {
			return err
		}
	}
	return ErrNobody
}

// link returns where the guardian can do something about it. To the home a
// verified guardian signs in, and the address holds no secret; who isn't verified
// comes back through a request. Where that is over, a verified guardian is at home
// all the same; for who isn't, and whose request can't be had sent again, no way
// leads back, and lost says so: then the link says who can help.
func (t Teller) link(ctx context.Context, tx *db.Tx, d Due, entry ledger.Placed, to consent.Reached, me family.Guardian) (_ string, lost bool, err error) {
	back := to.Back
	switch d.Kind {
	case notify.KindDisputed, notify.KindSettled, notify.KindTurning, notify.KindTurned, notify.KindGuardianAdded, notify.KindContactAdded,
		notify.KindGuardianRemoved, notify.KindOtherUnverified,
		notify.KindErasureAsked, notify.KindErasureKept, notify.KindDemandReceived, notify.KindDemandExtended,
		notify.KindDemandDone, notify.KindDemandRefused, notify.KindAnswerReady, notify.KindCopyTaken, notify.KindPortAsked, notify.KindPortTaken, notify.KindPortEnded,
		notify.KindDisclosedLaw, notify.KindDisclosedLife:
		return home(t.PublicURL, to.Lang), false, nil
	case notify.KindCorrected:
		return rules(t.PublicURL, entry.Service, to.Lang), false, nil
	case notify.KindDocumentAccepted, notify.KindDocumentRefused, notify.KindDocumentExpired,
		notify.KindIdentityAccepted, notify.KindIdentityRefused:
		var b verification.FailedBody // what succeeded says less
		if err := entry.Into(&b); err != nil {
			return "", false, err
		}
		a, err := verification.Ended(ctx, tx, to.Child.ID, b.Verification)
		if err != nil {
			return "", false, err
		}
		if back, err = consent.ByID(ctx, tx, entry.Service, a.Request); err != nil {
			return "", false, err
		}
	}
	if back.Over() && me.MayAnswer() {
		return home(t.PublicURL, to.Lang), false, nil
	}
	token, err := t.Desk.Lead(ctx, tx, back, d.About)
	if errors.Is(err, consent.ErrExpired) || errors.Is(err, consent.ErrCancelled) {
		return rules(t.PublicURL, entry.Service, to.Lang), true, nil
	}
	return request(t.PublicURL, token, to.Lang), false, err
}

// atHome writes of a sign-in, or of a new way to sign in, by the other channel if
// there is one: who got in by somebody's phone may hold it still.
func (t Teller) atHome(ctx context.Context, tx *db.Tx, d Due, entry ledger.Placed) (notify.Message, error) {
	tie, by, err := t.whose(ctx, tx, entry)
	if err != nil {
		return notify.Message{}, err
	}
	reached, err := t.Desk.Reach(ctx, tx, tie.Of, tie.ID)
	if err != nil {
		return notify.Message{}, err
	}
	contacts := reached.Contacts
	if len(contacts) > 1 && contacts[0].Channel == by {
		slices.Reverse(contacts)
	}
	to, err := way(t.Messages, t.PublicURL, reached.Lang, contacts)
	if err != nil {
		return notify.Message{}, err
	}
	m := notify.News{Kind: d.Kind, At: entry.At, Link: home(t.PublicURL, reached.Lang)}.Message(to)
	m.ID = t.name(d)
	return m, nil
}

func (t Teller) whose(ctx context.Context, tx *db.Tx, entry ledger.Placed) (family.Tie, consent.Channel, error) {
	door := session.Door{Ring: t.Desk.Ring}
	if entry.Kind == session.KindAdded {
		var b session.AddedBody
		if err := entry.Into(&b); err != nil {
			return family.Tie{}, "", err
		}
		return door.WhosePasskey(ctx, tx, b.Passkey)
	}
	var b session.OpenedBody
	if err := entry.Into(&b); err != nil {
		return family.Tie{}, "", err
	}
	return door.Whose(ctx, tx, b.Session)
}
