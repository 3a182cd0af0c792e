// A charter is checked as it is typed: the form goes to the server as its button sends it,
// and what the answer says of it takes the place of what stood there. Without this script
// the button does it. Nothing is kept of what is only checked.
"use strict";
(() => {
  const form = document.querySelector("form[data-draft]");
  if (!form || !window.DOMParser) return;
  const says = form.querySelector("[data-checked]");
  const files = form.querySelector("input[type=file]");
  let timer = 0;
  let under = null; // the check that is under way

  async function check() {
    if (under) under.abort();
    const mine = (under = new AbortController());
    const body = new FormData(form);
    body.set("do", "check");
    says.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.action, { method: "POST", body, signal: mine.signal, redirect: "error" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const now = page.querySelector("[data-checked]");
      if (under !== mine || !now) return;
      says.replaceChildren(...now.childNodes);
      if (files.files.length > 0) {
        for (const area of page.querySelectorAll("textarea")) form.elements[area.name].value = area.value;
        files.value = "";
      }
      for (const area of page.querySelectorAll("textarea")) form.elements[area.name].toggleAttribute("aria-invalid", area.hasAttribute("aria-invalid"));
    } catch {
      // It is checked again with the next letter, and by the button.
    } finally {
      if (under === mine) says.removeAttribute("aria-busy");
    }
  }

  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(check, 600);
  });
})();
