package api

import (
	"context"
	"io"
	"net/http"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/ledger"
	"wardkeep/internal/witness"
)

// ErrShared refuses bundles of entries of several services to the key of one.
var ErrShared = errs.New(errs.Forbidden, "api.entries_shared")

// entriesFile serves a bundle of entries (C2SP tlog-tiles). Entries name nobody,
// but say how a service is used, so they are for keys with the scope, and only
// where no other service's are among them (Article 15): otherwise an entry and
// its proof are had one by one, and the whole by `wardkeep ledger export`.
func entriesFile(s *Server, w http.ResponseWriter, r *http.Request, c *call) error {
	err := s.Store.View(r.Context(), func(tx *db.Tx) error {
		services, err := catalog.List(r.Context(), tx)
		if err == nil && len(services) != 1 {
			return ErrShared
		}
		return err
	})
	if err != nil {
		return err
	}
	return ledgerFile(s, w, r, c)
}

// ledgerFile serves a checkpoint or a tile of hashes (C2SP tlog-tiles). They say
// nothing, so anyone may have them: that is what makes the ledger's witnesses
// independent.
func ledgerFile(s *Server, w http.ResponseWriter, r *http.Request, c *call) error {
	files := &fileWriter{ResponseWriter: w}
	s.tiles.ServeHTTP(files, r)
	switch {
	case files.status == http.StatusNotFound:
		return ledger.ErrNotFound
	case files.status >= http.StatusBadRequest:
		return ledger.ErrDamaged
	}
	return nil
}

// getCosigned serves the latest checkpoint that enough witnesses have cosigned, with their signatures. It is
// some minutes older than the checkpoint itself.
func getCosigned(s *Server, w http.ResponseWriter, r *http.Request, c *call) error {
	var text string
	if err := s.Store.View(r.Context(), func(tx *db.Tx) (err error) {
		text, err = witness.LatestCosigned(r.Context(), tx)
		return err
	}); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	io.WriteString(w, text)
	return nil
}

// A fileWriter holds back the text of a refusal, so that refusals look alike.
type fileWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader passes on what is no refusal.
func (w *fileWriter) WriteHeader(status int) {
	w.status = status
	if status < http.StatusBadRequest {
		w.ResponseWriter.WriteHeader(status)
	}
}

// Write passes on what is no refusal.
func (w *fileWriter) Write(b []byte) (int, error) {
	if w.status >= http.StatusBadRequest {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

// getProof proves that an entry about the app's service is in the ledger.
func getProof(s *Server, ctx context.Context, c *call, _ *nothing) (answer[wardkeep.Proof], error) {
	var out answer[wardkeep.Proof]
	err := s.Store.View(ctx, func(tx *db.Tx) error {
		p, err := ledger.Find(ctx, tx, c.param("entry"))
		if err != nil {
			return err
		}
		if p.Service != c.app.Service {
			return ledger.ErrNotFound
		}
		proof, err := proofOf(ctx, tx, p.ID)
		if err == nil {
			out.Body = *proof
		}
		return err
	})
	return out, err
}

func proofOf(ctx context.Context, tx *db.Tx, entry string) (*wardkeep.Proof, error) {
	receipt, p, err := ledger.Receipt(ctx, tx, entry)
	if err != nil {
		return nil, err
	}
	return &wardkeep.Proof{Place: p.Place, Leaf: p.Leaf, Receipt: receipt}, nil
}

func getLedgerKey(s *Server, _ context.Context, _ *call, _ *nothing) (answer[wardkeep.LedgerKey], error) {
	return answer[wardkeep.LedgerKey]{Body: wardkeep.LedgerKey{Key: s.LedgerKey}}, nil
}
