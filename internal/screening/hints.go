package screening

import "golang.org/x/text/encoding/simplifiedchinese"

// What a rune may begin or end of what is looked for around a name. Most are none of
// these: asking this spares everything else.
const (
	begins  uint8 = 1 << iota // a family name
	opens                     // a word that introduces a name
	follows                   // a word that comes after one
	closes                    // a school or a class ends here
	sounds                    // names of other peoples, as Chinese writes them
	rare                      // stands in few words, and so in a name if it stands after a family name
)

// hints has what each rune of the first plane may be.
var hints = makeHints()

func makeHints() *[1 << 16]uint8 {
	var h [1 << 16]uint8
	for r := range h {
		if surnames.has(rune(r)) || doubles.second.at(rune(r)) != nil {
			h[r] |= begins
		}
		if introductions.at(rune(r)) != nil {
			h[r] |= opens
		}
		if followings.at(rune(r)) != nil {
			h[r] |= follows
		}
		if r >= 0x4e00 && r <= 0x9fff && !crawls(rune(r)) {
			h[r] |= rare
		}
	}
	for _, r := range "班级学校园小中幼队)一二三0123456789" {
		h[r] |= closes
	}
	for _, r := range syllables {
		h[r] |= sounds
	}
	// The 3,755 that are used most: GB 2312, level 1.
	var b [2]byte
	out := make([]byte, 8)
	gbk := simplifiedchinese.GBK.NewDecoder()
	for b[0] = 0xb0; b[0] <= 0xd7; b[0]++ {
		for b[1] = 0xa1; b[1] <= 0xfe; b[1]++ {
			n, _, _ := gbk.Transform(out, b[:], true)
			for _, r := range string(out[:n]) {
				if r < 1<<16 {
					h[r] &^= rare
				}
			}
		}
	}
	return &h
}

// crawls reports whether a rune has a radical that names avoid: insects, beasts, fish, sickness,
// flesh, mouths, feet.
func crawls(r rune) bool {
	return r >= 0x866b && r <= 0x883f || r >= 0x72ac && r <= 0x737d || r >= 0x9b5a && r <= 0x9ce2 || r >= 0x7592 && r <= 0x7678 || r >= 0x8089 && r <= 0x81e2 ||
		r >= 0x53e3 && r <= 0x56d6 || r >= 0x8db3 && r <= 0x8eaa
}

// hint is what the rune at i may be.
func (t *text) hint(i int) uint8 {
	if r := t.rune(i); r < 1<<16 {
		return hints[r]
	}
	return 0
}

// givens reports whether the rune at i is one that given names have.
func (t *text) givens(i int) bool {
	return given.has(t.rune(i)) || t.hint(i)&rare != 0
}
