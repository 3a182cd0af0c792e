package replay_test

import (
	"context"
	"testing"
	"time"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/catalog/catalogtest"
	"wardkeep/internal/charter"
	"wardkeep/internal/impact"
	"wardkeep/internal/ledger"
	"wardkeep/internal/replay"
	"wardkeep/internal/signin"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// A cabinet is a story of charters: one that the deputy has approved, one that the
// officer has refused, one that waits, and one that was taken back. The deputy's appointment and a training of the
// officer are on record, and the officer is reached elsewhere.
type cabinet struct {
	*story
	engineer, officer, deputy *signintest.Insider
	waits                     int64
}

func playCabinet(t *testing.T, w *vaulttest.World) *cabinet {
	t.Helper()
	k := &cabinet{story: begin(t, w)}
	door := signin.Door{Ring: w.Ring}
	k.Child()
	offices := make(map[catalog.Role]staff.Grant)
	terms := make(map[catalog.Role]catalog.Officer)
	k.Do(func(ctx context.Context, tx *db.Tx) error {
		for _, role := range []catalog.Role{catalog.RoleOfficer, catalog.RoleDeputy} {
			o, err := catalog.Holder(ctx, tx, service, role)
			if err != nil {
				return err
			}
			terms[role] = o
			if offices[role], err = staff.OfOffice(ctx, tx, service, o.ID); err != nil {
				return err
			}
		}
		return nil
	})
	k.engineer = signintest.Hire(t, w.Store, door, "工程师", staff.Grant{Role: staff.Engineer, Service: service})
	k.officer = signintest.Hire(t, w.Store, door, "林静", offices[catalog.RoleOfficer])
	k.deputy = signintest.Hire(t, w.Store, door, "周远", offices[catalog.RoleDeputy])
	k.Do(func(ctx context.Context, tx *db.Tx) error {
		d, _, err := approval.ProposeCharter(ctx, tx, k.Ring, k.engineer.Session.Person, k.editions[0], catalog.Touches{"speaking-practice": 1, "account": 1})
		if err != nil {
			return err
		}
		if err := catalogtest.Assess(ctx, tx, k.Ring, k.Officer, service, d.Number); err != nil {
			return err
		}
		_, _, err = approval.ApproveCharter(ctx, tx, k.Ring, k.deputy.Session.Person, service, d.Number, catalog.Seen{Hash: d.Hash, Against: 1}, "已核对")
		return err
	})
	for range 2 {
		k.Do(func(ctx context.Context, tx *db.Tx) error {
			d, _, err := approval.ProposeCharter(ctx, tx, k.Ring, k.engineer.Session.Person, k.editions[1], catalog.Touches{"speaking-practice": 1})
			if err == nil && k.waits == 0 {
				_, err = approval.RefuseCharter(ctx, tx, k.Ring, k.officer.Session.Person, service, d.Number, "先不改")
			}
			k.waits = d.Number
			return err
		})
	}
	k.Do(func(ctx context.Context, tx *db.Tx) error {
		other, err := charter.Parse(k.Charter.Canonical())
		if err != nil {
			return err
		}
		other.Rules[charter.English] += "\nOne more.\n"
		d, _, err := approval.ProposeCharter(ctx, tx, k.Ring, k.engineer.Session.Person, other, nil)
		if err == nil {
			_, err = approval.TakeBackCharter(ctx, tx, k.Ring, k.engineer.Session.Person, service, d.Number)
		}
		return err
	})
	k.Do(func(ctx context.Context, tx *db.Tx) error {
		boss, second := terms[catalog.RoleOfficer], terms[catalog.RoleDeputy]
		_, _, err := catalog.Keep(ctx, tx, k.Ring, boss, service, catalog.Record{Officer: second.ID, Kind: catalog.Appointment, Day: "2026-01-05", Title: "任命书"}, []byte("%PDF-1.7 任命"))
		if err == nil {
			_, _, err = catalog.Keep(ctx, tx, k.Ring, boss, service, catalog.Record{Officer: boss.ID, Kind: catalog.Training, Day: "2026-01-06", Title: "培训"}, nil)
		}
		for _, kind := range []catalog.RecordKind{catalog.EmergencyPlan, catalog.EmergencyDrill} {
			if err == nil {
				_, _, err = catalog.Keep(ctx, tx, k.Ring, boss, service, catalog.Record{Officer: boss.ID, Kind: kind, Day: "2026-01-07", Title: "应急预案"}, []byte("%PDF-1.7 预案"))
			}
		}
		if err == nil {
			_, _, err = catalog.Reach(ctx, tx, boss, service, boss.ID, "ertong@xiaoxi-english.example")
		}
		return err
	})
	if err := k.flush(); err != nil {
		t.Fatal(err)
	}
	k.replays(t)
	return k
}

// charterChanges are what somebody may do by hand to proposals and to records of offices.
var charterChanges = []struct{ name, query, found string }{
	{"a proposal is another's", `UPDATE charter SET proposed_by = '王小明' WHERE service = $1 AND number = 4`, "row_damaged charter words, bound"},
	{"a proposal touches fewer", `UPDATE charter SET touches = 'speaking-practice=0' WHERE service = $1 AND number = 4`, "row_differs charter touches"},
	{"a proposal was never refused", `UPDATE charter SET refused_at = NULL WHERE service = $1 AND number = 3`, "row_differs charter refused_at"},
	{"a proposal was never taken back", `UPDATE charter SET refused_at = NULL WHERE service = $1 AND number = 5`, "row_differs charter refused_at"},
	{"a proposal was taken back by another", `UPDATE charter SET decided_by = '王小明' WHERE service = $1 AND number = 5`, "row_differs charter decided_by"},
	{"a proposal was refused", `UPDATE charter SET refused_at = 1 WHERE service = $1 AND number = 4`, "row_differs charter refused_at"},
	{"a charter was approved by another", `UPDATE charter SET decided_by = '王小明' WHERE service = $1 AND number = 2`, "row_differs charter decided_by"},
	{"nobody has approved a charter", `UPDATE charter SET decided_by = '' WHERE service = $1 AND number = 2`, "row_differs charter decided_by"},
	{"the words of a decision are gone", `UPDATE charter SET words = NULL WHERE service = $1 AND number = 2`, "row_damaged charter words, bound"},
	{"the words of a decision are another's", `UPDATE charter SET words = (SELECT words FROM charter WHERE service = $1 AND number = 2) WHERE service = $1 AND number = 3`, "row_damaged charter words, bound"},
	{"a mark is another's", `UPDATE charter SET bound = (SELECT bound FROM charter WHERE service = $1 AND number = 2) WHERE service = $1 AND number = 4`, "row_damaged charter words, bound"},

	{"an assessment never was", `DELETE FROM impact WHERE service = $1 AND purpose = 'account'`, "row_missing impact "},
	{"an assessment is another service's", `UPDATE impact SET service = '王小明' WHERE service = $1 AND purpose = 'account'`, "row_extra impact "},
	{"an assessment has another name", `UPDATE impact SET id = '王小明' WHERE service = $1 AND purpose = 'account'`, "row_extra impact "},
	{"an assessment is of another purpose", `UPDATE impact SET purpose = '王小明' WHERE service = $1 AND purpose = 'account'`, "row_differs impact purpose"},
	{"an assessment is of another charter", `UPDATE impact SET charter = 9 WHERE service = $1 AND purpose = 'account'`, "row_differs impact charter"},
	{"an assessment is of another description", `UPDATE impact SET described = '王小明' WHERE service = $1 AND purpose = 'account'`, "row_differs impact described"},
	{"an assessment has not passed", `UPDATE impact SET outcome = 'not_passed' WHERE service = $1 AND purpose = 'account'`, "row_differs impact outcome"},
	{"an assessment was signed later", `UPDATE impact SET signed_at = signed_at + 1 WHERE service = $1 AND purpose = 'account'`, "row_differs impact signed_at"},
	{"an assessment was signed by another", `UPDATE impact SET signed_by = '王小明' WHERE service = $1 AND purpose = 'account'`, "row_differs impact signed_by"},
	{"an assessment is good for longer", `UPDATE impact SET until = until + 1 WHERE service = $1 AND purpose = 'account'`, "row_differs impact until"},
	{"an assessment says something else", `UPDATE impact SET form = salt WHERE service = $1 AND purpose = 'account'`, "row_sealed impact form, salt, bound"},
	{"an assessment's salt is another", `UPDATE impact SET salt = (SELECT salt FROM officer ORDER BY salt LIMIT 1) WHERE service = $1 AND purpose = 'account'`, "row_sealed impact form, salt, bound"},
	{"an assessment's mark is another's", `UPDATE impact SET bound = salt WHERE service = $1 AND purpose = 'account'`, "row_sealed impact form, salt, bound"},

	{"a record never was", `DELETE FROM officer_record WHERE service = $1 AND kind = 'training'`, "row_missing officer_record "},
	{"a record is another service's", `UPDATE officer_record SET service = '王小明' WHERE service = $1 AND kind = 'training'`, "row_extra officer_record "},
	{"a record has another name", `UPDATE officer_record SET id = '王小明' WHERE service = $1 AND kind = 'training'`, "row_extra officer_record "},
	{"a record is about another", `UPDATE officer_record SET officer = '王小明' WHERE service = $1`, "row_differs officer_record officer"},
	{"a training was an appointment", `UPDATE officer_record SET kind = 'appointment' WHERE service = $1`, "row_differs officer_record kind"},
	{"a drill was a plan", `UPDATE officer_record SET kind = 'plan' WHERE service = $1 AND kind = 'drill'`, "row_differs officer_record kind"},
	{"a plan is somebody's", `UPDATE officer_record SET officer = (SELECT officer FROM service WHERE service = $1) WHERE kind = 'plan'`, "row_differs officer_record officer"},
	{"a plan never was", `DELETE FROM officer_record WHERE service = $1 AND kind = 'plan'`, "row_missing officer_record "},
	{"a plan is newer", `UPDATE officer_record SET day = '2026-02-07' WHERE service = $1 AND kind = 'plan'`, "row_hash officer_record day, title, file, hash, salt"},
	{"a training was on another day", `UPDATE officer_record SET day = '2026-01-01' WHERE service = $1`, "row_hash officer_record day, title, file, hash, salt"},
	{"a training was another", `UPDATE officer_record SET title = '王小明' WHERE service = $1`, "row_hash officer_record day, title, file, hash, salt"},
	{"a document is of another type", `UPDATE officer_record SET file = 'image/png' WHERE service = $1 AND kind = 'appointment'`, "row_hash officer_record day, title, file, hash, salt"},
	{"a document has another hash", `UPDATE officer_record SET hash = 'x' WHERE service = $1 AND kind = 'appointment'`, "row_damaged officer_record document"},
	{"a document is gone", `UPDATE officer_record SET document = NULL WHERE service = $1 AND kind = 'appointment'`, "row_damaged officer_record document"},
	{"a document is another", `UPDATE officer_record SET document = salt WHERE service = $1 AND kind = 'appointment'`, "row_damaged officer_record document"},
	{"a record's salt is another", `UPDATE officer_record SET salt = (SELECT salt FROM officer ORDER BY salt LIMIT 1) WHERE service = $1`, "row_hash officer_record day, title, file, hash, salt"},
	{"a record came later", `UPDATE officer_record SET added_at = added_at + 1 WHERE service = $1`, "row_differs officer_record added_at"},
	{"a record is of another", `UPDATE officer_record SET added_by = '王小明' WHERE service = $1`, "row_differs officer_record added_by"},
}

// Invariant 7: what was decided about charters and kept about offices replays, and what
// somebody changes of it by hand, or says in the ledger alone, is found.
func TestInvariant7_CharterDecisionsReplay(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		k := playCabinet(t, w)
		tried := make(tries)
		for _, c := range charterChanges {
			if tried.enough(t, c.query) {
				continue
			}
			report := k.once(t, func() {
				k.do(func(ctx context.Context, tx *db.Tx) error {
					n, err := tx.Exec(ctx, c.query, service)
					if err == nil && n == 0 {
						t.Errorf("%s: nothing was changed", c.name)
					}
					return err
				})
			})
			found(t, c.name, report, c.found)
		}
		k.Pass(time.Minute)
		var s catalog.Service
		var hash string
		k.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			e, _, err := catalog.Text(ctx, tx, service, k.waits)
			if err == nil {
				hash = e.Hash
				s, err = catalog.Find(ctx, tx, service)
			}
			return err
		})
		says := func(kind, actor string, body any) func() {
			return func() {
				k.do(func(ctx context.Context, tx *db.Tx) error {
					_, err := ledger.Append(ctx, tx, ledger.Entry{Kind: kind, Service: service, Version: s.Version + 1, Actor: actor, Body: body})
					return err
				})
			}
		}
		// next says what follows another change.
		next := func(say func()) {
			s.Version++
			say()
			s.Version--
		}
		approved := func(office string, in *signintest.Insider) catalog.ApprovedBody {
			return catalog.ApprovedBody{Number: k.waits, Hash: hash, Office: office, Person: in.Session.Person.Version, Proposer: k.engineer.Session.Person.Version}
		}
		assessed := func(number int64, good time.Duration) catalog.AssessedBody {
			return catalog.AssessedBody{ID: id.New(id.Impact), Purpose: "account", Charter: number, Described: k.editions[1].Described("account"),
				Outcome: impact.Passed, Until: k.Store.Now().Add(good).UnixMicro()}
		}
		otherwise := assessed(k.waits, time.Hour)
		otherwise.Described = k.Charter.Described("class-ranking")
		// publishes is that the terminal puts a purpose into force by what waits.
		publishes := func(purpose string) catalog.PublishedBody {
			return catalog.PublishedBody{Number: k.waits, Hash: hash, Terminal: true, AskedSince: map[string]int64{purpose: k.waits}}
		}
		// later is an approval by the officer of what the engineer has proposed, after
		// something that became of the engineer.
		later := func(became func(ctx context.Context, tx *db.Tx) error) func() {
			return func() {
				b := approved(s.OfficerID, k.officer)
				k.do(func(ctx context.Context, tx *db.Tx) error {
					if err := became(ctx, tx); err != nil {
						return err
					}
					now, err := staff.Find(ctx, tx, k.engineer.ID)
					b.Proposer = now.Version
					return err
				})
				says(catalog.KindApproved, "staff:"+k.officer.ID, b)()
			}
		}
		for name, c := range map[string]struct {
			says func()
			want string
		}{
			"a charter comes into force without an approval": {says(catalog.KindPublished, "officer:"+s.OfficerID, catalog.PublishedBody{Number: k.waits, Hash: hash}), "impossible approval"},
			"the terminal publishes beside who is in office": {says(catalog.KindPublished, "officer:"+s.OfficerID, catalog.PublishedBody{Number: k.waits, Hash: hash, Terminal: true}), "impossible approval"},
			"one's own is approved":                          {says(catalog.KindApproved, "staff:"+k.engineer.ID, approved(s.OfficerID, k.engineer)), "impossible actor"},
			"who has made the link of who proposed it approves": {later(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := signin.Door{Ring: k.Ring}.Invite(ctx, tx, k.officer.Session.Person, k.engineer.ID)
				return err
			}), "impossible actor"},
			"what was proposed by who has left is approved": {later(func(ctx context.Context, tx *db.Tx) error {
				_, err := staff.Leave(ctx, tx, terminal, k.engineer.ID)
				return err
			}), "impossible actor"},
			"the terminal approves":        {says(catalog.KindApproved, "operator:cli", approved(s.OfficerID, k.officer)), "impossible actor"},
			"an office that isn't held":    {says(catalog.KindApproved, "staff:"+k.officer.ID, approved(id.New(id.Staff), k.officer)), "impossible office"},
			"another text":                 {says(catalog.KindApproved, "staff:"+k.officer.ID, catalog.ApprovedBody{Number: k.waits, Hash: "x", Office: s.OfficerID, Person: 1}), "impossible hash"},
			"what was refused is approved": {says(catalog.KindApproved, "staff:"+k.officer.ID, catalog.ApprovedBody{Number: k.waits - 1, Hash: hash, Office: s.OfficerID, Person: 1}), "impossible number"},
			"who has no office refuses": {says(catalog.KindRefused, "staff:"+k.engineer.ID, catalog.RefusedBody{Number: k.waits, Hash: hash, Office: s.OfficerID,
				Person: k.engineer.Session.Person.Version}), "impossible actor"},
			"another takes a proposal back": {says(catalog.KindTakenBack, "staff:"+k.officer.ID, catalog.TakenBackBody{Number: k.waits, Hash: hash, Person: k.officer.Session.Person.Version}),
				"impossible actor"},
			"the terminal takes a person's proposal back":        {says(catalog.KindTakenBack, "operator:cli", catalog.TakenBackBody{Number: k.waits, Hash: hash}), "impossible actor"},
			"what was refused is taken back":                     {says(catalog.KindTakenBack, "staff:"+k.engineer.ID, catalog.TakenBackBody{Number: k.waits - 1, Hash: hash, Person: 1}), "impossible number"},
			"a contact of who isn't in office":                   {says(catalog.KindReached, "operator:cli", catalog.ReachedBody{ID: id.New(id.Staff), Who: "x"}), "impossible office"},
			"a purpose comes into force that was never assessed": {says(catalog.KindPublished, "officer:"+s.OfficerID, publishes("sales")), "impossible impact"},
			"a purpose comes into force that has changed materially": {func() {
				changed, err := charter.Parse(k.Charter.Canonical())
				if err != nil {
					t.Fatal(err)
				}
				changed.Purposes[0].Why.EN += " And for more."
				var d catalog.Draft
				k.do(func(ctx context.Context, tx *db.Tx) (err error) {
					d, _, err = catalog.Propose(ctx, tx, k.Ring, terminal, changed, nil)
					return err
				})
				b := publishes(changed.Purposes[0].Name)
				b.Number, b.Hash = d.Number, d.Hash
				next(says(catalog.KindPublished, "officer:"+s.OfficerID, b))
			}, "impossible impact"},
			"a purpose comes into force against its newest assessment": {func() {
				against := assessed(k.waits, time.Hour)
				against.Outcome = impact.NotPassed
				says(catalog.KindAssessed, "officer:"+s.OfficerID, against)()
				next(says(catalog.KindPublished, "officer:"+s.OfficerID, publishes("account")))
			}, "impossible impact"},
			"an assessment is of other words than the charter's": {says(catalog.KindAssessed, "officer:"+s.OfficerID, otherwise), "impossible impact"},
			"who isn't in office signs an assessment":            {says(catalog.KindAssessed, "officer:"+id.New(id.Staff), assessed(k.waits, time.Hour)), "impossible actor"},
			"an assessment is out of date when it is signed":     {says(catalog.KindAssessed, "officer:"+s.OfficerID, assessed(k.waits, 0)), "impossible impact"},
			"an assessment is of what was refused":               {says(catalog.KindAssessed, "officer:"+s.OfficerID, assessed(k.waits-1, time.Hour)), "impossible number"},
			"a plan that is somebody's":                          {says(catalog.KindRecorded, "operator:cli", catalog.RecordedBody{ID: id.New(id.Record), Officer: s.OfficerID, Kind: catalog.EmergencyPlan}), "impossible office"},
			"a training of nobody":                               {says(catalog.KindRecorded, "operator:cli", catalog.RecordedBody{ID: id.New(id.Record), Kind: catalog.Training}), "impossible office"},
			"a record about nobody":                              {says(catalog.KindRecorded, "operator:cli", catalog.RecordedBody{ID: id.New(id.Record), Officer: id.New(id.Staff), Kind: catalog.Training}), "impossible office"},
		} {
			report := k.once(t, c.says)
			hit := false
			for _, d := range report.Differences {
				hit = hit || d.What == replay.FoundImpossible && "impossible "+d.Field == c.want
			}
			if !hit {
				t.Errorf("%s: want %q, got %+v", name, c.want, report.Differences)
			}
		}
		k.replays(t)
	})
}
