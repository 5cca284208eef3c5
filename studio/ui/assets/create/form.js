// The native form: section summaries, the saved draft, translated choices and keyboard shortcuts.

import { cancelCaption, startCaptioning } from "./captioning.js";
import { component } from "../shared/components.js";
import { closest, currentView, find, iconButton, inputs, setLabel, setText, typeValue } from "../shared/dom.js";
import { emit, on } from "../shared/events.js";
import { icon } from "../shared/icons.js";
import { page } from "../shared/page.js";
import { load, store } from "../shared/storage.js";
import { t } from "../shared/texts.js";
import { adaptersText } from "./adapters.js";
import { field, form, isChecked, onFormUpdate, value } from "./form_fields.js";
import { startPromptCard } from "./prompt_card.js";
import { startSourceImage, updateSource } from "./source_image.js";

const RETRY_MS = 30; // until Gradio has built the fields
const CHANGED_MS = 60; // Gradio updates the fields a moment after the event
const SIDE_UNIT = 16;
const SIDE_MIN = 64;
const SIDE_MAX = 2048;
const DRAFT_FIELDS = ["prompt", "seed", "count", "width", "height", "steps", "guidance", "negative", "shift", "truncation", "locks", "enhancement", "variation", "source", "strength", "adapters"];
const ANY_CHECKPOINT = ["prompt", "seed", "count", "enhancement", "variation", "source", "strength"]; // the other fields depend on it

// Section summaries

/**
 * The label of a selected choice; "" for the default.
 * @param {string} id
 * @param {string} [usual] the default value
 */
function choiceText(id, usual = "") {
  const input = inputs(document, `#${id} input:checked`)[0];
  return !input || input.value === usual ? "" : (input.closest("label")?.textContent?.trim() ?? "");
}

/** @type {Record<string, (value: string) => string>} */
const CHOICE_TEXTS = {
  style: (style) => t(style ? `style.${style}` : "style_none"),
  length: (length) => t(`length_${length}`),
  template: (template) => template || t("template_usual"),
};

/** Translate native choices. Their values stay. */
function translateChoices() {
  for (const [id, text] of Object.entries(CHOICE_TEXTS)) {
    for (const input of inputs(document, `#${id} input`)) setText(input.closest("label")?.querySelector("span") ?? null, text(input.value));
  }
}

/**
 * @param {string} key of the section
 * @param {string} text
 */
const setSummary = (key, text) => setText(document.querySelector(`#fold-${key} output`), text);

/** Show the values of sections and labels. On native labels CSS shows the attribute, so that their text stays. */
function update() {
  const size = `${value("width")} × ${value("height")}`;
  document.getElementById("shape")?.setAttribute("data-now", size);
  setSummary("size", size);
  const enhancement = [choiceText("style"), choiceText("length", "auto"), value("locks").trim(), isChecked("spread") ? t("spread_short") : ""];
  setSummary("steering", enhancement.filter(Boolean).join(" · ") || t("steering_none"));
  setSummary("steps_model", [value("steps"), value("guidance"), value("variation").trim() && t("variation_short")].filter(Boolean).join(" · "));
  setSummary("adapters", adaptersText() || t("adapters_none"));
  setSummary("model", document.querySelector("#checkpoint label.selected span")?.textContent ?? "");
  document.getElementById("form")?.classList.toggle("from-rewrite", value("enhancement") !== "");
  updateSource();
  const locked = value("seed").trim() !== "";
  document.getElementById("seed")?.toggleAttribute("data-locked", locked);
  document.querySelector("#seed .unlock")?.toggleAttribute("hidden", !locked);
  for (const id of ["width", "height"]) {
    const side = Number(value(id));
    field(id)?.setAttribute("aria-invalid", String(side % SIDE_UNIT !== 0 || side < SIDE_MIN || side > SIDE_MAX));
  }
}
onFormUpdate(update);

// This tab's draft, which survives a reload

function saveDraft() {
  if (page.private) return;
  const values = Object.fromEntries(DRAFT_FIELDS.map((id) => [id, value(id)]));
  const choices = { reason: isChecked("reason"), normalization: isChecked("normalization"), checkpoint: form.checkpoint() };
  store("session", "draft", JSON.stringify({ ...values, ...choices }));
}
function readDraft() {
  try {
    const draft = JSON.parse(load("session", "draft") ?? "null");
    return draft && typeof draft === "object" ? draft : null;
  } catch {
    return null;
  }
}
function restoreDraft() {
  const draft = readDraft();
  if (!draft) return;
  const isSame = draft.checkpoint === form.checkpoint();
  for (const id of isSame ? DRAFT_FIELDS : ANY_CHECKPOINT) {
    if (typeof draft[id] === "string" && draft[id] !== "") typeValue(field(id), draft[id]);
  }
  if (typeof draft.reason === "boolean") form.setChecked("reason", draft.reason);
  if (isSame) form.setChecked("normalization", Boolean(draft.normalization));
}

/** The button that clears a locked seed. */
function addUnlockButton() {
  const unlock = iconButton(icon("clear"), "", () => (form.setSeed(""), field("seed")?.focus()), { className: "unlock", hidden: true });
  document.getElementById("seed")?.append(unlock);
  const drawTexts = () => setLabel(unlock, t("unlock"));
  on("words", drawTexts);
  drawTexts();
}

component("ask", (it) => {
  const card = startPromptCard(it);
  const saveAndUpdate = () => (saveDraft(), update());

  document.addEventListener("input", (event) => {
    if (!closest(event, "#form")) return;
    saveAndUpdate();
    if (closest(event, "#prompt")) card.countTokensSoon();
  });
  document.addEventListener("change", (event) => closest(event, "#form") && setTimeout(saveAndUpdate, CHANGED_MS));
  on("words", () => (card.draw(), translateChoices(), update()));
  on("filled", () => setTimeout(() => (translateChoices(), saveAndUpdate()), CHANGED_MS / 2));
  on("reused", () => setTimeout(() => (saveAndUpdate(), card.countTokens()), CHANGED_MS));
  on("clear-form", form.clear);

  /** Gradio builds the fields in no defined order, so start when all exist. */
  function start() {
    const isReady = DRAFT_FIELDS.every(field) && form.submitButton() && document.getElementById("seed") && form.checkpoint() && page.facts;
    if (!isReady) return void setTimeout(start, RETRY_MS);
    addUnlockButton();
    startCaptioning(it);
    startSourceImage(it);
    restoreDraft();
    translateChoices();
    update();
    card.draw();
    card.countTokens();
  }
  start();
});

// A section of the form. Its button shows or hides its fields.
component("fold", (it) => {
  const key = it.props.key_of_words;
  const toggle = find(it.element, "button");
  const drawTexts = () => {
    if (toggle.firstElementChild) toggle.firstElementChild.textContent = t(key);
  };
  toggle.setAttribute("aria-controls", `folded-${key}`);
  toggle.addEventListener("click", () => {
    const open = document.getElementById(`folded-${key}`)?.classList.toggle("open") ?? false;
    toggle.setAttribute("aria-expanded", String(open));
  });
  on("words", drawTexts);
  drawTexts();
});

// Ctrl+Enter generates and Escape cancels, in Create while no dialog is open.

const isElsewhere = () => currentView() !== "create" || document.querySelector("dialog[open], [role=dialog]:not([hidden])") !== null;

/** @param {KeyboardEvent} event */
function generateOnKey(event) {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing || isElsewhere()) return;
  event.preventDefault();
  event.stopPropagation(); // it would toggle a focused native switch
  if (closest(event, ".thread .edit")) emit("draw-edited");
  else form.submitButton()?.click();
}
document.addEventListener("keydown", generateOnKey, { capture: true });
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing && !event.defaultPrevented && !isElsewhere() && !cancelCaption()) emit("escape");
});
