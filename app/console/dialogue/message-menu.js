/** What can be done with one message. */

import { call } from "../api.js";
import { excerpt } from "../content.js";
import { confirm, notice } from "../dialog.js";
import { button, copyButton, h } from "../dom.js";
import { stringify } from "../json.js";
import { dialogueAddress, go } from "../router.js";
import { field, input, tagList, tagsOf } from "../rows.js";
import { session } from "../session.js";

/** @typedef {import("../types.js").Message} Message */
/** @typedef {import("../types.js").Dialogue} Dialogue */

/** @param {Message} message @param {Dialogue} dialogue */
export function messageMenu(message, dialogue) {
  const link = new URL(dialogueAddress(dialogue, { message: message.id }), location.href).href;
  const text = typeof message.content === "string" ? message.content : stringify(message.content, 2);
  const writing = session.mayWrite && [
    button("tag", "Change its tags", () => editTags(message), { quiet: true, kind: "plain" }),
    button("branch", "Start a thread from here", () => fork(message, dialogue), { quiet: true, kind: "plain" }),
    button("trash", "Delete the message", () => remove(message), { quiet: true, kind: "plain" }),
  ];
  return h(
    "span",
    { class: "message-tools" },
    copyButton("Copy a link to this message", link, { shape: "link" }),
    copyButton("Copy the message", text),
    writing,
  );
}

/** @param {Message} message */
const placeOf = ({ id, dialogueId, namespace }) => ({ path: { mid: id }, query: { dialogueId, namespace } });

/** @param {Message} message */
async function editTags(message) {
  const tags = input("tags", message.tags.join(", "));
  const done = await confirm({
    title: "Tags of the message",
    body: [field("Tags, separated by commas", tags)],
    action: "Save",
    danger: false,
    run: async () => {
      message.tags = (
        await call("put", "/message/{mid}", { ...placeOf(message), body: { tags: tagsOf(tags.value) } })
      ).data.tags;
    },
  });
  if (done) showTags(message);
}

/** @param {Message} message */
function showTags(message) {
  const head = document.getElementById(`message-${message.id}`)?.querySelector(".message-head");
  head?.querySelector(".tags")?.remove();
  const shown = tagList(message.tags);
  if (shown) head?.querySelector(".message-tools")?.before(shown);
}

/** @param {Message} message @param {Dialogue} dialogue */
async function fork(message, dialogue) {
  const label = input("label", `${dialogue.label ?? dialogue.id}, another way`.slice(0, 128), { maxlength: 128 });
  let made = "";
  const { id, namespace } = dialogue;
  const done = await confirm({
    title: "Start a thread from here",
    body: [
      h("p", {}, "The thread begins with a copy of the messages up to this one. This dialogue stays as it is."),
      field("Title of the thread", label),
    ],
    action: "Start the thread",
    danger: false,
    run: async () => {
      const { data } = await call("post", "/dialogue", {
        body: { threadOf: id, forkAt: message.id, namespace, label: label.value },
      });
      made = dialogueAddress(data);
    },
  });
  if (done) go(made);
}

/** @param {Message} message */
async function remove(message) {
  const done = await confirm({
    title: "Delete this message?",
    body: [
      h("p", {}, "One message is removed for good; the others stay."),
      h("blockquote", { class: "excerpt" }, excerpt(message.content, message.role)),
    ],
    action: "Delete 1 message",
    run: () => call("delete", "/message/{mid}", placeOf(message)),
  });
  if (!done) return;
  document.getElementById(`message-${message.id}`)?.remove();
  notice("The message was deleted.");
}
