/** How much was begun lately: bars, with the same in a table, and the namespaces with most dialogues. */

import { get } from "../api.js";
import { empty } from "../dialog.js";
import { h } from "../dom.js";
import { count, plural } from "../format.js";
import { address } from "../router.js";

/** @typedef {import("../types.js").UsageBucket} UsageBucket */
/** @typedef {"dialogues" | "messages"} Kind */

const PAGE = 500;
const MOST_PAGES = 20;
const SHOWN_NAMESPACES = 5;

/** @param {AbortSignal} signal */
export async function usage(signal) {
  const { items } = await get("/usage", { signal });
  return h(
    "div",
    { class: "usage" },
    h(
      "div",
      { class: "usage-charts" },
      chart("Messages a day", "messages", items),
      chart("Dialogues a day", "dialogues", items),
    ),
    h(
      "div",
      { class: "table-scroll usage-table", tabindex: 0, role: "region", "aria-label": "The same in numbers" },
      table(items),
    ),
  );
}

/** @param {string} title @param {Kind} kind @param {UsageBucket[]} items */
function chart(title, kind, items) {
  const most = Math.max(1, ...items.map((item) => item[kind]));
  const bars = items.map((item) => {
    const bar = h("span", { class: "bar", title: `${item.start}: ${count(item[kind])}` });
    bar.style.setProperty("--share", String(item[kind] / most));
    return bar;
  });
  const total = items.reduce((sum, item) => sum + item[kind], 0);
  return h(
    "figure",
    { class: "chart" },
    h(
      "figcaption",
      {},
      h("span", {}, title),
      h("span", { class: "chart-total" }, `${count(total)} in ${items.length} days`),
    ),
    h("div", { class: "bars", "aria-hidden": "true" }, bars),
    h(
      "div",
      { class: "chart-ends", "aria-hidden": "true" },
      h("span", {}, items[0]?.start),
      h("span", {}, items.at(-1)?.start),
    ),
  );
}

/** @param {UsageBucket[]} items */
function table(items) {
  const heads = ["Day", "Dialogues", "Messages"];
  return h(
    "table",
    {},
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        heads.map((head) => h("th", { scope: "col" }, head)),
      ),
    ),
    h(
      "tbody",
      {},
      items
        .toReversed()
        .map((item) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, item.start),
            h("td", {}, count(item.dialogues)),
            h("td", {}, count(item.messages)),
          ),
        ),
    ),
  );
}

/** Those with most dialogues; the API lists namespaces by name alone. @param {AbortSignal} signal */
export async function busiest(signal) {
  /** @type {import("../types.js").NamespaceItem[]} */
  let first = [];
  /** @type {string | undefined} */
  let next;
  for (let pages = 0; pages === 0 || (next && pages < MOST_PAGES); pages++) {
    const page = await get("/namespaces", { query: { limit: PAGE, next }, signal });
    first = [...first, ...page.items].toSorted((one, other) => other.dialogues - one.dialogues);
    first.splice(SHOWN_NAMESPACES);
    next = page.next;
  }
  if (first.length === 0) return empty("user", "No namespaces");
  return h(
    "div",
    {},
    h(
      "ul",
      { class: "rows" },
      first.map((item) =>
        h(
          "li",
          { class: "row" },
          h(
            "a",
            {
              class: "row-link",
              href: address(["dialogues"], { namespace: item.namespace, status: "all" }),
              "data-item": true,
            },
            h("span", { class: "row-title" }, item.namespace),
            h("span", { class: "row-facts" }, plural(item.dialogues, "dialogue")),
          ),
        ),
      ),
    ),
    next && h("p", { class: "hint" }, `Of the first ${count(PAGE * MOST_PAGES)} namespaces by name.`),
  );
}
