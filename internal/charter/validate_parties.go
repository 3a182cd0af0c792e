package charter

import (
	"fmt"
	"strings"
)

// A party is a processor or a recipient, as far as the same rules hold for both.
type party struct {
	list    string // "processors": the key in the charter and in a purpose
	index   int
	name    string
	country string
	items   []string
}

func (c *Charter) parties() (list []party) {
	for i, v := range c.Processors {
		list = append(list, party{"processors", i, v.Name, v.Country, v.Items})
	}
	for i, v := range c.Recipients {
		list = append(list, party{"recipients", i, v.Name, v.Country, v.Items})
	}
	return list
}

func (p Purpose) names(list string) []string {
	if list == "processors" {
		return p.Processors
	}
	return p.Recipients
}

// checkParties holds who else gets items: Articles 16 and 17, and the border.
func checkParties(c *Charter, r *report) {
	for i, v := range c.Processors {
		if len(v.SubProcessors) > 0 {
			// Article 16(5), edge case 19: a hard no, whatever a guardian says.
			r.add(fmt.Sprintf("processors/%d/sub_processors", i), "受托方不得转委托（第十六条第五项），请删掉；如果确实由别人处理，请直接与他们签约并写成受托方",
				"a processor must not entrust others (Article 16(5)); delete them, or contract with them yourself and list them as processors")
		}
	}
	known := map[[2]string]bool{}
	for _, v := range c.parties() {
		known[[2]string{v.list, v.name}] = true
		checkParty(c, v, r)
	}
	for i, p := range c.Purposes {
		path := fmt.Sprintf("purposes/%d", i)
		for _, list := range []string{"processors", "recipients"} {
			for j, name := range p.names(list) {
				if !known[[2]string{list, name}] && name != "" && !r.silent(list) {
					r.add(fmt.Sprintf("%s/%s/%d", path, list, j), "没有名为 “%s” 的 %s，请写出它，或删掉", "there is no %q under %s; describe it there, or delete it here", short(name), list)
				}
			}
		}
		checkBorder(c, p, path, r)
	}
}

// checkParty: a party gets something, for a purpose, and nothing beside it.
func checkParty(c *Charter, v party, r *report) {
	path := fmt.Sprintf("%s/%d", v.list, v.index)
	needed, named := map[string]bool{}, false
	for i, p := range c.Purposes {
		if v.name == "" || !contains(p.names(v.list), v.name) {
			continue
		}
		named = true
		for _, it := range p.Items {
			needed[it] = true
		}
		if len(both(p.Items, v.items)) == 0 && len(v.items) > 0 {
			r.add(fmt.Sprintf("purposes/%d/%s", i, v.list), "“%s” 从这个目的得不到任何信息，请补上它的 items，或从这里删掉", "%q gets no item of this purpose; add to its items, or delete it here", short(v.name))
		}
	}
	if !named && v.name != "" && !r.silent("purposes") {
		r.add(path, "没有任何目的用到 “%s”，请在目的的 %s 里写上，或删掉", "no purpose names %q; write it under the %s of a purpose, or delete it", short(v.name), v.list)
		return
	}
	for j, it := range v.items {
		p := fmt.Sprintf("%s/items/%d", path, j)
		if _, known := c.Item(it); !known && it != "" && !r.silent("items") {
			r.add(p, "没有名为 “%s” 的信息，请在 items 里写出它，或删掉", "there is no item %q; describe it under items, or delete it here", short(it))
		} else if known && !needed[it] {
			r.add(p, "用到它的目的都没有 “%s”，请从这里删掉，或加进目的的 items", "no purpose that names it has %q; delete it here, or add it to the purpose", short(it))
		}
	}
}

// checkBorder: edge case 20. Whatever leaves the country is a purpose of its
// own, so that a guardian can say no to that and yes to the rest, and names the
// mechanism on file (PIPL 38 and 39).
func checkBorder(c *Charter, p Purpose, path string, r *report) {
	abroad := c.partiesAbroad(p)
	if c.Storage.Country == "" || r.said["storage/country"] {
		return
	}
	if !c.Abroad(p) {
		if p.CrossBorder != nil {
			r.add(path+"/cross_border", "这个目的不涉及境外，请删掉 cross_border", "nothing of this purpose is abroad; delete cross_border")
		}
		return
	}
	where := Words{"存储地在境外", "storage is abroad"}
	switch {
	case len(abroad) > 0:
		names := strings.Join(abroad, ", ")
		where = Words{names + " 在境外", names + " is abroad"}
	case len(p.AccessFrom) > 0 && c.Storage.Country == Home:
		where = Words{"有人在境外查看、取用", "it is read from abroad"}
	}
	for i, country := range p.AccessFrom {
		if country == Home {
			r.add(fmt.Sprintf("%s/access_from/%d", path, i), "境内访问不用写，请删掉", "it is read at home anyhow; delete it")
		}
	}
	if !p.SeparateConsent && !r.silent(path+"/separate_consent") {
		r.add(path, "%s：出境需要单独同意，请为它写一个单独的目的，并写 separate_consent: true", "%s: that needs a consent of its own; make it a purpose of its own and write separate_consent: true", where)
	}
	if p.CrossBorder == nil && !r.silent(path+"/cross_border") {
		r.add(path, "%s：请写 cross_border，注明出境机制和文号", "%s: write cross_border with the mechanism and its reference", where)
	}
	if c.Storage.Country != Home {
		return
	}
	if p.Necessary {
		r.add(path+"/necessary", "%s：出境不能作为使用服务的条件，请写 necessary: false", "%s: that can't be a condition of the service; write necessary: false", where)
	}
	// Who is at home may have people abroad, who read for it: then it isn't two purposes.
	if len(abroad) > 0 && len(abroad) < len(p.Processors)+len(p.Recipients) {
		r.add(path, "%s，而同一目的里还有境内的一方：请把它们分成两个目的，让家长可以只拒绝出境", "%s, and the same purpose names others at home: split it in two, so that a guardian can refuse only what goes abroad", where)
	}
}
