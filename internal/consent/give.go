package consent

import (
	"context"
	"slices"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
)

// Give records what a guardian chose: a yes or a no for each purpose that was
// asked, none more and none less, to the notice they were shown. No is an answer
// like yes, also where a purpose is necessary (Article 10). A new answer of the
// same guardian replaces the former. The first grant makes an unconsented child
// active; when everything was refused and nobody else is being asked, its short
// life ends now (edge case 5).
//
// Shown is what the guardian had on the screen: ErrNotice if that isn't one of those
// that were recorded of the request, or not what the charter yields. It is kept with
// the answer, and with the request. Other errors: ErrUnasked, ErrMissing,
// ErrNotShown, ErrVerified, ErrMayNot, ErrNotYours, ErrAsked, and why the request
// has ended; ErrPast14, ErrPast18 and family.ErrNotMinor where the answer is that of
// who doesn't answer at this age (edge case 4).
func (d Desk) Give(ctx context.Context, tx *db.Tx, by family.Guardian, r Request, shown Shown, answers map[string]bool) ([]Answer, error) {
	c, r, err := lock(ctx, tx, r)
	if err != nil {
		return nil, err
	}
	if by.Child != r.Child || by.ID != r.Guardian {
		return nil, ErrNotYours
	}
	if err := r.Refusal(); err != nil {
		return nil, err
	}
	switch {
	case r.State == Pending:
		return nil, ErrNotShown
	case r.State != Verified:
		return nil, ErrVerified
	}
	if r.Shown, err = d.saw(ctx, tx, r, shown); err != nil {
		return nil, err
	}
	return d.give(ctx, tx, by.Ledger(), by, c, r, answers)
}

// saw holds invariant 4: what was on the screen, what was recorded and what the
// charter yields are one. It returns what was recorded.
func (d Desk) saw(ctx context.Context, tx *db.Tx, r Request, shown Shown) (Shown, error) {
	was, ok := r.shownOn(shown.Lang, shown.Channel)
	if !ok || was.Notice != shown.Notice || was.Page != shown.Page {
		return Shown{}, ErrNotice
	}
	// Article 9: who reads a page answers the questions on it. Without a proof a page
	// is shown without them, whoever has the link.
	if was.Channel == OnPage && was.Page == "" {
		return Shown{}, ErrNotShown
	}
	published, err := d.version(ctx, tx, r)
	if err != nil {
		return Shown{}, err
	}
	if hash := published.Notices[charter.Lang(was.Lang)]; hash == "" || hash != was.Notice {
		return Shown{}, ErrNotice
	}
	return was, nil
}

// give writes the answers to a request of the locked child c, to what it is Shown
// as. The row keeps that alone: whatever else was shown is the ledger's.
func (d Desk) give(ctx context.Context, tx *db.Tx, actor string, by family.Guardian, c family.Child, r Request, answers map[string]bool) ([]Answer, error) {
	// Article 9: silence and presets grant nothing, so each purpose is named.
	for p := range answers {
		if !slices.Contains(r.Purposes, p) {
			return nil, ErrUnasked.At("answers")
		}
	}
	for _, p := range r.Purposes {
		if _, ok := answers[p]; !ok {
			return nil, ErrMissing.At("answers." + p)
		}
	}
	former, guardians, err := standing(ctx, tx, c.ID)
	if err != nil {
		return nil, err
	}
	class, err := c.Class(d.Ring, tx.Now())
	if err != nil {
		return nil, err
	}
	switch g, ok := guardian(guardians, by.ID); {
	// Edge case 4: whose answer counts is by the second.
	case ok && class == age.Adult:
		return nil, ErrPast18
	case ok && class == age.Minor && g.Relation != family.Self:
		return nil, ErrPast14
	case ok && class == age.Child && g.Relation == family.Self:
		return nil, family.ErrNotMinor
	case !ok || !g.MayAnswerFor(class) || by.Strength < family.OneTimeCode:
		return nil, ErrMayNot
	}
	g, _ := guardian(guardians, by.ID)
	now, until := tx.Now(), tx.Now().Add(ProofLife)
	// The proof is spent; what is left of it reads the receipt: see Reader.
	err = stepped(tx.Exec(ctx, `
		UPDATE consent_request SET state = 'answered', answered_at = $1, due_at = NULL,
			notice = $2, page = $3, shown_lang = $4, shown_on = $5, shown_at = $6, shown_before = '',
			reading = proof, reading_until = $7, proof = NULL, proof_until = NULL
		WHERE child = $8 AND id = $9 AND state = 'verified'`,
		(*db.Time)(&now), r.Shown.Notice, r.Shown.Page, r.Shown.Lang, r.Shown.Channel, (*db.Time)(&r.Shown.At),
		(*db.Time)(&until), r.Child, r.ID))
	if err != nil {
		return nil, err
	}
	if err := endCode(ctx, tx, r); err != nil {
		return nil, err
	}
	over, err := isOver(ctx, tx, c, r, answers)
	if err != nil {
		return nil, err
	}
	given := make([]Answer, 0, len(r.Purposes))
	for _, p := range r.Purposes {
		a := Answer{
			ID: id.New(id.Consent), Child: c.ID, Guardian: g.ID, Request: r.ID, Purpose: p, Charter: r.Charter,
			Notice: r.Shown.Notice, Page: r.Shown.Page, Lang: r.Shown.Lang, Channel: r.Shown.Channel, ShownAt: r.Shown.At,
			GivenAt: now, Granted: answers[p], Takeover: r.Takeover, Strength: min(by.Strength, g.Strength),
		}
		if a, err = a.write(ctx, tx, actor, c, own(former, g.ID, p), EndedByNewAnswer, g.Relation == family.Self, over, false); err != nil {
			return nil, err
		}
		given = append(given, a)
	}
	return given, d.follow(ctx, tx, actor, c, given, over)
}

// isOver reports whether the answers leave an unconsented child with nothing:
// everything was refused, and no other request waits.
func isOver(ctx context.Context, tx *db.Tx, c family.Child, r Request, answers map[string]bool) (bool, error) {
	for _, yes := range answers {
		if yes {
			return false, nil
		}
	}
	if c.State != family.Unconsented {
		return false, nil
	}
	now := tx.Now()
	others, err := db.One(ctx, tx, db.Single[int64], `
		SELECT count(*) FROM consent_request
		WHERE child = $1 AND id <> $2 AND state IN ('pending', 'opened', 'verified') AND expires_at > $3`,
		c.ID, r.ID, (*db.Time)(&now))
	return others == 0, err
}

// follow draws what the answers mean for the child.
func (d Desk) follow(ctx context.Context, tx *db.Tx, actor string, c family.Child, given []Answer, over bool) error {
	granted := slices.ContainsFunc(given, func(a Answer) bool { return a.Granted })
	switch {
	case c.State == family.Unconsented && granted:
		if err := family.Activate(ctx, tx, c); err != nil {
			return err
		}
	case over:
		if err := family.EndWait(ctx, tx, c); err != nil {
			return err
		}
	}
	return d.Review(ctx, tx, actor, c)
}

// Review brings the dispute of a locked child in line with the answers that
// stand: while two guardians differ about a purpose of the charter in force,
// storage and security only (edge case 7). It runs with every request, answer
// and withdrawal, and with the end of a guardian's office or proof. A charter
// that drops the purpose in dispute settles nothing by itself: until the next of
// these, the child stays as it is, and is kept only. From the 14th birthday on nothing
// changes and nobody is told: what guardians say stops nothing and lets nothing go on
// (edge case 4).
func (d Desk) Review(ctx context.Context, tx *db.Tx, actor string, c family.Child) error {
	published, err := d.Charters.Current(ctx, tx, c.Service)
	if err != nil {
		return err
	}
	answers, guardians, err := standing(ctx, tx, c.ID)
	if err != nil {
		return err
	}
	class, err := c.Class(d.Ring, tx.Now())
	if err != nil {
		return err
	}
	return review(ctx, tx, actor, c, class, published, answers, guardians)
}

// review is Review with what it rests on.
func review(ctx context.Context, tx *db.Tx, actor string, c family.Child, class age.Class, p catalog.Published, answers []Answer, guardians []family.Guardian) (err error) {
	switch now := disputed(answers, guardians, p.AskedSince); {
	case class != age.Child:
	case now && !c.Disputed:
		_, err = family.Dispute(ctx, tx, actor, c)
	case !now && c.Disputed:
		_, err = family.Settle(ctx, tx, actor, c)
	}
	return err
}

// own returns the standing answer of a guardian to a purpose, or the zero Answer.
func own(answers []Answer, g family.GuardianID, purpose string) Answer {
	for _, a := range answers {
		if a.Guardian == g && a.Purpose == purpose && a.Stands() {
			return a
		}
	}
	return Answer{}
}

// write ends the guardian's former answer, if there is one, and records a in its
// place, both in the caller's transaction: at no instant do two stand, or none. Again says
// that a store that was put back says it once more.
func (a Answer) write(ctx context.Context, tx *db.Tx, actor string, c family.Child, former Answer, ending Ending, self, over, again bool) (Answer, error) {
	if former.ID != "" {
		n, err := tx.Exec(ctx, `
			UPDATE consent SET ended_at = $1, ending = $2
			WHERE child = $3 AND id = $4 AND ended_at IS NULL`, (*db.Time)(&a.GivenAt), ending, former.Child, former.ID)
		switch {
		case err != nil:
			return a, err
		case n != 1:
			return a, ErrWithdrawn
		}
	}
	kind := KindRefused
	switch {
	case a.Granted:
		kind = KindGranted
	case a.Withdraws != "":
		kind = KindWithdrawn
	}
	var err error
	a.Entry, err = note(ctx, tx, c, kind, actor, AnswerBody{
		Consent: a.ID, Guardian: a.Guardian, Request: a.Request, Purpose: a.Purpose, Charter: a.Charter,
		Notice: a.Notice, Page: a.Page, Lang: a.Lang, Channel: a.Channel, Shown: a.ShownAt.UnixMicro(), Strength: a.Strength,
		Takeover: a.Takeover, Withdraws: a.Withdraws, Ends: former.ID, Self: self, Again: again, Over: over,
	})
	if err != nil {
		return a, err
	}
	return a, tx.Queue(ctx, `
		INSERT INTO consent (child, id, guardian, request, purpose, charter, notice, page, lang, channel,
			shown_at, given_at, granted, takeover, withdraws, strength, ending, entry)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, '', $17)`,
		a.Child, a.ID, a.Guardian, a.Request, a.Purpose, a.Charter, a.Notice, a.Page, a.Lang, a.Channel,
		(*db.Time)(&a.ShownAt), (*db.Time)(&a.GivenAt), a.Granted, a.Takeover, a.Withdraws, a.Strength, a.Entry)
}
