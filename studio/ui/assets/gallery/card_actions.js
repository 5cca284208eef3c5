// Actions on one card of the gallery. On a card of the selection they apply to the whole selection.

import { emit } from "../shared/events.js";
import { t } from "../shared/texts.js";
import { orToast, toast } from "../shared/toast.js";

/**
 * @param {object} options
 * @param {Call} options.call
 * @param {GalleryState} options.state
 * @param {() => GalleryQuery | null} options.shownQuery
 * @param {() => import("./grid.js").Grid} options.grid
 * @param {import("./selection.js").Selected} options.selection
 */
export function createCardActions({ call, state, shownQuery, grid, selection }) {
  /**
   * @param {Picture} picture
   * @param {PictureChange} what
   */
  const announce = (picture, what) => emit("changed", { id: picture.id, what, picture });
  /**
   * @param {PictureCard} item
   * @param {object} values
   */
  async function edit(item, values) {
    const picture = await orToast(call("edit", { id: item.id, ...values }));
    if (picture) announce(picture, "edited");
  }
  /** @param {PictureCard} item */
  function favour(item) {
    if (selection.includes(item.id)) selection.toggleFavourite();
    else edit(item, { favourite: !item.favourite });
  }
  /**
   * @param {PictureCard} item
   * @param {number} rating
   */
  function rate(item, rating) {
    if (selection.includes(item.id)) selection.rate(rating);
    else edit(item, { rating });
  }
  /** @param {PictureCard} item */
  async function remove(item) {
    if (state.trash) return;
    if (selection.includes(item.id)) return void selection.remove();
    const query = shownQuery();
    const link = grid().link(item.id);
    const next = link ? (grid().beside(link, "ArrowRight") ?? grid().beside(link, "ArrowLeft")) : null;
    const picture = await orToast(call("delete", { id: item.id }));
    if (!picture) return;
    next?.focus();
    announce(picture, "deleted");
    toast(t("deleted"), () => undoRemove(item, query));
  }
  /**
   * @param {PictureCard} item
   * @param {GalleryQuery | null} query
   */
  async function undoRemove(item, query) {
    const picture = await orToast(call("restore", { id: item.id }));
    if (!picture) return;
    announce(picture, query === shownQuery() ? "undone" : "returned");
    grid().link(item.id)?.focus();
    toast(t("restored"));
  }
  return { favour, rate, remove };
}
