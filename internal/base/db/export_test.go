package db

// ScrubWithin is ScrubTable with another patience.
var ScrubWithin = (*DB).scrubWithin
