package charter

import (
	"encoding/base64"
	"net/mail"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The codes of a ValueError.
const (
	ValueBlank       = "value.blank"
	ValueNotUTF8     = "value.not_utf8"
	ValueControl     = "value.control_character"
	ValueTooLong     = "value.too_long"
	ValueNotDate     = "value.not_a_date"
	ValueFuture      = "value.in_the_future"
	ValueNotPhone    = "value.not_a_phone"
	ValueNotEmail    = "value.not_an_email"
	ValueNotIdentity = "value.not_an_identity_number"
	ValueNotNumber   = "value.not_a_number"
	ValueOutOfRange  = "value.out_of_range"
	ValueNotChoice   = "value.not_a_choice"
	ValueNotLocation = "value.not_a_location"
	ValueNotBase64   = "value.not_base64"
	ValueNotImage    = "value.not_an_image"
	ValueUnknownKind = "value.unknown_kind"
)

// ValueCodes are all codes of a ValueError.
var ValueCodes = []string{
	ValueBlank, ValueNotUTF8, ValueControl, ValueTooLong, ValueNotDate, ValueFuture, ValueNotPhone, ValueNotEmail, ValueNotIdentity,
	ValueNotNumber, ValueOutOfRange, ValueNotChoice, ValueNotLocation, ValueNotBase64, ValueNotImage, ValueUnknownKind,
}

// A ValueError says why a value is not one of its item. It never holds the
// value: that is a child's information, and errors reach logs.
type ValueError struct{ Item, Code string }

// Error returns the item and the code.
func (e *ValueError) Error() string { return e.Item + ": " + e.Code }

// Check returns nil if the value is one of the item, as seen at that moment,
// and a *ValueError otherwise (Article 11: what the charter doesn't describe is
// refused at the edge). A value has one way to be written, so that equal values
// have equal look-up hashes: nothing is trimmed or converted here.
func (it Item) Check(value string, now time.Time) error {
	if code := it.fault(value, now); code != "" {
		return &ValueError{it.Name, code}
	}
	return nil
}

func (it Item) fault(value string, now time.Time) string {
	switch it.Kind {
	case Image, Audio, Video:
		return it.mediaFault(value)
	}
	switch {
	case len(value) > 4*maxText: // before anything is spent on it
		return ValueTooLong
	case !utf8.ValidString(value):
		return ValueNotUTF8
	case strings.IndexFunc(value, it.forbidden) >= 0:
		return ValueControl
	case blank(value):
		return ValueBlank
	}
	switch it.Kind {
	case Text:
		return faultIf(utf8.RuneCountInString(value) > it.MaxLength, ValueTooLong)
	case Date:
		return dateFault(value, now)
	case Phone:
		return faultIf(!phone.MatchString(value), ValueNotPhone)
	case Email:
		return faultIf(!isEmail(value), ValueNotEmail)
	case IdentityNumber:
		return faultIf(!isIdentityNumber(value, now), ValueNotIdentity)
	case Number:
		return it.numberFault(value)
	case OneOf:
		_, ok := find(it.Choices, value, func(c Choice) string { return c.Value })
		return faultIf(!ok, ValueNotChoice)
	case Location:
		return faultIf(!isLocation(value), ValueNotLocation)
	}
	return ValueUnknownKind
}

func faultIf(bad bool, code string) string {
	if bad {
		return code
	}
	return ""
}

// forbidden are characters that no value needs: control characters, and the
// invisible ones that make a text read differently from what it is. A joiner
// stays, because emoji and names use it; line ends stay where the item says so.
func (it Item) forbidden(r rune) bool {
	if r == '\n' {
		return !(it.Kind == Text && it.Lines)
	}
	return misleading(r)
}

func misleading(r rune) bool {
	const zeroWidthNonJoiner, zeroWidthJoiner = '\u200c', '\u200d'
	switch {
	case r == zeroWidthJoiner, r == zeroWidthNonJoiner:
		return false
	case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
		// Cf holds the tag characters too, of which three flags are made. They
		// could carry a hidden text, so the flags are lost.
		return true
	}
	return r == utf8.RuneError
}

var phone = regexp.MustCompile(`^1[3-9][0-9]{9}$`)

// dateFault wants a real day, written 2016-03-05, not before 1900 and not after
// today in Asia/Shanghai.
func dateFault(value string, now time.Time) string {
	t, err := time.ParseInLocation(time.DateOnly, value, shanghai)
	switch {
	case err != nil || len(value) != len(time.DateOnly) || t.Year() < 1900:
		return ValueNotDate
	case t.After(now):
		return ValueFuture
	}
	return ""
}

func isEmail(value string) bool {
	if len(value) > 254 || strings.ContainsAny(value, " \"(),:;<>[]\\") {
		return false
	}
	a, err := mail.ParseAddress(value)
	if err != nil || a.Address != value {
		return false
	}
	_, domain, _ := strings.Cut(value, "@")
	return strings.Contains(domain, ".")
}

func isIdentityNumber(value string, now time.Time) bool {
	_, ok := IdentityBirth(value, now)
	return ok
}

// IdentityBirth returns the birth date, YYYY-MM-DD, that a resident identity number
// tells, and false for what is none after GB 11643: six digits of a region, a real
// birth date, three digits, and the check character of ISO 7064 MOD 11-2.
func IdentityBirth(value string, now time.Time) (date string, ok bool) {
	if len(value) != 18 || value[0] == '0' {
		return "", false
	}
	sum, weight := 0, 1
	for i := 16; i >= 0; i-- {
		if value[i] < '0' || value[i] > '9' {
			return "", false
		}
		weight = weight * 2 % 11
		sum += weight * int(value[i]-'0')
	}
	if value[17] != "10X98765432"[sum%11] {
		return "", false
	}
	date = value[6:10] + "-" + value[10:12] + "-" + value[12:14]
	return date, dateFault(date, now) == ""
}

var decimal = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,6})?$`)

func (it Item) numberFault(value string) string {
	if !decimal.MatchString(value) {
		return ValueNotNumber
	}
	n, err := strconv.ParseFloat(value, 64)
	switch {
	case err != nil:
		return ValueNotNumber
	case it.Min == nil || it.Max == nil || n < *it.Min || n > *it.Max:
		return ValueOutOfRange
	}
	return ""
}

var degrees = regexp.MustCompile(`^-?[0-9]{1,3}(\.[0-9]{1,7})?$`)

// isLocation wants latitude,longitude in decimal degrees: 30.2741,120.1551.
func isLocation(value string) bool {
	lat, lng, ok := strings.Cut(value, ",")
	return ok && within(lat, 90) && within(lng, 180)
}

func within(value string, limit float64) bool {
	if !degrees.MatchString(value) {
		return false
	}
	n, err := strconv.ParseFloat(value, 64)
	return err == nil && n >= -limit && n <= limit
}

// mediaFault wants standard base64 with padding of at most MaxBytes bytes. An
// image must look like one; sounds and films come in too many formats, some
// without any mark, for that.
func (it Item) mediaFault(value string) string {
	switch {
	case value == "":
		return ValueBlank
	case len(value) > base64.StdEncoding.EncodedLen(it.MaxBytes):
		return ValueTooLong
	case strings.ContainsAny(value, "\r\n"): // the decoder would skip them
		return ValueNotBase64
	}
	data, err := base64.StdEncoding.Strict().DecodeString(value)
	switch {
	case err != nil:
		return ValueNotBase64
	case len(data) > it.MaxBytes:
		return ValueTooLong
	case it.Kind == Image && !isImage(data):
		return ValueNotImage
	}
	return ""
}

func isImage(data []byte) bool {
	s := string(data[:min(len(data), 12)])
	return strings.HasPrefix(s, "\x89PNG\r\n\x1a\n") ||
		strings.HasPrefix(s, "\xff\xd8\xff") ||
		len(s) == 12 && s[:4] == "RIFF" && s[8:] == "WEBP"
}
