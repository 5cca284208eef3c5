// The trash: its summary, and emptying it, which is permanent.
//
// Emptying deletes only pictures that were in the trash when it was summarized, some hundred per call, so that it can be stopped.

import { button, el, lookUp, onSingleClick, present } from "../shared/dom.js";
import { formatBytes, formatCount } from "../shared/format.js";
import { t } from "../shared/texts.js";
import { orToast, toast, toastError } from "../shared/toast.js";

/**
 * The pictures that would be deleted, their size, and the effect on others.
 * @param {TrashSummary} summary
 */
export function summaryText({ gone, bytes, leaning, staying }) {
  return present([
    gone && t("gallery.purge_told", { n: formatCount(gone), size: formatBytes(bytes) }),
    leaning && t("gallery.purge_leaning", { n: formatCount(leaning) }),
    staying && t("gallery.purge_staying", { n: formatCount(staying) }),
  ].map((text) => text || "")).join(" "); // prettier-ignore
}

/**
 * The line above the trash.
 * @param {object} options
 * @param {Call} options.call
 * @param {GalleryState} options.state
 * @param {() => void} options.onEmptied
 */
export function createTrash({ call, state, onEmptied }) {
  const root = el("div", { className: "trash-line", role: "status", hidden: true });
  /** @type {TrashSummary | null} */
  let summary = null; // awaits confirmation
  /** @type {{deleted: number, all: number} | null} */
  let progress = null;
  let stopped = false;

  async function summarize() {
    summary = await orToast(call("weigh", { ids: null }));
    draw();
    lookUp(root, ".no")?.focus();
  }
  function cancel() {
    summary = null;
    draw();
    lookUp(root, "button")?.focus();
  }
  async function empty() {
    if (!summary) return;
    const { until, gone: all } = summary;
    summary = null;
    progress = { deleted: 0, all };
    stopped = false;
    try {
      for (let more = true; more && !stopped; ) {
        draw();
        const { gone } = await call("empty_trash", { until });
        progress.deleted += gone;
        more = gone > 0;
      }
      toast(t("gallery.purged_n", { n: formatCount(progress.deleted) }));
    } catch (error) {
      toastError(error);
    }
    progress = null;
    draw();
    onEmptied();
  }
  function draw() {
    root.hidden = !progress && (!state.trash || !state.total);
    if (root.hidden) summary = null;
    else root.replaceChildren(...content());
  }
  function content() {
    if (progress) {
      const values = { n: formatCount(progress.deleted), all: formatCount(Math.max(progress.all, progress.deleted)) };
      return [el("span", { text: t("gallery.purging", values) }), button(t("gallery.stop"), () => (stopped = true))];
    }
    if (!summary) return [el("span", { text: t("gallery.trash_days") }), button(t("gallery.trash_now"), summarize)];
    const confirm = summary.gone ? [button(t("gallery.purge_yes"), onSingleClick(empty), { className: "danger" })] : [];
    return [el("span", { text: summaryText(summary) }), ...confirm, button(t("keep"), cancel, { className: "no" })];
  }
  return { root, draw };
}
