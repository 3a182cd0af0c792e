//go:build race

package roster_test

// slow is how much longer the race detector makes things take.
const slow = 15
