// A program written against the generated TypeScript client: it has to compile strictly and to run.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./generated/schema.js";

type Message = components["schemas"]["Message"];
type ErrorCode = components["schemas"]["ErrorCode"];

const client = createClient<paths>({
  baseUrl: process.env.SERVER_URL ?? "",
  headers: { Authorization: `Bearer ${process.env.SERVER_KEY ?? ""}` },
});

const namespace = "typescript";

async function createDialogue(): Promise<string> {
  const { data, error } = await client.POST("/dialogue", {
    body: { namespace, label: "Bookings", message: { role: "user", content: "I want to fly" } },
  });
  if (error) throw new Error(error.error.message);
  assert.equal(data.status, "active");
  assert.equal(data.messages.length, 1);
  return data.id;
}

async function append(dialogueId: string, texts: string[]): Promise<Message[]> {
  const { data, error } = await client.POST("/messages", {
    params: { query: { dialogueId, namespace } },
    body: texts.map((content) => ({ role: "assistant" as const, content })),
  });
  if (error) throw new Error(error.error.message);
  return data;
}

async function readAll(dialogueId: string): Promise<Message[]> {
  const all: Message[] = [];
  let next: string | undefined;
  do {
    const { data, error } = await client.GET("/messages", {
      params: { query: { dialogueId, namespace, limit: 2, ...(next === undefined ? {} : { next }) } },
    });
    if (error) throw new Error(error.error.message);
    all.push(...(data.items as Message[])); // no other format was asked for
    next = data.next;
  } while (next !== undefined);
  return all;
}

async function search(query: string): Promise<string[]> {
  const { data, error } = await client.POST("/search", { body: { query, object: "message", namespace } });
  if (error) throw new Error(error.error.message);
  return data.results.map((result) => {
    assert(result.object === "message" && result.relevance <= 1);
    return result.item.id;
  });
}

async function finish(id: string): Promise<[string, number]> {
  const place = { params: { path: { id }, query: { namespace } } };
  const compacted = await client.POST("/dialogue/{id}/compact", place);
  if (compacted.error) throw new Error(compacted.error.error.message);
  const ended = await client.POST("/dialogue/{id}/end", place);
  if (ended.error) throw new Error(ended.error.error.message);
  return [ended.data.status, compacted.data.messageCount];
}

async function missing(): Promise<ErrorCode> {
  const { data, error, response } = await client.GET("/dialogue/{id}", { params: { path: { id: "nobody" } } });
  assert.equal(response.status, 404);
  assert.equal(data, undefined);
  assert(error);
  return error.error.code;
}

const id = await createDialogue();
const added = await append(id, ["Where to?", "Berlin is booked", "Have a good flight", "Bye"]);
assert.deepEqual((await readAll(id)).slice(1), added);
assert.deepEqual(await search("booking"), [added[1]?.id]);
assert.deepEqual(await finish(id), ["ended", 1 + added.length]);
assert.equal(await missing(), "DIALOGUE_NOT_FOUND" satisfies ErrorCode);
console.log("The TypeScript client created, appended, listed, searched, compacted, ended and handled a 404.");
