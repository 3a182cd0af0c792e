package screening

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// What people write into pictures is read here from its bytes: a library that shows it
// shows it in one way, and what it can't show not at all. Writers disagree about how it is
// encoded, so it is read in each way in which it may be meant.

// spoken are the tags of EXIF that hold words, those of Windows in UTF-16.
var spoken = map[uint16]string{
	0x010e: "ImageDescription", 0x013b: "Artist", 0x8298: "Copyright", 0x9286: "UserComment",
	0x9c9b: "XPTitle", 0x9c9c: "XPComment", 0x9c9d: "XPAuthor", 0x9c9e: "XPKeywords", 0x9c9f: "XPSubject",
}

var isSpoken = func() map[string]bool {
	m := make(map[string]bool)
	for _, name := range spoken {
		m[name] = true
	}
	return m
}()

// A said is what a picture says at one place, as it may be meant.
type said struct {
	tag      string
	readings []string
}

// Of one picture so many directories are walked, and so many things said.
const (
	mostHeads   = 16
	mostEntries = 100_000
	mostSaid    = 2000
)

// remarks returns what a picture says in words, in whatever container it lies: EXIF, found
// by how it begins, comments of JPEG and texts of PNG. Errors: ErrPicture, for more than
// can be read.
func remarks(data []byte) (all []said, err error) {
	r := &remarker{data: data}
	for _, head := range []string{"II*\x00", "MM\x00*"} {
		order := binary.ByteOrder(binary.LittleEndian)
		if head[0] == 'M' {
			order = binary.BigEndian
		}
		for at, n := 0, 0; n < mostHeads; n++ {
			i := bytes.Index(data[at:], []byte(head))
			if i < 0 {
				break
			}
			r.tiff(data[at+i:], order)
			at += i + len(head)
		}
	}
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		r.jpeg()
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		r.png()
	}
	if r.full {
		return nil, ErrPicture
	}
	return r.all, nil
}

type remarker struct {
	data    []byte
	all     []said
	bytes   int
	entries int
	full    bool
}

// say adds what is said once.
func (r *remarker) say(tag string, readings ...string) {
	n := 0
	for _, s := range readings {
		n += len(s)
	}
	if n == 0 {
		return
	}
	if r.bytes += n; len(r.all) == mostSaid || r.bytes > LargestPicture || n > 4*LargestText {
		r.full = true
		return
	}
	r.all = append(r.all, said{tag, readings})
}

// tiff walks the directories of what begins as TIFF does, as far as it is one.
func (r *remarker) tiff(b []byte, order binary.ByteOrder) {
	if len(b) < 8 {
		return
	}
	seen := make(map[uint32]bool)
	next := []uint32{order.Uint32(b[4:])}
	for len(next) > 0 && len(seen) < mostHeads && !r.full {
		at := next[0]
		if next = next[1:]; seen[at] || int64(at)+2 > int64(len(b)) {
			continue
		}
		seen[at] = true
		entries := b[at+2:]
		n := int(order.Uint16(b[at:]))
		for ; n > 0 && len(entries) >= 12; n, entries = n-1, entries[12:] {
			if r.entries++; r.entries > mostEntries {
				r.full = true
				return
			}
			tag, kind, count := order.Uint16(entries), order.Uint16(entries[2:]), order.Uint32(entries[4:])
			switch name := spoken[tag]; {
			case tag == 0x8769: // the directory of EXIF itself
				next = append(next, order.Uint32(entries[8:]))
			case name == "" || kind != 1 && kind != 2 && kind != 7: // bytes, characters, or what it will
			case count <= 4:
				r.comment(name, entries[8:8+count])
			default:
				if from := order.Uint32(entries[8:]); int64(from)+int64(count) <= int64(len(b)) {
					r.comment(name, b[from:int64(from)+int64(count)])
				}
			}
		}
		if n == 0 && len(entries) >= 4 {
			next = append(next, order.Uint32(entries))
		}
	}
}

// comment reads a tag of EXIF: a UserComment says in its first eight bytes how it is
// encoded, or nothing, or something else than is true.
func (r *remarker) comment(name string, b []byte) {
	switch {
	case strings.HasPrefix(name, "XP"):
		r.say(name, fromUTF16(b, binary.LittleEndian))
	case name != "UserComment" || len(b) < 8:
		r.say(name, fromBytes(b)...)
	case string(b[:8]) == "UNICODE\x00":
		r.say(name, inUTF16(b[8:])...)
	case string(b[:5]) == "ASCII", string(b[:3]) == "JIS":
		r.say(name, fromBytes(b[8:])...)
	default:
		r.say(name, append(fromBytes(bytes.TrimLeft(b, "\x00")), inUTF16(b[8:])...)...)
	}
}

// jpeg reads the comments before the picture.
func (r *remarker) jpeg() {
	for at := 2; at+4 <= len(r.data) && r.data[at] == 0xff; {
		marker, size := r.data[at+1], int(binary.BigEndian.Uint16(r.data[at+2:]))
		if marker == 0xff { // fills up
			at++
			continue
		}
		if marker == 0xda || size < 2 || at+2+size > len(r.data) {
			return
		}
		if marker == 0xfe {
			r.say("Comment", fromBytes(r.data[at+4:at+2+size])...)
		}
		at += 2 + size
	}
}

// png reads the texts.
func (r *remarker) png() {
	for at := 8; at+12 <= len(r.data) && !r.full; {
		size := int64(binary.BigEndian.Uint32(r.data[at:]))
		if int64(at)+12+size > int64(len(r.data)) {
			return
		}
		kind, body := string(r.data[at+4:at+8]), r.data[at+8:int64(at)+8+size]
		at += 12 + int(size)
		_, rest, ok := bytes.Cut(body, []byte{0})
		if !ok || kind != "tEXt" && kind != "zTXt" && kind != "iTXt" {
			continue
		}
		packed := kind == "zTXt"
		if kind == "iTXt" {
			if len(rest) < 2 {
				continue
			}
			packed, rest = rest[0] == 1, rest[1:]
		}
		if kind != "tEXt" {
			rest = rest[min(1, len(rest)):] // how it is packed: there is one way
		}
		for n := 0; kind == "iTXt" && n < 2; n++ { // its language, and its key in it
			if _, rest, ok = bytes.Cut(rest, []byte{0}); !ok {
				rest = nil
			}
		}
		if packed {
			rest = r.unpack(rest)
		}
		r.say("Text", fromBytes(rest)...) // its key is whatever somebody has written
	}
}

// unpack returns what is packed, or, of more than a text may have, notes that it can't be
// read.
func (r *remarker) unpack(b []byte) []byte {
	z, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil
	}
	defer z.Close()
	out, err := io.ReadAll(io.LimitReader(z, LargestText+1))
	if len(out) > LargestText {
		r.full = true
		return nil
	}
	if err != nil && err != io.ErrUnexpectedEOF && err != zlib.ErrChecksum {
		return nil
	}
	return out
}

// fromBytes reads bytes as UTF-8, or else as Chinese systems wrote before it; with bytes
// of zero in them they are UTF-16 that says otherwise.
func fromBytes(b []byte) []string {
	b = bytes.TrimRight(b, "\x00")
	switch {
	case len(b) == 0:
		return nil
	case bytes.IndexByte(b, 0) >= 0:
		return append(inUTF16(b), string(b))
	case utf8.Valid(b):
		return []string{string(b)}
	}
	out, err := simplifiedchinese.GB18030.NewDecoder().Bytes(b)
	if err != nil {
		return []string{string(b)}
	}
	return []string{string(out)}
}

// inUTF16 reads bytes in the order that they say, or else in both: writers go by the
// picture's, or by their machine's.
func inUTF16(b []byte) []string {
	switch {
	case len(b) >= 2 && b[0] == 0xff && b[1] == 0xfe:
		return []string{fromUTF16(b[2:], binary.LittleEndian)}
	case len(b) >= 2 && b[0] == 0xfe && b[1] == 0xff:
		return []string{fromUTF16(b[2:], binary.BigEndian)}
	}
	all := []string{fromUTF16(b, binary.LittleEndian), fromUTF16(b, binary.BigEndian)}
	if utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 {
		all = append(all, string(b)) // neither
	}
	return all
}

func fromUTF16(b []byte, order binary.ByteOrder) string {
	u := make([]uint16, len(b)/2)
	for i := range u {
		u[i] = order.Uint16(b[2*i:])
	}
	return strings.TrimRight(string(utf16.Decode(u)), "\x00")
}
