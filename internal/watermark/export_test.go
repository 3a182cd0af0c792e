package watermark

// Coded returns a mark as its dots say it.
func Coded(m Mark) (Mark, bool) {
	c, err := m.code()
	if err != nil {
		return Mark{}, false
	}
	return c.mark()
}
