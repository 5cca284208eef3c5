// Suggestions for the search field: filter names, then their values.

import { formatCount } from "../shared/format.js";
import { page } from "../shared/page.js";
import { suggest } from "../shared/suggest.js";
import { t } from "../shared/texts.js";

/** @type {Record<string, string[]>} */
const VALUES = {
  is: ["favourite", "rerun", "edited", "imported", "portrait", "landscape", "square", "missing"],
  has: ["enhancement", "note", "tags", "parent", "lora"],
  rating: [">=4", ">=3", "5", "none"],
  steps: ["8", "9", "20", "28"],
  size: ["1024x1024", "768x1024", "1024x768", "1280x720"],
  guidance: ["0", "4"],
};
const FILTERS = ["is", "has", "rating", "tag", "in", "checkpoint", "after", "before", "on", "seed", "steps", "size", "guidance", "lora"];

/** @param {string} value */
const quoted = (value) => (/\s/.test(value) ? `"${value}"` : value);

/** This day, month and year. */
function dates() {
  const now = new Date();
  const pad = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const month = `${now.getFullYear()}-${pad(now.getMonth() + 1)}`;
  return [`${month}-${pad(now.getDate())}`, month, String(now.getFullYear())];
}

/**
 * @param {object} options
 * @param {HTMLInputElement} options.field
 * @param {Call} options.call
 * @param {() => Collection[]} options.collections
 * @param {() => void} options.onAccept called when a suggestion was inserted
 */
export function suggestFilters({ field, call, collections, onAccept }) {
  /** The last word before the caret. */
  const word = () => field.value.slice(0, field.selectionStart ?? 0).match(/(?:^|\s)(-?[^\s"]*(?:"[^"]*)?)$/)?.[1] ?? "";

  /**
   * @param {string} name
   * @param {string} typed
   * @returns {Promise<{value: string, hint?: string}[]>}
   */
  async function valuesOf(name, typed) {
    if (name === "tag") {
      const { tags } = await call("tags", { beginning: typed }, { last: true });
      return tags.map(({ tag, count }) => ({ value: tag, hint: formatCount(count) }));
    }
    if (name === "in") return collections().map((collection) => ({ value: collection.name }));
    if (name === "checkpoint") return (page.engine?.checkpoints ?? []).map((checkpoint) => ({ value: checkpoint.name, hint: checkpoint.title }));
    const values = ["after", "before", "on"].includes(name) ? dates() : (VALUES[name] ?? []);
    return values.map((value) => ({ value }));
  }
  /** @returns {Promise<Suggestion[]>} */
  async function suggestions() {
    const typed = word();
    const minus = typed.startsWith("-") ? "-" : "";
    const [, name, value] = typed.slice(minus.length).match(/^([a-z]+):"?(.*)$/i) ?? [];
    if (name && FILTERS.includes(name.toLowerCase())) {
      const start = value.toLowerCase();
      const matches = (/** @type {string} */ text) => text.startsWith(start) && text !== start;
      const found = (await valuesOf(name.toLowerCase(), value)).filter((offer) => matches(offer.value.toLowerCase()));
      return found.map((offer) => ({ text: `${minus}${name}:${quoted(offer.value)}`, hint: offer.hint ?? "", complete: true }));
    }
    const start = typed.slice(minus.length).toLowerCase();
    const filters = start ? FILTERS.filter((filter) => filter.startsWith(start)) : [];
    return filters.map((filter) => ({ text: `${minus}${filter}:`, hint: t(`gallery.filter_${filter}`), complete: false }));
  }
  /** @param {Suggestion} suggestion */
  function accept({ text, complete }) {
    const caret = field.selectionStart ?? 0;
    const start = caret - word().length;
    const rest = field.value.slice(caret);
    field.value = `${field.value.slice(0, start)}${text}${complete && !rest.startsWith(" ") ? " " : ""}${rest}`;
    const end = start + text.length + (complete ? 1 : 0);
    field.setSelectionRange(end, end);
    onAccept();
    if (!complete) box.update();
  }
  const box = suggest({ field, id: "gallery-suggestions", suggestions, accept, first: true });
  return box;
}
