package witness_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"wardkeep/internal/ledger"
	"wardkeep/internal/witness"
)

// A tree is a ledger in memory: as much of one as a witness sees.
type tree struct {
	t      *testing.T
	signer note.Signer
	key    string
	hashes []tlog.Hash // as tlog stores them
	size   int64
}

const origin = "example.test/ledger"

func newTree(t *testing.T, seed byte) *tree {
	t.Helper()
	signer, key, err := ledger.NewSigner(origin, bytes.Repeat([]byte{seed}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return &tree{t: t, signer: signer, key: key}
}

// ReadHashes is what tlog asks.
func (l *tree) ReadHashes(indexes []int64) (all []tlog.Hash, err error) {
	for _, i := range indexes {
		all = append(all, l.hashes[i])
	}
	return all, nil
}

func (l *tree) grow(texts ...string) *tree {
	l.t.Helper()
	for _, text := range texts {
		more, err := tlog.StoredHashes(l.size, []byte(text), l)
		if err != nil {
			l.t.Fatal(err)
		}
		l.hashes, l.size = append(l.hashes, more...), l.size+1
	}
	return l
}

func (l *tree) fork() *tree {
	other := *l
	other.hashes = append([]tlog.Hash(nil), l.hashes...)
	return &other
}

// at is the checkpoint of so many entries.
func (l *tree) at(size int64) (string, ledger.Checkpoint) {
	l.t.Helper()
	root, err := tlog.TreeHash(size, l)
	if err != nil {
		l.t.Fatal(err)
	}
	text, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", origin, size, base64.StdEncoding.EncodeToString(root[:]))}, l.signer)
	if err != nil {
		l.t.Fatal(err)
	}
	c, err := ledger.OpenCheckpoint(string(text), l.key)
	if err != nil {
		l.t.Fatal(err)
	}
	return string(text), c
}

func (l *tree) prove(size int64) func(context.Context, int64) (tlog.TreeProof, error) {
	return func(_ context.Context, old int64) (tlog.TreeProof, error) { return tlog.ProveTree(size, old, l) }
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// open opens a witness and has it answer.
func open(t *testing.T, dir string, keys ...string) (*witness.Server, *httptest.Server) {
	t.Helper()
	s, err := witness.Open(dir, quiet(), keys...)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s.Handler())
	t.Cleanup(h.Close)
	t.Cleanup(func() { s.Close() })
	return s, h
}

func verifier(t *testing.T, vkey string) note.Verifier {
	t.Helper()
	v, err := witness.Verifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// A witness cosigns what continues what it has cosigned, also after it was killed, and nothing else; what it
// has signed anybody verifies with the public library of the format.
func TestArticle22_AWitnessSignsOneHistory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	vkey, err := witness.Make(dir, "witness.test/w1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := witness.Make(dir, "witness.test/w2"); !errors.Is(err, witness.ErrMade) {
		t.Errorf("another key is made over the first: %v", err)
	}
	l := newTree(t, 1).grow("a", "b", "c")
	fork := l.fork().grow("x", "y", "z")
	l.grow("d", "e", "f", "g")
	s, h := open(t, dir, l.key)
	if _, err := witness.Open(dir, quiet(), l.key); !errors.Is(err, witness.ErrTaken) {
		t.Errorf("two are the same witness: %v", err)
	}
	w := witness.New(h.URL, verifier(t, vkey), nil)
	if c, _, err := w.Latest(t.Context(), origin, l.key); err != nil || c.Size != 0 {
		t.Errorf("it shows %d, %v", c.Size, err)
	}
	cosign := func(l *tree, size, old int64) (string, error) {
		t.Helper()
		text, c := l.at(size)
		line, err := w.Cosign(t.Context(), text, c, old, time.Now(), l.prove(size))
		if err == nil {
			// By the library alone.
			v, bad := cosignature.NewVerifierForCosignatureV1(vkey)
			if bad != nil {
				t.Fatal(bad)
			}
			if _, bad := note.Open([]byte(text+line), note.VerifierList(v)); bad != nil {
				t.Errorf("others don't verify it: %v", bad)
			}
		}
		return line, err
	}
	for _, step := range []struct {
		of        *tree
		size, old int64
		want      error
	}{
		{l, 3, 0, nil}, {l, 3, 3, nil}, // once more, with another time
		{l, 5, 0, nil},                   // whoever doesn't know is told
		{fork, 5, 5, witness.ErrRefused}, // the same size
		{fork, 6, 5, witness.ErrRefused}, // a larger one
		{l, 4, 3, witness.ErrAhead},      // an older one
		{newTree(t, 2).grow("a", "b", "c", "d", "e", "f"), 6, 5, witness.ErrUnknown}, // another key
		{l, 7, 5, nil},
	} {
		if _, err := cosign(step.of, step.size, step.old); !errors.Is(err, step.want) {
			t.Errorf("%d after %d: %v, want %v", step.size, step.old, err, step.want)
		}
	}
	h.Close()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, h = open(t, dir, l.key) // it was killed
	w = witness.New(h.URL, verifier(t, vkey), nil)
	if _, err := cosign(fork, 6, 0); !errors.Is(err, witness.ErrAhead) {
		t.Errorf("it has forgotten: %v", err)
	}
	if c, text, err := w.Latest(t.Context(), origin, l.key); err != nil || c.Size != 7 {
		t.Errorf("it shows %d, %v", c.Size, err)
	} else if at, err := witness.Cosigned(text, w.Key); err != nil || time.Since(at) > time.Minute {
		t.Errorf("cosigned at %s, %v", at, err)
	}
}

// What strangers send is answered as the specification has it, and changes nothing.
func TestArticle22_AWitnessAnswersAsSpecified(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	if _, err := witness.Make(dir, "witness.test/w1"); err != nil {
		t.Fatal(err)
	}
	l := newTree(t, 1).grow("a", "b", "c", "d")
	_, h := open(t, dir, l.key)
	three, _ := l.at(3)
	four, _ := l.at(4)
	none, _ := l.at(0)
	proof, err := tlog.ProveTree(4, 3, l)
	if err != nil {
		t.Fatal(err)
	}
	var lines string
	for _, p := range proof {
		lines += base64.StdEncoding.EncodeToString(p[:]) + "\n"
	}
	hash := strings.Repeat("A", 43) + "="
	for _, c := range []struct {
		what, body string
		status     int
		says       string
	}{
		{"nothing", "", 400, ""}, {"no old size", "\n" + three, 400, ""}, {"a leading zero", "old 00\n\n" + three, 400, ""},
		{"a negative", "old -1\n\n" + three, 400, ""}, {"no checkpoint", "old 0\n\n", 404, ""}, {"a larger old size", "old 9\n\n" + three, 400, ""},
		{"another ledger", "old 0\n\nother\n" + strings.SplitN(three, "\n", 2)[1], 404, ""},
		{"unsigned", "old 0\n\n" + strings.SplitN(three, "— ", 2)[0], 400, ""},
		{"too many hashes", "old 0\n" + strings.Repeat(hash+"\n", 64) + "\n" + three, 400, ""},
		{"no hash", "old 0\nAAAA\n\n" + three, 400, ""},
		{"a proof of nothing", "old 0\n" + hash + "\n\n" + three, 422, ""},
		{"a wrong old size", "old 2\n\n" + three, 409, "0\n"},
		{"too much", "old 0\n\n" + three + strings.Repeat("x", 1<<20), 400, ""},
		{"the empty ledger", "old 0\n\n" + none, 200, ""},
		{"the first", "old 0\n\n" + three, 200, ""},
		{"from nothing again", "old 0\n\n" + four, 409, "3\n"},
		{"without a proof", "old 3\n\n" + four, 422, ""},
		{"with a wrong one", "old 3\n" + hash + "\n\n" + four, 422, ""},
		{"with its own", "old 3\n" + lines + "\n" + four, 200, ""},
	} {
		answer, err := http.Post(h.URL+"/add-checkpoint", "text/plain", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != c.status || c.says != "" && string(body) != c.says {
			t.Errorf("%s: %d %q, want %d %q", c.what, answer.StatusCode, body, c.status, c.says)
		}
		if is := answer.Header.Get("Content-Type"); c.status == 409 && is != "text/x.tlog.size" {
			t.Errorf("%s: a size is %s", c.what, is)
		}
	}
	for _, path := range []string{"/", "/x/checkpoint", "/add-checkpoint"} {
		if answer, err := http.Get(h.URL + path); err != nil || answer.StatusCode < 400 {
			t.Errorf("%s: %v %v", path, answer, err)
		}
	}
}

// What a stranger can send as often as they like costs the witness neither its disk nor its log, and what is
// said of a history that doesn't continue is the ledger's own words, once.
func TestArticle22_StrangersFillNoWitness(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	if _, err := witness.Make(dir, "witness.test/w1"); err != nil {
		t.Fatal(err)
	}
	l := newTree(t, 1).grow("a", "b", "c")
	fork := l.fork().grow("x")
	var said bytes.Buffer
	s, err := witness.Open(dir, slog.New(slog.NewJSONHandler(&said, nil)), l.key)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	h := s.Handler()
	send := func(body string) int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/add-checkpoint", strings.NewReader(body)))
		return w.Code
	}
	three, _ := l.at(3)
	four, _ := fork.at(4)
	if status := send("old 0\n\n" + three); status != 200 {
		t.Fatal(status)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.checkpoint"))
	if err != nil || len(files) != 1 || os.Remove(files[0]) != nil {
		t.Fatal(files, err)
	}
	hash := strings.Repeat("A", 43) + "="
	junk := strings.Repeat("— stranger "+strings.Repeat("A", 200)+"\n", 50)
	for range 3 {
		if status := send("old 3\n\n" + three); status != 200 {
			t.Errorf("once more: %d", status)
		}
		if status := send("old 3\n" + hash + "\n\n" + three + junk); status != 422 {
			t.Errorf("a proof of nothing: %d", status)
		}
	}
	if _, err := os.Stat(files[0]); err == nil || said.Len() > 0 {
		t.Errorf("what it has is written once more (%v), and it says %s", err, &said)
	}
	for range 3 {
		if status := send("old 3\n" + hash + "\n\n" + four + junk); status != 422 {
			t.Errorf("another story: %d", status)
		}
	}
	if n := strings.Count(said.String(), "not a continuation"); n != 1 || strings.Contains(said.String(), "stranger") || !strings.Contains(said.String(), "— "+origin) {
		t.Errorf("it says %d times: %s", n, &said)
	}
}

// Many ask at once, and of two histories one is signed.
func TestArticle22_AWitnessAskedByManySignsOneHistory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	vkey, err := witness.Make(dir, "witness.test/w1")
	if err != nil {
		t.Fatal(err)
	}
	l := newTree(t, 1).grow("a")
	both := []*tree{l, l.fork().grow("x", "x", "x", "x", "x")}
	l.grow("b", "c", "d", "e", "f")
	_, h := open(t, dir, l.key)
	w := witness.New(h.URL, verifier(t, vkey), nil)
	var wait sync.WaitGroup
	signed := make([][]int64, 2)
	var mu sync.Mutex
	for i, one := range both {
		for size := int64(2); size <= 6; size++ {
			text, c := one.at(size)
			wait.Go(func() {
				if _, err := w.Cosign(t.Context(), text, c, 0, time.Now(), one.prove(size)); err == nil {
					mu.Lock()
					signed[i] = append(signed[i], size)
					mu.Unlock()
				}
			})
		}
	}
	wait.Wait()
	if (len(signed[0]) > 0) == (len(signed[1]) > 0) {
		t.Errorf("signed are %v and %v", signed[0], signed[1])
	}
}

// What a witness has cosigned and can't be read has it sign nothing.
func TestInvariant3_AWitnessWithoutItsMemorySignsNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	if _, err := witness.Open(dir, quiet()); !errors.Is(err, witness.ErrNone) {
		t.Error(err)
	}
	vkey, err := witness.Make(dir, "witness.test/w1")
	if err != nil {
		t.Fatal(err)
	}
	l := newTree(t, 1).grow("a", "b")
	s, h := open(t, dir, l.key)
	text, c := l.at(2)
	if _, err := witness.New(h.URL, verifier(t, vkey), nil).Cosign(t.Context(), text, c, 0, time.Now(), l.prove(2)); err != nil {
		t.Fatal(err)
	}
	s.Close()
	for _, name := range []string{"bad name", "", "a+b"} {
		if _, err := witness.Make(filepath.Join(t.TempDir(), "x"), name); !errors.Is(err, witness.ErrName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.checkpoint"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	for what, b := range map[string]string{"nothing": "", "not cosigned": text, "rubbish": "x"} {
		if err := os.WriteFile(files[0], []byte(b), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := witness.Open(dir, quiet(), l.key); !errors.Is(err, witness.ErrState) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := witness.Open(dir, quiet(), "rubbish"); !errors.Is(err, witness.ErrLog) {
		t.Error(err)
	}
	if _, err := witness.Open(filepath.Dir(dir), quiet(), l.key); !errors.Is(err, witness.ErrNone) {
		t.Error(err)
	}
	if err := os.Chmod(filepath.Join(dir, "witness.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := witness.KeyOf(dir); !errors.Is(err, witness.ErrState) {
		t.Errorf("others read its key: %v", err)
	}
}

// A witness that lies is found out: by another key, another tree, another time, rubbish, a size that can't be, too much,
// or by leading elsewhere.
func TestArticle22_AWitnessThatLiesIsNotBelieved(t *testing.T) {
	secret := func(name string, seed byte) (skey, vkey string) {
		_, plain, err := ledger.NewSigner(name, bytes.Repeat([]byte{seed}, 32))
		if err != nil {
			t.Fatal(err)
		}
		vkey, err = cosignature.VKeyToCosignatureV1(plain)
		if err != nil {
			t.Fatal(err)
		}
		return "PRIVATE+KEY+" + name + "+00000000+" + base64.StdEncoding.EncodeToString(append([]byte{1}, bytes.Repeat([]byte{seed}, 32)...)), vkey
	}
	good, vkey := secret("witness.test/w1", 7)
	other, _ := secret("witness.test/w1", 8)
	l := newTree(t, 1).grow("a", "b", "c")
	text, c := l.at(3)
	two, _ := l.at(2)
	by := func(skey, text string) string {
		signer, err := cosignature.NewSignerForCosignatureV1(skey)
		if err != nil {
			t.Fatal(err)
		}
		all, err := note.Sign(&note.Note{Text: strings.SplitN(text, "\n\n", 2)[0] + "\n"}, signer)
		if err != nil {
			t.Fatal(err)
		}
		return strings.SplitN(string(all), "\n\n", 2)[1]
	}
	longer := func(text string) string { // the signature of a text that begins as this one, and goes on
		signer, err := cosignature.NewSignerForCosignatureV1(good)
		if err != nil {
			t.Fatal(err)
		}
		all, err := note.Sign(&note.Note{Text: text}, signer)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimPrefix(string(all), text)
	}
	var answer func(w http.ResponseWriter)
	asked := 0
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked++; answer(w) }))
	defer h.Close()
	w := witness.New(h.URL, verifier(t, vkey), nil)
	says := func(status int, body string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.WriteHeader(status); io.WriteString(w, body) }
	}
	for what, lie := range map[string]struct {
		answer func(http.ResponseWriter)
		now    time.Time
		want   error
	}{
		"the truth":       {says(200, by(good, text)), time.Now(), nil},
		"another key":     {says(200, by(other, text)), time.Now(), witness.ErrLies},
		"another tree":    {says(200, by(good, two)), time.Now(), witness.ErrLies},
		"a longer text":   {says(200, longer(text)), time.Now(), witness.ErrLies},
		"an old time":     {says(200, by(good, text)), time.Now().Add(time.Hour), witness.ErrLies},
		"a time to come":  {says(200, by(good, text)), time.Now().Add(-time.Hour), witness.ErrLies},
		"nothing":         {says(200, ""), time.Now(), witness.ErrLies},
		"rubbish":         {says(200, "— x y\n"), time.Now(), witness.ErrLies},
		"too much":        {says(200, strings.Repeat("x", 1<<20)), time.Now(), witness.ErrLies},
		"no size":         {says(409, "03\n"), time.Now(), witness.ErrLies},
		"one size, again": {says(409, "2\n"), time.Now(), witness.ErrLies},
		"a larger one":    {says(409, "4\n"), time.Now(), witness.ErrAhead},
		"a huge one":      {says(409, "99999999999999999999\n"), time.Now(), witness.ErrLies},
		"another story":   {says(422, ""), time.Now(), witness.ErrRefused},
		"not here":        {says(404, ""), time.Now(), witness.ErrUnknown},
		"elsewhere": {func(w http.ResponseWriter) {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(307)
		}, time.Now(), witness.ErrUnreached},
		"no": {says(500, ""), time.Now(), witness.ErrUnreached},
	} {
		answer, asked = lie.answer, 0
		line, err := w.Cosign(t.Context(), text, c, 0, lie.now, l.prove(3))
		if !errors.Is(err, lie.want) || (err == nil) != (line != "") || asked > 2 {
			t.Errorf("%s: %q, %v, asked %d times", what, line, err, asked)
		}
	}
	shows := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, two) }))
	defer shows.Close()
	w.Shows = shows.URL // which need not be where it takes them
	if c, _, err := w.Latest(t.Context(), origin, l.key); err != nil || c.Size != 2 {
		t.Errorf("what it shows elsewhere is %d, %v", c.Size, err)
	}
	w.Shows = h.URL
	answer = says(200, by(good, text)) // which isn't signed by the ledger
	if _, _, err := w.Latest(t.Context(), origin, l.key); !errors.Is(err, witness.ErrLies) {
		t.Errorf("what it shows is believed: %v", err)
	}
	// Who stands in between has no certificate that is trusted, whatever key it has.
	secure := httptest.NewUnstartedServer(h.Config.Handler)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	trusted := x509.NewCertPool()
	trusted.AddCert(secure.Certificate())
	for roots, want := range map[*x509.CertPool]error{nil: witness.ErrUnreached, trusted: nil} {
		asked = 0
		_, err := witness.New(secure.URL, verifier(t, vkey), roots).Cosign(t.Context(), text, c, 0, time.Now(), l.prove(3))
		if !errors.Is(err, want) || (asked == 0) != (want != nil) {
			t.Errorf("by TLS: %v, asked %d times", err, asked)
		}
	}
	for _, key := range []string{"", "x", l.key, strings.Replace(vkey, "w1+", "w2+", 1)} {
		if _, err := witness.Verifier(key); !errors.Is(err, witness.ErrKey) {
			t.Errorf("%q is a key: %v", key, err)
		}
	}
}
