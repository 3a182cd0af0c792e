package charter

import "fmt"

// checkNames reports names that stand for two things.
func checkNames(c *Charter, r *report) {
	unique(r, "items", c.Items, func(v Item) string { return v.Name })
	unique(r, "purposes", c.Purposes, func(v Purpose) string { return v.Name })
	unique(r, "processors", c.Processors, func(v Processor) string { return v.Name })
	unique(r, "recipients", c.Recipients, func(v Recipient) string { return v.Name })
	unique(r, "safeguards", c.Safeguards, func(v Safeguard) string { return v.Name })
	route := func(v Route) string { return v.Name }
	unique(r, "operator/contact", c.Operator.Contact, route)
	unique(r, "channels/complaint", c.Channels.Complaint, route)
	unique(r, "channels/authority", c.Channels.Authority, route)
	unique(r, "channels/correction", c.Channels.Correction, route)
	unique(r, "channels/deletion", c.Channels.Deletion, route)
	for i, p := range c.Purposes {
		unique(r, fmt.Sprintf("purposes/%d/audiences", i), p.Audiences, func(v Audience) string { return v.Name })
	}
	// A recipient and a processor of one name would be one party in the ledger
	// and two under the law.
	for i, v := range c.Recipients {
		if _, ok := c.Processor(v.Name); ok && v.Name != "" {
			r.add(fmt.Sprintf("recipients/%d/name", i), "“%s” 已经是受托方的名字，请另取一个", "%q is already the name of a processor; choose another", v.Name)
		}
	}
}

func unique[T any](r *report, path string, list []T, name func(T) string) {
	seen := map[string]bool{}
	for i, v := range list {
		n := name(v)
		if p := fmt.Sprintf("%s/%d/name", path, i); n != "" && seen[n] && !r.said[p] {
			r.add(p, "“%s” 已经用过，请另取一个名字", "%q is already taken; choose another name", short(n))
		}
		seen[n] = true
	}
}

// checkSafety holds the necessity of the service itself: exactly one of an app
// type and a statement of its own.
func checkSafety(c *Charter, r *report) {
	_, known := AppTypeOf(c.AppType)
	switch {
	case r.said["app_type"]:
	case c.AppType != 0 && !known:
		r.add("app_type", "应用类型是 1 到 39；不在其中时请删掉 app_type，并填写 necessity", "app types are 1 to 39; if the service is none of them, delete app_type and write necessity")
	case known && !c.Necessity.IsZero():
		r.add("necessity", "已有 app_type，必要信息由该类型的表决定，请删掉 necessity", "app_type already decides what is necessary; delete necessity")
	case c.AppType == 0 && c.Necessity.IsZero() && !r.silent("necessity"):
		r.add("necessity", "不在 39 类应用之中的服务（如儿童手表、玩具），请用 necessity 说明哪些信息必要、为什么", "a service that is none of the 39 app types, such as a child's watch or toy, must say in necessity what is necessary and why")
	}
}

func checkItems(c *Charter, r *report) {
	used := map[string]bool{}
	for _, p := range c.Purposes {
		for _, name := range p.Items {
			used[name] = true
		}
	}
	for i, it := range c.Items {
		path := fmt.Sprintf("items/%d", i)
		checkLimits(it, path, r)
		checkChoices(it, path, r)
		if it.Name != "" && !used[it.Name] && !r.silent("purposes") {
			// Article 11: nothing is collected that no purpose needs.
			r.add(path, "没有任何目的用到 “%s”，请写进某个目的的 items，或删掉（第十一条）", "no purpose uses %q; name it in the items of a purpose, or delete it (Article 11)", short(it.Name))
		}
		switch it.Kind {
		case IdentityNumber, Location, Image, Audio, Video:
			if it.Sensitivity == Sensitive {
				r.add(path+"/sensitivity", "身份证号、位置、图片、录音和视频请写 highly_sensitive", "identity numbers, locations, images, sounds and films are highly_sensitive; write that")
			}
		}
		checkScreened(it, path, r)
		if t, ok := AppTypeOf(c.AppType); ok && it.NecessaryAs != "" {
			checkEntry(t, it, path, r)
		} else if c.AppType == 0 && it.NecessaryAs != "" {
			r.add(path+"/necessary_as", "没有 app_type 就没有必要信息表，请删掉 necessary_as", "without app_type there is no table of necessary items; delete necessary_as")
		}
	}
}

// checkLimits wants the limits of the item's kind, and no others.
func checkLimits(it Item, path string, r *report) {
	type limit struct {
		key  string
		has  bool
		want bool
	}
	media := it.Kind == Image || it.Kind == Audio || it.Kind == Video
	for _, l := range []limit{
		{"max_length", it.MaxLength != 0, it.Kind == Text},
		{"min", it.Min != nil, it.Kind == Number},
		{"max", it.Max != nil, it.Kind == Number},
		{"choices", len(it.Choices) > 0, it.Kind == OneOf},
		{"max_bytes", it.MaxBytes != 0, media},
	} {
		p := path + "/" + l.key
		switch {
		case it.Kind == "" || r.silent(p) || r.said[path+"/kind"]:
		case l.want && !l.has:
			r.add(p, "种类 %s 要有 %s，请写上", "kind %s needs %s; write it", string(it.Kind), l.key)
		case l.has && !l.want:
			r.add(p, "种类 %s 用不到 %s，请删掉", "kind %s has no %s; delete it", string(it.Kind), l.key)
		}
	}
	if it.Lines && it.Kind != Text {
		r.add(path+"/lines", "只有文字可以换行，请删掉 lines", "only text has lines; delete it")
	}
	if it.MaxLength > maxText {
		r.add(path+"/max_length", "最多 %d", "write at most %d", maxText)
	}
	if it.MaxBytes > maxMedia {
		r.add(path+"/max_bytes", "最多 %d", "write at most %d", maxMedia)
	}
	if it.Min != nil && it.Max != nil && *it.Min > *it.Max {
		r.add(path+"/min", "min 大于 max，请对调", "min is above max; swap them")
	}
}

// checkScreened wants text, or a number that is looked for as what it is: of a date, a
// choice or a score every child has the same as many others.
func checkScreened(it Item, path string, r *report) {
	as, ok := map[Kind]Screened{Phone: AsPhone, Email: AsEmail, IdentityNumber: AsIdentity}[it.Kind]
	switch p := path + "/screened_as"; {
	case it.ScreenedAs == "" || it.Kind == "" || it.Kind == Text || r.silent(p) || r.said[path+"/kind"]:
	case !ok:
		r.add(p, "种类 %s 的值不能用来比对，请删掉 screened_as", "values of kind %s can't be looked for; delete screened_as", string(it.Kind))
	case it.ScreenedAs != as:
		r.add(p, "种类 %s 请写 %s", "for kind %s, write %s", string(it.Kind), string(as))
	}
}

func checkChoices(it Item, path string, r *report) {
	seen := map[string]bool{}
	for i, ch := range it.Choices {
		if p := fmt.Sprintf("%s/choices/%d/value", path, i); ch.Value != "" && seen[ch.Value] && !r.said[p] {
			r.add(p, "“%s” 写了两次，请删掉一个", "%q is listed twice; delete one of them", short(ch.Value))
		}
		seen[ch.Value] = true
	}
}

// checkEntry holds an item against the entry of the app type's table that it
// says it is.
func checkEntry(t AppType, it Item, path string, r *report) {
	kinds, ok := t.Necessary[it.NecessaryAs]
	switch p := path + "/necessary_as"; {
	case r.silent(p):
	case !ok && len(t.Necessary) == 0:
		r.add(p, "第 %d 类（%s）的基本功能不需要任何个人信息，请删掉 necessary_as", "app type %d (%s) needs no personal information for its basic function; delete necessary_as", t.Number, t.Name)
	case !ok:
		r.add(p, "第 %d 类（%s）的必要信息里没有 “%s”，请写其中之一：%s，或删掉", "the necessary items of app type %d (%s) don't include %q; write one of: %s, or delete it", t.Number, t.Name, short(it.NecessaryAs), t.entries())
	case !contains(kinds, it.Kind) && it.Kind != "":
		r.add(p, "种类 %s 不能作为必要信息 “%s”，请改 kind 或删掉 necessary_as", "kind %s can't be the necessary %q; change kind or delete necessary_as", string(it.Kind), it.NecessaryAs)
	}
}

func checkPurposes(c *Charter, r *report) {
	for i, p := range c.Purposes {
		path := fmt.Sprintf("purposes/%d", i)
		for j, name := range p.Items {
			if _, ok := c.Item(name); !ok && name != "" && !r.silent("items") {
				r.add(fmt.Sprintf("%s/items/%d", path, j), "没有名为 “%s” 的信息，请在 items 里写出它，或删掉", "there is no item %q; describe it under items, or delete it here", short(name))
			}
		}
		checkNecessary(c, p, path, r)
		checkActivities(p, path, r)
		checkRetention(p.Retention, path+"/retention", r)
		checkAudiences(p, path, r)
	}
}

// checkNecessary: what the app type's table doesn't name can't be a condition
// of the basic function (Article 11, and the table of 2021-05-01).
func checkNecessary(c *Charter, p Purpose, path string, r *report) {
	t, ok := AppTypeOf(c.AppType)
	if !p.Necessary || !ok {
		return // with no app type, the necessity statement of the charter covers it
	}
	for j, name := range p.Items {
		it, known := c.Item(name)
		if !known {
			continue
		}
		if _, listed := t.Necessary[it.NecessaryAs]; it.NecessaryAs == "" || !listed {
			allowed := Words{"（没有）", "(none)"}
			if len(t.Necessary) > 0 {
				allowed = Words{t.entries(), t.entries()}
			}
			r.add(fmt.Sprintf("%s/items/%d", path, j),
				"“%s” 不在第 %d 类应用（%s）的必要信息之内，请把它移到 necessary: false 的目的里，或在信息上写 necessary_as：%s",
				"%q is not among the necessary items of app type %d (%s); move it to a purpose that is not necessary, or give the item necessary_as: %s",
				short(name), t.Number, t.Name, allowed)
		}
	}
}

// checkActivities holds the verbs against what the purpose names, so that the
// gate never has to guess: who entrusts names to whom, and the other way round.
func checkActivities(p Purpose, path string, r *report) {
	if len(p.Activities) == 0 || r.silent(path+"/activities") {
		return
	}
	for _, pair := range []struct {
		activity Activity
		key      string
		named    bool
	}{
		{Entrust, "processors", len(p.Processors) > 0},
		{Transfer, "recipients", len(p.Recipients) > 0},
		{Disclose, "audiences", len(p.Audiences) > 0},
	} {
		switch {
		case p.Does(pair.activity) && !pair.named && !r.silent(path+"/"+pair.key):
			r.add(path+"/activities", "有 %s，就要在 %s 里写明是谁", "it says %s, so name who it is under %s", string(pair.activity), pair.key)
		case pair.named && !p.Does(pair.activity):
			r.add(path+"/"+pair.key, "写了 %s，就要在 activities 里加上 %s", "it names %s, so add %s to activities", pair.key, string(pair.activity))
		}
	}
	if p.Does(Collect) && !p.Does(Store) {
		// Every value that is collected is kept until it expires.
		r.add(path+"/activities", "收集的信息会存储到期满，请在 activities 里加上 store", "what is collected is stored until it expires; add store to activities")
	}
}

func checkRetention(t Retention, path string, r *report) {
	if r.silent(path) || t == (Retention{}) {
		return
	}
	isEvent := t.From == FromEvent
	switch {
	case isEvent && t.Event == "":
		r.add(path, "从某事起算，请写 event 和 event_label", "it counts from an event; write event and event_label")
	case isEvent && t.EventLabel.IsZero() && !r.silent(path+"/event_label"):
		r.add(path, "请用两种语言写 event_label，让家长看懂是什么事", "write event_label in both languages, so that a parent knows what the event is")
	case !isEvent && t.Event != "":
		r.add(path+"/event", "只有 from: event 才写 event，请删掉", "only from: event has an event; delete it")
	case !isEvent && !t.EventLabel.IsZero():
		r.add(path+"/event_label", "只有 from: event 才写 event_label，请删掉", "only from: event has an event_label; delete it")
	}
	if isEvent && t.AtMost.IsZero() && !r.silent(path+"/at_most") {
		// Article 12: an event that never comes must not mean forever.
		r.add(path, "这件事可能永远不发生，请写 at_most，例如 at_most: 3y（第十二条）", "the event may never come; write at_most, such as at_most: 3y (Article 12)")
	}
	if !t.AtMost.IsZero() && !t.Period.IsZero() && t.Period.longer(t.AtMost) {
		r.add(path+"/at_most", "at_most 比 period 还短，请写长一些，或缩短 period", "at_most is shorter than period; make it longer, or period shorter")
	}
}

func checkInactive(c *Charter, r *report) {
	if p := c.Inactive; !p.IsZero() && (leastInactive.longer(p) || p.longer(mostInactive)) {
		r.add("inactive", "请写 3m 到 3y 之间的期限，例如 18m", "write a period from 3m to 3y, such as 18m")
	}
}

func checkAudiences(p Purpose, path string, r *report) {
	for j, a := range p.Audiences {
		for k, name := range a.Items {
			if name != "" && !p.Has(name) {
				r.add(fmt.Sprintf("%s/audiences/%d/items/%d", path, j, k), "这个目的没有用到 “%s”，请加进 items，或删掉", "this purpose has no %q; add it to its items, or delete it here", short(name))
			}
		}
	}
}
