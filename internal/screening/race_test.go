//go:build race

package screening_test

// slow is how much longer the race detector makes reading take; it doesn't watch what that is
// compared with.
const slow = 25
