// The form's adapters: those that fit the checkpoint, each with a switch, a weight and its trigger words.
//
// The form's hidden field contains the selection as JSON, `[["ink",0.8],["fur",-0.5]]`; the rows render it. An adapter that is selected and
// missing has a row, so that it can be removed.

import { component } from "../shared/components.js";
import { button, closest, el, find, typeValue } from "../shared/dom.js";
import { on } from "../shared/events.js";
import { ask, connected } from "../shared/server.js";
import { currentLanguage, t } from "../shared/texts.js";
import { adapterWeight, contains } from "./adapter_weight.js";
import { field, form } from "./form_fields.js";

const FILTER_MIN = 9; // rows from which on a filter is shown
const TRIGGERS_MAX = 8; // trigger words per adapter
const UPDATE_MS = 80; // the fields update a moment after the event
const RETRY_MS = 30; // until the form is built

/** @typedef {[string, number]} WeightedAdapter */

/** @type {Adapter[]} */
let available = []; // for the selected checkpoint
/** @type {string | null} */
let loadedFor = null;
let latest = 0; // number of the latest request
let redraw = () => {};

/**
 * The selection in the form's field.
 * @returns {WeightedAdapter[]}
 */
function selection() {
  try {
    const pairs = JSON.parse(field("adapters")?.value || "[]");
    return Array.isArray(pairs) ? pairs.filter((pair) => typeof pair?.[0] === "string" && Number.isFinite(pair[1])) : [];
  } catch {
    return [];
  }
}

/**
 * A selection as the form's field contains it.
 * @param {WeightedAdapter[]} pairs
 */
export const formatAdapters = (pairs) => (pairs.length ? JSON.stringify(pairs) : "");

const fitting = () => available.filter((adapter) => adapter.fits !== false);

/**
 * Add the file name to titles that occur twice.
 * @param {Adapter[]} adapters
 */
function withUniqueTitles(adapters) {
  const isShared = (/** @type {string} */ title) => adapters.filter((adapter) => adapter.title === title && adapter.fits !== false).length > 1;
  return adapters.map((adapter) => {
    const { title, name } = adapter;
    return title !== name && isShared(title) ? { ...adapter, title: `${title} (${name})` } : adapter;
  });
}

/**
 * Load the adapters of the selected checkpoint. Returns the names of those that fit it.
 * @param {boolean} [again] even if they are loaded
 */
export async function loadAdapters(again = true) {
  const checkpoint = form.checkpoint();
  if (again || checkpoint !== loadedFor) {
    const number = (latest += 1);
    try {
      const found = await ask("adapters", { checkpoint });
      if (number !== latest) return found.adapters.filter((adapter) => adapter.fits !== false).map((adapter) => adapter.name);
      available = withUniqueTitles(found.adapters);
      loadedFor = checkpoint;
      redraw();
    } catch {
      return []; // the next selection loads the list again
    }
  }
  return fitting().map((adapter) => adapter.name);
}

/** The selected adapters by their titles, for the section's heading. */
export function adaptersText() {
  const title = (/** @type {string} */ name) => available.find((adapter) => adapter.name === name)?.title ?? name;
  return selection().map(([name, weight]) => `${title(name)} ${weight}`).join(", ");
}

component("adapters", (it) => {
  const list = find(it.element, ".adapters");
  const filter = el("input", { type: "search", className: "adapter-filter", autocomplete: "off", spellcheck: false, hidden: true });
  const noMatch = el("small", { className: "adapter-unfound", role: "status" });
  list.before(filter);
  list.after(noMatch);
  let drawn = "";

  function applyFilter() {
    const words = filter.value.toLowerCase().split(/\s+/);
    const rows = [...list.querySelectorAll("div.adapter")].filter((row) => row instanceof HTMLElement);
    for (const row of rows) row.hidden = !words.every((word) => row.dataset.says?.includes(word));
    noMatch.textContent = rows.length && rows.every((row) => row.hidden) ? t("adapter_unfound") : "";
  }
  filter.addEventListener("input", applyFilter);
  filter.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !filter.value) return;
    event.preventDefault();
    event.stopPropagation();
    filter.value = "";
    applyFilter();
  });

  /** @param {WeightedAdapter[]} pairs */
  function write(pairs) {
    typeValue(field("adapters"), formatAdapters(pairs));
    draw();
  }
  /**
   * @param {string} name
   * @param {boolean} selected
   */
  function toggle(name, selected) {
    const others = selection().filter(([other]) => other !== name);
    write(selected ? [...others, [name, 1]] : others);
  }
  /**
   * @param {string} name
   * @param {number} weight
   */
  function setWeight(name, weight) {
    /** @type {WeightedAdapter[]} */
    const pairs = selection().map(([other, now]) => [other, other === name ? weight : now]);
    drawn = version(rowsOf(pairs), pairs); // keep the row while it is edited
    write(pairs);
  }
  /** @param {string} word */
  function addTrigger(word) {
    const prompt = form.prompt();
    const text = prompt?.value.trim() ?? "";
    if (!contains(text.toLowerCase(), word.toLowerCase())) form.setPrompt(text ? `${text.replace(/[,，]$/, "")}, ${word}` : word);
    prompt?.focus();
  }

  /**
   * @param {Adapter} adapter
   * @param {number | undefined} weight undefined if it is not selected
   */
  function createRow(adapter, weight) {
    const { name, title, absent } = adapter;
    const file = absent ? name : `${name}.safetensors`;
    const box = el("input", { type: "checkbox", checked: weight !== undefined });
    box.addEventListener("change", () => toggle(name, box.checked));
    const row = el("div", { className: "adapter", title: file, data: { name, says: `${title}\n${name}`.toLowerCase() } },
      el("label", { title: [adapter.about, file].filter(Boolean).join("\n") }, box, el("span", { text: title })),
      absent ? el("small", { text: t("adapter_missing"), role: "alert" }) : null);
    if (weight === undefined) return row;
    row.append(...adapterWeight(title, weight, (changed) => setWeight(name, changed)));
    const chip = (/** @type {string} */ word) => button(word, () => addTrigger(word), { className: "trigger", title: `${t("adapter_word")}: ${word}` });
    const triggers = adapter.triggers.slice(0, TRIGGERS_MAX).map(chip);
    if (triggers.length) row.append(el("div", { className: "triggers" }, ...triggers));
    return row;
  }
  /**
   * The adapters in the order of their rows: selected ones first, in the order of selection.
   * @param {WeightedAdapter[]} pairs
   * @returns {Adapter[]}
   */
  function rowsOf(pairs) {
    const found = fitting();
    const selected = pairs.map(([name]) => found.find((adapter) => adapter.name === name) ?? { name, title: name, triggers: [], absent: true });
    return [...selected, ...found.filter((adapter) => !pairs.some(([name]) => name === adapter.name))];
  }
  /**
   * @param {Adapter[]} adapters
   * @param {WeightedAdapter[]} pairs
   */
  const version = (adapters, pairs) => JSON.stringify([adapters, pairs, currentLanguage()]);

  function draw() {
    const pairs = selection();
    if (field("adapters")?.value && !pairs.length) return typeValue(field("adapters"), ""); // not a selection
    const adapters = rowsOf(pairs);
    document.getElementById("form")?.classList.toggle("has-adapters", adapters.length > 0);
    form.update();
    const now = version(adapters, pairs);
    if (now === drawn) return;
    drawn = now;
    const active = document.activeElement;
    const focused = active instanceof HTMLInputElement && list.contains(active) ? active : null;
    const name = focused?.closest("div.adapter")?.getAttribute("data-name");
    const weights = new Map(pairs);
    list.replaceChildren(...adapters.map((adapter) => createRow(adapter, weights.get(adapter.name))));
    filter.hidden = adapters.length < FILTER_MIN;
    filter.placeholder = t("adapter_filter");
    filter.setAttribute("aria-label", filter.placeholder);
    if (filter.hidden) filter.value = "";
    applyFilter();
    if (focused && name) focusAgain(name, focused.type);
  }
  /**
   * @param {string} name
   * @param {string} type of the field that was focused
   */
  function focusAgain(name, type) {
    const row = list.querySelector(`[data-name="${CSS.escape(name)}"]`);
    const target = row?.querySelector(`[type="${type}"]`) ?? row?.querySelector("[type=checkbox]");
    if (target instanceof HTMLElement) target.focus();
  }
  redraw = draw;

  function load() {
    if (connected() && form.checkpoint()) loadAdapters(false).then(draw);
  }
  for (const name of /** @type {const} */ (["filled", "reused"])) on(name, () => setTimeout(load, UPDATE_MS));
  on("state", load);
  on("words", draw);
  document.addEventListener("input", (event) => event.target === field("adapters") && draw());
  document.addEventListener("change", (event) => closest(event, "#checkpoint") && setTimeout(load, UPDATE_MS));
  document.addEventListener("click", (event) => closest(event, "#fold-adapters") && loadAdapters()); // the files may have changed
  function start() {
    if (connected() && field("adapters") && form.checkpoint()) load();
    else setTimeout(start, RETRY_MS);
  }
  start();
});
