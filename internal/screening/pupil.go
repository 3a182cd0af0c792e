package screening

// schoolAt looks at the last rune of what may be the name of a school, and notes
// it for the sentence.
func (s *screen) schoolAt(i int) {
	if s.t.schoolEnds(i) {
		s.school, s.lastSchool = true, i
	}
}

// schoolEnds reports whether a school with a name of its own ends at i: 实验小学,
// 一中, 蓝天幼儿园; not 中小学 or 上小学.
func (t *text) schoolEnds(i int) bool {
	prev := t.rune(i - 1)
	n := 0
	switch r := t.rune(i); {
	case r == '学' && (prev == '小' || prev == '中') && t.rune(i+1) != '校':
		n = 2
	case r == '校' && prev == '学':
		n = 2
	case r == '园' && prev == '儿' && t.rune(i-2) == '幼', r == '园' && prev == '稚':
		n = 3
	case r == '小' || r == '中' || r == '幼':
		return t.shortened(i)
	default:
		return false
	}
	first := i - n // the last rune of the school's own name
	return t.is(first, hanzi|digit|letter) && !bare.has(t.rune(first)) && (t.is(first-1, hanzi|digit|letter) || t.rune(first) == '附')
}

// shortened reports whether a school ends at i of which two runes are left: 实小, 附中, 三小, 二幼.
func (t *text) shortened(i int) bool {
	prev, first := t.rune(i-1), t.rune(i-2)
	if apart.has(t.rune(i + 1)) {
		return false
	}
	named := t.is(i-2, hanzi) && !bare.has(first) && t.is(i-3, hanzi|digit|letter)
	switch {
	case prev == '附':
		return t.rune(i) != '幼'
	case prev == '实':
		return t.rune(i) != '幼' && !truly.has(first)
	case prev == '外':
		return named && t.rune(i) != '幼'
	case t.is(i-1, tally) && !surnames.has(prev) || prev == '十':
		return named || !t.is(i-2, hanzi) || counted.has(first)
	}
	return false
}

var (
	bare    = setOf("的读上在个所中国我他她们过到")
	apart   = setOf("朋学心央间国号时孩伙型组鸟狗猫步碗杯块段口勺袋包瓶选午文全年期秋立级奖式部医药儿")
	truly   = setOf("其老结真确诚现事务")        // 其实小明
	counted = setOf("市区县省我们是在的从去来到读校咱") // 我们二中
)

// classAt looks at the last rune of what may be a class, and notes it.
func (s *screen) classAt(i int) {
	if s.t.classEnds(i) {
		s.class, s.lastClass = true, i
	}
}

// classEnds reports whether a class ends at i: 三年级2班, 初一(3)班, 大班, 五年级, 四(2).
func (t *text) classEnds(i int) bool {
	prev := t.rune(i - 1)
	switch r := t.rune(i); {
	case r == '班':
		return t.is(i-1, digits) || prev == '十' || prev == ')' && (t.is(i-2, digits) || t.rune(i-2) == '十') || prev == '级' ||
			(prev == '大' || prev == '中' || prev == '小' || prev == '托') && !t.is(i-2, hanzi) || (prev == '大' || prev == '中' || prev == '小') && t.rune(i-2) == '园'
	case r == '级':
		return prev == '年' && (t.is(i-2, digits) || t.rune(i-2) == '十')
	case prev == '初' || prev == '高':
		return t.is(i, tally) && !t.is(i+1, digits) && t.rune(i+1) != '(' && t.rune(i+1) != '年' && t.rune(i+1) != '班' // 初二
	case r == ')' || t.is(i, digit):
		return t.rune(i+1) != '班' && t.graded(i)
	}
	return false
}

// graded reports whether a class ends at i that isn't called one: 三(2), (五1), 六1, G7-2.
func (t *text) graded(i int) bool {
	k, bracket := i, t.rune(i) == ')'
	if bracket {
		k--
	}
	n := 0
	for n < 3 && t.is(k-n, digit) {
		n++
	}
	k -= n
	switch {
	case n == 0 || n > 2 || t.is(i+1, ascii):
		return false
	case bracket && t.rune(k) == '(':
		return t.grade(k - 1)
	case bracket:
		return t.grade(k) && t.rune(k-1) == '('
	case t.rune(k) == '-':
		return t.is(k-1, digit) && t.rune(k-2) == 'g' && !t.is(k-3, ascii)
	}
	return n == 1 && t.grade(k) && (!t.is(i+1, hanzi) && t.rune(i+1) != '.' || t.rune(i+1) == '的' || t.rune(i+1) == '中' && t.rune(i+2) == '队')
}

// grade reports whether 一 to 九 stands at i, and no more of a number before it.
func (t *text) grade(i int) bool {
	return t.is(i, tally) && t.rune(i) != '零' && !t.is(i-1, digits) && t.rune(i-1) != '十' && t.rune(i-1) != '第'
}

// pupils looks for names in the sentence from i to before j, which speaks of a
// school or a class.
func (s *screen) pupils(i, j int) {
	t := s.t
	c := Likely
	if s.school {
		c = Certain
	}
	dotted := t.dotted(i, j)
	if t.contains(i, j, staff) {
		return
	}
	for k := i; k < j; {
		h := t.hint(k)
		if h == 0 && !dotted && t.rune(k) != t.rune(k+1) {
			k++
			continue
		}
		at, n := 0, 0
		switch {
		case h&closes != 0 && (t.classEnds(k) || t.schoolEnds(k)):
			at = t.pass(k+1, j)
			if at == k+1 && !t.schoolEnds(k) {
				n = t.nameRightAt(at, j)
			} else {
				n = t.nameAt(at, j, at == k+1)
			}
			if n > 0 && at == k+1 && t.schoolEnds(k) && !t.closed(at+n, j) {
				n = 0 // 实验小学高度重视
			}
			if n == 0 {
				n = t.called(at, j)
			}
			if n == 0 {
				n = t.foreign(at, j)
			}
		default:
			if m := introduces(t, k); m > 0 {
				at = t.pass(k+m, j)
				n = t.nameAt(at, j, false)
				if n == 0 {
					n = t.foreign(at, j)
				}
			} else if m := t.follows(k, j); m > 0 {
				at, n = t.nameBefore(k, i)
			}
			if n == 0 && (h&begins != 0 || dotted) {
				at, n = k, t.here(k, j)
			}
			if n == 0 && h&sounds != 0 && !t.is(k-1, hanzi) {
				at, n = k, t.foreign(k, j)
			}
			if handles := handled.has(t.rune(k - 1)); n == 0 && (handles || !t.is(k-1, hanzi)) {
				if m := t.called(k, j); m > 0 && (handles && t.rune(k) == t.rune(k+1) || t.beforeParents(k+m) || t.rune(k) == t.rune(k+1) && never.has(t.rune(k+m))) {
					at, n = k, m
				}
			}
		}
		if n == 0 || at < s.named || n == 3 && t.wordAt(at) {
			k++
			continue
		}
		grown := t.grownBefore(at)
		for n > 0 {
			s.named = at + n
			if !grown && !t.grownUp(at, at+n) {
				s.add(s.pupil(at, at+n, c))
			}
			// 王子涵、李明和张欣怡
			next := at + n
			for next < j && (t.rune(next) == ' ' || t.rune(next) == '(' && t.rune(next+2) == ')') {
				if next++; t.rune(next-1) == '(' {
					next += 2
				}
			}
			if r := t.rune(next); r != '、' && r != '和' && r != '与' && r != ',' && r != '/' && r != '及' && next == at+n {
				break
			} else if r == '、' || r == '和' || r == '与' || r == ',' || r == '/' || r == '及' {
				next++
			}
			for t.rune(next) == ' ' {
				next++
			}
			at = next
			n = t.nameAt(at, j, true)
			if n > 0 && !t.closed(at+n, j) {
				n = 0
			} else if n == 0 {
				if n = t.nameAt(at, j, false); n > 0 && t.is(at+n, hanzi) {
					n = 0
				}
			}
		}
		k = max(k+1, s.named)
	}
}

func (s *screen) pupil(i, j int, c Confidence) Finding {
	f := s.found(Pupil, i, j, c)
	f.Children = s.whose(i, j)
	return f
}

// pass goes over what stands between a class and a name: 的学生, ：.
func (t *text) pass(k, end int) int {
	for n := 0; n < 5 && k < end; n++ {
		if r := t.rune(k); r == ' ' || r == ':' || r == ',' || r == '-' || r == '(' || r == ')' || r == '的' || r == '"' || r == '“' || r == '【' || r == '《' || r == '是' || r == '[' || r == ']' || r == '叫' {
			k++
			continue
		}
		m := 0
		for _, w := range titles.at(t.rune(k)) {
			if len(w) > m && t.has(k, w) {
				m = len(w)
			}
		}
		if m == 0 {
			break
		}
		k += m
	}
	return k
}

var (
	titles = listed("中队", "少先队", "大队委", "毕业生", "领唱", "队长", "副队长", "副大队长", "团员", "应届生", "学生", "同学", "小朋友", "小学生", "新生", "学员", "队员", "班长", "副班长", "学习委员", "大队长", "中队长", "小队长", "少先队员", "男生", "女生", "中学生", "小选手", "选手",
		"优秀学生", "三好学生", "体育委员", "文艺委员", "课代表", "小记者", "小作者", "名叫", "姓名", "名字", "代表", "孩子", "小画家", "小主持人", "幼儿", "宝宝", "萌娃", "在读学生", "转学生")
	introductions = listed("名叫", "叫", "姓名", "名字是", "名字叫", "我是", "学生", "同学", "儿子", "女儿", "侄子", "外甥", "外甥女", "考生", "副班长", "孩子", "宝宝", "宝贝", "小朋友", "班长", "队长", "选手", "小记者", "小主持人", "恭喜", "祝贺", "表扬", "感谢",
		"寻找", "学员", "学习委员", "队员", "课代表", "小作者", "作者", "大儿子", "小女儿", "弟弟", "妹妹", "哥哥", "姐姐", "侄女", "外甥", "孙子", "孙女", "外孙", "同桌", "失主", "女孩", "男孩", "男生", "女生", "少年", "新生",
		"走失儿童", "幼儿", "获奖者", "获奖学生", "冠军", "一等奖", "二等奖", "三等奖", "金奖", "祝", "提名", "患者", "参赛者", "闺女", "姑娘", "小伙伴", "好友", "朋友", "认识", "欢迎", "学号", "周一", "周二", "周三", "周四", "周五", "有个叫", "主持人", "值日", "那个叫", "点名")
	followings = listed("同学", "小朋友", "小同学", "宝贝", "小选手", "宝宝", "就读", "在读", "在校", "(男", "(女", ",男", ",女", " 男", " 女", "来自", "在实验", "今年", "(三", "(四", "(五", "(二", "(一", "(六", "(初", "(大", "(中",
		"考上", "考入", "转到", "转入", "转学", "毕业", "被评", "荣获", "获得", "夺得", "代表", "读", "上", "是", "在", "家长", "妈妈", "爸爸", "的妈妈", "的爸爸", "的家长", "也在", "明年", "的作文", "的作品", "的画")
	// staff are words of sentences whose names are those of grown-ups.
	staff    = listed("名师", "任课教师", "任课老师", "教师一览", "教师名单", "教研组", "师资", "家长志愿者", "教职工")
	subjects = listedByEnd("语文", "数学", "英语", "体育", "音乐", "美术", "科学", "道法")
	grown    = listed("北路", "西路", "南路", "东路", "大道", "老师", "校长", "主任", "教练", "园长", "书记", "院士", "教授", "先生", "女士", "医生", "阿姨", "叔叔", "作家", "部长", "局长", "总经理", "律师", "演员", "师傅", "院长", "警官", "法官", "博士",
		"副校长", "主席", "市长", "馆长", "导演", "烈士", "副主任", "校医", "科长", "处长", "将军", "护士", "司机", "保安", "(教师", "(老师", "(指导", "(班主任", "(校长", "班主任", "路", "街", "镇", "村", "小学", "中学", "杯", "区", "市", "县", "省")
	grownBefore = listedByEnd("班主任", "老师", "校长", "诗人", "作家", "园长", "英雄", "烈士", "科学家", "院士", "导师", "教练", "主讲", "书记", "馆长", "数学家", "画家", "航天员", "明星", "歌手", "编剧", "导演", "总统", "教授", "专家",
		"局长", "部长", "市长", "县长", "区长", "处长", "科长", "会长", "所长", "站长", "董事长", "理事长", "教研组长", "组组长", "年级组长", "数学组长", "语文组长", "英语组长", "企业家", "工程师", "设计师", "摄影师", "律师", "教练员", "裁判", "裁判员", "志愿者", "消防员", "宇航员", "指导教师", "指导老师", "医生", "主席", "教师", "班主任是", "老师是", "校长是", "辅导员", "老师叫", "老师名叫", "校医", "奥运冠军", "世界冠军", "演员", "记者", "保安", "主任", "民警", "家长", "妈妈", "爸爸", "文学家", "学习", "讲师")
)

// beforeParents reports whether what stands at i comes after what a child is called.
func (t *text) beforeParents(i int) bool {
	for _, w := range parents.at(t.rune(i)) {
		if t.has(i, w) {
			return true
		}
	}
	return false
}

var parents = listed("妈妈", "爸爸", "奶奶", "爷爷", "外婆", "姥姥", "家长", "小朋友", "宝贝", "宝宝", "同学")

func introduces(t *text, k int) int {
	m := 0
	for _, w := range introductions.at(t.rune(k)) {
		if len(w) > m && t.has(k, w) {
			m = len(w)
		}
	}
	return m
}

// follows reports whether what stands at k comes after a pupil's name.
func (t *text) follows(k, end int) int {
	for _, w := range followings.at(t.rune(k)) {
		if len(w) > 0 && t.has(k, w) {
			if len(w) == 1 {
				return t.attends(k)
			}
			return len(w)
		}
	}
	return 0
}

// attends asks of 读, 上, 是 and 在 at k that a school comes soon.
func (t *text) attends(k int) int {
	for j := k + 1; j < len(t.w) && j < k+14; j++ {
		if t.is(j, ends) || t.rune(j) == ',' {
			return 0
		}
		if t.schoolEnds(j) || t.classEnds(j) {
			return 1
		}
	}
	return 0
}

// grownBefore reports whether what stands before i says that whoever is named there isn't a
// child, and those who are named with them aren't either: 校长, 指导老师：.
func (t *text) grownBefore(i int) bool {
	colon := false
	for i > 0 && (t.rune(i-1) == ' ' || t.rune(i-1) == ':' || t.rune(i-1) == '(') {
		i--
		colon = colon || t.rune(i) == ':'
	}
	if colon {
		for _, w := range subjects.at(t.rune(i - 1)) {
			if t.has(i-len(w), w) {
				return true // 语文：张丽
			}
		}
	}
	for _, w := range grownBefore.at(t.rune(i - 1)) {
		if t.has(i-len(w), w) && t.rune(i-len(w)-1) != '小' {
			return true
		}
	}
	return false
}

// grownUp reports whether the name from i to before j is one of somebody who
// isn't a child, or of no person.
func (t *text) grownUp(i, j int) bool {
	for _, w := range grown.at(t.rune(j)) {
		if t.has(j, w) {
			return true
		}
	}
	if t.grownBefore(i) {
		return true
	}
	return t.famous(i, j)
}
