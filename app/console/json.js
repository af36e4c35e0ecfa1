/** JSON that keeps integers beyond 2^53: they are read as BigInt and written back digit for digit. */

/** @typedef {import("./types.js").Json} Json */

/** @param {string} text @returns {any} */
export function parse(text) {
  return JSON.parse(text, (_key, value, context) => {
    const unsafe = typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
    return unsafe && context?.source && /^-?\d+$/.test(context.source) ? BigInt(context.source) : value;
  });
}

/** @param {unknown} value @param {number} [indent] @returns {string} */
export function stringify(value, indent) {
  const write = (/** @type {string} */ _key, /** @type {unknown} */ item) => {
    if (typeof item !== "bigint") return item;
    return JSON.rawJSON ? JSON.rawJSON(String(item)) : Number(item);
  };
  return JSON.stringify(value, write, indent);
}

/** @param {unknown} value @returns {value is Record<string, Json>} */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What a table has under a name, and nothing that every object has: names come from messages and addresses. @template T @param {Record<string, T>} table @param {string} name @returns {T | undefined} */
export const own = (table, name) => (Object.hasOwn(table, name) ? table[name] : undefined);

/** Whether two values are the same JSON, whatever the order of keys. @param {unknown} a @param {unknown} b @returns {boolean} */
export function equal(a, b) {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => equal(item, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return a === b;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && equal(a[name], b[name]))
  );
}
