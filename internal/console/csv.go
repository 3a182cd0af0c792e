package console

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/ledger"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
)

// A file of a list holds what its page shows, and no value: it is made of the same rows.
const (
	maxRows     = 100_000  // of a file
	rowsAtOnce  = 500      // that are read in one transaction: nobody waits for a file
	fileMark    = "\ufeff" // by which spreadsheets know UTF-8
	timeInFiles = "2006-01-02T15:04:05.000Z07:00"
)

// exportPart is what layout.html shows of taking a list away.
type exportPart struct{ List, Query string }

func (v *visit) exportPart(name string, filter url.Values) exportPart {
	return exportPart{name, filter.Encode()}
}

// A rows reads a page from where the one before ended. It returns what has the next call
// go on behind it, or nil after the last: it may be called again for the same page.
type rows func(ctx context.Context, tx *db.Tx, each func(cells ...string)) (next func(), err error)

// goOn has the next page begin where the one before ended, unless that was the last.
func goOn[C fmt.Stringer](from *C, next C) func() {
	if next.String() == "" {
		return nil
	}
	return func() { *from = next }
}

// sendFile records that the person takes a list away (Article 15), and then sends it, page
// by page, to who is still signed in with the same roles. If we crash between the two, there
// is an entry of a file that nobody has. What fails later breaks the connection: half a file
// is never taken for all of it.
func (v *visit) sendFile(name string, header []string, read rows) error {
	if err := v.takesFile(); err != nil {
		return err
	}
	if err := v.takes(name); err != nil {
		return err
	}
	v.seen.Shows = "file"
	v.w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	v.w.Header().Set("Content-Disposition", `attachment; filename="wardkeep-`+name+`.csv"`)
	v.w.WriteHeader(http.StatusOK)
	if err := v.writeRows(header, read); err != nil {
		v.s.Log.ErrorContext(v.r.Context(), "console: a file is cut short", "list", name, "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

// takes records that the person, who has shown within minutes who it is, takes a file away
// (Article 15).
func (v *visit) takes(name string) error {
	return v.actFreshly(func(ctx context.Context, tx *db.Tx, in signin.Session) error {
		_, err := staff.Exported(ctx, tx, in.Person, name)
		return err
	})
}

func (v *visit) writeRows(header []string, read rows) error {
	if _, err := v.w.Write([]byte(fileMark)); err != nil {
		return err
	}
	w := csv.NewWriter(v.w)
	w.UseCRLF = true // RFC 4180
	if err := w.Write(header); err != nil {
		return err
	}
	for written, more := 0, true; more && written < maxRows; {
		var page [][]string
		var next func()
		err := v.view(func(ctx context.Context, tx *db.Tx) (err error) {
			if err := v.still(ctx, tx); err != nil {
				return err
			}
			page = page[:0]
			next, err = read(ctx, tx, func(cells ...string) { page = append(page, cells) })
			return err
		})
		if err != nil {
			return err
		}
		if more = next != nil; more {
			next()
		}
		for _, cells := range page[:min(len(page), maxRows-written)] {
			for i := range cells {
				cells[i] = inert(cells[i])
			}
			if err := w.Write(cells); err != nil {
				return err
			}
		}
		if written += len(page); written >= maxRows && (more || written > maxRows) {
			if err := w.Write([]string{v.lang.T("console.files.cut", "Count", maxRows)}); err != nil {
				return err
			}
		}
		if w.Flush(); w.Error() != nil {
			return w.Error()
		}
	}
	return nil
}

// still refuses who isn't signed in any more, or may by now what they didn't when the file
// began, or not any more: the rest of it would be of another's list.
func (v *visit) still(ctx context.Context, tx *db.Tx) error {
	in, err := v.s.door.Find(ctx, tx, v.s.site.Kept(v.r))
	if err == nil && (in.Person.ID != v.in.Person.ID || !slices.Equal(in.Person.Grants, v.in.Person.Grants)) {
		err = staff.ErrMayNot
	}
	return err
}

// inert makes sure that no spreadsheet takes what somebody wrote for a formula.
func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) || strings.HasPrefix(cell, "＝") || strings.HasPrefix(cell, "＋") || strings.HasPrefix(cell, "－") || strings.HasPrefix(cell, "＠") {
		return "'" + cell
	}
	return cell
}

func inFile(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(shanghai).Format(timeInFiles)
}

// header returns the words of columns.
func (v *visit) header(names ...string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = v.lang.T("console.column." + name)
	}
	return all
}

// filterSent returns the filter that was sent with the form.
func (v *visit) filterSent(fields []string) (url.Values, error) {
	q, err := url.ParseQuery(v.r.PostFormValue("filter"))
	if err != nil {
		return nil, ErrFilter
	}
	return fieldsOf(q, fields), tooLong(q, fields)
}

func (s *Server) ledgerFile(v *visit) error {
	filter, err := v.filterSent(ledgerFields)
	if err != nil {
		return err
	}
	sought, err := soughtBy(filter)
	if err != nil {
		return err
	}
	before := int64(0)
	return v.sendFile(listLedger, v.header("place", "at", "kind", "what", "articles", "service", "subject", "version", "actor", "id", "body"),
		func(ctx context.Context, tx *db.Tx, each func(...string)) (func(), error) {
			services, err := catalog.List(ctx, tx)
			if err != nil {
				return nil, err
			}
			w, err := ledger.Walk(ctx, tx, v.sees(sought, filter.Get("service"), services), before, rowsAtOnce)
			if err != nil {
				return nil, err
			}
			for _, p := range w.Found {
				row := rowOf(p)
				var articles []string
				for _, n := range row.Articles {
					articles = append(articles, strconv.Itoa(n))
				}
				what := ""
				if row.Word() != "" {
					what = v.lang.T("console.kind." + p.Kind)
				}
				each(strconv.FormatInt(p.Place, 10), inFile(p.At), p.Kind, what, strings.Join(articles, " "), p.Service, p.Subject, strconv.FormatInt(p.Version, 10),
					p.Actor, p.ID, string(p.Body))
			}
			if w.Next == 0 {
				return nil, nil
			}
			return func() { before = w.Next }, nil
		})
}

func (s *Server) accessFile(v *visit) error {
	filter, err := v.filterSent(accessFields)
	if err != nil {
		return err
	}
	return v.requestsFile(listAccess, func(ctx context.Context, tx *db.Tx, from db.Cursor) ([]approval.Request, db.Cursor, error) {
		return approval.OfAsker(ctx, tx, v.in.Person.ID, accessFilter(filter), from, rowsAtOnce)
	})
}

func (s *Server) decisionsFile(v *visit) error {
	filter, err := v.filterSent(decisionFields)
	if err != nil {
		return err
	}
	return v.requestsFile(listDecisions, func(ctx context.Context, tx *db.Tx, from db.Cursor) ([]approval.Request, db.Cursor, error) {
		services, err := catalog.List(ctx, tx)
		if err != nil {
			return nil, db.Cursor{}, err
		}
		return approval.ToDecide(ctx, tx, mayIn(v.in.Person, staff.DecideAccess, services), v.in.Person.ID, accessFilter(filter), from, rowsAtOnce)
	})
}

// requestsFile sends requests: codes, names of items, who, when, and no child.
func (v *visit) requestsFile(name string, read func(ctx context.Context, tx *db.Tx, from db.Cursor) ([]approval.Request, db.Cursor, error)) error {
	var from db.Cursor
	return v.sendFile(name, v.header("number", "state", "service", "purpose", "items", "reason", "minutes", "asked_at", "answer_by", "asker", "decider", "granted", "answer", "from", "until", "looks"),
		func(ctx context.Context, tx *db.Tx, each func(...string)) (func(), error) {
			all, next, err := read(ctx, tx, from)
			if err != nil {
				return nil, err
			}
			var page accessPage
			if err := page.fill(ctx, tx, v, all, next); err != nil {
				return nil, err
			}
			for _, r := range page.Requests {
				if r.Forged {
					each("?", v.lang.T("console.access.forged"))
				} else {
					each(r.Number, v.lang.T("console.state."+r.State), r.Service, r.Purpose, strings.Join(r.Items, " "), string(r.Reason), strconv.Itoa(r.Minutes), inFile(r.AskedAt),
						inFile(r.AnswerBy), r.Who, r.Decider, strings.Join(r.Granted, " "), string(r.Answer), inFile(r.From), inFile(r.Until), strconv.FormatInt(r.Looks, 10))
				}
			}
			return goOn(&from, next), nil
		})
}

func (s *Server) peopleFile(v *visit) error {
	filter, err := v.filterSent(peopleFields)
	if err != nil {
		return err
	}
	from := db.Cursor{}
	return v.sendFile(listPeople, v.header("id", "name", "country", "roles", "added", "left"),
		func(ctx context.Context, tx *db.Tx, each func(...string)) (func(), error) {
			all, err := staff.Page(ctx, tx, from, rowsAtOnce)
			if err != nil {
				return nil, err
			}
			for _, p := range all {
				if !sees(v.in.Person, p) || !fits(v.in.Person, p, filter) {
					continue
				}
				var roles []string
				for _, g := range p.Grants {
					roles = append(roles, strings.TrimSpace(string(g.Role)+" "+g.Service))
				}
				each(p.ID, p.Name, p.Country, strings.Join(roles, "; "), inFile(p.AddedAt), inFile(p.LeftAt))
			}
			if len(all) < rowsAtOnce {
				return nil, nil
			}
			return func() { from = all[len(all)-1].Cursor() }, nil
		})
}

func (s *Server) chartersFile(v *visit) error {
	filter, err := v.filterSent(standingFields)
	if err != nil {
		return err
	}
	at, after := 0, int64(0) // which service, and behind which charter of it
	return v.sendFile(listCharters, v.header("service", "number", "hash", "proposed_at", "proposed_by", "published_at", "published_by"),
		func(ctx context.Context, tx *db.Tx, each func(...string)) (func(), error) {
			names, err := v.where(ctx, tx, staff.SeeCharters, filter)
			if err != nil || at >= len(names) {
				return nil, err
			}
			all, err := catalog.Editions(ctx, tx, names[at], after, rowsAtOnce)
			if err != nil {
				return nil, err
			}
			for _, e := range all {
				each(names[at], strconv.FormatInt(e.Number, 10), e.Hash, inFile(e.ProposedAt), e.ProposedBy, inFile(e.PublishedAt), e.PublishedBy)
			}
			if len(all) == rowsAtOnce {
				return func() { after = all[len(all)-1].Number }, nil
			}
			return func() { at, after = at+1, 0 }, nil
		})
}

// filesPage is what files.html shows: all lists that the person may take away.
type filesPage struct{ Lists []exportPart }

func (s *Server) files(v *visit) error {
	var page filesPage
	var services []catalog.Service
	err := v.view(func(ctx context.Context, tx *db.Tx) (err error) {
		services, err = catalog.List(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, l := range lists {
		if v.in.Person.MaySomewhere(l.action) && (!l.ofAll() || v.in.Person.MayEverywhere(l.action, services)) {
			page.Lists = append(page.Lists, exportPart{List: l.name})
		}
	}
	return v.show(http.StatusOK, "files", page)
}

// Path is where a list is taken away, for the form that does it.
func (e exportPart) Path() string { return "/console/" + e.List + "/csv" }
