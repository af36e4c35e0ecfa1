/** The summaries of a dialogue, with what each covers. */

import { call, get } from "../api.js";
import { attempt, empty, notice } from "../dialog.js";
import { h, replace } from "../dom.js";
import { count, plural, time } from "../format.js";
import { codeBlock, markdown } from "../markdown.js";
import { session } from "../session.js";

/** @typedef {import("./page.js").Subject} Subject */
/** @typedef {import("../types.js").Summary} Summary */

const MADE_BY = new Map([
  ["extractive", "quotes chosen by rule"],
  ["transcript", "the messages as they were said"],
]);

/** @param {Subject} subject */
export async function summariesPanel(subject) {
  const place = h("div", { class: "stack" });
  await list(place, subject);
  return place;
}

/** @param {HTMLElement} place @param {Subject} subject */
async function list(place, subject) {
  const { id, namespace } = subject.dialogue;
  const { items } = await get("/summaries", {
    query: { dialogueId: id, namespace, limit: 20 },
    signal: subject.signal,
  });
  const problem = h("div", { "aria-live": "assertive" });
  const make = h(
    "button",
    {
      type: "button",
      class: "button",
      onclick: async () => {
        if (!(await attempt(make, problem, () => summarise(subject)))) return;
        notice("The summary was made.");
        await list(place, subject);
      },
    },
    "Summarise now",
  );
  replace(
    place,
    session.mayWrite && subject.dialogue.totalMessages > 0 && h("div", {}, make, problem),
    items.length > 0
      ? items.map((summary, index) => summaryCard(summary, index === 0))
      : empty(
          "spark",
          "No summaries yet",
          h("p", {}, "A summary stands in for old messages when a context is too small for them."),
        ),
  );
}

/** @param {Subject} subject */
function summarise({ dialogue: { id, namespace } }) {
  return call("post", "/dialogue/{id}/compact", { path: { id }, query: { namespace } });
}

/** @param {Summary} summary @param {boolean} shown */
export function summaryCard(summary, shown) {
  const by = MADE_BY.get(summary.provider) ?? `written by ${summary.model ?? summary.provider}`;
  return h(
    "details",
    { class: "card summary", open: shown },
    h("summary", {}, h("strong", {}, time(summary.created)), h("span", { class: "hint" }, by)),
    summary.stale && h("p", { class: "warning" }, "Out of date: a message that it covers was deleted."),
    summary.error && h("p", { class: "warning" }, summary.error),
    h("p", { class: "hint" }, covers(summary)),
    MADE_BY.has(summary.provider) ? codeBlock(summary.content) : markdown(summary.content),
  );
}

/** @param {Summary} summary */
function covers(summary) {
  if (summary.fromCreated === null || summary.toCreated === null)
    return "It covers nothing: there was nothing to read.";
  return [
    "Covers ",
    plural(summary.summarizedCount, "message"),
    " from ",
    time(summary.fromCreated, "date"),
    " to ",
    time(summary.toCreated, "date"),
    `; ${count(summary.contentTokenCount)} tokens`,
    summary.contentTokenCount < summary.totalTokens && ` instead of ${count(summary.totalTokens)}`,
    ".",
  ];
}
