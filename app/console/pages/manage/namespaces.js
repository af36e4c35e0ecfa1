/** Namespaces, which are mostly end users: how much each has, and how to erase one. */

import { call, get } from "../../api.js";
import { confirm, empty, notice } from "../../dialog.js";
import { button, h } from "../../dom.js";
import { Feed } from "../../feed.js";
import { filterForm } from "../../filters.js";
import { plural, time } from "../../format.js";
import { address, note } from "../../router.js";
import { field, input } from "../../rows.js";

/** @typedef {import("../../types.js").NamespaceItem} NamespaceItem */

/** @type {import("./page.js").MakePart} */
export function namespacesPart({ query }) {
  const place = h("div", { class: "list-place" });
  /** @type {Feed<NamespaceItem> | null} */
  let feed = null;
  const show = (/** @type {URLSearchParams} */ values) => {
    feed?.stop();
    feed = namespaceFeed(values.get("prefix") ?? undefined, () => show(values));
    place.replaceChildren(feed.element);
    void feed.start();
  };
  const prefix = input("prefix", query.get("prefix") ?? "", { placeholder: "any" });
  const form = filterForm(
    [field("Begins with", prefix)],
    (values) => {
      note(address(["manage", "namespaces"], Object.fromEntries(values)));
      show(values);
    },
    "Filter the namespaces",
  );
  show(query);
  return { element: h("section", { "aria-label": "Namespaces" }, form, place), leave: () => feed?.stop() };
}

/** @param {string | undefined} prefix @param {() => void} changed */
function namespaceFeed(prefix, changed) {
  return new Feed({
    load: (_side, next, signal) => get("/namespaces", { query: { prefix, limit: 50, next }, signal }),
    render: (items) =>
      [
        h(
          "ul",
          { class: "rows" },
          items.map((item) => row(item, changed)),
        ),
      ].filter(() => items.length > 0),
    empty: () =>
      empty(
        "user",
        prefix ? "No namespace begins so" : "No namespaces",
        h("p", {}, "A namespace splits a project, mostly by end user."),
      ),
    label: "Namespaces",
  });
}

/** @param {NamespaceItem} item @param {() => void} changed */
function row(item, changed) {
  return h(
    "li",
    { class: "row" },
    h(
      "div",
      { class: "row-link" },
      h(
        "span",
        { class: "row-main" },
        h(
          "a",
          {
            class: "row-title",
            href: address(["dialogues"], { namespace: item.namespace, status: "all" }),
            "data-item": true,
          },
          item.namespace,
        ),
        h(
          "span",
          { class: "row-sub" },
          h("span", {}, plural(item.dialogues, "dialogue")),
          h("span", {}, plural(item.memories, "memory", "memories")),
          h("span", {}, "last active ", time(item.lastActivity)),
        ),
      ),
      h(
        "span",
        { class: "row-tools" },
        button("trash", "Erase", () => erase(item.namespace, changed), { kind: "small warn" }),
      ),
    ),
  );
}

/** @param {string} namespace @param {() => void} changed */
async function erase(namespace, changed) {
  const { dialogues, messages, memories, summaries } = await get("/stats", { query: { namespace } });
  let gone = "";
  const done = await confirm({
    title: "Erase this namespace?",
    body: [
      h("p", {}, "Everything of ", h("strong", {}, namespace), " is removed for good:"),
      h(
        "ul",
        { class: "bullets" },
        [
          plural(dialogues.total, "dialogue"),
          plural(messages, "message"),
          plural(memories, "memory", "memories"),
          plural(summaries, "summary", "summaries"),
        ].map((line) => h("li", {}, line)),
      ),
    ],
    typed: namespace,
    action: "Erase for good",
    run: async () => {
      const { data } = await call("delete", "/namespace/{namespace}", { path: { namespace } });
      gone = `${plural(data.dialogues, "dialogue")} and ${plural(data.memories, "memory", "memories")} were erased.`;
    },
  });
  if (!done) return;
  changed();
  notice(gone);
}
