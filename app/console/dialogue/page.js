/** One dialogue: its transcript, and beside it what is known about it. */

import { call, get } from "../api.js";
import { empty, errorBox } from "../dialog.js";
import { openingWords } from "../dialogue-list.js";
import { button, h, replace } from "../dom.js";
import { dayStart, plural, time } from "../format.js";
import { dialogueAddress, note } from "../router.js";
import { backLink, namespaceMark, statusMark, titleOf } from "../rows.js";
import { session } from "../session.js";
import { actions } from "./actions.js";
import { contextPanel } from "./context.js";
import { detailsPanel } from "./details.js";
import { statePanel } from "./state.js";
import { summariesPanel } from "./summaries.js";
import { tabs } from "./tabs.js";
import { threadsPanel } from "./threads.js";
import { Transcript } from "./transcript.js";

/** @typedef {import("../types.js").Dialogue} Dialogue */
/** What the parts of the page share: the dialogue as it was last read or written, and what it is called without a label. @typedef {{ dialogue: Dialogue, words: string, etag: string | undefined, signal: AbortSignal, changed: (dialogue: Dialogue, etag: string | undefined) => void }} Subject */

/** @type {import("../router.js").Page} */
export async function dialoguePage({ path, query, signal }) {
  const id = path[0] ?? "";
  const namespace = query.get("namespace") ?? session.namespace;
  const element = h("div", { class: "page dialogue-page" });
  try {
    const { data, etag } = await call("get", "/dialogue/{id}", { path: { id }, query: { namespace }, signal });
    return show(element, data, etag, query, signal);
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

const back = () => backLink("#/dialogues", "Dialogues");

/** @param {HTMLElement} element @param {Dialogue} dialogue @param {string | undefined} etag @param {URLSearchParams} query @param {AbortSignal} signal */
function show(element, dialogue, etag, query, signal) {
  const head = h("header", { class: "dialogue-head" });
  /** @type {Subject} */
  const subject = {
    dialogue,
    words: openingWords(dialogue.messages ?? []),
    etag,
    signal,
    changed: (next, version) => {
      const closedOrReopened = next.status !== subject.dialogue.status;
      subject.dialogue = next;
      subject.etag = version;
      replace(head, heading(subject));
      // What the details offer depends on the status; a state that is being written stays.
      if (closedOrReopened && panel.dataset.chosen === "details") choose("details");
    },
  };
  replace(head, heading(subject));
  const transcript = new Transcript(dialogue);
  const { panel, choose } = panels(subject, query);
  const reading = h("div", { class: "reading" }, jumps(transcript, dialogue), transcript.element);
  replace(element, back(), head, h("div", { class: "dialogue-columns" }, reading, panel));
  const narrow = matchMedia("(max-width: 1080px)");
  narrow.addEventListener("change", () => choose(narrow.matches ? "messages" : "details"), { signal });
  void begin(transcript, dialogue, query.get("message"), signal);
  choose(query.get("panel") ?? (narrow.matches ? "messages" : "details"));
  return { element, title: dialogue.label || subject.words || dialogue.id, leave: () => transcript.stop() };
}

/** @param {Subject} subject */
function heading(subject) {
  const { dialogue, words } = subject;
  const quoted = !dialogue.label && words;
  const title = quoted ? h("q", {}, words) : titleOf(dialogue);
  return [
    h("div", { class: "dialogue-title" }, h("h1", {}, title), actions(subject)),
    h(
      "p",
      { class: "dialogue-sub" },
      statusMark(dialogue.status),
      quoted && h("code", {}, dialogue.id),
      h("span", {}, plural(dialogue.totalMessages, "message")),
      namespaceMark(dialogue.namespace),
      h("span", {}, "last change ", time(dialogue.modified)),
    ),
  ];
}

/** @param {Subject} subject @param {URLSearchParams} query */
function panels(subject, query) {
  const { dialogue } = subject;
  return tabs(
    "About the dialogue",
    [
      { name: "messages", label: "Messages", narrow: true, open: () => h("span") },
      { name: "details", label: "Details", open: () => detailsPanel(subject) },
      { name: "state", label: "State", open: () => statePanel(subject) },
      { name: "context", label: "Context", open: () => contextPanel(subject) },
      { name: "summaries", label: "Summaries", open: () => summariesPanel(subject) },
      {
        name: "threads",
        label: dialogue.threadCount ? `Threads ${dialogue.threadCount}` : "Threads",
        open: () => threadsPanel(subject),
      },
    ],
    (panel) =>
      note(
        dialogueAddress(dialogue, {
          panel: ["details", "messages"].includes(panel) ? undefined : panel,
          message: query.get("message") ?? undefined,
        }),
      ),
  );
}

/** @param {Transcript} transcript @param {Dialogue} dialogue */
function jumps(transcript, dialogue) {
  if (dialogue.totalMessages <= 50) return null;
  const date = h("input", {
    type: "date",
    onchange: () => {
      const day = dayStart(date.value);
      if (day) void transcript.show({ from: "date", date: day });
    },
  });
  return h(
    "div",
    { class: "jumps", role: "group", "aria-label": "Go to" },
    button("arrowUp", "First", () => transcript.show({ from: "start" })),
    button("arrowDown", "Newest", () => transcript.show({ from: "end" })),
    h("label", {}, "Day", date),
  );
}

/** @param {Transcript} transcript @param {Dialogue} dialogue @param {string | null} mid @param {AbortSignal} signal */
async function begin(transcript, dialogue, mid, signal) {
  if (!mid) return transcript.show({ from: "start" });
  try {
    const message = await get("/message/{mid}", {
      path: { mid },
      query: { dialogueId: dialogue.id, namespace: dialogue.namespace },
      signal,
    });
    await transcript.show({ from: "message", message });
  } catch {
    await transcript.show({ from: "start" });
    transcript.element.prepend(empty("search", "The message that the link points to is not here any more"));
  }
}
