package keyring

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
)

// Invariant 9: no key in logs and errors, also not from inside another struct,
// whose unexported fields fmt prints without asking them.
func TestNoFormattingPathShowsAKey(t *testing.T) {
	r, stored, kek := fresh(t, AES256GCM)
	key, _, _, _ := r.NewChildKey("ch_1")
	r.Index("d", "x")
	domain, _ := r.keys.Load().index.domain("d")
	token := filepath.Join(t.TempDir(), "token")
	write(t, token, []byte("s.canarytoken"), 0o600)
	bao, err := OpenTransit(TransitConfig{Address: "http://127.0.0.1:1", Key: "k", TokenFile: token})
	if err != nil {
		t.Fatal(err)
	}
	lock, _ := WithPassphrase("canary passphrase")
	unlock, _ := ByPassphrase("canary passphrase")

	type inside struct {
		ring   *Ring
		key    ChildKey
		signer SigningKey
		kek    KEK
		bao    KEK
		lock   Lock
		unlock Unlock
		Key    ChildKey
	}
	in := inside{r, key, r.Signer(), kek, bao, lock, unlock, key}
	var out bytes.Buffer
	for _, v := range []any{in, &in, []inside{in}, map[string]any{"a": in}, r, key, &key, r.Signer(), kek, bao, lock, unlock, stored,
		[]ChildKey{key}, []KEK{kek, bao}, struct{ k ChildKey }{key}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
		if js, err := json.Marshal(v); err == nil {
			out.Write(js)
		}
	}
	text := out.String()
	if !strings.Contains(text, hidden) {
		t.Error("nothing is shown as hidden")
	}
	m := key.k.m
	for name, secret := range map[string][]byte{
		"child key (AES)": m[:32], "child key (SM4)": m[32:], "key file": kek.(*fileKEK).m[:],
		"index key": r.keys.Load().index.key, "domain key": domain, "sign key": r.Signer().Seed(),
		"token": []byte("canarytoken"), "passphrase": []byte("canary passphrase"),
	} {
		for _, form := range forms(secret) {
			if strings.Contains(text, form) {
				t.Errorf("%s shows as %.12s…", name, form)
			}
		}
	}
}

// forms returns the first bytes of a secret as they may be printed.
func forms(secret []byte) []string {
	head := secret[:8]
	return []string{
		string(head), hex.EncodeToString(head), strings.ToUpper(hex.EncodeToString(head)),
		strings.Trim(fmt.Sprint(head), "[]"), strings.Trim(fmt.Sprintf("%x", fmt.Sprint(head)), "[]"),
		base64.StdEncoding.EncodeToString(secret[:6]), base64.RawURLEncoding.EncodeToString(secret[:6]),
		strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", head), "[]byte{"), "}"),
	}
}
