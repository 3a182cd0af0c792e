package app

// RestoreBy is Restore, with a function that is called before each transaction.
var RestoreBy = (*App).restore
