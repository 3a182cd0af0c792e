// What opens a file stands behind the # of its address, which no browser sends. It is put into
// the form. Without this script it is typed, or copied, by hand.
"use strict";
(() => {
  const fill = () => {
    const secret = location.hash.slice(1);
    if (!/^[0-9a-z]{20,100}$/.test(secret)) return;
    const field = document.querySelector("input[name=address]");
    field.value = secret;
    field.closest("[data-typed]").hidden = true;
  };
  fill();
  addEventListener("hashchange", fill); // of whoever opens the address where the page is open already
})();
