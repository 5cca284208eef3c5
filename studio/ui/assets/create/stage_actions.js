// The actions below the stage: those of the selected picture with a menu, or the cancel button of a job.

import { button, closest, el, iconButton, keepFocus, lookUp } from "../shared/dom.js";
import { emit } from "../shared/events.js";
import { icon } from "../shared/icons.js";
import { currentLanguage, t } from "../shared/texts.js";

const SUBTLE = 0.25; // strength of a subtle variation

/**
 * @typedef {object} PictureActions
 * @property {(id: string) => void} again
 * @property {(id: string, strength?: number) => void} vary
 * @property {(id: string) => void} reuse
 * @property {(id: string) => void} edit
 * @property {(id: string) => void} remove
 * @property {(id: string) => void} open
 * @property {(id: string, favourite: boolean) => void} star
 * @property {(id: string) => void} share
 * @property {() => void} cancel
 */

/** @param {PictureActions} actions */
export function createStageActions(actions) {
  const root = el("div", { className: "deeds" });
  /** @type {Picture | null} */
  let picture = null;
  let isRunning = false;
  let menuOpen = false;
  let drawn = "";

  /**
   * @param {string} key
   * @param {() => unknown} click
   * @param {ElementOptions} [options]
   */
  const action = (key, click, options) => button(t(key), click, options);

  /** @param {Picture} shown */
  function pictureButtons(shown) {
    const { id } = shown;
    const more = iconButton(icon("more"), t("more"), toggleMenu, { className: "more", aria: { expanded: menuOpen } });
    const buttons = [
      action("again", () => actions.again(id), { title: t("again_title") }),
      action("vary", () => actions.vary(id), { title: t("vary_title") }),
      action("reuse", () => actions.reuse(id), { title: t("reuse_title") }),
    ];
    if (!shown.private) {
      const label = t(shown.favourite ? "unstar" : "star");
      const star = () => actions.star(id, !shown.favourite);
      buttons.push(action("share", () => actions.share(id)), iconButton(icon("star"), label, star, { className: "star", aria: { pressed: shown.favourite } }));
    }
    return [...buttons, el("div", { className: "menu-place" }, more, menu(shown))];
  }
  /** @param {Picture} shown */
  function menu(shown) {
    const { id } = shown;
    /** @type {(key: string, click: () => unknown, options?: ElementOptions) => HTMLElement} */
    const item = (key, click, options) => action(key, () => (closeMenu(), click()), options);
    return el("div", { className: "menu", hidden: !menuOpen },
      item("vary_near", () => actions.vary(id, SUBTLE), { title: t("vary_near_title") }),
      item("edit_prompt", () => actions.edit(id)),
      item("draw_from", () => emit("draw-from", { id }), { title: t("draw_from_title") }),
      el("a", { href: `${shown.url}?download=1`, download: "", text: t("download_png"), on: { click: closeMenu } }),
      item("details", () => actions.open(id)),
      item(shown.private ? "forget" : "delete", () => actions.remove(id), { className: "delete" }));
  }
  function cancelButton() {
    const cancel = action("cancel", actions.cancel, { className: "cancel" });
    cancel.append(el("kbd", { text: "Esc" }));
    return cancel;
  }
  function toggleMenu() {
    menuOpen = !menuOpen;
    redraw();
  }
  function closeMenu() {
    menuOpen = false;
    redraw();
  }
  function redraw() {
    keepFocus(root, "button, a", () => root.replaceChildren(...(picture ? pictureButtons(picture) : isRunning ? [cancelButton()] : [])));
  }
  /**
   * @param {Picture | null} shown
   * @param {boolean} running whether a job is shown
   */
  function draw(shown, running) {
    const now = shown ? `${shown.id} ${shown.favourite} ${currentLanguage()}` : running ? `cancel ${currentLanguage()}` : "";
    [picture, isRunning] = [shown, running];
    if (now === drawn) return;
    drawn = now;
    menuOpen = false;
    redraw();
  }
  document.addEventListener("click", (event) => {
    if (menuOpen && !closest(event, ".menu-place")) closeMenu();
  });
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menuOpen) return;
    event.preventDefault();
    event.stopPropagation();
    closeMenu();
    lookUp(root, ".more")?.focus();
  });
  return { root, draw };
}
