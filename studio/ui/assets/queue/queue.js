// The Queue view: waiting, running and recent jobs. It polls only while it is visible.

import { component } from "../shared/components.js";
import { button, el, find, focusedData, lookUp, present } from "../shared/dom.js";
import { emit, on } from "../shared/events.js";
import { formatDay, formatTime } from "../shared/format.js";
import { page } from "../shared/page.js";
import { pollWhileVisible } from "../shared/polling.js";
import { fractionOf, progressBar, queuePosition, stepText, timeLeft } from "../shared/progress.js";
import { createChannel } from "../shared/server.js";
import { currentLanguage, localize, t } from "../shared/texts.js";
import { toast, toastError } from "../shared/toast.js";

const BUSY_MS = 600;
const IDLE_MS = 3000;
const THUMB_PX = 56;

/** @param {QueueEntry} job */
const isUnfinished = (job) => job.status === "queued" || job.status === "running";

component("queue", (it) => {
  const call = createChannel(it);
  const view = find(it.element, ".queue");
  const current = el("section");
  const recent = el("section");
  view.append(current, recent);
  /** @type {Map<string, Picture[]>} */
  const pictures = new Map(); // of finished jobs
  /** @type {Answers["jobs"] | null} */
  let jobs = null;
  let drawn = "";

  async function load() {
    const found = await call("jobs", {}, { last: true });
    const visible = (/** @type {QueueEntry} */ job) => !job.private || job.session === page.private; // private jobs are shown in their tab only
    jobs = { jobs: found.jobs.filter(visible), recent: found.recent.filter(visible) };
    draw();
    for (const job of jobs.recent) {
      if (job.drawn && !pictures.has(job.id)) pictures.set(job.id, (await call("pictures", { job: job.id })).pictures);
    }
    draw();
  }

  function draw() {
    const now = JSON.stringify([currentLanguage(), jobs, pictures.size]);
    if (now === drawn || !jobs) return;
    drawn = now;
    const focused = focusedData(".queue .job", "id");
    current.replaceChildren(heading("queue.now", jobs.jobs.length), list(jobs.jobs, "queue.empty"));
    recent.replaceChildren(heading("queue.recent", 0), list(jobs.recent, "queue.nothing_recent"));
    if (focused) lookUp(view, `[data-id="${CSS.escape(focused)}"] button`)?.focus();
  }
  /**
   * @param {string} key
   * @param {number} count
   */
  const heading = (key, count) => el("h3", { className: "day" }, t(key), count ? el("span", { text: count }) : null);
  /**
   * @param {QueueEntry[]} entries
   * @param {string} empty text key
   */
  function list(entries, empty) {
    return entries.length ? el("ul", { className: "jobs" }, ...entries.map(row)) : el("p", { className: "nothing", text: t(empty) });
  }

  /** @param {QueueEntry} job */
  function row(job) {
    const kind = job.kind === "enhance" || job.kind === "rerun" ? t(`queue.kind_${job.kind}`) : "";
    const facts = present([job.private ? t("private") : "", kind, job.count > 1 ? t("queue.drawn", { n: job.drawn, all: job.count }) : "", time(job)]);
    const text = el("div", { className: "job-text" },
      el("p", { className: "job-prompt", text: job.prompt, title: job.prompt }),
      el("p", { className: "job-facts" }, el("b", { text: status(job) }), ...facts.map((fact) => el("span", { text: fact }))),
      job.error ? el("p", { className: "job-error", text: localize(job.error) }) : null);
    const bar = job.status === "running" ? progressBar(fractionOf(job)) : null;
    return el("li", { className: `job ${job.status}`, data: { id: job.id } }, thumbnail(job), text, actionButton(job), bar);
  }
  /** @param {QueueEntry} job */
  function status(job) {
    if (job.status === "queued") return queuePosition(job);
    if (job.status !== "running") return t(`queue.${job.status}`);
    const phases = { reasoning: t("reasoning"), loading: t("queue.loading"), saving: t("saving") };
    return stepText(job) || (phases[/** @type {keyof typeof phases} */ (job.phase)] ?? t("queue.running"));
  }
  /** @param {QueueEntry} job */
  function time(job) {
    if (isUnfinished(job)) return job.eta_s ? timeLeft(job.eta_s) : "";
    return `${formatDay(job.created_at)} ${formatTime(job.created_at)}`;
  }
  /** @param {QueueEntry} job */
  function thumbnail(job) {
    const image = (/** @type {string} */ src) => el("img", { src, alt: "", width: THUMB_PX, height: THUMB_PX });
    const picture = pictures.get(job.id)?.[0];
    if (!picture) return el("span", { className: "job-look" }, job.preview ? image(job.preview) : null);
    const click = (/** @type {Event} */ event) => {
      event.preventDefault();
      emit("open", { id: picture.id });
    };
    const label = t("queue.open", { n: picture.seed });
    return el("a", { className: "job-look", href: `?picture=${picture.id}`, aria: { label }, on: { click } }, image(picture.thumb_url));
  }
  /** @param {QueueEntry} job */
  function actionButton(job) {
    const label = (/** @type {string} */ key) => ({ aria: { label: t(key, { prompt: job.prompt }) } });
    if (isUnfinished(job)) return button(t("cancel"), () => send(job, "cancel"), label("queue.cancel_one"));
    return job.status === "done" ? null : button(t("queue.again"), () => send(job, "redraw"), label("queue.again_one"));
  }
  /**
   * @param {QueueEntry} job
   * @param {"cancel" | "redraw"} action
   */
  async function send(job, action) {
    try {
      await call(action, { job: job.id });
      if (action === "redraw") toast(t("queue.filed_again"));
    } catch (error) {
      toastError(error);
    }
    poll();
  }

  const poll = pollWhileVisible(view, load, () => (jobs?.jobs.length ? BUSY_MS : IDLE_MS));
  on("words", draw);
});
