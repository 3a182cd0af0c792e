package charter

import (
	"fmt"
	"strings"
)

// A kind of change.
type kind string

const (
	added     kind = "added"
	removed   kind = "removed"
	altered   kind = "altered"
	longer    kind = "longer"
	shorter   kind = "shorter"
	reordered kind = "reordered"
)

// A ruling says whether a kind of change at a place is material, and why. The
// place has * for a name, and stands for everything below it.
type ruling struct {
	place    string
	kinds    []kind // none: every kind
	material bool
	why      Words
}

// rulings is edge case 12. The first that fits decides; what none fits is
// material. What is not material is listed narrowly: shorter retention, added
// safeguards, added routes, order, and words that the officer signed off.
var rulings = []ruling{
	{"purposes/*/retention/period", []kind{shorter}, false, Words{"保存期限缩短", "it is kept for a shorter time"}},
	{"purposes/*/retention/at_most", []kind{shorter}, false, Words{"最长保存期限缩短", "it is kept for a shorter time at most"}},
	{"inactive", []kind{shorter}, false, Words{"不使用的账号更早删除", "an account that nobody uses is erased sooner"}},
	{"safeguards/*", []kind{added}, false, Words{"增加了保护措施", "a safeguard is added"}},
	{"channels/complaint/*", []kind{added}, false, Words{"增加了投诉途径", "a way to complain is added"}},
	{"channels/authority/*", []kind{added}, false, Words{"增加了举报途径", "a way to report is added"}},
	{"channels/correction/*", []kind{added}, false, Words{"增加了更正途径", "a way to correct is added"}},
	{"channels/deletion/*", []kind{added}, false, Words{"增加了删除途径", "a way to delete is added"}},
	{"operator/contact/*", []kind{added}, false, Words{"增加了联系方式", "a way to reach the operator is added"}},
	{"return_origins", nil, false, Words{"只影响答复之后回到哪里，不收集任何信息", "it only says where a guardian goes after answering; nothing is collected by it"}},
	{"wording_signed_off", nil, false, Words{"这是负责人的确认，不是告知的内容", "it is the officer's note, and nothing that a guardian is told"}},
	{"", []kind{reordered}, false, Words{"只是顺序不同", "only the order differs"}},

	{"purposes/*/retention/period", []kind{longer}, true, Words{"保存期限延长", "it is kept longer"}},
	{"purposes/*/retention/at_most", []kind{longer}, true, Words{"最长保存期限延长或取消", "it may be kept longer"}},
	{"inactive", []kind{longer}, true, Words{"不使用的账号更晚删除，或不再删除", "an account that nobody uses is kept longer"}},
	{"purposes/*/at_expiry", nil, true, Words{"到期处理方式改变", "what happens at the end changes"}},
	{"purposes/*/if_refused", nil, true, Words{"拒绝的后果改变", "the consequences of refusing change"}},
	{"purposes/*/activities", nil, true, Words{"处理活动改变", "what is done changes"}},
	{"purposes/*/items", nil, true, Words{"信息范围改变", "the items change"}},
	{"purposes/*/processors", nil, true, Words{"受托方改变", "the processors change"}},
	{"purposes/*/recipients", nil, true, Words{"接收方改变", "the recipients change"}},
	{"purposes/*/audiences", nil, true, Words{"披露的对象改变", "who gets to see it changes"}},
	{"purposes/*/access_from", nil, true, Words{"从哪些境外国家或地区访问改变", "the countries from which it is read change"}},
	{"purposes/*/separate_consent", nil, true, Words{"单独同意的要求改变", "whether it needs a consent of its own changes"}},
	{"purposes/*/cross_border", nil, true, Words{"出境的依据改变", "the ground for going abroad changes"}},
	{"purposes", nil, true, Words{"处理目的改变", "a purpose changes"}},
	{"items", nil, true, Words{"收集的信息改变", "an item changes"}},
	{"processors", nil, true, Words{"受托方改变", "a processor changes"}},
	{"recipients", nil, true, Words{"接收方改变", "a recipient changes"}},
	{"storage", nil, true, Words{"存储地点改变", "the storage place changes"}},
	{"safeguards/*", []kind{removed}, true, Words{"减少了保护措施", "a safeguard is gone"}},
	{"safeguards", nil, true, Words{"保护措施的说法改变，可能变弱", "a safeguard is worded differently and may be weaker"}},
	{"channels", []kind{removed}, true, Words{"减少了途径", "a way is gone"}},
	{"channels", nil, true, Words{"途径改变", "a way changes"}},
	{"operator/contact", []kind{removed}, true, Words{"减少了联系方式", "a way to reach the operator is gone"}},
	{"operator", nil, true, Words{"运营者的身份或联系方式改变", "the operator's identity or contact changes"}},
	{"name", nil, true, Words{"服务的名称改变", "the name of the service changes"}},
	{"service", nil, true, Words{"换成了另一个服务", "it is another service"}},
	{"other", nil, true, Words{"其他应当告知的事项改变", "what else a guardian should know changes"}},
	{"rules", nil, true, Words{"儿童个人信息保护规则改变", "the rules change"}},
	{"agreement", nil, true, Words{"用户协议改变", "the agreement changes"}},
	{"app_type", nil, true, Words{"必要信息的范围改变", "what counts as necessary changes"}},
	{"necessity", nil, true, Words{"必要性说明改变", "the reason for what is necessary changes"}},
}

var (
	whyUnclassified = Words{"没有归类的变化一律视为实质变化", "a change that no rule names counts as material"}
	whyFirst        = Words{"第一个版本，全部都是新的", "the first version: everything is new"}
	whySignedOff    = Words{"负责人已确认仅为文字修改", "the officer signed it off as wording only"}
	nothing         = Words{"（无）", "(nothing)"}
)

// wording are the texts that an officer may sign off as saying the same in
// other words. A text that is itself the substance is not among them.
var wording = map[string]bool{
	"name": true, "necessity": true, "other": true,
	"safeguards/*/label":     true,
	"operator/contact/*/how": true, "channels/complaint/*/how": true, "channels/authority/*/how": true,
	"channels/correction/*/how": true, "channels/deletion/*/how": true,
	"items/*/label": true, "items/*/necessity": true, "items/*/effect": true, "items/*/choices/*/label": true,
	"purposes/*/label": true, "purposes/*/why": true, "purposes/*/manner": true, "purposes/*/retention/event_label": true,
	"purposes/*/audiences/*/label": true, "processors/*/task": true, "recipients/*/why": true,
	"rules/zh-CN": true, "rules/en": true, "agreement/zh-CN": true, "agreement/en": true,
}

func judge(rule string, k kind) (material bool, why Words) {
	for _, r := range rulings {
		at := r.place == "" || rule == r.place || strings.HasPrefix(rule, r.place+"/")
		if strings.HasSuffix(r.place, "/*") {
			at = rule == r.place // a new thing, not a new part of an old one
		}
		if at && (len(r.kinds) == 0 || contains(r.kinds, k)) {
			return r.material, r.why
		}
	}
	return true, whyUnclassified
}

// subject says what a change is about, in the middle of a sentence per language:
// the label of the thing, then the key in words.
func (d *differ) subject(path, rule, zh, en string) Words {
	w := placeWords(rule)
	parts := strings.Split(path, "/")
	rules := strings.Split(rule, "/")
	for i := min(len(parts), len(rules)) - 1; i >= 1; i-- {
		if rules[i] != "*" {
			continue
		}
		l := d.label(strings.Join(rules[:i], "/"), parts[i])
		if i == len(parts)-1 { // the thing itself
			w = Words{w.ZH + "“" + l.ZH + "”", w.EN + ` "` + l.EN + `"`}
			continue
		}
		w = Words{"“" + l.ZH + "”的" + w.ZH, w.EN + ` of "` + l.EN + `"`}
	}
	return Words{fmt.Sprintf(zh, w.ZH), fmt.Sprintf(en, w.EN)}
}

// label returns what a parent calls the thing of that name, as the new version
// says it, or the old one, or the name itself.
func (d *differ) label(rule, name string) Words {
	for _, c := range []*Charter{d.new, d.old} {
		if w := c.label(rule, name); !w.IsZero() {
			return w
		}
	}
	return Words{name, name}
}

func (c *Charter) label(rule, name string) Words {
	switch rule[strings.LastIndexByte(rule, '/')+1:] {
	case "items":
		it, _ := c.Item(name)
		return it.Label
	case "purposes":
		p, _ := c.Purpose(name)
		return p.Label
	case "processors":
		p, _ := c.Processor(name)
		return p.Label
	case "recipients":
		r, _ := c.Recipient(name)
		return r.Label
	case "safeguards":
		s, _ := find(c.Safeguards, name, func(s Safeguard) string { return s.Name })
		return s.Label
	case "contact", "complaint", "authority", "correction", "deletion":
		r, _ := find(c.routes(rule), name, func(r Route) string { return r.Name })
		return r.How
	case "audiences":
		for _, p := range c.Purposes {
			if a, ok := p.Audience(name); ok {
				return a.Label
			}
		}
	}
	return Words{}
}

func (c *Charter) routes(rule string) []Route {
	return map[string][]Route{
		"operator/contact":    c.Operator.Contact,
		"channels/complaint":  c.Channels.Complaint,
		"channels/authority":  c.Channels.Authority,
		"channels/correction": c.Channels.Correction,
		"channels/deletion":   c.Channels.Deletion,
	}[rule]
}

// placeWords says what stands at a place: the last key that has words.
func placeWords(rule string) Words {
	for at := rule; at != ""; at = parent(at) {
		if w, ok := places[at]; ok {
			return w
		}
	}
	return Words{"章程", "charter"}
}

// places are the keys of the file in words. A test holds it against the types.
var places = map[string]Words{
	"service": {"服务的短名", "short name of the service"}, "name": {"服务的名称", "name of the service"},
	"operator/name": {"运营者的名称", "name of the operator"}, "operator/registration": {"统一社会信用代码", "credit code of the operator"},
	"operator/address": {"运营者的地址", "address of the operator"}, "operator/contact": {"联系方式", "way to reach the operator"},
	"app_type": {"应用类型", "app type"}, "necessity": {"必要性说明", "statement of necessity"},
	"storage/place": {"存储地点", "storage place"}, "storage/country": {"存储的国家或地区", "country of storage"},
	"safeguards":         {"保护措施", "safeguard"},
	"channels/complaint": {"投诉途径", "way to complain"}, "channels/authority": {"举报途径", "way to report to the authority"},
	"channels/correction": {"更正途径", "way to correct"}, "channels/deletion": {"删除途径", "way to delete"},
	"other": {"其他事项", "anything else"},
	"items": {"信息", "item"}, "items/*/label": {"名称", "label"}, "items/*/kind": {"种类", "kind"}, "items/*/max_length": {"最大字数", "greatest length"},
	"items/*/lines": {"可否换行", "lines"}, "items/*/min": {"最小值", "least value"}, "items/*/max": {"最大值", "greatest value"},
	"items/*/choices": {"选项", "choice"}, "items/*/choices/*/label": {"选项的文字", "words of a choice"}, "items/*/max_bytes": {"最大字节数", "greatest size"},
	"items/*/necessity": {"必要性", "necessity"}, "items/*/effect": {"对孩子的影响", "effect on the child"}, "items/*/sensitivity": {"敏感程度", "sensitivity"},
	"items/*/necessary_as": {"对应的必要信息", "necessary item that it is"}, "items/*/screened_as": {"发布前比对时算作什么", "what it is looked for as before publication"},
	"purposes": {"目的", "purpose"}, "purposes/*/label": {"名称", "label"}, "purposes/*/why": {"原因", "reason"}, "purposes/*/manner": {"方式", "manner"},
	"purposes/*/necessary": {"是否必需", "being necessary"}, "purposes/*/activities": {"处理活动", "activities"}, "purposes/*/items": {"信息范围", "items"},
	"purposes/*/retention/from": {"期限的起算", "start of the time kept"}, "purposes/*/retention/period": {"保存期限", "time kept"},
	"purposes/*/retention/event": {"起算事件", "event that starts the time"}, "purposes/*/retention/event_label": {"起算事件的说法", "words for the event"},
	"purposes/*/retention/at_most": {"最长保存期限", "longest time kept"}, "purposes/*/at_expiry": {"到期处理", "handling at the end"},
	"purposes/*/if_refused": {"拒绝的后果", "consequence of refusing"}, "purposes/*/processors": {"受托方", "processors"},
	"purposes/*/recipients": {"接收方", "recipients"}, "purposes/*/audiences": {"披露对象", "audience"}, "purposes/*/audiences/*/label": {"说法", "words"},
	"purposes/*/audiences/*/items": {"能看到的信息", "items seen"}, "purposes/*/separate_consent": {"单独同意", "separate consent"},
	"purposes/*/cross_border": {"出境依据", "ground for going abroad"}, "purposes/*/access_from": {"境外访问地", "countries abroad from which it is read"},
	"inactive":   {"账号多久不用就删除", "time after which an unused account is erased"},
	"processors": {"受托方", "processor"}, "processors/*/label": {"名称", "name"}, "processors/*/contact": {"联系方式", "contact"},
	"processors/*/country": {"国家或地区", "country"}, "processors/*/task": {"受托事项", "task"}, "processors/*/items": {"得到的信息", "items it gets"},
	"processors/*/sub_processors": {"转委托", "sub-processors"},
	"recipients":                  {"接收方", "recipient"}, "recipients/*/label": {"名称", "name"}, "recipients/*/contact": {"联系方式", "contact"},
	"recipients/*/country": {"国家或地区", "country"}, "recipients/*/why": {"用途", "purpose"}, "recipients/*/items": {"得到的信息", "items it gets"},
	"return_origins":     {"答复之后可以回到的网站", "sites to go back to after answering"},
	"wording_signed_off": {"文字修改的确认", "sign-off of wording"},
	"rules":              {"儿童个人信息保护规则", "rules"}, "rules/zh-CN": {"规则（中文）", "rules (Chinese)"}, "rules/en": {"规则（英文）", "rules (English)"},
	"agreement": {"用户协议", "agreement"}, "agreement/zh-CN": {"用户协议（中文）", "agreement (Chinese)"}, "agreement/en": {"用户协议（英文）", "agreement (English)"},
}
