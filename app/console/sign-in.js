/** The key is asked for: at the start as a page, and over the page when the server stops accepting it. */

import { ApiError, get } from "./api.js";
import { attempt, open } from "./dialog.js";
import { h } from "./dom.js";
import { forget, session, setKey, setOwner } from "./session.js";
import { brand } from "./shell.js";

/** Find out whose the key is; false when it is not accepted. */
export async function identify() {
  setOwner(await get("/key"));
}

/** @param {() => void} done @param {string} [note] */
function form(done, note) {
  const key = h("input", {
    type: "password",
    id: "key",
    name: "key",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
    placeholder: "colloquy_…",
    autofocus: true,
  });
  const memory = h("input", { type: "checkbox", name: "memory" });
  const problem = h("div", { "aria-live": "assertive" });
  const enter = h("button", { type: "submit", class: "button primary" }, "Open the console");
  const element = h(
    "form",
    { class: "sign-in" },
    note && h("p", {}, note),
    h("label", { class: "field" }, h("span", {}, "API key"), key),
    h("label", { class: "check" }, memory, h("span", {}, "Forget it when the page is reloaded")),
    problem,
    enter,
  );
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await attempt(enter, problem, () => enterWith(key.value.trim(), !memory.checked))) done();
  });
  return { element, key };
}

/** @param {string} value @param {boolean} keep */
async function enterWith(value, keep) {
  setKey(value, keep);
  try {
    await identify();
  } catch (error) {
    if (error instanceof ApiError && error.status === 0) throw error;
    forget();
    if (error instanceof ApiError && error.status === 401)
      error.message = "This key is not known here, or is no longer valid.";
    throw error;
  }
}

/** The page that asks for the key. @param {() => void} done */
export function signInPage(done) {
  const { element } = form(done);
  return h(
    "main",
    { class: "door" },
    h(
      "div",
      { class: "door-card" },
      brand(),
      h("h1", {}, "Sign in"),
      element,
      h(
        "p",
        { class: "hint" },
        "The server printed a key when it first started; ",
        h("code", {}, "colloquy keys create"),
        " makes another. The key stays in this tab and goes to this server only.",
      ),
    ),
  );
}

/** Ask again over the page, so that what was being written stays. */
export function askAgain() {
  if (document.querySelector("dialog.key-again")) return;
  const { element } = form(
    () => dialog.close(),
    "The server no longer accepts the key. With a new one you go on where you are.",
  );
  const dialog = open("Sign in again", [element], { locked: true });
  dialog.classList.add("key-again");
  session.key && forget();
}
