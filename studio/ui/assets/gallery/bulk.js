// Bulk actions: a call per batch, with progress, and a stop between two batches.

const BATCH = 250; // pictures per call

/** @typedef {"edit_many" | "delete_many" | "restore_many" | "purge" | "collect"} BulkAction */

/**
 * @param {object} options
 * @param {Call} options.call
 * @param {(id: string) => unknown} options.isShown whether a picture is in the grid
 * @param {(pictures: PictureCard[]) => void} options.onUpdate receives the changed pictures of each batch
 * @param {(pictures: PictureCard[] | null, what: string, ids: string[]) => void} options.onChange
 *   receives the changed pictures in the grid; at the end null, if some are not in the grid
 * @param {(done?: number, all?: number) => void} options.onProgress called without values at the end
 */
export function createBulk({ call, isShown, onUpdate, onChange, onProgress }) {
  /** @type {BulkResult | null} */
  let running = null;
  /** @param {string[]} ids */
  const allShown = (ids) => ids.every((id) => isShown(id));

  /**
   * Run an action on pictures. Never rejects: the result has the error.
   * @param {BulkAction} name
   * @param {string[]} ids
   * @param {object} values
   * @param {{what?: string, shown?: boolean}} [options] `what` names the change for `onChange`; `shown`: all are in the grid
   */
  async function run(name, ids, values, { what = "", shown = allShown(ids) } = {}) {
    /** @type {BulkResult} */
    const result = { done: [], missing: [], answer: null, gone: 0, stopped: false, error: null };
    running = result;
    for (let start = 0; start < ids.length && !result.stopped; start += BATCH) {
      if (ids.length > BATCH) onProgress(start, ids.length);
      const batch = ids.slice(start, start + BATCH);
      try {
        result.answer = await call(name, { ids: batch, ...values });
      } catch (error) {
        result.error = /** @type {Error} */ (error);
        break;
      }
      const { items = [], missing, gone = 0 } = result.answer;
      const done = batch.filter((id) => !missing.includes(id));
      result.done.push(...done);
      result.missing.push(...missing);
      result.gone += gone;
      onUpdate(items);
      if (what) onChange(shown ? items : items.filter((item) => isShown(item.id)), what, done);
    }
    if (running === result) running = null;
    onProgress();
    if (result.missing.length) onChange([], "missing", result.missing);
    if (!shown && what) onChange(null, what, result.done);
    return result;
  }
  function stop() {
    if (running) running.stopped = true;
  }
  return { run, allShown, isRunning: () => running !== null, stop };
}
