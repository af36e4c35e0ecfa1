/** Retention: for how many days the project keeps what nobody changes. */

import { call, get } from "../../api.js";
import { confirm, errorBox, loading, notice } from "../../dialog.js";
import { button, h, replace } from "../../dom.js";
import { plural } from "../../format.js";
import { field, input } from "../../rows.js";
import { session } from "../../session.js";

/** @typedef {import("../../types.js").Retention} Retention */
/** @typedef {keyof NonNullable<Retention>} Name */

/** @type {[Name, string][]} */
const LIMITS = [
  ["dialogueDays", "Dialogues"],
  ["activeDays", "Active dialogues"],
  ["endedDays", "Ended dialogues"],
  ["archivedDays", "Archived dialogues"],
  ["memoryDays", "Memories"],
];

/** @type {import("./page.js").MakePart} */
export function retentionPart({ signal }) {
  const place = h("div", {}, loading(3));
  const id = session.owner?.project ?? "";
  const show = async () => {
    try {
      const project = await get("/projects/{id}", { path: { id }, signal });
      replace(place, project.immutable ? keptForGood() : form(id, project.retention ?? {}, show));
    } catch (error) {
      replace(place, errorBox(error, show));
    }
  };
  void show();
  return { element: h("section", { "aria-label": "Retention" }, place) };
}

function keptForGood() {
  return h("p", { class: "intro" }, "The project is immutable: it keeps all its dialogues.");
}

/** @param {string} id @param {NonNullable<Retention>} policy @param {() => void} changed */
function form(id, policy, changed) {
  const inputs = LIMITS.map(
    ([name, label]) =>
      /** @type {const} */ ([
        name,
        label,
        input(name, String(policy[name] ?? ""), { type: "number", min: 1, max: 36500, placeholder: "no limit" }),
      ]),
  );
  const read = () =>
    Object.fromEntries(inputs.flatMap(([name, , control]) => (control.value ? [[name, Number(control.value)]] : [])));
  const saveButton = button("check", "Save", () => saveButton.form?.requestSubmit(), { kind: "primary" });
  return h(
    "form",
    {
      class: "card retention",
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        void save(id, read(), changed);
      },
    },
    h("p", {}, "What nobody has changed for so many days expires: it is gone at once, and then removed for good."),
    h(
      "p",
      { class: "hint" },
      "A status without a number of its own follows that of dialogues. An expiry of its own counts as well.",
    ),
    h(
      "div",
      { class: "retention-days" },
      inputs.map(([, label, control]) => field(`${label}, days`, control)),
    ),
    h("p", { class: "toolbar" }, saveButton),
  );
}

/** @param {string} id @param {NonNullable<Retention>} policy @param {() => void} changed */
async function save(id, policy, changed) {
  const lines = LIMITS.flatMap(([name, label]) => {
    const days = policy[name];
    return days ? [`${label}: ${plural(days, "day")} after the last change`] : [];
  });
  const keepsAll = lines.length === 0;
  const done = await confirm({
    title: keepsAll ? "Keep everything?" : "Let this expire?",
    body: keepsAll
      ? [h("p", {}, "Nothing expires any more, unless it has an expiry of its own.")]
      : [
          h(
            "ul",
            { class: "bullets" },
            lines.map((line) => h("li", {}, line)),
          ),
          h("p", {}, "What is older already is gone within seconds."),
        ],
    action: keepsAll ? "Keep everything" : "Set the policy",
    danger: !keepsAll,
    run: () => call("put", "/projects/{id}", { path: { id }, body: { retention: keepsAll ? null : policy } }),
  });
  if (!done) return;
  changed();
  notice("The policy was set.");
}
