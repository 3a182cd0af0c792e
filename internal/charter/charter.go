// Package charter reads the one file in which an operator declares what a
// service does with children's information, and computes from it what the
// guardian reads (Article 10), what the edge lets in (Article 11), how long a
// value lives (Article 12), and what a new version changes.
//
// Its one invariant: a *Charter that Load or Parse returned is whole. Every
// word is there in every language, every reference leads somewhere, and
// nothing is in it that the Provisions forbid outright. The package is pure: it
// knows no database, no clock and no network.
package charter

import (
	"net/url"
	"strings"
)

// A Charter is what one service declares. It is read-only once loaded.
//
// The tags carry the file format: json names the key, and a key without
// omitempty or omitzero must be there; doc explains it in Chinese and English;
// form names the shape of a text. The reader, the JSON Schema and the canonical
// encoding all come from these tags, so they can't drift apart.
type Charter struct {
	Service    string      `json:"service" form:"slug" doc:"服务的短名，一经发布不再更改|short name of the service; never changes once published"`
	Name       Words       `json:"name" doc:"服务的名称|name of the service"`
	Operator   Operator    `json:"operator" doc:"网络运营者|who runs the service"`
	AppType    int         `json:"app_type,omitempty" doc:"39 类常见应用中的编号；不在其中时不写，并填写 necessity|number among the 39 common app types; leave it out when there is none, and fill in necessity"`
	Necessity  Words       `json:"necessity,omitzero" doc:"不在 39 类之中时，为什么必要信息是必要的|without an app type: why the necessary items are necessary"`
	Storage    Storage     `json:"storage" doc:"存储地点|where the information is kept"`
	Safeguards []Safeguard `json:"safeguards" doc:"安全保障措施|how the information is protected"`
	Channels   Channels    `json:"channels" doc:"投诉、举报、更正、删除的途径|how to complain, report, correct and delete"`
	Other      Words       `json:"other" doc:"其他应当告知的事项；没有就写“无”和“none”|anything else a guardian should know; write 无 and none when there is nothing"`
	Items      []Item      `json:"items" doc:"处理的信息|the information that is processed"`
	Purposes   []Purpose   `json:"purposes" doc:"处理的目的|what it is processed for"`
	Inactive   Period      `json:"inactive,omitzero" doc:"账号连续多久没有使用就删除，3m 到 3y；之前至少 30 天告知监护人（第十二条）|how long an account may lie unused before it is erased, 3m to 3y; its guardians are told at least 30 days before (Article 12)"`
	Processors []Processor `json:"processors,omitempty" doc:"受托方|who works on behalf of the operator"`
	Recipients []Recipient `json:"recipients,omitempty" doc:"接收信息的第三方|third parties with purposes of their own"`
	// ReturnOrigins are in the charter, and not with a key of an app: an officer
	// signs where guardians may be led, everybody can read it, and a stolen key
	// leads nobody elsewhere.
	ReturnOrigins []Origin        `json:"return_origins,omitempty" doc:"监护人答复之后可以回到哪些网站|the sites to which a guardian may go back after answering"`
	SignedOff     *SignedOff      `json:"wording_signed_off,omitempty" doc:"负责人确认仅为文字修改之处|where the officer confirmed that only the wording changed"`
	Rules         map[Lang]string `json:"rules" yaml:"-"`     // Markdown, from rules.<lang>.md
	Agreement     map[Lang]string `json:"agreement" yaml:"-"` // Markdown, from agreement.<lang>.md
}

// An Operator is who runs the service and answers for it.
type Operator struct {
	Name         Words   `json:"name" doc:"运营者的登记名称|registered name of the operator"`
	Registration string  `json:"registration,omitempty" doc:"统一社会信用代码|unified social credit code"`
	Address      Words   `json:"address" doc:"运营者的地址|address of the operator"`
	Contact      []Route `json:"contact" doc:"怎样联系运营者|how to reach the operator"`
}

// An Origin is a web site: "https://app.example.com", with a port if it isn't
// 443, and without a path.
type Origin string

// Returns reports whether a guardian may go back to this address: https, at one
// of the charter's origins, with no user name and no fragment of another site's
// making. An address that means different things to different readers isn't one.
func (c *Charter) Returns(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Opaque != "" || strings.ContainsAny(address, "\\ \t\r\n") {
		return false
	}
	return contains(c.ReturnOrigins, Origin("https://"+u.Host))
}

// A Storage is where values are kept.
type Storage struct {
	Place   Words  `json:"place" doc:"存储的具体地点|the place in words"`
	Country string `json:"country" form:"country" doc:"国家或地区的两位代码，例如 CN|two-letter code of the country or region, such as CN"`
}

// A Safeguard is one measure that protects the information.
type Safeguard struct {
	Name  string `json:"name" form:"slug" doc:"短名|short name"`
	Label Words  `json:"label" doc:"这项措施|the measure in words"`
}

// Channels are the ways open to a guardian. Each has at least one route.
type Channels struct {
	Complaint  []Route `json:"complaint" doc:"向运营者投诉、举报的途径|how to complain to the operator"`
	Authority  []Route `json:"authority" doc:"向主管部门举报的途径（第二十四条）|how to report to the authority (Article 24)"`
	Correction []Route `json:"correction" doc:"更正的途径（第十九条）|how to have something corrected (Article 19)"`
	Deletion   []Route `json:"deletion" doc:"删除的途径（第二十条）|how to have something deleted (Article 20)"`
}

// A Route is one way to reach someone.
type Route struct {
	Name string `json:"name" form:"slug" doc:"短名|short name"`
	How  Words  `json:"how" doc:"怎样走这条途径|how to go this way"`
	To   string `json:"to,omitempty" doc:"电话、邮箱或网址|a phone number, mail address or web address"`
}

// A Kind is what the values of an item look like. See Item.Check.
type Kind string

// The kinds. A value is always a string; media are standard base64.
const (
	Text           Kind = "text"
	Date           Kind = "date"            // 2016-03-05
	Phone          Kind = "phone"           // mainland mobile, 11 digits
	Email          Kind = "email"           // one plain address
	IdentityNumber Kind = "identity_number" // GB 11643, 18 characters
	Number         Kind = "number"          // decimal
	OneOf          Kind = "choice"          // the value of one Choice
	Location       Kind = "location"        // latitude,longitude in degrees
	Image          Kind = "image"           // base64 of PNG, JPEG or WebP
	Audio          Kind = "audio"           // base64 of any sound format
	Video          Kind = "video"           // base64 of any film format
)

// A Sensitivity grades an item. Everything about a child under 14 is sensitive
// (PIPL 28); some of it is more so.
type Sensitivity string

// The two grades.
const (
	Sensitive       Sensitivity = "sensitive"
	HighlySensitive Sensitivity = "highly_sensitive"
)

// A Screened says what a value is looked for as in what is about to be published
// (Article 4).
type Screened string

// What values may be looked for as.
const (
	AsPhone    Screened = "phone"
	AsIdentity Screened = "identity-number"
	AsPassport Screened = "passport"
	AsCard     Screened = "bank-card"
	AsEmail    Screened = "email"
	AsWeChat   Screened = "wechat"
	AsQQ       Screened = "qq"
	AsAddress  Screened = "address"
	AsName     Screened = "name"
	AsNickname Screened = "nickname"
	AsSchool   Screened = "school"
	AsOther    Screened = "other"
)

// An Item is one piece of information about a child, or a guardian's contact.
type Item struct {
	Name        string      `json:"name" form:"slug" doc:"短名|short name"`
	Label       Words       `json:"label" doc:"家长看到的名称|what a parent calls it"`
	Kind        Kind        `json:"kind" doc:"值的种类|what its values look like"`
	MaxLength   int         `json:"max_length,omitempty" doc:"文字最多多少个字|text: the most characters"`
	Lines       bool        `json:"lines,omitempty" doc:"文字可以换行|text: may have several lines"`
	Min         *float64    `json:"min,omitempty" doc:"数字的最小值|number: the least"`
	Max         *float64    `json:"max,omitempty" doc:"数字的最大值|number: the most"`
	Choices     []Choice    `json:"choices,omitempty" doc:"可以选的值|choice: what can be chosen"`
	MaxBytes    int         `json:"max_bytes,omitempty" doc:"图片、音频、视频最多多少字节|image, audio, video: the most bytes"`
	Necessity   Words       `json:"necessity" doc:"为什么需要它|why it is needed"`
	Effect      Words       `json:"effect" doc:"对孩子权益的影响|what it means for the child"`
	Sensitivity Sensitivity `json:"sensitivity" doc:"敏感程度|how sensitive it is"`
	NecessaryAs string      `json:"necessary_as,omitempty" doc:"对应 39 类必要信息表中的哪一项|which entry of the app type's table of necessary information it is"`
	ScreenedAs  Screened    `json:"screened_as,omitempty" doc:"内容发布之前，当作什么来比对，防止泄露；不写就不比对（第四条）|what its values are looked for as in what is about to be published, so that they don't leak; left out, they aren't looked for (Article 4)"`
}

// A Choice is one value of an item that has few.
type Choice struct {
	Value string `json:"value" doc:"存储的值|the value that is kept"`
	Label Words  `json:"label" doc:"家长看到的文字|what a parent reads"`
}

// An Activity is what is done with an item: one of the five verbs of Article 3,
// or entrusting, which has rules of its own (Article 16).
type Activity string

// The five verbs, and the sixth.
const (
	Collect  Activity = "collect"
	Store    Activity = "store"
	Use      Activity = "use"
	Transfer Activity = "transfer"
	Disclose Activity = "disclose"
	Entrust  Activity = "entrust"
)

// Activities are all activities, in the order of the law.
var Activities = []Activity{Collect, Store, Use, Transfer, Disclose, Entrust}

// A Region is a country or region by its two-letter code.
type Region string

// A Purpose is what items are processed for. A guardian answers per purpose.
type Purpose struct {
	Name            string       `json:"name" form:"slug" doc:"短名|short name"`
	Label           Words        `json:"label" doc:"家长看到的名称|what a parent calls it"`
	Why             Words        `json:"why" doc:"为什么做|why it is done"`
	Manner          Words        `json:"manner" doc:"怎样做（第十条第一项：方式）|how it is done (Article 10(1): manner)"`
	Necessary       bool         `json:"necessary,omitempty" doc:"是不是基本功能所必需|whether the basic function needs it"`
	Activities      []Activity   `json:"activities" doc:"做哪些事|what is done"`
	Items           []string     `json:"items" doc:"用到哪些信息|which items"`
	Retention       Retention    `json:"retention" doc:"保存多久（第十二条）|how long it is kept (Article 12)"`
	AtExpiry        Words        `json:"at_expiry" doc:"到期怎样处理|what happens when the time is over"`
	IfRefused       Words        `json:"if_refused" doc:"不同意会怎样|what happens if you refuse"`
	Processors      []string     `json:"processors,omitempty" doc:"委托给谁|who works on it"`
	Recipients      []string     `json:"recipients,omitempty" doc:"转移给谁|who receives it"`
	Audiences       []Audience   `json:"audiences,omitempty" doc:"披露给谁看|who gets to see it"`
	AccessFrom      []Region     `json:"access_from,omitempty" doc:"从境外哪些国家或地区查看、取用，写两位代码；只在境内就不写|countries or regions abroad from which it is read, as two-letter codes; leave it out when it is read at home alone"`
	SeparateConsent bool         `json:"separate_consent,omitempty" doc:"单独征求同意；凡涉及境外必须为 true|asked on its own; must be true for anything abroad"`
	CrossBorder     *CrossBorder `json:"cross_border,omitempty" doc:"出境所依据的机制|the mechanism for going abroad"`
}

// An Audience is who gets to see items that are disclosed (Article 18).
type Audience struct {
	Name  string   `json:"name" form:"slug" doc:"短名|short name"`
	Label Words    `json:"label" doc:"谁能看到|who they are"`
	Items []string `json:"items" doc:"看到哪些信息|which items they see"`
}

// A Mechanism is a lawful way for information to leave the country.
type Mechanism string

// The three mechanisms of PIPL 38.
const (
	SecurityAssessment Mechanism = "security_assessment"
	StandardContract   Mechanism = "standard_contract"
	Certification      Mechanism = "certification"
)

// A CrossBorder names the mechanism on file for a purpose that goes abroad.
type CrossBorder struct {
	Mechanism Mechanism `json:"mechanism" doc:"机制|the mechanism"`
	Reference string    `json:"reference" doc:"文号或备案号|number of the decision or filing"`
}

// A Processor works with items on behalf of the operator (Article 16).
type Processor struct {
	Name          string   `json:"name" form:"slug" doc:"短名|short name"`
	Label         Words    `json:"label" doc:"受托方的名称|its name"`
	Contact       string   `json:"contact" doc:"联系方式|how to reach it"`
	Country       string   `json:"country" form:"country" doc:"国家或地区的两位代码|two-letter code of its country or region"`
	Task          Words    `json:"task" doc:"受托做什么|what it does for the operator"`
	Items         []string `json:"items" doc:"交给它哪些信息|which items it gets"`
	SubProcessors []string `json:"sub_processors,omitempty" doc:"必须为空：不得转委托（第十六条第五项）|must be empty: no onward entrusting (Article 16(5))"`
}

// A Recipient receives items for purposes of its own (Article 17).
type Recipient struct {
	Name    string   `json:"name" form:"slug" doc:"短名|short name"`
	Label   Words    `json:"label" doc:"接收方的名称|its name"`
	Contact string   `json:"contact" doc:"联系方式|how to reach it"`
	Country string   `json:"country" form:"country" doc:"国家或地区的两位代码|two-letter code of its country or region"`
	Why     Words    `json:"why" doc:"它用来做什么|what it wants them for"`
	Items   []string `json:"items" doc:"给它哪些信息|which items it gets"`
}

// A SignedOff is the officer's word that, against one earlier version, the
// texts at some paths say the same in other words (edge case 12). It counts
// only against the version it names and only where Diff lets wording be signed
// off: see Diff.
type SignedOff struct {
	Previous string   `json:"previous" form:"hash" doc:"上一版本的哈希值|hash of the version before"`
	By       string   `json:"by" doc:"确认的负责人职务|title of the officer who confirmed it"`
	On       string   `json:"on" form:"date" doc:"确认的日期|the day it was confirmed"`
	Paths    []string `json:"paths" doc:"哪些地方，照抄 plan 的输出|which places, as plan prints them"`
}

// Item returns the item of that name.
func (c *Charter) Item(name string) (Item, bool) {
	return find(c.Items, name, func(it Item) string { return it.Name })
}

// Purpose returns the purpose of that name.
func (c *Charter) Purpose(name string) (Purpose, bool) {
	return find(c.Purposes, name, func(p Purpose) string { return p.Name })
}

// Processor returns the processor of that name.
func (c *Charter) Processor(name string) (Processor, bool) {
	return find(c.Processors, name, func(p Processor) string { return p.Name })
}

// Recipient returns the recipient of that name.
func (c *Charter) Recipient(name string) (Recipient, bool) {
	return find(c.Recipients, name, func(r Recipient) string { return r.Name })
}

// Has reports whether the purpose processes the item.
func (p Purpose) Has(item string) bool { return contains(p.Items, item) }

// ReadFrom reports whether the purpose is read in that country or region abroad.
func (p Purpose) ReadFrom(country string) bool { return contains(p.AccessFrom, Region(country)) }

// Does reports whether the purpose includes the activity. A verb that is not
// listed is never implied by another.
func (p Purpose) Does(a Activity) bool { return contains(p.Activities, a) }

// Audience returns the audience of that name.
func (p Purpose) Audience(name string) (Audience, bool) {
	return find(p.Audiences, name, func(a Audience) string { return a.Name })
}

// Entrusted returns the items that a processor gets for a purpose: those that
// both name, in the purpose's order. It is empty unless the purpose names the
// processor.
func (c *Charter) Entrusted(purpose, processor string) []string {
	p, ok := c.Purpose(purpose)
	q, ok2 := c.Processor(processor)
	if !ok || !ok2 || !contains(p.Processors, processor) {
		return nil
	}
	return both(p.Items, q.Items)
}

// Transferred returns the items that a recipient gets for a purpose, like
// Entrusted.
func (c *Charter) Transferred(purpose, recipient string) []string {
	p, ok := c.Purpose(purpose)
	r, ok2 := c.Recipient(recipient)
	if !ok || !ok2 || !contains(p.Recipients, recipient) {
		return nil
	}
	return both(p.Items, r.Items)
}

// Home is the country in which nothing needs a cross-border mechanism. Hong
// Kong, Macao and Taiwan have codes of their own and count as abroad.
const Home = "CN"

// Abroad reports whether anything of the purpose is outside Home: the storage
// of the service, a processor, a recipient, or somebody who reads it (edge case 20).
func (c *Charter) Abroad(p Purpose) bool {
	return c.Storage.Country != Home || len(c.partiesAbroad(p)) > 0 || len(p.AccessFrom) > 0
}

// ReadAbroad returns the countries and regions abroad from which anything is read,
// each once.
func (c *Charter) ReadAbroad() (all []Region) {
	for _, p := range c.Purposes {
		for _, country := range p.AccessFrom {
			if !contains(all, country) {
				all = append(all, country)
			}
		}
	}
	return all
}

// Leaves reports whether doing that for a purpose hands something to somebody
// outside the operator, or outside Home: a transfer, a disclosure, entrusting a
// processor abroad, and whatever is done where the storage is abroad.
func (c *Charter) Leaves(does Activity, party string) bool {
	switch does {
	case Transfer, Disclose:
		return true
	case Entrust:
		q, ok := c.Processor(party)
		return ok && q.Country != Home || c.Storage.Country != Home
	}
	return c.Storage.Country != Home
}

func (c *Charter) partiesAbroad(p Purpose) (names []string) {
	for _, n := range p.Processors {
		if q, ok := c.Processor(n); ok && q.Country != Home {
			names = append(names, n)
		}
	}
	for _, n := range p.Recipients {
		if r, ok := c.Recipient(n); ok && r.Country != Home {
			names = append(names, n)
		}
	}
	return names
}

// readAbroad returns the countries abroad from which the purpose is read, each once: by the operator,
// by processors and by recipients.
func (c *Charter) readAbroad(p Purpose) (countries []string) {
	add := func(country string) {
		if country != Home && !contains(countries, country) {
			countries = append(countries, country)
		}
	}
	for _, region := range p.AccessFrom {
		add(string(region))
	}
	for _, name := range p.Processors {
		q, _ := c.Processor(name)
		add(q.Country)
	}
	for _, name := range p.Recipients {
		r, _ := c.Recipient(name)
		add(r.Country)
	}
	return countries
}

func find[T any, K comparable](list []T, name K, of func(T) K) (T, bool) {
	for _, v := range list {
		if of(v) == name {
			return v, true
		}
	}
	var none T
	return none, false
}

func contains[T comparable](list []T, v T) bool {
	for _, x := range list {
		if x == v {
			return true
		}
	}
	return false
}

func both(a, b []string) (common []string) {
	for _, s := range a {
		if contains(b, s) {
			common = append(common, s)
		}
	}
	return common
}
