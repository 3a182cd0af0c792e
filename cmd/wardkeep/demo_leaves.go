package main

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/cessation"
	"wardkeep/internal/party"
	"wardkeep/internal/verification"
)

// scorer is the processor of the story.
var scorer = party.ID{Service: story, Role: party.Processor, Name: "yuping-assessment"}

// engaged: a processor is given something once it was assessed and has signed, fetches it by a key
// of its own, to the last second of its agreement, and then deletes what it has (Article 16).
func (d *demo) engaged(ctx context.Context) error {
	d.chapter("engaged")
	h, _, err := d.enrol(ctx, "processor", birthday(d.app.Store.Now(), 8, 20), "13900000007")
	if err != nil {
		return err
	}
	recorded := wardkeep.Collection{Purpose: "speaking-practice", Values: map[string]string{"voice": recording}}
	if _, err := d.client.Collect(ctx, h.child, "", recorded); err != nil {
		return err
	}
	now := d.app.Store.Now()
	until := now.Add(30 * 24 * time.Hour).Truncate(time.Second)
	entrust := func() (permitted bool, why string, err error) {
		got, err := d.client.Decide(ctx, wardkeep.Check{Child: h.child, Activity: "entrust", Purpose: "speaking-practice", Items: []string{"voice"}, Party: scorer.Name})
		if err != nil || got[0].Permitted {
			return err == nil, "", err
		}
		return false, got[0].Reasons[0].Code, nil
	}
	unsigned, err := d.sign(ctx, now, until)
	if err != nil {
		return err
	}
	signed, _, err := entrust()
	d.show("16", "engaged", unsigned && signed, "Until", second(until))
	if err != nil {
		return err
	}
	processor, stranger, err := d.bind(ctx)
	if err != nil {
		return err
	}
	called, err := d.client.Introduce(ctx, h.child, wardkeep.Introduction{Role: "processor", Party: scorer.Name})
	if err != nil {
		return err
	}
	fetch := func(p *wardkeep.Party) (string, error) {
		got, err := p.Read(ctx, called.Handle, wardkeep.Reading{Purpose: "speaking-practice", Items: []string{"voice"}})
		return got.Values["voice"], err
	}
	heard, err := fetch(processor)
	if err != nil {
		return err
	}
	d.processor = processor
	if err := d.hasToo(ctx); err != nil {
		return err
	}
	_, forged := fetch(stranger)
	d.show("16", "engaged_fetched", heard == recording && called.Handle != h.child && errors.Is(forged, &wardkeep.Problem{Code: "signature.wrong"}))
	// A month goes by in a moment here, and what has no version is placed before what has one, where
	// both come in one batch.
	if err := d.settle(ctx); err != nil {
		return err
	}
	d.until(until.Add(-2 * time.Second))
	last, _, err := entrust()
	if err != nil {
		return err
	}
	_, fetched := fetch(processor)
	d.until(until)
	after, why, err := entrust()
	d.show("16", "engaged_over", last && !after && why == "gate.agreement_over", "Until", second(until))
	if err != nil {
		return err
	}
	_, over := fetch(processor)
	d.show("16", "engaged_fetched_no_more", fetched == nil && errors.Is(over, &wardkeep.Problem{Code: "party.client_ended"}))
	d.tellProblem(over)
	return d.deletes(ctx, processor, h)
}

// bind binds a key of the processor to its agreement, and returns who asks by it; and somebody
// who knows how it is called, and hasn't got it.
func (d *demo) bind(ctx context.Context) (processor, stranger *wardkeep.Party, err error) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, nil, err
	}
	_, other, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, nil, err
	}
	var key party.Key
	err = d.try(ctx, func(tx *db.Tx) (err error) {
		key, _, err = party.Bind(ctx, tx, d.officer, scorer, public, time.Time{})
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	by := func(private ed25519.PrivateKey) (*wardkeep.Party, error) {
		p, err := wardkeep.ForParty(d.base, key.ID, private)
		if err != nil {
			return nil, err
		}
		p.Now = d.app.Store.Now
		return p.With(d.client), nil
	}
	if processor, err = by(private); err == nil {
		stranger, err = by(other)
	}
	return processor, stranger, err
}

// deletes: with the end of its agreement the processor is ordered to delete what it has, and says
// by its key, which is good for nothing else any more, that it did (Article 16(4)).
func (d *demo) deletes(ctx context.Context, processor *wardkeep.Party, h *household) error {
	if err := d.round(ctx); err != nil {
		return err
	}
	open, err := d.client.Orders(ctx, "open", "", 0)
	if err != nil {
		return err
	}
	owed := func(o wardkeep.Order) bool { return o.Party == scorer.Name && o.What == "delete" }
	ordered := slices.ContainsFunc(open.Orders, func(o wardkeep.Order) bool { return owed(o) && o.Child == h.child })
	statement := sha256.Sum256([]byte("all of it is deleted"))
	attested := 0
	for more := true; more; {
		done, err := processor.AttestEnd(ctx, wardkeep.PartyEnd{Document: hex.EncodeToString(statement[:])})
		if err != nil {
			return err
		}
		attested, more = attested+done.Attested, done.More
	}
	left, err := d.client.Orders(ctx, "open", "", 0)
	d.show("16", "engaged_deleted", err == nil && ordered && !slices.ContainsFunc(left.Orders, owed), "Count", attested)
	return err
}

// sign registers the processor, and signs with it: not before it was assessed, which it
// reports.
func (d *demo) sign(ctx context.Context, now, until time.Time) (unsigned bool, err error) {
	var scope party.Scope
	err = d.app.Store.View(ctx, func(tx *db.Tx) error {
		c, err := catalog.Current(ctx, tx, story)
		if err == nil {
			scope = party.ScopeOf(c.Charter, party.Processor, scorer.Name)
		}
		return err
	})
	if err != nil {
		return false, err
	}
	papers := scorersPapers(scope, now, until)
	err = d.try(ctx, func(tx *db.Tx) error {
		_, _, err := party.Register(ctx, tx, d.officer, scorer, papers.identity)
		return err
	})
	if err != nil {
		return false, err
	}
	unsigned = errors.Is(d.try(ctx, func(tx *db.Tx) error {
		_, _, err := party.Agree(ctx, tx, d.officer, scorer, papers.deed)
		return err
	}), party.ErrUnassessed)
	return unsigned, d.try(ctx, func(tx *db.Tx) error { return papers.sign(ctx, tx, d.officer, scorer) })
}

// round does what follows an end, as the server's job does.
func (d *demo) round(ctx context.Context) error {
	_, err := cessation.Round(ctx, d.app.Store, d.app.Vault, d.app.Farewell(), nil)
	return err
}

// disclosed: the class sees a child on its list by its guardian's grant, proved strongly
// enough, and nobody else sees anything by it (Article 18).
func (d *demo) disclosed(ctx context.Context) error {
	d.chapter("disclosed")
	weak, _, err := d.enrol(ctx, "ranking-weak", birthday(d.app.Store.Now(), 9, 30), "13900000010")
	if err != nil {
		return err
	}
	h, err := d.proved(ctx, "ranking", "13900000011")
	if err != nil {
		return err
	}
	ranked := map[string]string{"nickname": friend, "weekly_score": "97"}
	for _, of := range []*household{weak, h} {
		if _, err := d.client.Collect(ctx, of.child, "", wardkeep.Collection{Purpose: "class-ranking", Values: ranked}); err != nil {
			return err
		}
	}
	list := wardkeep.Disclosure{Purpose: "class-ranking", Audience: "class", Items: []string{"nickname", "weekly_score"}}
	none, err := d.client.Disclose(ctx, weak.child, list)
	d.show("18", "disclosed_not", refusedWith(err, "gate.verification_too_weak") && len(none.Values) == 0)
	d.tellReasons(err)
	got, err := d.client.Disclose(ctx, h.child, list)
	d.show("18", "disclosed", err == nil && got.Values["nickname"] == friend && got.Entry != "")
	if err != nil {
		return err
	}
	list.Audience = "whoever-has-the-link"
	none, err = d.client.Disclose(ctx, h.child, list)
	d.show("18", "disclosed_link", refusedWith(err, "gate.audience_unknown") && len(none.Values) == 0)
	return nil
}

// friend is the nickname of the child on the list.
const friend = "果果爱朗读-5c2e8"

// proved registers a child whose guardian shows name and identity number, and then agrees to
// everything but what is named (edge case 24).
func (d *demo) proved(ctx context.Context, ref, phone string, but ...string) (*household, error) {
	child, err := d.client.Register(ctx, wardkeep.NewChild{Ref: ref, BirthDate: birthday(d.app.Store.Now(), 9, 60), Guardian: wardkeep.GuardianContact{Phone: phone, Relation: "parent"}})
	if err != nil {
		return nil, err
	}
	asked, err := d.client.Ask(ctx, wardkeep.Asking{Child: child.ID, Channel: "link", Locale: "zh-CN"})
	if err != nil {
		return nil, err
	}
	h := &household{child: child.ID, token: secretOf(asked.URL, "/r/"), phone: phone}
	g, err := wardkeep.ForGuardian(d.base, h.token)
	if err != nil {
		return nil, err
	}
	r, err := g.With(d.client).Open(ctx, "zh-CN")
	if err != nil {
		return nil, err
	}
	proof, err := d.prove6(ctx, g)
	if err != nil {
		return nil, err
	}
	if _, err := g.ProveNumber(ctx, wardkeep.NameAndNumber{Proof: proof, Name: "王静", Number: "11010519491231002X"}); err != nil {
		return nil, err
	}
	answers := make(map[string]bool)
	for _, p := range r.Purposes {
		answers[p] = !slices.Contains(but, p)
	}
	_, err = g.Answer(ctx, wardkeep.GuardianAnswer{Proof: proof, Answers: answers, NoticeHash: r.NoticeHash, Lang: "zh-CN"})
	d.families = append(d.families, h)
	return h, err
}

// registry stands for whom the operator asks whether a name and a number belong together.
type registry struct{}

func (registry) Ask(context.Context, verification.Question) (verification.Reply, error) {
	return verification.Reply{Result: verification.ResultMatch}, nil
}

func (registry) Signed(http.Header, []byte, time.Time) bool { return false }

// screened: what a child is about to post tells another child's number, and is held; what
// the gate suggests instead passes (Article 4).
func (d *demo) screened(ctx context.Context) error {
	d.chapter("screened")
	author := d.families[len(d.families)-1]
	other, _, err := d.enrol(ctx, "screened", birthday(d.app.Store.Now(), 10, 5), "13900000012")
	if err != nil {
		return err
	}
	const phone, named = "13900000012", "豆豆星球-91d4b"
	for purpose, values := range map[string]map[string]string{"account": {"guardian_phone": phone}, "course-progress": {"nickname": named}} {
		if _, err := d.client.Collect(ctx, other.child, "", wardkeep.Collection{Purpose: purpose, Values: values}); err != nil {
			return err
		}
	}
	post := wardkeep.NewScreening{Text: "今天和" + named + "一起练口语，想约课就打她妈妈的电话 " + phone + "！", Child: author.child}
	held, err := d.screen(ctx, post, "nickname")
	if err != nil {
		return err
	}
	kinds := make(map[string]bool)
	for _, f := range held.Findings {
		kinds[f.Kind] = f.Verdict == "hold"
	}
	d.show("4", "screened", held.Verdict == "hold" && kinds["phone"] && kinds["nickname"])
	d.s.print("      " + held.Masked)
	cleaned, err := d.screen(ctx, wardkeep.NewScreening{Text: held.Masked, Child: author.child}, "")
	d.show("4", "screened_clean", err == nil && cleaned.Verdict == "publish" && !strings.Contains(held.Masked, phone) && !strings.Contains(held.Masked, named))
	return err
}

// screen asks about a content until a kind is found in it: what was collected a moment ago
// is in the set of hashes a moment later.
func (d *demo) screen(ctx context.Context, post wardkeep.NewScreening, until string) (got wardkeep.Screening, err error) {
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		got, err = d.client.Screen(ctx, post)
		p, waits := errors.AsType[*wardkeep.Problem](err)
		waits = waits && p.Code == "publication.not_ready"
		found := until == "" || slices.ContainsFunc(got.Findings, func(f wardkeep.Finding) bool { return f.Kind == until })
		if err == nil && found || err != nil && !waits || time.Now().After(end) {
			return got, err
		}
	}
}
