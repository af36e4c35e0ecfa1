/** An address that leads nowhere. */

import { empty } from "../dialog.js";
import { h } from "../dom.js";

/** @type {import("../router.js").Page} */
export function missingPage() {
  const element = h(
    "div",
    { class: "page" },
    h("h1", { class: "heard" }, "Not found"),
    empty("search", "There is no such page", h("p", {}, h("a", { href: "#/" }, "Go to the overview"))),
  );
  return { element, title: "Not found" };
}
