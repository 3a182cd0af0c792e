package replay

import (
	"strings"

	approvals "wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
)

// compareApproval compares a row of approval.
func (a *audit) compareApproval(t *tally, row approvals.Request) {
	r := a.of(t, "approval", string(row.Child), a.names.shown(row.ID))
	if t == nil {
		r.extra()
		return
	}
	is := t.child.askedNamed(row.ID)
	if is == nil {
		r.extra()
		return
	}
	t.marks[row.ID] = true
	first, decider := "", ""
	if is.first != (key{}) {
		first = is.first.name(id.Staff)
	}
	if is.decider != (key{}) {
		decider = is.decider.name(id.Staff)
	}
	r.text("service", a.names.text(t.child.service), row.Service)
	r.text("number", is.number, row.Number)
	r.text("asker", is.asker.name(id.Staff), row.Asker)
	r.text("purpose", a.names.text(is.purpose), row.Purpose)
	r.text("items", a.names.all(is.items), strings.Join(row.Items, " "))
	r.text("reason", a.names.text(is.reason), string(row.Reason))
	r.number("minutes", int64(is.minutes), int64(row.Minutes))
	r.flag("glass", is.glass, row.Glass)
	r.flag("export", is.export, row.Export)
	r.text("first_by", first, row.First)
	r.text("first_for", string(is.firstFor), string(row.FirstFor))
	r.text("state", string(is.state), string(row.State))
	r.time("asked_at", is.at, micros(row.AskedAt))
	r.time("answer_by", is.answerBy, micros(row.AnswerBy))
	r.text("decider", decider, row.Decider)
	r.text("granted", a.names.all(is.granted), strings.Join(row.Granted, " "))
	r.text("answer", string(is.answer), string(row.Answer))
	r.time("from_at", is.from, micros(row.From))
	r.time("until_at", is.until, micros(row.Until))
	r.number("quota", is.quota, row.Quota)
	r.number("looks", is.looks, row.Looks)
	r.time("ended_at", is.ended, micros(row.EndedAt))
	r.text("ended_by", is.endedBy, row.EndedBy)
	r.text("why", string(is.why), string(row.Why))
	r.text("ground", string(is.basis.Ground), string(row.Ground))
	r.text("receiver", string(is.basis.Receiver), string(row.Receiver))
	r.text("level", string(is.basis.Level), string(row.Level))
	r.text("country", is.basis.Country, row.Country)
	r.time("ends_at", micros(is.basis.Ends), micros(row.Ends))
	r.text("silence", string(is.basis.Silence), string(row.Silence))
	r.time("silent_until", micros(is.basis.SilentUntil), micros(row.SilentUntil))
	r.flag("officer", is.officer, row.Officer)
	r.time("released_at", is.released, micros(row.ReleasedAt))
	r.time("told_at", is.told, micros(row.ToldAt))
	note, firstReply, reply, review := row.Written()
	r.flag("note", true, note)
	r.flag("first_reply", is.firstReply, firstReply)
	r.flag("reply", is.reply, reply)
	g := a.fold.inside.glasses[is.id]
	r.flag("review", g != nil && g.text, review)
	if a.ring != nil && !row.Intact(a.ring) {
		r.found(FoundHash, "bound", "–", "–")
	}
	if a.ring != nil && !t.locked && row.IntactText(a.ring, t.record.Child) != nil {
		r.found(FoundSealed, "note, reply", "–", "–")
	}
	if a.ring != nil && !t.locked && is.paper != row.PaperMark(a.ring, t.record.Child) {
		r.found(FoundHash, "paper", "–", "–")
	}
}

// all returns the texts, with spaces between.
func (n *names) all(list []sym) string {
	texts := make([]string, len(list))
	for i, y := range list {
		texts[i] = n.text(y)
	}
	return strings.Join(texts, " ")
}

// compareApprovals names the requests that the ledger knows and the table doesn't.
func (a *audit) compareApprovals(t *tally) {
	for _, r := range t.child.askings {
		if name := r.id.name(id.Look); !t.marks[name] {
			a.of(t, "approval", "", name).missing()
		}
	}
}

// looksRows compares how often persons inside have looked.
func (a *audit) looksRows() error {
	seen := make(map[key]bool)
	err := db.Each(a.ctx, a.tx, func(row db.Row) error {
		var name string
		var l approvals.Looks
		if err := row.Scan(&name, &l.Hour, &l.InHour, &l.Day, &l.InDay, &l.Since, &l.InBurst); err != nil {
			return err
		}
		r := at{audit: a, table: "person_looks", row: a.names.shown(name)}
		k, who := a.person(name)
		if who == nil || !who.looked {
			r.extra()
			return nil
		}
		seen[k] = true
		r.number("hour", who.looks.Hour, l.Hour)
		r.number("in_hour", who.looks.InHour, l.InHour)
		r.number("day", who.looks.Day, l.Day)
		r.number("in_day", who.looks.InDay, l.InDay)
		r.time("since", who.looks.Since, l.Since)
		r.number("in_burst", who.looks.InBurst, l.InBurst)
		return nil
	}, `SELECT person, hour, in_hour, day, in_day, since, in_burst FROM person_looks ORDER BY person`)
	if err == nil {
		a.lost("person_looks", seen, func(p *person) bool { return p.looked })
	}
	return err
}
