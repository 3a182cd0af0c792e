package screening

// address looks at what may number a house, 号 栋 幢 弄 室 单元 组, at i: a
// number before it, a road or an estate before that, and more numbers after it. A
// place where nobody lives isn't reported: a road and a number alone only where
// the words say that somebody lives there, and no office.
func (s *screen) address(i int) {
	t := s.t
	if i < s.housed {
		return
	}
	p := t.numberBefore(i)
	if p == i {
		return
	}
	l := lot{end: i}
	for k := i; k < len(t.w) && l.units < mostUnits; {
		next := l.unit(t, k)
		if next == k {
			break
		}
		l.end = next
		k = l.more(t, next)
	}
	if l.units == 0 {
		return
	}
	q := p
	if r := t.rune(q - 1); r == '第' || r == ' ' || r == '-' {
		q--
	}
	road := roads.has(t.rune(q - 1))
	start := t.addressBegins(p)
	if !road && start < p && p-start < 2 {
		start = p
	}
	lives := surroundings.before(t, start, 14) == aResidence || residence(t, start)
	public := t.contains(start, min(l.end+6, len(t.w)), offices)
	switch {
	case lives && (road || l.units > 1):
	case public || lives:
		return
	case l.room && (road || l.units > 1):
	case road && l.village && l.units > 1:
	default:
		return
	}
	s.housed = l.end
	f := s.found(Address, start, l.end, Likely)
	if lives {
		f.Confidence = Certain
	}
	s.add(f)
}

// mostUnits is how many numbers an address has at most: the whole of a text that is
// nothing but such numbers isn't read again for each of them.
const mostUnits = 8

// residence reports whether a word of living ends at i, as in 我家在.
func residence(t *text, i int) bool {
	return surroundings.endsAt(t, i-1) == aResidence || surroundings.endsAt(t, i-2) == aResidence
}

// A lot is what follows the name of a road: numbers and what they number.
type lot struct {
	end     int
	units   int
	room    bool // a room or an entrance
	village bool // a group of a village
}

// unit passes over a unit at k.
func (l *lot) unit(t *text, k int) int {
	next := k
	switch t.rune(k) {
	case '号', '號':
		next = k + 1
		if t.rune(next) == '楼' || t.rune(next) == '院' || t.rune(next) == '门' {
			next++
		}
	case '栋', '幢', '弄', '座', '层', '楼', '门', '排':
		next = k + 1
	case '室', '户':
		next, l.room = k+1, true
	case '单':
		if t.rune(k+1) != '元' {
			return k
		}
		next, l.room = k+2, true
	case '组', '队':
		next, l.village = k+1, true
	default:
		return k
	}
	l.units++
	return next
}

// more passes over what may stand before the next number: the name of an estate;
// and over that number. Where no unit follows a number of a room, the number ends
// it.
func (l *lot) more(t *text, k int) int {
	from := k
	for n := 0; n < 12 && k < len(t.w); n++ {
		if t.is(k, digit) || t.is(k, tally) && t.numberAfter(k) > k && l.isUnit(t, t.numberAfter(k)) || t.is(k, letter) {
			break
		}
		if r := t.rune(k); !t.is(k, hanzi) && r != ' ' && r != '-' || n > 0 && breaks.has(r) {
			return len(t.w)
		}
		k++
	}
	next := t.numberAfter(k)
	if next == k {
		return len(t.w)
	}
	if l.isUnit(t, next) {
		return next
	}
	if k-from <= 1 { // 3栋501, 2-501
		for next-k < 10 && t.rune(next) == '-' && t.is(next+1, digit) {
			next = t.numberAfter(next + 1)
		}
		if n := next - k; n >= 3 && n <= 8 && !t.is(next, ascii) {
			l.end, l.room = next, true
			l.units++
			if l.isUnit(t, next) {
				return next
			}
		}
	}
	return len(t.w)
}

func (l *lot) isUnit(t *text, k int) bool {
	var try lot
	return try.unit(t, k) > k
}

var breaks = setOf("我你他她们在是的了和就今明昨有去来吃打电考得跟又也")

// numberBefore is where the number begins that ends before i, or i.
func (t *text) numberBefore(i int) int {
	p := i
	for p > 0 && i-p < 6 && (t.is(p-1, digits) || t.rune(p-1) == '十' || t.rune(p-1) == '百' || t.rune(p-1) == '-' && t.is(p-2, digit)) {
		p--
	}
	if p == i && (t.is(i-1, letter) && !t.is(i-2, letter) || lots.has(t.rune(i-1))) {
		p--
	}
	return p
}

func (t *text) numberAfter(i int) int {
	k := i
	for k-i < 10 && (t.is(k, digits) || t.rune(k) == '十' || t.rune(k) == '百') {
		k++
	}
	if k == i && (t.is(i, letter) && !t.is(i+1, letter) || lots.has(t.rune(i))) {
		k++
	}
	return k
}

var (
	lots  = setOf("甲乙丙丁东西南北")
	roads = setOf("路街巷道弄里村区苑园城府庭湾寓舍社屯庄镇乡坊院桥段线期坝沟寨营岭洲郡邸居轩阁号同队墅山")
)

// addressBegins goes back over the names of a road and of what it lies in.
func (t *text) addressBegins(p int) int {
	q := p
	for q > 0 && p-q < 34 {
		r := t.rune(q - 1)
		if !t.is(q-1, hanzi|digit) && !(r == ' ' && q < p && t.is(q-2, hanzi)) || leads.has(r) || surroundings.endsAt(t, q-1) == aResidence {
			break
		}
		q--
	}
	for q < p && t.rune(q) == ' ' {
		q++
	}
	return q
}

var leads = setOf("在到住是于址为的：:，了我你他她们")

var offices = listed("大厦", "写字楼", "公司", "广场", "医院", "学校", "小学", "中学", "大学", "政府", "办公", "图书馆", "博物馆", "体育", "少年宫", "剧院", "影院", "影城",
	"酒店", "饭店", "商场", "超市", "书店", "银行", "派出所", "法院", "教学楼", "实验楼", "综合楼", "教室", "会议室", "中心", "邮局", "车站", "会展", "工业园", "产业园", "科技园", "机构",
	"科技馆", "美术馆", "门店", "营业厅", "考场", "考点", "诊所", "地铁", "幼儿园", "园区", "宾馆", "民宿", "展厅", "展馆", "机房", "仓库", "消防", "店铺", "专卖店", "工作室", "旗舰店", "餐厅")

// contains reports whether one of the words begins from i to before j.
func (t *text) contains(i, j int, words *list) bool {
	for ; i < j; i++ {
		for _, w := range words.at(t.rune(i)) {
			if t.has(i, w) {
				return true
			}
		}
	}
	return false
}
