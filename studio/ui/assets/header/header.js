// The header: engine state, language and theme; and the channel by which the scripts call the server.

import { component } from "../shared/components.js";
import { find, lookUp, openView, setLabel, setText } from "../shared/dom.js";
import { pollEngine } from "../shared/engine.js";
import { emit, on } from "../shared/events.js";
import { icon } from "../shared/icons.js";
import { page } from "../shared/page.js";
import { connect, createChannel } from "../shared/server.js";
import { load, store } from "../shared/storage.js";
import { currentLanguage, localize, setLanguage, t } from "../shared/texts.js";
import { labelComponents } from "./labels.js";
import { startNavigation } from "./navigation.js";
import { drawPrivacy, startPrivacy } from "./private.js";

const FIRST_POLL_MS = 1500;
const SETTLING_MS = [0, 150, 600, 2000]; // Gradio sets its theme and labels a moment after the header
const narrow = window.matchMedia("(max-width: 760px)");
const systemTheme = window.matchMedia("(prefers-color-scheme: dark)");

const isDark = () => document.body.classList.contains("dark");

/** The stored theme, else the system's. */
function applyTheme() {
  const theme = load("local", "light") ?? (systemTheme.matches ? "dark" : "light");
  for (const root of [document.documentElement, document.body]) root.classList.toggle("dark", theme === "dark");
  const background = getComputedStyle(document.body).getPropertyValue("--room").trim();
  document.querySelector("meta[name=theme-color]")?.setAttribute("content", background);
}

/** @param {string} language */
function applyLanguage(language) {
  setLanguage(language);
  labelComponents();
  emit("words");
}

component("header", (it) => {
  connect(createChannel(it));
  page.facts = JSON.parse(it.props.facts);
  /** @param {string} selector */
  const part = (selector) => find(it.element, selector);
  const languageButton = part(".language");
  const themeButton = part(".light");
  startPrivacy(part(".private-note"));

  function draw() {
    part(".skip").textContent = t("skip");
    languageButton.textContent = t(narrow.matches ? "other_language_short" : "other_language");
    languageButton.setAttribute("aria-label", t("other_language"));
    languageButton.lang = currentLanguage() === "zh" ? "en" : "zh-CN";
    themeButton.replaceChildren(icon(isDark() ? "sun" : "moon"));
    setLabel(themeButton, t(isDark() ? "to_light" : "to_dark"));
    drawPrivacy();
    drawEngine();
  }
  function drawEngine() {
    const state = page.engine;
    if (!state) return;
    document.getElementById("bar")?.setAttribute("data-engine", state.status);
    const values = { title: state.title, device: state.device.replace(/^cpu$/i, "CPU").replace(/^cuda/i, "GPU") };
    let text = t(state.damaged ? "damaged" : state.status, values);
    if (state.status === "loading" && state.fraction !== null) text += ` ${Math.round(100 * state.fraction)} %`;
    setText(part(".engine span"), text);
    part(".engine").title = localize(state.message) ?? "";
    part(".quota").textContent = part(".quota").title = localize(state.quota ?? "");
    setText(part(".alarm"), localize(state.damaged ?? "")); // it contains a command to copy, so it is shown in full
  }
  function settle() {
    applyTheme();
    labelComponents();
    draw();
  }

  languageButton.addEventListener("click", () => {
    const language = currentLanguage() === "zh" ? "en" : "zh";
    store("local", "language", language);
    applyLanguage(language);
    draw();
  });
  themeButton.addEventListener("click", () => {
    store("local", "light", isDark() ? "light" : "dark");
    applyTheme();
    draw();
  });
  part(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    openView("create");
    lookUp(document, "#prompt textarea")?.focus();
  });
  systemTheme.addEventListener("change", () => (applyTheme(), draw()));
  document.addEventListener("visibilitychange", () => document.hidden || pollEngine());
  on("state", draw);

  startNavigation();
  applyTheme();
  applyLanguage(load("local", "language") ?? (/^zh/i.test(navigator.language) ? "zh" : "en"));
  draw();
  for (const pause of SETTLING_MS) setTimeout(settle, pause);
  setTimeout(pollEngine, FIRST_POLL_MS);
});
