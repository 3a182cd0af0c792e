package replay

import (
	"maps"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/base/id"
	"wardkeep/internal/inspection"
	"wardkeep/internal/ledger"
	"wardkeep/internal/staff"
)

// ofInspections are the kinds about whom of an authority the office has invited, and at what they
// have looked.
var ofInspections = []string{inspection.KindInvited, inspection.KindCoded, inspection.KindEntered, inspection.KindFailed, inspection.KindLooked,
	inspection.KindLeft, inspection.KindShut, inspection.KindEnded}

// An inspected is what the ledger says of an invitation.
type inspected struct {
	inspection.Invitation
	mark      string
	coded, in bool
	tries     int64
	looks     []inspection.Look
	seen      int64 // how many of them were compared
}

func (i *inspected) of() string { return i.Service }

// inspectionEntry folds that somebody of an authority was invited, came in by a code that opens
// once, looked at what is in the scope while the invitation stood, and at nothing else.
func (f *fold) inspectionEntry(p ledger.Placed, s source) fault {
	if p.Kind == inspection.KindInvited {
		return f.invited(p, s)
	}
	var b struct {
		inspection.DoneBody
		Tries   int64           `json:"tries"`
		Look    int64           `json:"look"`
		Page    inspection.Page `json:"page"`
		Article int             `json:"article"`
		About   string          `json:"about"`
	}
	if p.Into(&b) != nil {
		return fault{what: FoundBody, field: p.Kind}
	}
	i, at := f.inspected[b.Inspection], p.At
	if i == nil || i.Service != p.Service {
		return impossible(ruleInspection)
	}
	stands := i.EndedAt.IsZero() && at.Before(i.Until)
	_, inside := insider(p)
	switch p.Kind {
	case inspection.KindCoded, inspection.KindEnded, inspection.KindShut:
		// A store that is put back closes what was open; nobody else but the office does.
		again := strings.HasPrefix(p.Actor, "operator:") && p.Kind != inspection.KindCoded
		if !(inside && p.Kind != inspection.KindShut || again) {
			return impossible(ruleActor)
		}
		if !i.EndedAt.IsZero() || p.Kind == inspection.KindCoded && !stands {
			return impossible(ruleInspection)
		}
		i.tries = 0
		switch i.coded = p.Kind == inspection.KindCoded; p.Kind {
		case inspection.KindShut:
			i.in = false
		case inspection.KindEnded:
			i.EndedAt, i.EndedBy = at, f.names.keep(p.Actor)
		}
		return f.actedInside(p, s, b.Inside, staff.ReceiveInspectors)
	}
	switch {
	case p.Actor != i.Ledger():
		return impossible(ruleActor)
	case !stands:
		return impossible(ruleInspection)
	}
	switch p.Kind {
	case inspection.KindEntered:
		if !i.coded {
			return impossible(ruleInspection)
		}
		i.coded, i.tries, i.in, i.EnteredAt, i.SeenAt = false, 0, true, at, at
	case inspection.KindFailed:
		if !i.coded || b.Tries != i.tries+1 {
			return impossible(ruleInspection)
		}
		if i.tries = b.Tries; inspection.Voids(i.tries) {
			i.coded, i.tries = false, 0
		}
	case inspection.KindLeft:
		if !i.in {
			return impossible(ruleInspection)
		}
		i.in = false
	case inspection.KindLooked:
		l := inspection.Look{Inspection: i.ID, Number: b.Look, At: at, Page: inspection.Page(f.names.keep(string(b.Page))), Article: b.Article, About: f.names.keep(b.About)}
		if !i.in || b.Look != int64(len(i.looks))+1 || b.Look > inspection.MaxLooks || !l.Fits(i.Scope) ||
			!at.Before(i.EnteredAt.Add(inspection.Most)) || !at.Before(i.SeenAt.Add(inspection.Idle)) {
			return impossible(ruleInspection)
		}
		i.looks, i.SeenAt = append(i.looks, l), at
	}
	return fault{}
}

func (f *fold) invited(p ledger.Placed, s source) fault {
	b, x := body[inspection.InvitedBody](p)
	n := f.names
	i := &inspected{Invitation: inspection.Invitation{ID: n.keep(b.Inspection), Service: n.keep(p.Service),
		Scope:     inspection.Scope{Articles: b.Articles, From: instantOf(b.From), Before: instantOf(b.Before)},
		InvitedAt: p.At, InvitedBy: n.keep(staffOf(p)), Until: time.UnixMicro(b.Until)}, mark: n.keep(b.Mark), coded: true}
	_, inside := insider(p)
	switch {
	case x != (fault{}):
		return x
	case !id.Is(id.Inspection, b.Inspection) || b.Mark == "":
		return fault{what: FoundBody, field: ruleInspection}
	case !inside:
		return impossible(ruleActor)
	case f.inspected[b.Inspection] != nil || !i.Scope.Known() || !i.Until.After(p.At) || i.Until.Sub(p.At) > inspection.MaxDays*24*time.Hour:
		return impossible(ruleInspection)
	}
	f.inspected[i.ID] = i
	return f.actedInside(p, s, b.Inside, staff.InviteInspectors)
}

// instantOf is the time of so many microseconds; 0 is none.
func instantOf(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return time.UnixMicro(at)
}

// inspectionRows compares the invitations. What opens one, and what it opens, are under a keyed
// hash, and who is invited is sealed.
func (a *audit) inspectionRows() error {
	return compareCases(a, "inspection", a.fold.inspected, inspection.All, func(row inspection.Invitation) (string, string, bool) {
		return row.ID, row.Service, true
	},
		func(r at, i *inspected, row inspection.Invitation) {
			r.text("service", i.Service, row.Service)
			r.text("articles", i.Scope.Numbers(), row.Scope.Numbers())
			r.time("from_at", micros(i.Scope.From), micros(row.Scope.From))
			r.time("before_at", micros(i.Scope.Before), micros(row.Scope.Before))
			r.time("invited_at", micros(i.InvitedAt), micros(row.InvitedAt))
			r.text("invited_by", i.InvitedBy, row.InvitedBy)
			r.time("due_at", micros(i.Until), micros(row.Until))
			r.time("closed_at", micros(i.EndedAt), micros(row.EndedAt))
			r.text("closed_by", i.EndedBy, row.EndedBy)
			r.number("looks", int64(len(i.looks)), row.Looks)
			r.number("tries", i.tries, row.Tries())
			r.flag("code", i.coded, row.Coded())
			r.flag("session", i.in, row.In())
			r.time("entered_at", micros(i.EnteredAt), micros(row.EnteredAt))
			r.time("seen_at", micros(i.SeenAt), micros(row.SeenAt))
			if a.ring == nil {
				return
			}
			if !row.Bound(a.ring) {
				r.found(FoundSealed, "link, code, session, bound", "–", "–")
			}
			if !row.Intact(a.ring, i.mark) {
				r.found(FoundSealed, "sealed, salt", "–", "–")
			}
		})
}

// inspectionLookRows compares at what inspectors have looked.
func (a *audit) inspectionLookRows() error {
	err := inspection.AllLooks(a.ctx, a.tx, func(row inspection.Look) error {
		r := at{audit: a, table: "inspection_look", row: a.names.shown(row.Inspection) + " " + number(row.Number)}
		i := a.fold.inspected[row.Inspection]
		if i == nil || row.Number < 1 || row.Number > int64(len(i.looks)) {
			r.extra()
			return nil
		}
		l := i.looks[row.Number-1]
		i.seen++
		r.service = i.Service
		r.time("looked_at", micros(l.At), micros(row.At))
		r.text("page", string(l.Page), string(row.Page))
		r.number("article", int64(l.Article), int64(row.Article))
		r.text("about", l.About, row.About)
		return a.ctx.Err()
	})
	for _, name := range slices.Sorted(maps.Keys(a.fold.inspected)) {
		if i := a.fold.inspected[name]; err == nil && i.seen != int64(len(i.looks)) {
			at{audit: a, table: "inspection_look", service: i.Service, row: name}.missing()
		}
	}
	return err
}
