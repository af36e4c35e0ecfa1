/** Who did what to what, and when. */

import { get } from "../../api.js";
import { empty } from "../../dialog.js";
import { h } from "../../dom.js";
import { Feed } from "../../feed.js";
import { filterForm } from "../../filters.js";
import { dayEnd, dayStart, time } from "../../format.js";
import { stringify } from "../../json.js";
import { address, note } from "../../router.js";
import { field, input, namespaceMark, select } from "../../rows.js";

/** @typedef {import("../../types.js").AuditEntry} AuditEntry */
/** @typedef {AuditEntry["action"]} Action */

/** @type {[Action, string][]} */
const ACTIONS = [
  ["key.created", "made the key"],
  ["key.rotated", "rotated the key"],
  ["key.revoked", "revoked the key"],
  ["project.created", "made the project"],
  ["project.changed", "changed the project"],
  ["project.deleted", "deleted the project"],
  ["project.exported", "exported the project"],
  ["retention.changed", "changed the retention policy"],
  ["namespace.erased", "erased the namespace"],
  ["dialogue.purged", "deleted with its messages the dialogue"],
  ["login.failed", "failed to sign in"],
];

/** @type {import("./page.js").MakePart} */
export function auditPart({ query }) {
  const place = h("div", { class: "list-place" });
  /** @type {Feed<AuditEntry> | null} */
  let feed = null;
  const show = (/** @type {URLSearchParams} */ values) => {
    feed?.stop();
    feed = auditFeed(values);
    place.replaceChildren(feed.element);
    void feed.start();
  };
  const form = filterForm(
    [
      field("What was done", select("action", query.get("action") ?? "", [["", "Anything"], ...ACTIONS])),
      field("By the key", input("actor", query.get("actor") ?? "", { placeholder: "any id" })),
      field("From", input("from", query.get("from") ?? "", { type: "date" })),
      field("To", input("to", query.get("to") ?? "", { type: "date" })),
    ],
    (values) => {
      note(address(["manage", "audit"], Object.fromEntries(values)));
      show(values);
    },
    "Filter the audit",
  );
  show(query);
  return { element: h("section", { "aria-label": "Audit" }, form, place), leave: () => feed?.stop() };
}

/** @param {URLSearchParams} values */
function auditFeed(values) {
  const filter = {
    action: /** @type {Action | undefined} */ (values.get("action") ?? undefined),
    actor: values.get("actor") ?? undefined,
    startDate: dayStart(values.get("from")),
    endDate: dayEnd(values.get("to")),
  };
  return new Feed({
    load: (_side, next, signal) => get("/audit", { query: { ...filter, limit: 50, next }, signal }),
    render: (entries) => [h("ul", { class: "rows" }, entries.map(entryRow))].filter(() => entries.length > 0),
    empty: () => empty("shield", "Nothing was recorded"),
    label: "Audit",
    pages: 6,
  });
}

/** @param {unknown} value */
const brief = (value) => (typeof value === "string" ? value : stringify(value));

/** @param {AuditEntry} entry */
function entryRow(entry) {
  const did = ACTIONS.find(([action]) => action === entry.action)?.[1] ?? entry.action;
  const target = entry.target ?? (entry.action.startsWith("project.") ? entry.project : undefined);
  return h(
    "li",
    { class: "row" },
    h(
      "div",
      { class: "row-link", tabindex: -1, "data-item": true },
      h(
        "span",
        { class: "row-main" },
        h(
          "span",
          {},
          entry.actor ? h("code", {}, entry.actor) : "Somebody",
          ` ${did} `,
          target && h("code", {}, target),
        ),
        h(
          "span",
          { class: "row-sub" },
          namespaceMark(entry.namespace),
          entry.address && h("span", {}, "from ", entry.address),
          entry.requestId && h("span", {}, "request ", h("code", {}, entry.requestId)),
          Object.entries(entry.details).map(([name, value]) => h("span", {}, `${name}: `, h("code", {}, brief(value)))),
        ),
      ),
      h("span", { class: "row-facts" }, h("span", { class: "row-time" }, time(entry.time))),
    ),
  );
}
