package keyring

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"wardkeep/internal/base/errs"
)

// The refusals of key files. All say what is wrong with the file, and none
// shows what is in it.
var (
	ErrFileMissing      = errs.New(errs.Unavailable, "keyring.file_missing")
	ErrFileOpenToOthers = errs.New(errs.Unavailable, "keyring.file_open_to_others") // mode & 077, or another user's
	ErrFileDamaged      = errs.New(errs.Unavailable, "keyring.file_damaged")        // begins like a key file, and isn't a whole one
	ErrFileFormat       = errs.New(errs.Unavailable, "keyring.file_format")         // not a key file, or of a later version
	ErrFileExists       = errs.New(errs.Conflict, "keyring.file_exists")            // never overwritten
	ErrFileInDataDir    = errs.New(errs.Invalid, "keyring.file_in_data_dir")
	ErrFileUnwritable   = errs.New(errs.Unavailable, "keyring.file_unwritable") // full disk, read-only, no such directory
)

// A key file is three lines: its version, the key (48 bytes, base64url), and
// the SHA-256 of the lines before. It is read by rendering its key again and
// comparing every byte, so that no part of one passes for a whole.
const (
	fileHeader = "wardkeep key file v1\n"
	fileLimit  = 4096 // bytes; nothing that long is a key file
)

func renderKeyFile(m *material) []byte {
	text := []byte(fileHeader + "key " + base64.RawURLEncoding.EncodeToString(m[:]) + "\n")
	sum := sha256.Sum256(text)
	return append(text, "sha256 "+hex.EncodeToString(sum[:])+"\n"...)
}

func parseKeyFile(text []byte) (*material, error) {
	rest, ok := bytes.CutPrefix(text, []byte(fileHeader))
	if !ok {
		if bytes.HasPrefix([]byte(fileHeader), text) {
			return nil, ErrFileDamaged
		}
		return nil, ErrFileFormat
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	line, _ = bytes.CutPrefix(line, []byte("key "))
	m := new(material)
	if base64.RawURLEncoding.DecodedLen(len(line)) != materialLen {
		return nil, ErrFileDamaged
	}
	if _, err := base64.RawURLEncoding.Decode(m[:], line); err != nil {
		return nil, ErrFileDamaged
	}
	if !bytes.Equal(renderKeyFile(m), text) {
		return nil, ErrFileDamaged
	}
	return m, nil
}

// CreateKeyFile makes a key and writes it to path, mode 0600, outside dataDir
// ("" where there is none: PostgreSQL). A crash leaves no file at path or a
// whole one. Errors: ErrFileInDataDir, ErrFileExists, ErrFileUnwritable.
func CreateKeyFile(path, dataDir string) error {
	if err := OutsideDataDir(path, dataDir); err != nil {
		return err
	}
	m := new(material)
	defer clear(m[:])
	rand.Read(m[:]) // never fails (crypto/rand)
	return writeNew(path, renderKeyFile(m))
}

// OutsideDataDir refuses a path inside dataDir with ErrFileInDataDir, whatever
// links lead there: a copy of the data must never carry the key that opens it
// (Article 13). Neither has to exist yet.
func OutsideDataDir(path, dataDir string) error {
	if dataDir == "" {
		return nil
	}
	file, err := resolve(path)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", path, ErrFileUnwritable, err)
	}
	data, err := resolve(dataDir)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", dataDir, ErrFileUnwritable, err)
	}
	dataInfo, _ := os.Stat(data)
	for dir := file; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir) // the same directory may have two names: a bind mount, another case
		same := err == nil && dataInfo != nil && os.SameFile(info, dataInfo)
		if dir == data || same {
			return fmt.Errorf("%s is inside %s: %w", path, dataDir, ErrFileInDataDir)
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

// resolve returns path without links, also where its end doesn't exist yet.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	rest := ""
	for {
		real, err := filepath.EvalSymlinks(path)
		if err == nil {
			return filepath.Join(real, rest), nil
		}
		parent := filepath.Dir(path)
		if !errors.Is(err, fs.ErrNotExist) || parent == path {
			return "", err
		}
		rest = filepath.Join(filepath.Base(path), rest)
		path = parent
	}
}

// writeNew makes a file of mode 0600 that didn't exist. It is written beside
// path under another name, and linked to path once it is on the disk. If we die
// before the link, path doesn't exist; after it, path is whole, and the other
// name, as private as the file, is left behind.
func writeNew(path string, data []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".new-*") // O_EXCL, 0600
	if err != nil {
		return fmt.Errorf("%s: %w: %w", path, ErrFileUnwritable, err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o600), f.Sync(), f.Close())
	if err == nil {
		// Unlike a rename, a link never replaces what is there.
		err = os.Link(f.Name(), path)
	}
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %w: %w", path, ErrFileExists, fs.ErrExist)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %w", path, ErrFileUnwritable, err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// OpenKeyFile returns the KEK in a key file. It refuses a file that anyone but
// its owner may touch, or that belongs to another user. Errors: ErrFileMissing,
// ErrFileOpenToOthers, ErrFileDamaged, ErrFileFormat.
func OpenKeyFile(path string) (KEK, error) {
	text, err := readPrivate(path, 0o077)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	m, err := parseKeyFile(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return newFileKEK(m)
}

// readPrivate reads a small regular file that is ours and has none of the
// permissions in forbidden. What is checked is what is read: one open file.
func readPrivate(path string, forbidden fs.FileMode) ([]byte, error) {
	info, err := os.Stat(path) // before Open, which would wait for the writer of a pipe
	if err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w: not a regular file", path, ErrFileFormat)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, ErrFileMissing, err)
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, ErrFileMissing, err)
	}
	if perm := info.Mode().Perm(); perm&forbidden != 0 {
		return nil, fmt.Errorf("%s has mode %04o, want 0600: %w", path, perm, ErrFileOpenToOthers)
	}
	if !ownedByUs(info) {
		return nil, fmt.Errorf("%s belongs to another user: %w", path, ErrFileOpenToOthers)
	}
	text, err := io.ReadAll(io.LimitReader(f, fileLimit+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, ErrFileDamaged, err)
	}
	if len(text) > fileLimit {
		return nil, fmt.Errorf("%s: %w: too long", path, ErrFileFormat)
	}
	return text, nil
}

// fileKEK wraps under the key of a key file. The zero fileKEK opens nothing.
type fileKEK struct {
	redacted
	m     *material
	id    string // 16 hex digits, derived from the key
	suite suiteByte
}

func newFileKEK(m *material) (KEK, error) {
	sum, err := hkdf.Key(sha256.New, m[:], nil, "wardkeep key file id v1", 8)
	if err != nil {
		return nil, fmt.Errorf("name the key file's key: %w", err)
	}
	return &fileKEK{m: m, id: hex.EncodeToString(sum), suite: suiteAES}, nil
}

func (k *fileKEK) under(s Suite) KEK {
	other := *k
	other.suite = suites[s]
	return &other
}

// Name returns "file:" and the id of the key, whatever the file is called.
func (k *fileKEK) Name() string { return "file:" + k.id }

// Wrap returns the id of the key and the sealed plain.
func (k *fileKEK) Wrap(_ context.Context, plain, ad []byte) ([]byte, error) {
	if k.m == nil {
		return nil, ErrWrongKEK
	}
	b, err := k.m.box(k.suite)
	if err != nil {
		return nil, err
	}
	return append([]byte(k.id), b.seal(plain, bind(labelFile, k.id, string(ad)))...), nil
}

// Unwrap tells a wrong key file (ErrWrongKEK) from damage to what it wrapped
// (ErrDamaged).
func (k *fileKEK) Unwrap(_ context.Context, wrapped, ad []byte) ([]byte, error) {
	sealed, ok := strings.CutPrefix(string(wrapped), k.id)
	if k.m == nil || !ok {
		return nil, ErrWrongKEK
	}
	if sealed == "" {
		return nil, ErrDamaged
	}
	b, err := k.m.box(suiteByte(sealed[0]))
	if err != nil {
		return nil, ErrDamaged
	}
	plain, err := b.open([]byte(sealed), bind(labelFile, k.id, string(ad)))
	if err != nil {
		return nil, ErrDamaged
	}
	return plain, nil
}
