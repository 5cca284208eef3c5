// The private switch of the prompt, and the notice in every view while it is on.
//
// It is this tab's, and outlives a reload: the tab has a session of its own. The server has what is private in memory; leaving
// forgets all of that session, and empties the form. A tab that is closed says so, and its session is forgotten ten minutes later,
// unless it is back. An open one says so again and again: a copy of it that is closed has the same session.

import { studio } from "../shared/studio.js";

const KEY = "studio-private";
const AGAIN_MS = 120_000;
const EYE = "M3 3l18 18M10.6 6.2A9 9 0 0 1 12 6c5 0 8.5 4 9.5 6a13 13 0 0 1-2.7 3.6M6.5 7.6A13 13 0 0 0 2.5 12c1 2 4.5 6 9.5 6a9 9 0 0 0 4-.9";

function remembered() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return ""; // storage is refused: the switch lives as long as the page
  }
}
function remember(session) {
  try {
    if (session) sessionStorage.setItem(KEY, session);
    else sessionStorage.removeItem(KEY);
  } catch {
    /* not remembered, then */
  }
}
const fresh = () => [...crypto.getRandomValues(new Uint8Array(12))].map((one) => one.toString(16).padStart(2, "0")).join("");

studio.privacy = (note) => {
  const button = studio.el("button", { type: "button", className: "private-switch", on: { click: () => turn() } }, studio.symbol(EYE));
  let leaving = false;
  function say() {
    const on = studio.private !== "";
    document.body.classList.toggle("private", on);
    button.setAttribute("aria-label", studio.t("private"));
    button.setAttribute("aria-pressed", String(on));
    button.title = studio.t(on ? "private_off" : "private_on");
    if (!on) return note.replaceChildren();
    const model = studio.facts?.remote_model;
    const said = studio.t("private_note") + (model ? ` ${studio.t("private_server", { model })}` : "");
    if (note.firstChild?.textContent === said) return;
    const leave = studio.el("button", { type: "button", text: studio.t("private_leave"), on: { click: turn } });
    note.replaceChildren(studio.el("span", { text: said }), leave);
  }
  async function turn() {
    if (leaving) return;
    if (studio.private) {
      leaving = true;
      try {
        await studio.ask("forget", { session: studio.private });
      } catch (error) {
        return studio.toast(error.message); // nothing was forgotten, so it stays on
      } finally {
        leaving = false;
      }
      studio.toast(studio.t("private_left"));
      studio.form.clear();
    }
    studio.private = studio.private ? "" : fresh();
    remember(studio.private);
    say();
    studio.emit("private");
  }
  const here = () => studio.private && studio.ask("home", { private: studio.private }).catch(() => {});
  window.addEventListener("pagehide", () => studio.private && navigator.sendBeacon(`/media/private/left?session=${studio.private}`));
  window.addEventListener("pageshow", (event) => event.persisted && here());
  setInterval(here, AGAIN_MS);
  studio.private = remembered();
  studio.privateSwitch = button; // the prompt's card has it
  return { say };
};
