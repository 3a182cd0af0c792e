package screening_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"wardkeep/internal/base/pii"
	"wardkeep/internal/screening"
)

// read is what is found in a text that isn't too large.
func read(text string, k *screening.Known) []screening.Finding {
	found, err := screening.Screen(text, k)
	if err != nil {
		panic(err)
	}
	return found
}

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
		found := read(s, nil)
		if len(found) != 1 || found[0].Kind != screening.Phone {
			t.Errorf("%s: %v", s, words(s, found))
			continue
		}
		if m := screening.Masked(s, found); !strings.HasPrefix(m, "打我") || !strings.HasSuffix(strings.TrimRight(m, "\ufe0f\u20e3"), "吧") {
			t.Errorf("%s is masked as %s", s, m)
		}
	}
}

// An X stands at the end of an identity number and nowhere else. Where a stranger
// puts one among other digits, it makes no number of them, and ends nothing.
func TestArticle4_AnXAmongDigitsIsNoDigit(t *testing.T) {
	for _, s := range []string{"19x 12345678", "19x-1234-5678", "19x 1234 5678", "1x 912345678", "手机19x 12345678", "手机+86 19x 12345678", "008619x 12345678",
		"家里电话010x 1234567", "家里电话0571x 123456", "护照E1234x 678"} {
		if found := read(s, nil); len(found) != 0 {
			t.Errorf("%s: %q", s, words(s, found))
		}
	}
	for s, want := range map[string]string{"手机19x 13812345678": "phone 13812345678", "身份证11010520140307123X": "identity-number 11010520140307123X"} {
		if got := strings.Join(words(s, read(s, nil)), ","); got != want {
			t.Errorf("%s: %q", s, got)
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
		"school 杭州市第一小学", "other 20230145", "name 阿依古丽·买买提", "nickname Lily2016", "name 林子金", "nickname 黄小龙", "name 马\U0002284a慎")
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
		// Radicals, as text from a PDF has them, and Chinese for older sets of characters.
		{"今天\uf9f4⼦⾦没来", "name \uf9f4⼦⾦", []screening.Child{6}},
		{"⻩⼩⻰来了", "nickname ⻩⼩⻰", []screening.Child{6}},
		{"是⻢\ufacf\U0002f8a8吗", "name ⻢\ufacf\U0002f8a8", []screening.Child{7}},
		// What nobody sees: a control, a vowel that isn't written, a circle around, a sign of music, another mark.
		{"今天王\x00子\u17b4涵没来", "name 王\x00子\u17b4涵", []screening.Child{1}},
		{"今天王\u20dd子\U0001d173涵没来", "name 王\u20dd子\U0001d173涵", []screening.Child{1}},
		{"今天王\uffa0子\u180b涵没来", "name 王\uffa0子\u180b涵", []screening.Child{1}},
	} {
		found := read(c.text, k)
		if len(found) != 1 || words(c.text, found)[0] != c.want || !slices.Equal(found[0].Children, c.children) {
			t.Errorf("%s: %q, children %v", c.text, words(c.text, found), found)
		}
	}
	for _, s := range []string{"王子和涵洞", "120230145", "lily20167", "xlily2016", "小满", ""} {
		if found := read(s, k); len(found) != 0 {
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
		for _, f := range read(s, k) {
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
	lenient := screening.Publishing(screening.Phone, screening.Name, screening.Pupil)
	for _, c := range []struct {
		text string
		by   screening.Author
		want screening.Verdict
	}{
		{"今天天气真好", first, screening.Publish},
		{"我的电话13812345678", first, screening.Hold},
		{"我的电话13812345678", permitted, screening.Publish},
		{"她的电话13912345678", permitted, screening.Hold},
		{"她的电话13912345678", screening.Author{}, screening.Hold},
		{"电话13712345678", permitted, screening.Publish},
		{"我叫王子涵", first, screening.Hold},
		{"身份证11010520140307123X", first, screening.Hold},
		{"身份证110105201403071233，打13812345678", permitted, screening.Hold},
	} {
		text := c.text
		if got := lenient.Decide(c.by, read(text, k)); got != c.want {
			t.Errorf("%s: %s, want %s; %q", text, got, c.want, words(text, read(text, k)))
		}
	}
	// What points at one child of few is another child's, whatever the policy lets pass: a name of three
	// characters, and what has a digit in it, as the number of a pupil; no word of two.
	few := known("name 王子涵", "other 20230145", "other 钢琴", "name 小溪")
	lenient = screening.Publishing(screening.Name, screening.Other)
	for text, want := range map[string]screening.Verdict{
		"，王子涵，": screening.Hold, "编号20230145": screening.Hold, "编号２０２３０１４５": screening.Hold, "编号20230146": screening.Publish,
		"他弹钢琴": screening.Publish, "门前有条小溪": screening.Publish,
	} {
		if got := lenient.Decide(screening.Author{}, read(text, few)); got != want {
			t.Errorf("%s: %s, want %s; %q", text, got, want, words(text, read(text, few)))
		}
	}
	if got := (screening.Policy{}).Decide(first, read("电话13712345678", k)); got != screening.Hold {
		t.Errorf("a policy that says nothing: %s", got)
	}
}

// Article 4, edge case 25: another child's value is held where it is a part of
// something longer, too, and the author's own value beside it doesn't open it.
func TestArticle4_AKnownValueWithinALongerPatternIsHeld(t *testing.T) {
	k := known("address 文一路88号", "qq 123456789", "address 翠苑小区3栋2单元501室", "name 西湖")
	lenient := screening.Publishing(screening.Address, screening.Email)
	own := func(c screening.Child) screening.Author {
		return screening.Author{Child: c, IsChild: true, Permits: []screening.Kind{screening.Address, screening.Email, screening.QQ}}
	}
	const both = "我家住在杭州市西湖区文一路88号翠苑小区3栋2单元501室"
	for _, c := range []struct {
		text     string
		by       screening.Author
		want     screening.Verdict
		children []screening.Child
	}{
		{"我家住在杭州市文一路88号5栋2单元301室", own(1), screening.Publish, []screening.Child{1}},
		{"我家住在杭州市文一路88号5栋2单元301室", screening.Author{Child: 1, IsChild: true}, screening.Hold, []screening.Child{1}},
		{"我家住在杭州市文一路88号5栋2单元301室", own(2), screening.Hold, []screening.Child{1}},
		{"我家住在杭州市文一路88号5栋2单元301室", screening.Author{}, screening.Hold, []screening.Child{1}},
		{"我家住在杭州市西湖区中山路7号5栋2单元301室", screening.Author{Child: 1, IsChild: true}, screening.Publish, nil},
		{"写信到123456789@qq.com", own(2), screening.Hold, []screening.Child{1}},
		{"写信到123456789@qq.com", own(1), screening.Publish, []screening.Child{1}},
		{both, screening.Author{Child: 1, IsChild: true, Permits: []screening.Kind{screening.Address}}, screening.Hold, []screening.Child{2}},
		{both, screening.Author{Child: 2, IsChild: true, Permits: []screening.Kind{screening.Address}}, screening.Hold, []screening.Child{2}},
	} {
		found := read(c.text, k)
		if len(found) != 1 || !slices.Equal(found[0].Children, c.children) || lenient.Decide(c.by, found) != c.want {
			t.Errorf("%s by %d: %q of %v, %s, want %s", c.text, c.by.Child, words(c.text, found), found, lenient.Decide(c.by, found), c.want)
		}
	}
}

// Invariant 9: a set has no value in it. What a debugger prints of it has none.
func TestInvariant9_AKnownHoldsNoValue(t *testing.T) {
	k := known("phone 13812345678", "name 王子涵", "address 杭州市西湖区文一路88号翠苑小区3栋2单元501室", "email lele@example.cn")
	dump := fmt.Sprintf("%+v", *k)
	for _, secret := range []string{"13812345678", "王子涵", "lele", "翠苑"} {
		if strings.Contains(dump, secret) {
			t.Error("the set shows a value")
		}
	}
}

// Each value of a large set is found, and of values that aren't in it none. A text is read in
// little more time with a million known values than with a thousand, whatever else the machine
// does.
func TestArticle4_AMillionValues(t *testing.T) {
	d := newDrawer(4)
	before := heap()
	k, some := million(d)
	t.Logf("%d values: %d bytes by its own account, %d on the heap", k.Len(), k.Size(), heap()-before)
	if k.Len() < 1_000_000 || k.Size() > 64<<20 {
		t.Errorf("%d values in %d bytes", k.Len(), k.Size())
	}
	for v, c := range some {
		text := "昨天，" + v + "，就是"
		if !slices.ContainsFunc(read(text, k), func(f screening.Finding) bool { return slices.Contains(f.Children, c) }) {
			t.Errorf("%s isn't found", v)
		}
	}
	for range 1000 {
		if text := "编号ab" + d.digits(9) + "，"; len(read(text, k)) > 0 {
			t.Error("what isn't in the set is found")
		}
	}
	g := screening.Gather()
	for c := range screening.Child(500) {
		g.Add(c, screening.Phone, pii.New("13"+d.digits(9)))
		g.Add(c, screening.Address, pii.New(d.address()))
	}
	few, post := g.Known(), newWriter(t, 6).post(100_000, 20)
	little, much := time.Hour, time.Hour
	for range 7 { // the least of each, in turns: something else may have had the machine
		little, much = min(little, taken(post, few)), min(much, taken(post, k))
	}
	t.Logf("%v with %d values, %v with %d: %.2f times", little, few.Len(), much, k.Len(), float64(much)/float64(little))
	if much > 3*little {
		t.Errorf("%v with %d values and %v with %d, want 3 times as long at most", little, few.Len(), much, k.Len())
	}
	runtime.KeepAlive(k)
}

// taken is how long it takes to read a text.
func taken(text string, k *screening.Known) time.Duration {
	start := time.Now()
	read(text, k)
	return time.Since(start)
}

// Whoever sends what is made to take long gets no more than the time that its size
// takes: ten times the text, and not a hundred times the work.
func TestArticle4_NoTextTakesLong(t *testing.T) {
	g := screening.Gather()
	for c := range screening.Child(20000) {
		g.Add(c, screening.Name, pii.New("王子涵"))
	}
	g.Add(1, screening.Other, pii.New("一一一一一一"))
	k := g.Known()
	for _, s := range []string{"1", "一", "1 ", "一1", "138", "138-", "13812345678,", "@", "a@", "a@b.c", "(at)", "a(at)", "q", "微信", "微信1", "qq1 ", "v:", "号", "1号", "1号路", "路1号", "王", "王子涵", "王子涵,", "小学", "实验小学王子涵", "一班", "一班王",
		"·", "阿·", "，", "。", "*五", "o", "l1", "\u200b", "x", "1x", "11010120140307123", "\xff", "叫", "和", "王丽和"} {
		took := func(n int) time.Duration {
			text := strings.Repeat(s, n/len(s)+1)
			start := time.Now()
			screening.Masked(text, read(text, k))
			return time.Since(start)
		}
		a, b := took(5_000), took(50_000)
		for n := 0; n < 5 && b > 50*time.Millisecond && b > 40*a; n++ {
			b = min(b, took(50_000)) // something else may have had the machine
		}
		if b > 50*time.Millisecond && b > 40*a {
			t.Errorf("%q again and again: %v for 5 kB, %v for 50 kB", s, a, b)
		}
	}
}

// Values that overlap one another, and what has a form of its own under each of them, make one
// finding, which grows with each and is copied for none.
func TestArticle4_AChainOfValuesTakesNoMore(t *testing.T) {
	k := known("other 室王13812345678王", "other 王13812345678王")
	const links = 5000
	text := "我家住在杭州市西湖区文一路88号5栋2单元301室" + strings.Repeat("王13812345678", links)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	found := read(text, k)
	runtime.ReadMemStats(&after)
	if len(found) != 2 || found[0].End < len(text)*9/10 { // what stands in the chain, and the number behind it
		t.Fatalf("%d findings", len(found))
	}
	if n := (after.TotalAlloc - before.TotalAlloc) >> 20; n > 50 {
		t.Errorf("%d MB for %d bytes", n, len(text))
	}
}

// Of many who are named, each is masked, in the time that so much text takes.
func TestArticle4_MaskingManyTakesNoLonger(t *testing.T) {
	took := func(names int) (least time.Duration) {
		d := newDrawer(9)
		var b strings.Builder
		b.WriteString("实验小学三年级2班：")
		for range names {
			b.WriteString(d.person() + "、")
		}
		least = time.Hour
		for range 3 { // the least: something else may have had the machine
			start := time.Now()
			screening.Masked(b.String(), read(b.String(), nil))
			least = min(least, time.Since(start))
		}
		return least
	}
	a, b := took(500), took(5000)
	t.Logf("%v for 500, %v for 5000", a, b)
	if b > 40*a {
		t.Errorf("%v for 500 names, %v for 5000", a, b)
	}
}

// A number of QQ is found a few words after what it is, and no other number is.
func TestArticle4_ANumberOfQQStandsAFewWordsOn(t *testing.T) {
	for text, want := range map[string]string{
		"QQ上找我，38436205": "38436205", "QQ搜1641567894": "1641567894", "QQ号换了，新的是38436205": "38436205", "QQ小号38436205": "38436205",
		"扣我38436205": "38436205", "用QQ联系我：38436205，备注班级": "38436205",
		"QQ上发的订单号1641567894": "", "QQ农场有100000级": "", "QQ上说学号是20230901": "", "QQ里存了100000块": "", "QQ好友38436人": "",
	} {
		got := ""
		for _, f := range read(text, nil) {
			got += text[f.Start:f.End]
		}
		if got != want {
			t.Errorf("%s: found %q, want %q", text, got, want)
		}
	}
}

// Nobody writes QQ where it would be taken out: what people write in its place is known as well as
// it is, and the same words without a number, or with another, are none.
func TestArticle4_QQIsReadUnderItsOtherNames(t *testing.T) {
	for _, s := range []string{"蔻蔻12345678", "叩叩：12345678", "抠抠号12345678", "秋秋 12345678", "丘丘是12345678", "扣扣号码12345678", "扣号12345678", "企鹅号12345678", "鹅号：12345678",
		"🐧12345678", "🐧号 12345678", "腾讯号12345678", "Q Q 12345678", "q-q:12345678", "Q·Q 12345678", "球球大号12345678", "加我抠12345678", "扣扣小号是12345678"} {
		if found := read(s, nil); len(found) != 1 || found[0].Kind != screening.QQ || found[0].End-found[0].Start != 8 {
			t.Errorf("%s: %q", s, words(s, found))
		}
	}
	for _, s := range []string{"南极的企鹅有12345678只", "叩叩门", "🐧🐧🐧", "腾讯会议号：123 456 789", "抠抠手指12345", "买了12345只鹅", "秋天卖了123456斤"} {
		if found := read(s, nil); len(found) != 0 {
			t.Errorf("%s: %q", s, words(s, found))
		}
	}
}

// The word for QQ asks of the digits after it where its number ends, and of a
// million of them as quickly as of one sentence beside as many digits.
func TestArticle4_AHandleOfManyDigitsTakesNoLonger(t *testing.T) {
	digits := strings.Repeat("1 ", 1<<15)
	took := func(text string) (least time.Duration) {
		least = time.Hour
		for range 5 { // the least: something else may have had the machine
			start := time.Now()
			read(text, nil)
			least = min(least, time.Since(start))
		}
		return least
	}
	linear := took("他 " + digits)
	for _, s := range []string{"QQ ", "微信：", "加我q "} {
		if a := took(s + digits); a > 8*linear {
			t.Errorf("%s before %d digits takes %v, without it %v", s, len(digits)/2, a, linear)
		}
	}
}

// A text that is too large is looked at by nobody, and its error says so.
func TestArticle4_ATextThatIsTooLargeIsAnError(t *testing.T) {
	text := strings.Repeat("好", screening.LargestText/3)
	if found, err := screening.Screen(text[:len(text)-33]+"13812345678", nil); err != nil || len(found) != 1 {
		t.Errorf("at the limit: %v, %v", found, err)
	}
	if found, err := screening.Screen(strings.Repeat(" ", screening.LargestText+1), nil); !errors.Is(err, screening.ErrLargeText) || found != nil {
		t.Errorf("above it: %v, %v", found, err)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// million is a set of a million values of 200,000 children, and some of them.
func million(d *drawer) (*screening.Known, map[string]screening.Child) {
	g := screening.Gather()
	some := map[string]screening.Child{}
	for c := range screening.Child(200_000) {
		for kind, value := range map[screening.Kind]string{screening.Name: d.person(), screening.Phone: "13" + d.digits(9), screening.Address: d.address(),
			screening.Nickname: d.pick("小兔子 奥特曼 甜甜 石头 豆豆") + d.digits(6), screening.Email: d.handle() + d.digits(5) + "@example.cn"} {
			g.Add(c, kind, pii.New(value))
			if c%2000 == 0 {
				some[value] = c
			}
		}
	}
	return g.Known(), some
}

// Findings lie within the text, in order and apart; what is masked has none of
// them left.
func FuzzScreen(f *testing.F) {
	for _, s := range []string{"", "打我138 1234 5678", "一三八一二三四五六七八", "王*五王五五", "\xff\xfe138\x00", "微信：abc_123，QQ 12345678", "实验小学三年级2班王子涵、李明", "杭州市文一路88号3栋501室",
		"1️⃣3️⃣8️⃣", "(at)a(at)b.cn", "a@b.cn@c.cn", "6222 0200 1234 5678 905", "11010520140307123X",
		"19x 12345678", "1x9 12345678", "19x-1234-5678", "手机+86 19x 12345678", "家里电话010x 1234567", "护照E1234x 678"} {
		f.Add(s)
	}
	k := known("name 王五", "phone 13812345678", "name 李小满", "address 杭州市西湖区文一路88号", "nickname ***1*", "nickname 五五")
	f.Fuzz(func(t *testing.T, text string) {
		for _, set := range []*screening.Known{nil, k} {
			found := read(text, set)
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
			screening.Policy{}.Decide(screening.Author{}, found)
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
