// SPDX-License-Identifier: Apache-2.0
//
// Conversations, kept in this browser. Each is a tree: an edit and another answer are branches, and one path from the root to a
// leaf is shown.

const KEY = "krait.conversations";

export class Conversation {
  constructor(data) {
    Object.assign(this, { id: crypto.randomUUID?.() ?? String(Math.random()), title: "", nodes: [], leaf: -1, changed: Date.now() }, data);
  }

  // From the first message to the leaf.
  path(leaf = this.leaf) {
    const path = [];
    for (let at = leaf; at >= 0; at = this.nodes[at].parent) path.unshift(at);
    return path;
  }
  add(parent, role, text) {
    this.nodes.push({ parent, role, text });
    this.leaf = this.nodes.length - 1;
    this.changed = Date.now();
    if (!this.title && role === "user") this.title = text.slice(0, 60);
    return this.leaf;
  }
  siblings(at) {
    return [...this.nodes.keys()].filter((i) => this.nodes[i].parent === this.nodes[at].parent);
  }
  // Shows the branch that a message begins: its latest message.
  choose(at) {
    for (let child; (child = this.nodes.findLastIndex((node) => node.parent === at)) >= 0;) at = child;
    this.leaf = at;
  }
  messages(system) {
    const list = this.path().map((at) => ({ role: this.nodes[at].role, content: this.nodes[at].text }));
    return system ? [{ role: "system", content: system }, ...list] : list;
  }
}

export function load() {
  try {
    return (JSON.parse(localStorage.getItem(KEY)) ?? []).map((data) => new Conversation(data));
  } catch {
    return [];
  }
}

// The oldest go where the browser gives no more room.
export function save(all) {
  const kept = all.filter((c) => c.nodes.length > 0).sort((a, b) => b.changed - a.changed);
  for (; kept.length > 0; kept.pop()) {
    try {
      return localStorage.setItem(KEY, JSON.stringify(kept));
    } catch {
      continue;
    }
  }
  localStorage.removeItem(KEY);
}
