// Keys for who is quicker with them than with a pointer. They do nothing but what links
// and fields of the page do; without this script nothing is missing. Who speaks to the
// browser, or doesn't want them, turns them off on the page that lists them (WCAG 2.1.4).
"use strict";
(() => {
  const off = "wardkeep.keys";
  const isOff = () => { try { return localStorage.getItem(off) === "off"; } catch { return false; } };
  const typing = (e) => e.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(e.tagName);
  const page = document.querySelector("[data-keys-page]");
  let went = -Infinity; // when g was pressed
  let shown; // the dialog with the keys

  // rows are those of the lists of the page; the link of one is what is focused.
  const rows = () => [...document.querySelectorAll("main tbody tr")].map((row) => row.querySelector("a")).filter(Boolean);

  function step(by) {
    const all = rows();
    if (all.length === 0) return;
    const here = all.findIndex((link) => link.closest("tr").contains(document.activeElement));
    const next = here < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, here + by));
    all[next].focus();
    all[next].scrollIntoView({ block: "nearest" });
  }

  async function show() {
    if (document.querySelector("main [data-keys]")) return; // this is the page
    if (!shown) {
      const answer = await fetch(page.href, { redirect: "error", cache: "no-store" });
      const keys = new DOMParser().parseFromString(await answer.text(), "text/html");
      const list = keys.querySelector("[data-keys]");
      if (!answer.ok || !list) throw new Error("no keys");
      shown = document.createElement("dialog");
      shown.className = "keys";
      shown.setAttribute("aria-label", page.textContent);
      const close = document.createElement("button");
      close.textContent = page.dataset.close;
      close.addEventListener("click", () => shown.close());
      shown.append(document.importNode(list, true), close);
      document.body.append(shown);
    }
    shown.showModal();
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing || isOff()) return;
    if (event.key === "Escape" && event.target.id === "find") {
      event.target.blur();
      return;
    }
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    const after = performance.now() - went < 1500;
    went = -Infinity;
    if (after) {
      const to = [...document.querySelectorAll("header [data-go]")].find((link) => link.dataset.go === event.key);
      if (to) {
        event.preventDefault();
        to.click();
      }
      return;
    }
    switch (event.key) {
      case "g": went = performance.now(); return;
      case "j": step(1); break;
      case "k": step(-1); break;
      case "n": document.querySelector("main a[rel=next]")?.click(); break;
      case "/": document.getElementById("find").focus(); break;
      case "?": show().catch(() => location.assign(page.href)); break;
      default: return;
    }
    event.preventDefault();
  });

  // A fold of the menu lies over the page: it is closed again by Escape, and by whoever goes on
  // elsewhere. These aren't keys of ours, and stay on.
  const folds = [...document.querySelectorAll("header details")];
  const elsewhere = (event) => folds.forEach((fold) => { if (!fold.contains(event.target)) fold.open = false; });
  document.addEventListener("focusin", elsewhere);
  document.addEventListener("pointerdown", elsewhere);
  document.addEventListener("keydown", (event) => {
    const fold = folds.find((fold) => fold.open);
    if (event.key !== "Escape" || !fold) return;
    fold.open = false;
    fold.querySelector("summary").focus();
  });

  const turn = document.querySelector("[data-keys-switch]");
  if (!turn) return;
  const button = turn.querySelector("button");
  const says = () => { button.textContent = isOff() ? button.dataset.on : button.dataset.off; };
  button.addEventListener("click", () => {
    try {
      if (isOff()) localStorage.removeItem(off); else localStorage.setItem(off, "off");
    } catch { /* a browser that keeps nothing keeps the keys on */ }
    says();
  });
  says();
  turn.hidden = false;
  document.querySelector("[data-keys-without]").hidden = true;
})();
