// SPDX-License-Identifier: Apache-2.0
//
// Settings of answers, kept in this browser; the key for as long as the tab is open.

const NUMBERS = ["temperature", "top_p", "top_k", "min_p", "repetition_penalty", "max_tokens", "seed"];
const KEPT = [...NUMBERS, "system"];
const field = (name) => document.getElementById(name);

export function start() {
  const kept = JSON.parse(localStorage.getItem("krait.settings") ?? "{}");
  for (const name of KEPT) {
    field(name).value = kept[name] ?? "";
    field(name).addEventListener("change", () =>
      localStorage.setItem("krait.settings", JSON.stringify(Object.fromEntries(KEPT.map((n) => [n, field(n).value])))));
  }
  field("key").value = sessionStorage.getItem("krait.key") ?? "";
}

export const key = () => field("key").value;
export const system = () => field("system").value;

// Fields of a request; what is empty is the server's choice.
export function sampling() {
  return Object.fromEntries(NUMBERS.filter((name) => field(name).value !== "").map((name) => [name, Number(field(name).value)]));
}
