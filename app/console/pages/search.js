/** Search over dialogues, messages and memories. */

import { call } from "../api.js";
import { excerpt } from "../content.js";
import { empty, errorBox, loading } from "../dialog.js";
import { h, icon, replace } from "../dom.js";
import { filterForm, namespaceOf } from "../filters.js";
import { dayEnd, dayStart, plural, time } from "../format.js";
import { address, dialogueAddress, note } from "../router.js";
import { dialogueRow, field, input, namespaceMark, pageHead, select, tagList, tagsOf } from "../rows.js";
import { session } from "../session.js";
import { memoryRow } from "./memories.js";

/** @typedef {import("../types.js").SearchRequest} SearchRequest */
/** @typedef {import("../types.js").SearchResult} SearchResult */
/** @typedef {import("../types.js").Message} Message */

/** @type {import("../router.js").Page} */
export function searchPage({ query, signal }) {
  const results = h("div", { class: "list-place", "aria-live": "polite" });
  let latest = 0;
  const search = async (/** @type {URLSearchParams} */ values) => {
    const turn = (latest += 1);
    const found = await answer(values, signal, results);
    if (turn === latest) replace(results, found);
  };
  const words = input("q", query.get("q") ?? "", {
    type: "search",
    "aria-label": "Search for",
    placeholder: "Words, names, numbers…",
    class: "search-field",
    maxlength: 1000,
  });
  const form = filterForm(
    controls(query),
    (values) => {
      note(address(["search"], Object.fromEntries(values)));
      void search(values);
    },
    "Search",
    h("div", { class: "search-box" }, icon("search"), words),
  );
  void search(query);
  return {
    element: h("div", { class: "page" }, pageHead("Search"), form, results),
    title: "Search",
    keep: true,
    focus: () => !query.get("q") && words.focus(),
  };
}

/** @param {URLSearchParams} query */
function controls(query) {
  return [
    field(
      "Look in",
      select("in", query.get("in") ?? "message", [
        ["message", "Messages"],
        ["dialogue", "Dialogues"],
        ["memory", "Memories"],
      ]),
    ),
    session.namespace
      ? null
      : field("Namespace", input("namespace", query.get("namespace") ?? "", { placeholder: "any" })),
    field("Tags, any of", input("tags", query.get("tags") ?? "", { placeholder: "any" })),
    field("From", input("from", query.get("from") ?? "", { type: "date" })),
    field("To", input("to", query.get("to") ?? "", { type: "date" })),
    field(
      "Order",
      select("order", query.get("order") ?? "", [
        ["", "Best first"],
        ["created", "Newest first"],
      ]),
    ),
  ];
}

/** @param {URLSearchParams} values @returns {SearchRequest} */
function request(values) {
  const tags = tagsOf(values.get("tags") ?? "");
  const gte = dayStart(values.get("from"));
  const lte = dayEnd(values.get("to"));
  const between = gte || lte ? { created: { ...(gte && { gte }), ...(lte && { lte }) } } : undefined;
  return {
    query: values.get("q") ?? "",
    object: /** @type {any} */ (values.get("in") ?? "message"),
    namespace: namespaceOf(values),
    tags: tags.length > 0 ? tags : undefined,
    filter: between,
    orderBy: values.get("order") === "created" ? "created" : undefined,
    limit: 50,
  };
}

/** @param {URLSearchParams} values @param {AbortSignal} signal @param {HTMLElement} place @returns {Promise<Node>} */
async function answer(values, signal, place) {
  if (!values.get("q"))
    return empty("search", "Search all conversations", h("p", {}, "Word forms, accents and case do not matter."));
  replace(place, loading(5));
  try {
    const { data } = await call("post", "/search", { body: request(values), signal });
    return found(data.results);
  } catch (error) {
    return errorBox(error);
  }
}

/** @param {SearchResult[]} results */
function found(results) {
  if (results.length === 0)
    return empty("search", "Nothing was found", h("p", {}, "Fewer or other words may help, or fewer filters."));
  return h(
    "div",
    {},
    h("p", { class: "hint" }, plural(results.length, "result")),
    h("ul", { class: "rows" }, results.map(resultRow)),
  );
}

/** @param {SearchResult} result */
function resultRow(result) {
  if (result.object === "memory") return memoryRow(result.item);
  if (result.object === "message") return h("li", { class: "row" }, messageHit(result.item));
  const evidence = (result.matches ?? []).map((match) =>
    h("li", {}, messageHit("item" in match ? /** @type {any} */ (match).item : match)),
  );
  return dialogueRow(result.item, "created", evidence.length > 0 && h("ul", { class: "evidence" }, evidence));
}

/** @param {Message} message */
function messageHit(message) {
  return h(
    "a",
    {
      href: dialogueAddress({ id: message.dialogueId, namespace: message.namespace }, { message: message.id }),
      class: "row-link hit",
      "data-item": true,
    },
    h(
      "span",
      { class: "row-main" },
      h("span", { class: "hit-text" }, excerpt(message.content, message.role)),
      h(
        "span",
        { class: "row-sub" },
        h("span", { class: `role ${message.role}` }, message.role),
        h("code", {}, message.dialogueId),
        namespaceMark(message.namespace),
        tagList(message.tags),
        time(message.created),
      ),
    ),
  );
}
