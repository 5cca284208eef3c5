// Captioning: an image that is chosen, dropped or pasted is scaled down and sent to the server's vision model. The prompt grows as the
// caption arrives.
//
// A failed or cancelled caption restores the prompt, and Undo restores it after a complete one. Requests have numbers, so that messages
// about a cancelled request are recognized.

import { button, el, find, iconButton, setLabel } from "../shared/dom.js";
import { on } from "../shared/events.js";
import { fileField, IMAGE_TYPES, onImage } from "../shared/files.js";
import { icon } from "../shared/icons.js";
import { facts } from "../shared/page.js";
import { currentLanguage, t } from "../shared/texts.js";
import { toast } from "../shared/toast.js";
import { form } from "./form_fields.js";

const SIDE_MAX = 1600; // pixels; the model sees fewer
const QUALITY = 0.9;
const LATE_MS = 300; // the last message may arrive after the end of the stream

/**
 * An image file as a small upright JPEG in base64. Rejects if the browser cannot read it.
 * @param {Blob} file
 */
async function scaleDown(file) {
  const image = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, SIDE_MAX / Math.max(image.width, image.height));
  const [width, height] = [image.width, image.height].map((side) => Math.max(1, Math.round(side * scale)));
  const canvas = el("canvas", { width, height });
  const context = canvas.getContext("2d");
  if (!context) throw new Error("The browser has no canvas.");
  context.fillStyle = "white"; // for transparent pixels, as on the server
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, width, height);
  image.close();
  return canvas.toDataURL("image/jpeg", QUALITY).split(",")[1];
}

/** Cancels the running request. Returns false if there is none; set by startCaptioning. */
let cancel = () => false;

/** Cancel the caption that is being written. Returns false if there is none. */
export const cancelCaption = () => cancel();

/**
 * Add captioning to the prompt's card, if the server has a vision model.
 * @param {Component} it
 */
export function startCaptioning(it) {
  const card = document.getElementById("ask");
  if (!facts().can_read_pictures || !card) return;
  /** @type {{n: string, before: string} | null} */
  let running = null;
  const file = fileField(([first]) => start(first), { accept: IMAGE_TYPES.join(",") });
  const label = el("span");
  const open = iconButton(icon("image"), "", () => file.click(), { className: "from-picture" });
  const status = el("span", { className: "reading", role: "status" });
  const stop = button("", () => cancel(), { className: "reading-cancel" });
  open.append(label);
  find(it.element, ".tokens").before(open, status, stop, file);
  it.element.classList.add("sees");

  function drawTexts() {
    label.textContent = t("from_picture");
    setLabel(open, t("from_picture"), t("from_picture_hint", { model: facts().vision_model }));
    stop.textContent = t("reading_cancel");
    status.textContent = running ? t("reading") : "";
  }
  function draw() {
    const busy = running !== null;
    it.element.classList.toggle("busy", busy);
    open.hidden = busy;
    stop.hidden = status.hidden = !busy;
    const prompt = form.prompt();
    if (prompt) prompt.readOnly = busy; // the next part of the caption would replace typed text
    prompt?.setAttribute("aria-busy", String(busy));
    drawTexts();
  }

  /** @param {File | undefined} image */
  async function start(image) {
    if (running || !image) return;
    if (!IMAGE_TYPES.includes(image.type)) return toast(t("read_kinds"));
    const request = { n: `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`, before: form.prompt()?.value ?? "" };
    running = request;
    draw();
    stop.focus();
    let data;
    try {
      data = await scaleDown(image);
    } catch {
      if (running === request) fail(t("read_broken"));
      return;
    }
    if (running === request) it.trigger("read", { n: request.n, picture: data, language: currentLanguage() });
  }
  /** End the request. Returns the function that restores the prompt. */
  function end() {
    const before = running?.before ?? "";
    running = null;
    draw();
    return () => form.setPrompt(before);
  }
  /** @param {Message} message */
  function fail(message) {
    end()();
    form.prompt()?.focus();
    toast(message);
  }
  function complete() {
    const hadPrompt = Boolean(running?.before.trim());
    const restore = end();
    form.prompt()?.focus();
    toast(t("read_done"), hadPrompt ? restore : null);
  }
  cancel = () => {
    if (!running) return false;
    it.trigger("unread", { n: running.n });
    fail(t("read_stopped"));
    return true;
  };
  it.watch("value", () => {
    const message = it.props.value;
    if (typeof message?.n !== "string") return;
    if (message.n !== running?.n) {
      if (message.prompt === "") it.trigger("unread", { n: message.n }); // it was cancelled before the server received it
      return;
    }
    if (message.error !== undefined) return fail(message.error);
    if (message.prompt) form.setPrompt(message.prompt);
    if (message.done) complete();
  });
  on("read-ended", () => {
    const request = running;
    setTimeout(() => request && running === request && fail(t("no_answer")), LATE_MS);
  });
  onImage(card, start, () => !running);
  on("words", drawTexts);
  draw();
}
