// Polls the server for a view while the view is visible.

import { isVisible, whenShown } from "./dom.js";
import { on } from "./events.js";
import { toastError } from "./toast.js";

/**
 * Poll while `view` is visible, and at once when it is shown or a picture changes. Returns the function that polls now.
 * @param {HTMLElement} view
 * @param {() => Promise<void>} load
 * @param {() => number} interval milliseconds until the next poll
 */
export function pollWhileVisible(view, load, interval) {
  let timer = 0;

  async function poll() {
    clearTimeout(timer);
    timer = 0;
    if (!isVisible(view)) return;
    try {
      await load();
    } catch (error) {
      toastError(error);
    }
    clearTimeout(timer);
    timer = setTimeout(poll, interval());
  }
  whenShown(view, poll);
  document.addEventListener("visibilitychange", poll);
  on("changed", () => timer && poll());
  return poll;
}
