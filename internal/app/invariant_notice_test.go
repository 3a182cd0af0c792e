package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"html"
	"io"
	"os"
	"strings"
	"testing"

	wardkeep "wardkeep/client"
	"wardkeep/internal/app"
	"wardkeep/internal/app/apptest"
	"wardkeep/internal/base/db"
	"wardkeep/internal/charter"
	"wardkeep/internal/replay"
)

// secondCharter prolongs the recordings of speaking practice: a material change.
func secondCharter(t *testing.T) *charter.Charter {
	t.Helper()
	c, err := charter.Load(os.DirFS("../../examples/xiaoxi-english-v2"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Invariant 4: after stories of all kinds, under two charters and in two
// languages, each consent carries the hash of the very text that its guardian
// was shown, which is what its charter yields, and no other hash is taken.
func TestInvariant4_EveryConsentIsToTheTextThatWasShown(t *testing.T) {
	apptest.Each(t, func(t *testing.T, in *apptest.Installation) {
		a := in.Open(apptest.Discard())
		s := &shown{t: t, in: in, base: in.Serve(a), charters: []*charter.Charter{in.Charter, secondCharter(t)}}
		for range 6 {
			s.tell(1)
		}
		late := s.ask(1)
		in.Publish(a, s.charters[1])
		s.tooLate(late)
		for range 6 {
			s.tell(2)
		}
		s.compare(a)
		s.tamper(a)
	})
}

type shown struct {
	t        *testing.T
	in       *apptest.Installation
	base     string
	charters []*charter.Charter
	told     int
}

// A visit is a guardian before a request, verified.
type visit struct {
	client  *wardkeep.GuardianClient
	request wardkeep.ConsentRequest
	number  int
	seen    wardkeep.GuardianRequest
	langs   map[string]bool // in which it was shown
	proof   string
}

func (s *shown) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// ask leads a guardian to the notice of charter number, in either language, once
// or again in the other.
func (s *shown) ask(number int) visit {
	s.t.Helper()
	ctx := s.t.Context()
	client := s.in.Client(s.base)
	fresh := apptest.NewChild()
	child, err := client.Register(ctx, fresh)
	s.must(err)
	langs := []string{"zh-CN", "en"}
	v := visit{number: number, langs: make(map[string]bool)}
	v.request, err = client.Ask(ctx, wardkeep.Asking{Child: child.ID, Channel: "link", Locale: langs[pick(2)]})
	s.must(err)
	v.client = s.in.Guardian(s.base, v.request)
	for range 1 + pick(2) {
		v.seen, err = v.client.Open(ctx, langs[pick(2)])
		s.must(err)
		v.langs[v.seen.Lang] = true
		s.isTheNotice(v)
	}
	_, err = v.client.SendCode(ctx)
	s.must(err)
	verified, err := v.client.Verify(ctx, s.in.Phone.Code(fresh.Guardian.Phone))
	s.must(err)
	v.proof = verified.Proof
	return v
}

// notice is what charter number says in a language.
func (s *shown) notice(number int, lang string) charter.NoticeDoc {
	s.t.Helper()
	n, err := charter.Notice(s.charters[number-1], charter.Lang(lang))
	s.must(err)
	return n
}

// isTheNotice compares what was shown, over the API and on the page, with what
// the charter yields, word by word.
func (s *shown) isTheNotice(v visit) {
	s.t.Helper()
	want := s.notice(v.number, v.seen.Lang)
	if v.seen.NoticeHash != want.Hash() || int(v.request.Charter) != v.number {
		s.t.Errorf("shown: charter %d, notice %s; want charter %d, notice %s", v.request.Charter, v.seen.NoticeHash, v.number, want.Hash())
	}
	got, err := json.Marshal(v.seen.Notice)
	s.must(err)
	same, err := json.Marshal(want)
	s.must(err)
	if string(got) != string(same) {
		s.t.Errorf("the API doesn't show the notice of charter %d in %s", v.number, v.seen.Lang)
	}
	a, err := apptest.Households().Get(s.base + "/r/" + apptest.Token(v.request) + "?lang=" + v.seen.Lang)
	s.must(err)
	defer a.Body.Close()
	page, err := io.ReadAll(a.Body)
	s.must(err)
	text := html.UnescapeString(string(page))
	said := []string{want.Title, want.Intro}
	for _, section := range want.Sections {
		said = append(said, section.Title)
		for _, p := range section.Points {
			said = append(said, p.Label, p.Text)
		}
	}
	for _, purpose := range want.Purposes {
		said = append(said, purpose.Label, purpose.What, purpose.Why, purpose.HowLong, purpose.WhoElse, purpose.IfRefused)
	}
	for _, words := range said {
		if !strings.Contains(text, words) {
			s.t.Errorf("the page in %s doesn't say %q", v.seen.Lang, words)
		}
	}
}

// tell has a guardian answer: first to texts that were never on the screen,
// which is refused, then to the one that was.
func (s *shown) tell(number int) {
	s.t.Helper()
	ctx := s.t.Context()
	v := s.ask(number)
	answers := make(map[string]bool)
	for _, p := range v.seen.Purposes {
		answers[p] = pick(3) > 0
	}
	answer := wardkeep.GuardianAnswer{Proof: v.proof, Answers: answers}
	other := map[string]string{"zh-CN": "en", "en": "zh-CN"}[v.seen.Lang]
	never := [][2]string{
		{s.notice(number, other).Hash(), v.seen.Lang}, {v.seen.NoticeHash, other},
		{s.notice(3-number, v.seen.Lang).Hash(), v.seen.Lang}, {strings.Repeat("0", 64), v.seen.Lang}, {strings.ToUpper(v.seen.NoticeHash), v.seen.Lang},
	}
	if !v.langs[other] { // whoever read both may answer to either
		never = append(never, [2]string{s.notice(number, other).Hash(), other})
	}
	for _, wrong := range never {
		answer.NoticeHash, answer.Lang = wrong[0], wrong[1]
		if _, err := v.client.Answer(ctx, answer); !errors.Is(err, &wardkeep.Problem{Code: "consent.notice_changed"}) {
			s.t.Errorf("an answer to a text that was not shown: %v", err)
		}
	}
	answer.NoticeHash, answer.Lang = v.seen.NoticeHash, v.seen.Lang
	receipt, err := v.client.Answer(ctx, answer)
	s.must(err)
	for _, a := range receipt.Answers {
		s.told++
		if a.NoticeHash != v.seen.NoticeHash || a.Granted != answers[a.Purpose] {
			s.t.Errorf("the receipt says %+v, and the guardian said %v to %s", a, answers[a.Purpose], v.seen.NoticeHash)
		}
	}
}

// tooLate answers to what was shown before a material change.
func (s *shown) tooLate(v visit) {
	s.t.Helper()
	answers := make(map[string]bool)
	for _, p := range v.seen.Purposes {
		answers[p] = true
	}
	_, err := v.client.Answer(s.t.Context(), wardkeep.GuardianAnswer{Proof: v.proof, Answers: answers, NoticeHash: v.seen.NoticeHash, Lang: v.seen.Lang})
	if err == nil {
		s.t.Error("an answer to a text that no longer says what is done")
	}
}

// compare reads every consent in the store.
func (s *shown) compare(a *app.App) {
	s.t.Helper()
	read := 0
	s.in.Do(a, func(ctx context.Context, tx *db.Tx) error {
		return db.Each(ctx, tx, func(row db.Row) error {
			var number int
			var hash, lang string
			if err := row.Scan(&number, &hash, &lang); err != nil {
				return err
			}
			read++
			if want := s.notice(number, lang).Hash(); hash != want {
				s.t.Errorf("a consent to charter %d in %s has the notice %s, want %s", number, lang, hash, want)
			}
			return nil
		}, `SELECT charter, notice, lang FROM consent`)
	})
	if read != s.told || read < 50 {
		s.t.Errorf("%d consents in the store, and %d were given", read, s.told)
	}
	s.audit(a, 0)
}

// tamper changes what a consent says was shown: the audit finds each.
func (s *shown) tamper(a *app.App) {
	s.t.Helper()
	const one = ` WHERE id = (SELECT id FROM consent WHERE granted = true ORDER BY id LIMIT 1 OFFSET {which})`
	for i, statement := range []string{`UPDATE consent SET notice = {other}` + one, `UPDATE consent SET charter = 3 - charter` + one, `UPDATE consent SET lang = '??'` + one} {
		s.in.Damage(a, statement, map[string]any{"{other}": strings.Repeat("0", 64), "{which}": i})
		s.audit(a, i+1)
	}
}

func (s *shown) audit(a *app.App, atLeast int) {
	s.t.Helper()
	report, err := replay.Audit(s.t.Context(), a.Store, a.Ring, nil, replay.Options{})
	if err != nil || len(report.Differences) < atLeast || atLeast == 0 && !report.OK() {
		s.t.Errorf("the audit finds %d differences, want %d: %v, %v", len(report.Differences), atLeast, report.Differences, err)
	}
}
