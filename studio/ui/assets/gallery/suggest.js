// Search suggestions: filter names, then their values. The list itself is shared/suggest.js.

import { studio } from "../shared/studio.js";

const { t } = studio;
const FIXED = {
  is: ["favourite", "rerun", "edited", "imported", "portrait", "landscape", "square", "missing"],
  has: ["enhancement", "note", "tags", "parent", "lora"],
  rating: [">=4", ">=3", "5", "none"],
  steps: ["8", "9", "20", "28"],
  size: ["1024x1024", "768x1024", "1024x768", "1280x720"],
  guidance: ["0", "4"],
};
const NAMES = ["is", "has", "rating", "tag", "in", "checkpoint", "after", "before", "on", "seed", "steps", "size", "guidance", "lora"];
const quoted = (value) => (/\s/.test(value) ? `"${value}"` : value);

/** `field` is the search line; `taken()` is told when a suggestion was put into it. */
studio.gallerySuggest = ({ field, call, collections, taken }) => {
  /** The last piece of what stands before the caret. */
  const piece = () => field.value.slice(0, field.selectionStart).match(/(?:^|\s)(-?[^\s"]*(?:"[^"]*)?)$/)?.[1] ?? "";

  async function values(name, begun) {
    if (name === "tag") return (await call("tags", { beginning: begun }, { last: true })).tags.map((one) => ({ value: one.tag, hint: studio.count(one.count) }));
    if (name === "in") return collections().map((one) => ({ value: one.name, hint: "" }));
    if (name === "checkpoint") return (studio.state?.checkpoints ?? []).map((one) => ({ value: one.name, hint: one.title }));
    if (["after", "before", "on"].includes(name)) {
      const now = new Date();
      const pad = (n) => String(n).padStart(2, "0");
      const month = `${now.getFullYear()}-${pad(now.getMonth() + 1)}`;
      return [`${month}-${pad(now.getDate())}`, month, String(now.getFullYear())].map((value) => ({ value, hint: "" }));
    }
    return (FIXED[name] ?? []).map((value) => ({ value, hint: "" }));
  }
  async function offers() {
    const typed = piece();
    const minus = typed.startsWith("-") ? "-" : "";
    const [, name, begun] = typed.slice(minus.length).match(/^([a-z]+):"?(.*)$/i) ?? [];
    if (name && NAMES.includes(name.toLowerCase())) {
      const offered = await values(name.toLowerCase(), begun);
      const next = offered.filter(({ value }) => value.toLowerCase().startsWith(begun.toLowerCase()) && value.toLowerCase() !== begun.toLowerCase());
      return next.map(({ value, hint }) => ({ text: `${minus}${name}:${quoted(value)}`, hint, done: true }));
    }
    const word = typed.slice(minus.length).toLowerCase();
    if (!word) return [];
    return NAMES.filter((one) => one.startsWith(word)).map((one) => ({ text: `${minus}${one}:`, hint: t(`gallery.filter_${one}`), done: false }));
  }
  function take({ text, done }) {
    const caret = field.selectionStart;
    const begin = caret - piece().length;
    const rest = field.value.slice(caret);
    field.value = `${field.value.slice(0, begin)}${text}${done && !rest.startsWith(" ") ? " " : ""}${rest}`;
    const end = begin + text.length + (done ? 1 : 0);
    field.setSelectionRange(end, end);
    taken();
    if (!done) found.look();
  }
  const found = studio.suggest({ field, id: "gallery-suggestions", offers, take, first: true });
  return found;
};
