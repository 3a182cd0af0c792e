package screening

import (
	"bytes"
	"errors"
	"fmt"
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

// Of one picture so many tags are looked at, and of one tag so many bytes. The library
// compares with the last 16 bits of that, too.
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
	var lines []Line
	tags := 0
	_, err := imagemeta.Decode(imagemeta.Options{
		R:           bytes.NewReader(data),
		ImageFormat: format,
		Sources:     imagemeta.EXIF | imagemeta.XMP | imagemeta.IPTC,
		// The library stops without a word at its own limit, which must not hide the
		// rest: ours is below it, and an error.
		LimitNumTags:    2 * mostTags,
		LimitTagSize:    largestTag,
		ShouldHandleTag: func(imagemeta.TagInfo) bool { return true },
		HandleTag: func(tag imagemeta.TagInfo) error {
			if tags++; tags > mostTags {
				return ErrPicture
			}
			l, err := lineOf(tag, known)
			if err == nil && (l.Kind != 0 || l.Findings != nil) {
				lines = append(lines, l)
			}
			return err
		},
	})
	if err != nil {
		return nil, ErrPicture
	}
	words, err := remarks(data)
	if err != nil {
		return nil, err
	}
	for _, w := range words {
		l := Line{Tag: w.tag}
		for _, reading := range w.readings {
			found, err := Screen(reading, known)
			if err != nil {
				return nil, ErrPicture
			}
			l.Findings = append(l.Findings, found...)
		}
		if l.Findings != nil {
			lines = append(lines, l)
		}
	}
	return lines, nil
}

func lineOf(tag imagemeta.TagInfo, known *Known) (l Line, err error) {
	l = Line{Tag: tag.Tag, Kind: hidden(tag.Tag)}
	switch {
	case tag.Source == imagemeta.EXIF && isSpoken[tag.Tag] && !empty(tag.Value):
		// remarks reads what it says.
	case !empty(tag.Value):
		l.Findings, err = Screen(written(tag.Value), known)
	case l.Kind == Owner:
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

func empty(v any) bool { return v == nil || strings.TrimSpace(written(v)) == "" }

// written is a tag's value as text.
func written(v any) string {
	switch v := v.(type) {
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
