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
	case (r == '小' || r == '中') && (prev == '附' || prev == '实' || prev == '外' && t.is(i-2, hanzi) || t.is(i-1, tally) || prev == '十') && t.is(i-2, hanzi|tally) &&
		!apart.has(t.rune(i+1)):
		n = 2
	default:
		return false
	}
	first := i - n // the last rune of the school's own name
	return t.is(first, hanzi|digit|letter) && !bare.has(t.rune(first)) && (t.is(first-1, hanzi|digit|letter) || t.rune(first) == '附')
}

var (
	bare  = setOf("的读上在个所中国我他她们过到")
	apart = setOf("朋学心央间国号时孩伙型组鸟狗猫")
)

// classAt looks at a 班 and notes the class that ends there.
func (s *screen) classAt(i int) {
	if s.t.classEnds(i) {
		s.class = true
	}
}

// classEnds reports whether a class ends at i: 三年级2班, 初一(3)班, 大班, 五年级.
func (t *text) classEnds(i int) bool {
	prev := t.rune(i - 1)
	switch t.rune(i) {
	case '班':
		return t.is(i-1, digits) || prev == '十' || prev == ')' && (t.is(i-2, digits) || t.rune(i-2) == '十') || prev == '级' ||
			(prev == '大' || prev == '中' || prev == '小' || prev == '托') && !t.is(i-2, hanzi) || (prev == '大' || prev == '中' || prev == '小') && t.rune(i-2) == '园'
	case '级':
		return prev == '年' && (t.is(i-2, digits) || t.rune(i-2) == '十')
	}
	return false
}

// pupils looks for names in the sentence from i to before j, which speaks of a
// school or a class.
func (s *screen) pupils(i, j int) {
	t := s.t
	c := Likely
	if s.school {
		c = Certain
	}
	for k := i; k < j; {
		at, n := 0, 0
		switch {
		case t.classEnds(k) || t.schoolEnds(k):
			at = t.pass(k+1, j)
			n = t.nameAt(at, j, at == k+1)
			if n > 0 && at == k+1 && t.schoolEnds(k) && !t.closed(at+n, j) {
				n = 0 // 实验小学高度重视
			}
		default:
			if m := introduces(t, k); m > 0 {
				at = t.pass(k+m, j)
				n = t.nameAt(at, j, false)
			} else if m := t.follows(k, j); m > 0 {
				at, n = t.nameBefore(k, i)
			}
			if n == 0 {
				at, n = k, t.alone(k, j)
			}
			if n == 0 {
				at, n = k, t.amid(k, j)
			}
		}
		if n == 0 || at < s.named {
			k++
			continue
		}
		for n > 0 {
			s.named = at + n
			if !t.grownUp(at, at+n, j) {
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
			}
		}
		k = max(k+1, s.named)
	}
}

func (s *screen) pupil(i, j int, c Confidence) Finding {
	f := s.found(Pupil, i, j, c)
	if s.known != nil {
		value := []rune{}
		for k := i; k < j; k++ {
			value = append(value, s.t.rune(k))
		}
		f.Children = s.known.whose(value)
	}
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
	titles = listed("少先队", "大队委", "毕业生", "领唱", "队长", "副队长", "副大队长", "团员", "应届生", "学生", "同学", "小朋友", "小学生", "新生", "学员", "队员", "班长", "副班长", "学习委员", "大队长", "中队长", "小队长", "少先队员", "男生", "女生", "中学生", "小选手", "选手",
		"优秀学生", "三好学生", "体育委员", "文艺委员", "课代表", "小记者", "小作者", "名叫", "姓名", "名字", "代表", "孩子", "小画家", "小主持人", "幼儿", "宝宝", "萌娃", "在读学生", "转学生")
	introductions = listed("名叫", "叫", "姓名", "名字是", "名字叫", "我是", "学生", "同学", "儿子", "女儿", "孩子", "宝宝", "宝贝", "小朋友", "班长", "队长", "选手", "小记者", "小主持人", "恭喜", "祝贺", "表扬", "感谢",
		"寻找", "学员", "学习委员", "队员", "课代表", "小作者", "作者", "大儿子", "小女儿", "弟弟", "妹妹", "哥哥", "姐姐", "侄女", "外甥", "孙子", "孙女", "外孙", "同桌", "失主", "女孩", "男孩", "男生", "女生", "少年", "新生",
		"走失儿童", "幼儿", "获奖者", "获奖学生", "冠军", "一等奖", "二等奖", "三等奖", "金奖", "祝", "提名", "患者", "参赛者", "闺女", "姑娘", "小伙伴", "好友", "朋友", "认识", "欢迎", "学号", "周一", "周二", "周三", "周四", "周五", "有个叫", "主持人", "值日", "那个叫", "点名")
	followings = listed("同学", "小朋友", "小同学", "宝贝", "小选手", "宝宝", "就读", "在读", "在校", "(男", "(女", ",男", ",女", " 男", " 女", "来自", "在实验", "今年", "(三", "(四", "(五", "(二", "(一", "(六", "(初", "(大", "(中",
		"考上", "考入", "转到", "转入", "转学", "毕业", "被评", "荣获", "获得", "夺得", "代表", "读", "上", "是", "在", "家长", "妈妈", "爸爸", "的妈妈", "的爸爸", "的家长", "也在", "明年", "的作文", "的作品", "的画")
	grown = listed("北路", "西路", "南路", "东路", "大道", "老师", "校长", "主任", "教练", "园长", "书记", "院士", "教授", "先生", "女士", "医生", "阿姨", "叔叔", "作家", "部长", "局长", "总经理", "律师", "演员", "师傅", "院长", "警官", "法官", "博士", "爷爷", "奶奶",
		"副校长", "主席", "市长", "馆长", "导演", "烈士", "副主任", "校医", "科长", "处长", "将军", "护士", "司机", "保安", "(教师", "(老师", "(指导", "(班主任", "(校长", "班主任", "路", "街", "镇", "村", "小学", "中学", "杯", "区", "市", "县", "省")
	grownBefore = listedByEnd("班主任", "老师", "校长", "诗人", "作家", "园长", "英雄", "烈士", "科学家", "院士", "导师", "教练", "主讲", "书记", "馆长", "数学家", "画家", "航天员", "明星", "歌手", "编剧", "导演", "总统", "教授", "专家",
		"指导教师", "指导老师", "医生", "主席", "教师", "班主任是", "老师是", "校长是", "辅导员", "老师叫", "老师名叫", "校医", "奥运冠军", "世界冠军", "演员", "记者", "保安", "主任", "民警", "家长", "妈妈", "爸爸", "文学家", "学习", "讲师")
)

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

// grownUp reports whether the name from i to before j is one of somebody who
// isn't a child, or of no person.
func (t *text) grownUp(i, j, end int) bool {
	for _, w := range grown.at(t.rune(j)) {
		if t.has(j, w) {
			return true
		}
	}
	b := i
	for b > 0 && (t.rune(b-1) == ' ' || t.rune(b-1) == ':' || t.rune(b-1) == '(') {
		b--
	}
	for _, w := range grownBefore.at(t.rune(b - 1)) {
		if t.has(b-len(w), w) && t.rune(b-len(w)-1) != '小' {
			return true
		}
	}
	return famous[t.string(i, j)]
}

func (t *text) string(i, j int) string {
	r := make([]rune, 0, j-i)
	for ; i < j; i++ {
		r = append(r, t.rune(i))
	}
	return string(r)
}
