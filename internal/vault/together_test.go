package vault_test

import (
	"context"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/gate"
	"wardkeep/internal/vault"
	"wardkeep/internal/vault/vaulttest"
)

func together(w *vaulttest.World, uses ...gate.Use) []db.Outcome[vault.Opened] {
	w.T.Helper()
	var out []db.Outcome[vault.Opened]
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		all := make([]vault.Opening, len(uses))
		for i, u := range uses {
			all[i] = vault.Opening{By: w.By(), Use: u}
		}
		out, err = w.Vault.OpenTogether(ctx, tx, all)
		return err
	})
	return out
}

// Uses that share a transaction are each decided, recorded and released by
// themselves.
func TestOpenTogether_EachUseIsItsOwn(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		mei, tao := w.Child(), w.Child()
		never, _ := w.Enrol()
		w.Put(mei, "course-progress", "nickname", "小美")
		w.Put(tao, "course-progress", "nickname", "小涛")
		gone := w.Child()
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.Erase(ctx, tx, "test", vaulttest.Service, gone.ID, family.Requested)
			return err
		})
		foreign := use(mei, "course-progress", "nickname")
		foreign.Service = "another"
		out := together(w,
			use(mei, "course-progress", "nickname"), use(never, "course-progress", "nickname"),
			use(family.Child{ID: "ch_nobody"}, "course-progress", "nickname"), use(gone, "course-progress", "nickname"),
			foreign, use(tao, "course-progress", "nickname"), use(mei, "course-progress", "nickname"))
		for i, want := range map[int]string{0: "小美", 5: "小涛", 6: "小美"} {
			if got := out[i]; got.Err != nil || got.Answer.Values["nickname"].Reveal() != want {
				t.Errorf("use %d: %v", i, got.Err)
			}
		}
		if got := out[1]; !errors.Is(got.Err, gate.ErrDenied) || len(got.Answer.Values) > 0 || got.Answer.Entry == "" {
			t.Errorf("without consent: %v, entry %q", got.Err, got.Answer.Entry)
		}
		for _, i := range []int{2, 3, 4} {
			if got := out[i]; !errors.Is(got.Err, db.ErrAlone) || len(got.Answer.Values) > 0 || got.Answer.Entry != "" {
				t.Errorf("use %d of nobody's child: %v, entry %q", i, got.Err, got.Answer.Entry)
			}
		}
		recorded := make(map[string]bool)
		for _, i := range []int{0, 1, 5, 6} {
			recorded[out[i].Answer.Entry] = true
			var n int64
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				n, err = db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM ledger_pending WHERE id = $1`, out[i].Answer.Entry)
				return err
			})
			if n != 1 {
				t.Errorf("use %d isn't recorded", i)
			}
		}
		if len(recorded) != 4 {
			t.Errorf("4 uses have %d entries", len(recorded))
		}
	})
}

// A child whom somebody is changing keeps nobody else waiting.
func TestOpenTogether_AChildThatIsBeingChangedIsLeftOut(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		if w.Store.Engine() == "sqlite" {
			return // one writer: nobody changes anything meanwhile
		}
		busy, free := w.Child(), w.Child()
		w.Put(busy, "course-progress", "nickname", "小美")
		w.Put(free, "course-progress", "nickname", "小涛")
		locked, done := make(chan struct{}), make(chan struct{})
		ended := make(chan error, 1)
		go func() {
			ended <- w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := family.Lock(ctx, tx, vaulttest.Service, busy.ID)
				close(locked)
				<-done
				return err
			})
		}()
		<-locked
		begin := time.Now()
		out := together(w, use(busy, "course-progress", "nickname"), use(free, "course-progress", "nickname"))
		took := time.Since(begin)
		close(done)
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if !errors.Is(out[0].Err, db.ErrAlone) || out[1].Err != nil || took > 3*time.Second {
			t.Errorf("the busy child: %v, the other: %v, after %v", out[0].Err, out[1].Err, took)
		}
	})
}

// A use that prolongs changes the child, which can't be done holding others.
func TestOpenTogether_WhatProlongsIsDoneAlone(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		child := w.Child()
		w.Put(child, "course-progress", "nickname", "小美")
		w.Pass(2 * day)
		if out := together(w, use(child, "course-progress", "nickname")); !errors.Is(out[0].Err, db.ErrAlone) || out[0].Answer.Entry != "" {
			t.Errorf("a use that prolongs: %v, entry %q", out[0].Err, out[0].Answer.Entry)
		}
	})
}

// What would take much memory among others is opened alone.
func TestOpenTogether_AGroupStaysSmall(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		child := w.Child()
		w.Put(child, "speaking-practice", "voice", base64.StdEncoding.EncodeToString(make([]byte, 20<<10)))
		w.Put(child, "course-progress", "nickname", "小美")
		items := []string{"nickname", "grade", "answers", "lesson_progress", "weekly_score", "a", "b", "c", "d"}
		out := together(w, use(child, "speaking-practice", "voice"), use(child, "course-progress", items...), use(child, "course-progress", "nickname"))
		for i, want := range []error{db.ErrAlone, db.ErrAlone, nil} {
			if !errors.Is(out[i].Err, want) || (want == nil) != (out[i].Err == nil) {
				t.Errorf("use %d: %v, want %v", i, out[i].Err, want)
			}
		}
	})
}
