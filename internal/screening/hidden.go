package screening

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// What people write into pictures is read here from its bytes: a library that shows it
// shows it in one way, and what it can't show not at all. Writers disagree about how it is
// encoded, so it is read in each way in which it may be meant.

// spoken are the tags of EXIF that hold words or say who somebody is, those of Windows in
// UTF-16. Any other with characters or bytes in it is read, too.
var spoken = map[uint16]string{
	0x010e: "ImageDescription", 0x013b: "Artist", 0x8298: "Copyright", 0x9286: "UserComment",
	0x9c9b: "XPTitle", 0x9c9c: "XPComment", 0x9c9d: "XPAuthor", 0x9c9e: "XPKeywords", 0x9c9f: "XPSubject",
	0xa430: "CameraOwnerName", 0xa431: "BodySerialNumber", 0xa435: "LensSerialNumber",
}

var isSpoken = func() map[string]bool {
	m := make(map[string]bool)
	for _, name := range spoken {
		m[name] = true
	}
	return m
}()

// where are the tags of a place; what else is in its directory has a number.
var where = map[uint16]string{
	1: "GPSLatitudeRef", 2: "GPSLatitude", 3: "GPSLongitudeRef", 4: "GPSLongitude", 5: "GPSAltitudeRef", 6: "GPSAltitude", 7: "GPSTimeStamp",
	18: "GPSMapDatum", 19: "GPSDestLatitudeRef", 20: "GPSDestLatitude", 21: "GPSDestLongitudeRef", 22: "GPSDestLongitude", 28: "GPSAreaInformation", 29: "GPSDateStamp",
}

// A said is what a picture says at one place, as it may be meant.
type said struct {
	tag      string
	kind     Kind // Place, Owner, or 0: only what is written counts
	readings []string
}

// Of one picture so many directories are walked, so many things said, and so many bytes
// looked at, each as often as something leads to it: what asks for more is no picture that
// anybody took.
const (
	mostHeads   = 16
	mostEntries = 100_000
	mostSaid    = 2000
	mostBytes   = 4 * LargestText
)

// remarks returns what a picture says, in whatever container it lies: EXIF, found by how it
// begins, comments of JPEG and texts of PNG; and packets of XMP where the library finds
// none. Errors: ErrPicture, for more than can be read.
func remarks(data []byte) (all []said, packets [][]byte, err error) {
	r := &remarker{data: data}
	r.exif(data)
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		r.jpeg()
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		r.png()
	case bytes.HasPrefix(data[min(4, len(data)):], []byte("ftyp")):
		r.rdf(data)
	}
	if r.full {
		return nil, nil, ErrPicture
	}
	return r.all, r.packets, nil
}

// exif finds what begins as TIFF does, and walks its directories.
func (r *remarker) exif(data []byte) {
	for _, head := range []string{"II*\x00", "MM\x00*"} {
		order := binary.ByteOrder(binary.LittleEndian)
		if head[0] == 'M' {
			order = binary.BigEndian
		}
		for at, n := 0, 0; !r.full; n++ {
			i := bytes.Index(data[at:], []byte(head))
			if i < 0 {
				break
			}
			if n == mostHeads { // what lies behind them would be read by nobody
				r.full = true
				break
			}
			r.tiff(data[at+i:], order)
			at += i + len(head)
		}
	}
}

type remarker struct {
	data    []byte
	all     []said
	packets [][]byte // of XMP
	bytes   int
	entries int
	texts   int
	full    bool
}

// looks counts bytes before they are looked at, whether or not anything is in them, and
// reports whether they may be.
func (r *remarker) looks(n int) bool {
	if r.bytes += n; r.bytes > mostBytes {
		r.full = true
	}
	return !r.full
}

// say adds what is said once.
func (r *remarker) say(tag string, readings ...string) {
	n := 0
	for _, s := range readings {
		n += len(strings.TrimSpace(s))
	}
	kind := hidden(tag)
	if kind == Place {
		kind = 0 // that was noted
	}
	if n > 0 && r.looks(n) {
		r.note(said{tag, kind, readings})
	}
}

func (r *remarker) note(s said) {
	if len(r.all) == mostSaid {
		r.full = true
		return
	}
	r.all = append(r.all, s)
}

// A directory is one of TIFF's, by where it begins.
type directory struct {
	at  uint32
	gps bool // its tags have names of their own
}

// tiff walks the directories of what begins as TIFF does, as far as it is one.
func (r *remarker) tiff(b []byte, order binary.ByteOrder) {
	if len(b) < 8 {
		return
	}
	seen := make(map[directory]bool)
	next := []directory{{at: order.Uint32(b[4:])}}
	for len(next) > 0 && !r.full {
		d := next[0]
		if next = next[1:]; seen[d] || int64(d.at)+2 > int64(len(b)) {
			continue
		}
		if len(seen) == mostHeads {
			r.full = true
			return
		}
		seen[d] = true
		entries := b[d.at+2:]
		n := int(order.Uint16(b[d.at:]))
		for ; n > 0 && len(entries) >= 12; n, entries = n-1, entries[12:] {
			if r.entries++; r.entries > mostEntries {
				r.full = true
				return
			}
			tag, kind, count := order.Uint16(entries), order.Uint16(entries[2:]), order.Uint32(entries[4:])
			name, value := nameOf(tag, d.gps), order.Uint32(entries[8:])
			if d.gps && tag > 0 && tag < 0x20 && count > 0 { // 0 is the version of it
				r.note(said{tag: name, kind: Place})
			}
			switch {
			case tag == 0x8769, tag == 0xa005: // the directory of EXIF itself, and another
				next = append(next, directory{at: value})
			case tag == 0x8825:
				next = append(next, directory{at: value, gps: true})
			case tag == 0x014a && count == 1:
				next = append(next, directory{at: value})
			case tag == 0x014a && count <= mostHeads && int64(value)+4*int64(count) <= int64(len(b)):
				for i := range count {
					next = append(next, directory{at: order.Uint32(b[value+4*i:])})
				}
			case tag == 0x014a:
				r.full = r.full || count <= uint32(len(b)/4) // it leads somewhere, and there are too many
			case kind != 1 && kind != 2 && kind != 7: // bytes, characters, or what it will
			case count <= 4:
				r.value(name, kind, entries[8:8+count])
			case int64(value)+int64(count) <= int64(len(b)):
				r.value(name, kind, b[value:int64(value)+int64(count)])
			}
		}
		if n == 0 && len(entries) >= 4 {
			next = append(next, directory{at: order.Uint32(entries)})
		}
	}
}

func nameOf(tag uint16, gps bool) string {
	names := spoken
	if gps {
		names = where
	}
	if name := names[tag]; name != "" {
		return name
	}
	if gps {
		return fmt.Sprintf("GPS0x%04x", tag)
	}
	return fmt.Sprintf("0x%04x", tag)
}

// value reads a tag of EXIF: a UserComment says in its first eight bytes how it is
// encoded, or nothing, or something else than is true. Bytes of which nobody knows what
// they are are read as such.
func (r *remarker) value(name string, kind uint16, b []byte) {
	if !r.looks(len(b)) {
		return
	}
	switch {
	case kind != 2 && !isSpoken[name]:
		r.say(name, string(bytes.TrimRight(b, "\x00")))
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
		key, rest, ok := bytes.Cut(body, []byte{0})
		if !ok || kind != "tEXt" && kind != "zTXt" && kind != "iTXt" {
			continue
		}
		if r.texts++; r.texts > mostSaid {
			r.full = true
			return
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
		switch {
		case string(key) == "XML:com.adobe.xmp" && r.looks(len(rest)):
			r.packets = append(r.packets, rest)
		case bytes.HasPrefix(key, []byte("Raw profile type ")):
			r.profile(rest)
		}
		r.say("Text", fromBytes(rest)...) // its key is whatever somebody has written
	}
}

// profile reads EXIF or XMP as ImageMagick writes it into a PNG: a name, how long it is, and
// that in hex.
func (r *remarker) profile(b []byte) {
	parts := bytes.SplitN(bytes.TrimLeft(b, "\n"), []byte("\n"), 3)
	if len(parts) != 3 || !r.looks(len(b)) {
		return
	}
	digits := bytes.ReplaceAll(parts[2], []byte("\n"), nil)
	out := make([]byte, len(digits)/2)
	n, err := hex.Decode(out, digits[:2*len(out)])
	if r.full = r.full || err != nil; r.full {
		return
	}
	r.exif(out[:n])
	r.rdf(out[:n])
}

// rdf finds packets of XMP wherever they lie.
func (r *remarker) rdf(data []byte) {
	begin, end := []byte("<rdf:RDF"), []byte("</rdf:RDF>")
	for at := 0; !r.full; {
		i := bytes.Index(data[at:], begin)
		if i < 0 {
			return
		}
		n := bytes.Index(data[at+i:], end)
		if n < 0 || len(r.packets) == mostHeads || !r.looks(n) {
			r.full = true
			return
		}
		n += len(end)
		r.packets = append(r.packets, slices.Concat([]byte("<x>"), data[at+i:at+i+n], []byte("</x>")))
		at += i + n
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
	if !r.looks(len(out)) || len(out) > LargestText {
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
