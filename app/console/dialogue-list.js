/** A list of dialogues. One without a label is named by words of its recent messages, fetched once the list shows. */

import { get } from "./api.js";
import { excerpt } from "./content.js";
import { h } from "./dom.js";
import { shorten } from "./format.js";
import { dialogueRow } from "./rows.js";

/** @typedef {import("./types.js").DialogueListItem} DialogueListItem */
/** @typedef {import("./types.js").Message} Message */

/** Dialogues whose messages are asked for at once: some may be large, and more than 8 MiB together are refused. */
const AT_ONCE = 10;

/** @type {"messages"[]} */
const MESSAGES = ["messages"];

/** Shorter ones, such as "Yes, please.", tell little. */
const TELLING = 25;

/**
 * @param {DialogueListItem[]} items @param {"created" | "modified" | "lastMessageCreated"} by
 * @param {AbortSignal} signal
 */
export function dialogueList(items, by, signal) {
  const rows = items.map((item) => dialogueRow(item, by));
  void nameUnlabelled(items, rows, signal);
  return h("ul", { class: "rows" }, rows);
}

/** @param {DialogueListItem[]} items @param {HTMLElement[]} rows their rows @param {AbortSignal} signal */
export async function nameUnlabelled(items, rows, signal) {
  /** @type {Map<string | undefined, Map<string, HTMLElement>>} */
  const unlabelled = new Map();
  items.forEach((item, index) => {
    if (item.label || item.totalMessages === 0) return;
    const same = unlabelled.get(item.namespace) ?? new Map();
    unlabelled.set(item.namespace, same.set(item.id, rows[index]));
  });
  for (const [namespace, named] of unlabelled) {
    const ids = [...named.keys()];
    for (let start = 0; start < ids.length; start += AT_ONCE) {
      // A row that keeps its id for a title is whole; what went wrong shows where the reader asked for something.
      const query = { ids: [ids.slice(start, start + AT_ONCE).join(",")], include: MESSAGES, namespace };
      const answer = await get("/dialogue", { query, signal }).catch(() => null);
      for (const { id, messages } of answer?.items ?? []) entitle(named.get(id), id, messages ?? []);
    }
  }
}

/** What a dialogue without a label is called: words of its recent messages, if there are any. @param {Message[]} messages */
export const openingWords = (messages) => shorten(telling(messages), 120);

/** @param {HTMLElement | undefined} row @param {string} id @param {Message[]} messages */
function entitle(row, id, messages) {
  const words = openingWords(messages);
  if (!row || !words) return;
  row.querySelector(".row-title")?.replaceChildren(h("q", {}, words));
  row.querySelector(".row-sub")?.prepend(h("code", {}, id));
}

/** The first that a person said at some length, else the longest; else what anybody said. @param {Message[]} messages */
function telling(messages) {
  const said = messages.filter(({ role }) => role === "user");
  const texts = (said.length > 0 ? said : messages).map(({ content, role }) => excerpt(content, role));
  const [longest = ""] = texts.toSorted((one, other) => other.length - one.length);
  return texts.find((text) => text.length >= TELLING) ?? longest;
}
