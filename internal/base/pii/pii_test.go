package pii_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"wardkeep/internal/base/pii"
)

// Invariant 9: nothing in plain in logs and errors.
func TestNoFormattingPathShowsTheValue(t *testing.T) {
	const secret = "canary-7341"
	v := struct{ Name pii.Text }{pii.New(secret)}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v, "name", v.Name)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v, "name", v.Name)
	js, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{
		log.String(), string(js), fmt.Sprint(v), fmt.Sprintf("%v %+v %#v %s %q %x %d", v, v, v, v.Name, v.Name, v.Name, v.Name),
		fmt.Sprint([]pii.Text{v.Name}, &v, errors.Join(fmt.Errorf("%s", v.Name))),
	} {
		if strings.Contains(out, secret) || strings.Contains(out, fmt.Sprintf("%x", secret)) {
			t.Errorf("the value shows in %s", out)
		}
	}
	if v.Name.Reveal() != secret {
		t.Error("Reveal lost the value")
	}
}
