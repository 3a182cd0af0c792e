package consent_test

import (
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
)

// shows opens a request in a language on a surface.
func (w *world) shows(r consent.Request, lang, surface string) (opened consent.Request, entry string) {
	w.t.Helper()
	w.do(func(tx *db.Tx) (err error) {
		opened, _, entry, err = w.desk.Open(w.ctx, tx, r, lang, surface)
		return err
	})
	return opened, entry
}

// page shows a page with the questions.
func (w *world) page(r consent.Request, body string) (shown consent.Request, entry string) {
	w.t.Helper()
	w.do(func(tx *db.Tx) (err error) {
		shown, entry, err = w.desk.ShowPage(w.ctx, tx, r, body)
		return err
	})
	return shown, entry
}

// shownEntries counts the entries that say that something was shown.
func (w *world) shownEntries(c family.Child) (n int) {
	for _, kind := range w.kinds(c) {
		if kind == consent.KindOpened {
			n++
		}
	}
	return n
}

// Whoever has a link may open it in any language, in any order, for days: the
// ledger has one entry of each language and surface.
func TestArticle10_EachLanguageAndSurfaceIsRecordedOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, _ := w.enrol(service, phone, family.Parent)
		r, s := w.mustAsk(w.app, c, consent.Asking{})
		seen := make(map[string]bool)
		for i, how := range []string{"zh-CN", "en", "zh-CN", "en", "en", "zh-CN", "en", "zh-CN"} {
			w.pass(time.Second)
			for _, surface := range []string{consent.OnPage, consent.OnAPI} {
				found, err, _ := w.byLink(s)
				if err != nil {
					t.Fatal(err)
				}
				now, entry := w.shows(found, how, surface)
				if (entry != "") == seen[how+surface] {
					t.Errorf("opening %d, in %s on %s: entry %q", i, how, surface, entry)
				}
				if seen[how+surface] = true; now.Shown.Lang != how || now.Shown.Channel != surface || now.Shown.Notice == "" {
					t.Errorf("opening %d is shown as %+v", i, now.Shown)
				}
			}
		}
		if n := w.shownEntries(c); n != 4 {
			t.Errorf("%d entries for two languages on two surfaces", n)
		}
		// The same of two at once.
		r = w.request(r)
		var group sync.WaitGroup
		other, _ := w.mustAsk(w.app, c, consent.Asking{TTL: time.Hour})
		for range 6 {
			group.Go(func() {
				if err := w.try(func(tx *db.Tx) error { _, _, _, err := w.desk.Open(w.ctx, tx, other, "en", consent.OnPage); return err }); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if n := w.shownEntries(c); n != 5 {
			t.Errorf("%d entries after six have opened another request at once", n)
		}
		if r.State != consent.Opened || w.request(other).State != consent.Opened {
			t.Errorf("%s, %s", r.State, w.request(other).State)
		}
	})
}

// What was on the screen is kept with the answer, whatever was shown after it, and
// nothing else can be answered.
func TestInvariant4_WhatIsAnsweredIsOneOfThoseThatWereShown(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, _ := w.enrol(service, phone, family.Parent)
		r, _ := w.mustAsk(w.app, c, consent.Asking{Purposes: []string{"account"}})
		w.shows(r, "en", consent.OnPage)
		opened := w.store.Now()
		w.pass(time.Minute)
		r, g := w.verified(r)
		// In English nobody was shown the questions yet.
		bare, _ := w.shows(w.request(r), "en", consent.OnPage)
		err := w.try(func(tx *db.Tx) error { _, err := w.desk.Give(w.ctx, tx, g, r, bare.Shown, all(r, true)); return err })
		if w.refused(err, consent.ErrNotShown); bare.Shown.Page != "" {
			t.Errorf("%+v", bare.Shown)
		}
		pages := map[string]consent.Request{}
		for _, lang := range []string{"zh-CN", "en", "zh-CN", "en"} {
			w.pass(time.Second)
			now, _ := w.shows(w.request(r), lang, consent.OnPage)
			now, entry := w.page(now, questions(lang))
			if before, again := pages[lang]; again && (entry != "" || now.Shown != before.Shown) {
				t.Errorf("shown again in %s: entry %q, %+v, before %+v", lang, entry, now.Shown, before.Shown)
			}
			pages[lang] = now
		}
		if n := w.shownEntries(c); n != 4 {
			t.Errorf("%d entries for two languages, each without the questions and with them", n)
		}
		first, last := pages["zh-CN"].Shown, pages["en"].Shown
		if !last.At.After(opened) || first.Page == last.Page {
			t.Errorf("%+v %+v", first, last)
		}
		for name, wrong := range map[string]func(s *consent.Shown){
			"another page":     func(s *consent.Shown) { s.Page = last.Page },
			"no page":          func(s *consent.Shown) { s.Page = "" },
			"another notice":   func(s *consent.Shown) { s.Notice = last.Notice },
			"another language": func(s *consent.Shown) { s.Lang = "en" },
			"another surface":  func(s *consent.Shown) { s.Channel = consent.OnAPI },
		} {
			shown := first
			wrong(&shown)
			err := w.try(func(tx *db.Tx) error { _, err := w.desk.Give(w.ctx, tx, g, r, shown, all(r, true)); return err })
			if w.refused(err, consent.ErrNotice); err == nil {
				t.Fatal(name)
			}
		}
		var given []consent.Answer
		w.do(func(tx *db.Tx) (err error) {
			given, err = w.desk.Give(w.ctx, tx, g, r, first, all(r, true))
			return err
		})
		a, now := given[0], w.request(r).Shown
		if kept := (consent.Shown{Notice: a.Notice, Page: a.Page, Lang: a.Lang, Channel: a.Channel, At: a.ShownAt}); kept != first || now != first {
			t.Errorf("kept with the answer: %+v, with the request: %+v, want %+v", kept, now, first)
		}
		w.do(func(tx *db.Tx) error {
			body, err := consent.Page(w.ctx, tx, a.Page)
			if body != questions("zh-CN") {
				t.Errorf("the page that is kept: %q", body)
			}
			return err
		})
		// The ledger says so, too: when that page was first shown.
		var shown []consent.OpenedBody
		for _, e := range w.entries(c) {
			if e.Kind == consent.KindOpened {
				var b consent.OpenedBody
				if err := json.Unmarshal(e.Body, &b); err != nil {
					t.Fatal(err)
				}
				shown = append(shown, b)
			}
		}
		if !slices.ContainsFunc(shown, func(b consent.OpenedBody) bool { return b.Page == a.Page && b.Notice == a.Notice && b.Lang == a.Lang }) {
			t.Errorf("%+v", shown)
		}
	})
}

// Whoever writes by hand what was shown has it answered by nobody.
func TestInvariant4_WhatSomebodyWroteWasNotShown(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, _ := w.enrol(service, phone, family.Parent)
		r, _ := w.mustAsk(w.app, c, consent.Asking{})
		r, g := w.verified(r)
		for _, text := range []string{"x", "en page x - y", "en page", "en page " + r.Shown.Notice + " - 1 2"} {
			w.do(func(tx *db.Tx) error {
				_, err := tx.Exec(w.ctx, `UPDATE consent_request SET shown_before = $1 WHERE child = $2`, text, c.ID)
				return err
			})
			shown := r.Shown
			shown.Lang = "en"
			err := w.try(func(tx *db.Tx) error { _, err := w.desk.Give(w.ctx, tx, g, r, shown, all(r, true)); return err })
			w.refused(err, consent.ErrNotice)
		}
		if _, err := w.give(g, r, all(r, true)); err != nil {
			t.Error(err)
		}
	})
}

// Whoever has the link opens it in any language, in any order: a guardian is written
// to in the one it was asked in, until it has answered in another.
func TestReach_WritesInTheLanguageOfTheAnswer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, mother := w.enrol(service, phone, family.Parent)
		writes := func(want string) {
			t.Helper()
			w.do(func(tx *db.Tx) error {
				to, err := w.desk.Reach(w.ctx, tx, c, mother.ID)
				if to.Lang != want {
					t.Errorf("written to in %q, not in %s", to.Lang, want)
				}
				return err
			})
		}
		opens := func(r consent.Request) {
			for _, lang := range []string{"zh-CN", "en", "zh-CN"} {
				w.shows(w.request(r), lang, consent.OnPage)
			}
		}
		r, _ := w.mustAsk(w.app, c, consent.Asking{Purposes: []string{"account"}})
		opens(r)
		writes("zh-CN")
		r, g := w.verified(w.request(r))
		r, err := w.open(r, "en")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.give(g, r, all(r, true)); err != nil {
			t.Fatal(err)
		}
		writes("en")
		w.pass(time.Hour)
		next, _ := w.mustAsk(w.app, c, consent.Asking{Purposes: []string{"push-notices"}})
		opens(next)
		writes("en")
		w.answered(w.app, c, mother, false, "class-ranking")
		writes("zh-CN")
	})
}
