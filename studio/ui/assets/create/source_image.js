// The source image: a picture of the studio, or a file that is chosen, dropped or pasted; and its strength.
//
// The form's hidden fields `source` and `strength` contain it; the row renders them. If the server has a vision model, an image that is
// dropped on the prompt is captioned instead.

import { upload } from "../gallery/upload.js";
import { el, find, iconButton, openView, setLabel, typeValue } from "../shared/dom.js";
import { emit, on } from "../shared/events.js";
import { fileField, IMAGE_TYPES, onImage } from "../shared/files.js";
import { icon } from "../shared/icons.js";
import { facts, page } from "../shared/page.js";
import { ask } from "../shared/server.js";
import { t } from "../shared/texts.js";
import { toast, toastError } from "../shared/toast.js";
import { field, form, value } from "./form_fields.js";

const DEFAULT_STRENGTH = "0.6";
const THUMB_PX = 56;

/** @typedef {Answers["begin"]} Source */

/**
 * @param {string} id
 * @param {unknown} text
 */
const set = (id, text) => typeValue(field(id), text);

/** The row of the source image; null until the form is built. */
/** @type {ReturnType<typeof createRow> | null} */
let row = null;
let shown = ""; // the source that the row shows or loads
/** @type {Promise<Source | null>} */
let loading = Promise.resolve(null);

/**
 * Use a picture as the source image, by its id or the hash of its pixels. Returns false if it was not found.
 * @param {string} source
 * @param {{strength?: number | string, resize?: boolean}} [options] `resize` sets the form's size to the ratio of the image
 */
export async function useSource(source, { strength = DEFAULT_STRENGTH, resize = true } = {}) {
  set("source", source);
  set("strength", strength);
  const found = await updateSource();
  if (found && resize) {
    set("width", found.width);
    set("height", found.height);
  }
  form.update();
  return found !== null;
}

/**
 * Import an image file, into the private session if there is one, and use it as the source image.
 * @param {File | undefined} file
 */
export async function importSource(file) {
  if (!file || !IMAGE_TYPES.includes(file.type)) return toast(t("read_kinds"));
  row?.element.classList.add("coming");
  try {
    const answer = await upload(file, { source: 1, ...(page.private ? { private: page.private } : {}) });
    if (answer.id) await useSource(answer.id);
  } catch (error) {
    toastError(error);
  } finally {
    row?.element.classList.remove("coming");
  }
}

function removeSource() {
  set("source", "");
  set("strength", "");
  form.update();
  form.prompt()?.focus();
}

/** Show the form's source image. A source that is not found is removed with a message. */
export function updateSource() {
  const source = value("source");
  row?.setStrength(Number(value("strength") || DEFAULT_STRENGTH));
  if (!row || source === shown) return loading;
  shown = source;
  row.show(null);
  loading = source ? load(source) : Promise.resolve(null);
  return loading;
}
/** @param {string} source */
async function load(source) {
  try {
    const found = await ask("begin", { source, checkpoint: form.checkpoint(), private: page.private !== "" });
    if (source === shown) row?.show(found);
    return found;
  } catch (error) {
    if (source === shown) {
      removeSource();
      toastError(error);
    }
    return null;
  }
}

/**
 * Add the source image to the prompt's card.
 * @param {Component} it
 */
export function startSourceImage(it) {
  row = createRow(it);
  on("draw-from", async ({ id }) => {
    openView("create");
    if (await useSource(id)) toast(t("source_used"));
  });
  const card = document.getElementById("ask");
  if (card && !facts().can_read_pictures) onImage(card, importSource);
}

/** @param {Component} it */
function createRow(it) {
  /** @type {Source | null} */
  let source = null;
  const file = fileField(([first]) => importSource(first), { accept: IMAGE_TYPES.join(",") });
  const choose = iconButton(icon("addImage"), "", () => file.click(), { className: "begin-with" });
  const image = el("img", { alt: "", width: THUMB_PX, height: THUMB_PX });
  const open = iconButton(image, "", () => source && emit("open", { id: source.picture.id }), { className: "source-picture" });
  const range = el("input", { type: "range", min: 5, max: 95, step: 5 });
  const strengthText = el("output");
  const remove = iconButton(icon("clear"), "", removeSource, { className: "source-away" });
  const element = el("div", { className: "source", role: "group", hidden: true }, open, el("div", {}, strengthText, range), remove);
  it.element.before(element);
  find(it.element, ".hint").before(choose, file);

  /** @param {Source | null} found */
  function show(found) {
    source = found;
    element.hidden = !found;
    if (found) image.src = found.picture.thumb_url;
    else image.removeAttribute("src");
  }
  /** @param {number} strength */
  function setStrength(strength) {
    range.value = String(Math.round(100 * strength));
    strengthText.textContent = t("source_now", { n: Math.round(100 * strength) });
  }
  function drawTexts() {
    element.setAttribute("aria-label", t("source"));
    setLabel(range, t("source_far"), t("source_far_hint"));
    setStrength(range.valueAsNumber / 100);
    setLabel(choose, t("source_open"));
    setLabel(remove, t("source_away"));
    setLabel(open, t("source_see"));
  }
  range.addEventListener("input", () => {
    set("strength", range.valueAsNumber / 100);
    setStrength(range.valueAsNumber / 100);
  });
  on("words", drawTexts);
  drawTexts();
  return { element, show, setStrength };
}
