/** Dialogues with the reader: questions before what cannot be undone, short notices, errors with their request id. */

import { ApiError } from "./api.js";
import { button, copyButton, h, icon } from "./dom.js";

/** @typedef {import("./dom.js").Child} Child */

/**
 * Opens a modal dialogue; the answer is its element, removed from the page when it closes.
 * @param {string} title
 * @param {Child[]} body
 * @param {{ wide?: boolean, locked?: boolean }} [look]
 * @returns {HTMLDialogElement}
 */
export function open(title, body, { wide = false, locked = false } = {}) {
  const heading = `dialog-${crypto.randomUUID()}`;
  /** @type {HTMLDialogElement} */
  const element = h(
    "dialog",
    { class: `dialog ${wide ? "wide" : ""} ${locked ? "locked" : ""}`, "aria-labelledby": heading },
    h(
      "header",
      {},
      h("h2", { id: heading }, title),
      !locked && button("close", "Close", () => element.close(), { quiet: true, kind: "plain" }),
    ),
    body,
  );
  element.addEventListener("close", () => element.remove());
  element.addEventListener("cancel", (event) => locked && event.preventDefault());
  document.body.append(element);
  element.showModal();
  firstField(element)?.focus();
  return element;
}

/** What asked about a page goes with it; what is locked stays until it is answered. */
export function closeAll() {
  for (const element of document.querySelectorAll("dialog:not(.locked)"))
    if (element instanceof HTMLDialogElement) element.close();
}

/** Where somebody starts to write; the browser would begin with the button that closes. @param {HTMLElement} element */
function firstField(element) {
  const fields = element.querySelectorAll("input:not([type=checkbox], [type=radio]), select, textarea");
  return [...fields].find((field) => field instanceof HTMLElement);
}

/**
 * Asks before something is done, and does it once; true when it was done, even if the question was closed before that.
 * @param {{ title: string, body: Child[], action: string, danger?: boolean, typed?: string, run: () => Promise<unknown> }} question
 * @returns {Promise<boolean>}
 */
export function confirm({ title, body, action, danger = true, typed, run }) {
  return new Promise((resolve) => {
    let work = Promise.resolve(false);
    const problem = h("div", { "aria-live": "assertive" });
    const go = h(
      "button",
      { type: "submit", class: danger ? "button danger" : "button primary", disabled: typed !== undefined },
      action,
    );
    const word = typed === undefined ? null : typedField(typed, go);
    const form = h(
      "form",
      { method: "dialog" },
      h("div", { class: "dialog-body" }, body, word, problem),
      h("footer", {}, h("button", { type: "button", class: "button", onclick: () => element.close() }, "Cancel"), go),
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (go.disabled) return;
      work = attempt(go, problem, run);
      if (await work) element.close();
    });
    const element = open(title, [form]);
    element.addEventListener("close", () => resolve(work));
  });
}

/** @param {string} expected @param {HTMLButtonElement} go */
function typedField(expected, go) {
  const input = h("input", {
    type: "text",
    autocomplete: "off",
    spellcheck: "false",
    oninput: () => {
      go.disabled = input.value !== expected;
    },
  });
  return h("label", { class: "field" }, h("span", {}, "Type ", h("code", {}, expected), " to confirm"), input);
}

/**
 * Runs something while its button rests; shows what went wrong. True when it went well.
 * @param {HTMLButtonElement} control
 * @param {HTMLElement} problem
 * @param {() => Promise<unknown>} run
 */
export async function attempt(control, problem, run) {
  control.disabled = true;
  control.classList.add("busy");
  problem.replaceChildren();
  try {
    await run();
    return true;
  } catch (error) {
    problem.replaceChildren(errorBox(error));
    return false;
  } finally {
    control.disabled = false;
    control.classList.remove("busy");
  }
}

/** @param {unknown} error @param {() => unknown} [retry] */
export function errorBox(error, retry) {
  const known = error instanceof ApiError ? error : null;
  if (!known) console.error(error);
  const id = known?.requestId;
  const copy = id ? copyButton("Copy the request id", id) : null;
  return h(
    "div",
    { class: "error", role: "alert" },
    icon("alert"),
    h(
      "div",
      {},
      h(
        "p",
        { class: "error-message" },
        known ? known.message : "Something in this page went wrong; the browser's log has it.",
      ),
      known?.details.length
        ? h(
            "ul",
            {},
            known.details.map((item) => h("li", {}, h("code", {}, item.field), ` ${item.message}`)),
          )
        : null,
      id && h("p", { class: "error-id" }, known.code && `${known.code}, `, "request ", h("code", {}, id), copy),
      retry && h("button", { type: "button", class: "button", onclick: retry }, "Try again"),
    ),
  );
}

const notices = h("div", { class: "notices", role: "status" });

/** Says briefly that something was done. @param {string} text */
export function notice(text) {
  if (!notices.isConnected) document.body.append(notices);
  const item = h("div", { class: "notice" }, icon("check"), text);
  notices.append(item);
  setTimeout(() => item.remove(), 4000);
}

/** @param {keyof typeof import("./icons.js").shapes} shape @param {string} title @param {...Child} children */
export function empty(shape, title, ...children) {
  return h("div", { class: "empty" }, icon(shape), h("p", { class: "empty-title" }, title), children);
}

/** Grey lines where content is about to be. @param {number} [lines] */
export function loading(lines = 4) {
  return h(
    "div",
    { class: "loading", role: "status" },
    h("span", { class: "heard" }, "Loading"),
    Array.from({ length: lines }, () => h("div", { class: "line" })),
  );
}
