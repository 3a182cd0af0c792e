package replay

import (
	"maps"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/ledger"
)

// ceasing folds the announcement that a service ends, or a purpose of it: each once, by
// an officer, and with a window in which guardians can look (Article 23).
func (s *service) ceasing(n *names, p ledger.Placed, now *version, again bool) fault {
	b, x := body[catalog.CeasingBody](p)
	closed := b.Purpose
	if b.Purpose == "" {
		closed = catalog.All
	}
	least := int64(0)
	if b.Purpose == "" {
		least = catalog.LeastWindow.Microseconds()
	}
	// Who puts a store back announces again what an officer had announced since.
	again = again && strings.HasPrefix(p.Actor, "operator:")
	switch {
	case x != (fault{}):
		return x
	case !again && p.Actor != (catalog.Officer{ID: now.officer}).Ledger() && p.Actor != (catalog.Officer{ID: now.deputy}).Ledger():
		return impossible(ruleOffice)
	case !s.takesOver(b, now):
		return impossible(ruleCessation)
	case !slices.Contains(catalog.Reasons, b.Reason) || b.Ends-now.at < least || b.Ends-now.at > catalog.MostWindow.Microseconds(),
		s.ends[b.Purpose] != nil, s.ends[""] != nil, !again && b.Purpose != "" && s.asked(now.charter, b.Purpose) == 0: // the charter of one that ends again may be lost
		return impossible(ruleCessation)
	}
	c := &cessation{reason: b.Reason, announced: now.at, ends: b.Ends, by: n.keep(p.Actor), entry: n.keep(p.ID), again: again}
	if to := b.Successor; to != nil {
		c.takeover = catalog.Takeover{Recipient: n.keep(to.Recipient), Purpose: n.keep(to.Purpose), Mark: n.keep(to.Mark), Assessed: n.keep(to.Assessed)}
		now.succeeds = catalog.Successor{Purpose: c.takeover.Purpose, Recipient: c.takeover.Recipient, Until: moment(b.Ends)}
	}
	s.ends[n.keep(b.Purpose)] = c
	now.closed = strings.TrimSpace(now.closed + " " + closed)
	return fault{}
}

// takesOver reports whether an announcement names nobody who takes over or, of the whole
// service, somebody whom the gate would let have something: for a purpose of the charter in
// force that names it, and assessed before (edge case 18).
func (s *service) takesOver(b catalog.CeasingBody, now *version) bool {
	to := b.Successor
	if to == nil {
		return true
	}
	day, err := time.ParseInLocation(time.DateOnly, to.Assessed, age.Zone)
	if err != nil || day.UnixMicro() > now.at || to.Mark == "" || b.Purpose != "" || s.asked(now.charter, to.Purpose) == 0 {
		return false
	}
	c := s.editions[now.charter].published.Charter
	return c == nil || len(c.Transferred(to.Purpose, to.Recipient)) > 0 // its row is missing, which is reported
}

func (s *service) asked(charter int64, purpose string) int64 {
	if e := s.editions[charter]; e != nil {
		return e.published.AskedSince[purpose]
	}
	return 0
}

// ceased folds that all was erased, once the window was over.
func (s *service) ceased(p ledger.Placed, now *version) fault {
	b, x := body[catalog.CeasedBody](p)
	c := s.ends[b.Purpose]
	switch {
	case x != (fault{}):
		return x
	case c == nil || c.ended != 0 || now.at < c.ends || b.Children < 0, (b.Succession != nil) != (c.takeover != catalog.Takeover{}):
		return impossible(ruleCessation)
	}
	c.children = b.Children
	if b.Succession != nil {
		c.tally = *b.Succession
	}
	for purpose, other := range s.ends {
		if other.ended == 0 && (b.Purpose == "" || purpose == b.Purpose) {
			other.ended = now.at
		}
	}
	return fault{}
}

// A restsOnEnd is an entry about a child that an announcement must have come before: of
// whom its guardians were told, or that it was erased when the window was over.
type restsOnEnd struct {
	source
	purpose string
	ends    int64 // as the child's entry says it
	said    int64 // when it does: who was told late has a later end
	at      int64 // 0: within the window, too

	told bool   // it says who takes over, if anybody does
	to   string // who that is

	asks  string // it asks about who takes over, with these purposes, separated by spaces
	since int64  // when it did
}

// afterEnd checks such an entry, once its announcement is there: between a child and its
// service there is no order of places.
func (f *fold) afterEnd(e restsOnEnd) fault {
	x, wait := f.announced(e)
	if wait {
		f.ends = append(f.ends, e)
		return fault{}
	}
	return x
}

// announced is afterEnd as far as the entries have been read. Wait says that the
// announcement may still come.
func (f *fold) announced(e restsOnEnd) (x fault, wait bool) {
	s := f.services[e.service]
	if s == nil || s.ends[e.purpose] == nil {
		return impossible(ruleCessation), true
	}
	c := s.ends[e.purpose]
	if late := e.ends > c.ends && e.ends-e.said >= max(c.ends-c.announced, catalog.LeastWindow.Microseconds())-slack; late {
		c.last = max(c.last, e.ends)
	} else if e.ends != 0 && e.ends != c.ends {
		return impossible(ruleCessation), false
	}
	if e.at != 0 && e.at < c.ends || e.told && e.to != c.takeover.Recipient ||
		e.asks != "" && (e.since < c.announced-slack || c.takeover.Purpose == "" || !slices.Contains(strings.Fields(e.asks), c.takeover.Purpose)) {
		return impossible(ruleCessation), false
	}
	return fault{}, false
}

// childCeases folds that a child's guardians are told.
func (f *fold) childCeases(p ledger.Placed, s source, c *child) fault {
	b, x := body[family.CeasingBody](p)
	if x != (fault{}) {
		return x
	}
	if b.Purpose == "" {
		c.told = max(c.told, b.Ends)
	}
	return f.afterEnd(restsOnEnd{source: s, purpose: b.Purpose, ends: b.Ends, said: p.At.UnixMicro()})
}

// handsOver folds that something of a child went to who takes over its service: once,
// after the announcement and before the end of the window (edge case 18).
func (f *fold) handsOver(p ledger.Placed, s source, c *child) fault {
	b, x := body[family.HandedOverBody](p)
	switch {
	case x != (fault{}):
		return x
	case c.handed != 0 || b.At <= 0 || b.At > p.At.UnixMicro() || b.Recipient == "":
		return impossible(ruleHandover)
	}
	c.handed = b.At
	if strings.HasPrefix(p.Actor, "operator:") {
		return fault{} // who puts a store back tells it again, whatever is known there of the end
	}
	return f.afterEnd(restsOnEnd{source: s, told: true, to: b.Recipient})
}

// untold returns how many children of a service were registered before its end was
// announced, live, and weren't told.
func (f *fold) untold(service string, announced int64) (n int64) {
	for _, c := range f.children {
		if c.state != erased && c.told == 0 && c.created < announced && f.names.text(c.service) == service {
			n++
		}
	}
	return n
}

// cessationRows compares what ends. How far it is no entry tells.
func (a *audit) cessationRows() error {
	all, err := catalog.Cessations(a.ctx, a.tx, "")
	if err != nil {
		return err
	}
	seen := make(map[*cessation]bool)
	for _, row := range all {
		r := at{audit: a, table: "cessation", service: a.names.shown(row.Service), row: a.names.shown(row.Purpose)}
		s := a.fold.services[row.Service]
		if s == nil || s.ends[row.Purpose] == nil {
			r.extra()
			continue
		}
		c := s.ends[row.Purpose]
		seen[c] = true
		r.text("reason", string(c.reason), string(row.Reason))
		r.time("announced_at", c.announced, micros(row.AnnouncedAt))
		r.text("announced_by", c.by, row.AnnouncedBy)
		r.text("entry", c.entry, row.Entry)
		r.time("ends_at", c.ends, micros(row.EndsAt))
		r.time("last_at", c.last, micros(row.LastAt))
		r.text("successor", c.takeover.Recipient, row.Takeover.Recipient)
		r.text("handover", c.takeover.Purpose, row.Takeover.Purpose)
		if proves := row.Takeover.Proves(row.Service); proves != "" || !c.again { // else the ledger has the mark alone
			r.text("assessment", c.takeover.Mark, proves)
		}
		r.text("assessed", c.takeover.Assessed, row.Takeover.Assessed)
		r.time("ended_at", c.ended, micros(row.EndedAt))
		if row.Purpose == "" && !row.ToldAt.IsZero() {
			left, err := catalog.CountUntold(a.ctx, a.tx, row.Service, row.Purpose)
			if err != nil {
				return err
			}
			r.number("told_at", 0, max(0, a.fold.untold(row.Service, c.announced)-left))
		}
		if c.ended != 0 {
			r.number("children", c.children, row.Children)
			r.number("asked", c.tally.Asked, row.Tally.Asked)
			r.number("agreed", c.tally.Agreed, row.Tally.Agreed)
			r.number("refused", c.tally.Refused, row.Tally.Refused)
			r.number("handed", c.tally.Handed, row.Tally.Handed)
		}
	}
	a.eachService(func(s *service) {
		for _, purpose := range slices.Sorted(maps.Keys(s.ends)) {
			if !seen[s.ends[purpose]] {
				at{audit: a, table: "cessation", service: s.name, row: purpose}.missing()
			}
		}
	})
	return nil
}
