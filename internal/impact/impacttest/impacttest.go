// Package impacttest assesses purposes for tests, whatever their charters say.
//
// Its one invariant: what it returns is whole and has passed, as an assessment by a person
// would have.
package impacttest

import (
	"wardkeep/internal/charter"
	"wardkeep/internal/impact"
)

// Form returns an assessment of a purpose of the charter.
func Form(c *charter.Charter, purpose string) impact.Form {
	holds := impact.Finding{Holds: true, Why: "章程写明了目的、方式和必要性。"}
	f := impact.Form{
		Purpose: purpose, Described: c.Described(purpose), MadeBy: "测试", Lawful: holds, Legitimate: holds, Necessary: holds, Effect: "泄露会打扰孩子和家庭。",
		Risks:    []impact.Risk{{Risk: "信息被未经授权的人看到", Likelihood: 3, Severity: 3, Treatment: "加密、最小权限、逐次审批", Left: impact.Left{Likelihood: 1, Severity: 3}}},
		Measures: impact.Measures{Lawful: holds, Effective: holds, Fit: holds},
	}
	p, _ := c.Purpose(purpose)
	for _, d := range impact.Demands(c, p) {
		f.Risks = append(f.Risks, impact.Risk{Risk: "对方超出目的使用", Of: string(d), Likelihood: 2, Severity: 4, Treatment: "协议、核对、到期删除", Left: impact.Left{Likelihood: 1, Severity: 3}})
		f.Beyond = append(f.Beyond, impact.Beyond{Of: string(d), Why: "自己做不到。", Checked: "对方的措施和人员。"})
	}
	return f
}
