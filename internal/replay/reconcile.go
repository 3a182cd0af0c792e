package replay

import (
	"context"
	"slices"
	"strings"

	approvals "wardkeep/internal/approval"
	"wardkeep/internal/base/db"
	"wardkeep/internal/gate"
	"wardkeep/internal/ledger"
)

// A Mismatch is something that a person inside did, of which the other half is not in the
// ledger.
type Mismatch struct {
	Place   int64  // of the entry; -1: it has none yet
	Entry   string // "le_…"
	Service string
	Actor   string
	Why     Unmatched
}

// An Unmatched is why two entries don't match.
type Unmatched string

// What doesn't match.
const (
	NoRequest  Unmatched = "no_request"  // a decision about what nobody has asked
	BySelf     Unmatched = "by_self"     // a decision by who has asked
	Twice      Unmatched = "twice"       // a second decision
	NoApproval Unmatched = "no_approval" // a look that nobody has approved
	OfOther    Unmatched = "of_other"    // a look by somebody else's approval, or at another child
	Beyond     Unmatched = "beyond"      // a look at another item, or for another purpose
	OutOfTime  Unmatched = "out_of_time" // a look before or after the window
	TooOften   Unmatched = "too_often"   // a look more than was approved
	OneAlone   Unmatched = "one_alone"   // a file to which not two others have agreed
	Unreviewed Unmatched = "unreviewed"  // a window that two persons opened, and the office hasn't reviewed in time
)

// A Reconciliation sets what was approved against what was looked at (Article 15).
type Reconciliation struct {
	Size                     int64 // of the ledger that was read
	Asked, Approved, Refused int64
	Looks                    int64 // that were shown
	Denied                   int64 // that were not
	Unused                   int64 // approvals by which nobody has looked
	Broken, Reviewed         int64 // windows that two persons opened without the office
	Exported                 int64 // files
	Mismatches               []Mismatch
}

// matched is an approval, as its entries tell.
type matched struct {
	service, subject, asker, purpose string
	decided                          bool
	items                            []string
	from, until, left                int64
	ended                            bool
	used                             bool

	export bool
	first  string // of an export, who was the first of two to agree

	broken   *Mismatch // where it stands, if two persons opened it
	reviewBy int64
}

// Reconcile reads every request, decision and look of the ledger, those that wait for a
// place too, and matches them by what the entries say and by nothing else: neither tables
// nor keys are needed, and it goes on through a charter that is damaged. What Audit finds
// besides is what the gate had weighed beyond the approval. Errors: ledger.ErrDamaged.
func Reconcile(ctx context.Context, store *db.DB) (Reconciliation, error) {
	m := newMatching()
	err := store.View(ctx, func(tx *db.Tx) error {
		m = newMatching() // it may run again
		head, err := ledger.Head(ctx, tx)
		if err != nil {
			return err
		}
		m.report.Size = head.Size
		if err := ledger.ReadKinds(ctx, tx, 0, head.Size, []string{"approval.", "use."}, m.entry); err != nil {
			return err
		}
		if err := ledger.Pending(ctx, tx, m.entry); err != nil {
			return err
		}
		m.unreviewed(tx.Now().UnixMicro())
		return nil
	})
	for _, a := range m.approvals {
		if len(a.items) > 0 && !a.used {
			m.report.Unused++
		}
	}
	return m.report, err
}

type matching struct {
	approvals map[string]*matched
	reviewed  map[string]bool // requests: the entry may come before that of the window
	report    Reconciliation
}

func newMatching() matching {
	return matching{approvals: make(map[string]*matched), reviewed: make(map[string]bool)}
}

// unreviewed names the windows whose review is late, in the order of their entries.
func (m *matching) unreviewed(now int64) {
	late := len(m.report.Mismatches)
	for request, a := range m.approvals {
		if a.broken != nil && !m.reviewed[request] && now >= a.reviewBy {
			m.report.Mismatches = append(m.report.Mismatches, *a.broken)
		}
	}
	slices.SortFunc(m.report.Mismatches[late:], func(x, y Mismatch) int { return strings.Compare(x.Entry, y.Entry) })
}

func (m *matching) entry(p ledger.Placed) error {
	why, err := m.match(p)
	if why != "" {
		m.report.Mismatches = append(m.report.Mismatches, Mismatch{p.Place, p.ID, p.Service, p.Actor, why})
	}
	return err
}

func (m *matching) match(p ledger.Placed) (Unmatched, error) {
	switch p.Kind {
	case approvals.KindAsked:
		var b approvals.AskedBody
		if err := p.Into(&b); err != nil {
			return "", err
		}
		m.report.Asked++
		m.approvals[b.Request] = &matched{service: p.Service, subject: p.Subject, asker: p.Actor, purpose: b.Purpose, export: b.Export}
	case approvals.KindForeign:
		m.report.Asked++
		m.report.Refused++
	case approvals.KindAgreed:
		var b approvals.DecidedBody
		if err := p.Into(&b); err != nil {
			return "", err
		}
		return m.agreed(p, b), nil
	case approvals.KindGranted, approvals.KindNarrowed, approvals.KindRefused:
		var b approvals.DecidedBody
		if err := p.Into(&b); err != nil {
			return "", err
		}
		return m.decided(p, b), nil
	case approvals.KindEnded:
		var b approvals.EndedBody
		if err := p.Into(&b); err != nil {
			return "", err
		}
		if a := m.approvals[b.Request]; a != nil {
			a.ended = true
		}
	case approvals.KindBroken:
		var b approvals.BrokenBody
		if err := p.Into(&b); err != nil {
			return "", err
		}
		m.report.Broken++
		why := m.decided(p, approvals.DecidedBody{Request: b.Request, Items: b.Items, From: b.From, Until: b.Until, Quota: b.Quota})
		if a := m.approvals[b.Request]; a != nil && why == "" {
			a.broken, a.reviewBy = &Mismatch{p.Place, p.ID, p.Service, p.Actor, Unreviewed}, b.ReviewBy
		}
		return why, nil
	case approvals.KindReviewed:
		var b approvals.ReviewedBody
		if err := p.Into(&b); err != nil {
			return "", err
		}
		m.report.Reviewed++
		m.reviewed[b.Request] = true
	case gate.KindPermitted, gate.KindDenied:
		if !strings.HasPrefix(p.Actor, "staff:") {
			return "", nil
		}
		var b gate.UseBody
		if err := p.Into(&b); err != nil {
			return "", err
		}
		if p.Kind == gate.KindDenied {
			m.report.Denied++
			return "", nil
		}
		if b.Look != nil && b.Look.Export {
			m.report.Exported++
		} else {
			m.report.Looks++
		}
		return m.looked(p, b), nil
	}
	return "", nil
}

// agreed matches that the first of two has agreed.
func (m *matching) agreed(p ledger.Placed, b approvals.DecidedBody) Unmatched {
	a := m.approvals[b.Request]
	switch {
	case a == nil || a.subject != p.Subject || !a.export:
		return NoRequest
	case a.asker == p.Actor || !strings.HasPrefix(p.Actor, "staff:"):
		return BySelf
	case a.decided || a.first != "":
		return Twice
	}
	a.first = p.Actor
	return ""
}

func (m *matching) decided(p ledger.Placed, b approvals.DecidedBody) Unmatched {
	a := m.approvals[b.Request]
	switch {
	case a == nil || a.subject != p.Subject:
		return NoRequest
	case a.asker == p.Actor || !strings.HasPrefix(p.Actor, "staff:"):
		return BySelf // or by nobody
	case a.decided:
		return Twice
	case a.export && p.Kind != approvals.KindRefused && (a.first == "" || a.first == p.Actor):
		return OneAlone
	}
	a.decided, a.items, a.from, a.until, a.left = true, b.Items, b.From, b.Until, b.Quota
	if p.Kind == approvals.KindRefused {
		m.report.Refused++
	} else {
		m.report.Approved++
	}
	return ""
}

func (m *matching) looked(p ledger.Placed, b gate.UseBody) Unmatched {
	if b.Look == nil {
		return NoApproval
	}
	a, at := m.approvals[b.Look.Approval], p.At.UnixMicro()
	switch {
	case a == nil || len(a.items) == 0:
		return NoApproval
	case a.asker != p.Actor || a.subject != p.Subject || a.service != p.Service:
		return OfOther
	case b.Purpose != a.purpose || b.Look.Export != a.export || !a.export && len(b.Items) != 1 || a.export && !slices.Equal(b.Items, a.items) || !slices.Contains(a.items, b.Items[0]):
		return Beyond
	case a.ended || at < a.from || at >= a.until:
		return OutOfTime
	case a.left < int64(len(b.Items)):
		return TooOften
	}
	a.used = true
	a.left -= int64(len(b.Items))
	return ""
}
