package assistance_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/assistance"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/party"
	"wardkeep/internal/replay"
	"wardkeep/internal/rights"
	"wardkeep/internal/vault/vaulttest"
)

const service = vaulttest.Service

type world struct {
	*vaulttest.World
	key string // of the processor
}

// each runs fn in a world with a processor that has a key, and replays its ledger.
func each(t *testing.T, fn func(t *testing.T, w world)) {
	vaulttest.Each(t, func(t *testing.T, v *vaulttest.World) {
		v.Engage(v.Store.Now().Add(100 * 24 * time.Hour))
		key, _ := v.Bind(vaulttest.ProcessorID())
		fn(t, world{v, key.ID})
		report, err := replay.Audit(t.Context(), v.Store, v.Ring, catalog.NewCache(4), replay.Options{})
		if err != nil || !report.OK() {
			t.Errorf("%v, %v", report.Differences, err)
		}
	})
}

func (w world) desk() rights.Desk {
	return rights.Desk{Ring: w.Ring, Charters: w.Desk.Charters, Calendar: workday.Default()}
}

func (w world) demand(c family.Child, kind rights.Kind, item string) (r rights.Request) {
	w.T.Helper()
	g := w.Guardian(c)
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		r, _, err = w.desk().Receive(ctx, tx, g, c, rights.Demand{Kind: kind, Door: rights.ByGuardian, Guardian: g.ID, Item: item, Held: []string{"voice", "nickname"}})
		return err
	})
	return r
}

func (w world) waiting() (all []assistance.Task) {
	w.T.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		all, err = assistance.Waiting(ctx, tx, vaulttest.ProcessorID(), assistance.Task{}, 10)
		return err
	})
	return all
}

func (w world) reply(task string, answer assistance.Answer, words string) (t assistance.Task, err error) {
	err = w.Try(func(ctx context.Context, tx *db.Tx) error {
		by, err := party.ClientOf(ctx, tx, w.key)
		if err == nil {
			t, _, err = assistance.Reply(ctx, tx, w.Ring, by, task, answer, pii.New(words))
		}
		return err
	})
	return t, err
}

// Article 16(2): whoever may have something of the child helps to answer what a guardian wants
// to be told, is asked without anybody's doing, before the demand's own day, and answers once.
func TestArticle16_APartyHelpsToAnswer(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		c := w.Child()
		r := w.demand(c, rights.Access, "")
		all := w.waiting()
		if len(all) != 1 || all[0].Demand != r.ID || all[0].Kind != "access" || len(all[0].Items) == 0 || !all[0].DueAt.Before(r.DueAt) || !all[0].DueAt.After(all[0].AskedAt) {
			t.Fatalf("%+v", all)
		}
		task := all[0].ID
		for name, c := range map[string]struct {
			task   string
			answer assistance.Answer
			words  string
			want   error
		}{
			"what there isn't":      {"as_nothing", assistance.Nothing, "", assistance.ErrNotFound},
			"an answer of its own":  {task, "perhaps", "", assistance.ErrAnswer},
			"something, and what":   {task, assistance.Has, "", assistance.ErrWords},
			"a novel":               {task, assistance.Nothing, strings.Repeat("长", 2001), assistance.ErrWords},
			"of control characters": {task, assistance.Nothing, "a\x07", assistance.ErrWords},
		} {
			if _, err := w.reply(c.task, c.answer, c.words); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		// What it owes it owes the more when it is suspended.
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Suspend(ctx, tx, w.Officer, vaulttest.ProcessorID(), party.Other)
			return err
		})
		got, err := w.reply(task, assistance.Has, "五月的录音三段")
		if err != nil || got.Open() || got.AnsweredBy != "party:"+w.key {
			t.Fatalf("%+v, %v", got, err)
		}
		if _, err := w.reply(task, assistance.Nothing, ""); !errors.Is(err, assistance.ErrAnswered) {
			t.Errorf("twice: %v", err)
		}
		if all := w.waiting(); len(all) != 0 {
			t.Errorf("there wait %+v", all)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			of, err := assistance.Of(ctx, tx, c.ID, r.ID)
			if err != nil || len(of) != 1 {
				t.Fatalf("%+v, %v", of, err)
			}
			child, err := family.Find(ctx, tx, service, c.ID)
			if err != nil {
				return err
			}
			if words, err := of[0].Words(w.Ring, child); err != nil || words.Reveal() != "五月的录音三段" {
				t.Errorf("%v", err)
			}
			return nil
		})
	})
}

// Who handles a demand asks a party for help, once at a time, and only one that may have what is
// demanded.
func TestArticle16_WhoHandlesADemandAsksForHelp(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		c := w.Child()
		help := func(r rights.Request, of party.ID) (task assistance.Task, err error) {
			err = w.Try(func(ctx context.Context, tx *db.Tx) error {
				task, _, err = w.desk().Help(ctx, tx, w.Officer, r, of)
				return err
			})
			return task, err
		}
		voice := w.demand(c, rights.Correct, "voice")
		if all := w.waiting(); len(all) != 0 {
			t.Errorf("asked without anybody's doing: %+v", all)
		}
		got, err := help(voice, vaulttest.ProcessorID())
		if err != nil || got.Item != "voice" || !got.DueAt.Before(voice.DueAt) {
			t.Fatalf("%+v, %v", got, err)
		}
		if _, err := help(voice, vaulttest.ProcessorID()); !errors.Is(err, assistance.ErrTwice) {
			t.Errorf("twice: %v", err)
		}
		nobody := vaulttest.ProcessorID()
		nobody.Name = "nobody"
		if _, err := help(voice, nobody); !errors.Is(err, rights.ErrHolder) {
			t.Errorf("who has nothing: %v", err)
		}
		if _, err := help(w.demand(c, rights.Correct, "nickname"), vaulttest.ProcessorID()); !errors.Is(err, rights.ErrHolder) {
			t.Errorf("about what it hasn't: %v", err)
		}
		w.Pass(12 * 24 * time.Hour)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			open, late, err := assistance.Count(ctx, tx, service)
			if err != nil || open != 1 || late != 1 {
				t.Errorf("%d open, %d late, %v", open, late, err)
			}
			return nil
		})
		if _, err := w.reply(got.ID, assistance.Done, ""); err != nil {
			t.Errorf("late is better than never: %v", err)
		}
		// Who has no key sees nothing here, and could never answer: it isn't said to have been asked.
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Revoke(ctx, tx, w.Officer, vaulttest.ProcessorID(), w.key)
			return err
		})
		w.demand(c, rights.Access, "")
		if all := w.waiting(); len(all) != 0 {
			t.Errorf("without a key it is asked %+v", all)
		}
		if _, err := help(voice, vaulttest.ProcessorID()); !errors.Is(err, rights.ErrMute) {
			t.Errorf("who has no key: %v", err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			all, err := w.desk().MayHelp(ctx, tx, voice)
			if len(all) != 0 {
				t.Errorf("offered to be asked: %v", all)
			}
			return err
		})
	})
}

// Article 20: a task goes with its child.
func TestArticle20_ATaskGoesWithItsChild(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		c := w.Child()
		w.demand(c, rights.Copy, "")
		task := w.waiting()[0].ID
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := w.Vault.Erase(ctx, tx, w.App.Ledger(), service, c.ID, family.Requested)
			return err
		})
		if all := w.waiting(); len(all) != 0 {
			t.Errorf("%+v", all)
		}
		if _, err := w.reply(task, assistance.Nothing, ""); !errors.Is(err, assistance.ErrNotFound) {
			t.Errorf("%v", err)
		}
	})
}

// Article 16(2): what a party is asked ends with the demand that it is to help with: it waits in no
// list, is late nowhere, and takes no answer any more. What was answered before stays, and so does what
// is asked about a demand that is answered at home, for nothing but that is waited for.
func TestArticle16_ATaskEndsWithItsDemand(t *testing.T) {
	each(t, func(t *testing.T, w world) {
		finish := func(ctx context.Context, tx *db.Tx, r rights.Request) error {
			_, _, err := w.desk().Finish(ctx, tx, w.Officer, r, pii.Text{})
			return err
		}
		for name, c := range map[string]struct {
			end     func(ctx context.Context, tx *db.Tx, r rights.Request) error
			answers bool
		}{
			"done": {end: finish},
			"refused": {end: func(ctx context.Context, tx *db.Tx, r rights.Request) error {
				_, _, err := w.desk().Refuse(ctx, tx, w.Officer, r, rights.AlreadyRight, pii.Text{})
				return err
			}},
			"answered": {end: finish, answers: true},
		} {
			child := w.Child()
			r := w.demand(child, rights.Correct, "voice")
			var task assistance.Task
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				task, _, err = w.desk().Help(ctx, tx, w.Officer, r, vaulttest.ProcessorID())
				return err
			})
			want, by, late := assistance.Lapsed, "", assistance.ErrOver
			if c.answers {
				want, by, late = assistance.Nothing, "party:"+w.key, assistance.ErrAnswered
				if _, err := w.reply(task.ID, assistance.Nothing, ""); err != nil {
					t.Fatal(err)
				}
			}
			w.Do(func(ctx context.Context, tx *db.Tx) error { return c.end(ctx, tx, r) })
			if all := w.waiting(); len(all) != 0 {
				t.Errorf("%s: there wait %+v", name, all)
			}
			if _, err := w.reply(task.ID, assistance.Done, ""); !errors.Is(err, late) {
				t.Errorf("%s: an answer that nobody waits for: %v", name, err)
			}
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				all, err := assistance.Of(ctx, tx, child.ID, r.ID)
				if len(all) != 1 || all[0].Open() || all[0].Answer != want || all[0].AnsweredBy != by {
					t.Errorf("%s: %+v", name, all)
				}
				return err
			})
		}
		w.demand(w.Child(), rights.Access, "")
		w.Pass(30 * 24 * time.Hour)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			open, late, err := assistance.Count(ctx, tx, service)
			if open != 1 || late != 1 {
				t.Errorf("%d open, %d late", open, late)
			}
			return err
		})
	})
}
