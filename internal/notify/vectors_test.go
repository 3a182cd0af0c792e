package notify

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

// What we sign is what the reference implementations of Standard Webhooks publish as
// their vectors (libraries/go, python and javascript have the first, rust the second);
// several keys are several signatures.
func TestSign_StandardWebhooksVectors(t *testing.T) {
	vectors := []struct {
		secret, id string
		at         int64
		body, want string
	}{
		{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
			`{"test": 2432232314}`, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
		{"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1649367553,
			`{"email":"test@example.com","username":"test_user"}`, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="},
	}
	var keys [][]byte
	for _, v := range vectors {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(v.secret, "whsec_"))
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
		got, err := sign(v.id, time.Unix(v.at, 0), []byte(v.body), [][]byte{key})
		if err != nil || got != v.want {
			t.Errorf("%s: %s, want %s (%v)", v.id, got, v.want, err)
		}
	}
	v := vectors[0]
	both, err := sign(v.id, time.Unix(v.at, 0), []byte(v.body), [][]byte{keys[1], keys[0]})
	if parts := strings.Fields(both); err != nil || len(parts) != 2 || parts[1] != v.want || parts[0] == v.want {
		t.Errorf("two keys: %s (%v)", both, err)
	}
}
