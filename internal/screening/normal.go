package screening

import (
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// A text is what was sent in its normal form. Each word is a rune with its
// classes above it; at has the byte in src at which the rune begins.
type text struct {
	src  string
	w    []uint32
	at   []int32
	nums []numeral // of the group of digits that is being looked at
}

// Classes of runes, above the 21 bits of the rune.
const (
	letter  uint32 = 1 << (21 + iota) // a to z
	digit                             // 0 to 9
	hanzi                             // Chinese
	tally                             // Chinese, and a digit when numbers are read out: 三, 幺
	between                           // may stand between the digits of one number
	ends                              // ends a sentence
	stops                             // the walk looks closer
	dropped                           // isn't there
	runes   = 1<<21 - 1
	ascii   = letter | digit
	digits  = digit | tally
)

func (t *text) rune(i int) rune {
	if i < 0 || i >= len(t.w) {
		return 0
	}
	return rune(t.w[i] & runes)
}

func (t *text) is(i int, class uint32) bool {
	return i >= 0 && i < len(t.w) && t.w[i]&class != 0
}

// span is the bytes of src that became the runes from i to before j.
func (t *text) span(i, j int) (start, end int) {
	last := int(t.at[j-1])
	_, n := utf8.DecodeRuneInString(t.src[last:])
	return int(t.at[i]), last + n
}

var texts = sync.Pool{New: func() any { return new(text) }}

// normal reads src. What it returns goes back with done.
func normal(src string) *text {
	t := texts.Get().(*text)
	t.src = src
	if cap(t.w) < len(src) {
		if n := utf8.RuneCountInString(src); cap(t.w) < n {
			t.w, t.at = make([]uint32, n), make([]int32, n)
		}
	}
	w, at := t.w[:cap(t.w)], t.at[:cap(t.at)]
	n := 0
	for i := 0; i < len(src); {
		start, b := i, src[i]
		var word uint32
		switch {
		case b < utf8.RuneSelf:
			word = table[b]
			i++
		case b >= 0xe1 && b <= 0xec && i+2 < len(src) && src[i+1]&0xc0 == 0x80 && src[i+2]&0xc0 == 0x80:
			word = table[uint32(b&0x0f)<<12|uint32(src[i+1]&0x3f)<<6|uint32(src[i+2]&0x3f)]
			i += 3
		default:
			r, size := utf8.DecodeRuneInString(src[i:])
			word = folded(r)
			i += size
		}
		if word&dropped != 0 {
			continue
		}
		w[n], at[n] = word, int32(start)
		n++
	}
	t.w, t.at = w[:n], at[:n]
	return t
}

// kept is how large a text's memory is kept for the next one.
const kept = 1 << 20

func (t *text) done() {
	if cap(t.w) > kept {
		return
	}
	// Nothing of a text outlives its screening, not even in memory that is kept.
	clear(t.w)
	clear(t.nums[:cap(t.nums)])
	t.src, t.w, t.at, t.nums = "", t.w[:0], t.at[:0], t.nums[:0]
	if cap(t.nums) > kept>>10 {
		t.nums = nil
	}
	texts.Put(t)
}

// penguin stands for 🐧, by which many mean QQ, within the first plane. Nobody writes it.
const penguin = '\ue427'

func folded(r rune) uint32 {
	switch {
	case r < 1<<16:
		return table[r]
	case r >= 0x1d7ce && r <= 0x1d7ff: // mathematical digits
		return table['0'+(r-0x1d7ce)%10]
	case r >= 0x1d400 && r <= 0x1d6a3: // mathematical letters: 26 capitals, 26 small ones, and again
		return table['a'+(r-0x1d400)%26]
	case r == '🐧':
		return uint32(penguin) | stops
	case r >= 0x1f1e6 && r <= 0x1f1ff: // regional indicators
		return table['a'+r-0x1f1e6]
	case r >= 0xe0000 && r <= 0xe0fff, r < 0x1d400 && unicode.In(r, unseen...): // tags and variation selectors, and other signs
		return dropped
	case r >= 0x2f800 && r <= 0x2fa1f: // Chinese once more, for older sets of characters
		return folded(same(r))
	case r >= 0x20000 && r <= 0x3ffff:
		return uint32(r) | hanzi
	}
	if d := decimalDigit(r); d >= 0 {
		return table['0'+d]
	}
	return uint32(r)
}

// decimalDigit is the value of a digit of any script, or -1. The digits of a
// script follow one another from a place that Unicode has chosen so that the
// ranges begin with its zero.
func decimalDigit(r rune) rune {
	if !unicode.Is(unicode.Nd, r) {
		return -1
	}
	for _, g := range unicode.Nd.R16 {
		if uint32(r) >= uint32(g.Lo) && uint32(r) <= uint32(g.Hi) {
			return (r - rune(g.Lo)) % 10
		}
	}
	for _, g := range unicode.Nd.R32 {
		if uint32(r) >= g.Lo && uint32(r) <= g.Hi {
			return (r - rune(g.Lo)) % 10
		}
	}
	return -1
}

// unseen are the runes that nobody sees: signs of format and of direction, fillers, and marks
// over whatever stands before them.
var unseen = []*unicode.RangeTable{unicode.Cf, unicode.Me, unicode.Inherited, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector}

// same is the rune that Unicode says a rune is the same as, or the rune itself.
func same(r rune) rune {
	s := norm.NFKC.String(string(r))
	if to, n := utf8.DecodeRuneInString(s); n == len(s) {
		return to
	}
	return r
}

// table is the normal form and the classes of each rune of the first plane.
var table = makeTable()

func makeTable() *[1 << 16]uint32 {
	var t [1 << 16]uint32
	for r := range rune(1 << 16) {
		t[r] = uint32(r)
		switch {
		case r >= '0' && r <= '9':
			t[r] |= digit | stops
		case r >= 'a' && r <= 'z':
			t[r] |= letter
		case r >= 'A' && r <= 'Z':
			t[r] = uint32(r+'a'-'A') | letter
		case r >= 0x3400 && r <= 0x9fff, r >= 0xf900 && r <= 0xfaff:
			t[r] |= hanzi
		case r == 0xfffc, unicode.IsControl(r) && !unicode.IsSpace(r):
			t[r] = dropped
		default:
			if d := decimalDigit(r); d >= 0 {
				t[r] = uint32('0'+d) | digit
			}
		}
	}
	for _, runes := range unseen {
		for _, g := range runes.R16 {
			for r := uint32(g.Lo); r <= uint32(g.Hi); r += uint32(g.Stride) {
				t[r] = dropped
			}
		}
	}
	for _, g := range [][2]rune{{0x2f00, 0x2fd5}, {0xf900, 0xfaff}} { // radicals, as a PDF's text has them, and Chinese for older sets of characters
		for r := g[0]; r <= g[1]; r++ {
			if to := same(r); to < 1<<16 {
				t[r] = t[to]
			} else {
				t[r] = uint32(to) | hanzi
			}
		}
	}
	like := func(first rune, to string) { // runes in a row that look like those of to
		for i, r := range []rune(to) {
			t[first+rune(i)] = t[r]
		}
	}
	each := func(from, to string) {
		b := []rune(to)
		for i, r := range []rune(from) {
			t[r] = t[b[i]]
		}
	}
	for r := rune(0x21); r <= 0x7e; r++ { // full width
		t[r+0xfee0] = t[r]
	}
	for _, first := range []rune{0x2460, 0x2474, 0x2488, 0x2776, 0x2780, 0x278a, 0x24f5} { // ①⑴⒈❶➀➊⓵
		like(first, "123456789")
	}
	like(0x24b6, "abcdefghijklmnopqrstuvwxyz") // Ⓐ
	like(0x24d0, "abcdefghijklmnopqrstuvwxyz") // ⓐ
	like(0x249c, "abcdefghijklmnopqrstuvwxyz") // ⒜
	like(0x2080, "0123456789")                 // ₀
	each("⁰¹²³⁴⁵⁶⁷⁸⁹⓪⓿㊀㊁㊂㊃㊄㊅㊆㊇㊈", "01234567890"+"0"+"一二三四五六七八九")
	each("аеорсухіѕјԁһАВЕКМНОРСТУХІЅЈ", "aeopcyxisjdhabekmhopctyxisj") // Cyrillic
	each("αονρτυικΑΒΕΗΙΚΜΝΟΡΤΥΧΖ", "aovptuikabehikmnoptyxz")           // Greek
	each("⺠⻄⻅⻉⻋⻓⻔⻙⻚⻛⻜⻢⻥⻦⻨⻩⻬⻮⻰", "民西见贝车长门韦页风飞马鱼鸟麦黄齐齿龙")                 // radicals that Unicode says are the same as nothing
	each("〇○◯", "零零零")
	each("﹫﹣﹒﹕－—–‐‑‒―−﹘", "@-.:---------")
	for _, r := range "零一二三四五六七八九壹贰叁肆伍陆柒捌玖幺貳參陸" {
		t[r] |= tally | stops
	}
	for _, r := range "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\t" {
		t[r] = ' '
	}
	each("\v\f\u0085\u2028\u2029", "\n\n\n\n\n")
	for _, r := range " -.·•_/()[]（）～~*+,'|" {
		t[r] |= between
	}
	each("（）【】［］～＊．・", "()[][]~*.·")
	for _, r := range "\n\r。！？!?；;…" {
		t[r] |= ends | stops
	}
	for _, r := range "@([qvw微威薇维扣企球蔻叩抠秋丘腾鹅号號栋幢室弄单组学园校小中幼班级" {
		t[r] |= stops
	}
	for r := range rune(1 << 16) { // what was folded before its target had all its classes
		if to := t[r]; to&dropped == 0 && to&runes != uint32(r) && to&runes < 1<<16 {
			t[r] = t[to&runes]
		}
	}
	return &t
}
