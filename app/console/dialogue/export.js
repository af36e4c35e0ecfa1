/** A dialogue as a file, in one of the forms that the API writes. */

import { download } from "../api.js";
import { confirm, notice } from "../dialog.js";
import { h } from "../dom.js";
import { plural } from "../format.js";
import { field, select } from "../rows.js";

/** @typedef {import("./page.js").Subject} Subject */
/** @typedef {import("../types.js").ExportFormat} ExportFormat */

/** @type {[ExportFormat, string][]} */
const FORMATS = [
  ["markdown", "Markdown, to read"],
  ["html", "A web page, to read or print"],
  ["text", "Plain text"],
  ["csv", "A table of messages (CSV)"],
  ["colloquy", "JSON with everything, to import again"],
  ["openai", "JSON for OpenAI's API or fine-tuning"],
  ["anthropic", "JSON for Anthropic's API"],
  ["sharegpt", "JSON as ShareGPT has it"],
];

/** @param {Subject} subject */
export async function exportDialogue({ dialogue: { id, namespace, totalMessages } }) {
  const format = select("format", "markdown", FORMATS);
  const done = await confirm({
    title: "Export this dialogue",
    body: [h("p", {}, `A file with its ${plural(totalMessages, "message")}.`), field("As", format)],
    action: "Download",
    danger: false,
    run: async () => {
      const query = { namespace, format: /** @type {ExportFormat} */ (format.value) };
      save(await download("/dialogue/{id}/export", { path: { id }, query }));
    },
  });
  if (done) notice("The file was downloaded.");
}

/** Hand a file to the browser's downloads. @param {{ blob: Blob, name: string }} file */
function save({ blob, name }) {
  const href = URL.createObjectURL(blob);
  h("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
