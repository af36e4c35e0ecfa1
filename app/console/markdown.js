/**
 * Markdown as elements. marked only reads it: each of its tokens becomes an element of a fixed set here, and no
 * HTML is ever parsed, so that what a message holds cannot run or load anything. HTML in it is shown as text.
 */

import { copyButton, h } from "./dom.js";
import { own } from "./json.js";
import { Lexer } from "./vendor/marked.js";

/** @typedef {import("./vendor/marked.js").Token} Token */
/** @typedef {import("./dom.js").Child} Child */

/** Longer texts are shown as they are: reading Markdown may take time that grows faster than the text. */
const LONGEST = 40_000;
/** Deeper quotes and lists are shown as text. */
const DEEPEST = 24;

/** @param {string} text */
export function markdown(text) {
  const body = h("div", { class: "prose", dir: "auto" });
  if (text.length > LONGEST) return h("div", { class: "prose", dir: "auto" }, h("p", { class: "plain" }, text));
  try {
    body.append(...blocks(new Lexer({ gfm: true, breaks: true }).lex(text), 0));
  } catch {
    body.replaceChildren(h("p", { class: "plain" }, text));
  }
  return body;
}

/** @param {Token[]} tokens @param {number} depth @returns {Node[]} */
function blocks(tokens, depth) {
  return tokens.filter((token) => token.type !== "space" && token.type !== "def").map((token) => block(token, depth));
}

/** @param {Token} token @param {number} depth @returns {Node} */
function block(token, depth) {
  if (depth > DEEPEST) return h("p", { class: "plain" }, token.raw);
  const make = own(BLOCKS, token.type);
  return make ? make(token, depth) : h("p", {}, inline([token], depth));
}

/** @type {Record<string, (token: any, depth: number) => Node>} */
const BLOCKS = {
  heading: (token, depth) => h("p", { class: `heading level-${token.depth}` }, inline(token.tokens, depth)),
  paragraph: (token, depth) => h("p", {}, inline(token.tokens, depth)),
  html: (token) => h("p", { class: "plain" }, token.raw.trimEnd()),
  code: (token) => codeBlock(token.text, token.lang),
  hr: () => h("hr"),
  blockquote: (token, depth) => h("blockquote", {}, blocks(token.tokens, depth + 1)),
  list: (token, depth) => list(token, depth),
  table: (token, depth) => table(token, depth),
};

/** @param {any} token @param {number} depth */
function list(token, depth) {
  const items = token.items.map((/** @type {any} */ item) =>
    h("li", {}, item.task && (item.checked ? "☑ " : "☐ "), listItem(item, depth + 1)),
  );
  return token.ordered ? h("ol", { start: Number(token.start) || 1 }, items) : h("ul", {}, items);
}

/** @param {any} item @param {number} depth @returns {Child[]} */
function listItem(item, depth) {
  if (depth > DEEPEST) return [item.raw];
  const shown = item.tokens.filter((/** @type {Token} */ token) => token.type !== "space" && token.type !== "checkbox");
  return shown.map((/** @type {any} */ token) =>
    token.type === "text" ? inline(token.tokens ?? [token], depth) : block(token, depth),
  );
}

/** @param {any} token @param {number} depth */
function table(token, depth) {
  const cells = (/** @type {"td" | "th"} */ tag, /** @type {any[]} */ row) =>
    row.map((cell) => h(tag, { class: cell.align && `align-${cell.align}` }, inline(cell.tokens, depth)));
  return h(
    "div",
    { class: "table-scroll", tabindex: 0, role: "region", "aria-label": "Table" },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, cells("th", token.header))),
      h(
        "tbody",
        {},
        token.rows.map((/** @type {any[]} */ row) => h("tr", {}, cells("td", row))),
      ),
    ),
  );
}

/** @param {any[]} tokens @param {number} depth @returns {Child[]} */
function inline(tokens, depth) {
  if (depth > DEEPEST) return tokens.map((token) => token.raw);
  return tokens.map((token) => {
    const make = own(INLINE, token.type);
    if (make) return make(token, depth + 1);
    return token.tokens ? inline(token.tokens, depth + 1) : decode(token);
  });
}

/** @type {Record<string, (token: any, depth: number) => Child>} */
const INLINE = {
  strong: (token, depth) => h("strong", {}, inline(token.tokens, depth)),
  em: (token, depth) => h("em", {}, inline(token.tokens, depth)),
  del: (token, depth) => h("del", {}, inline(token.tokens, depth)),
  codespan: (token) => h("code", {}, token.text),
  br: () => h("br"),
  html: (token) => token.raw,
  escape: (token) => token.text,
  link: (token, depth) => link(token.href, inline(token.tokens, depth)),
  image: (token) => image(token.href, token.text),
};

/** The entities that Markdown allows in text, the usual few. @param {any} token */
function decode(token) {
  const text = /** @type {string} */ (token.text ?? token.raw);
  return text.replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (_, name) => ENTITIES[name] ?? "");
}

/** @type {Record<string, string>} */
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", nbsp: "\u00a0" };

/** The address, if it leads to a page or a mailbox and to nothing else. @param {string} href */
export function safeAddress(href) {
  const url = URL.parse ? URL.parse(href) : parseUrl(href);
  return url && ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
}

/** @param {string} href */
function parseUrl(href) {
  try {
    return new URL(href);
  } catch {
    return null;
  }
}

/** A link that says where it leads, or its text alone. @param {string} href @param {Child[]} children */
function link(href, children) {
  const address = safeAddress(href);
  if (!address) return h("span", { class: "dead-link", title: "This address cannot be opened from here" }, children);
  return h(
    "a",
    {
      href: address,
      title: address,
      target: "_blank",
      rel: "noopener noreferrer nofollow",
      referrerpolicy: "no-referrer",
    },
    children,
  );
}

const INLINE_IMAGE = /^data:image\/(png|jpeg|gif|webp|avif);base64,[A-Za-z0-9+/=\s]+$/;

/** An image that the message itself carries; of any other only where it is, to be opened by hand. @param {string} source @param {string} text */
export function image(source, text = "") {
  if (INLINE_IMAGE.test(source))
    return h("img", { src: source, alt: text || "Image in this message", class: "picture" });
  const address = safeAddress(source);
  if (!address?.startsWith("http")) return h("span", { class: "dead-link" }, text || "An image that cannot be shown");
  return h(
    "span",
    { class: "remote-image" },
    text || "Image",
    " ",
    link(address, [`open at ${new URL(address).host}`]),
  );
}

/** @param {string} text @param {string} [language] */
export function codeBlock(text, language) {
  const name = (language ?? "").split(/\s/)[0]?.slice(0, 30) ?? "";
  return h(
    "figure",
    { class: "code", dir: "ltr" },
    h("figcaption", {}, h("span", {}, name), copyButton("Copy code", text)),
    h("pre", { tabindex: 0 }, h("code", {}, text)),
  );
}
