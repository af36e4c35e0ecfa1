/** Tabs that load their panel when it is first opened. */

import { errorBox, loading } from "../dialog.js";
import { h, replace } from "../dom.js";

/** @typedef {{ name: string, label: string, narrow?: boolean, open: () => Node | Promise<Node> }} Tab */

/** @param {string} label @param {Tab[]} list @param {(name: string) => void} onChoose */
export function tabs(label, list, onChoose) {
  const body = h("div", { class: "panel-body", role: "tabpanel", tabindex: 0, id: "panel", "aria-labelledby": "" });
  const buttons = list.map((tab) =>
    h(
      "button",
      {
        type: "button",
        role: "tab",
        class: tab.narrow && "narrow-only",
        id: `tab-${tab.name}`,
        "aria-controls": "panel",
        onclick: () => choose(tab.name, true),
      },
      tab.label,
    ),
  );
  const bar = h("div", { class: "tabs", role: "tablist", "aria-label": label }, buttons);
  bar.addEventListener("keydown", (event) => moveFocus(event, buttons));
  const choose = (/** @type {string} */ name, told = false) => {
    const index = Math.max(
      0,
      list.findIndex((tab) => tab.name === name),
    );
    buttons.forEach((control, at) => {
      control.setAttribute("aria-selected", String(at === index));
      control.tabIndex = at === index ? 0 : -1;
    });
    const tab = list[index];
    if (!tab) return;
    panel.dataset.chosen = tab.name;
    body.setAttribute("aria-labelledby", `tab-${tab.name}`);
    void fill(body, tab);
    if (told) onChoose(tab.name);
  };
  const panel = h("aside", { class: "panel", "aria-label": label }, bar, body);
  return { panel, choose };
}

/** @param {HTMLElement} body @param {Tab} tab */
async function fill(body, tab) {
  const place = h("div", {}, loading());
  replace(body, place);
  try {
    place.replaceChildren(await tab.open());
  } catch (error) {
    place.replaceChildren(errorBox(error, () => fill(body, tab)));
  }
}

/** @param {KeyboardEvent} event @param {HTMLButtonElement[]} buttons */
function moveFocus(event, buttons) {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!by) return;
  const shown = buttons.filter((control) => control.offsetParent !== null);
  const now = shown.findIndex((control) => control === document.activeElement);
  const next = shown[(now + by + shown.length) % shown.length];
  next?.focus();
  next?.click();
}
