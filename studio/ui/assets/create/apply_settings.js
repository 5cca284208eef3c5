// The settings of an image file in the form. Files that are dropped on Create apply theirs.

import { previewFile } from "../gallery/upload.js";
import { closest, openView, present, typeValue } from "../shared/dom.js";
import { hasFiles } from "../shared/files.js";
import { page } from "../shared/page.js";
import { t } from "../shared/texts.js";
import { toast, toastError } from "../shared/toast.js";
import { formatAdapters, loadAdapters } from "./adapters.js";
import { field, form } from "./form_fields.js";
import { importSource, useSource } from "./source_image.js";

/**
 * Fill the fields for which the metadata has a value. What this studio lacks is named in a message.
 * @param {ParsedMetadata} metadata
 */
export async function applySettings(metadata) {
  const { checkpoint, loras, rest } = metadata;
  openView("create");
  const isKnown = page.engine?.checkpoints.some((known) => known.name === checkpoint && known.on_disk) ?? false;
  if (isKnown && checkpoint) await form.chooseCheckpoint(checkpoint);
  const fitting = isKnown && loras.length ? await loadAdapters() : [];
  const adapters = loras.filter(({ name, weight }) => fitting.includes(name) && weight);
  form.setPrompt(metadata.original_prompt || metadata.prompt || "");
  const set = (/** @type {string} */ id, /** @type {unknown} */ value) => value !== null && value !== undefined && typeValue(field(id), value);
  set("seed", metadata.seed);
  set("width", metadata.drawn_width - (metadata.drawn_width % 16));
  set("height", metadata.drawn_height - (metadata.drawn_height % 16));
  if (isKnown) { // in another model family these settings have other meanings
    set("steps", metadata.steps);
    set("guidance", metadata.guidance);
    set("shift", metadata.shift);
    set("variation", variationText(rest.variation_of));
    set("adapters", formatAdapters(adapters.map(({ name, weight }) => [name, weight])));
    set("source", "");
    if (rest.source) await useSource(rest.source, { strength: rest.strength, resize: false });
    if (metadata.guidance) {
      set("negative", metadata.negative_prompt);
      set("truncation", rest.cfg_truncation ?? 1);
      form.setChecked("normalization", rest.cfg_normalization === true);
    }
  }
  form.update();
  const missing = loras.filter((lora) => !adapters.includes(lora)).map(({ name, weight }) => `${name} (${weight})`).join(t("list_comma"));
  toast(present([
    t("bring.used"),
    checkpoint && !isKnown ? t("bring.no_model", { name: checkpoint }) : "",
    missing ? t("bring.no_adapters", { names: missing }) : "",
  ]).join(" ")); // prettier-ignore
}

/**
 * The form's text of a variation, "42 0.3" for [[42, 0.3]].
 * @param {string} json from the metadata; undefined if it has none
 */
function variationText(json) {
  try {
    return JSON.parse(json).map((/** @type {[number, number]} */ [seed, strength]) => `${seed} ${strength}`).join(", ");
  } catch {
    return "";
  }
}

// Files that are dropped outside of Create do not replace the page.

/** @param {DragEvent} event */
const isUnhandled = (event) => !event.defaultPrevented && hasFiles(event);
document.addEventListener("dragover", (event) => isUnhandled(event) && event.preventDefault());
document.addEventListener("drop", async (event) => {
  if (!isUnhandled(event)) return;
  event.preventDefault();
  const file = closest(event, "#room-create, #columns") ? event.dataTransfer?.files[0] : null;
  if (!file) return;
  try {
    const answer = await previewFile(file);
    if (answer.kind !== "picture") toast(t("bring.no_picture"));
    else if (answer.prompt) await applySettings(answer);
    else {
      await importSource(file);
      toast(t("bring.tells_nothing"));
    }
  } catch (error) {
    toastError(error);
  }
});
