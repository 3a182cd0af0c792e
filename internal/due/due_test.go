package due_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/board"
	"wardkeep/internal/catalog"
	"wardkeep/internal/catalog/catalogtest"
	"wardkeep/internal/complaint"
	"wardkeep/internal/consent"
	"wardkeep/internal/due"
	"wardkeep/internal/family/age"
	"wardkeep/internal/incident"
	"wardkeep/internal/party"
	"wardkeep/internal/rights"
	"wardkeep/internal/staff"
	"wardkeep/internal/stream"
	"wardkeep/internal/suspicion"
	"wardkeep/internal/takedown"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/webhook"
	"wardkeep/internal/yearly"
)

const patience = 10 * time.Minute

// who is a person with a role of the service.
func who(role staff.Role) staff.Person {
	return staff.Person{ID: "st_00000000000000000000000000", State: staff.Active, Grants: []staff.Grant{{Role: role, Service: vaulttest.Service}}}
}

// list returns all that somebody sees, a page of limit at a time.
func list(w *vaulttest.World, a due.Asking, limit int) (all []due.Clock) {
	w.T.Helper()
	a.Patience = patience
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		all = nil
		if a.Services, err = catalog.List(ctx, tx); err != nil {
			return err
		}
		for from := (due.Cursor{}); ; {
			page, next, err := due.List(ctx, tx, a, from, limit)
			if err != nil {
				return err
			}
			if all = append(all, page...); len(all) > 1000 {
				return errors.New("a list without an end")
			}
			if next == (due.Cursor{}) {
				return nil
			}
			if len(page) != limit || due.ParseCursor(next.String()) != next {
				w.T.Fatalf("a page of %d goes on at %q", len(page), next)
			}
			from = next
		}
	})
	return all
}

func kinds(all []due.Clock) (names []due.Kind) {
	for _, c := range all {
		names = append(names, c.Kind)
	}
	return names
}

// suspect reports accounts.
func suspect(w *vaulttest.World, n int) {
	w.T.Helper()
	for range n {
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := suspicion.Report(ctx, tx, w.Ring, workday.Default(), w.App, pii.New(id.Secret(16)), suspicion.Signal)
			return err
		})
	}
}

// demand has the guardian of a new child demand something.
func demand(w *vaulttest.World, kind rights.Kind) rights.Request {
	w.T.Helper()
	c := w.Child()
	w.Put(c, "course-progress", "nickname", "小满")
	g := w.Guardian(c)
	ask := rights.Demand{Kind: kind, Door: rights.ByGuardian, Guardian: g.ID}
	if kind == rights.Correct {
		ask.Item, ask.Held = "nickname", []string{"nickname"}
	}
	var r rights.Request
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		r, _, err = rights.Desk{Ring: w.Ring, Charters: w.Desk.Charters, Calendar: workday.Default()}.Receive(ctx, tx, g, c, ask)
		return err
	})
	return r
}

// Article 4: content that may have to come down is in the list until it is, with the day of
// its next step, and without the content.
func TestArticle4_TakedownsAreDue(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		var c takedown.Case
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			c, _, err = takedown.Report(ctx, tx, w.Ring, workday.Default(), w.App, pii.New("post-1"), takedown.Guardian, takedown.Whereabouts)
			return err
		})
		all := list(w, due.Asking{Person: who(staff.Officer)}, 10)
		if len(all) != 1 || all[0].Kind != due.Takedown || all[0].ID != c.ID || all[0].About != "whereabouts" || !all[0].At.Equal(c.DueAt) {
			t.Errorf("%+v", all)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := takedown.Take(ctx, tx, workday.Default(), w.Officer, vaulttest.Service, c.ID)
			if err == nil {
				_, _, err = takedown.Settle(ctx, tx, workday.Default(), w.Officer, vaulttest.Service, c.ID, takedown.Down, "")
			}
			if err == nil {
				_, _, err = takedown.Done(ctx, tx, w.App, c.ID)
			}
			return err
		})
		if all := list(w, due.Asking{Person: who(staff.Officer)}, 10); len(all) != 0 {
			t.Errorf("what is down: %+v", all)
		}
	})
}

// Article 24: what was reported to the desk is in the list until it is answered, first with the
// day by which it is taken up.
func TestArticle24_ReportsAreDue(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		var c complaint.Complaint
		desk := complaint.Desk{Ring: w.Ring, Calendar: workday.Default()}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			p, err := complaint.NewPuzzle(ctx, tx, w.Ring)
			if err == nil {
				c, _, err = desk.Receive(ctx, tx, p.Solve(), complaint.Report{Service: vaulttest.Service, Kind: complaint.Refuses, Words: pii.New("不给删除")})
			}
			return err
		})
		is := func(at time.Time) {
			t.Helper()
			all := list(w, due.Asking{Person: who(staff.Officer)}, 10)
			if len(all) != 1 || all[0].Kind != due.Complaint || all[0].ID != c.ID || all[0].About != "refuses" || !all[0].At.Equal(at) {
				t.Errorf("%+v", all)
			}
		}
		is(c.DueAt)
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			c, err = desk.Acknowledge(ctx, tx, w.Officer, vaulttest.Service, c.ID)
			return err
		})
		is(c.DueAt)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := desk.Answer(ctx, tx, w.Officer, vaulttest.Service, c.ID, complaint.Founded, pii.New("已删除"))
			return err
		})
		if all := list(w, due.Asking{Person: who(staff.Officer)}, 10); len(all) != 0 {
			t.Errorf("what is answered: %+v", all)
		}
	})
}

// Article 21: what may have leaked is in the list until it is closed.
func TestArticle21_IncidentsAreDue(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		var c incident.Case
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			c, _, err = incident.Desk{Ring: w.Ring, Charters: w.Desk.Charters}.Open(ctx, tx, w.Officer, vaulttest.Service,
				incident.Report{Kind: incident.Lost, NoticedAt: tx.Now(), Words: pii.New("lost")})
			return err
		})
		all := list(w, due.Asking{Person: who(staff.Officer)}, 10)
		if len(all) != 1 || all[0].Kind != due.Incident || all[0].ID != c.ID || all[0].About != "lost" || !all[0].At.Equal(c.DueAt) {
			t.Errorf("%+v", all)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := incident.Triage(ctx, tx, w.Ring, w.Officer, vaulttest.Service, c.ID, incident.Minor, 0, pii.New("found"))
			if err != nil {
				return err
			}
			another, err := catalog.Holder(ctx, tx, vaulttest.Service, catalog.RoleDeputy) // edge case 21
			if err == nil {
				_, _, err = incident.Close(ctx, tx, w.Ring, another, vaulttest.Service, c.ID, incident.Unfounded, pii.New("found"))
			}
			return err
		})
		if all := list(w, due.Asking{Person: who(staff.Officer)}, 10); len(all) != 0 {
			t.Errorf("what is closed: %+v", all)
		}
	})
}

// Article 21: the emergency plan is in the list from a month before it counts no more, until there
// is a newer one; a drill likewise. What was never recorded has no day.
func TestArticle21_ThePlanIsDue(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		title := "应急预案"
		keep := func(kind catalog.RecordKind, ago int) {
			t.Helper()
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				r := catalog.Record{Kind: kind, Day: tx.Now().In(age.Zone).AddDate(0, 0, -ago).Format(time.DateOnly), Title: title}
				_, _, err := catalog.Keep(ctx, tx, w.Ring, w.Officer, vaulttest.Service, r, []byte("%PDF-1.7"))
				return err
			})
		}
		is := func(want ...string) {
			t.Helper()
			var got []string
			for _, c := range list(w, due.Asking{Person: who(staff.Officer), Kind: due.Plan}, 10) {
				got = append(got, c.About)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
		}
		is()
		keep(catalog.EmergencyPlan, catalog.PlanDays-29)
		keep(catalog.EmergencyDrill, catalog.PlanDays+1)
		is("drill", "plan")
		keep(catalog.EmergencyPlan, catalog.PlanDays-20)
		is("drill", "plan") // the newest counts, whichever was recorded last
		keep(catalog.EmergencyPlan, 0)
		is("drill")
		keep(catalog.EmergencyDrill, 0)
		is()
		for _, title = range []string{"第二稿", "第三稿", "第四稿", "定稿"} {
			w.Pass(time.Second)
			keep(catalog.EmergencyPlan, 0) // of one day the last one counts
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			r, err := catalog.LastPlan(ctx, tx, vaulttest.Service, catalog.EmergencyPlan)
			if err == nil && r.Title != "定稿" {
				t.Errorf("in force is %s", r.Title)
			}
			return err
		})
	})
}

// Article 22: a yearly audit is in the list from 1 November on, with its last day, until it is filed;
// each year has its own, and a test service none.
func TestArticle22_YearlyAuditsAreDue(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		all := staff.Person{ID: "st_00000000000000000000000000", State: staff.Active, Grants: []staff.Grant{{Role: staff.Auditor}}}
		is := func(late int, want ...string) {
			t.Helper()
			var got []string
			n := 0
			for _, c := range list(w, due.Asking{Person: all, Kind: due.Yearly}, 1) {
				got = append(got, c.ID)
				if c.Service != vaulttest.LiveService || c.Number != c.ID {
					t.Errorf("%+v", c)
				}
				if c.Late(w.Store.Now()) {
					n++
				}
			}
			if !slices.Equal(got, want) || n != late {
				t.Errorf("%v, %d late; want %v, %d", got, n, want, late)
			}
		}
		w.PassTo("03-01")
		held, _ := w.Launch()
		officer := w.Inside(held)
		year := w.PassTo("10-31")
		this, next := strconv.FormatInt(year, 10), strconv.FormatInt(year+1, 10)
		is(0)
		w.PassTo("11-01")
		is(0, this)
		w.PassTo("01-31")
		is(0, this)
		w.PassTo("02-01")
		is(1, this)
		w.PassTo("11-01")
		is(1, this, next)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := yearly.File(ctx, tx, w.Ring, staff.Acting{Person: officer, Action: staff.FileYearly}, vaulttest.LiveService, year, this+"-12-01", 0,
				yearly.Text{Authority: pii.New("某市网信办")}, []byte("%PDF-1.7"))
			return err
		})
		is(0, next)
	})
}

// Article 28: a log stream is in the list while it is a child's, and from a month before its test
// is too old; not while nobody has to look at it.
func TestArticle28_LogStreamsAreDue(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		var one stream.Stream
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			one, _, err = stream.Register(ctx, tx, w.Officer, vaulttest.Service, stream.Form{Name: "网关日志", System: "网关", Fields: "时间", Place: "机房", Office: "运维", Months: 6,
				Reason: stream.Nameless, Grounds: "没有标识"})
			return err
		})
		is := func(about string) {
			t.Helper()
			switch all := list(w, due.Asking{Person: who(staff.Officer), Kind: due.Stream}, 10); {
			case about == "" && len(all) != 0, about != "" && (len(all) != 1 || all[0].ID != one.ID || all[0].About != about):
				t.Errorf("%+v, want %q", all, about)
			}
		}
		is("untested")
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			one, _, _, err = stream.Record(ctx, tx, w.Officer, vaulttest.Service, one.ID, stream.Test{On: tx.Now().In(age.Zone).Format(time.DateOnly), By: "运维", Method: stream.Queried,
				Records: 10, Findings: "与账号表关联", Document: strings.Repeat("0f", 32)})
			return err
		})
		is("")
		w.Pass(one.DueAt.Add(-stream.Soon).Sub(w.Store.Now()))
		is("exempt")
		w.Pass(stream.Soon)
		is("expired")
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := stream.Cover(ctx, tx, w.Officer, vaulttest.Service, one.ID, "course-progress")
			return err
		})
		is("")
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE log_stream SET purpose = 'marketing'`)
			return err
		})
		is("covered")
	})
}

// What has a clock is in one list, what is over or ends first on top, and each page goes on
// where the one before ended.
func TestWhatHasAClockIsInOneList(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		officer := due.Asking{Person: who(staff.Officer)}
		if all := list(w, officer, 10); len(all) != 0 {
			t.Fatalf("an empty list has %v", all)
		}
		for range 3 {
			demand(w, rights.Correct)
		}
		suspect(w, 3)
		erased := demand(w, rights.Delete)
		asked, _ := w.Enrol()
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, _, err := w.Desk.Ask(ctx, tx, w.App, asked, consent.Asking{Channel: consent.Link, Locale: "zh-CN"})
			return err
		})
		w.Pass(time.Hour)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			if err := db.Beat(ctx, tx, "sweep"); err != nil {
				return err
			}
			if _, err := backup.Record(ctx, tx, catalog.Operator{ID: "test"}, backup.New(), tx.Now(), 1); err != nil {
				return err
			}
			_, _, err := catalog.EndOffice(ctx, tx, catalog.Operator{ID: "test"}, vaulttest.Service, w.Officer.ID)
			return err
		})
		w.Pass(time.Hour)
		whole := list(w, officer, 100)
		want := map[due.Kind]int{due.Demand: 4, due.Suspicion: 3, due.Answer: 1, due.Office: 1, due.Erasure: 1, due.Sweep: 1, due.Backup: 1}
		for kind, n := range want {
			if got := len(slices.DeleteFunc(kinds(whole), func(k due.Kind) bool { return k != kind })); got != n {
				t.Errorf("%d of %s, want %d", got, kind, n)
			}
		}
		if !slices.IsSortedFunc(whole, func(a, b due.Clock) int { return a.At.Compare(b.At) }) {
			t.Errorf("not in the order of time: %v", whole)
		}
		now := w.Store.Now()
		for _, c := range whole {
			if over := c.Kind == due.Erasure || c.Kind == due.Office || c.Kind == due.Sweep; c.Late(now) != over {
				t.Errorf("%+v is late: %v", c, c.Late(now))
			}
			if id.Is(id.Child, c.ID) || c.ID == string(erased.Child) {
				t.Errorf("a child is named: %+v", c)
			}
		}
		for limit := 1; limit < 5; limit++ {
			if some := list(w, officer, limit); fmt.Sprint(some) != fmt.Sprint(whole) {
				t.Errorf("pages of %d: %v\nwant %v", limit, some, whole)
			}
		}
		for kind, n := range want {
			if some := list(w, due.Asking{Person: who(staff.Officer), Kind: kind}, 2); len(some) != n {
				t.Errorf("narrowed to %s: %v", kind, some)
			}
		}
		if some := list(w, due.Asking{Person: who(staff.Officer), Service: "another"}, 2); len(some) != 0 {
			t.Errorf("of another service: %v", some)
		}
	})
}

// PIPL 55: an assessment of a purpose is in the list from 30 days before its end, and as long
// as nobody has made another. Nothing stops meanwhile: what guardians agreed to is used.
func TestArticle7_AnAssessmentThatEndsIsDue(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		impacts := func() []due.Clock { return list(w, due.Asking{Person: who(staff.Officer), Kind: due.Impact}, 3) }
		if all := impacts(); len(all) != 0 {
			t.Errorf("nothing ends soon: %v", all)
		}
		w.Pass(336 * 24 * time.Hour)
		all := impacts()
		if len(all) != len(w.Charter.Purposes) || slices.ContainsFunc(all, func(c due.Clock) bool { return c.Late(w.Store.Now()) }) {
			t.Errorf("in a month: %v", all)
		}
		w.Pass(30 * 24 * time.Hour)
		if all = impacts(); len(all) != len(w.Charter.Purposes) || slices.ContainsFunc(all, func(c due.Clock) bool { return !c.Late(w.Store.Now()) }) {
			t.Errorf("over: %v", all)
		}
		child := w.Child()
		w.Put(child, "course-progress", "nickname", "小溪")
		if _, err := w.Read(child, "course-progress", "nickname"); err != nil {
			t.Errorf("what goes on is stopped: %v", err)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			return catalogtest.Assess(ctx, tx, w.Ring, w.Officer, vaulttest.Service, 1)
		})
		if all := impacts(); len(all) != 0 {
			t.Errorf("assessed anew: %v", all)
		}
	})
}

// Article 16: what a processor stands on is in the list from 30 days before it ends, and the
// check that is owed; after its end only that it wasn't ordered everything.
func TestArticle16_PapersAndChecksAreDue(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		is := func(when string, late int, want ...party.Kind) {
			t.Helper()
			all := list(w, due.Asking{Person: who(staff.Officer), Kind: due.Party}, 2)
			n, got := 0, []party.Kind{}
			for _, c := range all {
				if got = append(got, party.Kind(c.About)); c.Late(w.Store.Now()) {
					n++
				}
				if c.Number != vaulttest.Processor {
					t.Errorf("%s: %+v", when, c)
				}
			}
			if n != late || !slices.Equal(got, want) {
				t.Errorf("%s: %v, %d late", when, got, n)
			}
		}
		const day = 24 * time.Hour
		w.Engage(w.Store.Now().Add(310 * day))
		is("nothing is due", 0)
		w.Pass(70 * day)
		is("a check is", 0, party.Checked)
		w.Pass(205 * day)
		is("all are, one of them late", 1, party.Checked, party.Assessed)
		w.Pass(30 * day)
		is("the assessment is over", 2, party.Checked, party.Assessed, party.Agreed)
		w.Pass(5*day + time.Hour)
		is("it has ended", 0)
		w.Pass(party.PartWithin)
		is("and wasn't ordered everything", 1, party.Parting)
	})
}

// A list has an end in whatever order a store has texts: what is of one moment comes once,
// also where its ids stand behind all others.
func TestWhatIsOfOneMomentComesOnce(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			at := tx.Now().Add(time.Hour).UnixMicro()
			for i := range 3 {
				name := fmt.Sprintf("～%d", i)
				if _, err := tx.Exec(ctx, `
					INSERT INTO suspicion (id, service, source, reporter, owner, outcome, basis, opened_at, due_at, ref_hash)
					VALUES ($1, $2, 'signal', '', '', '', '', 0, $3, $4)`, name, vaulttest.Service, at, []byte(name)); err != nil {
					return err
				}
				if _, err := tx.Exec(ctx, `
					INSERT INTO rights_request (child, id, service, number, kind, door, guardian, item, state, owner, reason, received_at, due_at, extended, froze, told, entry, reached, steps)
					VALUES ($1, $1, $2, '7K2M-9QXT', 'correct', 'guardian', '', '', 'open', '', '', 0, $3, '', false, '', '', '', '')`, name, vaulttest.Service, at); err != nil {
					return err
				}
			}
			return nil
		})
		for limit := 1; limit < 7; limit++ {
			if all := list(w, due.Asking{Person: who(staff.Officer)}, limit); len(all) != 6 {
				t.Errorf("pages of %d have %d lines: %v", limit, len(all), all)
			}
		}
	})
}

// Article 15: a file that one of two has agreed to waits for another person still, and an
// emergency for nobody's decision.
func TestArticle15_AFileWaitsForTheSecondDecision(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		me := who(staff.Officer)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			for _, r := range []struct {
				id, asker, state, first string
				glass                   bool
			}{
				{"open", "another", "open", "", false}, {"agreed", "another", "agreed", "third", false}, {"mine", me.ID, "open", "", false},
				{"first", "another", "agreed", me.ID, false}, {"glass", "another", "open", "", true}, {"granted", "another", "granted", "", false},
			} {
				if _, err := tx.Exec(ctx, `
					INSERT INTO approval (child, id, service, number, asker, purpose, items, reason, minutes, glass, export, state, asked_at, answer_by, first_by, first_for,
						decider, granted, answer, quota, looks, ended_by, why, ground, receiver, level, country, silence, officer, bound)
					VALUES ($1, $1, $2, '7K2M-9QXT', $3, '', '', '', 0, $4, $5, $6, 0, $7, $8, '', '', '', '', 0, 0, '', '', '', '', '', '', '', false, $9)`,
					r.id, vaulttest.Service, r.asker, r.glass, !r.glass, r.state, tx.Now().Add(time.Hour).UnixMicro(), r.first, []byte{}); err != nil {
					return err
				}
			}
			return nil
		})
		all := list(w, due.Asking{Person: me, Kind: due.Look}, 10)
		if len(all) != 2 || all[0].ID != "agreed" || all[1].ID != "open" {
			t.Errorf("there wait %v", all)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			services, err := catalog.List(ctx, tx)
			if err != nil {
				return err
			}
			articles, err := board.Desk{Charters: w.Desk.Charters, Patience: patience}.Of(ctx, tx, services)
			if err != nil {
				return err
			}
			for _, f := range articles[14].Figures {
				if f.Name == "looks_waiting" && f.N != 4 {
					t.Errorf("the board counts %d", f.N)
				}
			}
			return nil
		})
	})
}

// However many another service has, what a service has is counted.
func TestNoServiceHidesAnothers(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			now := tx.Now()
			for i := range due.Many + 2 {
				service, later := "another", now.Add(time.Hour)
				if i > due.Many-1 {
					service, later = vaulttest.Service, later.Add(time.Hour) // behind all of the other's
				}
				name := fmt.Sprintf("%026d", i)
				if err := tx.Queue(ctx, `
					INSERT INTO child (child, service, subject, version, state, frozen, disputed, birth_from, birth_version, aged, created_at, endings, expires_at)
					VALUES ($1, $2, $3, 1, 'unconsented', false, false, '', 1, 0, 0, '', $4)`, "ch_"+name, service, "su_"+name, later.UnixMicro()); err != nil {
					return err
				}
				if err := tx.Queue(ctx, `
					INSERT INTO proof (child, guardian, kind, method, strength, at, expires_at) VALUES ($1, 'g', 'adulthood', 'test', 0, 0, $2)`,
					"ch_"+name, later.UnixMicro()); err != nil {
					return err
				}
				if err := tx.Queue(ctx, `
					INSERT INTO rights_request (child, id, service, number, kind, door, guardian, item, state, owner, reason, received_at, due_at, extended, froze, told, entry, erase_at, reached, steps)
					VALUES ($1, $2, $3, '7K2M-9QXT', 'delete', 'guardian', '', '', 'accepted', '', '', 0, $4, '', false, '', '', $5, '', '')`,
					"ch_"+name, "rr_"+name, service, later.UnixMicro(), later.Add(-24*time.Hour).UnixMicro()); err != nil {
					return err
				}
				if err := tx.Queue(ctx, `
					INSERT INTO consent_request (child, id, service, guardian, charter, purposes, channel, locale, state, notice, page, shown_lang, shown_on, shown_before,
						code_tries, code_wrong, code_sends, sends, takeover, created_at, expires_at, due_at)
					VALUES ($1, $2, $3, '', 1, '', 'sms', 'zh-CN', 'pending', '', '', '', '', '', 0, 0, 0, 1, false, 0, $4, $4)`,
					"ch_"+name, "cr_"+name, service, later.UnixMicro()); err != nil {
					return err
				}
			}
			return nil
		})
		for _, kind := range []due.Kind{due.Answer, due.Proof, due.Erasure} {
			if all := list(w, due.Asking{Person: who(staff.Officer), Kind: kind}, 10); len(all) != 1 || all[0].N != 2 {
				t.Errorf("of %s there are %v", kind, all)
			}
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			services, err := catalog.List(ctx, tx)
			if err != nil {
				return err
			}
			articles, err := board.Desk{Charters: w.Desk.Charters, Patience: patience}.Of(ctx, tx, services)
			if err != nil {
				return err
			}
			for _, f := range slices.Concat(articles[19].Figures, articles[28].Figures) {
				if (f.Name == "erasures_late" || f.Name == "unconsented") && f.N != 2 {
					t.Errorf("the board counts %d of %s", f.N, f.Name)
				}
			}
			return nil
		})
	})
}

// Article 15: each sees what they may do or look after, of their services, and an engineer
// what the system does by itself.
func TestArticle15_EachSeesTheClocksOfWhatTheyMay(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		demand(w, rights.Correct)
		suspect(w, 1)
		demand(w, rights.Delete)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := backup.Record(ctx, tx, catalog.Operator{ID: "test"}, backup.New(), tx.Now(), 1)
			return err
		})
		w.Pass(time.Hour)
		for role, want := range map[staff.Role][]due.Kind{
			staff.Officer:  {due.Erasure, due.Demand, due.Demand, due.Suspicion, due.Backup},
			staff.Manager:  {due.Demand, due.Demand, due.Suspicion},
			staff.Worker:   {due.Demand, due.Demand, due.Suspicion},
			staff.Engineer: {due.Erasure, due.Backup},
			staff.Auditor:  {due.Suspicion},
		} {
			got := kinds(list(w, due.Asking{Person: who(role)}, 10))
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s sees %v, want %v", role, got, want)
			}
			stranger := who(role)
			stranger.Grants[0].Service = "another"
			for _, c := range list(w, due.Asking{Person: stranger}, 10) {
				if c.Service != "" {
					t.Errorf("%s of another service sees %+v", role, c)
				}
			}
		}
		// Whoever sees the board sees what is behind it.
		if got := list(w, due.Asking{Person: who(staff.Auditor), As: staff.SeeBoard, Kind: due.Demand}, 10); len(got) != 2 {
			t.Errorf("an auditor sees %v of the board", got)
		}
	})
}

// However much has a clock, a page costs what it shows: twelve thousand rows behind it are not
// read.
func TestAPageOfALongListReadsAnIndex(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			now := tx.Now().UnixMicro()
			for i := range 10_000 {
				day := now + int64(i%5)*86_400_000_000 // many are of one day
				name := fmt.Sprintf("%026d", i)
				if err := tx.Queue(ctx, `
					INSERT INTO suspicion (id, service, source, reporter, owner, outcome, basis, opened_at, due_at, ref_hash)
					VALUES ($1, $2, 'signal', '', '', '', '', 0, $3, $4)`, "sp_"+name, vaulttest.Service, day, []byte(name)); err != nil {
					return err
				}
				if i%5 != 0 {
					continue
				}
				if err := tx.Queue(ctx, `
					INSERT INTO rights_request (child, id, service, number, kind, door, guardian, item, state, owner, reason, received_at, due_at, extended, froze, told, entry, reached, steps)
					VALUES ($1, $2, $3, '7K2M-9QXT', 'correct', 'guardian', '', '', 'open', '', '', 0, $4, '', false, '', '', '', '')`,
					"ch_"+name, "rr_"+name, vaulttest.Service, day); err != nil {
					return err
				}
			}
			return nil
		})
		seen := make(map[string]bool)
		began := time.Now()
		var pages int
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			services, err := catalog.List(ctx, tx)
			if err != nil {
				return err
			}
			for from := (due.Cursor{}); pages == 0 || from != (due.Cursor{}) && pages < 30; pages++ {
				var page []due.Clock
				page, from, err = due.List(ctx, tx, due.Asking{Person: who(staff.Officer), Services: services, Patience: patience}, from, 20)
				if err != nil {
					return err
				}
				for _, c := range page {
					if seen[c.ID] {
						t.Errorf("%s comes twice", c.ID)
					}
					seen[c.ID] = true
				}
			}
			return nil
		})
		if len(seen) != pages*20 {
			t.Errorf("%d lines on %d pages", len(seen), pages)
		}
		t.Logf("a page takes %v", time.Since(began)/time.Duration(pages))
	})
}

// Article 20: the end of a service isn't over while an event of it is parked, which may be an
// order to delete.
func TestArticle20_AnEndWithParkedEventsIsInTheList(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		to, err := webhook.ParseAddress("https://hooks.xiaoxi-english.example/in", nil)
		if err != nil {
			t.Fatal(err)
		}
		ends := func() int { return len(list(w, due.Asking{Person: who(staff.Officer), Kind: due.End}, 10)) }
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			hook, _, _, err := webhook.Add(ctx, tx, w.Ring, catalog.Operator{ID: "test"}, vaulttest.Service, to, []string{"order.*"}, "")
			if err != nil {
				return err
			}
			c, _, err := catalog.Cease(ctx, tx, w.Officer, vaulttest.Service, "", catalog.Discontinued, tx.Now().Add(8*24*time.Hour))
			if err != nil {
				return err
			}
			if _, err := catalog.Ceased(ctx, tx, "system:cessation", c, 0); err != nil {
				return err
			}
			return tx.Queue(ctx, `
				INSERT INTO webhook_delivery (endpoint, place, subject, queued_at, tries, failure, status) VALUES ($1, 1, '', 1, 9, '', 500)`, hook.ID)
		})
		if n := ends(); n != 1 {
			t.Errorf("an event is parked, and %d ends are in the list", n)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `DELETE FROM webhook_delivery`)
			return err
		})
		if n := ends(); n != 0 {
			t.Errorf("all was taken, and %d ends are in the list", n)
		}
	})
}
