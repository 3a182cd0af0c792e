package web

import (
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/verification"
)

// maxUpload bounds a form with a document, in bytes.
const maxUpload = 3*verification.MaxPage + maxForm

func (s *Server) verification(mux *http.ServeMux) {
	s.handle(mux, "GET /r/{token}/identity", s.identity)
	s.form(mux, "POST /r/{token}/identity/number", "/r/{token}/identity", s.proveNumber)
	s.form(mux, "POST /r/{token}/identity/official", "/r/{token}/identity", s.proveOfficially)
	s.formUpTo(mux, maxUpload, "POST /r/{token}/identity/document", "/r/{token}/identity", s.proveByDocument)
	s.handle(mux, "GET /r/{token}/identity/{attempt}", s.proving)
}

// identityPage is what guardian/verify_identity.html shows.
type identityPage struct {
	Token                      string
	Number, Official, Document bool
	Strength                   family.Strength // what this browser has shown
	Needs                      family.Strength // for all that is asked
}

// identity offers a guardian who has typed a code the stronger proofs.
func (s *Server) identity(w http.ResponseWriter, r *http.Request) error {
	if err := s.limits.take(r); err != nil {
		return err
	}
	ctx := r.Context()
	offered := s.verifier.Offered()
	page := identityPage{Token: r.PathValue("token"), Number: slices.Contains(offered, family.ByNumber),
		Official: slices.Contains(offered, family.ByOfficial), Document: slices.Contains(offered, family.ByDocument)}
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		req, g, err := s.signedIn(ctx, tx, r)
		if err != nil {
			return err
		}
		published, err := s.Charters.Version(ctx, tx, req.Service, req.Charter)
		if err != nil {
			return err
		}
		page.Strength, page.Needs = g.Strength, consent.Needed(published.Charter, req.Purposes...)
		return nil
	})
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "guardian/verify_identity.html", page)
}

// provingPage is what guardian/verify_attempt.html shows.
type provingPage struct {
	Token    string
	ID       string
	Method   family.Method
	State    verification.State
	URL      string // of the official service, right after it was asked
	Strength family.Strength
	Until    time.Time
}

func (s *Server) provingPage(ctx context.Context, tx *db.Tx, r *http.Request, req consent.Request, a verification.Attempt) (provingPage, error) {
	g, err := s.desk.Guardian(ctx, tx, req, proof(r))
	return provingPage{Token: r.PathValue("token"), ID: a.ID, Method: a.Method, State: a.State, Strength: g.Strength, Until: a.ExpiresAt}, err
}

func (s *Server) proving(w http.ResponseWriter, r *http.Request) error {
	if err := s.limits.take(r); err != nil {
		return err
	}
	ctx := r.Context()
	var page provingPage
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		req, err := s.find(ctx, tx, r)
		if err := answered(err); err != nil {
			return err
		}
		a, err := s.verifier.Find(ctx, tx, req, proof(r), r.PathValue("attempt"))
		if err != nil {
			return err
		}
		page, err = s.provingPage(ctx, tx, r, req, a)
		return err
	})
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "guardian/verify_attempt.html", page)
}

// toProving leads to the page of an attempt: to load it again tries nothing again.
func (s *Server) toProving(w http.ResponseWriter, r *http.Request, a verification.Attempt) error {
	http.Redirect(w, r, requestAt(r)+"/identity/"+url.PathEscape(a.ID)+inLang(lang(r)), http.StatusSeeOther)
	return nil
}

// proveNumber asks about a name and a number. If we crash while the provider is
// asked, the attempt runs out in two minutes, and nothing is proved.
func (s *Server) proveNumber(w http.ResponseWriter, r *http.Request) error {
	if err := s.limits.take(r); err != nil {
		return err
	}
	ctx := r.Context()
	who := verification.Identity{Name: pii.New(r.PostFormValue("name")), Number: pii.New(r.PostFormValue("number"))}
	var check verification.Check
	err := s.change(ctx, s.linked(r, consent.ErrAnswered), func(tx *db.Tx) error {
		req, err := s.find(ctx, tx, r)
		if err := answered(err); err != nil {
			return err
		}
		check, err = s.verifier.StartNumber(ctx, tx, req, proof(r), who)
		return err
	})
	if err == nil && check.Open() {
		reply, asked := s.verifier.Ask(ctx, check)
		if asked != nil {
			s.Log.ErrorContext(ctx, "verification: the provider can't be asked", "error", asked)
		}
		// Whoever asked may be gone; what the provider said is still so.
		after := context.WithoutCancel(ctx)
		err = s.Store.Update(after, func(tx *db.Tx) error {
			_, err := s.verifier.FinishNumber(after, tx, check, reply, asked)
			return err
		})
	}
	if err != nil && !errors.Is(err, verification.ErrNoMatch) && !errors.Is(err, verification.ErrProvider) {
		return err
	}
	return s.toProving(w, r, check.Attempt)
}

// proveOfficially asks the official service for its page, and shows the way there:
// a link, since no form of ours may lead to another site.
func (s *Server) proveOfficially(w http.ResponseWriter, r *http.Request) error {
	if err := s.limits.take(r); err != nil {
		return err
	}
	ctx := r.Context()
	var visit verification.Visit
	var page provingPage
	err := s.change(ctx, s.linked(r, consent.ErrAnswered), func(tx *db.Tx) error {
		req, err := s.find(ctx, tx, r)
		if err := answered(err); err != nil {
			return err
		}
		if visit, err = s.verifier.StartOfficial(ctx, tx, req, proof(r)); err != nil {
			return err
		}
		page, err = s.provingPage(ctx, tx, r, req, visit.Attempt)
		return err
	})
	if err != nil {
		return err
	}
	if page.URL, err = s.verifier.Begin(ctx, visit); err != nil {
		s.Log.ErrorContext(ctx, "verification: the official service can't be asked", "error", err)
		after := context.WithoutCancel(ctx)
		if err := s.Store.Update(after, func(tx *db.Tx) error { return s.verifier.Lose(after, tx, visit) }); err != nil {
			return err
		}
		return s.toProving(w, r, visit.Attempt)
	}
	return s.render(w, r, http.StatusOK, "guardian/verify_attempt.html", page)
}

// proveByDocument takes a document for the staff.
func (s *Server) proveByDocument(w http.ResponseWriter, r *http.Request) error {
	if err := s.limits.take(r); err != nil {
		return err
	}
	ctx := r.Context()
	// Who may not send one is told before it is read.
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		_, _, err := s.signedIn(ctx, tx, r)
		return err
	})
	if err != nil {
		return err
	}
	upload, err := readUpload(r)
	if err != nil {
		return err
	}
	var a verification.Attempt
	err = s.Store.Update(ctx, func(tx *db.Tx) error {
		req, err := s.find(ctx, tx, r)
		if err := answered(err); err != nil {
			return err
		}
		a, err = s.verifier.SendDocument(ctx, tx, req, proof(r), upload)
		return err
	})
	if err != nil {
		return err
	}
	return s.toProving(w, r, a)
}

// readUpload reads the form in memory: http.Request would put large files on the
// disk, in plain (invariant 9).
func readUpload(r *http.Request) (u verification.Upload, err error) {
	form, err := r.MultipartReader()
	if err != nil {
		return u, ErrForm
	}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return u, nil
		}
		if err != nil {
			return u, cutOff(err)
		}
		if err := readPart(part, &u); err != nil {
			return u, err
		}
	}
}

func readPart(part *multipart.Part, u *verification.Upload) error {
	switch part.FormName() {
	case "number":
		b, err := io.ReadAll(io.LimitReader(part, 1000))
		if err != nil {
			return cutOff(err)
		}
		u.Number = pii.New(string(b))
	case "page":
		b, err := io.ReadAll(io.LimitReader(part, verification.MaxPage+1))
		switch {
		case err != nil:
			return cutOff(err)
		case len(b) > verification.MaxPage:
			return verification.ErrPageSize
		case len(b) > 0: // a field that was left empty is no page
			u.Pages = append(u.Pages, pii.New(string(b)))
		}
	default:
		return ErrForm
	}
	return nil
}

// cutOff tells a form that is too long from one that was cut off.
func cutOff(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return verification.ErrPageSize
	}
	return ErrForm
}
