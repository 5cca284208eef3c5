// The line of facts below the stage: the progress of a job, or the settings of a picture.

import { el, present } from "../shared/dom.js";
import { emit } from "../shared/events.js";
import { formatDuration, formatSeed } from "../shared/format.js";
import { page } from "../shared/page.js";
import { queuePosition, stepText, timeLeft } from "../shared/progress.js";
import { t } from "../shared/texts.js";
import { toast } from "../shared/toast.js";
import { pixelDifferenceText } from "../picture/pixels.js";
import { form } from "./form_fields.js";

const ETA_MIN_S = 0.05;

/**
 * The result of a re-run.
 * @typedef {{id: string, identical?: boolean, changed?: Difference[], pixels?: PixelDifference | null}} RerunResult
 */

/**
 * @param {string} text
 * @param {"span" | "b"} [tag]
 */
export const fact = (text, tag = "span") => el(tag, { text });

/**
 * @param {JobStatus} job
 * @returns {HTMLElement[]}
 */
export function jobFacts(job) {
  if (job.phase === "loading") return [fact(t("loading", { title: page.engine?.title ?? "" }), "b")];
  if (job.status === "queued") return [fact(queuePosition(job), "b")];
  if (job.phase === "waiting" && job.enhancement && !job.enhancement.done) return [fact(t("lets_by"), "b")];
  return [...phaseFacts(job), ...present([
    job.count > 1 ? t("picture_of", { n: Math.min(job.count, job.index + 1), all: job.count }) : "",
    job.eta_s !== null && job.eta_s > ETA_MIN_S ? timeLeft(job.eta_s) : "",
    job.seed !== null ? t("seed_n", { n: formatSeed(job.seed + job.index) }) : "",
  ]).map((text) => fact(text))]; // prettier-ignore
}

/** @param {JobStatus} job */
function phaseFacts(job) {
  if (job.phase === "reasoning") {
    const step = job.enhancement?.steps.find(({ done }) => !done);
    return [fact(t("reasoning"), "b"), ...(step ? [fact(t(`step_${step.name}`))] : [])];
  }
  return [fact(job.phase === "saving" ? t("saving") : stepText(job) || t("starting"), "b")];
}

/**
 * @param {Picture} picture
 * @param {RerunResult | null} rerun
 * @returns {HTMLElement[]}
 */
export function pictureFacts(picture, rerun) {
  const number = formatSeed(picture.seed);
  const lockSeed = () => {
    form.setSeed(picture.seed);
    toast(t("seed_kept", { n: number }));
  };
  const seed = el("button", { type: "button", className: "seed", title: t("lock_seed"), text: t("seed_n", { n: number }), on: { click: lockSeed } });
  const texts = present([t("steps_n", { n: picture.steps }), `${picture.width} × ${picture.height}`, picture.seconds ? formatDuration(picture.seconds) : ""]);
  return [...(rerun ? rerunFacts(rerun, picture) : []), seed, ...texts.map((text) => fact(text))];
}

/**
 * @param {RerunResult} rerun
 * @param {Picture} picture
 * @returns {HTMLElement[]}
 */
function rerunFacts({ identical, changed, pixels }, picture) {
  if (identical) return [el("b", { className: "same", text: t("identical") })];
  const causes = (changed ?? []).filter(({ what }) => what !== "pixels");
  const cause = (/** @type {Difference} */ { what, was, is }) => t("changed_one", { what, was: was ?? t("nothing"), now: is ?? t("nothing") });
  const what = causes.length ? causes.map(cause).join("; ") : t("changed_pixels");
  const compare = () => emit("compare", { ids: [picture.parent_id ?? "", picture.id] });
  const difference = pixelDifferenceText(pixels);
  return [
    el("b", { className: "other", text: t("changed", { what }) }),
    ...(difference ? [el("span", { className: "apart", text: difference })] : []),
    el("button", { type: "button", className: "seed", text: t("gallery.compare"), on: { click: compare } }),
  ];
}
