package desk

import "time"

// Refuses sets how long a try takes to be refused.
func (s *Server) Refuses(after time.Duration) { s.site.Patience = after }
