package charter

import "testing"

// Edge case 12: an assessment of a purpose, which rests on what the charter says of it,
// stands while that is the same, in other words that were signed off, too; and not after a
// material change of it, whatever else changes.
func TestEdgeCase12_WhatIsSaidOfAPurpose(t *testing.T) {
	v1 := example(t)
	same := func(what string, change func(c *Charter), want bool) {
		t.Helper()
		next := clone(t, v1)
		change(next)
		for _, p := range v1.Purposes {
			if got := Redescribed(v1, next, p.Name); got != want {
				t.Errorf("%s: %s is described anew: %v, want %v", what, p.Name, got, want)
			}
		}
	}
	same("nothing", func(*Charter) {}, false)
	same("the rules", func(c *Charter) { c.Rules[Chinese] += "。" }, false)
	same("the name", func(c *Charter) { c.Name.EN += "!" }, false)
	same("the storage", func(c *Charter) { c.Storage.Country = "SG" }, true)
	same("a safeguard more", func(c *Charter) {
		c.Safeguards = append(c.Safeguards, Safeguard{Name: "more", Label: Words{"更多", "more"}})
	}, false)
	same("no safeguard", func(c *Charter) { c.Safeguards = nil }, true)
	reworded := func(c *Charter) {
		for i := range c.Purposes {
			c.Purposes[i].Why.EN += " Indeed."
		}
	}
	same("other words", reworded, true)
	same("other words that were signed off", func(c *Charter) {
		reworded(c)
		s := &SignedOff{Previous: v1.Hash(), By: "officer", On: "2026-01-01"}
		for _, p := range c.Purposes {
			s.Paths = append(s.Paths, "purposes/"+p.Name+"/why")
		}
		c.SignedOff = s
	}, false)
	same("other purposes", func(c *Charter) { c.Purposes = nil }, true)
	if v1.Described("nothing") != "" {
		t.Error("what there isn't is described")
	}
}
