/** Pieces that several pages share: a dialogue in a list, tags, status, namespace, field groups. */

import { h, icon } from "./dom.js";
import { plural, time } from "./format.js";
import { dialogueAddress } from "./router.js";

/** @typedef {import("./types.js").DialogueListItem} DialogueListItem */
/** @typedef {import("./dom.js").Child} Child */

/** @param {DialogueListItem["status"]} status */
export function statusMark(status) {
  return h("span", { class: `status ${status}` }, status);
}

/** @param {readonly string[]} tags */
export function tagList(tags) {
  if (tags.length === 0) return null;
  return h(
    "span",
    { class: "tags" },
    tags.map((tag) => h("span", { class: "tag" }, tag)),
  );
}

/** @param {string | undefined} namespace */
export function namespaceMark(namespace) {
  return namespace ? h("span", { class: "namespace", title: "Namespace" }, icon("user"), namespace) : null;
}

/** The name of a dialogue for people. @param {{ label?: string, id: string }} dialogue */
export const titleOf = (dialogue) => dialogue.label || dialogue.id;

/** @param {DialogueListItem} dialogue @param {"created" | "modified" | "lastMessageCreated"} [by] @param {Child} [more] */
export function dialogueRow(dialogue, by = "created", more) {
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
        h("span", { class: "row-title" }, titleOf(dialogue)),
        h(
          "span",
          { class: "row-sub" },
          dialogue.threadOf &&
            h("span", { class: "of", title: `A thread of ${dialogue.threadOf}` }, icon("branch"), "thread"),
          dialogue.label && h("code", {}, dialogue.id),
          namespaceMark(dialogue.namespace),
          tagList(dialogue.tags),
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
  const control = h("input", { type: "text", name, autocomplete: "off", spellcheck: "false", ...more });
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
