"use strict";
(() => {
  const at = (id) => document.getElementById(id);
  const sealed = at("sealed"), door = at("door");
  const words = {};
  for (const dt of at("words").querySelectorAll("dt")) words[dt.textContent] = dt.nextElementSibling.textContent;

  const bytes = (base64) => {
    const text = atob(base64), out = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
    return out;
  };

  const unlock = async (typed) => {
    const code = typed.toUpperCase().replace(/[\s-]/g, "").replace(/O/g, "0").replace(/[IL]/g, "1");
    const format = new TextEncoder().encode(sealed.dataset.format);
    const secret = await crypto.subtle.importKey("raw", new TextEncoder().encode(code), "HKDF", false, ["deriveKey"]);
    const key = await crypto.subtle.deriveKey({ name: "HKDF", hash: "SHA-256", salt: bytes(sealed.dataset.salt), info: format },
      secret, { name: "AES-GCM", length: 256 }, false, ["decrypt"]);
    return crypto.subtle.decrypt({ name: "AES-GCM", iv: bytes(sealed.dataset.nonce), additionalData: format },
      key, bytes(sealed.textContent.trim()));
  };

  // Everything is shown as text: a value may be anything.
  const put = (parent, tag, text, name) => {
    const e = document.createElement(tag);
    if (text !== undefined) e.textContent = text;
    if (name) e.className = name;
    parent.append(e);
    return e;
  };
  const when = (t) => new Date(t).toLocaleString(document.documentElement.lang, { timeZone: "Asia/Shanghai" });
  const fact = (list, word, text) => { if (text) { put(list, "dt", word); put(list, "dd", text); } };
  const line = (list, ...parts) => put(list, "li", parts.filter(Boolean).join(" · "));
  const labels = (all) => all.map((n) => n.label).join(", ");

  const media = { image: "img", audio: "audio", video: "video" };
  const value = (card, item) => {
    if (!media[item.kind]) { put(card, "p", item.value, "value"); return; }
    let at;
    try { at = URL.createObjectURL(new Blob([bytes(item.value)])); } catch { put(card, "p", item.value, "value"); return; }
    const shown = put(card, media[item.kind]);
    if (item.kind === "image") shown.alt = item.label; else shown.controls = true;
    shown.src = at;
    const save = put(put(card, "p"), "a", words.save);
    save.href = at;
    save.download = item.name;
  };

  const show = (text) => {
    const d = JSON.parse(text);
    at("service").textContent = d.service.label;
    at("made").textContent = when(d.made_at);
    at("number").textContent = d.number;
    at("part").textContent = d.part + "/" + d.parts;
    at("json").href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    for (const name of ["id", "reference", "birth_date", "name", "phone", "email"]) fact(at("child"), words[name], d.child[name]);
    fact(at("child"), words.since, when(d.child.since));
    at("count").textContent = d.items.length;
    for (const item of d.items) {
      const card = put(at("items"), "div", undefined, "card");
      put(card, "h3", item.label);
      value(card, item);
      const facts = put(card, "dl");
      fact(facts, words.why, item.purpose.label);
      fact(facts, words.since, when(item.collected_at));
      fact(facts, words.until, when(item.expires_at));
    }
    for (const c of d.consents) {
      line(at("consents"), c.purpose.label, c.granted ? words.granted : words.refused, when(c.at),
        c.withdrawn_at && words.withdrawn + " " + when(c.withdrawn_at), c.mine ? words.mine : words.other);
    }
    for (const u of d.uses) {
      line(at("uses"), u.day, u.who, u.what.label, labels(u.items), u.purpose.label, u.party, u.times + words.times, u.permitted ? "" : words.denied);
    }
    if (d.uses_until) {
      at("until").hidden = false;
      at("until").querySelector("span").textContent = when(d.uses_until);
    }
    for (const r of d.requests) line(at("requests"), r.number, r.what.label, r.state.label, when(r.received_at));
    for (const p of d.parties) line(at("parties"), p.label, p.country, p.contact, p.why, labels(p.items));
    for (const list of ["items", "consents", "uses", "requests", "parties"]) {
      if (!at(list).children.length) put(at(list), list === "items" ? "p" : "li", words.none);
    }
    door.hidden = at("wrong").hidden = true;
    at("content").hidden = false;
  };

  if (!globalThis.crypto?.subtle) {
    at("old").hidden = false;
    door.hidden = true;
    return;
  }
  door.addEventListener("submit", (event) => {
    event.preventDefault();
    unlock(at("code").value).then((plain) => show(new TextDecoder().decode(plain)), () => { at("wrong").hidden = false; });
  });
})();
