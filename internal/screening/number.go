package screening

import "slices"

// A numeral is one digit of a group of digits with what may stand between them.
type numeral struct {
	value byte // 0 to 9, or 10 for the X of an identity number
	sep   rune // what stands before it: 0 nothing, ' ' or another sign, 'h' a change between 3 and 三
	gap   int  // how many runes stand before it
	at    int  // its place in the text
}

// numbers looks at the group of digits that begins at i, adds what it finds and
// returns the place after the group.
func (s *screen) numbers(i int) int {
	g, next := s.t.group(i)
	if len(g) < 5 {
		last := next - 1
		if s.t.rune(next) == ')' {
			last = next
		}
		s.classAt(last)
		return next
	}
	from, free := 0, 0 // what is before free belongs to a finding
	if n, f := s.passport(g); n > 0 {
		s.add(f)
		from, free = n, n
	}
	for from < len(g) {
		if from > 0 && g[from].sep == 0 {
			from++
			continue
		}
		n, f := s.numberAt(g, from, free)
		if n == 0 {
			from++
			continue
		}
		s.add(f)
		from += n
		free = from
	}
	return next
}

// group reads digits, and what looks like one among them, into t.nums.
func (t *text) group(i int) ([]numeral, int) {
	g := t.nums[:0]
	// ol3812345678: what looks like a digit may stand before the first one.
	for k := 0; k < 2 && i > 0 && likeDigit(t.rune(i-1)) >= 0 && !t.is(i-2, letter) && t.is(i+4, digit); k++ {
		i--
	}
	gap, sep := 0, rune(0)
	j := i
	last := i
	for j < len(t.w) {
		w := t.w[j]
		v := -1
		switch {
		case w&digits != 0:
			v = digitOf(rune(w & runes))
		case w&between != 0 && gap < 3:
			if gap == 0 || rune(w&runes) != ' ' {
				sep = rune(w & runes)
			}
			gap++
			j++
			continue
		case w&letter != 0 && gap == 0 && len(g) > 0:
			v = likeDigit(rune(w & runes))
			if v >= 0 && t.is(j+1, letter) && likeDigit(t.rune(j+1)) < 0 {
				v = -1
			}
			if rune(w&runes) == 'x' && !t.is(j+1, ascii) {
				v = 10
			}
		case w&letter != 0 && len(g) == 0:
			v = likeDigit(rune(w & runes))
		}
		if v == -1 && w&letter != 0 && rune(w&runes) == 'x' && len(g) > 16 && !t.is(j+1, ascii) {
			v = 10 // 11010120150101012 X
		}
		if v < 0 {
			break
		}
		if len(g) > 0 && w&tally != t.w[last]&tally {
			sep = 'h'
		}
		g = append(g, numeral{byte(v), sep, gap, j})
		gap, sep, last = 0, 0, j
		j++
	}
	t.nums = g
	if len(g) == 0 {
		return g, i + 1
	}
	return g, max(last, i) + 1
}

func digitOf(r rune) int {
	if r >= '0' && r <= '9' {
		return int(r - '0')
	}
	switch r {
	case '零':
		return 0
	case '一', '壹', '幺':
		return 1
	case '二', '贰', '貳':
		return 2
	case '三', '叁', '參':
		return 3
	case '四', '肆':
		return 4
	case '五', '伍':
		return 5
	case '六', '陆', '陸':
		return 6
	case '七', '柒':
		return 7
	case '八', '捌':
		return 8
	case '九', '玖':
		return 9
	}
	return -1
}

// likeDigit is the digit that a letter is written for, or -1.
func likeDigit(r rune) int {
	switch r {
	case 'o':
		return 0
	case 'l', 'i':
		return 1
	}
	return -1
}

// numberAt looks for a number that begins with the digit from of the group, the
// longest first, and returns how many digits it has. Those before free belong to
// another.
func (s *screen) numberAt(g []numeral, from, free int) (int, Finding) {
	for _, n := range [...]int{19, 18, 17, 16, 15, 13, 12, 11, 10} {
		if from+n > len(g) || from+n < len(g) && g[from+n].sep == 0 && g[from+n].value != 10 {
			continue // it doesn't end where a part ends
		}
		w := g[from : from+n]
		if !joined(g, from, n, free) {
			continue
		}
		var f Finding
		switch n {
		case 18:
			if f = s.identity(w); f.Kind == 0 {
				f = s.card(w)
			}
		case 19, 17, 16:
			f = s.card(w)
		case 13, 15:
			if w[0].value == 8 && w[1].value == 6 {
				f = s.phone(w[2:], w[0].at, true)
			} else if n == 15 && w[0].value == 0 && w[1].value == 0 && w[2].value == 8 && w[3].value == 6 {
				f = s.phone(w[4:], w[0].at, true)
			}
		case 11:
			if f = s.phone(w, w[0].at, false); f.Kind == 0 {
				f = s.landline(w)
			}
		case 12, 10:
			f = s.landline(w)
		}
		if f.Kind != 0 {
			return n, f
		}
	}
	return 0, Finding{}
}

// joined reports whether n digits from the one at from on are one number as
// people write it: parts with the same sign between them, and another sign or
// none where they begin and end. 138 1234 5678 is one; of 6222 1381 2345 678 the
// last eleven aren't.
func joined(g []numeral, from, n, free int) bool {
	var inner rune
	parts, single := 1, true
	for k := from + 1; k < from+n; k++ {
		sep := g[k].sep
		if sep == 0 {
			single = false
			continue
		}
		parts++
		if sep == 'h' {
			continue
		}
		if inner == 0 {
			inner = sep
		}
		if sep != inner && !(isBracket(sep) || isBracket(inner) || sep == '-' && inner == ' ') {
			return false
		}
	}
	if from > free && g[from].sep == '.' && g[from].gap == 1 && inner == 0 {
		return false // 0.13812345678
	}
	if inner == 0 {
		return true
	}
	if (inner == ',' || inner == '\'' || inner == '|' || inner == '+' || inner == '*') && !(single && parts == n) {
		return false // 1,381,234,567
	}
	shaped := parts == 3 && (n == 11 && g[from+3].sep != 0 && g[from+7].sep != 0 || n == 18 && g[from+6].sep != 0 && g[from+14].sep != 0)
	if from > free && g[from].sep == inner && !(shaped && partBefore(g, from) != 4) {
		return false
	}
	if end := from + n; end < len(g) && g[end].sep == inner && !(shaped && partAt(g, end) != 4) {
		return false
	}
	return true
}

func isBracket(r rune) bool { return r == '(' || r == ')' || r == '[' || r == ']' }

// partAt is how many digits follow from k on with nothing between.
func partAt(g []numeral, k int) int {
	n := 1
	for k+n < len(g) && g[k+n].sep == 0 {
		n++
	}
	return n
}

// partBefore is how many digits end before k with nothing between.
func partBefore(g []numeral, k int) int {
	n := 1
	for n < k && g[k-n].sep == 0 {
		n++
	}
	return n
}

// surrounded returns what the words say that stand before a number, and how it
// touches what is beside it.
func (s *screen) surrounded(i int) about { return surroundings.before(s.t, i, 14) }

// touches reports whether the number from i to before j is a part of a word or
// an amount: SF13812345678, 13812345678元.
func (s *screen) touches(i, j int) bool {
	t := s.t
	if t.is(i-1, letter) {
		k := i - 1
		for t.is(k-1, letter) {
			k--
		}
		if a := surroundings.endsAt(t, i-1); t.is(k-1, digit) || a != aPhone && a != aWeChat && a != aQQ && !(i-k == 1 && t.rune(k) == 'v') {
			return true
		}
	}
	if t.rune(i-1) == '/' && t.is(i-2, ascii) && t.rune(i-2) != ' ' {
		return !t.is(i-2, digit) // a part of an address of the web
	}
	if t.rune(i-1) == '_' || t.rune(i-1) == '#' || t.rune(i-1) == '=' || t.rune(i-1) == '$' || t.rune(i-1) == '¥' || t.rune(i-1) == '￥' {
		return true
	}
	if t.is(j, letter) || t.rune(j) == '@' || t.rune(j) == '_' || t.rune(j) == '%' {
		return true
	}
	return measures.has(t.rune(j))
}

var measures = setOf("元块万亿千百分次年秒米克斤件个吨度升赞步")

// plain reports whether there is no X among the digits, which only an identity
// number has: in a group of digits it may stand anywhere.
func plain(w []numeral) bool {
	return !slices.ContainsFunc(w, func(d numeral) bool { return d.value > 9 })
}

// phone is a mobile number: 11 digits whose first three are one of an operator's.
// Others that begin with 1 count where the words say that it is a phone.
func (s *screen) phone(w []numeral, at int, abroad bool) Finding {
	if !plain(w) || w[0].value != 1 || w[1].value < 3 {
		return Finding{}
	}
	last := w[10].at + 1
	a := s.surrounded(at)
	if s.touches(at, last) || a == aThing {
		return Finding{}
	}
	if a == 0 && !abroad && surroundings.after(s.t, last, 8) == aThing {
		return Finding{}
	}
	c := Likely
	switch known := operators[int(w[1].value)*10+int(w[2].value)]; {
	case known && (a == aPhone || a == aHome || abroad):
		c = Certain
	case !known && a != aPhone && a != aHome && !abroad:
		return Finding{}
	}
	start := at
	if s.t.rune(start-1) == '+' {
		start--
	}
	return s.number(Phone, w, start, c)
}

// operators are the prefixes, without the 1, that the ministry gave to
// operators (MIIT's numbering plan).
var operators = func() (ok [100]bool) {
	for tens, units := range map[int]string{3: "0123456789", 4: "014567890", 5: "012356789", 6: "2567", 7: "012345678", 8: "0123456789", 9: "012356789"} {
		for _, u := range units {
			ok[tens*10+int(u-'0')] = true
		}
	}
	return ok
}()

// landline is a number with an area code where the words say that it is somebody's
// home, or a phone and no office's.
func (s *screen) landline(w []numeral) Finding {
	if !plain(w) || w[0].value != 0 || w[1].value == 0 {
		return Finding{}
	}
	area := 4
	if w[1].value <= 2 {
		area = 3
	}
	if rest := len(w) - area; rest != 7 && rest != 8 || w[area].value < 2 {
		return Finding{}
	}
	at, last := w[0].at, w[len(w)-1].at+1
	if s.touches(at, last) {
		return Finding{}
	}
	switch surroundings.before(s.t, at, 20) {
	case aHome, aResidence:
		return s.number(Phone, w, at, Certain)
	case aPhone:
		for i := at - 1; i >= 0 && i > at-24 && !s.t.is(i, ends); i-- {
			if a := surroundings.endsAt(s.t, i); a == aOffice || a == aThing {
				return Finding{}
			}
		}
		return s.number(Phone, w, at, Likely)
	}
	return Finding{}
}

// identity is a resident identity number after GB 11643, or, where the words say
// that it is one, what has its form but for the check character: people err.
func (s *screen) identity(w []numeral) Finding {
	for _, d := range w[:17] {
		if d.value > 9 {
			return Finding{}
		}
	}
	n := func(from, to int) (v int) {
		for _, d := range w[from:to] {
			v = v*10 + int(d.value)
		}
		return v
	}
	if !regions[n(0, 2)] || n(6, 10) < 1900 || n(6, 10) > 2099 || n(10, 12) < 1 || n(10, 12) > 12 || n(12, 14) < 1 ||
		n(12, 14) > daysIn(n(6, 10), n(10, 12)) {
		return Finding{}
	}
	at, last := w[0].at, w[17].at+1
	if s.t.is(at-1, letter) || s.t.is(last, ascii) || s.t.rune(last) == '@' {
		return Finding{}
	}
	a := s.surrounded(at)
	sum, weight := int(w[17].value), 1
	for i := 16; i >= 0; i-- {
		weight = weight * 2 % 11
		sum += weight * int(w[i].value)
	}
	switch {
	case sum%11 == 1 && a == aIdentity:
		return s.number(Identity, w, at, Certain)
	case sum%11 == 1 && a != aThing:
		return s.number(Identity, w, at, Likely)
	case a == aIdentity:
		return s.number(Identity, w, at, Possible)
	}
	return Finding{}
}

// regions are the first two digits after GB/T 2260, with those of residents from
// Hong Kong, Macao and Taiwan, and of foreigners.
var regions = func() (ok [100]bool) {
	for _, r := range [...]int{11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54,
		61, 62, 63, 64, 65, 71, 81, 82, 83, 91, 92, 93, 94, 95, 96, 97, 98, 99} {
		ok[r] = true
	}
	return ok
}()

func daysIn(year, month int) int {
	switch {
	case month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0):
		return 29
	case month == 2:
		return 28
	case month == 4, month == 6, month == 9, month == 11:
		return 30
	}
	return 31
}

// card is a bank card: ISO/IEC 7812 with the check digit of Luhn and an issuer
// that there is on the mainland.
func (s *screen) card(w []numeral) Finding {
	sum := 0
	for i := range w {
		d := int(w[len(w)-1-i].value)
		if d > 9 {
			return Finding{}
		}
		if i%2 == 1 {
			d *= 2
			d = d/10 + d%10
		}
		sum += d
	}
	issuer := int(w[0].value)*1000 + int(w[1].value)*100 + int(w[2].value)*10 + int(w[3].value)
	at, last := w[0].at, w[len(w)-1].at+1
	if sum%10 != 0 || s.t.is(at-1, letter) || s.t.is(last, ascii) || s.t.rune(last) == '@' {
		return Finding{}
	}
	union := issuer/100 == 62 || issuer == 9558 || issuer == 6013 || issuer == 6011 || issuer == 6858 || issuer == 6886 || issuer == 9400 || issuer == 9559
	visa := len(w) == 16 && (issuer/1000 == 4 || issuer/100 >= 51 && issuer/100 <= 55 || issuer >= 2221 && issuer <= 2720 || issuer/100 == 35)
	switch a := s.surrounded(at); {
	case a == aThing || !union && !visa && a != aCard:
		return Finding{}
	case a == aCard:
		return s.number(Card, w, at, Certain)
	case union:
		return s.number(Card, w, at, Likely)
	case len(w) == 16 && w[4].sep != 0 && w[8].sep != 0 && w[12].sep != 0:
		return s.number(Card, w, at, Likely)
	}
	return Finding{}
}

// passport is a letter and eight digits, or two and seven, where the words say
// that it is a document; the digits are the first of a group.
func (s *screen) passport(g []numeral) (int, Finding) {
	t, at := s.t, g[0].at
	letters := 0
	for letters < 3 && t.is(at-1-letters, letter) {
		letters++
	}
	n := 9 - letters
	if letters < 1 || letters > 2 || t.is(at-1-letters, ascii) || len(g) < n || len(g) > n && g[n].sep == 0 ||
		!documents.has(t.rune(at-letters)) || t.is(g[n-1].at+1, ascii) || !plain(g[:n]) || !joined(g, 0, n, 0) {
		return 0, Finding{}
	}
	start := at - letters
	if !surroundings.anywhere(t, start, 14, aPassport) && !surroundings.anywhere(t, start, 14, aIdentity) &&
		surroundings.after(t, g[n-1].at+1, 6) != aPassport {
		return 0, Finding{}
	}
	f := s.number(Passport, g[:n], start, Certain)
	if s.known != nil {
		var b [9]rune
		value := b[:0]
		for i := start; i < at; i++ {
			value = append(value, t.rune(i))
		}
		for _, d := range g[:n] {
			value = append(value, rune('0'+d.value))
		}
		f.Children = s.known.whose(value)
	}
	return n, f
}

// documents are the letters with which passports and permits begin.
var documents = setOf("egdsphmcwkt")

func (s *screen) number(k Kind, w []numeral, at int, c Confidence) Finding {
	f := s.found(k, at, w[len(w)-1].at+1, c)
	if s.known != nil {
		var b [longest]rune
		value := b[:0]
		for _, d := range w {
			if d.value == 10 {
				value = append(value, 'x')
			} else {
				value = append(value, rune('0'+d.value))
			}
		}
		f.Children = s.known.whose(value)
		clear(value)
	}
	if k == Phone && w[0].value == 1 {
		f.Mask = string([]byte{'1', '0' + w[1].value, '0' + w[2].value}) + "********"
	}
	return f
}
