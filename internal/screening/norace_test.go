//go:build !race

package screening_test

// slow is 1: what reading costs is measured as it is.
const slow = 1
