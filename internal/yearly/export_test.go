package yearly

// Owes is owes, for tests.
var Owes = owes
