package gate

import (
	"slices"
	"strconv"

	"wardkeep/internal/approval"
	"wardkeep/internal/charter"
)

// Known returns the use with every name that the charter doesn't have replaced
// by "?1", "?2" … What a caller sends as a name may be anything, even a child's
// data, and goes into the ledger and the answer. The decision stays the same:
// an unknown name is as unknown under another.
func (u Use) Known(c *charter.Charter) Use { return u.known(c, nil) }

// KnownInside is Known for a person inside, who alone may name to what kind of body something
// goes on a basis (Article 18): an app that does would have guardians read of a court.
func (u Use) KnownInside(c *charter.Charter) Use { return u.known(c, approval.Parties()) }

func (u Use) known(c *charter.Charter, ours []string) Use {
	var strange []string
	hide := func(name string) string {
		i := slices.Index(strange, name)
		if i < 0 {
			strange = append(strange, name)
			i = len(strange) - 1
		}
		return "?" + strconv.Itoa(i+1)
	}
	if c == nil {
		c = &charter.Charter{}
	}
	purpose, ok := c.Purpose(u.Purpose)
	if !ok {
		u.Purpose = hide(u.Purpose)
	}
	if u.Party != "" && !slices.Contains(ours, u.Party) && !knows(c, purpose, u.Party) {
		u.Party = hide(u.Party)
	}
	if !slices.Contains(charter.Activities, u.Activity) {
		u.Activity = "?"
	}
	unknown := func(item string) bool { _, ok := c.Item(item); return !ok }
	if slices.ContainsFunc(u.Items, unknown) {
		u.Items = slices.Clone(u.Items) // the caller's stay as they are
		for i, item := range u.Items {
			if unknown(item) {
				u.Items[i] = hide(item)
			}
		}
	}
	return u
}

func knows(c *charter.Charter, purpose charter.Purpose, name string) bool {
	if _, ok := c.Processor(name); ok {
		return true
	}
	if _, ok := c.Recipient(name); ok {
		return true
	}
	_, ok := purpose.Audience(name)
	return ok
}
