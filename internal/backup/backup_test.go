package backup_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"wardkeep/internal/backup"
	"wardkeep/internal/base/db"
	"wardkeep/internal/base/keyring"
)

// The two halves of a key that only these tests have.
const (
	recipient = "age1255cccfhz20ueecmex3j5m5v7wmcgp7c0ta6e8387ca20u9t393q5gzyvd"
	identity  = "AGE-SECRET-KEY-1Z8TEVUGVSP4Q2YWCNZQX58KYT8A5KUJ2EMPGCKPXK3F6XFFWR95Q9UCEP3"
)

func keys(t *testing.T) (keyring.Lock, keyring.Unlock) {
	t.Helper()
	lock, err := keyring.ForRecipients(recipient)
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := keyring.ByIdentities(strings.NewReader(identity))
	if err != nil {
		t.Fatal(err)
	}
	return lock, unlock
}

var content = bytes.Repeat([]byte("a page of a database "), 10_000)

func sealed(t *testing.T, change func(m *backup.Manifest)) []byte {
	t.Helper()
	lock, _ := keys(t)
	m := backup.Manifest{Backup: backup.New(), CreatedAt: time.Now().UTC(), Engine: "sqlite", Schema: db.Schema(), Origin: "wardkeep", Size: 7, Bytes: int64(len(content))}
	change(&m)
	var out bytes.Buffer
	if err := backup.Write(&out, lock, m, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func read(t *testing.T, file []byte) (m backup.Manifest, out bytes.Buffer, err error) {
	t.Helper()
	_, unlock := keys(t)
	m, c, err := backup.Read(bytes.NewReader(file), unlock)
	if err == nil {
		err = c.Copy(&out)
	}
	return m, out, err
}

// Edge case 15: a backup comes back as it was, and nothing of it is in plain.
func TestEdgeCase15_ABackupComesBackAsItWas(t *testing.T) {
	file := sealed(t, func(m *backup.Manifest) {})
	m, out, err := read(t, file)
	if err != nil || !bytes.Equal(out.Bytes(), content) || m.Size != 7 || m.Expired(time.Now()) {
		t.Errorf("%+v, %d bytes, %v", m, out.Len(), err)
	}
	for _, plain := range []string{"a page of a database", "sqlite", m.Backup} {
		if bytes.Contains(file, []byte(plain)) {
			t.Errorf("%q is in plain", plain)
		}
	}
	if !m.Expired(m.CreatedAt.Add(backup.Life)) {
		t.Error("it lives longer than 35 days")
	}
}

// Edge case 15: what isn't whole, or isn't of this release, is refused, wherever it ends.
func TestEdgeCase15_AFileThatIsNotWholeIsRefused(t *testing.T) {
	file := sealed(t, func(m *backup.Manifest) {})
	for _, end := range []int{0, 10, 200, 300, 1000, len(file) / 2, len(file) - 70_000, len(file) - 1} {
		if _, _, err := read(t, file[:end]); !errors.Is(err, backup.ErrDamaged) && !errors.Is(err, backup.ErrNotBackup) {
			t.Errorf("cut off at %d of %d: %v", end, len(file), err)
		}
	}
	changed := bytes.Clone(file)
	changed[len(changed)/2] ^= 1
	if _, _, err := read(t, changed); !errors.Is(err, backup.ErrDamaged) {
		t.Errorf("with one bit changed: %v", err)
	}
	for name, c := range map[string]struct {
		change func(m *backup.Manifest)
		want   error
	}{
		"of a later release": {func(m *backup.Manifest) { m.Schema++ }, backup.ErrNewer},
		"of another engine":  {func(m *backup.Manifest) { m.Engine = "stone" }, backup.ErrNotBackup},
	} {
		if _, _, err := read(t, sealed(t, c.change)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	lock, unlock := keys(t)
	for text, want := range map[string]error{
		"wardkeep backup 2\n{}\n": backup.ErrNewer, "wardkeep backup x\n": backup.ErrNotBackup, "somebody's diary\n": backup.ErrNotBackup,
		"": backup.ErrNotBackup, "wardkeep backup 1\nno manifest\n": backup.ErrDamaged, "wardkeep backup 1\n{}\n": backup.ErrNotBackup,
	} {
		var out bytes.Buffer
		w, err := keyring.Encrypt(&out, lock)
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		if _, _, err := backup.Read(&out, unlock); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}

// A disk that is full is told as such, and not as a backup that is damaged.
func TestEdgeCase15_AFullDiskIsNoDamage(t *testing.T) {
	_, unlock := keys(t)
	_, c, err := backup.Read(bytes.NewReader(sealed(t, func(m *backup.Manifest) {})), unlock)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Copy(fullDisk{}); !errors.Is(err, db.ErrFull) || errors.Is(err, backup.ErrDamaged) {
		t.Error(err)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, db.ErrFull }

func TestPlacesAreWrittenInOneWay(t *testing.T) {
	var p backup.Places
	for _, place := range []int64{3, 4, 5, 6, 9} {
		p = p.With(place, place+1)
	}
	if p.String() != "3-7 9-10" || !p.Has(6) || p.Has(7) || p.Has(8) || !p.Has(9) || p.Has(10) {
		t.Error(p)
	}
	if back, err := backup.ParsePlaces(p.String()); err != nil || back.String() != p.String() {
		t.Error(back, err)
	}
	for _, bad := range []string{"3", "3-3", "7-3", "3-7 7-9", "9-10 3-7", "-1-3", " 3-7", "3-7  9-10", "a-b", "03-7"} {
		if got, err := backup.ParsePlaces(bad); err == nil {
			t.Errorf("%q: %v", bad, got)
		}
	}
	if got, err := backup.ParsePlaces(""); err != nil || got != nil {
		t.Error(got, err)
	}
}
