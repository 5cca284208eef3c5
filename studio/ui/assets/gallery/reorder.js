// The order of a collection: pictures move by keys, by two buttons, or by dragging. Moving a selected picture moves the selection.
// The grid shows the new order at once, and the gallery reloads if the server refuses it.

import { closest, el } from "../shared/dom.js";
import { formatCount } from "../shared/format.js";
import { t } from "../shared/texts.js";
import { toastError } from "../shared/toast.js";

const MOVED_MAX = 1000; // pictures per call
const DRAG_TYPE = "application/x-studio-card";

/** @typedef {ReturnType<typeof createReorder>} Reorder */

/**
 * @param {object} options
 * @param {Call} options.call
 * @param {GalleryState} options.state
 * @param {() => import("./grid.js").Grid} options.grid
 * @param {() => boolean} options.isAllowed whether a collection is shown in its own order
 * @param {() => string[]} options.selected
 * @param {(collection: Collection | null) => void} options.onMove receives the collection, or null if the server refuses
 */
export function createReorder({ call, state, grid, isAllowed, selected, onMove }) {
  const announcement = el("p", { className: "spoken", role: "status", aria: { live: "polite" } });
  /** @type {string[]} */
  let dragged = [];

  /**
   * Move pictures before another, or to the end for null.
   * @param {string[]} ids
   * @param {string | null} before
   * @param {string} [announced] the picture whose new position is announced
   */
  async function move(ids, before, announced = ids[0]) {
    if (!grid().move(ids, before)) return;
    announcement.textContent = t("gallery.moved", { n: formatCount(grid().position(announced)), all: formatCount(state.total) });
    try {
      onMove(await call("move_in_collection", { collection: state.collection, ids, before }));
    } catch (error) {
      toastError(error);
      onMove(null);
    }
  }
  /**
   * @param {string} id
   * @param {number} offset
   * @returns {string | null}
   */
  function neighbour(id, offset) {
    const items = grid().items();
    const index = items.findIndex((item) => item.id === id);
    return index < 0 ? null : (items[index + offset]?.id ?? null);
  }
  /**
   * Pictures in the order of the collection; none if one of them is not in the grid.
   * @param {string[]} ids
   */
  function inOrder(ids) {
    const found = grid().items().map((item) => item.id).filter((id) => ids.includes(id));
    return found.length === new Set(ids).size ? found : [];
  }
  /**
   * The picture before or after a group; null at the end.
   * @param {string[]} group
   * @param {number} direction
   */
  const beyond = (group, direction) => (group.length ? neighbour(direction < 0 ? group[0] : group[group.length - 1], direction) : null);
  /** @param {string[]} group */
  const isScattered = (group) => group.some((id, index) => index > 0 && neighbour(group[index - 1], 1) !== id);
  /**
   * Whether pictures can move earlier (-1) or later (1).
   * @param {string[]} ids
   * @param {number} direction
   */
  function canMove(ids, direction) {
    if (!isAllowed() || ids.length > MOVED_MAX) return false;
    const group = inOrder(ids);
    return beyond(group, direction) !== null || isScattered(group);
  }
  /**
   * Move pictures by one position. Scattered pictures are gathered first.
   * @param {string[]} ids
   * @param {number} direction
   */
  function step(ids, direction) {
    if (!canMove(ids, direction)) return;
    const group = inOrder(ids);
    const other = beyond(group, direction);
    if (isScattered(group)) gather(group, direction);
    else if (direction < 0) move(group, other);
    else if (other) move([other], group[0], group[0]); // the pictures behind `other` need not be loaded
    grid().link(group[0])?.scrollIntoView({ block: "nearest" });
  }
  /**
   * Move a group to its first picture, or to its last.
   * @param {string[]} group
   * @param {number} direction
   */
  function gather(group, direction) {
    if (direction > 0) return move(group.slice(0, -1), group[group.length - 1], group[0]);
    const next = group.map((id) => neighbour(id, 1)).find((id) => id === null || !group.includes(id));
    return move(group, next ?? null);
  }
  /**
   * The pictures that move with one: the selection if it contains it.
   * @param {string} id
   */
  function groupOf(id) {
    const ids = selected();
    const group = ids.includes(id) && ids.length <= MOVED_MAX ? inOrder(ids) : [];
    return group.length ? group : [id];
  }

  // Dragging. A line shows the target: before the card under the pointer, or behind it in its right half.

  /**
   * The card under the pointer, unless it is dragged itself.
   * @param {DragEvent} event
   * @returns {{card: HTMLElement, id: string, behind: boolean} | null}
   */
  function targetOf(event) {
    const card = closest(event, ".gallery .card");
    const id = card?.dataset.id;
    if (!card || !id || dragged.includes(id)) return null;
    return { card, id, behind: event.clientX > card.getBoundingClientRect().left + card.offsetWidth / 2 };
  }
  /**
   * @param {HTMLElement} root
   * @param {...string} classNames
   */
  function unmark(root, ...classNames) {
    for (const className of classNames) root.querySelectorAll(`.${className}`).forEach((card) => card.classList.remove(className));
  }
  /**
   * Let the cards of the grid be dragged.
   * @param {HTMLElement} root
   */
  function enableDragging(root) {
    root.addEventListener("dragstart", (event) => {
      const card = isAllowed() ? closest(event, ".card") : null;
      if (!card?.dataset.id || !event.dataTransfer) return;
      dragged = groupOf(card.dataset.id);
      event.dataTransfer.setData(DRAG_TYPE, dragged.join());
      event.dataTransfer.effectAllowed = "move";
      const image = card.querySelector("img");
      if (image) event.dataTransfer.setDragImage(image, 20, 20);
      for (const id of dragged) grid().link(id)?.closest(".card")?.classList.add("dragged");
    });
    root.addEventListener("dragover", (event) => {
      if (!dragged.length || !event.dataTransfer) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "move";
      unmark(root, "before", "behind");
      const target = targetOf(event);
      target?.card.classList.add(target.behind ? "behind" : "before");
    });
    root.addEventListener("drop", (event) => {
      if (!dragged.length) return;
      event.preventDefault();
      const target = targetOf(event);
      if (target) drop(target.id, target.behind);
    });
    root.addEventListener("dragend", () => {
      dragged = [];
      unmark(root, "before", "behind", "dragged");
    });
  }
  /**
   * @param {string} id
   * @param {boolean} behind
   */
  function drop(id, behind) {
    /** @type {string | null} */
    let next = behind ? neighbour(id, 1) : id;
    while (next !== null && dragged.includes(next)) next = neighbour(next, 1);
    const atEnd = next === null && !grid().hasOlder();
    move(dragged, next ?? (atEnd ? null : id)); // behind the last loaded picture but not the last one: before it
  }

  return { announcement, canMove, step, enableDragging, isAllowed, groupOf };
}
