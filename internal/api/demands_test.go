package api_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/client"
	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/family"
	"wardkeep/internal/receipt"
	"wardkeep/internal/retention"
	"wardkeep/internal/rights"
	"wardkeep/internal/vault/vaulttest"
)

// Articles 19 and 20 over HTTP: the app takes what a guardian says on the phone, is
// told what is due, answers in writing; and what the child asks for alone is told
// to the guardian before it is erased.
func TestArticle19_DemandsOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		child := w.register("amy").ID
		w.says(child, "", true)
		w.must(w.client.Collect(ctx, child, "", wardkeep.Collection{Purpose: "course-progress", Values: map[string]string{"nickname": "Amy"}}))
		mother := w.status(child).Guardians[0].ID

		ask := wardkeep.Demanding{Kind: "correct", Door: "guardian", Guardian: mother, Item: "nickname", Text: "It is Ami."}
		d := w.must(w.client.Demand(ctx, wardkeep.Ref("amy"), ask)).(wardkeep.Demand)
		if d.Number == "" || d.State != "open" || d.Text != "" || d.Entry == "" || !d.DueAt.After(d.ReceivedAt) {
			t.Errorf("%+v", d)
		}
		if _, err := w.client.Demand(ctx, child, ask); !errors.Is(err, &wardkeep.Problem{Code: "rights.twice"}) {
			t.Errorf("twice: %v", err)
		}
		if _, offset := d.DueAt.Zone(); offset != 0 {
			t.Errorf("due at %s: the API's times are UTC", d.DueAt)
		}
		if seen := w.must(w.client.FindDemand(ctx, d.ID)).(wardkeep.Demand); seen.Text != "It is Ami." {
			t.Errorf("%+v", seen)
		}
		due := w.must(w.client.DueDemands(ctx, "", 0)).(wardkeep.Demands)
		if len(due.Requests) != 1 || due.Requests[0].ID != d.ID || due.Requests[0].Text != "" {
			t.Errorf("%+v", due)
		}
		if later := w.must(w.client.ExtendDemand(ctx, d.ID, wardkeep.Extension{Reason: "complex"})).(wardkeep.Demand); !later.DueAt.After(d.DueAt) {
			t.Errorf("%+v", later)
		}
		if done := w.must(w.client.FinishDemand(ctx, d.ID, wardkeep.Finish{Answer: "It says Ami."})).(wardkeep.Demand); done.State != "done" || done.Answer != "" {
			t.Errorf("%+v", done)
		}
		if seen := w.must(w.client.FindDemand(ctx, d.ID)).(wardkeep.Demand); seen.Answer != "It says Ami." {
			t.Errorf("%+v", seen)
		}
		if _, err := w.client.RefuseDemand(ctx, d.ID, wardkeep.Refusal{Reason: "already_right"}); !errors.Is(err, &wardkeep.Problem{Code: "rights.ended"}) {
			t.Errorf("refused after it was done: %v", err)
		}

		closing := w.must(w.client.Demand(ctx, child, wardkeep.Demanding{Kind: "close", Door: "child"})).(wardkeep.Demand)
		if closing.EraseAt.IsZero() || !w.status(child).Frozen {
			t.Errorf("%+v", closing)
		}
		// Edge case 17: before it is carried out it is seen who could be told.
		hers := w.status(child).Guardians[0].ID
		if seen := w.must(w.client.FindDemand(ctx, closing.ID)).(wardkeep.Demand); len(seen.Told) != 0 || !slices.Equal(seen.Untold, []string{hers}) {
			t.Errorf("before anybody is told: %+v", seen)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			r, err := rights.Find(ctx, tx, vaulttest.Service, closing.ID)
			if err != nil {
				return err
			}
			return rights.Tell(ctx, tx, r, family.GuardianID(hers), "email")
		})
		all := w.must(w.client.Demands(ctx, child)).(wardkeep.Demands).Requests
		open := w.must(w.client.DueDemands(ctx, "", 0)).(wardkeep.Demands).Requests
		for _, seen := range []wardkeep.Demand{w.must(w.client.FindDemand(ctx, closing.ID)).(wardkeep.Demand), all[0], open[0]} {
			if len(seen.Told) != 1 || seen.Told[0].Guardian != hers || seen.Told[0].Channel != "email" || seen.Told[0].At.IsZero() || len(seen.Untold) != 0 {
				t.Errorf("once she is told: %+v", seen)
			}
		}
		if _, err := w.client.RefuseDemand(ctx, closing.ID, wardkeep.Refusal{Reason: "not_entitled"}); !errors.Is(err, &wardkeep.Problem{Code: "rights.may_not"}) {
			t.Errorf("an app refuses to delete: %v", err)
		}
		w.Pass(closing.EraseAt.Sub(w.Store.Now()) + time.Minute)
		if _, err := retention.Sweep(ctx, w.Store, w.Vault); err != nil {
			t.Fatal(err)
		}
		if _, err := w.client.FindDemand(ctx, d.ID); !errors.Is(err, &wardkeep.Problem{Code: "rights.not_found"}) {
			t.Errorf("another demand of an erased child: %v", err)
		}
		if _, err := w.client.Demand(ctx, child, ask); !errors.Is(err, wardkeep.ErrChildErased) {
			t.Errorf("about an erased child: %v", err)
		}
	})
}

// Article 20: who demanded an erasure finds, by the demand, that it was carried out and where
// its certificate is, also where no guardian can be reached; and nothing of the child.
func TestArticle20_ADemandLeadsToItsCertificate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		child := w.register("amy").ID
		w.says(child, "", true)
		asked := w.must(w.client.Demand(ctx, child, wardkeep.Demanding{Kind: "delete", Door: "child"})).(wardkeep.Demand)
		if seen := w.must(w.client.FindDemand(ctx, asked.ID)).(wardkeep.Demand); seen.State != "open" || seen.CertificateURL != "" {
			t.Errorf("before: %+v", seen)
		}
		w.Pass(asked.EraseAt.Sub(w.Store.Now()) + time.Minute)
		if _, err := retention.Sweep(ctx, w.Store, w.Vault); err != nil {
			t.Fatal(err)
		}
		done := w.must(w.client.FindDemand(ctx, asked.ID)).(wardkeep.Demand)
		secret, ok := strings.CutPrefix(done.CertificateURL, "https://wardkeep.example/certificate/")
		if want := (wardkeep.Demand{ID: asked.ID, Number: asked.Number, Kind: "delete", Door: "child", State: "done", ReceivedAt: asked.ReceivedAt, DueAt: asked.DueAt,
			ClosedAt: done.ClosedAt, CertificateURL: done.CertificateURL}); !ok || done.ClosedAt.IsZero() || !reflect.DeepEqual(done, want) {
			t.Errorf("%+v\nwant\n%+v", done, want)
		}
		w.sequence()
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := receipt.Office{Charters: w.Desk.Charters, Key: w.key, PublicURL: "https://wardkeep.example"}.Certificate(ctx, tx, w.Ring, secret)
			if err != nil || c.Number != asked.Number || c.Ground != string(family.Requested) {
				t.Errorf("%+v, %v", c, err)
			}
			return nil
		})
		w.send("GET", "/v1/services/"+vaulttest.Service+"/requests/"+asked.ID+"x", "").refused(t, 404, "rights.not_found")
		w.Pass(91 * 24 * time.Hour)
		if _, err := w.client.FindDemand(ctx, asked.ID); !errors.Is(err, &wardkeep.Problem{Code: "rights.not_found"}) {
			t.Errorf("after its time: %v", err)
		}
	})
}

// Article 20: who demanded an erasure finds its certificate also where the app was quicker and
// ended the account itself.
func TestArticle20_AnAppsErasureLeavesNoDemandWithoutCertificate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		child := w.register("amy").ID
		w.says(child, "", true)
		asked := w.must(w.client.Demand(ctx, child, wardkeep.Demanding{Kind: "delete", Door: "child"})).(wardkeep.Demand)
		erased := w.must(w.client.Erase(ctx, child)).(wardkeep.Erasure)
		done := w.must(w.client.FindDemand(ctx, asked.ID)).(wardkeep.Demand)
		if done.State != "done" || done.Number != asked.Number || done.ClosedAt.IsZero() || done.CertificateURL == "" || done.CertificateURL != erased.CertificateURL {
			t.Errorf("%+v\n%+v", done, erased)
		}
		w.sequence()
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			c, err := receipt.Office{Charters: w.Desk.Charters, Key: w.key, PublicURL: "https://wardkeep.example"}.Certificate(ctx, tx, w.Ring, strings.TrimPrefix(done.CertificateURL, "https://wardkeep.example/certificate/"))
			if err != nil || c.Ground != string(family.UseEnded) || c.Number != "" {
				t.Errorf("%+v, %v", c, err)
			}
			return nil
		})
	})
}

// All that is due is found page by page, whatever ends in between.
func TestArticle19_DueDemandsAreFoundPageByPage(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		var all []string
		for _, ref := range []string{"amy", "ben", "cat", "dan", "eve"} {
			d := w.must(w.client.Demand(ctx, w.register(ref).ID, wardkeep.Demanding{Kind: "supplement", Door: "child", Item: "nickname"})).(wardkeep.Demand)
			all = append(all, d.ID)
		}
		var seen []string
		for after := ""; ; {
			page := w.must(w.client.DueDemands(ctx, after, 2)).(wardkeep.Demands)
			for _, d := range page.Requests {
				seen = append(seen, d.ID)
			}
			if after = page.Next; after == "" {
				break
			}
			w.must(w.client.FinishDemand(ctx, after, wardkeep.Finish{}))
		}
		slices.Sort(seen)
		slices.Sort(all)
		if !slices.Equal(seen, all) {
			t.Errorf("%v, want %v", seen, all)
		}
		for _, after := range []string{"x", "rr_00000000000000000000000000"} {
			if _, err := w.client.DueDemands(ctx, after, 2); !errors.Is(err, &wardkeep.Problem{Code: "api.cursor_invalid"}) {
				t.Errorf("after %s: %v", after, err)
			}
		}
	})
}

func TestArticle15_DemandsAreOfTheServiceAndTheScope(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		child := w.register("ben").ID
		d := w.must(w.client.Demand(ctx, child, wardkeep.Demanding{Kind: "delete", Door: "contact"})).(wardkeep.Demand)
		_, key := w.keyWith(account.ChildrenRead, account.ItemsRead)
		weak := w.connect(key)
		for what, err := range map[string]error{
			"take":   second(weak.Demand(ctx, child, wardkeep.Demanding{Kind: "delete", Door: "child"})),
			"list":   second(weak.Demands(ctx, child)),
			"due":    second(weak.DueDemands(ctx, "", 0)),
			"see":    second(weak.FindDemand(ctx, d.ID)),
			"extend": second(weak.ExtendDemand(ctx, d.ID, wardkeep.Extension{Reason: "complex"})),
			"refuse": second(weak.RefuseDemand(ctx, d.ID, wardkeep.Refusal{Reason: "not_entitled"})),
			"finish": second(weak.FinishDemand(ctx, d.ID, wardkeep.Finish{})),
			"recall": second(weak.RecallDemand(ctx, d.ID)),
		} {
			if p, ok := errors.AsType[*wardkeep.Problem](err); !ok || p.Status != 403 {
				t.Errorf("%s without the scope: %v", what, err)
			}
		}
	})
}

// PIPL 45: the operator sees how a copy stands that a guardian hands to somebody, and recalls
// it where a guardian asks for that; to demand one isn't the operator's.
func TestPIPL45_TheOperatorSeesAndRecallsWhatIsHandedOver(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		child := w.Child()
		mother := w.Guardian(child)
		w.Put(child, "course-progress", "nickname", "小满")
		for _, kind := range []string{"port", "ports"} {
			if _, err := w.client.Demand(ctx, string(child.ID), wardkeep.Demanding{Kind: kind, Door: "guardian", Guardian: string(mother.ID)}); err == nil {
				t.Errorf("the app demands %s", kind)
			}
		}
		var r rights.Request
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			desk := rights.Desk{Ring: w.Ring, Charters: w.Desk.Charters, Calendar: workday.Default()}
			r, _, err = w.Vault.DemandPort(ctx, tx, desk, mother, child, rights.Demand{Items: []string{"nickname"},
				To: rights.Recipient{Name: pii.New("Dr. Li"), Contact: pii.New("li@dentist.example"), Home: true}})
			return err
		})
		seen := func(state string) {
			t.Helper()
			all := w.must(w.client.Demands(ctx, string(child.ID))).(wardkeep.Demands).Requests
			for _, d := range append(all, w.must(w.client.FindDemand(ctx, r.ID)).(wardkeep.Demand)) {
				if d.Kind != "port" || d.State != "done" || d.Port == nil || d.Port.State != state || len(d.Port.Items) != 1 || d.Port.EndedAt.IsZero() != (state == "waiting") {
					t.Errorf("%+v %+v", d, d.Port)
				}
			}
		}
		seen("waiting")
		w.must(w.client.RecallDemand(ctx, r.ID))
		seen("recalled")
		other := w.must(w.client.Demand(ctx, string(child.ID), wardkeep.Demanding{Kind: "supplement", Door: "child", Item: "grade"})).(wardkeep.Demand)
		for id, code := range map[string]string{r.ID: "rights.port_ended", other.ID: "rights.not_of_kind", "rr_x": "rights.not_found"} {
			if _, err := w.client.RecallDemand(ctx, id); !errors.Is(err, &wardkeep.Problem{Code: code}) {
				t.Errorf("%s: %v", code, err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }
