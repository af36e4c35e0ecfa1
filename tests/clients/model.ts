// A model that follows a script, for the route of docs/typescript.md: it answers with the last question.
import { MockLanguageModelV3, simulateReadableStream } from "ai/test";

type Stream = Awaited<ReturnType<MockLanguageModelV3["doStream"]>>["stream"];
type Chunk = Stream extends ReadableStream<infer Part> ? Part : never;

export const model = new MockLanguageModelV3({
  doStream: async ({ prompt }) => {
    const last = prompt.at(-1);
    const part = last?.role === "user" ? last.content.at(0) : undefined;
    const delta = `You asked: ${part?.type === "text" ? part.text : "nothing"}`;
    const usage = {
      inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: 1, text: 1, reasoning: 0 },
    };
    const chunks: Chunk[] = [
      { type: "stream-start", warnings: [] },
      { type: "text-start", id: "t" },
      { type: "text-delta", id: "t", delta },
      { type: "text-end", id: "t" },
      { type: "finish", finishReason: { unified: "stop", raw: "stop" }, usage },
    ];
    return { stream: simulateReadableStream({ chunks }) };
  },
});
