package message

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/legal"
	"wardkeep/internal/notify"
)

// A Farewell tells people whose contact ends with what happens: a child is erased,
// or everything was refused for it, a guardian is none any more. It writes the letters in the transaction that does
// it, and sends them after the commit, from memory: nothing of a contact is kept for
// it (Article 20). If we crash in between, or the gateway is down for longer than
// a minute, they aren't told, and nobody is told twice. A nil Farewell tells nobody.
type Farewell struct {
	Desk      consent.Desk
	Messages  notify.Router
	PublicURL string
	Log       *slog.Logger
	Going     func(some bool) // called when the first letter is, or may be, on its way, and when none is; nil: nobody wants to know

	mu  sync.Mutex
	way int // how many are

	once    sync.Once
	slots   chan struct{} // letters on their way
	turns   chan struct{} // those that are being handed over
	running sync.WaitGroup
}

const (
	letters     = 1000 // at most on their way; what is more isn't sent
	atOnce      = 16
	letterLife  = time.Minute
	letterPause = 3 * time.Second // before it is tried again; each pause is twice the last
)

// Erased writes to whoever must hear that a child is about to be erased: its
// verified guardians. Of a child that nobody agreed for, it is those who were
// asked and haven't answered; a no was confirmed when it was given. What goes wrong
// here is logged and keeps nobody from erasing. Certificate is the secret of the link
// to the evidence of it; empty where there is none. Kept is what a law demands to keep.
func (f *Farewell) Erased(ctx context.Context, tx *db.Tx, child family.Child, ground family.Ground, certificate string, kept []legal.Keep) (all []notify.Message) {
	if f == nil {
		return nil
	}
	kind := notify.KindErased
	switch ground {
	case family.ExpiredUnconsented:
		kind = notify.KindUnanswered
	case family.Cessation:
		kind = notify.KindCeased
	case family.Inactive:
		kind = notify.KindIdleErased
	}
	var guardians []family.Guardian
	var answers []consent.Answer
	if err := tx.Together(ctx, family.ReadGuardians(&guardians, child.ID), consent.ReadStanding(&answers, child.ID)); err != nil {
		f.failed(ctx, kind, err)
		return nil
	}
	refused := make(map[family.GuardianID]bool)
	for _, a := range answers {
		refused[a.Guardian] = refused[a.Guardian] || child.State == family.Unconsented
	}
	for _, g := range guardians {
		if g.EndedAt.IsZero() && !refused[g.ID] && (child.State == family.Unconsented || g.MayAnswer()) {
			evidence := certificate
			if !g.MayAnswer() || g.Hidden(f.Desk.Ring, tx.Now()) {
				evidence = "" // who hasn't proved who it is, or is the threat (edge case 22), sees nothing of the child
			}
			all = f.add(ctx, tx, all, child, g.ID, kind, evidence, kept...)
		}
	}
	return all
}

// Refused writes to a guardian who has just refused everything of a child that
// nobody has agreed for: with that the child's life is over, and the next sweep
// takes the contact (edge case 5). Any other answer is in the ledger for a Teller
// to confirm, and makes no letter. What goes wrong here undoes no answer.
func (f *Farewell) Refused(ctx context.Context, tx *db.Tx, r consent.Request, given []consent.Answer) []notify.Message {
	if f == nil || len(given) == 0 {
		return nil
	}
	m, err := f.refusal(ctx, tx, r, given[0])
	switch {
	case err == nil:
		return []notify.Message{m}
	case !nobody(err):
		f.failed(ctx, notify.KindRefusal, err)
	}
	return nil
}

func (f *Farewell) refusal(ctx context.Context, tx *db.Tx, r consent.Request, a consent.Answer) (notify.Message, error) {
	child, err := family.Find(ctx, tx, r.Service, r.Child)
	if err == nil && (child.State != family.Unconsented || child.ExpiresAt.After(tx.Now())) {
		err = ErrNobody
	}
	if err != nil {
		return notify.Message{}, err
	}
	told, err := f.Desk.Tell(ctx, tx, child, a.ID)
	if err != nil {
		return notify.Message{}, err
	}
	to, err := way(f.Messages, f.PublicURL, told.Lang, told.Contacts)
	if err != nil {
		return notify.Message{}, err
	}
	m, err := confirmation(ctx, tx, f.Desk, child.Service, told, to, false) // nothing was agreed to, so nothing needs a proof
	m.ID = id.New(id.Call)
	return m, err
}

// Released writes to a guardian that is about to be none any more (edge case 8).
func (f *Farewell) Released(ctx context.Context, tx *db.Tx, child family.Child, guardian family.GuardianID) []notify.Message {
	if f == nil {
		return nil
	}
	return f.add(ctx, tx, nil, child, guardian, notify.KindReleased, "")
}

// Grown writes to the verified guardians of somebody who is 18 now: they speak for
// nobody any more (edge case 4).
func (f *Farewell) Grown(ctx context.Context, tx *db.Tx, child family.Child, guardians []family.Guardian) (all []notify.Message) {
	if f == nil {
		return nil
	}
	for _, g := range guardians {
		if g.MayAnswer() {
			all = f.add(ctx, tx, all, child, g.ID, notify.KindGrown, "")
		}
	}
	return all
}

// add writes one letter, to somebody who has heard from us before.
func (f *Farewell) add(ctx context.Context, tx *db.Tx, all []notify.Message, child family.Child, guardian family.GuardianID, kind, evidence string, kept ...legal.Keep) []notify.Message {
	m, err := f.write(ctx, tx, child, guardian, kind, evidence, kept)
	switch {
	case err == nil:
		return append(all, m)
	case !nobody(err):
		f.failed(ctx, kind, err)
	}
	return all
}

func (f *Farewell) write(ctx context.Context, tx *db.Tx, child family.Child, guardian family.GuardianID, kind, evidence string, kept []legal.Keep) (notify.Message, error) {
	reached, err := f.Desk.Reach(ctx, tx, child, guardian)
	if err == nil && !reached.Touched {
		err = ErrNobody
	}
	if err != nil {
		return notify.Message{}, err
	}
	to, err := way(f.Messages, f.PublicURL, reached.Lang, reached.Contacts)
	if err != nil {
		return notify.Message{}, err
	}
	name, err := serviceName(ctx, tx, f.Desk, child.Service, to.Lang)
	if err != nil {
		return notify.Message{}, err
	}
	if kind == notify.KindCeased {
		if m, succeeded, err := f.ceased(ctx, tx, child, to, name, evidence, reached.Lang, kept); err != nil || succeeded {
			return m, err
		}
	}
	// Edge case 14: what a law demands to keep is told, with its basis and its end.
	if len(kept) > 0 {
		kind = notify.KindErasedKept
	}
	n := notify.News{Kind: kind, Service: name, At: tx.Now(), Kept: legal.In(to.Lang, kept)}
	switch {
	case evidence != "":
		n.Link = certificate(f.PublicURL, evidence, reached.Lang)
	case kind != notify.KindUnanswered: // there, nothing is left to do
		n.Link = rules(f.PublicURL, child.Service, reached.Lang)
	}
	m := n.Message(to)
	m.ID = id.New(id.Call)
	return m, nil
}

// ceased writes of the end of a service that somebody took over, and whether anything of
// the child went there (edge case 18). Succeeded is false where nobody did.
func (f *Farewell) ceased(ctx context.Context, tx *db.Tx, child family.Child, to notify.To, name, evidence, lang string, kept []legal.Keep) (m notify.Message, succeeded bool, err error) {
	service, err := catalog.Find(ctx, tx, child.Service)
	if err != nil || service.Successor == (catalog.Successor{}) {
		return m, false, err
	}
	published, err := f.Desk.Charters.Current(ctx, tx, child.Service)
	if err != nil {
		return m, false, err
	}
	c := notify.Ceased{Service: name, Successor: recipientName(published.Charter, service.Successor.Recipient, charter.Lang(to.Lang)),
		Handed: child.HandedAt, At: tx.Now(), Kept: legal.In(to.Lang, kept), Link: rules(f.PublicURL, child.Service, lang)}
	if evidence != "" {
		c.Link = certificate(f.PublicURL, evidence, lang)
	}
	if !child.HandedAt.IsZero() {
		stands, err := f.Desk.SuccessionStands(ctx, tx, child, service.Successor)
		if err != nil {
			return m, false, err
		}
		c.Recalled = !stands
	}
	m = c.Message(to)
	m.ID = id.New(id.Call)
	return m, true, nil
}

// Leaving notes that letters may be on their way, from before the transaction that erases
// whoever they tell of until over is called, after Send: if we crash as soon as it has
// committed, the next start says that they may be lost.
func (f *Farewell) Leaving() (over func()) {
	if f == nil {
		return func() {}
	}
	f.leave(1)
	return func() { f.leave(-1) }
}

// Send sends letters whose transaction has committed, and doesn't wait for it.
func (f *Farewell) Send(ctx context.Context, all []notify.Message) {
	if f == nil || len(all) == 0 {
		return
	}
	f.once.Do(f.begin)
	for _, m := range all {
		select {
		case f.slots <- struct{}{}:
		default:
			f.failed(ctx, m.Kind, notify.ErrUnavailable)
			continue
		}
		f.leave(1)
		f.running.Go(func() {
			defer func() {
				f.leave(-1)
				<-f.slots
			}()
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), letterLife)
			defer cancel()
			if err := f.deliver(ctx, m); err != nil {
				f.failed(ctx, m.Kind, err)
			}
		})
	}
}

// leave counts letters that begin their way or, below 0, end it.
func (f *Farewell) leave(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.way
	if f.way += n; f.Going != nil && (before == 0) != (f.way == 0) {
		f.Going(f.way > 0)
	}
}

func (f *Farewell) begin() {
	f.slots, f.turns = make(chan struct{}, letters), make(chan struct{}, atOnce)
}

// deliver hands a letter over when it is its turn, and again while the gateway
// can't take it.
func (f *Farewell) deliver(ctx context.Context, m notify.Message) error {
	for pause := letterPause; ; pause *= 2 {
		select {
		case f.turns <- struct{}{}:
		case <-ctx.Done():
			return notify.ErrUnavailable
		}
		err := f.Messages.Send(ctx, m)
		<-f.turns
		if !errors.Is(err, notify.ErrUnavailable) {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}

// Room returns when few letters are on their way, so that none of the next is dropped:
// for whoever erases many children at once. It takes a minute at most for each time,
// since no letter is tried for longer.
func (f *Farewell) Room(ctx context.Context) {
	if f == nil {
		return
	}
	f.once.Do(f.begin)
	for len(f.slots) > letters/2 && ctx.Err() == nil {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// Wait returns when no letter is on its way any more: within a minute.
func (f *Farewell) Wait() {
	if f != nil {
		f.running.Wait()
	}
}

func (f *Farewell) failed(ctx context.Context, kind string, err error) {
	f.Log.ErrorContext(ctx, "message: a farewell was not sent", "kind", kind, "code", errs.Of(err).Code, "error", err)
}
