package web

import (
	"net/http"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/charter"
	"wardkeep/internal/legal"
	"wardkeep/internal/receipt"
)

func (s *Server) certificates(mux *http.ServeMux) {
	s.handle(mux, "GET /certificate/{secret}", s.certificate)
	s.handle(mux, "GET /certificate/{secret}/certificate.json", s.certificateFile)
}

// certificatePage is what guardian/certificate.html shows: that everything about a
// child was erased. Whoever has the link knows which.
type certificatePage struct {
	Secret, Name, Rules string
	Certificate         receipt.Certificate
	Items               []string // labels
	Demanded, Erased    time.Time
	Ground, Door        string // keys; Door is empty without a demand
	Gone, Kept          []string
	Held                []certificateHeld
	Ordered             []certificateOrder
	Successor           string    // who took over the service; empty: nobody
	Handed              time.Time // when something went there; zero: nothing did
	Entry               int64     // where the erasure stands in the ledger
}

// A certificateHeld is what a law demands to keep.
type certificateHeld struct {
	Item, Basis string
	Until       time.Time
}

// A certificateOrder is a processor or a recipient that was told to delete. Attested is
// zero while it hasn't said that it has.
type certificateOrder struct {
	Label, Number string
	Due, Attested time.Time
}

// ordered says who else was told to delete, in the words of the charter.
func (page *certificatePage) ordered(c *charter.Charter, in charter.Lang) error {
	for _, t := range page.Certificate.Ordered {
		o := certificateOrder{Label: partyLabel(c, in, t.Party), Number: t.Number}
		var err error
		if o.Due, err = time.Parse(time.RFC3339, t.Due); err != nil {
			return err
		}
		if t.Attested != "" {
			if o.Attested, err = time.Parse(time.RFC3339, t.Attested); err != nil {
				return err
			}
		}
		page.Ordered = append(page.Ordered, o)
	}
	return nil
}

// partyLabel is what a charter calls a processor or a recipient, or its name if it is in
// an earlier charter only.
func partyLabel(c *charter.Charter, in charter.Lang, name string) string {
	if p, ok := c.Processor(name); ok {
		return p.Label.In(in)
	}
	if r, ok := c.Recipient(name); ok {
		return r.Label.In(in)
	}
	return name
}

func (s *Server) certified(r *http.Request, page *certificatePage) error {
	if err := s.limits.take(r); err != nil {
		return err
	}
	ctx, secret := r.Context(), r.PathValue("secret")
	office := receipt.Office{Charters: s.Charters, Key: s.LedgerKey, PublicURL: s.PublicURL}
	return s.Store.View(ctx, func(tx *db.Tx) error {
		c, err := office.Certificate(ctx, tx, s.Ring, secret)
		if err != nil {
			return err
		}
		published, err := s.Charters.Current(ctx, tx, c.Service)
		if err != nil {
			return err
		}
		in := charter.Lang(lang(r))
		*page = certificatePage{Secret: secret, Name: published.Charter.Name.In(in), Rules: "/rules/" + c.Service, Certificate: c,
			Ground: "web.certificate.ground." + c.Ground, Entry: c.Proof.Entries[len(c.Proof.Entries)-1].Index}
		for _, name := range c.Items {
			label := name
			if it, ok := published.Charter.Item(name); ok {
				label = it.Label.In(in)
			}
			page.Items = append(page.Items, label)
		}
		for _, what := range c.Gone {
			page.Gone = append(page.Gone, "web.certificate.gone."+what)
		}
		for _, what := range c.Kept {
			page.Kept = append(page.Kept, "web.certificate.kept."+what)
		}
		for _, h := range c.Held {
			until, err := time.Parse(time.RFC3339, h.Until)
			if err != nil {
				return err
			}
			label := h.Item
			if it, ok := published.Charter.Item(h.Item); ok {
				label = it.Label.In(in)
			}
			page.Held = append(page.Held, certificateHeld{label, legal.Basis(h.Basis).Words(lang(r), h.Number), until})
		}
		if err := page.ordered(published.Charter, in); err != nil {
			return err
		}
		if c.Successor != "" {
			page.Successor = partyLabel(published.Charter, in, c.Successor)
		}
		if c.Handed != "" {
			if page.Handed, err = time.Parse(time.RFC3339, c.Handed); err != nil {
				return err
			}
		}
		if page.Erased, err = time.Parse(time.RFC3339, c.Erased); err != nil || c.Demanded == "" {
			return err
		}
		page.Door = "web.certificate.by." + c.Door
		page.Demanded, err = time.Parse(time.RFC3339, c.Demanded)
		return err
	})
}

func (s *Server) certificate(w http.ResponseWriter, r *http.Request) error {
	var page certificatePage
	if err := s.certified(r, &page); err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "guardian/certificate.html", page)
}

// certificateFile serves the certificate as a file that `wardkeep verify` checks.
func (s *Server) certificateFile(w http.ResponseWriter, r *http.Request) error {
	var page certificatePage
	if err := s.certified(r, &page); err != nil {
		return err
	}
	file, err := page.Certificate.JSON()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="erasure-certificate.json"`)
	_, err = w.Write(file)
	return err
}
