/** The dialogues of the project, by a filter that is the address. */

import { get } from "../api.js";
import { empty } from "../dialog.js";
import { dialogueList } from "../dialogue-list.js";
import { h } from "../dom.js";
import { Feed } from "../feed.js";
import { filterForm, namespaceOf } from "../filters.js";
import { dayEnd, dayStart } from "../format.js";
import { address, go, note } from "../router.js";
import { field, input, metadataOf, pageHead, select, tagsOf } from "../rows.js";
import { session } from "../session.js";

const PAGE = 50;

/** @typedef {{ label: string, by: "created" | "modified" | "lastMessageCreated", order?: "asc" }} Order */

/** @type {Order} */
const LAST_ACTIVITY = { label: "Last activity", by: "lastMessageCreated" };

/** By what the address says. @type {Record<string, Order>} */
const ORDERS = {
  "": LAST_ACTIVITY,
  modified: { label: "Last change", by: "modified" },
  created: { label: "Newest first", by: "created" },
  asc: { label: "Oldest first", by: "created", order: "asc" },
};

/** @type {import("../router.js").Page} */
export function dialoguesPage({ query }) {
  const list = h("div", { class: "list-place" });
  /** @type {Feed<any> | null} */
  let feed = null;
  const show = (/** @type {URLSearchParams} */ values) => {
    feed?.stop();
    feed = dialogueFeed(values);
    list.replaceChildren(feed.element);
    void feed.start();
  };
  const form = filterForm(
    controls(query),
    (values) => {
      note(address(["dialogues"], Object.fromEntries(values)));
      show(values);
    },
    "Filter the dialogues",
  );
  const element = h("div", { class: "page" }, pageHead("Dialogues"), form, list);
  show(query);
  return { element, title: "Dialogues", keep: true, leave: () => feed?.stop() };
}

/** @param {URLSearchParams} query */
function controls(query) {
  const status = select("status", query.get("status") ?? "", [
    ["", "Active and ended"],
    ["active", "Active"],
    ["ended", "Ended"],
    ["archived", "Archived"],
    ["all", "All"],
  ]);
  const threads = select("roots", query.get("roots") ?? "", [
    ["", "Shown"],
    ["true", "Left out"],
  ]);
  const order = select(
    "order",
    query.get("order") ?? "",
    Object.entries(ORDERS).map(([name, { label }]) => [name, label]),
  );
  return [
    field("Status", status),
    session.namespace
      ? null
      : field("Namespace", input("namespace", query.get("namespace") ?? "", { placeholder: "any" })),
    field("Tags", input("tags", query.get("tags") ?? "", { placeholder: "any" })),
    field("Metadata", input("metadata", query.get("metadata") ?? "", { placeholder: "key=value, …" })),
    field("Threads", threads),
    field("Order", order),
    field("From", input("from", query.get("from") ?? "", { type: "date" })),
    field("To", input("to", query.get("to") ?? "", { type: "date" })),
  ];
}

/** @param {URLSearchParams} values */
function dialogueFeed(values) {
  const { by, order } = ORDERS[values.get("order") ?? ""] ?? LAST_ACTIVITY;
  const filter = {
    status: /** @type {any} */ (values.get("status") || undefined),
    namespace: namespaceOf(values),
    tag: tagsOf(values.get("tags") ?? ""),
    startDate: dayStart(values.get("from")),
    endDate: dayEnd(values.get("to")),
    roots: values.get("roots") === "true" || undefined,
    metadata: metadataOf(values.get("metadata") ?? ""),
    orderBy: by,
    order,
  };
  return new Feed({
    load: (_side, next, signal) => get("/dialogue", { query: { ...filter, limit: PAGE, next }, signal }),
    render: (items, signal) => [dialogueList(items, by, signal)].filter(() => items.length > 0),
    empty: () => nothing([...values.keys()].length > 0),
    label: "Dialogues",
    pages: 6,
  });
}

/** @param {boolean} filtered */
function nothing(filtered) {
  if (!filtered) {
    return empty(
      "dialogues",
      "No dialogues yet",
      h(
        "p",
        {},
        "Create one with ",
        h("code", {}, "POST /dialogue"),
        ", or bring a file with ",
        h("code", {}, "colloquy import FILE"),
        ".",
      ),
    );
  }
  return empty(
    "search",
    "Nothing fits this filter",
    h("button", { type: "button", class: "button", onclick: () => go("#/dialogues") }, "Show all"),
  );
}
