// The text beside a picture: its prompts, reasoning, settings, rating and tags.

import { STEPS } from "../create/reasoning_steps.js";
import { copyButton } from "../shared/copy_button.js";
import { button, el, iconButton, present } from "../shared/dom.js";
import { markedWords } from "../shared/diff.js";
import { formatDateTime, formatDay, formatDuration, formatSeed, formatValue } from "../shared/format.js";
import { icon } from "../shared/icons.js";
import { tagField } from "../shared/suggest.js";
import { t } from "../shared/texts.js";
import { section } from "./related.js";

const HASH_MAX = 16; // characters of a hash; longer ones are truncated
const HASH_SHOWN = 12;
const ADAPTER_HASH_SHOWN = 10;
const LINK = { className: "pv-link" };

/** @param {string | null} hash */
const shortHash = (hash) => (hash && hash.length > HASH_MAX ? `${hash.slice(0, HASH_SHOWN)}…` : hash);

/**
 * The settings of a picture: text key, value, and tooltip.
 * @param {Picture} picture
 * @returns {[string, string | number | null, (string | null)?][]}
 */
function settings(picture) {
  const { steps, strength, adapters, revision, pixel_sha256: hash } = picture;
  const generated = (/** @type {number | null} */ value) => (steps > 0 ? value : null); // an imported photo has no settings
  return [
    ["seed", generated(picture.seed)],
    ["variation_of", picture.variation_of.map(([seed, share]) => `${seed} (${Math.round(100 * share)} %)`).join(", ")],
    ["strength", strength === null ? "" : t("picture.far", { n: Math.round(100 * strength) }), picture.source],
    ["size", `${picture.width} × ${picture.height}`],
    ["steps", generated(steps)],
    ["guidance", generated(picture.guidance)],
    ["shift", generated(picture.shift)],
    ["checkpoint", picture.checkpoint],
    ["adapters", adapters.map(({ name, weight }) => `${name} ${weight}`).join(", "), adapters.map(({ name, sha256 }) => `${name} ${sha256.slice(0, ADAPTER_HASH_SHOWN)}`).join(", ")],
    ["revision", shortHash(revision), revision],
    ["pixels", shortHash(hash), hash],
    ["time", picture.seconds ? formatDuration(picture.seconds) : ""],
    ["when", formatDateTime(picture.created_at)],
  ];
}

/**
 * @param {string} name
 * @param {string | number | null} value
 * @param {string} [title]
 */
const line = (name, value, title = "") => el("div", {}, el("dt", { text: name }), el("dd", { text: value, title }));

/**
 * @param {object} options
 * @param {Call} options.call
 * @param {() => Picture} options.current
 * @param {(values: object, options?: {focus?: string}) => unknown} options.change
 * @param {() => void} options.edit opens the editor of the prompt
 */
export function createDetails({ call, current, change, edit }) {
  /** @param {() => void} restore */
  function trashNote(restore) {
    const text = t("picture.in_trash", { day: formatDay(current().expires_at ?? "") });
    return el("div", { className: "pv-note" }, el("span", { text }), button(t("picture.restore"), restore));
  }
  function sections() {
    return [original(), reasoning(), finalPrompt(), settingsSection()];
  }
  const isAsWritten = () => current().prompt === current().original_prompt;

  function original() {
    const { original_prompt: prompt } = current();
    const asWritten = isAsWritten() ? [button(t("edit"), edit, LINK), el("span", { text: t("drawn_as_written") })] : [];
    const row = el("div", { className: "pv-row" }, copyButton(() => prompt, LINK), ...asWritten);
    return el("section", { className: "pv-asked" }, el("h2", { text: prompt }), row, isAsWritten() ? negativePrompt() : null);
  }
  function reasoning() {
    const { enhancement } = current();
    if (!enhancement) return null;
    const { seconds, seed, model, steps } = enhancement;
    const facts = present([formatDuration(seconds), t("seed_n", { n: formatSeed(seed) }), model]).join(" · ");
    const items = STEPS.map((name) => {
      const text = steps.find((step) => step.name === name)?.text ?? "";
      const content = el("p", { className: text ? "" : "none", text: text || t("nothing") });
      return el("li", { className: "done" }, el("i", { aria: { hidden: true } }), el("div", {}, el("b", { text: t(`step_${name}`) }), content));
    });
    const list = el("div", { className: "thread" }, el("ol", { className: "pv-thread" }, ...items)); // the styles of Create
    return section(t("why"), el("span", { className: "pv-how", text: facts }), list);
  }
  function negativePrompt() {
    const { negative_prompt: text } = current();
    return text ? el("p", { className: "pv-quiet", text: t("picture.without", { text }) }) : null;
  }
  function finalPrompt() {
    if (isAsWritten()) return null;
    const { enhancement, original_prompt: original, prompt } = current();
    const text = el("p", { className: "pv-drawn" }, ...(enhancement ? markedWords(original, prompt) : [el("span", { text: prompt })]));
    const row = el("div", { className: "pv-row" }, button(t("edit"), edit), copyButton(() => prompt, LINK));
    return section(t("what_is_drawn"), el("div", { className: "pv-box" }, text, negativePrompt(), row));
  }
  function settingsSection() {
    const shown = settings(current()).filter(([, value]) => value !== null && value !== "");
    const lines = shown.map(([key, value, title]) => line(t(`picture.${key}`), value, title ?? ""));
    const environment = Object.entries(current().environment).map(([key, value]) => line(key.replaceAll("_", " "), formatValue(value)));
    const table = el("dl", { className: "pv-facts" }, ...lines);
    const more = el("details", {}, el("summary", { text: t("picture.environment") }), el("dl", { className: "pv-facts" }, ...environment));
    return section(t("picture.settings"), table, environment.length ? more : null);
  }

  /** The rating and the tags. */
  function opinion() {
    const { rating, tags } = current();
    const dots = [1, 2, 3, 4, 5].map((n) => {
      const label = t("picture.rating_n", { n });
      const click = () => change({ rating: rating === n ? 0 : n }, { focus: `[data-rating="${n}"]` });
      const className = (rating ?? 0) >= n ? "on" : "";
      return el("button", { type: "button", className, title: label, data: { rating: n }, aria: { label, pressed: rating === n }, on: { click } });
    });
    const setTags = (/** @type {string[]} */ changed) => change({ tags: changed }, { focus: ".pv-tags input" });
    const chips = tags.map((tag) => {
      const remove = () => setTags(tags.filter((other) => other !== tag));
      return el("span", { className: "pv-tag" }, tag, iconButton(icon("close"), t("picture.untag", { tag }), remove));
    });
    const exclude = (/** @type {string} */ tag) => current().tags.includes(tag);
    const add = (/** @type {string} */ tag) => exclude(tag) || setTags([...current().tags, tag]);
    const field = tagField({ call, id: "picture-tags", hint: t("picture.tag"), add, exclude });
    const group = el("div", { className: "pv-rating", role: "group", aria: { label: t("picture.rating") } }, ...dots);
    return section(t("picture.opinion"), group, el("div", { className: "pv-tags" }, ...chips, field));
  }
  return { trashNote, sections, opinion };
}
