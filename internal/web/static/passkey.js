// Signing in with a passkey, and adding one. The server says what the browser is to
// be asked, and what the browser answers goes back with the form, so that what comes
// of it is a page like any other. Without this script, or without passkeys in the
// browser, the forms stay hidden and nothing is missing.
"use strict";
(() => {
  if (!window.PublicKeyCredential || !navigator.credentials) return;

  // Older browsers of phones don't translate between JSON and bytes themselves.
  const bytes = (s) => Uint8Array.from(atob(s.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (b) => btoa(String.fromCharCode(...new Uint8Array(b))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  async function ask(form) {
    const offered = await fetch(form.dataset.ask, { method: "POST" });
    if (!offered.ok) throw new Error("not offered");
    const publicKey = await offered.json();
    publicKey.challenge = bytes(publicKey.challenge);
    for (const known of publicKey.excludeCredentials || []) known.id = bytes(known.id);
    let made;
    if (publicKey.user) {
      publicKey.user.id = bytes(publicKey.user.id);
      made = await navigator.credentials.create({ publicKey });
    } else {
      made = await navigator.credentials.get({ publicKey });
    }
    const response = {};
    for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (made.response[part]) response[part] = text(made.response[part]);
    }
    return JSON.stringify({ id: made.id, rawId: text(made.rawId), type: made.type, clientExtensionResults: {}, response });
  }

  // What went wrong, in the words of the page. None of it tells who is known here.
  const why = { NotAllowedError: "cancelled", AbortError: "cancelled", InvalidStateError: "exists" };
  function say(form, problem) {
    const p = document.createElement("p");
    p.className = "problem";
    p.textContent = form.dataset[why[problem.name]] || form.dataset.failed;
    form.querySelector("[role=alert]").replaceChildren(p);
  }

  for (const form of document.querySelectorAll("form[data-ask]")) {
    let busy = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (busy) return;
      busy = true;
      try {
        form.elements.answer.value = await ask(form);
        form.submit();
      } catch (problem) {
        busy = false;
        say(form, problem);
      }
    });
    addEventListener("pageshow", () => { busy = false; });
    form.hidden = false;
  }
  for (const instead of document.querySelectorAll("[data-without]")) instead.hidden = true;
})();
