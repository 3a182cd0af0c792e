package transcript_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wardkeep/internal/base/i18n"
	"wardkeep/internal/transcript"
)

var sealedIn = regexp.MustCompile(`<div id="sealed" hidden data-format="([^"]+)" data-salt="([^"]+)" data-nonce="([^"]+)">([A-Za-z0-9+/=]+)</div>`)

// read opens a file as docs/copy.md says, with nothing of ours.
func read(file []byte, code string) (text []byte, err error) {
	m := sealedIn.FindSubmatch(file)
	if m == nil {
		return nil, errors.New("nothing is sealed in it")
	}
	var parts [3][]byte
	for i := range parts {
		// html/template writes + as a reference.
		if parts[i], err = base64.StdEncoding.DecodeString(strings.ReplaceAll(string(m[2+i]), "&#43;", "+")); err != nil {
			return nil, err
		}
	}
	key, err := hkdf.Key(sha256.New, []byte(code), parts[0], string(m[1]), 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return aead.Open(nil, parts[1], parts[2], m[1])
}

func sample() transcript.Document {
	at := time.Date(2026, 11, 14, 16, 30, 0, 0, time.UTC)
	named := transcript.Named{Name: "nickname", Label: "昵称"}
	return transcript.Document{
		Number: "7K2M-9QXT", Part: 1, Parts: 1, MadeAt: at, Entry: "le_1", Service: transcript.Named{Name: "xiaoxi-english", Label: "小溪英语"},
		Child:    transcript.Child{ID: "ch_1", Reference: "user-金丝雀", Birth: "2017-05-06", Since: at, Phone: "13800138000"},
		Items:    []transcript.Item{{Named: named, Kind: "text", Purpose: named, CollectedAt: at, ExpiresAt: at, Value: `</div><script>alert("金丝雀")</script>`}},
		Consents: []transcript.Consent{{Purpose: named, Granted: true, At: at, Mine: true, Charter: 1}},
		Uses:     []transcript.Use{{Day: "2026-11-14", Who: "小溪英语", What: named, Purpose: named, Items: []transcript.Named{named}, Permitted: true, Times: 3}},
		Demands:  []transcript.Demand{{Number: "7K2M-9QXT", What: named, State: named, ReceivedAt: at, DueAt: at}},
		Parties:  []transcript.Party{{Role: "processor", Label: "云", Why: "x", Items: []transcript.Named{named}}},
	}
}

// What the file says is for who has its code, and for nobody else; and it is what was
// written, whatever a value looks like.
func TestPIPL45_ACopyOpensWithItsCodeAlone(t *testing.T) {
	code, ok := transcript.ParseCode(transcript.NewCode())
	if !ok {
		t.Fatal("a new code isn't one")
	}
	for _, lang := range i18n.Langs {
		var file bytes.Buffer
		sealed, err := transcript.Seal(lang, code, sample())
		if err != nil {
			t.Fatal(err)
		}
		if err := sealed.Write(&file); err != nil {
			t.Fatal(err)
		}
		for _, plain := range []string{"金丝雀", "小溪", "7K2M", "138001", "昵称", "nickname"} {
			if bytes.Contains(file.Bytes(), []byte(plain)) {
				t.Errorf("%s: the file says %q before it is opened", lang, plain)
			}
		}
		text, err := read(file.Bytes(), code)
		if err != nil {
			t.Fatal(err)
		}
		var d transcript.Document
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		want := sample()
		want.Format, want.Language = "wardkeep.copy/1", string(lang)
		if diff := cmp.Diff(want, d); diff != "" {
			t.Error(diff)
		}
		other, _ := transcript.ParseCode(transcript.NewCode())
		if _, err := read(file.Bytes(), other); err == nil {
			t.Error("another code opens it")
		}
		for _, outside := range []string{"http:", "https:", "//", " src=", "fetch(", "XMLHttp", "innerHTML"} {
			text := sealedIn.ReplaceAllString(file.String(), "")
			text = strings.ReplaceAll(text, "// Everything is shown as text: a value may be anything.", "")
			if strings.Contains(text, outside) {
				t.Errorf("%s: the file has %q", lang, outside)
			}
		}
	}
}

// A code is 24 symbols of 32: 120 bits. People may type it as they like.
func TestCode(t *testing.T) {
	code := transcript.NewCode()
	if !regexp.MustCompile(`^([0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}$`).MatchString(code) || code == transcript.NewCode() {
		t.Errorf("a code that nobody can read, or no random one: %d characters", len(code))
	}
	plain, _ := transcript.ParseCode(code)
	for _, typed := range []string{strings.ToLower(code), strings.ReplaceAll(code, "-", " "), plain,
		strings.NewReplacer("0", "o", "1", "l").Replace(code)} {
		if again, ok := transcript.ParseCode(typed); !ok || again != plain {
			t.Errorf("%q is another code", typed)
		}
	}
	for _, bad := range []string{"", "7K2M", plain[1:], plain + "0", plain[:23] + "U", plain[:23] + "\x00", strings.Repeat("长", 8)} {
		if _, ok := transcript.ParseCode(bad); ok {
			t.Errorf("%q is a code", bad)
		}
	}
}
