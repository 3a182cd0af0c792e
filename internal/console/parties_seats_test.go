package console_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/message"
	"wardkeep/internal/notify"
	"wardkeep/internal/party"
	"wardkeep/internal/signin"
	"wardkeep/internal/signin/signintest"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

var invitation = regexp.MustCompile(`https://wardkeep\.example/party/setup/([0-9a-z]+)`)

// Article 16: who is in office invites a person of a party, sees the link once and when the
// person signed in last, and takes the seat back, at once; nobody else does.
func TestArticle16_APersonOfAPartyIsInvited(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.console.Desk = "https://wardkeep.example"
		d.Engage(d.Store.Now().Add(100 * 24 * time.Hour))
		b, auditor := d.bureau(), d.browser(d.hire(staff.Auditor).Secret)
		if page := auditor.get(partyAt + "?lang=en").Body.String(); !strings.Contains(page, i18n.English.T("console.seats.none")) || strings.Contains(page, partyAt+"/seats?") {
			t.Error("an auditor isn't told that there is none, or may invite")
		}
		if w := auditor.post(partyAt+"/seats", "name", "周舟"); outcome(w) != mayNot {
			t.Errorf("an auditor invites: %d", w.Code)
		}
		if w := b.boss.post(partyAt+"/seats", "name", " "); w.Code != 422 || !strings.Contains(w.Body.String(), `id="problem"`) {
			t.Errorf("nobody is invited: %d", w.Code)
		}
		w := b.boss.post(partyAt+"/seats", "name", "周舟")
		link := invitation.FindStringSubmatch(w.Body.String())
		if w.Code != 200 || link == nil {
			t.Fatalf("invited: %d %s", w.Code, w.Body)
		}
		if page := b.boss.get(partyAt + "?lang=en").Body.String(); invitation.MatchString(page) || !strings.Contains(page, "周舟") || !strings.Contains(page, i18n.English.T("console.seats.never")) {
			t.Error("the link is shown again, or who was invited isn't listed")
		}
		in := &signintest.Insider{T: t, Store: d.Store, Door: signin.Door{Ring: d.Ring, Parties: true}}
		in.SetUp(link[1])
		if page := auditor.get(partyAt + "?lang=en").Body.String(); strings.Contains(page, i18n.English.T("console.seats.never")) {
			t.Error("that the person has signed in isn't said")
		}
		// A person of a party is in no list of those inside.
		for _, path := range []string{"/console/people", "/console/people/" + in.Session.Person.ID} {
			if page := b.boss.get(path).Body.String(); strings.Contains(page, "周舟") {
				t.Errorf("%s lists a person of a party", path)
			}
		}
		if w := b.boss.post("/console/people/" + in.Session.Person.ID + "/reset"); w.Code != 404 {
			t.Errorf("reset as one inside: %d", w.Code)
		}
		if w := d.browser(in.Secret).get("/console"); outcome(w) != toDoor {
			t.Errorf("a person of a party at the console: %d", w.Code)
		}
		seat := in.Session.Person.Seat
		if w := auditor.post(partyAt+"/seats/take", "seat", seat); outcome(w) != mayNot {
			t.Errorf("an auditor takes it: %d", w.Code)
		}
		if w := b.boss.post(strings.Replace(partyAt, "/processor/", "/recipient/", 1)+"/seats/take", "seat", seat); w.Code != 404 {
			t.Errorf("as another party's: %d", w.Code)
		}
		if w := b.boss.post(partyAt+"/seats/take", "seat", seat); w.Code != http.StatusSeeOther {
			t.Fatalf("taken: %d %s", w.Code, w.Body)
		}
		if _, err := in.Find(in.Secret); err == nil {
			t.Error("who sat there is in still")
		}
		if w := b.boss.post(partyAt+"/seats/take", "seat", seat); w.Code != 404 {
			t.Errorf("taken twice: %d", w.Code)
		}
		// By e-mail it is seen by nobody else.
		if w := b.boss.post(partyAt+"/seats", "name", "李雷", "mail", "li@yuping-assessment.example"); w.Code != 422 {
			t.Errorf("sent without a gateway: %d", w.Code)
		}
		sent := notify.NewOutbox(4)
		d.console.Farewell = &message.Farewell{Messages: notify.Router{notify.Email: sent}}
		if w := b.boss.post(partyAt+"/seats", "name", "李雷", "mail", "李雷"); w.Code != 422 || !strings.Contains(w.Body.String(), `value="李雷"`) {
			t.Errorf("sent to what is no address: %d", w.Code)
		}
		w = b.boss.post(partyAt+"/seats?lang=zh-CN", "name", "李雷", "mail", "li@yuping-assessment.example")
		if w.Code != 200 || invitation.MatchString(w.Body.String()) || strings.Contains(w.Body.String(), "li@") {
			t.Errorf("sent: %d, and the page shows the link, or where it went", w.Code)
		}
		d.console.Farewell.Wait()
		letters := sent.Messages()
		if len(letters) != 1 || letters[0].To.Reveal() != "li@yuping-assessment.example" {
			t.Fatalf("%d letters", len(letters))
		}
		other := &signintest.Insider{T: t, Store: d.Store, Door: in.Door}
		other.SetUp(invitation.FindStringSubmatch(letters[0].Text.Reveal())[1])
		d.Pass(signin.Fresh)
		if w := b.boss.post(partyAt+"/seats", "name", "周舟"); outcome(w) != toAgain {
			t.Errorf("not fresh: %d", w.Code)
		}
		// To what doesn't stand nobody is invited.
		d.Do(func(ctx context.Context, tx *db.Tx) error {
			_, _, err := party.Suspend(ctx, tx, d.Officer, vaulttest.ProcessorID(), party.Other)
			if err != nil {
				return err
			}
			if _, err := party.GiveSeat(ctx, tx, d.Officer, vaulttest.ProcessorID()); err != party.ErrSuspended {
				t.Errorf("a seat of a party that is suspended: %v", err)
			}
			return nil
		})
	})
}
