/** Where the console starts. */

import { ApiError, events } from "./api.js";
import { closeAll, errorBox } from "./dialog.js";
import { h } from "./dom.js";
import { dialoguePage } from "./dialogue/page.js";
import { dialoguesPage } from "./pages/dialogues.js";
import { managePage } from "./pages/manage/page.js";
import { memoriesPage } from "./pages/memories.js";
import { memoryPage } from "./pages/memory.js";
import { missingPage } from "./pages/missing.js";
import { overviewPage } from "./pages/overview.js";
import { searchPage } from "./pages/search.js";
import { Router } from "./router.js";
import { forget, session } from "./session.js";
import { listenToKeys, shell } from "./shell.js";
import { askAgain, identify, signInPage } from "./sign-in.js";

const PAGES = {
  "": overviewPage,
  dialogues: dialoguesPage,
  dialogue: dialoguePage,
  search: searchPage,
  memories: memoriesPage,
  memory: memoryPage,
  manage: managePage,
  missing: missingPage,
};

function showSignIn() {
  document.title = "Sign in · Colloquy";
  document.body.replaceChildren(signInPage(showConsole));
}

function showConsole() {
  const main = h("main", { id: "content", tabindex: -1 });
  const { element, mark } = shell(main);
  document.body.replaceChildren(element);
  listenToKeys(main);
  events.addEventListener("refused", askAgain);
  addEventListener("hashchange", closeAll);
  const router = new Router(main, PAGES, mark);
  events.addEventListener("written", () => router.forget());
  router.start();
}

async function start() {
  if (!session.key) return showSignIn();
  try {
    await identify();
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) {
      document.body.replaceChildren(h("main", { class: "door" }, errorBox(error, start)));
      return;
    }
    forget();
    return showSignIn();
  }
  showConsole();
}

void start();
