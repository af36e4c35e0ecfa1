/** A list without end that holds a bounded number of rows: pages come as they are needed, and go as they are passed. */

import { isAbort } from "./api.js";
import { errorBox } from "./dialog.js";
import { h } from "./dom.js";

/** @typedef {"after" | "before"} Side */
/**
 * @template T
 * @typedef {{
 *   load: (side: Side, cursor: string | undefined, signal: AbortSignal) => Promise<{ items: T[], next?: string }>,
 *   render: (items: T[], signal: AbortSignal) => Node[],
 *   bothWays?: boolean,
 *   onlyBefore?: boolean,
 *   onChange?: () => void,
 *   ends?: { after?: () => Node | string, before?: () => Node | string },
 *   empty?: () => Node,
 *   tag?: "ol" | "div",
 *   label?: string,
 *   pages?: number,
 * }} Plan
 */

/** How far from the edge of the window, in pixels, the next page is asked for. */
const AHEAD = 900;

/**
 * Pages have numbers: 0 and up follow the starting point, below 0 precede it. Each is loaded by the cursor that the
 * one nearer to the start gave, so a page that was dropped can be loaded again.
 * @template T
 */
export class Feed {
  /** @param {Plan<T>} plan */
  constructor(plan) {
    this.plan = plan;
    /** Ends what is still asked for once nobody looks at this list any more. */
    this.stopped = new AbortController();
    /** @type {Map<number, string | undefined>} */
    this.cursors = new Map([
      [0, undefined],
      [-1, undefined],
    ]);
    this.first = 0;
    this.last = -1;
    this.end = plan.onlyBefore ? -1 : Infinity;
    this.begin = plan.bothWays || plan.onlyBefore ? -Infinity : 0;
    /** @type {HTMLElement[]} */
    this.pages = [];
    /** @type {Record<Side, "idle" | "busy" | "failed">} */
    this.state = { after: "idle", before: "idle" };
    this.before = h("div", { class: "feed-edge" });
    this.after = h("div", { class: "feed-edge" });
    this.rows = h("div", { class: "feed-rows", "aria-label": plan.label, role: plan.label && "group" });
    this.element = h("div", { class: "feed" }, this.before, this.rows, this.after);
    this.observer = new IntersectionObserver((entries) => entries.forEach((entry) => this.#seen(entry)), {
      rootMargin: `${AHEAD}px 0px`,
    });
  }

  /** Load the first page, and go on as the reader scrolls. */
  async start() {
    await this.extend(this.plan.onlyBefore ? "before" : "after");
    if (this.stopped.signal.aborted) return this;
    this.observer.observe(this.after);
    this.observer.observe(this.before);
    return this;
  }

  stop() {
    this.stopped.abort();
    this.observer.disconnect();
  }

  /** What failed is tried again by its button alone. @param {IntersectionObserverEntry} entry */
  #seen(entry) {
    const side = entry.target === this.after ? "after" : "before";
    if (entry.isIntersecting && this.state[side] === "idle") void this.extend(side);
  }

  /** @param {Side} side */
  has(side) {
    return side === "after" ? this.last < this.end : this.first > this.begin;
  }

  /** Load one more page on a side. @param {Side} side */
  async extend(side) {
    const edge = this[side];
    if (this.state[side] === "busy" || !this.has(side)) return;
    this.state[side] = "busy";
    edge.replaceChildren(h("div", { class: "spinner", role: "status" }, h("span", { class: "heard" }, "Loading")));
    try {
      await this.#load(side);
      edge.replaceChildren(...this.#ending(side));
      this.state[side] = "idle";
      this.#lookAgain(edge);
    } catch (error) {
      this.state[side] = "failed";
      if (!isAbort(error)) edge.replaceChildren(errorBox(error, () => this.extend(side)));
    }
  }

  /** @param {Side} side */
  async #load(side) {
    const number = side === "after" ? this.last + 1 : this.first - 1;
    const source = number >= 0 ? "after" : "before";
    const { items, next } = await this.plan.load(source, this.cursors.get(number), this.stopped.signal);
    const outward = number >= 0 ? 1 : -1;
    if (next) this.cursors.set(number + outward, next);
    else if (outward > 0) this.end = number;
    else this.begin = number;
    const ordered = source === "before" ? items.toReversed() : items;
    this.#place(side, number, h("div", { class: "feed-page" }, ...this.plan.render(ordered, this.stopped.signal)));
  }

  /** @param {Side} side @param {number} number @param {HTMLElement} page */
  #place(side, number, page) {
    const still = side === "after" ? this.pages.at(-1) : this.pages[0];
    const top = still?.getBoundingClientRect().top ?? 0;
    if (side === "after") {
      this.pages.push(page);
      this.rows.append(page);
      this.last = number;
      if (this.pages.length === 1) this.first = number;
    } else {
      this.pages.unshift(page);
      this.rows.prepend(page);
      this.first = number;
      if (this.pages.length === 1) this.last = number;
    }
    this.#drop(side);
    this.plan.onChange?.();
    if (still) scrollBy({ top: still.getBoundingClientRect().top - top, behavior: "instant" });
  }

  /** Let go of the page that is furthest from the side that grew. @param {Side} side */
  #drop(side) {
    if (this.pages.length <= (this.plan.pages ?? 5)) return;
    const gone = side === "after" ? this.pages.shift() : this.pages.pop();
    gone?.remove();
    if (side === "after") this.first += 1;
    else this.last -= 1;
    const edge = side === "after" ? this.before : this.after;
    edge.replaceChildren();
    this.#lookAgain(edge);
  }

  /** @param {Side} side @returns {(Node | string)[]} */
  #ending(side) {
    if (this.has(side)) return [];
    const nothing = this.rows.querySelector(".feed-page > *") === null;
    if (nothing && this.plan.empty && !this.has("after") && !this.has("before"))
      return side === "after" || this.plan.onlyBefore ? [this.plan.empty()] : [];
    const ending = this.plan.ends?.[side]?.();
    return ending ? [ending] : [];
  }

  /** The observer speaks only of changes; a page may have been too short to move the edge away. @param {HTMLElement} edge */
  #lookAgain(edge) {
    this.observer.unobserve(edge);
    this.observer.observe(edge);
  }
}
