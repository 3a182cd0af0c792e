package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"wardkeep/client"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/catalog"
	"wardkeep/internal/incident"
	"wardkeep/internal/notify"
	"wardkeep/internal/reach"
	"wardkeep/internal/staff"
	"wardkeep/internal/warning"
)

// leaked: the processor reports a leak; whom it had come to is found, each of their guardians is
// told by the word of two persons and, where one can't be reached, the public is warned (Article 21).
func (d *demo) leaked(ctx context.Context) error {
	d.chapter("leaked")
	leak, err := d.processor.ReportLeak(ctx, wardkeep.NewLeak{Kind: "leaked", Items: []string{"voice"}, Children: 2, Words: "A folder with recordings was open to the public."})
	if err != nil {
		return err
	}
	d.show("21", "leaked", leak.State == "opened", "Number", leak.Number)
	found, err := d.finds(ctx, leak.ID)
	if err != nil {
		return err
	}
	d.show("21", "leaked_found", found == 2, "Count", found, "Imported", d.imported)
	var officer, deputy staff.Person
	err = d.try(ctx, func(tx *db.Tx) (err error) {
		if officer, err = inside(ctx, tx, catalog.RoleOfficer); err == nil {
			deputy, err = inside(ctx, tx, catalog.RoleDeputy)
		}
		return err
	})
	if err != nil {
		return err
	}
	n, err := d.notice(ctx, leak.ID, officer, deputy)
	if err != nil {
		return err
	}
	messages := func() (all []notify.Message) {
		for _, m := range d.outbox.Messages() {
			if m.Message.Kind == notify.KindBreach && strings.Contains(m.Message.Text.Reveal(), n.ID) {
				all = append(all, m.Message)
			}
		}
		return all
	}
	teller := d.app.Warnings()
	for range 2 { // what the server's own round has begun is over by the second
		if _, err := teller.Round(ctx); err != nil {
			return err
		}
	}
	told := messages()
	d.show("21", "leaked_told", len(told) == 2, "Count", len(told))
	if len(told) == 0 {
		return nil
	}
	// Of one the gateway has lied: it says so now, and by hand it goes on.
	back, err := d.client.MessageReturned(ctx, wardkeep.NewReturned{To: told[0].To.Reveal(), Message: told[0].ID})
	if err != nil {
		return err
	}
	tells := staff.Acting{Person: officer, Action: staff.TellFamilies}
	for _, step := range []struct {
		state warning.State
		came  warning.Outcome
	}{{warning.Call, warning.NoAnswer}, {warning.Call, warning.NoAnswer}, {warning.Call, warning.NoAnswer}, {warning.Letter, warning.Mailed}, {warning.Posted, warning.Returned}} {
		err := d.try(ctx, func(tx *db.Tx) error {
			all, err := warning.List(ctx, tx, n, step.state, warning.Addressee{}, 1)
			for _, a := range all {
				_, err = teller.Note(ctx, tx, tells, story, n.ID, a.Child, a.Guardian, step.came)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	var counts []warning.Count
	err = d.try(ctx, func(tx *db.Tx) (err error) {
		if _, _, err = warning.Publish(ctx, tx, d.app.Ring, staff.Acting{Person: deputy, Action: staff.JudgeIncidents}, story, n.ID); err == nil {
			counts, err = warning.Counts(ctx, tx, n)
		}
		return err
	})
	if err != nil {
		return err
	}
	d.show("21", "leaked_back", back.State == string(warning.Call) && slices.Contains(counts, warning.Count{State: warning.Unreachable, Many: 1}))
	feed, err := d.get(ctx, "/warnings/feed")
	if err != nil {
		return err
	}
	d.show("21", "leaked_warned", strings.Contains(string(feed), n.ID), "Link", d.base+"/warnings")
	err = d.try(ctx, func(tx *db.Tx) error {
		if _, _, err := incident.Triage(ctx, tx, d.app.Ring, d.officer, story, leak.ID, incident.Serious, 2, pii.New("Recordings of two children.")); err != nil {
			return err
		}
		_, _, err := incident.Close(ctx, tx, d.app.Ring, d.officer, story, leak.ID, incident.Reported, pii.New("All is done."))
		return err
	})
	d.show("21", "leaked_open", errors.Is(err, incident.ErrMissing) || errors.Is(err, incident.ErrReported))
	// With nobody in office at the console, charters are approved at the terminal, as the others are.
	return d.try(ctx, func(tx *db.Tx) error {
		for _, p := range []staff.Person{officer, deputy} {
			if _, err := staff.Leave(ctx, tx, operator, p.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

// finds puts on the list of a case whom the processor has come to, and returns how many they are.
func (d *demo) finds(ctx context.Context, about string) (int64, error) {
	if err := d.settle(ctx); err != nil {
		return 0, err
	}
	err := d.try(ctx, func(tx *db.Tx) error {
		_, _, err := reach.AskFor(ctx, tx, d.officer, about, reach.Question{Service: story, By: reach.ByProcessor, Name: scorer.Name})
		return err
	})
	for went := true; went && err == nil; {
		went, err = d.app.Reach().Extend(ctx, d.app.Store)
	}
	if err != nil {
		return 0, err
	}
	return d.count(ctx, `SELECT count(*) FROM incident_child WHERE incident = $1`, about)
}

// inside gives whoever holds an office an account of a person inside.
func inside(ctx context.Context, tx *db.Tx, role catalog.Role) (staff.Person, error) {
	held, err := catalog.Holder(ctx, tx, story, role)
	if err != nil {
		return staff.Person{}, err
	}
	grant, err := staff.OfOffice(ctx, tx, story, held.ID)
	if err != nil {
		return staff.Person{}, err
	}
	return staff.Add(ctx, tx, operator, held.Name, grant)
}

// notice is what is told of a case: drafted by one and confirmed by another.
func (d *demo) notice(ctx context.Context, about string, officer, deputy staff.Person) (n warning.Notice, err error) {
	text := warning.Text{
		Chinese: warning.Words{What: "口语练习的录音。", Cause: "受托方的一个文件夹曾经可以公开访问，当天已关闭。", Harm: "可能有人听到孩子的声音，冒充老师联系您。", Remedies: "已关闭文件夹，并删除了录音。",
			Advice: "不要向任何人提供验证码。", Contact: "400-000-0000，每天 9 点到 18 点。", Child: "有陌生人叫得出你的昵称，先告诉爸爸妈妈。"},
		English: warning.Words{What: "Recordings of the speaking practice.", Cause: "A folder of our processor was open to the public. It was closed the same day.", Harm: "Somebody may have heard your child and pretend to be a teacher.",
			Remedies: "The folder is closed, and the recordings are deleted.", Advice: "Give no code to anybody.", Contact: "400-000-0000, from 9 to 18 each day.", Child: "If a stranger knows your nickname, tell your parents first."},
	}
	err = d.try(ctx, func(tx *db.Tx) (err error) {
		n, _, err = warning.Draft(ctx, tx, d.app.Ring, staff.Acting{Person: officer, Action: staff.WriteIncidents}, story, about, "", false, text)
		return err
	})
	if err != nil {
		return n, err
	}
	confirm := func(by staff.Person) error {
		return d.try(ctx, func(tx *db.Tx) error {
			is, _, err := warning.Confirm(ctx, tx, d.app.Ring, staff.Acting{Person: by, Action: staff.JudgeIncidents}, story, n.ID, n.Version)
			if err == nil {
				n = is
			}
			return err
		})
	}
	alone := confirm(officer)
	err = confirm(deputy)
	d.show("21", "leaked_alone", errors.Is(alone, warning.ErrSecond) && err == nil)
	return n, err
}

// hasToo lets the processor have a recording of one more child.
func (d *demo) hasToo(ctx context.Context) error {
	h, _, err := d.enrol(ctx, "processor-too", birthday(d.app.Store.Now(), 9, 40), "13900000027")
	if err != nil {
		return err
	}
	if _, err := d.client.Collect(ctx, h.child, "", wardkeep.Collection{Purpose: "speaking-practice", Values: map[string]string{"voice": recording}}); err != nil {
		return err
	}
	called, err := d.client.Introduce(ctx, h.child, wardkeep.Introduction{Role: "processor", Party: scorer.Name})
	if err != nil {
		return err
	}
	_, err = d.processor.Read(ctx, called.Handle, wardkeep.Reading{Purpose: "speaking-practice", Items: []string{"voice"}})
	return err
}
