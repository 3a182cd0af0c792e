package keyring

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"filippo.io/age"

	"wardkeep/internal/base/errs"
)

func write(t *testing.T, path string, data []byte, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestCreateKeyFileIsPrivateAndAlone(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	dir := t.TempDir()
	path := filepath.Join(dir, "kek")
	if err := CreateKeyFile(path, filepath.Join(dir, "data")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("left behind: %q", got)
	}
	a, err := OpenKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(path)
	err = CreateKeyFile(path, "")
	wantErr(t, "a second one at the same path", err, ErrFileExists)
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("the cause is lost: %v", err)
	}
	after, _ := os.ReadFile(path)
	if !bytes.Equal(before, after) || len(names(t, dir)) != 1 {
		t.Error("the refusal touched the file, or left another behind")
	}
	if b := keyFile(t); a.Name() == b.Name() || !strings.HasPrefix(a.Name(), "file:") {
		t.Errorf("two key files are called %q and %q", a.Name(), b.Name())
	}
	wantErr(t, "in no directory", CreateKeyFile(filepath.Join(dir, "none", "kek"), ""), ErrFileUnwritable)
}

func TestOfManyCreatorsOneWins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kek")
	var wg sync.WaitGroup
	won := make(chan error, 8)
	for range cap(won) {
		wg.Go(func() { won <- CreateKeyFile(path, "") })
	}
	wg.Wait()
	close(won)
	winners := 0
	for err := range won {
		if err == nil {
			winners++
		} else {
			wantErr(t, "a loser", err, ErrFileExists)
		}
	}
	if _, err := OpenKeyFile(path); winners != 1 || err != nil {
		t.Errorf("%d winners; %v", winners, err)
	}
}

// Article 13: a copy of the data directory never carries the key that opens it.
func TestArticle13_NoKeyFileInsideTheDataDirectory(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	if err := os.MkdirAll(filepath.Join(data, "deep"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, link := range [][2]string{{data, "link"}, {filepath.Join(data, "deep"), "deeplink"}, {filepath.Join(data, "later", "kek"), "filelink"}} {
		if err := os.Symlink(link[0], filepath.Join(dir, link[1])); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	for _, c := range [][2]string{
		{filepath.Join(data, "kek"), data},
		{filepath.Join(data, "deep", "kek"), data},
		{filepath.Join(data, "not", "yet", "kek"), data},
		{filepath.Join(dir, "x", "..", "data", "kek"), data},
		{filepath.Join(dir, "link", "kek"), data},
		{filepath.Join(dir, "deeplink", "kek"), data},
		{filepath.Join(data, "kek"), filepath.Join(dir, "link")},
		{"data/kek", data},
		{filepath.Join(data, "kek"), "data"},
		{"./kek", "."},
		{filepath.Join(dir, "new", "kek"), filepath.Join(dir, "new")},
		{data, data},
	} {
		wantErr(t, c[0]+" in "+c[1], OutsideDataDir(c[0], c[1]), ErrFileInDataDir)
		wantErr(t, "create "+c[0]+" in "+c[1], CreateKeyFile(c[0], c[1]), ErrFileInDataDir)
	}
	if got := names(t, data); len(got) != 1 {
		t.Errorf("written into the data directory: %q", got)
	}
	for _, c := range [][2]string{{"kek", data}, {"data-kek", data}, {"kek", "data/deep"}, {"kek", "nowhere"}, {"kek", ""}} {
		if err := OutsideDataDir(c[0], c[1]); err != nil {
			t.Errorf("%s beside %s: %v", c[0], c[1], err)
		}
	}
}

func TestAHalfWrittenKeyFileIsRefusedAtEveryLength(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "kek")
	if err := CreateKeyFile(path, ""); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(dir, "half")
	for n := range whole {
		write(t, half, whole[:n], 0o600)
		_, err := OpenKeyFile(half)
		wantErr(t, "cut", err, ErrFileDamaged)
		if errors.Is(err, ErrFileDamaged) && n > 40 && strings.Contains(err.Error(), string(whole[30:40])) {
			t.Fatal("the error shows the key")
		}
		// A file system may also leave zeros where the rest should be.
		write(t, half, append(bytes.Clone(whole[:n]), make([]byte, len(whole)-n)...), 0o600)
		if _, err := OpenKeyFile(half); err == nil {
			t.Fatalf("zeros from byte %d on: it opens", n)
		}
	}
	for n := range whole {
		for _, bit := range []byte{1, 0x20, 0x80} {
			bad := bytes.Clone(whole)
			bad[n] ^= bit
			write(t, half, bad, 0o600)
			if _, err := OpenKeyFile(half); !errors.Is(err, ErrFileDamaged) && !errors.Is(err, ErrFileFormat) {
				t.Fatalf("byte %d changed: %v", n, err)
			}
		}
	}
	for name, text := range map[string][]byte{
		"a line more": append(bytes.Clone(whole), '\n'),
		"CRLF":        bytes.ReplaceAll(whole, []byte("\n"), []byte("\r\n")),
		"twice":       append(bytes.Clone(whole), whole...),
	} {
		write(t, half, text, 0o600)
		if _, err := OpenKeyFile(half); err == nil {
			t.Errorf("%s: it opens", name)
		}
	}
	if _, err := OpenKeyFile(path); err != nil {
		t.Error(err)
	}
}

func TestAKeyFileOpenToOthersIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kek")
	if err := CreateKeyFile(path, ""); err != nil {
		t.Fatal(err)
	}
	for mode := fs.FileMode(0); mode <= 0o777; mode++ {
		if mode&0o400 == 0 {
			continue // not readable to us
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := OpenKeyFile(path)
		if mode&0o077 == 0 {
			if err != nil {
				t.Errorf("mode %04o: %v", mode, err)
			}
			continue
		}
		wantErr(t, mode.String(), err, ErrFileOpenToOthers)
	}
}

// owned is a FileInfo of another user's file.
type owned struct {
	fs.FileInfo
	uid uint32
}

func (o owned) Sys() any { return &syscall.Stat_t{Uid: o.uid} }

func TestAnotherUsersKeyFileIsRefused(t *testing.T) {
	me := uint32(os.Geteuid())
	for uid, want := range map[uint32]bool{me: true, 0: true, me + 1: me == 0} {
		if got := ownedByUs(owned{uid: uid}); got != want {
			t.Errorf("user %d, file of %d: %v", me, uid, got)
		}
	}
}

func TestWhatIsNoKeyFileIsSaidToBeNone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	_, err := OpenKeyFile(path)
	wantErr(t, "no file", err, ErrFileMissing)
	_, err = OpenKeyFile(dir)
	wantErr(t, "a directory", err, ErrFileFormat)
	for name, text := range map[string]string{
		"PEM":             "-----BEGIN PRIVATE KEY-----\n",
		"a later version": "wardkeep key file v2\nkey\n",
		"a novel":         strings.Repeat("很久以前，", 1000),
		"bytes":           "\x00\xff",
	} {
		write(t, path, []byte(text), 0o600)
		_, err := OpenKeyFile(path)
		wantErr(t, name, err, ErrFileFormat)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = OpenKeyFile(pipe) // must not wait for a writer
	wantErr(t, "a pipe", err, ErrFileFormat)
}

func TestAKeyFileIsBoundToItsContext(t *testing.T) {
	ctx := context.Background()
	kek := keyFile(t)
	for _, suite := range []Suite{AES256GCM, SM4GCM} {
		w, err := under(kek, suite).Wrap(ctx, []byte("k"), []byte("ad"))
		if err != nil || w[16] != byte(suites[suite]) {
			t.Fatalf("%s: suite byte %d, %v", suite, w[16], err)
		}
		if got, err := kek.Unwrap(ctx, w, []byte("ad")); err != nil || string(got) != "k" {
			t.Errorf("%s: %q, %v", suite, got, err)
		}
		_, err = kek.Unwrap(ctx, w, []byte("da"))
		wantErr(t, "another context", err, ErrDamaged)
		_, err = kek.Unwrap(ctx, w[:16], []byte("ad"))
		wantErr(t, "cut", err, ErrDamaged)
		_, err = keyFile(t).Unwrap(ctx, w, []byte("ad"))
		wantErr(t, "another key file", err, ErrWrongKEK)
	}
}

func TestBackupAndRestore(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := CreateKeyFile(at("kek"), ""); err != nil {
		t.Fatal(err)
	}
	whole, _ := os.ReadFile(at("kek"))
	ann, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	bob, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	lock, err := ForRecipients(ann.Recipient().String(), bob.Recipient().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := BackupKeyFile(at("kek"), at("kek.age"), lock); err != nil {
		t.Fatal(err)
	}
	sealed, _ := os.ReadFile(at("kek.age"))
	if info, _ := os.Stat(at("kek.age")); info.Mode() != 0o600 || bytes.Contains(sealed, whole[25:60]) || !bytes.HasPrefix(sealed, []byte("-----BEGIN AGE")) {
		t.Errorf("the backup: mode %v, %d bytes", info.Mode(), len(sealed))
	}
	for i, id := range []*age.X25519Identity{ann, bob} {
		key, err := ByIdentities(strings.NewReader("# a comment\n" + id.String() + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		to := at("restored" + string(rune('0'+i)))
		if err := RestoreKeyFile(at("kek.age"), to, at("data"), key); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(to); !bytes.Equal(got, whole) {
			t.Error("another file came back")
		}
		if _, err := OpenKeyFile(to); err != nil {
			t.Error(err)
		}
	}
	annKey, _ := ByIdentities(strings.NewReader(ann.String()))
	eve, _ := age.GenerateX25519Identity()
	eveKey, _ := ByIdentities(strings.NewReader(eve.String()))
	wantErr(t, "a stranger", RestoreKeyFile(at("kek.age"), at("no"), "", eveKey), ErrBackupWrongKey)
	wantErr(t, "the zero Unlock", RestoreKeyFile(at("kek.age"), at("no"), "", Unlock{}), ErrBackupWrongKey)
	wantErr(t, "the zero Lock", BackupKeyFile(at("kek"), at("no"), Lock{}), ErrBackupLock)
	wantErr(t, "over a file", BackupKeyFile(at("kek"), at("kek.age"), lock), ErrFileExists)
	wantErr(t, "restore over a file", RestoreKeyFile(at("kek.age"), at("kek"), "", annKey), ErrFileExists)
	wantErr(t, "restore into the data", RestoreKeyFile(at("kek.age"), at("data/kek"), at("data"), annKey), ErrFileInDataDir)
	wantErr(t, "no backup", RestoreKeyFile(at("none"), at("no"), "", annKey), ErrFileMissing)
	write(t, at("damaged"), whole[:50], 0o600)
	wantErr(t, "backup of a damaged file", BackupKeyFile(at("damaged"), at("no"), lock), ErrFileDamaged)
	for n := 0; n < len(sealed)-1; n += 7 { // the last byte is a line feed that armor can do without
		write(t, at("cut"), sealed[:n], 0o600)
		if err := RestoreKeyFile(at("cut"), at("no"), "", annKey); !errors.Is(err, ErrBackupDamaged) && !errors.Is(err, ErrBackupWrongKey) {
			t.Fatalf("a backup of %d bytes: %v", n, err)
		}
	}
	if _, err := os.Stat(at("no")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a refusal wrote a file")
	}
}

func TestBackupByPassphrase(t *testing.T) {
	dir := t.TempDir()
	path, backup, back := filepath.Join(dir, "kek"), filepath.Join(dir, "kek.age"), filepath.Join(dir, "back")
	if err := CreateKeyFile(path, ""); err != nil {
		t.Fatal(err)
	}
	lock, err := WithPassphrase("正确的马电池订书钉再加一些")
	if err != nil {
		t.Fatal(err)
	}
	if err := BackupKeyFile(path, backup, lock); err != nil {
		t.Fatal(err)
	}
	wrong, err := ByPassphrase("正确的马电池订书钉再加一点")
	if err != nil {
		t.Fatal(err)
	}
	wantErr(t, "a wrong passphrase", RestoreKeyFile(backup, back, "", wrong), ErrBackupWrongKey)
	right, err := ByPassphrase("正确的马电池订书钉再加一些")
	if err != nil {
		t.Fatal(err)
	}
	if err := RestoreKeyFile(backup, back, "", right); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKeyFile(back); err != nil {
		t.Error(err)
	}
}

func TestBackupsNeedARealLock(t *testing.T) {
	_, err := WithPassphrase("short")
	wantErr(t, "a short passphrase", err, ErrPassphraseShort)
	for _, keys := range [][]string{nil, {""}, {"age1nonsense"}, {"# only a comment"}} {
		_, err := ForRecipients(keys...)
		wantErr(t, "recipients", err, ErrBackupLock)
	}
	_, err = ByPassphrase("")
	wantErr(t, "the empty passphrase", err, ErrBackupWrongKey)
	const secret = "AGE-SECRET-KEY-1CANARY"
	_, err = ByIdentities(strings.NewReader(secret))
	wantErr(t, "identities", err, ErrBackupWrongKey)
	if strings.Contains(err.Error(), "CANARY") {
		t.Error("the error shows the identity")
	}
}

func FuzzKeyFile(f *testing.F) {
	f.Add(renderKeyFile(new(material)))
	f.Add([]byte(fileHeader))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseKeyFile(text)
		if err != nil && errs.Of(err) != ErrFileDamaged && errs.Of(err) != ErrFileFormat {
			t.Fatal(err)
		}
		if err == nil && !bytes.Equal(renderKeyFile(m), text) {
			t.Fatal("two files are one key")
		}
	})
}
