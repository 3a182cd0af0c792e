package screening

import "slices"

// What the words before a number say of it.
type about uint8

const (
	aPhone    about = iota + 1
	aHome           // a landline at home
	aOffice         // a landline of an office
	aThing          // an order, a parcel, an account of a game: no number of a person
	aCard           // a bank card
	aIdentity       // an identity number
	aPassport       // a passport
	aWeChat
	aQQ
	aResidence // where somebody lives, or what is sent to them
)

// words are looked for from their last rune back.
type words struct{ byLast index[word] }

type word struct {
	runes []rune
	about about
}

func wordsOf(lists map[about][]string) *words {
	byLast := map[rune][]word{}
	for a, list := range lists {
		for _, s := range list {
			r := []rune(s)
			last := r[len(r)-1]
			byLast[last] = append(byLast[last], word{r, a})
		}
	}
	return &words{indexOf(byLast)}
}

// before returns what the nearest of the words says that stands in the n runes
// before i and in the same sentence, and 0 if there is none. Of two that end at the
// same rune the longer one counts.
func (w *words) before(t *text, i, n int) about {
	for j := i - 1; j >= 0 && j >= i-n; j-- {
		if t.w[j]&ends != 0 {
			return 0
		}
		if a := w.endsAt(t, j); a != 0 {
			return a
		}
	}
	return 0
}

// anywhere reports whether a word that says a stands in the n runes before i and
// in the same sentence, whatever stands nearer.
func (w *words) anywhere(t *text, i, n int, a about) bool {
	for j := i - 1; j >= 0 && j >= i-n && t.w[j]&ends == 0; j-- {
		if w.endsAt(t, j) == a {
			return true
		}
	}
	return false
}

func (w *words) endsAt(t *text, j int) about {
	var best about
	most := 0
	for _, k := range w.byLast.at(t.rune(j)) {
		if len(k.runes) > most && t.has(j-len(k.runes)+1, k.runes) {
			best, most = k.about, len(k.runes)
		}
	}
	return best
}

// after returns what the nearest of the words says that begins in the n runes
// from i on, before the sentence ends and before another number.
func (w *words) after(t *text, i, n int) about {
	for j := i; j < len(t.w) && j < i+n; j++ {
		if t.w[j]&(ends|digit) != 0 {
			return 0
		}
		if a := w.endsAt(t, j); a != 0 {
			return a
		}
	}
	return 0
}

// has reports whether the runes stand at i.
func (t *text) has(i int, runes []rune) bool {
	if i < 0 || i+len(runes) > len(t.w) {
		return false
	}
	for k, r := range runes {
		if t.rune(i+k) != r {
			return false
		}
	}
	return true
}

// A set is a set of runes of the first plane.
type set [1 << 10]uint64

func setOf(s string) *set {
	var m set
	for _, r := range s {
		m[r>>6] |= 1 << (r & 63)
	}
	return &m
}

func (s *set) has(r rune) bool { return uint32(r) < 1<<16 && s[r>>6]&(1<<(r&63)) != 0 }

// A list is words, by their first rune or by their last.
type list struct{ index[[]rune] }

func listed(words ...string) *list { return listedBy(words, func(r []rune) rune { return r[0] }) }

// listedByEnd is listed by the last rune.
func listedByEnd(words ...string) *list {
	return listedBy(words, func(r []rune) rune { return r[len(r)-1] })
}

func listedBy(words []string, key func([]rune) rune) *list {
	m := map[rune][][]rune{}
	for _, w := range words {
		r := []rune(w)
		m[key(r)] = append(m[key(r)], r)
	}
	return &list{indexOf(m)}
}

// An index is a map from runes that doesn't change. Most runes are no key of it, and are asked
// for at each place of a text: the set says so with one look, and a key has its slot within a few.
type index[V any] struct {
	keys  set
	slots []slot[V]
	shift uint
}

type slot[V any] struct {
	key    rune
	values []V
}

func indexOf[V any](m map[rune][]V) (x index[V]) {
	x.shift = 32
	for 1<<(32-x.shift) < 2*len(m) {
		x.shift--
	}
	x.slots = make([]slot[V], 1<<(32-x.shift))
	for r, values := range m {
		x.keys[r>>6] |= 1 << (r & 63)
		i := x.slot(r)
		for x.slots[i].values != nil {
			i = (i + 1) % len(x.slots)
		}
		x.slots[i] = slot[V]{r, values}
	}
	return x
}

func (x *index[V]) slot(r rune) int { return int(uint32(r) * 0x9e3779b1 >> x.shift) }

// at is what the index has for r.
func (x *index[V]) at(r rune) []V {
	if !x.keys.has(r) {
		return nil
	}
	i := x.slot(r)
	for x.slots[i].key != r {
		i = (i + 1) % len(x.slots)
	}
	return x.slots[i].values
}

// A couples is a set of two runes that follow one another.
type couples struct{ second index[rune] }

// pairsOf reads two runes after two runes.
func pairsOf(s string) *couples {
	m := map[rune][]rune{}
	r := []rune(s)
	for i := 0; i+1 < len(r); i += 2 {
		m[r[i]] = append(m[r[i]], r[i+1])
	}
	return &couples{indexOf(m)}
}

func (c *couples) has(a, b rune) bool { return slices.Contains(c.second.at(a), b) }

var surroundings = wordsOf(map[about][]string{
	aPhone: {"电话", "手机", "手机号", "手机号码", "电话号码", "联系方式", "联系", "致电", "拨打", "热线", "号码", "tel", "phone", "mobile", "打给",
		"来电", "呼叫", "短信", "联系人", "call", "cell", "座机", "拨"},
	aHome: {"家里电话", "家庭电话", "家里的电话", "家里座机", "家里的座机", "家电话", "宅电", "住宅电话", "家里固话", "奶奶家", "爷爷家", "外婆家", "姥姥家", "我家", "家长电话", "家中电话", "家里"},
	aOffice: {"客服", "客服电话", "客服热线", "服务热线", "办公电话", "办公室", "办公室电话", "前台", "前台电话", "总机", "传达室", "门卫", "招生电话", "招生办", "招生热线", "咨询电话",
		"咨询热线", "举报电话", "投诉电话", "监督电话", "值班电话", "值班室", "医院电话", "学校电话", "校办", "校办电话", "预约电话", "订票热线", "公司电话", "服务电话", "热线电话", "售后",
		"售后电话", "报名热线", "报名电话", "传真", "门诊电话", "订餐电话", "教务处", "教务处电话", "派出所", "派出所电话", "居委会", "居委会电话", "物业", "物业电话"},
	aThing: {"订单", "订单号", "单号", "订单编号", "运单", "运单号", "快递单号", "物流单号", "快递", "编号", "流水号", "条形码", "条码", "货号", "序列号", "游戏id", "uid", "id", "isbn", "学号",
		"房间号", "会议号", "会议id", "群号", "批号", "防伪码", "验证码", "取件码", "商品编码", "商品", "型号", "车次", "发票", "发票号", "发票号码", "发票代码", "统一社会信用代码", "信用代码",
		"税号", "角色id", "玩家id", "版本", "书号", "期刊号", "时间戳", "timestamp", "准考证号", "合同号", "合同编号", "交易号", "交易单号", "工单", "工单号", "凭证号", "回执", "保单号", "设备号", "设备id",
		"imei", "mac", "sn", "sku", "兑换码", "激活码", "邀请码", "哈希", "hash", "commit", "受理号", "案号", "备案号", "许可证号", "批准文号", "国药准字", "票号", "座位号", "仓库", "会员号", "会员卡号", "积分卡号",
		"公交卡号", "饭卡号", "借书证号", "图书证号", "条形码号", "追踪号", "金币", "积分", "得分", "数量", "人口", "公里", "浏览量", "播放量", "销量", "阅读量"},
	aCard:      {"银行卡", "银行卡号", "卡号", "储蓄卡", "信用卡", "借记卡", "工资卡", "压岁钱卡", "账户", "账号", "帐号", "打款到", "汇款到", "转到", "打到", "开户行", "建行卡", "工行卡", "农行卡", "中行卡", "招行卡", "bankcard", "card"},
	aIdentity:  {"身份证", "身份证号", "身份证号码", "身份号码", "证件号", "证件号码", "居民身份证", "公民身份号码", "idcard", "身分证", "sfz", "身份"},
	aPassport:  {"护照", "护照号", "护照号码", "护照编号", "passport", "passportno", "通行证", "证件号", "证件号码", "港澳通行证", "通行证号", "证件", "护照本"},
	aWeChat:    {"微信", "微信号", "wechat", "vx", "wx", "weixin", "微信id"},
	aQQ:        {"qq", "qq号", "扣扣", "扣扣号", "扣号", "蔻蔻", "叩叩", "抠抠", "秋秋", "企鹅号", "企鹅", "鹅号", "腾讯号", "q号"},
	aResidence: {"家住", "住在", "住址", "我家", "家庭住址", "家庭地址", "收货地址", "收件地址", "寄到", "快递到", "送到", "我家在", "家在", "现居", "居住地", "居住在", "户籍", "户籍地址", "收货", "搬到", "搬家到", "地址是我家", "邮寄地址", "家里地址", "家的地址", "租住", "租房在", "接我", "来我家", "她家", "他家", "孩子家", "放学回", "回家", "送回", "接到", "接送点", "住"},
})
