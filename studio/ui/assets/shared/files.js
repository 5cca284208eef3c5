// Image files that are chosen, dropped or pasted.

import { el } from "./dom.js";

export const IMAGE_TYPES = ["image/png", "image/jpeg", "image/webp"];

/**
 * Whether a drag carries files.
 * @param {DragEvent} event
 */
export const hasFiles = (event) => event.dataTransfer?.types.includes("Files") ?? false;

/**
 * Accept files that are dropped on an element. `className` marks it meanwhile, if it is `ready`.
 * @param {HTMLElement} element
 * @param {string} className
 * @param {(data: DataTransfer) => unknown} drop
 * @param {() => boolean} [ready]
 */
export function onFileDrop(element, className, drop, ready = () => true) {
  element.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    element.classList.toggle(className, ready());
  });
  element.addEventListener("dragleave", (event) => {
    if (!element.contains(/** @type {Node | null} */ (event.relatedTarget))) element.classList.remove(className);
  });
  element.addEventListener("drop", (event) => {
    if (!event.dataTransfer || !hasFiles(event)) return;
    event.preventDefault();
    element.classList.remove(className);
    drop(event.dataTransfer);
  });
}

/**
 * Accept an image that is dropped on an element or pasted into it. Text copied together with an image is pasted as text.
 * @param {HTMLElement} element
 * @param {(file: File) => unknown} take
 * @param {() => boolean} [ready]
 */
export function onImage(element, take, ready) {
  onFileDrop(element, "dropping", (data) => take(data.files[0]), ready);
  element.addEventListener("paste", (event) => {
    const data = event.clipboardData;
    const image = [...(data?.files ?? [])].find((file) => file.type.startsWith("image/"));
    if (!image || data?.types.includes("text/plain")) return;
    event.preventDefault();
    take(image);
  });
}

/**
 * A hidden file field. The same file can be chosen again.
 * @param {(files: File[]) => unknown} take
 * @param {ElementOptions} [options]
 */
export function fileField(take, options) {
  const field = el("input", { type: "file", hidden: true, tabIndex: -1, ...options });
  field.addEventListener("change", () => {
    take([...(field.files ?? [])]);
    field.value = "";
  });
  return field;
}
