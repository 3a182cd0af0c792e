package web

import (
	"context"
	"errors"
	"net/http"
	"os"
	"slices"
	"strconv"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/visitor"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/rights"
	"wardkeep/internal/transcript"
	"wardkeep/internal/vault"
)

// What follows is for whom a guardian has named to get a copy (PIPL 45): a stranger, who
// comes with an address and a code, and is told nothing of anybody but the file.

func (s *Server) ports(mux *http.ServeMux) {
	s.portTries = newLimits(s.Proxies)
	s.portTries.Rate, s.portTries.Burst = codesPerAddress, codesBurst
	s.handle(mux, "GET /port", func(w http.ResponseWriter, r *http.Request) error { return s.showPort(w, r, pii.Text{}, nil) })
	s.form(mux, "POST /port/file", "/port", s.portFile)
}

// portPage is what public/port.html shows. Address is what stood behind the # of the address,
// or what somebody copied from there: a script puts it into the form.
type portPage struct {
	Address pii.Text
	Typed   bool   // it leads nowhere: whoever has typed it sees it, and may have mistyped
	Problem string // in words
}

// showPort shows the form, and what went wrong. A stranger is told neither what a guardian
// does nor what becomes of a child, only that there is nothing to fetch, or not now.
func (s *Server) showPort(w http.ResponseWriter, r *http.Request, address pii.Text, problem error) error {
	page, status := portPage{Address: address}, http.StatusOK
	if problem != nil {
		e := errs.Of(problem)
		switch {
		case e.Is(family.ErrErased), e.Is(family.ErrNotFound), e.Is(rights.ErrNotFound):
			e = rights.ErrNoPort
		case e.Is(rights.ErrNoPort), e.Is(rights.ErrPortCode), e.Is(ErrSlowDown), e.Is(ErrCopying), e.Is(ErrCopies):
		case errors.Is(problem, gate.ErrDenied), e.Is(rights.ErrLarge), e.Is(vault.ErrNotHeld):
			e = errNotNow
		default:
			return problem
		}
		page.Typed, page.Problem, status = e.Is(rights.ErrNoPort), lang(r).T(e.Code), int(e.Kind)
	}
	visitor.Script(w)
	return s.render(w, r, status, "public/port.html", page)
}

// errNotNow tells a stranger that a file that waits can't be had.
var errNotNow = errs.New(errs.Conflict, "web.port_not_now")

// portFile sends the file, once. That it leaves is recorded, and that it was fetched, in the
// transaction that opens its values, and the file is made after its commit (invariant 2). Where
// its reader is lost on the way it was fetched all the same: what has arrived nobody knows.
func (s *Server) portFile(w http.ResponseWriter, r *http.Request) error {
	address, code := pii.New(r.PostFormValue("address")), pii.New(r.PostFormValue("code"))
	refuse := func(err error) error { return s.showPort(w, r, address, err) }
	if err := s.portTries.take(r); err != nil {
		return refuse(err)
	}
	var guardian family.GuardianID
	var size int64
	waits := func(ctx context.Context, tx *db.Tx) error {
		p, asked, err := s.rights.PortAt(ctx, tx, address)
		if err != nil {
			return err
		}
		c, err := family.Find(ctx, tx, asked.Service, asked.Child)
		if err != nil {
			return err
		}
		one, err := vault.Ported(ctx, tx, c, p.Items)
		guardian, size = asked.Guardian, one.Bytes
		return err
	}
	if err := s.Store.View(r.Context(), func(tx *db.Tx) error { return waits(r.Context(), tx) }); err != nil {
		return refuse(err)
	}
	leave, err := s.copies.enter(r.Context(), guardian, size)
	if err != nil {
		return refuse(err)
	}
	defer leave()
	file, number, err := s.makePort(r, waits, address, code)
	if err != nil {
		return refuse(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="port-`+number+`.json"`)
	w.Header().Set("Content-Length", strconv.Itoa(len(file)))
	out := paced(w)
	for piece := range slices.Chunk(file, pieces) {
		if _, err := out.Write(piece); err != nil {
			s.Log.InfoContext(r.Context(), "port: a copy was not taken whole", "slow", errors.Is(err, os.ErrDeadlineExceeded))
			panic(http.ErrAbortHandler)
		}
	}
	return nil
}

// makePort compares the code, has the gate decide, and makes the file, in its turn.
func (s *Server) makePort(r *http.Request, waits look, address, code pii.Text) (file []byte, number string, err error) {
	done, err := s.copies.turn(r.Context())
	if err != nil {
		return nil, "", err
	}
	defer done()
	ctx, l := r.Context(), lang(r)
	var d transcript.Portable
	err = s.change(ctx, waits, func(tx *db.Tx) (err error) {
		d, err = s.portable(ctx, tx, l, address, code)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	file, err = d.Text(l)
	return file, d.Number, err
}

// portable puts the file together. All but its values is read before they are opened, so that
// nothing refuses it once it counts as fetched.
func (s *Server) portable(ctx context.Context, tx *db.Tx, l i18n.Lang, address, code pii.Text) (d transcript.Portable, err error) {
	p, asked, err := s.rights.TryPort(ctx, tx, address, code)
	if err != nil {
		return d, err
	}
	c, err := family.Find(ctx, tx, asked.Service, asked.Child)
	if err != nil {
		return d, err
	}
	one, err := vault.Ported(ctx, tx, c, p.Items)
	if err != nil {
		return d, err
	}
	words, err := s.told(ctx, tx, asked.Service, nil, l)
	if err != nil {
		return d, err
	}
	if words.class, err = c.Class(s.Ring, tx.Now()); err != nil {
		return d, err
	}
	needs, _ := words.copyNeeds()
	opened, err := s.Vault.Port(ctx, tx, asked, p, needs, vault.Items(one.Held))
	if err != nil {
		return d, err
	}
	d = transcript.Portable{Number: asked.Number, MadeAt: tx.Now().UTC(), Entry: opened.Entry,
		Service: transcript.Named{Name: asked.Service, Label: words.now.Charter.Name.In(words.lang)}}
	for _, h := range one.Held {
		label, kind := words.item(h.Item)
		d.Items = append(d.Items, transcript.Item{Named: transcript.Named{Name: h.Item, Label: label}, Kind: string(kind),
			Purpose: words.namedPurpose(h.Purpose), CollectedAt: h.Collected, ExpiresAt: h.Expires, Value: opened.Values[h.Item].Reveal()})
	}
	for _, item := range p.Items {
		if _, held := opened.Values[item]; !held {
			d.Missing = append(d.Missing, words.namedItems([]string{item})...)
		}
	}
	return d, nil
}
