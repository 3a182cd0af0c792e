package replay_test

import (
	"cmp"
	"context"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
	"wardkeep/internal/ledger"
	"wardkeep/internal/party"
	"wardkeep/internal/retention"
	"wardkeep/internal/signin"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

// seatChanges are changes by hand of who sits for a party, and what must be found.
var seatChanges = []struct{ name, query, found string }{
	{"who sits for a party is somebody inside", `UPDATE person SET seat = '' WHERE seat <> '' AND state = 'active'`, "row_differs person seat"},
	{"a seat is gone", `DELETE FROM party_seat`, "row_missing party_seat "},
	{"a seat has another name", `UPDATE party_seat SET id = '王小明' WHERE taken_at IS NULL`, "row_extra party_seat "},
	{"a seat is of another service", `UPDATE party_seat SET service = '王小明'`, "row_differs party_seat service"},
	{"a seat is of another role", `UPDATE party_seat SET role = 'recipient'`, "row_differs party_seat role"},
	{"a seat is another party's", `UPDATE party_seat SET party = '王小明'`, "row_differs party_seat party"},
	{"a seat is of another version", `UPDATE party_seat SET version = version + 1`, "row_differs party_seat version"},
	{"a seat is bound to another paper", `UPDATE party_seat SET paper = '王小明'`, "row_differs party_seat paper"},
	{"a seat is in another country", `UPDATE party_seat SET country = 'SG'`, "row_differs party_seat country"},
	{"a seat was given later", `UPDATE party_seat SET given_at = given_at + 1`, "row_differs party_seat given_at"},
	{"somebody else has given a seat", `UPDATE party_seat SET given_by = '王小明'`, "row_differs party_seat given_by"},
	{"a seat holds longer", `UPDATE party_seat SET until_at = until_at + 1`, "row_differs party_seat until_at"},
	{"a seat was never taken", `UPDATE party_seat SET taken_at = NULL`, "row_differs party_seat taken_at"},
	{"nobody has used a seat", `UPDATE party_seat SET used_at = NULL`, "row_differs party_seat used_at"},
}

// Who sits for a party, by which paper and until when, and when the person signed in last,
// replays; what somebody changes of it is found.
func TestInvariant7_SeatsReplay(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := begin(t, w)
		of := vaulttest.ProcessorID()
		w.Engage(w.Store.Now().Add(100 * 24 * time.Hour))
		var office staff.Grant
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			office, err = staff.OfOffice(ctx, tx, service, w.Officer.ID)
			return err
		})
		boss := signintest.Hire(t, w.Store, signin.Door{Ring: w.Ring}, "林静", office)
		sits := func() *signintest.Insider {
			in := &signintest.Insider{T: t, Store: w.Store, Door: signin.Door{Ring: w.Ring, Parties: true}}
			var link string
			w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
				link, _, err = in.Door.Seat(ctx, tx, boss.Session.Person, of, "周舟")
				return err
			})
			in.SetUp(link)
			return in
		}
		in, gone := sits().Session.Person, sits().Session.Person
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			return signin.Unseat(ctx, tx, boss.Session.Person, of, gone.Seat)
		})
		ok(t, s.flush())
		s.replays(t)
		tried := make(tries)
		for _, c := range seatChanges {
			if tried.enough(t, c.query) {
				continue
			}
			found(t, c.name, s.once(t, func() {
				s.do(func(ctx context.Context, tx *db.Tx) error {
					n, err := tx.Exec(ctx, c.query)
					if err == nil && n == 0 {
						t.Errorf("%s: nothing was changed", c.name)
					}
					return err
				})
			}), c.found)
		}
		append := func(e ledger.Entry) func() {
			return func() {
				s.do(func(ctx context.Context, tx *db.Tx) error {
					if strings.HasPrefix(e.Kind, "party.") {
						is, err := catalog.Find(ctx, tx, service)
						if err != nil {
							return err
						}
						e.Service, e.Version, e.Actor = service, is.Version+1, cmp.Or(e.Actor, w.Officer.Ledger())
					}
					_, err := ledger.Append(ctx, tx, e)
					return err
				})
			}
		}
		until := w.Store.Now().Add(100 * 24 * time.Hour).UnixMicro()
		for name, f := range map[string]struct {
			entry ledger.Entry
			found string
		}{
			"a seat that outlives its paper":             {ledger.Entry{Kind: party.KindSeated, Body: party.SeatedBody{Party: of.Name, Role: of.Role, Seat: id.New(id.PartySeat), Paper: "pp_x", Until: until, Country: "CN"}}, "impossible party"},
			"a seat that is taken twice":                 {ledger.Entry{Kind: party.KindUnseated, Body: party.UnseatedBody{Party: of.Name, Role: of.Role, Seat: gone.Seat}}, "impossible party"},
			"a seat that is revoked as a key":            {ledger.Entry{Kind: party.KindRevoked, Body: party.RevokedBody{Party: of.Name, Role: of.Role, Key: in.Seat}}, "impossible party"},
			"somebody on a seat of nobody's":             {ledger.Entry{Kind: staff.KindAdded, Version: 1, Actor: "operator:x", Body: staff.AddedBody{Person: id.New(id.Staff), Who: staff.Who(nil, "", ""), Seat: id.New(id.PartySeat)}}, "impossible person"},
			"a seat that the sweep ends before its time": {ledger.Entry{Kind: party.KindUnseated, Actor: "system:retention", Body: party.UnseatedBody{Party: of.Name, Role: of.Role, Seat: in.Seat}}, "impossible party"},
			"a person whom the sweep takes from a seat":  {ledger.Entry{Kind: staff.KindLeft, Version: 1000, Actor: "system:retention", Body: staff.LeftBody{Person: in.ID}}, "impossible person"},
			"a person inside whom the sweep has leave":   {ledger.Entry{Kind: staff.KindLeft, Version: 1000, Actor: "system:retention", Body: staff.LeftBody{Person: boss.Session.Person.ID}}, "impossible actor"},
			"a second person on a seat":                  {ledger.Entry{Kind: staff.KindAdded, Version: 1, Actor: "operator:x", Body: staff.AddedBody{Person: id.New(id.Staff), Who: staff.Who(nil, "", ""), Seat: in.Seat}}, "impossible person"},
			"a role of somebody who sits outside":        {ledger.Entry{Kind: staff.KindGranted, Version: 1000, Actor: "operator:x", Body: staff.RoleBody{Person: in.ID, Role: staff.Auditor}}, "impossible person"},
		} {
			forgery(t, name, s.once(t, append(f.entry)), f.found)
		}
		// Article 16: a seat may tell us what its party owes for a while after its end, and then it ends by
		// itself, with its person, if that hasn't left before, and all that the person signed in with.
		left := sits().Session.Person
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			_, err := signin.Leave(ctx, tx, catalog.Operator{ID: "test"}, left.ID)
			return err
		})
		for _, c := range []struct {
			pass  time.Duration
			seats int
		}{{100*24*time.Hour + party.Lingers - time.Hour, 0}, {2 * time.Hour, 2}, {time.Hour, 0}} {
			w.Pass(c.pass)
			if done, err := retention.Sweep(t.Context(), w.Store, w.Vault); err != nil || done.Seats != c.seats {
				t.Errorf("%d seats ended, want %d: %v", done.Seats, c.seats, err)
			}
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			seats, err := party.SeatsOver(ctx, tx, party.Seat{}, 10)
			if err != nil || len(seats) != 0 {
				t.Errorf("%v, %v", seats, err)
			}
			p, err := staff.Find(ctx, tx, in.ID)
			if err != nil || p.State != staff.Left {
				t.Errorf("%+v, %v", p, err)
			}
			n, err := db.One(ctx, tx, db.Single[int64], `SELECT count(*) FROM person_login WHERE person = $1`, in.ID)
			if n != 0 {
				t.Error("its password is there still")
			}
			return err
		})
		ok(t, s.flush())
		s.replays(t)
	})
}
