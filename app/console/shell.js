/** What stands around every page: navigation, theme, the key's owner, shortcuts. */

import { open } from "./dialog.js";
import { button, h, icon } from "./dom.js";
import { own } from "./json.js";
import { go } from "./router.js";
import { forget, session } from "./session.js";

/** @type {{ name: string, label: string, shape: keyof typeof import("./icons.js").shapes, covers?: string[], managing?: boolean }[]} */
const PAGES = [
  { name: "", label: "Overview", shape: "chart" },
  { name: "dialogues", label: "Dialogues", shape: "dialogues", covers: ["dialogue"] },
  { name: "search", label: "Search", shape: "search" },
  { name: "memories", label: "Memories", shape: "memory", covers: ["memory"] },
  { name: "manage", label: "Manage", shape: "settings", managing: true },
];

/** @param {HTMLElement} main */
export function shell(main) {
  const pages = PAGES.filter((page) => !page.managing || session.mayManage);
  const links = pages.map((page) => h("a", { href: `#/${page.name}` }, icon(page.shape), h("span", {}, page.label)));
  const nav = h("nav", { "aria-label": "Pages" }, links);
  const element = h(
    "div",
    { class: "shell" },
    skipLink(main),
    h("header", { class: "side" }, brand(), nav, h("div", { class: "side-foot" }, owner(), tools())),
    main,
  );
  const mark = (/** @type {string} */ name) => {
    pages.forEach((page, index) => {
      const current = page.name === name || page.covers?.includes(name);
      if (current) links[index]?.setAttribute("aria-current", "page");
      else links[index]?.removeAttribute("aria-current");
    });
  };
  return { element, mark };
}

/** @param {HTMLElement} main */
function skipLink(main) {
  return h("button", { type: "button", class: "skip", onclick: () => main.focus() }, "Skip to the content");
}

export function brand() {
  return h(
    "a",
    { href: "#/", class: "brand" },
    h("span", { class: "brand-mark", "aria-hidden": "true" }, icon("dialogues")),
    "Colloquy",
  );
}

function owner() {
  const known = session.owner;
  if (!known) return null;
  const rights = known.rights === "read" ? "read only" : known.rights;
  return h(
    "p",
    { class: "owner" },
    h("strong", {}, known.project),
    h("span", {}, known.namespace ? `${rights}, namespace ${known.namespace}` : `${rights} key`),
  );
}

function tools() {
  const leave = () => {
    forget();
    location.reload();
  };
  return h(
    "div",
    { class: "tools" },
    themeButton(),
    h(
      "button",
      { type: "button", class: "button only-icon plain", title: "Keyboard shortcuts", onclick: help },
      h("span", { "aria-hidden": "true" }, "?"),
      h("span", { class: "heard" }, "Keyboard shortcuts"),
    ),
    button("logout", "Sign out", leave, { quiet: true, kind: "plain" }),
  );
}

function themeButton() {
  const control = button(
    "moon",
    "Light or dark",
    () => {
      const dark =
        document.documentElement.dataset.theme ??
        (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
      const chosen = dark === "dark" ? "light" : "dark";
      document.documentElement.dataset.theme = chosen;
      localStorage.setItem("colloquy.theme", chosen);
    },
    { quiet: true, kind: "plain" },
  );
  return control;
}

const KEYS = [
  ["/", "Search"],
  ["j, k", "Next and previous item"],
  ["Enter", "Open the item"],
  ["u", "Back to the list"],
  ["?", "This help"],
  ["↓", "From the search field to what was found"],
  ["Esc", "Close what is open"],
];

function help() {
  if (document.querySelector("dialog[open]")) return;
  open("Keyboard shortcuts", [
    h(
      "dl",
      { class: "shortcuts" },
      KEYS.map(([key, does]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, does))),
    ),
  ]);
}

/** @param {HTMLElement} main */
export function listenToKeys(main) {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || document.querySelector("dialog[open]"))
      return;
    const act = own(SHORTCUTS, event.key);
    if (!act) return;
    event.preventDefault();
    act(main);
  });
}

/** @param {KeyboardEvent} event */
function isTyping(event) {
  return event.target instanceof Element && event.target.matches("input, textarea, select, [contenteditable]");
}

/** @type {Record<string, (main: HTMLElement) => void>} */
const SHORTCUTS = {
  "/": () => {
    const field = document.querySelector("input[type=search]");
    if (field instanceof HTMLInputElement) field.focus();
    else go("#/search");
  },
  "?": help,
  j: (main) => step(main, 1),
  k: (main) => step(main, -1),
  u: () => {
    const back = document.querySelector("a.back");
    if (back instanceof HTMLAnchorElement) go(back.hash);
  },
};

/** Move the focus to the next or previous item of the page. @param {HTMLElement} main @param {1 | -1} by */
function step(main, by) {
  const items = [...main.querySelectorAll("[data-item]")].filter((item) => item instanceof HTMLElement);
  const now = items.findIndex((item) => item.contains(document.activeElement));
  const next = items[now === -1 ? (by > 0 ? firstVisible(items) : -1) : now + by];
  next?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "nearest" });
}

/** @param {HTMLElement[]} items */
function firstVisible(items) {
  return Math.max(
    0,
    items.findIndex((item) => item.getBoundingClientRect().bottom > 0),
  );
}
