package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"wardkeep/internal/approval"
	"wardkeep/internal/assistance"
	"wardkeep/internal/base/i18n"
	"wardkeep/internal/catalog"
	"wardkeep/internal/family"
	"wardkeep/internal/family/age"
	"wardkeep/internal/incident"
	"wardkeep/internal/party"
	"wardkeep/internal/replay"
	"wardkeep/internal/rights"
	"wardkeep/internal/roster"
	"wardkeep/internal/stream"
	"wardkeep/internal/suspicion"
	"wardkeep/internal/takedown"
)

var (
	wordKey = regexp.MustCompile(`"(cmd\.[a-z_]+(?:\.[a-z_]+)*\.?)"`)
	helpKey = regexp.MustCompile(`help:"\$\{([a-z_]+)\}"`)
)

// Whatever a command says, it says in each language; and nothing is kept that
// no command says.
func TestEveryWordOfTheCommandLine(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	used, begun := map[string]bool{}, []string{helpPrefix}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range wordKey.FindAllStringSubmatch(string(text), -1) {
			if strings.HasSuffix(m[1], ".") {
				begun = append(begun, m[1])
				continue
			}
			used[m[1]] = true
		}
		for _, m := range helpKey.FindAllStringSubmatch(string(text), -1) {
			used[helpPrefix+m[1]] = true
		}
	}
	for _, lang := range i18n.Langs {
		for key := range used {
			if !lang.Has(key) {
				t.Errorf("%s has no words for %q", lang, key)
			}
		}
		for key := range i18n.Keys(lang) {
			if strings.HasPrefix(key, "cmd.") && !used[key] && !hasAny(key, begun) {
				t.Errorf("%s has words for %q, and nobody says them", lang, key)
			}
		}
	}
}

func hasAny(key string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(key, p) {
			return true
		}
	}
	return false
}

// Keys that are put together have words for each thing they are put together of.
func TestWordsOfEveryState(t *testing.T) {
	for _, lang := range i18n.Langs {
		var keys []string
		for _, s := range []catalog.State{catalog.Live, catalog.Test} {
			keys = append(keys, "cmd.state."+string(s))
		}
		for _, r := range []catalog.Role{catalog.RoleOfficer, catalog.RoleDeputy} {
			keys = append(keys, "cmd.role."+string(r))
		}
		for _, page := range pages {
			keys = append(keys, "bench.page."+page.name)
		}
		for _, m := range (catalog.Service{}).Missing() {
			keys = append(keys, "cmd.missing."+m)
		}
		for _, p := range []string{"pool", "index", "sign"} {
			keys = append(keys, "cmd.keys.purpose."+p)
		}
		for _, s := range []string{"current", "retiring"} {
			keys = append(keys, "cmd.keys.state."+s)
		}
		for _, s := range []family.State{family.Unconsented, family.Active} {
			keys = append(keys, "cmd.child.state."+string(s))
		}
		for _, c := range []age.Class{age.Child, age.Minor, age.Adult} {
			keys = append(keys, "cmd.child.age."+string(c))
		}
		for s := family.Unproved; s <= family.Document; s++ {
			keys = append(keys, "cmd.guardian.strength."+strconv.Itoa(int(s)))
		}
		for _, k := range []rights.Kind{rights.Correct, rights.Supplement, rights.DeleteItem, rights.Delete, rights.Close} {
			keys = append(keys, "cmd.demand.kind."+string(k))
		}
		for _, d := range []rights.Door{rights.ByGuardian, rights.ByChild, rights.ByContact} {
			keys = append(keys, "cmd.demand.door."+string(d))
		}
		for _, s := range []rights.State{rights.Done, rights.Refused, rights.Cancelled} {
			keys = append(keys, "cmd.demand.state."+string(s))
		}
		for _, s := range []approval.State{approval.Open, approval.Granted, approval.Narrowed, approval.Refused, approval.Ended, "over"} {
			keys = append(keys, "cmd.approvals.state."+string(s))
		}
		for _, u := range []replay.Unmatched{replay.NoRequest, replay.BySelf, replay.Twice, replay.NoApproval, replay.OfOther, replay.Beyond,
			replay.OutOfTime, replay.TooOften, replay.Unreviewed} {
			keys = append(keys, "cmd.approvals.why."+string(u))
		}
		for _, s := range []suspicion.Source{suspicion.Staff, suspicion.Parent, suspicion.Signal, suspicion.UserReport} {
			keys = append(keys, "cmd.suspicion.source."+string(s))
		}
		for _, o := range []suspicion.Outcome{suspicion.NotAChild, suspicion.Child, suspicion.ErasedElsewhere, suspicion.Withdrawn, suspicion.Lapsed} {
			keys = append(keys, "cmd.suspicion.outcome."+string(o))
		}
		for _, b := range []suspicion.Basis{suspicion.DocumentSeen, suspicion.OfficialCheck, suspicion.ParentSaid} {
			keys = append(keys, "cmd.suspicion.basis."+string(b))
		}
		for _, a := range append(slices.Clone(assistance.Answers), assistance.Lapsed) {
			keys = append(keys, "cmd.demand.help.answer."+string(a))
		}
		for _, s := range []incident.State{incident.Opened, incident.Triaged, incident.Closed} {
			keys = append(keys, "cmd.incident.state."+string(s))
		}
		for _, k := range incident.Kinds {
			keys = append(keys, "cmd.incident.kind."+string(k))
		}
		for _, g := range incident.Grades {
			keys = append(keys, "cmd.incident.grade."+string(g))
		}
		for _, o := range incident.Outcomes {
			keys = append(keys, "cmd.incident.outcome."+string(o))
		}
		for _, s := range []stream.State{stream.Exempt, stream.Joined} {
			keys = append(keys, "cmd.stream.state."+string(s))
		}
		for _, s := range []takedown.State{takedown.Reported, takedown.Taken, takedown.Ordered} {
			keys = append(keys, "cmd.takedown.state."+string(s))
		}
		for _, o := range []takedown.Outcome{takedown.Down, takedown.Stays, takedown.Withdrawn, takedown.Lapsed} {
			keys = append(keys, "cmd.takedown.outcome."+string(o))
		}
		for _, h := range takedown.Harms {
			keys = append(keys, "cmd.takedown.harm."+string(h))
		}
		for _, g := range takedown.Grounds {
			keys = append(keys, "cmd.takedown.ground."+string(g))
		}
		for _, r := range append(slices.Clone(party.Reasons), party.Restored) {
			keys = append(keys, "cmd.party.reason."+string(r))
		}
		for _, state := range []string{"holds", "revoked", "over", "other"} {
			keys = append(keys, "party.key_state."+state)
		}
		for _, state := range []party.State{party.Draft, party.Ready, party.Signed, party.Active, party.Suspended, party.Ended} {
			keys = append(keys, "cmd.party.state."+string(state))
		}
		for _, k := range append([]party.Kind{party.Assessed, party.Agreed}, party.Mechanisms...) {
			keys = append(keys, "cmd.party.kind."+string(k))
		}
		for _, r := range []rights.Reason{rights.NotEntitled, rights.NothingHeld, rights.AlreadyRight, rights.Complex, rights.Unreachable} {
			keys = append(keys, "cmd.demand.reason."+string(r))
		}
		for _, key := range keys {
			if !lang.Has(key) {
				t.Errorf("%s has no words for %q", lang, key)
			}
		}
	}
}

// Edge cases 10 and 11: nobody becomes a guardian whom the operator's own list
// doesn't call one.
func TestEdgeCase11_ImportMakesNobodyAGuardian(t *testing.T) {
	for _, r := range []roster.Relation{roster.RelationUnknown, roster.Parent, roster.LegalGuardian, roster.Grandparent,
		roster.Teacher, roster.Institution, roster.Other, "", "something new"} {
		got := enrolment("s", roster.Row{Guardian: roster.Guardian{Relation: r}}).Guardian.Relation
		if got.MaySpeak() != r.ClaimsGuardianship() {
			t.Errorf("%q becomes %q", r, got)
		}
	}
}

func TestTheTerminalChoosesTheLanguage(t *testing.T) {
	for _, c := range []struct {
		args string
		env  map[string]string
		want i18n.Lang
	}{
		{"", nil, i18n.Chinese},
		{"", map[string]string{"LANG": "zh_CN.UTF-8"}, i18n.Chinese},
		{"", map[string]string{"LANG": "en_GB.UTF-8"}, i18n.English},
		{"", map[string]string{"LANG": "C.UTF-8"}, i18n.English},
		{"", map[string]string{"LANG": "en_GB.UTF-8", "LC_ALL": "zh_TW"}, i18n.Chinese},
		{"", map[string]string{"LANG": "zh_CN", "WARDKEEP_LANG": "en"}, i18n.English},
		{"verify --lang en", map[string]string{"LANG": "zh_CN"}, i18n.English},
		{"--lang=zh-CN verify", map[string]string{"LANG": "en"}, i18n.Chinese},
	} {
		if got := speaks(strings.Fields(c.args), func(k string) string { return c.env[k] }); got != c.want {
			t.Errorf("%q %v: %s, want %s", c.args, c.env, got, c.want)
		}
	}
}
