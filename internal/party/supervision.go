package party

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family/age"
)

// KindChecked is the kind of the entry that a processor was checked.
const KindChecked = "party.checked"

// An Outcome is what a check has come to.
type Outcome string

// The outcomes. Breached is what suspends at once: nothing may rest on who keeps no
// agreement, nor on who lets nobody look.
const (
	Met      Outcome = "met"      // what was agreed is kept
	Flaws    Outcome = "flaws"    // and there is something to mend, which the findings name
	Breached Outcome = "breached" // it isn't kept, or nobody was let look
)

// An Inspection is a check of a processor by the operator (PIPL 21: whoever entrusts
// supervises). It never changes: what was overlooked is another one.
type Inspection struct {
	On       string  `json:"on" doc:"检查的日期|the day of the check" example:""`
	By       string  `json:"checked_by" doc:"谁检查：职务；只保存在本系统里，账本里没有|who has checked: an office; kept here, and not in the ledger" example:""`
	Manner   string  `json:"manner" doc:"怎样检查：现场、远程、查阅记录|how: on its premises, from afar, by its records" example:""`
	Checked  string  `json:"checked" doc:"检查了什么：权限、日志、删除、人员、转委托|what was checked: access, logs, deletion, staff, sub-processors" example:""`
	Findings string  `json:"findings" doc:"查到了什么，怎样整改；没有就写“无”|what was found, and how it is mended; write none where there is nothing" example:""`
	Outcome  Outcome `json:"outcome" doc:"met 符合协议，flaws 有问题待整改，breached 违反协议或不让检查（立即暂停）|met: it keeps the agreement; flaws: something is to be mended; breached: it doesn't, or lets nobody look (suspends at once)" example:""`
	Document string  `json:"document" doc:"检查记录的 SHA-256|SHA-256 of the record" example:""`
}

// check says what is missing in the inspection, and returns its day.
func (i Inspection) check(now time.Time) (on time.Time, err error) {
	for _, f := range []struct{ name, text string }{{"manner", i.Manner}, {"checked", i.Checked}, {"findings", i.Findings}} {
		if !isText(f.text, maxText) {
			return on, ErrForm.At(f.name)
		}
	}
	on, err = day(i.On)
	switch {
	case err != nil || on.After(now):
		return on, ErrForm.At("on")
	case !isLine(i.By, 100):
		return on, ErrForm.At("checked_by")
	case !slices.Contains([]Outcome{Met, Flaws, Breached}, i.Outcome):
		return on, ErrForm.At("outcome")
	case !isHash(i.Document):
		return on, ErrForm.At("document")
	}
	return on.UTC(), nil
}

// NextCheck returns the moment by which the next check is owed, so many months after one,
// or after an agreement has begun: the same day of the month in Asia/Shanghai, or the last
// one of a month that has none such.
func NextCheck(last time.Time, months int) time.Time {
	from := last.In(age.Zone)
	next := from.AddDate(0, months, 0)
	if next.Day() != from.Day() {
		next = next.AddDate(0, 0, -next.Day())
	}
	return next.UTC()
}

// Every returns how many months an agreement leaves between two checks; 0 for every other
// paper, and for one that can't be read.
func (p Paper) Every() int {
	var d Deed
	if p.Kind != Agreed || strict(p.Text, &d) != nil {
		return 0
	}
	return d.SupervisedEvery
}

// Owes returns by when the next check is owed once an agreement is signed. One that takes
// the place of another which holds puts off no check that is owed by that.
func (p Party) Owes(now, from time.Time, months int) time.Time {
	next := NextCheck(from, months)
	if p.Agreement.Holds(now) && !p.Over(now) && !p.CheckBy.IsZero() && p.CheckBy.Before(next) {
		return p.CheckBy
	}
	return next
}

// Checkable reports whether a check on that day, which begins then, may be one of the agreement that
// the party stands on: what was seen before it began says nothing of how it is kept.
func (s Standing) Checkable(on time.Time) bool {
	return s.Agreement.Exists() && on.Add(24*time.Hour).After(s.Agreement.From) // no day is longer or shorter in Asia/Shanghai
}

// Check records that a processor was checked, and by when that is owed again: by the
// agreement that it stands on. One that has breached it is suspended in this transaction.
// Errors: those of catalog.Change, ErrNotFound, ErrRole, ErrForm, ErrEnded, ErrUnagreed,
// ErrLongAgo, ErrBefore.
func Check(ctx context.Context, tx *db.Tx, by catalog.Officer, of ID, i Inspection) (Party, string, error) {
	if of.Role != Processor {
		return Party{}, "", ErrRole.At("role")
	}
	p, err := change(ctx, tx, by, of)
	if err != nil {
		return Party{}, "", err
	}
	now := tx.Now()
	on, err := i.check(now)
	if err != nil {
		return Party{}, "", err
	}
	if p.State(now) == Ended {
		return Party{}, "", ErrEnded
	}
	agreement, err := findPaper(ctx, tx, p.Agreement.ID)
	if errors.Is(err, db.ErrNone) {
		return Party{}, "", ErrUnagreed
	}
	if err != nil {
		return Party{}, "", err
	}
	i.Document = strings.ToLower(i.Document)
	next := NextCheck(on, agreement.Every())
	if !next.After(now) {
		return Party{}, "", ErrLongAgo.At("on")
	}
	if !p.Checkable(on) {
		return Party{}, "", ErrBefore.At("on")
	}
	p.CheckBy = next
	if i.Outcome == Breached && p.Halted == "" {
		p.Halted = Supervision
	}
	return p.sign(ctx, tx, by, KindChecked, Term{Kind: Checked, Passed: i.Outcome != Breached, From: on, Until: next}, basis{}, i)
}

// findPaper returns a paper. Errors: db.ErrNone.
func findPaper(ctx context.Context, tx *db.Tx, name string) (Paper, error) {
	return db.One(ctx, tx, scanPaper, `SELECT `+paperColumns+` FROM party_paper WHERE id = $1`, name)
}
