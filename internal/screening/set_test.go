package screening_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"wardkeep/internal/base/pii"
	"wardkeep/internal/screening"
)

// What is taken out of a set is as if it had never been in it, and what is added as if it
// had always been: of a value that is gone no hash is left, nor that of its head.
func TestArticle20_ASetWithoutAChildIsAsIfItHadNeverBeen(t *testing.T) {
	r := rand.New(rand.NewPCG(20, 1))
	words := []string{"王子涵", "李小满", "小溪", "杭州市第一小学", "杭州市第二小学", "文一路88号翠苑小区3栋", "文一路88号翠苑小区", "13812345678", "13812345679", "lele@example.cn", "lele@example.com"}
	type value struct {
		child screening.Child
		kind  screening.Kind
		text  string
	}
	var all []value
	g := screening.Gather()
	add := func(g *screening.Gathering, c screening.Child) {
		for range 1 + r.IntN(4) {
			v := value{c, screening.Kind(1 + r.IntN(8)), words[r.IntN(len(words))] + []string{"", "", fmt.Sprint(1000 + r.IntN(20))}[r.IntN(3)]}
			if slices.ContainsFunc(all, func(w value) bool { return w.child == v.child && w.text == v.text }) {
				continue
			}
			all = append(all, v)
			if !g.Add(v.child, v.kind, pii.New(v.text)) {
				t.Fatalf("%s can't be looked for", v.text)
			}
		}
	}
	for c := range screening.Child(200) {
		add(g, c)
	}
	k := g.Known()
	for round := range 20 {
		gone := make(map[screening.Child]bool)
		for range 1 + r.IntN(40) {
			gone[screening.Child(r.IntN(200))] = true
		}
		all = slices.DeleteFunc(all, func(v value) bool { return gone[v.child] })
		g := k.Gather()
		for c := range gone {
			if r.IntN(2) == 0 {
				add(g, c)
			}
		}
		old := k
		k = k.With(g, func(c screening.Child) bool { return gone[c] })
		old.Wipe()
		fresh := screening.Gather()
		for _, v := range all {
			fresh.Add(v.child, v.kind, pii.New(v.text))
		}
		if want := fresh.Known(); k.Rows() != want.Rows() || k.Len() != len(all) {
			t.Fatalf("round %d: %d rows of %d values, want %d of %d", round, k.Rows(), k.Len(), want.Rows(), len(all))
		}
		for _, v := range all {
			if text := "，" + v.text + "，"; !slices.ContainsFunc(read(text, k), func(f screening.Finding) bool { return slices.Contains(f.Children, v.child) }) {
				t.Fatalf("round %d: %s isn't found", round, v.text)
			}
		}
		for _, w := range words {
			for _, f := range read("，"+w+"，", k) {
				for _, c := range f.Children {
					if !slices.ContainsFunc(all, func(v value) bool { return v.child == c }) {
						t.Fatalf("round %d: %s is found of a child that is gone", round, w)
					}
				}
			}
		}
	}
	if k.Wipe(); k.Len() != 0 || k.Rows() != 0 {
		t.Error("something is left")
	}
}

// What is lent is wiped by whoever lends it, and the set has what it was.
func TestInvariant9_WhatIsLentIsNotKept(t *testing.T) {
	g := screening.Gather()
	value := []byte("13812345678")
	if !g.Lend(1, screening.Phone, value) || g.Lend(1, screening.Phone, nil) {
		t.Error("what can be looked for, and what can't")
	}
	clear(value)
	found := read("打13812345678", g.Known())
	if len(found) != 1 || !slices.Equal(found[0].Children, []screening.Child{1}) {
		t.Errorf("%v", found)
	}
}

// Findings that were detached hold nothing of a set, and say of those who are gone nothing.
func TestArticle20_FindingsOutliveTheirSet(t *testing.T) {
	const text = "王子涵的电话13812345678，家住杭州市"
	k := known("name 王子涵", "phone 13812345678")
	found := read(text, k)
	screening.Detach(found)
	k.Wipe()
	if got := screening.Whose(found); !slices.Equal(got, []screening.Child{1}) {
		t.Errorf("%v of %v", got, words(text, found))
	}
	left := found
	screening.Forget(func(c screening.Child) bool { return c == 1 }, &left)
	if len(screening.Whose(left)) != 0 || slices.ContainsFunc(left, func(f screening.Finding) bool { return f.Kind == screening.Name }) || !slices.ContainsFunc(left, func(f screening.Finding) bool { return f.Kind == screening.Phone }) {
		t.Errorf("%q", words(text, left))
	}
}

// A school that thousands share, written thousands of times, takes no memory for each of
// them, and no time.
func TestArticle4_WhatManyShareIsCountedOnce(t *testing.T) {
	g := screening.Gather()
	const many = 20_000
	for c := range screening.Child(many) {
		g.Add(c, screening.School, pii.New("杭州市第一小学"))
	}
	k := g.Known()
	text := strings.Repeat("杭州市第一小学，", 20_000)
	found := read(text, k)
	if len(found) != 20_000 {
		t.Fatalf("%d findings", len(found))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	screening.Detach(found)
	k.Wipe()
	if got := screening.Whose(found); len(got) != many {
		t.Errorf("%d children", len(got))
	}
	screening.Forget(func(c screening.Child) bool { return c != 7 && c != 8 }, &found)
	runtime.ReadMemStats(&after)
	if n := (after.TotalAlloc - before.TotalAlloc) >> 20; n > 50 {
		t.Errorf("%d MB", n)
	}
	for _, f := range found {
		if !slices.Equal(f.Children, []screening.Child{7, 8}) {
			t.Fatalf("%v", f.Children)
		}
	}
}

// A child that calls itself as another is called takes nothing from the other's protection.
func TestArticle4_ANicknameHidesNoName(t *testing.T) {
	const text = "今天王子涵没来"
	found := read(text, known("nickname 王子涵", "phone 13812345678", "name 王子涵"))
	for name, p := range map[string]screening.Policy{"strict": nil, "of nicknames": screening.Publishing(screening.Nickname)} {
		if got := p.Decide(screening.Author{}, found); got != screening.Hold {
			t.Errorf("%s: %s of %v", name, got, words(text, found))
		}
	}
}
