package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionCmd struct{}

// Run prints the version of this binary, and of the Go it was built with.
func (versionCmd) Run(s *session) error {
	version, revision := "devel", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		if v := info.Main.Version; v != "" && v != "(devel)" {
			version = v
		}
		for _, set := range info.Settings {
			if set.Key == "vcs.revision" && len(set.Value) >= 12 {
				revision = " " + set.Value[:12]
			}
		}
	}
	s.print(fmt.Sprintf("wardkeep %s%s %s %s/%s", version, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH))
	return nil
}
