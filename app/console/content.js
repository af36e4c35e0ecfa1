/** What a message holds, in whichever of the usual shapes: text, tool calls, results, reasoning, images, anything. */

import { h, icon } from "./dom.js";
import { bytes, shorten } from "./format.js";
import { isObject, own, parse, stringify } from "./json.js";
import { codeBlock, image, markdown } from "./markdown.js";

/** @typedef {{ kind: "text", text: string }
 *   | { kind: "call", id: string, name: string, input: unknown }
 *   | { kind: "result", id: string, name: string, value: unknown, failed: boolean, messageId?: string }
 *   | { kind: "reasoning", text: string }
 *   | { kind: "refusal", text: string }
 *   | { kind: "image", source: string, text: string }
 *   | { kind: "unknown", value: unknown }} Block */

/** @param {unknown} content @param {string} [role] @returns {Block[]} */
export function blocksOf(content, role = "") {
  if (typeof content === "string") {
    return role === "tool" || role === "function" ? [result({}, content)] : [{ kind: "text", text: content }];
  }
  if (Array.isArray(content)) return content.flatMap((item) => blocksOfItem(item, role));
  return isObject(content) ? blocksOfItem(content, role) : [{ kind: "unknown", value: content }];
}

/** @param {any} item @param {string} role @returns {Block[]} */
function blocksOfItem(item, role) {
  if (typeof item === "string") return [{ kind: "text", text: item }];
  if (!isObject(item)) return [{ kind: "unknown", value: item }];
  const type = typeof item.type === "string" ? item.type : "";
  const typed = own(TYPES, type) ?? (type.startsWith("tool-") ? vercelTool : undefined);
  if (typed) return typed(item);
  if (isNative(item)) return native(item, role);
  return untyped(item) ?? [{ kind: "unknown", value: item }];
}

/** @type {Record<string, (item: any) => Block[]>} */
const TYPES = {
  text: (item) => [text(item.text)],
  input_text: (item) => [text(item.text)],
  output_text: (item) => [text(item.text)],
  refusal: (item) => [{ kind: "refusal", text: String(item.refusal ?? "") }],
  thinking: (item) => [{ kind: "reasoning", text: String(item.thinking ?? item.text ?? "") }],
  redacted_thinking: () => [{ kind: "reasoning", text: "(The provider has hidden this reasoning.)" }],
  reasoning: (item) => [{ kind: "reasoning", text: reasoningText(item) }],
  tool_use: (item) => [call(item.id, item.name, item.input)],
  server_tool_use: (item) => [call(item.id, item.name, item.input)],
  "tool-call": (item) => [call(item.toolCallId, item.toolName, item.input ?? item.args)],
  function_call: (item) => [call(item.call_id ?? item.id, item.name, argumentsOf(item.arguments))],
  tool_result: (item) => [result({ id: item.tool_use_id, failed: item.is_error }, item.content)],
  "tool-result": (item) => [
    result({ id: item.toolCallId, name: item.toolName, failed: item.isError }, item.output ?? item.result),
  ],
  function_call_output: (item) => [result({ id: item.call_id }, item.output)],
  image: (item) => [picture(item.source ?? item)],
  image_url: (item) => [picture(item.image_url)],
  input_image: (item) => [picture(item.image_url)],
  file: (item) =>
    String(item.mediaType ?? item.mimeType ?? "").startsWith("image/")
      ? [picture(item)]
      : [{ kind: "unknown", value: item }],
};

/** @param {unknown} value @returns {Block} */
const text = (value) => ({ kind: "text", text: typeof value === "string" ? value : (stringify(value) ?? "") });

/** @param {unknown} id @param {unknown} name @param {unknown} input @returns {Block} */
const call = (id, name, input) => ({ kind: "call", id: String(id ?? ""), name: String(name ?? "tool"), input });

/** @param {{ id?: unknown, name?: unknown, failed?: unknown }} about @param {unknown} value @returns {Block} */
function result({ id, name, failed }, value) {
  return { kind: "result", id: String(id ?? ""), name: String(name ?? ""), value, failed: failed === true };
}

/** @param {any} item */
function reasoningText(item) {
  if (typeof item.text === "string") return item.text;
  const parts = [item.summary, item.content].flat().filter(isObject);
  return parts.map((part) => part.text).join("\n\n") || "(nothing readable)";
}

/** @param {any} item @returns {Block[]} */
function vercelTool(item) {
  const made = call(item.toolCallId, String(item.type).slice("tool-".length), item.input);
  if (item.output === undefined && item.errorText === undefined) return [made];
  return [made, result({ id: item.toolCallId, failed: item.errorText !== undefined }, item.errorText ?? item.output)];
}

/** @param {any} source @returns {Block} */
function picture(source) {
  if (typeof source === "string") return { kind: "image", source, text: "" };
  const data = source?.data ?? source?.base64;
  const type = source?.media_type ?? source?.mediaType ?? source?.mimeType;
  if (typeof data === "string" && typeof type === "string")
    return { kind: "image", source: `data:${type};base64,${data}`, text: "" };
  const address = source?.url ?? source?.image ?? source?.data;
  return typeof address === "string"
    ? { kind: "image", source: address, text: "" }
    : { kind: "unknown", value: source };
}

/** A message as chat completions write it, with its content beside its tool calls. @param {any} item */
function isNative(item) {
  return ["tool_calls", "function_call", "tool_call_id", "reasoning_content", "refusal"].some((name) => name in item);
}

/** @param {any} item @param {string} role @returns {Block[]} */
function native(item, role) {
  if ("tool_call_id" in item || role === "tool") {
    return [result({ id: item.tool_call_id, name: item.name }, item.content)];
  }
  /** @type {Block[]} */
  const blocks = item.reasoning_content ? [{ kind: "reasoning", text: String(item.reasoning_content) }] : [];
  if (item.content) blocks.push(...blocksOf(item.content));
  if (item.refusal) blocks.push({ kind: "refusal", text: String(item.refusal) });
  const calls = [
    ...(Array.isArray(item.tool_calls) ? item.tool_calls : []),
    ...(item.function_call ? [{ function: item.function_call }] : []),
  ];
  for (const made of calls)
    blocks.push(
      call(
        made?.id,
        made?.function?.name ?? made?.custom?.name,
        argumentsOf(made?.function?.arguments ?? made?.custom?.input),
      ),
    );
  return blocks;
}

/** Blocks without a type, as Gemini and plain stores write them. @param {any} item @returns {Block[] | undefined} */
function untyped(item) {
  if (typeof item.text === "string")
    return [item.thought === true ? { kind: "reasoning", text: item.text } : text(item.text)];
  if (isObject(item.functionCall)) return [call(item.functionCall.id, item.functionCall.name, item.functionCall.args)];
  if (isObject(item.functionResponse))
    return [result({ id: item.functionResponse.id, name: item.functionResponse.name }, item.functionResponse.response)];
  if (isObject(item.inlineData)) return [picture(item.inlineData)];
  if (Array.isArray(item.parts)) return blocksOf(item.parts);
  if (typeof item.content === "string" && Object.keys(item).length <= 2) return [text(item.content)];
  return undefined;
}

/** Arguments arrive as JSON in a string. @param {unknown} value @returns {unknown} */
function argumentsOf(value) {
  if (typeof value !== "string") return value;
  try {
    return parse(value);
  } catch {
    return value;
  }
}

/**
 * A block as an element. `results` are those of this page of messages, by the id of their call.
 * @param {Block} block
 * @param {Map<string, Extract<Block, { kind: "result" }>>} [results]
 * @returns {HTMLElement}
 */
export function blockElement(block, results) {
  if (block.kind === "text") return markdown(block.text);
  if (block.kind === "refusal") return h("div", { class: "refusal" }, h("strong", {}, "Refused: "), block.text);
  if (block.kind === "image") return h("div", { class: "images" }, image(block.source, block.text));
  if (block.kind === "reasoning") return folded("thought", "Reasoning", shorten(block.text, 90), markdown(block.text));
  if (block.kind === "call") return callElement(block, results?.get(block.id));
  if (block.kind === "result") return resultElement(block);
  return folded("message", "Content of another kind", "", jsonBlock(block.value));
}

/** @param {Extract<Block, { kind: "call" }>} block @param {Extract<Block, { kind: "result" }>} [answer] @returns {HTMLElement} */
function callElement(block, answer) {
  const summary =
    block.input === undefined
      ? ""
      : shorten(typeof block.input === "string" ? block.input : stringify(block.input), 120);
  return h(
    "div",
    { class: "call" },
    folded("tool", `Calls ${block.name}`, summary, valueBlock(block.input)),
    answer && resultElement(answer),
  );
}

/** @param {Extract<Block, { kind: "result" }>} block */
function resultElement(block) {
  const shown = typeof block.value === "string" ? argumentsOf(block.value) : block.value;
  const brief = typeof block.value === "string" ? block.value : (stringify(block.value) ?? "");
  const title = block.failed ? "Failed" : "Result";
  return h(
    "div",
    {
      class: block.failed ? "result failed" : "result",
      id: block.messageId && `message-${block.messageId}`,
      tabindex: block.messageId && -1,
    },
    folded(
      "check",
      block.name ? `${title} of ${block.name}` : title,
      shorten(brief.replace(/\s+/g, " "), 120) || "empty",
      valueBlock(isObject(shown) || Array.isArray(shown) ? shown : block.value),
    ),
  );
}

/** @param {unknown} value @returns {HTMLElement} */
function valueBlock(value) {
  if (typeof value === "string") return codeBlock(value);
  if (Array.isArray(value) && value.length > 0 && value.every((item) => isObject(item) && "type" in item)) {
    return h(
      "div",
      { class: "nested" },
      blocksOf(value).map((block) => blockElement(block)),
    );
  }
  return jsonBlock(value);
}

/** @param {unknown} value */
export function jsonBlock(value) {
  return codeBlock(stringify(value, 2) ?? "nothing", "json");
}

/** @param {Parameters<typeof icon>[0]} shape @param {string} title @param {string} brief @param {Node} body */
export function folded(shape, title, brief, body) {
  return h(
    "details",
    { class: "folded" },
    h(
      "summary",
      {},
      icon(shape),
      h("span", { class: "fold-title" }, title),
      brief && h("span", { class: "fold-brief" }, brief),
    ),
    h("div", { class: "fold-body" }, body),
  );
}

/** A line of text that stands for a message where there is room for no more. @param {unknown} content @param {string} [role] */
export function excerpt(content, role) {
  const parts = blocksOf(content, role).map((block) => {
    if (block.kind === "text" || block.kind === "reasoning" || block.kind === "refusal") return block.text;
    if (block.kind === "call") return `calls ${block.name}`;
    if (block.kind === "result") return typeof block.value === "string" ? block.value : (stringify(block.value) ?? "");
    return block.kind === "image" ? "image" : stringify(block.value);
  });
  return shorten(parts.join(" · ").replaceAll("**", "").replace(/\s+/g, " ").trim(), 300);
}

/** A very large text at first in part, the rest on request. @param {HTMLElement} element @param {number} size */
export function limited(element, size) {
  if (size < 60_000) return element;
  element.classList.add("limited");
  /** @type {HTMLButtonElement} */
  const more = h(
    "button",
    {
      type: "button",
      class: "button more",
      onclick: () => {
        element.classList.remove("limited");
        more.remove();
      },
    },
    `Show all (${bytes(size)})`,
  );
  return h("div", {}, element, more);
}
