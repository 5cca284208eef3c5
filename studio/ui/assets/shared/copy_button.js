// A button that copies a text and confirms it.

import { button, copyText } from "./dom.js";
import { t } from "./texts.js";

const CONFIRMED_MS = 1600;

/**
 * @param {() => string} text
 * @param {ElementOptions} [options]
 */
export function copyButton(text, options) {
  const copy = button(t("copy"), async () => {
    copy.textContent = t((await copyText(text())) ? "copied" : "picture.copy_failed");
    setTimeout(() => (copy.textContent = t("copy")), CONFIRMED_MS);
  }, options);
  return copy;
}
