// Selection: the selected pictures, and the bulk actions on them. The bar is selection_bar.js.

import { present } from "../shared/dom.js";
import { emit } from "../shared/events.js";
import { formatCount } from "../shared/format.js";
import { localize, t } from "../shared/texts.js";
import { orToast, toast } from "../shared/toast.js";
import { createBulk } from "./bulk.js";
import { exportZip } from "./export.js";
import { createSelectionBar } from "./selection_bar.js";

/** @typedef {ReturnType<typeof createSelection>} Selected */
/** @typedef {Partial<PictureCard> & {id: string}} KnownPicture a selected picture; only its id is known if it is not in the grid */
/** @typedef {{key: string, undo?: (ids: string[], shown: boolean, query: GalleryQuery | null) => (() => void)}} Removal */

/**
 * The messages about a result that is not complete.
 * @param {BulkResult} result
 * @param {number} all
 */
function faults({ done, missing, stopped, error }, all) {
  return present([
    missing.length ? t("gallery.missing_n", { n: formatCount(missing.length) }) : "",
    stopped || (error && done.length) ? t("gallery.stopped_n", { n: formatCount(done.length), all: formatCount(all) }) : "",
    error ? localize(error.message) : "",
  ]);
}

/**
 * @param {object} options
 * @param {Call} options.call
 * @param {GalleryState} options.state
 * @param {() => GalleryQuery | null} options.shownQuery the query whose results are shown
 * @param {() => import("./grid.js").Grid} options.grid
 * @param {(pictures: PictureCard[] | null, what: string, ids: string[]) => void} options.onChange as in bulk.js
 * @param {import("./collections.js").Collections} options.collections
 * @param {import("./reorder.js").Reorder} options.reorder
 */
export function createSelection({ call, state, shownQuery, grid, onChange, collections, reorder }) {
  /** @type {Map<string, KnownPicture>} */
  const selected = new Map();
  /** @type {string | null} */
  let rangeStart = null;
  const ids = () => [...selected.keys()];
  const bulk = createBulk({ call, isShown: (id) => grid().byId(id), onUpdate: update, onChange, onProgress: showProgress });
  const bar = createSelectionBar({ call, state, collections, reorder, selected, isBusy: bulk.isRunning, actions: {
    favour, rate, remove, restore, purge, collect, collectInNew, removeFromCollection, exportSelected, setCover, move,
    editTags: (values) => edit(values), selectEverything, clear, stop: bulk.stop, compare: () => emit("compare", { ids: ids() }),
  } }); // prettier-ignore

  /**
   * @param {number} [done]
   * @param {number} [all]
   */
  function showProgress(done, all) {
    bar.setProgress(all ? t("gallery.done_of", { n: formatCount(done ?? 0), all: formatCount(all) }) : "");
    bar.draw();
  }

  // Selecting

  /**
   * @param {PictureCard} item
   * @param {MouseEvent | KeyboardEvent} [event]
   */
  function select(item, event) {
    if (bulk.isRunning()) return;
    if (event?.shiftKey && rangeStart && rangeStart !== item.id) selectRange(rangeStart, item.id);
    else if (selected.has(item.id)) selected.delete(item.id);
    else selected.set(item.id, item);
    rangeStart = item.id;
    redraw();
  }
  /** @param {string} id */
  const add = (id) => selected.set(id, grid().byId(id) ?? selected.get(id) ?? { id });
  /**
   * Select from one picture to another. If one of them is not in the grid, the server is asked for the ids between them.
   * @param {string} from
   * @param {string} to
   */
  async function selectRange(from, to) {
    const query = shownQuery();
    const ranked = query?.sort === "relevance" && query.query; // the server's ids are not in this order
    let all = [to];
    if (grid().byId(from) && grid().byId(to)) all = grid().items().map((item) => item.id);
    else if (!ranked) all = (await matching())?.ids ?? [];
    const [start, end] = [all.indexOf(from), all.indexOf(to)];
    const range = start < 0 || end < 0 ? [to] : all.slice(Math.min(start, end), Math.max(start, end) + 1);
    range.forEach(add);
    redraw();
  }
  /** The ids of all results. */
  async function matching() {
    const shown = shownQuery();
    if (!shown) return null;
    const { query, favourite, trash, collection } = shown;
    return orToast(call("matching", { query, favourite, trash, collection }));
  }
  /**
   * @param {PictureCard} from
   * @param {PictureCard} to
   */
  function extend(from, to) {
    selected.set(from.id, from);
    selected.set(to.id, to);
    rangeStart = to.id;
    redraw();
  }
  /** @param {PictureCard[]} items */
  function selectAll(items) {
    for (const item of items) selected.set(item.id, item);
    redraw();
  }
  /** Select all results, also those that are not in the grid. */
  async function selectEverything() {
    const found = await matching();
    found?.ids.forEach(add);
    if (found?.capped) toast(t("gallery.all_capped", { n: formatCount(found.ids.length) }));
    redraw();
  }
  /** Clear the selection, or stop the running action. Returns false if there is neither. */
  function clear() {
    if (bulk.isRunning()) return bulk.stop(), true;
    if (!selected.size) return false;
    selected.clear();
    rangeStart = null;
    bar.close();
    redraw();
    return true;
  }
  function redraw() {
    bar.cancelPurge();
    grid().draw();
    bar.draw();
  }

  // Actions

  /**
   * Update the selected pictures. A picture that the filter no longer matches is deselected.
   * @param {PictureCard[]} items
   */
  function update(items) {
    for (const item of items) {
      if (!selected.has(item.id)) continue;
      if (state.favourite && !item.favourite) selected.delete(item.id);
      else selected.set(item.id, item);
    }
  }
  /**
   * Run an action on the selection. A removal also deselects the pictures and names the text about it.
   * @param {import("./bulk.js").BulkAction} name
   * @param {object} values
   * @param {string} what
   * @param {Removal | null} [removal]
   */
  async function run(name, values, what, removal = null) {
    const all = ids();
    const shown = bulk.allShown(all);
    const result = await bulk.run(name, all, values, { what, shown });
    for (const id of [...result.missing, ...(removal ? result.done : [])]) selected.delete(id);
    const messages = faults(result, all.length);
    if (removal && result.done.length) messages.unshift(t(removal.key, { n: formatCount(result.done.length) }));
    const undo = removal?.undo && result.done.length ? removal.undo(result.done, shown, shownQuery()) : null;
    if (messages.length) toast(messages.join(" "), undo);
    redraw();
  }
  /** @param {object} values */
  const edit = (values) => run("edit_many", values, "edited");
  /** @param {boolean} favourite */
  function favour(favourite) {
    return edit({ favourite });
  }
  /** @param {number} rating */
  function rate(rating) {
    return edit({ rating });
  }
  function remove() {
    return run("delete_many", {}, "deleted", { key: "gallery.deleted_n", undo: undoRemove });
  }
  function restore() {
    return run("restore_many", {}, "restored", { key: "gallery.restored_n" });
  }
  /**
   * Restores deleted pictures, in their places if the same query is still shown.
   * @param {string[]} deleted
   * @param {boolean} shown
   * @param {GalleryQuery | null} query
   */
  function undoRemove(deleted, shown, query) {
    return async () => {
      const same = query === shownQuery();
      const result = await bulk.run("restore_many", deleted, {}, { what: same ? "undone" : "returned", shown: shown && same });
      toast([t("gallery.restored_n", { n: formatCount(result.done.length) }), ...faults(result, deleted.length)].join(" "));
    };
  }
  async function purge() {
    const all = ids();
    const result = await bulk.run("purge", all, {});
    const kept = result.done.length - result.gone; // pictures of unfinished jobs
    onChange(kept || !bulk.allShown(all) ? null : [], "purged", result.done);
    selected.clear();
    toast([t("gallery.purged_n", { n: formatCount(result.gone) }), ...faults(result, all.length)].join(" "));
    redraw();
  }
  /**
   * Add the selection to a collection, or remove it. Returns whether the server has done it.
   * @param {string | null} id
   * @param {boolean} isRemoval
   */
  async function collect(id, isRemoval) {
    const all = ids();
    const result = await bulk.run("collect", all, { collection: id, remove: isRemoval });
    for (const missing of result.missing) selected.delete(missing);
    const name = result.answer?.name ?? collections.all().find((collection) => collection.id === id)?.name;
    const done = result.done.length && name ? [t(isRemoval ? "gallery.taken_n" : "gallery.collected_n", { n: formatCount(result.done.length), name })] : [];
    toast([...done, ...faults(result, all.length)].join(" "));
    collections.reloadSoon();
    bar.close();
    bar.draw();
    return result.error === null;
  }
  /** @param {string} name */
  async function collectInNew(name) {
    await collections.load(); // another window may have created it
    const existing = collections.all().find((collection) => collection.query === null && collection.name.toLowerCase() === name.toLowerCase());
    const collection = existing ?? (await orToast(call("new_collection", { name })));
    if (collection) await collect(collection.id, false);
  }
  async function removeFromCollection() {
    const all = ids();
    const shown = bulk.allShown(all);
    if (!(await collect(state.collection, true))) return;
    onChange(shown ? [] : null, "taken", all);
    clear();
  }
  function exportSelected() {
    exportZip("post", { ids: ids().join(",") }, bar.setProgress);
  }
  async function setCover() {
    const collection = await orToast(call("edit_collection", { collection: state.collection, cover: ids()[0] }));
    if (!collection) return;
    collections.replace(collection);
    toast(t("gallery.covered", { name: collection.name }));
  }
  /** @param {number} direction */
  function move(direction) {
    reorder.step(ids(), direction);
    bar.drawMoved(direction);
  }

  /**
   * Update a picture that was changed elsewhere.
   * @param {PictureCard} item
   * @param {boolean} removed
   */
  function onPictureChange(item, removed) {
    if (!selected.has(item.id)) return;
    if (removed) selected.delete(item.id);
    else selected.set(item.id, item);
    requestAnimationFrame(bar.draw);
  }
  return {
    bar: bar.root, draw: bar.draw, select, extend, selectAll, clear, onPictureChange, ids, remove, rate,
    toggleFavourite: () => favour(![...selected.values()].every((item) => item.favourite)),
    includes: (/** @type {string} */ id) => selected.size > 1 && selected.has(id), // an action on this card applies to all selected ones
    isSelected: (/** @type {string} */ id) => selected.has(id),
    isSelecting: () => selected.size > 0,
  }; // prettier-ignore
}
