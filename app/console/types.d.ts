/** What the checker knows of the API: everything comes from openapi.yaml, by way of openapi-typescript. */
import type { components, paths } from "colloquy-api";

type Schemas = components["schemas"];

export type Dialogue = Schemas["Dialogue"];
export type DialogueListItem = Schemas["DialogueListItem"];
export type DialogueStatus = Schemas["DialogueStatus"];
export type AuditEntry = Schemas["AuditEntry"];
export type NamespaceItem = Schemas["NamespaceListItem"];
export type Key = Schemas["Key"];
export type Project = Schemas["Project"];
export type Retention = Schemas["Retention"];
export type UsageBucket = Schemas["UsageBucket"];
export type Highlight = Schemas["Highlight"];
export type MessageResult = Schemas["MessageResult"];
export type Message = Schemas["Message"];
export type MessageList = Schemas["MessageList"];
export type Memory = Schemas["Memory"];
export type Summary = Schemas["Summary"];
export type SearchRequest = Schemas["SearchRequest"];
export type SearchResult = Schemas["SearchResult"];
export type Stats = Schemas["Stats"];
export type ErrorResponse = Schemas["ErrorResponse"];

export type Child = Node | string | number | null | undefined | false | Child[];
export type ExportFormat = NonNullable<
  NonNullable<paths["/dialogue/{id}/export"]["get"]["parameters"]["query"]>["format"]
>;
export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json };

export type Method = "get" | "put" | "post" | "delete" | "patch";
export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, { responses: unknown }> ? P : never;
}[keyof paths];

type Operation<M extends Method, P extends PathOf<M>> = paths[P] extends Record<M, infer O> ? O : never;
type Parameters<O, Place extends string> = O extends { parameters: { [K in Place]?: infer V } } ? V : never;
type Body<O> = O extends { requestBody?: { content: { "application/json": infer B } } } ? B : never;

export type Options<M extends Method, P extends PathOf<M>> = {
  path?: Parameters<Operation<M, P>, "path">;
  query?: Parameters<Operation<M, P>, "query">;
  body?: Body<Operation<M, P>>;
  ifMatch?: string;
  signal?: AbortSignal;
};
export type Answer<M extends Method, P extends PathOf<M>> =
  Operation<M, P> extends { responses: { 200: { content: { "application/json": infer A } } } } ? A : never;

declare global {
  interface JSON {
    parse(text: string, reviver: (key: string, value: unknown, context?: { source?: string }) => unknown): any;
    rawJSON?(text: string): unknown;
  }
}
