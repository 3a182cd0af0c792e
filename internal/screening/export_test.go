package screening

// Rows is how many hashes a set has, of values and of heads.
func (k *Known) Rows() int { return len(k.hash) }
