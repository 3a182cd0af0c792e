package console_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/account"
	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/console"
	"wardkeep/internal/ledger"
	"wardkeep/internal/replay"
	"wardkeep/internal/signin"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/webhook"
)

func (d *desk) flush() {
	d.T.Helper()
	if err := d.ledger.Flush(d.T.Context()); err != nil {
		d.T.Fatal(err)
	}
}

// placed returns all that has a place.
func (d *desk) placed() (all []ledger.Placed) {
	d.T.Helper()
	d.flush()
	err := d.Store.View(d.T.Context(), func(tx *db.Tx) (err error) {
		all, err = ledger.Since(d.T.Context(), tx, 0, 1<<20)
		return err
	})
	if err != nil {
		d.T.Fatal(err)
	}
	return all
}

var (
	listedEntry = regexp.MustCompile(`/console/ledger/entries/(\d+)\?lang=en">`)
	goesOn      = regexp.MustCompile(`href="([^"]*)" rel="next"`)
)

// listed goes through all pages of the list that begins at an address.
func (b *browser) listed(at string) (places []int64) {
	b.d.T.Helper()
	for range 50 {
		w := b.get(at)
		if w.Code != http.StatusOK {
			b.d.T.Fatalf("%s: %d %s", at, w.Code, w.Body)
		}
		for _, m := range listedEntry.FindAllStringSubmatch(w.Body.String(), -1) {
			n, _ := strconv.ParseInt(m[1], 10, 64)
			places = append(places, n)
		}
		next := goesOn.FindStringSubmatch(w.Body.String())
		if next == nil {
			return places
		}
		at = strings.ReplaceAll(next[1], "&amp;", "&")
	}
	b.d.T.Fatal("no end of pages")
	return nil
}

// everywhere hires an auditor of every service.
func (d *desk) everywhere() *browser {
	in := signintest.Hire(d.T, d.Store, d.console.Door(), "某auditor", staff.Grant{Role: staff.Auditor})
	return d.browser(in.Secret)
}

// Article 22: what is looked for in the ledger is found, by each field, and each entry is
// on one page.
func TestArticle22_TheLedgerIsFoundByEachField(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := d.office()
		o.granted(o.asks)
		auditor := d.everywhere()
		all := d.placed()
		if len(all) < 12 {
			t.Fatalf("%d entries", len(all))
		}
		today := d.Store.Now().In(time.FixedZone("", 8*60*60)).Format(time.DateOnly)
		for query, is := range map[string]func(p ledger.Placed) bool{
			"":                                   func(ledger.Placed) bool { return true },
			"kind=" + approval.KindAsked:         func(p ledger.Placed) bool { return p.Kind == approval.KindAsked },
			"article=15":                         func(p ledger.Placed) bool { return slices.Contains(console.ArticlesOf(p.Kind), 15) },
			"article=15&kind=consent.granted":    func(ledger.Placed) bool { return false },
			"subject=" + o.child.Subject:         func(p ledger.Placed) bool { return p.Subject == o.child.Subject },
			"actor=" + o.worker.ID:               func(p ledger.Placed) bool { return p.Actor == "staff:"+o.worker.ID },
			"actor=staff:" + o.worker.ID:         func(p ledger.Placed) bool { return p.Actor == "staff:"+o.worker.ID },
			"service=" + vaulttest.Service:       func(p ledger.Placed) bool { return p.Service == vaulttest.Service },
			"service=-":                          func(p ledger.Placed) bool { return p.Service == "" },
			"since=" + today + "&until=" + today: func(ledger.Placed) bool { return true },
			"until=2020-01-01":                   func(ledger.Placed) bool { return false },
			"since=2999-01-01":                   func(ledger.Placed) bool { return false },
		} {
			var want []int64
			for _, p := range slices.Backward(all) {
				if is(p) {
					want = append(want, p.Place)
				}
			}
			if got := auditor.listed("/console/ledger?lang=en&" + query); !slices.Equal(got, want) {
				t.Errorf("%q: %v, want %v", query, got, want)
			}
		}
		for _, query := range []string{"kind=no.such", "article=1000", "article=x", "subject=" + o.ref, "actor=%27", "since=yesterday", "until=2026-13-01"} {
			if w := auditor.get("/console/ledger?lang=en&" + query); w.Code != http.StatusUnprocessableEntity || listedEntry.MatchString(w.Body.String()) {
				t.Errorf("%s: %d, and entries that nobody asked for: %v", query, w.Code, listedEntry.MatchString(w.Body.String()))
			}
		}
		for _, from := range []string{"-1", "x", "99999999999999999999"} {
			if w := auditor.get("/console/ledger?from=" + from); w.Code != http.StatusOK {
				t.Errorf("from %s: %d", from, w.Code)
			}
		}
	})
}

// Who sees the ledger of one service sees nothing of another, and nothing of what is of
// no service: not in the list, not by its place, and not as a file.
func TestArticle15_TheLedgerOfOneServiceIsSeenByItsOwn(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.office()
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.Create(ctx, tx, catalog.Operator{ID: "test"}, "another", catalog.Test)
			return err
		})
		officer, all := d.browser(d.hire(staff.Officer).Secret), d.everywhere()
		entries := d.placed()
		var want, every []int64
		for _, p := range slices.Backward(entries) {
			every = append(every, p.Place)
			if p.Service == vaulttest.Service {
				want = append(want, p.Place)
			}
		}
		if len(want) == len(every) {
			t.Fatal("there is nothing that isn't the service's")
		}
		if got := officer.listed("/console/ledger?lang=en"); !slices.Equal(got, want) {
			t.Errorf("the officer sees %v, want %v", got, want)
		}
		if got := all.listed("/console/ledger?lang=en"); !slices.Equal(got, every) {
			t.Errorf("who sees all sees %v", got)
		}
		for _, query := range []string{"service=another", "service=-"} {
			if got := officer.listed("/console/ledger?lang=en&" + query); len(got) != 0 {
				t.Errorf("%s: %v", query, got)
			}
		}
		for _, p := range entries {
			for _, what := range []string{"", "/proof", "/file"} {
				ask := officer.get
				if what == "/file" {
					ask = func(path string) *httptest.ResponseRecorder { return officer.post(path) }
				}
				w := ask("/console/ledger/entries/" + strconv.FormatInt(p.Place, 10) + what)
				if (w.Code == http.StatusOK) != (p.Service == vaulttest.Service) || w.Code != http.StatusOK && w.Code != http.StatusNotFound {
					t.Errorf("%s at %d of %q: %d", what, p.Place, p.Service, w.Code)
				}
			}
		}
		file := officer.post("/console/ledger/csv", "filter", "")
		rows := rowsOf(t, file.Body.Bytes())
		if len(rows)-1 != len(want) || strings.Contains(file.Body.String(), "another") {
			t.Errorf("the file has %d rows, want %d", len(rows)-1, len(want))
		}
	})
}

// The page of an entry has the way from it to the signed root, and the file proves it to
// whoever has the key; a changed entry is proved to nobody.
func TestInvariant7_AnEntryIsProvedInOneClick(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.office()
		auditor := d.everywhere()
		all := d.placed()
		for _, p := range all {
			at := "/console/ledger/entries/" + strconv.FormatInt(p.Place, 10)
			w := auditor.get(at + "/proof?lang=en")
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "The same as the root that is signed") || !strings.Contains(html.UnescapeString(w.Body.String()), d.console.LedgerKey) {
				t.Fatalf("%d: %d %s", p.Place, w.Code, w.Body)
			}
			file := auditor.post(at + "/file").Body.String()
			entry, tree, err := ledger.CheckEvidence(file, d.console.LedgerKey)
			if err != nil || entry.Place != p.Place || !bytes.Equal(entry.Leaf, p.Leaf) || tree.Size != int64(len(all)) {
				t.Errorf("%d: %+v of %d, %v", p.Place, entry, tree.Size, err)
			}
			if _, _, err := ledger.CheckEvidence(strings.Replace(file, "index ", "index 1", 1), d.console.LedgerKey); err == nil {
				t.Errorf("%d: it proves another place", p.Place)
			}
		}
		for _, place := range []string{strconv.Itoa(len(all)), "-1", "x", "99999999999999999999"} {
			if w := auditor.get("/console/ledger/entries/" + place + "/proof"); w.Code != http.StatusNotFound {
				t.Errorf("%s: %d", place, w.Code)
			}
		}
		// As somebody would who writes to the database.
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			b, err := db.One(ctx, tx, db.Single[[]byte], `SELECT entries FROM ledger_bundle WHERE start = $1`, int64(0))
			if err != nil {
				return err
			}
			b = bytes.Replace(b, []byte("officer.appointed"), []byte("officer.appointee"), 1)
			return tx.Queue(ctx, `UPDATE ledger_bundle SET entries = $1 WHERE start = $2`, b, int64(0))
		})
		changed := slices.IndexFunc(all, func(p ledger.Placed) bool { return p.Kind == catalog.KindAppointed })
		for _, page := range []string{"", "/proof"} {
			w := auditor.get(fmt.Sprintf("/console/ledger/entries/%d%s?lang=en", changed, page))
			if body := w.Body.String(); w.Code != http.StatusInternalServerError || !strings.Contains(body, "This entry is NOT what was recorded") || strings.Contains(body, "Byte for byte") {
				t.Errorf("a changed entry, %q: %d", page, w.Code)
			}
		}
		if w := auditor.post(fmt.Sprintf("/console/ledger/entries/%d/file", changed)); w.Code != http.StatusInternalServerError {
			t.Errorf("the file of a changed entry: %d", w.Code)
		}
	})
}

// Article 15: whoever takes an entry with its proof away has shown within minutes who it is,
// and that it left is on record before it does.
func TestArticle15_AnEntryLeavesOnRecord(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		in := d.hire(staff.Officer)
		b := d.browser(in.Secret)
		all := d.placed()
		at := slices.IndexFunc(all, func(p ledger.Placed) bool { return p.Service == vaulttest.Service })
		file := fmt.Sprintf("/console/ledger/entries/%d/file", all[at].Place)
		if w := b.post(file); w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") {
			t.Errorf("%d %v", w.Code, w.Header())
		}
		if n := (&office{desk: d}).written(in, staff.KindExported); n != 1 {
			t.Errorf("an entry was taken away, and %d are on record", n)
		}
		d.Pass(6 * time.Minute)
		if got := outcome(b.post(file)); got != toAgain {
			t.Errorf("not fresh: %s", got)
		}
		if n := (&office{desk: d}).written(in, staff.KindExported); n != 1 {
			t.Errorf("nothing was taken away, and %d are on record", n)
		}
	})
}

// A checkpoint that was kept elsewhere shows whether the ledger continues it.
func TestEdgeCase15_ACheckpointKeptElsewhereIsCompared(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		auditor := d.everywhere()
		early := len(d.placed())
		head := func() (h ledger.Root) {
			err := d.Store.View(t.Context(), func(tx *db.Tx) (err error) { h, err = ledger.Head(t.Context(), tx); return err })
			if err != nil {
				t.Fatal(err)
			}
			return h
		}
		kept := head()
		d.Child()
		d.placed()
		says := func(text, key string) {
			t.Helper()
			w := auditor.post("/console/ledger/checkpoint?lang=en", "checkpoint", text)
			if !strings.Contains(w.Body.String(), template(i18n.English.T(key, "Size", early))) {
				t.Errorf("%s: %d %s", key, w.Code, w.Body)
			}
		}
		says(kept.Checkpoint, "console.checkpoint.holds")
		says(strings.ReplaceAll(kept.Checkpoint, "\n", "\r\n"), "console.checkpoint.holds")
		says(strings.Replace(kept.Checkpoint, "—", "-", 1), "console.ledger.checkpoint_wrong")
		says("", "console.ledger.checkpoint_wrong")
		if w := auditor.get(fmt.Sprintf("/console/ledger/checkpoint?lang=en&size=%d", early)); !strings.Contains(html.UnescapeString(w.Body.String()), kept.Root.String()) ||
			!strings.Contains(w.Body.String(), i18n.English.T("console.checkpoint.continued")) {
			t.Errorf("of that size: %s", w.Body)
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			for _, statement := range []string{`DELETE FROM ledger_bundle`, `DELETE FROM ledger_tile`, `DELETE FROM ledger_head`} {
				if err := tx.Queue(ctx, statement); err != nil {
					return err
				}
			}
			return nil
		})
		says(kept.Checkpoint, "console.checkpoint.beyond")
	})
}

// What the last audit found is shown with how far it got, and what was changed by hand is
// not.
func TestInvariant7_TheLastAuditIsShown(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		auditor := d.everywhere()
		size := int64(len(d.placed()))
		shows := func(keys ...string) {
			t.Helper()
			page := auditor.get("/console/ledger?lang=en").Body.String()
			for _, key := range keys {
				if !strings.Contains(page, template(key)) {
					t.Errorf("%q is not shown: %s", key, page)
				}
			}
		}
		shows(i18n.English.T("replay.no_run"))
		report, err := replay.Audit(t.Context(), d.Store, d.Ring, nil, replay.Options{})
		if err != nil || !report.OK() {
			t.Fatal(report.Differences, err)
		}
		run := replay.Run{Took: time.Second, Size: report.Size, Root: report.Root, Entries: report.Entries, Uses: report.Uses, Children: report.Children}
		keep := func(r replay.Run) {
			d.Do(func(ctx context.Context, tx *db.Tx) error { return replay.Keep(ctx, tx, d.Ring, r) })
		}
		keep(run)
		shows(i18n.English.T("console.last.good"), i18n.English.T("console.last.behind", "Count", 0), i18n.English.T("console.last.folded", "Entries", run.Entries, "Uses", run.Uses, "Children", run.Children))
		run.Differences = 2
		keep(run)
		shows(i18n.English.T("console.last.bad", "Findings", 0, "Differences", 2))
		run.Root[0]++
		keep(run)
		shows(i18n.English.T("console.last.not_continued", "Size", size))
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			return tx.Queue(ctx, `UPDATE audit_run SET differences = 0`)
		})
		shows(i18n.English.T("replay.run_forged"))
	})
}

// A child is found by what the operator calls it: by who may, in a form, and on record.
// No address and no line of the log has the reference.
func TestArticle15_AChildIsLookedUpOnRecord(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := d.office()
		path := o.asked(o.asks)
		officer := d.hire(staff.Officer)
		boss := d.browser(officer.Secret)
		engineer := d.browser(d.hire(staff.Engineer).Secret)
		written := func(in *signintest.Insider) int { return o.written(in, approval.KindSearched) }

		w := boss.post("/console/ledger/child", "service", vaulttest.Service, "ref", o.ref)
		to := w.Header().Get("Location")
		if w.Code != http.StatusSeeOther || !strings.Contains(to, "subject="+o.child.Subject) || strings.Contains(to, o.ref) || written(officer) != 1 {
			t.Errorf("from the ledger: %d %s, %d entries", w.Code, to, written(officer))
		}
		for ref, entries := range map[string]int{"": 0, "nobody": 1} {
			before := written(officer)
			if w := boss.post("/console/ledger/child", "service", vaulttest.Service, "ref", ref); w.Code != http.StatusNotFound || written(officer)-before != entries {
				t.Errorf("%q: %d, %d entries", ref, w.Code, written(officer)-before)
			}
		}
		for name, look := range map[string]func() *httptest.ResponseRecorder{
			"search": func() *httptest.ResponseRecorder { return boss.post("/console/search", "q", "nobody") },
			"ask": func() *httptest.ResponseRecorder {
				form := o.asking()
				form.Set("ref", "nobody")
				return boss.do("POST", askPath, form)
			},
		} {
			if before, w := written(officer), look(); written(officer)-before != 1 || strings.Contains(w.Header().Get("Location"), "/console/access/requests") {
				t.Errorf("%s: %d, %d entries", name, w.Code, written(officer)-before)
			}
		}
		if w := boss.post("/console/search", "q", id.New(id.Entry)); w.Code != http.StatusOK || written(officer) != 4 {
			t.Errorf("a name of ours is taken for a reference: %d", written(officer))
		}
		if w := engineer.post("/console/ledger/child", "service", vaulttest.Service, "ref", o.ref); outcome(w) != mayNot {
			t.Errorf("an engineer: %d", w.Code)
		}
		if w := engineer.post("/console/search", "q", o.ref); w.Code != http.StatusOK || strings.Contains(w.Body.String(), o.child.Subject) || strings.Contains(w.Body.String(), "/console/ledger") {
			t.Errorf("an engineer finds %d %s", w.Code, w.Body)
		}
		w = o.asks.post("/console/search", "q", " "+o.ref+" ")
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), path) || strings.Contains(w.Body.String(), o.child.Subject) || written(o.worker) != 1 {
			t.Errorf("who has asked about it: %d, %d entries", w.Code, written(o.worker))
		}
		w = o.other.post("/console/search", "q", o.ref) // somebody else's requests are nobody's business
		if strings.Contains(w.Body.String(), path) || !strings.Contains(w.Header().Get("Location"), "/console/access/new") {
			t.Errorf("who hasn't: %d %s", w.Code, w.Header().Get("Location"))
		}
		w = boss.post("/console/search", "q", o.ref)
		if !strings.Contains(w.Body.String(), "subject="+o.child.Subject) || !strings.Contains(w.Body.String(), path) {
			t.Errorf("the officer: %d %s", w.Code, w.Body)
		}
		if strings.Contains(d.log.String(), o.ref) || strings.Contains(d.log.String(), o.child.Subject) {
			t.Error("the log has it")
		}
		if r, err := replay.Audit(t.Context(), d.Store, d.Ring, nil, replay.Options{}); err != nil || !r.OK() {
			t.Errorf("%v, %v", r.Differences, err)
		}
	})
}

// Article 15: who tries references out is on record, and after a while finds out nothing
// more, not even of a child that there is.
func TestArticle15_TryingReferencesOutEnds(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := d.office()
		officer := d.hire(staff.Officer)
		boss := d.browser(officer.Secret)
		looks := func(ref string) int {
			return boss.post("/console/ledger/child", "service", vaulttest.Service, "ref", ref).Code
		}
		for i := range 60 {
			if code := looks("u" + strconv.Itoa(i)); code != http.StatusNotFound {
				t.Fatalf("%d: %d", i, code)
			}
		}
		if code := looks(o.ref); code != http.StatusTooManyRequests {
			t.Errorf("a child is found: %d", code)
		}
		if w := boss.post("/console/search?lang=en", "q", o.ref); w.Code != http.StatusTooManyRequests || !strings.Contains(w.Body.String(), template(i18n.English.T("console.search.many"))) {
			t.Errorf("by the search: %d", w.Code)
		}
		if n := o.written(officer, approval.KindSearched); n != 60 {
			t.Errorf("%d entries", n)
		}
		if code := d.browser(d.hire(staff.Deputy).Secret).post("/console/ledger/child", "service", vaulttest.Service, "ref", o.ref).Code; code != http.StatusSeeOther {
			t.Errorf("another person: %d", code)
		}
	})
}

// Article 15: lists leave as files so often within an hour, and each time is on record.
func TestArticle15_FilesOfListsAreLimited(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		officer := d.hire(staff.Officer)
		boss := d.browser(officer.Secret)
		for i := range 40 {
			if w := boss.post("/console/people/csv"); w.Code != http.StatusOK {
				t.Fatalf("%d: %d", i, w.Code)
			}
		}
		if w := boss.post("/console/pictures/consents?lang=en"); w.Code != http.StatusTooManyRequests || !strings.Contains(w.Body.String(), template(i18n.English.T("console.files.many"))) {
			t.Errorf("one more: %d", w.Code)
		}
		if n := (&office{desk: d}).written(officer, staff.KindExported); n != 40 {
			t.Errorf("%d entries", n)
		}
	})
}

// Whoever looks a decoy up raises an alarm, and sees what they see of any child.
func TestArticle15_LookingADecoyUpRaisesAnAlarm(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := d.office()
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			return approval.Decoy(ctx, tx, d.Ring, d.Officer, o.child.ID)
		})
		before := o.written(o.worker, approval.KindAlarm)
		w := o.asks.post("/console/search?lang=en", "q", o.ref)
		if o.written(o.worker, approval.KindAlarm) != before+1 {
			t.Error("no alarm")
		}
		page := w.Body.String() + w.Header().Get("Location")
		if strings.Contains(strings.ToLower(page), "decoy") || strings.Contains(strings.ToLower(page), "alarm") {
			t.Errorf("it is told: %s", page)
		}
		if r, err := replay.Audit(t.Context(), d.Store, d.Ring, nil, replay.Options{}); err != nil || !r.OK() {
			t.Errorf("%v, %v", r.Differences, err)
		}
	})
}

// What is typed leads to the one thing that it names, or lists all that it may mean; and
// to nothing that the role may not see.
func TestArticle15_SearchFindsWhatTheRoleMaySee(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := d.office()
		path := o.asked(o.asks)
		r := o.request(path)
		officer := d.hire(staff.Officer)
		boss, engineer := d.browser(officer.Secret), d.browser(d.hire(staff.Engineer).Secret)
		var app account.App
		var endpoint webhook.Endpoint
		d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			if app, _, _, err = account.IssueApp(ctx, tx, signintest.By, vaulttest.Service, "课程", account.AllScopes(), time.Time{}); err != nil {
				return err
			}
			to, err := webhook.ParseAddress("https://hooks.xiaoxi-english.example/in", nil)
			if err == nil {
				endpoint, _, _, err = webhook.Add(ctx, tx, d.Ring, signintest.By, vaulttest.Service, to, nil, "")
			}
			return err
		})
		d.Engage(d.Store.Now().Add(24 * time.Hour))
		all := d.placed()
		asked := slices.IndexFunc(all, func(p ledger.Placed) bool { return p.Kind == approval.KindAsked })
		for name, c := range map[string]struct {
			by  *browser
			q   string
			to  string // leads there
			has string // or lists this
		}{
			"a request by its number":        {o.asks, r.Number, path, ""},
			"a number as people say it":      {o.asks, strings.ToLower(strings.ReplaceAll(r.Number, "-", " ")), path, ""},
			"a request by its name":          {o.decides, r.ID, path, ""},
			"another's request":              {o.other, r.Number, "", ""},
			"another's request by its name":  {o.other, r.ID, "", ""},
			"a request, as engineer":         {engineer, r.Number, "", ""},
			"a person":                       {boss, o.worker.ID, "/console/people/" + o.worker.ID, ""},
			"a person by a part of the name": {boss, "某manag", "/console/people/" + o.manager.ID, ""},
			"a person, as worker":            {o.asks, "某manager", "", ""},
			"an entry":                       {boss, all[asked].ID, fmt.Sprintf("/console/ledger/entries/%d", asked), ""},
			"an entry, as worker":            {o.asks, all[asked].ID, "", ""},
			"a pseudonym":                    {boss, o.child.Subject, "/console/ledger", ""},
			"a pseudonym, as worker":         {o.asks, o.child.Subject, "", ""},
			"a place and a size":             {boss, strconv.Itoa(asked), "", "/console/ledger/checkpoint?lang=en&amp;size=" + strconv.Itoa(asked)},
			"a service":                      {boss, vaulttest.Service, "/console/ledger", ""},
			"a service, as engineer":         {engineer, vaulttest.Service, settingsPath, ""},
			"a service, as worker":           {o.asks, vaulttest.Service, "/console/charters/" + vaulttest.Service, ""},
			"an app":                         {engineer, app.ID, settingsPath + "/apps/" + app.ID, ""},
			"an app, as worker":              {o.asks, app.ID, "", ""},
			"an app of nobody":               {engineer, id.New(id.Credential), "", ""},
			"a receiver":                     {engineer, endpoint.ID, settingsPath + "/webhooks/" + endpoint.ID, ""},
			"a receiver, as worker":          {o.asks, endpoint.ID, "", ""},
			"a charter":                      {engineer, "1", "/console/charters/" + vaulttest.Service + "/1", ""},
			"a charter that there isn't":     {engineer, "77", "", ""},
			"who is in office":               {d.everywhere(), d.Officer.Name, officeAt, ""},
			"who is in office, as engineer":  {engineer, d.Officer.Name, "", ""},
			"a purpose":                      {o.asks, purpose, askPath, ""},
			"a purpose, as engineer":         {engineer, purpose, "", ""},
			"a processor":                    {boss, vaulttest.Processor, partyAt, ""},
			"a processor by what it is":      {d.everywhere(), "yuping assess", partyAt, ""},
			"a processor by its own name":    {boss, "语评科技", partyAt, ""},
			"a processor, as worker":         {o.asks, vaulttest.Processor, "", ""},
			"a processor, as engineer":       {engineer, vaulttest.Processor, "", ""},
			"nothing":                        {boss, "no such thing", "", ""},
			"what a stranger would type":     {boss, "' OR 1=1 --", "", ""},
			"more than anybody types":        {boss, strings.Repeat("x", 300), "", ""},
		} {
			w := c.by.post("/console/search?lang=en", "q", c.q)
			to := w.Header().Get("Location")
			switch {
			case c.to != "":
				if w.Code != http.StatusSeeOther || !strings.HasPrefix(to, c.to) {
					t.Errorf("%s: %d %q, want %q", name, w.Code, to, c.to)
				}
			case c.has != "":
				if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), c.has) {
					t.Errorf("%s: %d %s", name, w.Code, w.Body)
				}
			case w.Code != http.StatusOK || !strings.Contains(w.Body.String(), template(i18n.English.T("console.search.none"))):
				t.Errorf("%s: %d %q %s", name, w.Code, to, w.Body)
			}
		}
	})
}

// Of a row that was changed by hand no list shows a name.
func TestArticle15_ListsShowNothingOfAForgedRow(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := d.office()
		r := o.request(o.asked(o.asks))
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			return tx.Queue(ctx, `UPDATE approval SET asker = $1 WHERE id = $2`, o.second.ID, r.ID)
		})
		for at, b := range map[string]*browser{"/console/access": o.other, "/console/decisions": o.decides} {
			page := b.get(at + "?lang=en").Body.String()
			main := page[strings.Index(page, "<main>"):]
			if !strings.Contains(main, template(i18n.English.T("console.access.forged"))) || strings.Contains(main, "某staff") || strings.Contains(main, r.Number) || strings.Contains(main, purpose) {
				t.Errorf("%s: %s", at, main)
			}
			file := b.post(at+"/csv", "filter", "").Body.String()
			if strings.Contains(file, "某staff") || strings.Contains(file, r.Number) {
				t.Errorf("%s as a file: %s", at, file)
			}
		}
	})
}

// rowsOf reads a file as a spreadsheet does.
func rowsOf(t *testing.T, file []byte) [][]string {
	t.Helper()
	text, ok := bytes.CutPrefix(file, []byte("\ufeff"))
	if !ok {
		t.Errorf("a spreadsheet doesn't know that this is UTF-8: %q", file)
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// A list leaves as a file with one entry on record, for who is fresh, and no cell of it
// is a formula.
func TestArticle15_AFileOfAListIsOnRecord(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := d.office()
		o.asked(o.asks)
		officer := d.hire(staff.Officer)
		boss := d.browser(officer.Secret)
		signintest.Hire(t, d.Store, d.console.Door(), "=HYPERLINK(\"x\")", staff.Grant{Role: staff.Worker, Service: vaulttest.Service})
		engineer := d.hire(staff.Engineer)
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			if _, _, _, err := account.IssueApp(ctx, tx, signintest.By, vaulttest.Service, "=cmd", account.AllScopes(), time.Time{}); err != nil {
				return err
			}
			to, err := webhook.ParseAddress("https://hooks.xiaoxi-english.example/in", nil)
			if err != nil {
				return err
			}
			e, _, _, err := webhook.Add(ctx, tx, d.Ring, signintest.By, vaulttest.Service, to, nil, "")
			if err != nil {
				return err
			}
			for place := range 2 {
				if err := tx.Queue(ctx, `INSERT INTO webhook_delivery (endpoint, place, subject, queued_at, tries, failure, status) VALUES ($1, $2, '', 0, 1, 'webhook.timeout', 0)`, e.ID, int64(place)); err != nil {
					return err
				}
			}
			return nil
		})
		if w := boss.sends(officeAt+"/records", sheet{values: map[string]string{"officer": d.Officer.ID, "kind": "training", "day": "2026-01-05", "title": "=1+1"}}); w.Code != http.StatusSeeOther {
			t.Fatalf("a record: %d", w.Code)
		}
		d.flush()
		for n, c := range []struct {
			by   *browser
			in   *signintest.Insider
			list string
			rows int // at least
		}{{boss, officer, "ledger", 10}, {boss, officer, "people", 5}, {boss, officer, "charters", 1}, {boss, officer, "register", 10}, {o.decides, o.manager, "decisions", 1}, {o.asks, o.worker, "access", 1}, {o.other, o.second, "access", 0},
			{boss, officer, "due", 1}, {boss, officer, "board", 60}, {o.asks, o.worker, "urgent", 0}, {boss, officer, "reviews", 0}, {boss, officer, "records", 1}, {boss, officer, "offices", 2},
			{d.browser(engineer.Secret), engineer, "apps", 1}, {d.browser(engineer.Secret), engineer, "receivers", 1}, {d.browser(engineer.Secret), engineer, "deliveries", 2},
			{d.browser(engineer.Secret), engineer, "services", 1}, {d.browser(engineer.Secret), engineer, "health", 8}, {boss, officer, "keyring", 2}, {boss, officer, "queues", 4}} {
			before := o.written(c.in, staff.KindExported)
			w := c.by.post("/console/"+c.list+"/csv?lang=en", "filter", "")
			rows := rowsOf(t, w.Body.Bytes())
			if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment;") || len(rows)-1 < c.rows || o.written(c.in, staff.KindExported) != before+1 {
				t.Errorf("%d, %s: %d, %d rows, %d entries", n, c.list, w.Code, len(rows)-1, o.written(c.in, staff.KindExported)-before)
			}
			for _, row := range rows {
				for _, cell := range row {
					if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
						t.Errorf("%s: %q is a formula", c.list, cell)
					}
				}
			}
			if text := w.Body.String(); strings.Contains(text, o.ref) || strings.Contains(text, nickname) || strings.Contains(text, remarks) {
				t.Errorf("%s tells of the child", c.list)
			}
		}
		// A filter holds in the file, too; one that says nothing sends none.
		for _, row := range rowsOf(t, boss.post("/console/ledger/csv", "filter", "kind="+approval.KindAsked).Body.Bytes())[1:] {
			if row[2] != approval.KindAsked {
				t.Errorf("a row of %s", row[2])
			}
		}
		before := o.written(officer, staff.KindExported)
		if w := boss.post("/console/ledger/csv", "filter", "kind=no.such"); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("a filter of nothing: %d", w.Code)
		}
		d.Pass(signin.Fresh)
		if w := boss.post("/console/ledger/csv", "filter", ""); outcome(w) != toAgain || o.written(officer, staff.KindExported) != before {
			t.Errorf("not fresh: %d", w.Code)
		}
		if r, err := replay.Audit(t.Context(), d.Store, d.Ring, nil, replay.Options{}); err != nil || !r.OK() {
			t.Errorf("%v, %v", r.Differences, err)
		}
	})
}

// Every page of the menu is reached by keys, each by its own.
func TestEachPageOfTheMenuHasItsKey(t *testing.T) {
	d := newDesk(vaulttest.New(t, dbtest.New(t)))
	for _, role := range staff.Roles {
		by := d.browser(d.hire(role).Secret)
		page := by.get("/console/keys").Body.String()
		_, nav, _ := strings.Cut(page, "<nav")
		nav, _, _ = strings.Cut(nav, "</nav>")
		all := regexp.MustCompile(`<kbd>g</kbd> <kbd>(.)</kbd>`).FindAllStringSubmatch(page, -1)
		keys := make(map[string]bool)
		for _, m := range all {
			keys[m[1]] = true
		}
		if n := strings.Count(nav, "<a "); n == 0 || n != len(all) || len(keys) != n {
			t.Errorf("%s: %d pages, %d keys, %d of them different", role, n, len(all), len(keys))
		}
	}
}

// Each list is taken away where it is shown, by whoever sees it, and all are on one page.
func TestEachListIsTakenAwayWhereItIsShown(t *testing.T) {
	d := newDesk(vaulttest.New(t, dbtest.New(t)))
	o := d.office()
	boss, runs := d.browser(d.hire(staff.Officer).Secret), d.browser(d.hire(staff.Engineer).Secret)
	o.urged(o.asks)
	broken := o.urged(o.asks)
	if w := o.other.post(broken + "/join"); w.Code != http.StatusSeeOther {
		t.Fatalf("joined: %d", w.Code)
	}
	if w := boss.sends(officeAt+"/records", sheet{values: map[string]string{"officer": d.Officer.ID, "kind": "training", "day": "2026-01-05", "title": "培训"}}); w.Code != http.StatusSeeOther {
		t.Fatalf("a record: %d", w.Code)
	}
	hook := d.hooked(0)
	shownAt := map[string]struct {
		by *browser
		at string
	}{"urgent": {o.other, ""}, "records": {boss, officeAt}, "apps": {runs, settingsPath}, "receivers": {runs, settingsPath}, "deliveries": {runs, settingsPath + "/webhooks/" + hook.ID}}
	for list, at := range console.Lists() {
		by := boss
		if there, elsewhere := shownAt[list]; elsewhere {
			by, at = there.by, cmp.Or(there.at, at)
		}
		form := `action="/console/` + list + `/csv?`
		if !strings.Contains(by.get(at).Body.String(), form) || !strings.Contains(by.get("/console/files").Body.String(), form) {
			t.Errorf("%s can't be taken away at %s", list, at)
		}
		if w := by.post("/console/" + list + "/csv"); w.Code != http.StatusOK {
			t.Errorf("the file of %s: %d", list, w.Code)
		}
	}
	// How all of it does is of who sees every service that there is.
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := catalog.Create(ctx, tx, signintest.By, "another", catalog.Test)
		return err
	})
	one := d.browser(d.hire(staff.Engineer).Secret)
	mine := one.get("/console/files").Body.String()
	for _, list := range []string{"health", "keyring", "queues"} {
		if w := one.post("/console/" + list + "/csv"); w.Code != http.StatusForbidden || strings.Contains(mine, "/"+list+"/csv") {
			t.Errorf("%s, to who sees one service: %d", list, w.Code)
		}
	}
	if w := one.post("/console/services/csv"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), vaulttest.Service) || strings.Contains(w.Body.String(), "another") {
		t.Errorf("the services of who sees one: %d %s", w.Code, w.Body)
	}
}

// A slow reader takes a file page by page: behind the first, something happens.
type slowly struct {
	*httptest.ResponseRecorder
	writes int
	then   func()
}

// Write has something happen once, behind the first page.
func (w *slowly) Write(b []byte) (int, error) {
	if w.writes++; w.writes == 2 { // the first is what spreadsheets know UTF-8 by
		w.then()
	}
	return w.ResponseRecorder.Write(b)
}

// Article 15: a file that is on its way ends with the account, the role or the session of
// who takes it, and half of it is no whole one.
func TestArticle15_AFileEndsWithItsPerson(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.elsewhere(staff.Manager) // there is a second service, and so a second page
		role := staff.Grant{Role: staff.Auditor}
		for name, then := range map[string]func(ctx context.Context, tx *db.Tx, in *signintest.Insider) error{
			"who stays": nil,
			"who leaves": func(ctx context.Context, tx *db.Tx, in *signintest.Insider) error {
				_, err := signin.Leave(ctx, tx, signintest.By, in.ID)
				return err
			},
			"whose role is taken": func(ctx context.Context, tx *db.Tx, in *signintest.Insider) error {
				_, err := staff.Take(ctx, tx, signintest.By, in.ID, role)
				return err
			},
			"who is reset": func(ctx context.Context, tx *db.Tx, in *signintest.Insider) error {
				_, _, err := d.console.Door().Reset(ctx, tx, signintest.By, in.ID)
				return err
			},
		} {
			in := signintest.Hire(t, d.Store, d.console.Door(), "审计", role)
			r := httptest.NewRequest("POST", site+"/console/charters/csv", strings.NewReader("filter="))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.AddCookie(&http.Cookie{Name: "__Host-wardkeep_staff", Value: in.Secret})
			w := &slowly{ResponseRecorder: httptest.NewRecorder(), then: func() {
				if then != nil {
					d.Do(func(ctx context.Context, tx *db.Tx) error { return then(ctx, tx, in) })
				}
			}}
			cut := func() (cut bool) {
				defer func() { cut = recover() != nil }()
				d.pages.ServeHTTP(w, r)
				return false
			}()
			if cut != (then != nil) || w.Code != http.StatusOK {
				t.Errorf("%s: %d, cut: %v", name, w.Code, cut)
			}
		}
	})
}

// A field that is too long to be read narrows nothing, and so there is no list and no file
// of it: neither would be of what was meant.
func TestAFieldThatIsTooLongIsRefused(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.office()
		boss := d.browser(d.hire(staff.Officer).Secret)
		long := strings.Repeat("x", 200)
		for list, field := range map[string]string{"ledger": "service", "access": "service", "decisions": "reason", "suspicions": "source", "takedowns": "harm", "rectifications": "what", "evidence": "waits", "due": "kind",
			"charters": "stands", "register": "service", "parties": "role", "orders": "party", "borders": "service", "offices": "stands", "reviews": "finding"} {
			if w := boss.get("/console/" + list + "?" + field + "=" + long); w.Code != http.StatusUnprocessableEntity {
				t.Errorf("a list of %s: %d", list, w.Code)
			}
			if w := boss.post("/console/"+list+"/csv", "filter", field+"="+long); w.Code != http.StatusUnprocessableEntity {
				t.Errorf("a file of %s: %d", list, w.Code)
			}
			if w := boss.post("/console/filters", "list", list, "name", "x", "filter", field+"="+long); w.Code != http.StatusUnprocessableEntity {
				t.Errorf("a filter of %s: %d", list, w.Code)
			}
		}
	})
}

// What somebody looks at again stays with them, and never has a child in it.
func TestSavedFiltersAreOfferedAgain(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := d.office()
		officer := d.hire(staff.Officer)
		boss, auditor := d.browser(officer.Secret), d.everywhere()
		if w := boss.post("/console/filters?lang=en", "list", "ledger", "name", "本月的申请", "filter", "kind=approval.asked&x=y"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/console/ledger?kind=approval.asked&lang=en" {
			t.Errorf("%d %s", w.Code, w.Header().Get("Location"))
		}
		if page := boss.get("/console/ledger?lang=en").Body.String(); !strings.Contains(page, `<a href="/console/ledger?kind=approval.asked&amp;lang=en">本月的申请</a>`) {
			t.Error("it isn't offered")
		}
		if page := auditor.get("/console/ledger?lang=en").Body.String(); strings.Contains(page, "本月的申请") {
			t.Error("it is offered to somebody else")
		}
		for name, c := range map[string]struct {
			by                 *browser
			list, called, says string
			code               int
		}{
			"a child":            {boss, "ledger", "x", "subject=" + o.child.Subject, 422},
			"a guardian":         {boss, "ledger", "x", "actor=guardian:gu_00000000000000000000000000", 422},
			"a demand":           {boss, "ledger", "x", "actor=port:rr_00000000000000000000000000", 422},
			"no name":            {boss, "ledger", "", "article=15", 422},
			"nothing":            {boss, "ledger", "x", "y=z", 422},
			"no such list":       {boss, "values", "x", "y=z", 404},
			"another one's list": {o.asks, "ledger", "x", "article=15", 404},
			"no filter":          {boss, "ledger", "x", "%zz", 422},
		} {
			if w := c.by.post("/console/filters", "list", c.list, "name", c.called, "filter", c.says); w.Code != c.code {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		queries := map[string]string{"ledger": "article=15", "people": "role=staff", "charters": "stands=unpublished", "register": "service=" + vaulttest.Service, "parties": "role=recipient", "orders": "stands=overdue",
			"borders": "service=" + vaulttest.Service, "yearly": "service=" + vaulttest.Service, "inspections": "service=" + vaulttest.Service, "offices": "stands=vacant", "urgent": "reason=safety", "reviews": "finding=wrongful", "access": "stands=live", "decisions": "reason=support", "demands": "kind=correct", "suspicions": "stands=decided", "takedowns": "harm=picture", "incidents": "kind=leaked", "streams": "state=expired", "rectifications": "what=item", "shields": "stands=closed", "reports": "stands=late",
			"evidence": "waits=first", "due": "kind=look", "board": "service=" + vaulttest.Service}
		for list := range console.Lists() {
			if (queries[list] == "") == (unsaved[list] == "") {
				t.Errorf("%s: either a filter of it is kept, or there is a reason why not", list)
			}
		}
		for list, query := range queries {
			by := map[string]*browser{"access": o.asks, "decisions": o.decides, "urgent": o.asks}[list]
			if by == nil {
				by = boss
			}
			by.post("/console/filters", "list", list, "name", "wichtig", "filter", query)
			if page := by.get("/console/" + list).Body.String(); !strings.Contains(page, ">wichtig</a>") {
				t.Errorf("%s: it isn't offered", list)
			}
		}
		boss.post("/console/filters/forget", "list", "ledger", "name", "本月的申请")
		if page := boss.get("/console/ledger").Body.String(); strings.Contains(page, "本月的申请") {
			t.Error("it is still offered")
		}
		if r, err := replay.Audit(t.Context(), d.Store, d.Ring, nil, replay.Options{}); err != nil || !r.OK() {
			t.Errorf("%v, %v", r.Differences, err)
		}
	})
}

// unsaved are the lists of which no filter is kept, and why.
var unsaved = map[string]string{
	"records":    "stands on the page of one service",
	"apps":       "stands on the page of one service",
	"receivers":  "stands on the page of one service",
	"deliveries": "stands on the page of one receiver",
	"services":   "is how one comes to the settings of a service: its rows are names, and search finds a name",
	"health":     "is of the whole installation, and as short as what it checks",
	"keyring":    "is of the whole installation, and as short as its keys",
	"queues":     "is of the whole installation, and as short as its jobs",
}

// A list of services is narrowed by how they stand, and its file as its page is.
func TestServicesAreFilteredInPageAndFile(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		boss, reads := d.browser(d.hire(staff.Officer).Secret), d.everywhere()
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.Create(ctx, tx, signintest.By, "other", catalog.Test)
			return err
		})
		const here, other = "<code>" + vaulttest.Service + "</code>", "<code>other</code>"
		for at, want := range map[string][]string{
			"charters?":                                               {here, other},
			"charters?stands=unpublished":                             {other},
			"charters?stands=vacant":                                  {other},
			"charters?service=other":                                  {other},
			"charters?stands=king":                                    nil,
			"offices?stands=vacant":                                   {other},
			"offices?service=other&stands=unpublished":                {other},
			"offices?service=" + vaulttest.Service + "&stands=vacant": nil,
			"register?service=" + vaulttest.Service:                   {here},
			"borders?service=other":                                   {other},
			"parties?service=" + vaulttest.Service:                    {here},
			"parties?role=processor":                                  {here},
			"parties?role=storage":                                    nil,
			"parties?service=other&role=processor":                    nil,
		} {
			w := reads.get("/console/" + at + "&lang=en")
			page := w.Body.String()
			for _, one := range []string{here, other} {
				if w.Code != http.StatusOK || strings.Contains(page, one) != slices.Contains(want, one) {
					t.Errorf("%s: %d, shows %s: %v", at, w.Code, one, strings.Contains(page, one))
				}
			}
			if (want == nil) != strings.Contains(page, i18n.English.T("console.filters.none")) {
				t.Errorf("%s: that it finds nothing is said: %v", at, want != nil)
			}
			// Whoever has one service learns nothing of another by any filter.
			if page := boss.get("/console/" + at + "&lang=en").Body.String(); strings.Contains(page, other) {
				t.Errorf("%s: shown to who may not see it", at)
			}
		}
		for list, filter := range map[string]string{"charters": "stands=unpublished", "parties": "role=storage", "offices": "stands=vacant"} {
			if rows := rowsOf(t, reads.post("/console/"+list+"/csv", "filter", filter).Body.Bytes()); len(rows) != 1 {
				t.Errorf("the file of %s has %d rows", list, len(rows))
			}
			if rows := rowsOf(t, reads.post("/console/"+list+"/csv", "filter", "service="+vaulttest.Service).Body.Bytes()); len(rows) < 2 {
				t.Errorf("the file of %s has none", list)
			}
		}
	})
}

// Lists of requests are narrowed, and a page that has none of what is wanted goes on.
func TestRequestsAreFilteredPageByPage(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		o := d.office()
		open, over := o.asked(o.asks), o.asked(o.asks)
		o.asks.post(over + "/end")
		for query, want := range map[string][]string{"": {open, over}, "stands=live": {open}, "stands=over": {over}, "service=" + vaulttest.Service: {open, over}, "service=another": nil, "stands=%27+OR+1%3D1": nil} {
			page := o.asks.get("/console/access?" + query).Body.String()
			for _, path := range []string{open, over} {
				if strings.Contains(page, path) != slices.Contains(want, path) {
					t.Errorf("%q: %s is there: %v", query, path, strings.Contains(page, path))
				}
			}
		}
		for query, want := range map[string]bool{"": true, "reason=support": true, "reason=safety": false, "service=another": false} {
			if page := o.decides.get("/console/decisions?" + query).Body.String(); strings.Contains(page, open) != want {
				t.Errorf("%q: %v", query, !want)
			}
		}
	})
}

// Each kind of entry is evidence for an article, and there are words for it.
func TestEveryKindHasArticlesAndWords(t *testing.T) {
	files, err := filepath.Glob("../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || strings.Contains(name, "../notify/") {
			continue // what messages are called, and not entries
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok || !strings.HasPrefix(v.Names[0].Name, "Kind") || len(v.Values) != 1 {
				return true
			}
			lit, ok := v.Values[0].(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			kind, err := strconv.Unquote(lit.Value)
			if err != nil || !strings.Contains(kind, ".") {
				return true
			}
			found++
			if len(console.ArticlesOf(kind)) == 0 {
				t.Errorf("%s: %s is in no row of kinds", name, kind)
			}
			for _, lang := range i18n.Langs {
				if !lang.Has("console.kind." + kind) {
					t.Errorf("%s has no words for %s", lang, kind)
				}
			}
			return true
		})
	}
	if found < 100 {
		t.Errorf("only %d kinds were found", found)
	}
}

// alsoChanges is what else differs in the pages of the ledger.
var alsoChanges = []struct {
	what *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`\b(le|gu|co|ch|ak|cr|ss|or|pk)_[0-9a-z]{26}`), "${1}_…"},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "sha256…"},
	{regexp.MustCompile(`[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{43}&#43;`), "hash…"},
	{regexp.MustCompile(`\b1[0-9]{15}\b`), "1772435040000000"},
	{regexp.MustCompile(`— ledger.example/xiaoxi [A-Za-z0-9+/=&#;]+`), "— ledger.example/xiaoxi signature…"},
}

// The pages of the ledger, of search and of keys are as they were: make golden writes
// them again.
func TestPagesOfTheLedger(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		officer := d.hire(staff.Officer)
		boss := d.browser(officer.Secret)
		check := func(name string, b *browser, at string, form url.Values) {
			t.Helper()
			for _, lang := range i18n.Langs {
				method := "GET"
				if form != nil {
					method = "POST"
				}
				sep := "?"
				if strings.Contains(at, "?") {
					sep = "&"
				}
				w := b.do(method, at+sep+"lang="+string(lang), form)
				body := w.Body.String()
				for _, c := range slices.Concat(changes, alsoChanges) {
					body = c.what.ReplaceAllString(body, c.as)
				}
				if w.Code != http.StatusOK {
					t.Errorf("%s: %d", name, w.Code)
				}
				golden(t, name+"."+string(lang)+".html", body)
			}
		}
		check("ledger-empty", boss, "/console/ledger", nil)
		check("search", boss, "/console/search", nil)
		check("keys", boss, "/console/keys", nil)
		check("files", boss, "/console/files", nil)
		d.flush()
		boss.post("/console/filters", "list", "ledger", "name", "负责人", "filter", "kind=officer.appointed")
		check("ledger", boss, "/console/ledger?kind=officer.appointed", nil)
		appointed := slices.IndexFunc(d.placed(), func(p ledger.Placed) bool { return p.Kind == catalog.KindAppointed })
		check("entry", boss, fmt.Sprintf("/console/ledger/entries/%d", appointed), nil)
		check("search-found", boss, "/console/search", url.Values{"q": {strconv.Itoa(appointed)}})
	})
}
