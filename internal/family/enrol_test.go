package family_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
)

// Articles 2 and 9: what was given at enrolment comes back, and only with the ring.
func TestArticle9_EnrolmentKeepsOnlyTheHandle(t *testing.T) {
	each(t, func(w *world) {
		c, g := w.enrol(w.enrolment("ref-1"))
		got := w.find(c.ID)
		if got.State != family.Unconsented || got.Version != 1 || got.Subject != c.Subject || got.Subject == "" || got.BirthFrom != family.FromApp {
			t.Errorf("the child: %+v", got)
		}
		ref, err := got.Ref(w.ring)
		if err != nil || ref.Reveal() != "ref-1" {
			t.Errorf("the reference doesn't come back: %v", err)
		}
		if b, err := got.Birth(w.ring); err != nil || b != birth(t, "2016-05-01") {
			t.Errorf("the birth date doesn't come back: %v", err)
		}
		w.do(func(tx *db.Tx) error {
			phone, email, name, err := family.Contact(w.ctx, tx, w.ring, got, g.ID)
			if phone.Reveal() != "+8613800138000" || email.Reveal() != "shuanghua@example.com" || name.Reveal() != "欧阳霜华" {
				t.Error("the contact doesn't come back as it was normalised")
			}
			return err
		})
		if all := w.guardians(c.ID); len(all) != 1 || all[0] != g || g.MayAnswer() || g.Child != c.ID {
			t.Errorf("guardians: %+v, want %+v, unverified", all, g)
		}
		var none *keyring.Ring
		if _, err := got.Birth(none); err == nil {
			t.Error("a birth date opened without a ring")
		}
		if err := w.try(func(tx *db.Tx) error {
			_, _, _, err := family.Enrol(w.ctx, tx, none, app{}, w.enrolment("ref-2"))
			return err
		}); err == nil || w.count("child") != 1 {
			t.Errorf("a child was enrolled without a ring: %v", err)
		}
	})
}

func TestArticle2_WhoIsNotAChildIsNotEnrolled(t *testing.T) {
	each(t, func(w *world) {
		for i, c := range []struct {
			now, birth string
			want       error
		}{
			{"2026-03-05 23:59:59", "2012-03-05", nil}, // edge case 1
			{"2026-03-06 00:00:00", "2012-03-05", family.ErrNotAChild},
			{"2026-02-28 23:59:59", "2012-02-29", nil}, // edge case 2
			{"2026-03-01 00:00:00", "2012-02-29", family.ErrNotAChild},
			{"2025-12-31 23:59:59", "2011-12-31", nil},
			{"2026-01-01 00:00:00", "2011-12-31", family.ErrNotAChild},
			{"2026-12-31 12:00:00", "2012", nil}, // edge case 3
			{"2027-01-01 00:00:00", "2012", family.ErrNotAChild},
			{"2026-03-31 12:00:00", "2012-03", nil},
			{"2026-04-01 00:00:00", "2012-03", family.ErrNotAChild},
			{"2026-03-01 00:00:00", "", nil}, // unknown = child
			{"2026-03-01 00:00:00", "2026-03-02", family.ErrBirthFuture},
			{"2026-03-01 00:00:00", "2026-03-01", nil},
		} {
			w.at(c.now)
			e := w.enrolment("ref-" + string(rune('a'+i)))
			e.Birth = birth(t, c.birth)
			err := w.tryEnrol(e)
			if c.want == nil && err != nil || c.want != nil && (!errors.Is(err, c.want) || errs.Of(err).Kind != errs.Invalid || errs.Of(err).Field != "birth") {
				t.Errorf("case %d at %s: got %v, want %v", i, c.now, err, c.want)
			}
		}
		e := w.enrolment("ref-x")
		e.Birth = age.Birth{Year: 2016, Month: 2, Day: 30}
		w.is(w.tryEnrol(e), age.ErrImpossible)
	})
}

func TestEnrolmentRefusesBadInputAndKeepsNothing(t *testing.T) {
	each(t, func(w *world) {
		long := strings.Repeat("长", 201)
		for field, c := range map[string]struct {
			spoil func(*family.Enrolment)
			want  *errs.Error
		}{
			"ref":                 {func(e *family.Enrolment) { e.Ref = pii.Text{} }, family.ErrRef},
			"ref ":                {func(e *family.Enrolment) { e.Ref = pii.New(" x") }, family.ErrRef},
			"ref  ":               {func(e *family.Enrolment) { e.Ref = pii.New(long) }, family.ErrRef},
			"ref   ":              {func(e *family.Enrolment) { e.Ref = pii.New("a\x00b") }, family.ErrRef},
			"ref    ":             {func(e *family.Enrolment) { e.Ref = pii.New("\xff\xfe") }, family.ErrRef},
			"birth_source":        {func(e *family.Enrolment) { e.BirthSource = "hearsay" }, family.ErrBirthSource},
			"guardian":            {func(e *family.Enrolment) { e.Guardian.Phone, e.Guardian.Email = pii.Text{}, pii.Text{} }, family.ErrNoContact},
			"guardian.phone":      {func(e *family.Enrolment) { e.Guardian.Phone = pii.New("010-62770334") }, family.ErrPhone},
			"guardian.phone ":     {func(e *family.Enrolment) { e.Guardian.Phone = pii.New(strings.Repeat("1", 70)) }, family.ErrPhone},
			"guardian.email":      {func(e *family.Enrolment) { e.Guardian.Email = pii.New("a@b") }, family.ErrEmail},
			"guardian.email ":     {func(e *family.Enrolment) { e.Guardian.Email = pii.New("a@b.cn\r\nBcc: c@d.cn") }, family.ErrEmail},
			"guardian.name":       {func(e *family.Enrolment) { e.Guardian.Name = pii.New("王\n芳") }, family.ErrName},
			"guardian.name ":      {func(e *family.Enrolment) { e.Guardian.Name = pii.New(long) }, family.ErrName},
			"guardian.relation":   {func(e *family.Enrolment) { e.Guardian.Relation = "friend" }, family.ErrRelation},
			"guardian.relation  ": {func(e *family.Enrolment) { e.Guardian.Relation = "" }, family.ErrRelation},
		} {
			e := w.enrolment("ref-1")
			c.spoil(&e)
			err := w.tryEnrol(e)
			if got := errs.Of(err); got.Code != c.want.Code || got.Field != strings.TrimSpace(field) {
				t.Errorf("%q: got %v at %q", field, err, got.Field)
			}
			if strings.Contains(err.Error(), "王") {
				t.Errorf("%q: the refusal repeats the input", field)
			}
		}
		for _, table := range []string{"child", "child_ref", "guardian", "ledger_pending"} {
			if n := w.count(table); n != 0 {
				t.Errorf("%d rows in %s after refusals", n, table)
			}
		}
		e := w.enrolment("ref-1")
		e.Guardian.Phone, e.Guardian.Name = pii.Text{}, pii.Text{}
		if err := w.tryEnrol(e); err != nil {
			t.Errorf("an e-mail address alone: %v", err)
		}
	})
}

func TestOneReferenceIsOneChild(t *testing.T) {
	each(t, func(w *world) {
		const n = 12
		var ok, taken int
		var mu sync.Mutex
		var all sync.WaitGroup
		for range n {
			all.Go(func() {
				err := w.tryEnrol(w.enrolment("ref-1"))
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					ok++
				case errors.Is(err, family.ErrRefTaken):
					taken++
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if ok != 1 || taken != n-1 {
			t.Errorf("%d succeeded and %d were refused of %d", ok, taken, n)
		}
		if w.count("child") != 1 || w.count("child_ref") != 1 || w.count("guardian") != 1 || w.count("ledger_pending") != 2 {
			t.Error("the losers left something behind")
		}
		w.do(func(tx *db.Tx) error {
			c, err := family.FindByRef(w.ctx, tx, w.ring, service, pii.New("ref-1"))
			if err == nil && c.Service != service {
				t.Error("another child was found")
			}
			_, none := family.FindByRef(w.ctx, tx, w.ring, "other", pii.New("ref-1"))
			w.is(none, family.ErrNotFound)
			return err
		})
		// The same reference in another service is another child.
		e := w.enrolment("ref-1")
		e.Service = "other"
		if err := w.tryEnrol(e); err != nil {
			t.Error(err)
		}
		w.do(func(tx *db.Tx) error {
			a, errA := family.FindByRef(w.ctx, tx, w.ring, service, pii.New("ref-1"))
			b, errB := family.FindByRef(w.ctx, tx, w.ring, "other", pii.New("ref-1"))
			if a.ID == b.ID || a.Subject == b.Subject {
				t.Error("two services share a child")
			}
			_, none := family.Find(w.ctx, tx, service, b.ID)
			w.is(none, family.ErrNotFound)
			return errors.Join(errA, errB)
		})
	})
}

func TestEdgeCase5_AnUnansweredChildIsDueAfter24Hours(t *testing.T) {
	each(t, func(w *world) {
		answered, _ := w.enrol(w.enrolment("ref-1"))
		w.pass(time.Second)
		waiting, _ := w.enrol(w.enrolment("ref-2"))
		w.pass(time.Second)
		refused, _ := w.enrol(w.enrolment("ref-3"))
		due := func(limit int) (ids []family.ID) {
			w.do(func(tx *db.Tx) error {
				all, err := family.DueUnconsented(w.ctx, tx, family.Child{}, limit)
				for _, c := range all {
					ids = append(ids, c.ID)
				}
				return err
			})
			return ids
		}
		w.must(answered.ID, func(tx *db.Tx, c family.Child) error { return family.Activate(w.ctx, tx, c) })
		if got := due(10); len(got) != 0 {
			t.Errorf("due at once: %v", got)
		}
		w.must(refused.ID, func(tx *db.Tx, c family.Child) error { return family.EndWait(w.ctx, tx, c) })
		if got := due(10); len(got) != 1 || got[0] != refused.ID {
			t.Errorf("due after a refusal: %v", got)
		}
		w.clock.Store(waiting.ExpiresAt.UnixMicro() - 1)
		if got := due(10); len(got) != 1 {
			t.Errorf("due an instant early: %v", got)
		}
		w.pass(time.Microsecond)
		if got := due(10); len(got) != 2 || got[1] != waiting.ID {
			t.Errorf("due after 24 hours: %v", got)
		}
		if got := due(1); len(got) != 1 || got[0] != refused.ID {
			t.Errorf("a batch of one: %v", got)
		}
		c := w.find(answered.ID)
		if c.State != family.Active || !c.ExpiresAt.IsZero() {
			t.Errorf("the answered child: %+v", c)
		}
		for _, again := range []func(tx *db.Tx, c family.Child) error{
			func(tx *db.Tx, c family.Child) error { return family.Activate(w.ctx, tx, c) },
			func(tx *db.Tx, c family.Child) error { return family.EndWait(w.ctx, tx, c) },
		} {
			w.is(w.with(answered.ID, again), family.ErrNotWaiting)
		}
		w.erase(waiting.ID)
		if err := w.tryEnrol(w.enrolment("ref-2")); err != nil {
			t.Errorf("the reference of a child that went unanswered can't be used anew: %v", err)
		}
	})
}

func TestArticle2_TurningFourteenIsFoundByItsDay(t *testing.T) {
	each(t, func(w *world) {
		want := map[family.ID]bool{}
		for i, b := range []string{"2012-03-05", "2012-03-05", "2012-03-06", "2012-03", "", "2012-03-05"} {
			e := w.enrolment("ref-" + string(rune('a'+i)))
			e.Birth = birth(t, b)
			c, _ := w.enrol(e)
			if b == "2012-03-05" {
				want[c.ID] = true
			}
		}
		day := birth(t, "2012-03-05").Turns(14)
		w.do(func(tx *db.Tx) error {
			all, err := family.Aging(w.ctx, tx, w.ring, day.UTC(), family.AgedTurned, family.Child{}, 100)
			for _, c := range all {
				if !want[c.ID] {
					t.Error("somebody else turns")
				}
				delete(want, c.ID)
			}
			return err
		})
		if len(want) != 0 {
			t.Errorf("%d were not found", len(want))
		}
		w.do(func(tx *db.Tx) error {
			two, err := family.Aging(w.ctx, tx, w.ring, day.UTC(), family.AgedTurned, family.Child{}, 2)
			if len(two) != 2 {
				t.Errorf("%d of at most 2", len(two))
			}
			return err
		})
	})
}
