package console

// NotYet are the actions that nothing in this release does.
var NotYet = notYet
