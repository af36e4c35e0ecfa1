// DialogueDB's own SDK against a server with a local certificate, which NODE_EXTRA_CA_CERTS names.
import assert from "node:assert/strict";
import { DialogueDB } from "dialogue-db";

const db = new DialogueDB({ apiKey: process.env.SERVER_KEY, endpoint: process.env.SERVER_TLS_URL });
const namespace = "sdk@example.org";

const first = { role: "user", content: "Where is my parcel?" };
const made = await db.createDialogue({ id: "sdk-1", namespace, messages: [first], state: { step: 1 }, tags: ["sdk"] });
assert.equal(made.id, "sdk-1");
await made.saveMessage({ role: "assistant", content: "It left Hamburg yesterday." });
await made.saveMessages(Array.from({ length: 5 }, (_, place) => ({ role: "user", content: `line ${place}` })));

const { items } = await db.listDialogues({ namespace });
assert.deepEqual(items.map((item) => item.id), ["sdk-1"]);

const read = await db.getDialogue("sdk-1", { namespace });
await read.loadMessages({ limit: 3, order: "asc" });
while (read.hasMoreMessages) await read.loadMessages({ next: true });
assert.deepEqual(
  read.messages.map((message) => message.content),
  [first.content, "It left Hamburg yesterday.", ...Array.from({ length: 5 }, (_, place) => `line ${place}`)],
);
assert.equal(await db.getDialogue("sdk-nobody", { namespace }), null);

await read.saveState({ step: 2 });
assert.deepEqual((await db.getDialogue("sdk-1", { namespace })).state, { step: 2 });

assert.deepEqual((await db.searchDialogues("parcel", { namespace })).map((found) => found.id), ["sdk-1"]);
assert.equal((await db.searchMessages("hamburg", { namespace }))[0].content, "It left Hamburg yesterday.");

const memory = await db.createMemory({ id: "sdk-taste", namespace, value: { seat: "window" }, label: "Seat" });
assert.deepEqual((await db.getMemory(memory.id, { namespace })).value, { seat: "window" });
assert.deepEqual((await db.listMemories({ namespace })).items.map((item) => item.id), ["sdk-taste"]);
assert.deepEqual((await db.searchMemories("window", { namespace })).map((found) => found.id), ["sdk-taste"]);
await db.deleteMemory(memory.id, { namespace });
await db.deleteDialogue("sdk-1", { namespace });
console.log("DialogueDB's SDK: dialogues, messages, pages, state, search and memories work.");
