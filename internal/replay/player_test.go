package replay_test

import (
	"context"
	"errors"
	"time"

	"pgregory.net/rapid"

	"wardkeep/internal/account"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/charter"
	"wardkeep/internal/consent"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
)

func (s *story) revoke() {
	s.T.Helper()
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		_, err := account.RevokeApp(ctx, tx, terminal, service, s.App.ID)
		return err
	})
}

// A player does one thing after the other, as rapid draws them.
type player struct {
	*story
	rt       *rapid.T
	children []family.ID
}

var (
	purposes = []string{"account", "course-progress", "speaking-practice", "class-ranking", "parent-reports", "push-notices", "ghost"}
	values   = map[string]string{"weekly_score": "88", "lesson_progress": "12", "speaking_score": "70", "gender": "女",
		"push_token": "t", "remarks": "好", "guardian_phone": "13800000000", "ghost": "x"}
	items  = []string{"weekly_score", "lesson_progress", "speaking_score", "gender", "push_token", "remarks", "guardian_phone", "ghost"}
	pauses = []time.Duration{time.Millisecond, time.Second, 10 * time.Second, time.Hour, 25 * time.Hour, 40 * 24 * time.Hour, 100 * 24 * time.Hour, 400 * 24 * time.Hour}
)

func (p *player) pick(list []string, label string) string {
	return rapid.SampledFrom(list).Draw(p.rt, label)
}

func (p *player) items() []string {
	return rapid.SliceOfN(rapid.SampledFrom(items), 0, 3).Draw(p.rt, "items")
}

func (p *player) child() family.ID { return rapid.SampledFrom(p.children).Draw(p.rt, "child") }

func (p *player) anyGuardian() (family.Guardian, bool) {
	all := p.guardians(p.child())
	if len(all) == 0 {
		return family.Guardian{}, false
	}
	return rapid.SampledFrom(all).Draw(p.rt, "guardian"), true
}

func (p *player) turn() {
	if len(p.children) == 0 {
		p.enrol()
		return
	}
	move := rapid.SampledFrom([]string{"enrol", "answer", "answer", "answer", "put", "put", "put", "use", "use", "use", "seal", "withdraw", "again",
		"guardian", "verify", "prove", "prove", "end", "ask", "step", "step", "freeze", "unfreeze", "correct", "event", "event", "change", "office", "key", "sweep", "erase", "cease", "pass", "pass", "flush"}).Draw(p.rt, "move")
	if err := p.move(move); err != nil && errs.Of(err).Kind == errs.Internal {
		p.rt.Fatalf("%s: %v", move, err)
	}
}

func (p *player) enrol() {
	c, _ := p.Enrol()
	p.children = append(p.children, c.ID)
	if rapid.Bool().Draw(p.rt, "answers at once") {
		p.Answer(c, consent.ForceGranted)
	}
}

func (p *player) move(move string) error {
	switch move {
	case "enrol":
		p.enrol()
		return nil
	case "put":
		chosen := make(map[string]string)
		for _, item := range p.items() {
			chosen[item] = values[item]
		}
		return p.put(p.child(), p.pick(purposes, "purpose"), chosen)
	case "use":
		activity := rapid.SampledFrom([]charter.Activity{charter.Use, charter.Use, charter.Use, charter.Disclose, charter.Transfer, charter.Entrust, "?"}).Draw(p.rt, "activity")
		party := p.pick([]string{"", "class", "yuping-assessment", "王老师"}, "party")
		return p.use(p.child(), activity, p.pick(purposes, "purpose"), party, p.items()...)
	case "seal":
		c, purpose, item := p.child(), p.pick(purposes, "purpose"), p.pick(items, "item")
		sealed, err := p.story.seal(c, purpose, item, values[item])
		if err != nil {
			return err
		}
		p.Pass(rapid.SampledFrom(pauses).Draw(p.rt, "pause"))
		return p.unseal(c, p.pick(purposes, "purpose"), item, sealed)
	case "answer", "again", "withdraw", "guardian", "verify", "prove", "end", "ask":
		return p.family(move)
	case "step":
		return p.step(p.child())
	case "freeze", "unfreeze":
		return p.freeze(p.child(), move == "freeze")
	case "correct":
		return p.correct(p.child(), age.Birth{Year: p.Store.Now().Year() - rapid.IntRange(1, 13).Draw(p.rt, "age")})
	case "event":
		ago := rapid.SampledFrom(pauses).Draw(p.rt, "ago")
		return p.happens(p.child(), p.pick([]string{"account-closed", "account-closed", "ghost"}, "event"), p.Store.Now().Add(-ago))
	case "sweep":
		return p.sweep()
	case "erase":
		return p.erase(p.child())
	case "cease": // the service itself last: nothing happens after it
		purpose := p.pick([]string{"class-ranking", "push-notices", "ghost"}, "purpose")
		if err := p.ceases(purpose, 0); err != nil {
			return err
		}
		return p.ceased(purpose)
	case "pass":
		p.Pass(rapid.SampledFrom(pauses).Draw(p.rt, "pause"))
		return nil
	case "flush":
		return p.flush()
	}
	return p.office(move)
}

func (p *player) family(move string) error {
	g, ok := p.anyGuardian()
	if !ok {
		return nil
	}
	switch move {
	case "answer":
		yes := rapid.Map(rapid.SliceOfN(rapid.Bool(), len(purposes)+3, len(purposes)+3), func(b []bool) func(string) bool {
			return func(purpose string) bool { return b[len(purpose)%len(b)] }
		}).Draw(p.rt, "yes")
		if rapid.Bool().Draw(p.rt, "one purpose") {
			return p.says(g, yes, p.pick(purposes[:6], "purpose"))
		}
		return p.says(g, yes)
	case "again":
		return p.thinksAgain(g, func(string) bool { return true })
	case "withdraw":
		return p.withdraw(g, p.pick(purposes, "purpose"))
	case "verify":
		return p.verify(g, family.Strength(rapid.IntRange(0, 4).Draw(p.rt, "strength")))
	case "prove":
		return p.prove(g, rapid.SampledFrom(ways).Draw(p.rt, "way"))
	case "end":
		return p.end(g)
	case "ask":
		return p.ask(g)
	}
	_, err := p.guardian(g.Child, rapid.SampledFrom([]family.Relation{family.Parent, family.Parent, family.Institution, family.Teacher}).Draw(p.rt, "relation"))
	return err
}

// ask asks and leaves it at that.
func (p *player) ask(g family.Guardian) error {
	asker := consent.Asker(p.App)
	if rapid.Bool().Draw(p.rt, "of their own") {
		asker = g
	}
	asking := consent.Asking{Guardian: g.ID, Locale: "en", TTL: rapid.SampledFrom(pauses[2:6]).Draw(p.rt, "ttl"),
		Channel: rapid.SampledFrom([]consent.Channel{consent.SMS, consent.Link}).Draw(p.rt, "channel")}
	if rapid.Bool().Draw(p.rt, "payload") {
		asking.Payload = pii.New("order 7")
	}
	return p.Try(func(ctx context.Context, tx *db.Tx) error {
		c, err := family.Find(ctx, tx, service, g.Child)
		if err == nil {
			_, _, _, err = p.Desk.Ask(ctx, tx, asker, c, asking)
		}
		return err
	})
}

// step takes any request of the child, whatever has become of it, one step on.
func (p *player) step(child family.ID) error {
	var all []consent.Request
	p.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		all, err = consent.Requests(ctx, tx, child)
		return err
	})
	if len(all) == 0 {
		return nil
	}
	r := rapid.SampledFrom(all).Draw(p.rt, "request")
	step := rapid.SampledFrom([]string{"send", "open", "cancel", "verify"}).Draw(p.rt, "step")
	return p.Try(func(ctx context.Context, tx *db.Tx) (err error) {
		switch step {
		case "send":
			_, _, _, _, err = p.Desk.Send(ctx, tx, p.App, r)
		case "open":
			_, _, _, err = p.Desk.Open(ctx, tx, r, rapid.SampledFrom([]string{"en", "zh-CN"}).Draw(p.rt, "lang"), consent.OnAPI)
		case "cancel":
			_, _, err = consent.Cancel(ctx, tx, p.App, r)
		case "verify": // an answered one too: whoever comes back to withdraw
			var code consent.OneTime
			if code, err = p.Desk.SendCode(ctx, tx, r); err == nil {
				_, _, _, err = p.Desk.VerifyCode(ctx, tx, r, code.Code)
			}
		}
		return err
	})
}

func (p *player) office(move string) error {
	switch move {
	case "change":
		p.change()
	case "office":
		if err := p.vacate(); err != nil {
			return err
		}
		if rapid.Bool().Draw(p.rt, "use in between") {
			if err := p.use(p.child(), charter.Use, "course-progress", "", "weekly_score"); errors.Is(err, context.Canceled) {
				return err
			}
		}
		p.fill(catalog.RoleDeputy)
		p.fill(catalog.RoleOfficer)
	case "key":
		if rapid.Bool().Draw(p.rt, "rotate") {
			p.rotate(rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(p.rt, "overlap"), 200*24*time.Hour)
			return nil
		}
		p.revoke()
		p.issue(account.AllScopes())
	}
	return nil
}
