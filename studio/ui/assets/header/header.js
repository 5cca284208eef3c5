// The header: engine state, language and theme; and the channel by which scripts call the server.

import { studio } from "../shared/studio.js";

const LOOK_MS = { loading: 700, ready: 20000, failed: 5000 }; // intervals between checks of the engine
const MOON = "M20 14.5A8 8 0 0 1 9.5 4a8 8 0 1 0 10.5 10.5z";
const SUN = "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M19 5l-2 2M7 17l-2 2";

// Native labels by their places in Gradio's DOM. Only text nodes and attributes change, so Gradio's updates still work.
const LABELS = [
  ["#room-create-button", "create"], ["#room-gallery-button", "gallery"], ["#room-queue-button", "queue"],
  ["#room-machine-button", "machine"],
  ["#prompt [data-testid=block-info]", "prompt"], ["#prompt textarea", "placeholder", "placeholder"],
  ["#reason .label-text", "reason"], ["#shape [data-testid=block-info]", "shape"],
  ["#seed [data-testid=block-info]", "seed"], ["#seed input, #seed textarea", "random", "placeholder"],
  ["#count [data-testid=block-info]", "count"], ["#count input", "count", "aria-label"],
  ["#width [data-testid=block-info]", "width"], ["#width input", "width", "aria-label"],
  ["#width input, #height input", "size_rule", "title"],
  ["#height [data-testid=block-info]", "height"], ["#height input", "height", "aria-label"],
  ["#steps [data-testid=block-info]", "steps"], ["#steps input", "steps", "aria-label"],
  ["#guidance [data-testid=block-info]", "guidance"], ["#guidance input", "guidance", "aria-label"],
  ["#negative [data-testid=block-info]", "negative"], ["#side [data-testid=block-info]", "side"],
  ["#shift [data-testid=block-info]", "shift"], ["#shift input", "shift", "aria-label"],
  ["#truncation [data-testid=block-info]", "truncation"], ["#truncation input", "truncation", "aria-label"],
  ["#normalization .label-text", "normalization"], ["#spread .label-text", "spread"],
  ["#style [data-testid=block-info]", "style"], ["#length [data-testid=block-info]", "length"],
  ["#template [data-testid=block-info]", "template"], ["#locks [data-testid=block-info]", "locks"],
  ["#locks input, #locks textarea", "locks_hint", "placeholder"],
  ["#variation [data-testid=block-info]", "variation_of"], ["#variation input, #variation textarea", "variation_hint", "placeholder"],
  ["#draw", "draw"], ["footer .show-api", "api"],
]; // prettier-ignore

function label(root = document) {
  for (const [where, key, attribute] of LABELS) {
    for (const found of root.querySelectorAll(where)) {
      if (attribute) {
        found.setAttribute(attribute, studio.t(key));
        continue;
      }
      const node = [...found.childNodes].find((one) => one.nodeType === Node.TEXT_NODE && one.nodeValue.trim());
      if (node && node.nodeValue.trim() !== studio.t(key)) node.nodeValue = studio.t(key);
    }
  }
}

// The theme: the system's until the user chooses one, which is remembered.
const dark = () => document.body.classList.contains("dark");
const system = window.matchMedia("(prefers-color-scheme: dark)");
function remembered(name) {
  try {
    return localStorage.getItem(`studio-${name}`);
  } catch {
    return null; // storage is blocked, as in some iframes
  }
}
function remember(name, value) {
  try {
    localStorage.setItem(`studio-${name}`, value);
  } catch {
    /* not remembered, then */
  }
}
function light() {
  const wanted = remembered("light") ?? (system.matches ? "dark" : "light");
  for (const root of [document.documentElement, document.body]) root.classList.toggle("dark", wanted === "dark");
  const room = getComputedStyle(document.body).getPropertyValue("--room").trim();
  document.querySelector("meta[name=theme-color]")?.setAttribute("content", room);
  studio.emit("light");
}

function speak(language) {
  studio.lang = language;
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  label();
  studio.emit("words");
}

function symbol(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}
studio.symbol = symbol;

studio.part("header", (it) => {
  studio.ask = studio.calls(it); // the channel: numbered calls and answers
  studio.facts = JSON.parse(it.props.facts);
  const find = (where) => it.element.querySelector(where);
  const engine = find(".engine span");
  const privacy = studio.privacy(find(".private-note"));

  let state = null;
  function say() {
    find(".skip").textContent = studio.t("skip");
    const narrow = window.matchMedia("(max-width: 760px)").matches;
    find(".language").textContent = studio.t(narrow ? "other_language_short" : "other_language");
    find(".language").setAttribute("aria-label", studio.t("other_language"));
    find(".language").lang = studio.lang === "zh" ? "en" : "zh-CN";
    find(".light").replaceChildren(symbol(dark() ? SUN : MOON));
    const other = studio.t(dark() ? "to_light" : "to_dark");
    find(".light").setAttribute("aria-label", other);
    find(".light").title = other;
    privacy.say();
    if (!state) return;
    document.getElementById("bar").dataset.engine = state.status;
    const values = { title: state.title, device: state.device.replace(/^cpu$/i, "CPU").replace(/^cuda/i, "GPU") };
    let text = studio.t(state.damaged ? "damaged" : state.status, values);
    if (state.status === "loading" && state.fraction !== null) text += ` ${Math.round(100 * state.fraction)} %`;
    if (engine.textContent !== text) engine.textContent = text;
    find(".quota").textContent = find(".quota").title = studio.said(state.quota ?? "");
    const alarm = studio.said(state.damaged ?? ""); // it contains a command to copy, so it is shown in full
    if (find(".alarm").textContent !== alarm) find(".alarm").textContent = alarm;
    find(".engine").title = state.message ?? "";
  }

  let timer;
  async function look() {
    clearTimeout(timer);
    try {
      heard(await studio.ask("state"));
    } catch {
      if (state) heard({ ...state, status: "offline", fraction: null });
    }
    const fetching = Object.values(state?.downloads ?? {}).some((one) => one.status === "loading");
    timer = setTimeout(look, document.hidden ? 20000 : fetching ? 1000 : LOOK_MS[state?.status] ?? 3000);
  }
  function heard(news) {
    state = news;
    studio.state = news;
    say();
    studio.emit("state", news);
  }
  studio.look = look;
  studio.heardState = heard;

  find(".language").addEventListener("click", () => {
    const language = studio.lang === "zh" ? "en" : "zh";
    remember("language", language);
    speak(language);
    say();
  });
  find(".light").addEventListener("click", () => {
    remember("light", dark() ? "light" : "dark");
    light();
    say();
  });
  find(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    studio.go("create");
    document.querySelector("#prompt textarea")?.focus();
  });
  system.addEventListener("change", () => (light(), say()));
  document.addEventListener("visibilitychange", () => document.hidden || look());

  // Which room is open: for the styles (Create has no foot), and in the address, so that a reload stays and the back button goes
  // between rooms. Each room is found again where it was left.
  const named = () => (["gallery", "queue", "machine"].includes(location.hash.slice(1)) ? location.hash.slice(1) : "create");
  const enter = () => studio.room() === named() || studio.go(named());
  window.addEventListener("popstate", enter);
  let touched = false;
  for (const kind of ["pointerdown", "keydown"]) window.addEventListener(kind, () => (touched = true), { capture: true, once: true });
  const left = new Map();
  window.addEventListener("scroll", () => left.set(document.body.dataset.room, window.scrollY), { passive: true });
  const place = () => {
    const room = studio.room();
    if (document.body.dataset.room === room) return;
    if (!touched && named() !== room) return enter(); // Gradio opens the first tab a moment after the page is built
    document.body.dataset.room = room;
    if (named() !== room) history.pushState(null, "", `${location.pathname}${location.search}${room === "create" ? "" : `#${room}`}`);
    const height = left.get(room) ?? 0;
    requestAnimationFrame(() => window.scrollTo(0, height));
  };
  const tabs = () => document.querySelector("#rooms [role=tablist]");
  const follow = () => {
    if (!tabs()) return setTimeout(follow, 30);
    new MutationObserver(place).observe(tabs(), { subtree: true, attributes: true, attributeFilter: ["aria-selected"] });
    place();
  };
  follow();

  light();
  speak(remembered("language") ?? (/^zh/i.test(navigator.language) ? "zh" : "en"));
  say();
  // Gradio sets its theme and labels a moment after this part: apply again when the page has settled.
  for (const pause of [0, 150, 600, 2000]) setTimeout(() => (light(), label(), say()), pause);
  setTimeout(look, 1500);
});
