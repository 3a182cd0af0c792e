package suspicion

// MaxOpen is how many of one app and source may be open.
const MaxOpen = maxOpen
