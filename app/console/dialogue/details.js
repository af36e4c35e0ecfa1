/** Title, tags, metadata and the dates of a dialogue. */

import { call } from "../api.js";
import { attempt, notice } from "../dialog.js";
import { button, copyButton, h, replace } from "../dom.js";
import { time } from "../format.js";
import { dialogueAddress } from "../router.js";
import { facts, field, input, namespaceMark, tagList, tagsOf } from "../rows.js";
import { session } from "../session.js";
import { tree } from "../tree.js";

/** @typedef {import("./page.js").Subject} Subject */

/** @param {Subject} subject */
export function detailsPanel(subject) {
  const place = h("div", {});
  read(place, subject);
  return place;
}

/** @param {HTMLElement} place @param {Subject} subject */
function read(place, subject) {
  const { dialogue } = subject;
  const parent =
    dialogue.threadOf &&
    h("a", { href: dialogueAddress({ id: dialogue.threadOf, namespace: dialogue.namespace }) }, dialogue.threadOf);
  const editable = session.mayWrite && dialogue.status === "active";
  replace(
    place,
    facts([
      ["Title", dialogue.label],
      ["Id", h("span", { class: "with-tool" }, h("code", {}, dialogue.id), copyButton("Copy the id", dialogue.id))],
      ["Namespace", namespaceMark(dialogue.namespace)],
      ["Tags", tagList(dialogue.tags)],
      ["Thread of", parent],
      ["Created", time(dialogue.created, "exact")],
      ["Last message", dialogue.lastMessageCreated && time(dialogue.lastMessageCreated, "exact")],
      ["Last change", time(dialogue.modified, "exact")],
      ["Ended", dialogue.endedAt && time(dialogue.endedAt, "exact")],
      ["Archived", dialogue.archivedAt && time(dialogue.archivedAt, "exact")],
    ]),
    editable && button("edit", "Change title and tags", () => edit(place, subject), { kind: "edit" }),
    session.mayWrite &&
      !editable &&
      h(
        "p",
        { class: "hint" },
        `Title and tags of ${dialogue.status === "ended" ? "an ended" : "an archived"} dialogue stay as they are. Reopen it to change them.`,
      ),
    h("h3", {}, "Metadata"),
    Object.keys(dialogue.metadata).length > 0
      ? tree(dialogue.metadata)
      : h("p", { class: "hint" }, "None. It is given when a dialogue is created."),
  );
}

/** @param {HTMLElement} place @param {Subject} subject */
function edit(place, subject) {
  const leave = () => {
    read(place, subject);
    const again = place.querySelector("button.edit");
    if (again instanceof HTMLElement) again.focus();
  };
  const label = input("label", subject.dialogue.label ?? "", { maxlength: 128 });
  const tags = input("tags", subject.dialogue.tags.join(", "));
  const problem = h("div", { "aria-live": "assertive" });
  const save = h("button", { type: "submit", class: "button primary" }, "Save");
  const form = h(
    "form",
    { class: "stack" },
    field("Title", label),
    field("Tags, separated by commas", tags),
    problem,
    h(
      "div",
      { class: "buttons" },
      save,
      h("button", { type: "button", class: "button", onclick: () => leave() }, "Cancel"),
    ),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!(await attempt(save, problem, () => write(subject, label.value, tagsOf(tags.value))))) return;
    leave();
    notice("Saved.");
  });
  replace(place, form);
  form.addEventListener("keydown", (event) => event.key === "Escape" && !event.isComposing && leave());
  label.focus();
}

/** @param {Subject} subject @param {string} label @param {string[]} tags */
async function write(subject, label, tags) {
  const { id, namespace } = subject.dialogue;
  const { data, etag } = await call("put", "/dialogue/{id}", {
    path: { id },
    query: { namespace },
    ifMatch: subject.etag,
    body: { label, tags },
  });
  subject.changed(data, etag);
}
