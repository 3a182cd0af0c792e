package api_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/retention"
	"wardkeep/internal/vault/vaulttest"
)

// Edge case 4 over HTTP: before the 14th birthday is over only a guardian is asked, and
// from then on only the minor, with a code that the app shows it.
func TestEdgeCase4_AMinorIsAskedOverHTTP(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		turns := w.Store.Now().In(age.Zone).AddDate(-14, 0, 1).Format(time.DateOnly) // tomorrow, or the day before where there is none
		c := w.must(w.client.Register(ctx, wardkeep.NewChild{Ref: "amy", BirthDate: turns, Guardian: wardkeep.GuardianContact{Phone: "13800138000"}})).(wardkeep.Child)
		r := w.must(w.client.Ask(ctx, wardkeep.Asking{Child: c.ID, Channel: "link", Locale: "en"})).(wardkeep.ConsentRequest)
		w.must(w.client.Force(ctx, r.ID, "granted"))
		mother := c.Guardians[0].ID
		minors := wardkeep.Asking{Child: c.ID, Answers: "minor", Channel: "link", Locale: "en", Purposes: []string{"course-progress"}}
		guardians := wardkeep.Asking{Child: c.ID, Channel: "link", Locale: "en", Purposes: []string{"course-progress"}}
		refused := func(what string, err error, code string) {
			t.Helper()
			if !errors.Is(err, &wardkeep.Problem{Code: code}) {
				t.Errorf("%s: %v, want %s", what, err, code)
			}
		}
		_, err := w.client.Ask(ctx, minors)
		refused("a minor before 14", err, "family.not_a_minor")
		asked := w.must(w.client.Ask(ctx, guardians)).(wardkeep.ConsentRequest)
		w.must(w.guardian(asked).Open(ctx, "en"))
		_, err = w.client.ShowCode(ctx, asked.ID)
		refused("a guardian's code", err, "consent.not_a_minors")

		w.Pass(48 * time.Hour)
		_, err = w.client.Ask(ctx, guardians)
		refused("a guardian after 14", err, "consent.guardian_past_14")
		_, err = w.client.Force(ctx, asked.ID, "granted")
		refused("a guardian's answer after 14", err, "consent.guardian_past_14")
		named := minors
		named.Guardian = mother
		_, err = w.client.Ask(ctx, named)
		refused("a minor, and a guardian who is named", err, "consent.answers_unknown")
		sent := minors
		sent.Channel = "sms"
		_, err = w.client.Ask(ctx, sent)
		refused("a minor by SMS", err, "consent.minor_by_link")
		if x := w.send(http.MethodPost, "/v1/services/xiaoxi-english/consent-requests", `{"child":"`+c.ID+`","answers":"teacher","channel":"link","locale":"en"}`); x.status != 422 {
			t.Errorf("a teacher answers: %d %s", x.status, x.body)
		}

		own := w.must(w.client.Ask(ctx, minors)).(wardkeep.ConsentRequest)
		if own.URL == "" || own.AskURL != "" || own.Guardian == mother {
			t.Errorf("%+v", own)
		}
		_, err = w.client.ShowCode(ctx, own.ID)
		refused("a code before anything was shown", err, "consent.not_shown")
		_, err = w.client.Send(ctx, own.ID)
		refused("sent to whom", err, "consent.no_contact")
		m := w.guardian(own)
		open := w.must(m.Open(ctx, "en")).(wardkeep.GuardianRequest)
		code := w.must(w.client.ShowCode(ctx, own.ID)).(wardkeep.MinorsCode)
		if len(code.Code) != 6 || code.LifeSeconds != 600 {
			t.Errorf("%+v", code)
		}
		proof := w.must(m.Verify(ctx, code.Code)).(wardkeep.Verified).Proof
		w.must(m.Answer(ctx, wardkeep.GuardianAnswer{Proof: proof, NoticeHash: open.NoticeHash, Lang: "en", Answers: map[string]bool{"course-progress": true}}))
		w.must(w.client.Collect(ctx, c.ID, "", wardkeep.Collection{Purpose: "course-progress", Values: map[string]string{"nickname": "Amy"}}))
		p := w.must(w.client.Permissions(ctx, c.ID, "")).(wardkeep.Permissions)
		for _, purpose := range p.Purposes {
			permitted := purpose.Activities[0].Permitted
			if purpose.ManagedBy != "self" || permitted != (purpose.Purpose == "course-progress") {
				t.Errorf("%s: managed by %s, %v", purpose.Purpose, purpose.ManagedBy, permitted)
			}
		}
		if seen := w.status(c.ID); seen.Age != "minor" || len(seen.Guardians) != 2 || seen.Guardians[1].Relation != "self" {
			t.Errorf("%+v", seen)
		}

		// From 18 on each refusal says who demands, and where.
		w.Pass(4*366*24*time.Hour + 24*time.Hour)
		for _, swept := range []bool{false, true} {
			if swept {
				if done, err := retention.Sweep(ctx, w.Store, w.Vault); err != nil || done.Aged != 1 {
					t.Fatal(done, err)
				}
			}
			_, err = w.client.Demand(ctx, c.ID, wardkeep.Demanding{Kind: "delete", Door: "guardian", Guardian: mother})
			refused("a guardian's demand at 18", err, "rights.grown_up")
			_, err = w.client.Ask(ctx, guardians)
			refused("asking a guardian at 18", err, "consent.grown_up")
			_, err = w.client.Ask(ctx, minors)
			refused("asking who is 18", err, "family.not_a_minor")
			_, err = m.Open(ctx, "en")
			refused("the link of who is 18", err, "consent.grown_up")
			_, err = w.client.Read(ctx, c.ID, wardkeep.Reading{Purpose: "course-progress", Items: []string{"nickname"}})
			if p, ok := errors.AsType[*wardkeep.Problem](err); !ok || p.Code != "gate.denied" || !slices.ContainsFunc(p.Reasons, func(r wardkeep.Reason) bool { return r.Code == "gate.grown_up" && r.Remedy != "" }) {
				t.Errorf("a use at 18: %v", err)
			}
		}
		w.must(w.client.Demand(ctx, c.ID, wardkeep.Demanding{Kind: "delete", Door: "child"}))
	})
}

// Edge case 4: that guardians disagreed is shown as long as it stops something: from the
// 14th birthday on their answers are no basis, and the minor decides.
func TestEdgeCase4_NoDisputeIsShownAfter14(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		turns := w.Store.Now().In(age.Zone).AddDate(-14, 0, 1).Format(time.DateOnly)
		c := w.must(w.client.Register(ctx, wardkeep.NewChild{Ref: "amy", BirthDate: turns, Guardian: wardkeep.GuardianContact{Phone: "13800138000"}})).(wardkeep.Child)
		w.says(c.ID, "", true)
		father := w.must(w.client.AddGuardian(ctx, c.ID, wardkeep.NewGuardian{Relation: "parent", Phone: "13800138001"})).(wardkeep.Guardian)
		w.says(c.ID, father.ID, false, "class-ranking")
		shown := func() (one, listed bool) {
			all := w.must(w.client.Children(ctx, "", 0)).(wardkeep.Children).Children
			return w.status(c.ID).Disputed, all[0].Disputed
		}
		if one, listed := shown(); !one || !listed {
			t.Errorf("before: %v, in the list %v", one, listed)
		}
		w.Pass(48 * time.Hour)
		if one, listed := shown(); one || listed {
			t.Errorf("after: %v, in the list %v", one, listed)
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			child, err := family.Find(ctx, tx, vaulttest.Service, family.ID(c.ID))
			if err == nil && !child.Disputed {
				t.Error("the row says so no more: then the test shows nothing")
			}
			return err
		})
	})
}
