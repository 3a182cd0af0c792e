package roster_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wardkeep/internal/base/errs"
	"wardkeep/internal/family/age"
	"wardkeep/internal/roster"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, age.Zone)

const headerLine = "用户ID,昵称,出生日期,性别,年级,学校,监护人姓名,监护人手机,监护人邮箱,关系,注册时间,设备号,备注\n"

// open reads text with the test's clock.
func open(t testing.TB, text string, mapping map[string]string) (*roster.Reader, error) {
	t.Helper()
	return roster.Open(strings.NewReader(text), roster.Options{Now: now, Mapping: mapping})
}

// all reads to the end.
func all(t testing.TB, rd *roster.Reader) (rows []roster.Row, rejects []roster.Reject) {
	t.Helper()
	for {
		row, reject, err := rd.Next()
		switch {
		case errors.Is(err, io.EOF):
			return rows, rejects
		case err != nil:
			t.Fatal(err)
		case reject != nil:
			rejects = append(rejects, *reject)
		default:
			rows = append(rows, row)
		}
	}
}

// read reads text whole.
func read(t testing.TB, text string) ([]roster.Row, []roster.Reject) {
	t.Helper()
	rd, err := open(t, text, nil)
	if err != nil {
		t.Fatal(err)
	}
	return all(t, rd)
}

func reasons(list []roster.Reason) string {
	var out []string
	for _, r := range list {
		s := string(r.Code)
		if r.Column != "" {
			s += "@" + string(r.Column)
		}
		if r.Line > 0 {
			s += fmt.Sprint("→", r.Line)
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

// show writes a row out in full. Only tests may: their values are fictitious.
func show(r roster.Row) string {
	registered := "-"
	if !r.RegisteredAt.IsZero() {
		registered = r.RegisteredAt.In(age.Zone).Format("2006-01-02 15:04")
	}
	return fmt.Sprintf("%d row %q birth=%s class=%s contact=%s,%s,%q %s | %q %s %s %q %s %s %q | %s", r.Line, r.Ref.Reveal(), r.Birth.ISO(), r.Birth.ClassAt(now),
		r.Guardian.Phone.Reveal(), r.Guardian.Email.Reveal(), r.Guardian.Name.Reveal(), r.Guardian.Relation, r.Nickname.Reveal(), r.Gender.Reveal(),
		r.Grade.Reveal(), r.School.Reveal(), registered, r.Device.Reveal(), r.Remark.Reveal(), reasons(r.Warnings))
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// Every kind of dirt, in three encodings, gives one result.
func TestEveryKindOfDirt(t *testing.T) {
	for file, encoding := range map[string]string{"dirt.csv": "UTF-8-BOM", "dirt-gb18030.csv": "GB18030", "dirt-utf16.csv": "UTF-16LE"} {
		f, err := os.Open(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		rd, err := roster.Open(f, roster.Options{Now: now})
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if rd.Encoding() != encoding {
			t.Errorf("%s is %s, want %s", file, rd.Encoding(), encoding)
		}
		var out, rejects bytes.Buffer
		list, total := roster.NewRejectFile(&rejects), 0
		for ; ; total++ {
			row, reject, err := rd.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if reject == nil {
				fmt.Fprintln(&out, show(row))
				continue
			}
			fmt.Fprintln(&out, reject.Line, "REJECT", reasons(reject.Reasons))
			if err := list.Write(*reject); err != nil {
				t.Fatal(err)
			}
		}
		if err := list.Flush(); err != nil {
			t.Fatal(err)
		}
		if total != rd.Total() {
			t.Errorf("%s: %d records, announced %d", file, total, rd.Total())
		}
		golden(t, "dirt.golden", out.String())
		golden(t, "dirt.rejects.csv", rejects.String())
	}
}

// The operator's export of the demo, whole: what becomes of each of its 22,000
// records.
func TestTheExampleExport(t *testing.T) {
	began := time.Now()
	var out strings.Builder
	for _, name := range []string{"children.csv", "children-gb18030.csv"} {
		f, err := os.Open(filepath.Join("..", "..", "examples", "xiaoxi-english", name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		rd, err := roster.Open(f, roster.Options{Now: now})
		if err != nil {
			t.Fatal(err)
		}
		rows, rejects := all(t, rd)
		if len(rows)+len(rejects) != rd.Total() {
			t.Errorf("%s: %d rows and %d rejects of %d records", name, len(rows), len(rejects), rd.Total())
		}
		fmt.Fprintf(&out, "%s %s: %d records, %d rows, %d rejects\n", name, rd.Encoding(), rd.Total(), len(rows), len(rejects))
		counts, refs := map[string]int{}, map[string]bool{}
		for _, r := range rows {
			if refs[r.Ref.Reveal()] || r.Ref.IsZero() {
				t.Errorf("%s line %d: no reference of its own", name, r.Line)
			}
			refs[r.Ref.Reveal()] = true
			if r.Birth.ClassAt(now) != age.Child || r.Guardian.Phone.IsZero() && r.Guardian.Email.IsZero() || !r.Remark.IsZero() {
				t.Errorf("%s line %d must not be imported", name, r.Line)
			}
			counts["relation "+string(r.Guardian.Relation)]++
			for _, w := range r.Warnings {
				counts["warning  "+string(w.Code)+" "+string(w.Column)]++
			}
		}
		for _, r := range rejects {
			for _, why := range r.Reasons {
				counts["reject   "+string(why.Code)+" "+string(why.Column)]++
			}
		}
		keys := make([]string, 0, len(counts))
		for k := range counts {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			fmt.Fprintf(&out, "%6d %s\n", counts[k], k)
		}
	}
	golden(t, "example.golden", out.String())
	if took := time.Since(began); took > 2*time.Second*slow {
		t.Errorf("it took %v", took)
	}
}

// Edge case 3: the later birth date holds wherever it stands in the file, and
// whichever of the records is used.
func TestEdgeCase3_TheLaterBirthDateHolds(t *testing.T) {
	line := func(birth string) string { return "u1,," + birth + ",,,,,19900000001,,,,,\n" }
	between := strings.Repeat("u2,,2016-01-01,,,,,19900000002,,,,,\n", 500)
	for _, c := range []struct{ first, second, want string }{
		{"2017-07-07", "2018-01-07", "2018-01-07"},
		{"2018-01-07", "2017-07-07", "2018-01-07"},
		{"2005-01-01", "2017-07-07", "2017-07-07"},
		{"2017", "2017-07-07", "2017"},
		{"", "2017-07-07", "2017-07-07"},
		{"2012-02-30", "2017-07-07", "2017-07-07"},
		{"2017-07-07", "", "2017-07-07"},
	} {
		rows, rejects := read(t, headerLine+line(c.first)+between+line(c.second))
		if len(rows) != 2 || rows[0].Birth.ISO() != c.want {
			t.Errorf("%q then %q: %d rows, birth %s, want %s", c.first, c.second, len(rows), rows[0].Birth.ISO(), c.want)
		}
		last := rejects[len(rejects)-1]
		if got := reasons(last.Reasons); got != "roster.conflict@ref→2" {
			t.Errorf("%q then %q: the second is rejected with %s", c.first, c.second, got)
		}
	}
	// And when the later date is no child's either, nobody is imported.
	if rows, _ := read(t, headerLine+line("1985-01-01")+line("2001-01-01")); len(rows) != 0 {
		t.Error("an adult was imported")
	}
}

// Article 11: the remark isn't read unless somebody decides that it is needed.
func TestArticle11_TheRemarkIsReadOnlyOnDemand(t *testing.T) {
	text := headerLine + "u1,,2016-01-01,,,,,19900000001,,,,,canary\n"
	rows, _ := read(t, text)
	if !rows[0].Remark.IsZero() {
		t.Error("the remark was read without being mapped")
	}
	rd, err := open(t, text, map[string]string{"remark": "备注", "school": ""})
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(rd.Columns(), roster.ColSchool) {
		t.Error("a column is read that must not be")
	}
	if rows, _ := all(t, rd); rows[0].Remark.Reveal() != "canary" {
		t.Error("a mapped remark wasn't read")
	}
}

func TestHeaders(t *testing.T) {
	for _, c := range []struct {
		name, text string
		mapping    map[string]string
		want       *errs.Error
		field      string
	}{
		{"english, any order", "Guardian_Phone;REF;Birth_Date\n19900000001;u1;2016-01-01\n", nil, nil, ""},
		{"tabs", "用户ID\t出生日期\t家长手机\nu1\t2016-01-01\t19900000001\n", nil, nil, ""},
		{"padded and full width", " 用户ＩＤ , 出生 日期,监护人邮箱,,\nu1,2016-01-01,a@sample.cn,,\n", nil, nil, ""},
		{"explicit", "学籍号,生于,妈妈电话\nu1,2016-01-01,19900000001\n", map[string]string{"ref": "学籍号", "birth": "生于", "guardian_phone": "妈妈电话"}, nil, ""},
		{"no dates, said so", "用户ID,监护人手机\nu1,19900000001\n", map[string]string{"birth": ""}, nil, ""},
		{"no last line end", "用户ID,出生日期,监护人手机\nu1,2016-01-01,19900000001", nil, nil, ""},
		{"old Mac line ends", "用户ID,出生日期,监护人手机\ru1,2016-01-01,19900000001\r", nil, nil, ""},
		{"no reference", "出生日期,监护人手机\n", nil, roster.ErrHeader, "ref"},
		{"no dates", "用户ID,监护人手机\n", nil, roster.ErrHeader, "birth"},
		{"nobody to ask", "用户ID,出生日期\n", nil, roster.ErrHeader, "guardian_phone"},
		{"mapped to nothing", "用户ID,出生日期,监护人手机\n", map[string]string{"ref": "x"}, roster.ErrHeader, "ref"},
		{"twice", "用户ID,出生日期,监护人手机,家长手机\n", nil, roster.ErrHeaderTwice, "guardian_phone"},
		{"two meanings", "用户ID,出生日期,监护人手机\n", map[string]string{"nickname": "用户ID"}, roster.ErrHeaderTwice, "nickname"},
		{"unknown column", "用户ID,出生日期,监护人手机\n", map[string]string{"shoe": "x"}, roster.ErrMapping, ""},
		{"empty", "", nil, roster.ErrEmpty, ""},
		{"mark only", "\xef\xbb\xbf", nil, roster.ErrEmpty, ""},
		{"blank", "\n\n , \n", nil, roster.ErrEmpty, ""},
		{"workbook", "PK\x03\x04 and so on", nil, roster.ErrNotCSV, ""},
		{"binary", "用户ID,\x00\n", nil, roster.ErrNotCSV, ""},
		{"quote never closed", headerLine + "u1,\"" + strings.Repeat("样\n", 20000), nil, roster.ErrRecordTooLong, "line 2"},
		{"endless line", headerLine + strings.Repeat("a,", 40000), nil, roster.ErrRecordTooLong, "line 2"},
	} {
		rd, err := open(t, c.text, c.mapping)
		if c.want != nil {
			if got := errs.Of(err); !errors.Is(err, c.want) || got.Field != c.field {
				t.Errorf("%s: got %v at %q, want %v at %q", c.name, err, got.Field, c.want, c.field)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		rows, rejects := all(t, rd)
		if len(rows) != 1 || len(rejects) != 0 || rows[0].Ref.Reveal() != "u1" || rows[0].Line != 2 {
			t.Errorf("%s: %d rows, %d rejects", c.name, len(rows), len(rejects))
		}
	}
}

func TestLimits(t *testing.T) {
	text := headerLine + strings.Repeat("u1,,,,,,,19900000001,,,,,\n", 3)
	if _, err := roster.Open(strings.NewReader(text), roster.Options{Now: now, MaxRows: 2}); !errors.Is(err, roster.ErrTooManyRows) {
		t.Errorf("three of at most two records: %v", err)
	}
	wide := headerLine + strings.Repeat(",", 300) + "x\nu1,,,,,,,19900000001,,,,,\n"
	if rows, rejects := read(t, wide); len(rows) != 1 || len(rejects) != 1 || rejects[0].Reasons[0].Code != roster.Quotes && rejects[0].Reasons[0].Code != roster.TooManyColumns {
		t.Errorf("300 columns: %d rows, rejects %v", len(rows), rejects)
	}
}

// One broken character costs one value, not the alphabet of the file.
func TestABrokenCharacterIsNotAnotherEncoding(t *testing.T) {
	rd, err := open(t, headerLine+"u1,\xff小样,2016-01-01,,,,,19900000001,,,,,\nu\xff2,,,,,,,19900000002,,,,,\n", nil)
	if err != nil || rd.Encoding() != "UTF-8" {
		t.Fatalf("%v, %v", rd, err)
	}
	rows, rejects := all(t, rd)
	if len(rows) != 1 || !rows[0].Nickname.IsZero() || !strings.Contains(reasons(rows[0].Warnings), "roster.text_unreadable@nickname") {
		t.Errorf("a broken nickname: %d rows", len(rows))
	}
	if len(rejects) != 1 || reasons(rejects[0].Reasons) != "roster.ref_malformed@ref" {
		t.Errorf("a broken reference: %v", rejects)
	}
}

// Children choose their nicknames: what is quoted is never a record.
func TestNoRecordOutOfANickname(t *testing.T) {
	fake := "\nu666,x,2016-01-01,,,,,19900006666,,,,,\n"
	for _, nick := range []string{`"` + fake + `"`, `"` + strings.Repeat(fake, 60) + `"`, `"a" b` + strings.ReplaceAll(fake, "\n", " "), `"a""` + fake + `"`} {
		rows, _ := read(t, headerLine+"u1,"+nick+",2016-01-01,,,,,19900000001,,,,,\nu2,,2016-01-01,,,,,19900000002,,,,,\n")
		for _, r := range rows {
			if r.Ref.Reveal() == "u666" {
				t.Error("a nickname became a child")
			}
		}
	}
}

func TestWordsForEveryCode(t *testing.T) {
	source, err := os.ReadFile("reason.go")
	if err != nil {
		t.Fatal(err)
	}
	consts, _, _ := strings.Cut(string(source), "// A Reason is")
	codes := 0
	for _, part := range strings.Split(consts, `= "`)[1:] {
		code, _, _ := strings.Cut(part, `"`)
		codes++
		r := roster.Reason{Code: roster.Code(code), Line: 7}
		if zh, en := r.Words("zh-CN"), r.Words("en"); zh == "" || en == "" || zh == en || strings.Contains(zh+en, "{") {
			t.Errorf("%s lacks words", code)
		}
	}
	if codes < 30 {
		t.Errorf("found %d codes only", codes)
	}
}

// Invariant 9: nothing that is printed holds a value.
func TestInvariant9_NoValueIsPrinted(t *testing.T) {
	const canary = "canary7341"
	text := headerLine + "u1," + canary + ",2016-01-01,," + canary + "," + canary + "," + canary + ",19900000001," + canary + "@sample.cn," + canary + ",2026-01-01 00:00:00," + canary + ",\n" +
		canary + ",,2011-01-01,,,,,19900000001,,,,,\n" + canary + ",x,,,,,," + canary + "," + canary + ",,,,\n" + canary + ",\"" + canary + "\"x\n"
	rows, rejects := read(t, text)
	var file bytes.Buffer
	list := roster.NewRejectFile(&file)
	for _, r := range rejects {
		if err := list.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := list.Flush(); err != nil {
		t.Fatal(err)
	}
	_, err := open(t, canary+","+canary+"\n", nil)
	_, err2 := open(t, headerLine+"u1,\""+strings.Repeat(canary, 5000), nil)
	out := fmt.Sprintf("%v %+v %#v %v %+v %#v %v %v", rows, rows, rows, rejects, rejects, rejects, err, err2) + file.String()
	if len(rows) != 1 || len(rejects) != 3 || err == nil || err2 == nil || strings.Contains(out, canary) || strings.Contains(out, "1990000") {
		t.Errorf("%d rows, %d rejects, %v, %v; a value shows: %v", len(rows), len(rejects), err, err2, strings.Contains(out, canary))
	}
}

// A file that changes between the two readings stops the import.
func TestAChangedFileIsNotReadOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.csv")
	write := func(ref string) {
		if err := os.WriteFile(path, []byte(headerLine+strings.Repeat(ref+",,,,,,,19900000001,,,,,\n", 10000)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("u1")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rd, err := roster.Open(f, roster.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	write("u2")
	for err == nil {
		_, _, err = rd.Next()
	}
	if !errors.Is(err, roster.ErrChanged) {
		t.Errorf("got %v", err)
	}
}

func FuzzRoster(f *testing.F) {
	for _, name := range []string{"dirt.csv", "dirt-gb18030.csv", "dirt-utf16.csv"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data[:min(len(data), 4000)])
	}
	f.Add([]byte(headerLine + "u1,\"a\"\"b\nc\",2016,,,,,19900000001,,,,,\r\nu1,x,,,,,,,a@sample.cn,,,,\n\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rd, err := roster.Open(bytes.NewReader(data), roster.Options{Now: now})
		if err != nil {
			if errs.Of(err).Kind == errs.Internal {
				t.Fatalf("not a refusal: %v", err)
			}
			return
		}
		records, last := 0, 1
		for {
			row, reject, err := rd.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("the second reading failed: %v", err)
			}
			records++
			line := row.Line
			if reject != nil {
				line = reject.Line
				if len(reject.Reasons) == 0 || reject.Reasons[0].Words("zh-CN") == "" {
					t.Fatal("rejected without a reason")
				}
			} else if row.Ref.IsZero() || row.Guardian.Phone.IsZero() && row.Guardian.Email.IsZero() || row.Birth.Check() != nil || row.Birth.ClassAt(now) != age.Child {
				t.Fatal("a record was let through that must not be imported")
			}
			if line <= last {
				t.Fatalf("line %d after line %d", line, last)
			}
			last = line
		}
		if records != rd.Total() {
			t.Fatalf("%d records, announced %d", records, rd.Total())
		}
	})
}
