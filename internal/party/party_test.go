package party_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
	"wardkeep/internal/replay"
	"wardkeep/internal/vault/vaulttest"
)

var yuping = vaulttest.ProcessorID()

type world struct {
	*vaulttest.World
	t     *testing.T
	scope party.Scope
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	vaulttest.Each(t, func(t *testing.T, v *vaulttest.World) {
		fn(t, &world{v, t, party.ScopeOf(v.Charter, party.Processor, vaulttest.Processor)})
	})
}

// verb does something as the officer, which must end with want.
func (w *world) verb(want error, fn func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error)) {
	w.t.Helper()
	err := w.Try(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := fn(ctx, tx, w.Officer)
		return err
	})
	if !errors.Is(err, want) {
		w.t.Errorf("got %v, want %v", err, want)
	}
}

func (w *world) register(want error, change func(*party.Identity)) {
	w.t.Helper()
	is := vaulttest.Identity()
	if change != nil {
		change(&is)
	}
	w.verb(want, func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
		return party.Register(ctx, tx, by, yuping, is)
	})
}

func (w *world) assess(want error, change func(*party.Form)) {
	w.t.Helper()
	f := w.Assessment(w.scope)
	if change != nil {
		change(&f)
	}
	w.verb(want, func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
		return party.Assess(ctx, tx, by, yuping, f)
	})
}

func (w *world) agree(want error, from, until time.Duration, change func(*party.Deed)) {
	w.t.Helper()
	now := w.Store.Now()
	d := w.Deed(w.scope, now.Add(from), now.Add(until))
	if change != nil {
		change(&d)
	}
	w.verb(want, func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
		return party.Agree(ctx, tx, by, yuping, d)
	})
}

func (w *world) suspend(want error, why party.Reason) {
	w.t.Helper()
	w.verb(want, func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
		return party.Suspend(ctx, tx, by, yuping, why)
	})
}

func (w *world) resume(want error) {
	w.t.Helper()
	w.verb(want, func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
		return party.Resume(ctx, tx, by, yuping)
	})
}

func (w *world) declare(want error, subs ...string) {
	w.t.Helper()
	w.verb(want, func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
		return party.Declare(ctx, tx, by, yuping, subs)
	})
}

// flush gives each entry its place.
func (w *world) flush() {
	w.t.Helper()
	const origin = "wardkeep.example.com/ledger"
	signer, _, err := ledger.NewSigner(origin, w.Ring.Signer().Seed())
	if err == nil {
		err = ledger.Open(w.Store, origin, signer).Flush(w.t.Context())
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// parted does what the walk over all children does once it is through.
func (w *world) parted() {
	w.t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		all, err := party.Walks(ctx, tx)
		if err != nil || len(all) != 1 {
			return errors.Join(err, errors.New("one party should have ended"))
		}
		if on, err := all[0].Hold(ctx, tx); err != nil || !on {
			return errors.Join(err, errors.New("it isn't held"))
		}
		return all[0].Part(ctx, tx, "system:cessation", 0)
	})
}

func (w *world) end(want error, at time.Time) {
	w.t.Helper()
	w.verb(want, func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
		return party.End(ctx, tx, by, yuping, at)
	})
}

// is fails the test unless the processor stands so, in the register and in its list.
func (w *world) is(want party.State) {
	w.t.Helper()
	w.Do(func(ctx context.Context, tx *db.Tx) error {
		p, err := party.Find(ctx, tx, yuping)
		if err != nil {
			return err
		}
		all, err := party.List(ctx, tx, vaulttest.Service)
		if err != nil {
			return err
		}
		var read []party.Standing
		if err := tx.Together(ctx, party.ReadStanding(&read, yuping)); err != nil {
			return err
		}
		if got := p.State(tx.Now()); got != want {
			w.t.Errorf("it is %q, want %q", got, want)
		}
		if diff := cmp.Diff([]party.Party{p}, all); diff != "" {
			w.t.Error(diff)
		}
		if diff := cmp.Diff([]party.Standing{p.Standing}, read); diff != "" {
			w.t.Error(diff)
		}
		return nil
	})
}

func (w *world) replays() {
	w.t.Helper()
	report, err := replay.Audit(w.t.Context(), w.Store, w.Ring, catalog.NewCache(4), replay.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range report.Differences {
		w.t.Errorf("%s (%s)", d, d.What)
	}
}

// The result of an assessment is computed of its answers by a rule that is written down: no
// weakness in one is outweighed by strength in the others, and no risk is left as it is.
func TestArticle16_AnAssessmentPassesByItsRule(t *testing.T) {
	w := vaulttest.World{Store: &db.DB{Now: time.Now}}
	for name, c := range map[string]struct {
		change func(*party.Form)
		want   string
	}{
		"adequate in everything":            {func(f *party.Form) {}, ""},
		"weak where that may be":            {func(f *party.Form) { f.Place.Score, f.Measures.Score = party.Weak, party.Strong }, ""},
		"weak in deleting":                  {func(f *party.Form) { f.Deletion.Score, f.Place.Score = party.Weak, party.Strong }, "deletion"},
		"weak in what it entrusts":          {func(f *party.Form) { f.SubProcessors.Score, f.Place.Score = party.Weak, party.Strong }, "sub_processors"},
		"weak in its measures":              {func(f *party.Form) { f.Measures.Score, f.Place.Score = party.Weak, party.Strong }, "measures"},
		"hardly necessary":                  {func(f *party.Form) { f.Necessity.Score, f.Place.Score = party.Weak, party.Strong }, "necessity"},
		"nobody knows the staff":            {func(f *party.Form) { f.Staff.Score, f.Place.Score, f.Measures.Score = 0, 3, 3 }, "staff"},
		"one point too few":                 {func(f *party.Form) { f.Place.Score = party.Weak }, "score"},
		"a high risk untreated":             {func(f *party.Form) { f.Risks[0].Treatment = "" }, "risks.0"},
		"a medium risk untreated":           {func(f *party.Form) { f.Risks[0].Level, f.Risks[0].Treatment = party.Medium, "" }, "risks.0"},
		"a low risk untreated":              {func(f *party.Form) { f.Risks[0].Level, f.Risks[0].Treatment = party.Low, "" }, ""},
		"a risk that is high once treated":  {func(f *party.Form) { f.Risks[0].Left = party.High }, "risks.0"},
		"no risk at all":                    {func(f *party.Form) { f.Risks = nil }, ""},
		"all of it unacceptable, no scores": {func(f *party.Form) { *f = party.Form{} }, "necessity range amounts place measures staff incidents sub_processors deletion score"},
	} {
		f := w.Assessment(nil)
		c.change(&f)
		if got := strings.Join(f.Failings(), " "); got != c.want || f.Passes() != (c.want == "") {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// Articles 16 and 17: no paper carries a company that it isn't about. Who was assessed may
// move and change its name, and stays the one that is registered under its number.
func TestArticle16_NoPaperCarriesAnotherCompany(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		another := func(i *party.Identity) {
			i.LegalName, i.Registration = "另一家（杭州）有限公司", "91110000600037341L"
		}
		w.register(nil, another)
		w.register(nil, nil) // nobody was assessed yet
		w.assess(nil, nil)
		w.register(party.ErrAnother, another)
		w.register(nil, func(i *party.Identity) {
			i.LegalName, i.Address = "语评智能（杭州）有限公司", "杭州市西湖区文三路 2 号"
		})
		w.agree(nil, 0, time.Hour, nil)
		w.is(party.Active)
		w.replays()
	})
}

// Who has made a party begin anew before all was ordered that followed its end, by a row
// that was right again afterwards, is found.
func TestInvariant7_APartyThatBeganAnewTooEarlyIsFound(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		change := func(query string) {
			w.Do(func(ctx context.Context, tx *db.Tx) error { _, err := tx.Exec(ctx, query); return err })
		}
		w.Engage(w.Store.Now().Add(time.Hour))
		w.Pass(2 * time.Hour)
		w.agree(party.ErrParting, 0, time.Hour, nil)
		change(`UPDATE party SET parted_at = 4000000000000000`)
		w.agree(nil, 0, time.Hour, nil)
		change(`UPDATE party SET parted_at = NULL`)
		report, err := replay.Audit(t.Context(), w.Store, w.Ring, catalog.NewCache(4), replay.Options{})
		if err != nil || len(report.Differences) != 1 || report.Differences[0].What != replay.FoundImpossible {
			t.Errorf("%v, %v", report.Differences, err)
		}
	})
}

// A processor's life, and what it may do in each state of it is the gate's to say.
func TestArticle16_AProcessorFromItsRegistrationToItsEnd(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.assess(party.ErrNotFound, nil)
		w.register(nil, nil)
		w.is(party.Draft)
		w.assess(nil, func(f *party.Form) { f.Deletion.Score = party.Unacceptable })
		w.is(party.Draft)
		w.agree(party.ErrUnassessed, 0, time.Hour, nil)
		w.assess(nil, nil)
		w.is(party.Ready)
		w.agree(nil, time.Hour, 3*time.Hour, nil)
		w.is(party.Signed)
		w.Pass(time.Hour)
		w.is(party.Active)
		w.agree(party.ErrGap, time.Minute, time.Hour, nil)
		w.agree(nil, 0, 2*time.Hour, nil)
		w.suspend(party.ErrReason, party.Restored)
		w.suspend(nil, party.Incident)
		w.suspend(party.ErrSuspended, party.Incident)
		w.is(party.Suspended)
		w.agree(party.ErrSuspended, 0, time.Hour, nil)
		w.resume(nil)
		w.resume(party.ErrNotSuspended)
		w.is(party.Active)
		w.end(nil, w.Store.Now().Add(time.Hour))
		w.is(party.Active)
		w.end(nil, time.Time{})
		w.is(party.Ended)
		w.end(party.ErrEnded, time.Time{})
		w.agree(party.ErrParting, 0, time.Hour, nil) // Article 16(4): it may have what isn't ordered yet
		w.parted()
		w.agree(nil, 0, 400*24*time.Hour, nil)
		w.is(party.Active)
		w.Pass(301 * 24 * time.Hour) // the assessment is over, and the agreement isn't
		w.is(party.Suspended)
		w.agree(party.ErrUnassessed, 0, time.Hour, nil)
		w.assess(nil, nil)
		w.is(party.Active)
		w.Pass(100 * 24 * time.Hour)
		w.is(party.Ended)
		w.replays()
	})
}

// Article 16: nothing is signed beyond what the charter gives and what was assessed, nor is
// anything signed that leaves out what the article asks for.
func TestArticle16_WhatIsNoAgreement(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		more := party.Scope{"speaking-practice": {"voice", "speaking_score"}}
		w.register(party.ErrCountry, func(i *party.Identity) { i.Country = "HK" })
		w.register(party.ErrRegistration, func(i *party.Identity) { i.Registration = "91330106MA2CGR7T41" })
		w.register(party.ErrIdentity, func(i *party.Identity) { i.Contact = "" })
		w.register(party.ErrIdentity, func(i *party.Identity) { i.Address = "one\ntwo" })
		w.register(party.ErrIdentity, func(i *party.Identity) { i.LegalName = "" })
		w.register(party.ErrIdentity, func(i *party.Identity) { i.Task = "" })
		w.register(nil, nil)
		for field, change := range map[string]func(*party.Form){
			"by":          func(f *party.Form) { f.By = "somebody" },
			"institution": func(f *party.Form) { f.By = "institution" },
			"report":      func(f *party.Form) { f.By, f.Institution, f.Report = "institution", "评估所", "ab" },
			"staff":       func(f *party.Form) { f.Staff.Answer = "" },
			"place":       func(f *party.Form) { f.Place.Score = 4 },
			"risks.0":     func(f *party.Form) { f.Risks[0].Level = "" },
			"signed_on":   func(f *party.Form) { f.SignedOn = w.Store.Now().In(age.Zone).AddDate(0, 0, 1).Format(time.DateOnly) },
			"valid_until": func(f *party.Form) { f.ValidUntil = w.Store.Now().In(age.Zone).AddDate(1, 0, 1).Format(time.DateOnly) },
			"valid_until of what was signed long ago": func(f *party.Form) { f.SignedOn = w.Store.Now().In(age.Zone).AddDate(-1, 0, 0).Format(time.DateOnly) },
		} {
			field, _, _ := strings.Cut(field, " ")
			w.assess(party.ErrForm.At(field), change)
			w.field(field, func(ctx context.Context, tx *db.Tx) error {
				f := w.Assessment(w.scope)
				change(&f)
				_, _, err := party.Assess(ctx, tx, w.Officer, yuping, f)
				return err
			})
		}
		w.assess(party.ErrScope, func(f *party.Form) { f.Scope = more })
		w.assess(party.ErrScope, func(f *party.Form) { f.Scope = party.Scope{"speaking-practice": {}} })
		w.assess(party.ErrScope, func(f *party.Form) { f.Scope = party.Scope{"parent-reports": {"nickname"}} })
		w.assess(nil, func(f *party.Form) { f.Scope = party.Scope{"speaking-practice": {"voice"}} })
		w.agree(party.ErrScopeAssessed, 0, time.Hour, nil)
		w.assess(nil, nil)
		w.agree(party.ErrScope, 0, time.Hour, func(d *party.Deed) { d.Scope = more })
		w.agree(party.ErrForm, 0, time.Hour, func(d *party.Deed) { d.Duties.Deletion = "" })
		w.agree(party.ErrForm, 0, time.Hour, func(d *party.Deed) { d.Document = "ab" })
		w.agree(party.ErrForm, 0, time.Hour, func(d *party.Deed) { d.Processor.By = "" })
		for field, change := range map[string]func(*party.Deed){
			"matters":                     func(d *party.Deed) { d.Matters = "" },
			"nature":                      func(d *party.Deed) { d.Nature = "" },
			"operator_duties":             func(d *party.Deed) { d.OperatorDuties = "" },
			"duties.instructions":         func(d *party.Deed) { d.Duties.Instructions = "" },
			"duties.assistance":           func(d *party.Deed) { d.Duties.Assistance = "" },
			"duties.security":             func(d *party.Deed) { d.Duties.Security = "" },
			"duties.no_sub_processors":    func(d *party.Deed) { d.Duties.NoSubProcessors = "" },
			"duties.others":               func(d *party.Deed) { d.Duties.Others = "" },
			"measures":                    func(d *party.Deed) { d.Measures = "" },
			"supervision":                 func(d *party.Deed) { d.Supervision = "" },
			"supervised_every":            func(d *party.Deed) { d.SupervisedEvery = 13 },
			"signed_by_operator":          func(d *party.Deed) { d.Operator.By = "" },
			"signed_by_operator to come":  func(d *party.Deed) { d.Operator.On = "2999-01-01" },
			"signed_by_processor to come": func(d *party.Deed) { d.Processor.On = "2999-01-01" },
		} {
			field, _, _ := strings.Cut(field, " ")
			w.field(field, func(ctx context.Context, tx *db.Tx) error {
				d := w.Deed(w.scope, w.Store.Now(), w.Store.Now().Add(time.Hour))
				change(&d)
				_, _, err := party.Agree(ctx, tx, w.Officer, yuping, d)
				return err
			})
		}
		w.agree(party.ErrPeriod, -2*time.Hour, -time.Hour, nil)
		w.agree(party.ErrPeriod, time.Hour, time.Hour, nil)
		w.agree(party.ErrPeriod, 0, 6*366*24*time.Hour, nil)
		w.agree(party.ErrPeriod, 0, time.Hour, func(d *party.Deed) { d.From = "2026-06-01" })
		of := party.ID{Service: vaulttest.Service, Role: party.Recipient, Name: vaulttest.Processor}
		w.verb(party.ErrUnnamed, func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
			return party.Register(ctx, tx, by, of, vaulttest.Identity())
		})
		w.verb(party.ErrRole, func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
			return party.Agree(ctx, tx, by, of, party.Deed{})
		})
		w.verb(catalog.ErrNotInOffice, func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
			by.ID = "st_somebody"
			return party.Assess(ctx, tx, by, yuping, w.Assessment(w.scope))
		})
		w.agree(nil, 0, time.Hour, nil)
		w.replays()
	})
}

// field fails the test unless fn is refused for that field.
func (w *world) field(want string, fn func(ctx context.Context, tx *db.Tx) error) {
	w.t.Helper()
	if e, ok := errors.AsType[*errs.Error](w.Try(fn)); !ok || e.Field != want {
		w.t.Errorf("%v: want the field %s", e, want)
	}
}

// Edge case 19: a sub-processor is a hard no, from the transaction on in which it is
// declared, and until somebody in office has let the processor on again.
func TestEdgeCase19_ASubProcessorSuspendsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		child := w.Child()
		w.Engage(w.Store.Now().Add(time.Hour))
		w.entrusts(nil, child.ID)
		w.declare(party.ErrIdentity, "")
		w.declare(nil, "某云计算公司", "某云计算公司")
		w.is(party.Suspended)
		w.entrusts([]string{"gate.party_suspended", "gate.sub_processor"}, child.ID)
		w.agree(party.ErrSubs, 0, time.Hour, nil)
		w.resume(party.ErrSubs)
		w.declare(nil)
		w.is(party.Suspended)
		w.entrusts([]string{"gate.party_suspended"}, child.ID)
		w.resume(nil)
		w.entrusts(nil, child.ID)
		w.replays()
	})
}

// Edge case 13: whose orders are overdue signs nothing new.
func TestEdgeCase13_NoAgreementWhileOrdersAreOverdue(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.register(nil, nil)
		w.assess(nil, nil)
		// What an order does when its day is over. The ledger has no such order, so this
		// world doesn't replay.
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := catalog.Suspend(ctx, tx, "system:sweep", vaulttest.Service, vaulttest.Processor)
			return err
		})
		w.agree(party.ErrOverdue, 0, time.Hour, nil)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := catalog.Resume(ctx, tx, "officer:st_", vaulttest.Service, vaulttest.Processor)
			return err
		})
		byHand := func(queries ...string) {
			for _, query := range queries {
				w.Do(func(ctx context.Context, tx *db.Tx) error { _, err := tx.Exec(ctx, query); return err })
			}
		}
		byHand(`INSERT INTO party (service, role, name, version, country, legal_name, registration, contact, address, task, salt, registered_at, registered_by, halted, subs, assessment, agreement, mechanism, parted_upto, held, excess, narrowed)
				SELECT 'another', role, 'scorer', version, country, legal_name, registration, contact, address, task, salt, registered_at, registered_by, halted, subs, '', '', '', '', held, excess, narrowed FROM party`,
			`INSERT INTO party_order (id, number, service, party, role, what, items, purposes, narrowed, child, issued_at, due_at, overdue_at, attested_by, document, issued, attested, reminded)
				VALUES ('or_late', 'late', 'another', 'scorer', 'processor', 'delete', 'voice', '', 0, '', 0, 0, 1, '', '', 'le_late', '', 0)`)
		w.agree(party.ErrOverdue, 0, time.Hour, nil) // the same company, by another name and in another service
		byHand(`UPDATE party_order SET attested_at = 2`)
		w.agree(nil, 0, time.Hour, nil)
	})
}

// A new charter that takes something from a processor narrows its agreement by itself.
func TestArticle16_ACharterThatTakesSomethingAwayNarrowsTheAgreement(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		child := w.Child()
		w.Engage(w.Store.Now().Add(time.Hour))
		w.entrusts(nil, child.ID)
		less := *w.Charter
		less.Processors = append([]charter.Processor{}, less.Processors...)
		less.Processors[0].Items = []string{"voice"}
		w.Publish(&less)
		w.entrusts([]string{"gate.consent_stale", "gate.item_not_for_party"}, child.ID) // who agreed agreed to something else
		w.replays()
	})
}

// entrusts asks for all that the processor gets, and fails the test unless the reasons are
// those; none: it is permitted.
func (w *world) entrusts(want []string, child family.ID) {
	w.t.Helper()
	_, err := w.entrust(child)
	var got []string
	if d, ok := errors.AsType[*gate.Denied](err); ok {
		for _, r := range d.Reasons {
			got = append(got, r.Code)
		}
	} else if err != nil {
		w.t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Error(diff)
	}
}

func (w *world) entrust(child family.ID) (entry string, err error) {
	u := gate.Use{Service: vaulttest.Service, Child: child, Activity: charter.Entrust, Purpose: "speaking-practice", Items: []string{"voice", "gender"}, Party: vaulttest.Processor}
	err = w.Try(func(ctx context.Context, tx *db.Tx) error {
		out, err := w.Vault.Open(ctx, tx, w.By(), u, nil)
		entry = out.Entry
		return err
	})
	return entry, err
}

// The end of an agreement is exact. Many ask at once while its last second passes, and while
// the officer suspends the processor and lets it on again: of what the ledger has, no permit
// is at that second or after it, there are some right before it, and each is decided again
// the same.
func TestArticle16_NothingIsPermittedFromTheLastSecondOn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const askers = 8
		children := make([]family.ID, askers)
		for i := range children {
			c := w.Child()
			children[i] = c.ID
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, err := w.Vault.Put(ctx, tx, w.By(), vaulttest.Service, c.ID, "speaking-practice", map[string]pii.Text{"gender": pii.New("女")})
				return err
			})
		}
		until := w.Store.Now().Add(time.Hour).Truncate(time.Second)
		w.Engage(until)
		w.Pass(until.Add(-400 * time.Millisecond).Sub(w.Store.Now()))
		var all sync.WaitGroup
		over := func() bool { return w.Store.Now().After(until.Add(200 * time.Millisecond)) }
		for _, child := range children {
			all.Go(func() {
				for !over() {
					if _, err := w.entrust(child); err != nil && !errors.Is(err, gate.ErrDenied) {
						t.Error(err)
						return
					}
				}
			})
		}
		for !over() {
			w.suspend(nil, party.Other)
			w.resume(nil)
			time.Sleep(5 * time.Millisecond) // so that some are asked in between
		}
		all.Wait()
		before, after, denied := 0, 0, 0
		err := w.Store.View(t.Context(), func(tx *db.Tx) error {
			return ledger.Pending(t.Context(), tx, func(p ledger.Placed) error {
				var b gate.UseBody
				switch p.Kind {
				case gate.KindPermitted:
					if err := p.Into(&b); err != nil || b.Activity != string(charter.Entrust) {
						return err
					}
					if p.At.Before(until) {
						before++
					} else {
						after++
					}
				case gate.KindDenied:
					if !p.At.Before(until) {
						denied++
					}
				}
				return nil
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		if before == 0 || after != 0 || denied == 0 {
			t.Errorf("%d permits before the last second, %d from it on, %d denials then", before, after, denied)
		}
		w.replays()
	})
}

// PIPL 56: an assessment is kept for three years at least. There is no verb that removes or
// changes a paper, nor one that removes a party, in all of the program.
func TestArticle16_NoVerbRemovesAPaper(t *testing.T) {
	forbidden := regexp.MustCompile(`(?i)(DELETE\s+FROM\s+party(_paper)?\b|UPDATE\s+party_paper\b|INTO\s+party_paper[^;]*DO UPDATE)`)
	seen := 0
	err := filepath.WalkDir("../..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if at := forbidden.FindIndex(text); at != nil {
			t.Errorf("%s: %s", path, text[at[0]:at[1]])
		}
		if strings.Contains(string(text), "party_paper") {
			seen++
		}
		return nil
	})
	if err != nil || seen < 2 {
		t.Errorf("%d files, %v: the test no longer reads the source", seen, err)
	}
}

// Article 17: a recipient is assessed, by an institution if the operator wants that, and
// signs nothing; what it gets is told by the gate as for a processor.
func TestArticle17_ARecipientIsAssessedAndSignsNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.Publish(vaulttest.Takeover(w.Charter))
		child := w.Child()
		of := party.ID{Service: vaulttest.Service, Role: party.Recipient, Name: vaulttest.Successor}
		scope := party.Scope{vaulttest.Handover: {"nickname"}}
		w.verb(nil, func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
			return party.Register(ctx, tx, by, of, vaulttest.Identity())
		})
		transfer := func(want string) {
			t.Helper()
			err := w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, err := w.Vault.Transfer(ctx, tx, w.By(), gate.Use{Service: vaulttest.Service, Child: child.ID, Activity: charter.Transfer,
					Purpose: vaulttest.Handover, Items: []string{"nickname"}, Party: vaulttest.Successor})
				return err
			})
			got := ""
			if d, ok := errors.AsType[*gate.Denied](err); ok {
				for _, r := range d.Reasons {
					got += r.Article + ":" + r.Code + " "
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		const weak = "9:gate.verification_too_weak " // what leaves the operator needs more than a code
		transfer(weak + "17:gate.recipient_not_assessed ")
		w.verb(nil, func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
			f := w.Assessment(scope)
			f.By, f.Institution, f.Report = "institution", "评估所", strings.Repeat("ef", 32)
			return party.Assess(ctx, tx, by, of, f)
		})
		transfer(weak)
		w.verb(party.ErrRole, func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
			return party.Declare(ctx, tx, by, of, []string{"somebody"})
		})
		w.verb(nil, func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
			return party.End(ctx, tx, by, of, time.Time{})
		})
		transfer(weak + "17:gate.party_ended ")
		w.verb(party.ErrParting, func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
			return party.Assess(ctx, tx, by, of, w.Assessment(scope))
		})
		w.parted()
		w.verb(nil, func(ctx context.Context, tx *db.Tx, by catalog.Officer) (party.Party, string, error) {
			return party.Assess(ctx, tx, by, of, w.Assessment(scope))
		})
		transfer(weak)
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Find(ctx, tx, vaulttest.Service, child.ID)
			if err != nil {
				return err
			}
			r, _, _, err := w.Desk.Ask(ctx, tx, w.App, c, consent.Asking{Purposes: []string{vaulttest.Handover}, Channel: consent.Link, Locale: "zh-CN"})
			if err != nil {
				return err
			}
			_, _, err = w.Desk.ForceAt(ctx, tx, w.App, r, consent.ForceGranted, family.NameAndNumber)
			return err
		})
		w.Put(child, "course-progress", "nickname", "小溪")
		transfer("")
		// It takes nothing over: nobody is told so in the end, nor does it keep anything by that.
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := family.Find(ctx, tx, vaulttest.Service, child.ID)
			if !c.HandedAt.IsZero() {
				t.Error("the child was handed over to a successor that there isn't")
			}
			return err
		})
		w.replays()
	})
}

// What is printed to be filled in is the form: it is read again, each line of it is
// explained in both languages, and the code in it is one.
func TestFormsAreExplainedAndReadAgain(t *testing.T) {
	for name, form := range party.Forms {
		text := party.Template(form)
		into := reflect.New(reflect.TypeOf(form))
		if err := party.Decode([]byte(text), into.Interface()); err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
		explained(t, name, reflect.TypeOf(form))
		if err := party.Decode([]byte(text+"\nfavourite_colour: red\n"), reflect.New(reflect.TypeOf(form)).Interface()); !errors.Is(err, party.ErrForm) {
			t.Errorf("%s: what the form doesn't have is taken: %v", name, err)
		}
	}
	var f party.Form
	if err := party.Decode([]byte(party.Template(party.Form{})), &f); err != nil || f.Passes() || len(f.Risks) != 1 || !f.Scope.Has("speaking-practice", "gender") {
		t.Errorf("%+v, %v", f, err)
	}
}

func explained(t *testing.T, name string, typ reflect.Type) {
	t.Helper()
	switch typ.Kind() {
	case reflect.Slice:
		explained(t, name, typ.Elem())
	case reflect.Struct:
		for i := range typ.NumField() {
			f := typ.Field(i)
			if zh, en, ok := strings.Cut(f.Tag.Get("doc"), "|"); !ok || zh == "" || en == "" {
				t.Errorf("%s.%s isn't explained in both languages", name, f.Name)
			}
			explained(t, name+"."+f.Name, f.Type)
		}
	}
}
