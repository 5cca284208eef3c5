// The foot of the prompt's card: the token count, the note of the enhancer, and the buttons for settings and rewrites.

import { privateSwitch } from "../header/private.js";
import { button, find, iconButton } from "../shared/dom.js";
import { on } from "../shared/events.js";
import { icon } from "../shared/icons.js";
import { page } from "../shared/page.js";
import { ask } from "../shared/server.js";
import { t } from "../shared/texts.js";
import { form, value } from "./form_fields.js";

const TYPING_MS = 350; // pause after the last key before tokens are counted
export const TOKENS_MAX = 512; // tokens that the text encoder reads

function enhancerText() {
  if (!page.facts?.can_enhance) return t("reason_off");
  if (page.facts.remote_model) return t("reason_remote", { model: page.facts.remote_model });
  return t("reason_own", { title: page.engine?.title ?? page.facts.title });
}

/** @param {Component} it */
export function startPromptCard(it) {
  const hint = find(it.element, ".hint");
  const tokens = find(it.element, ".tokens");
  const more = iconButton(icon("settings"), "", toggleSettings, { className: "more-settings" });
  const dropRewrite = button("", () => form.dropRewrite(), { className: "from-rewrite-chip" });
  hint.before(privateSwitch, more, dropRewrite);
  let timer = 0;
  /** @type {number | null} */
  let counted = null;
  let latest = 0; // number of the latest count

  function toggleSettings() {
    document.getElementById("form")?.classList.toggle("open");
    draw();
  }
  function draw() {
    hint.textContent = t("keys");
    dropRewrite.textContent = t("from_rewrite");
    dropRewrite.append(icon("clear"));
    dropRewrite.title = t("from_rewrite_title");
    more.setAttribute("aria-label", t("more"));
    more.setAttribute("aria-expanded", String(document.getElementById("form")?.classList.contains("open") ?? false));
    const isOver = counted !== null && counted > TOKENS_MAX;
    tokens.textContent = counted === null ? "" : t(isOver ? "tokens_over" : "tokens", { n: counted, most: TOKENS_MAX });
    it.element.classList.toggle("over", isOver);
    drawEnhancer();
  }
  function drawEnhancer() {
    document.querySelector("#reason .label-text")?.setAttribute("data-now", enhancerText());
  }
  async function countTokens() {
    const number = ++latest;
    const prompt = value("prompt");
    try {
      const count = prompt.trim() ? (await ask("tokens", { prompt })).tokens : null;
      if (number !== latest) return;
      counted = count;
      draw();
    } catch {
      // the page works without the count
    }
  }
  function countTokensSoon() {
    clearTimeout(timer);
    timer = setTimeout(countTokens, TYPING_MS);
  }
  on("state", () => {
    drawEnhancer();
    if (counted === null) countTokens();
  });
  return { draw, countTokens, countTokensSoon };
}
