// The System view: device, memory, speed, checkpoints and timings. It polls only while it is visible.

import { studio } from "../shared/studio.js";

studio.part("machine", (it) => {
  const { el, t, button } = studio;
  const LOOK_MS = { loading: 700, fetching: 1000, ready: 5000 };
  const call = studio.calls(it);
  const home = it.element.querySelector(".machine");
  let found = null;
  let shown = "";
  let timer = null;
  let asking = null; // the checkpoint whose download is to be agreed to

  async function ask() {
    clearTimeout(timer);
    timer = null;
    if (!studio.seen(home)) return;
    try {
      found = await call("machine", {}, { last: true });
      draw();
    } catch (error) {
      studio.excuse(error);
    }
    const fetching = Object.values(found?.models.downloads ?? {}).some((one) => one.status === "loading");
    clearTimeout(timer);
    timer = setTimeout(ask, LOOK_MS[fetching ? "fetching" : found?.status] ?? 3000);
  }

  async function tell(name, checkpoint, sentence) {
    try {
      found = await call(name, { name: checkpoint });
      if (sentence) studio.toast(sentence);
      draw();
      studio.look?.();
    } catch (error) {
      studio.excuse(error);
    }
    ask();
  }

  function draw() {
    const told = JSON.stringify([studio.lang, found, asking]);
    if (!found || told === shown) return;
    shown = told;
    const focused = document.activeElement?.closest?.(".machine [data-key]")?.dataset.key;
    home.replaceChildren(device(), memory(), speed(), models(), timings());
    if (focused) home.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  const section = (key, ...children) => el("section", {}, el("h3", { className: "day" }, t(key)), ...children);
  const nothing = (key) => el("p", { className: "nothing", text: t(key) });

  function device() {
    if (!found.device) return section("machine.device", nothing("machine.looking"));
    const key = found.kind === "cuda" ? "machine.facts_gpu" : "machine.facts";
    const facts = t(key, { numbers: found.numbers, threads: found.threads, free: found.free_gb ?? "?", total: found.total_gb ?? "?" });
    return section("machine.device", el("p", { className: "big", text: found.device }), el("p", { className: "soft", text: facts }));
  }

  const size = (gb) => (gb < 1 ? t("machine.mb", { n: Math.round(gb * 1000) }) : t("machine.gb", { n: gb.toFixed(1) }));

  function said(way) {
    const parts = [t(`machine.place_${way.place}`), way.numbers];
    if (way.encoder_numbers !== way.numbers) parts.push(t("machine.encoder", { numbers: way.encoder_numbers }));
    if (way.tiling) parts.push(t("machine.tiles"));
    return parts.join(" · ");
  }

  function cost(way) {
    const parts = [];
    if (way.prompt_s) parts.push(t("machine.cost_prompt", { time: studio.lasting(way.prompt_s) }));
    if (way.picture_s) parts.push(t("machine.cost_picture", { time: studio.lasting(way.picture_s) }));
    if (way.step_s) parts.push(t("machine.cost_step", { time: studio.lasting(way.step_s) }));
    return parts.join(", ") || t("machine.cost_none");
  }

  function memory() {
    if (!found.plan) return section("machine.plan", nothing("machine.no_plan"));
    const chosen = found.plan.ways.find((way) => way.chosen);
    const card = found.kind === "cuda"; // with a memory of its own, beside the machine's
    const heads = ["way", "peak", ...(card ? ["ram"] : []), "cost", "fits"].map((key) => el("th", { scope: "col", text: t(`machine.${key}`) }));
    const rows = found.plan.ways.map((way) =>
      el("tr", { className: way.chosen ? "chosen" : way.fits ? "" : "not" },
        el("th", { scope: "row" }, said(way), way.chosen ? el("em", { text: t("machine.chosen") }) : null),
        el("td", { text: size(way.peak_gb) }), card ? el("td", { text: size(way.ram_gb) }) : null, el("td", { text: cost(way) }), el("td", { text: t(way.fits ? "machine.yes" : "machine.no") })),
    );
    return section("machine.plan",
      el("p", { className: "big", text: chosen ? said(chosen) : "" }),
      found.plan.hint ? el("p", { className: "soft", text: studio.said(found.plan.hint) }) : null,
      el("div", { className: "wide" }, el("table", {}, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows))),
      el("p", { className: "faint", text: t("machine.estimates") }));
  }

  function why(option) {
    if (!option.tried) return t(`machine.why_${option.name}`);
    if (!option.tried.length) return t("machine.why_plain");
    const left = found.kind === "cpu" && option.value === "no" && option.tried.some((one) => one.gain >= 0.02 && one.difference);
    const told = option.tried.map((one) => {
      const percent = Math.round(Math.abs(100 * one.gain));
      const off = one.difference ? one.difference.toExponential(0) : "0";
      return t(one.gain >= 0 ? "machine.less_time" : "machine.more_time", { value: one.value === "yes" ? t("machine.with_it") : one.value, percent, off });
    });
    return [...told, ...(left ? [t("machine.only_exact")] : [])].join(" ");
  }

  function speed() {
    const rows = found.options.map((one) => {
      const exact = t(one.exact ? "machine.exact" : "machine.inexact");
      const value = ["yes", "no", "linear"].includes(one.value) ? t(`machine.${one.value}`) : one.value;
      return el("li", {}, el("b", { text: t(`machine.option_${one.name}`) }), el("span", { text: value }), el("small", { text: `${why(one)} ${exact}` }));
    });
    return rows.length ? section("machine.speed", el("ul", { className: "options" }, ...rows)) : el("section");
  }

  function models() {
    const rows = found.models.checkpoints.map((one) => {
      const fetched = found.models.downloads[one.name];
      const here = found.checkpoint === one.name && found.status === "ready";
      const wants = t("machine.wants", { steps: one.steps, guidance: one.guidance, native: one.native });
      return el("li", { className: here ? "here" : "" },
        el("b", { text: one.title }), el("span", { text: wants }), el("small", { text: stands(one, fetched, here) }), act(one, fetched, here), hair(fetched));
    });
    const trouble = found.trouble ? el("p", { className: "trouble", role: "alert", text: studio.said(found.trouble) }) : null;
    return section("machine.models", trouble, el("ul", { className: "checkpoints" }, ...rows));
  }

  function stands(one, fetched, here) {
    if (here) return t("machine.loaded");
    if (fetched?.status === "loading") {
      const percent = Math.round(100 * (fetched.fraction ?? 0));
      return fetched.eta_s ? t("download_left", { percent, time: studio.lasting(fetched.eta_s) }) : t("download_running", { percent });
    }
    if (one.on_disk) return t("download_ready");
    if (asking === one.name) return t("download_ask", { title: one.title, size: one.gb, free: found.models.free_gb, hub: studio.facts.hub });
    if (fetched?.status === "failed") return studio.said(fetched.message);
    return one.folder ? t("folder_broken") : t("download_absent", { size: one.gb });
  }

  function act(one, fetched, here) {
    if (here || !studio.facts?.may_download || fetched?.status === "loading") return null;
    const key = one.on_disk ? "load" : "download";
    if (!one.on_disk && one.folder) return null;
    const sentence = one.on_disk ? t("machine.loading_next", { title: one.title }) : "";
    const rest = { aria: { label: t(`machine.${key}_one`, { title: one.title }) }, data: { key: `${key}-${one.name}` } };
    if (one.on_disk) return button(t("machine.load"), () => tell("load", one.name, sentence), rest);
    const ask_first = (name) => () => ((asking = name), draw());
    if (asking !== one.name) return button(t("download"), ask_first(one.name), rest);
    const yes = () => ((asking = null), tell("download", one.name));
    return el("span", { className: "sure" }, button(t("download_yes", { size: one.gb }), yes, rest), button(t("keep"), ask_first(null)));
  }

  const hair = (fetched) =>
    fetched?.status === "loading"
      ? el("div", { className: "job-hair" }, el("b", { style: `width:${Math.round(100 * (fetched.fraction ?? 0))}%` }))
      : null;

  function timings() {
    const times = [...found.timings].reverse();
    if (!times.length) return section("machine.timings", nothing("machine.no_timings"));
    const most = Math.max(...times.map((one) => one.seconds));
    const middle = times.map((one) => one.seconds).sort((a, b) => a - b)[Math.floor((times.length - 1) / 2)];
    const bars = times.map((one) => {
      const text = t("machine.timing", { ...one, seconds: one.seconds.toFixed(2) });
      const open = (event) => (event.preventDefault(), studio.emit("open", { id: one.id }));
      const bar = el("i", { style: `height:${Math.max(3, Math.round((100 * one.seconds) / most))}%` });
      return el("a", { href: `?picture=${one.id}`, title: text, aria: { label: text }, data: { key: one.id }, on: { click: open } }, bar);
    });
    return section("machine.timings",
      el("p", { className: "soft", text: t("machine.typical", { seconds: middle.toFixed(2) }) }),
      el("div", { className: "bars" }, ...bars));
  }

  new IntersectionObserver((entries) => entries.some((one) => one.isIntersecting) && ask()).observe(home);
  document.addEventListener("visibilitychange", ask);
  studio.on("changed", () => timer && ask());
  studio.on("words", draw);
});
