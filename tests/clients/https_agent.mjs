// Requests as DialogueDB's SDK sends them, by node-fetch 2 and an https agent that keeps its connections: over
// https to a server with a local certificate, which NODE_EXTRA_CA_CERTS names, and over nothing else.
import assert from "node:assert/strict";
import { Agent } from "node:https";
import fetch from "node-fetch";

const agent = new Agent({ keepAlive: true });
const namespace = "agent@example.org";
const where = `namespace=${encodeURIComponent(namespace)}`;

async function call(method, path, body, server = process.env.SERVER_TLS_URL) {
  const response = await fetch(`${server}/api/v1${path}`, {
    method,
    agent,
    headers: { Authorization: `Bearer ${process.env.SERVER_KEY}` },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return { status: response.status, ...(await response.json()) };
}

await assert.rejects(
  call("GET", "/dialogue", undefined, process.env.SERVER_URL),
  /Protocol "http:" not supported. Expected "https:"/,
);

globalThis.fetch = () => assert.fail("the SDK does not use it");
const messages = Array.from({ length: 7 }, (_, place) => ({ role: "user", content: `parcel ${place}` }));
const state = { step: 1 };
assert.equal((await call("POST", "/dialogue", { id: "a-1", namespace, messages, state })).totalMessages, 7);
const added = { dialogueId: "a-1", namespace, role: "assistant", content: "It left Hamburg." };
assert.equal((await call("POST", "/message", added)).contentLength, 16);
assert.equal((await call("GET", `/dialogue?${where}`)).items[0].id, "a-1");

const read = [];
let page = await call("GET", `/messages?dialogueId=a-1&${where}&limit=3&order=desc`);
for (read.push(...page.items); page.next; read.push(...page.items)) {
  page = await call("GET", `/messages?dialogueId=a-1&${where}&next=${encodeURIComponent(page.next)}`);
}
assert.deepEqual(read.map((message) => message.content), [...messages, added].map((one) => one.content).reverse());

const saved = { id: "a-1", namespace, state: { step: 2 } };
assert.deepEqual((await call("PUT", `/dialogue/a-1?${where}`, saved)).state, { step: 2 });
const found = await call("POST", "/search", { query: "hamburg", object: "dialogue", namespace });
assert.equal(found.results[0].matches[0].item.content, added.content);
await call("POST", "/memory", { id: "a-taste", namespace, value: { seat: "window" } });
const memories = await call("POST", "/search", { query: "window", object: "memory", namespace });
assert.equal(memories.items[0].id, "a-taste");

assert.equal((await call("DELETE", `/memory/a-taste?${where}`)).success, true);
assert.equal((await call("DELETE", `/dialogue/a-1?cascade=true&${where}`)).success, true);
assert.equal((await call("GET", `/dialogue/a-1?${where}`)).status, 404);
agent.destroy();
console.log("node-fetch over a local certificate: what DialogueDB's SDK sends is answered.");
