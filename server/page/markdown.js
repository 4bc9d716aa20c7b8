// SPDX-License-Identifier: Apache-2.0
//
// Markdown of answers as elements. Nothing of it is ever parsed as HTML: texts become text nodes, and links have to begin with
// http or https. An answer that is still being written is shown as far as it has come.

const element = (name, children = [], attributes = {}) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

// Code first, in which nothing else has a meaning.
const INLINE = /(`+)(.+?)\1|\\\((.+?)\\\)|\$([^\s$](?:[^$\n]*[^\s$\\])?)\$(?!\d)|\*\*(.+?)\*\*|__(.+?)__|\*([^\s*](?:[^*]*[^\s*])?)\*|~~(.+?)~~|\[([^\]]+)\]\((https?:\/\/[^\s)]+)\)/s;

function inline(text) {
  const parts = [];
  for (let found; (found = INLINE.exec(text));) {
    if (found.index > 0) parts.push(text.slice(0, found.index));
    const [whole, , code, math, dollars, bold, underlined, italic, struck, label, address] = found;
    if (code !== undefined) parts.push(element("code", [code.trim()]));
    else if (math ?? dollars) parts.push(element("span", [math ?? dollars], { class: "math" }));
    else if (bold ?? underlined) parts.push(element("strong", inline(bold ?? underlined)));
    else if (italic !== undefined) parts.push(element("em", inline(italic)));
    else if (struck !== undefined) parts.push(element("s", inline(struck)));
    else parts.push(element("a", inline(label), { href: address, rel: "noopener noreferrer nofollow", target: "_blank" }));
    text = text.slice(found.index + whole.length);
  }
  if (text) parts.push(text);
  return parts;
}

function withBreaks(lines) {
  return lines.flatMap((line, i) => (i === 0 ? inline(line) : [element("br"), ...inline(line)]));
}

const LIST = /^(\s*)([-*+]|\d{1,9}[.)])\s+/;
const FENCE = /^\s*(`{3,}|~{3,})\s*([\w+#.-]*)/;
const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());

class Blocks {
  constructor(text) {
    this.lines = text.split("\n");
    this.at = 0;
  }
  get line() { return this.lines[this.at]; }
  take(fits) {
    const taken = [];
    while (this.at < this.lines.length && fits(this.line)) taken.push(this.lines[this.at++]);
    return taken;
  }

  all() {
    const blocks = [];
    while (this.at < this.lines.length) {
      if (!this.line.trim()) this.at++;
      else blocks.push(this.fence() ?? this.display() ?? this.heading() ?? this.rule() ?? this.quote() ?? this.list() ?? this.table() ?? this.paragraph());
    }
    return blocks;
  }
  fence() {
    const found = FENCE.exec(this.line);
    if (!found) return null;
    this.at++;
    const lines = this.take((line) => line.trim() !== found[1]);
    this.at++;
    return element("pre", [element("code", [lines.join("\n")], found[2] ? { "data-language": found[2] } : {})]);
  }
  display() {
    const end = { "$$": "$$", "\\[": "\\]" }[this.line.trim()];
    if (!end) return null;
    this.at++;
    const lines = this.take((line) => line.trim() !== end);
    this.at++;
    return element("pre", [lines.join("\n")], { class: "math" });
  }
  heading() {
    const found = /^(#{1,6})\s+(.*)$/.exec(this.line);
    if (!found) return null;
    this.at++;
    return element(`h${Math.min(found[1].length + 2, 6)}`, inline(found[2]));
  }
  rule() {
    if (!/^\s*([-*_])(\s*\1){2,}\s*$/.test(this.line)) return null;
    this.at++;
    return element("hr");
  }
  quote() {
    const lines = this.take((line) => line.startsWith(">"));
    return lines.length ? element("blockquote", new Blocks(lines.map((line) => line.replace(/^> ?/, "")).join("\n")).all()) : null;
  }
  list() {
    const first = LIST.exec(this.line);
    if (!first) return null;
    const indent = first[1].length, items = [];
    while (this.at < this.lines.length) {
      const found = LIST.exec(this.line);
      if (!found || found[1].length !== indent) break;
      const lines = [this.lines[this.at++].slice(found[0].length)];
      lines.push(...this.take((line) => line.trim() && line.search(/\S/) > indent).map((line) => line.slice(Math.min(line.search(/\S/), found[0].length))));
      const nested = lines.findIndex((line, i) => i > 0 && LIST.test(line));
      const own = nested < 0 ? lines : lines.slice(0, nested);
      items.push(element("li", [...withBreaks(own), ...(nested < 0 ? [] : new Blocks(lines.slice(nested).join("\n")).all())]));
    }
    const start = parseInt(first[2], 10);
    return Number.isNaN(start) ? element("ul", items) : element("ol", items, { start });
  }
  table() {
    const rule = this.lines[this.at + 1];
    if (!this.line.includes("|") || !rule || !/^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/.test(rule) || !rule.includes("-")) return null;
    const head = cells(this.line).map((cell) => element("th", inline(cell)));
    this.at += 2;
    const rows = this.take((line) => line.includes("|")).map((line) => element("tr", cells(line).map((cell) => element("td", inline(cell)))));
    return element("table", [element("thead", [element("tr", head)]), element("tbody", rows)]);
  }
  paragraph() {
    const lines = [this.lines[this.at++]];
    lines.push(...this.take((line) => line.trim() && !FENCE.test(line) && !LIST.test(line) && !/^(#{1,6}\s|>)/.test(line)));
    return element("p", withBreaks(lines));
  }
}

export function render(text) {
  return new Blocks(text).all();
}
