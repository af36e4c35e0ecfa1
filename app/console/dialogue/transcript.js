/** The messages of a dialogue as a person reads them, page by page in both directions from any point. */

import { get } from "../api.js";
import { blockElement, blocksOf, limited } from "../content.js";
import { empty } from "../dialog.js";
import { h, icon } from "../dom.js";
import { Feed } from "../feed.js";
import { dayOf, time } from "../format.js";
import { own } from "../json.js";
import { tagList } from "../rows.js";
import { messageMenu } from "./message-menu.js";

/** @typedef {import("../types.js").Message} Message */
/** @typedef {import("../types.js").Dialogue} Dialogue */
/** @typedef {{ from: "start" } | { from: "end" } | { from: "date", date: string } | { from: "message", message: Message }} Start */

const PAGE = 50;
/** How many pages are looked through for a message whose time many others share. */
const SEARCHED_PAGES = 40;

/** @type {Record<string, { shape: keyof typeof import("../icons.js").shapes, name: string }>} */
const ROLES = {
  user: { shape: "user", name: "User" },
  assistant: { shape: "robot", name: "Assistant" },
  model: { shape: "robot", name: "Model" },
  system: { shape: "settings", name: "System" },
  developer: { shape: "settings", name: "Developer" },
  tool: { shape: "tool", name: "Tool" },
  function: { shape: "tool", name: "Function" },
};

export class Transcript {
  /** @param {Dialogue} dialogue */
  constructor(dialogue) {
    this.dialogue = dialogue;
    this.element = h("section", { class: "transcript", "aria-label": "Messages" });
    /** @type {Feed<Message> | null} */
    this.feed = null;
  }

  /** Show the messages from a point on. @param {Start} start */
  async show(start) {
    this.feed?.stop();
    const feed = new Feed(this.#plan(start));
    this.feed = feed;
    this.element.replaceChildren(feed.element);
    await feed.start();
    if (start.from === "message") await this.#find(feed, start.message.id);
    if (start.from === "end") this.element.scrollIntoView({ block: "end", behavior: "instant" });
  }

  stop() {
    this.feed?.stop();
  }

  /** @param {Start} start @returns {import("../feed.js").Plan<Message>} */
  #plan(start) {
    const middle = start.from === "message" ? start.message.created : start.from === "date" ? start.date : undefined;
    return {
      load: (side, next, signal) => this.#load(side, next, middle, signal),
      render: (items) => this.#render(items),
      bothWays: middle !== undefined,
      onlyBefore: start.from === "end",
      onChange: () => separateDays(this.feed?.rows ?? this.element),
      empty: () => empty("message", "No messages yet"),
      ends: { before: () => "Beginning of the conversation", after: () => "End of the conversation" },
      pages: 5,
    };
  }

  /** @param {import("../feed.js").Side} side @param {string | undefined} next @param {string | undefined} middle @param {AbortSignal} signal */
  async #load(side, next, middle, signal) {
    const { id, namespace } = this.dialogue;
    const bound = middle === undefined ? {} : side === "after" ? { startDate: middle } : { endDate: middle };
    const order = side === "after" ? /** @type {const} */ ("asc") : /** @type {const} */ ("desc");
    const query = { dialogueId: id, namespace, limit: PAGE, order, next, ...bound };
    const answer = await get("/messages", { query, signal });
    const page = /** @type {import("../types.js").MessageList} */ (answer); // not of an API's format, as none was asked for
    // Both directions include what was created at the very time of the starting point.
    if (side === "before" && middle !== undefined) page.items = page.items.filter((item) => item.created < middle);
    return page;
  }

  /** @param {Message[]} messages */
  #render(messages) {
    const { results, placed } = resultsOf(messages);
    return messages
      .filter((message) => !placed.has(message.id))
      .map((message) => messageElement(message, this.dialogue, results));
  }

  /** @param {Feed<Message>} feed @param {string} id */
  async #find(feed, id) {
    for (let page = 0; page < SEARCHED_PAGES; page += 1) {
      const found = document.getElementById(`message-${id}`);
      if (found) return point(found);
      if (!feed.has("after")) return;
      await feed.extend("after");
    }
  }
}

/** What of a message is unfolded when a link points to it: instructions, and a result beneath its call or alone. */
const UNFOLDED = "details.instructions, :scope.result > details, :scope > .message-body > .result > details";

/** @param {HTMLElement} element */
function point(element) {
  element.classList.add("pointed");
  const folded = element.querySelector(UNFOLDED);
  if (folded instanceof HTMLDetailsElement) folded.open = true;
  element.scrollIntoView({ block: "center", behavior: "instant" });
  element.focus({ preventScroll: true });
}

/**
 * The results of calls that are on the same page, which are shown beneath their calls; and the messages that so
 * need no place of their own.
 * @param {Message[]} messages
 */
function resultsOf(messages) {
  /** @type {Map<string, any>} */
  const results = new Map();
  const placed = new Set();
  const called = new Set();
  for (const message of messages) {
    const blocks = blocksOf(message.content, message.role);
    for (const block of blocks) if (block.kind === "call" && block.id) called.add(block.id);
    const answers = blocks.filter((block) => block.kind === "result" && called.has(block.id) && !results.has(block.id));
    if (answers.length === 0 || answers.length < blocks.length) continue;
    for (const block of answers)
      if (block.kind === "result") results.set(block.id, { ...block, messageId: message.id });
    placed.add(message.id);
  }
  return { results, placed };
}

/** @param {Message} message @param {Dialogue} dialogue @param {Map<string, any>} results */
export function messageElement(message, dialogue, results) {
  const role = own(ROLES, message.role) ?? { shape: /** @type {const} */ ("message"), name: message.role };
  const blocks = blocksOf(message.content, message.role).map((block) => blockElement(block, results));
  const silent = message.content === "" && h("p", { class: "hint" }, "Empty");
  const body = h("div", { class: "message-body" }, silent || blocks);
  const long = ["system", "developer"].includes(message.role) && message.contentLength > 600;
  return h(
    "article",
    {
      class: `message ${message.role}`,
      id: `message-${message.id}`,
      tabindex: -1,
      "data-item": true,
      "data-created": message.created,
      "aria-label": `${role.name}${message.name ? `, ${message.name}` : ""}`,
    },
    h("span", { class: "avatar", "aria-hidden": "true" }, icon(role.shape)),
    h(
      "header",
      { class: "message-head" },
      h("strong", {}, role.name),
      message.name && h("span", { class: "speaker" }, message.name),
      time(message.created, "clock"),
      tagList(message.tags),
      messageMenu(message, dialogue),
    ),
    long
      ? h("details", { class: "instructions" }, h("summary", {}, firstLine(message.content)), body)
      : limited(body, message.contentLength),
  );
}

/** @param {unknown} content */
function firstLine(content) {
  const line = typeof content === "string" ? (content.split("\n").find((text) => text.trim()) ?? "") : "";
  return line.replace(/^#+\s*/, "").slice(0, 120) || "Instructions";
}

/** A line with the date before the first message of each day. @param {HTMLElement} rows */
function separateDays(rows) {
  for (const old of rows.querySelectorAll(".day")) old.remove();
  let last = "";
  for (const message of rows.querySelectorAll("article.message")) {
    const created = message instanceof HTMLElement ? (message.dataset.created ?? "") : "";
    const label = dayOf(created);
    if (label !== last) message.before(h("h3", { class: "day" }, h("span", {}, label)));
    last = label;
  }
}
