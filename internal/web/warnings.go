package web

import (
	"context"
	"encoding/xml"
	"net/http"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/warning"
)

// maxWarnings is how many of those that stand are listed: who reads of more looks at the feed.
const maxWarnings = 100

func (s *Server) warnings(mux *http.ServeMux) {
	s.handle(mux, "GET /warnings", s.listWarnings)
	s.handle(mux, "GET /warnings/feed", s.warningsFeed)
	s.handle(mux, "GET /warnings/{notice}", s.warning)
}

// warningsPage is what public/warnings.html shows: of what the public is warned (Article 21).
type warningsPage struct{ Warnings []publicWarning }

// warningPage is what public/warning.html shows: what is told of a case, to whoever has its
// address from a message or from the list. It holds nothing of anybody.
type warningPage struct{ publicWarning }

type publicWarning struct {
	warning.Notice
	Name  string // of its service
	Words warning.Words
	// Broken says that what it says was changed by hand, and isn't shown: by whom it can be read
	// Wardkeep doesn't know, and the audit says that it was.
	Broken bool
	At     time.Time // when it was published or, of one that isn't, since when it is told
}

func (s *Server) publicWarnings(ctx context.Context, l i18n.Lang) (all []publicWarning, err error) {
	err = s.Store.View(ctx, func(tx *db.Tx) error {
		all = nil
		found, err := warning.Public(ctx, tx, maxWarnings)
		for _, n := range found {
			if err != nil {
				return err
			}
			var w publicWarning
			w, err = s.publicWarning(ctx, tx, n, l)
			all = append(all, w)
		}
		return err
	})
	return all, err
}

func (s *Server) publicWarning(ctx context.Context, tx *db.Tx, n warning.Notice, l i18n.Lang) (w publicWarning, err error) {
	text, err := n.Text(s.Ring)
	if err != nil && !errs.Of(err).Is(warning.ErrSealed) {
		return w, err
	}
	w = publicWarning{Notice: n, Words: text.In(l), Broken: err != nil, At: n.ConfirmedAt}
	if n.Public() {
		w.At = n.WarnedAt
	}
	w.Name, err = s.serviceName(ctx, tx, n.Service, l)
	return w, err
}

func (s *Server) listWarnings(w http.ResponseWriter, r *http.Request) error {
	all, err := s.publicWarnings(r.Context(), lang(r))
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "public/warnings.html", warningsPage{all})
}

func (s *Server) warning(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	var page warningPage
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		n, err := warning.FindPublic(ctx, tx, r.PathValue("notice"))
		if err != nil {
			return err
		}
		page.publicWarning, err = s.publicWarning(ctx, tx, n, lang(r))
		return err
	})
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "public/warning.html", page)
}

// An atomFeed is a feed of RFC 4287, with what it must have.
type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Lang    i18n.Lang   `xml:"xml:lang,attr"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Updated string      `xml:"updated"`
	Author  string      `xml:"author>name"`
	Links   []atomLink  `xml:"link"`
	Entries []atomEntry `xml:"entry"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Href string `xml:"href,attr"`
}

type atomEntry struct {
	ID      string   `xml:"id"`
	Title   string   `xml:"title"`
	Updated string   `xml:"updated"`
	Link    atomLink `xml:"link"`
	Summary string   `xml:"summary"`
}

// warningsFeed tells programs that follow it of each warning (RFC 4287).
func (s *Server) warningsFeed(w http.ResponseWriter, r *http.Request) error {
	l := lang(r)
	all, err := s.publicWarnings(r.Context(), l)
	if err != nil {
		return err
	}
	home := s.PublicURL + "/warnings?lang=" + string(l)
	feed := atomFeed{Lang: l, ID: s.PublicURL + "/warnings", Title: l.T("web.warnings.title"), Author: "Wardkeep", Updated: time.Unix(0, 0).UTC().Format(time.RFC3339),
		Links: []atomLink{{"self", s.PublicURL + "/warnings/feed?lang=" + string(l)}, {"alternate", home}}}
	for i, one := range all {
		at := one.At.UTC().Format(time.RFC3339)
		if i == 0 {
			feed.Updated = at
		}
		summary := one.Words.Cause + "\n" + one.Words.Advice
		if one.Broken {
			summary = l.T("web.warnings.broken")
		}
		feed.Entries = append(feed.Entries, atomEntry{ID: s.PublicURL + "/warnings/" + one.ID, Updated: at, Summary: summary,
			Title: l.T("web.warnings.one", "Service", one.Name), Link: atomLink{"alternate", warning.Page(s.PublicURL, one.Notice, l)}})
	}
	text, err := xml.MarshalIndent(feed, "", "  ")
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/atom+xml; charset=utf-8")
	_, err = w.Write(append([]byte(xml.Header), text...))
	return err
}
