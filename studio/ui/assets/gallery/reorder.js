// The order of a collection: cards move by keys, by two buttons, or by dragging. Moving a selected card moves the selection.
// The grid shows the new order at once, and reloads only if the server refuses.

import { studio } from "../shared/studio.js";

const { el, t } = studio;
const MOST = 1000; // pictures moved per call
const KIND = "application/x-studio-card"; // a card of ours is dragged

/**
 * `offered()` tells whether a collection is shown in its own order, `chosen()` which are chosen; `moved(collection)` hears what the
 * server says, null where it refuses. Gives what is read out, whether some can go earlier (-1) or later (1), and the step itself;
 * `watch` lets cards be dragged.
 */
studio.galleryMove = ({ call, grid, state, offered, chosen, moved }) => {
  const said = el("p", { className: "spoken", role: "status", aria: { live: "polite" } });
  let dragged = []; // ids in order

  /** Some before another, or with null to the end; `told` is the one that somebody meant to move. */
  async function move(ids, before, told = ids[0]) {
    if (!grid().move(ids, before)) return;
    said.textContent = t("gallery.moved", { n: studio.count(grid().place(told)), all: studio.count(state.total) });
    try {
      moved(await call("move_in_collection", { collection: state.collection, ids, before }));
    } catch (error) {
      studio.excuse(error);
      moved(null);
    }
  }
  function neighbour(id, by) {
    const all = grid().items();
    const at = all.findIndex((item) => item.id === id);
    return at < 0 ? null : (all[at + by]?.id ?? null);
  }
  /** These in the order of the collection; none where one of them is not laid out. */
  function inOrder(ids) {
    const wanted = new Set(ids);
    const found = grid().items().filter((item) => wanted.has(item.id)).map((item) => item.id);
    return found.length === wanted.size ? found : [];
  }
  /** Whom a group has beside it that way, null where it is at the end. */
  const outside = (group, by) => (group.length ? neighbour(by < 0 ? group[0] : group.at(-1), by) : null);
  const apart = (group) => group.some((id, at) => at > 0 && neighbour(group[at - 1], 1) !== id);
  const can = (ids, by) => offered() && ids.length <= MOST && (outside(inOrder(ids), by) !== null || apart(inOrder(ids)));
  function step(ids, by) {
    if (!can(ids, by)) return;
    const group = inOrder(ids);
    const other = outside(group, by);
    if (apart(group)) gather(group, by); // gather scattered cards first
    else if (by < 0) move(group, other);
    else move([other], group[0], group[0]); // before the card that precedes them: the cards behind it need not be known
    grid().link(group[0])?.scrollIntoView({ block: "nearest" });
  }
  /** All of a group to its first, or to its last. */
  function gather(group, by) {
    if (by < 0) move(group, group.map((id) => neighbour(id, 1)).find((id) => !group.includes(id)));
    else move([...group.slice(0, -1)], group.at(-1), group[0]);
  }
  /** A card, with all that are chosen where it is one of them. */
  const group = (id) => {
    const all = chosen();
    return all.includes(id) && all.length <= MOST && inOrder(all).length ? inOrder(all) : [id];
  };

  // Dragging. A line shows the target: before the card under the pointer, or behind it in its right half.

  const over = (event) => (dragged.length ? event.target.closest?.(".gallery .card") : null);
  const behind = (card, event) => event.clientX > card.getBoundingClientRect().left + card.offsetWidth / 2;
  function unmark(root) {
    for (const card of root.querySelectorAll(".before, .behind")) card.classList.remove("before", "behind");
  }

  function watch(root) {
    root.addEventListener("dragstart", (event) => {
      const card = offered() ? event.target.closest?.(".card") : null;
      if (!card) return;
      dragged = group(card.dataset.id);
      event.dataTransfer.setData(KIND, dragged.join());
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setDragImage(card.querySelector("img"), 20, 20);
      for (const id of dragged) grid().link(id)?.closest(".card").classList.add("dragged");
    });
    root.addEventListener("dragover", (event) => {
      const card = over(event);
      if (!dragged.length) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "move";
      unmark(root);
      if (card && !dragged.includes(card.dataset.id)) card.classList.add(behind(card, event) ? "behind" : "before");
    });
    root.addEventListener("drop", (event) => {
      const card = over(event);
      if (!dragged.length) return;
      event.preventDefault();
      if (card && !dragged.includes(card.dataset.id)) drop(card.dataset.id, behind(card, event));
    });
    root.addEventListener("dragend", () => {
      dragged = [];
      unmark(root);
      root.querySelectorAll(".dragged").forEach((card) => card.classList.remove("dragged"));
    });
  }
  function drop(onto, after) {
    let next = after ? neighbour(onto, 1) : onto;
    while (next !== null && dragged.includes(next)) next = neighbour(next, 1); // they are there already
    const end = next === null && !grid().ends.older;
    move(dragged, next ?? (end ? null : onto)); // behind the last loaded card but not the last one: before it
  }

  return { said, can, step, watch, offered, group };
};
