// The reasoning: the steps of the enhancement, then the final prompt with the added words marked, and its actions.

import { button, copyText, el, fitHeight, keepFocus, present } from "../shared/dom.js";
import { markedWords } from "../shared/diff.js";
import { formatDuration, formatSeed } from "../shared/format.js";
import { page } from "../shared/page.js";
import { ask, connected } from "../shared/server.js";
import { currentLanguage, t } from "../shared/texts.js";
import { TOKENS_MAX } from "./prompt_card.js";
import { createReasoningSteps } from "./reasoning_steps.js";

const COPIED_MS = 1500;

/**
 * @typedef {object} ReasoningState
 * @property {Enhancement | null} enhancement
 * @property {Picture | null} picture
 * @property {JobStatus | null} job
 * @property {boolean} isDraft whether the enhancement has no picture yet
 * @property {Picture[]} [group] pictures of one job with a rewrite each
 */
/**
 * @typedef {object} ReasoningActions
 * @property {(prompt: string, enhancement?: string | null) => void} draw
 * @property {(prompt: string, options: object) => void} another
 * @property {(id: string, instruction: string, prompt: string) => void} refine
 * @property {(id: string) => void} pick
 * @property {(picture: Picture) => void} useRewrite
 */

/**
 * @param {HTMLElement} root
 * @param {ReasoningActions} actions
 */
export function createReasoning(root, actions) {
  const title = el("h3");
  const facts = el("span", { className: "when" });
  const steps = createReasoningSteps();
  const later = el("p", { className: "later" });
  const label = el("h4");
  const text = el("p", { className: "drawn-text" });
  const field = el("textarea", { className: "edit", rows: 4, hidden: true, spellcheck: false });
  const buttons = el("div", { className: "row" });
  const checks = el("p", { className: "kept", hidden: true });
  const options = el("p", { className: "told", hidden: true });
  const tokens = el("p", { className: "fits", hidden: true });
  const result = el("div", { className: "result", hidden: true }, text, field, options, checks, tokens, buttons);
  const head = el("summary", {}, title, facts);
  const group = el("div", { className: "rewrites", hidden: true });
  const details = el("details", { className: "thread", open: true }, head, later, steps.root, label, result, group);
  root.append(el("section", { className: "why" }, details));

  /** @type {ReasoningState} */
  let state = { enhancement: null, picture: null, job: null, isDraft: false };
  /** @type {"" | "prompt" | "instruction"} */
  let editing = ""; // what the field contains
  let drawnText = "";
  let drawnGroup = "";
  let drawnButtons = "";
  let copied = false;

  field.addEventListener("input", () => fitHeight(field));

  /** The final prompt: the picture's, or the enhancement's as far as it is written. */
  const finalPrompt = () => state.picture?.prompt ?? state.job?.drawn_prompt ?? state.enhancement?.prompt ?? "";
  const originalPrompt = () => state.enhancement?.original ?? state.picture?.original_prompt ?? state.job?.prompt ?? "";

  function drawResult() {
    const prompt = finalPrompt();
    result.hidden = label.hidden = !prompt && !editing;
    const now = JSON.stringify([prompt, originalPrompt(), !state.enhancement, currentLanguage()]);
    if (now !== drawnText) {
      drawnText = now;
      text.replaceChildren(...(state.enhancement ? markedWords(originalPrompt(), prompt) : [prompt]));
    }
    text.hidden = editing === "prompt";
    field.hidden = !editing;
    drawOptions();
    drawTokens();
    drawChecks();
    drawGroup();
    drawButtons();
  }

  // The number of tokens of the final prompt, counted once per prompt, and its truncated end
  let counted = { prompt: "", tokens: /** @type {number | null} */ (null), unseen: "" };
  async function drawTokens() {
    const prompt = state.enhancement && !state.enhancement.done ? "" : finalPrompt();
    if (prompt && counted.prompt !== prompt && connected()) {
      const count = (counted = { prompt, tokens: null, unseen: "" });
      try {
        Object.assign(count, await ask("tokens", { prompt }));
      } catch {
        // the page works without the count
      }
    }
    const isKnown = !editing && prompt && counted.prompt === finalPrompt() && counted.tokens !== null;
    tokens.hidden = !isKnown;
    tokens.classList.toggle("lost", Boolean(isKnown && counted.unseen));
    if (isKnown) tokens.textContent = t(counted.unseen ? "unseen" : "tokens", { n: counted.tokens, most: TOKENS_MAX, end: counted.unseen });
  }
  /** The options of the enhancement, and whether the prompt was edited. */
  function drawOptions() {
    const { enhancement, picture } = state;
    const parts = [];
    if (enhancement?.style) parts.push(t(`style.${enhancement.style}`));
    if (enhancement?.length && enhancement.length !== "auto") parts.push(t(`length_${enhancement.length}`));
    if (enhancement?.locks?.length) parts.push(t("locked", { words: enhancement.locks.join(t("list_comma")) }));
    if (enhancement?.instruction) parts.push(t("refined", { words: enhancement.instruction }));
    if (picture?.edited) parts.push(t("edited"));
    options.textContent = parts.join(" · ");
    options.hidden = Boolean(editing) || !parts.length;
  }
  /** The checks of the prompt: the failed ones, else all. */
  function drawChecks() {
    const { enhancement } = state;
    const all = enhancement?.done && enhancement.prompt === finalPrompt() ? (enhancement.checks ?? []) : [];
    const failed = all.filter(({ held }) => !held);
    checks.hidden = Boolean(editing) || !all.length;
    checks.classList.toggle("lost", failed.length > 0);
    const names = (failed.length ? failed : all).map(({ kind, wanted }) => (kind === "text" ? `“${wanted}”` : wanted)).join(t("list_comma"));
    checks.textContent = t(failed.length ? "check_lost" : "check_held", { names });
  }
  /** The pictures of a job with one rewrite each. */
  function drawGroup() {
    const { group: pictures = [], picture: shown } = state;
    group.hidden = Boolean(editing) || !pictures.length;
    const now = JSON.stringify([pictures.map(({ id }) => id), shown?.id, currentLanguage()]);
    if (now === drawnGroup || !pictures.length) return;
    drawnGroup = now;
    const cards = pictures.map(({ id, thumb_url: src, prompt }) => {
      const on = { click: () => actions.pick(id) };
      const card = el("button", { type: "button", className: "rewrite", aria: { pressed: id === shown?.id }, on },
        el("img", { src, alt: "", loading: "lazy" }), el("span", { text: prompt, title: prompt }));
      return el("li", {}, card);
    });
    keepFocus(group, "button", () => group.replaceChildren(el("h4", { text: t("rewrites", { n: pictures.length }) }), el("ul", {}, ...cards)));
  }
  function drawButtons() {
    const { job, enhancement, picture, isDraft } = state;
    const isDone = !job || Boolean(enhancement?.done) || picture !== null;
    const canEnhance = Boolean(page.facts?.can_enhance && originalPrompt());
    const canRefine = canEnhance && Boolean(enhancement?.id) && (page.engine?.checkpoints.some(({ follows, on_disk: onDisk }) => follows && onDisk) ?? false);
    const rewritten = state.group?.length && picture?.enhancement ? picture : null;
    const now = [editing, isDone, canEnhance, canRefine, isDraft, rewritten?.id, copied, currentLanguage()].join();
    if (now === drawnButtons) return;
    drawnButtons = now;
    const hint = (/** @type {string} */ key) => ({ title: t(key) });
    const whileEditing = () => [button(t(editing === "instruction" ? "refine" : "draw_this"), submit, { className: "yes" }), button(t("close"), close)];
    const usual = () => present([
      isDraft ? button(t("draw_this"), () => actions.draw(finalPrompt(), state.enhancement?.id), { className: "yes" }) : null,
      rewritten ? button(t("keep_rewrite"), () => actions.useRewrite(rewritten), hint("keep_rewrite_title")) : null,
      button(t("edit"), editPrompt),
      canRefine ? button(t("refine"), () => openField("instruction", ""), hint("refine_title")) : null,
      canEnhance ? button(t("another"), enhanceAgain, hint("another_title")) : null,
      button(t(copied ? "copied" : "copy"), copy),
    ]); // prettier-ignore
    keepFocus(buttons, "button", () => buttons.replaceChildren(...(editing ? whileEditing() : isDone ? usual() : [])));
  }

  async function copy() {
    copied = await copyText(finalPrompt());
    drawButtons();
    setTimeout(() => {
      copied = false;
      drawButtons();
    }, COPIED_MS);
  }
  function enhanceAgain() {
    const { style, length, locks, instruction } = state.enhancement ?? {};
    actions.another(originalPrompt(), instruction ? {} : { style, length, locks });
  }
  function editPrompt() {
    openField("prompt", finalPrompt());
  }
  /**
   * @param {"prompt" | "instruction"} kind
   * @param {string} value
   */
  function openField(kind, value) {
    details.open = true;
    editing = kind;
    const hint = t(kind === "prompt" ? "edit_label" : "refine_hint");
    field.value = value;
    field.placeholder = kind === "prompt" ? "" : hint;
    field.setAttribute("aria-label", hint);
    drawResult();
    fitHeight(field);
    field.focus();
  }
  /** Close the field. Returns false if it is not open. */
  function close() {
    if (!editing) return false;
    editing = "";
    drawResult();
    return true;
  }
  function submit() {
    const [kind, value, id] = [editing, field.value, state.enhancement?.id];
    if (!kind || !value.trim()) return;
    editing = "";
    if (kind === "prompt") actions.draw(value, id);
    else if (id) actions.refine(id, value, finalPrompt());
  }
  function drawTexts() {
    title.textContent = t("why");
    label.textContent = t("what_is_drawn");
    field.setAttribute("aria-label", t("edit_label"));
    steps.drawTexts();
  }
  drawTexts();

  // On a phone the reasoning is collapsed at first; beside the stage it is always open.
  const narrow = window.matchMedia("(max-width: 760px)");
  function adapt() {
    details.open = !narrow.matches;
    if (narrow.matches) head.removeAttribute("tabindex");
    else head.setAttribute("tabindex", "-1");
  }
  narrow.addEventListener("change", adapt);
  head.addEventListener("click", (event) => narrow.matches || event.preventDefault());
  adapt();

  /** @param {ReasoningState} next */
  function draw(next) {
    const hasMoved = next.picture?.id !== state.picture?.id || next.job?.job !== state.job?.job;
    state = next;
    if (hasMoved) {
      editing = "";
      steps.collapse();
    }
    const { enhancement, job } = state;
    later.textContent = t("why_later");
    const seed = enhancement ? t("seed_n", { n: formatSeed(enhancement.seed) }) : finalPrompt() ? t("drawn_as_written") : "";
    facts.textContent = present([enhancement?.seconds ? formatDuration(enhancement.seconds) : "", seed]).join(" · ");
    const hasSteps = steps.draw(enhancement, job);
    later.hidden = hasSteps || Boolean(finalPrompt());
    drawResult();
  }
  return { draw, drawTexts, edit: editPrompt, close, submit };
}
