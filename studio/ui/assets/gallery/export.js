// Export: a ZIP of the selected pictures or of all results, as the browser's own download.

import { button, el, randomToken, sleep } from "../shared/dom.js";
import { formatCount, formatTotal } from "../shared/format.js";
import { page } from "../shared/page.js";
import { t } from "../shared/texts.js";
import { toast } from "../shared/toast.js";

const POLL_MS = 500;
const IDLE_POLLS_MAX = 60; // polls without progress before giving up
const SHOWN_MS = 4000; // how long the last progress stays

/** Receives the server's error in place of a ZIP, so that the page stays open. */
const target = el("iframe", { className: "spoken", name: "taken-along", title: "", tabIndex: -1, aria: { hidden: "true" } });
target.addEventListener("load", () => {
  const text = target.contentDocument?.body?.textContent?.trim();
  if (text === "") return; // the iframe's initial empty page
  let error = null;
  try {
    error = JSON.parse(text ?? "").error;
  } catch {
    // not a message of ours
  }
  toast(error ?? t("gallery.export_failed"));
});

/**
 * Download a ZIP from /media/export.zip. `onProgress` receives the progress as text, and "" at the end.
 * @param {"get" | "post"} method
 * @param {Record<string, string>} values
 * @param {(text: string) => void} onProgress
 */
export function exportZip(method, values, onProgress) {
  const token = randomToken();
  const action = method === "post" ? `/media/export.zip?token=${token}` : "/media/export.zip"; // a GET form replaces the query
  const form = el("form", { method, action, target: target.name });
  const fields = method === "post" ? values : { ...values, token };
  for (const [name, value] of Object.entries(fields)) if (value) form.append(el("input", { type: "hidden", name, value }));
  if (!target.isConnected) document.body.append(target);
  document.body.append(form);
  form.submit();
  form.remove();
  followExport(token, onProgress);
}

/**
 * @param {string} token
 * @param {(text: string) => void} onProgress
 */
async function followExport(token, onProgress) {
  let idle = 0;
  let last = -1;
  for (let ended = false; !ended && idle < IDLE_POLLS_MAX; ) {
    await sleep(POLL_MS);
    const progress = await fetch(`/media/export/progress?token=${token}`).then((response) => response.json()).catch(() => null);
    ended = progress?.ended ?? false;
    idle = progress && progress.done !== last ? 0 : idle + 1;
    last = progress?.done ?? last;
    onProgress(progress?.total ? t("gallery.exporting", { n: formatCount(progress.done), all: formatCount(progress.total) }) : "");
  }
  setTimeout(() => onProgress(""), SHOWN_MS);
}

/**
 * The button that exports all results.
 * @param {GalleryState} state
 * @param {() => GalleryQuery | null} shownQuery
 */
export function createExport(state, shownQuery) {
  const progress = el("span", { className: "packing", role: "status" });
  const open = button("", () => {
    const shown = shownQuery();
    if (!shown) return;
    const values = { query: shown.query, favourite: shown.favourite ? "1" : "", collection: shown.collection ?? "", zone: page.zone };
    exportZip("get", values, (text) => (progress.textContent = text));
  }, { className: "bring export" }); // prettier-ignore
  function draw() {
    open.hidden = state.trash || !state.total;
    open.textContent = t("gallery.export_all");
    open.title = t(state.total === 1 ? "gallery.export_all_title_1" : "gallery.export_all_title", { n: formatTotal(state) });
  }
  return { elements: [open, progress], draw };
}
