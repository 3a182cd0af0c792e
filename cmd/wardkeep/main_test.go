package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The binary under test is this one, so that scripts run processes that can be
// killed.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"wardkeep": main})
}

// Each script in testdata shows one command, and what it refuses.
func TestCommands(t *testing.T) {
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
			e.Setenv("EXAMPLES", examples)
			e.Setenv("LANG", "en_US.UTF-8")
			for _, name := range []string{"LC_ALL", "LC_MESSAGES", "WARDKEEP_LANG", "WARDKEEP_CONFIG"} {
				e.Setenv(name, "")
			}
			return os.Chmod(e.WorkDir, 0o755)
		},
	})
}
