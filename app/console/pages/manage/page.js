/** What the holder of a managing key looks after: keys, namespaces, retention, the audit, projects. */

import { h } from "../../dom.js";
import { address } from "../../router.js";
import { pageHead } from "../../rows.js";
import { session } from "../../session.js";
import { missingPage } from "../missing.js";
import { auditPart } from "./audit.js";
import { keysPart } from "./keys.js";
import { namespacesPart } from "./namespaces.js";
import { projectsPart } from "./projects.js";
import { retentionPart } from "./retention.js";

/** @typedef {{ element: HTMLElement, leave?: () => void }} Part */
/** @typedef {(visit: import("../../router.js").Visit) => Part} MakePart */

/** @typedef {{ name: string, label: string, make: MakePart, admin?: boolean }} Entry */

/** @type {Entry} */
const KEYS = { name: "keys", label: "Keys", make: keysPart };
/** @type {Entry[]} */
const PARTS = [
  KEYS,
  { name: "namespaces", label: "Namespaces", make: namespacesPart },
  { name: "retention", label: "Retention", make: retentionPart },
  { name: "audit", label: "Audit", make: auditPart },
  { name: "projects", label: "Projects", make: projectsPart, admin: true },
];

/** @type {import("../../router.js").Page} */
export function managePage(visit) {
  if (!session.mayManage) return missingPage(visit);
  const parts = PARTS.filter((part) => !part.admin || session.mayAdminister);
  const chosen = parts.find((part) => part.name === visit.path[0]) ?? KEYS;
  const links = parts.map((part) =>
    h("a", { href: address(["manage", part.name]), "aria-current": part === chosen ? "page" : undefined }, part.label),
  );
  const { element, leave } = chosen.make(visit);
  const page = h(
    "div",
    { class: "page" },
    pageHead("Manage"),
    h("nav", { class: "subnav", "aria-label": "What to manage" }, links),
    element,
  );
  return { element: page, title: `${chosen.label}, manage`, leave };
}
