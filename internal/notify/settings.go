package notify

import "strings"

// A WrongSetting is one setting of a Sender that can't be right.
type WrongSetting struct {
	Field string // "password_file"
	Cause error
}

// WrongSettings are all of them.
type WrongSettings []WrongSetting

func (w *WrongSettings) add(field string, err error) {
	if err != nil {
		*w = append(*w, WrongSetting{field, err})
	}
}

// Error returns what is wrong, without what stands in a file.
func (w WrongSettings) Error() string {
	lines := make([]string, len(w))
	for i, s := range w {
		lines[i] = s.Field + ": " + s.Cause.Error()
	}
	return strings.Join(lines, "; ")
}
