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
	v := struct {
		Name   pii.Text
		hidden pii.Text
		deep   *struct{ hidden pii.Text }
	}{Name: pii.New(secret), hidden: pii.New(secret), deep: &struct{ hidden pii.Text }{pii.New(secret)}}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v, "name", v.Name)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v, "name", v.Name)
	js, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	outs := []string{log.String(), string(js), fmt.Sprint(v), fmt.Sprint([]pii.Text{v.Name}, &v, errors.Join(fmt.Errorf("%s", v.Name)))}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		outs = append(outs, fmt.Sprintf(verb, v), fmt.Sprintf(verb, &v), fmt.Sprintf(verb, v.Name), fmt.Sprintf(verb, v.deep))
	}
	for _, out := range outs {
		if strings.Contains(out, secret) || strings.Contains(strings.ToLower(out), fmt.Sprintf("%x", secret)) {
			t.Errorf("the value shows in %s", out)
		}
	}
	if v.Name.Reveal() != secret {
		t.Error("Reveal lost the value")
	}
}
