package app

import (
	"path/filepath"
	"strings"
	"time"
)

// Checkpoints says where those of the ledger are kept outside the store, so that a database that
// was put back is noticed also where no node remembers it.
type Checkpoints struct {
	// Every is how often they are kept and cosigned, 10m by default, from 1m to 24h: not more often, for
	// each is a file for good.
	Every time.Duration `yaml:"every"`
	// Within is after which time without any it is said that they aren't kept: 1h by default, or
	// three times Every, and at least that.
	Within time.Duration `yaml:"within"`
	// Folder is a directory on another disk or machine. It must be there.
	Folder string `yaml:"folder"`
}

func (c *Checkpoints) defaults() {
	if c.Every == 0 {
		c.Every = 10 * time.Minute
	}
	if c.Within == 0 {
		c.Within = max(time.Hour, 3*c.Every)
	}
}

func (c *Checkpoints) check(dataDir string, say func(key, code string)) {
	if c.Every < time.Minute || c.Every > 24*time.Hour {
		say("checkpoints.every", "app.config.checkpoints_every")
	}
	if c.Within < c.Every || c.Within > 7*24*time.Hour {
		say("checkpoints.within", "app.config.checkpoints_within")
	}
	if c.Folder != "" && within(c.Folder, dataDir) { // it would be put back with the store
		say("checkpoints.folder", "app.config.checkpoints_folder")
	}
}

// within reports whether a path is a directory or lies in it. What can't be told may.
func within(path, dir string) bool {
	whole := func(path string) (string, error) {
		path, err := filepath.Abs(path)
		if real, bad := filepath.EvalSymlinks(path); bad == nil {
			path = real
		}
		return path, err
	}
	dir, err := whole(dir)
	path, bad := whole(path)
	if err != nil || bad != nil {
		return true
	}
	rel, err := filepath.Rel(dir, path)
	return err != nil || rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
