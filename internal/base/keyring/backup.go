package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"filippo.io/age"
	"filippo.io/age/armor"

	"wardkeep/internal/base/errs"
)

// The refusals of backups.
var (
	ErrBackupLock      = errs.New(errs.Invalid, "keyring.backup_lock")      // no passphrase and no valid recipient
	ErrPassphraseShort = errs.New(errs.Invalid, "keyring.passphrase_short") // under MinPassphrase characters
	ErrBackupWrongKey  = errs.New(errs.Forbidden, "keyring.backup_wrong_key")
	ErrBackupDamaged   = errs.New(errs.Invalid, "keyring.backup_damaged")
)

// MinPassphrase is the least length of a backup's passphrase, in characters.
const MinPassphrase = 12

// A Lock closes a backup. The zero Lock is refused.
type Lock struct {
	redacted
	to *[]age.Recipient
}

// WithPassphrase locks with a passphrase (scrypt, about a second to try one).
// Errors: ErrPassphraseShort.
func WithPassphrase(passphrase string) (Lock, error) {
	if utf8.RuneCountInString(passphrase) < MinPassphrase {
		return Lock{}, ErrPassphraseShort
	}
	r, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return Lock{}, ErrBackupLock
	}
	return Lock{to: &[]age.Recipient{r}}, nil
}

// ForRecipients locks so that any one of the recipients, public keys as age
// writes them ("age1…"), can open. Errors: ErrBackupLock.
func ForRecipients(publicKeys ...string) (Lock, error) {
	to, err := age.ParseRecipients(strings.NewReader(strings.Join(publicKeys, "\n")))
	if err != nil || len(to) == 0 {
		return Lock{}, ErrBackupLock
	}
	return Lock{to: &to}, nil
}

// An Unlock opens a backup. The zero Unlock opens nothing.
type Unlock struct {
	redacted
	by *[]age.Identity
}

// ByPassphrase opens what WithPassphrase locked. Errors: ErrBackupWrongKey for
// the empty passphrase.
func ByPassphrase(passphrase string) (Unlock, error) {
	i, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return Unlock{}, ErrBackupWrongKey
	}
	return Unlock{by: &[]age.Identity{i}}, nil
}

// ByIdentities opens what ForRecipients locked; r is an age identity file
// ("AGE-SECRET-KEY-1…" lines). Errors: ErrBackupWrongKey if it holds none.
func ByIdentities(r io.Reader) (Unlock, error) {
	by, err := age.ParseIdentities(io.LimitReader(r, 1<<16))
	if err != nil {
		return Unlock{}, ErrBackupWrongKey // age's words could quote a secret line
	}
	return Unlock{by: &by}, nil
}

// BackupKeyFile writes an encrypted copy of the key file at path to a new file,
// as armored text (age-encryption.org/v1) that can be printed. Without a key
// file or a backup of it, everything in the database is lost. Errors: those of
// OpenKeyFile, ErrBackupLock, ErrFileExists, ErrFileUnwritable.
func BackupKeyFile(path, backup string, lock Lock) error {
	if lock.to == nil {
		return ErrBackupLock
	}
	text, err := readPrivate(path, 0o077)
	if err != nil {
		return err
	}
	defer clear(text)
	// A damaged file is found today, not on the day the backup is needed.
	if _, err := parseKeyFile(text); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	var out bytes.Buffer
	a := armor.NewWriter(&out)
	w, err := age.Encrypt(a, *lock.to...)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBackupLock, err)
	}
	_, err = w.Write(text)
	if err = errors.Join(err, w.Close(), a.Close()); err != nil {
		return fmt.Errorf("encrypt %s: %w", path, err)
	}
	return writeNew(backup, out.Bytes())
}

// RestoreKeyFile writes the key file in a backup to path, as CreateKeyFile
// does. Errors: ErrFileMissing, ErrBackupWrongKey, ErrBackupDamaged,
// ErrFileInDataDir, ErrFileExists, ErrFileUnwritable.
func RestoreKeyFile(backup, path, dataDir string, key Unlock) error {
	if err := OutsideDataDir(path, dataDir); err != nil {
		return err
	}
	if key.by == nil {
		return ErrBackupWrongKey
	}
	text, err := readBackup(backup, *key.by)
	if err != nil {
		return fmt.Errorf("%s: %w", backup, err)
	}
	defer clear(text)
	if _, err := parseKeyFile(text); err != nil {
		return fmt.Errorf("%s: %w: %w", backup, ErrBackupDamaged, err)
	}
	return writeNew(path, text)
}

func readBackup(path string, by []age.Identity) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFileMissing, err)
	}
	defer f.Close()
	r, err := age.Decrypt(armor.NewReader(io.LimitReader(f, 1<<16)), by...)
	if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		return nil, ErrBackupWrongKey
	}
	if err != nil {
		return nil, ErrBackupDamaged
	}
	text, err := io.ReadAll(io.LimitReader(r, fileLimit))
	if err != nil {
		return nil, ErrBackupDamaged
	}
	return text, nil
}

// Encrypt returns a writer whose text only who can open the lock reads from w
// (age-encryption.org/v1, binary). What was written is whole once it is closed.
// Errors: ErrBackupLock.
func Encrypt(w io.Writer, lock Lock) (io.WriteCloser, error) {
	if lock.to == nil {
		return nil, ErrBackupLock
	}
	out, err := age.Encrypt(w, *lock.to...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBackupLock, err)
	}
	return out, nil
}

// Decrypt returns what Encrypt was given. A text that was cut off or changed ends
// with an error and not with io.EOF. Errors: ErrBackupWrongKey; ErrBackupDamaged,
// also for what Encrypt has never written.
func Decrypt(r io.Reader, key Unlock) (io.Reader, error) {
	if key.by == nil {
		return nil, ErrBackupWrongKey
	}
	in, err := age.Decrypt(r, *key.by...)
	if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		return nil, ErrBackupWrongKey
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBackupDamaged, err)
	}
	return in, nil
}
