package web

import "strings"

// A block is a paragraph, a heading or a list of a document. Rules and
// agreements are written in a small part of Markdown: # headings, - lists,
// numbered lists, paragraphs. Everything else is text as it stands.
type block struct {
	Heading int // 1 to 4, or 0
	Items   []string
	Ordered bool // the items are numbered
	Text    string
}

// blocks splits a document. What it returns is text; the template escapes it.
func blocks(markdown string) []block {
	var all []block
	var paragraph []string
	end := func() {
		if len(paragraph) > 0 {
			all = append(all, block{Text: plainWords(strings.Join(paragraph, " "))})
			paragraph = nil
		}
	}
	for line := range strings.Lines(markdown) {
		line = strings.TrimSpace(line)
		item, ordered, isItem := listItem(line)
		level := len(line) - len(strings.TrimLeft(line, "#"))
		switch {
		case line == "":
			end()
		case level > 0 && level < 5 && strings.HasPrefix(line[level:], " "):
			end()
			all = append(all, block{Heading: level, Text: plainWords(strings.TrimSpace(line[level:]))})
		case isItem:
			end()
			if n := len(all); n > 0 && len(all[n-1].Items) > 0 && all[n-1].Ordered == ordered {
				all[n-1].Items = append(all[n-1].Items, plainWords(item))
			} else {
				all = append(all, block{Items: []string{plainWords(item)}, Ordered: ordered})
			}
		default:
			paragraph = append(paragraph, line)
		}
	}
	end()
	return all
}

func listItem(line string) (item string, ordered, ok bool) {
	if rest, ok := strings.CutPrefix(line, "- "); ok {
		return rest, false, true
	}
	number, rest, ok := strings.Cut(line, ". ")
	if !ok || number == "" || len(number) > 2 || strings.Trim(number, "0123456789") != "" {
		return "", false, false
	}
	return rest, true, true
}

// plainWords drops the marks of emphasis.
func plainWords(s string) string { return strings.NewReplacer("**", "", "`", "").Replace(s) }
