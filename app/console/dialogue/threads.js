/** The threads of a dialogue as a tree that opens as it is needed. */

import { get } from "../api.js";
import { empty, errorBox, loading } from "../dialog.js";
import { h, icon, replace } from "../dom.js";
import { plural, time } from "../format.js";
import { dialogueAddress } from "../router.js";
import { statusMark, titleOf } from "../rows.js";

/** @typedef {import("./page.js").Subject} Subject */
/** @typedef {import("../types.js").DialogueListItem} DialogueListItem */

/** @param {Subject} subject */
export async function threadsPanel({ dialogue, signal }) {
  const parent =
    dialogue.threadOf &&
    h(
      "p",
      {},
      "This is a thread of ",
      h("a", { href: dialogueAddress({ id: dialogue.threadOf, namespace: dialogue.namespace }) }, dialogue.threadOf),
      " ",
      forkPoint(dialogue, dialogue.threadOf),
    );
  const children =
    dialogue.threadCount > 0
      ? await branch(dialogue, signal)
      : empty("branch", "No threads", h("p", {}, "A thread can be started from any message."));
  return h("div", { class: "threads" }, parent, children);
}

/** @param {DialogueListItem} thread @param {string} parent */
function forkPoint(thread, parent) {
  const from = thread.metadata.forkedFrom;
  if (typeof from !== "string") return null;
  return [
    "forked at ",
    h("a", { href: dialogueAddress({ id: parent, namespace: thread.namespace }, { message: from }) }, "this message"),
  ];
}

/** @param {DialogueListItem} parent @param {AbortSignal} signal @param {string} [next] @returns {Promise<Node>} */
async function branch(parent, signal, next) {
  const page = await get("/dialogue", {
    query: { threadOf: parent.id, namespace: parent.namespace, status: "all", order: "asc", limit: 50, next },
    signal,
  });
  const list = h(
    "ul",
    { class: "tree-branch" },
    page.items.map((thread) => leaf(thread, parent, signal)),
  );
  if (!page.next) return list;
  /** @type {HTMLButtonElement} */
  const more = h(
    "button",
    {
      type: "button",
      class: "button more",
      onclick: async () => more.replaceWith(await branch(parent, signal, page.next)),
    },
    "More threads",
  );
  return h("div", {}, list, more);
}

/** @param {DialogueListItem} thread @param {DialogueListItem} parent @param {AbortSignal} signal */
function leaf(thread, parent, signal) {
  const line = h(
    "div",
    { class: "thread" },
    h("a", { href: dialogueAddress(thread) }, icon("branch"), titleOf(thread)),
    h(
      "span",
      { class: "row-sub" },
      h("code", {}, thread.id),
      statusMark(thread.status),
      plural(thread.totalMessages, "message"),
      time(thread.created),
    ),
    h("span", { class: "hint" }, forkPoint(thread, parent.id)),
  );
  if (thread.threadCount === 0) return h("li", {}, line);
  const inside = h("div");
  const details = h("details", {}, h("summary", {}, plural(thread.threadCount, "thread")), inside);
  details.addEventListener("toggle", () => void fill(inside, thread, signal), { once: true });
  return h("li", {}, line, details);
}

/** @param {HTMLElement} inside @param {DialogueListItem} thread @param {AbortSignal} signal */
async function fill(inside, thread, signal) {
  replace(inside, loading(2));
  try {
    replace(inside, await branch(thread, signal));
  } catch (error) {
    replace(
      inside,
      errorBox(error, () => fill(inside, thread, signal)),
    );
  }
}
