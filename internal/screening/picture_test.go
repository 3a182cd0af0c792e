package screening_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/jpeg"
	"image/png"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"golang.org/x/text/encoding/simplifiedchinese"

	"wardkeep/internal/screening"
)

// Article 4: a picture says where it was taken and whose it is.
func TestArticle4_PicturesSayWhereTheyWereTaken(t *testing.T) {
	for name, b := range pictures(t) {
		lines, err := screening.Picture(b, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		has := func(k screening.Kind) bool {
			return slices.ContainsFunc(lines, func(l screening.Line) bool { return l.Kind == k })
		}
		written := slices.ContainsFunc(lines, func(l screening.Line) bool {
			return slices.ContainsFunc(l.Findings, func(f screening.Finding) bool { return f.Kind == screening.Phone })
		})
		bare := strings.HasPrefix(name, "bare")
		if has(screening.Place) == bare || has(screening.Owner) == bare || written == bare {
			t.Errorf("%s: place %t, owner %t, a phone number in its description %t", name, has(screening.Place), has(screening.Owner), written)
		}
	}
	if _, err := screening.Picture([]byte("GIF89a"), nil); !errors.Is(err, screening.ErrNoPicture) {
		t.Errorf("what is no picture: %v", err)
	}
	if _, err := screening.Picture(make([]byte, screening.LargestPicture+1), nil); !errors.Is(err, screening.ErrLargePicture) {
		t.Errorf("a large one: %v", err)
	}
}

// Article 4: what is written into a picture is read however it is encoded and wherever it
// lies, in as many bytes as a text may have.
func TestArticle4_CommentsAreReadHoweverTheyAreWritten(t *testing.T) {
	const words = "我家在阳光花园3栋2单元501室，打13812345678"
	utf16le := func(s string) (b []byte) {
		for _, u := range utf16.Encode([]rune(s)) {
			b = binary.LittleEndian.AppendUint16(b, u)
		}
		return b
	}
	utf16be := func(s string) (b []byte) {
		for _, u := range utf16.Encode([]rune(s)) {
			b = binary.BigEndian.AppendUint16(b, u)
		}
		return b
	}
	gbk, err := simplifiedchinese.GBK.NewEncoder().String(words)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	if _, err := z.Write([]byte(words)); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	var plain, dots bytes.Buffer
	dot := image.NewGray(image.Rect(0, 0, 1, 1))
	if err := errors.Join(jpeg.Encode(&plain, dot, nil), png.Encode(&dots, dot)); err != nil {
		t.Fatal(err)
	}
	inPNG := func(kind string, body []byte) []byte {
		chunk := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
		chunk = append(append(chunk, kind...), body...)
		chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
		return slices.Concat(dots.Bytes()[:33], chunk, dots.Bytes()[33:])
	}
	inExif := func(order binary.AppendByteOrder, tag uint16, kind uint16, value []byte) []byte {
		b := []byte("II*\x00")
		if order == binary.AppendByteOrder(binary.BigEndian) {
			b = []byte("MM\x00*")
		}
		b = order.AppendUint32(b, 8)
		b = order.AppendUint16(b, 1)
		b = order.AppendUint16(order.AppendUint16(b, tag), kind)
		b = order.AppendUint32(order.AppendUint32(b, uint32(len(value))), 8+2+12+4)
		b = order.AppendUint32(b, 0)
		return inPNG("eXIf", append(b, value...))
	}
	le, be := binary.AppendByteOrder(binary.LittleEndian), binary.AppendByteOrder(binary.BigEndian)
	for name, picture := range map[string][]byte{
		"UTF-16, low byte first":   inExif(le, 0x9286, 7, append([]byte("UNICODE\x00"), utf16le(words)...)),
		"UTF-16, high byte first":  inExif(be, 0x9286, 7, append([]byte("UNICODE\x00"), utf16be(words)...)),
		"against the picture's":    inExif(be, 0x9286, 7, append([]byte("UNICODE\x00"), utf16le(words)...)),
		"with a mark":              inExif(le, 0x9286, 7, append([]byte("UNICODE\x00\xfe\xff"), utf16be(words)...)),
		"UTF-8 for UTF-16":         inExif(le, 0x9286, 7, append([]byte("UNICODE\x00"), words...)),
		"UTF-8 for ASCII":          inExif(le, 0x9286, 7, append([]byte("ASCII\x00\x00\x00"), words...)),
		"GBK for ASCII":            inExif(le, 0x9286, 7, append([]byte("ASCII\x00\x00\x00"), gbk...)),
		"no code":                  inExif(le, 0x9286, 7, append(make([]byte, 8), words...)),
		"nothing before it":        inExif(le, 0x9286, 7, []byte(words)),
		"what Windows writes":      inExif(le, 0x9c9c, 1, utf16le(words)),
		"a description in GBK":     inExif(le, 0x010e, 2, []byte(gbk)),
		"a long description":       inExif(le, 0x010e, 2, []byte(strings.Repeat("今天天气真好。", 10_000)+words)),
		"a long comment in UTF-16": inExif(le, 0x9286, 7, append([]byte("UNICODE\x00"), utf16le(strings.Repeat("今天天气真好。", 10_000)+words)...)),
		"a comment of JPEG":        slices.Concat(plain.Bytes()[:2], []byte{0xff, 0xfe, 0, byte(2 + len(words))}, []byte(words), plain.Bytes()[2:]),
		"a text of PNG":            inPNG("tEXt", []byte("Comment\x00"+words)),
		"a packed text":            inPNG("zTXt", append([]byte("Comment\x00\x00"), packed.Bytes()...)),
		"a text with a language":   inPNG("iTXt", []byte("Comment\x00\x00\x00zh\x00备注\x00"+words)),
	} {
		lines, err := screening.Picture(picture, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, kind := range []screening.Kind{screening.Phone, screening.Address} {
			if !slices.ContainsFunc(lines, func(l screening.Line) bool {
				return slices.ContainsFunc(l.Findings, func(f screening.Finding) bool { return f.Kind == kind })
			}) {
				t.Errorf("%s: no %s is found in %v", name, kind, lines)
			}
		}
	}
	var bomb bytes.Buffer
	z = zlib.NewWriter(&bomb)
	for range 5 {
		if _, err := z.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := screening.Picture(inPNG("zTXt", append([]byte("Comment\x00\x00"), bomb.Bytes()...)), nil); !errors.Is(err, screening.ErrPicture) {
		t.Errorf("a text that is larger unpacked than a text may be: %v", err)
	}
}

// A picture that was made to keep the processor busy, or to hide something behind what
// nobody reads, is an error, and soon.
func TestArticle4_PicturesThatLeadNowhereAreHeld(t *testing.T) {
	le := binary.LittleEndian
	var dots bytes.Buffer
	if err := png.Encode(&dots, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	inPNG := func(chunks ...[]byte) []byte {
		return slices.Concat(dots.Bytes()[:33], slices.Concat(chunks...), dots.Bytes()[33:])
	}
	chunk := func(kind string, body []byte) []byte {
		out := append(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), kind...), body...)
		return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
	}
	entry := func(b []byte, tag, kind uint16, n, value uint32) []byte {
		return le.AppendUint32(le.AppendUint32(le.AppendUint16(le.AppendUint16(b, tag), kind), n), value)
	}
	// Many tags that all lead to the same bytes.
	same := func(tag, kind uint16, n uint32, what []byte) []byte {
		const entries = 50_000
		b := le.AppendUint16(le.AppendUint32([]byte("II*\x00"), 8), entries)
		for range entries {
			b = entry(b, tag, kind, n, 10+12*entries+4)
		}
		return chunk("eXIf", append(le.AppendUint32(b, 0), what...))
	}
	var bomb bytes.Buffer
	z := zlib.NewWriter(&bomb)
	if _, err := z.Write(make([]byte, 4<<20)); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	nothing := chunk("zTXt", append([]byte("Comment\x00\x00"), bomb.Bytes()...))
	// A box whose length leads back to the one before it.
	box := func(kind string, body []byte) []byte {
		return append(append(binary.BigEndian.AppendUint32(nil, uint32(8+len(body))), kind...), body...)
	}
	circle := append(append([]byte{0, 0, 0, 1}, "free"...), binary.BigEndian.AppendUint64(nil, ^uint64(15))...)
	keywords := []byte("Photoshop 3.0\x008BIM\x04\x04\x00\x00")
	records := bytes.Repeat([]byte("\x1c\x02\x19\x00\x01a"), 5000)
	records = append(records, "\x1c\x02\x19\x00\x0b13812345678"...)
	keywords = append(binary.BigEndian.AppendUint32(keywords, uint32(len(records))), records...)
	app13 := append(binary.BigEndian.AppendUint16([]byte("\xff\xd8\xff\xed"), uint16(2+len(keywords))), keywords...)

	held := map[string][]byte{
		"words of nothing":              inPNG(same(0x9286, 7, 4<<20, make([]byte, 4<<20))),
		"words of Windows of nothing":   inPNG(same(0x9c9c, 1, 4<<20, make([]byte, 4<<20))),
		"packed texts of nothing":       inPNG(bytes.Repeat(nothing, 200)),
		"many empty texts":              inPNG(bytes.Repeat(chunk("tEXt", []byte("a\x00")), 5000)),
		"more beginnings than are read": inPNG(chunk("eXIf", exif()), chunk("junk", bytes.Repeat([]byte("II*\x00"), 40))),
		"more keywords than are read":   append(app13, 0xff, 0xda, 0, 2),
	}
	for name, b := range held {
		start := time.Now()
		if _, err := screening.Picture(b, nil); !errors.Is(err, screening.ErrPicture) {
			t.Errorf("%s: %v", name, err)
		}
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("%s: %s", name, d)
		}
	}
	// These are read, and soon.
	for name, b := range map[string][]byte{
		"a circle of boxes":    slices.Concat(box("ftyp", []byte("heic\x00\x00\x00\x00mif1heic")), box("free", make([]byte, 8)), circle),
		"numbers of one place": inPNG(same(0x0111, 4, 0x10000, make([]byte, 4<<16))),
		"XMP of nothing":       inPNG(same(0x02bc, 4, 0x10000, slices.Concat([]byte("<x>"), bytes.Repeat([]byte("<y></y>"), 1<<18/7-1), []byte("</x>                "))[:1<<18])),
	} {
		read := make(chan error, 1)
		go func() {
			_, err := screening.Picture(b, nil)
			read <- err
		}()
		select {
		case err := <-read:
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%s: it isn't read yet", name)
		}
	}
}

// A place is found in XMP, too, in each format that carries it, and in what ImageMagick makes
// of EXIF.
func TestArticle4_XMPSaysWhereAPictureWasTaken(t *testing.T) {
	const packet = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">` +
		`<rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:GPSLatitude="30,16.5N" exif:GPSLongitude="120,9.3E"/></rdf:RDF></x:xmpmeta>`
	var j, p, packed bytes.Buffer
	dot := image.NewGray(image.Rect(0, 0, 1, 1))
	z := zlib.NewWriter(&packed)
	_, err := z.Write([]byte(packet))
	if err := errors.Join(err, z.Close(), jpeg.Encode(&j, dot, nil), png.Encode(&p, dot)); err != nil {
		t.Fatal(err)
	}
	chunk := func(flag byte, text []byte) []byte {
		body := slices.Concat([]byte("iTXtXML:com.adobe.xmp\x00"), []byte{flag, 0, 0, 0}, text)
		out := append(binary.BigEndian.AppendUint32(nil, uint32(len(body)-4)), body...)
		return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(body))
	}
	profile := func(name string, b []byte) []byte {
		body := fmt.Appendf(nil, "tEXtRaw profile type %s\x00\n%s\n%8d\n%x\n", name, name, len(b), b)
		out := append(binary.BigEndian.AppendUint32(nil, uint32(len(body)-4)), body...)
		return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(body))
	}
	app1 := append([]byte("http://ns.adobe.com/xap/1.0/\x00"), packet...)
	app1 = append(binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(2+len(app1))), app1...)
	for name, b := range map[string][]byte{
		"jpeg":       slices.Concat(j.Bytes()[:2], app1, j.Bytes()[2:]),
		"png":        slices.Concat(p.Bytes()[:33], chunk(0, []byte(packet)), p.Bytes()[33:]),
		"packed png": slices.Concat(p.Bytes()[:33], chunk(1, packed.Bytes()), p.Bytes()[33:]),
		"heic":       append(heic()[:24:24], packet...),
		"a profile":  slices.Concat(p.Bytes()[:33], profile("xmp", []byte(packet)), p.Bytes()[33:]),
		"EXIF in it": slices.Concat(p.Bytes()[:33], profile("exif", append([]byte("Exif\x00\x00"), exif()...)), p.Bytes()[33:]),
	} {
		lines, err := screening.Picture(b, nil)
		if err != nil || !slices.ContainsFunc(lines, func(l screening.Line) bool { return l.Kind == screening.Place }) {
			t.Errorf("%s: %v, %v", name, lines, err)
		}
	}
}

// pictures are one of each format with a place, an owner and a description, and
// two with nothing.
func pictures(t testing.TB) map[string][]byte {
	t.Helper()
	var j, p bytes.Buffer
	dot := image.NewGray(image.Rect(0, 0, 1, 1))
	if err := errors.Join(jpeg.Encode(&j, dot, nil), png.Encode(&p, dot)); err != nil {
		t.Fatal(err)
	}
	head := append([]byte("Exif\x00\x00"), exif()...)
	app1 := append([]byte{0xff, 0xe1, byte((len(head) + 2) >> 8), byte(len(head) + 2)}, head...)
	ihdr := 8 + 25 // the signature and the first chunk
	chunk := func(kind string, b []byte) []byte {
		out := binary.BigEndian.AppendUint32(nil, uint32(len(b)))
		out = append(append(out, kind...), b...)
		return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
	}
	riff := func(kind string, b []byte) []byte {
		out := binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(b)))
		out = append(out, b...)
		if len(b)%2 == 1 {
			out = append(out, 0)
		}
		return out
	}
	webp := slices.Concat([]byte("WEBP"), riff("VP8X", []byte{0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0}), riff("EXIF", exif()))
	return map[string][]byte{
		"jpeg":      slices.Concat(j.Bytes()[:2], app1, j.Bytes()[2:]),
		"bare jpeg": j.Bytes(),
		"png":       slices.Concat(p.Bytes()[:ihdr], chunk("eXIf", exif()), p.Bytes()[ihdr:]),
		"bare png":  p.Bytes(),
		"webp":      riff("RIFF", webp),
		"heic":      heic(),
	}
}

// exif is a TIFF with a description, an artist, and the directory of a place.
func exif() []byte {
	description, artist := "找我打13812345678\x00", "Lele's mom\x00"
	le := binary.LittleEndian
	const entries = 8 + 2 + 3*12 + 4 // where the first directory ends
	gps := entries + len(description) + len(artist)
	rationals := gps + 2 + 4*12 + 4
	entry := func(b []byte, tag, kind uint16, n, value uint32) []byte {
		return le.AppendUint32(le.AppendUint32(le.AppendUint16(le.AppendUint16(b, tag), kind), n), value)
	}
	b := le.AppendUint32([]byte("II*\x00"), 8)
	b = le.AppendUint16(b, 3)
	b = entry(b, 0x010e, 2, uint32(len(description)), entries)
	b = entry(b, 0x013b, 2, uint32(len(artist)), uint32(entries+len(description)))
	b = entry(b, 0x8825, 4, 1, uint32(gps))
	b = le.AppendUint32(b, 0)
	b = append(append(b, description...), artist...)
	b = le.AppendUint16(b, 4)
	b = entry(b, 1, 2, 2, 'N')
	b = entry(b, 2, 5, 3, uint32(rationals))
	b = entry(b, 3, 2, 2, 'E')
	b = entry(b, 4, 5, 3, uint32(rationals+24))
	b = le.AppendUint32(b, 0)
	for _, n := range []uint32{30, 16, 27, 120, 9, 18} {
		b = le.AppendUint32(le.AppendUint32(b, n), 1)
	}
	return b
}

// heic is the boxes of ISO/IEC 23008-12 that lead to an Exif item, and no picture.
func heic() []byte {
	be := binary.BigEndian
	box := func(kind string, parts ...[]byte) []byte {
		body := slices.Concat(parts...)
		return append(append(be.AppendUint32(nil, uint32(8+len(body))), kind...), body...)
	}
	full := func(version byte) []byte { return []byte{version, 0, 0, 0} }
	item := append([]byte{0, 0, 0, 0}, exif()...)
	ftyp := box("ftyp", []byte("heic\x00\x00\x00\x00mif1heic"))
	meta := func(at uint32) []byte {
		return box("meta", full(0),
			box("hdlr", full(0), []byte("\x00\x00\x00\x00pict"), make([]byte, 13)),
			box("iinf", full(0), []byte{0, 1}, box("infe", full(2), []byte{0, 1, 0, 0}, []byte("Exif\x00"))),
			box("iloc", full(0), []byte{0x44, 0x00, 0, 1, 0, 1, 0, 0, 0, 1}, be.AppendUint32(nil, at), be.AppendUint32(nil, uint32(len(item)))))
	}
	return slices.Concat(ftyp, meta(uint32(len(ftyp)+len(meta(0))+8)), box("mdat", item))
}
