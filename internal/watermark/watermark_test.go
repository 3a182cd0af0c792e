package watermark_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"wardkeep/internal/base/id"
	"wardkeep/internal/base/pii"
	"wardkeep/internal/watermark"
)

// keyed makes proofs.
type keyed string

func (k keyed) Index(domain string, parts ...string) []byte {
	h := make([]byte, 32)
	for i, b := range []byte(string(k) + domain + strings.Join(parts, "\x00")) {
		h[i%32] = h[i%32]*31 + b
	}
	return h
}

const ring = keyed("the ring")

func card(value string) watermark.Card {
	return watermark.Card{Label: "昵称", Value: pii.New(value), Visible: "韩梅梅  2026-03-02 15:04:05  7K2M-9QXT", Mark: watermark.New(ring, "7K2M-9QXT", 3)}
}

func drawn(t testing.TB, c watermark.Card) []byte {
	t.Helper()
	b, err := watermark.Draw(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A photo is what becomes of a picture on its way through a screen and a camera.
type photo struct {
	name    string
	scale   float64
	turn    float64 // degrees
	aslant  float64 // how much farther away the one side is
	noise   float64 // of 255
	light   float64 // how much darker the one corner is
	quality int     // of JPEG; 0: PNG
	part    image.Rectangle
	room    int // of other things around it, in pixels
}

var photos = []photo{
	{name: "a copy", scale: 1},
	{name: "a screenshot", scale: 0.5},
	{name: "an enlarged part", scale: 1.7, quality: 80, room: 40, part: image.Rect(300, 0, 900, 384)},
	{name: "a JPEG of a messenger", scale: 0.6, quality: 60},
	{name: "a poor JPEG", scale: 1, quality: 35, part: image.Rect(0, 0, 700, 384)},
	{name: "turned the other way", scale: 0.9, turn: -9, quality: 85, room: 60, part: image.Rect(0, 0, 760, 384)},
	{name: "on its side", scale: 0.9, turn: 90, quality: 85, part: image.Rect(0, 0, 760, 384)},
	{name: "upside down", scale: 0.9, turn: 178, quality: 85, part: image.Rect(0, 0, 760, 384)},
	{name: "from the side", scale: 0.9, aslant: 0.18, quality: 85},
	{name: "a photo by hand", scale: 1, turn: 4, aslant: 0.12, noise: 8, light: 0.35, quality: 75, room: 60},
	{name: "a photo in the dark", scale: 1, turn: -2, aslant: 0.05, noise: 11, light: 0.6, quality: 80},
	{name: "a corner of it", scale: 1, quality: 85, part: image.Rect(700, 0, 1280, 300)},
	{name: "a part of a photo", scale: 1, turn: 5, noise: 5, quality: 80, part: image.Rect(60, 40, 860, 380)},
}

// take takes the photo. The race detector doesn't watch each of its pixels, which nobody else has.
//
//go:norace
func (p photo) take(t testing.TB, of []byte) []byte {
	t.Helper()
	whole, err := png.Decode(bytes.NewReader(of))
	if err != nil {
		t.Fatal(err)
	}
	part := whole.Bounds()
	if !p.part.Empty() {
		part = p.part.Intersect(part)
	}
	paper := image.NewGray(whole.Bounds())
	draw.Draw(paper, paper.Rect, whole, image.Point{}, draw.Src)
	w, h := float64(part.Dx()), float64(part.Dy())
	sin, cos := math.Sincos(p.turn * math.Pi / 180)
	wide := int((math.Abs(w*cos)+math.Abs(h*sin))*p.scale) + 2*p.room
	high := int((math.Abs(w*sin)+math.Abs(h*cos))*p.scale) + 2*p.room
	out := image.NewGray(image.Rect(0, 0, wide, high))
	random := rand.New(rand.NewPCG(1, uint64(len(p.name))))
	// A pixel of the photo sees a square of the picture.
	const see = 2
	for y := range high {
		for x := range wide {
			sum := 0.0
			for sy := range see {
				for sx := range see {
					px, py := float64(x)+(float64(sx)+0.5)/see-float64(wide)/2, float64(y)+(float64(sy)+0.5)/see-float64(high)/2
					u, v := (px*cos+py*sin)/p.scale, (py*cos-px*sin)/p.scale
					far := 1 + p.aslant*u/w
					u, v = u*far+w/2, v*far+h/2
					if u < 0 || v < 0 || u >= w || v >= h {
						sum += 90 + 40*math.Sin(px/17)
						continue
					}
					sum += float64(paper.Pix[paper.PixOffset(part.Min.X+int(u), part.Min.Y+int(v))])
				}
			}
			v := sum / (see * see) * (1 - p.light*(float64(x)/float64(wide)+float64(y)/float64(high))/2)
			v += random.NormFloat64() * p.noise
			out.SetGray(x, y, color.Gray{Y: uint8(min(255, max(0, v)))})
		}
	}
	var b bytes.Buffer
	if p.quality == 0 {
		err = png.Encode(&b, out)
	} else {
		err = jpeg.Encode(&b, out, &jpeg.Options{Quality: p.quality})
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var values = map[string]string{
	"a nickname":  "小鱼",
	"an address":  "上海市浦东新区世纪大道 100 号 3 单元 1204 室，联系电话 13800138000，门口的绿色信箱",
	"a long text": strings.Repeat("今天的课上得很认真，主动举手三次，发音比上周更好，作业按时完成，还帮助了同桌。", 6),
}

// Article 15: a photo of a value says by which look it was shown.
func TestArticle15_APhotoLeadsBackToTheLook(t *testing.T) {
	for what, value := range values {
		c := card(value)
		picture := drawn(t, c)
		if dir := os.Getenv("WATERMARK_DIR"); dir != "" {
			_ = os.WriteFile(dir+"/"+strings.ReplaceAll(what, " ", "-")+".png", picture, 0o600)
		}
		for _, p := range photos {
			if what != "an address" && p.name != "a screenshot" {
				continue
			}
			t.Run(what+", "+p.name, func(t *testing.T) {
				taken := p.take(t, picture)
				if dir := os.Getenv("WATERMARK_DIR"); dir != "" {
					_ = os.WriteFile(dir+"/photo-"+strings.ReplaceAll(what+"-"+p.name, " ", "-"), taken, 0o600)
				}
				m, err := watermark.Read(bytes.NewReader(taken))
				if err != nil || m != c.Mark || !m.Ours(ring) {
					t.Errorf("read %v, %v", m, err)
				}
			})
		}
	}
}

// Every mark is read as it was written.
func TestArticle15_EveryMarkIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := card("")
		c.Mark = watermark.New(keyed(rapid.String().Draw(t, "key")), id.Number(), rapid.Int64Range(1, watermark.MaxLook).Draw(t, "look"))
		if c.Mark.Proof == (watermark.Proof{}) {
			return
		}
		if m, ok := watermark.Coded(c.Mark); !ok || m != c.Mark {
			t.Errorf("%v was read as %v", c.Mark, m)
		}
	})
}

// No picture is without its marks: what would leave them out is refused.
func TestArticle15_NothingIsDrawnWithoutItsMarks(t *testing.T) {
	for name, change := range map[string]func(*watermark.Card){
		"nobody named":   func(c *watermark.Card) { c.Visible = " " },
		"no letter":      func(c *watermark.Card) { c.Visible = "\u200d" },
		"no mark":        func(c *watermark.Card) { c.Mark = watermark.Mark{} },
		"no number":      func(c *watermark.Card) { c.Mark.Number = "" },
		"no look":        func(c *watermark.Card) { c.Mark.Look = 0 },
		"a look too far": func(c *watermark.Card) { c.Mark.Look = watermark.MaxLook + 1 },
		"no proof":       func(c *watermark.Card) { c.Mark.Proof = watermark.Proof{} },
	} {
		c := card("小鱼")
		change(&c)
		if b, err := watermark.Draw(c); err == nil || b != nil {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
	}
}

// Whoever looks at a picture of a value reads who has looked, when and by which request:
// two cards that differ in nothing else look different wherever a letter of the value may
// stand.
func TestArticle15_TheVisibleWordsLieOverTheWholeValue(t *testing.T) {
	const wide, high = 400, 160 // of what somebody might cut out
	for what, value := range values {
		one, other := card(value), card(value)
		other.Visible = "李雷  2027-11-30 23:59:48  ABCD-EFGH"
		a, b := pixels(t, drawn(t, one)), pixels(t, drawn(t, other))
		if a.Bounds() != b.Bounds() {
			t.Fatalf("%s: %v, %v", what, a.Bounds(), b.Bounds())
		}
		for y := 0; y+high <= a.Bounds().Dy(); y += high / 2 {
			for x := 0; x+wide <= a.Bounds().Dx(); x += wide / 2 {
				differ := 0
				for dy := range high {
					for dx := range wide {
						if a.GrayAt(x+dx, y+dy) != b.GrayAt(x+dx, y+dy) {
							differ++
						}
					}
				}
				if differ < wide*high/100 {
					t.Errorf("%s: at %d, %d only %d pixels tell who looks", what, x, y, differ)
				}
			}
		}
	}
}

func pixels(t testing.TB, picture []byte) *image.Gray {
	t.Helper()
	whole, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	out := image.NewGray(whole.Bounds())
	draw.Draw(out, out.Rect, whole, image.Point{}, draw.Src)
	return out
}

// A mark that somebody has drawn for another isn't ours.
func TestArticle15_NobodyDrawsTheMarkOfAnother(t *testing.T) {
	c := card("小鱼")
	c.Mark = watermark.New(keyed("a guess"), "7K2M-9QXT", 3)
	m, err := watermark.Read(bytes.NewReader(drawn(t, c)))
	if err != nil || m.Ours(ring) {
		t.Errorf("%v, %v", m, err)
	}
	c = card("小鱼")
	c.Mark.Look++
	if c.Mark.Ours(ring) {
		t.Error("the proof is good for another look")
	}
}

// What has no mark is told apart from what can't be read.
func TestAPictureWithoutAMark(t *testing.T) {
	blank := image.NewGray(image.Rect(0, 0, 400, 300))
	random := rand.New(rand.NewPCG(1, 2))
	for i := range blank.Pix {
		blank.Pix[i] = uint8(random.UintN(256))
	}
	var b bytes.Buffer
	if err := png.Encode(&b, blank); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		picture []byte
		want    error
	}{
		"noise":   {b.Bytes(), watermark.ErrNone},
		"a text":  {[]byte("no picture"), watermark.ErrPicture},
		"a stump": {b.Bytes()[:200], watermark.ErrPicture},
		"nothing": {nil, watermark.ErrPicture},
	} {
		if m, err := watermark.Read(bytes.NewReader(c.picture)); !errors.Is(err, c.want) || m != (watermark.Mark{}) {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
}

// A value that is too long is cut, and the picture says so.
func TestALongValueIsCutAndSaysSo(t *testing.T) {
	c, said := card(strings.Repeat("字", watermark.MaxLetters+7)), 0
	c.Rest = func(n int) string { said = n; return "…" }
	picture, err := png.DecodeConfig(bytes.NewReader(drawn(t, c)))
	if err != nil || said != 7 || picture.Height < 5000 {
		t.Errorf("%d letters, %+v, %v", said, picture, err)
	}
}

// A letter that the font lacks is told by its number: two values that differ look
// different.
func TestNoLetterIsLeftOut(t *testing.T) {
	seen := make(map[string]string)
	for _, value := range []string{"", "小鱼", "小渔", "𠮷野", "吉野", "\U00020BB8野", "a\tb", "ab", "a\nb", "é", "🙂", "🙃", "\x01", "\x02"} {
		c := card(value)
		b := string(drawn(t, c))
		if other, ok := seen[b]; ok {
			t.Errorf("%q looks like %q", value, other)
		}
		seen[b] = value
	}
}

// A text that leaves as a file says who takes it, in its first line and in each.
func TestArticle15_EachLineOfAFileLeadsToItsLook(t *testing.T) {
	const visible = "韩梅梅  2026-03-02 15:04:05  7K2M-9QXT"
	m := watermark.New(ring, "7K2M-9QXT", 3)
	text, err := watermark.Sheet(visible, "昵称：小鱼\n\n评语：进步很大\r\n第二行\n", m)
	if err != nil {
		t.Fatal(err)
	}
	shown := strings.NewReplacer("\u2063", "", "\u200b", "", "\u200c", "").Replace(text)
	if want := visible + "\n昵称：小鱼\n\n评语：进步很大\r\n第二行\n"; shown != want {
		t.Errorf("it shows %q, want %q", shown, want)
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for _, part := range append(lines, text, "ein Brief: "+lines[1]+" usw.", "\u2063"+lines[3]) {
		got, err := watermark.Read(strings.NewReader(part))
		if err != nil || got != m || !got.Ours(ring) || got.Ours(keyed("another")) {
			t.Errorf("%+v, %v in %q", got, err, part)
		}
	}
	for name, part := range map[string]string{"what it shows": shown, "a half": lines[1][:len(lines[1])-20], "another bit": strings.Replace(lines[1], "\u200b", "\u200c", 1)} {
		if got, err := watermark.Read(strings.NewReader(part)); !errors.Is(err, watermark.ErrPicture) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for name, try := range map[string]struct {
		visible string
		mark    watermark.Mark
	}{"nobody is named": {" ", m}, "two lines": {"a\nb", m}, "no mark": {visible, watermark.Mark{}}, "no proof": {visible, watermark.Mark{Number: m.Number, Look: 1}}} {
		if text, err := watermark.Sheet(try.visible, "小鱼", try.mark); err == nil {
			t.Errorf("%s: %q", name, text)
		}
	}
}

// scan is a page of a document: dark lines on paper that isn't quite white.
func scan(t testing.TB, wide, high int, as string) pii.Text {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, wide, high))
	for y := range high {
		for x := range wide {
			v := uint8(238)
			if y%40 < 6 && x > wide/10 && x < wide*9/10 && (x/12)%3 > 0 {
				v = 20
			}
			m.SetRGBA(x, y, color.RGBA{v, v, v, 255})
		}
	}
	var b bytes.Buffer
	err := png.Encode(&b, m)
	if as == "jpeg" {
		b.Reset()
		err = jpeg.Encode(&b, m, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return pii.New(b.String())
}

// Article 15: a document that is looked at has the marks of a value, page by page, and a
// photo of it leads to who has looked.
func TestArticle15_ADocumentIsMarkedToo(t *testing.T) {
	m := watermark.New(ring, "7K2M-9QXT", 2)
	whole, err := watermark.DrawScan(watermark.Scan{Label: "第 1 页", Pages: []pii.Text{scan(t, 1700, 500, "jpeg"), scan(t, 300, 120, "png")}, Visible: "韩梅梅  2026-03-02 15:04:05  7K2M-9QXT", Mark: m})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []photo{{name: "a screenshot", scale: 0.5}, {name: "a JPEG of a messenger", scale: 0.6, quality: 60}} {
		got, err := watermark.Read(bytes.NewReader(p.take(t, whole)))
		if err != nil || got != m {
			t.Errorf("%s: %+v, %v", p.name, got, err)
		}
	}
	if _, err := watermark.DrawScan(watermark.Scan{Pages: []pii.Text{scan(t, 60, 60, "png")}, Mark: m}); err == nil {
		t.Error("nobody is named on it")
	}
	if _, err := watermark.DrawScan(watermark.Scan{Pages: []pii.Text{scan(t, 60, 60, "png")}, Visible: "x"}); err == nil {
		t.Error("it has no mark")
	}
	for what, page := range map[string]string{"nothing": "", "a PDF": "%PDF-1.7", "half a picture": scan(t, 60, 60, "png").Reveal()[:40]} {
		if _, err := watermark.DrawScan(watermark.Scan{Pages: []pii.Text{pii.New(page)}, Visible: "x", Mark: m}); !errors.Is(err, watermark.ErrPicture) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// A header alone says how large it is: it isn't read.
	head := scan(t, 60, 60, "png").Reveal()
	huge := head[:16] + "\x00\x00\xff\xff\x00\x00\xff\xff" + head[24:29]
	crc := crc32.ChecksumIEEE([]byte(huge[12:29]))
	huge += string(binary.BigEndian.AppendUint32(nil, crc)) + head[33:]
	if err := watermark.CanDraw(pii.New(huge)); !errors.Is(err, watermark.ErrLarge) {
		t.Errorf("too large: %v", err)
	}
}

// Article 15: of WebP what stands still is shown with its marks, whatever it is made of; what
// moves isn't.
func TestArticle15_AWebPIsMarkedToo(t *testing.T) {
	m := watermark.New(ring, "7K2M-9QXT", 2)
	for name, text := range map[string]string{"lossy": "UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA",
		"lossless": "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==",
		"of glass": "UklGRkoAAABXRUJQVlA4WAoAAAAQAAAAAAAAAAAAQUxQSAwAAAARBxAR/Q9ERP8DAABWUDggGAAAABQBAJ0BKgEAAQAAAP4AAA3AAP7mtQAAAA=="} {
		page, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		drawn, err := watermark.DrawScan(watermark.Scan{Label: "照片", Pages: []pii.Text{pii.New(string(page))}, Visible: "x", Mark: m})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := watermark.Read(bytes.NewReader(drawn)); err != nil || got != m {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	film, err := base64.StdEncoding.DecodeString("UklGRlIAAABXRUJQVlA4WAoAAAASAAAAAAAAAAAAQU5JTQYAAAD/////AABBTk1GJgAAAAAAAAAAAAAAAAAAAGQAAABWUDhMDQAAAC8AAAAQBxAREYiI/gcA")
	if err != nil {
		t.Fatal(err)
	}
	if err := watermark.CanDraw(pii.New(string(film))); !errors.Is(err, watermark.ErrPicture) {
		t.Errorf("what moves: %v", err)
	}
}

// A phone writes a picture as it holds it, and says how to turn it.
func TestAPageIsShownTheRightWayUp(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 64, 32))
	for y := range 32 {
		for x := range 64 {
			m.SetGray(x, y, color.Gray{Y: uint8(200 * (1 - min(1, x/32)))}) // light at the left, dark at the right
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	exif := "Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00"
	data := b.String()
	turned := data[:2] + "\xff\xe1" + string(binary.BigEndian.AppendUint16(nil, uint16(len(exif)+2))) + exif + data[2:]
	page, err := watermark.Reduced(pii.New(turned))
	if err != nil || page.Rect.Dx() != 64 || page.Rect.Dy() != 128 {
		t.Fatalf("%v, %v", page.Rect, err)
	}
	if top, bottom := page.GrayAt(32, 10).Y, page.GrayAt(32, 118).Y; top < 150 || bottom > 50 {
		t.Errorf("above it is %d, below %d", top, bottom)
	}
	for _, junk := range []string{"", "II", "II*\x00\xff\xff\xff\xff", "MM\x00*\x00\x00\x00\x08\xff\xff"} {
		if n := watermark.Tagged([]byte(junk)); n != 1 {
			t.Errorf("%q says %d", junk, n)
		}
	}
}
