package keyring

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"wardkeep/internal/base/i18n"
)

// createIn, in the environment, makes the test binary write key files until
// it is killed.
const createIn = "KEYRING_TEST_CREATE_IN"

func TestMain(m *testing.M) {
	dir := os.Getenv(createIn)
	if dir == "" {
		os.Exit(m.Run())
	}
	os.Stdout.WriteString("begin\n")
	for i := 0; ; i++ {
		if err := CreateKeyFile(filepath.Join(dir, "kek"+strconv.Itoa(i)), ""); err != nil {
			os.Exit(1)
		}
	}
}

func TestAKilledCreatorLeavesNoFileOrAWholeOne(t *testing.T) {
	created := 0
	for range 25 {
		dir := t.TempDir()
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), createIn+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 6)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(10 * time.Millisecond))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err) // it ended by itself: it could not create
		}
		cmd.Wait()
		for i := 0; ; i++ {
			_, err := OpenKeyFile(filepath.Join(dir, "kek"+strconv.Itoa(i)))
			if errors.Is(err, ErrFileMissing) {
				break
			}
			if err != nil {
				t.Fatalf("killed while writing: %v", err)
			}
			created++
		}
		// What is left under another name is as private as the file.
		for _, name := range names(t, dir) {
			if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != fs.FileMode(0o600) {
				t.Errorf("%s: %v, %v", name, info, err)
			}
		}
	}
	if created == 0 {
		t.Error("no creator got anywhere: nothing was tested")
	}
}

func TestEveryRefusalHasWordsInEveryLanguage(t *testing.T) {
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	codes := 0
	for _, name := range sources {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`errs\.New\(errs\.\w+, "([^"]+)"\)`).FindAllSubmatch(text, -1) {
			codes++
			for _, lang := range i18n.Langs {
				if !lang.Has(string(m[1])) {
					t.Errorf("%s has no words in %s", m[1], lang)
				}
			}
		}
	}
	if codes < 20 {
		t.Errorf("only %d refusals found", codes)
	}
}
