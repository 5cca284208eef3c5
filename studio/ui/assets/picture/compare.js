// Comparison of two pictures: a slider, the prompts word by word, settings and environment.

import { button, el } from "../shared/dom.js";
import { on } from "../shared/events.js";
import { formatDateTime, formatSeed, formatValue } from "../shared/format.js";
import { hasText, localize, t } from "../shared/texts.js";
import { errorText } from "../shared/toast.js";
import { pixelDifferenceText } from "./pixels.js";

/** @type {Record<TextPiece["kind"], "span" | "del" | "ins">} */
const TAGS = { same: "span", gone: "del", new: "ins" };

/**
 * @param {string} title
 * @param {TextPiece[]} pieces
 */
function words(title, pieces) {
  const elements = pieces.map(({ kind, text }) => el(TAGS[kind], { text }));
  return el("section", {}, el("h3", { text: title }), el("p", { className: "cmp-words" }, ...elements));
}

/**
 * @param {string} title
 * @param {Difference[]} differences
 */
function table(title, differences) {
  const cell = (/** @type {unknown} */ value) => el("td", { text: value === null || value === undefined || value === "" ? "–" : formatValue(value) });
  const name = (/** @type {string} */ what) => (hasText(`picture.${what}`) ? t(`picture.${what}`) : what.replaceAll("_", " "));
  const rows = differences.map(({ what, was, is }) => el("tr", {}, el("th", { scope: "row", text: name(what) }), cell(was), cell(is)));
  return el("section", {}, el("h3", { text: title }), el("table", { className: "cmp-table" }, el("tbody", {}, ...rows)));
}

/**
 * The dialog. The event `compare` opens it.
 * @param {Call} call
 * @param {HTMLElement} home
 */
export function createComparison(call, home) {
  const stage = el("div", { className: "cmp-stage" });
  const details = el("div", { className: "cmp-said" });
  const close = button("", () => dialog.close(), { className: "pv-link" });
  const title = el("h2");
  const dialog = el("dialog", { className: "compare-view", tabIndex: -1 }, el("div", { className: "cmp-head" }, title, close), stage, details);
  home.append(dialog);
  /** @type {string[]} */
  let shown = [];

  /** @param {string[]} ids */
  async function show(ids) {
    shown = ids;
    title.textContent = t("picture.compare");
    dialog.setAttribute("aria-label", t("picture.compare"));
    close.textContent = t("close");
    stage.replaceChildren();
    details.replaceChildren(el("p", { className: "nothing", text: t("parts.wait") }));
    if (!dialog.open) dialog.showModal();
    try {
      const [before, after] = [await call("picture", { id: ids[0] }), await call("picture", { id: ids[1] })];
      const comparison = await call("differences", { id: ids[0], other: ids[1] });
      if (shown !== ids) return;
      drawImages(before, after);
      drawDetails(comparison, before, after);
    } catch (error) {
      details.replaceChildren(el("p", { className: "nothing", role: "alert", text: localize(errorText(error)) }));
    }
  }
  /**
   * @param {Picture} before
   * @param {Picture} after
   */
  function drawImages(before, after) {
    const [width, height] = [Math.max(before.width, after.width), Math.max(before.height, after.height)];
    const slider = el("input", { type: "range", min: 0, max: 100, value: 50, aria: { label: t("picture.slider") } });
    const image = (/** @type {Picture} */ picture, className = "") => el("img", { src: picture.url, alt: picture.original_prompt, className });
    const frame = el("div", { className: "cmp-frame" }, image(after), image(before, "above"), el("i", { aria: { hidden: "true" } }), slider);
    const move = () => frame.style.setProperty("--at", `${slider.value}%`);
    slider.addEventListener("input", move);
    frame.style.aspectRatio = `${width} / ${height}`;
    frame.style.setProperty("--ratio", String(width / height));
    move();
    const name = (/** @type {Picture} */ { seed, created_at: time }) => el("span", { text: `${t("seed_n", { n: formatSeed(seed) })} · ${formatDateTime(time)}` });
    stage.replaceChildren(frame, el("div", { className: "cmp-names" }, name(before), name(after)));
  }
  /**
   * @param {Comparison} comparison
   * @param {Picture} before
   * @param {Picture} after
   */
  function drawDetails({ pixels, original, prompt, settings, environment }, before, after) {
    const differs = (/** @type {TextPiece[]} */ pieces) => pieces.some(({ kind }) => kind !== "same");
    /** @type {HTMLElement[]} */
    const parts = [el("p", { className: "cmp-pixels", text: pixelDifferenceText(pixels) })];
    if (differs(original)) parts.push(words(t("picture.original"), original));
    if (differs(prompt)) parts.push(words(t("what_is_drawn"), prompt));
    const isSame = before.prompt === after.prompt && before.original_prompt === after.original_prompt;
    if (isSame) parts.push(el("p", { className: "pv-quiet", text: t("picture.same_words") }));
    if (settings.length) parts.push(table(t("picture.settings"), settings));
    if (environment.length) parts.push(table(t("picture.environment"), environment));
    details.replaceChildren(...parts);
  }
  dialog.addEventListener("keydown", (event) => event.stopPropagation()); // the picture's keys do not apply
  on("compare", ({ ids }) => {
    if (Array.isArray(ids) && ids.length === 2) show(ids);
  });
}
