package replay_test

import (
	"context"
	"fmt"
	"testing"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/yearly"
)

// yearlyChanges are changes by hand of what was filed of an audit, and what must be found.
var yearlyChanges = []struct{ name, query, found string }{
	{"it was never filed", `DELETE FROM yearly_filing WHERE number = 0`, "row_missing yearly_filing "},
	{"another service has filed it", `UPDATE yearly_filing SET service = '王小明' WHERE number = 1`, "row_extra yearly_filing "},
	{"it was filed for another year", `UPDATE yearly_filing SET year = year + 1 WHERE number = 1`, "row_extra yearly_filing "},
	{"it was corrected more often", `UPDATE yearly_filing SET number = 2 WHERE number = 1`, "row_extra yearly_filing "},
	{"it was filed earlier", `UPDATE yearly_filing SET filed_at = filed_at - 1`, "row_differs yearly_filing filed_at"},
	{"somebody else has filed it", `UPDATE yearly_filing SET filed_by = '王小明'`, "row_differs yearly_filing filed_by"},
	{"it was handed in on another day", `UPDATE yearly_filing SET dated = '2020-01-01'`, "row_differs yearly_filing dated"},
	{"there were fewer children", `UPDATE yearly_filing SET children = children + 1`, "row_differs yearly_filing children"},
	{"there were fewer minors", `UPDATE yearly_filing SET minors = minors + 1`, "row_differs yearly_filing minors"},
	{"the receipt is of another type", `UPDATE yearly_filing SET file = 'image/png'`, "row_sealed yearly_filing file, hash, sealed, salt, document"},
	{"the receipt has another hash", `UPDATE yearly_filing SET hash = 'x'`, "row_sealed yearly_filing file, hash, sealed, salt, document"},
	{"it was handed in to another", `UPDATE yearly_filing SET sealed = salt`, "row_sealed yearly_filing file, hash, sealed, salt, document"},
	{"it has another salt", `UPDATE yearly_filing SET salt = sealed`, "row_sealed yearly_filing file, hash, sealed, salt, document"},
	{"the receipt is another", `UPDATE yearly_filing SET document = salt`, "row_sealed yearly_filing file, hash, sealed, salt, document"},
}

// Article 22: what was filed of the yearly audits replays; what somebody changes of it, or
// writes into the ledger that nobody may have filed, is found.
func TestInvariant7_YearlyAuditsReplay(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := &scene{story: begin(t, w)}
		w.PassTo("03-01")
		held, _ := w.Launch()
		officer := w.Inside(held)
		year := w.PassTo("11-03")
		dated := fmt.Sprintf("%d-11-02", year)
		for _, reason := range []string{"", "报错了部门"} {
			s.Do(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := yearly.File(ctx, tx, s.Ring, staff.Acting{Person: officer, Action: staff.FileYearly}, vaulttest.LiveService, year, dated,
					yearly.Text{Authority: pii.New("某市网信办"), Reason: pii.New(reason)}, []byte("%PDF-1.7"))
				return err
			})
		}
		ok(t, s.flush())
		s.replays(t)
		for _, c := range yearlyChanges {
			found(t, c.name, s.once(t, func() {
				s.do(func(ctx context.Context, tx *db.Tx) error {
					n, err := tx.Exec(ctx, c.query)
					if err == nil && n == 0 {
						t.Errorf("%s: nothing was changed", c.name)
					}
					return err
				})
			}), c.found)
		}
		for name, f := range map[string]struct {
			actor string
			body  yearly.FiledBody
			found string
		}{
			"an app files":              {s.App.Ledger(), yearly.FiledBody{Year: year, Number: 2, Dated: dated, Mark: "x"}, "impossible actor"},
			"it is filed without mark":  {officer.Ledger(), yearly.FiledBody{Year: year, Number: 2, Dated: dated}, "body yearly"},
			"fewer than nobody":         {officer.Ledger(), yearly.FiledBody{Year: year, Number: 2, Dated: dated, Children: -1, Mark: "x"}, "body yearly"},
			"a number is left out":      {officer.Ledger(), yearly.FiledBody{Year: year, Number: 3, Dated: dated, Mark: "x"}, "impossible yearly"},
			"before it opens":           {officer.Ledger(), yearly.FiledBody{Year: year, Number: 2, Dated: fmt.Sprintf("%d-10-31", year), Mark: "x"}, "impossible yearly"},
			"on a day to come":          {officer.Ledger(), yearly.FiledBody{Year: year, Number: 2, Dated: fmt.Sprintf("%d-11-04", year), Mark: "x"}, "impossible yearly"},
			"of a year that is to come": {officer.Ledger(), yearly.FiledBody{Year: year + 1, Dated: dated, Mark: "x"}, "impossible yearly"},
		} {
			forgery(t, name, s.once(t, func() {
				s.do(func(ctx context.Context, tx *db.Tx) error {
					_, err := ledger.Append(ctx, tx, ledger.Entry{Kind: yearly.KindFiled, Service: vaulttest.LiveService, Actor: f.actor, Body: f.body})
					return err
				})
			}), f.found)
		}
		s.replays(t)
	})
}
