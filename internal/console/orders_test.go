package console_test

import (
	"context"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/family"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/retention"
	"wardkeep/internal/signin"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// orders erases children, and returns what the processor was told to do about them.
func (d *desk) orders(children ...family.Child) (all []order.Order) {
	d.T.Helper()
	d.Vault.Calendar = workday.Default()
	d.Do(func(ctx context.Context, tx *db.Tx) error {
		for _, c := range children {
			if _, err := d.Vault.Erase(ctx, tx, d.App.Ledger(), c.Service, c.ID, family.UseEnded); err != nil {
				return err
			}
		}
		return nil
	})
	d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		all, err = order.ListOf(ctx, tx, vaulttest.ProcessorID(), order.Order{}, 100)
		return err
	})
	if len(all) < len(children) {
		d.T.Fatalf("%d orders about %d children", len(all), len(children))
	}
	return all
}

func (d *desk) book() order.Book {
	return order.Book{Ring: d.Ring, Charters: d.Desk.Charters, Calendar: workday.Default()}
}

// overdue passes the day of every open order, and has it found.
func (d *desk) overdue(last order.Order) {
	d.T.Helper()
	d.Pass(last.DueAt.Sub(d.Store.Now()) + time.Minute)
	if _, err := retention.Sweep(d.T.Context(), d.Store, d.Vault); err != nil {
		d.T.Fatal(err)
	}
}

func orderAt(o order.Order) string { return "/console/orders/" + o.Service + "/" + o.ID }

// Articles 16, 19 and 20: what parties were told to do, by when, and what they say of it, is
// followed by who may see the parties, and by nobody else; no page and no file says which child
// it is about.
func TestArticle16_OrdersAreFollowedAtTheConsole(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.Engage(d.Store.Now().Add(100 * 24 * time.Hour))
		link, in := "", &signintest.Insider{T: t, Store: d.Store, Door: signin.Door{Ring: d.Ring, Parties: true}}
		children := []family.Child{d.Child(), d.Child(), d.Child()}
		all := d.orders(children...)
		boss := d.hire(staff.Officer)
		d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			link, _, err = in.Door.Seat(ctx, tx, boss.Session.Person, vaulttest.ProcessorID(), "周舟")
			return err
		})
		in.SetUp(link)
		theirs := func() (by party.Client) {
			d.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				by, err = party.ClientAt(ctx, tx, in.Session.Person.Seat)
				return err
			})
			return by
		}
		document := strings.Repeat("0e", 32)
		by := theirs()
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := d.book().Attest(ctx, tx, by, vaulttest.Service, all[0].ID, vaulttest.Processor, document)
			return err
		})
		audits := d.browser(d.hire(staff.Auditor).Secret)
		day := all[1].DueAt.Add(-time.Second).In(time.FixedZone("", 8*3600))
		for query, want := range map[string]string{"": "-12", "stands=attested": "0--", "stands=overdue": "---", "stands=stated": "---", "party=" + vaulttest.Processor: "-12", "party=museum": "---",
			"party=" + vaulttest.Processor + "&stands=attested": "0--", "party=museum&stands=attested": "---", "role=processor": "-12", "role=recipient": "---", "what=delete": "-12", "what=correct": "---",
			"service=" + vaulttest.Service: "-12", "service=another": "---", "due=" + day.Format(time.DateOnly): "-12", "due=" + day.AddDate(0, 0, -1).Format(time.DateOnly): "---",
			"stands=attested&due=" + day.AddDate(0, 0, -1).Format(time.DateOnly): "---"} {
			page, file := audits.get("/console/orders?"+query).Body.String(), audits.post("/console/orders/csv", "filter", query).Body.String()
			for i, o := range all {
				listed := strings.ContainsRune(want, rune('0'+i))
				if strings.Contains(page, orderAt(o)+"?") != listed || strings.Contains(file, o.ID) != listed {
					t.Errorf("%q: %d is on the page %v, want %v", query, i, !listed, listed)
				}
			}
		}
		for _, query := range []string{"stands=forgotten", "due=soon"} {
			if w := audits.get("/console/orders?" + query); w.Code != 422 {
				t.Errorf("%s: %d", query, w.Code)
			}
		}
		shows := func(at string, words ...string) {
			t.Helper()
			w := audits.get(at)
			for _, said := range words {
				if w.Code != 200 || !strings.Contains(html.UnescapeString(w.Body.String()), said) {
					t.Errorf("%s: %d, without %q", at, w.Code, said)
				}
			}
			for _, c := range children {
				if body := w.Body.String(); strings.Contains(body, string(c.ID)) || strings.Contains(body, c.Subject) {
					t.Errorf("%s says which child it is", at)
				}
			}
		}
		d.flush()
		en := i18n.English.T
		shows(orderAt(all[0])+"?lang=en", all[0].Number, document, "周舟", en("console.order.entry"), en("console.order.why.erased"))
		shows(orderAt(all[1])+"?lang=en", all[1].Number, en("console.order.nothing"))
		shows(partyAt+"?lang=en", en("console.orders.open_n", "N", 2, "Many", false), en("console.orders.none_late"))
		shows("/console/due?kind=order", orderAt(all[1]))
		for _, q := range []string{all[0].ID, all[0].Number} {
			if w := audits.post("/console/search", "q", q); !strings.HasPrefix(w.Header().Get("Location"), orderAt(all[0])+"?") {
				t.Errorf("it isn't found by %s", q)
			}
		}
		if w := audits.get(orderAt(all[0])[:len(orderAt(all[0]))-1] + "~"); w.Code != 404 {
			t.Errorf("none: %d", w.Code)
		}
		if w := d.browser(d.hire(staff.Worker).Secret).get(orderAt(all[0])); outcome(w) != mayNot {
			t.Errorf("by who sees no party: %d", w.Code)
		}

		d.overdue(all[2])
		audits = d.browser(d.hire(staff.Auditor).Secret)
		b := d.browser(d.hire(staff.Manager).Secret)
		shows("/console/orders?stands=overdue", orderAt(all[1])+"?", orderAt(all[2])+"?")
		shows(orderAt(all[1])+"?lang=en", en("console.order.late_what"), en("console.order.found"))
		shows(partyAt+"?lang=en", en("console.orders.late_n", "N", 2), en("console.parties.overdue"))

		// After its end, one word of the party's for all.
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.End(ctx, tx, d.Officer, vaulttest.ProcessorID(), time.Time{})
			return err
		})
		shows(partyAt+"?lang=en", en("console.orders.not_stated"))
		d.flush() // an entry that rests on another's place comes after it
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := party.Walks(ctx, tx)
			if err == nil {
				err = all[0].Part(ctx, tx, "system:cessation", 0) // it has nothing of any child that lives
			}
			return err
		})
		by = theirs()
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, st, _, err := d.book().AttestEnd(ctx, tx, by, document, 100)
			if err == nil && st.AttestedAt.IsZero() {
				t.Error("it isn't stated")
			}
			return err
		})
		shows("/console/orders?stands=stated", partyAt+"?", document, "周舟")
		shows(partyAt, document)
		if file := b.post("/console/orders/csv", "filter", "stands=stated").Body.String(); strings.Count(file, document) != 1 {
			t.Errorf("the file of statements: %s", file)
		}
		if page := audits.get("/console/orders?stands=stated&party=museum").Body.String(); strings.Contains(page, document) {
			t.Error("another's statement is listed")
		}

		// What doesn't fit on a page is on the next, once, and all of it in a file.
		const more = 25
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			for i := range more {
				_, err := tx.Exec(ctx, `
					INSERT INTO party_statement (service, role, party, ended_at, attested_at, attested_by, document, salt) VALUES ($1, 'recipient', $2, $3, $3, '', $4, $5)`,
					vaulttest.Service, fmt.Sprintf("museum-%d", i/5), int64(1_700_000_000_000_000+i), fmt.Sprintf("%064d", i), []byte{})
				if err != nil {
					return err
				}
			}
			return nil
		})
		said := regexp.MustCompile(`0{62}\d{2}`)
		seen := said.FindAllString(b.post("/console/orders/csv", "filter", "stands=stated").Body.String(), -1)
		if slices.Sort(seen); len(seen) != more || len(slices.Compact(seen)) != more {
			t.Errorf("%d are in the file", len(seen))
		}
		for query, want := range map[string]int{"stands=stated": more, "stands=stated&party=museum-1": 5, "stands=stated&service=" + vaulttest.Service: more} {
			var seen []string
			for to := "/console/orders?" + query; to != ""; {
				page := audits.get(to).Body.String()
				some := said.FindAllString(page, -1)
				if seen = append(seen, some...); len(some) > 20 {
					t.Errorf("%d are on a page", len(some))
				}
				to = ""
				if next := nextPage.FindStringSubmatch(page); next != nil {
					to = "/console/orders" + html.UnescapeString(next[1])
				}
			}
			if slices.Sort(seen); len(seen) != want || len(slices.Compact(seen)) != want {
				t.Errorf("%s: %d are on all pages, want %d, each once", query, len(seen), want)
			}
		}
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `DELETE FROM party_statement WHERE role = 'recipient'`)
			return err
		})
		d.audited()
	})
}

// The pages as they are sent.
func TestPagesOfOrders(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.Engage(d.Store.Now().Add(100 * 24 * time.Hour))
		o := &office{desk: d, ref: "player-1"}
		b := d.browser(d.hire(staff.Manager).Secret)
		o.check("orders-empty", b, "/console/orders")
		all := d.orders(d.Child(), d.Child())
		o.check("orders", b, "/console/orders")
		o.check("order-open", b, orderAt(all[0]))
		d.overdue(all[1])
		b = d.browser(d.hire(staff.Manager).Secret)
		o.check("orders-late", b, "/console/orders")
		o.check("order-late", b, orderAt(all[0]))
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := d.book().Attest(ctx, tx, d.Officer, vaulttest.Service, all[0].ID, vaulttest.Processor, strings.Repeat("0e", 32))
			return err
		})
		o.check("order-attested", b, orderAt(all[0]))
	})
}
