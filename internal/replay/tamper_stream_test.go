package replay_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/family/age"
	"wardkeep/internal/stream"
	"wardkeep/internal/vault/vaulttest"
)

// streamChanges are changes by hand of what systems keep automatically, and what must be found.
// Of the streams one is tested, and one is covered by the charter.
var streamChanges = []struct{ name, query, found string }{
	{"a stream never was", `DELETE FROM log_stream WHERE purpose = ''`, "row_missing log_stream "},
	{"a stream has another name", `UPDATE log_stream SET id = '王小明' WHERE purpose = ''`, "row_extra log_stream "},
	{"a stream is another service's", `UPDATE log_stream SET service = '王小明' WHERE purpose = ''`, "row_differs log_stream service"},
	{"only one service writes to a stream", `UPDATE log_stream SET shared = false WHERE purpose = ''`, "row_differs log_stream shared"},
	{"a stream is no child's for another reason", `UPDATE log_stream SET reason = 'no_persons' WHERE purpose = ''`, "row_differs log_stream reason"},
	{"a stream has other fields", `UPDATE log_stream SET form = '{}' WHERE purpose = ''`, "row_differs log_stream form, salt"},
	{"the mark of a stream has another salt", `UPDATE log_stream SET salt = (SELECT s.salt FROM log_stream s WHERE s.purpose <> '') WHERE purpose = ''`, "row_differs log_stream form, salt"},
	{"a stream was registered later", `UPDATE log_stream SET registered_at = registered_at + 1`, "row_differs log_stream registered_at"},
	{"somebody else has registered a stream", `UPDATE log_stream SET registered_by = '王小明'`, "row_differs log_stream registered_by"},
	{"a stream stands on another test", `UPDATE log_stream SET test = '王小明' WHERE purpose = ''`, "row_differs log_stream test"},
	{"nothing was joined", `UPDATE log_stream SET joins = joins - 1 WHERE purpose <> ''`, "row_differs log_stream joins"},
	{"a test counts for longer", `UPDATE log_stream SET due_at = due_at + 1 WHERE purpose = ''`, "row_differs log_stream due_at"},
	{"the office was told", `UPDATE log_stream SET raised_at = 1 WHERE purpose = ''`, "row_differs log_stream raised_at"},
	{"another purpose covers a stream", `UPDATE log_stream SET purpose = 'account' WHERE purpose <> ''`, "row_differs log_stream purpose"},
	{"a stream has left the register", `UPDATE log_stream SET closed_at = 1 WHERE purpose = ''`, "row_differs log_stream closed_at"},
	{"a test never was", `DELETE FROM join_test`, "row_missing join_test "},
	{"a test has another name", `UPDATE join_test SET id = '王小明' WHERE made_at = (SELECT min(made_at) FROM join_test)`, "row_extra join_test "},
	{"a test was of another stream", `UPDATE join_test SET stream = '王小明'`, "row_differs join_test stream"},
	{"a test has found something else", `UPDATE join_test SET form = '{}'`, "row_differs join_test form, salt"},
	{"the mark of a test has another salt", `UPDATE join_test SET salt = (SELECT t.salt FROM join_test t WHERE t.id <> join_test.id)`, "row_differs join_test form, salt"},
	{"a test was made later", `UPDATE join_test SET made_at = made_at + 1`, "row_differs join_test made_at"},
	{"somebody else has made a test", `UPDATE join_test SET made_by = '王小明'`, "row_differs join_test made_by"},
}

// Article 28: what systems keep, and whether it is a child's, replays; what somebody changes of
// it, or writes into the ledger that no test has shown, is found.
func TestInvariant7_LogStreamsReplay(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := &scene{story: begin(t, w)}
		var kept, covered stream.Stream
		tested := func(ctx context.Context, tx *db.Tx, of stream.Stream, joined int) error {
			_, _, _, err := stream.Record(ctx, tx, s.Officer, service, of.ID, stream.Test{On: tx.Now().In(age.Zone).Format(time.DateOnly), By: "运维", Method: stream.Queried,
				Records: 10, Joined: joined, Findings: "与账号表关联", Document: strings.Repeat("0f", 32)})
			return err
		}
		for i, one := range []*stream.Stream{&kept, &covered} {
			s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				*one, _, err = stream.Register(ctx, tx, s.Officer, service, stream.Form{Name: "网关日志", System: "网关", Fields: "时间", Place: "机房", Office: "运维", Months: 6, Shared: i == 0,
					Reason: stream.Nameless, Grounds: "没有标识"})
				return err
			})
			ok(t, s.sweep())
			s.Pass(time.Second)
			s.Do(func(ctx context.Context, tx *db.Tx) error { return tested(ctx, tx, *one, 2*i) })
		}
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := stream.Cover(ctx, tx, s.Officer, service, covered.ID, "course-progress")
			return err
		})
		ok(t, s.flush())
		s.replays(t)
		for _, c := range streamChanges {
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
		now := func() int64 { return s.Store.Now().UnixMicro() }
		passed := func() stream.TestedBody {
			return stream.TestedBody{Stream: kept.ID, Test: id.New(id.JoinTest), Method: stream.Compared, Records: 5, Due: now() + int64(time.Hour/time.Microsecond), Mark: "x"}
		}
		for name, f := range map[string]struct {
			kind, actor string
			body        func() any
			found       string
		}{
			"an app registers a stream": {stream.KindRegistered, s.App.Ledger(), func() any {
				return stream.RegisteredBody{Stream: id.New(id.Stream), Reason: stream.OneWay, Mark: "x"}
			}, "impossible actor"},
			"a stream is registered twice": {stream.KindRegistered, s.Officer.Ledger(), func() any {
				return stream.RegisteredBody{Stream: kept.ID, Reason: stream.OneWay, Mark: "x"}
			}, "impossible stream"},
			"a stream is no child's for no reason": {stream.KindRegistered, s.Officer.Ledger(), func() any {
				return stream.RegisteredBody{Stream: id.New(id.Stream), Reason: "trust", Mark: "x"}
			}, "impossible stream"},
			"an app tests a stream": {stream.KindTested, s.App.Ledger(), func() any { return passed() }, "impossible actor"},
			"a test counts for years": {stream.KindTested, s.Officer.Ledger(), func() any {
				b := passed()
				b.Due += 2 * stream.Valid.Microseconds()
				return b
			}, "impossible stream"},
			"a test that has joined something counts": {stream.KindTested, s.Officer.Ledger(), func() any {
				b := passed()
				b.Joined = 1
				return b
			}, "impossible stream"},
			"what has left the register is tested": {stream.KindTested, s.Officer.Ledger(), func() any {
				b := passed()
				b.Stream = covered.ID
				return b
			}, "impossible stream"},
			"a stream whose test counts flips": {stream.KindFlipped, actorOfSweeps, func() any {
				return stream.FlippedBody{Stream: kept.ID, State: stream.Expired}
			}, "impossible stream"},
			"a person says that a stream flips": {stream.KindFlipped, s.Officer.Ledger(), func() any {
				return stream.FlippedBody{Stream: kept.ID, State: stream.Expired}
			}, "impossible actor"},
			"a stream lapses while its service goes on": {stream.KindEnded, actorOfSweeps, func() any { return stream.EndedBody{Stream: kept.ID} }, "impossible stream"},
		} {
			forgery(t, name, s.once(t, func() { s.forgeAs(f.actor, f.kind, f.body()) }), f.found)
		}
		s.replays(t)
	})
}
