package charter

import (
	"reflect"
	"regexp"
	"strings"
)

// A field is a key of the file format, as the tags of a struct say.
type field struct {
	name     string
	optional bool
	form     string // "", or a key of forms
	doc      Words
	index    int
	prose    bool // comes from a file of its own, not from charter.yaml
}

// fields lists the keys of a struct in the order of the type.
func fields(t reflect.Type) []field {
	list := make([]field, 0, t.NumField())
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		name, options, _ := strings.Cut(tag.Get("json"), ",")
		zh, en, _ := strings.Cut(tag.Get("doc"), "|")
		list = append(list, field{
			name:     name,
			optional: strings.Contains(options, "omit"),
			form:     tag.Get("form"),
			doc:      Words{zh, en},
			index:    i,
			prose:    tag.Get("yaml") == "-",
		})
	}
	return list
}

// A form is the shape of a text, and how to say it.
type form struct {
	pattern *regexp.Regexp
	what    Words
}

var forms = map[string]form{
	"slug": {regexp.MustCompile(`^[a-z][a-z0-9]*([-_][a-z0-9]+)*$`), Words{
		"小写字母开头，只用小写字母、数字、- 和 _，例如 course-progress",
		"lower-case letters, digits, - and _, beginning with a letter, such as course-progress"}},
	"country": {regexp.MustCompile(`^[A-Z]{2}$`), Words{
		"两个大写字母的国家或地区代码，例如 CN",
		"the two capital letters of ISO 3166, such as CN"}},
	"hash": {regexp.MustCompile(`^[0-9a-f]{64}$`), Words{
		"64 个十六进制字符，照抄 plan 的输出",
		"64 hexadecimal characters, as plan prints them"}},
	"origin": {regexp.MustCompile(`^https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$`), Words{
		"https 网站，不带路径，例如 https://app.example.com", "a site with https and without a path, such as https://app.example.com"}},
	"date": {regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`), Words{
		"日期，例如 2026-03-05", "a date such as 2026-03-05"}},
}

// countries are the codes of ISO 3166-1.
const countries = `AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH
GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB
LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM
PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG
TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW`

// words are the values of each type that has few, with what a parent reads.
// They are the enumerations of the file format, of the notice and of the diff.
type word struct {
	value string
	words Words
}

var enums = map[reflect.Type][]word{
	reflect.TypeFor[Kind](): {
		{string(Text), Words{"文字", "text"}},
		{string(Date), Words{"日期", "date"}},
		{string(Phone), Words{"手机号", "mobile number"}},
		{string(Email), Words{"电子邮箱", "e-mail address"}},
		{string(IdentityNumber), Words{"身份证号", "identity number"}},
		{string(Number), Words{"数字", "number"}},
		{string(OneOf), Words{"选项", "choice"}},
		{string(Location), Words{"位置", "location"}},
		{string(Image), Words{"图片", "image"}},
		{string(Audio), Words{"录音", "sound recording"}},
		{string(Video), Words{"视频", "video"}},
	},
	reflect.TypeFor[Sensitivity](): {
		{string(Sensitive), Words{"敏感", "sensitive"}},
		{string(HighlySensitive), Words{"高度敏感", "highly sensitive"}},
	},
	reflect.TypeFor[Screened](): {
		{string(AsPhone), Words{"电话号码", "phone number"}},
		{string(AsIdentity), Words{"身份证号", "identity number"}},
		{string(AsPassport), Words{"护照号", "passport number"}},
		{string(AsCard), Words{"银行卡号", "bank card number"}},
		{string(AsEmail), Words{"电子邮箱", "e-mail address"}},
		{string(AsWeChat), Words{"微信号", "WeChat name"}},
		{string(AsQQ), Words{"QQ 号", "QQ number"}},
		{string(AsAddress), Words{"住址", "address"}},
		{string(AsName), Words{"姓名", "name"}},
		{string(AsNickname), Words{"昵称", "nickname"}},
		{string(AsSchool), Words{"学校", "school"}},
		{string(AsOther), Words{"其他", "something else"}},
	},
	reflect.TypeFor[Activity](): {
		{string(Collect), Words{"收集", "collect"}},
		{string(Store), Words{"存储", "store"}},
		{string(Use), Words{"使用", "use"}},
		{string(Transfer), Words{"转移", "transfer"}},
		{string(Disclose), Words{"披露", "disclose"}},
		{string(Entrust), Words{"委托处理", "entrust"}},
	},
	reflect.TypeFor[From](): {
		{string(FromCollection), Words{"收集之日", "the day it was collected"}},
		{string(FromLastUse), Words{"最后一次使用之日", "the day it was last used"}},
		{string(FromEvent), Words{"某事发生之日", "the day of an event"}},
	},
	reflect.TypeFor[Mechanism](): {
		{string(SecurityAssessment), Words{"数据出境安全评估", "security assessment of the export"}},
		{string(StandardContract), Words{"个人信息出境标准合同", "standard contract"}},
		{string(Certification), Words{"个人信息保护认证", "certification"}},
	},
}

// enumWord returns a value of an enumerated type in words; ok is false for a
// value the type doesn't have.
func enumWord(t reflect.Type, value string) (w Words, ok bool) {
	e, ok := find(enums[t], value, func(e word) string { return e.value })
	return e.words, ok
}

// In returns the activity in words: 收集, collect.
func (a Activity) In(lang Lang) string {
	w, _ := enumWord(reflect.TypeFor[Activity](), string(a))
	return w.In(lang)
}

// In returns the sensitivity in words.
func (s Sensitivity) In(lang Lang) string {
	w, _ := enumWord(reflect.TypeFor[Sensitivity](), string(s))
	return w.In(lang)
}

// In returns the mechanism in words.
func (m Mechanism) In(lang Lang) string {
	w, _ := enumWord(reflect.TypeFor[Mechanism](), string(m))
	return w.In(lang)
}

// In returns the kind in words.
func (k Kind) In(lang Lang) string {
	w, _ := enumWord(reflect.TypeFor[Kind](), string(k))
	return w.In(lang)
}

func enumList(t reflect.Type) string {
	values := make([]string, len(enums[t]))
	for i, e := range enums[t] {
		values[i] = e.value
	}
	return strings.Join(values, ", ")
}
