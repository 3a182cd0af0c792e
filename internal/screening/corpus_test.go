package screening_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"wardkeep/internal/screening"
)

var update = flag.Bool("update", false, "write testdata/corpus.jsonl and docs/screening.md again")

// A sentence is one line of testdata/corpus.jsonl.
type sentence struct {
	Text     string `json:"text"`
	Spans    []span `json:"spans,omitempty"`
	Template int    `json:"template"` // the line of templates.txt
	Half     string `json:"half"`     // tuning, held-out, fresh or anew
}

type span struct {
	Kind  string `json:"kind"`
	Start int    `json:"start"` // bytes
	End   int    `json:"end"`
}

const (
	templates = "testdata/templates.txt"
	corpus    = "testdata/corpus.jsonl"
)

// The corpus is what its templates make; its values are drawn, and nobody's. The
// halves are parted by the hash of the template, so that no wording of the half
// that is measured is one that the rules were tuned with.
func TestCorpus_IsMadeFromItsTemplates(t *testing.T) {
	made := makeCorpus(t)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, s := range made {
		if err := enc.Encode(s); err != nil {
			t.Fatal(err)
		}
	}
	if *update {
		if err := os.WriteFile(corpus, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(corpus)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(file, b.Bytes()) {
		t.Errorf("%s isn't what %s makes: go test ./internal/screening -update", corpus, templates)
	}
	if len(made) < 2000 {
		t.Errorf("%d sentences, want 2,000", len(made))
	}
	for _, s := range made {
		for _, p := range s.Spans {
			if p.Start < 0 || p.End > len(s.Text) || p.Start >= p.End || !utf8.ValidString(s.Text[p.Start:p.End]) {
				t.Errorf("a span of template %d isn't in its text", s.Template)
			}
			if _, ok := screening.KindOf(p.Kind); !ok {
				t.Errorf("template %d: there is no kind %s", s.Template, p.Kind)
			}
		}
	}
}

var place = regexp.MustCompile(`\{=?[a-z]+[0-9]*\}`)

func makeCorpus(t *testing.T) (all []sentence) {
	t.Helper()
	file, err := os.ReadFile(templates)
	if err != nil {
		t.Fatal(err)
	}
	late, pool := "", readPool(t)
	for i, line := range strings.Split(string(file), "\n") {
		for _, part := range []string{"fresh", "anew"} {
			if strings.HasPrefix(line, "# "+part) {
				late = part
			}
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		h := fnv.New64a()
		h.Write([]byte(line))
		d := newDrawer(h.Sum64())
		half := "tuning"
		if h.Sum64()>>32%2 == 1 {
			half = "held-out"
		}
		if late != "" {
			half = late
		}
		if half != "tuning" {
			d.pool = pool
		}
		times := 10
		if !place.MatchString(line) {
			times = 1
		}
		for range times {
			s := sentence{Template: i + 1, Half: half}
			at := 0
			for _, m := range place.FindAllStringIndex(line, -1) {
				s.Text += line[at:m[0]]
				name := strings.Trim(line[m[0]:m[1]], "{}")
				kind, value := d.draw(t, name)
				if kind != "" {
					s.Spans = append(s.Spans, span{kind, len(s.Text), len(s.Text) + len(value)})
				}
				s.Text += value
				at = m[1]
			}
			s.Text += line[at:]
			all = append(all, s)
		}
	}
	return all
}

// A drawer draws values that look like those of persons.
type drawer struct {
	*rand.Rand
	lists map[string][]string // that were split
	pool  map[string][]string // from which given names and places come; nil: those that are written here
}

func newDrawer(seed uint64) *drawer {
	return &drawer{Rand: rand.New(rand.NewPCG(seed, 14)), lists: map[string][]string{}}
}

// readPool reads testdata/pool.txt, by its headings.
func readPool(t *testing.T) map[string][]string {
	t.Helper()
	file, err := os.ReadFile("testdata/pool.txt")
	if err != nil {
		t.Fatal(err)
	}
	pool, part := make(map[string][]string), ""
	for line := range strings.Lines(string(file)) {
		if heading, ok := strings.CutPrefix(line, "# "); ok {
			part = strings.TrimSpace(heading)
			continue
		}
		pool[part] = append(pool[part], strings.Fields(line)...)
	}
	for _, part := range []string{"given two", "given one", "streets", "cities"} {
		if len(pool[part]) < 20 {
			t.Fatalf("%s: %d in the pool", part, len(pool[part]))
		}
	}
	return pool
}

// of picks from a part of the pool, or where there is none from a list.
func (d *drawer) of(part, list string) string {
	if all := d.pool[part]; len(all) > 0 {
		return all[d.IntN(len(all))]
	}
	return d.pick(list)
}

func (d *drawer) draw(t testing.TB, name string) (kind, value string) {
	t.Helper()
	hidden := strings.HasPrefix(name, "=")
	name = strings.TrimPrefix(name, "=")
	base := strings.TrimRight(name, "0123456789")
	n := 0
	fmt.Sscanf(name[len(base):], "%d", &n)
	switch base {
	case "phone":
		kind, value = "phone", d.written(d.pick("130 131 132 133 134 135 136 137 138 139 145 147 150 151 152 153 155 156 157 158 159 166 170 171 173 175 176 177 178 180 181 182 183 185 186 187 188 189 191 193 195 198 199")+d.digits(8))
	case "landline":
		kind, value = "phone", d.pick("010 021 0571 0755 028 0531 0371 024 0591 0431")
		value += []string{"-", " ", ""}[d.IntN(3)] + d.pick("2 3 5 6 8") + d.digits(7)
	case "identity":
		kind, value = "identity-number", d.identity()
	case "passport":
		kind, value = "passport", d.pick("E G EA EB EC EJ EK")
		value += d.digits(9 - len(value))
	case "permit":
		kind, value = "passport", d.pick("C C H")+d.digits(8)
	case "card":
		kind, value = "bank-card", d.card()
	case "email":
		kind, value = "email", d.email()
	case "wechat", "handle":
		kind, value = "wechat", d.handle()
	case "qq":
		kind, value = "qq", d.pick("1 2 3 7 8 9")+d.digits(7+d.IntN(3))
		if d.IntN(6) == 0 {
			value = wide(value)
		}
	case "address":
		kind, value = "address", d.address()
	case "pupil":
		kind, value = "pupil", d.person()
	case "teacher":
		value = d.person()
	case "school":
		value = d.school()
	case "class":
		value = d.class()
	case "road":
		value = d.road()
	case "digits":
		value = d.pick("1 2 3 4 5 6 7 8 9") + d.digits(n-1)
	case "tracking":
		value = d.pick("SF YT JD ZTO STO JT EMS78 YD") + d.digits(13)
	case "isbn":
		value = "978-7-" + d.digits(3) + "-" + d.digits(5) + "-" + d.digits(1)
	case "stamp":
		value = "1" + d.pick("6 7") + d.digits(8)
		if n == 13 {
			value += d.digits(3)
		}
	case "ean":
		value = "69" + d.digits(11)
	case "price":
		value = fmt.Sprintf("%d.%02d", d.IntN(3000)+1, d.IntN(100))
	case "meeting":
		value = d.digits(3) + "-" + d.digits(3) + "-" + d.digits(3)
	case "hex":
		for range n {
			value += string("0123456789abcdef"[d.IntN(16)])
		}
	case "wrongcard": // of an issuer of cards, and with a wrong check digit
		value = luhn(d.pick("622202 622848 621700 621661 622588 621226") + d.digits(12))
		value = value[:len(value)-1] + string('0'+rune((int(value[len(value)-1]-'0')+1+d.IntN(9))%10))
	case "cardlike": // with the right check digit, and no card
		value = luhn(d.pick("62 20 41 88") + d.digits(16))
	case "star":
		value = d.pick("顺丰 圆通 中通 韵达")
	case "servicemail":
		value = d.pick("service support kefu jubao info") + "@" + d.pick("example.com school.example.cn app.example.net")
	default:
		t.Fatalf("there is no place {%s}", name)
	}
	if hidden {
		kind = ""
	}
	return kind, value
}

func (d *drawer) pick(list string) string {
	f := d.lists[list]
	if f == nil {
		f = strings.Fields(list)
		d.lists[list] = f
	}
	return f[d.IntN(len(f))]
}

func (d *drawer) digits(n int) (s string) {
	for range n {
		s += string('0' + rune(d.IntN(10)))
	}
	return s
}

// written is a phone number in one of the ways in which people write one, plainly
// half of the time.
func (d *drawer) written(p string) string {
	three := func(sep string) string { return p[:3] + sep + p[3:7] + sep + p[7:] }
	switch d.IntN(22) {
	case 0, 1:
		return three("-")
	case 2, 3:
		return three(" ")
	case 4:
		return "+86" + p
	case 5:
		return "+86 " + p
	case 6:
		return wide(p)
	case 7:
		return map3(p, []rune("零一二三四五六七八九"))
	case 8:
		return map3(p, []rune("零幺二三四五六七八九"))
	case 9:
		return map3(p, []rune("⓪①②③④⑤⑥⑦⑧⑨"))
	case 10:
		return strings.Join(strings.Split(p, ""), "\u200b")
	case 11:
		return strings.Join(strings.Split(p, ""), " ")
	case 12:
		return p[:3] + map3(p[3:7], []rune("零一二三四五六七八九")) + p[7:]
	}
	return p
}

func map3(p string, to []rune) (s string) {
	for _, r := range p {
		s += string(to[r-'0'])
	}
	return s
}

func wide(p string) (s string) {
	for _, r := range p {
		s += string(r + 0xfee0)
	}
	return s
}

// identity is a number of GB 11643 with the check character from its table of
// weights.
func (d *drawer) identity() string {
	s := d.pick("110105 310104 440305 330106 510107 420111 320102 370202 610113 230103 500112 130102 350203 430104 150105 620102 710000 810000") +
		fmt.Sprintf("%04d%02d%02d", d.pickYear(), d.IntN(12)+1, d.IntN(28)+1) + d.digits(3)
	sum := 0
	for i, w := range [...]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += int(s[i]-'0') * w
	}
	s += string("10X98765432"[sum%11])
	switch d.IntN(12) {
	case 0:
		return strings.ToLower(s)
	case 1:
		return s[:6] + " " + s[6:14] + " " + s[14:]
	case 2:
		return wide(s)
	}
	return s
}

func (d *drawer) pickYear() int {
	if d.IntN(3) == 0 {
		return 1950 + d.IntN(50)
	}
	return 2008 + d.IntN(15)
}

func (d *drawer) card() string {
	s := luhn(d.pick("622202 622848 621700 621661 622588 621226 620058 623052 621098 622700") + d.digits(12))
	if d.IntN(3) == 0 {
		s = luhn(d.pick("622588 621486 622155 625160") + d.digits(9))
	}
	switch d.IntN(4) {
	case 0:
		var parts []string
		for i := 0; i < len(s); i += 4 {
			parts = append(parts, s[i:min(i+4, len(s))])
		}
		return strings.Join(parts, " ")
	}
	return s
}

// luhn adds the check digit.
func luhn(s string) string {
	sum := 0
	for i := range len(s) {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return s + string('0'+rune((10-sum%10)%10))
}

func (d *drawer) email() string {
	name := d.pick("lele xiaoyu tangtang wang.lily zhang_hao 2013bear happy-kid doudou li.na88 mama2015 sunny0601 qiqi")
	if d.IntN(3) == 0 {
		name += d.digits(3)
	}
	domain := d.pick("qq.com 163.com 126.com gmail.com outlook.com sina.com.cn foxmail.com example.cn")
	if domain == "qq.com" {
		name = "1" + d.digits(8)
	}
	switch d.IntN(10) {
	case 0:
		return name + "＠" + domain
	case 1:
		return name + "(at)" + domain
	}
	return name + "@" + domain
}

func (d *drawer) handle() string {
	s := d.pick("xiaoxiong doudou_ lxy tangyuan happy_ wxid_ niuniu- aimee zhang yueliang0")
	return s + strings.Repeat("x", max(0, 3-len(s))) + d.digits(3+d.IntN(4))
}

func (d *drawer) road() string {
	return d.pick("文一 中山 解放 人民 建设 和平 学院 桂花 滨江 长虹 青年 朝阳 望江 翠竹") + d.pick("路 街 大道 北路 西路 巷")
}

func (d *drawer) address() string {
	city := d.pick("杭州市西湖区 北京市朝阳区 上海市徐汇区 广东省深圳市南山区 成都市武侯区 江苏省南京市鼓楼区 武汉市洪山区 西安市雁塔区 长沙市岳麓区 沈阳市和平区")
	estate := d.pick("翠苑小区 阳光花园 幸福家园 金地名苑 碧桂园 和谐佳苑 锦绣江南小区 教师新村")
	n := func(most int) string { return fmt.Sprint(d.IntN(most) + 1) }
	room := fmt.Sprintf("%d0%d", d.IntN(28)+1, d.IntN(4)+1)
	switch d.IntN(9) {
	case 0:
		return city + d.road() + n(300) + "号" + estate + n(30) + "栋" + n(4) + "单元" + room + "室"
	case 1:
		return city + d.road() + n(300) + "号" + n(30) + "幢" + room + "室"
	case 2:
		return city + estate + n(30) + "栋" + room
	case 3:
		return estate + n(30) + "号楼" + n(4) + "单元" + room
	case 4:
		return city + d.road() + n(99) + "弄" + n(60) + "号" + room + "室"
	case 5:
		return city + estate + d.pick("三 五 六 十二 八") + "栋" + d.pick("一 二 三") + "单元" + room + "室"
	case 6:
		return d.pick("湖南省衡阳县 安徽省六安市霍山县 河南省登封市 四川省仁寿县") + d.pick("石坪镇 大岭乡 柳河镇 清泉镇") + d.pick("李家村 东风村 张庄村 桃园村") + n(12) + "组" + n(80) + "号"
	case 7:
		return city + d.road() + n(300) + "号" + estate + n(30) + "号楼" + room + "室"
	}
	return d.road() + n(300) + "号" + n(20) + "栋" + n(4) + "单元" + room + "室"
}

// person is a name that was drawn: a family name by its share in the country, and
// given names as classes of these years have them.
func (d *drawer) person() string {
	family := d.pick("王 王 王 李 李 李 张 张 张 刘 刘 陈 陈 杨 赵 黄 周 吴 徐 孙 胡 朱 高 林 何 郭 马 罗 梁 宋 郑 谢 韩 唐 冯 于 董 萧 程 曹 袁 邓 许 傅 沈 曾 彭 吕 苏 卢 蒋 蔡 贾 丁 魏 薛 叶 阎 余 潘 杜 戴 夏 钟 汪 田 任 姜 范 方 石 姚 谭 廖 邹 熊 金 陆 郝 孔 白 崔 康 毛 邱 秦 江 史 顾 侯 邵 孟 龙 万 段 雷 钱 汤 尹 黎 易 常 武 乔 贺 赖 龚 文 欧阳 上官 诸葛 司徒")
	const two = "子轩 梓涵 浩宇 欣怡 雨桐 诗涵 宇航 子墨 一诺 依诺 梓萱 若曦 思远 嘉懿 天佑 明哲 俊熙 雅琪 语嫣 紫涵 梦洁 佳琪 文昊 景行 知夏 晨阳 书瑶 奕辰 沐阳 可欣 心怡 家豪 子睿 梓豪 雨泽 君浩 诗雨 静怡 思彤 晓彤 婉清 以沫 清扬 慕白 念安 星辰 若水 乐瑶 悦然 允儿 瑾萱 铭泽 博远 致远 泽楷 昕妍 佑宁 建军 志强 丽华 小燕 有为 可爱 天真 来福 学文 国庆 海洋 正阳 若兰 亦菲 千寻 半夏 十安 小满 麦冬 南星 初一 冬冬 丫丫 淼淼 圆圆 豆豆"
	const one = "涵 轩 睿 琪 悦 萌 昊 晨 妍 杰 磊 静 敏 娜 洋 鑫 宁 阳 雪 燕 超 帆 霏 楠 菲 彤 硕 畅 玥 熙 然 诺 航 博 彬 淼 犇 森 喆 翀 懿 曦"
	switch d.IntN(8) {
	case 0, 1:
		return family + d.of("given one", one)
	}
	if d.IntN(60) == 0 {
		return d.pick("阿依古丽·买买提 古丽娜尔·艾山 巴特尔·其其格 艾力·吐尔逊 努尔兰·哈布勒")
	}
	return family + d.of("given two", two)
}

func (d *drawer) school() string {
	if d.pool != nil {
		where := d.of("cities", "") + "市"
		switch d.IntN(3) {
		case 0:
			where += d.of("streets", "")
		case 1:
			where = d.of("streets", "")
		}
		return where + d.pick("实验小学 第一小学 第三小学 中心小学 希望小学 外国语小学 附属小学 第二中学 实验中学 外国语学校 实验学校 幼儿园 小学 学校 中学 二小 四中")
	}
	return d.pick("杭州市 北京市 南山区 武侯区 长沙市 青岛 苏州 光明 东风 育才 阳光 红旗 城关 朝晖 滨江 丁香") +
		d.pick("实验小学 第一小学 第三小学 中心小学 希望小学 外国语小学 附属小学 第二中学 实验中学 外国语学校 实验学校 幼儿园 机关幼儿园 一小 师大附小 二中")
}

func (d *drawer) class() string {
	switch d.IntN(7) {
	case 0:
		return d.pick("一 二 三 四 五 六") + "年级"
	case 1:
		return d.pick("一 二 三 四 五 六") + "年级（" + fmt.Sprint(d.IntN(9)+1) + "）班"
	case 2:
		return d.pick("一 二 三 四 五 六") + "（" + fmt.Sprint(d.IntN(9)+1) + "）班"
	case 3:
		return d.pick("初一 初二 初三") + fmt.Sprint(d.IntN(9)+1) + "班"
	case 4:
		return d.pick("一 二 三 四 五 六") + "年" + d.pick("一 二 三 四") + "班"
	case 5:
		return fmt.Sprintf("%d0%d班", d.IntN(6)+1, d.IntN(9)+1)
	}
	return d.pick("一 二 三 四 五 六") + "年级" + d.pick("1 2 3 4 5 6 三 四 五") + "班"
}
