package witness

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"wardkeep/internal/base/errs"
	"wardkeep/internal/ledger"
)

// Why a witness can't be one.
var (
	ErrName  = errs.New(errs.Invalid, "witness.name")       // empty, or with spaces, control characters or plus signs
	ErrMade  = errs.New(errs.Conflict, "witness.made")      // there is a witness in the directory already
	ErrNone  = errs.New(errs.NotFound, "witness.none")      // there is none
	ErrTaken = errs.New(errs.Unavailable, "witness.taken")  // another process is this witness
	ErrState = errs.New(errs.Unavailable, "witness.state")  // what it has cosigned can't be read: it signs nothing
	ErrLog   = errs.New(errs.Invalid, "witness.ledger_key") // no key of a ledger, or two of one name
)

const keyFile = "witness.key"

// Make makes a witness of this name, with a key of its own, in a directory that has none, and returns
// what others verify it by. If we crash, there is none, or all of it.
func Make(dir, name string) (vkey string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(dir, keyFile)
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return "", errors.Join(fmt.Errorf("%w: %s", ErrMade, path), err)
	}
	secret, _, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrName, err)
	}
	if _, err := cosignature.NewSignerForCosignatureV1(secret); err != nil { // it takes no other name
		return "", fmt.Errorf("%w: %w", ErrName, err)
	}
	if err := (Folder(dir)).write(keyFile, []byte(secret+"\n"), 0o600); err != nil {
		return "", err
	}
	return KeyOf(dir)
}

// KeyOf returns what others verify the witness in a directory by. It is public. Errors: ErrNone.
func KeyOf(dir string) (string, error) {
	secret, err := secretOf(dir)
	if err != nil {
		return "", err
	}
	parts := strings.SplitN(secret, "+", 5) // PRIVATE+KEY+name+hash+key
	signer, err := note.NewSigner(secret)
	if err != nil || len(parts) != 5 {
		return "", fmt.Errorf("%w: %w", ErrState, err)
	}
	// The library makes the key of the verifier from its text alone.
	seed, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(seed) != 33 {
		return "", fmt.Errorf("%w: %s", ErrState, keyFile)
	}
	_, plain, err := ledger.NewSigner(signer.Name(), seed[1:])
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrState, err)
	}
	return cosignature.VKeyToCosignatureV1(plain)
}

func secretOf(dir string) (string, error) {
	path := filepath.Join(dir, keyFile)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w: %s", ErrNone, path)
	}
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = errors.New("others can read it")
	}
	var b []byte
	if err == nil {
		b, err = os.ReadFile(path)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %s: %w", ErrState, path, err)
	}
	return strings.TrimSpace(string(b)), nil
}

// A Server is a witness (C2SP tlog-witness). What it cosigned last of each ledger lies in its
// directory before the signature leaves: so it signs no second history, whenever it is killed.
type Server struct {
	dir    string
	lock   *os.File
	signer *cosignature.Signer
	log    *slog.Logger
	logs   map[string]*watched // by origin
}

// A watched is one ledger that is cosigned.
type watched struct {
	key string

	mu   sync.Mutex // so that comparing and writing are one step
	last ledger.Checkpoint
	text string // with both signatures; empty: none yet
	told string // the Mark of which the log says last that it doesn't continue
}

// Open opens the witness in a directory, for the ledgers of these keys. What it can't read of what it
// has cosigned refuses it: it might sign another history. Errors: ErrNone, ErrTaken, ErrState, ErrLog.
func Open(dir string, log *slog.Logger, keys ...string) (_ *Server, err error) {
	secret, err := secretOf(dir)
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, log: log, logs: make(map[string]*watched)}
	if s.signer, err = cosignature.NewSignerForCosignatureV1(secret); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrState, keyFile, err)
	}
	if s.lock, err = os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := syscall.Flock(int(s.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrTaken, dir, err)
	}
	for _, key := range keys {
		v, err := note.NewVerifier(key)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrLog, err)
		}
		if s.logs[v.Name()] != nil {
			return nil, fmt.Errorf("%w: two of %q", ErrLog, v.Name())
		}
		one := &watched{key: key}
		b, err := os.ReadFile(filepath.Join(dir, originHash(v.Name())+kept))
		if err == nil {
			one.text = string(b)
			one.last, err = ledger.OpenCheckpoint(one.text, key)
		}
		if err == nil {
			_, err = Cosigned(one.text, s.signer.Verifier())
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: %s: %w", ErrState, v.Name(), err)
		}
		s.logs[v.Name()] = one
	}
	return s, nil
}

// Close lets another process be this witness.
func (s *Server) Close() error { return s.lock.Close() }

// Handler takes checkpoints, and shows the latest of each ledger that were cosigned.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", s.add)
	mux.HandleFunc("GET /{origin}/checkpoint", s.show)
	return mux
}

// A refusal is an answer that isn't 200.
type refusal struct {
	status int
	body   string
}

// Error says which.
func (r refusal) Error() string { return strconv.Itoa(r.status) + " " + r.body }

func (s *Server) add(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxFile))
	var line string
	if err != nil {
		err = refusal{http.StatusBadRequest, "too much, or cut off"}
	} else {
		line, err = s.cosign(r.Context(), body)
	}
	if err != nil {
		no, is := errors.AsType[refusal](err)
		if !is {
			s.log.ErrorContext(r.Context(), "witness: not cosigned", "error", err)
			no = refusal{http.StatusInternalServerError, "internal"}
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if no.status == http.StatusConflict {
			w.Header().Set("Content-Type", "text/x.tlog.size")
		}
		w.WriteHeader(no.status)
		io.WriteString(w, no.body+"\n")
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, line)
}

// cosign is add-checkpoint, in the order of the specification.
func (s *Server) cosign(ctx context.Context, body []byte) (string, error) {
	old, proof, checkpoint, err := parse(body)
	if err != nil {
		return "", refusal{http.StatusBadRequest, err.Error()}
	}
	origin, _, _ := strings.Cut(checkpoint, "\n")
	one := s.logs[origin]
	if one == nil {
		return "", refusal{http.StatusNotFound, "no such ledger here"}
	}
	c, err := ledger.OpenCheckpoint(checkpoint, one.key)
	if err != nil {
		_, unsigned := errors.AsType[*note.UnverifiedNoteError](err)
		_, wrong := errors.AsType[*note.InvalidSignatureError](err)
		if unsigned || wrong {
			return "", refusal{http.StatusForbidden, "not signed by the key of this ledger"}
		}
		return "", refusal{http.StatusBadRequest, "no checkpoint"}
	}
	if old > c.Size {
		return "", refusal{http.StatusBadRequest, "the old size is above that of the checkpoint"}
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	if old != one.last.Size {
		return "", refusal{http.StatusConflict, strconv.FormatInt(one.last.Size, 10)}
	}
	// Other signatures, which anybody may have put there, are neither kept nor logged.
	signed, err := note.Open([]byte(checkpoint), verifiers(one.key))
	if err != nil {
		return "", err
	}
	own := &note.Note{Text: signed.Text, Sigs: signed.Sigs}
	if err := continues(one.last, c, proof); err != nil {
		// It is signed by the ledger's own key, and may be proof of what that has done; or somebody has sent
		// one that everybody has, with a wrong proof: so it is said once.
		if mark := Mark(c); c != one.last && mark != one.told {
			one.told = mark
			text, bad := note.Sign(own)
			s.log.WarnContext(ctx, "witness: not a continuation", "origin", origin, "cosigned", one.last.Size, "offered", c.Size, "checkpoint", string(text), "why", errors.Join(err, bad))
		}
		return "", refusal{http.StatusUnprocessableEntity, "not a continuation"}
	}
	text, err := note.Sign(own, s.signer)
	if err != nil {
		return "", err
	}
	mine, err := signatureOf(string(text), s.signer.Verifier())
	if err != nil {
		return "", err
	}
	// Before it leaves. If we crash here, the witness has seen what it hasn't told of: it is asked
	// again, and says how far it is. What it has on the disk it need not write, whoever sends it again.
	if c != one.last {
		if err := (Folder(s.dir)).write(originHash(origin)+kept, text, 0o644); err != nil {
			return "", err
		}
	}
	one.last, one.text = c, string(text)
	return line(mine), nil
}

func verifiers(key string) note.Verifiers {
	v, err := note.NewVerifier(key)
	if err != nil {
		return note.VerifierList() // Open has read it
	}
	return note.VerifierList(v)
}

// continues reports why a checkpoint doesn't continue what was cosigned last, or nil.
func continues(last, c ledger.Checkpoint, proof tlog.TreeProof) error {
	switch {
	case c.Size == 0 && c.Root != emptyRoot:
		return errors.New("the root of an empty tree is another")
	case last.Size == 0 || last.Size == c.Size:
		if len(proof) > 0 {
			return errors.New("a proof where none is needed")
		}
		if last.Size == c.Size && last.Size > 0 && last.Root != c.Root {
			return errors.New("another tree of the same size")
		}
		return nil
	}
	return tlog.CheckTree(proof, c.Size, c.Root, last.Size, last.Root)
}

// emptyRoot is the hash of the empty tree (RFC 6962, section 2.1).
var emptyRoot = func() tlog.Hash { h, _ := tlog.TreeHash(0, nil); return h }()

// parse reads what request writes, and refuses every other form.
func parse(body []byte) (old int64, proof tlog.TreeProof, checkpoint string, err error) {
	head, rest, ok := bytes.Cut(body, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	digits, is := strings.CutPrefix(lines[0], "old ")
	if !ok || !is || len(lines)-1 > maxProof {
		return 0, nil, "", errors.New("no request to cosign")
	}
	if old, err = size(digits); err != nil {
		return 0, nil, "", errors.New("no old size")
	}
	for _, text := range lines[1:] {
		h, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil || len(h) != tlog.HashSize {
			return 0, nil, "", errors.New("no hash in the proof")
		}
		proof = append(proof, tlog.Hash(h))
	}
	return old, proof, string(rest), nil
}

func (s *Server) show(w http.ResponseWriter, r *http.Request) {
	for origin, one := range s.logs {
		if originHash(origin) != r.PathValue("origin") {
			continue
		}
		one.mu.Lock()
		text := one.text
		one.mu.Unlock()
		if text == "" {
			break
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		io.WriteString(w, text)
		return
	}
	http.Error(w, "not found", http.StatusNotFound)
}
