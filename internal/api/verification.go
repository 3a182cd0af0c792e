package api

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/consent"
	"wardkeep/internal/verification"
)

// provingView is what whoever tried is told: how far it came, and what the
// browser's proof is worth now. Why something failed is nobody's business.
func (s *Server) provingView(ctx context.Context, tx *db.Tx, r consent.Request, proof string, a verification.Attempt) (wardkeep.Proving, error) {
	v := wardkeep.Proving{ID: a.ID, Method: string(a.Method), State: string(a.State), ExpiresAt: a.ExpiresAt}
	g, err := s.desk.Guardian(ctx, tx, r, proof)
	v.Strength = int(g.Strength)
	return v, err
}

type numberInput struct{ Body wardkeep.NameAndNumber }

// guardianNumber proves who a guardian is by name and identity number. Both are
// asked about after the attempt is recorded, outside of any transaction, and are
// in no answer. If we crash while the provider is asked, a repeated request learns
// that the attempt has started, and that is how it ends.
func guardianNumber(s *Server, ctx context.Context, c *call, in *numberInput) (answer[wardkeep.Proving], error) {
	var check verification.Check
	var name string
	out, err := byLink(ctx, s, c, func(tx *db.Tx, r consent.Request) (out answer[wardkeep.Proving], err error) {
		who := verification.Identity{Name: pii.New(in.Body.Name), Number: pii.New(in.Body.Number)}
		check, err = s.verify.StartNumber(ctx, tx, r, in.Body.Proof, who)
		if err = tried(err); err != nil {
			return out, err
		}
		name, out.Entry = linkName(r), check.Entry
		out.Body, err = s.provingView(ctx, tx, r, in.Body.Proof, check.Attempt)
		return out, err
	})
	if err != nil || out.kept != nil || !check.Open() {
		return out, err
	}
	reply, asked := s.verify.Ask(ctx, check)
	if asked != nil {
		s.internal(c, asked)
	}
	// Whoever asked may be gone; what the provider said is still so.
	ctx = context.WithoutCancel(ctx)
	err = s.Store.Update(ctx, func(tx *db.Tx) error {
		done, err := s.verify.FinishNumber(ctx, tx, check, reply, asked)
		if err = tried(err); err != nil {
			return err
		}
		r, err := s.behind(ctx, tx, c)
		if err != nil {
			return err
		}
		out.Entry = done.Entry
		out.Body, err = s.provingView(ctx, tx, r, in.Body.Proof, done.Attempt)
		return err
	})
	if err != nil {
		return out, err
	}
	kept, err := out.keep(c)
	if err != nil {
		return out, err
	}
	return out, s.correct(ctx, c, name, kept)
}

// tried takes a failed attempt for what it is here, an answer.
func tried(err error) error {
	if errors.Is(err, verification.ErrNoMatch) || errors.Is(err, verification.ErrProvider) {
		return nil
	}
	return err
}

type provingInput struct{ Body wardkeep.ProofHeld }

// guardianOfficial begins a visit to the official identity service.
func guardianOfficial(s *Server, ctx context.Context, c *call, in *provingInput) (answer[wardkeep.Proving], error) {
	var visit verification.Visit
	var name string
	out, err := byLink(ctx, s, c, func(tx *db.Tx, r consent.Request) (out answer[wardkeep.Proving], err error) {
		if visit, err = s.verify.StartOfficial(ctx, tx, r, in.Body.Proof); err != nil {
			return out, err
		}
		name = linkName(r)
		out.Body, err = s.provingView(ctx, tx, r, in.Body.Proof, visit.Attempt)
		return out, err
	})
	if err != nil || out.kept != nil {
		return out, err
	}
	to, err := s.verify.Begin(ctx, visit)
	ctx = context.WithoutCancel(ctx)
	if err != nil {
		s.internal(c, err)
		out.Body.State = string(verification.Unavailable)
		if err := s.Store.Update(ctx, func(tx *db.Tx) error { return s.verify.Lose(ctx, tx, visit) }); err != nil {
			return out, err
		}
	}
	out.Body.URL = to
	kept, err := out.keep(c)
	if err != nil {
		return out, err
	}
	return out, s.correct(ctx, c, name, kept)
}

type documentInput struct{ Body wardkeep.DocumentSent }

// guardianDocument takes a document for two of the staff.
func guardianDocument(s *Server, ctx context.Context, c *call, in *documentInput) (answer[wardkeep.Proving], error) {
	u := verification.Upload{Number: pii.New(in.Body.Number)}
	for _, page := range in.Body.Pages {
		data, err := base64.StdEncoding.Strict().DecodeString(page)
		if err != nil {
			return answer[wardkeep.Proving]{}, verification.ErrPageKind.At("pages")
		}
		u.Pages = append(u.Pages, pii.New(string(data)))
	}
	return byLink(ctx, s, c, func(tx *db.Tx, r consent.Request) (out answer[wardkeep.Proving], err error) {
		a, err := s.verify.SendDocument(ctx, tx, r, in.Body.Proof, u)
		if err != nil {
			return out, err
		}
		out.Body, err = s.provingView(ctx, tx, r, in.Body.Proof, a)
		return out, err
	})
}

// guardianProving says how far an attempt has come.
func guardianProving(s *Server, ctx context.Context, c *call, _ *nothing) (answer[wardkeep.Proving], error) {
	var out answer[wardkeep.Proving]
	if err := s.slow(c); err != nil {
		return out, err
	}
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		r, err := s.behind(ctx, tx, c)
		if err != nil {
			return err
		}
		a, err := s.verify.Find(ctx, tx, r, c.header(proofHeader), c.param("verification"))
		if err != nil {
			return err
		}
		out.Body, err = s.provingView(ctx, tx, r, c.header(proofHeader), a)
		return err
	})
	return out, err
}

// identityReport takes what the official identity service reports. Whoever is not
// that service learns nothing, not even whether there is such an attempt.
func identityReport(s *Server, w http.ResponseWriter, r *http.Request, c *call) error {
	ctx := r.Context()
	if !s.verify.Signed(s.Store.Now(), r.Header, c.body) {
		return verification.ErrCallback
	}
	err := s.Store.Update(ctx, func(tx *db.Tx) error {
		_, err := s.verify.Report(ctx, tx, r.Header, c.body)
		return err
	})
	if err != nil && errs.Of(err).Kind != errs.Unauthenticated {
		return err // it may try again
	}
	if err != nil {
		return verification.ErrCallback
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
