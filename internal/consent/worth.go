package consent

import (
	"wardkeep/internal/charter"
	"wardkeep/internal/family"
)

// NeedsAbroad is how well a guardian must be verified for its yes to carry what leaves the
// operator or the country (edge case 24).
const NeedsAbroad = family.NameAndNumber

// Needs returns how well a guardian must be verified for its yes to carry what is
// done: what leaves the operator or the country takes more than a one-time code
// (edge case 24). Party is whom it goes to, if anybody. The gate asks it of every
// use.
func Needs(c *charter.Charter, does charter.Activity, party string) family.Strength {
	if c.Leaves(does, party) {
		return NeedsAbroad
	}
	return family.OneTimeCode
}

// Needed returns how well a guardian must be verified for its yes to these
// purposes to carry all that they do. It is what a guardian is told beforehand,
// and afterwards where its yes falls short.
func Needed(c *charter.Charter, purposes ...string) family.Strength {
	needed := family.OneTimeCode
	for _, name := range purposes {
		p, _ := c.Purpose(name)
		if len(p.AccessFrom) > 0 {
			needed = max(needed, NeedsAbroad)
		}
		for _, does := range p.Activities {
			if does == charter.Entrust {
				for _, party := range p.Processors {
					needed = max(needed, Needs(c, does, party))
				}
				continue
			}
			needed = max(needed, Needs(c, does, ""))
		}
	}
	return needed
}

// UntilProved returns the key of the words for what doesn't happen while a yes falls
// short of what Needed says. Where the storage is abroad, that is everything, even
// collecting. At home, what stays with the operator, and with who works for it,
// goes on.
func UntilProved(c *charter.Charter) string {
	if Needs(c, charter.Collect, "") > family.OneTimeCode {
		return "consent.until_proved.nothing"
	}
	return "consent.until_proved.leaves"
}
