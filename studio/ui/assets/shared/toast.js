// A short message at the bottom of the window, with an optional undo.

import { button, el } from "./dom.js";
import { localize, t } from "./texts.js";

const SHOWN_MS = 8000;
let timer = 0;

/**
 * Show a message. It stays while it is pointed at or focused.
 * @param {Message} message
 * @param {(() => unknown) | null} [undo]
 */
export function toast(message, undo = null) {
  document.querySelectorAll(".studio-toast").forEach((shown) => shown.remove());
  const close = () => element.remove();
  const hold = () => clearTimeout(timer);
  const release = () => {
    hold();
    timer = setTimeout(close, SHOWN_MS);
  };
  const listeners = { pointerenter: hold, pointerleave: release, focusin: hold, focusout: release };
  const element = el("div", { className: "studio-toast", role: "status", aria: { live: "polite" }, on: listeners });
  (document.querySelector("dialog[open]") ?? document.body).append(element); // added before its text, so that the text is announced
  element.append(el("span", { text: localize(message) }));
  if (undo) element.append(button(t("undo"), () => (close(), undo())));
  release();
}

/**
 * Show an error's message.
 * @param {unknown} error
 */
export const toastError = (error) => toast(errorText(error));

/**
 * The message of an error.
 * @param {unknown} error
 */
export const errorText = (error) => (error instanceof Error ? error.message : String(error));

/**
 * Await a promise. If it rejects, show the error and return null.
 * @template T
 * @param {Promise<T>} promise
 * @returns {Promise<T | null>}
 */
export async function orToast(promise) {
  try {
    return await promise;
  } catch (error) {
    toastError(error);
    return null;
  }
}
