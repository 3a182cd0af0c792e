package rectification_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family/age"
	"wardkeep/internal/ledger"
	"wardkeep/internal/message"
	"wardkeep/internal/rectification"
	"wardkeep/internal/replay"
	"wardkeep/internal/retention"
	"wardkeep/internal/signin"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

const service = vaulttest.Service

// An office is a service with those who put right there: the officer, the deputy and a manager.
type office struct {
	*vaulttest.World
	log                      *ledger.Log
	officer, deputy, manager staff.Person
}

func each(t *testing.T, fn func(t *testing.T, o *office)) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		signer, _, err := ledger.NewSigner("wardkeep.test", make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		o := &office{World: w, log: ledger.Open(w.Store, "wardkeep.test", signer)}
		o.officer, o.deputy = o.held(catalog.RoleOfficer), o.held(catalog.RoleDeputy)
		o.manager = o.hire("韩梅梅", staff.Grant{Role: staff.Manager, Service: service})
		fn(t, o)
	})
}

func (o *office) held(role catalog.Role) staff.Person {
	var g staff.Grant
	o.Do(func(ctx context.Context, tx *db.Tx) error {
		held, err := catalog.Holder(ctx, tx, service, role)
		if err == nil {
			g, err = staff.OfOffice(ctx, tx, service, held.ID)
		}
		return err
	})
	return o.hire(string(role), g)
}

func (o *office) hire(name string, g staff.Grant) (p staff.Person) {
	o.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		p, err = staff.Add(ctx, tx, catalog.Operator{ID: "test"}, name, g)
		return err
	})
	return p
}

func manages(p staff.Person) staff.Acting {
	return staff.Acting{Person: p, Action: staff.ManageRectifications}
}
func sees(p staff.Person) staff.Acting {
	return staff.Acting{Person: p, Action: staff.SeeRectifications}
}
func proves(p staff.Person) staff.Acting {
	return staff.Acting{Person: p, Action: staff.ProveRectifications}
}

// day is so many days from today, as forms have it.
func (o *office) day(n int) string {
	return o.Store.Now().In(age.Zone).AddDate(0, 0, n).Format(time.DateOnly)
}

var said = rectification.Text{Authority: pii.New("某市网信办"), Document: pii.New("网信约〔2026〕7号"), Provision: pii.New("第二十五条"), Words: pii.New("未经同意收集位置")}

type result struct {
	rectification.Matter
	err error
}

func (o *office) do(fn func(ctx context.Context, tx *db.Tx) (rectification.Matter, string, error)) (r result) {
	r.err = o.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		r.Matter, _, err = fn(ctx, tx)
		return err
	})
	return r
}

func (o *office) record(by staff.Acting, m rectification.Matter, due string, text rectification.Text) result {
	m.Service = service
	return o.do(func(ctx context.Context, tx *db.Tx) (rectification.Matter, string, error) {
		return rectification.Record(ctx, tx, o.Ring, by, m, due, text)
	})
}

func (o *office) prove(by staff.Person, name string) result {
	return o.do(func(ctx context.Context, tx *db.Tx) (rectification.Matter, string, error) {
		return rectification.Prove(ctx, tx, o.Ring, proves(by), service, name, o.day(0), pii.New("已整改"), []byte("%PDF-1.7 proof"))
	})
}

func (o *office) confirm(by staff.Person, name string) result {
	return o.do(func(ctx context.Context, tx *db.Tx) (rectification.Matter, string, error) {
		return rectification.Confirm(ctx, tx, manages(by), service, name)
	})
}

func (o *office) reopen(by staff.Person, name, due, why string) result {
	return o.do(func(ctx context.Context, tx *db.Tx) (rectification.Matter, string, error) {
		return rectification.Reopen(ctx, tx, o.Ring, manages(by), service, name, due, pii.New(why))
	})
}

func (o *office) postpone(by staff.Person, name, due, why string) result {
	return o.do(func(ctx context.Context, tx *db.Tx) (rectification.Matter, string, error) {
		return rectification.Postpone(ctx, tx, o.Ring, manages(by), service, name, due, pii.New(why))
	})
}

func (o *office) want(what string, got result, err error, state rectification.State) rectification.Matter {
	o.T.Helper()
	if !errors.Is(got.err, err) || err == nil && got.State() != state {
		o.T.Errorf("%s: %s, %v; want %s, %v", what, got.State(), got.err, state, err)
	}
	return got.Matter
}

func (o *office) audit() {
	o.T.Helper()
	if err := o.log.Flush(o.T.Context()); err != nil {
		o.T.Fatal(err)
	}
	report, err := replay.Audit(o.T.Context(), o.Store, o.Ring, catalog.NewCache(4), replay.Options{})
	if err != nil || !report.OK() {
		o.T.Errorf("%v, %v", report.Differences, err)
	}
}

// Article 25: a summons is answered once all that has to be put right for it is proved by its
// owner and confirmed by another, and no date moves without a reason.
func TestArticle25_ASummonsEndsWithItsItems(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		const open, proved, closed = rectification.Open, rectification.Proved, rectification.Closed
		summons := o.want("recorded", o.record(manages(o.officer), rectification.Matter{What: rectification.Summons, Owner: o.officer.ID, Dated: o.day(-1)}, o.day(30), said), nil, open)
		of := rectification.Matter{What: rectification.Item, PartOf: summons.ID, Owner: o.manager.ID}
		item := o.want("an item", o.record(manages(o.deputy), of, o.day(10), said), nil, open)
		o.want("answered too early", o.prove(o.officer, summons.ID), rectification.ErrPartsOpen, open)
		o.want("confirmed unproved", o.confirm(o.officer, item.ID), rectification.ErrNotProved, open)
		o.want("proved by another", o.prove(o.officer, item.ID), rectification.ErrNotOwner, open)
		o.want("postponed without a reason", o.postpone(o.officer, item.ID, o.day(20), " "), rectification.ErrWords, open)
		o.want("postponed to an earlier day", o.postpone(o.officer, item.ID, o.day(5), "忙"), rectification.ErrEarlier, open)
		later := o.want("postponed", o.postpone(o.officer, item.ID, o.day(20), "供应商延期"), nil, open)
		if later.Postponed != 1 || later.LastDay() != o.day(20) || !later.DueAt.After(item.DueAt) {
			t.Errorf("%+v", later)
		}
		o.want("proved", o.prove(o.manager, item.ID), nil, proved)
		o.want("handed over too late", o.do(func(ctx context.Context, tx *db.Tx) (rectification.Matter, string, error) {
			return rectification.Hand(ctx, tx, manages(o.officer), service, item.ID, o.deputy.ID)
		}), rectification.ErrNotOpen, "")
		o.want("answered while nobody has confirmed it", o.prove(o.officer, summons.ID), rectification.ErrPartsOpen, open)
		o.want("sent back", o.reopen(o.deputy, item.ID, o.day(12), "截图不全"), nil, open)
		o.want("handed over", o.do(func(ctx context.Context, tx *db.Tx) (rectification.Matter, string, error) {
			return rectification.Hand(ctx, tx, manages(o.officer), service, item.ID, o.deputy.ID)
		}), nil, open)
		o.want("proved by the new owner", o.prove(o.deputy, item.ID), nil, proved)
		o.want("confirmed by oneself", o.confirm(o.deputy, item.ID), rectification.ErrSecond, proved)
		o.want("confirmed", o.confirm(o.officer, item.ID), nil, closed)
		o.want("confirmed twice", o.confirm(o.officer, item.ID), rectification.ErrNotProved, closed)
		o.want("answered", o.prove(o.officer, summons.ID), nil, proved)
		o.want("an item too late", o.record(manages(o.deputy), of, o.day(10), said), rectification.ErrWholeDone, "")
		o.want("its item opened again", o.reopen(o.deputy, item.ID, o.day(12), "复查"), rectification.ErrWholeDone, closed)
		o.want("confirmed by oneself", o.confirm(o.officer, summons.ID), rectification.ErrSecond, proved)
		o.want("the answer confirmed", o.confirm(o.deputy, summons.ID), nil, closed)
		o.want("opened again", o.reopen(o.officer, summons.ID, o.day(9), "网信办复查"), nil, open)
		again := o.want("its item opened again", o.reopen(o.deputy, item.ID, o.day(8), "网信办复查"), nil, open)
		if again.Reopened != 2 || !again.DoneAt.IsZero() || again.ClosedBy != "" || again.Owner != o.deputy.ID {
			t.Errorf("%+v", again)
		}
		o.Do(func(ctx context.Context, tx *db.Tx) error {
			_, notes, err := rectification.Read(ctx, tx, sees(o.manager), service, again.ID)
			var words []string
			for _, n := range notes {
				text, e := n.Text(o.Ring)
				words, err = append(words, text.Words.Reveal()), errors.Join(err, e)
			}
			if got := strings.Join(words, "; "); got != "未经同意收集位置; 供应商延期; 已整改; 截图不全; 已整改; 网信办复查" {
				t.Error(got)
			}
			_, document, e := rectification.Fetch(ctx, tx, o.Ring, sees(o.manager), service, again.ID, 2)
			if string(document) != "%PDF-1.7 proof" {
				t.Errorf("%q", document)
			}
			if _, _, none := rectification.Fetch(ctx, tx, o.Ring, sees(o.manager), service, again.ID, 1); !errors.Is(none, rectification.ErrNoPaper) {
				t.Errorf("a reason has a document: %v", none)
			}
			for what, by := range map[string]staff.Acting{"who may only prove": proves(o.manager), "who is at work elsewhere": sees(staff.Person{ID: o.manager.ID})} {
				if _, _, none := rectification.Read(ctx, tx, by, service, again.ID); !errors.Is(none, rectification.ErrMayNot) {
					t.Errorf("%s reads: %v", what, none)
				}
			}
			count, e2 := rectification.Count(ctx, tx, service, rectification.Item, 10)
			if count != (rectification.Tally{Open: 1}) {
				t.Errorf("%+v", count)
			}
			plain, e3 := db.All(ctx, tx, db.Single[[]byte], `SELECT sealed FROM rectification_note UNION ALL SELECT document FROM rectification_note WHERE document IS NOT NULL`)
			for _, sealed := range plain {
				if bytes.Contains(sealed, []byte("网信")) || bytes.Contains(sealed, []byte("%PDF")) {
					t.Error("what was written is kept in plain")
				}
			}
			return errors.Join(err, e, e2, e3)
		})
		var read []rectification.ReadBody
		if err := o.log.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		o.Do(func(ctx context.Context, tx *db.Tx) error {
			read = nil
			return ledger.ReadKind(ctx, tx, 1, 1<<40, rectification.KindRead, func(p ledger.Placed) error {
				var b rectification.ReadBody
				err := p.Into(&b)
				read = append(read, b)
				return err
			})
		})
		if len(read) != 2 || read[0].Matter != again.ID || read[0].Notes != 6 || read[0].Document != 0 || read[1].Document != 2 {
			t.Errorf("on record is %+v", read)
		}
		o.audit()
	})
}

// Articles 26 and 27: a sanction is complied with, and an entry in a credit file ends, with
// proof; that it is appealed against moves no day.
func TestArticle26_ASanctionIsCompliedWithByProof(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		fine := rectification.Matter{What: rectification.Sanction, Sort: rectification.Fine, Amount: 50_000_00, Owner: o.manager.ID, Dated: o.day(-3)}
		sanction := o.want("recorded", o.record(manages(o.officer), fine, o.day(15), said), nil, rectification.Open)
		appeal := func() result {
			return o.do(func(ctx context.Context, tx *db.Tx) (rectification.Matter, string, error) {
				return rectification.Appeal(ctx, tx, o.Ring, manages(o.officer), service, sanction.ID, pii.New("金额有误"))
			})
		}
		if appealed := o.want("appealed", appeal(), nil, rectification.Open); !appealed.Appealed || !appealed.DueAt.Equal(sanction.DueAt) {
			t.Errorf("%+v", appealed)
		}
		o.want("appealed twice", appeal(), rectification.ErrAppealed, "")
		entry := o.want("an entry", o.record(manages(o.officer), rectification.Matter{What: rectification.Credit, PartOf: sanction.ID, Owner: o.deputy.ID, Dated: o.day(-1)}, o.day(365), said), nil, rectification.Open)
		o.want("paid", o.prove(o.manager, sanction.ID), nil, rectification.Proved)
		o.want("confirmed", o.confirm(o.officer, sanction.ID), nil, rectification.Closed)
		o.want("repaired", o.prove(o.deputy, entry.ID), nil, rectification.Proved)
		o.want("confirmed", o.confirm(o.officer, entry.ID), nil, rectification.Closed)
		o.Do(func(ctx context.Context, tx *db.Tx) error {
			parts, err := rectification.Parts(ctx, tx, sanction)
			if len(parts) != 1 || parts[0].ID != entry.ID || parts[0].Open() {
				t.Errorf("%+v", parts)
			}
			return err
		})
		o.audit()
	})
}

// What can't be one isn't recorded, whoever may not acts in vain, and nothing is half done.
func TestArticle25_WhatARectificationRefuses(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		worker := o.hire("小李", staff.Grant{Role: staff.Worker, Service: service})
		item := rectification.Matter{What: rectification.Item, Source: rectification.Inspection, Owner: o.manager.ID}
		summons := rectification.Matter{What: rectification.Summons, Owner: o.manager.ID, Dated: o.day(0)}
		sanction := rectification.Matter{What: rectification.Sanction, Sort: rectification.Warning, Owner: o.manager.ID, Dated: o.day(0)}
		with := func(m rectification.Matter, change func(*rectification.Matter)) rectification.Matter {
			change(&m)
			return m
		}
		text := func(change func(*rectification.Text)) rectification.Text { t := said; change(&t); return t }
		for name, c := range map[string]struct {
			by   staff.Acting
			m    rectification.Matter
			due  string
			text rectification.Text
			want error
		}{
			"by a manager":            {manages(o.manager), item, o.day(1), said, rectification.ErrMayNot},
			"by who only proves":      {proves(o.officer), item, o.day(1), said, rectification.ErrMayNot},
			"of nothing":              {manages(o.officer), with(item, func(m *rectification.Matter) { m.What = "x" }), o.day(1), said, rectification.ErrWhat},
			"found by nobody":         {manages(o.officer), with(item, func(m *rectification.Matter) { m.Source = "" }), o.day(1), said, rectification.ErrSource},
			"of no summons":           {manages(o.officer), with(item, func(m *rectification.Matter) { m.PartOf, m.Source = "rc_00000000000000000000000000", "" }), o.day(1), said, rectification.ErrPart},
			"a credit of no sanction": {manages(o.officer), rectification.Matter{What: rectification.Credit, Owner: o.manager.ID, Dated: o.day(0)}, o.day(1), said, rectification.ErrPart},
			"nobody's":                {manages(o.officer), with(item, func(m *rectification.Matter) { m.Owner = "st_nobody" }), o.day(1), said, rectification.ErrOwner},
			"of who may not":          {manages(o.officer), with(item, func(m *rectification.Matter) { m.Owner = worker.ID }), o.day(1), said, rectification.ErrOwner},
			"yesterday":               {manages(o.officer), item, o.day(-1), said, rectification.ErrDue},
			"on no day":               {manages(o.officer), item, "soon", said, rectification.ErrDue},
			"dated tomorrow":          {manages(o.officer), with(summons, func(m *rectification.Matter) { m.Dated = o.day(1) }), o.day(2), said, rectification.ErrDay},
			"due before its document": {manages(o.officer), summons, o.day(-1), said, rectification.ErrDue},
			"undated":                 {manages(o.officer), with(summons, func(m *rectification.Matter) { m.Dated = "" }), o.day(1), said, rectification.ErrDay},
			"a fine of nothing":       {manages(o.officer), with(sanction, func(m *rectification.Matter) { m.Sort = rectification.Fine }), o.day(1), said, rectification.ErrAmount},
			"a warning with a price":  {manages(o.officer), with(sanction, func(m *rectification.Matter) { m.Amount = 1 }), o.day(1), said, rectification.ErrAmount},
			"a sanction of no sort":   {manages(o.officer), with(sanction, func(m *rectification.Matter) { m.Sort = "x" }), o.day(1), said, rectification.ErrSort},
			"without an authority":    {manages(o.officer), summons, o.day(1), text(func(t *rectification.Text) { t.Authority = pii.Text{} }), rectification.ErrLine},
			"without a number":        {manages(o.officer), summons, o.day(1), text(func(t *rectification.Text) { t.Document = pii.Text{} }), rectification.ErrLine},
			"without a provision":     {manages(o.officer), sanction, o.day(1), text(func(t *rectification.Text) { t.Provision = pii.Text{} }), rectification.ErrLine},
			"of two lines":            {manages(o.officer), summons, o.day(1), text(func(t *rectification.Text) { t.Authority = pii.New("a\nb") }), rectification.ErrLine},
			"without words":           {manages(o.officer), item, o.day(1), text(func(t *rectification.Text) { t.Words = pii.New(" \n") }), rectification.ErrWords},
			"a novel":                 {manages(o.officer), item, o.day(1), text(func(t *rectification.Text) { t.Words = pii.New(strings.Repeat("长", 4001)) }), rectification.ErrWords},
		} {
			o.want(name, o.record(c.by, c.m, c.due, c.text), c.want, "")
		}
		o.Do(func(ctx context.Context, tx *db.Tx) error {
			rows, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM rectification`)
			notes, e := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM rectification_note`)
			if rows != 0 || notes != 0 {
				t.Errorf("%d and %d rows are left of what was refused", rows, notes)
			}
			return errors.Join(err, e)
		})
		one := o.want("recorded", o.record(manages(o.officer), item, o.day(1), said), nil, rectification.Open)
		for name, c := range map[string]struct {
			day      string
			document string
			want     error
		}{
			"without a document":      {o.day(0), "", rectification.ErrDocument},
			"with a text":             {o.day(0), "it is done", rectification.ErrDocument},
			"too large":               {o.day(0), "%PDF-" + strings.Repeat("x", catalog.MaxDocument), rectification.ErrDocument},
			"with tomorrow's":         {o.day(1), "%PDF-1.7", rectification.ErrDay},
			"with a document undated": {"", "%PDF-1.7", rectification.ErrDay},
		} {
			o.want("proved "+name, o.do(func(ctx context.Context, tx *db.Tx) (rectification.Matter, string, error) {
				return rectification.Prove(ctx, tx, o.Ring, proves(o.manager), service, one.ID, c.day, pii.New("x"), []byte(c.document))
			}), c.want, "")
		}
		o.want("opened though it is open", o.reopen(o.officer, one.ID, o.day(2), "x"), rectification.ErrOpen, "")
		o.want("nobody's", o.confirm(o.officer, "rc_00000000000000000000000000"), rectification.ErrNotFound, "")
		o.want("closed by a manager", o.confirm(o.manager, one.ID), rectification.ErrMayNot, "")

		// Nobody confirms what they may have proved themselves, under a second account.
		var second staff.Person
		o.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			second, err = staff.Add(ctx, tx, o.officer, "第二个", staff.Grant{Role: staff.Manager, Service: service})
			if err == nil {
				_, _, err = signin.Door{Ring: o.Ring}.Invite(ctx, tx, o.officer, second.ID)
			}
			return err
		})
		theirs := with(item, func(m *rectification.Matter) { m.Owner = second.ID })
		one = o.want("recorded", o.record(manages(o.officer), theirs, o.day(1), said), nil, rectification.Open)
		o.want("proved by a second account", o.prove(second, one.ID), nil, rectification.Proved)
		o.want("confirmed by who has made its link", o.confirm(o.officer, one.ID), rectification.ErrMaybeOne, rectification.Proved)
		o.want("confirmed by another", o.confirm(o.deputy, one.ID), nil, rectification.Closed)
		one = o.want("recorded", o.record(manages(o.officer), theirs, o.day(1), said), nil, rectification.Open)
		o.want("proved", o.prove(second, one.ID), nil, rectification.Proved)
		o.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := signin.Leave(ctx, tx, o.deputy, second.ID)
			return err
		})
		o.want("confirmed of who has left", o.confirm(o.deputy, one.ID), rectification.ErrProver, rectification.Proved)
		o.audit()
	})
}

// Article 25: whoever looks after it, and the office, are reminded a day before, on the day and
// each week after it, until another has confirmed it; and after a long stop once.
func TestArticle25_WhatIsLateIsRemindedOf(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		one := o.want("recorded", o.record(manages(o.officer), rectification.Matter{What: rectification.Item, Source: rectification.Own, Owner: o.manager.ID}, o.day(2), said), nil, rectification.Open)
		reminded := func(want int64) {
			t.Helper()
			if _, err := retention.Sweep(t.Context(), o.Store, o.Vault); err != nil {
				t.Fatal(err)
			}
			o.Do(func(ctx context.Context, tx *db.Tx) error {
				now, err := rectification.Find(ctx, tx, service, one.ID)
				if now.Reminded != want {
					t.Errorf("reminded %d times, want %d", now.Reminded, want)
				}
				return err
			})
		}
		reminded(0)
		o.audit()
		o.Pass(one.DueAt.Add(-24 * time.Hour).Sub(o.Store.Now()))
		reminded(1)
		reminded(1)
		o.Pass(24 * time.Hour)
		reminded(2)
		o.Pass(30 * 24 * time.Hour)
		reminded(3)
		reminded(3)
		if !message.Tells(rectification.KindReminded) {
			t.Error("nobody is told")
		}
		o.audit()
		o.want("proved", o.prove(o.manager, one.ID), nil, rectification.Proved)
		o.want("confirmed", o.confirm(o.deputy, one.ID), nil, rectification.Closed)
		o.Pass(30 * 24 * time.Hour)
		reminded(3)
		o.audit()
	})
}
