// The switch of the private session, and the notice in every view while it is on.
//
// The session belongs to this tab and survives a reload. The server keeps private pictures in memory and deletes them when the session
// ends. A closed tab sends a beacon, and the server ends its session ten minutes later. An open tab reports itself at intervals, since a
// duplicated tab that is closed has the same session.

import { button, el, iconButton, randomToken, setLabel } from "../shared/dom.js";
import { emit } from "../shared/events.js";
import { icon } from "../shared/icons.js";
import { page } from "../shared/page.js";
import { ask } from "../shared/server.js";
import { load, store } from "../shared/storage.js";
import { t } from "../shared/texts.js";
import { toast, toastError } from "../shared/toast.js";

const REPORT_MS = 120_000;

/** The switch. The prompt's card contains it. */
export const privateSwitch = iconButton(icon("hidden"), "", toggle, { className: "private-switch" });
/** @type {HTMLElement | null} */
let notice = null;
let ending = false;

/**
 * Restore the tab's session, and show the notice in `element`.
 * @param {HTMLElement} element
 */
export function startPrivacy(element) {
  notice = element;
  page.private = load("session", "private") ?? "";
  window.addEventListener("pagehide", () => page.private && navigator.sendBeacon(`/media/private/left?session=${page.private}`));
  window.addEventListener("pageshow", (event) => event.persisted && report());
  setInterval(report, REPORT_MS);
}

/** Show the switch and the notice in the current language and state. */
export function drawPrivacy() {
  const on = page.private !== "";
  document.body.classList.toggle("private", on);
  setLabel(privateSwitch, t("private"), t(on ? "private_off" : "private_on"));
  privateSwitch.setAttribute("aria-pressed", String(on));
  if (!on) return notice?.replaceChildren();
  const model = page.facts?.remote_model;
  const text = t("private_note") + (model ? ` ${t("private_server", { model })}` : "");
  if (notice?.firstChild?.textContent === text) return;
  notice?.replaceChildren(el("span", { text }), button(t("private_leave"), toggle));
}

async function toggle() {
  if (ending) return;
  if (page.private) {
    ending = true;
    try {
      await ask("forget", { session: page.private });
    } catch (error) {
      return toastError(error); // the session is not deleted, so it stays on
    } finally {
      ending = false;
    }
    toast(t("private_left"));
    emit("clear-form");
  }
  page.private = page.private ? "" : randomToken();
  store("session", "private", page.private || null);
  drawPrivacy();
  emit("private");
}

/** Tell the server that the tab is open. */
function report() {
  if (page.private) ask("home", { private: page.private }).catch(() => {});
}
