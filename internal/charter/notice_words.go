package charter

// noticeText are the fixed words of a notice. They are part of what is hashed:
// to change one is to change every notice that is shown from then on.
type noticeText struct {
	title, intro, summary, heading, asked, asking, version    string
	what, why, howLong, where, whoElse, ifRefused             string
	necessary, optional, nobody, forPurpose                   string
	noneNecessary, someNecessary, allNecessary, span, spans   string
	scope, place, kept, measure, abroad, readFrom             string
	inactive, ifInactive                                      string
	processor, recipient, audience                            string
	toOperator, toAuthority, contact, toCorrect, toDelete, to string
	otherLabel, basicFunction, appType, effect, screened      string
	comma, semicolon, space, fullStop                         string
	sections                                                  map[string]sectionText
}

type sectionText struct{ basis, title string }

func noticeWords(lang Lang) noticeText {
	if lang == Chinese {
		return chineseNotice
	}
	return englishNotice
}

var chineseNotice = noticeText{
	title:   "%s 儿童个人信息保护告知书",
	intro:   "我们是%s，地址：%s。您可以同意，也可以拒绝，两者同样方便；每个目的分别选择，以后随时可以撤回同意。",
	summary: "一屏看懂",
	heading: "\n%d. %s（%s）\n",
	asked:   "请您逐项选择",
	asking:  "\n【%s】（%s）\n",
	version: "本告知书依据的章程版本：",

	what: "收集什么", why: "为什么", howLong: "保存多久", where: "存在哪里", whoElse: "还有谁能看到", ifRefused: "如果不同意",

	necessary:  "基本功能必需",
	optional:   "可以不同意，不影响基本功能",
	nobody:     "没有别人",
	forPurpose: "%s：%s",

	noneNecessary: "每一项都可以拒绝，只是不提供对应的功能。",
	someNecessary: "只有“%s”是基本功能必需的；其余都可以拒绝，只是不提供对应的功能。",
	allNecessary:  "可以拒绝；但“%s”是基本功能必需的，拒绝后无法提供。",
	span:          "最长 %s，每项的期限写在下面",
	spans:         "看用途而定，最长 %s 到 %s，每项的期限写在下面",

	scope:   "目的：%s\n方式：%s\n处理活动：%s\n信息范围：%s\n还有谁能看到：%s",
	place:   "存储地点",
	kept:    "保存期限：%s。到期处理：%s",
	measure: "措施 %d",
	abroad:  "。涉及出境，依据：%s",

	readFrom: "我们或者为我们工作的一方在境外查看、取用的人（所在地 %s）",

	inactive:   "长期不使用的账号",
	ifInactive: "如果连续 %s没有使用，我们会至少提前 %d 天告诉您，之后删除这个账号里孩子的全部信息。孩子使用服务，或者您查看、答复，都算使用；在那之前用过一次，就不会因此删除。",

	processor: "受我们委托的%s（所在地 %s，联系方式 %s），受托事项：%s得到：%s",
	recipient: "接收方%s（所在地 %s，联系方式 %s），用途：%s得到：%s",
	audience:  "%s能看到：%s",

	toOperator: "向我们投诉、举报", toAuthority: "向主管部门举报", contact: "联系我们", toCorrect: "更正", toDelete: "删除", to: "：",

	otherLabel:    "其他事项",
	basicFunction: "基本功能",
	appType:       "本服务属于国家规定的第 %d 类应用（%s），基本功能只需要该类规定的必要信息，其他信息都可以不提供。",
	effect:        "%s信息。%s",
	screened:      "有人要公开发布内容时，系统还会用它的哈希在内容里查找，以免它被别人泄露；除此之外不作他用，也不给任何人看。",
	comma:         "、", semicolon: "；", space: "", fullStop: "。",
	sections: map[string]sectionText{
		"scope":      {"第十条第一项", "收集、存储、使用、转移、披露的目的、方式和范围"},
		"storage":    {"第十条第二项", "存储的地点、期限和到期后的处理方式"},
		"safeguards": {"第十条第三项", "安全保障措施"},
		"refusal":    {"第十条第四项", "拒绝的后果"},
		"complaints": {"第十条第五项", "投诉、举报的渠道和方式"},
		"correction": {"第十条第六项", "更正、删除的途径和方法"},
		"other":      {"第十条第七项", "其他应当告知的事项"},
		"necessity":  {"个人信息保护法第三十条", "为什么必要"},
		"effect":     {"个人信息保护法第三十条", "对孩子权益的影响"},
	},
}

var englishNotice = noticeText{
	title:   "%s: how we protect your child's information",
	intro:   "We are %s, %s. You can agree or refuse, and both are equally easy. You choose for each purpose, and you can take back your consent at any time.",
	summary: "On one screen",
	heading: "\n%d. %s (%s)\n",
	asked:   "What we ask you",
	asking:  "\n[%s] (%s)\n",
	version: "This notice follows charter version",

	what: "What", why: "Why", howLong: "How long", where: "Where", whoElse: "Who else", ifRefused: "If you refuse",

	necessary:  "needed for the basic function",
	optional:   "optional; the basic function works without it",
	nobody:     "Nobody else",
	forPurpose: "%s: %s",

	noneNecessary: "You can refuse each of them. Then only that function is left out.",
	someNecessary: "Only this is needed for the basic function: %s. You can refuse everything else; then only that function is left out.",
	allNecessary:  "You can refuse. But this is needed for the basic function, which can't be offered then: %s.",
	span:          "At most %s; each purpose says its own below",
	spans:         "At most %s to %s, as each purpose says below",

	scope:   "Purpose: %s\nManner: %s\nWhat is done: %s\nInformation: %s\nWho else sees it: %s",
	place:   "Place",
	kept:    "Kept for: %s. At the end: %s",
	measure: "Measure %d",
	abroad:  ". It goes abroad, on the basis of: %s",

	readFrom: "people abroad who read it for us, or for those who work for us (in: %s)",

	inactive:   "An account that nobody uses",
	ifInactive: "If it isn't used for %s without a break, we tell you at least %d days ahead, and then erase all that the account holds about your child. Your child using the service counts, and so does your looking or answering: once before that, and nothing is erased for this.",

	processor: "%s works for us (country %s, contact %s). Its task: %s It gets: %s",
	recipient: "%s receives it (country %s, contact %s). Its purpose: %s It gets: %s",
	audience:  "%s can see: %s",

	toOperator: "Complain to us", toAuthority: "Report to the authority", contact: "Reach us", toCorrect: "Correct", toDelete: "Delete", to: ": ",

	otherLabel:    "Anything else",
	basicFunction: "Basic function",
	appType:       "This service is an app of type %d (%s) in the national list. Its basic function needs only the information listed there. Everything else is up to you.",
	effect:        "Grade: %s. %s",
	screened:      "When somebody is about to publish something, a hash of it is also looked for there, so that nobody leaks it. That hash is for nothing else, and nobody is shown the value.",
	comma:         ", ", semicolon: "; ", space: " ", fullStop: ".",
	sections: map[string]sectionText{
		"scope":      {"Article 10(1)", "Purpose, manner and scope of collecting, storing, using, transferring and disclosing"},
		"storage":    {"Article 10(2)", "Where and how long it is kept, and what happens then"},
		"safeguards": {"Article 10(3)", "How it is protected"},
		"refusal":    {"Article 10(4)", "What happens if you refuse"},
		"complaints": {"Article 10(5)", "How to complain and report"},
		"correction": {"Article 10(6)", "How to correct and delete"},
		"other":      {"Article 10(7)", "Anything else you should know"},
		"necessity":  {"PIPL Article 30", "Why it is needed"},
		"effect":     {"PIPL Article 30", "What it means for your child"},
	},
}
