/** Numbers, times and sizes as people read them, in the reader's own language and zone. */

import { h } from "./dom.js";

const numbers = new Intl.NumberFormat();
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const shortDay = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });

/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** @param {number} value */
export const count = (value) => numbers.format(value);

/** "1 message", "1,204 messages". @param {number} value @param {string} one @param {string} [many] */
export function plural(value, one, many = `${one}s`) {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** @param {string} iso */
export const dayOf = (iso) => day.format(new Date(iso));

/** @param {string} iso */
export const shortDate = (iso) => shortDay.format(new Date(iso));

/** How long ago, for a week; then the date. @param {string} iso */
export function ago(iso) {
  const seconds = (Date.parse(iso) - Date.now()) / 1000;
  if (seconds < -7 * 86_400 || seconds > 86_400) return shortDate(iso);
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return "just now";
}

/**
 * A time, exact on hover and for machines.
 * @param {string} iso
 * @param {"ago" | "clock" | "date" | "exact"} [style]
 */
export function time(iso, style = "ago") {
  const moment = new Date(iso);
  const texts = {
    ago: () => ago(iso),
    clock: () => clock.format(moment),
    date: () => shortDate(iso),
    exact: () => exact.format(moment),
  };
  return h("time", { datetime: iso, title: `${exact.format(moment)}\n${iso}` }, texts[style]());
}

/** @param {number} value */
export function bytes(value) {
  if (value < 1024) return `${count(value)} bytes`;
  const kibibytes = value / 1024;
  return kibibytes < 1024 ? `${kibibytes.toFixed(1)} KiB` : `${(kibibytes / 1024).toFixed(1)} MiB`;
}

/** @param {string} text @param {number} most */
export function shorten(text, most) {
  return text.length <= most ? text : `${text.slice(0, most).trimEnd()}…`;
}

/** The first moment of a day in the reader's zone. @param {string | null} date such as 2026-01-15 */
export function dayStart(date) {
  return date ? new Date(`${date}T00:00:00`).toISOString() : undefined;
}

/** The last moment of a day in the reader's zone. @param {string | null} date */
export function dayEnd(date) {
  return date ? new Date(`${date}T23:59:59.999`).toISOString() : undefined;
}
