/** Addresses after the `#`, which no server and no log ever sees: `#/dialogues?status=ended`. */

import { own } from "./json.js";

/** @typedef {{ element: HTMLElement, title: string, keep?: boolean, leave?: () => void, focus?: () => void }} View */
/** @typedef {{ path: string[], query: URLSearchParams, signal: AbortSignal }} Visit */
/** @typedef {(visit: Visit) => View | Promise<View>} Page */

/**
 * The address of a page; empty values are left out.
 * @param {string[]} path
 * @param {Record<string, string | string[] | number | boolean | null | undefined>} [query]
 */
export function address(path, query = {}) {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== undefined && item !== null && item !== "" && item !== false) given.append(name, String(item));
    }
  }
  const text = given.toString();
  return `#/${path.map(encodeURIComponent).join("/")}${text ? `?${text}` : ""}`;
}

/** @param {{ id: string, namespace?: string }} dialogue @param {Record<string, string | undefined>} [query] */
export function dialogueAddress({ id, namespace }, query = {}) {
  return address(["dialogue", id], { namespace, ...query });
}

/** Where the reader is. */
export function here() {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  return { path: path.split("/").filter(Boolean).map(decode), query: new URLSearchParams(query) };
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @param {string} hash */
export function go(hash) {
  if (location.hash === hash) dispatchEvent(new HashChangeEvent("hashchange"));
  else location.hash = hash;
}

/** The address of the page that is shown. */
let shown = "";

/** Change the address without a new visit, as filters and tabs do. @param {string} hash */
export function note(hash) {
  history.replaceState(history.state, "", hash);
  shown = location.hash;
}

/** The list that was read last, to go back to. @type {{ hash: string, title: string } | null} */
let list = null;

/** The list that the reader comes from, else the one that is named. @param {string} hash @param {string} title */
export const listBefore = (hash, title) => list ?? { hash, title };

/** Shows the page of each address, and the list that was left as it was left. */
export class Router {
  /** @param {HTMLElement} place @param {Record<string, Page>} pages @param {(name: string, title: string) => void} onShow */
  constructor(place, pages, onShow) {
    this.place = place;
    this.pages = pages;
    this.onShow = onShow;
    this.visit = new AbortController();
    /** @type {View | null} */
    this.view = null;
    /** @type {{ hash: string, view: View, scroll: number, focused: Element | null, visit: AbortController } | null} */
    this.kept = null;
    history.scrollRestoration = "manual";
  }

  start() {
    addEventListener("hashchange", () => void this.show());
    void this.show();
  }

  async show() {
    const { path, query } = here();
    const hash = location.hash;
    this.#leave();
    const visit = new AbortController();
    this.visit = visit;
    const back = this.kept?.hash === hash ? this.kept : null;
    if (back) this.visit = back.visit;
    const page = own(this.pages, path[0] ?? "") ?? this.pages.missing;
    const view = back?.view ?? (await page?.({ path: path.slice(1), query, signal: visit.signal }));
    if (visit.signal.aborted || !view) return;
    this.kept = back ? null : this.kept;
    shown = hash;
    this.#place(view, path[0] ?? "", back?.scroll ?? 0);
    if (back?.focused instanceof HTMLElement) back.focused.focus({ preventScroll: true });
  }

  /** Forget the kept list, because something of it may have changed since. */
  forget() {
    this.kept?.view.leave?.();
    this.kept = null;
  }

  #leave() {
    const view = this.view;
    this.view = null;
    if (view?.keep) {
      this.forget();
      list = { hash: shown, title: view.title };
      this.kept = { hash: shown, view, scroll: scrollY, focused: document.activeElement, visit: this.visit };
      return;
    }
    this.visit.abort();
    view?.leave?.();
  }

  /** @param {View} view @param {string} name @param {number} scroll */
  #place(view, name, scroll) {
    this.view = view;
    this.place.replaceChildren(view.element);
    document.title = `${view.title} · Colloquy`;
    this.onShow(name, view.title);
    scrollTo({ top: scroll, behavior: "instant" });
    view.focus?.();
  }
}
