// The view of one picture above the current view. The address contains its id, so that a link or a reload opens it again.

import { neighbourOf } from "../gallery/neighbours.js";
import { component } from "../shared/components.js";
import { button, el, find, hasModifier, iconButton, lookUp, present } from "../shared/dom.js";
import { emit, on } from "../shared/events.js";
import { icon } from "../shared/icons.js";
import { createChannel } from "../shared/server.js";
import { localize, t } from "../shared/texts.js";
import { errorText, orToast, toast, toastError } from "../shared/toast.js";
import { createPictureActions } from "./actions.js";
import { createComparison } from "./compare.js";
import { createDetails } from "./details.js";
import { createRelated } from "./related.js";

const SWIPE_PX = 60;

/** The id in the address, or null. */
const addressedId = () => new URL(location.href).searchParams.get("picture");

/**
 * Set the id in the address. Opening a picture adds an entry to the history, so that the back button closes the view.
 * @param {string | null} id
 */
function setAddress(id) {
  const url = new URL(location.href);
  if (id === null) url.searchParams.delete("picture");
  else url.searchParams.set("picture", id);
  if (url.href === location.href) return;
  const opens = id !== null && addressedId() === null;
  const state = { ...history.state, picture: id !== null && (opens || Boolean(history.state?.picture)) };
  history[opens ? "pushState" : "replaceState"](state, "", url);
}

component("picture", (it) => {
  const call = createChannel(it);
  const home = find(it.element, ".picture");
  /** @type {Picture | null} */
  let picture = null;
  /** @type {string | null} */
  let wanted = null; // the id that the view shows or is loading
  let leaving = false; // whether the browser is going back

  const image = el("img", { decoding: "async" });
  const stage = el("div", { className: "pv-stage" }, image);
  const toolbar = el("div", { className: "pv-acts", role: "toolbar" });
  const news = el("div", { className: "pv-news", role: "status", aria: { live: "polite" } });
  const side = el("div", { className: "pv-side" });
  const bar = el("div", { className: "pv-bar" });
  const view = el("dialog", { className: "picture-view", tabIndex: -1 }, bar, el("div", { className: "pv-left" }, stage, toolbar, news), side);
  home.append(view);
  const current = () => /** @type {Picture} */ (picture);
  const actions = createPictureActions({ call, news, toolbar, current, show });
  const related = createRelated({ call, show, current, change });
  const details = createDetails({ call, current, change, edit: actions.openEditor });
  createComparison(call, home);

  // Open, move, close

  /** @param {string} id */
  async function show(id) {
    wanted = id;
    actions.stop();
    if (!view.open) view.showModal();
    setAddress(id);
    try {
      const found = await call("picture", { id }, { last: true });
      if (wanted !== id) return;
      picture = found;
      draw();
    } catch (error) {
      if (wanted === id) drawMissing(/** @type {CallError} */ (error));
    }
  }
  function close() {
    const id = wanted;
    wanted = null;
    actions.stop();
    view.close();
    setAddress(null);
    emit("closed", { id });
  }
  /** Close the view as the back button does, if it was opened on this page, so that no entry remains in the history. */
  function leave() {
    if (!history.state?.picture) return close();
    if (!leaving) history.back();
    leaving = true;
  }
  /** @param {number} offset */
  function step(offset) {
    const id = neighbourOf(wanted, offset);
    if (id) show(id);
  }

  // Rendering

  /** @param {CallError} error */
  function drawMissing(error) {
    picture = null;
    view.classList.add("absent");
    bar.replaceChildren(closeButton());
    const text = error.missing ? t("picture.absent") : localize(errorText(error));
    side.replaceChildren(el("p", { className: "nothing", role: "alert", text }), button(t("close"), leave));
  }
  function draw() {
    const shown = current();
    const { id, width, height, url } = shown;
    const isSame = side.dataset.id === id;
    const scrolled = isSame ? side.scrollTop : 0;
    view.classList.remove("absent");
    view.setAttribute("aria-label", t("picture.title"));
    if (!isSame) {
      news.replaceChildren();
      view.scrollTo(0, 0);
    }
    side.dataset.id = id;
    Object.assign(image, { alt: shown.original_prompt, width, height });
    if (image.getAttribute("src") !== url) image.src = url;
    image.style.aspectRatio = `${width} / ${height}`;
    keepViewFocus(() => {
      drawBar();
      drawToolbar(shown);
    });
    const note = shown.deleted_at ? details.trashNote(restore) : null;
    const stored = shown.private ? [] : [
      details.opinion(), related.note(), related.collectionsSection(), related.ancestrySection(), related.compareButton(),
    ]; // prettier-ignore
    side.replaceChildren(...present([note, ...details.sections(), ...stored]));
    side.scrollTop = scrolled;
  }
  /**
   * Draw the buttons, and focus the one in use again. If it is gone, focus the view, so that its keys still work.
   * @param {() => void} drawButtons
   */
  function keepViewFocus(drawButtons) {
    const box = [bar, toolbar].find((element) => element.contains(document.activeElement));
    const index = box ? [...box.children].findIndex((child) => child === document.activeElement) : -1;
    drawButtons();
    const again = box?.children[index];
    if (again instanceof HTMLElement && !again.matches(":disabled")) again.focus();
    else if (box || document.activeElement === document.body) view.focus();
  }
  const closeButton = () => iconButton(icon("close"), t("close"), leave, { className: "pv-round" });
  function drawBar() {
    const stepButton = (/** @type {"left" | "right"} */ name, /** @type {string} */ label, /** @type {number} */ offset) =>
      iconButton(icon(name), label, () => step(offset), { className: "pv-round", disabled: neighbourOf(wanted, offset) === null });
    bar.replaceChildren(closeButton(), stepButton("left", t("picture.newer"), -1), stepButton("right", t("picture.older"), 1));
  }
  /** @param {Picture} shown */
  function drawToolbar(shown) {
    const isGenerated = shown.steps > 0; // an imported photo has no settings
    const repeating = isGenerated ? [
      button(t("again"), actions.rerun, { className: "pv-first", title: t("again_title") }),
      button(t("vary"), () => actions.vary(), { title: t("vary_title") }),
      button(t("vary_near"), actions.openVariations, { title: t("vary_near_title") }),
      button(t("reuse"), reuse, { title: t("reuse_title") }),
      button(t("edit_prompt"), actions.openEditor, { title: t("picture.edit_hint") }),
    ] : []; // prettier-ignore
    const star = () => iconButton(icon("star"), t("star"), toggleFavourite, { className: "pv-star", aria: { pressed: shown.favourite } });
    toolbar.setAttribute("aria-label", t("picture.actions"));
    toolbar.replaceChildren(
      ...repeating,
      button(t("draw_from"), useAsSource, { className: isGenerated ? "" : "pv-first", title: t("draw_from_title") }),
      ...(shown.private ? [] : [button(t("share"), actions.openSharing), star()]),
      el("a", { href: shown.url, download: `${t("picture.file")}-${shown.seed}.png`, text: t("picture.download") }),
      shown.deleted_at ? button(t("picture.restore"), restore) : button(t(shown.private ? "forget" : "delete"), remove),
    );
  }

  // Changes

  /**
   * Change the picture, and send the change to every view. The element for `focus` gets the focus afterwards. Returns the picture, or null
   * after an error.
   * @param {object} values
   * @param {{focus?: string, action?: "edit" | "delete" | "restore", what?: PictureChange}} [options]
   */
  async function change(values, { focus, action = "edit", what = "edited" } = {}) {
    const { id } = current();
    const found = await orToast(call(action, { id, ...values }));
    if (!found) return null;
    emit("changed", { id, what, picture: found });
    if (focus) lookUp(view, focus)?.focus();
    return found;
  }
  function toggleFavourite() {
    return change({ favourite: !current().favourite });
  }
  async function remove() {
    const { id, private: isPrivate } = current();
    const next = neighbourOf(id, 1) ?? neighbourOf(id, -1);
    if (!(await change({}, { action: "delete", what: "deleted" }))) return;
    if (wanted === id && next) show(next);
    else if (wanted === id) close();
    if (isPrivate) return toast(t("private_left"));
    toast(t("deleted"), () => undoRemove(id));
  }
  /** @param {string} id */
  async function undoRemove(id) {
    const restored = await orToast(call("restore", { id }));
    if (!restored) return;
    emit("changed", { id, what: "restored", picture: restored });
    if (view.open) show(id);
    toast(t("restored"));
  }
  async function restore() {
    if (await change({}, { focus: ".pv-first", action: "restore", what: "restored" })) toast(t("restored"));
  }
  function useAsSource() {
    const { id } = current();
    close();
    emit("draw-from", { id });
  }
  function reuse() {
    const shown = current();
    close();
    emit("reuse", { id: shown.id, picture: shown });
  }

  // Keys and swipes

  view.addEventListener("cancel", (event) => {
    event.preventDefault();
    leave();
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target instanceof Element && event.target.matches("input, textarea");
    if (!view.open || !picture || isTyping || hasModifier(event)) return;
    if (event.key === "ArrowLeft") step(-1);
    else if (event.key === "ArrowRight") step(1);
    else if (event.key === "f") toggleFavourite();
    else if (event.key === "Delete" && !picture.deleted_at) remove();
    else return;
    event.preventDefault();
  });
  /** @type {Touch | null} */
  let touch = null;
  stage.addEventListener("touchstart", (event) => (touch = event.touches.length === 1 ? event.touches[0] : null), { passive: true });
  stage.addEventListener("touchend", (event) => {
    const end = event.changedTouches[0];
    const [x, y] = touch ? [end.clientX - touch.clientX, end.clientY - touch.clientY] : [0, 0];
    if (Math.abs(x) > SWIPE_PX && Math.abs(x) > 2 * Math.abs(y)) step(x < 0 ? 1 : -1);
    touch = null;
  });

  // Events

  on("open", ({ id }) => show(id));
  on("changed", async ({ picture: changed }) => {
    const isShown = () => changed && picture?.id === changed.id && wanted === changed.id;
    if (!changed || !isShown()) return;
    try {
      const found = "url" in changed ? changed : await call("picture", { id: changed.id }, { last: true }); // a card lacks most fields
      if (!isShown()) return;
      picture = found;
      draw();
    } catch (error) {
      toastError(error);
    }
  });
  on("words", () => {
    if (view.open && picture) draw();
  });
  window.addEventListener("popstate", () => {
    leaving = false;
    const id = addressedId();
    if (id && id !== wanted) show(id);
    else if (!id && view.open) close();
  });
  const addressed = addressedId();
  if (addressed) show(addressed);
});
