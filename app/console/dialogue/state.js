/** The state of a dialogue: read as a tree, changed under If-Match, merged by hand when somebody else was faster. */

import { ApiError, call } from "../api.js";
import { attempt, empty, errorBox, notice } from "../dialog.js";
import { button, h, replace } from "../dom.js";
import { equal, isObject } from "../json.js";
import { session } from "../session.js";
import { tree } from "../tree.js";
import { treeEditor, Unfinished } from "../tree-editor.js";
import { conflictView } from "./conflict.js";

/** @typedef {import("./page.js").Subject} Subject */
/** @typedef {Record<string, import("../types.js").Json>} State */

/** @param {Subject} subject */
export function statePanel(subject) {
  const place = h("div", { class: "stack" });
  read(place, subject);
  return place;
}

/** @param {HTMLElement} place @param {Subject} subject */
function read(place, subject) {
  const { state } = subject.dialogue;
  replace(
    place,
    Object.keys(state).length > 0
      ? tree(state)
      : empty(
          "settings",
          "The state is empty",
          h("p", {}, "It is a JSON object that a program keeps with the dialogue."),
        ),
    session.mayWrite &&
      h(
        "div",
        {},
        button("edit", "Change the state", () => edit(place, subject, /** @type {State} */ (state))),
      ),
  );
}

/** @param {HTMLElement} place @param {Subject} subject @param {State} draft */
function edit(place, subject, draft) {
  const base = /** @type {State} */ (subject.dialogue.state);
  const version = subject.etag;
  const editor = treeEditor(draft);
  const problem = h("div", { "aria-live": "assertive" });
  const save = h("button", { type: "button", class: "button primary", onclick: () => store() }, "Save");
  const store = async () => {
    const mine = finished(editor, problem);
    if (!mine) return;
    let conflict = false;
    const saved = await attempt(save, problem, async () => {
      conflict = !(await write(subject, base, mine, version));
    });
    if (conflict) return meet(place, subject, base, mine);
    if (!saved) return;
    read(place, subject);
    notice("The state was saved.");
  };
  replace(
    place,
    editor.element,
    problem,
    h(
      "div",
      { class: "buttons" },
      save,
      h("button", { type: "button", class: "button", onclick: () => read(place, subject) }, "Cancel"),
    ),
  );
}

/** @param {ReturnType<typeof treeEditor>} editor @param {HTMLElement} problem */
function finished(editor, problem) {
  try {
    return editor.value();
  } catch (error) {
    if (!(error instanceof Unfinished)) throw error;
    problem.replaceChildren(errorBox(new ApiError(0, { message: error.message })));
    return null;
  }
}

/**
 * Store what changed; false when the dialogue has changed since it was read.
 * @param {Subject} subject @param {State} base @param {State} mine @param {string | undefined} version
 */
async function write(subject, base, mine, version) {
  const { id, namespace } = subject.dialogue;
  const patch = mergePatch(base, mine);
  try {
    const { data, etag } = patch
      ? await call("patch", "/dialogue/{id}/state", {
          path: { id },
          query: { namespace },
          body: patch,
          ifMatch: version,
        })
      : await call("put", "/dialogue/{id}/state", {
          path: { id },
          query: { namespace, replace: true },
          body: mine,
          ifMatch: version,
        });
    subject.changed({ ...subject.dialogue, state: data }, etag);
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 412) return false;
    throw error;
  }
}

/**
 * What to send so that only what changed is written; null where a merge patch cannot say it, since null removes.
 * @param {State} base @param {State} mine @returns {State | null}
 */
export function mergePatch(base, mine) {
  /** @type {Map<string, import("../types.js").Json>} */
  const patch = new Map();
  for (const name of Object.keys(base)) if (!Object.hasOwn(mine, name)) patch.set(name, null);
  for (const [name, value] of Object.entries(mine)) {
    const before = Object.hasOwn(base, name) ? base[name] : undefined;
    if (equal(before, value)) continue;
    const inner = isObject(value) && isObject(before) ? mergePatch(before, value) : value;
    if (inner === null || (inner === value && hasNull(value))) return null;
    patch.set(name, inner);
  }
  return Object.fromEntries(patch);
}

/** Whether a value is null or an object with a null in it, lists apart. @param {unknown} value @returns {boolean} */
function hasNull(value) {
  return value === null || (isObject(value) && Object.values(value).some(hasNull));
}

/** Somebody else has written: show both, and save what is chosen. @param {HTMLElement} place @param {Subject} subject @param {State} base @param {State} mine */
async function meet(place, subject, base, mine) {
  const { id, namespace } = subject.dialogue;
  try {
    const { data, etag } = await call("get", "/dialogue/{id}", { path: { id }, query: { namespace } });
    subject.changed(data, etag);
    const theirs = /** @type {State} */ (data.state);
    replace(
      place,
      conflictView(
        base,
        mine,
        theirs,
        (merged) => edit(place, subject, merged),
        () => read(place, subject),
      ),
    );
  } catch (error) {
    replace(
      place,
      errorBox(error, () => meet(place, subject, base, mine)),
    );
  }
}
