// Looking at values. A value comes as a picture, in the answer to a form and nowhere
// else; it is drawn on a canvas, so that the page holds no address of it and no letter.
// It goes as soon as nobody looks at the page any more, and when the time is over.
// Without this script the forms stay hidden, and nothing is shown: a picture that
// nothing takes away again isn't sent.
"use strict";
(() => {
  const view = document.querySelector("[data-view]");
  if (!view || !window.createImageBitmap) return;
  const words = view.dataset;
  const says = view.querySelector("[data-says]");
  const clock = view.querySelector("[data-clock]");
  const ends = performance.now() + words.left * 1000;
  let over = false;

  const cards = [...view.querySelectorAll("form[data-reveal]")].map((form) => ({
    form, canvas: form.parentElement.querySelector("canvas"), masked: form.parentElement.querySelector("[data-masked]"),
    show: form.querySelector("[data-show]"), hide: form.querySelector("[data-hide]"), alert: form.querySelector("[role=alert]"),
  }));

  function mask(card) {
    says.textContent = "";
    card.asked = null; // an answer that is under way isn't shown any more
    card.canvas.width = card.canvas.height = 0;
    card.canvas.hidden = card.hide.hidden = true;
    card.masked.hidden = card.show.hidden = false;
  }
  const maskAll = () => cards.forEach(mask);

  function tell(card, text) {
    const p = document.createElement("p");
    p.className = "problem";
    p.textContent = text;
    card.alert.replaceChildren(p);
  }

  async function reveal(card) {
    const asked = card.asked = {};
    card.alert.replaceChildren();
    const answer = await fetch(card.form.action, { method: "POST", body: new URLSearchParams(new FormData(card.form)), redirect: "manual", cache: "no-store" });
    if (answer.type === "opaqueredirect") { // to show once more who it is
      location.assign(words.again);
      return;
    }
    if (!answer.ok || answer.headers.get("Content-Type") !== "image/png") {
      throw new Error((answer.headers.get("Content-Type") || "").startsWith("text/plain") ? await answer.text() : words.failed);
    }
    const left = answer.headers.get("Wardkeep-Looks-Left"); // of what has no quota, nothing
    const picture = await createImageBitmap(await answer.blob());
    if (left !== null) view.querySelector("[data-looks]").textContent = left;
    if (over || card.asked !== asked || document.hidden) {
      picture.close();
      return;
    }
    card.canvas.width = picture.width;
    card.canvas.height = picture.height;
    card.canvas.getContext("2d").drawImage(picture, 0, 0);
    picture.close();
    card.canvas.hidden = card.hide.hidden = false;
    card.masked.hidden = card.show.hidden = true;
    card.hide.focus();
    says.textContent = words.shown;
  }

  for (const card of cards) {
    card.form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (card.busy || over) return;
      card.busy = true;
      try {
        await reveal(card);
      } catch (problem) {
        mask(card);
        tell(card, problem instanceof TypeError ? words.failed : problem.message);
      } finally {
        card.busy = false;
      }
    });
    card.hide.addEventListener("click", () => { mask(card); card.show.focus(); });
    card.form.hidden = false;
  }

  function tick() {
    const left = Math.max(0, Math.ceil((ends - performance.now()) / 1000));
    clock.textContent = Math.floor(left / 60) + ":" + String(left % 60).padStart(2, "0");
    if (left > 0 || over) return;
    over = true;
    maskAll();
    for (const card of cards) card.show.disabled = true;
    says.textContent = words.over;
    clock.textContent = words.over;
  }
  tick();
  setInterval(tick, 500);

  document.addEventListener("visibilitychange", () => { if (document.hidden) maskAll(); });
  addEventListener("pagehide", maskAll);
  addEventListener("beforeprint", maskAll);
  for (const what of ["copy", "cut", "dragstart", "contextmenu", "selectstart"]) {
    view.addEventListener(what, (event) => event.preventDefault());
  }
  for (const instead of document.querySelectorAll("[data-without]")) instead.hidden = true;
})();
