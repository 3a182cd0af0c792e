package inspector

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/edge"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/board"
	"wardkeep/internal/catalog"
	"wardkeep/internal/evidence"
	"wardkeep/internal/inspection"
)

// articleOf reads the number of an article in its one form; what is none is 0.
func articleOf(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || strconv.Itoa(n) != s {
		return 0
	}
	return n
}

// there refuses a page that there isn't, before it is recorded that somebody looks at it: a register
// that is no evidence for the article, or a child whom nobody has drawn. Errors: inspection.ErrScope,
// those of inspection.Find.
func (v *visit) there(l inspection.Look) error {
	return v.view(func(ctx context.Context, tx *db.Tx) error {
		switch {
		case !l.Fits(v.in.Scope), l.Page == inspection.Register && !slices.Contains(evidence.Registers(l.Article), l.About):
			return inspection.ErrScope
		case l.Page != inspection.Sample:
			return nil
		}
		some, err := v.drawn(ctx, tx)
		if err == nil && !slices.Contains(some, l.About) {
			err = inspection.ErrScope
		}
		return err
	})
}

// drawn returns the samples of the invitation: those that the mark draws which the ledger has of it.
func (v *visit) drawn(ctx context.Context, tx *db.Tx) ([]string, error) {
	mark, err := v.in.Mark(v.s.Ring)
	if err != nil {
		return nil, err
	}
	return evidence.Drawn(ctx, tx, v.in.Service, mark, samples)
}

// scope is that of the invitation, as registers are bounded by it.
func (v *visit) scope() evidence.Scope {
	s := v.in.Scope
	all := evidence.Scope{From: s.From, To: s.Before}
	if len(s.Articles) > 0 {
		all.Articles = s.Articles
	}
	return all
}

// service returns the service that is inspected, as the board wants it.
func (v *visit) service(ctx context.Context, tx *db.Tx) ([]catalog.Service, error) {
	s, err := catalog.Find(ctx, tx, v.in.Service)
	return []catalog.Service{s}, err
}

// matrixPage is what matrix.html shows.
type matrixPage struct {
	invited
	At       time.Time
	Articles []board.Article
}

// invited is what a page says of the invitation.
type invited struct {
	inspection.Invitation
	Inspector, Authority, Provision, Document string
}

func (v *visit) invited() (invited, error) {
	text, err := v.in.Text(v.s.Ring)
	return invited{v.in, text.Inspector.Reveal(), text.Authority.Reveal(), text.Provision.Reveal(), text.Document.Reveal()}, err
}

// matrix shows how each article of the scope stands, at this moment.
func (v *visit) matrix() error {
	var page matrixPage
	err := v.view(func(ctx context.Context, tx *db.Tx) (err error) {
		if page.invited, err = v.invited(); err != nil {
			return err
		}
		services, err := v.service(ctx, tx)
		if err != nil {
			return err
		}
		all, err := v.s.board().Of(ctx, tx, services)
		for _, a := range all {
			if v.in.Scope.Has(a.Number) {
				page.Articles = append(page.Articles, a)
			}
		}
		page.At = tx.Now()
		return err
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "matrix", page)
}

// articlePage is what article.html shows.
type articlePage struct {
	board.Article
	At        time.Time
	Registers []string
	Samples   bool   // there are some of children
	Rules     string // the service whose rules and agreement are public, where they are evidence
}

// article shows the numbers behind one article, and which registers are evidence for it.
func (v *visit) article() error {
	page := articlePage{Registers: evidence.Registers(v.look.Article), Samples: slices.Contains(inspection.OfSamples, v.look.Article)}
	err := v.view(func(ctx context.Context, tx *db.Tx) error {
		services, err := v.service(ctx, tx)
		if err != nil {
			return err
		}
		page.At = tx.Now()
		if a := v.look.Article; (a == 8 || a == 10) && services[0].Charter != 0 {
			page.Rules = v.in.Service
		}
		page.Article, _, err = v.s.board().One(ctx, tx, v.look.Article, services)
		return err
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "article", page)
}

// registerPage is what register.html shows.
type registerPage struct {
	Article int
	evidence.Sheet
	Scope inspection.Scope
}

// register shows rows of a register, in the time of the scope.
func (v *visit) register() error {
	page := registerPage{Article: v.look.Article}
	err := v.view(func(ctx context.Context, tx *db.Tx) (err error) {
		page.Scope = v.in.Scope
		page.Sheet, err = evidence.Rows(ctx, tx, v.look.About, v.in.Service, v.scope())
		return err
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "register", page)
}

// samplesPage is what samples.html shows.
type samplesPage struct {
	Subjects []string
	Mark     string // by which they are drawn
}

// samples shows which children are drawn, by their pseudonyms.
func (v *visit) samples() error {
	var page samplesPage
	err := v.view(func(ctx context.Context, tx *db.Tx) (err error) {
		if page.Subjects, err = v.drawn(ctx, tx); err == nil {
			page.Mark, err = v.in.Mark(v.s.Ring)
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "samples", page)
}

// samplePage is what sample.html shows.
type samplePage struct {
	Subject string
	Sheets  []evidence.Sheet
}

// sample shows what was asked about a child who was drawn, and what was answered, under its
// pseudonym: neither what is held of it, nor of whom it is.
func (v *visit) sample() error {
	page := samplePage{Subject: v.look.About}
	err := v.view(func(ctx context.Context, tx *db.Tx) (err error) {
		page.Sheets, err = evidence.OfChild(ctx, tx, v.look.About, v.in.Service, v.scope())
		return err
	})
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "sample", page)
}

// bundlePage is what bundle.html shows.
type bundlePage struct {
	Command string // by which the office makes it
	Key     string // the ledger's public one
}

// bundle says how the archive is had that can be taken away, and how it is verified offline.
func (v *visit) bundle() error {
	command := []string{"wardkeep evidence --to evidence.zip --service " + v.in.Service}
	if at := v.in.Scope.From; !at.IsZero() {
		command = append(command, "--from "+at.In(edge.Zone).Format(time.RFC3339))
	}
	if at := v.in.Scope.Before; !at.IsZero() {
		command = append(command, "--before "+at.In(edge.Zone).Format(time.RFC3339))
	}
	for _, a := range v.in.Scope.Articles {
		command = append(command, "--article "+strconv.Itoa(a))
	}
	return v.show(http.StatusOK, "bundle", bundlePage{strings.Join(command, " "), v.s.LedgerKey})
}

// cellOf writes what stands in a cell of a register: times as people read them, and yes or no.
func cellOf(lang i18n.Lang, column, cell string) string {
	switch {
	case cell == "":
		return "–"
	case cell == "true" || cell == "false":
		return lang.T("inspector.is." + cell)
	case column == "day", strings.HasSuffix(column, "_at"):
		n, err := strconv.ParseInt(cell, 10, 64)
		switch {
		case err != nil || n == 0:
			return cell
		case column == "day" && n < 1_000_000: // since 1970, of what is counted by the day
			return time.Unix(n*24*60*60, 0).UTC().Format(time.DateOnly)
		case column == "day":
			return time.UnixMicro(n).In(edge.Zone).Format(time.DateOnly)
		}
		return time.UnixMicro(n).In(edge.Zone).Format(time.DateTime)
	}
	return cell
}
