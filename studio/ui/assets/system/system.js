// The System view: device, memory, speed, checkpoints and timings. It polls only while it is visible.

import { component } from "../shared/components.js";
import { button, el, find, focusedData, lookUp } from "../shared/dom.js";
import { pollEngine } from "../shared/engine.js";
import { emit, on } from "../shared/events.js";
import { formatDuration } from "../shared/format.js";
import { page } from "../shared/page.js";
import { pollWhileVisible } from "../shared/polling.js";
import { downloadQuestion, downloadText, progressBar } from "../shared/progress.js";
import { createChannel } from "../shared/server.js";
import { currentLanguage, localize, t } from "../shared/texts.js";
import { toast, toastError } from "../shared/toast.js";

/** @type {Record<string, number>} */
const INTERVAL_MS = { loading: 700, fetching: 1000, ready: 5000 };
const DEFAULT_MS = 3000;
const WORTH_GAIN = 0.02; // least gain of a speed option that is worth a hint

/**
 * @param {string} key
 * @param {...Child} children
 */
const section = (key, ...children) => el("section", {}, el("h3", { className: "day" }, t(key)), ...children);
/** @param {string} key */
const nothing = (key) => el("p", { className: "nothing", text: t(key) });
/** @param {number} gb */
const memorySize = (gb) => (gb < 1 ? t("machine.mb", { n: Math.round(gb * 1000) }) : t("machine.gb", { n: gb.toFixed(1) }));

/** @param {SystemStatus} system */
function deviceSection(system) {
  if (!system.device) return section("machine.device", nothing("machine.looking"));
  const key = system.kind === "cuda" ? "machine.facts_gpu" : "machine.facts";
  const facts = t(key, { numbers: system.numbers, threads: system.threads, free: system.free_gb ?? "?", total: system.total_gb ?? "?" });
  return section("machine.device", el("p", { className: "big", text: system.device }), el("p", { className: "soft", text: facts }));
}

/** @param {ExecutionPlan} plan */
function planSentence(plan) {
  const parts = [t(`machine.place_${plan.place}`), plan.numbers];
  if (plan.encoder_numbers !== plan.numbers) parts.push(t("machine.encoder", { numbers: plan.encoder_numbers }));
  if (plan.tiling) parts.push(t("machine.tiles"));
  return parts.join(" · ");
}

/** @param {ExecutionPlan} plan */
function costText(plan) {
  const parts = [];
  if (plan.prompt_s) parts.push(t("machine.cost_prompt", { time: formatDuration(plan.prompt_s) }));
  if (plan.picture_s) parts.push(t("machine.cost_picture", { time: formatDuration(plan.picture_s) }));
  if (plan.step_s) parts.push(t("machine.cost_step", { time: formatDuration(plan.step_s) }));
  return parts.join(", ") || t("machine.cost_none");
}

/** @param {SystemStatus} system */
function memorySection(system) {
  if (!system.plan) return section("machine.plan", nothing("machine.no_plan"));
  const { ways: plans, hint } = system.plan;
  const chosen = plans.find((plan) => plan.chosen);
  const gpu = system.kind === "cuda"; // a GPU has its own memory beside the machine's
  const columns = ["way", "peak", ...(gpu ? ["ram"] : []), "cost", "fits"].map((key) => el("th", { scope: "col", text: t(`machine.${key}`) }));
  const rows = plans.map((plan) =>
    el("tr", { className: plan.chosen ? "chosen" : plan.fits ? "" : "not" },
      el("th", { scope: "row" }, planSentence(plan), plan.chosen ? el("em", { text: t("machine.chosen") }) : null),
      el("td", { text: memorySize(plan.peak_gb) }), gpu ? el("td", { text: memorySize(plan.ram_gb) }) : null,
      el("td", { text: costText(plan) }), el("td", { text: t(plan.fits ? "machine.yes" : "machine.no") })),
  );
  return section("machine.plan",
    el("p", { className: "big", text: chosen ? planSentence(chosen) : "" }),
    hint ? el("p", { className: "soft", text: localize(hint) }) : null,
    el("div", { className: "wide" }, el("table", {}, el("thead", {}, el("tr", {}, ...columns)), el("tbody", {}, ...rows))),
    el("p", { className: "faint", text: t("machine.estimates") }));
}

/**
 * Why a speed option has its value: the measured gains, or the reason why nothing was measured.
 * @param {SpeedOption} option
 * @param {string | null} kind of the device
 */
function optionReason(option, kind) {
  if (!option.tried) return t(`machine.why_${option.name}`);
  if (!option.tried.length) return t("machine.why_plain");
  const inexactGain = kind === "cpu" && option.value === "no" && option.tried.some(({ gain, difference }) => gain >= WORTH_GAIN && difference);
  const measured = option.tried.map(({ value, gain, difference }) => {
    const values = { value: value === "yes" ? t("machine.with_it") : value, percent: Math.round(Math.abs(100 * gain)) };
    return t(gain >= 0 ? "machine.less_time" : "machine.more_time", { ...values, off: difference ? difference.toExponential(0) : "0" });
  });
  return [...measured, ...(inexactGain ? [t("machine.only_exact")] : [])].join(" ");
}

/** @param {SystemStatus} system */
function speedSection({ options, kind }) {
  if (!options.length) return el("section");
  const rows = options.map((option) => {
    const value = ["yes", "no", "linear"].includes(option.value) ? t(`machine.${option.value}`) : option.value;
    const reason = `${optionReason(option, kind)} ${t(option.exact ? "machine.exact" : "machine.inexact")}`;
    return el("li", {}, el("b", { text: t(`machine.option_${option.name}`) }), el("span", { text: value }), el("small", { text: reason }));
  });
  return section("machine.speed", el("ul", { className: "options" }, ...rows));
}

/** @param {SystemStatus} system */
function timingsSection(system) {
  const timings = [...system.timings].reverse();
  if (!timings.length) return section("machine.timings", nothing("machine.no_timings"));
  const sorted = timings.map(({ seconds }) => seconds).sort((a, b) => a - b);
  const median = sorted[Math.floor((sorted.length - 1) / 2)];
  const longest = sorted[sorted.length - 1];
  const bars = timings.map((timing) => {
    const text = t("machine.timing", { ...timing, seconds: timing.seconds.toFixed(2) });
    const click = (/** @type {Event} */ event) => {
      event.preventDefault();
      emit("open", { id: timing.id });
    };
    const bar = el("i", { style: `height:${Math.max(3, Math.round((100 * timing.seconds) / longest))}%` });
    return el("a", { href: `?picture=${timing.id}`, title: text, aria: { label: text }, data: { key: timing.id }, on: { click } }, bar);
  });
  return section("machine.timings",
    el("p", { className: "soft", text: t("machine.typical", { seconds: median.toFixed(2) }) }),
    el("div", { className: "bars" }, ...bars));
}

component("machine", (it) => {
  const call = createChannel(it);
  const view = find(it.element, ".machine");
  /** @type {SystemStatus | null} */
  let system = null;
  let drawn = "";
  /** @type {string | null} */
  let confirming = null; // the checkpoint whose download awaits consent

  /**
   * @param {"load" | "download"} action
   * @param {string} checkpoint
   * @param {string} [message]
   */
  async function send(action, checkpoint, message) {
    try {
      system = await call(action, { name: checkpoint });
      if (message) toast(message);
      draw();
      pollEngine();
    } catch (error) {
      toastError(error);
    }
    poll();
  }
  function draw() {
    const now = JSON.stringify([currentLanguage(), system, confirming]);
    if (!system || now === drawn) return;
    drawn = now;
    const focused = focusedData(".machine [data-key]", "key");
    view.replaceChildren(deviceSection(system), memorySection(system), speedSection(system), checkpointsSection(system), timingsSection(system));
    if (focused) lookUp(view, `[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  /** @param {SystemStatus} system */
  function checkpointsSection({ models, checkpoint: loaded, status, trouble }) {
    const rows = models.checkpoints.map((checkpoint) => {
      const download = models.downloads[checkpoint.name];
      const isLoaded = loaded === checkpoint.name && status === "ready";
      const defaults = t("machine.wants", { steps: checkpoint.steps, guidance: checkpoint.guidance, native: checkpoint.native });
      const state = isLoaded ? t("machine.loaded") : checkpointState(checkpoint, download, models.free_gb);
      return el("li", { className: isLoaded ? "here" : "" },
        el("b", { text: checkpoint.title }), el("span", { text: defaults }), el("small", { text: state }),
        isLoaded ? null : checkpointAction(checkpoint, download),
        download?.status === "loading" ? progressBar(download.fraction ?? 0) : null);
    });
    const alert = trouble ? el("p", { className: "trouble", role: "alert", text: localize(trouble) }) : null;
    return section("machine.models", alert, el("ul", { className: "checkpoints" }, ...rows));
  }
  /**
   * @param {Checkpoint} checkpoint
   * @param {Download | undefined} download
   * @param {number} free
   */
  function checkpointState(checkpoint, download, free) {
    const asking = confirming === checkpoint.name && !checkpoint.on_disk && download?.status !== "loading";
    return asking ? downloadQuestion(checkpoint, free) : downloadText(checkpoint, download);
  }
  /**
   * @param {Checkpoint} checkpoint
   * @param {Download | undefined} download
   */
  function checkpointAction({ name, title, on_disk: onDisk, folder, gb }, download) {
    if (!page.facts?.may_download || download?.status === "loading" || (!onDisk && folder)) return null;
    const key = onDisk ? "load" : "download";
    const options = { aria: { label: t(`machine.${key}_one`, { title }) }, data: { key: `${key}-${name}` } };
    if (onDisk) return button(t("machine.load"), () => send("load", name, t("machine.loading_next", { title })), options);
    if (confirming !== name) return button(t("download"), () => confirm(name), options);
    const agree = () => {
      confirming = null;
      send("download", name);
    };
    return el("span", { className: "sure" }, button(t("download_yes", { size: gb }), agree, options), button(t("keep"), () => confirm(null)));
  }
  /** @param {string | null} name */
  function confirm(name) {
    confirming = name;
    draw();
  }

  async function load() {
    system = await call("machine", {}, { last: true });
    draw();
  }
  function interval() {
    const downloading = Object.values(system?.models.downloads ?? {}).some(({ status }) => status === "loading");
    return INTERVAL_MS[downloading ? "fetching" : (system?.status ?? "")] ?? DEFAULT_MS;
  }
  const poll = pollWhileVisible(view, load, interval);
  on("words", draw);
});
