package replay

import (
	"maps"
	"slices"
	"strings"

	"wardkeep/internal/account"
	approvals "wardkeep/internal/approval"
	"wardkeep/internal/base/id"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
	"wardkeep/internal/warning"
)

// ofWarnings are the kinds about who is told of a case.
var ofWarnings = []string{warning.KindDrafted, warning.KindConfirmed, warning.KindPaused, warning.KindResumed, warning.KindExtended, warning.KindPrepared,
	warning.KindTold, warning.KindListed, warning.KindPublished, warning.KindWithdrawn}

// A noticed is what the ledger says of a notice: of those who are told by it, how many there are
// in each batch, and how those stand who came to stand otherwise.
type noticed struct {
	service, incident, draftedBy, confirmedBy, warnedBy, mark, after string
	withheld, paused                                                 bool
	version, drafted, confirmed, prepared, warned, until             int64
	children, addressees, listed                                     int64
	through                                                          source // of the entry that says listed
	batches                                                          []prepared
	told                                                             map[string]toldOf
	seen                                                             bool
}

// A prepared is a batch of addressees, and which of them have gone with their children.
type prepared struct {
	addressees int64
	hash       string
	gone       []goneOf
}

// A goneOf is an addressee that has gone with its child, as the entry says.
type goneOf struct {
	name, proof string
	child       key
	source
}

// names are of those who have gone.
func (p prepared) names() (all []string) {
	for _, one := range p.gone {
		all = append(all, one.name)
	}
	return all
}

type toldOf struct {
	state warning.State
	ways  string
	at    int64
}

func (n *noticed) running() bool { return n.confirmed != 0 && !n.withheld && !n.paused }

// warningEntry folds that a notice was drafted by the one and confirmed by another, then who is
// told by it, and how they stand.
func (f *fold) warningEntry(p ledger.Placed, s source) fault {
	if p.Kind == warning.KindDrafted {
		return f.noticeDrafted(p, s)
	}
	var b struct {
		warning.PreparedBody
		Version   int64         `json:"version"`
		Asker     int64         `json:"asker"`
		Addressee string        `json:"addressee"`
		State     warning.State `json:"state"`
		Ways      string        `json:"ways"`
		Many      int64         `json:"many"`
		Child     string        `json:"child"`
		Proof     string        `json:"proof"`
		approvals.Inside
	}
	if p.Into(&b) != nil {
		return fault{what: FoundBody, field: p.Kind}
	}
	n, at := f.notices[b.Notice], p.At.UnixMicro()
	if n == nil || n.service != p.Service {
		return impossible(ruleWarning)
	}
	if p.Kind != warning.KindTold && p.Kind != warning.KindListed && b.Suspect != f.mishaps[n.incident].suspect {
		return impossible(ruleWarning) // whoever it is would be told
	}
	on := b.Inside
	_, inside := insider(p)
	if p.Kind == warning.KindPaused && p.Actor == restorer && on == (approvals.Inside{}) {
		inside = true // after a restore it stays as somebody inside has left it
	}
	switch p.Kind {
	case warning.KindPrepared:
		switch {
		case p.Actor != warning.Actor:
			return impossible(ruleActor)
		case !n.running() || n.prepared != 0 || b.Batch != int64(len(n.batches))+1 || b.Children < 0 || b.Addressees < 0 || b.Hash == "" || b.Children > 0 && b.After == "" || b.Listed < 0 || b.Listed != 0 && n.after != "":
			return impossible(ruleWarning)
		}
		if n.after == "" {
			n.listed, n.through = b.Listed, s
		}
		n.batches = append(n.batches, prepared{addressees: b.Addressees, hash: b.Hash})
		n.children, n.addressees, n.after = n.children+b.Children, n.addressees+b.Addressees, b.After
		if b.Last {
			n.prepared = at
		}
		return fault{}
	case warning.KindTold:
		was := n.told[b.Addressee]
		switch {
		case b.Addressee == "" || n.confirmed == 0 || len(n.batches) == 0 || was.state == warning.Erased,
			b.State != warning.Erased && (was.state == warning.Told || was.state == warning.Unreachable), // but who was told may be erased
			b.State != warning.Erased && !slices.Contains(warning.States, b.State), b.State == warning.Sending || b.State == warning.Through,
			// That they know, or that a letter is on its way, a person says; that a message went, the server.
			p.Actor == warning.Actor && (b.State == warning.Told || b.State == warning.Posted), inside && b.State == warning.Sent:
			return impossible(ruleWarning)
		case b.State == warning.Erased:
			child, named := keyOf(id.Subject, b.Child)
			if b.Batch < 1 || b.Batch > int64(len(n.batches)) || !named {
				return impossible(ruleWarning)
			}
			of := &n.batches[b.Batch-1]
			of.gone = append(of.gone, goneOf{b.Addressee, b.Proof, child, s})
			n.told[b.Addressee] = toldOf{state: warning.Erased}
			return fault{}
		}
		n.told[b.Addressee] = toldOf{warning.State(f.names.keep(string(b.State))), f.names.keep(b.Ways), at}
		// An app says of what its gateway took that it came back, and so makes nobody one who knows.
		back := was.state == warning.Sent && slices.Contains([]warning.State{warning.Waiting, warning.Call, warning.Letter, warning.Unreachable, warning.Gone}, b.State)
		if p.Actor == warning.Actor || back && on == (approvals.Inside{}) && f.byApp(p, account.IncidentsWrite) {
			return fault{}
		}
		if !inside {
			return impossible(ruleActor)
		}
		return f.actedInside(p, s, on, staff.TellFamilies)
	}
	if !inside {
		return impossible(ruleActor)
	}
	by := f.names.keep(staffOf(p))
	if p.Kind == warning.KindConfirmed {
		switch {
		case n.confirmed != 0 || b.Version != n.version:
			return impossible(ruleWarning)
		case by == n.draftedBy:
			return impossible(ruleActor)
		}
		n.confirmed, n.confirmedBy = at, by
		return f.confirmedByAnother(p, s, on, staff.JudgeIncidents, n.draftedBy, b.Asker, staff.WriteIncidents)
	}
	does := staff.WriteIncidents
	if n.confirmed == 0 || n.withheld {
		return impossible(ruleWarning)
	}
	switch p.Kind {
	case warning.KindPaused, warning.KindResumed:
		if n.paused == (p.Kind == warning.KindPaused) {
			return impossible(ruleWarning)
		}
		n.paused = !n.paused
	case warning.KindExtended:
		if n.prepared == 0 {
			return impossible(ruleWarning)
		}
		n.prepared, n.children, n.after = 0, 0, "" // they are all looked at again
	case warning.KindListed:
		stands := slices.Contains(warning.Sheets, b.State)
		if !stands && !slices.Contains(warning.Returns, b.State) || stands && n.paused || b.Many < 0 || b.Hash == "" {
			return impossible(ruleWarning)
		}
		does = staff.TellFamilies
	case warning.KindPublished, warning.KindWithdrawn:
		standing := n.warned != 0 && n.until == 0
		if standing == (p.Kind == warning.KindPublished) {
			return impossible(ruleWarning)
		}
		if does = staff.JudgeIncidents; standing {
			n.until = at
		} else {
			n.warned, n.warnedBy, n.until = at, by, 0
		}
	}
	return f.actedInside(p, s, on, does)
}

func (f *fold) noticeDrafted(p ledger.Placed, s source) fault {
	b, x := body[warning.DraftedBody](p)
	c, n := f.mishaps[b.Case], f.notices[b.Notice]
	_, inside := insider(p)
	switch {
	case x != (fault{}):
		return x
	case !id.Is(id.BreachNotice, b.Notice) || b.Mark == "":
		return fault{what: FoundBody, field: ruleWarning}
	case !inside:
		return impossible(ruleActor)
	case c == nil || c.service != p.Service || b.Suspect != c.suspect, n == nil && b.Version != 1, n != nil && (n.confirmed != 0 || n.incident != b.Case || b.Version != n.version+1):
		return impossible(ruleWarning)
	}
	if n == nil {
		n = &noticed{service: f.names.keep(p.Service), incident: f.names.keep(b.Case), told: make(map[string]toldOf)}
		f.notices[f.names.keep(b.Notice)] = n
	}
	n.version, n.withheld, n.mark, n.drafted, n.draftedBy = b.Version, b.Withheld, b.Mark, p.At.UnixMicro(), f.names.keep(staffOf(p))
	return f.actedInside(p, s, b.Inside, staff.WriteIncidents)
}

// noticeRows compares the notices.
func (a *audit) noticeRows() error {
	err := warning.All(a.ctx, a.tx, func(row warning.Notice) error {
		r := at{audit: a, table: "breach_notice", service: a.names.shown(row.Service), row: a.names.shown(row.ID)}
		n := a.fold.notices[row.ID]
		if n == nil {
			r.extra()
			return nil
		}
		n.seen = true
		r.text("service", n.service, row.Service)
		r.text("incident", n.incident, row.Incident)
		r.flag("withheld", n.withheld, row.Withheld)
		r.number("version", n.version, row.Version)
		r.time("drafted_at", n.drafted, micros(row.DraftedAt))
		r.text("drafted_by", n.draftedBy, row.DraftedBy)
		r.time("confirmed_at", n.confirmed, micros(row.ConfirmedAt))
		r.text("confirmed_by", n.confirmedBy, row.ConfirmedBy)
		r.flag("paused", n.paused, row.Paused)
		r.number("batches", int64(len(n.batches)), row.Batches)
		r.number("children", n.children, row.Children)
		r.number("addressees", n.addressees, row.Addressees)
		r.time("prepared_at", n.prepared, micros(row.PreparedAt))
		r.number("listed", n.listed, row.Listed)
		r.time("warned_at", n.warned, micros(row.WarnedAt))
		r.text("warned_by", n.warnedBy, row.WarnedBy)
		r.time("warned_until", n.until, micros(row.WarnedUntil))
		if a.ring != nil && warning.AfterMark(a.ring, row) != n.after {
			r.found(FoundDiffers, "after", "–", "–")
		}
		r.sealed(a, n.mark, row.Mark)
		return a.ctx.Err()
	})
	for _, name := range slices.Sorted(maps.Keys(a.fold.notices)) {
		n := a.fold.notices[name]
		if !n.seen && err == nil {
			at{audit: a, table: "breach_notice", service: n.service, row: name}.missing()
		}
		// Nobody hears of children whom a notice says that it has gone through before they were there.
		if n.listed > a.fold.mishaps[n.incident].list.children {
			a.fold.blame(n.through, impossible(ruleWarning))
		}
	}
	return err
}

// addresseeRows compares who is told with the names of their batches, and how each stands.
func (a *audit) addresseeRows() error {
	type batch struct {
		notice string
		number int64
	}
	var of batch
	var names []string
	matched := make(map[batch]bool)
	// matches compares the names of the batch that was read, and of those who have gone.
	matches := func() {
		n := a.fold.notices[of.notice]
		if n == nil || of.number < 1 || of.number > int64(len(n.batches)) {
			return
		}
		matched[of] = true
		is := n.batches[of.number-1]
		if all := append(names, is.names()...); int64(len(all)) != is.addressees || warning.HashOf(all) != is.hash {
			at{audit: a, table: "breach_addressee", service: n.service, row: of.notice + " " + number(of.number)}.found(FoundDiffers, "name", "–", "–")
		}
	}
	err := warning.AllAddressees(a.ctx, a.tx, func(row warning.Addressee, subject string) error {
		r := at{audit: a, table: "breach_addressee", row: a.names.shown(row.Notice) + " " + a.names.shown(row.Name)}
		n := a.fold.notices[row.Notice]
		if n == nil || row.Batch < 1 || row.Batch > int64(len(n.batches)) {
			r.extra()
			return nil
		}
		if r.service = n.service; of != (batch{row.Notice, row.Batch}) {
			matches()
			of, names = batch{row.Notice, row.Batch}, nil
		}
		names = append(names, row.Name)
		// Whom it is of, and of a child how it stands, is in its name.
		if a.ring != nil && warning.NameOf(a.ring, subject, row) != row.Name {
			r.found(FoundDiffers, "child, notice, addressee, name", "–", "–")
		}
		told, is := n.told[row.Name]
		waits := row.State == warning.Waiting || row.State == warning.Sending
		r.flag("due_at", waits, !row.DueAt.IsZero())
		switch {
		case row.Guardian == "":
			return a.ctx.Err()
		case waits && (!is || told.state == warning.Waiting):
			// By which message they are told just now has no entry until somebody knows.
			if more, fits := strings.CutPrefix(row.Written(), told.ways); !fits || len(strings.Fields(more)) > 1 {
				r.text("ways", told.ways, row.Written())
			}
			return a.ctx.Err()
		case !is:
			told.state = warning.Waiting
		}
		r.text("state", string(told.state), string(row.State))
		r.text("ways", told.ways, row.Written())
		r.time("changed_at", told.at, micros(row.ChangedAt))
		return a.ctx.Err()
	})
	if err != nil {
		return err
	}
	matches()
	for _, name := range slices.Sorted(maps.Keys(a.fold.notices)) {
		for i, is := range a.fold.notices[name].batches {
			if !matched[batch{name, int64(i) + 1}] && is.addressees != int64(len(is.gone)) {
				at{audit: a, table: "breach_addressee", service: a.fold.notices[name].service, row: name + " " + number(int64(i)+1)}.missing()
			}
			for _, one := range is.gone {
				// A child that is here has taken nobody along; nor has one of whom this server didn't write so.
				if c := a.fold.children[one.child]; c == nil || c.state != erased || a.ring != nil && warning.ProofOf(a.ring, name, one.name, one.child.name(id.Subject)) != one.proof {
					a.fold.blame(one.source, impossible(ruleWarning))
				}
			}
		}
	}
	return nil
}
