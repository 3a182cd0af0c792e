package publication

import "time"

// Gathered has fn called when the values of a set were read, and before it is used.
func (s *Sets) Gathered(fn func()) { s.gathered = fn }

// Age has all sets be so old that they are to be made anew.
func (s *Sets) Age() {
	for _, one := range s.made() {
		one.built = time.Now().Add(-2 * renewAfter)
	}
}

// Busy has somebody work on all sets, for longer than what is in them is as the store is.
func (s *Sets) Busy() (done func()) {
	all := s.made()
	for _, one := range all {
		one.work.Lock()
		one.mu.Lock()
		one.followed = time.Now().Add(-2 * staleAfter)
		one.mu.Unlock()
	}
	return func() {
		for _, one := range all {
			one.work.Unlock()
		}
	}
}
