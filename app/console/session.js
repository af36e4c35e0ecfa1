/** The key, and what it may do. It is kept for this tab, or in memory alone when that was asked for. */

const STORED = "colloquy.key";

/** @typedef {{ id: string, project: string, rights: string, namespace?: string }} Owner */

/** @type {string | null} */
let key = sessionStorage.getItem(STORED);
/** @type {Owner | null} */
let owner = null;

export const session = {
  get key() {
    return key;
  },
  get owner() {
    return owner;
  },
  get mayWrite() {
    return owner !== null && owner.rights !== "read";
  },
  get mayManage() {
    return owner !== null && owner.namespace === undefined && ["manage", "admin"].includes(owner.rights);
  },
  get mayAdminister() {
    return owner?.rights === "admin";
  },
  get namespace() {
    return owner?.namespace;
  },
};

/** @param {string} value @param {boolean} keep whether a reload of the tab finds it again */
export function setKey(value, keep) {
  key = value;
  if (keep) sessionStorage.setItem(STORED, value);
  else sessionStorage.removeItem(STORED);
}

/** Go on with another key of the same rights, kept as long as the one before. @param {string} value @param {string} id */
export function renewKey(value, id) {
  setKey(value, sessionStorage.getItem(STORED) !== null);
  if (owner) owner = { ...owner, id };
}

/** @param {Owner} value */
export function setOwner(value) {
  owner = value;
}

export function forget() {
  key = null;
  owner = null;
  sessionStorage.removeItem(STORED);
}
