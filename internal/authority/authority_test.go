package authority_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/authority"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/incident"
	"wardkeep/internal/replay"
	"wardkeep/internal/staff"
	"wardkeep/internal/vault/vaulttest"
)

const service = vaulttest.Service

// An office is who deals with a case.
type office struct {
	*vaulttest.World
	officer, deputy staff.Person
}

func begin(w *vaulttest.World) *office {
	o := &office{World: w}
	var second catalog.Officer
	w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		second, err = catalog.Holder(ctx, tx, service, catalog.RoleDeputy)
		return err
	})
	o.officer, o.deputy = w.Inside(w.Officer), w.Inside(second)
	return o
}

func (o *office) opens(grade incident.Grade) (c incident.Case) {
	o.T.Helper()
	o.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		c, _, err = incident.Desk{Ring: o.Ring, Charters: o.Desk.Charters}.Open(ctx, tx, o.Officer, service,
			incident.Report{Kind: incident.Leaked, Suspected: true, Items: []string{"nickname"}, NoticedAt: tx.Now(), Words: pii.New("一份名单可以公开访问。")})
		if err == nil && grade != "" {
			c, _, err = incident.Triage(ctx, tx, o.Ring, o.Officer, service, c.ID, grade, 0, pii.New("看过日志。"))
		}
		return err
	})
	return c
}

func (o *office) drafts(about string, kind authority.Kind, w authority.Words) (r authority.Report, err error) {
	err = o.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		r, _, err = authority.Draft(ctx, tx, o.Ring, o.Desk.Charters, staff.Acting{Person: o.officer, Action: staff.WriteIncidents}, service, about, kind, w)
		return err
	})
	return r, err
}

func (o *office) sends(about string, n int64, channel authority.Channel, at time.Time) error {
	return o.Try(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := authority.Send(ctx, tx, o.Ring, staff.Acting{Person: o.officer, Action: staff.WriteIncidents}, service, about, n, channel, at)
		return err
	})
}

func (o *office) confirms(by staff.Person, about string, n int64) error {
	return o.Try(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := authority.Confirm(ctx, tx, o.Ring, staff.Acting{Person: by, Action: staff.JudgeIncidents}, service, about, n)
		return err
	})
}

func (o *office) answers(about string, n int64, ref string, document []byte) error {
	return o.Try(func(ctx context.Context, tx *db.Tx) error {
		_, _, err := authority.Answer(ctx, tx, o.Ring, staff.Acting{Person: o.officer, Action: staff.WriteIncidents}, service, about, n, ref, document)
		return err
	})
}

func (o *office) stands(about string) (c incident.Case) {
	o.T.Helper()
	o.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		c, err = incident.Find(ctx, tx, service, about)
		return err
	})
	return c
}

func (o *office) audited() {
	o.T.Helper()
	if r, err := replay.Audit(o.T.Context(), o.Store, o.Ring, catalog.NewCache(4), replay.Options{}); err != nil || !r.OK() {
		o.T.Errorf("%v, %v", r.Differences, err)
	}
}

// says returns what a report says of a part.
func says(s authority.Sheet, part string) string {
	for _, p := range s.Parts(i18n.Chinese) {
		if p.Name == part {
			return p.Text
		}
	}
	return ""
}

// Article 21: the authority is told at once what is known, and that the rest isn't; how many
// children there are is counted by the list of the case; what has changed is told again, and then how
// it ended. No version is changed, and what was answered is kept.
func TestArticle21_TheAuthorityIsTold(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		o := begin(w)
		child := w.Child()
		c := o.opens(incident.Serious)
		to := authority.Words{To: "某市网信办"}
		for name, r := range map[string]struct {
			kind  authority.Kind
			words authority.Words
			want  error
		}{
			"to nobody":                 {authority.First, authority.Words{}, authority.ErrWords},
			"to two":                    {authority.First, authority.Words{To: "甲\n乙"}, authority.ErrWords},
			"a novel":                   {authority.First, authority.Words{To: "甲", Cause: strings.Repeat("长", 4001)}, authority.ErrWords},
			"of control characters":     {authority.First, authority.Words{To: "甲", Cause: "a\x00b"}, authority.ErrWords},
			"a follow-up of nothing":    {authority.More, to, authority.ErrKind},
			"the end at the beginning":  {authority.Wrap, authority.Words{To: "甲", Harm: "x", Measures: "x", Cause: "x", Lessons: "x"}, authority.ErrKind},
			"silence about what counts": {authority.None, authority.Words{Reason: "没有必要"}, incident.ErrReported},
			"of another kind":           {"rumour", to, authority.ErrKind},
		} {
			if _, err := o.drafts(c.ID, r.kind, r.words); !errors.Is(err, r.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		first, err := o.drafts(c.ID, authority.First, to)
		if err != nil {
			t.Fatal(err)
		}
		sheet, err := first.Sheet(w.Ring)
		unknown := i18n.Chinese.T("authority.unknown")
		if err != nil || says(sheet, "children") != unknown || says(sheet, "cause") != unknown || !strings.Contains(says(sheet, "when"), "开始："+unknown) ||
			!strings.Contains(says(sheet, "contact"), w.Officer.Name) || says(sheet, "items") == unknown || says(sheet, "operator") == unknown {
			t.Errorf("what isn't known is said to be unknown: %+v, %v", sheet.Parts(i18n.Chinese), err)
		}
		w.Pass(20 * time.Minute)
		w.Do(func(ctx context.Context, tx *db.Tx) error { // and then somebody is found
			_, _, err := incident.Reach(ctx, tx, w.Officer, service, c.ID, []incident.Found{{Subject: child.Subject, Items: []string{"voice"}}})
			if err == nil {
				_, _, err = incident.Contain(ctx, tx, w.Ring, w.Officer, service, c.ID, incident.StepFrozen, incident.Everyone, "", pii.New("先冻结"))
			}
			return err
		})
		second, err := o.drafts(c.ID, authority.First, to)
		if sheet, errSheet := second.Sheet(w.Ring); err != nil || errSheet != nil || second.Number != 2 || !strings.HasPrefix(says(sheet, "children"), "1 ") || len(sheet.Facts.Items) != 2 {
			t.Fatalf("counted by the list: %+v, %v, %v", sheet, err, errSheet)
		} else if !strings.Contains(says(sheet, "measures"), i18n.Chinese.T("authority.everyone")) {
			t.Errorf("what was done for all on the list is said of one child: %q", says(sheet, "measures"))
		}
		now := w.Store.Now().Truncate(time.Microsecond)
		for name, s := range map[string]struct {
			n       int64
			channel authority.Channel
			at      time.Time
			want    error
		}{
			"what was drafted anew":     {1, "hotline", now, authority.ErrDrafted},
			"what there isn't":          {3, "hotline", now, authority.ErrNotFound},
			"by a pigeon":               {2, "pigeon", now, authority.ErrChannel},
			"tomorrow":                  {2, "hotline", now.Add(24 * time.Hour), authority.ErrTime},
			"before it was noticed":     {2, "hotline", c.NoticedAt.Add(-2 * time.Minute), authority.ErrTime},
			"by who only sees the case": {2, "hotline", now, nil},
		} {
			var err error
			if s.want == nil {
				s.want = authority.ErrMayNot
				err = w.Try(func(ctx context.Context, tx *db.Tx) error {
					_, _, err := authority.Send(ctx, tx, w.Ring, staff.Acting{Person: o.officer, Action: staff.SeeIncidents}, service, c.ID, s.n, s.channel, s.at)
					return err
				})
			} else {
				err = o.sends(c.ID, s.n, s.channel, s.at)
			}
			if !errors.Is(err, s.want) {
				t.Errorf("sent %s: %v", name, err)
			}
		}
		if err := o.answers(c.ID, 2, "2026-1", nil); !errors.Is(err, authority.ErrUnsent) {
			t.Errorf("answered before it was sent: %v", err)
		}
		if err := o.sends(c.ID, 2, "hotline", now.Add(-10*time.Minute)); err != nil {
			t.Fatal(err)
		}
		if c := o.stands(c.ID); !c.Took(incident.StepReport) || !c.DueAt.Equal(c.OpenedAt.Add(incident.NoticeWithin)) {
			t.Errorf("its clock runs on: %+v", c)
		}
		if err := o.sends(c.ID, 2, "fax", now); !errors.Is(err, authority.ErrDone) {
			t.Errorf("sent twice: %v", err)
		}
		for name, a := range map[string]struct {
			ref      string
			document string
			want     error
		}{
			"nothing":      {"", "", authority.ErrReceipt},
			"a text":       {"x", "received", authority.ErrReceipt},
			"of two lines": {"a\nb", "", authority.ErrReceipt},
		} {
			if err := o.answers(c.ID, 2, a.ref, []byte(a.document)); !errors.Is(err, a.want) {
				t.Errorf("answered by %s: %v", name, err)
			}
		}
		for _, document := range []string{"", "%PDF-1.7"} {
			if err := o.answers(c.ID, 2, "网信〔2026〕1号", []byte(document)); err != nil {
				t.Errorf("answered: %v", err)
			}
		}
		w.Do(func(ctx context.Context, tx *db.Tx) error {
			r, err := authority.Find(ctx, tx, service, c.ID, 2)
			if err != nil || r.Receipts != 2 || r.Channel != "hotline" || !r.SentAt.Equal(now.Add(-10*time.Minute)) {
				t.Errorf("%+v, %v", r, err)
			}
			all, err := authority.ReceiptsOf(ctx, tx, r)
			if ref, errRef := all[0].Ref(w.Ring); err != nil || errRef != nil || ref != "网信〔2026〕1号" {
				t.Errorf("its number: %q, %v, %v", ref, err, errRef)
			}
			if _, document, err := authority.Document(ctx, tx, w.Ring, r, 2); err != nil || string(document) != "%PDF-1.7" {
				t.Errorf("its document: %q, %v", document, err)
			}
			if _, _, err := authority.Document(ctx, tx, w.Ring, r, 1); !errors.Is(err, authority.ErrNotFound) {
				t.Errorf("a document that there isn't: %v", err)
			}
			sent, err := r.Sheet(w.Ring)
			today, errFacts := authority.FactsOf(ctx, tx, o.Desk.Charters, c)
			if err != nil || errFacts != nil || len(sent.Facts.Changed(today)) != 0 {
				t.Errorf("changed: %v, %v, %v", sent.Facts.Changed(today), err, errFacts)
			}
			today.Children++
			if got := sent.Facts.Changed(today); !slices.Equal(got, []string{"children"}) {
				t.Errorf("one more child: %v", got)
			}
			return nil
		})
		if _, err := o.drafts(c.ID, authority.First, to); !errors.Is(err, authority.ErrKind) {
			t.Errorf("first once more: %v", err)
		}
		ended := authority.Words{To: "某市网信办", Harm: "无", Measures: "已关闭", Cause: "配置错误", Lessons: "专人复核"}
		bare := ended
		bare.Lessons = ""
		if _, err := o.drafts(c.ID, authority.Wrap, bare); !errors.Is(err, authority.ErrWords) {
			t.Errorf("it ended, and nothing was learnt: %v", err)
		}
		for n, kind := range []authority.Kind{authority.More, authority.Wrap} {
			says := ended
			if kind == authority.More {
				says = bare
			}
			if _, err := o.drafts(c.ID, kind, says); err != nil {
				t.Fatal(err)
			}
			if err := o.sends(c.ID, int64(n)+3, "site", w.Store.Now()); err != nil {
				t.Error(err)
			}
		}
		if c := o.stands(c.ID); !c.Took(incident.StepWrapped) || slices.Contains(c.Missing(incident.Reported), incident.StepWrapped) {
			t.Errorf("it was told how it ended: %v", c.Steps)
		}
	})
}

// Edge case 21: that the authority isn't told is never silent: of what is minor alone, with a
// reason, by two persons, of whom one holds an office and neither is the other under a second account.
func TestEdgeCase21_SilenceTakesTwoPersons(t *testing.T) {
	vaulttest.Each(t, func(t *testing.T, w *vaulttest.World) {
		o := begin(w)
		if _, err := o.drafts(o.opens("").ID, authority.None, authority.Words{Reason: "没有必要"}); !errors.Is(err, incident.ErrReported) {
			t.Errorf("about what nobody has graded: %v", err)
		}
		c := o.opens(incident.Minor)
		for name, words := range map[string]authority.Words{"without a reason": {}, "with a report": {Reason: "x", To: "某市网信办"}} {
			if _, err := o.drafts(c.ID, authority.None, words); !errors.Is(err, authority.ErrWords) {
				t.Errorf("%s: %v", name, err)
			}
		}
		r, err := o.drafts(c.ID, authority.None, authority.Words{Reason: "没有涉及任何孩子"})
		if err != nil {
			t.Fatal(err)
		}
		if err := o.sends(c.ID, r.Number, "fax", w.Store.Now()); !errors.Is(err, authority.ErrKind) {
			t.Errorf("silence is sent: %v", err)
		}
		if err := o.confirms(o.officer, c.ID, r.Number); !errors.Is(err, authority.ErrSecond) {
			t.Errorf("by one person: %v", err)
		}
		if o.stands(c.ID).Took(incident.StepUnreported) {
			t.Error("one person was enough")
		}
		// Graver meanwhile: nobody is silent about it any more.
		grave := func(grade incident.Grade, by catalog.Officer) {
			w.Do(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := incident.Triage(ctx, tx, w.Ring, by, service, c.ID, grade, 0, pii.New("再看一遍"))
				return err
			})
		}
		grave(incident.Unclear, w.Officer)
		if err := o.confirms(o.deputy, c.ID, r.Number); !errors.Is(err, incident.ErrReported) {
			t.Errorf("about what is unclear: %v", err)
		}
		var second catalog.Officer
		w.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			second, err = catalog.Holder(ctx, tx, service, catalog.RoleDeputy)
			return err
		})
		grave(incident.Minor, second)
		ends := func() error {
			return w.Try(func(ctx context.Context, tx *db.Tx) error {
				_, _, err := incident.Close(ctx, tx, w.Ring, second, service, c.ID, incident.Unfounded, pii.New("没有发生"))
				return err
			})
		}
		if err := ends(); !errors.Is(err, incident.ErrSecond) {
			t.Errorf("who has graded it finds that it was nothing: %v", err)
		}
		if err := o.confirms(o.deputy, c.ID, r.Number); err != nil || !o.stands(c.ID).Took(incident.StepUnreported) {
			t.Errorf("by two: %v", err)
		}
		if err := o.confirms(o.deputy, c.ID, r.Number); !errors.Is(err, authority.ErrDone) {
			t.Errorf("once more: %v", err)
		}
		if err := ends(); err != nil {
			t.Errorf("that it was nothing, after two have decided: %v", err)
		}
		o.audited()
	})
}
