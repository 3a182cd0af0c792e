package console_test

import (
	"context"
	"encoding/csv"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/access"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/board"
	"wardkeep/internal/catalog"
	"wardkeep/internal/console"
	"wardkeep/internal/due"
	"wardkeep/internal/replay"
	"wardkeep/internal/rights"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/tally"
	"wardkeep/internal/vault/vaulttest"
)

// tells fills a month with what has happened, as the ledger would tell it.
func (d *desk) tells() {
	d.T.Helper()
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		today := access.DayOf(tx.Now())
		for _, r := range []tally.Row{
			{Line: tally.Line{What: tally.Granted, Day: today, Purpose: "course-progress", Actor: tally.Guardian}, N: 7},
			{Line: tally.Line{What: tally.Refused, Day: today - 1, Purpose: "class-ranking", Actor: tally.Guardian}, N: 2},
			{Line: tally.Line{What: tally.Withdrawn, Day: today - 40, Purpose: "class-ranking", Actor: tally.Guardian}, N: 1},
			{Line: tally.Line{What: tally.Permitted, Day: today, Purpose: "course-progress", Actor: tally.App, Detail: "use"}, N: 40},
			{Line: tally.Line{What: tally.Permitted, Day: today, Purpose: "=cmd", Actor: tally.Inside(staff.Manager), Detail: "use"}, N: 3},
			{Line: tally.Line{What: tally.Denied, Day: today, Purpose: "course-progress", Actor: tally.App, Detail: "11"}, N: 5},
			{Line: tally.Line{What: tally.Answered, Day: today, Actor: tally.Officer, Detail: string(tally.Week)}, N: 4},
		} {
			err := tx.Queue(ctx, `
				INSERT INTO tally (service, what, day, purpose, actor, detail, n) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
				vaulttest.Service, r.What, r.Day, r.Purpose, r.Actor, r.Detail, r.N)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// demanded has a guardian demand a correction.
func (d *desk) demanded() {
	d.T.Helper()
	c := d.Child()
	d.Put(c, "course-progress", "nickname", nickname)
	g := d.Guardian(c)
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := rights.Desk{Ring: d.Ring, Charters: d.Desk.Charters, Calendar: workday.Default()}.Receive(ctx, tx, g, c,
			rights.Demand{Kind: rights.Correct, Door: rights.ByGuardian, Guardian: g.ID, Item: "nickname", Held: []string{"nickname"}})
		return err
	})
}

// What is drawn isn't the same from one day to the next, nor is how long the ledger is.
func TestPagesOfTheBoard(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		officer, engineer := d.browser(d.hire(staff.Officer).Secret), d.browser(d.hire(staff.Engineer).Secret)
		check := func(name string, b *browser, at string) {
			t.Helper()
			for _, lang := range i18n.Langs {
				w := b.get(at + "?lang=" + string(lang))
				body := w.Body.String()
				for _, c := range changes {
					body = c.what.ReplaceAllString(body, c.as)
				}
				if w.Code != http.StatusOK {
					t.Errorf("%s: %d %s", name, w.Code, body)
				}
				golden(t, name+"."+string(lang)+".html", body)
			}
		}
		check("due-empty", engineer, "/console/due")
		check("pictures-empty", officer, "/console/pictures")
		d.demanded()
		d.tells()
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.EndOffice(ctx, tx, catalog.Operator{ID: "test"}, vaulttest.Service, d.deputy(ctx, tx))
			return err
		})
		d.Pass(time.Second)
		check("due", officer, "/console/due")
		check("board", officer, "/console/board")
		check("article", officer, "/console/board/8")
		check("article-15-none", officer, "/console/board/15")
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			return replay.KeepMatched(ctx, tx, d.Ring, replay.Reconciliation{Asked: 3, Approved: 2, Looks: 5, Exported: 1, Mismatches: []replay.Mismatch{{Why: replay.TooOften}}})
		})
		check("article-15", officer, "/console/board/15")
		check("article-19", officer, "/console/board/19")
		check("article-21", officer, "/console/board/21")
	})
}

// shownThere are the numbers that lead nowhere, and why.
var shownThere = map[string]string{
	"looks_matched":   "the page of the article says when looks were matched, and with what",
	"looks_unmatched": "likewise; what doesn't match the command prints, which does it again",
	"matching_forged": "likewise",
	"matching_late":   "likewise",
}

// Each number of the board is one click away from what it counts.
func TestEachNumberLeadsToItsEvidence(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		seen := make(map[string]bool)
		look := func() {
			t.Helper()
			d.Do(func(ctx context.Context, tx *db.Tx) error {
				services, err := catalog.List(ctx, tx)
				if err != nil {
					return err
				}
				all, err := board.Desk{Ring: d.Ring, Charters: d.Desk.Charters, Patience: time.Minute}.Of(ctx, tx, services)
				for _, a := range all {
					for _, f := range a.Figures {
						seen[f.Name] = true
					}
				}
				return err
			})
		}
		look()
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			return replay.KeepMatched(ctx, tx, d.Ring, replay.Reconciliation{})
		})
		look()
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			return tx.Queue(ctx, `UPDATE matching_run SET unmatched = 1`)
		})
		look()
		everything := staff.Person{State: staff.Active, ID: "st_1", Grants: []staff.Grant{{Role: staff.Officer, Service: "x"}}}
		for name := range seen {
			page, query, _ := strings.Cut(console.FigurePage(name), "?")
			kind, _ := strings.CutPrefix(query, "kind=")
			switch {
			case shownThere[name] != "":
				if page != "" {
					t.Errorf("%s leads somewhere, and has a reason why it doesn't", name)
				}
			case !console.HasPage(page):
				t.Errorf("%s leads nowhere: %q", name, page)
			case page == "/console/due" && !slices.Contains(due.Kinds(everything), due.Kind(kind)):
				t.Errorf("%s leads to no kind of clocks: %s", name, kind)
			case page == "/console/ledger" && kind != "" && len(console.ArticlesOf(kind)) == 0:
				t.Errorf("%s leads to no kind of entries: %s", name, kind)
			}
		}
		if len(seen) < 50 || !seen["matching_forged"] || !seen["looks_unmatched"] {
			t.Errorf("%d numbers were looked at", len(seen))
		}
	})
}

func (d *desk) deputy(ctx context.Context, tx *db.Tx) string {
	d.T.Helper()
	s, err := catalog.Find(ctx, tx, vaulttest.Service)
	if err != nil {
		d.T.Fatal(err)
	}
	return s.DeputyID
}

// Everything that the board says is said in both languages.
func TestTheBoardHasWords(t *testing.T) {
	for _, lang := range i18n.Langs {
		for n := 1; n <= board.Articles; n++ {
			for _, key := range []string{"console.board.article.", "console.board.why."} {
				if !lang.Has(key + strconv.Itoa(n)) {
					t.Errorf("%s has no words %s%d", lang, key, n)
				}
			}
		}
		for _, state := range board.States {
			if !lang.Has("console.board.state." + string(state)) {
				t.Errorf("%s has no words for %s", lang, state)
			}
		}
		everything := staff.Person{State: staff.Active, ID: "st_1", Grants: []staff.Grant{{Role: staff.Officer, Service: "x"}}}
		for _, kind := range due.Kinds(everything) {
			if !lang.Has("console.due.kind."+string(kind)) || !lang.Has("console.due.where."+string(kind)) {
				t.Errorf("%s has no words for %s", lang, kind)
			}
		}
	}
}

// What is asked for stands in the address, and leads on with the list; what nobody has, or
// the person mayn't see, narrows nothing.
func TestTheDueListIsNarrowedByItsAddress(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.demanded()
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			for i := range 45 {
				name := strings.Repeat("0", 24) + strconv.Itoa(10+i)
				if err := tx.Queue(ctx, `
					INSERT INTO suspicion (id, service, source, reporter, owner, outcome, basis, opened_at, due_at, ref_hash)
					VALUES ($1, $2, 'signal', '', '', '', '', 0, $3, $4)`, "sp_"+name, vaulttest.Service, tx.Now().UnixMicro(), []byte(name)); err != nil {
					return err
				}
			}
			return nil
		})
		b := d.browser(d.hire(staff.Manager).Secret)
		seen := 0
		for at, pages := "/console/due?lang=en&kind=suspicion&service="+vaulttest.Service, 1; ; pages++ {
			page := b.get(at).Body.String()
			seen += strings.Count(page, "/console/suspicions/")
			if strings.Contains(page, "wardkeep demand show") {
				t.Error("narrowed to suspicions, there is a demand")
			}
			i := strings.LastIndex(page, `from=`)
			if i < 0 || !strings.Contains(page, ">"+i18n.English.T("console.pager.next")+"<") {
				if seen != 45 || pages != 3 {
					t.Errorf("%d suspicions on %d pages", seen, pages)
				}
				break
			}
			from, _, _ := strings.Cut(page[i:], `"`)
			at = "/console/due?lang=en&kind=suspicion&service=" + vaulttest.Service + "&" + from
			if !strings.Contains(page, "kind=suspicion") || pages > 5 {
				t.Fatal("the next page isn't narrowed")
			}
		}
		all := b.get("/console/due?lang=en&kind=backup&service=another&from=x.y.z").Body.String()
		if !strings.Contains(all, "/console/suspicions/") {
			t.Error("what a manager mayn't see narrows the list")
		}
		if page := b.get("/console/due?lang=en&kind=suspicion&code=secret").Body.String(); !strings.Contains(page, `href="?kind=suspicion&amp;lang=zh-CN"`) {
			t.Error("in the other language it isn't narrowed, or to more")
		}
		engineer := d.browser(d.hire(staff.Engineer).Secret).get("/console/due?lang=en").Body.String()
		if strings.Contains(engineer, "/console/suspicions/") || strings.Contains(engineer, "wardkeep demand") {
			t.Error("an engineer sees what people do")
		}
	})
}

// The numbers of a picture are for other programs, too, and none takes one for a formula.
func TestPicturesAreNumbersToo(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.tells()
		auditor := signintest.Hire(t, d.Store, d.console.Door(), "审计", staff.Grant{Role: staff.Auditor})
		b := d.browser(auditor.Secret)
		rows := func(picture, days string) [][]string {
			w := b.post("/console/pictures/" + picture + "?lang=en&service=" + vaulttest.Service + "&days=" + days)
			if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/csv") || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") {
				t.Errorf("%s: %d %v", picture, w.Code, w.Header())
			}
			all, err := csv.NewReader(w.Body).ReadAll()
			if err != nil {
				t.Error(err)
			}
			return all
		}
		month, year := rows("consents", "30"), rows("consents", "365")
		if len(month) != 31 || !slices.Equal(month[30][1:], []string{"7", "0", "0"}) || !slices.Equal(month[29][1:], []string{"0", "2", "0"}) {
			t.Errorf("a month: %v", month)
		}
		if len(year) != 54 || !slices.Equal(year[53][1:], []string{"7", "2", "0"}) {
			t.Errorf("a year: %v", year)
		}
		for _, row := range rows("uses", "30")[1:] {
			want := map[bool][]string{true: {"40", "0", "0", "0", "0", "0", "0", "5"}, false: {"0", "0", "0", "0", "3", "0", "0", "0"}}[row[0] != "'=cmd"]
			if !slices.Equal(row[1:], want) {
				t.Errorf("uses: %q", row)
			}
		}
		if n := (&office{desk: d}).written(auditor, staff.KindExported); n != 3 {
			t.Errorf("three tables were taken away, and %d are on record", n)
		}
		if got := rows("answers", "90"); len(got) != 6 || got[3][1] != "4" {
			t.Errorf("answers: %v", got)
		}
		// Article 12: what ends soon, by weeks; what ends at the end of one, and what is over.
		o := d.office()
		d.Put(o.child, purpose, "weekly_score", "92")
		now, week := d.Store.Now(), 7*24*time.Hour
		for item, ends := range map[string]time.Time{"nickname": now.Add(week - time.Hour), "remarks": now.Add(2*week + time.Hour), "weekly_score": now.Add(-time.Second)} {
			d.Do(func(ctx context.Context, tx *db.Tx) error {
				n, err := tx.Exec(ctx, `UPDATE value SET expires_at = $1 WHERE child = $2 AND item = $3`, (*db.Time)(&ends), o.child.ID, item)
				if err == nil && n != 1 {
					err = errors.New("there is no value of " + item)
				}
				return err
			})
		}
		if got := rows("ending", "30"); len(got) != 2 || !slices.Equal(got[1][1:], []string{"1", "0", "1", "0"}) {
			t.Errorf("what ends soon: %q", got)
		}
		for _, picture := range []string{"consents", "uses", "ending", "answers"} {
			page := b.get("/console/pictures?lang=en&picture=" + picture).Body.String()
			if strings.Count(page, "<svg viewBox=\"0 0 720") != 1 || !strings.Contains(page, `role="img" aria-labelledby="`+picture+`-title `+picture+`-desc"`) ||
				!strings.Contains(page, "<rect ") || !strings.Contains(page, "<table>") || strings.Contains(page, "NaN") {
				t.Errorf("%s isn't drawn: %s", picture, page)
			}
		}
		if w := b.post("/console/pictures/everything"); w.Code != 404 {
			t.Errorf("no picture: %d", w.Code)
		}
		for _, article := range []string{"0", "30", "1e1", "+8", "08", "x"} {
			if w := b.get("/console/board/" + article); w.Code != 404 {
				t.Errorf("article %s: %d", article, w.Code)
			}
		}
	})
}
