// The native fields of the form: reading and setting their values.

import { inputs, typeValue } from "../shared/dom.js";

const FILLED_MS = 4000; // wait for the server at most this long
const CLEARED = ["negative", "locks", "seed", "variation", "source", "strength", "adapters"];

/**
 * The native field of a component, or null.
 * @param {string} id
 * @returns {HTMLInputElement | HTMLTextAreaElement | null}
 */
export const field = (id) => document.querySelector(`#${id} textarea, #${id} input`);

/** @param {string} id */
export const value = (id) => field(id)?.value ?? "";

/** @param {string} id */
const checkbox = (id) => inputs(document, `#${id} input`)[0];

/** @param {string} id */
export const isChecked = (id) => checkbox(id)?.checked ?? false;

/** Refreshes what the form shows about its values; set by form.js. */
let refresh = () => {};
/** @type {string | null} */
let originalPrompt = null; // of the stored rewrite in the prompt field

/** @param {() => void} update */
export function onFormUpdate(update) {
  refresh = update;
}

export const form = {
  update: () => refresh(),
  prompt: () => field("prompt"),
  submitButton: () => document.getElementById("draw"),
  /** @param {string} text */
  setPrompt(text) {
    if (value("enhancement")) typeValue(field("enhancement"), ""); // it belongs to another prompt
    typeValue(field("prompt"), text);
    refresh();
  },
  /**
   * @param {string} id of a checkbox
   * @param {boolean} checked
   */
  setChecked(id, checked) {
    const box = checkbox(id);
    if (box && !box.disabled && box.checked !== checked) box.click();
  },
  /**
   * Use a stored rewrite for the next pictures, without a new enhancement.
   * @param {string} id of the enhancement
   * @param {string} rewrite
   * @param {string} original
   */
  useRewrite(id, rewrite, original) {
    form.setPrompt(rewrite);
    typeValue(field("enhancement"), id);
    originalPrompt = original;
    refresh();
  },
  /** Return to the original prompt of the rewrite. */
  dropRewrite() {
    form.setPrompt(originalPrompt ?? value("prompt"));
    originalPrompt = null;
    field("prompt")?.focus();
  },
  clear() {
    form.setPrompt("");
    for (const id of CLEARED) typeValue(field(id), "");
    refresh();
  },
  /** @param {number | string} seed */
  setSeed(seed) {
    typeValue(field("seed"), seed);
    refresh();
  },
  checkpoint: () => inputs(document, "#checkpoint input:checked")[0]?.value ?? "",
  /**
   * Select a checkpoint, and wait until its default settings are filled in.
   * @param {string} name
   */
  async chooseCheckpoint(name) {
    const choice = inputs(document, "#checkpoint input").find((input) => input.value === name);
    if (!choice || choice.checked) return;
    const filled = new Promise((resolve) => {
      window.addEventListener("studio:filled", resolve, { once: true });
      setTimeout(resolve, FILLED_MS);
    });
    choice.click();
    await filled;
  },
  /** @returns {Size} */
  size: () => ({ width: Number(value("width")) || 1, height: Number(value("height")) || 1 }),
};
