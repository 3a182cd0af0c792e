package board

import (
	"context"

	"wardkeep/internal/base/db"
)

// articles has how each of the 29 is computed, the first at 0.
var articles = [Articles]article{
	{rest: Outside},
	{rest: Holds, each: article2},
	{rest: Holds, each: article3, whole: crossed},
	{rest: Holds, each: article4},
	{rest: Holds, each: article5},
	{rest: Outside},
	{rest: Holds, each: article7},
	{rest: Holds, each: article8},
	{rest: Holds, each: article9},
	{rest: Holds, each: article10},
	{rest: Holds, each: article11},
	{rest: Holds, each: article12, whole: sweeps},
	{rest: Holds, whole: article13},
	{rest: Holds, each: article14},
	{rest: Holds, each: article15, whole: matched},
	{rest: Holds, each: article16},
	{rest: Holds, each: article17},
	{rest: Holds, each: article18},
	{rest: Holds, each: article19},
	{rest: Holds, each: article20},
	{rest: Holds, each: article21},
	{rest: Holds, each: article22, whole: recorded},
	{rest: Holds, each: article23},
	{rest: Holds, each: article24},
	{rest: Holds, each: article25},
	{rest: Holds, each: article26},
	{rest: Holds, each: article27},
	{rest: Holds, each: article28, whole: kept},
	{rest: Holds, each: article29},
}

// told is a number that only tells.
func told(name string, n int64) Figure { return Figure{Name: name, N: n} }

// bad is a number that must be 0.
func bad(name string, n int64) Figure { return Figure{Name: name, N: n, Else: Broken} }

// seen is a number that somebody has to look at while it isn't 0.
func seen(name string, n int64) Figure { return Figure{Name: name, N: n, Else: Attention} }

// count runs a query that counts, Many at most.
func count(ctx context.Context, tx *db.Tx, query string, args ...any) (int64, error) {
	return db.One(ctx, tx, db.Single[int64], query, args...)
}
