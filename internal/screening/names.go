package screening

// nameAt is how many runes a person's name at i has, and 0 if there is none. bold
// is where nothing but the place says that it is a name: then its runes must be
// such as names have.
func (t *text) nameAt(i, end int, bold bool) int {
	if i >= end || !t.is(i, hanzi) {
		return 0
	}
	if n := t.distant(i, end); n > 0 {
		return n
	}
	if t.hint(i)&begins == 0 {
		return 0
	}
	family := 0
	if i+2 < end && doubles.has(t.rune(i), t.rune(i+1)) {
		family = 2
	} else if surnames.has(t.rune(i)) {
		family = 1
	}
	if family == 0 || i+family >= end || !t.is(i+family, hanzi) {
		return 0
	}
	first := t.rune(i + family)
	if first == '小' && i+2 < end && t.rune(i+2) == t.rune(i) {
		return 3 // 邬小邬
	}
	if family == 1 && isWord(t.rune(i), t.rune(i+1), bold) && !(i+2 < end && t.givens(i+1) && t.givens(i+2) && t.closed(i+3, end)) {
		return 0 // 高兴; not 高兴宇
	}
	if bold && nouns.has(first, t.rune(i+family+1)) && !t.closed(i+family+1, end) && !(t.givens(i+family) && t.givens(i+family+1) && t.closed(i+family+2, end)) {
		return 0 // 祝全体
	}
	if i+family+2 <= end && wholes.has(first, t.rune(i+family+1)) {
		return family + 2
	}
	if t.words(i+family, end, 2) {
		return 0 // 高老师
	}
	if i+family+2 <= end && first == t.rune(i+family+1) && !never.has(first) {
		return family + 2 // 王丫丫
	}
	if never.has(first) || bold && !t.givens(i+family) && !t.closed(i+family+1, end) && !t.closed(i+family+2, end) {
		return 0
	}
	g := i + family + 1
	second := t.rune(g)
	switch {
	case g >= end, !t.is(g, hanzi), never.has(second), t.opens(g, end):
		if !t.givens(i+family) && bold {
			return 0
		}
		return family + 1
	case linking.has(second) && g+1 < end && (surnames.has(t.rune(g+1)) || t.is(g+1, hanzi) && doubles.has(t.rune(g+1), t.rune(g+2))):
		return family + 1 // 王涵和李明
	case family == 1 && !t.givens(g) && t.sure(i, 2):
		return family + 1 // 王宁转到
	case t.closed(g+1, end):
		return family + 2
	case t.givens(g):
		return family + 2
	case t.givens(i+family) && t.closed(g, end):
		return family + 1
	case t.givens(i + family):
		return family + 1
	}
	return 0
}

// nameRightAt is nameAt where the class ends just before i: whatever follows a family name is a name
// if something stands behind it that comes after one.
func (t *text) nameRightAt(i, end int) int {
	if n := t.nameAt(i, end, true); n > 0 {
		if n == 2 && wordy.has(t.rune(i)) && t.is(i+2, hanzi) && t.hint(i+1)&rare == 0 && !t.words(i+2, end, 2) {
			return 0 // 三年级时学会了游泳
		}
		return n
	}
	first, second := t.rune(i+1), t.rune(i+2)
	if prosaic.has(first) || t.hint(i)&begins == 0 || !surnames.has(t.rune(i)) || wordy.has(t.rune(i)) || i+1 >= end || !t.is(i+1, hanzi) || never.has(first) || isWord(t.rune(i), first, true) || t.words(i+1, end, 2) {
		return 0
	}
	switch {
	case t.closed(i+2, end):
		return 2
	case t.closed(i+3, end) && !never.has(second) && !prosaic.has(second) && !nouns.has(first, second):
		return 3
	}
	return 0
}

// dotted reports whether a name with a dot may stand from i to before j.
func (t *text) dotted(i, j int) bool {
	for ; i < j; i++ {
		if t.w[i]&runes == '·' {
			return true
		}
	}
	return false
}

// distant is how long a name with a dot is, as those of other peoples have:
// 阿依古丽·买买提.
func (t *text) distant(i, end int) int {
	k := i
	for k < end && k-i < 8 && t.is(k, hanzi) && !never.has(t.rune(k)) {
		k++
	}
	if k-i < 2 || t.rune(k) != '·' || !t.is(k+1, hanzi) {
		return 0
	}
	m := k + 1
	for m < end && m-k < 8 && t.is(m, hanzi) && !never.has(t.rune(m)) && !t.opens(m, end) {
		m++
	}
	if m-k < 3 {
		return 0
	}
	return m - i
}

// nameBefore is the name that ends before k, three runes rather than two.
func (t *text) nameBefore(k, start int) (at, n int) {
	for _, n := range [...]int{3, 2, 4} {
		at := k - n
		if at < start {
			continue
		}
		if n == 3 && linking.has(t.rune(at)) && surnames.has(t.rune(at+1)) && !doubles.has(t.rune(at), t.rune(at+1)) {
			continue
		}
		if n == 4 && !doubles.has(t.rune(at), t.rune(at+1)) {
			continue
		}
		if !surnames.has(t.rune(at)) && n != 4 || n == 2 && t.is(at-1, hanzi) && !linking.has(t.rune(at-1)) && !preceding.has(t.rune(at-1)) {
			continue
		}
		ok := !isWord(t.rune(at), t.rune(at+1), n == 2)
		for j := at + 1; j < k; j++ {
			ok = ok && t.is(j, hanzi) && (t.givens(j) || n > 2 && t.rune(k-1) == t.rune(k-2)) && !never.has(t.rune(j))
		}
		if ok {
			return at, n
		}
	}
	return 0, 0
}

// closed reports whether a name can end before i.
func (t *text) closed(i, end int) bool {
	return i >= end || !t.is(i, hanzi) || never.has(t.rune(i)) || linking.has(t.rune(i)) || t.opens(i, end)
}

// opens reports whether a word begins at i that comes after a name.
func (t *text) opens(i, end int) bool { return t.words(i, end, 1) }

// words is opens for words of so many runes at least.
func (t *text) words(i, end, least int) bool {
	for _, w := range verbs.at(t.rune(i)) {
		if len(w) < least || !t.has(i, w) || i+len(w) > end {
			continue
		}
		// 爱 in 李明爱吃 begins what he does, and in 王可爱就是 ends her name.
		if len(w) > 1 || !given.has(w[0]) || i+1 < end && t.is(i+1, hanzi) && !never.has(t.rune(i+1)) && !linking.has(t.rune(i+1)) {
			return true
		}
	}
	for _, w := range grown.at(t.rune(i)) {
		if len(w) > 1 && t.has(i, w) {
			return true
		}
	}
	return i+2 <= end && predicate.has(t.rune(i), t.rune(i+1))
}

// here is how many runes a name has that begins at i, where no word says that one comes: after
// something that is no Chinese; amid Chinese after what may stand before a person, or of
// three runes before what surely comes after one. Of two runes it must be the last thing that is
// said, or surely a name.
func (t *text) here(i, end int) int {
	n := t.nameAt(i, end, true)
	if n < 2 {
		return 0
	}
	after := i + n
	whole := !t.is(i-1, hanzi) && (after >= end || !t.is(after, hanzi))
	if !t.usual(i, n) && !(whole && t.likely(i, n)) {
		return 0
	}
	before := t.rune(i - 1)
	led, starts := t.led(i) || handled.has(before), !t.is(i-1, hanzi)
	if before == '《' || !led && !starts && wordy.has(t.rune(i)) && t.hint(i+1)&rare == 0 {
		return 0
	}
	goesOn := never.has(t.rune(after)) || t.words(after, end, 2)
	sure := t.sure(i, n) && !runsInto.has(before, t.rune(i))
	if n == 3 && t.usual(i, n) && (led || preceding.has(before) || never.has(before)) && !given.has(t.rune(after)) {
		sure = true
	}
	two := led && (goesOn || t.opens(after, end)) || starts && (t.words(after, end, 2) || linking.has(t.rune(after)) && t.nameAt(after+1, end, true) > 0)
	if !sure && (!t.closed(after, end) || n == 2 && t.is(after, hanzi) && !two) || t.inSchool(i, n) {
		return 0
	}
	if starts || led || preceding.has(before) || linking.has(before) || never.has(before) || (n > 2 || sure) && (!t.is(after, hanzi) || goesOn) {
		return n
	}
	return 0
}

// led reports whether a word ends before i after which a person may be named: 昨天, 看见.
func (t *text) led(i int) bool {
	for _, w := range leading.at(t.rune(i - 1)) {
		if t.has(i-len(w), w) {
			return true
		}
	}
	return false
}

// likely reports whether one of the given names of the n runes at i is such as many have, and
// none such as no name has. It is enough where nothing else stands beside them.
func (t *text) likely(i, n int) bool {
	j := i + 1
	if doubles.has(t.rune(i), t.rune(j)) {
		j++
	}
	some := false
	for ; j < i+n; j++ {
		if never.has(t.rune(j)) {
			return false
		}
		some = some || t.givens(j)
	}
	return some
}

// sure reports whether the n runes at i are a name by themselves, whatever comes after
// them that can't be a part of it: a family name that is hardly anything else, and given
// names such as stand alone or in twos.
func (t *text) sure(i, n int) bool {
	if given.has(t.rune(i + n)) {
		return false
	}
	if n == 2 && t.hint(i+1)&rare != 0 && !wordy.has(t.rune(i)) {
		return true
	}
	if n == 2 && ones.has(t.rune(i+1)) && !wordy.has(t.rune(i)) {
		return true
	}
	return families.has(t.rune(i)) && n == 3 && t.usual(i, n) && !never.has(t.rune(i+1)) && !never.has(t.rune(i+2))
}

// inSchool reports whether the n runes at i are a part of the name of a school:
// 丁香 in 丁香中心小学.
func (t *text) inSchool(i, n int) bool {
	for k := i + 1; k < i+n+7 && t.is(k, hanzi|digits); k++ {
		if t.schoolEnds(k) {
			return true
		}
		if k >= i+n && (never.has(t.rune(k)) || linking.has(t.rune(k)) || t.words(k, len(t.w), 2)) {
			return false
		}
	}
	return false
}

// usual reports whether the given names of the n runes at i are such as many have.
func (t *text) usual(i, n int) bool {
	j := i + 1
	if doubles.has(t.rune(i), t.rune(j)) {
		j++
	}
	if last := [2]rune{t.rune(i + n - 2), t.rune(i + n - 1)}; last[0] == last[1] || wholes.has(last[0], last[1]) || n == 3 && last[0] == '小' && last[1] == t.rune(i) {
		return true
	}
	for k := j; k < i+n; k++ {
		if t.rune(k) == '·' {
			return true
		}
		if !t.givens(k) || k > i && k+1 < i+n && nouns.has(t.rune(k), t.rune(k+1)) {
			return false
		}
	}
	return true
}

var (
	surnames = setOf("毓舜伏牟苍戈邝帅滑丰晁王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖萧田董袁潘蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付傅方邹熊白孟秦邱侯江尹薛闫阎段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤" +
		"康施洪易文牛季樊葛邢安齐庞颜庄章鲁岳倪聂梅祝鲍柳关左甘单柯柏路翁尚包骆管温耿应殷裴阮欧盛舒房凌霍游司宁苗喻解窦卫焦曲成项申冉靳植滕甄娄卞蒲冷苑计麦童古晏桂费臧欧边景车屠蓝符翟詹华池谷辛戚席迟巫原仇伍沙桑谈" +
		"敖封时盖储佟荣茅简伊习宗纪岑屈楼支厉冼占丛乔米仲师明涂艾吉褚虞芦连强郎糜匡国凤巩卓隋闵晋狄缪诸湛那全栾修郁花水扈湯荆邸赖佘鄢麻祁卜娄宫禹蔺楚闻党栗尤甯麦漆毕柴苟裘姬纳穆步凤邬惠郁俞刁谌冀廉兰贝展逄逯邰郗郦浦茹宿庾弓牧羿訾阚奚亓仝敬芮鄂尧郏綦蔚昝贲荀钮嵇邝练饶秋云满井乌祖相雍濮寿通暴逸")
	// wordy are family names that are words of their own: amid Chinese they begin a name only after a
	// word that leads to one.
	wordy = setOf("伏苍帅滑丰戈毓舜花水车和全国成时来都平常连管那明单计应解从师向祝强查谈游席项房于封展步满秋云井相祖通敬暴逸练贝冷党原台")
	// families are family names that many have, and that as a word of their own begin few
	// others.
	families = setOf("王李张刘陈杨赵吴徐孙朱胡郭罗郑梁谢宋唐许邓韩冯曹彭曾肖萧董潘袁蔡蒋余杜程魏苏吕丁卢姚沈姜崔谭汪范廖贾邹孟秦邱侯尹薛闫段黎陶贺顾郝龚邵覃戴周何林")
	// ones are given names that stand alone.
	ones = setOf("恬伟芳娜敏静丽强磊军洋勇艳杰娟涛超霞平刚鹏辉玲丹萍红英华梅鑫波斌宇浩凯健俊帆雪帅慧宁婷旭雷欢佳倩琪莹颖楠博琳瑞欣怡悦涵轩睿妍晨昊阳萌蕾诺彤菲畅硕航彬熙然玥霏瑶雯雅琦颜薇璐洁晶岩峰钰铭皓晗煜烨昕暄璇琛晟桐柠淼犇森喆翀懿曦馨毅翔哲恒锐栋梓潇冉苒希妮媛婕珊珂蓓茜萱")
	// runsInto are words that end like the beginning of a name.
	runsInto = pairsOf("国王女王大王霸王君王称王帝王龙王行李桃李慌张紧张主张夸张嚣张扩张开张白杨森林园林树林丛林山林竹林密林造林任何如何为何几何奈何一周上周下周本周每周四周两周三周子孙祖孙儿孙也许允许或许不许默许二胡行程课程过程工程里程旅程全程前程路程商贾感谢道谢酬谢回顾照顾光顾兼顾祝贺庆贺恭贺佩戴穿戴爱戴早餐其余业余多余剩余肥胡一段阶段手段片段路段")
	doubles  = pairsOf("欧阳上官司马诸葛司徒东方独孤南宫夏侯尉迟公孙慕容令狐长孙宇文皇甫端木纳兰拓跋完颜鲜于百里呼延轩辕司空申屠太史闻人赫连澹台")
	// given are runes of given names, by how often children bear them.
	given = setOf("儿十东兴如苇晏啸尘阁弛恬一为光树屿适仙月愿栖词舟辞墨溪川杉杨桥野牧闻霁夕暮晚初遥归鹊鹤莹蓉铃钰岛屹帆渡笺砚弦柚栗橘茶苔荞葡菊芒穗禾谷亩岁萤鲤羽翼蝉朝夜晓灯烛炎熠暖煖沛溯潮浪涟沫泡雾云岫岭崖峦陵原陌疆域坤乾震巽坎离艮兑仪式则律麦沫寻满翀子涵梓轩宇浩雨欣怡诗琪佳怡思琪欣妍梦瑶可馨一诺依诺若汐语桐雨桐紫萱晨曦俊杰博文天佑明泽睿昊然皓轩奕辰宸皓铭熙乐瑞霖嘉懿煜祺智烨伟弘益正豪鑫磊家豪志强建国建军红丽娜敏静秀英华芳燕玲桂兰玉萍鹏飞龙超勇军洋艳娟涛斌霞平刚" +
		"辉健波宁贵福生元全胜学祥才发武新利清彬富顺信昌林友谦亨奇固轮翰朗伯宏言若鸣朋梁栋维启克伦翔旭泰盛雄琛钧冠策腾楠榕风航弘义良海山仁亮政谦之恒岚苒羽薇媛倩蕾茜莹璐琳雅楠婷婉君娅琦晶瑾青珍贞莉彤韵妮婕馨瑗琰韵融园艺咏卿聪澜纯毓悦昭冰爽琬茗希宁馥筠柔竹霭" +
		"凝晓欢霄枫芸菲寒伊亚宜姬舒影荔枝思丽秀娟英华慧巧美娜静淑惠珠翠雅芝玉萍红娥玲芬芳燕彩春菊勤珍贞莉兰凤洁梅琳素云莲真环雪荣爱妹霞香月莺媛艳瑞凡佳嘉琼桂娣叶璧璐娅琦妍蓓蓉眉锦黛青倩婷姣婉娴瑾颖露瑶怡婵雁纨仪荷丹蓉" +
		"安柠沐阳若曦诗涵梓涵雨泽俊熙沛森澄禾苗初夏知微时予星河南北遥远川野帆舟渔歌景行止墨白秋实冬至暖忆念慕童心彦书瑜博雅承泽凯乐祎霏桓霆骏辰骐炎彬邦跃驰越杭威恺尧舜禹汤启成康昱晟晔烁煊焱灿炜炫城坤垚培增基坚峰峻岩岳崇巍嵘川江河湖洲源泉润泓洁泊沁津洛淇渊涵渝湘溪滢漫澍濡" +
		"朵蕊芊芷苏茵茹莎菁菡萌萱葵蓝蔓蕙薏藜蘅桃李杏柏松柳桦梧棠森楚樱榆槿橙笙笛筝琴瑟鼓画诺诚谨谦达远逸迪道遇邈锋锐钰铮锦鑫长庆展屹山峥卓越元亨利贞吉祥和顺安康泰宁静怀玉瑾瑜璇玑珂珊珞珩琅琨琪璟璨瓒虎豹鹤鹏鸿雁燕鸥莺骁" +
		"小大多双亦也以伊佑何乔俪俞修倚傲允兆克其典冉冕凌凝力劲勋千升半卉卫友叔古召可台叮司向君含听呈周咏品哲唯善喆喜嘉器囡圣坦城堂士壮夏夕天太奋奎妙姗姝娇婧婳嫣孜学孟宛定宜实宣宥容宽宾密富寅尔尚尤尹岑岭峤州巧帅常平年广廷延弈弋弘张强彤影彩彭征德心必志忠念怀思恩悠情惜惟愉意愿慈慎成扬承振捷" +
		"攀敬敏文斯方旋日旦旻旺昂昌昕星映昶显晏晗晚晞晴景晶智朔朝本来杉材果枚柯柔栀根格桉桑梁梦梵棋棣楷槐欧正步武殊毅民水永汀汉汝沂沅沈沙法泳泽洪涓润淮深清渺湛源滨潇潼澈濠灏炳焕煦熹爵牧玄王玖玥玫环玺珈珏珑珣班理琢琮瑄瑛瑶璋璞甜生田甫畅畔百皎益盈真睦睿知石砚硕礼祁祈祐祯禄秉科程稚穆立章竞端" +
		"简箫篮紫红纪纯纶练绍绮维绪缘羿翊翎翌翠耀联聪胜臻致舒良艾芃花芮苑若茂荃荷莞菀菱萧落蒙蓁蔚蕾薪虹蝶行衡裕西言誉许诗语诸谊谌谷豫贝贤赋赞跃路轶辛迅进逍通逢道郁都采金钊钦铎铠银链镇镕阅阔阡陆陌陶隆雄雍雯霁霜霭露青非韬韶音顺颂颖颜风飒飘馥驹驿高魁魏鲁麒麟黎默鼎齐犇淼磊鑫森垚")
	// never stand in a name where one is looked for; a name ends before them.
	never     = setOf("第某路镇的在是了着过们这那哪我你他她它吗呢啊吧呀被把从让给但而及并则且或每没很最还已就都要将再又很里各种什么您说写得到捡跑跳唱吃喝玩走站坐做拿等级班岁号点名件次位组届")
	linking   = setOf("和与跟同叫、及")
	prosaic   = setOf("不去来出书做吃用开关上下没有个些样点门本间回起发对能要会前后里外左右中多少见叫问听看走进过车电话水火口手头脚饭菜肉鱼衣服裤鞋帽纸笔桌椅床灯板皮布线面条票钱号色味道件套双张只块台辆次种班级组队课题考试卷分数表格团会社区时何")
	handled   = setOf("把被叫让给对找") // what is done, is done to somebody
	preceding = setOf("是的叫给把让祝被对向有请找为级班生长员子儿里家妹弟唱队手友人见过到我你说声哥姐侄孩名记主桌妈爸伴者星")
	// leading are words after which a person may be named.
	leading = listedByEnd("坐到", "换到", "分给", "交给", "借给", "送给", "还给", "发给", "同班", "大哥", "大姐", "二哥", "哥哥", "姐姐", "弟弟", "妹妹", "表哥", "表姐", "表弟", "表妹", "堂弟", "堂妹", "我弟", "我妹", "我哥", "我姐", "同桌", "后桌", "前桌", "邻座", "看到", "看见", "听到", "听见", "听说", "遇到", "遇见", "碰到", "碰见", "认识", "喜欢", "讨厌", "感谢", "表扬", "批评", "举报", "投诉", "寻找", "找到", "邀请", "联系", "通知", "提醒", "告诉", "帮助", "轮到", "包括", "尤其是", "还有", "只有",
		"又是", "就是", "都是", "正是", "不是", "还是", "原来", "后来", "突然", "居然", "竟然", "果然", "结果", "其中", "最后", "昨天", "今天", "明天", "前天", "后天", "今早", "昨晚", "今晚", "上周", "下周", "那天", "当时", "刚才", "刚刚", "早上", "上午", "中午", "下午", "晚上",
		"因为", "为了", "所以", "但是", "可是", "如果", "幸好", "幸亏", "多亏", "欢迎", "恭喜", "祝贺", "作者", "知道", "记得", "想起", "连", "陪", "跟", "同", "和", "与", "像", "比", "派", "选", "替", "由", "这次", "上次", "每次", "据说", "班里", "班上", "学校", "那个", "这个", "有个", "个", "班里的", "班上的", "同班的", "我班的", "们班的", "我家", "我们家", "我校", "我班", "本校", "本班", "我们班", "咱班", "咱们班", "我们学校", "咱们学校", "外甥女", "侄女", "孙女", "女儿", "课时", "操时", "饭时", "学时", "试时", "赛时", "校时", "会时")
	verbs = listed("获", "获得", "后面", "前面", "旁边", "身边", "分到", "没来", "没有", "天天", "如果", "如何", "三个", "两个", "四个", "几个", "推", "抢", "追", "抓", "撞", "踩", "揪", "扔", "砸", "躲", "逃", "赢", "输", "考", "欠", "咬", "掐", "绊", "年级", "收到", "明天", "后天", "今晚", "明早", "月考", "月底", "月初", "同班", "晕倒", "升旗", "关在", "好上", "家长", "外公", "一个", "一下", "一次", "一边", "一定", "一样", "一共", "一整", "不会", "不能", "早就", "曾经", "终于", "从", "却", "就", "都", "说", "问", "当", "给", "跟", "比", "往", "朝", "升", "弟弟", "妹妹", "哥哥", "姐姐", "外婆", "姥姥", "勇救", "喜获", "摘得", "捐", "捐出", "斩获", "出席", "荣登", "出任", "参与", "扶起", "捡到", "送来", "住校", "作弊", "打架", "偷", "骂", "哭", "迷路", "离家", "失踪", "走丢", "落水", "生于", "身穿", "长得", "两人", "三人", "二人", "开心", "加油", "考试", "迟", "名字", "座位", "体育", "美术", "音乐", "钢琴", "围棋", "书法", "作品", "作业", "书包", "水杯", "病", "住院", "也在", "也是", "也有", "也会", "也被", "获得", "获评", "获奖", "荣获", "参加", "参赛", "同学", "来自", "考上", "考入", "考了", "会画", "会弹", "可以", "正在", "转到", "转走", "射门", "踢", "投篮", "举手", "站起", "上台", "发烧", "竞选", "补课", "吃饭", "喊", "笑", "摔倒", "打球", "跑步", "跳舞", "唱歌", "画画", "下课", "回家", "上学", "逃学", "逃课", "欺负", "表白", "暗恋", "借", "抄", "挨", "听", "看", "帮", "最", "够", "又", "总", "老", "小时候", "怎么", "为什么", "什么", "才", "只", "肯定", "居然", "竟然", "突然", "马上", "已经", "刚才", "一直", "应该", "必须", "不要", "别", "快", "敢", "要", "有点", "画的", "表演", "演讲", "代表", "就读", "担任", "转学", "喜欢", "今天", "昨天", "每天", "家住", "今年", "报名",
		"勇夺", "夺得", "因为", "住在", "感冒", "生病", "请假", "迟到", "作文", "发言", "主持", "小朋友", "小同学", "宝贝", "在", "读", "上", "来", "以", "向", "为", "放学", "上课", "有", "真", "太", "也", "不", "回", "去", "去年", "明年", "爱", "能", "会", "想",
		"家长", "妈妈", "爸爸", "奶奶", "爷爷", "成绩", "期末", "数学", "语文", "英语", "拾金", "乐于", "学习", "进步", "第一", "一起", "一同", "两位", "三位", "等", "负责", "完成", "转来", "丢了", "丢失", "走失", "昨晚", "今早", "上午", "下午", "早上", "平时",
		"因", "于", "主动", "积极", "当选", "入选", "朗诵", "比赛", "电话", "手机", "身高", "穿", "穿着", "还", "目前", "现在", "毕业", "从小", "课间", "前天", "周末", "经常", "总是", "特别", "非常", "同时", "分别", "并", "刚", "刚刚", "最近", "带", "带来", "作为", "由", "用", "加入", "摔", "受伤", "过生日", "生日", "全班", "全校", "全市", "出生", "年龄", "性别", "性格", "成为", "的", "宝宝", "领", "领取", "代", "个人", "本人", "拿", "打", "跳", "跑", "敬", "讲", "擅长", "热爱", "被", "将", "收", "需要", "没", "连续", "一家", "家", "弹", "拉", "写", "画", "拍", "唱", "创作", "设计", "发明", "首次", "以优异", "排名", "位列", "名列", "脱颖", "凭借", "顺利", "成功", "光荣", "入队", "入团", "倡议", "宣读", "带领", "一等奖", "二等奖", "三等奖", "金奖", "银奖", "铜奖", "特等奖", "冠军", "亚军", "季军")
	// nouns begin like a name and are none.
	nouns = pairsOf("高兴高年高度高级高等高中高考金牌金奖金色马上方法方式方面方案安全安排安静温暖成绩成为成长成功成员成果时间时候时代花园花样万分向上向前文明文化文艺文学明天明年明星白天周一周二周三周四周五周六周日周末周年华丽关于关心关爱关注于是全体全校全班全部全国全面全市全区" +
		"任何任务任课许多许可许诺包括常常常规常见和平和谐平时平均严格严肃严禁简单连续连接强调计划计算项目江苏江西江南石头钱包钟声余额杜绝季节路上路口路过池塘古诗古典应该应当应急单位单词单元房间房屋房子车站车辆解决解答解释景点边上易懂武汉武术史上毛笔毛病田径童话童年童心金融国家国旗国庆" +
		"强化强身修改师生师傅师德明确明显支持支付支部米饭水平水果水上水杯花朵花费原来原因原则那么那些封面封闭荣获荣誉华东华中宁波宁静项链盛大盛开舒服舒适游戏游泳游览管理管好左右冷静曲目费用费心古代计时那天连忙郎平车上席位温馨习惯习题纪念纪律纪录支援伍佰谈话谈到谈心储蓄时期时常国学全年全家安装安心易错成语" +
		"夏天夏令雷锋雷雨雷电白色白云黄色黄金黄山蓝天蓝色龙舟龙门牛奶马路马拉石油石家林业林场江河海洋方向方便田野田园孔子孟子老子鲁迅李白杜甫屈原苏轼康复康乐项羽乐器乐队祝愿祝福祝贺祝你祝大沙发沙漠桑葚米粉章节章程施工施行尚未万一万里万岁段落党员管弦包装包子包含解放解散焦点焦急伊始伊利成都成人成立甘肃甘蔗甘甜申请申报单独单亲单个单日符合符号宗旨宗教仲裁池水曲艺曲线通知谢谢感谢孙子于都何时何况何必何处何人何等谭鱼钟点钟头韩国韩式沈阳郑州徐州常州温州杭州柳州贺州金华金属金银金鱼石膏石榴田字田间黄瓜黄豆白菜白板马虎马桶马车牛肉羊毛习进易怒吉祥明星连心方阵左边右边毕业毕竟钟表金秋古筝花落向日游乐水壶水杯安石王子王国王朝王者王后王位张开张贴张扬张嘴张罗陈列陈旧陈述陈设李子刘海杨树杨柳杨梅林荫林间林中林区胡同胡说胡闹胡乱周围周边周全周期孙女唐诗唐朝宋词宋朝罗列程度程序董事丁香顾客顾问顾及戴着何必余下余地朱红贺卡贺词段落谢意苏州苏醒姜汤")
	// wholes are given names of runes that mostly aren't in names.
	wholes = pairsOf("千里有为天真可爱为民爱国能文初一十一")
)
