// The unfinished jobs. The view's listeners stream their states; a silent job is polled. A state contains everything, so a lost one does not
// matter.

import { on } from "../shared/events.js";
import { page } from "../shared/page.js";
import { ask } from "../shared/server.js";

const UNFINISHED = ["queued", "running"];
const POLL_MS = 2000;
const SILENT_MS = 6000; // poll a job after this time without a message
const ENDED_MS = 1000; // watch a job again after its stream has ended and this time without a message

/**
 * @param {Component} it
 * @param {object} callbacks
 * @param {(picture: Picture) => void} callbacks.onPicture
 * @param {(job: JobStatus) => void} callbacks.onEnd
 * @param {() => void} callbacks.onNew called for a new job that generates pictures
 * @param {() => void} callbacks.onSettled called when a submitted request has become a job, or its stream has ended
 * @param {() => void} callbacks.onChange
 * @param {(id: string) => boolean} callbacks.isShown whether the page has a picture
 */
export function createJobWatcher(it, { onPicture, onEnd, onNew, onSettled, onChange, isShown }) {
  /** @type {Map<string, JobStatus>} */
  const jobs = new Map(); // by id, oldest first
  /** @type {Map<string, number>} */
  const updatedAt = new Map();
  let streams = 0;

  /**
   * Start a stream by one of the view's listeners.
   * @param {string} name
   * @param {object} values
   */
  function trigger(name, values) {
    streams += 1;
    it.trigger(name, values);
  }
  /** @param {string} id */
  const watch = (id) => trigger("watch", { id });

  /** @param {JobStatus} job */
  function update(job) {
    const id = job.job;
    onSettled();
    if (job.private && job.session !== page.private) return void jobs.delete(id); // it was deleted, or belongs to another tab
    const isNew = !jobs.has(id);
    const isUnfinished = UNFINISHED.includes(job.status);
    updatedAt.set(id, performance.now());
    if (isNew && job.status === "done" && job.kind !== "enhance" && job.pictures.every((picture) => isShown(picture.id))) return;
    if (isUnfinished) {
      if (isNew && job.kind !== "enhance") onNew();
      jobs.set(id, job);
    } else jobs.delete(id);
    job.pictures.forEach(onPicture);
    if (!isUnfinished) {
      updatedAt.delete(id);
      onEnd(job);
    }
  }
  /**
   * Poll the jobs, and watch those that no listener streams.
   * @param {boolean} all also jobs that have sent a message lately
   */
  async function poll(all) {
    for (const id of [...jobs.keys()]) {
      const silence = performance.now() - (updatedAt.get(id) ?? 0);
      if (!all && silence < SILENT_MS) continue;
      updatedAt.set(id, performance.now());
      try {
        const job = await ask("snapshot", { job: id });
        if (jobs.has(id)) update(job);
        onChange();
        if (all && jobs.has(id) && streams < jobs.size && silence > ENDED_MS) watch(id);
      } catch (error) {
        if (/** @type {CallError} */ (error).missing) jobs.delete(id);
      }
    }
    onChange();
  }
  on("stream-ended", () => {
    streams = Math.max(0, streams - 1);
    onSettled();
    poll(true);
  });
  return {
    trigger, update, watch,
    /** The running job, else the first in the queue. */
    current() {
      const all = [...jobs.values()];
      return all.find(({ status }) => status === "running") ?? all[0] ?? null;
    },
    has: (/** @type {string} */ id) => jobs.has(id),
    count: () => jobs.size,
    expectStream: () => void (streams += 1), // the native button starts one
    start: () => setInterval(() => document.hidden || poll(false), POLL_MS),
  }; // prettier-ignore
}
