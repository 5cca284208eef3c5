// The bar of actions on the selected pictures, with its fields for ratings, tags and collections.

import { button, el, keepFocus, lookUp, onSingleClick, present } from "../shared/dom.js";
import { formatCount, formatTotal } from "../shared/format.js";
import { tagField } from "../shared/suggest.js";
import { t } from "../shared/texts.js";
import { orToast } from "../shared/toast.js";
import { summaryText } from "./trash.js";

/**
 * @typedef {object} SelectionActions
 * @property {(favourite: boolean) => unknown} favour
 * @property {(rating: number) => unknown} rate
 * @property {() => unknown} remove
 * @property {() => unknown} restore
 * @property {() => unknown} purge
 * @property {(id: string | null, isRemoval: boolean) => unknown} collect
 * @property {(name: string) => unknown} collectInNew
 * @property {() => unknown} removeFromCollection
 * @property {() => unknown} exportSelected
 * @property {() => unknown} setCover
 * @property {(direction: number) => unknown} move
 * @property {(values: {add_tags?: string[], remove_tags?: string[]}) => unknown} editTags
 * @property {() => unknown} selectEverything
 * @property {() => unknown} clear
 * @property {() => unknown} stop
 * @property {() => unknown} compare
 */
/** @typedef {"" | "rate" | "tag" | "collect"} Panel */

/**
 * @param {object} options
 * @param {Call} options.call
 * @param {GalleryState} options.state
 * @param {import("./collections.js").Collections} options.collections
 * @param {import("./reorder.js").Reorder} options.reorder
 * @param {Map<string, import("./selection.js").KnownPicture>} options.selected
 * @param {() => boolean} options.isBusy
 * @param {SelectionActions} options.actions
 */
export function createSelectionBar({ call, state, collections, reorder, selected, isBusy, actions }) {
  const progress = el("span", { className: "packing", role: "status" }); // of an export or a bulk action
  const root = el("div", { className: "chosen-bar", role: "toolbar", hidden: true });
  /** @type {Panel} */
  let panel = "";
  /** @type {TrashSummary | null} */
  let summary = null; // of a permanent deletion that awaits confirmation
  const ids = () => [...selected.keys()];

  /** @param {Panel} name */
  function toggle(name) {
    panel = panel === name ? "" : name;
    summary = null;
    draw();
    lookUp(root, ".more-of-it input, .more-of-it button")?.focus();
  }
  async function askToPurge() {
    const all = ids();
    const found = await orToast(call("weigh", { ids: all }));
    if (all.join() === ids().join()) summary = found ?? summary;
    else summary = null; // the selection has changed
    draw();
  }

  // The panel

  function panelContent() {
    if (summary) return [el("p", { role: "alert", text: summaryText(summary) })];
    if (panel === "rate") return [0, 1, 2, 3, 4, 5].map(ratingButton);
    if (panel === "tag") {
      const add = (/** @type {string} */ tag) => actions.editTags(tag.startsWith("-") ? { remove_tags: [tag.slice(1).trim()] } : { add_tags: [tag] });
      return [tagField({ call, id: "chosen-tags", hint: t("gallery.tag_hint"), add, minus: true })];
    }
    if (panel === "collect") {
      const targets = collections.all().filter(({ query }) => query === null);
      return [...targets.map(({ id, name }) => button(name, () => actions.collect(id, false))), newCollectionField()];
    }
    return [];
  }
  /** @param {number} n */
  const ratingButton = (n) => button(n ? "●".repeat(n) : t("gallery.unrated"), () => actions.rate(n), { aria: { label: t("picture.rating_n", { n }) } });
  function newCollectionField() {
    const hint = t("gallery.new_collection");
    const field = el("input", { type: "text", maxLength: 60, placeholder: hint, aria: { label: hint } });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing && field.value.trim()) actions.collectInNew(field.value.trim());
    });
    return field;
  }

  // The buttons

  function buttons() {
    const more = state.total > selected.size ? button(t("gallery.all_n", { n: formatTotal(state) }), actions.selectEverything) : null;
    return present([more, ...(state.trash ? trashButtons() : pictureButtons()), button(t("gallery.clear"), actions.clear, { className: "clear" })]);
  }
  function trashButtons() {
    const restore = button(t("picture.restore"), actions.restore);
    if (!summary) return [restore, button(t("gallery.purge"), askToPurge)];
    return [restore, summary.gone ? button(t("gallery.purge_sure"), onSingleClick(actions.purge), { className: "danger" }) : null];
  }
  function pictureButtons() {
    return [
      ...favouriteButtons(),
      panelButton("picture.rating", "rate"), panelButton("gallery.tag", "tag"), panelButton("gallery.collect", "collect"),
      ...collectionButtons(),
      selected.size === 2 ? button(t("gallery.compare"), actions.compare) : null,
      button(t("gallery.export"), actions.exportSelected),
      button(t("delete"), actions.remove, { className: "danger" }),
    ]; // prettier-ignore
  }
  /**
   * @param {string} key
   * @param {Panel} name
   */
  const panelButton = (key, name) => button(t(key), () => toggle(name), { aria: { expanded: panel === name } });
  /** One button, or both if some pictures are not loaded. */
  function favouriteButtons() {
    const known = [...selected.values()].map((item) => item.favourite);
    const offered = known.includes(undefined) ? [true, false] : [!known.every(Boolean)];
    return offered.map((favourite) => button(t(favourite ? "star" : "unstar"), () => actions.favour(favourite)));
  }
  /** The actions within an open collection. */
  function collectionButtons() {
    if (!state.collection || state.smart) return [];
    const found = [button(t("gallery.take_out"), actions.removeFromCollection)];
    if ([-1, 1].some((direction) => reorder.canMove(ids(), direction))) found.push(moveButton("gallery.earlier", -1), moveButton("gallery.later", 1));
    if (selected.size === 1) found.push(button(t("gallery.cover"), actions.setCover));
    return found;
  }
  /**
   * @param {string} key
   * @param {number} direction
   */
  function moveButton(key, direction) {
    return button(t(key), () => actions.move(direction), { disabled: !reorder.canMove(ids(), direction), data: { by: direction } });
  }
  /**
   * Draw after a move, and keep the focus on a button that can move further.
   * @param {number} direction
   */
  function drawMoved(direction) {
    draw();
    const [same, opposite] = [direction, -direction].map((by) => root.querySelector(`button[data-by="${by}"]`));
    const next = same?.matches(":disabled") ? opposite : same;
    if (next instanceof HTMLElement) next.focus();
  }

  function draw() {
    const busy = isBusy() && progress.textContent; // no other action is possible meanwhile
    root.hidden = !selected.size && !busy;
    document.querySelector(".gallery")?.classList.toggle("selecting", selected.size > 0);
    if (root.hidden) return;
    const count = el("b", { text: t("gallery.chosen", { n: formatCount(selected.size) }) });
    if (busy) {
      const stop = button(t("gallery.stop"), actions.stop);
      return root.replaceChildren(el("div", { className: "row" }, selected.size ? count : null, progress, stop));
    }
    root.setAttribute("aria-label", t("gallery.chosen", { n: selected.size }));
    const content = panelContent();
    keepFocus(root, "button, input", () => {
      root.replaceChildren(el("div", { className: "row" }, count, ...buttons(), progress));
      if (content.length) root.append(el("div", { className: "more-of-it" }, ...content));
    });
  }
  return {
    root, draw, drawMoved,
    setProgress: (/** @type {string} */ text) => void (progress.textContent = text),
    cancelPurge: () => (summary = null),
    close: () => ((panel = ""), (summary = null)),
  }; // prettier-ignore
}
