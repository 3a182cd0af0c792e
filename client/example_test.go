package wardkeep_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"regexp"
	"strings"
	"time"

	"wardkeep/client"
)

// Register a child, ask its guardian, and use a value once there is a yes.
func Example() {
	server, end := example()
	defer end()
	ctx := context.Background()
	c := server.client() // wardkeep.New("https://wardkeep.example.com", "xiaoxi-english", key)

	child, err := c.Register(ctx, wardkeep.NewChild{
		Ref: "user-20417", BirthDate: "2017-05", Guardian: wardkeep.GuardianContact{Phone: "13800138000"},
	})
	if err != nil {
		log.Fatal(err)
	}
	nickname := wardkeep.Collection{Purpose: "course-progress", Values: map[string]string{"nickname": "Xiaoxi"}}
	if _, err := c.Collect(ctx, child.ID, "", nickname); errors.Is(err, wardkeep.ErrConsentMissing) {
		fmt.Println("nobody has agreed yet")
	}

	request, err := c.Ask(ctx, wardkeep.Asking{Child: child.ID, Channel: "sms", Locale: "zh-CN"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("asked:", request.State)
	// In a test service the guardian can be played.
	if _, err := c.Force(ctx, request.ID, "granted"); err != nil {
		log.Fatal(err)
	}

	if _, err := c.Collect(ctx, child.ID, "", nickname); err != nil {
		log.Fatal(err)
	}
	read, err := c.Read(ctx, wardkeep.Ref("user-20417"), wardkeep.Reading{Purpose: "course-progress", Items: []string{"nickname"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("nickname:", read.Values["nickname"])
	// Output:
	// nobody has agreed yet
	// asked: pending
	// nickname: Xiaoxi
}

// A denial has every reason, with what to do.
func ExampleProblem() {
	server, end := example()
	defer end()
	ctx := context.Background()
	c := server.client()
	if _, err := c.Register(ctx, wardkeep.NewChild{Ref: "u1", Guardian: wardkeep.GuardianContact{Phone: "13800138000"}}); err != nil {
		log.Fatal(err)
	}

	_, err := c.Read(ctx, wardkeep.Ref("u1"), wardkeep.Reading{Purpose: "course-progress", Items: []string{"school"}})
	var p *wardkeep.Problem
	if errors.As(err, &p) {
		for _, r := range p.Reasons {
			fmt.Printf("Article %s, %s: %s\n", r.Article, r.Code, r.Remedy)
		}
	}
	// Output:
	// Article 11, gate.item_not_in_purpose: Leave it out, or declare why it is needed and ask for consent.
	// Article 9, gate.consent_missing: Send the guardian a consent request. No answer is not a yes.
}

// The guardian's side, in an app of the operator's own: show the notice, prove
// who answers, answer.
func ExampleGuardianClient() {
	server, end := example()
	defer end()
	ctx := context.Background()
	c := server.client()
	if _, err := c.Register(ctx, wardkeep.NewChild{Ref: "u1", Guardian: wardkeep.GuardianContact{Phone: "13800138000"}}); err != nil {
		log.Fatal(err)
	}
	request, err := c.Ask(ctx, wardkeep.Asking{Child: wardkeep.Ref("u1"), Purposes: []string{"class-ranking"}, Channel: "link", Locale: "en"})
	if err != nil {
		log.Fatal(err)
	}

	token := request.URL[strings.LastIndex(request.URL, "/")+1:]
	g, err := wardkeep.ForGuardian(server.URL, token)
	if err != nil {
		log.Fatal(err)
	}
	seen, err := g.Open(ctx, "en")
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range seen.Notice.Purposes {
		if p.Name == seen.Purposes[0] {
			fmt.Println(p.Label, "·", p.HowLong)
		}
	}
	if _, err := g.SendCode(ctx); err != nil {
		log.Fatal(err)
	}
	typed := regexp.MustCompile(`\b\d{6}\b`).FindString(server.outbox.Messages()[0].Text.Reveal()) // from the guardian's phone
	verified, err := g.Verify(ctx, typed)
	if err != nil {
		log.Fatal(err)
	}
	receipt, err := g.Answer(ctx, wardkeep.GuardianAnswer{
		Proof: verified.Proof, NoticeHash: seen.NoticeHash, Lang: seen.Lang, Answers: map[string]bool{"class-ranking": false},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt.Answers[0].Purpose, receipt.Answers[0].Granted)
	// Output:
	// Class ranking · 6 months from the day it was collected
	// class-ranking false
}

// Two guardians disagree: any no wins, and what is held about the child is kept
// and not used. After a no only the guardian who said it may begin anew.
func ExampleClient_AddGuardian() {
	server, end := example()
	defer end()
	ctx := context.Background()
	c := server.client()
	child, err := c.Register(ctx, wardkeep.NewChild{Ref: "u1", Guardian: wardkeep.GuardianContact{Phone: "13800138000"}})
	if err != nil {
		log.Fatal(err)
	}
	mother := child.Guardians[0]
	father, err := c.AddGuardian(ctx, child.ID, wardkeep.NewGuardian{Relation: "parent", Phone: "13800138001"})
	if err != nil {
		log.Fatal(err)
	}

	ask := func(g wardkeep.Guardian) wardkeep.ConsentRequest {
		r, err := c.Ask(ctx, wardkeep.Asking{
			Child: child.ID, Guardian: g.ID, Purposes: []string{"course-progress"}, Channel: "link", Locale: "en",
		})
		if err != nil {
			log.Fatal(err)
		}
		return r
	}
	play := func(request, outcome string) { // in a test service
		if _, err := c.Force(ctx, request, outcome); err != nil {
			log.Fatal(err)
		}
		_, err := c.Collect(ctx, child.ID, "", wardkeep.Collection{Purpose: "course-progress", Values: map[string]string{"nickname": "Xiaoxi"}})
		fmt.Printf("%s: disputed %t, collected %t\n", outcome, errors.Is(err, wardkeep.ErrDisputed), err == nil)
	}
	hers, his := ask(mother), ask(father)
	play(hers.ID, "granted")
	play(his.ID, "refused")

	// He comes back through his link, proves who he is, and thinks again.
	g, err := wardkeep.ForGuardian(server.URL, his.URL[strings.LastIndex(his.URL, "/")+1:])
	if err != nil {
		log.Fatal(err)
	}
	if _, err := g.SendCode(ctx); err != nil {
		log.Fatal(err)
	}
	typed := regexp.MustCompile(`\b\d{6}\b`).FindString(server.outbox.Messages()[0].Text.Reveal()) // from his phone
	verified, err := g.Verify(ctx, typed)
	if err != nil {
		log.Fatal(err)
	}
	again, err := g.AskAgain(ctx, wardkeep.AskAgain{Proof: verified.Proof})
	if err != nil {
		log.Fatal(err)
	}
	play(again.Request, "granted")
	// Output:
	// granted: disputed false, collected true
	// refused: disputed true, collected false
	// granted: disputed false, collected true
}

// Sealed values lie in the caller's own database and die with the child's key.
func ExampleClient_Seal() {
	server, end := example()
	defer end()
	ctx := context.Background()
	c := server.client()
	if _, err := c.Register(ctx, wardkeep.NewChild{Ref: "u1", Guardian: wardkeep.GuardianContact{Phone: "13800138000"}}); err != nil {
		log.Fatal(err)
	}
	request, err := c.Ask(ctx, wardkeep.Asking{Child: wardkeep.Ref("u1"), Channel: "link", Locale: "en"})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := c.Force(ctx, request.ID, "granted"); err != nil {
		log.Fatal(err)
	}

	sealed, err := c.Seal(ctx, wardkeep.Batch{Purpose: "class-ranking", Children: []wardkeep.ChildValues{
		{Child: wardkeep.Ref("u1"), Values: map[string]string{"school": "No. 1 School"}},
	}})
	if err != nil {
		log.Fatal(err)
	}
	mine := sealed[0].Values["school"] // keep it anywhere
	open := wardkeep.Batch{Purpose: "class-ranking", Children: []wardkeep.ChildValues{{Child: sealed[0].Child, Values: map[string]string{"school": mine}}}}
	opened, err := c.Open(ctx, open)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(opened[0].Values["school"])

	if _, err := c.Erase(ctx, wardkeep.Ref("u1")); err != nil {
		log.Fatal(err)
	}
	if opened, err = c.Open(ctx, open); err != nil {
		log.Fatal(err)
	}
	fmt.Println(errors.Is(opened[0].Problem, wardkeep.ErrChildErased))
	// Output:
	// No. 1 School
	// true
}

// A purpose that keeps values until an event, and a while longer, waits for the
// operator to say that it has happened.
func ExampleClient_Report() {
	server, end := example()
	defer end()
	ctx := context.Background()
	c := server.client()
	if _, err := c.Register(ctx, wardkeep.NewChild{Ref: "u1", Guardian: wardkeep.GuardianContact{Phone: "13800138000"}}); err != nil {
		log.Fatal(err)
	}
	request, err := c.Ask(ctx, wardkeep.Asking{Child: wardkeep.Ref("u1"), Channel: "link", Locale: "en"})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := c.Force(ctx, request.ID, "granted"); err != nil {
		log.Fatal(err)
	}
	phone := wardkeep.Collection{Purpose: "account", Values: map[string]string{"guardian_phone": "13800138000"}}
	collected, err := c.Collect(ctx, wardkeep.Ref("u1"), "", phone)
	if err != nil {
		log.Fatal(err)
	}

	closed, err := c.Report(ctx, wardkeep.Ref("u1"), wardkeep.Happening{Event: "account-closed"})
	if err != nil {
		log.Fatal(err)
	}
	days := func(ends time.Time) int { return int(ends.Sub(closed.HappenedAt).Hours()+1) / 24 }
	fmt.Println("more than 15 days before:", days(collected.Expires["guardian_phone"]) > 15)
	fmt.Println("days after the event:", days(closed.Expires["guardian_phone"]))
	// Output:
	// more than 15 days before: true
	// days after the event: 15
}

// Follow what happens, from the beginning or from where the last run ended.
func ExampleClient_Events() {
	server, end := example()
	defer end()
	ctx := context.Background()
	c := server.client()
	if _, err := c.Register(ctx, wardkeep.NewChild{Ref: "u1", Guardian: wardkeep.GuardianContact{Phone: "13800138000"}}); err != nil {
		log.Fatal(err)
	}
	if err := server.ledger.Flush(ctx); err != nil { // the server does it by itself, within a second
		log.Fatal(err)
	}

	after := "" // keep it with what you do about the events
	for {
		page, err := c.Events(ctx, after, 100)
		if err != nil {
			log.Fatal(err)
		}
		for _, e := range page.Events {
			fmt.Println(e.Type)
		}
		after = page.Next
		if !page.More {
			break
		}
	}
	// Output:
	// charter.proposed
	// charter.published
	// child.registered
	// guardian.added
}
