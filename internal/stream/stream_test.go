package stream_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family/age"
	"wardkeep/internal/ledger"
	"wardkeep/internal/replay"
	"wardkeep/internal/retention"
	"wardkeep/internal/staff"
	"wardkeep/internal/stream"
	"wardkeep/internal/vault/vaulttest"
)

type world struct {
	*vaulttest.World
	t *testing.T
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	vaulttest.Each(t, func(t *testing.T, v *vaulttest.World) { fn(t, &world{v, t}) })
}

func form() stream.Form {
	return stream.Form{Name: "网关访问日志", System: "入口网关", Fields: "时间、路由、状态码、截短的地址", Place: "上海机房", Office: "运维", Months: 6, Network: true,
		Reason: stream.Coarse, Grounds: "地址只留前两段，其余字段与人无关"}
}

// test is one that was made on a day and joined so many.
func (w *world) test(ago time.Duration, joined int) stream.Test {
	return stream.Test{On: w.Store.Now().Add(-ago).In(age.Zone).Format(time.DateOnly), By: "安全工程师", Method: stream.Compared, Records: 500, Joined: joined,
		Findings: "随机抽取，与儿童账号逐条比对", Document: strings.Repeat("A1", 32)}
}

func (w *world) register(f stream.Form) (s stream.Stream, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		s, _, err = stream.Register(ctx, tx, w.Officer, vaulttest.Service, f)
		return err
	})
	return s, err
}

func (w *world) record(s stream.Stream, t stream.Test) error {
	return w.Try(func(ctx context.Context, tx *db.Tx) error {
		_, _, _, err := stream.Record(ctx, tx, w.Officer, vaulttest.Service, s.ID, t)
		return err
	})
}

func (w *world) is(s stream.Stream, want stream.State) {
	w.t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		got, err := stream.Find(ctx, tx, vaulttest.Service, s.ID)
		if is := got.State(tx.Now()); err == nil && is != want {
			w.t.Errorf("the stream is %q, want %q", is, want)
		}
		return err
	})
}

// flips counts the entries that say that a stream counts as a child's.
func (w *world) flips() (n int) {
	w.t.Helper()
	if _, err := retention.Sweep(w.t.Context(), w.Store, w.Vault); err != nil {
		w.t.Fatal(err)
	}
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		n = 0
		return ledger.Pending(ctx, tx, func(p ledger.Placed) error {
			if p.Kind == stream.KindFlipped {
				n++
			}
			return nil
		})
	})
	return n
}

// Article 28: what a system keeps is a child's until a test has joined nothing of it with one,
// and again from the second on in which that test is too old; the office is told once of each.
func TestArticle28_AStreamIsAChildsUntilATestSaysOtherwise(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s, err := w.register(form())
		if err != nil {
			t.Fatal(err)
		}
		w.is(s, stream.Untested)
		if n := w.flips(); n != 1 || w.flips() != 1 {
			t.Errorf("the office was told %d times", n)
		}
		if err := w.record(s, w.test(0, 0)); err != nil {
			t.Fatal(err)
		}
		w.is(s, stream.Exempt)
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			s, err = stream.Find(ctx, tx, vaulttest.Service, s.ID)
			return err
		})
		w.Pass(s.DueAt.Sub(w.Store.Now()) - time.Second)
		w.is(s, stream.Exempt)
		w.Pass(time.Second)
		w.is(s, stream.Expired)
		if n := w.flips(); n != 2 {
			t.Errorf("the office was told %d times", n)
		}
		if err := w.record(s, w.test(0, 3)); err != nil {
			t.Fatal(err)
		}
		w.is(s, stream.Joined)
		if n := w.flips(); n != 3 {
			t.Errorf("the office was told %d times", n)
		}
		// What was tried before doesn't undo what was joined since.
		if err := w.record(s, w.test(48*time.Hour, 0)); !errors.Is(err, stream.ErrOld) {
			t.Errorf("an older test: %v", err)
		}
		w.is(s, stream.Joined)
		if err := w.record(s, w.test(0, 0)); err != nil {
			t.Fatal(err)
		}
		w.is(s, stream.Exempt)

		// It leaves the register to what the charter says, and to nothing else.
		cover := func(purpose string) error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := stream.Cover(ctx, tx, w.Officer, vaulttest.Service, s.ID, purpose)
				return err
			})
		}
		if err := cover("marketing"); !errors.Is(err, stream.ErrPurpose) {
			t.Errorf("covered by nothing: %v", err)
		}
		if err := cover("course-progress"); err != nil {
			t.Fatal(err)
		}
		w.is(s, stream.Covered)
		if err := cover("course-progress"); !errors.Is(err, stream.ErrEnded) {
			t.Errorf("covered twice: %v", err)
		}
		if err := w.record(s, w.test(0, 0)); !errors.Is(err, stream.ErrEnded) {
			t.Errorf("tested once it has left: %v", err)
		}
		report, err := replay.Audit(t.Context(), w.Store, w.Ring, catalog.NewCache(4), replay.Options{})
		if err != nil || !report.OK() {
			t.Errorf("%v, %v", report.Differences, err)
		}
	})
}

// Article 28: what isn't said, or can't be, is refused, and nothing is done.
func TestArticle28_WhatARegisterOfStreamsRefuses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for field, f := range map[string]struct {
			change func(f *stream.Form)
			want   error
		}{
			"name":    {func(f *stream.Form) { f.Name = "" }, stream.ErrForm},
			"system":  {func(f *stream.Form) { f.System = "a\nb" }, stream.ErrForm},
			"fields":  {func(f *stream.Form) { f.Fields = strings.Repeat("x", 2001) }, stream.ErrForm},
			"place":   {func(f *stream.Form) { f.Place = " x" }, stream.ErrForm},
			"office":  {func(f *stream.Form) { f.Office = "\x00" }, stream.ErrForm},
			"reason":  {func(f *stream.Form) { f.Reason = "trust_us" }, stream.ErrReason},
			"grounds": {func(f *stream.Form) { f.Grounds = "" }, stream.ErrForm},
			"months":  {func(f *stream.Form) { f.Months = 5 }, stream.ErrShort}, // a network log
			"forever": {func(f *stream.Form) { f.Months = 1000 }, stream.ErrMonths},
		} {
			bad := form()
			f.change(&bad)
			if _, err := w.register(bad); !errors.Is(err, f.want) {
				t.Errorf("%s: %v", field, err)
			}
		}
		s, err := w.register(form())
		if err != nil {
			t.Fatal(err)
		}
		for name, f := range map[string]struct {
			change func(t *stream.Test)
			want   error
		}{
			"a day to come":       {func(t *stream.Test) { t.On = w.test(-48*time.Hour, 0).On }, stream.ErrTest},
			"no day":              {func(t *stream.Test) { t.On = "yesterday" }, stream.ErrTest},
			"half a year ago":     {func(t *stream.Test) { t.On = w.test(stream.Valid+24*time.Hour, 0).On }, stream.ErrOld},
			"by nobody":           {func(t *stream.Test) { t.By = "" }, stream.ErrTest},
			"in no manner":        {func(t *stream.Test) { t.Method = "" }, stream.ErrTest},
			"by this program":     {func(t *stream.Test) { t.Method = stream.Scanned }, stream.ErrTest}, // which nobody says
			"of nothing":          {func(t *stream.Test) { t.Records = 0 }, stream.ErrTest},
			"of more than it had": {func(t *stream.Test) { t.Joined = 501 }, stream.ErrTest},
			"less than none":      {func(t *stream.Test) { t.Joined = -1 }, stream.ErrTest},
			"without findings":    {func(t *stream.Test) { t.Findings = "" }, stream.ErrTest},
			"without a document":  {func(t *stream.Test) { t.Document = "a1" }, stream.ErrTest},
		} {
			bad := w.test(0, 0)
			f.change(&bad)
			if err := w.record(s, bad); !errors.Is(err, f.want) {
				t.Errorf("a test %s: %v", name, err)
			}
		}
		w.is(s, stream.Untested)
		worker := staff.Person{ID: id.New(id.Staff), State: staff.Active, Grants: []staff.Grant{{Role: staff.Engineer, Service: vaulttest.Service}}}
		stranger := w.Officer
		stranger.Service = "another"
		for who, err := range map[string]error{
			"an engineer registers": w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := stream.Register(ctx, tx, staff.Acting{Person: worker, Action: staff.TestStreams}, vaulttest.Service, form())
				return err
			}),
			"another's officer tests": w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, _, err := stream.Record(ctx, tx, stranger, vaulttest.Service, s.ID, w.test(0, 0))
				return err
			}),
			"another's officer stops": w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := stream.Stop(ctx, tx, stranger, vaulttest.Service, s.ID)
				return err
			}),
		} {
			if !errors.Is(err, stream.ErrMayNot) {
				t.Errorf("%s: %v", who, err)
			}
		}
		w.is(s, stream.Untested)
	})
}
