// Package xiaoxi holds the charter of the demo: an English-learning app for
// children, written out in full. It is what Files says and nothing else: an
// operator who copies the folder can leave this file out.
package xiaoxi

import "embed"

// Files are charter.yaml and its prose, as charter.Load reads them, and an assessment of each
// purpose, as impact.Read does.
//
//go:embed charter.yaml *.md impact/*.yaml
var Files embed.FS
