// Package watermark draws a value that a person inside may look at as a picture, marks
// the text of those that may leave as a file, and reads from a photo or a copy of one by
// which look it was shown (Article 15).
//
// Its one invariant: no picture is without both marks. The words, with who looks, when
// and by which request, stand over the value; the dots of the paper say the same in a
// code that survives a photo. Neither can be left out: a Card without them isn't drawn.
//
// The paper is a lattice of small dots and large ones. A tile of them is one code, and
// tiles repeat over the whole picture, so what the text hides in one is read from others.
// It holds no value and nothing about a child: the number of a request, which look by it,
// and a keyed hash of both, so that nobody can draw the mark of somebody else.
package watermark

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"

	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/id"
)

// What can be wrong with a picture.
var (
	ErrNone    = errs.New(errs.NotFound, "watermark.none")   // no mark can be read in it
	ErrPicture = errs.New(errs.Invalid, "watermark.picture") // it is no PNG, JPEG or WebP that stands still, nor a text with a mark
	ErrLarge   = errs.New(errs.Invalid, "watermark.large")   // of more pixels than a camera has
	errMark    = errors.New("watermark: a mark has a request's number, a look from 1 to 4095, and a proof")
	errVisible = errors.New("watermark: nobody is named on the card")
)

// A Mark says by which look a picture was made. The zero Mark is none.
type Mark struct {
	Number string // of the request, "7K2M-9QXT"
	Look   int64  // which of the looks by it, from 1
	Proof  Proof  // that we have made it
}

// A Proof is the beginning of a keyed hash of the rest of the mark.
type Proof [3]byte

// Keyed is what makes the hash: keyring.Ring is one.
type Keyed interface {
	Index(domain string, parts ...string) []byte
}

// New returns the mark of a look.
func New(by Keyed, number string, look int64) Mark {
	m := Mark{Number: number, Look: look}
	m.Proof = m.proof(by)
	return m
}

// Ours reports whether the mark was made with our key.
func (m Mark) Ours(by Keyed) bool { return m.Number != "" && m.Proof == m.proof(by) }

func (m Mark) proof(by Keyed) Proof {
	var look [8]byte
	binary.BigEndian.PutUint64(look[:], uint64(m.Look))
	return Proof(by.Index("watermark", m.Number, string(look[:]))[:3])
}

// A tile of dots: across × down bits.
const (
	across, down = 12, 9
	tile         = across * down
	lookBits     = 12
)

// MaxLook is the last look of a request that a mark can say: no approval may be for more.
const MaxLook = 1<<lookBits - 1

// A code is what a tile says: 40 bits of the number, 12 of the look, 24 of the proof, and
// 32 by which a reader knows that it has read right.
type code [tile]bool

// letters are those of id.Number, 5 bits each.
const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// words returns what the mark says as bits, the first highest.
func (m Mark) words() (data [10]byte, err error) {
	number, ok := id.ParseNumber(m.Number)
	if !ok || number != m.Number || m.Look < 1 || m.Look > MaxLook || m.Proof == (Proof{}) {
		return data, errMark
	}
	var n uint64
	for _, r := range strings.ReplaceAll(number, "-", "") {
		n = n<<5 | uint64(strings.IndexRune(letters, r))
	}
	binary.BigEndian.PutUint64(data[:8], n<<24|uint64(m.Look)<<12|uint64(m.Proof[0])<<4|uint64(m.Proof[1])>>4)
	data[8], data[9] = m.Proof[1]<<4|m.Proof[2]>>4, m.Proof[2]<<4
	return data, nil
}

// veil makes about half of the dots large, whatever a mark says.
var veil = sha256.Sum256([]byte("wardkeep watermark 1"))

func bitOf(b []byte, i int) bool { return b[i/8]>>(7-i%8)&1 == 1 }

const dataBits = 40 + lookBits + 24

func (m Mark) code() (c code, err error) {
	data, err := m.words()
	if err != nil {
		return c, err
	}
	whole := binary.BigEndian.AppendUint32(nil, sum(data))
	for i := range c {
		if i < dataBits {
			c[i] = bitOf(data[:], i)
		} else {
			c[i] = bitOf(whole, i-dataBits)
		}
		c[i] = c[i] != bitOf(veil[:], i)
	}
	return c, nil
}

// sum is CRC-32C of what a mark says.
func sum(data [10]byte) uint32 { return crc32.Checksum(data[:], castagnoli) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// mark returns what a code says, if it is one.
func (c code) mark() (m Mark, ok bool) {
	var data [10]byte
	var check uint32
	for i := range c {
		bit := c[i] != bitOf(veil[:], i)
		switch {
		case i >= dataBits:
			check <<= 1
			if bit {
				check |= 1
			}
		case bit:
			data[i/8] |= 1 << (7 - i%8)
		}
	}
	if check != sum(data) {
		return m, false
	}
	n := binary.BigEndian.Uint64(data[:8])
	for i := 7; i >= 0; i-- {
		m.Number += string(letters[n>>24>>(5*i)&31])
		if i == 4 {
			m.Number += "-"
		}
	}
	m.Look = int64(n >> 12 & MaxLook)
	m.Proof = Proof{byte(n >> 4), byte(n<<4) | data[8]>>4, data[8]<<4 | data[9]>>4}
	_, err := m.words()
	return m, err == nil
}
