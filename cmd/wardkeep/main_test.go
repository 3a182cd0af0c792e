package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"wardkeep/internal/app/apptest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	apptest.RemoveBinary()
	os.Exit(code)
}

// Each script in testdata shows one command, and what it refuses. It runs the
// program as operators do, in processes that can be killed.
func TestCommands(t *testing.T) {
	path := filepath.Dir(apptest.Binary(t)) + string(os.PathListSeparator) + os.Getenv("PATH")
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                scriptCommands(),
		Setup: func(e *testscript.Env) error {
			examples, err := filepath.Abs("../../examples")
			if err != nil {
				return err
			}
			e.Setenv("PATH", path)
			e.Setenv("EXAMPLES", examples)
			e.Setenv("LANG", "en_US.UTF-8")
			for _, name := range []string{"LC_ALL", "LC_MESSAGES", "WARDKEEP_LANG", "WARDKEEP_CONFIG"} {
				e.Setenv(name, "")
			}
			return os.Chmod(e.WorkDir, 0o755)
		},
	})
}
