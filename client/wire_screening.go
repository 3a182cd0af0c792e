package wardkeep

// NewScreening is content that is about to be published, a text, a picture or both.
type NewScreening struct {
	Text  string `json:"text,omitempty" maxLength:"1000000" doc:"what is written; it is kept nowhere"`
	Image string `json:"image,omitempty" maxLength:"11000000" doc:"a JPEG, PNG, WebP, HEIC or AVIF in base64, 8 MB at most: what it carries beside what it shows is looked at"`
	Child string `json:"child,omitempty" maxLength:"204" doc:"whose content it is, if it is a child's: an id, or ref: and what you call it"`
	// Audience is who will see it, as a purpose of the charter names them: what of the
	// child's own may be disclosed to them isn't held.
	Audience string `json:"audience,omitempty" maxLength:"100" doc:"who will see it, as the charter names them: what of the child's own a permit lets them see isn't held (Article 18), and is recorded as disclosed to them"`
}

// Screening is the answer about a content. Publish it only if the verdict says so, and
// never if there is no answer.
type Screening struct {
	Verdict  string    `json:"verdict" enum:"publish,hold" doc:"hold: not before a person has looked, or its masks are in it"`
	Findings []Finding `json:"findings" nullable:"false" doc:"what was found in the text, in its order"`
	Masked   string    `json:"masked,omitempty" doc:"the text with masks in place of what is held; left out where nothing of it is"`
	Hidden   []Hidden  `json:"hidden" nullable:"false" doc:"what the picture carries that should not leave with it; take all hidden lines out of a picture"`
}

// Finding is a place in the text. What stands there is not repeated.
type Finding struct {
	Kind      string `json:"kind" enum:"phone,identity-number,passport,bank-card,email,wechat,qq,address,pupil,name,nickname,school,other"`
	Start     int    `json:"start" doc:"in bytes of the text as UTF-8"`
	End       int    `json:"end" doc:"the byte behind it"`
	StartChar int    `json:"start_char" doc:"in characters: code points of Unicode"`
	EndChar   int    `json:"end_char" doc:"the character behind it"`
	Mask      string `json:"mask" doc:"what may stand there instead"`
	Verdict   string `json:"verdict" enum:"publish,hold"`
}

// Hidden is a line that a picture carries beside what it shows.
type Hidden struct {
	Tag     string   `json:"tag" doc:"as EXIF, XMP or IPTC call it: GPSLatitude"`
	Kinds   []string `json:"kinds" nullable:"false" doc:"what it says: place, owner, or a kind of finding"`
	Verdict string   `json:"verdict" enum:"publish,hold"`
}
