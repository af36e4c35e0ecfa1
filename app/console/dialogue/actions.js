/** What can be done with a dialogue: export, end, archive, reopen, delete. */

import { call, get } from "../api.js";
import { confirm, notice } from "../dialog.js";
import { button, h } from "../dom.js";
import { plural } from "../format.js";
import { go, listBefore } from "../router.js";
import { session } from "../session.js";
import { exportDialogue } from "./export.js";

/** @typedef {import("./page.js").Subject} Subject */

/** @param {Subject} subject */
export function actions(subject) {
  const { status } = subject.dialogue;
  const writing = session.mayWrite && [
    status === "active" && button("end", "End", () => end(subject)),
    status !== "archived" && button("archive", "Archive", () => change(subject, "archive", "archived")),
    status !== "active" && button("reopen", "Reopen", () => change(subject, "reopen", "reopened")),
    button("trash", "Delete", () => remove(subject), { kind: "warn" }),
  ];
  return h(
    "div",
    { class: "page-actions" },
    button("download", "Export", () => exportDialogue(subject)),
    writing,
  );
}

/** @param {number} many @param {string} one */
const staying = (many, one) => (many === 1 ? `Its ${one} stays.` : `Its ${plural(many, one)} stay.`);

/** @param {Subject} subject */
async function end(subject) {
  await confirm({
    title: "End this dialogue?",
    body: [
      h(
        "p",
        {},
        `${staying(subject.dialogue.totalMessages, "message")} It takes no more messages, tags or title until it is reopened.`,
      ),
    ],
    action: "End it",
    danger: false,
    run: () => act(subject, "end"),
  });
}

/** @param {Subject} subject @param {"archive" | "reopen"} action @param {string} done */
async function change(subject, action, done) {
  const says =
    action === "archive"
      ? "It leaves the lists, and takes no messages until it is reopened. Nothing is removed."
      : "It takes messages again.";
  const made = await confirm({
    title: action === "archive" ? "Archive this dialogue?" : "Reopen this dialogue?",
    body: [h("p", {}, says)],
    action: action === "archive" ? "Archive it" : "Reopen it",
    danger: false,
    run: () => act(subject, action),
  });
  if (made) notice(`The dialogue was ${done}.`);
}

/** @param {Subject} subject @param {"end" | "archive" | "reopen"} action */
async function act(subject, action) {
  const { id, namespace } = subject.dialogue;
  const { data, etag } = await call("post", `/dialogue/{id}/${action}`, { path: { id }, query: { namespace } });
  subject.changed(data, etag);
}

/** @param {Subject} subject */
async function remove(subject) {
  const { dialogue } = subject;
  const summaries = await countSummaries(subject);
  const whole = h("input", { type: "checkbox", checked: true });
  const done = await confirm({
    title: "Delete this dialogue?",
    body: [
      h(
        "p",
        {},
        "It is removed for good, with its state. ",
        dialogue.threadCount > 0 && staying(dialogue.threadCount, "thread"),
      ),
      h(
        "label",
        { class: "check" },
        whole,
        h("span", {}, `Delete its ${plural(dialogue.totalMessages, "message")} and ${summaries} too`),
      ),
    ],
    action: "Delete for good",
    run: () =>
      call("delete", "/dialogue/{id}", {
        path: { id: dialogue.id },
        query: { namespace: dialogue.namespace, cascade: whole.checked },
      }),
  });
  if (!done) return;
  notice("The dialogue was deleted.");
  go(listBefore("#/dialogues", "Dialogues").hash);
}

/** @param {Subject} subject */
async function countSummaries({ dialogue: { id, namespace } }) {
  const { items, next } = await get("/summaries", { query: { dialogueId: id, namespace, limit: 100 } });
  return next ? "its more than 100 summaries" : plural(items.length, "summary", "summaries");
}
