package screening

import "strings"

// email looks at an @: what can stand before it and, after it, a domain.
func (s *screen) email(i int) int {
	t := s.t
	start := i
	for start > 0 && i-start < 64 && (t.is(start-1, ascii) || dotted(t.rune(start-1))) {
		start--
	}
	for start < i && !t.is(start, ascii) {
		start++
	}
	end, _, ok := t.domain(i + 1)
	if start == i || !ok || roles[t.word(start, i)] {
		return i + 1
	}
	s.mail(start, i, end)
	return end
}

// mail adds the address whose name is from start to before at.
func (s *screen) mail(start, at, end int) {
	f := s.found(Email, start, end, Certain)
	f.Children = s.whose(start, end)
	s.add(f)
}

func dotted(r rune) bool { return r == '.' || r == '_' || r == '-' || r == '+' || r == '%' }

// domain reads labels and dots from i on, and reports whether they end in what
// can be a top-level domain.
func (t *text) domain(i int) (end, labels int, ok bool) {
	from, dots := i, 0
	lastDot := -1
	for i < len(t.w) && i-from < 253 {
		r := t.rune(i)
		if t.is(i, ascii) || r == '-' && i > from {
			i++
			continue
		}
		if r == '.' && i > from && t.is(i+1, ascii) && t.rune(i-1) != '.' {
			dots++
			lastDot = i
			i++
			continue
		}
		break
	}
	if dots == 0 {
		return i, 0, false
	}
	for k := lastDot + 1; k < i; k++ {
		if !t.is(k, letter) {
			return i, 0, false
		}
	}
	if n := i - lastDot - 1; n < 2 || n > 8 || endings[t.word(lastDot+1, i)] {
		return i, 0, false
	}
	return i, dots + 1, true
}

func (t *text) word(i, j int) string {
	b := make([]byte, 0, 32)
	for ; i < j; i++ {
		b = append(b, byte(t.rune(i)))
	}
	return string(b)
}

// endings are the ends of file names, which aren't domains: photo@2x.png.
var endings = map[string]bool{"png": true, "jpg": true, "jpeg": true, "gif": true, "webp": true, "svg": true, "pdf": true, "js": true, "css": true,
	"txt": true, "json": true, "html": true, "mp3": true, "doc": true, "docx": true, "zip": true, "exe": true, "apk": true, "local": true}

// roles are names of addresses behind which nobody in particular reads.
var roles = map[string]bool{"service": true, "support": true, "info": true, "kefu": true, "kf": true, "admin": true, "contact": true, "help": true,
	"noreply": true, "no-reply": true, "webmaster": true, "postmaster": true, "hr": true, "jobs": true, "sales": true, "press": true, "office": true,
	"tougao": true, "jubao": true, "privacy": true, "dpo": true, "feedback": true, "customer": true, "service01": true, "git": true, "editor": true,
	"zhaosheng": true, "bangongshi": true, "xiaoban": true, "marketing": true, "team": true, "hello": true, "abuse": true, "security": true}

// spelt looks at an at in brackets: name(at)domain, name[at]domain, name#domain
// in which a dot may be spelt, too.
func (s *screen) spelt(i int) int {
	t := s.t
	open := i
	start := open
	for start > 0 && open-start < 64 && (t.is(start-1, ascii) || dotted(t.rune(start-1))) {
		start--
	}
	j := i + 1
	for t.rune(j) == ' ' {
		j++
	}
	if t.rune(j) == 'a' && t.rune(j+1) == 't' {
		j += 2
	} else if t.rune(j) == '@' {
		j++
	} else {
		return i + 1
	}
	if !closing(t.rune(j)) || start == open {
		return i + 1
	}
	j++
	end, dots := j, 0
	for end < len(t.w) && end-j < 64 {
		switch {
		case t.is(end, ascii):
			end++
		case t.rune(end) == '.' && t.is(end+1, letter):
			dots++
			end++
		case isOpen(t.rune(end)) && t.has(end+1, []rune("dot")) && closing(t.rune(end+4)):
			dots++
			end += 5
		default:
			goto done
		}
	}
done:
	if dots == 0 {
		return i + 1
	}
	s.mail(start, i, end)
	return end
}

func isOpen(r rune) bool  { return r == '(' || r == '[' || r == '{' || r == '<' }
func closing(r rune) bool { return r == ')' || r == ']' || r == '}' || r == '>' }

// A calling is a word for WeChat or QQ.
type calling struct {
	kind  Kind
	runes []rune
	sure  bool // alone; others need a sign after them or somebody who is to be added
}

var callings = func() index[calling] {
	m := map[rune][]calling{}
	for k, list := range map[Kind]string{WeChat: "微信 威信 薇信 维信 wechat weixin vx wx v信 wei信 v 微x 威 微 薇",
		QQ: "qq q_q q·q q-q q.q 扣扣 扣号 蔻蔻 叩叩 抠抠 秋秋 丘丘 球球 球号 企鹅 鹅号 腾讯号 " + string(penguin) + " q号 q扣 q我 扣我 q 扣 抠 叩 蔻 鹅"} {
		for w := range strings.FieldsSeq(list) {
			r := []rune(strings.ReplaceAll(w, "_", " "))
			m[r[0]] = append(m[r[0]], calling{k, r, len(r) > 1 || r[0] == penguin})
		}
	}
	return indexOf(m)
}()

// handle looks at what may be a word for WeChat or QQ, and for a name there
// after it or before it.
func (s *screen) handle(i int) {
	t := s.t
	var c calling
	for _, k := range callings.at(t.rune(i)) {
		if len(k.runes) > len(c.runes) && t.has(i, k.runes) && !(t.is(i, letter) && t.is(i-1, ascii)) {
			c = k
		}
	}
	if c.kind == 0 {
		return
	}
	j := i + len(c.runes)
	if t.is(j-1, letter) && t.is(j, letter) && !c.sure {
		return
	}
	if s.otherwise(j) {
		return
	}
	k, signs := t.connected(j)
	if !c.sure && !asked.has(t.rune(i-1)) && !(k > j && t.rune(k-1) == ':') {
		return
	}
	if s.name(c, k, signs || asked.has(t.rune(i-1)) || !c.sure) {
		return
	}
	if c.kind == QQ && c.sure && s.later(c, j) {
		return
	}
	s.nameBefore(c, i)
}

// later looks for a number of QQ that stands a few words after what it is, where those say no more
// than how somebody is reached: QQ 上找我，12345678.
func (s *screen) later(c calling, j int) bool {
	for n := 0; n < 8 && (s.t.rune(j) == ' ' || reached.has(s.t.rune(j))); n++ {
		j++
	}
	return s.t.is(j, digit) && s.name(c, j, true)
}

var reached = setOf("上联系找搜给发聊新换了小吧呗呀哦也都同我你他她加号是的:,、")

// otherwise reports whether what follows the word makes it something else:
// 微信支付, QQ音乐, QQ群.
func (s *screen) otherwise(j int) bool {
	for s.t.rune(j) == ' ' {
		j++
	}
	for _, w := range things.at(s.t.rune(j)) {
		if s.t.has(j, w) {
			return true
		}
	}
	return false
}

var things = listed("支付", "公众", "群", "小程序", "步数", "运动", "读书", "视频号", "红包", "团购", "音乐", "飞车", "空间", "浏览器", "会员", "游戏", "聊天", "朋友圈", "转账", "零钱", "收款",
	"官方", "服务号", "订阅号", "扫码", "炫舞", "农场", "宠物", "邮箱", "阅读", "版本", "输入法", "登录", "平台", "表情", "搜一搜", "等级", "截图", "公号", "提现", "客服号")

var asked = setOf("加+➕➕我家问")

// connected passes over what stands between the word and the name: 号码是：.
// signs is whether there was more than spaces.
func (t *text) connected(j int) (next int, signs bool) {
	for n := 0; n < 10 && j < len(t.w); n++ {
		r := t.rune(j)
		switch {
		case r == ' ':
		case joins.has(r):
			signs = true
		case r == 'i' && t.rune(j+1) == 'd':
			signs = true
			j++
		default:
			return j, signs
		}
		j++
	}
	return j, signs
}

var joins = setOf("号码號是为:=→账帐的我他她()[]“\"'「【-~就叫私聊加这个那老还换成大小,")

// So many digits has a number of QQ.
const shortestQQ, longestQQ = 5, 11

// name looks for the name from k on.
func (s *screen) name(c calling, k int, signs bool) bool {
	t := s.t
	if k >= len(t.w) {
		return false
	}
	if t.is(k, digits) {
		g, _ := t.group(k)
		n := len(g)
		one := joined(g, 0, n, 0)
		for from := shortestQQ; from < len(g) && from <= longestQQ; from++ {
			if g[from].sep != 0 && (g[from].sep == 'h' && g[from].gap > 0 || !one) {
				n = from
				break
			}
		}
		if n < shortestQQ || n > longestQQ || g[0].at != k || g[0].value == 0 || g[n-1].value > 9 {
			return s.letters(c, k, signs)
		}
		if t.is(g[n-1].at+1, letter) && !t.is(g[n-1].at+1, digit) {
			return s.letters(c, k, signs)
		}
		if measures.has(t.rune(g[n-1].at+1)) || t.rune(g[n-1].at+1) == '@' {
			return false
		}
		if n == 11 && g[0].value == 1 {
			return true // a phone number, which numbers finds
		}
		s.add(s.number(c.kind, g[:n], k, Likely))
		return true
	}
	return s.letters(c, k, signs)
}

// letters looks for a name of WeChat: 6 to 20 of a-z, 0-9, _ and -, the first a
// letter.
func (s *screen) letters(c calling, k int, signs bool) bool {
	t := s.t
	end, plain := k, true
	for end < len(t.w) && end-k <= 21 && (t.is(end, ascii) || t.rune(end) == '_' || t.rune(end) == '-') {
		plain = plain && t.is(end, letter)
		end++
	}
	for end > k && t.rune(end-1) == '-' {
		end--
	}
	n := end - k
	if c.kind != WeChat || n < 6 || n > 20 || !t.is(k, letter) || plain && !signs || t.rune(end) == '@' || t.rune(end) == '.' && t.is(end+1, ascii) {
		return false
	}
	s.token(WeChat, k, end)
	return true
}

func (s *screen) token(k Kind, i, j int) {
	f := s.found(k, i, j, Likely)
	f.Children = s.whose(i, j)
	s.add(f)
}

// nameBefore looks for a name before the word: abc_123 是我的微信.
func (s *screen) nameBefore(c calling, i int) {
	t := s.t
	j, signs := i, false
	for n := 0; n < 7 && j > 0; n++ {
		r := t.rune(j - 1)
		if r != ' ' && !back.has(r) {
			break
		}
		signs = signs || r != ' '
		j--
	}
	k := j
	for k > 0 && j-k <= 21 && (t.is(k-1, ascii) || t.rune(k-1) == '_' || t.rune(k-1) == '-') {
		k--
	}
	n := j - k
	if !signs || n < 5 || n > 20 || t.rune(k-1) == '@' || t.rune(k-1) == '.' {
		return
	}
	number := true
	for m := k; m < j; m++ {
		number = number && t.is(m, digit)
	}
	switch {
	case number && n == 11 && t.rune(k) == '1', number && (n > 11 || t.rune(k) == '0'):
	case number:
		s.token(c.kind, k, j)
	case c.kind == WeChat && n >= 6 && t.is(k, letter):
		s.token(WeChat, k, j)
	}
}

var back = setOf("是我的就这(他她[【个,")
