package screening_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"wardkeep/internal/base/pii"
	"wardkeep/internal/screening"
)

func words(text string, found []screening.Finding) (out []string) {
	for _, f := range found {
		out = append(out, fmt.Sprintf("%s %s", f.Kind, text[f.Start:f.End]))
	}
	return out
}

// Whoever hides a number from a machine shows it to people: all of these are read.
func TestArticle4_HiddenNumbersAreRead(t *testing.T) {
	for _, s := range []string{
		"打我１３８１２３４５６７８吧", "打我138-1234-5678吧", "打我138 1234 5678吧", "打我+86 13812345678吧", "打我一三八一二三四五六七八吧", "打我幺三八幺二三四五六七八吧",
		"打我①③⑧①②③④⑤⑥⑦⑧吧", "打我1️⃣3️⃣8️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7️⃣8️⃣吧", "打我1\u200b3\u200b8\u200b1\u200b2\u200b3\u200b4\u200b5\u200b6\u200b7\u200b8吧", "打我1 3 8 1 2 3 4 5 6 7 8吧",
		"打我l38l2345678吧", "打我1.3.8.1.2.3.4.5.6.7.8吧", "打我138一二三四5678吧", "打我𝟏𝟑𝟖𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖吧", "打我１3８１2３４5６7８吧", "打我(138)1234-5678吧", "打我١٣٨١٢٣٤٥٦٧٨吧",
	} {
		found := screening.Screen(s, nil)
		if len(found) != 1 || found[0].Kind != screening.Phone {
			t.Errorf("%s: %v", s, words(s, found))
			continue
		}
		if m := screening.Masked(s, found); !strings.HasPrefix(m, "打我") || !strings.HasSuffix(strings.TrimRight(m, "\ufe0f\u20e3"), "吧") {
			t.Errorf("%s is masked as %s", s, m)
		}
	}
}

func known(values ...string) *screening.Known {
	g := screening.Gather()
	for i, v := range values {
		kind, value, _ := strings.Cut(v, " ")
		k, _ := screening.KindOf(kind)
		g.Add(screening.Child(i/2+1), k, pii.New(value))
	}
	return g.Known()
}

// Values of held children are found anywhere, whatever their kind, in whatever way
// they are written.
func TestArticle4_KnownValuesAreFound(t *testing.T) {
	k := known("name 王子涵", "phone 13812345678", "name 李小满", "nickname 小兔子🐰", "address 杭州市西湖区文一路88号翠苑小区3栋2单元501室", "email lele@example.cn",
		"school 杭州市第一小学", "other 20230145", "name 阿依古丽·买买提", "nickname Lily2016")
	for _, c := range []struct {
		text, want string
		children   []screening.Child
	}{
		{"今天王子涵没来", "name 王子涵", []screening.Child{1}},
		{"今天王 子 涵没来", "name 王 子 涵", []screening.Child{1}},
		{"今天王\u200b子涵没来", "name 王\u200b子涵", []screening.Child{1}},
		{"号码+86 138-1234-5678", "phone +86 138-1234-5678", []screening.Child{1}},
		{"小兔子🐰来了", "nickname 小兔子🐰", []screening.Child{2}},
		{"是杭州市西湖区文一路88号翠苑小区3栋2单元501室吗", "address 杭州市西湖区文一路88号翠苑小区3栋2单元501室", []screening.Child{3}},
		{"LELE＠example.cn", "email LELE＠example.cn", []screening.Child{3}},
		{"学号２０２３０１４５", "other ２０２３０１４５", []screening.Child{4}},
		{"阿依古丽买买提", "name 阿依古丽买买提", []screening.Child{5}},
		{"lily2016 你好", "nickname lily2016", []screening.Child{5}},
	} {
		found := screening.Screen(c.text, k)
		if len(found) != 1 || words(c.text, found)[0] != c.want || !slices.Equal(found[0].Children, c.children) {
			t.Errorf("%s: %q, children %v", c.text, words(c.text, found), found)
		}
	}
	for _, s := range []string{"王子和涵洞", "120230145", "lily20167", "xlily2016", "小满", ""} {
		if found := screening.Screen(s, k); len(found) != 0 {
			t.Errorf("%s: %q", s, words(s, found))
		}
	}
}

// A name alone that many share proves nothing; with another value of the same
// child it does.
func TestArticle4_ASecondValueOfTheSameChildProvesIt(t *testing.T) {
	g := screening.Gather()
	for c := range screening.Child(50) {
		g.Add(c, screening.Name, pii.New("王子涵"))
	}
	g.Add(7, screening.School, pii.New("杭州市第一小学"))
	g.Add(60, screening.School, pii.New("杭州市第二小学"))
	k := g.Known()
	confidence := func(s string) screening.Confidence {
		for _, f := range screening.Screen(s, k) {
			if s[f.Start:f.End] == "王子涵" {
				return f.Confidence
			}
		}
		return 0
	}
	if c := confidence("昨天碰到王子涵了"); c != screening.Possible {
		t.Errorf("alone: %s", c)
	}
	if c := confidence("杭州市第一小学那个王子涵"); c != screening.Certain {
		t.Errorf("with the school of one of them: %s", c)
	}
	if c := confidence("，王子涵，"); c != screening.Possible {
		t.Errorf("alone again: %s", c)
	}
}

// Article 4, edge case 25: what belongs to another child is held, and no permit of
// the author's changes that. Article 18: the author's own needs a permit.
func TestArticle4_VerdictsByPolicy(t *testing.T) {
	k := known("name 王子涵", "phone 13812345678", "name 李小满", "phone 13912345678")
	first := screening.Author{Child: 1, IsChild: true}
	permitted := screening.Author{Child: 1, IsChild: true, Permits: []screening.Kind{screening.Phone}}
	for _, c := range []struct {
		text string
		by   screening.Author
		want screening.Verdict
	}{
		{"今天天气真好", first, screening.Publish},
		{"我的电话13812345678", first, screening.Mask},
		{"我的电话13812345678", permitted, screening.Publish},
		{"她的电话13912345678", permitted, screening.Hold},
		{"电话13712345678", permitted, screening.Mask},
		{"身份证11010520140307123X", first, screening.Hold},
		{"身份证110105201403071233，打13812345678", permitted, screening.Hold},
	} {
		text := c.text
		if got := screening.Standard().Decide(c.by, screening.Screen(text, k)); got != c.want {
			t.Errorf("%s: %s, want %s; %q", text, got, c.want, words(text, screening.Screen(text, k)))
		}
	}
	if got := (screening.Policy{}).Decide(first, screening.Screen("电话13712345678", k)); got != screening.Hold {
		t.Errorf("a policy that says nothing: %s", got)
	}
}

// Invariant 9: a set has no value in it. What a debugger prints of it has none.
func TestInvariant9_AKnownHoldsNoValue(t *testing.T) {
	k := known("phone 13812345678", "name 王子涵", "address 杭州市西湖区文一路88号翠苑小区3栋2单元501室", "email lele@example.cn")
	dump := fmt.Sprintf("%#v", *k)
	for _, secret := range []string{"13812345678", "王子涵", "lele", "翠苑"} {
		if strings.Contains(dump, secret) {
			t.Error("the set shows a value")
		}
	}
	if other := known("phone 13812345678"); fmt.Sprintf("%#v", *other) == fmt.Sprintf("%#v", *known("phone 13812345678")) {
		t.Error("two sets have the same key")
	}
}

// Each value of a large set is found, and of values that aren't in it none.
func TestArticle4_AMillionValues(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	d := &drawer{r}
	before := heap()
	k, some := million(d)
	t.Logf("%d values: %d bytes by its own account, %d on the heap", k.Len(), k.Size(), heap()-before)
	if k.Len() < 1_000_000 || k.Size() > 64<<20 {
		t.Errorf("%d values in %d bytes", k.Len(), k.Size())
	}
	for _, v := range some {
		text := "昨天，" + v + "，就是"
		if !slices.ContainsFunc(screening.Screen(text, k), func(f screening.Finding) bool { return f.Children != nil }) {
			t.Errorf("a value isn't found in %d bytes", len(text))
		}
	}
	for range 1000 {
		if text := "编号ab" + d.digits(9) + "，"; len(screening.Screen(text, k)) > 0 {
			t.Error("what isn't in the set is found")
		}
	}
	runtime.KeepAlive(k)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// million is a set of a million values of 200,000 children, and some of them.
func million(d *drawer) (*screening.Known, []string) {
	g := screening.Gather()
	var some []string
	const children = 200_000
	for c := range screening.Child(children) {
		name, phone := d.person(), "13"+d.digits(9)
		address := d.address()
		nick, email := d.pick("小兔子 奥特曼 甜甜 石头 豆豆")+d.digits(4), d.handle()+d.digits(3)+"@example.cn"
		g.Add(c, screening.Name, pii.New(name))
		g.Add(c, screening.Phone, pii.New(phone))
		g.Add(c, screening.Address, pii.New(address))
		g.Add(c, screening.Nickname, pii.New(nick))
		g.Add(c, screening.Email, pii.New(email))
		if c%2000 == 0 {
			some = append(some, name, phone, address, nick, email)
		}
	}
	return g.Known(), some
}

// Findings lie within the text, in order and apart; what is masked has none of
// them left.
func FuzzScreen(f *testing.F) {
	for _, s := range []string{"", "打我138 1234 5678", "一三八一二三四五六七八", "王*五王五五", "\xff\xfe138\x00", "微信：abc_123，QQ 12345678", "实验小学三年级2班王子涵、李明", "杭州市文一路88号3栋501室",
		"1️⃣3️⃣8️⃣", "(at)a(at)b.cn", "a@b.cn@c.cn", "6222 0200 1234 5678 905", "11010520140307123X"} {
		f.Add(s)
	}
	k := known("name 王五", "phone 13812345678", "name 李小满", "address 杭州市西湖区文一路88号", "nickname ***1*", "nickname 五五")
	f.Fuzz(func(t *testing.T, text string) {
		for _, set := range []*screening.Known{nil, k} {
			found := screening.Screen(text, set)
			at := 0
			for _, f := range found {
				if f.Start < at || f.End <= f.Start || f.End > len(text) || f.Kind == 0 || f.Confidence == 0 || f.Mask == "" {
					t.Fatalf("finding %+v after %d in %q", f, at, text)
				}
				if utf8.ValidString(text) && !utf8.ValidString(text[f.Start:f.End]) {
					t.Fatalf("finding %+v cuts a rune of %q", f, text)
				}
				at = f.End
			}
			masked := screening.Masked(text, found)
			for _, f := range found {
				if v := text[f.Start:f.End]; strings.Trim(v, "*") != "" && strings.Contains(masked, v) {
					t.Fatalf("%q is left in %q", v, masked)
				}
			}
			screening.Standard().Decide(screening.Author{}, found)
		}
	})
}

// What strangers send as a picture never ends the program, and is an error or an
// answer.
func FuzzPicture(f *testing.F) {
	for _, b := range pictures(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lines, err := screening.Picture(data, nil)
		if err != nil && lines != nil {
			t.Fatal("an error and an answer")
		}
		for _, l := range lines {
			if l.Tag == "" || l.Kind == 0 && len(l.Findings) == 0 {
				t.Fatalf("a line that says nothing: %+v", l)
			}
		}
	})
}

func BenchmarkScreen(b *testing.B) {
	d := &drawer{rand.New(rand.NewPCG(4, 4))}
	k, _ := million(d)
	file, err := os.ReadFile(corpus)
	if err != nil {
		b.Fatal(err)
	}
	var dense strings.Builder
	for line := range strings.Lines(string(file)) {
		_, rest, _ := strings.Cut(line, `"text":"`)
		text, _, _ := strings.Cut(rest, `","`)
		dense.WriteString(text + "\n")
	}
	prose, err := os.ReadFile("testdata/prose.txt")
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name, text string
		known      *screening.Known
	}{{"prose", strings.Repeat(string(prose), 20), k}, {"prose/unknown", strings.Repeat(string(prose), 20), nil}, {"corpus", dense.String(), k}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.text)))
			b.ReportMetric(float64(k.Size())/(1<<20), "MiB/set")
			for b.Loop() {
				screening.Screen(c.text, c.known)
			}
		})
	}
}
