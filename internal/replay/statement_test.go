package replay_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/order"
	"wardkeep/internal/party"
	"wardkeep/internal/replay"
	"wardkeep/internal/vault/vaulttest"
)

// Article 16(4): a party that has ended attests by itself and once that it has deleted all, and
// only what it was ordered to. Whoever changes that with SQL is found.
func TestArticle16_AStatementThatWasTouchedIsFound(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := begin(t, w)
		of := vaulttest.ProcessorID()
		w.Engage(w.Store.Now().Add(24 * time.Hour))
		key, _ := w.Bind(of)
		children := []family.ID{w.Child().ID, w.Child().ID, w.Child().ID}
		book := order.Book{Ring: w.Ring, Charters: w.Desk.Charters}
		document := strings.Repeat("ab", 32)
		attest := func(limit int) (done []order.Order, st order.Statement, err error) {
			err = w.Try(func(ctx context.Context, tx *db.Tx) error {
				by, err := party.ClientOf(ctx, tx, key.ID)
				if err == nil {
					done, st, _, err = book.AttestEnd(ctx, tx, by, document, limit)
				}
				return err
			})
			return done, st, err
		}
		if _, _, err := attest(10); !errors.Is(err, order.ErrNotEnded) {
			t.Errorf("before the end: %v", err)
		}
		// PIPL 21: what was seen before an agreement began is no check of how it is kept.
		ok(t, s.flush())
		for ago, want := range map[int]bool{0: false, 2: true} {
			today := w.Store.Now().In(age.Zone)
			on := time.Date(today.Year(), today.Month(), today.Day()-ago, 0, 0, 0, 0, age.Zone)
			report := s.once(t, func() {
				s.forgeServiceAs(w.Officer.Ledger(), 1, party.KindChecked, party.PaperBody{Party: of.Name, Role: of.Role, Paper: id.New(id.Paper), Kind: party.Checked, Mark: "x",
					Passed: true, From: on.UnixMicro(), Until: party.NextCheck(on, 3).UnixMicro()})
			})
			found := slices.ContainsFunc(report.Differences, func(d replay.Difference) bool { return d.What == replay.FoundImpossible && d.Field == "party" })
			if found != want {
				t.Errorf("a check %d days ago: %v", ago, report.Differences)
			}
		}
		w.Pass(25 * time.Hour)
		if _, _, err := attest(10); !errors.Is(err, order.ErrParting) {
			t.Errorf("before all was ordered: %v", err)
		}
		ok(t, s.flush())
		for _, child := range children {
			ok(t, s.locked(child, func(ctx context.Context, tx *db.Tx, c family.Child) error {
				return book.Parted(ctx, tx, "system:cessation", c, order.Processor, of.Name, tx.Now().Add(-time.Hour))
			}))
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := party.Walks(ctx, tx)
			if err == nil {
				err = all[0].Part(ctx, tx, "system:cessation", int64(len(children)))
			}
			return err
		})
		some, st, err := attest(2)
		if err != nil || len(some) != 2 || !st.AttestedAt.IsZero() {
			t.Fatalf("%d of the first two, %+v, %v", len(some), st, err)
		}
		rest, st, err := attest(2)
		if err != nil || len(rest) != 1 || st.AttestedAt.IsZero() || slices.ContainsFunc(append(some, rest...), func(o order.Order) bool { return o.AttestedBy != "party:"+key.ID }) {
			t.Fatalf("%d of the last, %+v, %v", len(rest), st, err)
		}
		if _, _, err := attest(2); !errors.Is(err, order.ErrStated) {
			t.Errorf("once more: %v", err)
		}
		ok(t, s.flush())
		s.replays(t)
		for query, want := range map[string]string{
			`DELETE FROM party_statement`:                                                                         "row_missing party_statement ",
			`UPDATE party_statement SET service = 'x'`:                                                            "row_extra party_statement ",
			`UPDATE party_statement SET role = 'recipient'`:                                                       "row_extra party_statement ",
			`UPDATE party_statement SET party = 'x'`:                                                              "row_extra party_statement ",
			`UPDATE party_statement SET ended_at = ended_at + 1`:                                                  "row_extra party_statement ",
			`UPDATE party_statement SET attested_at = attested_at + 1`:                                            "row_differs party_statement attested_at",
			`UPDATE party_statement SET attested_by = 'x'`:                                                        "row_differs party_statement attested_by",
			`UPDATE party_statement SET document = 'x'`:                                                           "row_differs party_statement document",
			`UPDATE party_statement SET salt = (SELECT salt FROM party WHERE party.name = party_statement.party)`: "row_differs party_statement document",
		} {
			report := s.once(t, func() {
				s.do(func(ctx context.Context, tx *db.Tx) error { _, err := tx.Exec(ctx, query); return err })
			})
			found := false
			for _, d := range report.Differences {
				found = found || strings.TrimPrefix(d.What, "replay.")+" "+d.Table+" "+d.Field == want
			}
			if !found {
				t.Errorf("%s: %v", query, report.Differences)
			}
		}
	})
}
