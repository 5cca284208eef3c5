// The event bus: window events `studio:NAME` between the views. types.d.ts lists the events.

/**
 * Listen to an event.
 * @template {keyof BusEvents} K
 * @param {K} name
 * @param {(detail: BusEvents[K]) => unknown} listener
 */
export function on(name, listener) {
  window.addEventListener(`studio:${name}`, (event) => listener(/** @type {CustomEvent} */ (event).detail));
}

/**
 * Send an event.
 * @template {keyof BusEvents} K
 * @param {K} name
 * @param {BusEvents[K]} [detail]
 */
export function emit(name, detail) {
  window.dispatchEvent(new CustomEvent(`studio:${name}`, { detail: detail ?? {} }));
}
