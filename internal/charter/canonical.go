package charter

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"sync"
)

// maxCanonical bounds what Parse reads: one charter.yaml and four texts at
// their limits, escaped.
const maxCanonical = 12 << 20

// Canonical returns the whole charter as JSON without white space: keys in the
// order of the type, languages in the order of their tags. Equal charters have
// equal bytes, on every machine and for good: the hash of a published charter
// is in every consent.
func (c *Charter) Canonical() []byte { return encode(c) }

// Hash returns the SHA-256 of Canonical as 64 lower-case hexadecimal characters.
func (c *Charter) Hash() string { return hash(c.Canonical()) }

// Parse reads what Canonical wrote. It checks everything that Load checks, and
// that the bytes are the canonical ones, so that a stored charter that was
// touched by hand is not taken for the one that was published. The error is
// Problems.
func Parse(canonical []byte) (*Charter, error) {
	r := newReport("charter.json")
	if len(canonical) > maxCanonical {
		r.addIn(r.file, 0, "超过 %d 字节", "it is larger than %d bytes", maxCanonical)
		return nil, r.err()
	}
	var c Charter
	d := json.NewDecoder(bytes.NewReader(canonical))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		r.addIn(r.file, 0, "不是章程的规范 JSON：%v", "it is not the canonical JSON of a charter: %v", err)
		return nil, r.err()
	}
	if _, err := d.Token(); err != io.EOF {
		r.addIn(r.file, 0, "章程之后还有别的内容", "something follows the charter")
		return nil, r.err()
	}
	sum := sha256.Sum256(canonical)
	if sound.has(sum) {
		return &c, nil
	}
	check(&c, r)
	if len(r.problems) == 0 && !bytes.Equal(c.Canonical(), canonical) {
		r.addIn(r.file, 0, "与 Canonical 写出的字节不同", "its bytes differ from what Canonical writes")
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	sound.add(sum)
	return &c, nil
}

// sound has the SHA-256 of what Parse has found nothing wrong with: nor is anything wrong with the
// same bytes, whose reading takes a fraction of looking at all that they say.
var sound = checked{of: make(map[[sha256.Size]byte]bool)}

// maxSound bounds how many are remembered: then all are looked at anew.
const maxSound = 1_000

type checked struct {
	mu sync.Mutex
	of map[[sha256.Size]byte]bool
}

func (c *checked) has(sum [sha256.Size]byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of[sum]
}

func (c *checked) add(sum [sha256.Size]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.of) >= maxSound {
		clear(c.of)
	}
	c.of[sum] = true
}

func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	// The types that come here hold nothing that JSON can't: no channels, no
	// functions, no cycles, no NaN (a charter file has no way to write one).
	if err := e.Encode(v); err != nil {
		return nil
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
