package screening

// called is how many runes at i are what a child is called at home, one rune twice or 小 with
// another: 朵朵, 小宇. Only what stands around it says that it is one. 小明 and 小红 are in every
// exercise, and 小王 may be anybody.
func (t *text) called(i, end int) int {
	if i+2 > end || !t.is(i, hanzi) || !t.is(i+1, hanzi) || t.rune(i+2) == t.rune(i+1) {
		return 0
	}
	a, b := t.rune(i), t.rune(i+1)
	switch {
	case a == b && (given.has(a) || sweet.has(a)) && !twice.has(a) && !never.has(a):
		return 2
	case a == '小' && t.givens(i+1) && !surnames.has(b) && !small.has(b):
		return 2
	}
	return 0
}

var (
	sweet = setOf("豆糖果米团圆点蛋球饼汤甜贝囡妞毛牛虎兔鱼闹左右")
	twice = setOf("妈爸爷奶叔姐哥弟妹婆公舅姑姨伯宝人个天常刚谢好慢看想听说试多快早每往渐纷偏仅统通悄轻静高大小家年月日时处种样条件次回面一哈呵嘻呜嗯哦喂来去走跑笑问读写学练玩等偷白娃乖老深满层隐默匆连")
	small = setOf("明红刚华丽强芳学组说区时队事数心吃班手狗猫鸟草朋学红天星飞龙人升康英达乐伟步白巧便型气姐妹弟哥")
)

// foreign is how many runes at i are a name of another people that Chinese writes without a dot:
// its syllables and no others, and two of them together as such names have them.
func (t *text) foreign(i, end int) int {
	n, mark := 0, false
	for i+n < end && n < 9 && t.hint(i+n)&sounds != 0 {
		mark = mark || n > 0 && morphemes.has(t.rune(i+n-1), t.rune(i+n))
		n++
	}
	if n < 3 || n > 8 || !mark || !t.closed(i+n, end) {
		return 0
	}
	return n
}

const syllables = "桑宗阿艾安敖巴白贝别布才措达丹旦德迪丁顿多尔夫噶嘎甘格古哈合呼吉加江杰金卡克库拉朗勒里丽力丽林卢罗洛玛麦买曼梅美米木穆那娜纳尼努诺帕其恰羌青仁热日荣茹萨赛色沙山斯松苏索塔坦特提图吐托瓦娃旺维翁乌西希夏雅亚央耶伊依英玉云扎则增孜卓珠子梅朵才让"

// morphemes are parts of names of Uighurs, Kazakhs, Tibetans, Mongols and Yi.
var morphemes = pairsOf("阿依古丽买提娜尔努尔热娜帕提迪力迪丽艾力买买合买麦提木江提江热木吐尔布尔别克哈布叶尔阿卜阿不木尔扎西卓玛格桑梅朵顿珠才让央金次仁达瓦旦增丹增其其其格巴特图雅乌云那木斯琴萨仁苏和尼玛洛桑索朗旺堆罗布仁青多吉吉克沙马曲木阿木措姆拉姆央宗德吉")
