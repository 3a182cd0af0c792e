package app

import (
	"time"
	_ "time/tzdata" // a server without zones of its own knows looks.zone all the same

	"wardkeep/internal/approval"
	"wardkeep/internal/staff"
	"wardkeep/internal/watermark"
)

// Looks are those of persons inside at values: a zero is that of approval.Defaults.
type Looks struct {
	// Minutes are those of a window where nobody says how many, MaxMinutes the most, and
	// GlassMinutes the most of a window that two persons open without the office.
	Minutes      int `yaml:"minutes"`
	MaxMinutes   int `yaml:"max_minutes"`
	GlassMinutes int `yaml:"glass_minutes"`
	// PerApproval are looks by one approval, PerHour and PerDay those of one person.
	PerApproval int `yaml:"per_approval"`
	PerHour     int `yaml:"per_hour"`
	PerDay      int `yaml:"per_day"`
	// Answer is how long a request waits for a decision, 7 days at most.
	Answer time.Duration `yaml:"answer"`
	// Burst looks of one person within BurstIn raise no alarm; one more does.
	Burst   int           `yaml:"burst"`
	BurstIn time.Duration `yaml:"burst_in"`
	// From and To are the hours outside of which each look raises an alarm, "08:00" and
	// "20:00" in Zone, "Asia/Shanghai". DaysOff says that it raises none for being on a day
	// off.
	From    string `yaml:"from"`
	To      string `yaml:"to"`
	Zone    string `yaml:"zone"`
	DaysOff bool   `yaml:"days_off"`
	// Roles have limits of their own.
	Roles RoleLooks `yaml:"roles"`
}

// RoleLooks are looks of one person by a role.
type RoleLooks struct {
	Officer PerRole `yaml:"officer"`
	Deputy  PerRole `yaml:"deputy"`
	Manager PerRole `yaml:"manager"`
	Staff   PerRole `yaml:"staff"`
}

// PerRole is approval.PerRole.
type PerRole struct {
	PerHour int `yaml:"per_hour"`
	PerDay  int `yaml:"per_day"`
}

func (r RoleLooks) all() map[staff.Role]approval.PerRole {
	return map[staff.Role]approval.PerRole{staff.Officer: approval.PerRole(r.Officer), staff.Deputy: approval.PerRole(r.Deputy),
		staff.Manager: approval.PerRole(r.Manager), staff.Worker: approval.PerRole(r.Staff)}
}

// maxLooks bounds how many looks may be allowed of one person: more is no limit.
const maxLooks = 10_000

func (l Looks) check(say func(key, code string)) {
	in := func(key string, n, most int) {
		if n < 0 || n > most {
			say("looks."+key, "app.config.looks_number")
		}
	}
	d := approval.Limits{MaxMinutes: l.MaxMinutes}.Or(approval.Defaults)
	in("max_minutes", l.MaxMinutes, approval.Defaults.MaxMinutes)
	in("minutes", l.Minutes, d.MaxMinutes)
	in("glass_minutes", l.GlassMinutes, d.MaxMinutes)
	in("per_approval", l.PerApproval, watermark.MaxLook) // one more would count, and have no picture
	in("per_hour", l.PerHour, maxLooks)
	in("per_day", l.PerDay, maxLooks)
	in("burst", l.Burst, maxLooks)
	for name, r := range map[string]PerRole{"officer": l.Roles.Officer, "deputy": l.Roles.Deputy, "manager": l.Roles.Manager, "staff": l.Roles.Staff} {
		in("roles."+name+".per_hour", r.PerHour, maxLooks)
		in("roles."+name+".per_day", r.PerDay, maxLooks)
	}
	if l.Answer < 0 || l.Answer > 7*24*time.Hour {
		say("looks.answer", "app.config.looks_answer")
	}
	if l.BurstIn < 0 || l.BurstIn > time.Hour {
		say("looks.burst_in", "app.config.looks_burst_in")
	}
	if h, ok := l.hours(); !ok || h != (approval.Hours{}) && h.From >= h.To {
		say("looks.from", "app.config.looks_hours")
	}
	if _, err := time.LoadLocation(l.Zone); err != nil {
		say("looks.zone", "app.config.looks_zone")
	}
}

// hours reads From and To: the zero Hours if neither is said.
func (l Looks) hours() (h approval.Hours, ok bool) {
	if l.From == "" && l.To == "" {
		return h, true
	}
	from, ok := clock(l.From)
	to, also := clock(l.To)
	return approval.Hours{From: from, To: to}, ok && also && to > from
}

// clock reads "08:00"; "24:00" is the end of the day.
func clock(s string) (time.Duration, bool) {
	if s == "24:00" {
		return 24 * time.Hour, true
	}
	t, err := time.Parse("15:04", s)
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, err == nil && len(s) == len("15:04")
}

// limits returns what was checked.
func (l Looks) limits() approval.Limits {
	hours, _ := l.hours()
	out := approval.Limits{Minutes: l.Minutes, MaxMinutes: l.MaxMinutes, GlassMinutes: l.GlassMinutes, Looks: l.PerApproval, PerHour: l.PerHour,
		PerDay: l.PerDay, Answer: l.Answer, Burst: l.Burst, BurstIn: l.BurstIn, Hours: hours, DaysOff: l.DaysOff, Roles: l.Roles.all()}
	if l.Zone != "" {
		out.Zone, _ = time.LoadLocation(l.Zone) // check has loaded it
	}
	return out.Or(approval.Defaults)
}
