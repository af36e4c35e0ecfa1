// OpenAI's own library for Node against a running server: base URL and key are all that differ.
import assert from "node:assert/strict";
import OpenAI from "openai";

const client = new OpenAI({ baseURL: `${process.env.SERVER_URL}/v1`, apiKey: process.env.SERVER_KEY });

const made = await client.conversations.create({ metadata: { topic: "demo" } });
for (let start = 0; start < 60; start += 20) {
  const items = Array.from({ length: 20 }, (_, place) => ({ role: "user", content: `line ${start + place}` }));
  await client.conversations.items.create(made.id, { items });
}
const found = [];
for await (const item of client.conversations.items.list(made.id, { order: "asc", limit: 7 })) {
  found.push(item.content[0].text);
}
assert.deepEqual(found, Array.from({ length: 60 }, (_, place) => `line ${place}`));

const call = { type: "function_call", call_id: "call_1", name: "find", arguments: "{}" };
const added = await client.conversations.items.create(made.id, { items: [call] });
const [item] = added.data;
const read = await client.conversations.items.retrieve(item.id, { conversation_id: made.id });
assert.deepEqual(read, item);
await client.conversations.items.delete(item.id, { conversation_id: made.id });

const updated = await client.conversations.update(made.id, { metadata: { topic: "other" } });
assert.deepEqual((await client.conversations.retrieve(made.id)).metadata, updated.metadata);
assert.equal((await client.conversations.delete(made.id)).deleted, true);
await assert.rejects(client.conversations.retrieve(made.id), OpenAI.NotFoundError);
console.log("OpenAI's library for Node: conversations, items, paging and errors work.");
