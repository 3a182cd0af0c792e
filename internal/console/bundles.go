package console

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/catalog"
	"wardkeep/internal/evidence"
	"wardkeep/internal/family/age"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// ErrElsewhereFile says that the file of an archive lies on another node.
var ErrElsewhereFile = errs.New(errs.Unavailable, "console.bundles.elsewhere")

// takeTime is how long somebody may take an archive of gigabytes away.
const takeTime = time.Hour

// A Maker makes archives for an authority beside all else.
type Maker struct {
	Wake func()                              // there is one to be made
	Open func(name string) (*os.File, error) // the file of one
}

// bundlesPage is what bundles.html shows: archives for an authority, and the form that asks for one.
type bundlesPage struct {
	Rows     []bundleRow
	Makes    bool // whoever looks may ask for one
	Fresh    bool
	Key      string // the ledger's public key
	Services []catalog.Service
	Articles []int
	Sent     map[string]string
	Chosen   map[string]bool
	Problem  string
	Field    string
	Days     int  // for how many a file is kept
	Waits    bool // one is being made: the page loads itself again
}

// A bundleRow is an archive, as it is listed.
type bundleRow struct {
	evidence.Bundle
	Is      evidence.BundleState
	Who     string
	Percent int64
	To      string
}

func (s *Server) bundles(v *visit) error { return v.bundlesPage(nil) }

func (v *visit) bundlesPage(problem error) error {
	words, status, fault := v.problem(problem)
	if fault != nil {
		return fault
	}
	page := bundlesPage{Problem: words, Fresh: v.in.IsFresh(v.now) == nil, Key: v.s.LedgerKey, Sent: make(map[string]string), Chosen: make(map[string]bool), Days: int(evidence.Kept / (24 * time.Hour))}
	for n := range 29 {
		page.Articles = append(page.Articles, n+1)
	}
	if problem != nil {
		page.Field = errs.Of(problem).Field
		for _, field := range []string{"from", "before", "recipient"} {
			page.Sent[field] = v.value(field)
		}
		for _, field := range []string{"article", "service"} {
			for _, one := range v.r.PostForm[field] {
				page.Chosen[field+one] = true
			}
		}
	}
	err := v.view(func(ctx context.Context, tx *db.Tx) (err error) {
		if page.Services, err = catalog.List(ctx, tx); err != nil {
			return err
		}
		page.Makes = v.in.Person.MayEverywhere(staff.MakeBundles, page.Services)
		all, err := evidence.Bundles(ctx, tx)
		if err != nil {
			return err
		}
		page.Rows = nil
		for _, b := range all {
			row := bundleRow{Bundle: b, Is: b.State(tx.Now()), To: "/console/bundles/" + b.ID}
			if b.Total > 0 {
				row.Percent = 100 * b.Done / b.Total
			}
			page.Waits = page.Waits || row.Is == evidence.Waiting || row.Is == evidence.Making
			if row.Who, err = v.names(tx, "").of(ctx, b.By); err != nil {
				return err
			}
			page.Rows = append(page.Rows, row)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.show(status, "bundles", page)
}

// scopeSent reads of what an archive is to state something: days are China's, and the last isn't included.
func (v *visit) scopeSent() (s evidence.Scope, err error) {
	day := func(field string) (t time.Time, err error) {
		if text := v.value(field); text != "" {
			if t, err = time.ParseInLocation(time.DateOnly, text, age.Zone); err != nil {
				err = evidence.ErrScope.At(field)
			}
		}
		return t, err
	}
	if s.From, err = day("from"); err != nil {
		return s, err
	}
	if s.To, err = day("before"); err != nil {
		return s, err
	}
	for _, text := range v.r.PostForm["article"] {
		n, err := strconv.Atoi(text)
		if err != nil {
			return s, evidence.ErrScope.At("article")
		}
		s.Articles = append(s.Articles, n)
	}
	s.Services = slices.Clone(v.r.PostForm["service"])
	slices.Sort(s.Articles)
	slices.Sort(s.Services)
	s.Articles, s.Services = slices.Compact(s.Articles), slices.Compact(s.Services)
	return s, nil
}

// askBundle has an archive made. If we crash before the maker is woken, it finds the row.
func (s *Server) askBundle(v *visit) error {
	if s.Bundles.Wake == nil {
		return ErrNoJobs
	}
	scope, err := v.scopeSent()
	if err == nil {
		err = v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
			_, _, err := evidence.Ask(ctx, tx, s.Ring, in.Person, scope, strings.TrimSpace(v.r.PostFormValue("recipient")))
			return err
		})
	}
	switch {
	case err == nil:
		s.Bundles.Wake()
		return v.to("/console/bundles")
	case errs.Of(err).Kind == errs.Forbidden:
		return err
	}
	return v.bundlesPage(err)
}

// takeBundle sends the file of an archive, once it is recorded that it is taken (Article 15): a file that isn't
// whole has no such name, and one that was touched, or whose row was, isn't sent. If we crash in between, there is an entry of a file
// that nobody has.
func (s *Server) takeBundle(v *visit) error {
	if s.Bundles.Open == nil {
		return ErrNoJobs
	}
	if err := v.takesFile(); err != nil {
		return err
	}
	var b evidence.Bundle
	err := v.view(func(ctx context.Context, tx *db.Tx) (err error) {
		b, err = evidence.ReadyBundle(ctx, tx, s.Ring, v.r.PathValue("bundle"))
		return err
	})
	if err != nil {
		return v.bundlesPage(err)
	}
	f, err := s.Bundles.Open(b.ID)
	if errors.Is(err, os.ErrNotExist) {
		return v.bundlesPage(ErrElsewhereFile)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := http.NewResponseController(v.w).SetWriteDeadline(time.Now().Add(takeTime)); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	whole, err := isBundle(f, b)
	if err == nil && !whole {
		return v.bundlesPage(evidence.ErrForged)
	}
	if err == nil {
		err = v.takes(fileBundle)
	}
	if err != nil {
		return err
	}
	v.seen.Shows = "file"
	h := v.w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Length", strconv.FormatInt(b.Size, 10))
	h.Set("Content-Disposition", `attachment; filename="wardkeep-`+b.ID+`.zip"`)
	if _, err := io.Copy(v.w, f); err != nil {
		s.Log.ErrorContext(v.r.Context(), "console: a file is cut short", "list", fileBundle, "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

// isBundle reads a file to its end, and reports whether it is the archive that was made. It is
// at its beginning again then.
func isBundle(f *os.File, b evidence.Bundle) (bool, error) {
	sum := sha256.New()
	n, err := io.Copy(sum, io.LimitReader(f, b.Size+1))
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	return n == b.Size && hex.EncodeToString(sum.Sum(nil)) == b.Hash, err
}
