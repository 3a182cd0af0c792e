package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"wardkeep/client"
	xiaoxi "wardkeep/examples/xiaoxi-english"
	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/party"
	"wardkeep/internal/retention"
)

// story is the service of the demo.
const story = "xiaoxi-english"

// A household is a child of the story and its guardian's link.
type household struct {
	child string
	token string
	phone string
}

// What the story collects. The recording stands for a sound file.
var (
	nickname  = "小溪同学-7f3a9"
	recording = base64.StdEncoding.EncodeToString([]byte("a child reads: the quick brown fox 7f3a9"))
)

// tell tells the whole story.
func (d *demo) tell(ctx context.Context, children string) error {
	for _, chapter := range []func(context.Context) error{
		d.before, d.publish, func(ctx context.Context) error { return d.imports(ctx, children) },
		d.ask, d.answer, d.collect, d.boundaries, d.leaving, d.withdraw, d.change, d.day, d.expire,
		d.demands, d.orders, d.engaged, d.leaked, d.disclosed, d.shared, d.screened, d.retain, d.fourteen, d.suspect, d.reported, d.inspected, d.save, d.erase, d.restore, d.unused, d.end,
		d.disk, d.prove, d.tamper,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}

// try runs fn in a transaction.
func (d *demo) try(ctx context.Context, fn func(tx *db.Tx) error) error {
	return d.app.Store.Update(ctx, fn)
}

func (d *demo) issue(ctx context.Context, name string, scopes ...account.Scope) (key string, err error) {
	set := account.AllScopes()
	if len(scopes) > 0 {
		if set, err = account.NewScopes(scopes...); err != nil {
			return "", err
		}
	}
	err = d.try(ctx, func(tx *db.Tx) (err error) {
		_, key, _, err = account.IssueApp(ctx, tx, operator, story, name, set, time.Time{})
		return err
	})
	return key, err
}

// before: a service without rules, agreement, officer and deputy takes nothing.
func (d *demo) before(ctx context.Context) error {
	d.chapter("before")
	err := d.try(ctx, func(tx *db.Tx) error {
		_, _, err := catalog.Create(ctx, tx, operator, story, catalog.Live)
		return err
	})
	if err != nil {
		return err
	}
	if d.client, err = d.another(ctx, "xiaoxi-app"); err != nil {
		return err
	}
	_, err = d.client.Register(ctx, wardkeep.NewChild{Ref: "too-early", Guardian: wardkeep.GuardianContact{Phone: "13800138000"}})
	p, ok := errors.AsType[*wardkeep.Problem](err)
	d.show("8", "closed", ok && p.Has("gate.no_charter") && p.Has("gate.no_officer") && p.Has("gate.no_deputy"))
	d.tellReasons(err)
	return nil
}

func (d *demo) publish(ctx context.Context) error {
	d.chapter("publish")
	c, err := charter.Load(xiaoxi.Files)
	if err != nil {
		return err
	}
	var published catalog.Published
	err = d.try(ctx, func(tx *db.Tx) (err error) {
		d.officer, published, err = establish(ctx, tx, d.app.Ring, c)
		return err
	})
	if err != nil {
		return err
	}
	lang := charter.Lang(d.s.lang)
	notice, err := charter.Notice(c, lang)
	if err != nil {
		return err
	}
	d.show("8", "published", published.Number == 1, "Purposes", len(c.Purposes), "Items", len(c.Items))
	online, err := d.client.Charter(ctx, string(lang))
	if err != nil {
		return err
	}
	d.show("10", "notice", online.NoticeHash == notice.Hash() && len(notice.Sections) == len(charter.SectionKeys), "Hash", notice.Hash()[:16])
	return nil
}

// establish puts a service in order: somebody in charge, a deputy, an assessment of each
// purpose, an emergency plan, and the charter.
func establish(ctx context.Context, tx *db.Tx, ring *keyring.Ring, c *charter.Charter) (officer catalog.Officer, published catalog.Published, err error) {
	draft, _, err := catalog.Propose(ctx, tx, ring, operator, c, nil)
	if err != nil {
		return officer, published, err
	}
	if officer, _, err = catalog.Appoint(ctx, tx, operator, c.Service, catalog.RoleOfficer, "林静", "ertong@xiaoxi-english.example"); err != nil {
		return officer, published, err
	}
	if _, _, err = catalog.Appoint(ctx, tx, operator, c.Service, catalog.RoleDeputy, "周远", "400-000-0000"); err != nil {
		return officer, published, err
	}
	if err = assess(ctx, tx, ring, officer, c, draft.Number); err != nil {
		return officer, published, err
	}
	if err = plans(ctx, tx, ring, officer); err != nil {
		return officer, published, err
	}
	published, _, err = party.Publish(ctx, tx, ring, officer, c.Service, draft.Number)
	return officer, published, err
}

// imports takes the operator's export by the command that operators use.
func (d *demo) imports(ctx context.Context, file string) error {
	d.chapter("import")
	// The list of rejects is written beside the file that is imported.
	export := filepath.Join(d.dir, filepath.Base(file))
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%w: %w", errImportFile, err)
	}
	if err := os.WriteFile(export, b, 0o600); err != nil {
		return err
	}
	command := importCmd{Service: story, File: export, Yes: true, Prefer: "sms", Locale: "zh-CN"}
	begun := time.Now()
	if err := command.into(ctx, d.s, d.app); err != nil {
		return err
	}
	n, err := d.count(ctx, `SELECT count(*) FROM child WHERE service = $1 AND state = 'unconsented'`, story)
	if err != nil {
		return err
	}
	held, err := d.count(ctx, `SELECT count(*) FROM value`)
	if err != nil {
		return err
	}
	d.imported = n
	d.show("9", "imported", n > 1000 && held == 0 && len(d.outbox.Messages()) == 0, "Count", n, "Seconds", int(time.Since(begun).Seconds())+1)
	return nil
}

func (d *demo) count(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = d.app.Store.View(ctx, func(tx *db.Tx) (err error) {
		n, err = db.One(ctx, tx, db.Single[int64], query, args...)
		return err
	})
	return n, err
}

// asked is how many guardians of the import the story follows.
const asked = 6

// ask sends the first few of the queued requests.
func (d *demo) ask(ctx context.Context) error {
	d.chapter("ask")
	var waiting []consent.Request
	err := d.app.Store.View(ctx, func(tx *db.Tx) error {
		some, err := consent.Unsent(ctx, tx, story, consent.Request{}, 20*asked)
		if err != nil {
			return err
		}
		for _, r := range some {
			c, err := family.Find(ctx, tx, story, r.Child)
			if err != nil {
				return err
			}
			birth, err := c.Birth(d.app.Ring)
			if err != nil {
				return err
			}
			// The story goes on for months: its children must not turn 14 meanwhile.
			if len(waiting) < asked && birth.ClassAt(tx.Now().AddDate(1, 0, 0)) == age.Child {
				waiting = append(waiting, r)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, r := range waiting {
		var secrets consent.Secrets
		var to consent.Contact
		err := d.try(ctx, func(tx *db.Tx) (err error) {
			_, secrets, to, _, err = d.desk.Send(ctx, tx, operator, r)
			return err
		})
		if err != nil {
			return err
		}
		d.families = append(d.families, &household{child: string(r.Child), token: secrets.Token, phone: to.To.Reveal()})
	}
	left, err := d.count(ctx, `SELECT count(*) FROM consent_request WHERE state = 'pending' AND sends = 0`)
	d.show("9", "asked", len(d.families) == asked, "Count", len(d.families), "Left", left)
	return err
}

// guardian answers one request as a guardian does: reads the notice, gets a
// code, types it, chooses.
func (d *demo) guardian(ctx context.Context, h *household, choose func(purpose string) bool) error {
	g, err := wardkeep.ForGuardian(d.base, h.token)
	if err != nil {
		return err
	}
	g.With(d.client)
	r, err := g.Open(ctx, "zh-CN")
	if err != nil {
		return err
	}
	proof, err := d.prove6(ctx, g)
	if err != nil {
		return err
	}
	answers := make(map[string]bool)
	for _, p := range r.Purposes {
		answers[p] = choose(p)
	}
	_, err = g.Answer(ctx, wardkeep.GuardianAnswer{Proof: proof, Answers: answers, NoticeHash: r.NoticeHash, Lang: "zh-CN"})
	return err
}

// prove6 gets a one-time code and types it.
func (d *demo) prove6(ctx context.Context, g *wardkeep.GuardianClient) (proof string, err error) {
	if _, err := g.SendCode(ctx); err != nil {
		return "", err
	}
	v, err := g.Verify(ctx, d.code())
	return v.Proof, err
}

func (d *demo) answer(ctx context.Context) error {
	d.chapter("answer")
	h := d.families[0]
	g, err := wardkeep.ForGuardian(d.base, h.token)
	if err != nil {
		return err
	}
	if _, err := g.With(d.client).Open(ctx, "zh-CN"); err != nil {
		return err
	}
	_, err = g.Answer(ctx, wardkeep.GuardianAnswer{Proof: "0", Answers: map[string]bool{"account": true}, NoticeHash: "0", Lang: "zh-CN"})
	d.show("9", "link_alone", err != nil)
	all := func(string) bool { return true }
	none := func(string) bool { return false }
	for i, choose := range []func(string) bool{all, func(p string) bool { return p != "speaking-practice" && p != "class-ranking" }, none, all} {
		if err := d.guardian(ctx, d.families[i], choose); err != nil {
			return err
		}
	}
	d.show("9", "agreed", d.permitted(ctx, 0, "collect", "speaking-practice", "voice"))
	d.show("10", "partly", d.permitted(ctx, 1, "collect", "course-progress", "nickname") && !d.permitted(ctx, 1, "collect", "speaking-practice", "voice"))
	d.show("10", "refused", !d.permitted(ctx, 2, "collect", "account", "guardian_phone"))
	d.show("9", "silent", !d.permitted(ctx, 4, "collect", "account", "guardian_phone"))
	_, err = d.client.Ask(ctx, wardkeep.Asking{Child: d.families[1].child, Purposes: []string{"speaking-practice"}, Channel: "link", Locale: "zh-CN"})
	p, ok := errors.AsType[*wardkeep.Problem](err)
	d.show("9", "not_again", ok && p.Code == "consent.refused_before")
	return nil
}

// permitted asks the gate without using anything.
func (d *demo) permitted(ctx context.Context, i int, activity, purpose, item string) bool {
	got, err := d.client.Decide(ctx, wardkeep.Check{Child: d.families[i].child, Activity: activity, Purpose: purpose, Items: []string{item}})
	return err == nil && len(got) == 1 && got[0].Permitted
}

func (d *demo) put(ctx context.Context, i int, purpose, item, value string) error {
	_, err := d.client.Collect(ctx, d.families[i].child, "", wardkeep.Collection{Purpose: purpose, Values: map[string]string{item: value}})
	return err
}

func (d *demo) read(ctx context.Context, i int, purpose, item string) (string, error) {
	v, err := d.client.Read(ctx, d.families[i].child, wardkeep.Reading{Purpose: purpose, Items: []string{item}})
	return v.Values[item], err
}

func (d *demo) collect(ctx context.Context) error {
	d.chapter("collect")
	for _, one := range []struct {
		i                    int
		purpose, item, value string
	}{{0, "course-progress", "nickname", nickname}, {0, "speaking-practice", "voice", recording}, {1, "course-progress", "nickname", nickname},
		{3, "speaking-practice", "voice", recording}} {
		if err := d.put(ctx, one.i, one.purpose, one.item, one.value); err != nil {
			return err
		}
	}
	got, err := d.read(ctx, 0, "course-progress", "nickname")
	d.show("13", "read", err == nil && got == nickname)
	err = d.put(ctx, 1, "speaking-practice", "voice", recording)
	d.show("9", "refused_collect", errors.Is(err, wardkeep.ErrConsentRefused))
	d.tellReasons(err)
	err = d.put(ctx, 0, "course-progress", "school", "第一小学")
	d.show("11", "beyond", errors.Is(err, wardkeep.ErrItemNotInPurpose))
	err = d.put(ctx, 0, "course-progress", "father_income", "1")
	p, ok := errors.AsType[*wardkeep.Problem](err)
	d.show("11", "undeclared", ok && p.Has("gate.item_unknown"))
	return nil
}

// boundaries: another purpose, another activity, a key with less authority.
func (d *demo) boundaries(ctx context.Context) error {
	d.chapter("boundaries")
	_, err := d.read(ctx, 0, "parent-reports", "voice")
	d.show("14", "other_purpose", errors.Is(err, wardkeep.ErrItemNotInPurpose))
	d.tellReasons(err)
	_, err = d.read(ctx, 0, "advertising", "nickname")
	p, ok := errors.AsType[*wardkeep.Problem](err)
	d.show("14", "no_purpose", ok && p.Has("gate.purpose_unknown"))
	writer, err := d.another(ctx, "collector", account.ItemsWrite)
	if err != nil {
		return err
	}
	_, err = writer.Read(ctx, d.families[0].child, wardkeep.Reading{Purpose: "course-progress", Items: []string{"nickname"}})
	p, ok = errors.AsType[*wardkeep.Problem](err)
	d.show("15", "scope", ok && p.Status == 403)
	young, err := d.client.CheckAge(ctx, wardkeep.AgeCheck{BirthDate: birthday(d.app.Store.Now(), 14, 0)})
	if err != nil {
		return err
	}
	older, err := d.client.CheckAge(ctx, wardkeep.AgeCheck{BirthDate: birthday(d.app.Store.Now(), 14, 1)})
	d.show("2", "age", err == nil && young.Age == "child" && older.Age == "minor")
	return err
}

// birthday returns the birth date of whoever turned n that many days ago.
func birthday(now time.Time, n, days int) string {
	return now.In(time.FixedZone("", 8*3600)).AddDate(0, 0, -days).AddDate(-n, 0, 0).Format("2006-01-02")
}

// leaving: to a processor; to the class, on a public profile, by a shared link.
func (d *demo) leaving(ctx context.Context) error {
	d.chapter("leaving")
	got, err := d.client.Decide(ctx,
		wardkeep.Check{Child: d.families[0].child, Activity: "entrust", Purpose: "speaking-practice", Items: []string{"voice"}, Party: "yuping-assessment"})
	if err != nil {
		return err
	}
	d.show("16", "processor", !got[0].Permitted && slices.ContainsFunc(got[0].Reasons, func(r wardkeep.Reason) bool { return r.Code == "gate.processor_not_engaged" }))
	refused := func(family int, w wardkeep.Disclosure, code string) bool {
		values, err := d.client.Disclose(ctx, d.families[family].child, w)
		p, ok := errors.AsType[*wardkeep.Problem](err)
		return ok && p.Has(code) && len(values.Values) == 0
	}
	ranking := wardkeep.Disclosure{Purpose: "class-ranking", Audience: "class", Items: []string{"nickname", "weekly_score"}}
	d.show("18", "ranking_weak", refused(0, ranking, "gate.verification_too_weak"))
	d.show("18", "ranking_refused", refused(1, ranking, "gate.consent_refused"))
	d.show("18", "profile_refused", refused(0, wardkeep.Disclosure{Purpose: "class-ranking", Audience: "class", Items: []string{"nickname", "school"}}, "gate.item_not_for_audience"))
	d.show("18", "link_refused", refused(0, wardkeep.Disclosure{Purpose: "speaking-practice", Audience: "whoever-has-the-link", Items: []string{"voice"}}, "gate.audience_unknown"))
	return nil
}

// withdraw takes a consent back while the app reads as fast as it can.
func (d *demo) withdraw(ctx context.Context) error {
	d.chapter("withdraw")
	h := d.families[3]
	g, err := wardkeep.ForGuardian(d.base, h.token)
	if err != nil {
		return err
	}
	proof, err := d.prove6(ctx, g.With(d.client))
	if err != nil {
		return err
	}
	var acknowledged atomic.Bool
	var before, after atomic.Int64
	reading, stop := context.WithCancel(ctx)
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for reading.Err() == nil {
				late := acknowledged.Load() // begun after the withdrawal was acknowledged
				if _, err := d.read(reading, 3, "speaking-practice", "voice"); err == nil {
					if late {
						after.Add(1)
					} else {
						before.Add(1)
					}
				}
			}
		})
	}
	time.Sleep(300 * time.Millisecond)
	_, err = g.Withdraw(ctx, wardkeep.Withdrawal{Proof: proof, Purpose: "speaking-practice"})
	acknowledged.Store(true)
	time.Sleep(300 * time.Millisecond)
	stop()
	readers.Wait()
	if err != nil {
		return err
	}
	d.show("20", "withdrawn", before.Load() > 0 && after.Load() == 0, "Before", before.Load(), "After", after.Load())
	_, err = d.read(ctx, 3, "speaking-practice", "voice")
	d.tellReasons(err)
	left, err := d.count(ctx, `SELECT count(*) FROM value WHERE child = $1 AND item = $2`, d.families[3].child, "voice")
	d.show("20", "withdrawn_erased", left == 0)
	return err
}

// change publishes a charter that keeps recordings longer.
func (d *demo) change(ctx context.Context) error {
	d.chapter("change")
	old, err := charter.Load(xiaoxi.Files)
	if err != nil {
		return err
	}
	c := *old
	c.Purposes = slices.Clone(old.Purposes)
	i := slices.IndexFunc(c.Purposes, func(p charter.Purpose) bool { return p.Name == "speaking-practice" })
	if c.Purposes[i].Retention.Period, err = charter.ParsePeriod("180d"); err != nil {
		return err
	}
	longer, err := charter.Parse(c.Canonical())
	if err != nil {
		return err
	}
	changes := charter.Diff(old, longer)
	publish := func(first func(tx *db.Tx, number int64) error) error {
		return d.try(ctx, func(tx *db.Tx) error {
			draft, _, err := catalog.Propose(ctx, tx, d.app.Ring, operator, longer, nil)
			if err == nil {
				err = first(tx, draft.Number)
			}
			if err == nil {
				_, _, err = party.Publish(ctx, tx, d.app.Ring, d.officer, story, draft.Number)
			}
			return err
		})
	}
	err = publish(func(*db.Tx, int64) error { return nil })
	d.show("7", "unassessed", errors.Is(err, catalog.ErrUnassessed))
	begun := time.Now()
	err = publish(func(tx *db.Tx, number int64) error { return assess(ctx, tx, d.app.Ring, d.officer, longer, number) })
	if err != nil {
		return err
	}
	took := time.Since(begun)
	for _, ch := range changes {
		d.s.print("      " + ch.Words.In(charter.Lang(d.s.lang)))
	}
	_, err = d.read(ctx, 0, "speaking-practice", "voice")
	stale := errors.Is(err, wardkeep.ErrConsentStale)
	_, other := d.read(ctx, 0, "course-progress", "nickname")
	d.show("10", "stale", stale && other == nil, "Millis", took.Milliseconds())
	d.tellReasons(err)
	return nil
}

// day lets a day go by, and everyone is erased whose guardian hasn't answered.
func (d *demo) day(ctx context.Context) error {
	d.chapter("day")
	d.pass(24*time.Hour + time.Minute)
	err := d.put(ctx, 4, "account", "guardian_phone", "13800138000")
	p, ok := errors.AsType[*wardkeep.Problem](err)
	d.show("12", "day_denied", ok && p.Has("gate.unconsented_expired"))
	begun := time.Now()
	done, err := d.sweep(ctx)
	if err != nil {
		return err
	}
	left, err := d.count(ctx, `SELECT count(*) FROM child WHERE service = $1 AND state = 'unconsented'`, story)
	d.show("20", "day_swept", left == 0, "Count", done.Unanswered, "Seconds", int(time.Since(begun).Seconds())+1)
	return err
}

// sweep erases what is due, as the server's job does each minute.
func (d *demo) sweep(ctx context.Context) (done retention.Swept, err error) {
	// The server's own sweep may be at it too: what it does isn't counted here.
	for {
		more, err := retention.Sweep(ctx, d.app.Store, d.app.Vault)
		done.Values += more.Values
		done.Unanswered += more.Unanswered
		if err != nil || more.Values+more.Unanswered == 0 {
			return done, err
		}
	}
}

func (d *demo) expire(ctx context.Context) error {
	d.chapter("expire")
	ended, err := d.close(ctx, d.families[1])
	if err != nil {
		return err
	}
	d.pass(91 * 24 * time.Hour)
	n, err := d.count(ctx, `SELECT count(*) FROM value WHERE item = $1`, "voice")
	if err != nil {
		return err
	}
	_, err = d.read(ctx, 0, "speaking-practice", "voice")
	p, ok := errors.AsType[*wardkeep.Problem](err)
	d.show("12", "expired", ok && p.Has("gate.value_expired"), "Count", n)
	done, err := d.sweep(ctx)
	if err != nil {
		return err
	}
	left, err := d.count(ctx, `SELECT count(*) FROM value WHERE item = $1`, "voice")
	d.show("12", "swept", left == 0, "Count", done.Values)
	if err != nil {
		return err
	}
	left, err = d.count(ctx, `SELECT count(*) FROM value WHERE item = $1`, "guardian_phone")
	d.show("12", "event", ended && left == 0)
	return err
}

// close reports that a family has closed its account, and returns whether what
// was kept until then ends after the promised days and not years later.
func (d *demo) close(ctx context.Context, h *household) (ended bool, err error) {
	const item, days = "guardian_phone", 15 * 24 * time.Hour
	kept, err := d.client.Collect(ctx, h.child, "", wardkeep.Collection{Purpose: "account", Values: map[string]string{item: "13800138000"}})
	if err != nil {
		return false, err
	}
	closed, err := d.client.Report(ctx, h.child, wardkeep.Happening{Event: "account-closed"})
	years := kept.Expires[item].After(closed.HappenedAt.AddDate(5, 0, 0))
	return years && closed.Expires[item].Equal(closed.HappenedAt.Add(days)), err
}

// erase closes an account; a sealed value in the operator's own database dies
// with it.
func (d *demo) erase(ctx context.Context) error {
	d.chapter("erase")
	sealed, err := d.client.Seal(ctx, wardkeep.Batch{Purpose: "course-progress", Children: []wardkeep.ChildValues{
		{Child: d.families[0].child, Values: map[string]string{"nickname": nickname}}}})
	if err != nil {
		return err
	}
	open := func() (string, error) {
		got, err := d.client.Open(ctx, wardkeep.Batch{Purpose: "course-progress", Children: []wardkeep.ChildValues{
			{Child: d.families[0].child, Values: sealed[0].Values}}})
		if err != nil || got[0].Problem != nil {
			return "", errors.Join(err, errNotHeld)
		}
		return got[0].Values["nickname"], nil
	}
	before, err := open()
	if err != nil {
		return err
	}
	if _, err := d.client.Erase(ctx, d.families[0].child); err != nil {
		return err
	}
	_, gone := open()
	_, err = d.read(ctx, 0, "course-progress", "nickname")
	d.show("20", "erased", errors.Is(err, wardkeep.ErrChildErased))
	d.show("20", "sealed_dead", before == nickname && gone != nil)
	rows, err := d.count(ctx, `SELECT count(*) FROM value JOIN child ON child.child = value.child WHERE child.child = $1 OR child.wrapped IS NULL`, family.ID(d.families[0].child))
	d.show("20", "rows_gone", rows == 0)
	return err
}
