package app_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

const deploy = "../../deploy"

// promtool checks rules. It comes from Debian's package prometheus: make test puts it into
// bin, and starts nothing.
func promtool(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err == nil {
		return path
	}
	path, err = filepath.Abs("../../bin/promtool")
	if _, missing := os.Stat(path); errors.Join(err, missing) != nil {
		t.Fatal("promtool isn't here: scripts/install-missing fetches it from Debian's package prometheus")
	}
	return path
}

// The rules that operators are given are right, and each alert fires at what it is for and
// not beside it.
func TestAlerts_FireAndDoNot(t *testing.T) {
	tool := promtool(t)
	for _, args := range [][]string{{"check", "rules", "alerts.yml"}, {"test", "rules", "alerts_test.yml"}} {
		cmd := exec.Command(tool, args...)
		cmd.Dir = filepath.Join(deploy, "prometheus")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
	var tests struct {
		Tests []struct {
			Name  string
			Input []struct{ Series, Values string } `yaml:"input_series"`
			Expr  []struct {
				Expr string
				Want []any `yaml:"exp_samples"`
			} `yaml:"promql_expr_test"`
		}
	}
	parse(t, "prometheus/alerts_test.yml", &tests)
	tried := map[string]bool{}
	for _, each := range tests.Tests {
		for _, e := range each.Expr {
			if m := regexp.MustCompile(`^count by \(alertname\) \(ALERTS\{alertname="(\w+)", alertstate="firing"\}\)$`).FindStringSubmatch(e.Expr); m != nil && len(each.Input) > 0 {
				tried[m[1]+map[bool]string{true: " fires", false: " doesn't"}[len(e.Want) == 1]] = true
			}
		}
	}
	for _, a := range alerts(t) {
		for _, way := range []string{" fires", " doesn't"} {
			if !tried[a.Alert+way] {
				t.Errorf("no test in which %s%s", a.Alert, way)
			}
		}
	}
	if n := len(alerts(t)); n < 20 || len(tried) != 2*n {
		t.Errorf("%d alerts, %d ways tried", n, len(tried))
	}
}

type rule struct {
	Alert, Expr         string
	Labels, Annotations map[string]string
}

func alerts(t *testing.T) (all []rule) {
	t.Helper()
	var file struct{ Groups []struct{ Rules []rule } }
	parse(t, "prometheus/alerts.yml", &file)
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

func parse(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(deploy, name))
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, ".json") {
		err = json.Unmarshal(b, into)
	} else {
		err = yaml.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

var notOfTheHeading = regexp.MustCompile(`[^a-z0-9 -]`)

// Who is woken reads what it means and what to do first, in both languages, and where the rest stands.
func TestAlerts_SayWhatToDoFirst(t *testing.T) {
	b, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	han := regexp.MustCompile(`\p{Han}`)
	for _, a := range alerts(t) {
		for _, name := range []string{"summary_en", "first_en", "summary_zh", "first_zh"} {
			text := a.Annotations[name]
			if len(text) < 20 || han.MatchString(text) != strings.HasSuffix(name, "_zh") {
				t.Errorf("%s: %s is %q", a.Alert, name, text)
			}
		}
		for _, name := range []string{"first_en", "first_zh"} {
			for _, command := range regexp.MustCompile(`wardkeep [a-z]+( (?:list|show|gone|note|replay|verify)\b)?`).FindAllString(a.Annotations[name], -1) {
				if !strings.Contains(string(b), strings.TrimPrefix(command, "wardkeep ")) {
					t.Errorf("%s: docs/operations.md doesn't know %s", a.Alert, command)
				}
			}
		}
		section := a.Annotations["section"]
		if !strings.Contains(string(b), "\n## "+section+"\n") {
			t.Errorf("%s: docs/operations.md has no section %q", a.Alert, section)
		}
		if want := "docs/operations.md#" + strings.ReplaceAll(notOfTheHeading.ReplaceAllString(strings.ToLower(section), ""), " ", "-"); a.Annotations["link"] != want {
			t.Errorf("%s: the link is %s, want %s", a.Alert, a.Annotations["link"], want)
		}
		if s := a.Labels["severity"]; s != "now" && s != "today" {
			t.Errorf("%s: the severity is %q", a.Alert, s)
		}
		if !strings.Contains(string(b), "`"+a.Alert+"`") {
			t.Errorf("docs/operations.md doesn't know %s", a.Alert)
		}
	}
}

// A dashboard is what Grafana loads.
type dashboard struct {
	UID, Title    string
	SchemaVersion int
	Templating    struct {
		List []struct{ Name, Type, Query any }
	}
	Panels []struct {
		ID                       int
		Type, Title, Description string
		Datasource               struct{ Type, UID string }
		GridPos                  struct{ H, W, X, Y int }
		FieldConfig              struct{ Defaults struct{ Unit string } }
		Targets                  []struct {
			RefID, Expr string
			Datasource  struct{ UID string }
		}
	}
}

var variable = regexp.MustCompile(`\$(\w+)|\$\{(\w+)\}`)

// The dashboard has the shape that Grafana wants, and each panel says what it shows.
func TestDashboard_Loads(t *testing.T) {
	var d dashboard
	parse(t, "grafana/wardkeep.json", &d)
	if d.UID == "" || d.Title == "" || d.SchemaVersion < 36 {
		t.Errorf("uid %q, title %q, schema %d", d.UID, d.Title, d.SchemaVersion)
	}
	known := []string{"__rate_interval"}
	for _, v := range d.Templating.List {
		known = append(known, v.Name.(string))
	}
	if !slices.Contains(known, "datasource") {
		t.Error("there is no variable for the data source")
	}
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if p.ID == 0 || ids[p.ID] || p.Title == "" {
			t.Errorf("%q has the id %d", p.Title, p.ID)
		}
		ids[p.ID] = true
		if p.GridPos.W < 1 || p.GridPos.H < 1 || p.GridPos.X < 0 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("%s lies at %v", p.Title, p.GridPos)
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Fatalf("%s lies upon %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if p.Datasource.UID != "${datasource}" || p.FieldConfig.Defaults.Unit == "" || p.Description == "" || len(p.Targets) == 0 {
			t.Errorf("%s: data source %q, unit %q, description %q", p.Title, p.Datasource.UID, p.FieldConfig.Defaults.Unit, p.Description)
		}
		refs := map[string]bool{}
		for _, target := range p.Targets {
			if target.RefID == "" || refs[target.RefID] || target.Datasource.UID != "${datasource}" {
				t.Errorf("%s: a target %q of %q", p.Title, target.RefID, target.Datasource.UID)
			}
			refs[target.RefID] = true
			for _, m := range variable.FindAllStringSubmatch(target.Expr, -1) {
				if !slices.Contains(known, m[1]+m[2]) {
					t.Errorf("%s: there is no variable %s", p.Title, m[0])
				}
			}
		}
	}
	if len(ids) < 20 {
		t.Errorf("%d panels", len(ids))
	}
}

// Every query can be parsed, and every metric and label that a rule or a panel names is measured.
func TestDeploy_NamesWhatIsMeasured(t *testing.T) {
	measured := series(everything(t))
	names, labels := map[string]bool{"up": true}, map[string]bool{"job": true, "instance": true, "le": true}
	for s := range measured {
		name, rest, _ := strings.Cut(s, "{")
		names[name] = true
		for _, m := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(rest, -1) {
			labels[m[1]] = true
		}
	}
	exprs := map[string]string{}
	for _, a := range alerts(t) {
		exprs[a.Alert] = a.Expr
	}
	var d dashboard
	parse(t, "grafana/wardkeep.json", &d)
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			exprs[p.Title+" "+target.RefID] = target.Expr
		}
	}
	used := map[string]bool{}
	rules := "groups:\n- name: all\n  rules:\n"
	for where, expr := range exprs {
		for _, name := range regexp.MustCompile(`\b(wardkeep|go|process)_[a-z_]+`).FindAllString(expr, -1) {
			used[name] = true
			if !names[name] {
				t.Errorf("%s: nothing measures %s", where, name)
			}
		}
		for _, m := range regexp.MustCompile(`(\w+) *(?:=|!=|=~|!~) *"|by \(([^)]*)\)`).FindAllStringSubmatch(expr, -1) {
			for label := range strings.SplitSeq(m[1]+m[2], ",") {
				if label = strings.TrimSpace(label); label != "" && !labels[label] {
					t.Errorf("%s: nothing has a label %s", where, label)
				}
			}
		}
		plain := strings.NewReplacer("$__rate_interval", "1m", "$job", "wardkeep", "$instance", "a").Replace(expr)
		b, err := json.Marshal(plain)
		if err != nil {
			t.Fatal(err)
		}
		rules += "  - record: r" + "\n    expr: " + string(b) + "\n    labels: {at: " + string(must(json.Marshal(where))) + "}\n"
	}
	for name := range names {
		if base := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, ""); strings.HasPrefix(name, "wardkeep_") &&
			!used[name] && !used[base+"_bucket"] && !used[base+"_count"] && !slices.Contains([]string{"wardkeep_database_waits_total"}, name) {
			t.Errorf("%s is measured, and neither a rule nor a panel shows it", name)
		}
	}
	file := filepath.Join(t.TempDir(), "all.yml")
	if err := os.WriteFile(file, []byte(rules), fs.FileMode(0o600)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(promtool(t), "check", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}
