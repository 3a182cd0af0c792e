package retention

// SweepValues is the sweep of values alone, which needs no keys.
var SweepValues = sweepValues
