// Import: chosen or dropped files are previewed in a dialog, then imported one after another.

import { applySettings } from "../create/apply_settings.js";
import { button, el, present } from "../shared/dom.js";
import { fileField, onFileDrop } from "../shared/files.js";
import { formatCount, formatSeed, percent } from "../shared/format.js";
import { timeLeft } from "../shared/progress.js";
import { localize, t } from "../shared/texts.js";
import { errorText, toast } from "../shared/toast.js";
import { droppedFiles, FILES_MAX, importFile, isImportable, previewFile } from "./upload.js";

const LISTED_MAX = 60; // files or faults
/** @type {Record<string, string>} */
const MAKERS = { a1111: "A1111 / Forge", comfyui: "ComfyUI", invokeai: "InvokeAI", swarmui: "SwarmUI", fooocus: "Fooocus", studio: "Z-Image Studio" };

/** @param {ParsedMetadata} metadata */
function pictureFacts(metadata) {
  const { maker, width, height, seed, steps, checkpoint, prompt, notes } = metadata;
  const facts = present([
    maker ? t("bring.by", { maker: MAKERS[maker] ?? maker }) : t("bring.by_nobody"),
    `${width} × ${height}`,
    seed === null ? "" : t("seed_n", { n: formatSeed(seed) }),
    steps === null ? "" : t("steps_n", { n: steps }),
    checkpoint,
  ]);
  return present([facts.join(" · "), prompt, ...notes.map(localize)]);
}

/** @param {ArchiveImport} archive */
function archiveFacts(archive) {
  const collections = archive.collections ? [t("bring.collections", { n: formatCount(archive.collections) })] : [];
  return [t("bring.archive", { n: formatCount(archive.count ?? 0), here: formatCount(archive.here ?? 0) }), ...collections, ...faultTexts(archive)];
}

/** @param {ArchiveImport} archive */
function faultTexts(archive) {
  return (archive.wrong ?? []).slice(0, LISTED_MAX).map(({ file, line, sentence }) => `${file}${line ? `:${line}` : ""}: ${localize(sentence)}`);
}

/** @typedef {import("./upload.js").OnProgress} OnProgress */

/**
 * The import buttons and the dialog. Files may be dropped anywhere on `home`.
 * @param {object} options
 * @param {HTMLElement} options.home
 * @param {() => void} options.onImport
 */
export function createImport({ home, onImport }) {
  const files = fileField(preview, { multiple: true, accept: ".zip,image/png,image/jpeg,image/webp" });
  const folder = fileField((chosen) => preview(chosen.filter(isImportable)), { multiple: true, className: "folder", webkitdirectory: true });
  const openFiles = button("", () => files.click(), { className: "bring" });
  const openFolder = button("", () => folder.click(), { className: "bring whole-folder" });
  const title = el("h2");
  const list = el("ul", { className: "bring-list" });
  const line = el("p", { className: "bring-line", role: "status" });
  const bar = el("b");
  const row = el("div", { className: "row" });
  const dialog = el("dialog", { className: "compare-view bring-view", tabIndex: -1 }, title, line, el("div", { className: "hair" }, bar), list, row);
  home.append(files, folder, dialog);
  onFileDrop(home, "over", (data) => droppedFiles(data).then(preview, () => toast(t("bring.failed"))));
  let latest = 0; // number of the latest preview or import
  /** @type {AbortController | null} */
  let sending = null;

  /**
   * Send files one after another until the dialog is closed. `send` returns false to stop. Returns false if it was closed.
   * @param {File[]} all
   * @param {string} key text of the progress
   * @param {(file: File, options: {onProgress: OnProgress, signal: AbortSignal}) => Promise<boolean | void>} send
   * @param {(file: File, message: string) => void} onError
   */
  async function sendEach(all, key, send, onError) {
    const number = ++latest;
    for (const [index, file] of all.entries()) {
      if (number !== latest) return false;
      showProgress(t(key, { n: index + 1, all: all.length }), index / all.length);
      sending = new AbortController();
      try {
        const more = await send(file, { onProgress: fileProgress(key, index, all.length), signal: sending.signal });
        if (more === false) break;
      } catch (error) {
        if (number === latest) onError(file, localize(errorText(error)));
      }
    }
    return number === latest;
  }
  /** @param {File[]} chosen */
  async function preview(chosen) {
    const all = chosen.slice(0, FILES_MAX);
    if (!all.length) return toast(t("bring.none"));
    title.textContent = t("bring.title");
    dialog.setAttribute("aria-label", t("bring.title"));
    list.replaceChildren();
    if (chosen.length > FILES_MAX) list.append(el("li", { className: "bad" }, el("span", { text: t("bring.too_many", { most: formatCount(FILES_MAX) }) })));
    row.replaceChildren(button(t("close"), close));
    bar.style.width = "0";
    if (!dialog.open) dialog.showModal();
    /** @type {File[]} */
    const good = [];
    const isListed = (/** @type {File} */ file) => all.indexOf(file) < LISTED_MAX;
    const send = async (/** @type {File} */ file, /** @type {{onProgress: OnProgress, signal: AbortSignal}} */ options) => {
      const answer = await previewFile(file, options);
      good.push(file);
      if (isListed(file)) list.append(previewItem(file, answer, all.length === 1));
    };
    const completed = await sendEach(all, "bring.looking", send, (file, message) => isListed(file) && list.append(faultItem(file, message)));
    if (!completed) return;
    showProgress(t("bring.understood", { n: good.length, all: all.length }), 1);
    const start = good.length ? button(t("bring.go", { n: good.length }), () => startImport(good), { className: "yes" }) : null;
    row.replaceChildren(...present([start, button(t("close"), close)]));
    row.querySelector("button")?.focus();
  }
  /**
   * @param {File} file
   * @param {ImportAnswer} answer
   * @param {boolean} isOnly whether it is the only file, so that its settings can be used
   */
  function previewItem(file, answer, isOnly) {
    const facts = answer.kind === "archive" ? archiveFacts(answer) : pictureFacts(answer);
    const item = el("li", {}, el("b", { text: file.name }), ...facts.map((text) => el("span", { text })));
    if (isOnly && answer.kind === "picture" && answer.prompt) {
      item.append(button(t("bring.use"), () => (close(), applySettings(answer)), { className: "pv-link" }));
    }
    return item;
  }
  /**
   * @param {File} file
   * @param {string} message
   */
  const faultItem = (file, message) => el("li", { className: "bad" }, el("b", { text: file.name }), el("span", { text: message }));

  /** @param {File[]} all */
  async function startImport(all) {
    let imported = 0;
    row.replaceChildren(button(t("cancel"), close));
    const addFault = (/** @type {File} */ file, /** @type {string} */ message) => list.prepend(faultItem(file, message));
    const completed = await sendEach(all, "bring.bringing", async (file, options) => {
      const answer = await importFile(file, options);
      if (!answer.ended) imported += 1;
      else {
        const values = { n: formatCount(answer.brought?.length ?? 0), left: formatCount(answer.left ?? 0), why: localize(answer.ended) };
        addFault(file, t("bring.ended", values));
      }
      if (answer.kind === "archive") for (const message of [...faultTexts(answer), ...answer.notes.map(localize)]) addFault(file, message);
      return !answer.ended;
    }, addFault);
    onImport();
    if (!completed) return;
    const summary = t("bring.done", { n: imported, all: all.length });
    showProgress(summary, 1);
    row.replaceChildren(button(t("close"), close));
    if (imported < all.length || list.querySelector(".bad")) return;
    close();
    toast(summary);
  }
  /**
   * Shows the progress of one of many files, with the remaining time.
   * @param {string} key
   * @param {number} index
   * @param {number} all
   * @returns {OnProgress}
   */
  function fileProgress(key, index, all) {
    const start = performance.now();
    const number = latest;
    return (done, total) => {
      if (number !== latest || total < 2) return;
      const seconds = ((performance.now() - start) / 1000 / Math.max(done, 1)) * (total - done);
      const within = t("bring.within", { n: formatCount(done), all: formatCount(total) });
      const text = present([all > 1 ? t(key, { n: index + 1, all }) : "", within, done ? timeLeft(seconds) : ""]).join(" · ");
      showProgress(text, (index + done / total) / all);
    };
  }
  /**
   * @param {string} text
   * @param {number} fraction
   */
  function showProgress(text, fraction) {
    line.textContent = text;
    bar.style.width = percent(fraction);
  }
  function close() {
    latest += 1;
    sending?.abort();
    dialog.close();
  }
  function drawTexts() {
    openFiles.textContent = t("bring.open");
    openFiles.title = t("bring.hint");
    openFolder.textContent = t("bring.folder");
    openFolder.title = t("bring.folder_hint");
  }
  return { elements: [openFiles, openFolder], drawTexts };
}
