//go:build !race

package roster_test

// slow is 1: the promise of two seconds is measured as it is.
const slow = 1
