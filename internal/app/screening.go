package app

import (
	"log/slog"
	"time"

	"wardkeep/internal/base/db"
	"wardkeep/internal/publication"
	"wardkeep/internal/screening"
	"wardkeep/internal/vault"
)

// Screening is how strictly is judged what is about to be published: a zero is that of
// publication.Defaults, and nothing that is found is published.
type Screening struct {
	// Publish are kinds that are published though they are found: "email". What points at
	// another child is held whatever it says.
	Publish []string `yaml:"publish"`
	// PerHour and PerDay are values of held children that one app key may find.
	PerHour int `yaml:"per_hour"`
	PerDay  int `yaml:"per_day"`
	// Burst of them within BurstIn raise no alarm; one more does.
	Burst   int           `yaml:"burst"`
	BurstIn time.Duration `yaml:"burst_in"`
}

// maxHits bounds how many may be allowed: more is no limit.
const maxHits = 1_000_000

func (s Screening) check(say func(key, code string)) {
	for _, name := range s.Publish {
		if _, ok := screening.KindOf(name); !ok {
			say("screening.publish", "app.config.screening_kind")
		}
	}
	for key, n := range map[string]int{"per_hour": s.PerHour, "per_day": s.PerDay, "burst": s.Burst} {
		if n < 0 || n > maxHits {
			say("screening."+key, "app.config.screening_number")
		}
	}
	if s.BurstIn < 0 || s.BurstIn > time.Hour {
		say("screening.burst_in", "app.config.looks_burst_in")
	}
}

// desk returns what looks at contents.
func (s Screening) desk(store *db.DB, v *vault.Vault, log *slog.Logger) *publication.Desk {
	var kinds []screening.Kind
	for _, name := range s.Publish {
		if k, ok := screening.KindOf(name); ok { // check has said so of any other
			kinds = append(kinds, k)
		}
	}
	return &publication.Desk{Vault: v, Sets: &publication.Sets{Store: store, Vault: v, Log: log}, Policy: screening.Publishing(kinds...),
		Quota: &publication.Quota{Limits: publication.Limits{PerHour: s.PerHour, PerDay: s.PerDay, Burst: s.Burst, BurstIn: s.BurstIn}}}
}
