package ledger

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"wardkeep/internal/base/db"
)

// NewSigner returns the signer of the checkpoints of the ledger called origin
// (C2SP signed-note, Ed25519), and the key that verifies them, as text that may
// be published. The seed is 32 bytes and secret.
//
// The origin should be the ledger's URL without its scheme: it has no spaces
// and no plus sign.
func NewSigner(origin string, seed []byte) (signer note.Signer, verifierKey string, err error) {
	if len(seed) != ed25519.SeedSize {
		return nil, "", fmt.Errorf("ledger: the seed of the signing key has %d bytes, not %d", len(seed), ed25519.SeedSize)
	}
	if origin == "" || !utf8.ValidString(origin) || strings.ContainsFunc(origin, func(r rune) bool {
		return r == '+' || unicode.IsSpace(r) || unicode.IsControl(r)
	}) {
		return nil, "", fmt.Errorf("ledger: the origin must have no spaces, control characters or plus signs")
	}
	public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	verifierKey, err = note.NewEd25519VerifierKey(origin, public)
	if err != nil {
		return nil, "", err
	}
	verifier, err := note.NewVerifier(verifierKey)
	if err != nil {
		return nil, "", err
	}
	const ed25519Algorithm = 1 // C2SP signed-note
	signer, err = note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", origin, verifier.KeyHash(),
		base64.StdEncoding.EncodeToString(append([]byte{ed25519Algorithm}, seed...))))
	return signer, verifierKey, err
}

// sign returns the checkpoint of a tree (C2SP tlog-checkpoint).
func sign(origin string, size int64, root tlog.Hash, signer note.Signer) (string, error) {
	text := log.Checkpoint{Origin: origin, Size: uint64(size), Hash: root[:]}.Marshal()
	signed, err := note.Sign(&note.Note{Text: string(text)}, signer)
	return string(signed), err
}

// CheckOrigin returns ErrOrigin if the ledger that tx sees was signed with the key
// of seed, but under another origin: then nothing is damaged, and the setting was
// changed. What that key never signed, under whatever name, is left for the
// sequencer and verify to judge.
func CheckOrigin(ctx context.Context, tx *db.Tx, origin string, seed []byte) error {
	head, err := Head(ctx, tx)
	if errors.Is(err, ErrDamaged) {
		return nil
	}
	if err != nil {
		return err
	}
	former, _, _ := strings.Cut(head.Checkpoint, "\n")
	if former == "" || former == origin {
		return nil
	}
	signer, _, err := NewSigner(former, seed)
	if err != nil {
		return nil // no origin: the line was changed
	}
	if was, err := sign(former, head.Size, head.Root, signer); err != nil || was != head.Checkpoint {
		return nil
	}
	return fmt.Errorf("%w: the ledger is %q, and ledger_origin says %q", ErrOrigin, former, origin)
}

// A Checkpoint is a signed statement of how large the ledger was, and what
// stood in it.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   tlog.Hash
}

// OpenCheckpoint checks the signature of a checkpoint against the verifier's
// key and returns what it says.
func OpenCheckpoint(text, verifierKey string) (Checkpoint, error) {
	verifier, err := note.NewVerifier(verifierKey)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("ledger: the verifier's key: %w", err)
	}
	signed, err := note.Open([]byte(text), note.VerifierList(verifier))
	if err != nil {
		return Checkpoint{}, err
	}
	for _, s := range signed.Sigs {
		// Two texts could say one signature: each byte must count.
		if _, err := base64.StdEncoding.Strict().DecodeString(s.Base64); err != nil {
			return Checkpoint{}, fmt.Errorf("the signature isn't in its one form: %w", err)
		}
	}
	c, err := readCheckpoint(signed.Text)
	if err == nil && c.Origin != verifier.Name() {
		err = fmt.Errorf("the checkpoint is of %q, not of %q", c.Origin, verifier.Name())
	}
	return c, err
}

// readCheckpoint reads what a checkpoint says and trusts it.
func readCheckpoint(text string) (Checkpoint, error) {
	var c log.Checkpoint
	if _, err := c.Unmarshal([]byte(text)); err != nil {
		return Checkpoint{}, err
	}
	if len(c.Hash) != tlog.HashSize || c.Size > maxSize {
		return Checkpoint{}, fmt.Errorf("the checkpoint has a size or a root that can't be")
	}
	return Checkpoint{c.Origin, int64(c.Size), tlog.Hash(c.Hash)}, nil
}

// maxSize bounds the sizes and places that are believed, so that arithmetic
// on them can't overflow.
const maxSize = 1 << 48
