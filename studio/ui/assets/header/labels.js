// Labels of Gradio's native components in the page's language. Only text nodes and attributes change, so Gradio's updates still work.

import { t } from "../shared/texts.js";

/** @type {[string, string, string?][]} selector, text key, attribute */
const LABELS = [
  ["#room-create-button", "create"], ["#room-gallery-button", "gallery"], ["#room-queue-button", "queue"],
  ["#room-machine-button", "machine"],
  ["#prompt [data-testid=block-info]", "prompt"], ["#prompt textarea", "placeholder", "placeholder"],
  ["#reason .label-text", "reason"], ["#shape [data-testid=block-info]", "shape"],
  ["#seed [data-testid=block-info]", "seed"], ["#seed input, #seed textarea", "random", "placeholder"],
  ["#count [data-testid=block-info]", "count"], ["#count input", "count", "aria-label"],
  ["#width [data-testid=block-info]", "width"], ["#width input", "width", "aria-label"],
  ["#width input, #height input", "size_rule", "title"],
  ["#height [data-testid=block-info]", "height"], ["#height input", "height", "aria-label"],
  ["#steps [data-testid=block-info]", "steps"], ["#steps input", "steps", "aria-label"],
  ["#guidance [data-testid=block-info]", "guidance"], ["#guidance input", "guidance", "aria-label"],
  ["#negative [data-testid=block-info]", "negative"], ["#side [data-testid=block-info]", "side"],
  ["#shift [data-testid=block-info]", "shift"], ["#shift input", "shift", "aria-label"],
  ["#truncation [data-testid=block-info]", "truncation"], ["#truncation input", "truncation", "aria-label"],
  ["#normalization .label-text", "normalization"], ["#spread .label-text", "spread"],
  ["#style [data-testid=block-info]", "style"], ["#length [data-testid=block-info]", "length"],
  ["#template [data-testid=block-info]", "template"], ["#locks [data-testid=block-info]", "locks"],
  ["#locks input, #locks textarea", "locks_hint", "placeholder"],
  ["#variation [data-testid=block-info]", "variation_of"], ["#variation input, #variation textarea", "variation_hint", "placeholder"],
  ["#draw", "draw"], ["footer .show-api", "api"],
]; // prettier-ignore

/** Set the labels of the components that Gradio has built. */
export function labelComponents() {
  for (const [selector, key, attribute] of LABELS) {
    for (const element of document.querySelectorAll(selector)) {
      if (attribute) {
        element.setAttribute(attribute, t(key));
        continue;
      }
      const node = [...element.childNodes].find((child) => child.nodeType === Node.TEXT_NODE && child.nodeValue?.trim());
      if (node && node.nodeValue?.trim() !== t(key)) node.nodeValue = t(key);
    }
  }
}
