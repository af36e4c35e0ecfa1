/** Projects: the tenants of the server. */

import { call, get } from "../../api.js";
import { confirm, empty, notice } from "../../dialog.js";
import { button, h } from "../../dom.js";
import { Feed } from "../../feed.js";
import { time } from "../../format.js";
import { field, input } from "../../rows.js";
import { session } from "../../session.js";

/** @typedef {import("../../types.js").Project} Project */

/** @type {import("./page.js").MakePart} */
export function projectsPart() {
  const place = h("div", { class: "list-place" });
  /** @type {Feed<Project> | null} */
  let feed = null;
  const show = () => {
    feed?.stop();
    feed = new Feed({
      load: (_side, next, signal) => get("/projects", { query: { limit: 50, next }, signal }),
      render: (projects) =>
        [
          h(
            "ul",
            { class: "rows" },
            projects.map((project) => row(project, show)),
          ),
        ].filter(() => projects.length > 0),
      empty: () => empty("shield", "No projects"),
      label: "Projects",
    });
    place.replaceChildren(feed.element);
    void feed.start();
  };
  show();
  const element = h(
    "section",
    { "aria-label": "Projects" },
    h(
      "p",
      { class: "toolbar" },
      button("plus", "New project", () => create(show), { kind: "primary" }),
    ),
    place,
  );
  return { element, leave: () => feed?.stop() };
}

/** @param {Project} project @param {() => void} changed */
function row(project, changed) {
  return h(
    "li",
    { class: "row" },
    h(
      "div",
      { class: "row-link", tabindex: -1, "data-item": true },
      h(
        "span",
        { class: "row-main" },
        h(
          "span",
          { class: "row-title" },
          project.id,
          project.id === session.owner?.project && h("span", { class: "tag" }, "yours"),
        ),
        h(
          "span",
          { class: "row-sub" },
          h("span", {}, "made ", time(project.created)),
          project.immutable && h("span", {}, "nothing in it can be deleted"),
        ),
      ),
      h(
        "span",
        { class: "row-tools" },
        button("settings", "Change", () => change(project, changed), { kind: "small" }),
        button("trash", "Delete", () => remove(project, changed), { kind: "small warn" }),
      ),
    ),
  );
}

/** @param {boolean} value */
function immutableField(value) {
  const control = h("input", { type: "checkbox", name: "immutable", checked: value });
  return {
    control,
    element: h("label", { class: "check" }, control, h("span", {}, "Forbid deleting dialogues and messages")),
  };
}

/** @param {() => void} changed */
async function create(changed) {
  const id = input("id", "", { maxlength: 64 });
  const immutable = immutableField(false);
  const done = await confirm({
    title: "New project",
    body: [field("Name", id), immutable.element],
    action: "Make the project",
    danger: false,
    run: () => call("post", "/projects", { body: { id: id.value, immutable: immutable.control.checked } }),
  });
  if (done) changed();
}

/** @param {Project} project @param {() => void} changed */
async function change(project, changed) {
  const immutable = immutableField(project.immutable);
  const done = await confirm({
    title: project.id,
    body: [immutable.element],
    action: "Save",
    danger: false,
    run: () =>
      call("put", "/projects/{id}", { path: { id: project.id }, body: { immutable: immutable.control.checked } }),
  });
  if (done) changed();
}

/** @param {Project} project @param {() => void} changed */
async function remove(project, changed) {
  const done = await confirm({
    title: "Delete this project?",
    body: [h("p", {}, "Its keys stop working, and everything that is stored in it is removed for good.")],
    typed: project.id,
    action: "Delete for good",
    run: () => call("delete", "/projects/{id}", { path: { id: project.id } }),
  });
  if (!done) return;
  changed();
  notice("The project was deleted.");
}
