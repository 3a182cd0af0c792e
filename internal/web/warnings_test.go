package web_test

import (
	"context"
	"encoding/xml"
	"net/http"
	"strings"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/incident"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/warning"
)

// drafts drafts a notice about a new case, and returns who else decides about it.
func drafts(w *vaulttest.World, text warning.Text) (n warning.Notice, judge staff.Acting) {
	hire := func(role catalog.Role) (p staff.Person) {
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			held, err := catalog.Holder(ctx, tx, vaulttest.Service, role)
			var g staff.Grant
			if err == nil {
				g, err = staff.OfOffice(ctx, tx, vaulttest.Service, held.ID)
			}
			if err == nil {
				p, err = staff.Add(ctx, tx, catalog.Operator{ID: "test"}, string(role), g)
			}
			return err
		})
		return p
	}
	officer, deputy := hire(catalog.RoleOfficer), hire(catalog.RoleDeputy)
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		c, _, err := incident.Desk{Ring: w.Ring, Charters: w.Desk.Charters}.Open(ctx, tx, w.Officer, vaulttest.Service, incident.Report{Kind: incident.Leaked, NoticedAt: tx.Now(), Words: pii.New("名单")})
		if err == nil {
			n, _, err = warning.Draft(ctx, tx, w.Ring, staff.Acting{Person: officer, Action: staff.WriteIncidents}, vaulttest.Service, c.ID, "", false, text)
		}
		return err
	})
	return n, staff.Acting{Person: deputy, Action: staff.JudgeIncidents}
}

func confirms(w *vaulttest.World, judge staff.Acting, n warning.Notice) {
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := warning.Confirm(ctx, tx, w.Ring, judge, vaulttest.Service, n.ID, n.Version)
		return err
	})
}

// Article 21: of what the public is warned anybody reads, in both languages and in a feed, until
// it is taken back; a notice can be read by whoever has its address, once it is confirmed, and no
// draft.
func TestArticle21_ThePublicIsWarned(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := newSite(t, w)
		zh, en := warning.Words{What: "昵称", Cause: "名单<b>外传", Harm: "诈骗", Remedies: "已删除", Advice: "留意电话", Contact: "王老师", Child: "别理陌生人"},
			warning.Words{What: "nickname", Cause: "a list <b>leaked", Harm: "fraud", Remedies: "deleted", Advice: "mind calls", Contact: "us", Child: "tell your parents"}
		n, judge := drafts(w, warning.Text{Chinese: zh, English: en})
		page := "/warnings/" + n.ID + "?lang=en"
		read := func(path string, status int, says string) {
			t.Helper()
			if got, body := s.get(path, ""); got != status || !strings.Contains(body, says) {
				t.Errorf("%s: %d", path, got)
			}
		}
		read(page, http.StatusNotFound, "")
		confirms(w, judge, n)
		read(page, http.StatusOK, "a list &lt;b&gt;leaked")
		read("/warnings?lang=zh-CN", http.StatusOK, "现在没有需要警示的事情")
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := warning.Publish(ctx, tx, w.Ring, judge, vaulttest.Service, n.ID)
			return err
		})
		read("/warnings?lang=zh-CN", http.StatusOK, "名单&lt;b&gt;外传")
		read("/?lang=zh-CN", http.StatusOK, "/warnings?lang=zh-CN")
		_, body := s.get("/warnings/feed?lang=en", "")
		var feed struct {
			XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
			Entries []struct {
				ID      string `xml:"id"`
				Updated string `xml:"updated"`
				Summary string `xml:"summary"`
			} `xml:"entry"`
		}
		if err := xml.Unmarshal([]byte(body), &feed); err != nil || len(feed.Entries) != 1 || feed.Entries[0].Updated == "" || !strings.HasPrefix(feed.Entries[0].Summary, en.Cause) {
			t.Errorf("%v, %+v", err, feed)
		}
		// One that somebody has changed by hand is said to be, and hides no other.
		broken := id.New(id.BreachNotice) // what it says is sealed for another
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `
				INSERT INTO breach_notice (id, service, incident, withheld, version, drafted_at, drafted_by, confirmed_at, confirmed_by, paused, after, batches, children,
					addressees, listed, warned_at, warned_by, sealed, salt)
				SELECT $1, service, incident, withheld, version, drafted_at, drafted_by, confirmed_at, confirmed_by, paused, after, batches, children,
					addressees, listed, warned_at, warned_by, sealed, salt FROM breach_notice WHERE id = $2`, broken, n.ID)
			return err
		})
		for path, says := range map[string][]string{"/warnings?lang=en": {"a list &lt;b&gt;leaked", "changed by hand"}, "/warnings/feed?lang=en": {"a list", "changed by hand"}, "/warnings/" + broken + "?lang=en": {"changed by hand"}} {
			for _, s := range says {
				read(path, http.StatusOK, s)
			}
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `DELETE FROM breach_notice WHERE id = $1`, broken)
			return err
		})
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := warning.Withdraw(ctx, tx, judge, vaulttest.Service, n.ID)
			return err
		})
		read("/warnings?lang=zh-CN", http.StatusOK, "现在没有需要警示的事情")
		read(page, http.StatusOK, "fraud") // a message leads there still
	})
}
