package register_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/register"
	"wardkeep/internal/vault/vaulttest"
)

// read returns the register as whoever asks gets it, counted.
func read(t *testing.T, w *vaulttest.World, counter *register.Counter, lang i18n.Lang) (r register.Register) {
	t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		if r, err = register.Read(ctx, tx, w.Desk.Charters, vaulttest.Service, lang); err == nil {
			err = counter.Count(ctx, tx, &r)
		}
		return err
	})
	return r
}

// Article 3: each purpose of the charter is there with each thing that is done for it, with
// its items, channel, place, period and basis, in both languages; and whom something goes to
// as a list.
func TestArticle3_TheRegisterHasAllThatTheCharterDeclares(t *testing.T) {
	v2, err := charter.Load(os.DirFS("../../examples/xiaoxi-english-v2"))
	if err != nil {
		t.Fatal(err)
	}
	taken := vaulttest.Takeover(v2) // transfers, too
	abroad := *taken
	abroad.Processors = slices.Clone(taken.Processors)
	abroad.Processors[0].Country = "SG"
	far := vaulttest.ReadFrom(taken, "SG")
	for i := range far.Purposes { // one that hands something on and uses it not here says so, too
		if p := &far.Purposes[i]; p.Name == vaulttest.Handover {
			p.AccessFrom = []charter.Region{"JP"}
		}
	}
	for _, c := range []*charter.Charter{v2, taken, &abroad, far} {
		for _, lang := range i18n.Langs {
			r := register.Of(catalog.Published{Number: 7, Hash: c.Hash(), Charter: c}, nil, lang)
			if r.Charter != 7 || r.Hash != c.Hash() || len(r.Purposes) != len(c.Purposes) || len(r.Processors) != len(c.Processors) ||
				len(r.Recipients) != len(c.Recipients) || len(r.Safeguards) != len(c.Safeguards) {
				t.Errorf("%+v", r)
			}
			for i, p := range c.Purposes {
				q := r.Purposes[i]
				var does []charter.Activity
				for _, a := range q.Activities {
					if !slices.Contains(does, a.Does) {
						does = append(does, a.Does)
					}
					for _, text := range []string{a.Word, a.Channel, a.Where, a.Country} {
						if text == "" || strings.HasPrefix(text, "register.") {
							t.Errorf("%s of %s says %q", a.Does, p.Name, text)
						}
					}
					if len(a.Items) == 0 || slices.Contains(a.Items, "") {
						t.Errorf("%s of %s has no items", a.Does, p.Name)
					}
				}
				slices.Sort(does)
				want := slices.Sorted(slices.Values(p.Activities))
				if !slices.Equal(does, want) {
					t.Errorf("%s does %v, want %v", p.Name, does, want)
				}
				n := 0
				for _, a := range q.Activities {
					if a.Does == charter.Entrust {
						n++
						if _, known := party(r.Processors, a.Party); !known {
							t.Errorf("%s entrusts %q, which isn't in the list", p.Name, a.Party)
						}
					}
				}
				if p.Does(charter.Entrust) && n != len(p.Processors) {
					t.Errorf("%s entrusts %d, want %d", p.Name, n, len(p.Processors))
				}
				if q.Basis == "" || q.HowLong == "" || q.AtExpiry == "" || q.Why == "" || q.Manner == "" {
					t.Errorf("%+v", q)
				}
			}
		}
	}
	for _, p := range register.Of(catalog.Published{Charter: far}, nil, i18n.Chinese).Purposes {
		var from []string
		for _, a := range p.Activities {
			if a.Country != charter.Home {
				from = append(from, string(a.Does)+" "+a.Where)
			}
		}
		want := map[string][]string{"speaking-practice": {"use 新加坡"}, vaulttest.Handover: {"transfer 日本"}}[p.Name]
		if !slices.Equal(from, want) {
			t.Errorf("%s is read from %v, want %v", p.Name, from, want)
		}
	}
	singapore := register.Of(catalog.Published{Charter: &abroad}, nil, i18n.Chinese)
	if p, ok := party(singapore.Processors, abroad.Processors[0].Label.ZH); !ok || p.Country != "SG" || p.Where != "新加坡" {
		t.Errorf("%+v", p)
	}
}

func party(all []register.Party, label string) (register.Party, bool) {
	i := slices.IndexFunc(all, func(p register.Party) bool { return p.Label == label })
	if i < 0 {
		return register.Party{}, false
	}
	return all[i], true
}

// Article 3: whoever asks gets the charter in force at that moment. A new one is there with
// its publication, a draft is not, and so is the tag by which others know it.
func TestArticle3_TheRegisterIsNeverOutOfDate(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		var counter register.Counter
		w.Child()
		before := read(t, w, &counter, i18n.English)
		if before.Charter != 1 || before.Tag() != read(t, w, &counter, i18n.English).Tag() || before.Tag() == read(t, w, &counter, i18n.Chinese).Tag() {
			t.Errorf("charter %d, tag %s", before.Charter, before.Tag())
		}
		for _, p := range before.Purposes {
			if p.Children != 1 {
				t.Errorf("%s: %d children", p.Name, p.Children)
			}
		}
		next := *vaulttest.Takeover(w.Charter)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.Propose(ctx, tx, w.Ring, catalog.Operator{ID: "test"}, &next, nil)
			return err
		})
		if draft := read(t, w, &counter, i18n.English); draft.Tag() != before.Tag() {
			t.Error("a draft is in the register")
		}
		next.Other.EN += "!"
		w.Publish(&next)
		after := read(t, w, &counter, i18n.English)
		if _, there := party(after.Recipients, "Haixing Education for Children"); after.Hash != next.Hash() || !there || after.Tag() == before.Tag() {
			t.Errorf("charter %d with %d recipients", after.Charter, len(after.Recipients))
		}
		w.Child()
		if r := read(t, w, &counter, i18n.English); r.Purposes[0].Children != 1 { // as it was counted
			t.Errorf("%d children", r.Purposes[0].Children)
		}
		w.Pass(register.Counted)
		if r := read(t, w, &counter, i18n.English); r.Purposes[0].Children != 2 || !r.CountedAt.After(before.CountedAt) {
			t.Errorf("%d children", r.Purposes[0].Children)
		}
		counted := read(t, w, &counter, i18n.English)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := catalog.Cease(ctx, tx, w.Officer, vaulttest.Service, "class-ranking", catalog.Discontinued, tx.Now().Add(7*24*time.Hour))
			return err
		})
		ended := read(t, w, &counter, i18n.English)
		for i, p := range ended.Purposes {
			if p.Ended != (p.Name == "class-ranking") || counted.Purposes[i].Ended {
				t.Errorf("%s has ended: %v, before: %v", p.Name, p.Ended, counted.Purposes[i].Ended)
			}
		}
		if ended.Tag() == counted.Tag() {
			t.Error("a purpose has ended, and the tag says that nothing has changed")
		}
	})
}

// Article 3: where somebody counts beside, nobody waits for a count but who asks before there is any: an old one is
// given with its time, once more after it was made anew.
func TestArticle3_NobodyWaitsForACountOfOthers(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		var counter register.Counter
		beside := func() {
			t.Helper()
			if err := counter.Beside(t.Context(), w.Store); err != nil {
				t.Fatal(err)
			}
		}
		children := func() int64 { return read(t, w, &counter, i18n.English).Purposes[0].Children }
		w.Child()
		beside() // before anybody asks
		w.Child()
		if n := children(); n != 1 {
			t.Errorf("%d children, and one was counted beside", n)
		}
		w.Pass(10 * register.Counted)
		beside() // nobody has seen an old one
		was := read(t, w, &counter, i18n.English)
		if was.Purposes[0].Children != 1 || !was.CountedAt.Before(w.Store.Now().Add(-register.Counted)) {
			t.Errorf("%d children, counted at %v: an old count isn't given as it is", was.Purposes[0].Children, was.CountedAt)
		}
		beside()
		if is := read(t, w, &counter, i18n.English); is.Purposes[0].Children != 2 || !is.CountedAt.After(was.CountedAt) {
			t.Errorf("%d children, counted at %v: it wasn't counted anew", is.Purposes[0].Children, is.CountedAt)
		}
	})
}
