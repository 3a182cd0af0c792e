package screening

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bep/imagemeta"
)

// A Line is something that a picture carries beside what it shows.
type Line struct {
	Tag      string // as its standard calls it: "GPSLatitude"
	Kind     Kind   // Place, Owner, or 0: only what is written in it counts
	Findings []Finding
}

// All returns what the line says by its name, where that is something, and what is found
// in it.
func (l Line) All() []Finding {
	if l.Kind == 0 {
		return l.Findings
	}
	return append([]Finding{{Kind: l.Kind, Confidence: Certain}}, l.Findings...)
}

// LargestPicture is the most bytes that Picture reads.
const LargestPicture = 32 << 20

// Of one picture so many tags of XMP and IPTC are looked at, and of one so many bytes. The
// library compares with the last 16 bits of that, too.
const (
	mostTags   = 2000
	largestTag = LargestText - 1
)

var (
	// ErrNoPicture is for what isn't JPEG, PNG, WebP, HEIC or AVIF. Whoever asked must
	// hold it: nobody looked at it.
	ErrNoPicture = errors.New("screening: not a picture of a known format")

	// ErrPicture is for a picture whose hidden lines can't be read to their end.
	ErrPicture = errors.New("screening: the picture can't be read")

	// ErrLargePicture is for a picture of more than LargestPicture bytes.
	ErrLargePicture = errors.New("screening: the picture is too large")
)

// Picture returns the lines of a picture that say where it was taken or whose it
// is, and those in whose text something is found. It looks at EXIF, XMP, IPTC and comments,
// and at nothing that the picture shows. Its errors carry nothing of the picture.
func Picture(data []byte, known *Known) ([]Line, error) {
	if len(data) > LargestPicture {
		return nil, ErrLargePicture
	}
	format := formatOf(data)
	if format == imagemeta.ImageFormatAuto {
		return nil, ErrNoPicture
	}
	p := picture{known: known}
	words, packets, err := remarks(data)
	if err != nil {
		return nil, err
	}
	// The library walks the directories of EXIF and the boxes of HEIC without end, if they
	// lead in a circle: it gets neither.
	if format != imagemeta.HEIF && format != imagemeta.AVIF {
		if err := p.tags(data, format); err != nil {
			return nil, err
		}
	}
	for _, packet := range packets {
		if err := p.tags(inWebP(packet), imagemeta.WebP); err != nil {
			return nil, err
		}
	}
	for _, w := range words {
		l := Line{Tag: w.tag, Kind: w.kind}
		for _, reading := range w.readings {
			found, err := Screen(reading, known)
			if err != nil {
				return nil, ErrPicture
			}
			l.Findings = append(l.Findings, found...)
		}
		p.add(l)
	}
	return p.lines, nil
}

// A picture is one that is being read.
type picture struct {
	known *Known
	lines []Line
	count int // tags of XMP and IPTC
	bytes int // in them
}

func (p *picture) add(l Line) {
	if l.Kind != 0 || l.Findings != nil {
		p.lines = append(p.lines, l)
	}
}

// tags reads XMP and IPTC. Errors: ErrPicture.
func (p *picture) tags(data []byte, format imagemeta.ImageFormat) error {
	_, err := imagemeta.Decode(imagemeta.Options{
		R:           bytes.NewReader(data),
		ImageFormat: format,
		Sources:     imagemeta.XMP | imagemeta.IPTC,
		// The library stops without a word at its own limit, which must not hide the
		// rest: ours is below it, and an error.
		LimitNumTags: 2 * mostTags,
		LimitTagSize: largestTag,
		// It asks this of each at once, and hands over those that may be repeated at the end.
		ShouldHandleTag: func(imagemeta.TagInfo) bool {
			p.count++
			return p.count <= mostTags
		},
		HandleTag: func(tag imagemeta.TagInfo) error {
			text := written(tag.Value)
			if p.bytes += len(text); p.bytes > mostBytes {
				return ErrPicture
			}
			l, err := lineOf(tag.Tag, text, p.known)
			if err == nil {
				p.add(l)
			}
			return err
		},
	})
	if err != nil || p.count > mostTags {
		return ErrPicture
	}
	return nil
}

// inWebP is a picture of nothing that carries a packet of XMP, which the library reads in
// no other way.
func inWebP(packet []byte) []byte {
	riff := func(kind string, b []byte) []byte {
		out := append(binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(b))), b...)
		return append(out, make([]byte, len(b)%2)...)
	}
	return riff("RIFF", slices.Concat([]byte("WEBP"), riff("VP8X", []byte{1 << 2, 9: 0}), riff("XMP ", packet)))
}

func lineOf(tag, text string, known *Known) (l Line, err error) {
	l = Line{Tag: tag, Kind: hidden(tag)}
	if strings.TrimSpace(text) != "" {
		l.Findings, err = Screen(text, known)
	} else if l.Kind == Owner {
		l.Kind = 0
	}
	return l, err
}

// hidden is what a tag says by its name.
func hidden(tag string) Kind {
	name := strings.ToLower(tag)
	switch {
	case name == "gpsversionid":
		return 0
	case strings.HasPrefix(name, "gps"), name == "city", name == "sublocation", name == "sub-location", name == "location", name == "locationshown", name == "locationcreated",
		name == "province-state", name == "state":
		return Place
	case name == "artist", name == "author", name == "creator", name == "byline", name == "by-line", name == "cameraownername", name == "ownername", name == "xpauthor",
		name == "personinimage", name == "owner", name == "photographer", name == "credit", name == "serialnumber", name == "bodyserialnumber", name == "lensserialnumber":
		return Owner
	}
	return 0
}

// written is a tag's value as text.
func written(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return strings.TrimRight(v, "\x00")
	case []byte:
		return strings.TrimRight(string(v), "\x00")
	case []string:
		return strings.Join(v, "\n")
	}
	return fmt.Sprint(v)
}

// formatOf tells a picture's format by how it begins.
func formatOf(data []byte) imagemeta.ImageFormat {
	begins := func(at int, s string) bool { return len(data) >= at+len(s) && string(data[at:at+len(s)]) == s }
	switch {
	case begins(0, "\xff\xd8\xff"):
		return imagemeta.JPEG
	case begins(0, "\x89PNG\r\n\x1a\n"):
		return imagemeta.PNG
	case begins(0, "RIFF") && begins(8, "WEBP"):
		return imagemeta.WebP
	case begins(4, "ftypavif"), begins(4, "ftypavis"):
		return imagemeta.AVIF
	case begins(4, "ftyphei"), begins(4, "ftyphev"), begins(4, "ftypmif1"), begins(4, "ftypmsf1"):
		return imagemeta.HEIF
	}
	return imagemeta.ImageFormatAuto
}
