// Package house holds no code, only the rules of the house: tests that read
// this repository and fail where it departs from what ARCHITECTURE.md,
// docs/law.md and CONTRIBUTING.md promise.
//
// Its one invariant: each rule is itself tested. testdata/broken.txtar is a
// small module that breaks every rule, and a rule that no longer notices fails.
package house
