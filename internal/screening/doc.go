// Package screening looks at what is about to be published, text and the hidden
// lines of a picture, for a child's identifiers. Article 4: nobody makes,
// publishes or spreads what harms the security of children's information.
//
// Its one invariant: a finding lies within the text, and the text that Masked
// returns has none of what was found in it.
//
// # How it reads
//
// The text is written once in a normal form (normal.go): one width, lower case,
// nothing invisible, one shape for each letter and digit that looks alike; each
// rune keeps the place of the byte it came from. Over it goes one walk that
// stops where something may begin or end: at digits (number.go), at an @ and at
// the words for WeChat and QQ (handle.go), at the words that number a house
// (address.go), and at schools and classes, whose sentence is then searched for
// a name (pupil.go). There are no regular expressions: they cost more than the
// budget for everything together, 20 ns for a byte.
//
// # Known values
//
// A Known has the values of held children, one million of them in some 20 MB,
// and finds them anywhere in a text: names, nicknames, numbers, addresses. It
// holds no value. Each is normalised and kept as 64 bits of SipHash-2-4 under a
// key that is made with the set, lies in its memory and nowhere else, and goes
// with it. A walk asks at each rune whether a value begins with it (2 kB of bits, which stay
// in the core's nearest memory), then whether one begins with these two (a
// filter of one byte for a pair, 4 MB), and only then hashes the next two, three
// and four runes, or, where longer values begin so, the lengths that those have.
//
// An Aho-Corasick automaton over the values would find the same. What the
// hashes gain: no value is in the heap, in a core file, in swap or in what a
// debugger prints, so what leaks a part of memory (a bug that reads beyond a
// buffer, a crash report that quotes the stack) leaks numbers; the set can't be
// listed, only asked; and it takes a tenth of an automaton's memory. What they
// don't gain: who has all of the process's memory has the key beside the
// hashes, and can try every phone number within minutes, and every name. Such a
// reader has the pool keys of the vault, too. What they cost: two values with
// the same 64 bits are the same (at a million values, one wrong hit in 10¹³
// questions), and whoever may ask the screening without limit can ask whether a
// value is held: so an edge limits how often, and records that it was asked.
// The filters tell with which runes and pairs of runes some value begins, to whoever has
// the key.
//
// A value that many share proves little. A name, a nickname or a school alone is
// Possible; with another value of the same child in the text it is Certain.
package screening
