package console_test

import (
	"context"
	"html"
	"regexp"
	"strings"
	"testing"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/webhook"
)

// many is how many rows each list has, heavy how many bytes no page of one may have, and
// some how many pages are read of a list that isn't read whole.
const many, heavy, some = 10_000, 60_000, 15

// counted is a table of the numbers from 1 to many, to make as many rows of.
const counted = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) `

// numbered is the end of an id.
const numbered = `'_0000000000000000000' || (1000000 + i)`

// fills makes the rows of every list.
func (o *office) fills(asks *signintest.Insider, endpoint string) {
	o.T.Helper()
	const each = 20 // that somebody may ask about one child at once
	desk := approval.Desk{Ring: o.Ring, Charters: o.Vault.Gate.Charters}
	for range many / each {
		c, _ := o.Enrol()
		o.Do(func(ctx context.Context, tx *db.Tx) error {
			for range each {
				if _, _, err := desk.Ask(ctx, tx, asks.Session.Person, c, approval.Asking{Purpose: purpose, Items: []string{"nickname"}, Reason: approval.ForFault, Text: pii.New("x"), Minutes: 5}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := o.ledger.Flush(context.Background()); err != nil {
		o.T.Fatal(err)
	}
	// As rows of all these stand after years. Nobody of whom they tell is here, nor what they
	// were made of: a list shows what it can.
	o.Do(func(ctx context.Context, tx *db.Tx) error {
		now := tx.Now().UnixMicro()
		for _, one := range []struct {
			text string
			args []any
		}{
			{`INSERT INTO person (id, name, salt, state, version, added_at, left_at) SELECT 'st' || ` + numbered + `, '某人', $1, 'active', 1, $2 + i / 3, NULL FROM n`, []any{[]byte("salt"), now - many}},
			{`INSERT INTO person_role (person, service, role, office, granted_at, granted_by) SELECT 'st' || ` + numbered + `, $1, 'staff', '', 1, '' FROM n`, []any{vaulttest.Service}},
			{`INSERT INTO broken_glass (request, service, asker, second, opened_at, review_by, late_at, reviewer, finding, reviewed_at, bound)
				SELECT 'sa' || ` + numbered + `, $1, $2, $3, $4 + i / 3, $4, NULL, '', '', NULL, $5 FROM n`, []any{vaulttest.Service, "st_x", "st_y", now, []byte("x")}},
			{`INSERT INTO charter (service, number, hash, canonical, proposed_at, proposed_by, touches, published_at, published_by, refused_at, decided_by, words, bound)
				SELECT $1, 1000 + i, 'x', $2, 1, 'operator:test', '', 2, 'operator:test', NULL, '', NULL, $2 FROM n`, []any{vaulttest.Service, []byte("x")}},
			{`INSERT INTO officer_record (service, id, officer, kind, day, title, file, hash, document, salt, added_at, added_by)
				SELECT $1, 'ro' || ` + numbered + `, $2, 'training', '2026-01-0' || (1 + i % 9), '培训', 'pdf', 'x', NULL, $3, 1, 'operator:test' FROM n`, []any{vaulttest.Service, o.Officer.ID, []byte("x")}},
			{`INSERT INTO credential (hash, id, service, name, scopes, created_at, expires_at, revoked_at, used_at)
				SELECT CAST('k' || i AS blob), 'ak' || ` + numbered + `, $1, '校园版', 'items:read', 1, NULL, NULL, NULL FROM n`, []any{vaulttest.Service}},
			{`INSERT INTO webhook_delivery (endpoint, place, subject, queued_at, tries, due_at, failure, status)
				SELECT $1, i, '', 1, 30, NULL, 'webhook.timeout', 0 FROM n`, []any{endpoint}},
		} {
			if _, err := tx.Exec(ctx, counted+one.text, one.args...); err != nil {
				return err
			}
		}
		return nil
	})
}

var nextPage = regexp.MustCompile(`href="([^"]*[?;]from=[^"]+)"`)

// walks reads so many pages of a list, or to its end, and fails the test where a row comes
// twice, or a page is heavy. It returns how many rows there were.
func (b *browser) walks(at string, row *regexp.Regexp, pages int) int {
	b.d.T.Helper()
	seen, to := make(map[string]bool), at+"?lang=zh-CN"
	for page := 1; ; page++ {
		w := b.get(to)
		body := w.Body.String()
		if w.Code != 200 || len(body) > heavy {
			b.d.T.Fatalf("%s, page %d: %d, %d bytes", at, page, w.Code, len(body))
		}
		if _, all, ok := strings.Cut(body, `id="all"`); ok {
			body = all // behind what waits
		}
		found := make(map[string]bool)
		for _, m := range row.FindAllStringSubmatch(body, -1) {
			found[m[1]] = true
		}
		for name := range found {
			if seen[name] {
				b.d.T.Errorf("%s, page %d: %s comes twice", at, page, name)
			}
			seen[name] = true
		}
		next := nextPage.FindStringSubmatch(body)
		if next == nil || page == pages {
			return len(seen)
		}
		to = html.UnescapeString(next[1])
		if strings.HasPrefix(to, "?") {
			to = at + to
		}
	}
}

// Every list of the console with 10,000 rows: each page is as small as any, and nothing comes
// twice; of the two that persons read most nothing is left out from the first page to the last,
// and of the others, which go on in the same way, the first pages are read. The texts of the
// statements are the same on both engines.
func TestListsOfTenThousandRows(t *testing.T) {
	d := newDesk(vaulttest.New(t, dbtest.New(t)))
	o := d.office()
	boss, writes, reads := d.browser(d.hire(staff.Officer).Secret), d.browser(d.hire(staff.Engineer).Secret),
		d.browser(signintest.Hire(t, d.Store, d.console.Door(), "审计", staff.Grant{Role: staff.Auditor}).Secret)
	to, err := webhook.ParseAddress("https://hooks.xiaoxi-english.example/in", nil)
	if err != nil {
		t.Fatal(err)
	}
	var endpoint webhook.Endpoint
	d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		endpoint, _, _, err = webhook.Add(ctx, tx, d.Ring, signintest.By, vaulttest.Service, to, nil, "")
		return err
	})
	o.fills(o.worker, endpoint.ID)
	request := regexp.MustCompile(`/console/access/requests/[^/"?]+/(sa_[0-9a-z]{26})`)
	for _, list := range []struct {
		by   *browser
		at   string
		row  string
		more int // rows of before
	}{
		{o.asks, "/console/access", "", 0},
		{o.decides, "/console/decisions", "", 0},
		{boss, "/console/due", `/console/reviews/[^/"?]+/(sa_[0-9a-z]{26})`, 0},
		{boss, "/console/people", `/console/people/(st_[0-9a-z]{26})`, 6},
		{boss, "/console/reviews", `/console/reviews/[^/"?]+/(sa_[0-9a-z]{26})`, 0},
		{boss, charters, charters + `/(\d+)\?`, 1},
		{boss, officeAt, `/records/(ro_[0-9a-z]{26})`, 0},
		{writes, settingsPath, `/apps/(ak_[0-9a-z]{26})`, 1},
		{writes, settingsPath + "/webhooks/" + endpoint.ID, `name="event" value="(le_[0-9a-z]{26})"`, 0},
	} {
		row := request
		if list.row != "" {
			row = regexp.MustCompile(list.row)
		}
		whole := list.at == "/console/access" || list.at == "/console/people"
		pages := some
		if whole {
			pages = many
		}
		if n := list.by.walks(list.at, row, pages); whole && n != many+list.more || n < 20*some {
			t.Errorf("%s has %d rows, want %d", list.at, n, many+list.more)
		}
	}
	if n := boss.walks("/console/ledger", regexp.MustCompile(`/console/ledger/entries/(\d+)`), some); n < 20*some {
		t.Errorf("the ledger has %d rows", n)
	}
	for _, at := range []string{"/console", "/console/board", "/console/pictures", "/console/offices", "/console/charters", "/console/search?q=某", "/console/files", "/console/people/" + o.worker.ID} {
		if w := boss.get(at); w.Code != 200 || w.Body.Len() > 2*heavy {
			t.Errorf("%s: %d, %d bytes", at, w.Code, w.Body.Len())
		}
	}
	w := boss.post("/console/search", "q", "某人")
	if w.Code != 200 || w.Body.Len() > heavy {
		t.Errorf("a search that finds everybody: %d, %d bytes", w.Code, w.Body.Len())
	}
	w = reads.post("/console/people/csv")
	if n := strings.Count(w.Body.String(), "\r\n"); w.Code != 200 || n != 1+many+6 {
		t.Errorf("the file of persons: %d, %d lines", w.Code, n)
	}
}
