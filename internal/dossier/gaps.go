package dossier

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/board"
	"wardkeep/internal/catalog"
	"wardkeep/internal/replay"
	"wardkeep/internal/yearly"
)

// A Gap is something that doesn't hold, wasn't done, or isn't known here. A pack says so itself.
type Gap struct {
	Article int    `json:"article,omitempty"`
	Code    string `json:"code"` // one of the constants
	About   string `json:"about,omitempty"`
	N       int64  `json:"n,omitempty"`
}

// The codes of gaps; dossier.gap has their words.
const (
	GapFigure   = "figure"   // a number of the board speaks against an article
	GapUnknown  = "unknown"  // nothing here computes an article
	GapOutside  = "outside"  // an article is kept, or not, outside of this system
	GapTraining = "training" // nobody in office has a training of the year on record (Article 8)
	GapUnfiled  = "unfiled"  // the audit of an earlier year isn't filed
	GapAudit    = "audit"    // the ledger was never replayed, or not for a month
	GapTampered = "tampered" // and when it last was, it didn't give the tables
	GapCut      = "cut"      // a table has more rows than are attached
	GapBlank    = "blank"    // a field of the form is empty
)

// audited is for how long a replay counts: as long as the audit is open before somebody is urged.
const audited = 31 * 24 * time.Hour

// gaps are those of what is computed.
func (doc Document) gaps(ctx context.Context, tx *db.Tx, d board.Desk, s catalog.Service) ([]Gap, error) {
	all := []Gap{}
	for _, a := range doc.Answers {
		switch a.State {
		case board.NotYet:
			all = append(all, Gap{Article: a.Article, Code: GapUnknown})
		case board.Outside:
			all = append(all, Gap{Article: a.Article, Code: GapOutside})
		}
		for _, f := range a.Figures {
			if f.Speaks {
				all = append(all, Gap{Article: a.Article, Code: GapFigure, About: f.Name, N: f.N})
			}
		}
	}
	if !doc.trained() {
		all = append(all, Gap{Article: 8, Code: GapTraining})
	}
	years, err := yearly.Owed(ctx, tx, s)
	if err != nil {
		return nil, err
	}
	for _, y := range years {
		if y.Year < doc.Year {
			all = append(all, Gap{Article: 22, Code: GapUnfiled, N: y.Year})
		}
	}
	switch run, err := replay.LastRun(ctx, tx, d.Ring); {
	case errors.Is(err, replay.ErrNoRun), errors.Is(err, replay.ErrRunForged), err == nil && tx.Now().Sub(run.At) > audited:
		all = append(all, Gap{Article: 22, Code: GapAudit})
	case err != nil:
		return nil, err
	case !run.OK():
		all = append(all, Gap{Article: 22, Code: GapTampered, N: run.Findings + run.Differences})
	}
	for _, t := range doc.Tables {
		if t.More > 0 {
			all = append(all, Gap{Code: GapCut, About: t.Name, N: t.More})
		}
	}
	return all, nil
}

// trained reports whether a training of the year is on record.
func (doc Document) trained() bool {
	year := strconv.FormatInt(doc.Year, 10) + "-"
	for _, t := range doc.Tables {
		if t.Name != "records" {
			continue
		}
		for _, row := range t.Rows {
			if row[0] == string(catalog.Training) && strings.HasPrefix(row[1], year) {
				return true
			}
		}
	}
	return false
}

// In returns the gap in words.
func (g Gap) In(lang i18n.Lang) string {
	about := g.About
	switch g.Code {
	case GapFigure:
		about = figure(lang, g.About)
	case GapCut:
		about = lang.T("dossier.table." + g.About)
	case GapBlank:
		about = Label(lang, g.About)
	}
	text := lang.T("dossier.gap."+g.Code, "About", about, "N", g.N)
	if g.Article > 0 {
		text = lang.T("dossier.article", "N", g.Article, "Title", title(lang, g.Article)) + text
	}
	return text
}

func inWords(lang i18n.Lang, gaps []Gap) (all []string) {
	for _, g := range gaps {
		all = append(all, g.In(lang))
	}
	return all
}
