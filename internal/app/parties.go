package app

import "wardkeep/internal/party"

// Parties are those of party.Limits, of one processor or recipient, by all of its keys: a zero is that
// of party.Defaults.
type Parties struct {
	// PerHour and PerDay are values, by the clock in China.
	PerHour int64 `yaml:"per_hour"`
	PerDay  int64 `yaml:"per_day"`
	// Burst values within a minute raise no alarm; one more does.
	Burst int64 `yaml:"burst"`
}

// maxPulled bounds how many values may be allowed of one party: more is no limit.
const maxPulled = 100_000_000

func (p Parties) check(say func(key, code string)) {
	for key, n := range map[string]int64{"per_hour": p.PerHour, "per_day": p.PerDay, "burst": p.Burst} {
		if n < 0 || n > maxPulled {
			say("parties."+key, "app.config.parties_number")
		}
	}
}

func (p Parties) limits() party.Limits { return party.Limits(p).OrDefault() }
