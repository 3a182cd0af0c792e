package evidence_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/db/dbtest"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/base/workday"
	"wardkeep/internal/catalog"
	"wardkeep/internal/complaint"
	"wardkeep/internal/evidence"
	"wardkeep/internal/family"
	familyage "wardkeep/internal/family/age"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/rectification"
	"wardkeep/internal/rights"
	"wardkeep/internal/staff"
	"wardkeep/internal/stream"
	"wardkeep/internal/tally"
	"wardkeep/internal/vault/vaulttest"
	"wardkeep/internal/yearly"
)

const origin = "wardkeep.test/xiaoxi"

// A scene is a world in which something has happened, with what makes and verifies archives.
type scene struct {
	*vaulttest.World
	log       *ledger.Log
	key       string
	recipient *age.X25519Identity
	mei       family.Child
}

func ok(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func play(t testing.TB, w *vaulttest.World) *scene {
	t.Helper()
	signer, key, err := ledger.NewSigner(origin, bytes.Repeat([]byte{7}, 32))
	ok(t, err)
	s := &scene{World: w, log: ledger.Open(w.Store, origin, signer), key: key}
	s.recipient, err = age.GenerateX25519Identity()
	ok(t, err)
	s.files(t)
	s.mei = s.Child()
	gone := s.Child()
	s.Put(s.mei, "course-progress", "weekly_score", "77")
	_, err = s.Read(s.mei, "course-progress", "weekly_score")
	ok(t, err)
	s.Engage(s.Store.Now().Add(300 * 24 * time.Hour))
	mother := s.Guardian(s.mei)
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		c, err := family.Find(ctx, tx, vaulttest.Service, s.mei.ID)
		if err == nil {
			_, err = s.Desk.Withdraw(ctx, tx, mother, c, "class-ranking")
		}
		return err
	})
	if _, err = s.Read(s.mei, "class-ranking", "weekly_score"); err == nil { // which is a decision, too
		t.Fatal("what was withdrawn was read")
	}
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		desk := rights.Desk{Ring: s.Ring, Charters: s.Desk.Charters, Calendar: workday.Default()}
		c, err := family.Find(ctx, tx, vaulttest.Service, s.mei.ID)
		if err != nil {
			return err
		}
		r, _, err := desk.Receive(ctx, tx, mother, c, rights.Demand{Kind: rights.Correct, Door: rights.ByGuardian, Guardian: mother.ID, Item: "weekly_score",
			Text: pii.New("78"), Held: []string{"weekly_score"}})
		if err == nil {
			_, _, err = desk.Refuse(ctx, tx, s.Officer, r, rights.AlreadyRight, pii.New("77"))
		}
		return err
	})
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		desk := incident.Desk{Ring: s.Ring, Charters: s.Desk.Charters}
		c, _, err := desk.Open(ctx, tx, s.Officer, vaulttest.Service, incident.Report{Kind: incident.Leaked, Items: []string{"nickname"}, Children: 3,
			BeganAt: tx.Now().Add(-time.Hour), NoticedAt: tx.Now(), Words: pii.New("a list was public")})
		if err == nil {
			_, _, err = incident.Triage(ctx, tx, s.Ring, s.Officer, vaulttest.Service, c.ID, incident.Minor, 4, pii.New("nobody has seen it"))
		}
		return err
	})
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := stream.Register(ctx, tx, s.Officer, vaulttest.Service, stream.Form{Name: "网关日志", System: "网关", Fields: "时间", Place: "机房", Office: "运维", Months: 6,
			Reason: stream.Nameless, Grounds: "没有标识"})
		return err
	})
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		_, err := s.Vault.Erase(ctx, tx, s.App.Ledger(), vaulttest.Service, gone.ID, family.Requested)
		return err
	})
	s.inside()
	ok(t, s.log.Flush(t.Context()))
	_, err = tally.Count(t.Context(), s.Store)
	ok(t, err)
	return s
}

// files has the yearly audit of another service filed.
func (s *scene) files(t testing.TB) {
	s.PassTo("03-01")
	held, _ := s.Launch()
	officer := s.Inside(held)
	year := s.PassTo("11-03")
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := yearly.File(ctx, tx, s.Ring, staff.Acting{Person: officer, Action: staff.FileYearly}, vaulttest.LiveService, year, fmt.Sprintf("%d-11-02", year), 0,
			yearly.Text{Authority: pii.New("某市网信办")}, []byte("%PDF-1.7"))
		return err
	})
}

// inside has somebody in office ask to see something, record a summons, and answer a report.
func (s *scene) inside() {
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		g, err := staff.OfOffice(ctx, tx, vaulttest.Service, s.Officer.ID)
		if err != nil {
			return err
		}
		officer, err := staff.Add(ctx, tx, catalog.Operator{ID: "test"}, "王芳", g)
		if err != nil {
			return err
		}
		looks := approval.Desk{Ring: s.Ring, Charters: s.Desk.Charters}
		if _, _, err := looks.Ask(ctx, tx, officer, s.mei, approval.Asking{Purpose: "course-progress", Items: []string{"weekly_score"}, Reason: approval.ForSupport, Text: pii.New("家长来电")}); err != nil {
			return err
		}
		_, _, err = rectification.Record(ctx, tx, s.Ring, staff.Acting{Person: officer, Action: staff.ManageRectifications},
			rectification.Matter{What: rectification.Summons, Service: vaulttest.Service, Owner: officer.ID, Dated: tx.Now().In(familyage.Zone).Format(time.DateOnly)},
			tx.Now().In(familyage.Zone).AddDate(0, 0, 30).Format(time.DateOnly),
			rectification.Text{Authority: pii.New("某市网信办"), Document: pii.New("7号"), Provision: pii.New("第二十五条"), Words: pii.New("收集位置")})
		return err
	})
	desk := complaint.Desk{Ring: s.Ring, Calendar: workday.Default()}
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		p, err := complaint.NewPuzzle(ctx, tx, s.Ring)
		if err != nil {
			return err
		}
		c, _, err := desk.Receive(ctx, tx, p.Solve(), complaint.Report{Service: vaulttest.Service, Kind: complaint.Collects, Words: pii.New("被录音")})
		if err == nil {
			_, err = desk.Acknowledge(ctx, tx, s.Officer, vaulttest.Service, c.ID)
		}
		if err == nil {
			_, err = desk.Answer(ctx, tx, s.Officer, vaulttest.Service, c.ID, complaint.Founded, pii.New("已改正"))
		}
		return err
	})
}

// makes makes an archive.
func (s *scene) makes(t testing.TB, scope evidence.Scope) []byte {
	t.Helper()
	var b bytes.Buffer
	_, err := evidence.Make(t.Context(), s.Store, s.log, catalog.Operator{ID: "test"},
		evidence.Order{Scope: scope, Origin: origin, Recipient: s.recipient.Recipient().String()}, &b)
	ok(t, err)
	return b.Bytes()
}

func (s *scene) verifies(t testing.TB, archive []byte) evidence.Report {
	t.Helper()
	r, err := evidence.Verify(t.Context(), bytes.NewReader(archive), int64(len(archive)), evidence.Check{Key: s.key, Identity: s.recipient})
	ok(t, err)
	return r
}

// said is all that is wrong, in words of codes.
func said(r evidence.Report) (all []string) {
	for _, f := range r.Findings {
		all = append(all, strings.TrimPrefix(f.Code, "evidence.finding.")+" "+f.Part)
	}
	for _, f := range r.Ledger.Findings {
		all = append(all, f.Code+" "+f.Part)
	}
	for _, d := range r.Decisions.Differences {
		if r.Decided {
			all = append(all, d.What+" "+d.Field+" "+d.Got)
		}
	}
	for _, v := range append(r.States, r.Samples) {
		for _, d := range v.Differences {
			all = append(all, v.Register+" "+strings.TrimPrefix(d.Code, "evidence.row.")+" "+d.Column)
		}
		if v.Standing == evidence.Unchecked {
			all = append(all, v.Register+" unchecked")
		}
	}
	return all
}

// changes are changes by hand of what an archive states, how each is undone, and what must be
// found of it.
var changes = []struct{ name, change, undo, found string }{
	{"a charter has another hash", `UPDATE charter SET hash = hash || 'x'`, `UPDATE charter SET hash = substr(hash, 1, 64)`, "charters differs hash"},
	{"a charter came earlier", `UPDATE charter SET published_at = published_at - 1`, `UPDATE charter SET published_at = published_at + 1`, "charters differs published_at"},
	{"a document has another hash", `UPDATE document SET hash = hash || 'x' WHERE kind = 'notice'`, `UPDATE document SET hash = substr(hash, 1, 64)`, "documents differs hash"},
	{"a document says something else", `UPDATE document SET body = body || 'x' WHERE kind = 'rules'`, `UPDATE document SET body = substr(body, 1, length(body) - 1) WHERE kind = 'rules'`, "documents text "},
	{"an office was held longer", `UPDATE officer SET appointed_at = appointed_at - 1`, `UPDATE officer SET appointed_at = appointed_at + 1`, "offices differs appointed_at"},
	{"a consent was given, which wasn't", `UPDATE consent SET granted = NOT granted`, `UPDATE consent SET granted = NOT granted`, "consents differs granted"},
	{"a consent is to another notice", `UPDATE consent SET notice = notice || 'x'`, `UPDATE consent SET notice = substr(notice, 1, 64)`, "consents differs notice"},
	{"a consent was given earlier", `UPDATE consent SET given_at = given_at - 1`, `UPDATE consent SET given_at = given_at + 1`, "consents differs given_at"},
	{"a withdrawal was none", `UPDATE consent SET ending = 'superseded' WHERE ending = 'withdrawn'`, `UPDATE consent SET ending = 'withdrawn' WHERE ending = 'superseded'`, "consents differs ending"},
	{"an assessment was passed otherwise", `UPDATE party_paper SET passed = NOT passed`, `UPDATE party_paper SET passed = NOT passed`, "papers differs passed"},
	{"an agreement lasts longer", `UPDATE party_paper SET until_at = until_at + 1`, `UPDATE party_paper SET until_at = until_at - 1`, "papers differs until_at"},
	{"a demand was done", `UPDATE rights_request SET state = 'done'`, `UPDATE rights_request SET state = 'refused'`, "demands differs state"},
	{"a demand was answered sooner", `UPDATE rights_request SET closed_at = closed_at - 1`, `UPDATE rights_request SET closed_at = closed_at + 1`, "demands differs closed_at"},
	{"a child isn't erased", `UPDATE child SET state = 'active' WHERE state = 'erased'`, `UPDATE child SET state = 'erased' WHERE erased_at IS NOT NULL`, "erasures missing "},
	{"an incident was opened later", `UPDATE incident SET opened_at = opened_at + 1`, `UPDATE incident SET opened_at = opened_at - 1`, "incidents differs opened_at"},
	{"an incident was graver", `UPDATE incident SET grade = 'serious'`, `UPDATE incident SET grade = 'minor'`, "incidents differs grade"},
	{"an incident is over", `UPDATE incident SET closed_at = 1`, `UPDATE incident SET closed_at = NULL`, "incidents differs closed_at"},
	{"staff have looked less often", `UPDATE approval SET looks = looks + 1`, `UPDATE approval SET looks = looks - 1`, "approvals differs looks"},
	{"another has asked to see something", `UPDATE approval SET asker = asker || 'x'`, `UPDATE approval SET asker = substr(asker, 1, 29)`, "approvals differs asker"},
	{"a report was answered sooner", `UPDATE complaint SET closed_at = closed_at - 1`, `UPDATE complaint SET closed_at = closed_at + 1`, "complaints differs closed_at"},
	{"a report was unfounded", `UPDATE complaint SET outcome = 'unfounded'`, `UPDATE complaint SET outcome = 'founded'`, "complaints differs outcome"},
	{"a summons came later", `UPDATE rectification SET opened_at = opened_at + 1`, `UPDATE rectification SET opened_at = opened_at - 1`, "rectifications differs opened_at"},
	{"a summons was answered", `UPDATE rectification SET closed_at = 1`, `UPDATE rectification SET closed_at = NULL`, "rectifications differs closed_at"},
	{"a service held fewer children", `UPDATE yearly_filing SET children = children + 1`, `UPDATE yearly_filing SET children = children - 1`, "audits differs children"},
	{"a stream was registered sooner", `UPDATE log_stream SET registered_at = registered_at - 1`, `UPDATE log_stream SET registered_at = registered_at + 1`, "streams differs registered_at"},
	{"less happened on a day", `UPDATE tally SET n = n + 1 WHERE what = 'denied'`, `UPDATE tally SET n = n - 1 WHERE what = 'denied'`, "days differs n"},
	{"a child is of another service", `UPDATE child SET service = 'elsewhere' WHERE state = 'active'`, `UPDATE child SET service = 'xiaoxi-english' WHERE state = 'active'`, "samples differs service"},
	{"a child is another", `UPDATE child SET subject = subject || 'x' WHERE state = 'active'`, `UPDATE child SET subject = substr(subject, 1, 29) WHERE state = 'active'`, "samples extra "},
}

// Article 22: an archive that the operator makes holds, offline; and every statement of it that
// somebody has changed in the tables before is named.
func TestArticle22_EveryStatementIsFalsifiedOnce(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		s := play(t, w)
		r := s.verifies(t, s.makes(t, evidence.Scope{}))
		if got := said(r); !r.OK() || len(got) > 0 || r.Decisions.Uses < 3 || r.Samples.Standing != evidence.Holds || r.Samples.Rows != 1 {
			t.Fatalf("what nobody has touched: %q\n%+v", got, r)
		}
		stated := make(map[string]bool)
		for _, c := range changes {
			s.exec(c.change)
			r := s.verifies(t, s.makes(t, evidence.Scope{}))
			s.exec(c.undo)
			if got := said(r); r.OK() || !slices.Contains(got, c.found) {
				t.Errorf("%s: %q, want %q", c.name, got, c.found)
			}
			stated[strings.Fields(c.found)[0]] = true
		}
		if r := s.verifies(t, s.makes(t, evidence.Scope{})); !r.OK() {
			t.Errorf("the changes were undone: %q", said(r))
		}
		for _, v := range r.States {
			if !stated[v.Register] || v.Rows == 0 {
				t.Errorf("nobody has falsified %s, of %d rows", v.Register, v.Rows)
			}
		}
	})
}

func (s *scene) exec(query string) {
	s.T.Helper()
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, query)
		return err
	})
}

// Article 22: an archive of some articles and a time states that and nothing else, and decides
// every use again all the same.
func TestArticle22_AnArchiveIsOfItsScope(t *testing.T) {
	s := play(t, vaulttest.New(t, dbtest.New(t)))
	now := s.Store.Now()
	r := s.verifies(t, s.makes(t, evidence.Scope{From: now, Articles: []int{15, 16}}))
	var names []string
	for _, v := range r.States {
		if names = append(names, v.Register); v.Rows != 0 && v.Register != "days" {
			t.Errorf("%s states %d rows of a time in which nothing was", v.Register, v.Rows)
		}
	}
	if want := []string{"approvals", "papers", "days"}; !r.OK() || !slices.Equal(names, want) || r.Decisions.Uses < 3 {
		t.Errorf("%q, %q", names, said(r))
	}
	for _, scope := range []evidence.Scope{{From: now, To: now}, {Articles: []int{0}}, {Articles: []int{30}}, {Articles: []int{16, 15}}, {Articles: []int{15, 15}}} {
		if _, err := evidence.Make(t.Context(), s.Store, s.log, catalog.Operator{ID: "test"}, evidence.Order{Scope: scope, Origin: origin}, io.Discard); !errors.Is(err, evidence.ErrScope) {
			t.Errorf("%+v: %v", scope, err)
		}
	}
	if _, err := evidence.Make(t.Context(), s.Store, s.log, catalog.Operator{ID: "test"}, evidence.Order{Origin: origin, Recipient: "age1x"}, io.Discard); !errors.Is(err, evidence.ErrKey) {
		t.Error(err)
	}
}
