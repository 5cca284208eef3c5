// An adapter's weight: a slider and a number field with the same value.

import { el } from "../shared/dom.js";
import { t } from "../shared/texts.js";

const SLIDER_MAX = 2; // a typed weight may be up to WEIGHT_MAX
const WEIGHT_MAX = 4;
const STEP = 0.05;
const TYPING_MS = 600; // pause after the last key before an error is shown
let count = 0; // of the messages, for their ids

/** @param {number} weight */
const isValid = (weight) => Number.isFinite(weight) && weight !== 0 && Math.abs(weight) <= WEIGHT_MAX;

/**
 * Whether a text contains a word as a whole. Scripts without spaces between words have no word boundaries.
 * @param {string} text
 * @param {string} word
 */
export function contains(text, word) {
  const isLetter = (/** @type {string | undefined} */ char) =>
    char !== undefined && /[\p{L}\p{M}\p{N}_]/u.test(char) && !/[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]/u.test(char);
  for (let start = text.indexOf(word); start >= 0; start = text.indexOf(word, start + 1)) {
    const continuesBefore = isLetter(word[0]) && isLetter(text[start - 1]);
    const continuesAfter = isLetter(word.at(-1)) && isLetter(text[start + word.length]);
    if (!continuesBefore && !continuesAfter) return true;
  }
  return false;
}

/**
 * The elements of a weight. An invalid weight is marked with a message, and replaced by the last valid one when the field loses the focus.
 * @param {string} title of the adapter
 * @param {number} weight
 * @param {(weight: number) => void} onChange
 */
export function adapterWeight(title, weight, onChange) {
  /**
   * @param {string} type
   * @param {number} max
   */
  function createInput(type, max) {
    return el("input", { type, min: -max, max, step: STEP, value: weight, aria: { label: t("adapter_weight", { name: title, least: -max, most: max }) } });
  }
  const slider = createInput("range", SLIDER_MAX);
  const number = createInput("number", WEIGHT_MAX);
  const message = el("small", { className: "weight-wrong", id: `weight-wrong-${(count += 1)}`, role: "status" });
  number.setAttribute("aria-describedby", message.id);
  let last = weight;
  let typing = 0;

  /** @param {boolean} invalid */
  function mark(invalid) {
    clearTimeout(typing);
    number.setAttribute("aria-invalid", String(invalid));
    message.textContent = invalid ? t("adapter_weight_wrong", { least: -WEIGHT_MAX, most: WEIGHT_MAX, weight: last }) : "";
  }
  /**
   * @param {HTMLInputElement} source
   * @param {HTMLInputElement} other
   * @param {boolean} settled whether the user has finished typing
   */
  function read(source, other, settled) {
    const typed = source.valueAsNumber;
    if (isValid(typed)) {
      other.value = String(typed);
      mark(false);
      if (typed !== last) onChange((last = typed));
    } else if (settled) mark(true);
    else {
      clearTimeout(typing);
      typing = setTimeout(() => mark(true), TYPING_MS); // the user may be typing 0.5
    }
  }
  function reset() {
    clearTimeout(typing);
    number.setAttribute("aria-invalid", String(!isValid(last))); // its message stays readable
    number.value = slider.value = String(last);
  }
  mark(!isValid(last)); // the recipe of an imported picture may have any weight
  slider.addEventListener("input", () => (number.value = slider.value));
  slider.addEventListener("change", () => read(slider, number, true));
  number.addEventListener("input", () => read(number, slider, false));
  number.addEventListener("change", () => read(number, slider, true));
  for (const input of [slider, number]) input.addEventListener("blur", reset);
  return [el("div", { className: "weighing" }, slider, number), message];
}
