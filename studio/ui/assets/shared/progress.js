// The progress of jobs and downloads as text and as a bar.

import { el } from "./dom.js";
import { formatDuration, percent } from "./format.js";
import { page } from "./page.js";
import { localize, t } from "./texts.js";

/** @param {JobProgress} job */
export const queuePosition = (job) => (job.position ? t("before", { n: job.position }) : t("before_none"));

/**
 * The step of a job that is being sampled, else "".
 * @param {JobProgress} job
 */
export function stepText(job) {
  return job.phase === "drawing" && job.step + (job.index ?? 0) > 0 ? t("step_of", { n: job.step, all: job.steps }) : "";
}

/**
 * The remaining time; "" if unknown.
 * @param {number | null | undefined} seconds
 */
export const timeLeft = (seconds) => (seconds === null || seconds === undefined ? "" : t("left", { time: formatDuration(seconds) }));

/**
 * The sampled fraction of a job.
 * @param {JobProgress} job
 */
export const fractionOf = (job) => (job.steps ? ((job.index ?? 0) + job.step / job.steps) / job.count : 0);

/**
 * A thin progress bar.
 * @param {number} fraction
 * @param {string} [className]
 */
export const progressBar = (fraction, className = "job-hair") => el("div", { className }, el("b", { style: `width:${percent(fraction)}` }));

/**
 * The state of a checkpoint's download.
 * @param {Checkpoint} checkpoint
 * @param {Download | undefined} download
 */
export function downloadText(checkpoint, download) {
  if (download?.status === "loading") {
    const values = { percent: Math.round(100 * (download.fraction ?? 0)), time: formatDuration(download.eta_s) };
    return t(download.eta_s ? "download_left" : "download_running", values);
  }
  if (checkpoint.on_disk) return t("download_ready");
  if (download?.status === "failed") return localize(download.message);
  return checkpoint.folder ? t("folder_broken") : t("download_absent", { size: checkpoint.gb });
}

/**
 * The question before a download.
 * @param {Checkpoint} checkpoint
 * @param {number} free free disk space in GB
 */
export function downloadQuestion(checkpoint, free) {
  return t("download_ask", { title: checkpoint.title, size: checkpoint.gb, free, hub: page.facts?.hub });
}
