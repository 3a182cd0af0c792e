package party

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"wardkeep/internal/base/db"
	"wardkeep/internal/base/id"
	"wardkeep/internal/catalog"
)

// ParseSeal reads the public half of a key that something is sealed to: an X25519 key of age,
// "age1…", as `age-keygen` prints it. Errors: ErrSealForm, ErrKeyPrivate.
func ParseSeal(text string) (key string, err error) {
	key = strings.TrimSpace(text)
	if strings.Contains(strings.ToUpper(key), "AGE-SECRET-KEY-") {
		return "", ErrKeyPrivate
	}
	to, err := age.ParseX25519Recipient(key)
	if err != nil || to.String() != key {
		return "", ErrSealForm // also one that only others can read as one
	}
	// What is sealed to a point of small order everybody opens; age refuses that.
	if _, err := to.Wrap(make([]byte, 16)); err != nil {
		return "", ErrSealForm
	}
	return key, nil
}

// IsSeal reports whether a text is meant as a key that something is sealed to, rather than as
// one that signs.
func IsSeal(text string) bool {
	text = strings.ToLower(strings.TrimSpace(text))
	return strings.HasPrefix(text, "age1") || strings.Contains(text, "age-secret-key-")
}

// ReadPublic reads the public half of a key of either kind, and returns what binds it as BindIn
// does. Errors: those of ParseKey and ParseSeal.
func ReadPublic(text string) (bind func(ctx context.Context, tx *db.Tx, by catalog.Officer, of ID, country string, until time.Time) (Key, string, error), err error) {
	if IsSeal(text) {
		key, err := ParseSeal(text)
		return func(ctx context.Context, tx *db.Tx, by catalog.Officer, of ID, country string, until time.Time) (Key, string, error) {
			return BindSealIn(ctx, tx, by, of, key, country, until)
		}, err
	}
	key, err := ParseKey(text)
	return func(ctx context.Context, tx *db.Tx, by catalog.Officer, of ID, country string, until time.Time) (Key, string, error) {
		return BindIn(ctx, tx, by, of, key, country, until)
	}, err
}

// BindSeal binds a key that what is pushed to a party is sealed to, as Bind binds one that it
// signs with. Errors: those of Bind, and of ParseSeal.
func BindSeal(ctx context.Context, tx *db.Tx, by catalog.Officer, of ID, public string, until time.Time) (Key, string, error) {
	return BindSealIn(ctx, tx, by, of, public, "", until)
}

// BindSealIn is BindSeal for a key by which somebody opens in a country or region, as BindIn is
// Bind. Errors: those of BindIn, and of ParseSeal.
func BindSealIn(ctx context.Context, tx *db.Tx, by catalog.Officer, of ID, public, country string, until time.Time) (Key, string, error) {
	key, err := ParseSeal(public)
	if err != nil {
		return Key{}, "", err
	}
	return bind(ctx, tx, by, of, id.PartySeal, []byte(key), country, until)
}

// SealKey returns the key that something for a party is sealed to at this moment: the newest
// that holds and is bound to what the party stands on now. Where none is that, it is the newest
// that there ever was, so that the gate says what is wrong with it; or the zero Key.
func SealKey(ctx context.Context, tx *db.Tx, is Standing) (Key, error) {
	all, err := Keys(ctx, tx, is.ID)
	if err != nil {
		return Key{}, err
	}
	all = slices.DeleteFunc(all, func(k Key) bool { return !k.Seals() })
	good := slices.IndexFunc(all, func(k Key) bool { return k.Holds(tx.Now()) && k.Paper == is.Paper().ID })
	switch {
	case good >= 0:
		return all[good], nil
	case len(all) > 0:
		return all[0], nil
	}
	return Key{}, nil
}

// Seal returns the text so that only the party reads it: an age file. Errors: those of
// ParseSeal, where the row was changed by hand.
func (k Key) Seal(text []byte) ([]byte, error) {
	key, err := ParseSeal(string(k.Public))
	if err != nil {
		return nil, err
	}
	to, err := age.ParseX25519Recipient(key)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	return out.Bytes(), err
}
