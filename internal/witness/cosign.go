package witness

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"wardkeep/internal/base/errs"
	"wardkeep/internal/ledger"
)

// Why a witness hasn't cosigned. None of it stops anything here.
var (
	ErrUnreached = errs.New(errs.Unavailable, "witness.unreached") // no answer, or one that the protocol doesn't have
	ErrUnknown   = errs.New(errs.Unavailable, "witness.unknown")   // it doesn't take this ledger, or not its key
	ErrRefused   = errs.New(errs.Unavailable, "witness.refused")   // it has seen another history, it says
	ErrAhead     = errs.New(errs.Unavailable, "witness.ahead")     // it has seen a larger ledger, it says
	ErrLies      = errs.New(errs.Unavailable, "witness.lies")      // what it answers proves nothing: not its key, not this tree, not now

	ErrKey = errs.New(errs.Invalid, "witness.key") // no key of a witness (C2SP signed-note, type 0x04 or 0x06)
)

const (
	askTime   = 10 * time.Second // for one request
	maxAnswer = 16 << 10         // bytes that are read of an answer
	maxProof  = 63               // hashes (C2SP tlog-witness)
	// skew is how far the clock of a witness may be from ours.
	skew = 5 * time.Minute
)

// Verifier reads the key of a witness. The name and the key must be those that its hash is of: the
// library leaves that to us.
func Verifier(vkey string) (note.Verifier, error) {
	v, err := cosignature.NewVerifierForCosignatureV1(vkey)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	if parts := strings.SplitN(vkey, "+", 3); len(parts) != 3 || parts[1] != fmt.Sprintf("%08x", v.KeyHash()) {
		return nil, fmt.Errorf("%w: its hash isn't that of a key that cosigns", ErrKey)
	}
	return v, nil
}

// Cosigned returns when a witness has cosigned a checkpoint; an error, if it hasn't.
func Cosigned(checkpoint string, v note.Verifier) (at time.Time, err error) {
	s, err := signatureOf(checkpoint, v)
	if err != nil {
		return at, err
	}
	at, err = cosignature.CoSigV1Timestamp(s)
	if err == nil && at.Unix() <= 0 {
		err = errors.New("it says no time")
	}
	return at.UTC(), err
}

func signatureOf(checkpoint string, v note.Verifier) (s note.Signature, err error) {
	n, err := note.Open([]byte(checkpoint), note.VerifierList(v))
	if err != nil {
		return s, err
	}
	s = n.Sigs[0] // one verifier: one signature
	// Two texts could say one signature: each byte must count.
	_, err = base64.StdEncoding.Strict().DecodeString(s.Base64)
	return s, err
}

func line(s note.Signature) string { return "— " + s.Name + " " + s.Base64 + "\n" }

// A Witness is one that is asked over HTTP (C2SP tlog-witness).
type Witness struct {
	URL   string // where it takes checkpoints: its submission prefix
	Shows string // where it shows what it has cosigned: its monitoring prefix
	Key   note.Verifier

	http *http.Client
}

// New connects to nobody yet. It shows at url what it takes there, until Shows says another. Roots are the
// authorities that sign its certificate; nil: the system's.
func New(url string, key note.Verifier, roots *x509.CertPool) *Witness {
	url = strings.TrimRight(url, "/")
	return &Witness{URL: url, Shows: url, Key: key, http: &http.Client{
		Timeout:       askTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			MaxResponseHeaderBytes: maxAnswer,
			DisableCompression:     true,
			IdleConnTimeout:        30 * time.Second,
		},
	}}
}

// Name is what it is called among the keepers.
func (w *Witness) Name() string { return NameOf(w.Key) }

// NameOf is what the witness of a key is called among the keepers.
func NameOf(key note.Verifier) string { return "witness " + key.Name() }

// Cosign has a checkpoint cosigned and returns the line of the signature. Old is the size that the
// witness cosigned last, as far as we know: if it says another, it is asked once more with that, and
// no further. Prove returns the consistency proof from a size on. Now is what the time of
// the signature is compared with. Errors: those above; those of prove.
func (w *Witness) Cosign(ctx context.Context, checkpoint string, c ledger.Checkpoint, old int64, now time.Time,
	prove func(ctx context.Context, old int64) (tlog.TreeProof, error)) (signature string, err error) {
	for range 2 {
		if old > c.Size {
			return "", fmt.Errorf("%w: %s: of %d entries", ErrAhead, w.Key.Name(), old)
		}
		var proof tlog.TreeProof
		if old > 0 && old < c.Size {
			if proof, err = prove(ctx, old); err != nil {
				return "", err
			}
		}
		status, answer, err := w.ask(ctx, http.MethodPost, w.URL+"/add-checkpoint", request(old, proof, checkpoint))
		if err != nil {
			return "", err
		}
		switch status {
		case http.StatusOK:
			return w.taken(checkpoint, answer, now)
		case http.StatusConflict:
			says, err := size(strings.TrimSuffix(string(answer), "\n"))
			if err != nil || says == old {
				return "", fmt.Errorf("%w: %s: a size that can't be", ErrLies, w.Key.Name())
			}
			old = says
		case http.StatusNotFound, http.StatusForbidden:
			return "", fmt.Errorf("%w: %s: %d", ErrUnknown, w.Key.Name(), status)
		case http.StatusUnprocessableEntity:
			return "", fmt.Errorf("%w: %s", ErrRefused, w.Key.Name())
		default:
			return "", fmt.Errorf("%w: %s: %d", ErrUnreached, w.Key.Name(), status)
		}
	}
	return "", fmt.Errorf("%w: %s: it says one size and then another", ErrLies, w.Key.Name())
}

// taken returns the witness's signature in an answer, if it is of this checkpoint and of now.
func (w *Witness) taken(checkpoint string, answer []byte, now time.Time) (string, error) {
	s, err := signatureOf(checkpoint+string(answer), w.Key)
	var at time.Time
	if err == nil { // alone: an answer may bring a text of its own, of which its signature is
		at, err = Cosigned(checkpoint+line(s), w.Key)
	}
	if err == nil && (at.Before(now.Add(-skew)) || at.After(now.Add(skew))) {
		err = fmt.Errorf("its time is %s", at.Format(time.RFC3339))
	}
	if err != nil {
		return "", fmt.Errorf("%w: %s: %w", ErrLies, w.Key.Name(), err)
	}
	return line(s), nil
}

// Latest returns the checkpoint of a ledger that the witness shows, if the ledger's key verifies it;
// what it shows proves what the ledger has signed, and nothing else is believed. The zero Checkpoint: it has none.
// Errors: ErrUnreached, ErrLies.
func (w *Witness) Latest(ctx context.Context, origin, ledgerKey string) (c ledger.Checkpoint, text string, err error) {
	status, answer, err := w.ask(ctx, http.MethodGet, w.Shows+"/"+originHash(origin)+"/checkpoint", nil)
	switch {
	case err != nil:
		return c, "", err
	case status == http.StatusNotFound:
		return c, "", nil
	case status != http.StatusOK:
		return c, "", fmt.Errorf("%w: %s: %d", ErrUnreached, w.Key.Name(), status)
	}
	if c, err = ledger.OpenCheckpoint(string(answer), ledgerKey); err != nil {
		return c, "", fmt.Errorf("%w: %s: %w", ErrLies, w.Key.Name(), err)
	}
	return c, string(answer), nil
}

func (w *Witness) ask(ctx context.Context, method, url string, body []byte) (status int, answer []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", ErrUnreached, err)
	}
	got, err := w.http.Do(r)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", ErrUnreached, err)
	}
	defer got.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(got.Body, maxAnswer+1))
	switch {
	case err != nil:
		return 0, nil, fmt.Errorf("%w: %s: %w", ErrUnreached, w.Key.Name(), err)
	case len(answer) > maxAnswer:
		return 0, nil, fmt.Errorf("%w: %s: more than an answer has", ErrLies, w.Key.Name())
	}
	return got.StatusCode, answer, nil
}

// request writes what add-checkpoint takes.
func request(old int64, proof tlog.TreeProof, checkpoint string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "old %d\n", old)
	for _, h := range proof {
		b.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
	}
	b.WriteString("\n" + checkpoint)
	return b.Bytes()
}

// size reads a number in its one form.
func size(digits string) (int64, error) {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err == nil && (n < 0 || strconv.FormatInt(n, 10) != digits) {
		err = strconv.ErrSyntax
	}
	return n, err
}

func originHash(origin string) string {
	sum := sha256.Sum256([]byte(origin))
	return hex.EncodeToString(sum[:])
}
