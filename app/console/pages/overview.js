/** How much is there and what is new. */

import { ApiError, get } from "../api.js";
import { empty, errorBox, loading } from "../dialog.js";
import { dialogueList } from "../dialogue-list.js";
import { h, replace } from "../dom.js";
import { count } from "../format.js";
import { address } from "../router.js";
import { pageHead } from "../rows.js";
import { session } from "../session.js";
import { busiest, usage } from "./usage.js";

/** @type {import("../router.js").Page} */
export function overviewPage({ signal }) {
  const { namespace } = session;
  const element = h(
    "div",
    { class: "page" },
    pageHead("Overview", health(signal)),
    section("Totals", () => totals(namespace, signal), 2, true),
    session.mayManage && section("The last 30 days", () => usage(signal), 5),
    session.mayManage && section("Busiest namespaces", () => busiest(signal), 3),
    section("Latest dialogues", () => latest(namespace, signal), 6),
  );
  return { element, title: "Overview" };
}

/** A part of the page that loads by itself, and can fail by itself. @param {string} title @param {() => Promise<Node>} load @param {number} lines @param {boolean} [quiet] */
function section(title, load, lines, quiet = false) {
  const place = h("div", {}, loading(lines));
  const fill = async () => {
    try {
      replace(place, await load());
    } catch (error) {
      replace(place, errorBox(error, fill));
    }
  };
  void fill();
  return h("section", { class: "part", "aria-label": title }, !quiet && h("h2", {}, title), place);
}

/** @param {string | undefined} namespace @param {AbortSignal} signal */
async function totals(namespace, signal) {
  const stats = await get("/stats", { query: { namespace }, signal });
  const { total, active, ended, archived } = stats.dialogues;
  return h(
    "div",
    { class: "totals" },
    figure(
      "Dialogues",
      total,
      address(["dialogues"], { status: "all" }),
      h(
        "div",
        { class: "split" },
        share("active", active, total),
        share("ended", ended, total),
        share("archived", archived, total),
      ),
    ),
    figure("Messages", stats.messages),
    figure("Memories", stats.memories, "#/memories"),
    figure("Summaries", stats.summaries),
  );
}

/** @param {string} label @param {number} value @param {string} [href] @param {Node} [more] */
function figure(label, value, href, more) {
  const name = href ? h("a", { href }, label) : label;
  return h(
    "div",
    { class: more ? "figure wide" : "figure" },
    h("p", { class: "figure-label" }, name),
    h("p", { class: "figure-value" }, count(value)),
    more,
  );
}

/** @param {"active" | "ended" | "archived"} status @param {number} part @param {number} total */
function share(status, part, total) {
  const bar = h("span", { class: "share-bar", "aria-hidden": "true" });
  bar.style.setProperty("--share", String(total === 0 ? 0 : part / total));
  return h(
    "a",
    { class: `share ${status}`, href: address(["dialogues"], { status }) },
    h("span", {}, status),
    h("span", { class: "share-count" }, count(part)),
    bar,
  );
}

/** @param {string | undefined} namespace @param {AbortSignal} signal */
async function latest(namespace, signal) {
  const { items } = await get("/dialogue", {
    query: { namespace, limit: 8, orderBy: "lastMessageCreated" },
    signal,
  });
  if (items.length === 0) {
    return empty(
      "dialogues",
      "Nothing here yet",
      h(
        "p",
        {},
        "Create a dialogue with ",
        h("code", {}, "POST /dialogue"),
        ", or bring a file with ",
        h("code", {}, "colloquy import FILE"),
        ".",
      ),
      h("p", {}, h("a", { href: new URL("../docs", document.baseURI).href }, "The API's documentation")),
    );
  }
  return h(
    "div",
    {},
    dialogueList(items, "lastMessageCreated", signal),
    h("p", { class: "more-link" }, h("a", { href: "#/dialogues" }, "All dialogues")),
  );
}

/** @param {AbortSignal} signal */
function health(signal) {
  const place = h("p", { class: "health" }, "…");
  const say = (/** @type {string} */ kind, /** @type {string} */ text) => {
    place.className = `health ${kind}`;
    place.textContent = text;
  };
  get("/ready", { signal }).then(
    () => say("good", "The store answers"),
    (error) =>
      say(
        "bad",
        error instanceof ApiError && error.status ? "The store does not answer" : "The server cannot be reached",
      ),
  );
  return place;
}
