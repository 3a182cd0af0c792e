// The puzzle of the report form: a number n for which SHA-256(challenge ":" n) begins with so
// many zero bits. It is worked on while somebody writes, a little at a time, and proves nothing
// but that a computer was busy for a moment: so nobody has to say who they are. Without this
// script a form is taken that is a minute old, and few of those.
"use strict";
(() => {
  const form = document.querySelector("form[data-bits]");
  if (!form) return;
  const bits = Number(form.dataset.bits), status = form.querySelector("[data-status]");
  status.textContent = ""; // it tells who has no script to wait

  // The constants of SHA-256 are the first bits of roots of the first primes.
  const k = [], start = [];
  for (let n = 2; k.length < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
    if (!prime) continue;
    const part = (x) => ((x - Math.floor(x)) * 4294967296) | 0;
    if (start.length < 8) start.push(part(Math.sqrt(n)));
    k.push(part(Math.cbrt(n)));
  }
  const w = new Int32Array(64);
  function block(state, bytes, from) {
    for (let i = 0; i < 16; i++) {
      const j = from + 4 * i;
      w[i] = (bytes[j] << 24) | (bytes[j + 1] << 16) | (bytes[j + 2] << 8) | bytes[j + 3];
    }
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15], y = w[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + k[i] + w[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
    }
    return [state[0] + a | 0, state[1] + b | 0, state[2] + c | 0, state[3] + d | 0, state[4] + e | 0, state[5] + f | 0, state[6] + g | 0, state[7] + h | 0];
  }

  // What stands before n fills whole blocks but for the last, and is hashed once.
  const prefix = new TextEncoder().encode(form.elements.challenge.value + ":");
  const whole = prefix.length - prefix.length % 64;
  let before = start;
  for (let i = 0; i < whole; i += 64) before = block(before, prefix, i);
  function solves(n) {
    const digits = String(n), length = prefix.length + digits.length, rest = prefix.length - whole;
    const end = new Uint8Array(rest + digits.length + 9 > 64 ? 128 : 64);
    end.set(prefix.subarray(whole));
    for (let i = 0; i < digits.length; i++) end[rest + i] = digits.charCodeAt(i);
    end[rest + digits.length] = 0x80;
    new DataView(end.buffer).setUint32(end.length - 4, length * 8);
    let state = before;
    for (let i = 0; i < end.length; i += 64) state = block(state, end, i);
    return Math.clz32(state[0]) >= bits; // 32 at most, and bits is less
  }

  let n = 0, solved = false, waiting = false;
  function work() {
    const until = performance.now() + 20;
    while (performance.now() < until) {
      for (let i = 0; i < 200; i++, n++) {
        if (!solves(n)) continue;
        solved = true;
        form.elements.solution.value = n;
        if (waiting) form.requestSubmit();
        return;
      }
    }
    setTimeout(work);
  }
  form.addEventListener("submit", (event) => {
    if (solved) return;
    event.preventDefault();
    waiting = true;
    status.textContent = form.dataset.wait;
  });
  work();
})();
