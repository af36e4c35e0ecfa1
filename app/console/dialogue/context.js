/** What a model would be sent for a budget of tokens, in each format. */

import { get } from "../api.js";
import { blockElement, blocksOf, excerpt, jsonBlock } from "../content.js";
import { errorBox, loading } from "../dialog.js";
import { copyButton, h, replace } from "../dom.js";
import { count, plural } from "../format.js";
import { stringify } from "../json.js";
import { select } from "../rows.js";
import { summaryCard } from "./summaries.js";

/** @typedef {import("./page.js").Subject} Subject */

const BUDGETS = [256, 512, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 1_000_000];

/** @param {Subject} subject */
export function contextPanel(subject) {
  const slider = h("input", {
    type: "range",
    min: 0,
    max: BUDGETS.length - 1,
    step: 1,
    value: 4,
    id: "budget",
    oninput: () => later(),
  });
  const format = select(
    "format",
    "messages",
    [
      ["messages", "Messages as stored"],
      ["openai", "OpenAI"],
      ["anthropic", "Anthropic"],
    ],
    () => later(),
  );
  const shown = h("output", { for: "budget" });
  const answer = h("div", { "aria-live": "polite" });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  const later = () => {
    const budget = BUDGETS[Number(slider.value)] ?? 4_000;
    shown.textContent = `${count(budget)} tokens`;
    slider.setAttribute("aria-valuetext", shown.textContent);
    clearTimeout(waiting);
    waiting = setTimeout(() => void ask(answer, subject, budget, format.value), 200);
  };
  later();
  return h(
    "div",
    { class: "stack" },
    h(
      "p",
      { class: "hint" },
      "What to send to a model: the instructions, a summary of what does not fit, and the newest whole turns.",
    ),
    h(
      "div",
      { class: "field" },
      h("div", { class: "between" }, h("label", { for: "budget" }, "Budget"), shown),
      slider,
    ),
    h("label", { class: "field" }, h("span", {}, "Format"), format),
    answer,
  );
}

/** @param {HTMLElement} answer @param {Subject} subject @param {number} maxTokens @param {string} format */
async function ask(answer, subject, maxTokens, format) {
  const { id, namespace } = subject.dialogue;
  replace(answer, loading(3));
  try {
    const context = await get("/dialogue/{id}/context", {
      path: { id },
      query: { namespace, maxTokens, format: /** @type {any} */ (format) },
      signal: subject.signal,
    });
    replace(answer, result(context, maxTokens, format));
  } catch (error) {
    replace(
      answer,
      errorBox(error, () => ask(answer, subject, maxTokens, format)),
    );
  }
}

/** @param {any} context @param {number} budget @param {string} format */
function result(context, budget, format) {
  const used = h("span", {});
  used.style.setProperty("inline-size", `${Math.min(100, (context.tokenCount / budget) * 100)}%`);
  const left = context.omittedMessages;
  return [
    h("div", { class: "meter", "aria-hidden": "true" }, used),
    h(
      "p",
      {},
      h("strong", {}, count(context.tokenCount)),
      ` of ${count(budget)} tokens${context.estimated ? ", estimated" : ""}. `,
      left ? `${plural(left, "message")} left out.` : "Nothing left out.",
    ),
    context.summary && summaryCard(context.summary, false),
    format === "messages"
      ? h("ol", { class: "context-messages" }, context.messages.map(contextMessage))
      : native(context),
  ];
}

/** Longer messages are folded, in characters of JSON. */
const SHORT = 400;

/** @param {any} message */
function contextMessage(message) {
  const role = h("strong", {}, message.role);
  const blocks = blocksOf(message.content, message.role).map((block) => blockElement(block));
  const kind = { class: `context-message ${message.role}` };
  if (stringify(message.content).length <= SHORT) return h("li", kind, role, blocks);
  const brief = h("span", { class: "fold-brief" }, excerpt(message.content, message.role));
  return h("li", {}, h("details", kind, h("summary", {}, role, brief), blocks));
}

/** The request as the provider's API takes it. @param {any} context */
function native(context) {
  const { summary: _, tokenCount: __, estimated: ___, omittedMessages: ____, ...request } = context;
  return [copyButton("Copy as JSON", stringify(request, 2), { quiet: false }), jsonBlock(request)];
}
