/** Calls the public API; every path, parameter and answer is checked against openapi.yaml's types. */

import { parse, stringify } from "./json.js";
import { session } from "./session.js";

/** @typedef {import("./types.js").Method} Method */
/** @typedef {import("./types.js").ErrorResponse["error"]} Envelope */

const ROOT = new URL("../", document.baseURI);

/** An answer that is an error envelope, or none at all (`status` 0). */
export class ApiError extends Error {
  /** @param {number} status @param {Partial<Envelope>} envelope */
  constructor(status, envelope) {
    super(envelope.message ?? `The server answered with status ${status}.`);
    this.status = status;
    this.code = envelope.code ?? "";
    this.details = envelope.details ?? [];
    this.requestId = envelope.requestId ?? "";
  }
}

/** Fires `refused` when the key is no longer accepted, `written` when something was stored. */
export const events = new EventTarget();

/**
 * Ask, and return the answer with the ETag beside it; throws ApiError.
 * @template {Method} M
 * @template {import("./types.js").PathOf<M>} P
 * @param {M} method
 * @param {P} path
 * @param {import("./types.js").Options<M, P>} [options]
 * @returns {Promise<{ data: import("./types.js").Answer<M, P>, etag: string | undefined }>}
 */
export async function call(method, path, options = {}) {
  const response = await send(method, address(path, options), options);
  const text = await response.text();
  const data = text ? parseAnswer(text, response.status) : {};
  if (!response.ok) throw refusal(response, data);
  if (method !== "get" && path !== "/search") events.dispatchEvent(new Event("written"));
  return { data, etag: response.headers.get("ETag") ?? undefined };
}

/**
 * The answer to a GET.
 * @template {import("./types.js").PathOf<"get">} P
 * @param {P} path
 * @param {import("./types.js").Options<"get", P>} [options]
 */
export async function get(path, options) {
  return (await call("get", path, options)).data;
}

/**
 * The file that a GET answers, with its name.
 * @template {import("./types.js").PathOf<"get">} P
 * @param {P} path
 * @param {import("./types.js").Options<"get", P>} options
 */
export async function download(path, options) {
  const response = await send("get", address(path, options), options, "*/*");
  if (!response.ok) throw refusal(response, parseAnswer(await response.text(), response.status));
  const given = /filename="?([^";]+)"?/.exec(response.headers.get("Content-Disposition") ?? "");
  return { blob: await response.blob(), name: given?.[1] ?? "export" };
}

/** @param {string} method @param {URL} url @param {{ body?: unknown, ifMatch?: string, signal?: AbortSignal }} options @param {string} [accept] */
async function send(method, url, { body, ifMatch, signal }, accept = "application/json") {
  /** @type {Record<string, string>} */
  const headers = { Accept: accept };
  if (session.key) headers.Authorization = `Bearer ${session.key}`;
  if (ifMatch) headers["If-Match"] = ifMatch;
  if (body !== undefined)
    headers["Content-Type"] = method === "patch" ? "application/merge-patch+json" : "application/json";
  try {
    return await fetch(url, {
      method: method.toUpperCase(),
      headers,
      body: body === undefined ? undefined : stringify(body),
      signal,
      credentials: "omit",
      cache: "no-store",
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, {
      message: "The server cannot be reached. It may be stopped, or the connection may be down.",
    });
  }
}

/** @param {string} path @param {{ path?: unknown, query?: unknown }} options */
function address(path, options) {
  const names = /** @type {Record<string, string>} */ (options.path ?? {});
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(names[name] ?? ""));
  const url = new URL(filled.slice(1), ROOT);
  for (const [name, value] of Object.entries(options.query ?? {})) {
    if (isRecord(value)) {
      for (const [key, item] of Object.entries(value)) url.searchParams.append(`${name}.${key}`, String(item));
      continue;
    }
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== undefined && item !== "") url.searchParams.append(name, String(item));
    }
  }
  return url;
}

/** Whether a parameter is an object, whose fields go out as `name.key`. @param {unknown} value */
function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @param {string} text @param {number} status */
function parseAnswer(text, status) {
  try {
    return parse(text);
  } catch {
    throw new ApiError(status, {
      message: `The server answered with status ${status} and no JSON; is a proxy in between?`,
    });
  }
}

/** @param {Response} response @param {Partial<import("./types.js").ErrorResponse>} data */
function refusal(response, data) {
  const error = new ApiError(response.status, data.error ?? {});
  if (response.status === 401) events.dispatchEvent(new Event("refused"));
  return error;
}

/** Whether an error only says that its page was left. @param {unknown} error */
export function isAbort(error) {
  return error instanceof DOMException && error.name === "AbortError";
}
