package restoration

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/ledger"
	"wardkeep/internal/notify"
	"wardkeep/internal/order"
	"wardkeep/internal/retention"
	"wardkeep/internal/rights"
	"wardkeep/internal/shield"
	"wardkeep/internal/vault"
)

// A child is what the gap tells of one, as far as it must hold.
type child struct {
	service   string
	erased    *family.ErasedBody
	items     map[string]string // that were erased, with the ground
	kept      map[string]bool   // items that went where nobody reads them, since a law demands to keep them
	events    []vault.EventBody
	frozen    bool // at the end
	disputed  bool // at the end
	unclear   bool // something changed that can't be had again
	ended     []family.GuardianID
	unproved  map[family.GuardianID]bool // at the end
	answers   map[word]said              // the last
	cancelled []string                   // requests for consent
	handed    *family.HandedOverBody     // something of it went to who takes over the service
	demands   []*demand
	ports     []string // copies that were fetched by their recipient, or recalled
	approvals []string // of looks, that open nothing any more
	shields   []shieldStep
}

// A shieldStep is that something was hidden from a guardian, or shown again.
type shieldStep struct {
	raised *shield.RaisedBody
	lifted string
}

// A word is what a guardian said about a purpose.
type word struct {
	guardian family.GuardianID
	purpose  string
}

// said is what it was: a yes or a no.
type said struct {
	yes  bool
	body consent.AnswerBody
}

// A demand is what became of one in the gap.
type demand struct {
	id       string
	received *rights.ReceivedBody // nil: the store knows it from before
	at       time.Time            // when it was received
	door     rights.Door          // that took it on; empty: none
	guardian family.GuardianID    // who took it on
	erase    int64                // when the child is erased; 0: not yet known, or nothing is
	state    rights.State         // empty: it is open
	reason   rights.Reason
	actor    actor // who ended it
	ended    time.Time
	entries  []string // that say it was received, and taken on
}

// child returns what is known of the child of an entry.
func (g *gap) child(p ledger.Placed) *child {
	if g.children[p.Subject] == nil {
		g.children[p.Subject] = &child{service: p.Service, items: make(map[string]string), kept: make(map[string]bool),
			unproved: make(map[family.GuardianID]bool), answers: make(map[word]said)}
	}
	return g.children[p.Subject]
}

func (c *child) demand(id string) *demand {
	if i := slices.IndexFunc(c.demands, func(d *demand) bool { return d.id == id }); i >= 0 {
		return c.demands[i]
	}
	c.demands = append(c.demands, &demand{id: id})
	return c.demands[len(c.demands)-1]
}

// An again is one child to which is done again what was done.
type again struct {
	Desk
	ctx  context.Context
	tx   *db.Tx
	told *child
	id   family.ID
	done *Report
	sent *[]notify.Message
}

// child does again, in one transaction, what must hold of a child. If we crash before
// the commit, nothing is done, and after it, doing it again changes nothing.
func (d Desk) child(ctx context.Context, tx *db.Tx, g *gap, subject string) error {
	g.done, g.letters = Report{Lost: make(map[string]int64)}, nil // it may run again
	told := g.children[subject]
	id, err := family.ChildOf(ctx, tx, d.Vault.Ring, subject)
	if errors.Is(err, family.ErrNotFound) {
		return nil // registered in the gap: it is lost as a whole
	}
	if err != nil {
		return err
	}
	a := &again{Desk: d, ctx: ctx, tx: tx, told: told, id: id, done: &g.done, sent: &g.letters}
	c, err := a.lock()
	if err != nil {
		return moot(err, family.ErrErased)
	}
	if told.handed != nil { // before it is erased, since that says it (edge case 18)
		if _, err := family.HandOver(ctx, tx, by.Ledger(), c, *told.handed); err != nil {
			return err
		}
	}
	if e, err := a.erasure(); err != nil || e.ground != "" {
		if err == nil {
			err = a.erase(c, e)
		}
		return err
	}
	for _, step := range []func() error{a.endDemands, a.shields, a.takeBack, a.unprove, a.endGuardians, a.cancel, a.events, a.items, a.orders, a.demands, a.ports, a.approvals, a.close} {
		if err := step(); err != nil {
			return err
		}
	}
	if g.done.Items+g.done.No+g.done.Frozen+g.done.Demands > 0 {
		g.done.Children = 1
	}
	return nil
}

func (a *again) lock() (family.Child, error) { return family.Lock(a.ctx, a.tx, a.told.service, a.id) }

// unclear has the child frozen in the end: something can't be done again exactly.
func (a *again) unclear(err error) error {
	switch errs.Of(err).Kind {
	case errs.Internal, errs.Unavailable, errs.Full:
		return err
	}
	a.told.unclear = true
	return nil
}

// An erasure is why a child was erased, or was about to be by the next sweep; the zero
// erasure is none.
type erasure struct {
	ground family.Ground
	demand rights.Request // that wasn't carried out yet; the zero Request: it was erased
}

// erasure returns whether the child was erased, or a demand for that was due: a guardian
// had made it, or its time had come.
func (a *again) erasure() (erasure, error) {
	if e := a.told.erased; e != nil {
		return erasure{ground: e.Ground}, nil
	}
	known, err := rights.Of(a.ctx, a.tx, a.id)
	if err != nil {
		return erasure{}, err
	}
	for _, d := range a.told.demands {
		var r rights.Request
		if b := d.received; b != nil {
			r = rights.Request{ID: d.id, Service: a.told.service, Number: b.Number, Kind: b.Kind, Door: b.Door, Owner: b.Owner,
				ReceivedAt: d.at, DueAt: time.UnixMicro(b.Due).UTC()}
		} else if i := slices.IndexFunc(known, func(r rights.Request) bool { return r.ID == d.id }); i >= 0 {
			r = known[i]
		}
		if d.state == "" && r.Kind.Erases() && d.erase != 0 && !a.tx.Now().Before(time.UnixMicro(d.erase)) {
			r.Door, r.Entry = cmp.Or(d.door, r.Door), strings.Join(append(strings.Fields(r.Entry), d.entries...), " ")
			return erasure{r.Kind.Ground(), r}, nil
		}
	}
	return erasure{}, nil
}

// erase erases the child as ever. Its guardians were told when it was erased; of one that
// was only to be they are told now, with a certificate that rests on the demand.
func (a *again) erase(c family.Child, is erasure) (err error) {
	if e := a.told.erased; e != nil && e.Refused > 0 {
		refused, err := consent.RefusedAll(a.ctx, a.tx, c)
		if err == nil && refused == 0 { // the no itself is lost, and nobody is asked again for that (edge case 26)
			err = family.RememberNo(a.ctx, a.tx, a.Vault.Ring, c, e.Refused)
		}
		if err != nil {
			return err
		}
	}
	if is.demand.ID != "" {
		*a.sent, err = retention.EraseDemanded(a.ctx, a.tx, a.Vault, a.Farewell, by.Ledger(), c, is.demand)
	} else {
		_, _, err = retention.Erase(a.ctx, a.tx, a.Vault, nil, by.Ledger(), c, is.ground)
	}
	a.done.Children, a.done.Erased = 1, 1
	return err
}

// endDemands ends those that ended. A child that one froze is free again, unless the
// gap says otherwise later.
func (a *again) endDemands() error {
	known, err := rights.Of(a.ctx, a.tx, a.id)
	if err != nil {
		return err
	}
	for _, d := range a.told.demands {
		i := slices.IndexFunc(known, func(r rights.Request) bool { return r.ID == d.id && r.State == rights.Open })
		if i < 0 || d.state == "" {
			continue
		}
		if err := a.rights().EndAgain(a.ctx, a.tx, d.actor, known[i], d.state, d.reason); err != nil {
			return err
		}
		a.done.Demands++
	}
	return nil
}

// shields hides what was hidden, and shows again what was shown again, before anything else is
// done that rests on it (edge case 22).
func (a *again) shields() error {
	for _, step := range a.told.shields {
		c, err := a.lock()
		if err != nil {
			return err
		}
		if step.raised == nil {
			if err := shield.LiftAgain(a.ctx, a.tx, a.Vault.Ring, by.Ledger(), c, step.lifted); err != nil {
				return err
			}
			continue
		}
		if !a.tx.Now().Before(time.UnixMicro(step.raised.Until)) {
			continue
		}
		err = shield.RaiseAgain(a.ctx, a.tx, a.Vault.Ring, by.Ledger(), c, *step.raised)
		if errors.Is(err, shield.ErrGuardian) { // the tie is lost, and is made anew with another name
			a.done.Lost[shield.KindRaised]++
			err = nil
		}
		if err != nil {
			return err
		}
		a.done.Children = 1
	}
	return nil
}

// endGuardians ends the ties that ended (edge case 8).
func (a *again) endGuardians() error {
	for _, guardian := range a.told.ended {
		_, err := family.FindGuardian(a.ctx, a.tx, a.id, guardian)
		if errors.Is(err, family.ErrGuardianNotFound) || errors.Is(err, family.ErrGuardianEnded) {
			continue
		}
		var c family.Child
		if err == nil {
			c, err = a.lock()
		}
		if err == nil {
			_, err = a.consents().EndGuardian(a.ctx, a.tx, by, c, guardian)
		}
		if err == nil {
			err = a.unfounded()
		}
		if err != nil {
			return err
		}
		a.done.Children = 1
	}
	return nil
}

// unprove takes back what was proved of a guardian, if it was taken back.
func (a *again) unprove() error {
	for _, guardian := range slices.Sorted(maps.Keys(a.told.unproved)) {
		if !a.told.unproved[guardian] {
			continue
		}
		c, err := a.lock()
		if err == nil {
			_, _, err = a.consents().Unverify(a.ctx, a.tx, by, c, guardian)
		}
		if err = moot(err, family.ErrGuardianNotFound, family.ErrGuardianEnded, family.ErrNoOfficer); err != nil {
			return err
		}
	}
	return nil
}

// takeBack takes back what a guardian has said no to: its own consent, or that of
// another one (edge case 7). To what nobody has agreed here the no is kept, so that
// nobody asks again (edge case 26). Where who said no isn't a guardian here, the child is
// frozen.
func (a *again) takeBack() error {
	words := slices.SortedFunc(maps.Keys(a.told.answers), func(x, y word) int {
		return cmp.Or(cmp.Compare(x.guardian, y.guardian), cmp.Compare(x.purpose, y.purpose))
	})
	for _, w := range words {
		if a.told.answers[w].yes {
			continue
		}
		g, err := family.FindGuardian(a.ctx, a.tx, a.id, w.guardian)
		var c family.Child
		if err == nil {
			c, err = a.lock()
		}
		if err == nil {
			_, err = a.consents().WithdrawAgain(a.ctx, a.tx, g, c, w.purpose)
		}
		if errors.Is(err, consent.ErrNotFound) { // nobody has agreed
			_, err = a.consents().RefuseAgain(a.ctx, a.tx, g, c, a.told.answers[w].body)
		}
		switch {
		case errors.Is(err, consent.ErrWithdrawn):
			continue // the no stands here, too
		case errors.Is(err, consent.ErrCharterLost):
			a.done.Lost[consent.KindRefused]++
			continue
		case errors.Is(err, consent.ErrPast14), errors.Is(err, consent.ErrPast18):
			continue // nothing rests on anybody's yes any more; what the no had erased is replayed by itself
		case errors.Is(err, family.ErrGuardianEnded) && slices.Contains(a.told.ended, w.guardian):
			continue // it was taken back before the tie was ended, by this replay: it was interrupted
		case err != nil:
			if err := a.unclear(err); err != nil {
				return err
			}
			continue
		}
		a.done.No++
		if err := a.unfounded(); err != nil {
			return err
		}
	}
	return nil
}

// unfounded erases what nothing is agreed to for any more (Article 20 (3)).
func (a *again) unfounded() error {
	items, err := a.Vault.EraseUnfounded(a.ctx, a.tx, by.Ledger(), a.told.service, a.id)
	a.done.Items += int64(len(items))
	return err
}

// cancel cancels the requests for consent that were.
func (a *again) cancel() error {
	for _, request := range a.told.cancelled {
		r, err := consent.ByID(a.ctx, a.tx, a.told.service, request)
		if err == nil {
			_, _, err = consent.CancelAgain(a.ctx, a.tx, by, r)
		}
		if err = moot(err, consent.ErrNoRequest, consent.ErrCancelled, consent.ErrExpired); err != nil {
			if err := a.unclear(err); err != nil {
				return err
			}
		}
	}
	return nil
}

// events reports again what was reported (Article 12).
func (a *again) events() error {
	for _, e := range a.told.events {
		_, err := a.Vault.Event(a.ctx, a.tx, by, a.told.service, a.id, e.Event, time.UnixMicro(e.Happened).UTC())
		if err != nil {
			if err := a.unclear(err); err != nil {
				return err
			}
		}
	}
	return nil
}

// items erases the values that were, and keeps what was kept, if its approval is known
// here (edge case 14). What was collected anew since is lost, and what is held here is
// what was erased.
func (a *again) items() error {
	if kept := slices.Sorted(maps.Keys(a.told.kept)); len(kept) > 0 {
		c, err := a.lock()
		if err != nil {
			return err
		}
		gone, err := a.Vault.Withhold(a.ctx, a.tx, by.Ledger(), c, kept, string(family.BeyondPeriod))
		if err != nil {
			return err
		}
		a.done.Items += int64(len(gone))
	}
	grounds := make(map[string][]string)
	for _, item := range slices.Sorted(maps.Keys(a.told.items)) {
		ground := a.told.items[item]
		if ground == "expired" || ground == string(family.Cessation) { // by an end that isn't known here
			ground = string(family.BeyondPeriod)
		}
		grounds[ground] = append(grounds[ground], item)
	}
	for _, d := range a.told.demands {
		// What a correction was demanded of, and made, is known to be wrong here (Article 19).
		if r := d.received; r != nil && r.Kind == rights.Correct && d.state == rights.Done && r.Item != "" {
			grounds[string(family.Unlawful)] = append(grounds[string(family.Unlawful)], r.Item)
		}
	}
	for _, ground := range slices.Sorted(maps.Keys(grounds)) {
		c, err := a.lock()
		if err != nil {
			return err
		}
		gone, err := a.Vault.EraseItems(a.ctx, a.tx, by.Ledger(), c, grounds[ground], ground)
		if err != nil {
			return err
		}
		a.done.Items += int64(len(gone))
	}
	return nil
}

// orders orders once more of whoever else has it what was ordered about one item (Articles
// 16, 19 and 20). Whether the party had carried it out is lost with the order.
func (a *again) orders() error {
	known, err := rights.Of(a.ctx, a.tx, a.id)
	if err != nil {
		return err
	}
	for _, d := range a.told.demands {
		kind, item := rights.Kind(""), ""
		if d.received != nil {
			kind, item = d.received.Kind, d.received.Item
		} else if i := slices.IndexFunc(known, func(r rights.Request) bool { return r.ID == d.id }); i >= 0 {
			kind, item = known[i].Kind, known[i].Item
		}
		what := order.Correct
		switch {
		case d.state != rights.Done:
			continue
		case kind == rights.DeleteItem:
			what = order.Delete
		case kind != rights.Correct && kind != rights.Supplement:
			continue
		}
		before, err := order.Of(a.ctx, a.tx, a.id)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(before, func(o order.Order) bool {
			return o.What == what && slices.Equal(o.Items, []string{item}) && !o.IssuedAt.Before(d.ended)
		}) {
			continue // by this replay: it was interrupted
		}
		c, err := a.lock()
		if err == nil {
			err = order.Book{Ring: a.Vault.Ring, Charters: a.Vault.Gate.Charters, Calendar: a.Calendar}.Item(a.ctx, a.tx, by.Ledger(), c, what, item)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// demands takes once more what was demanded and is open.
func (a *again) demands() error {
	known, err := rights.Of(a.ctx, a.tx, a.id)
	if err != nil {
		return err
	}
	for _, d := range a.told.demands {
		if d.state != "" {
			continue
		}
		was := rights.ReceivedBody{Request: d.id}
		if d.received != nil {
			was = *d.received
		} else if i := slices.IndexFunc(known, func(r rights.Request) bool { return r.ID == d.id }); i < 0 {
			continue
		}
		if d.door != "" {
			was.Door, was.Guardian = d.door, d.guardian
		}
		var erase time.Time
		if d.erase != 0 {
			erase = time.UnixMicro(d.erase).UTC()
		}
		c, err := a.lock()
		entry := ""
		if err == nil {
			entry, err = a.rights().Again(a.ctx, a.tx, by, c, was, erase)
		}
		if err != nil {
			if err := a.unclear(err); err != nil {
				return err
			}
			continue
		}
		if entry != "" {
			a.done.Demands++
		}
	}
	return nil
}

// ports ends what has gone to its recipient, or was recalled: nobody gets it a second time.
func (a *again) ports() error {
	for _, request := range a.told.ports {
		if err := rights.RecallAgain(a.ctx, a.tx, by, a.told.service, request); err != nil {
			return err
		}
	}
	return nil
}

// approvals ends what was refused, ended or used: of a window that was used, nobody knows
// here how often.
func (a *again) approvals() error {
	slices.Sort(a.told.approvals)
	for _, request := range slices.Compact(a.told.approvals) {
		c, err := a.lock()
		if err == nil {
			err = approval.EndAgain(a.ctx, a.tx, a.Vault.Ring, by.Ledger(), c, request)
		}
		if err := moot(err, approval.ErrNotFound, approval.ErrOver); err != nil {
			return err
		}
	}
	return nil
}

// close lets nothing happen but keeping, if nothing did at the end of the gap or it
// isn't clear what may.
func (a *again) close() error {
	c, err := a.lock()
	if err == nil && a.told.disputed && !c.Disputed {
		if _, err = family.Dispute(a.ctx, a.tx, by.Ledger(), c); err == nil {
			a.done.Frozen++
		}
	}
	if err == nil && (a.told.frozen || a.told.unclear) {
		if c, err = a.lock(); err == nil && !c.Frozen {
			a.done.Frozen++
			_, err = family.Freeze(a.ctx, a.tx, by, c, family.Restored)
		}
	}
	return err
}
