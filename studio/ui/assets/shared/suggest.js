// Suggestions below a field: a combobox with a listbox, and the tag field. Knows nothing of where suggestions come from.

import { el } from "./dom.js";
import { formatCount } from "./format.js";
import { t } from "./texts.js";

const SUGGESTIONS_MAX = 9;

/**
 * Attach suggestions to a field. `suggestions()` returns or promises those for its current text; `accept` receives the chosen one.
 * With `first`, Tab accepts the first suggestion. Outdated answers are ignored.
 * @param {object} options
 * @param {HTMLInputElement} options.field
 * @param {string} options.id
 * @param {() => Suggestion[] | Promise<Suggestion[]>} options.suggestions
 * @param {(suggestion: Suggestion) => void} options.accept
 * @param {boolean} [options.first]
 */
export function suggest({ field, id, suggestions, accept, first = false }) {
  const list = el("ul", { className: "suggestions", role: "listbox", id, hidden: true, aria: { label: t("parts.suggestions") } });
  const attributes = { role: "combobox", autocomplete: "off", "aria-controls": id, "aria-autocomplete": "list", "aria-expanded": "false" };
  for (const [name, value] of Object.entries(attributes)) field.setAttribute(name, value);
  /** @type {Suggestion[]} */
  let found = [];
  let active = -1;
  let latest = 0; // number of the latest request

  async function update() {
    const number = ++latest;
    const next = await Promise.resolve(suggestions()).catch(() => []);
    if (number !== latest) return;
    const chosen = found[active]?.text;
    found = next.slice(0, SUGGESTIONS_MAX);
    active = found.findIndex(({ text }) => text === chosen);
    draw();
  }
  function draw() {
    const wasHidden = list.hidden;
    list.hidden = !found.length || document.activeElement !== field;
    list.setAttribute("aria-label", t("parts.suggestions"));
    field.setAttribute("aria-expanded", String(!list.hidden));
    field.removeAttribute("aria-activedescendant");
    list.replaceChildren(...found.map((suggestion, index) => {
      const on = { pointerdown: (/** @type {Event} */ event) => (event.preventDefault(), choose(suggestion)) };
      const item = el("li", { role: "option", id: `${id}-${index}`, aria: { selected: index === active }, on });
      item.append(el("b", { text: suggestion.text }), el("span", { text: suggestion.hint }));
      return item;
    }));
    if (active >= 0) field.setAttribute("aria-activedescendant", `${id}-${active}`);
    if (wasHidden && !list.hidden) list.scrollIntoView({ block: "nearest" });
  }
  function close() {
    latest += 1;
    found = [];
    draw();
  }
  /** @param {Suggestion} suggestion */
  function choose(suggestion) {
    close();
    accept(suggestion);
  }
  field.addEventListener("input", () => {
    active = -1;
    update();
  });
  field.addEventListener("focus", draw);
  field.addEventListener("blur", () => {
    list.hidden = true;
    field.setAttribute("aria-expanded", "false");
  });
  field.addEventListener("keydown", (event) => {
    if (list.hidden || event.isComposing) return;
    const { key } = event;
    if (key === "ArrowDown") active = (active + 1) % found.length;
    else if (key === "ArrowUp") active = active <= 0 ? found.length - 1 : active - 1;
    else if (key === "Escape") close();
    else if ((key === "Enter" && active >= 0) || (key === "Tab" && !event.shiftKey && (first || active >= 0))) choose(found[Math.max(active, 0)]);
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
    draw();
  });
  return { list, update, close };
}

/**
 * A field for a tag with suggestions from the owner's tags. Enter or a comma adds it. With `minus`, a tag may begin with "-".
 * @param {object} options
 * @param {Call} options.call
 * @param {string} options.id
 * @param {string} options.hint
 * @param {(tag: string) => unknown} options.add
 * @param {boolean} [options.minus]
 * @param {(tag: string) => boolean} [options.exclude]
 */
export function tagField({ call, id, hint, add, minus = false, exclude = () => false }) {
  const field = el("input", { type: "text", maxLength: 60, placeholder: hint, aria: { label: hint } });
  const sign = () => (minus && field.value.trimStart().startsWith("-") ? "-" : "");
  const typed = () => field.value.trim().slice(sign().length).trim();
  async function suggestions() {
    if (!typed()) return [];
    const { tags } = await call("tags", { beginning: typed() }, { last: true });
    const others = tags.filter(({ tag }) => tag !== typed() && !exclude(tag));
    return others.map(({ tag, count }) => ({ text: `${sign()}${tag}`, hint: formatCount(count) }));
  }
  /** @param {string} text */
  function submit(text) {
    field.value = "";
    if (text) add(text);
  }
  const { list, close } = suggest({ field, id, suggestions, accept: ({ text }) => submit(text) });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing || (event.key !== "Enter" && event.key !== ",")) return;
    event.preventDefault();
    close();
    submit(field.value.trim());
  });
  return el("span", { className: "tag-field" }, field, list);
}
