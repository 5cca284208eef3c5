// Bulk actions: a batch per call, with progress, and a stop between two batches.

import { studio } from "../shared/studio.js";

const ROUND = 250; // pictures per call

/**
 * `call(name, values)` asks the server, `grid()` gives the grid; `knew(pictures)` hears of each that it changed, `changed(pictures, what,
 * ids)` of those that are laid out, and at the end of null where not all are; `heard(done, all)` is told how far it is, and `heard()` the end.
 */
studio.galleryMany = ({ call, grid, knew, changed, heard }) => {
  let running = null;
  const loaded = (ids) => ids.every((id) => grid().byId(id));

  /**
   * Never throws: gives which of `ids` are `done`, which were `missing` as they had gone elsewhere, the last `answer`, how many are
   * `gone` for ever, whether it was `stopped`, and the `error` that ended it.
   */
  async function run(name, ids, values, { what = "", near = loaded(ids) } = {}) {
    const mine = (running = { done: [], missing: [], answer: null, gone: 0, stopped: false, error: null });
    for (let at = 0; at < ids.length && !mine.stopped && !mine.error; at += ROUND) {
      if (ids.length > ROUND) heard(at, ids.length);
      const round = ids.slice(at, at + ROUND);
      try {
        mine.answer = await call(name, { ids: round, ...values });
      } catch (error) {
        mine.error = error;
        break;
      }
      const { items = [], missing, gone = 0 } = mine.answer;
      const lost = new Set(missing);
      const done = round.filter((id) => !lost.has(id));
      mine.done.push(...done);
      mine.missing.push(...missing);
      mine.gone += gone;
      knew(items);
      if (what) changed(near ? items : items.filter((item) => grid().byId(item.id)), what, done);
    }
    if (running === mine) running = null;
    heard();
    if (mine.missing.length) changed([], "missing", mine.missing);
    if (!near && what) changed(null, what, mine.done);
    return mine;
  }
  return { run, loaded, busy: () => running !== null, stop: () => running && (running.stopped = true) };
};
