// Holds the store of docs/typescript.md to what it says. Given a chat's id, it prints that chat: a second process.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { UIMessage } from "ai";
import { loadChat, saveChat } from "./examples/chat-store.js";
import { POST } from "./examples/route.js";
import { ask } from "./examples/typed-client.js";

const everyPart: UIMessage[] = [
  { id: "u1", role: "user", metadata: { at: 1, deep: [null, 2.5] }, parts: [{ type: "text", text: "Find it 🚀" }] },
  { id: "u2", role: "user", parts: [{ type: "file", mediaType: "image/png", url: "data:image/png;base64,iVBORw==" }] },
  {
    id: "a1",
    role: "assistant",
    parts: [
      { type: "step-start" },
      { type: "reasoning", text: "hmm", state: "done", providerMetadata: { x: { signature: "s" } } },
      { type: "tool-find", toolCallId: "c1", state: "input-available", input: { a: 1 } },
      { type: "dynamic-tool", toolName: "x", toolCallId: "c2", state: "output-error", input: {}, errorText: "no" },
      { type: "source-url", sourceId: "s", url: "https://example.org" },
      { type: "source-document", sourceId: "d", mediaType: "text/plain", title: "T" },
      { type: "data-weather", id: "w", data: { degrees: [1, { c: 2 }] } },
      { type: "text", text: "Here", state: "done" },
    ],
  },
  { id: "a2", role: "assistant", parts: [] },
];

function inAnotherProcess(chatId: string): unknown {
  return JSON.parse(execFileSync(process.execPath, [fileURLToPath(import.meta.url), chatId], { encoding: "utf-8" }));
}

async function savesEveryPart(): Promise<void> {
  const chat = randomUUID();
  assert.deepEqual(await loadChat(chat), []);
  await saveChat(chat, everyPart);
  await saveChat(chat, everyPart);
  assert.deepEqual(await loadChat(chat), everyPart);
  assert.deepEqual(inAnotherProcess(chat), everyPart);
}

async function followsChanges(): Promise<void> {
  const chat = randomUUID();
  await saveChat(chat, everyPart);
  const answered = structuredClone(everyPart);
  const part = answered[2]?.parts[2];
  assert(part);
  Object.assign(part, { state: "output-available", output: { found: "42" } });
  await saveChat(chat, answered);
  assert.deepEqual(await loadChat(chat), answered);
  const again: UIMessage[] = [
    ...answered.slice(0, 2),
    { id: "a3", role: "assistant", parts: [{ type: "text", text: "Again" }] },
  ];
  await saveChat(chat, again);
  assert.deepEqual(await loadChat(chat), again);
  const long = Array.from({ length: 60 }, (_, n): UIMessage => {
    return { id: `l${n}`, role: n % 2 ? "assistant" : "user", parts: [{ type: "text", text: `${n}` }] };
  });
  await saveChat(chat, [...again, ...long]);
  await Promise.all([saveChat(chat, [...again, ...long]), saveChat(chat, [...again, ...long])]);
  assert.deepEqual(await loadChat(chat), [...again, ...long]);
}

async function answersThroughTheRoute(): Promise<void> {
  const id = randomUUID();
  for (const text of ["Where is it?", "And now?"]) {
    const message: UIMessage = { id: randomUUID(), role: "user", parts: [{ type: "text", text }] };
    const response = await POST(
      new Request("http://localhost/", { method: "POST", body: JSON.stringify({ id, message }) }),
    );
    assert.equal(response.status, 200);
    await response.text();
  }
  const said = (await loadChat(id)).map((message) => {
    const part = message.parts.filter((each) => each.type === "text").at(-1);
    return [message.role, part?.text];
  });
  assert.deepEqual(said, [
    ["user", "Where is it?"],
    ["assistant", "You asked: Where is it?"],
    ["user", "And now?"],
    ["assistant", "You asked: And now?"],
  ]);
  assert.equal(((await inAnotherProcess(id)) as unknown[]).length, 4);
}

async function asksWithTypes(): Promise<void> {
  const id = randomUUID();
  assert.deepEqual(await ask(id, "Where is it?"), ["user"]);
  assert.deepEqual(await ask(id, "Where is it?"), ["user"]);
  await assert.rejects(ask(id, "Something else"), /not a repeat/);
}

const [chatId] = process.argv.slice(2);
if (chatId) {
  console.log(JSON.stringify(await loadChat(chatId)));
} else {
  await savesEveryPart();
  await followsChanges();
  await answersThroughTheRoute();
  await asksWithTypes();
  console.log("The TypeScript examples saved and loaded chats without loss, in two processes.");
}
