// The queue: waiting, running and recent jobs. It polls only while it is visible.

import { studio } from "../shared/studio.js";

studio.part("queue", (it) => {
  const { el, t, button } = studio;
  const BUSY_MS = 600;
  const IDLE_MS = 3000;
  const call = studio.calls(it);
  const home = it.element.querySelector(".queue");
  const pictures = new Map(); // finished job -> its pictures, asked for once
  let answer = null;
  let shown = "";
  let timer = null;

  const now = el("section");
  const recent = el("section");
  home.append(now, recent);

  async function ask() {
    clearTimeout(timer);
    timer = null;
    if (!studio.seen(home)) return;
    try {
      answer = await call("jobs", {}, { last: true });
      const mine = (job) => !job.private || job.session === studio.private; // what is private shows in its own tab alone
      answer = { jobs: answer.jobs.filter(mine), recent: answer.recent.filter(mine) };
      draw(); // at once; what was drawn is asked for job by job
      for (const job of answer.recent) {
        if (job.drawn && !pictures.has(job.id)) pictures.set(job.id, (await call("pictures", { job: job.id })).pictures);
      }
      draw();
    } catch (error) {
      studio.excuse(error);
    }
    clearTimeout(timer);
    timer = setTimeout(ask, answer?.jobs.length ? BUSY_MS : IDLE_MS);
  }

  function draw() {
    const told = JSON.stringify([studio.lang, answer, pictures.size]);
    if (told === shown || !answer) return;
    shown = told;
    const focused = document.activeElement?.closest?.(".queue .job")?.dataset.id;
    const title = (key, jobs) => el("h3", { className: "day" }, t(key), jobs.length ? el("span", { text: jobs.length }) : null);
    const list = (jobs, empty) => (jobs.length ? el("ul", { className: "jobs" }, ...jobs.map(line)) : el("p", { className: "nothing", text: t(empty) }));
    now.replaceChildren(title("queue.now", answer.jobs), list(answer.jobs, "queue.empty"));
    recent.replaceChildren(title("queue.recent", []), list(answer.recent, "queue.nothing_recent"));
    if (focused) home.querySelector(`[data-id="${CSS.escape(focused)}"] button`)?.focus();
  }

  function line(job) {
    const facts = [status(job), job.private ? t("private") : "", kind(job), job.count > 1 ? t("queue.drawn", { n: job.drawn, all: job.count }) : "", when(job)];
    const text = el("div", { className: "job-text" },
      el("p", { className: "job-prompt", text: job.prompt, title: job.prompt }),
      el("p", { className: "job-facts" }, el("b", { text: facts[0] }), ...facts.slice(1).filter(Boolean).map((fact) => el("span", { text: fact }))),
      job.error ? el("p", { className: "job-error", text: studio.said(job.error) }) : null);
    return el("li", { className: `job ${job.status}`, data: { id: job.id } }, look(job), text, act(job), hair(job));
  }

  function status(job) {
    if (job.status === "running") {
      if (job.phase === "drawing" && job.step + (job.index ?? 0) > 0) return t("step_of", { n: job.step, all: job.steps });
      return { reasoning: t("reasoning"), loading: t("queue.loading"), saving: t("saving") }[job.phase] ?? t("queue.running");
    }
    if (job.status === "queued") return job.position ? t("before", { n: job.position }) : t("before_none");
    return t(`queue.${job.status}`);
  }

  const kind = (job) => (job.kind === "enhance" ? t("queue.kind_enhance") : job.kind === "rerun" ? t("queue.kind_rerun") : "");

  function when(job) {
    if (job.status === "queued" || job.status === "running") return job.eta_s ? t("left", { time: studio.lasting(job.eta_s) }) : "";
    return `${studio.day(job.created_at)} ${studio.clock(job.created_at)}`;
  }

  function look(job) {
    const made = pictures.get(job.id)?.[0];
    if (made) {
      const link = { href: `?picture=${made.id}`, aria: { label: t("queue.open", { n: made.seed }) } };
      link.on = { click: (event) => (event.preventDefault(), studio.emit("open", { id: made.id })) };
      return el("a", { className: "job-look", ...link }, el("img", { src: made.thumb_url, alt: "", width: 56, height: 56 }));
    }
    return el("span", { className: "job-look" }, job.preview ? el("img", { src: job.preview, alt: "", width: 56, height: 56 }) : null);
  }

  function act(job) {
    const one = (key, label, name) => {
      const click = async () => {
        try {
          await call(name, { job: job.id });
          if (name === "redraw") studio.toast(t("queue.filed_again"));
        } catch (error) {
          studio.excuse(error);
        }
        ask();
      };
      return button(t(key), click, { aria: { label: t(label, { prompt: job.prompt }) } });
    };
    if (job.status === "queued" || job.status === "running") return one("cancel", "queue.cancel_one", "cancel");
    return job.status === "done" ? null : one("queue.again", "queue.again_one", "redraw");
  }

  function hair(job) {
    if (job.status !== "running") return null;
    const part = job.steps ? ((job.index ?? 0) + job.step / job.steps) / job.count : 0;
    return el("div", { className: "job-hair" }, el("b", { style: `width:${Math.round(100 * part)}%` }));
  }

  new IntersectionObserver((entries) => entries.some((one) => one.isIntersecting) && ask()).observe(home);
  document.addEventListener("visibilitychange", ask);
  studio.on("changed", () => timer && ask());
  studio.on("words", draw);
  draw();
});
