/** The memories of the project. */

import { get } from "../api.js";
import { empty } from "../dialog.js";
import { h } from "../dom.js";
import { Feed } from "../feed.js";
import { filterForm, namespaceOf } from "../filters.js";
import { shorten, time } from "../format.js";
import { stringify } from "../json.js";
import { address, note } from "../router.js";
import { field, input, namespaceMark, pageHead, pieces, tagList, tagsOf, titleLine } from "../rows.js";
import { session } from "../session.js";

/** @typedef {import("../types.js").Memory} Memory */

/** @type {import("../router.js").Page} */
export function memoriesPage({ query }) {
  const list = h("div", { class: "list-place" });
  /** @type {Feed<any> | null} */
  let feed = null;
  const show = (/** @type {URLSearchParams} */ values) => {
    feed?.stop();
    feed = memoryFeed(values);
    list.replaceChildren(feed.element);
    void feed.start();
  };
  const form = filterForm(
    [
      session.namespace
        ? null
        : field("Namespace", input("namespace", query.get("namespace") ?? "", { placeholder: "any" })),
      field("Tags", input("tags", query.get("tags") ?? "", { placeholder: "any" })),
    ],
    (values) => {
      note(address(["memories"], Object.fromEntries(values)));
      show(values);
    },
    "Filter the memories",
  );
  show(query);
  return {
    element: h("div", { class: "page" }, pageHead("Memories", null, "Facts that outlive a conversation."), form, list),
    title: "Memories",
    keep: true,
    leave: () => feed?.stop(),
  };
}

/** @param {URLSearchParams} values */
function memoryFeed(values) {
  const filter = { namespace: namespaceOf(values), tag: tagsOf(values.get("tags") ?? ""), limit: 50 };
  return new Feed({
    load: (_side, next, signal) => get("/memory", { query: { ...filter, next }, signal }),
    render: (items) =>
      [
        h(
          "ul",
          { class: "rows" },
          items.map((item) => memoryRow(item)),
        ),
      ].filter(() => items.length > 0),
    empty: () =>
      empty(
        "memory",
        [...values.keys()].length > 0 ? "Nothing fits this filter" : "No memories yet",
        h("p", {}, "They are written with ", h("code", {}, "POST /memory"), "."),
      ),
    label: "Memories",
    pages: 6,
  });
}

/** @param {Memory} memory @param {import("../types.js").Highlight[]} [highlights] */
export function memoryRow(memory, highlights = []) {
  const value = typeof memory.value === "string" ? memory.value : (stringify(memory.value) ?? "");
  return h(
    "li",
    { class: "row" },
    h(
      "a",
      { href: address(["memory", memory.id], { namespace: memory.namespace }), class: "row-link", "data-item": true },
      h(
        "span",
        { class: "row-main" },
        titleLine(memory, highlights),
        pieces(highlights) ?? h("span", { class: "row-value" }, shorten(value, 160)),
        h(
          "span",
          { class: "row-sub" },
          memory.label && h("code", {}, memory.id),
          namespaceMark(memory.namespace),
          tagList(memory.tags, highlights),
        ),
      ),
      h("span", { class: "row-facts" }, h("span", { class: "row-time" }, time(memory.modified))),
    ),
  );
}
