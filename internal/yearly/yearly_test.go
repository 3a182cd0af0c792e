package yearly_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family/age"
	"wardkeep/internal/ledger"
	"wardkeep/internal/replay"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/yearly"
)

func at(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", s, age.Zone)
	if err != nil {
		panic(err)
	}
	return t
}

// Article 22, and regulation 37: an audit opens on 1 November and is late when 31 January is
// over, both in China; who began after the year, or had ended before it, owes none.
func TestArticle22_AYearlyAuditIsOwedByItsDays(t *testing.T) {
	for _, c := range []struct {
		name                  string
		year                  int64
		published, ended, now string
		want                  bool
	}{
		{"before it opens", 2026, "2026-03-01 00:00:00", "", "2026-10-31 23:59:59", false},
		{"it opens", 2026, "2026-03-01 00:00:00", "", "2026-11-01 00:00:00", true},
		{"years later", 2026, "2026-03-01 00:00:00", "", "2029-03-01 00:00:00", true},
		{"published in the last second of the year", 2026, "2026-12-31 23:59:59", "", "2027-01-01 00:00:00", true},
		{"published after it", 2026, "2027-01-01 00:00:00", "", "2027-01-15 00:00:00", false},
		{"never published", 2026, "", "", "2027-01-15 00:00:00", false},
		{"ended in the year", 2026, "2025-03-01 00:00:00", "2026-01-01 00:00:00", "2027-01-15 00:00:00", true},
		{"ended before it", 2026, "2025-03-01 00:00:00", "2025-12-31 23:59:59", "2027-01-15 00:00:00", false},
		{"before the first", 2024, "2020-03-01 00:00:00", "", "2027-01-15 00:00:00", false},
	} {
		var published, ended time.Time
		if c.published != "" {
			published = at(c.published)
		}
		if c.ended != "" {
			ended = at(c.ended)
		}
		if got := yearly.Owes(c.year, published, ended, at(c.now)); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if !yearly.DueAt(2026).Equal(at("2027-02-01 00:00:00")) || !yearly.Urges(2026).Equal(at("2026-12-01 00:00:00")) {
		t.Errorf("late at %v, urges at %v", yearly.DueAt(2026), yearly.Urges(2026))
	}
}

type office struct {
	*vaulttest.World
	officer, deputy staff.Person
	pack            int64 // that is handed in
}

func files(p staff.Person) staff.Acting { return staff.Acting{Person: p, Action: staff.FileYearly} }

var receipt = []byte("%PDF-1.7 receipt")

func (o *office) file(by staff.Acting, year int64, dated, authority, reason string, receipt []byte) (f yearly.Filing, err error) {
	err = o.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		f, _, err = yearly.File(ctx, tx, o.Ring, by, vaulttest.LiveService, year, dated, o.pack, yearly.Text{Authority: pii.New(authority), Reason: pii.New(reason)}, receipt)
		return err
	})
	return f, err
}

// stands wants the audits of the service, the newest first, and what the board counts.
func (o *office) stands(when, want string, tally yearly.Tally) {
	o.T.Helper()
	o.Do(func(ctx context.Context, tx *db.Tx) error {
		for name, want := range map[string]string{vaulttest.LiveService: want, vaulttest.Service: ""} {
			s, err := catalog.Find(ctx, tx, name)
			if err != nil {
				return err
			}
			years, err := yearly.Years(ctx, tx, s)
			if err != nil {
				return err
			}
			var all []string
			for _, y := range years {
				all = append(all, fmt.Sprint(y.Year, " ", y.State(tx.Now())))
			}
			if got := strings.Join(all, ", "); got != want {
				o.T.Errorf("%s, %s: %q, want %q", when, name, got, want)
			}
			if n, err := yearly.Count(ctx, tx, s); err != nil || name == vaulttest.LiveService && n != tally || name != vaulttest.LiveService && n != (yearly.Tally{}) {
				o.T.Errorf("%s, %s: %+v, %v", when, name, n, err)
			}
		}
		return nil
	})
}

// Regulation 37: over two years, a service owes each audit from 1 November on until it is filed with its
// receipt, those under 14 and those of 14 to 17 are counted apart at that moment, and a
// correction leaves what it corrects. A test service owes none.
func TestArticle22_AYearlyAuditIsFiledWithItsReceipt(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		o := &office{World: w}
		w.PassTo("03-01")
		officer, deputy := w.Launch()
		o.officer, o.deputy = w.Inside(officer), w.Inside(deputy)
		signer, _, err := ledger.NewSigner("ledger.example/yearly", bytes.Repeat([]byte{7}, 32))
		flush := func() {
			t.Helper()
			if err == nil {
				err = ledger.Open(w.Store, "ledger.example/yearly", signer).Flush(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		flush() // entries of one batch are of one time
		year := w.PassTo("10-31")
		day := func(s string) string { return fmt.Sprintf("%d-%s", year, s) }
		o.stands("31 October", "", yearly.Tally{})
		refused := func(name string, by staff.Acting, year int64, dated, authority, reason string, receipt []byte, want error) {
			t.Helper()
			if _, err := o.file(by, year, dated, authority, reason, receipt); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", name, err, want)
			}
		}
		refused("before it opens", files(o.officer), year, day("10-31"), "某市网信办", "", receipt, yearly.ErrNotOwed)
		w.PassTo("11-01")
		o.stands("1 November", fmt.Sprint(year, " open"), yearly.Tally{})
		w.PassTo("12-01")
		o.stands("1 December", fmt.Sprint(year, " open"), yearly.Tally{Open: 1})
		outsider := staff.Person{ID: o.officer.ID}
		for _, c := range []struct {
			name                     string
			by                       staff.Acting
			year                     int64
			dated, authority, reason string
			receipt                  []byte
			want                     error
		}{
			{"by who may only see", staff.Acting{Person: o.officer, Action: staff.SeeYearly}, year, day("11-20"), "某市网信办", "", receipt, yearly.ErrMayNot},
			{"by nobody in office", files(outsider), year, day("11-20"), "某市网信办", "", receipt, yearly.ErrMayNot},
			{"of the year before", files(o.officer), year - 1, day("11-20"), "某市网信办", "", receipt, yearly.ErrNotOwed},
			{"of the next year", files(o.officer), year + 1, day("11-20"), "某市网信办", "", receipt, yearly.ErrNotOwed},
			{"of no year", files(o.officer), -1, day("11-20"), "某市网信办", "", receipt, yearly.ErrNotOwed},
			{"on a day before it opens", files(o.officer), year, day("10-31"), "某市网信办", "", receipt, yearly.ErrDay},
			{"tomorrow", files(o.officer), year, day("12-02"), "某市网信办", "", receipt, yearly.ErrDay},
			{"on no day", files(o.officer), year, day("11-31"), "某市网信办", "", receipt, yearly.ErrDay},
			{"to nobody", files(o.officer), year, day("11-20"), "", "", receipt, yearly.ErrAuthority},
			{"in two lines", files(o.officer), year, day("11-20"), "某市\n网信办", "", receipt, yearly.ErrAuthority},
			{"in a line that is too long", files(o.officer), year, day("11-20"), strings.Repeat("网", 201), "", receipt, yearly.ErrAuthority},
			{"with a reason", files(o.officer), year, day("11-20"), "某市网信办", "晚了", receipt, yearly.ErrReason},
			{"without a receipt", files(o.officer), year, day("11-20"), "某市网信办", "", nil, yearly.ErrReceipt},
			{"with a text as its receipt", files(o.officer), year, day("11-20"), "某市网信办", "", []byte("filed"), yearly.ErrReceipt},
		} {
			refused(c.name, c.by, c.year, c.dated, c.authority, c.reason, c.receipt, c.want)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error { // whoever is of another age, or gone, or another service's
			today := tx.Now().In(age.Zone)
			for i, c := range []struct {
				service, state string
				turned         int // years ago; less: to come
			}{{vaulttest.LiveService, "active", -9}, {vaulttest.LiveService, "unconsented", -9}, {vaulttest.LiveService, "active", -1}, {vaulttest.LiveService, "active", 2},
				{vaulttest.LiveService, "active", 5}, {vaulttest.LiveService, "erased", -9}, {vaulttest.Service, "active", -9}} {
				day := o.Ring.Index("family.turns_14", today.AddDate(-c.turned, 0, 0).Format(time.DateOnly))
				if _, err := tx.Exec(ctx, `
					INSERT INTO child (child, service, subject, version, state, frozen, disputed, birth_from, birth_version, created_at, endings, aged, turns_14)
					VALUES ($1, $2, $1, 1, $3, $4, $4, '', 0, 1, '', 0, $5)`, fmt.Sprint("ch_", i), c.service, c.state, false, day); err != nil {
					return err
				}
			}
			return nil
		})
		draw := func(by staff.Acting, year int64, write func(yearly.Pack) ([]byte, int64, error)) (p yearly.Pack, err error) {
			err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
				p, _, err = yearly.Draw(ctx, tx, w.Ring, by, vaulttest.LiveService, year, write)
				return err
			})
			return p, err
		}
		counted := func(p yearly.Pack) ([]byte, int64, error) { return fmt.Append(nil, p.Children, p.Minors), 7, nil }
		for _, c := range []struct {
			name string
			by   staff.Acting
			year int64
			want error
		}{
			{"by who may only see", staff.Acting{Person: o.officer, Action: staff.SeeYearly}, year, yearly.ErrMayNot},
			{"by nobody in office", files(outsider), year, yearly.ErrMayNot},
			{"of a year that isn't owed", files(o.officer), year + 1, yearly.ErrNotOwed},
		} {
			if _, err := draw(c.by, c.year, counted); !errors.Is(err, c.want) {
				t.Errorf("drawn up %s: %v, want %v", c.name, err, c.want)
			}
		}
		if _, err := draw(files(o.officer), year, func(yearly.Pack) ([]byte, int64, error) { return nil, 0, io.ErrUnexpectedEOF }); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("what can't be written: %v", err)
		}
		for n := range int64(2) {
			if p, err := draw(files(o.deputy), year, counted); err != nil || p.Number != n+1 || p.Children != 3 || p.Minors != 1 || p.Gaps != 7 {
				t.Fatalf("drawn up: %+v, %v", p, err)
			}
		}
		o.pack = 3
		refused("with a pack that nobody has drawn up", files(o.officer), year, day("11-20"), "某市网信办", "", receipt, yearly.ErrNoPack)
		o.pack = 2
		w.PassTo("02-01")
		o.stands("1 February", fmt.Sprint(year, " late"), yearly.Tally{Late: 1})
		first, err := o.file(files(o.deputy), year, day("12-01"), "某市网信办", "", receipt)
		if err != nil || first.Children != 3 || first.Minors != 1 || first.Number != 0 || first.Pack != 2 {
			t.Fatalf("filed: %+v, %v", first, err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `DELETE FROM child WHERE child LIKE 'ch\_%' ESCAPE '\'`)
			return err
		})
		o.stands("filed late", fmt.Sprint(year, " filed"), yearly.Tally{Filed: 1})
		refused("a correction without a reason", files(o.officer), year, day("12-01"), "某市网信办", " ", receipt, yearly.ErrReason)
		second, err := o.file(files(o.officer), year, day("12-01"), "某省网信办", "报错了部门", []byte("%PDF-1.7 another"))
		if err != nil || second.Children != 0 || second.Number != 1 {
			t.Fatalf("corrected: %+v, %v", second, err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := yearly.Filings(ctx, tx, vaulttest.LiveService, year)
			if err != nil || len(all) != 2 || all[0].Children != 3 {
				t.Fatalf("%+v, %v", all, err)
			}
			text, err := all[1].Text(w.Ring)
			if err != nil || text.Authority.Reveal() != "某省网信办" || text.Reason.Reveal() != "报错了部门" {
				t.Errorf("it says %v, %v", text, err)
			}
			_, kept, err := yearly.Receipt(ctx, tx, w.Ring, vaulttest.LiveService, year, 0)
			if err != nil || !bytes.Equal(kept, receipt) {
				t.Errorf("the receipt is %q, %v", kept, err)
			}
			packs, err := yearly.Packs(ctx, tx, vaulttest.LiveService, year)
			if err != nil || len(packs) != 2 {
				t.Errorf("packs: %+v, %v", packs, err)
			}
			if p, document, err := yearly.Document(ctx, tx, w.Ring, vaulttest.LiveService, year, 2); err != nil || string(document) != "3 1" || p.Hash != packs[1].Hash {
				t.Errorf("the document: %+v, %q, %v", p, document, err)
			}
			if _, _, err := yearly.Document(ctx, tx, w.Ring, vaulttest.LiveService, year, 3); !errors.Is(err, yearly.ErrNoPack) {
				t.Errorf("another pack: %v", err)
			}
			if _, _, err := yearly.Receipt(ctx, tx, w.Ring, vaulttest.LiveService, year, 2); !errors.Is(err, yearly.ErrNoReceipt) {
				t.Errorf("another receipt: %v", err)
			}
			return nil
		})
		w.PassTo("11-01")
		o.stands("the year after", fmt.Sprintf("%d open, %d filed", year+1, year), yearly.Tally{Filed: 1})
		flush()
		if report, err := replay.Audit(t.Context(), w.Store, w.Ring, catalog.NewCache(4), replay.Options{}); err != nil || !report.OK() {
			t.Errorf("%v, %v", report.Differences, err)
		}
	})
}
