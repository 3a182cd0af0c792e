package replay

import (
	"maps"
	"slices"
	"time"

	"wardkeep/internal/authority"
	"wardkeep/internal/incident"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
)

// ofAuthority are the kinds about what the authority is told of a case.
var ofAuthority = []string{authority.KindDrafted, authority.KindSent, authority.KindConfirmed, authority.KindAnswered}

// A reported is what the ledger says of a version of a report.
type reported struct {
	kind                             authority.Kind
	draftedBy, doneBy, channel, mark string
	drafted, done, sent              int64
	answers                          []receipted
	seen                             bool
}

// A receipted is what the ledger says of an answer of the authority.
type receipted struct {
	by, mark string
	at       int64
	seen     bool
}

// authorityEntry folds that a report about a case was drafted, sent and answered, or that two have
// decided that there is none: versions in their order, of which the last alone is sent.
func (f *fold) authorityEntry(p ledger.Placed, s source) fault {
	var b struct {
		authority.DraftedBody
		Channel authority.Channel `json:"channel"`
		Sent    int64             `json:"sent"`
		Receipt int64             `json:"receipt"`
		Asker   int64             `json:"asker"`
	}
	if p.Into(&b) != nil {
		return fault{what: FoundBody, field: p.Kind}
	}
	c, at := f.mishaps[b.Case], p.At.UnixMicro()
	_, inside := insider(p)
	switch {
	case c == nil || c.service != p.Service || b.Suspect != c.suspect || b.Drill != c.drill:
		return impossible(ruleReport)
	case !inside:
		return impossible(ruleActor)
	}
	by, all := f.names.keep(staffOf(p)), c.reports
	if p.Kind == authority.KindDrafted {
		switch {
		case b.Mark == "":
			return fault{what: FoundBody, field: ruleReport}
		case b.Number != int64(len(all))+1 || !slices.Contains(authority.Next(c.versions()), b.Kind),
			b.Kind == authority.None && (c.grade != string(incident.Minor) || c.closed != 0 || c.many()):
			return impossible(ruleReport)
		}
		c.reports = append(all, &reported{kind: authority.Kind(f.names.keep(string(b.Kind))), draftedBy: by, drafted: at, mark: b.Mark})
		return f.actedInside(p, s, b.Inside, staff.WriteIncidents)
	}
	if b.Number < 1 || b.Number > int64(len(all)) {
		return impossible(ruleReport)
	}
	r, none := all[b.Number-1], p.Kind == authority.KindConfirmed
	if p.Kind == authority.KindAnswered {
		switch {
		case b.Mark == "":
			return fault{what: FoundBody, field: ruleReport}
		case r.done == 0 || r.kind == authority.None || b.Receipt != int64(len(r.answers))+1:
			return impossible(ruleReport)
		}
		r.answers = append(r.answers, receipted{by: by, mark: b.Mark, at: at})
		return f.actedInside(p, s, b.Inside, staff.WriteIncidents)
	}
	if r.done != 0 || b.Number != int64(len(all)) || none != (r.kind == authority.None) {
		return impossible(ruleReport)
	}
	r.done, r.doneBy = at, by
	if none {
		switch {
		// Edge case 21: of what isn't known to be minor the authority is told.
		case c.grade != string(incident.Minor) || c.closed != 0 || c.many():
			return impossible(ruleReport)
		case by == r.draftedBy:
			return impossible(ruleActor)
		}
		return f.confirmedByAnother(p, s, b.Inside, staff.JudgeIncidents, r.draftedBy, b.Asker, staff.WriteIncidents)
	}
	if !slices.Contains(authority.Channels, b.Channel) || !authority.SentFits(time.UnixMicro(b.Sent), time.UnixMicro(c.noticed), p.At) {
		return impossible(ruleReport)
	}
	r.sent, r.channel = b.Sent, f.names.keep(string(b.Channel))
	return f.actedInside(p, s, b.Inside, staff.WriteIncidents)
}

// versions is what of the reports about a case decides which can follow.
func (c *mishap) versions() (all []authority.Report) {
	for _, r := range c.reports {
		is := authority.Report{Kind: r.kind}
		if r.done != 0 {
			is.DoneAt = time.UnixMicro(r.done)
		}
		all = append(all, is)
	}
	return all
}

// told reports whether the authority was told of a case as a step of it says, or two have decided
// that it isn't.
func (c *mishap) told(step incident.Step) bool {
	return slices.ContainsFunc(c.reports, func(r *reported) bool {
		switch {
		case r.done == 0:
			return false
		case r.kind == authority.None:
			return step == incident.StepUnreported
		case r.kind == authority.Wrap:
			return step == incident.StepWrapped
		}
		return step == incident.StepReport
	})
}

// reportRows compares what the authority is told.
func (a *audit) reportRows() error {
	err := authority.All(a.ctx, a.tx, func(row authority.Report) error {
		r := at{audit: a, table: "authority_report", service: a.names.shown(row.Service), row: a.names.shown(row.Incident) + " " + number(row.Number)}
		c := a.fold.mishaps[row.Incident]
		if c == nil || row.Number < 1 || row.Number > int64(len(c.reports)) {
			r.extra()
			return nil
		}
		is := c.reports[row.Number-1]
		is.seen = true
		r.text("service", c.service, row.Service)
		r.text("kind", string(is.kind), string(row.Kind))
		r.time("drafted_at", is.drafted, micros(row.DraftedAt))
		r.text("drafted_by", is.draftedBy, row.DraftedBy)
		r.time("done_at", is.done, micros(row.DoneAt))
		r.text("done_by", is.doneBy, row.DoneBy)
		r.time("sent_at", is.sent, micros(row.SentAt))
		r.text("channel", is.channel, string(row.Channel))
		r.number("receipts", int64(len(is.answers)), row.Receipts)
		r.sealed(a, is.mark, row.Mark)
		return a.ctx.Err()
	})
	if err == nil {
		err = authority.AllReceipts(a.ctx, a.tx, func(row authority.Receipt) error {
			r := at{audit: a, table: "authority_receipt", row: a.names.shown(row.Incident) + " " + number(row.Report) + " " + number(row.Number)}
			c := a.fold.mishaps[row.Incident]
			if c == nil || row.Report < 1 || row.Report > int64(len(c.reports)) || row.Number < 1 || row.Number > int64(len(c.reports[row.Report-1].answers)) {
				r.extra()
				return nil
			}
			is := &c.reports[row.Report-1].answers[row.Number-1]
			is.seen, r.service = true, c.service
			r.time("received_at", is.at, micros(row.At))
			r.text("received_by", is.by, row.By)
			if a.ring != nil && !row.Intact(a.ring, is.mark) {
				r.found(FoundSealed, "file, hash, sealed, salt, document", "–", "–")
			}
			return a.ctx.Err()
		})
	}
	for _, name := range slices.Sorted(maps.Keys(a.fold.mishaps)) {
		c := a.fold.mishaps[name]
		for i, r := range c.reports {
			row := name + " " + number(int64(i)+1)
			if !r.seen && err == nil {
				at{audit: a, table: "authority_report", service: c.service, row: row}.missing()
			}
			for n, one := range r.answers {
				if !one.seen && err == nil {
					at{audit: a, table: "authority_receipt", service: c.service, row: row + " " + number(int64(n)+1)}.missing()
				}
			}
		}
	}
	return err
}
