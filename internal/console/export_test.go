package console

import "time"

// Refuses sets how long a try takes to be refused.
func (s *Server) Refuses(after time.Duration) { s.patience = after }

// ArticlesOf returns the articles that a kind of entries is evidence for.
func ArticlesOf(kind string) []int { return articlesOf(kind) }
