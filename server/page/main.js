// SPDX-License-Identifier: Apache-2.0
//
// The page: shows a conversation, sends messages, and shows answers as they come.
import * as api from "./api.js";
import { Conversation, load, save } from "./conversations.js";
import { render } from "./markdown.js";
import * as settings from "./settings.js";

const $ = (id) => document.getElementById(id);
let all = load();
let current = all[0] ?? new Conversation();
let running = null; // the AbortController of the answer in progress

const button = (text, label, action) => {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.ariaLabel = label;
  made.title = label;
  made.addEventListener("click", action);
  return made;
};

function figures(node) {
  const t = node.timings;
  if (!t) return "";
  const reused = t.cache_n ? `, ${t.cache_n} of ${t.cache_n + t.prompt_n} tokens reused` : "";
  return `${t.predicted_n} tokens, ${t.predicted_per_second.toFixed(1)} tokens/s${reused}`;
}

function footer(at) {
  const node = current.nodes[at];
  const made = document.createElement("footer");
  const siblings = current.siblings(at), place = siblings.indexOf(at);
  if (siblings.length > 1) {
    const go = (step) => () => { current.choose(siblings.at((place + step) % siblings.length)); showAll(); };
    made.append(button("‹", "Previous version", go(-1)), `${place + 1}/${siblings.length}`, button("›", "Next version", go(1)));
  }
  if (node.role === "user") made.append(button("Edit", "Edit this message", () => edit(at)));
  else made.append(button("Again", "Another answer", () => answer(node.parent)));
  made.append(button("Copy", "Copy the text", () => navigator.clipboard?.writeText(node.text)));
  const told = document.createElement("span");
  told.textContent = figures(node);
  made.append(told);
  return made;
}

function show(at) {
  const node = current.nodes[at];
  const article = document.createElement("article");
  article.className = node.role;
  article.dataset.at = at;
  const author = document.createElement("span");
  author.className = "hidden";
  author.textContent = node.role === "user" ? "You:" : "The model:";
  const text = document.createElement("div");
  text.className = "text";
  text.append(...render(node.text));
  article.append(author, text, footer(at));
  if (node.error) {
    const error = document.createElement("p");
    error.className = "error";
    error.textContent = node.error;
    article.append(error);
  }
  return article;
}

function showAll() {
  $("messages").replaceChildren(...current.path().map(show));
  $("messages").scrollTop = $("messages").scrollHeight;
  showList();
}

function showList() {
  const item = (conversation) => {
    const made = document.createElement("li");
    const open = button(conversation.title, conversation.title, () => { choose(conversation); });
    if (conversation === current) open.setAttribute("aria-current", "true");
    const remove = button("×", `Delete ${conversation.title}`, () => {
      all = all.filter((c) => c !== conversation);
      if (conversation === current) current = new Conversation();
      save(all);
      showAll();
    });
    made.append(open, remove);
    return made;
  };
  $("conversations").replaceChildren(...all.filter((c) => c.nodes.length).sort((a, b) => b.changed - a.changed).map(item));
}

function choose(conversation) {
  running?.abort();
  current = conversation;
  $("side").classList.remove("open");
  showAll();
  $("message").focus();
}

function edit(at) {
  const article = document.querySelector(`article[data-at="${at}"]`);
  const area = document.createElement("textarea");
  area.value = current.nodes[at].text;
  area.ariaLabel = "The message";
  const send = button("Send", "Send the edited message", () => say(area.value, current.nodes[at].parent));
  article.replaceChildren(area, send, button("Cancel", "Leave it as it is", showAll));
  area.focus();
}

function say(text, parent = current.leaf) {
  if (!text.trim() || running) return;
  if (!all.includes(current)) all.push(current);
  answer(current.add(parent, "user", text));
}

// Adds an answer to the message at `parent`, part by part.
async function answer(parent) {
  if (running) return;
  current.leaf = parent;
  const conversation = current;
  const request = { model: $("model").value, messages: current.messages(settings.system()), ...settings.sampling() };
  const node = conversation.nodes[conversation.add(parent, "assistant", "")];
  running = new AbortController();
  setRunning(true);
  showAll();
  let drawn = 0;
  const draw = () => {
    drawn = 0;
    if (conversation !== current) return;
    const area = $("messages"), follows = area.scrollHeight - area.scrollTop - area.clientHeight < 80;
    area.lastElementChild?.querySelector(".text")?.replaceChildren(...render(node.text));
    if (follows) area.scrollTop = area.scrollHeight;
  };
  try {
    for await (const part of api.chat(request, settings.key(), running.signal)) {
      if (part.timings) node.timings = part.timings;
      node.text += part.text ?? "";
      drawn ||= requestAnimationFrame(draw);
    }
  } catch (error) {
    if (error.name !== "AbortError") node.error = error.message;
  }
  running = null;
  setRunning(false);
  save(all);
  showAll();
}

function setRunning(is) {
  $("send").hidden = is;
  $("stop").hidden = !is;
  $("status").textContent = is ? "The model is answering." : "";
}

async function connect() {
  try {
    const names = await api.models(settings.key());
    $("model").replaceChildren(...names.map((name) => new Option(name)));
    $("status").textContent = "";
  } catch (error) {
    $("status").textContent = error.message;
  }
}

function setTheme(theme) {
  document.documentElement.className = theme;
  localStorage.setItem("krait.theme", theme);
}

settings.start();
setTheme(localStorage.getItem("krait.theme") ?? "");
$("theme").addEventListener("click", () => {
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const next = { "": isDark ? "light" : "dark", light: "dark", dark: "light" };
  setTheme(next[document.documentElement.className] ?? "");
});
$("new").addEventListener("click", () => choose(new Conversation()));
$("stop").addEventListener("click", () => running?.abort());
$("menu").addEventListener("click", () => $("menu").setAttribute("aria-expanded", $("side").classList.toggle("open")));
$("show-settings").addEventListener("click", () => {
  $("settings").hidden = !$("settings").hidden;
  $("show-settings").setAttribute("aria-expanded", !$("settings").hidden);
});
$("settings").addEventListener("submit", (event) => event.preventDefault());
$("key").addEventListener("change", () => { sessionStorage.setItem("krait.key", settings.key()); connect(); });
const send = () => { const text = $("message").value; if (running || !text.trim()) return; $("message").value = ""; say(text); };
$("compose").addEventListener("submit", (event) => { event.preventDefault(); send(); });
$("message").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(); }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") running?.abort();
  if (event.key === "O" && event.ctrlKey && event.shiftKey) { event.preventDefault(); choose(new Conversation()); }
});
connect();
showAll();
