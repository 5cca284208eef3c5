// The order of a collection: a card is moved by keys, by two buttons of the bar, or by dragging it between two others.
//
// The grid shows the new order at once; the server is told, and the page is asked for again only where it refuses.
(() => {
  const { el, t } = studio;
  const KIND = "application/x-studio-card"; // what is dragged is one of ours

  /**
   * `offered()` tells whether a collection is shown in its own order; `moved(collection)` hears what the server says, null where it
   * refuses. Gives what is read out, whether one can go earlier (-1) or later (1), and the step itself; `watch` lets cards be dragged.
   */
  studio.galleryMove = ({ call, grid, state, offered, moved }) => {
    const said = el("p", { className: "spoken", role: "status", aria: { live: "polite" } });
    let dragged = null; // id

    /** One before another, or with null to the end; `told` is the one that somebody meant to move. */
    async function move(id, before, told = id) {
      if (!grid().move(id, before)) return;
      said.textContent = t("gallery.moved", { n: studio.count(grid().place(told)), all: studio.count(state.total) });
      try {
        moved(await call("move_in_collection", { collection: state.collection, id, before }));
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
    const can = (id, by) => offered() && neighbour(id, by) !== null;
    function step(id, by) {
      if (!can(id, by)) return;
      const other = neighbour(id, by);
      if (by < 0) move(id, other);
      else move(other, id, id); // the next one before it: who comes behind that need not be known
      grid().link(id)?.scrollIntoView({ block: "nearest" });
    }

    // Dragging. A line shows where it would go: before the card that is pointed at, or behind it in its right half.

    const over = (event) => (dragged === null ? null : event.target.closest?.(".gallery .card"));
    const behind = (card, event) => event.clientX > card.getBoundingClientRect().left + card.offsetWidth / 2;
    function unmark(root) {
      for (const card of root.querySelectorAll(".before, .behind")) card.classList.remove("before", "behind");
    }

    function watch(root) {
      root.addEventListener("dragstart", (event) => {
        const card = offered() ? event.target.closest?.(".card") : null;
        if (!card) return;
        dragged = card.dataset.id;
        event.dataTransfer.setData(KIND, dragged);
        event.dataTransfer.effectAllowed = "move";
        event.dataTransfer.setDragImage(card.querySelector("img"), 20, 20);
        card.classList.add("dragged");
      });
      root.addEventListener("dragover", (event) => {
        const card = over(event);
        if (dragged === null) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = "move";
        unmark(root);
        if (card && card.dataset.id !== dragged) card.classList.add(behind(card, event) ? "behind" : "before");
      });
      root.addEventListener("drop", (event) => {
        const card = over(event);
        if (dragged === null) return;
        event.preventDefault();
        if (card && card.dataset.id !== dragged) drop(card.dataset.id, behind(card, event));
      });
      root.addEventListener("dragend", () => {
        dragged = null;
        unmark(root);
        root.querySelectorAll(".dragged").forEach((card) => card.classList.remove("dragged"));
      });
    }
    function drop(onto, after) {
      const next = after ? neighbour(onto, 1) : onto;
      if (next === dragged) return; // it stands there already
      const end = next === null && !grid().ends.older;
      move(dragged, next ?? (end ? null : onto)); // behind the last that is known but not the last: before it
    }

    return { said, can, step, watch, offered };
  };
})();
