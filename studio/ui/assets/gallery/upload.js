// Uploads to /media/import, and the files of a dropped folder.

import { currentLanguage, localize, t } from "../shared/texts.js";

export const FILES_MAX = 2000; // files per import
const DEPTH_MAX = 40; // of folders
const ENDINGS = /\.(png|jpe?g|webp|zip)$/i;

/** @typedef {(done: number, total: number) => void} OnProgress */

/** @param {File | FileSystemEntry} file */
export const isImportable = (file) => ENDINGS.test(file.name);

/**
 * Send a file to the server, to preview or to import it. Throws an Error with the server's message.
 * @param {File} file
 * @param {Record<string, string | number>} parameters
 * @param {{onProgress?: OnProgress, signal?: AbortSignal}} [options]
 * @returns {Promise<ImportAnswer>}
 */
export async function upload(file, parameters, { onProgress = () => {}, signal } = {}) {
  const query = new URLSearchParams({ name: file.name, ...Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, String(value)])) });
  const headers = { Accept: "application/x-ndjson, application/json", "Accept-Language": currentLanguage() };
  const response = await fetch(`/media/import?${query}`, { method: "POST", body: file, signal, headers });
  const isStream = response.ok && response.headers.get("Content-Type")?.startsWith("application/x-ndjson");
  const answer = isStream && response.body ? await readStream(response.body, onProgress) : await response.json().catch(() => ({}));
  if (!response.ok || answer.error) throw new Error(localize(answer.error ?? answer.detail ?? t("bring.failed")));
  return answer;
}

/**
 * @param {File} file
 * @param {{onProgress?: OnProgress, signal?: AbortSignal}} [options]
 */
export const previewFile = (file, options) => upload(file, { preview: 1 }, options);

/**
 * @param {File} file
 * @param {{onProgress?: OnProgress, signal?: AbortSignal}} [options]
 */
export const importFile = (file, options) => upload(file, { made: file.lastModified }, options);

/**
 * Read an NDJSON response to its last line: the result, or an error.
 * @param {ReadableStream<Uint8Array>} body
 * @param {OnProgress} onProgress
 */
async function readStream(body, onProgress) {
  const reader = body.pipeThrough(/** @type {ReadableWritablePair<string, Uint8Array>} */ (new TextDecoderStream())).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { error: t("bring.failed") };
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines.map((text) => JSON.parse(text))) {
      if (line.result) return line.result;
      if (line.error) return line;
      onProgress(line.done, line.total);
    }
  }
}

/**
 * The files of a drop, also those in folders. Must be called while the drop event is handled: later its data is empty.
 * @param {DataTransfer} data
 * @returns {Promise<File[]>}
 */
export function droppedFiles(data) {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry !== null);
  return entries.some((entry) => entry?.isDirectory) ? readEntries(entries) : Promise.resolve([...data.files]);
}

/** @param {FileSystemEntry[]} entries */
async function readEntries(entries) {
  /** @type {File[]} */
  const files = [];
  /**
   * @param {FileSystemEntry} entry
   * @param {number} depth
   */
  async function walk(entry, depth) {
    if (files.length > FILES_MAX || depth > DEPTH_MAX) return;
    if (entry.isFile) {
      if (isImportable(entry)) files.push(await new Promise((resolve, reject) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject)));
      return;
    }
    const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
    for (;;) {
      /** @type {FileSystemEntry[]} */
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // at most a hundred
      if (!some.length || files.length > FILES_MAX) return;
      for (const child of some) await walk(child, depth + 1);
    }
  }
  for (const entry of entries) await walk(entry, 0);
  return files;
}
