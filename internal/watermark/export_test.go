package watermark

// Coded returns a mark as its dots say it.
func Coded(m Mark) (Mark, bool) {
	c, err := m.code()
	if err != nil {
		return Mark{}, false
	}
	return c.mark()
}

// Reduced reads a page as it is drawn.
var Reduced = reduced

// Tagged reads how a picture says that it is to be turned.
var Tagged = tagged
