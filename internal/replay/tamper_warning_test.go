package replay_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/notify"
	"wardkeep/internal/replay"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/warning"
)

// warningChanges are changes by hand of who is told of a case, and what must be found.
var warningChanges = []struct{ name, query, found string }{
	{"a notice never was", `DELETE FROM breach_notice`, "row_missing breach_notice "},
	{"a notice has another name", `UPDATE breach_notice SET id = '王小明'`, "row_extra breach_notice "},
	{"a notice is another service's", `UPDATE breach_notice SET service = '王小明'`, "row_differs breach_notice service"},
	{"a notice is of another case", `UPDATE breach_notice SET incident = '王小明'`, "row_differs breach_notice incident"},
	{"a notice is withheld", `UPDATE breach_notice SET withheld = true`, "row_differs breach_notice withheld"},
	{"a notice is another draft", `UPDATE breach_notice SET version = 7`, "row_differs breach_notice version"},
	{"a notice was drafted later", `UPDATE breach_notice SET drafted_at = drafted_at + 1`, "row_differs breach_notice drafted_at"},
	{"somebody else has drafted a notice", `UPDATE breach_notice SET drafted_by = '王小明'`, "row_differs breach_notice drafted_by"},
	{"a notice was confirmed later", `UPDATE breach_notice SET confirmed_at = confirmed_at + 1`, "row_differs breach_notice confirmed_at"},
	{"somebody else has confirmed a notice", `UPDATE breach_notice SET confirmed_by = '王小明'`, "row_differs breach_notice confirmed_by"},
	{"a notice is paused", `UPDATE breach_notice SET paused = true`, "row_differs breach_notice paused"},
	{"a notice has come further", `UPDATE breach_notice SET after = '王小明'`, "row_differs breach_notice after"},
	{"a notice has more batches", `UPDATE breach_notice SET batches = 7`, "row_differs breach_notice batches"},
	{"a notice is of fewer children", `UPDATE breach_notice SET children = 0`, "row_differs breach_notice children"},
	{"a notice has fewer addressees", `UPDATE breach_notice SET addressees = 0`, "row_differs breach_notice addressees"},
	{"a notice was prepared later", `UPDATE breach_notice SET prepared_at = prepared_at + 1`, "row_differs breach_notice prepared_at"},
	{"a notice has gone through more children", `UPDATE breach_notice SET listed = 7`, "row_differs breach_notice listed"},
	{"the public was warned later", `UPDATE breach_notice SET warned_at = warned_at + 1`, "row_differs breach_notice warned_at"},
	{"somebody else has warned the public", `UPDATE breach_notice SET warned_by = '王小明'`, "row_differs breach_notice warned_by"},
	{"a warning is taken back", `UPDATE breach_notice SET warned_until = 1`, "row_differs breach_notice warned_until"},
	{"a notice says something else", `UPDATE breach_notice SET sealed = salt`, "row_sealed breach_notice sealed, salt"},
	{"a notice has another salt", `UPDATE breach_notice SET salt = sealed`, "row_sealed breach_notice sealed, salt"},
	{"somebody isn't told", `DELETE FROM breach_addressee WHERE state = 'waiting'`, "row_differs breach_addressee name"},
	{"nobody is told", `DELETE FROM breach_addressee`, "row_missing breach_addressee "},
	{"somebody is another child's", `UPDATE breach_addressee SET child = '王小明' WHERE state = 'sent'`, "row_differs breach_addressee child, notice, addressee, name"},
	{"somebody is told of another case", `UPDATE breach_addressee SET notice = '王小明' WHERE state = 'sent'`, "row_extra breach_addressee "},
	{"somebody else is told", `UPDATE breach_addressee SET addressee = '王小明' WHERE state = 'sent'`, "row_differs breach_addressee child, notice, addressee, name"},
	{"somebody has another name", `UPDATE breach_addressee SET name = '王小明' WHERE state = 'sent'`, "row_differs breach_addressee child, notice, addressee, name"},
	{"somebody is of another batch", `UPDATE breach_addressee SET batch = 7 WHERE state = 'sent'`, "row_extra breach_addressee "},
	{"who wasn't told was", `UPDATE breach_addressee SET state = 'sent', due_at = NULL WHERE state = 'waiting'`, "row_differs breach_addressee state"},
	{"who is to be called was told", `UPDATE breach_addressee SET state = 'told' WHERE state = 'call'`, "row_differs breach_addressee state"},
	{"a child needs not be told", `UPDATE breach_addressee SET state = 'unreachable' WHERE state = 'through'`, "row_differs breach_addressee child, notice, addressee, name"},
	{"somebody was told otherwise", `UPDATE breach_addressee SET ways = 'email' WHERE state = 'sent'`, "row_differs breach_addressee ways"},
	{"somebody was told later", `UPDATE breach_addressee SET changed_at = changed_at + 1 WHERE state = 'sent'`, "row_differs breach_addressee changed_at"},
	{"somebody waits for good", `UPDATE breach_addressee SET due_at = NULL WHERE state = 'waiting'`, "row_differs breach_addressee due_at"},
}

// Article 21: who was to be told, by whose word, and who was, replays; what somebody changes of it,
// or writes into the ledger that nobody may have done, is found.
func TestInvariant7_WhoIsToldOfACaseReplays(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := &scene{story: begin(t, w)}
		hire := func(role catalog.Role) (p staff.Person) {
			s.Do(func(ctx context.Context, tx *db.Tx) error {
				held, err := catalog.Holder(ctx, tx, service, role)
				var g staff.Grant
				if err == nil {
					g, err = staff.OfOffice(ctx, tx, service, held.ID)
				}
				if err == nil {
					p, err = staff.Add(ctx, tx, catalog.Operator{ID: "test"}, string(role), g)
				}
				return err
			})
			return p
		}
		officer, deputy := hire(catalog.RoleOfficer), hire(catalog.RoleDeputy)
		var children []family.ID
		var here, gone family.Child // gone is one of them that is erased
		for range 5 {
			children = append(children, s.Child().ID)
		}
		here = s.Child()
		var took atomic.Int64 // messages go beside each other
		teller := warning.Teller{Store: s.Store, Desk: warning.Desk{Consent: s.Desk, Messages: notify.Router{notify.SMS: sender(func() error {
			switch took.Add(1) {
			case 1:
				return nil
			case 2, 3:
				return notify.ErrRejected
			}
			return notify.ErrUnavailable
		})}}, Reached: func(_ context.Context, _ *db.Tx, _ string, after family.ID, _ int) (all []family.ID, err error) {
			for _, c := range children {
				if c > after {
					all = append(all, c)
				}
			}
			return all, nil
		}}
		words := warning.Words{What: "昵称", Cause: "名单外传", Harm: "诈骗", Remedies: "已删除", Advice: "留意电话", Contact: "王老师", Child: "别理陌生人"}
		acts := func(p staff.Person, a staff.Action) staff.Acting { return staff.Acting{Person: p, Action: a} }
		var n warning.Notice
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			c, _, err := incident.Desk{Ring: s.Ring, Charters: s.Desk.Charters}.Open(ctx, tx, s.Officer, service, incident.Report{Kind: incident.Leaked, NoticedAt: tx.Now(), Words: pii.New("名单")})
			if err == nil {
				n, _, err = warning.Draft(ctx, tx, s.Ring, acts(officer, staff.WriteIncidents), service, c.ID, "", false, warning.Text{Chinese: words, English: words})
			}
			return err
		})
		s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			n, _, err = warning.Confirm(ctx, tx, s.Ring, acts(deputy, staff.JudgeIncidents), service, n.ID, n.Version)
			return err
		})
		_, err := teller.Round(t.Context())
		ok(t, err, s.flush())
		s.replays(t)
		for _, verb := range []func(ctx context.Context, tx *db.Tx) error{
			func(ctx context.Context, tx *db.Tx) error {
				_, _, err := teller.Sheet(ctx, tx, acts(officer, staff.TellFamilies), service, n.ID, warning.Call, pii.Text{})
				return err
			},
			func(ctx context.Context, tx *db.Tx) error {
				all, err := warning.List(ctx, tx, n, warning.Call, warning.Addressee{}, 1)
				if err == nil {
					_, err = teller.Note(ctx, tx, acts(officer, staff.TellFamilies), service, n.ID, all[0].Child, all[0].Guardian, warning.NoAnswer)
				}
				return err
			},
			func(ctx context.Context, tx *db.Tx) error {
				all, err := warning.List(ctx, tx, n, warning.Call, warning.Addressee{}, 1)
				if err == nil {
					_, err = teller.Note(ctx, tx, acts(officer, staff.TellFamilies), service, n.ID, all[0].Child, all[0].Guardian, warning.Reached)
				}
				return err
			},
			func(ctx context.Context, tx *db.Tx) error { // and who has heard of it has their child erased
				all, err := warning.List(ctx, tx, n, warning.Told, warning.Addressee{}, 1)
				if err == nil {
					_, err = s.Vault.Erase(ctx, tx, "system:retention", service, all[0].Child, family.Unlawful)
				}
				return err
			},
			func(ctx context.Context, tx *db.Tx) error {
				_, _, err := warning.Publish(ctx, tx, s.Ring, acts(deputy, staff.JudgeIncidents), service, n.ID)
				return err
			},
			func(ctx context.Context, tx *db.Tx) error {
				_, _, err := warning.Extend(ctx, tx, acts(officer, staff.WriteIncidents), service, n.ID)
				return err
			},
			func(ctx context.Context, tx *db.Tx) error {
				waiting, err := warning.List(ctx, tx, n, warning.Waiting, warning.Addressee{}, 1)
				if err == nil {
					gone, err = family.Find(ctx, tx, service, waiting[0].Child)
				}
				if err == nil {
					_, err = s.Vault.Erase(ctx, tx, "system:retention", service, waiting[0].Child, family.Unlawful)
				}
				return err
			},
		} {
			s.Do(verb)
			ok(t, s.flush())
		}
		_, err = teller.Round(t.Context())
		ok(t, err, s.flush())
		s.replays(t)
		for _, c := range warningChanges {
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
		for name, f := range map[string]struct {
			kind, actor string
			body        any
			found       string
		}{
			"a notice of no case":             {warning.KindDrafted, officer.Ledger(), warning.DraftedBody{Notice: id.New(id.BreachNotice), Case: "in_x", Version: 1, Mark: "x"}, "impossible warning"},
			"an app drafts a notice":          {warning.KindDrafted, s.App.Ledger(), warning.DraftedBody{Notice: id.New(id.BreachNotice), Case: n.Incident, Version: 1, Mark: "x"}, "impossible actor"},
			"a confirmed notice is drafted":   {warning.KindDrafted, officer.Ledger(), warning.DraftedBody{Notice: n.ID, Case: n.Incident, Version: 2, Mark: "x"}, "impossible warning"},
			"a notice is confirmed twice":     {warning.KindConfirmed, deputy.Ledger(), warning.ConfirmedBody{Notice: n.ID, Version: 1}, "impossible warning"},
			"a notice is resumed that runs":   {warning.KindResumed, officer.Ledger(), warning.ActedBody{Notice: n.ID}, "impossible warning"},
			"the public is warned twice":      {warning.KindPublished, deputy.Ledger(), warning.ActedBody{Notice: n.ID}, "impossible warning"},
			"a batch that is none":            {warning.KindPrepared, warning.Actor, warning.PreparedBody{Notice: n.ID, Batch: 1, Hash: "x"}, "impossible warning"},
			"an app prepares who is told":     {warning.KindPrepared, s.App.Ledger(), warning.PreparedBody{Notice: n.ID, Batch: 3, Hash: "x"}, "impossible actor"},
			"an app tells":                    {warning.KindTold, s.App.Ledger(), warning.ToldBody{Notice: n.ID, Addressee: "x", State: warning.Sent}, "impossible actor"},
			"somebody is told as nobody is":   {warning.KindTold, warning.Actor, warning.ToldBody{Notice: n.ID, Addressee: "x", State: "happy"}, "impossible warning"},
			"the server says who knows":       {warning.KindTold, warning.Actor, warning.ToldBody{Notice: n.ID, Addressee: "x", State: warning.Told}, "impossible warning"},
			"somebody says what was sent":     {warning.KindTold, officer.Ledger(), warning.ToldBody{Notice: n.ID, Addressee: "x", State: warning.Sent}, "impossible warning"},
			"an app reads the call sheet":     {warning.KindListed, s.App.Ledger(), warning.ListedBody{Notice: n.ID, State: warning.Call, Hash: "x"}, "impossible actor"},
			"a sheet of those who were told":  {warning.KindListed, officer.Ledger(), warning.ListedBody{Notice: n.ID, State: warning.Told, Hash: "x"}, "impossible warning"},
			"something about a notice nobody": {warning.KindPaused, officer.Ledger(), warning.ActedBody{Notice: id.New(id.BreachNotice)}, "impossible warning"},
		} {
			forgery(t, name, s.once(t, func() {
				s.do(func(ctx context.Context, tx *db.Tx) error {
					_, err := ledger.Append(ctx, tx, ledger.Entry{Kind: f.kind, Service: service, Actor: f.actor, Body: f.body})
					return err
				})
			}), f.found)
		}
		// A notice that says that it has gone through children who aren't on the list of its case would
		// hide from whoever looks that others have come to it.
		for _, listed := range []int64{0, 7} {
			report := s.once(t, func() {
				s.do(func(ctx context.Context, tx *db.Tx) error {
					_, err := ledger.Append(ctx, tx, ledger.Entry{Kind: warning.KindExtended, Service: service, Actor: officer.Ledger(), Body: warning.ActedBody{Notice: n.ID}})
					if err == nil {
						_, err = ledger.Append(ctx, tx, ledger.Entry{Kind: warning.KindPrepared, Service: service, Actor: warning.Actor,
							Body: warning.PreparedBody{Notice: n.ID, Batch: 3, Hash: "x", Last: true, Listed: listed}})
					}
					return err
				})
			})
			if is := slices.ContainsFunc(report.Differences, func(d replay.Difference) bool {
				return d.What == replay.FoundImpossible && d.Field == "warning"
			}); is != (listed > 0) {
				t.Errorf("of %d listed: %v", listed, report.Differences)
			}
		}
		// Who takes a row out of the table and writes that it went with a child is found: by a child
		// that is here, and by what only this server can write.
		for name, child := range map[string]string{"a row went with a child that is here": here.Subject, "a row went with another child": gone.Subject} {
			forgery(t, name, s.once(t, func() {
				s.do(func(ctx context.Context, tx *db.Tx) error {
					all, err := warning.List(ctx, tx, n, warning.Sent, warning.Addressee{}, 1)
					if err != nil {
						return err
					}
					if _, err := tx.Exec(ctx, `DELETE FROM breach_addressee WHERE child = $1 AND addressee = $2`, all[0].Child, all[0].Guardian); err != nil {
						return err
					}
					b := warning.ToldBody{Notice: n.ID, Addressee: all[0].Name, State: warning.Erased, Batch: all[0].Batch, Child: child, Proof: "x"}
					if child == here.Subject {
						b.Proof = warning.ProofOf(s.Ring, b.Notice, b.Addressee, child)
					}
					_, err = ledger.Append(ctx, tx, ledger.Entry{Kind: warning.KindTold, Service: service, Actor: warning.Actor, Body: b})
					return err
				})
			}), "impossible warning")
		}
		s.Pass(time.Hour)
		s.replays(t)
	})
}

// A sender says what becomes of each message.
type sender func() error

func (s sender) Send(context.Context, notify.Message) error { return s() }
