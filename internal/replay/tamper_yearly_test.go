package replay_test

import (
	"context"
	"fmt"
	"strings"
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
	{"another pack was handed in", `UPDATE yearly_filing SET pack = pack + 1`, "row_differs yearly_filing pack"},
	{"the pack was never drawn up", `DELETE FROM yearly_pack WHERE number = 1`, "row_missing yearly_pack "},
	{"another service has drawn it up", `UPDATE yearly_pack SET service = '王小明' WHERE number = 1`, "row_extra yearly_pack "},
	{"it was drawn up for another year", `UPDATE yearly_pack SET year = year + 1 WHERE number = 1`, "row_extra yearly_pack "},
	{"it was drawn up more often", `UPDATE yearly_pack SET number = 2 WHERE number = 1`, "row_extra yearly_pack "},
	{"it was drawn up earlier", `UPDATE yearly_pack SET drawn_at = drawn_at - 1`, "row_differs yearly_pack drawn_at"},
	{"somebody else has drawn it up", `UPDATE yearly_pack SET drawn_by = '王小明'`, "row_differs yearly_pack drawn_by"},
	{"the pack has fewer children", `UPDATE yearly_pack SET children = children + 1`, "row_differs yearly_pack children"},
	{"the pack has fewer minors", `UPDATE yearly_pack SET minors = minors + 1`, "row_differs yearly_pack minors"},
	{"there was less to say", `UPDATE yearly_pack SET gaps = gaps + 1`, "row_differs yearly_pack gaps"},
	{"the pack has another hash", `UPDATE yearly_pack SET hash = 'x'`, "row_differs yearly_pack hash"},
	{"the pack says something else", `UPDATE yearly_pack SET document = (SELECT document FROM yearly_filing WHERE number = 0)`, "row_sealed yearly_pack document"},
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
		acts := staff.Acting{Person: officer, Action: staff.FileYearly}
		var pack yearly.Pack
		s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			pack, _, err = yearly.Draw(ctx, tx, s.Ring, acts, vaulttest.LiveService, year, func(yearly.Pack) ([]byte, int64, error) { return []byte("{}"), 3, nil })
			return err
		})
		for _, reason := range []string{"", "报错了部门"} {
			s.Do(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := yearly.File(ctx, tx, s.Ring, acts, vaulttest.LiveService, year, dated, pack.Number,
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
			"an app files":                         {s.App.Ledger(), yearly.FiledBody{Year: year, Number: 2, Dated: dated, Mark: "x"}, "impossible actor"},
			"it is filed without mark":             {officer.Ledger(), yearly.FiledBody{Year: year, Number: 2, Dated: dated}, "body yearly"},
			"fewer than nobody":                    {officer.Ledger(), yearly.FiledBody{Year: year, Number: 2, Dated: dated, Children: -1, Mark: "x"}, "body yearly"},
			"a number is left out":                 {officer.Ledger(), yearly.FiledBody{Year: year, Number: 3, Dated: dated, Mark: "x"}, "impossible yearly"},
			"before it opens":                      {officer.Ledger(), yearly.FiledBody{Year: year, Number: 2, Dated: fmt.Sprintf("%d-10-31", year), Mark: "x"}, "impossible yearly"},
			"on a day to come":                     {officer.Ledger(), yearly.FiledBody{Year: year, Number: 2, Dated: fmt.Sprintf("%d-11-04", year), Mark: "x"}, "impossible yearly"},
			"with a pack that nobody has drawn up": {officer.Ledger(), yearly.FiledBody{Year: year, Number: 2, Dated: dated, Pack: 2, Drawn: pack.Hash, Mark: "x"}, "impossible yearly"},
			"with a pack of another hash":          {officer.Ledger(), yearly.FiledBody{Year: year, Number: 2, Dated: dated, Pack: 1, Drawn: strings.Repeat("0", 64), Mark: "x"}, "impossible yearly"},
			"with the hash of no pack":             {officer.Ledger(), yearly.FiledBody{Year: year, Number: 2, Dated: dated, Drawn: pack.Hash, Mark: "x"}, "impossible yearly"},
			"of a year that is to come":            {officer.Ledger(), yearly.FiledBody{Year: year + 1, Dated: dated, Mark: "x"}, "impossible yearly"},
		} {
			forgery(t, name, s.once(t, func() {
				s.do(func(ctx context.Context, tx *db.Tx) error {
					_, err := ledger.Append(ctx, tx, ledger.Entry{Kind: yearly.KindFiled, Service: vaulttest.LiveService, Actor: f.actor, Body: f.body})
					return err
				})
			}), f.found)
		}
		for name, f := range map[string]struct {
			actor string
			body  yearly.DrawnBody
			found string
		}{
			"an app draws":                {s.App.Ledger(), yearly.DrawnBody{Year: year, Number: 2, Hash: pack.Hash}, "impossible actor"},
			"it is drawn up without hash": {officer.Ledger(), yearly.DrawnBody{Year: year, Number: 2, Hash: "x"}, "body yearly"},
			"of fewer than nobody":        {officer.Ledger(), yearly.DrawnBody{Year: year, Number: 2, Minors: -1, Hash: pack.Hash}, "body yearly"},
			"a version is left out":       {officer.Ledger(), yearly.DrawnBody{Year: year, Number: 3, Hash: pack.Hash}, "impossible yearly"},
			"of a year before the first":  {officer.Ledger(), yearly.DrawnBody{Year: yearly.First - 1, Number: 1, Hash: pack.Hash}, "impossible yearly"},
		} {
			forgery(t, name, s.once(t, func() {
				s.do(func(ctx context.Context, tx *db.Tx) error {
					_, err := ledger.Append(ctx, tx, ledger.Entry{Kind: yearly.KindDrawn, Service: vaulttest.LiveService, Actor: f.actor, Body: f.body})
					return err
				})
			}), f.found)
		}
		s.replays(t)
	})
}
