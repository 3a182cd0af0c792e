package consent

import (
	"context"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
)

// ErrSurface says that a notice can't be shown on such a thing.
var ErrSurface = errs.New(errs.Invalid, "consent.surface_unknown")

// The surfaces on which a notice is shown.
const (
	OnPage = "page"
	OnAPI  = "api"
	OnTest = "test" // on nothing: an app played the guardian of a test service
)

// Open returns the notice of the request's charter in a language, as it was
// published, and records that it was shown: what, in which language, where, when
// (Article 10), and, on a page, that guidance was offered with it (Article 5).
// Each language and surface is recorded once, however often and in whatever order
// the request is opened: whoever has the link, and be it a stranger, makes no more
// of the ledger than that. ShowPage records once more, in each language, the page
// with the questions, which only a verified guardian is shown. Each may be answered,
// but for a page without the questions: see Give. The request
// returned is Shown as it is now, and entry is empty if it was so before. Errors:
// ErrAsked when a newer charter has changed what is asked; why the request has
// ended.
func (d Desk) Open(ctx context.Context, tx *db.Tx, r Request, lang, surface string) (Request, charter.NoticeDoc, string, error) {
	if !isLocale(lang) {
		return r, charter.NoticeDoc{}, "", ErrLocale.At("lang")
	}
	if surface != OnPage && surface != OnAPI {
		return r, charter.NoticeDoc{}, "", ErrSurface.At("channel")
	}
	return d.open(ctx, tx, r, lang, surface, "link:"+r.ID)
}

// Look returns what Open does, and records nothing: for whoever has the link of a
// request whose guardian is verified in another browser. Errors: as Open.
func (d Desk) Look(ctx context.Context, tx *db.Tx, r Request, lang string) (charter.NoticeDoc, error) {
	if !isLocale(lang) {
		return charter.NoticeDoc{}, ErrLocale.At("lang")
	}
	notice, _, err := d.look(ctx, tx, r, lang)
	return notice, err
}

func (d Desk) look(ctx context.Context, tx *db.Tx, r Request, lang string) (notice charter.NoticeDoc, hash string, err error) {
	if err := r.at(tx.Now()).Refusal(); err != nil {
		return notice, "", err
	}
	if _, err := d.version(ctx, tx, r); err != nil {
		return notice, "", err
	}
	return d.Charters.Notice(ctx, tx, r.Service, r.Charter, charter.Lang(lang))
}

func (d Desk) open(ctx context.Context, tx *db.Tx, r Request, lang, surface, actor string) (Request, charter.NoticeDoc, string, error) {
	notice, hash, err := d.look(ctx, tx, r, lang)
	if err != nil {
		return r, charter.NoticeDoc{}, "", err
	}
	// A page that is loaded again.
	if was, ok := r.shownOn(lang, surface); ok && was.Notice == hash {
		r.before, r.Shown = r.with(was), was
		return r, notice, "", nil
	}
	r, entry, err := d.show(ctx, tx, r, Shown{Notice: hash, Lang: lang, Channel: surface, At: tx.Now()}, actor)
	return r, notice, entry, err
}

// show records what a guardian is shown in answer to this call, in place of what
// was shown in the same language on the same surface.
func (d Desk) show(ctx context.Context, tx *db.Tx, r Request, shown Shown, actor string) (Request, string, error) {
	c, r, err := lock(ctx, tx, r)
	if err != nil {
		return r, "", err
	}
	if err := r.Refusal(); err != nil {
		return r, "", err
	}
	// Of two who opened it at once, the second finds what the first has recorded.
	if was, ok := r.shownOn(shown.Lang, shown.Channel); ok && was.Notice == shown.Notice && (shown.Page == "" || was.Page == shown.Page) {
		r.before, r.Shown = r.with(was), was
		return r, "", nil
	}
	r.before, r.Shown = r.with(shown), shown
	err = stepped(tx.Exec(ctx, `
		UPDATE consent_request SET notice = $1, page = $2, shown_lang = $3, shown_on = $4, shown_at = $5, shown_before = $6,
			state = CASE WHEN state = 'pending' THEN 'opened' ELSE state END
		WHERE child = $7 AND id = $8 AND state IN ('pending', 'opened', 'verified')`,
		shown.Notice, shown.Page, shown.Lang, shown.Channel, (*db.Time)(&shown.At), ShownText(r.before), r.Child, r.ID))
	if err != nil {
		return r, "", err
	}
	if r.State == Pending {
		r.State = Opened
	}
	entry, err := note(ctx, tx, c, KindOpened, actor, OpenedBody{
		Request: r.ID, Notice: shown.Notice, Page: shown.Page, Lang: shown.Lang, Channel: shown.Channel, Guidance: shown.Channel == OnPage,
	})
	return r, entry, err
}

// version returns the charter that the request asks about. One that has changed
// one of the purposes since ends the request: ErrAsked, or ErrMinorsEnd. So does the end of the service
// or of such a purpose: ErrCeasing.
func (d Desk) version(ctx context.Context, tx *db.Tx, r Request) (catalog.Published, error) {
	if err := r.goesOn(ctx, tx); err != nil {
		return catalog.Published{}, err
	}
	now, err := d.Charters.Current(ctx, tx, r.Service)
	switch {
	case err != nil:
		return catalog.Published{}, err
	case outdated(r, now):
		return catalog.Published{}, overtaken(ctx, tx, r)
	case now.Number == r.Charter:
		return now, nil
	}
	return d.Charters.Version(ctx, tx, r.Service, r.Charter)
}

// overtaken returns what whoever has the link of an outdated request is told: a guardian
// has another one sent, and a minor finds it in its app.
func overtaken(ctx context.Context, tx *db.Tx, r Request) error {
	minor, err := OfMinor(ctx, tx, r)
	switch {
	case err != nil:
		return err
	case minor:
		return ErrMinorsEnd
	}
	return ErrAsked
}

// outdated reports whether an answer to the request would be stale at once
// (Article 10: a material change asks again).
func outdated(r Request, now catalog.Published) bool {
	for _, p := range r.Purposes {
		since, ok := now.AskedSince[p]
		if !ok || since > r.Charter {
			return true
		}
	}
	return false
}
