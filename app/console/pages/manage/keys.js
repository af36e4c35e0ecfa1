/** Keys: made, shown once, rotated, revoked. */

import { call, get } from "../../api.js";
import { confirm, empty, notice, open } from "../../dialog.js";
import { button, copyButton, h } from "../../dom.js";
import { Feed } from "../../feed.js";
import { time } from "../../format.js";
import { field, input, namespaceMark, select } from "../../rows.js";
import { renewKey, session } from "../../session.js";

/** @typedef {import("../../types.js").Key} Key */

/** What keys may do, from least to most. @type {[Key["rights"], string][]} */
const RIGHTS = [
  ["read", "Read"],
  ["full", "Read and write"],
  ["manage", "Manage the project"],
  ["admin", "Administer all projects"],
];

/** For how long a new key is good: days, and what to call it. @type {[string, string][]} */
const TERMS = [
  ["", "Without an end"],
  ["1", "A day"],
  ["7", "A week"],
  ["30", "30 days"],
  ["365", "A year"],
];

/** For how many seconds a rotated key goes on working. @type {[string, string][]} */
const OVERLAPS = [
  ["0", "It ends at once"],
  ["3600", "For an hour"],
  ["86400", "For a day"],
];

/** @type {import("./page.js").MakePart} */
export function keysPart() {
  const place = h("div", { class: "list-place" });
  /** @type {Feed<Key> | null} */
  let feed = null;
  const show = () => {
    feed?.stop();
    feed = keyFeed(show);
    place.replaceChildren(feed.element);
    void feed.start();
  };
  show();
  const element = h(
    "section",
    { "aria-label": "Keys" },
    h(
      "p",
      { class: "toolbar" },
      button("plus", "New key", () => create(show), { kind: "primary" }),
    ),
    place,
  );
  return { element, leave: () => feed?.stop() };
}

/** @param {() => void} changed */
function keyFeed(changed) {
  return new Feed({
    load: (_side, next, signal) => get("/keys", { query: { limit: 50, next }, signal }),
    render: (keys) =>
      [
        h(
          "ul",
          { class: "rows" },
          keys.map((key) => keyRow(key, changed)),
        ),
      ].filter(() => keys.length > 0),
    empty: () => empty("key", "No keys"),
    label: "Keys",
  });
}

/** @param {Key} key @param {() => void} changed */
function keyRow(key, changed) {
  const ended = isPast(key.revokedAt) || isPast(key.expiresAt);
  const tools = h(
    "span",
    { class: "row-tools" },
    !key.revokedAt && button("refresh", "Rotate", () => rotate(key, changed), { kind: "small" }),
    button("trash", "Revoke", () => revoke(key, changed), { kind: "small warn" }),
  );
  return h(
    "li",
    { class: ended ? "row key ended" : "row key" },
    h(
      "div",
      { class: "row-link", tabindex: -1, "data-item": true },
      h(
        "span",
        { class: "row-main" },
        h(
          "span",
          { class: "row-title" },
          key.name ?? "A key without a name",
          key.id === session.owner?.id && h("span", { class: "tag" }, "yours"),
        ),
        h(
          "span",
          { class: "row-sub" },
          h("span", {}, nameOf(key.rights)),
          namespaceMark(key.namespace),
          h("code", {}, key.id),
        ),
        h("span", { class: "row-sub" }, facts(key)),
      ),
      ended ? h("span", { class: "status ended" }, isPast(key.revokedAt) ? "revoked" : "expired") : tools,
    ),
  );
}

/** A rotated key may go on for a while: its end then lies ahead. @param {string | undefined} moment */
const isPast = (moment) => moment !== undefined && Date.parse(moment) <= Date.now();

/** @param {Key["rights"]} rights */
const nameOf = (rights) => RIGHTS.find(([name]) => name === rights)?.[1] ?? rights;

/** @param {Key} key */
function facts(key) {
  return [
    h("span", {}, "made ", time(key.created)),
    key.lastUsed ? h("span", {}, "used ", time(key.lastUsed)) : h("span", {}, "never used"),
    key.revokedAt && !isPast(key.revokedAt)
      ? h("span", {}, "rotated, works until ", time(key.revokedAt, "exact"))
      : key.expiresAt && h("span", {}, "ends ", time(key.expiresAt, "date")),
  ];
}

/** @param {() => void} changed */
async function create(changed) {
  const name = input("name", "", { maxlength: 128, placeholder: "such as: support desk" });
  const mine = RIGHTS.findIndex(([right]) => right === session.owner?.rights);
  const rights = select("rights", "read", RIGHTS.slice(0, mine + 1));
  const namespace = input("namespace", "", { placeholder: "the whole project" });
  const term = select("term", "30", TERMS);
  let issued = "";
  const done = await confirm({
    title: "New key",
    body: [
      field("What it is for", name),
      field("What it may do", rights),
      field("Held to the namespace", namespace),
      field("Good for", term),
    ],
    action: "Make the key",
    danger: false,
    run: async () => {
      const expiresAt = term.value ? new Date(Date.now() + Number(term.value) * 86_400_000).toISOString() : undefined;
      const body = {
        name: name.value || undefined,
        rights: /** @type {Key["rights"]} */ (rights.value),
        namespace: namespace.value || undefined,
        expiresAt,
      };
      issued = (await call("post", "/keys", { body })).data.key ?? "";
    },
  });
  if (!done) return;
  changed();
  reveal(issued);
}

/** Show a key this once; only its own button takes it away. @param {string} key */
function reveal(key) {
  const element = open(
    "The new key",
    [
      h("p", {}, "Copy it now: it is shown this once, and nobody can look it up later."),
      h("p", { class: "secret" }, h("code", {}, key), copyButton("Copy the key", key)),
      h(
        "p",
        { class: "toolbar" },
        h("button", { type: "button", class: "button primary", onclick: () => element.close() }, "I have copied it"),
      ),
    ],
    { wide: true, locked: true },
  );
}

/** @param {Key} key @param {() => void} changed */
async function rotate(key, changed) {
  const own = key.id === session.owner?.id;
  const overlap = select("overlap", "3600", OVERLAPS);
  let issued = "";
  const done = await confirm({
    title: "Rotate this key?",
    body: [
      h(
        "p",
        {},
        "A new key with the same rights takes the place of “",
        h("strong", {}, key.name ?? key.id),
        "”.",
        own && " You go on with the new one.",
      ),
      field("The old key goes on working", overlap),
    ],
    action: "Rotate it",
    run: async () => {
      const body = { overlapSeconds: Number(overlap.value) };
      const { data } = await call("post", "/keys/{id}/rotate", { path: { id: key.id }, body });
      issued = data.key ?? "";
      if (own) renewKey(issued, data.id);
    },
  });
  if (!done) return;
  changed();
  reveal(issued);
}

/** @param {Key} key @param {() => void} changed */
async function revoke(key, changed) {
  const own = key.id === session.owner?.id;
  const done = await confirm({
    title: "Revoke this key?",
    body: [
      h(
        "p",
        {},
        "1 key, “",
        h("strong", {}, key.name ?? key.id),
        "”, stops working for good.",
        own && " It is the one that you are signed in with.",
      ),
    ],
    action: "Revoke it",
    run: () => call("delete", "/keys/{id}", { path: { id: key.id } }),
  });
  if (!done) return;
  changed();
  notice("The key was revoked.");
}
