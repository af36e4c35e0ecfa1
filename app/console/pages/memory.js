/** One memory: read, changed, deleted. */

import { ApiError, call, get } from "../api.js";
import { jsonBlock } from "../content.js";
import { attempt, confirm, errorBox, notice } from "../dialog.js";
import { button, h, replace } from "../dom.js";
import { time } from "../format.js";
import { parse, stringify } from "../json.js";
import { go, listBefore } from "../router.js";
import { backLink, facts, field, input, namespaceMark, tagList, tagsOf } from "../rows.js";
import { session } from "../session.js";
import { tree } from "../tree.js";

/** @typedef {import("../types.js").Memory} Memory */

/** @type {import("../router.js").Page} */
export async function memoryPage({ path, query, signal }) {
  const id = path[0] ?? "";
  const element = h("div", { class: "page narrow" });
  try {
    const memory = await get("/memory/{id}", {
      path: { id },
      query: { namespace: query.get("namespace") ?? session.namespace },
      signal,
    });
    read(element, memory);
    return { element, title: memory.label || memory.id };
  } catch (error) {
    replace(
      element,
      back(),
      h("h1", { class: "heard" }, id),
      errorBox(error, () => dispatchEvent(new HashChangeEvent("hashchange"))),
    );
    return { element, title: id };
  }
}

const back = () => backLink("#/memories", "Memories");

/** @param {HTMLElement} element @param {Memory} memory */
function read(element, memory) {
  const tools =
    session.mayWrite &&
    h(
      "div",
      { class: "page-actions" },
      button("edit", "Change", () => edit(element, memory)),
      button("trash", "Delete", () => remove(memory), { kind: "warn" }),
    );
  replace(
    element,
    back(),
    h(
      "header",
      { class: "page-head" },
      h(
        "div",
        {},
        h("h1", {}, memory.label || memory.id),
        memory.description && h("p", { class: "intro" }, memory.description),
      ),
      tools,
    ),
    h(
      "section",
      { class: "card value", "aria-label": "Value" },
      typeof memory.value === "object" && memory.value !== null
        ? tree(memory.value)
        : h("p", { class: "plain" }, typeof memory.value === "string" ? memory.value : stringify(memory.value)),
    ),
    facts([
      ["Id", h("code", {}, memory.id)],
      ["Namespace", namespaceMark(memory.namespace)],
      ["Tags", tagList(memory.tags)],
      ["Created", time(memory.created, "exact")],
      ["Last change", time(memory.modified, "exact")],
    ]),
    Object.keys(memory.metadata).length > 0 && h("section", {}, h("h2", {}, "Metadata"), jsonBlock(memory.metadata)),
  );
}

/** @param {HTMLElement} element @param {Memory} memory */
function edit(element, memory) {
  const label = input("label", memory.label ?? "", { maxlength: 128 });
  const description = input("description", memory.description ?? "", { maxlength: 1024 });
  const tags = input("tags", memory.tags.join(", "));
  const value = h("textarea", { name: "value", rows: 12, spellcheck: "false", class: "code-field" });
  value.value = stringify(memory.value, 2);
  const problem = h("div", { "aria-live": "assertive" });
  const save = h("button", { type: "submit", class: "button primary" }, "Save");
  const form = h(
    "form",
    { class: "stack" },
    field("Title", label),
    field("Description", description),
    field("Tags, separated by commas", tags),
    field("Value, as JSON", value),
    problem,
    h(
      "div",
      { class: "buttons" },
      save,
      h("button", { type: "button", class: "button", onclick: () => read(element, memory) }, "Cancel"),
    ),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const saved = await attempt(save, problem, async () => {
      const body = {
        label: label.value,
        description: description.value,
        tags: tagsOf(tags.value),
        value: written(value.value),
      };
      memory = (
        await call("put", "/memory/{id}", { path: { id: memory.id }, query: { namespace: memory.namespace }, body })
      ).data;
    });
    if (!saved) return;
    read(element, memory);
    notice("Saved.");
  });
  replace(element, back(), h("h1", {}, memory.label || memory.id), form);
  label.focus();
}

/** @param {string} text */
function written(text) {
  try {
    return parse(text);
  } catch (error) {
    throw new ApiError(0, {
      message: `The value is not JSON: ${error instanceof Error ? error.message : ""}. Text needs quotation marks.`,
    });
  }
}

/** @param {Memory} memory */
async function remove(memory) {
  const done = await confirm({
    title: "Delete this memory?",
    body: [h("p", {}, "One memory, ", h("strong", {}, memory.label || memory.id), ", is removed for good.")],
    action: "Delete 1 memory",
    run: () => call("delete", "/memory/{id}", { path: { id: memory.id }, query: { namespace: memory.namespace } }),
  });
  if (!done) return;
  notice("The memory was deleted.");
  go(listBefore("#/memories", "Memories").hash);
}
