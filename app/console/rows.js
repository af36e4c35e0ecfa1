/** Pieces that several pages share: a dialogue in a list, tags, status, namespace, field groups. */

import { h, icon } from "./dom.js";
import { plural, time } from "./format.js";
import { dialogueAddress, listBefore } from "./router.js";

/** @typedef {import("./types.js").DialogueListItem} DialogueListItem */
/** @typedef {import("./types.js").Highlight} Highlight */
/** @typedef {import("./dom.js").Child} Child */

/** @param {DialogueListItem["status"]} status */
export function statusMark(status) {
  return h("span", { class: `status ${status}` }, status);
}

/** @param {readonly string[]} tags @param {Highlight[]} [highlights] */
export function tagList(tags, highlights = []) {
  if (tags.length === 0) return null;
  const found = new Set(highlights.filter((piece) => piece.field === "tags").map((piece) => piece.text));
  return h(
    "span",
    { class: "tags" },
    tags.map((tag) => h("span", { class: "tag" }, found.has(tag) ? h("mark", {}, tag) : tag)),
  );
}

/** @param {string | undefined} namespace */
export function namespaceMark(namespace) {
  return namespace ? h("span", { class: "namespace", title: "Namespace" }, icon("user"), namespace) : null;
}

/** A title, with the words of a search marked in it. @param {{ label?: string, id: string }} item @param {Highlight[]} highlights */
export function titleLine(item, highlights) {
  const piece = highlights.find(({ field, text }) => field === "label" && text === item.label);
  return h("span", { class: "row-title" }, piece ? marked(piece) : titleOf(item));
}

/**
 * Pieces of what a search found beside title and tags; null if there are none. Where more of the whole text stands
 * before the first or after the last, dots say so.
 * @param {Highlight[]} highlights @param {unknown} [whole]
 */
export function pieces(highlights, whole) {
  const beside = highlights.filter((piece) => piece.field !== "label" && piece.field !== "tags");
  if (beside.length === 0) return null;
  return h(
    "span",
    { class: "hit-text" },
    !begins(whole, beside[0]?.text) && "… ",
    beside.map((piece, index) => [index > 0 && " … ", marked(piece)]),
    !ends(whole, beside.at(-1)?.text) && " …",
  );
}

/** @param {string} text */
const flat = (text) => text.replace(/\s+/g, " ").trim();

/** @param {unknown} whole only a text can be compared @param {string} [piece] */
const begins = (whole, piece = "") => typeof whole !== "string" || flat(whole).startsWith(flat(piece));

/** @param {unknown} whole @param {string} [piece] */
const ends = (whole, piece = "") => typeof whole !== "string" || flat(whole).endsWith(flat(piece));

/** Ranges count characters, not code units. @param {Highlight} highlight */
function marked({ text, ranges }) {
  const letters = Array.from(text);
  let end = 0;
  const parts = ranges.map(([from = 0, to = 0]) => {
    const before = letters.slice(end, from).join("");
    end = to;
    return [before, h("mark", {}, letters.slice(from, to).join(""))];
  });
  return [parts, letters.slice(end).join("")];
}

/** The name of a dialogue for people. @param {{ label?: string, id: string }} dialogue */
export const titleOf = (dialogue) => dialogue.label || dialogue.id;

/**
 * @param {DialogueListItem} dialogue @param {"created" | "modified" | "lastMessageCreated"} [by] @param {Child} [more]
 * @param {Highlight[]} [highlights] pieces with the words of a search
 */
export function dialogueRow(dialogue, by = "created", more, highlights = []) {
  const moment = dialogue[by] ?? dialogue.created;
  return h(
    "li",
    { class: "row" },
    h(
      "a",
      { href: dialogueAddress(dialogue), class: "row-link", "data-item": true },
      h(
        "span",
        { class: "row-main" },
        titleLine(dialogue, highlights),
        pieces(highlights),
        h(
          "span",
          { class: "row-sub" },
          dialogue.threadOf &&
            h("span", { class: "of", title: `A thread of ${dialogue.threadOf}` }, icon("branch"), "thread"),
          dialogue.label && h("code", {}, dialogue.id),
          namespaceMark(dialogue.namespace),
          tagList(dialogue.tags, highlights),
        ),
      ),
      h(
        "span",
        { class: "row-facts" },
        statusMark(dialogue.status),
        h("span", { class: "row-count" }, plural(dialogue.totalMessages, "message")),
        h("span", { class: "row-time" }, time(moment)),
      ),
    ),
    more,
  );
}

/** @param {string} label @param {HTMLElement} control @param {string} [kind] */
export function field(label, control, kind = "") {
  return h("label", { class: `field ${kind}` }, h("span", {}, label), control);
}

/**
 * @param {string} name @param {string} value @param {[string, string][]} choices
 * @param {() => void} [change]
 */
export function select(name, value, choices, change) {
  const control = h(
    "select",
    { name, onchange: change },
    choices.map(([key, text]) => h("option", { value: key }, text)),
  );
  control.value = choices.some(([key]) => key === value) ? value : (choices[0]?.[0] ?? "");
  return control;
}

/** @param {string} name @param {string} value @param {Record<string, import("./dom.js").Value>} [more] */
export function input(name, value, more = {}) {
  const control = h("input", { type: "text", name, dir: "auto", autocomplete: "off", spellcheck: "false", ...more });
  control.value = value;
  return control;
}

/** Facts as terms and values; empty ones are left out. @param {[string, Child][]} entries */
export function facts(entries) {
  const known = entries.filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false);
  return h(
    "dl",
    { class: "facts" },
    known.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}

/** @param {string} title @param {Child} [aside] @param {Child} [intro] */
export function pageHead(title, aside, intro) {
  return h(
    "header",
    { class: "page-head" },
    h("div", {}, h("h1", {}, title), intro && h("p", { class: "intro" }, intro)),
    aside && h("div", { class: "page-actions" }, aside),
  );
}

/** To the list that the reader comes from, with its filters, else to the one that is named. @param {string} hash @param {string} title */
export function backLink(hash, title) {
  const list = listBefore(hash, title);
  return h("a", { href: list.hash, class: "back" }, list.title);
}

/** What a text field of comma-separated tags holds. @param {string} text */
export function tagsOf(text) {
  return [
    ...new Set(
      text
        .split(",")
        .map((tag) => tag.trim())
        .filter(Boolean),
    ),
  ];
}

/** What a text field of comma-separated `key=value` holds; what has no value yet is left out. @param {string} text */
export function metadataOf(text) {
  const pairs = tagsOf(text).map((pair) => /** @type {const} */ ([pair, pair.indexOf("=")]));
  const entries = pairs.filter(([, at]) => at > 0).map(([pair, at]) => [pair.slice(0, at), pair.slice(at + 1)]);
  return /** @type {Record<string, string>} */ (Object.fromEntries(entries));
}
