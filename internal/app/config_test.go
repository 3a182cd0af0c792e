package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wardkeep/internal/app"
)

// A configuration is shown and shared: a password in it is refused, however it
// is written.
func TestInvariant9_NoPasswordInTheConfiguration(t *testing.T) {
	for database, refused := range map[string]bool{
		"postgres://wardkeep@db/wardkeep":           false,
		"postgres:///wardkeep?host=/run/postgresql": false,
		"postgres://wardkeep:s3cret@db/wardkeep":    true,
		"host=db user=wardkeep password=s3cret":     true,
		"postgres://db/wardkeep?password=s3cret":    true,
	} {
		path := filepath.Join(t.TempDir(), "wardkeep.yaml")
		if err := os.WriteFile(path, []byte("database: \""+database+"\"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := app.LoadConfig(path)
		if (err != nil) != refused {
			t.Errorf("%s: %v", strings.ReplaceAll(database, "s3cret", "…"), err)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Error("the error repeats the password")
		}
	}
}
