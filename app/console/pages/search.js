/** Search over dialogues, messages and memories. */

import { call, get } from "../api.js";
import { excerpt } from "../content.js";
import { empty } from "../dialog.js";
import { h, icon } from "../dom.js";
import { Feed } from "../feed.js";
import { filterForm, namespaceOf } from "../filters.js";
import { dayEnd, dayStart, time } from "../format.js";
import { address, dialogueAddress, note } from "../router.js";
import { nameUnlabelled } from "../dialogue-list.js";
import { dialogueRow, field, input, namespaceMark, pageHead, pieces, select, tagList, tagsOf } from "../rows.js";
import { session } from "../session.js";
import { memoryRow } from "./memories.js";

/** @typedef {import("../types.js").SearchRequest} SearchRequest */
/** @typedef {import("../types.js").SearchResult} SearchResult */
/** @typedef {import("../types.js").MessageResult} MessageResult */

/** @type {import("../router.js").Page} */
export function searchPage({ query, signal }) {
  const place = h("div", { class: "list-place" });
  /** @type {Feed<SearchResult> | null} */
  let feed = null;
  const search = (/** @type {URLSearchParams} */ values) => {
    feed?.stop();
    feed = values.get("q") ? resultFeed(values, () => offerModes(mode, signal)) : null;
    place.replaceChildren(feed?.element ?? invitation());
    void feed?.start();
  };
  const words = input("q", query.get("q") ?? "", {
    type: "search",
    "aria-label": "Search for",
    placeholder: "Words, names, numbers…",
    class: "search-field",
    maxlength: 1000,
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      const first = event.key === "ArrowDown" && place.querySelector("[data-item]");
      if (!(first instanceof HTMLElement)) return;
      event.preventDefault();
      first.focus();
    },
  });
  const mode = modeField(query);
  if (!query.get("q")) void offerModes(mode, signal);
  const form = filterForm(
    [mode, ...controls(query)],
    (values) => {
      note(address(["search"], Object.fromEntries(values)));
      search(values);
    },
    "Search",
    h("div", { class: "search-box" }, icon("search"), words),
  );
  search(query);
  return {
    element: h("div", { class: "page" }, pageHead("Search"), form, place),
    title: "Search",
    keep: true,
    leave: () => feed?.stop(),
    focus: () => !query.get("q") && words.focus(),
  };
}

/** How to find: there is a choice only where the server has an embedder. @param {URLSearchParams} query */
function modeField(query) {
  const modes = select("mode", query.get("mode") ?? "", [
    ["", "Both"],
    ["keyword", "Words"],
    ["meaning", "Meaning"],
  ]);
  const element = field("Find by", modes);
  element.hidden = true;
  return element;
}

/** @param {HTMLElement} element @param {AbortSignal} signal */
async function offerModes(element, signal) {
  if (element.dataset.known) return;
  try {
    const stats = await get("/stats", { query: { namespace: session.namespace }, signal });
    element.dataset.known = "true";
    element.hidden = !stats.meaning;
  } catch {
    // A search by words needs no choice; what is wrong, the search itself will say.
  }
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

const invitation = () =>
  empty(
    "search",
    "Search all conversations",
    h(
      "p",
      {},
      "Word forms, accents and case do not matter. ",
      h("code", {}, '"quoted words"'),
      " stand side by side, ",
      h("code", {}, "-word"),
      " leaves out.",
    ),
  );

/** @param {URLSearchParams} values @returns {SearchRequest} */
function request(values) {
  const tags = tagsOf(values.get("tags") ?? "");
  const gte = dayStart(values.get("from"));
  const lte = dayEnd(values.get("to"));
  return {
    query: values.get("q") ?? "",
    object: /** @type {any} */ (values.get("in") ?? "message"),
    mode: /** @type {any} */ (values.get("mode") ?? undefined),
    namespace: namespaceOf(values),
    tags: tags.length > 0 ? tags : undefined,
    filter: gte || lte ? { created: { ...(gte && { gte }), ...(lte && { lte }) } } : undefined,
    orderBy: values.get("order") === "created" ? "created" : undefined,
    prefix: true,
    limit: 30,
  };
}

/** @param {URLSearchParams} values @param {() => unknown} asked called when the server has been asked @returns {Feed<SearchResult>} */
function resultFeed(values, asked) {
  return new Feed({
    load: async (_side, next, signal) => {
      asked();
      const { data } = await call("post", "/search", { body: { ...request(values), next }, signal });
      return { items: data.results, next: data.next };
    },
    render: (results, signal) => [resultList(results, signal)].filter(() => results.length > 0),
    empty: () => empty("search", "Nothing was found", h("p", {}, "Fewer or other words may help, or fewer filters.")),
    label: "Results",
    pages: 10,
  });
}

/** @param {SearchResult[]} results @param {AbortSignal} signal */
function resultList(results, signal) {
  const rows = results.map(resultRow);
  const dialogues = results.flatMap((result) => (result.object === "dialogue" ? [result.item] : []));
  if (dialogues.length === rows.length) void nameUnlabelled(dialogues, rows, signal);
  return h("ul", { class: "rows" }, rows);
}

/** @param {SearchResult} result */
function resultRow(result) {
  if (result.object === "memory") return memoryRow(result.item, result.highlights);
  if (result.object === "message") return h("li", { class: "row" }, messageHit(result, placeOf(result.item)));
  const evidence = (result.matches ?? []).map((match) => h("li", {}, messageHit(match)));
  return dialogueRow(
    result.item,
    "created",
    evidence.length > 0 && h("ul", { class: "evidence" }, evidence),
    result.highlights,
  );
}

/** Which dialogue a message is of. @param {MessageResult["item"]} message */
const placeOf = (message) => [h("code", {}, message.dialogueId), namespaceMark(message.namespace)];

/** @param {MessageResult} result @param {import("../dom.js").Child} [place] */
function messageHit({ item: message, highlights = [] }, place) {
  const text =
    pieces(highlights, message.content) ?? h("span", { class: "hit-text" }, excerpt(message.content, message.role));
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
      text,
      h(
        "span",
        { class: "row-sub" },
        h("span", { class: `role ${message.role}` }, message.role),
        place,
        tagList(message.tags, highlights),
        time(message.created),
      ),
    ),
  );
}
