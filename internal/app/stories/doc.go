// Package stories tells, in its tests, what people live through with the product: in a
// browser, through the server's own edges, in both languages.
//
// Invariant: every page and every route of the pages is in a story.
package stories
