package charter

import (
	"sort"
	"strings"
)

// Lines compares two texts: the lines that went and those that came, white space aside. One
// that stands elsewhere went and came: what it says may depend on what it follows.
func Lines(was, is string) (gone, come []string) {
	old, now := linesOf(was), linesOf(is)
	at := make(map[string][]int)
	for i, line := range now {
		at[line] = append(at[line], i)
	}
	places := make([]int, len(old)) // of each line in the other text, or -1
	for i, line := range old {
		places[i] = -1
		if all := at[line]; len(all) > 0 {
			places[i], at[line] = all[0], all[1:]
		}
	}
	stays := rising(places)
	for i, line := range old {
		if places[i] < 0 || !stays[places[i]] {
			gone = append(gone, line)
		}
	}
	for i, line := range now {
		if !stays[i] {
			come = append(come, line)
		}
	}
	return gone, come
}

// linesOf are the lines of a text that say something.
func linesOf(text string) (all []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// rising returns the longest sequence among the places, of which none is there twice, that
// rises; what is below 0 is no place.
func rising(places []int) map[int]bool {
	var ends []int // of the sequences of each length, where the one that ends lowest does
	before := make([]int, len(places))
	for i, place := range places {
		if place < 0 {
			continue
		}
		n := sort.Search(len(ends), func(k int) bool { return places[ends[k]] > place })
		before[i] = -1
		if n > 0 {
			before[i] = ends[n-1]
		}
		if n == len(ends) {
			ends = append(ends, i)
		} else {
			ends[n] = i
		}
	}
	stays := make(map[int]bool)
	if len(ends) > 0 {
		for i := ends[len(ends)-1]; i >= 0; i = before[i] {
			stays[places[i]] = true
		}
	}
	return stays
}
