package signin

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"

	"wardkeep/internal/base/errs"
	"wardkeep/internal/base/keyring"
	"wardkeep/internal/base/pii"
)

// What can be wrong with what a person chooses.
var (
	ErrName     = errs.New(errs.Invalid, "signin.name_invalid")
	ErrShort    = errs.New(errs.Invalid, "signin.password_short")
	ErrLong     = errs.New(errs.Invalid, "signin.password_long")
	ErrCommon   = errs.New(errs.Invalid, "signin.password_common")
	ErrTaken    = errs.New(errs.Conflict, "signin.name_taken")
	ErrCodeWord = errs.New(errs.Invalid, "signin.code_wrong") // of the authenticator that is being set up
)

const (
	minName = 2 // characters
	maxName = 100

	// A password is long, and anything else about it is free (NIST SP 800-63B, 3.1.1.2).
	minPassword = 12 // characters
	minOwn      = 8  // of them, beside names that anybody knows
	maxPassword = 256
)

// Work is what a try of a password takes: memory, and passes over it.
type Work struct{ KiB, Passes uint32 }

// enough is what OWASP's cheat sheet asks of argon2id: 19 MiB, two passes.
var enough = Work{19 * 1024, 2}

const (
	argonLanes = 1
	argonLen   = 32
	argonSalt  = 16
)

// Passwords of enough characters that everybody tries first, in lower case: a short list
// of what is typed along a keyboard, and the 10,000 of that length that were found most
// often in leaks (docs/dependencies.md), as the first bytes of their SHA-256 in order:
// what strangers chose is nothing to print.
var (
	//go:embed common.txt
	commonText string
	//go:embed leaked.bin
	leaked []byte
)

const leakedLen = 6 // bytes: of 10^10 other passwords one is taken for one of them

// isCommon reports whether the password, in lower case, is one of those.
func isCommon(low string) bool {
	sum := sha256.Sum256([]byte(low))
	n := len(leaked) / leakedLen
	at := sort.Search(n, func(i int) bool { return bytes.Compare(leaked[i*leakedLen:(i+1)*leakedLen], sum[:leakedLen]) >= 0 })
	return at < n && bytes.Equal(leaked[at*leakedLen:(at+1)*leakedLen], sum[:leakedLen]) || slices.Contains(strings.Fields(commonText), low)
}

// meantName is the name that somebody typed: case, width and spaces around don't matter.
func meantName(typed pii.Text) string {
	s := typed.Reveal()
	if len(s) > 8*maxName {
		return ""
	}
	return strings.ToLower(strings.TrimSpace(norm.NFKC.String(s)))
}

func checkName(name string) error {
	n := utf8.RuneCountInString(name)
	if !utf8.ValidString(name) || n < minName || n > maxName || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ErrName.At("name")
	}
	return nil
}

// meantPassword is the password that somebody typed, the same from every keyboard (NIST
// SP 800-63B, 3.1.1.2).
func meantPassword(typed pii.Text) string {
	s := typed.Reveal()
	if len(s) > 8*maxPassword {
		s = s[:8*maxPassword] // too long as it is, and nothing needs to know by how much
	}
	return norm.NFKC.String(s)
}

// checkPassword refuses what is short, or among the first that are tried: what is known
// of the person and of where it works counts for nothing. It asks for no kinds of
// characters.
func checkPassword(password string, known ...string) error {
	n := utf8.RuneCountInString(password)
	low := strings.ToLower(password)
	switch {
	case n < minPassword:
		return ErrShort.At("password")
	case n > maxPassword:
		return ErrLong.At("password")
	case isCommon(low), repeats(low), utf8.RuneCountInString(without(low, known)) < minOwn:
		return ErrCommon.At("password")
	}
	return nil
}

// without returns what is left of a text without these names and their longer words.
func without(low string, names []string) string {
	var parts []string
	for _, name := range names {
		name = strings.ToLower(norm.NFKC.String(name))
		parts = append(parts, name)
		for _, word := range strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) }) {
			if len(word) > 3 { // one character of Chinese, and three letters, are in anything
				parts = append(parts, word)
			}
		}
	}
	slices.SortFunc(parts, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	for _, part := range parts {
		if part != "" {
			low = strings.ReplaceAll(low, part, "")
		}
	}
	return low
}

// repeats reports whether s is the same few characters again and again.
func repeats(s string) bool {
	r := []rune(s)
	for n := 1; n <= 4; n++ {
		same := true
		for i := n; i < len(r) && same; i++ {
			same = r[i] == r[i-n]
		}
		if same {
			return true
		}
	}
	return false
}

const passwordDomain = "signin.password"

// stretch makes what is kept of a password. It is hashed under the ring first: who has
// the database, and not the key-encryption key, has nothing to try passwords against.
func (d Door) stretch(password string) string {
	work := d.Work
	if work == (Work{}) {
		work = enough
	}
	salt := make([]byte, argonSalt)
	rand.Read(salt) // never fails (crypto/rand)
	sum := argon2.IDKey(d.Ring.Index(passwordDomain, password), salt, work.Passes, work.KiB, argonLanes, argonLen)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, work.KiB, work.Passes, argonLanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
}

// nobodys is what a password is compared with where nobody has the name: it takes the
// same time, and is never right.
const nobodys = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// matches reports whether what is kept was made of the password.
func matches(ring *keyring.Ring, kept, password string) bool {
	var version int
	var memory, passes uint32
	var lanes uint8
	part := strings.Split(kept, "$")
	if len(part) != 6 || part[1] != "argon2id" {
		return false
	}
	if _, err := fmt.Sscanf(part[2]+" "+part[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &passes, &lanes); err != nil || version != argon2.Version {
		return false
	}
	salt, err := base64.RawStdEncoding.DecodeString(part[4])
	want, fault := base64.RawStdEncoding.DecodeString(part[5])
	if err != nil || fault != nil || len(want) != argonLen || passes == 0 || lanes == 0 || memory > 1<<20 {
		return false
	}
	got := argon2.IDKey(ring.Index(passwordDomain, password), salt, passes, memory, lanes, argonLen)
	return subtle.ConstantTimeCompare(got, want) == 1 && kept != nobodys
}

// meantCode is the code that somebody typed, with spaces or dashes, or with the wide
// digits of a Chinese keyboard.
func meantCode(typed pii.Text) string {
	s := typed.Reveal()
	if len(s) > 100 {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '-' {
			return -1
		}
		return r
	}, strings.ToLower(width.Narrow.String(s)))
}
