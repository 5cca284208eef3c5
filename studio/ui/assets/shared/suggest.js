// Suggestions below a field: a combobox with its listbox; and the tag field.
//
// Knows neither what is suggested nor what becomes of it. Typing never waits: only what was asked for last is shown.

import { studio } from "../shared/studio.js";

const { el, t } = studio;
const MOST = 9;

/**
 * `offers()` gives what can be taken now, a list of {text, hint}, or a promise of it; `take(one)` puts it where it belongs.
 * With `first` the key Tab takes the first one also where none is chosen. Gives the listbox, and ways to look again and to close it.
 */
studio.suggest = ({ field, id, offers, take, first = false }) => {
  const box = el("ul", { className: "suggestions", role: "listbox", id, hidden: true, aria: { label: t("parts.suggestions") } });
  const said = { role: "combobox", autocomplete: "off", "aria-controls": id, "aria-autocomplete": "list", "aria-expanded": "false" };
  for (const [name, value] of Object.entries(said)) field.setAttribute(name, value);
  let found = [];
  let at = -1; // the chosen one
  let turn = 0;

  async function look() {
    const mine = ++turn;
    const next = await Promise.resolve(offers()).catch(() => []);
    if (mine !== turn) return;
    const chosen = found[at]?.text; // chosen since it was asked for
    found = next.slice(0, MOST);
    at = found.findIndex((one) => one.text === chosen);
    draw();
  }
  function draw() {
    const opens = box.hidden;
    box.hidden = !found.length || document.activeElement !== field;
    box.setAttribute("aria-label", t("parts.suggestions"));
    field.setAttribute("aria-expanded", String(!box.hidden));
    field.removeAttribute("aria-activedescendant");
    box.replaceChildren(...found.map((one, number) => {
      const on = { pointerdown: (event) => (event.preventDefault(), taken(one)) };
      const made = el("li", { role: "option", id: `${id}-${number}`, aria: { selected: String(number === at) }, on });
      made.append(el("b", { text: one.text }), el("span", { text: one.hint }));
      return made;
    }));
    if (at >= 0) field.setAttribute("aria-activedescendant", `${id}-${at}`);
    if (opens && !box.hidden) box.scrollIntoView({ block: "nearest" });
  }
  function close() {
    turn += 1; // what is still asked for comes too late
    found = [];
    draw();
  }
  function taken(one) {
    close();
    take(one);
  }
  field.addEventListener("input", () => ((at = -1), look()));
  field.addEventListener("focus", draw);
  field.addEventListener("blur", () => ((box.hidden = true), field.setAttribute("aria-expanded", "false")));
  field.addEventListener("keydown", (event) => {
    if (box.hidden || event.isComposing) return;
    const { key } = event;
    if (key === "ArrowDown") at = (at + 1) % found.length;
    else if (key === "ArrowUp") at = at <= 0 ? found.length - 1 : at - 1;
    else if (key === "Escape") close();
    else if ((key === "Enter" && at >= 0) || (key === "Tab" && !event.shiftKey && (first || at >= 0))) taken(found[Math.max(at, 0)]);
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
    draw();
  });
  return { box, look, close };
};

/**
 * A field for a tag, completed from the owner's. `add(tag)` gets it with Enter or a comma; `minus` lets it begin with "-". `passed(tag)`
 * tells which need not be offered.
 */
studio.tagField = ({ call, id, hint, add, minus = false, passed = () => false }) => {
  const field = el("input", { type: "text", maxLength: 60, placeholder: hint, aria: { label: hint } });
  const sign = () => (minus && field.value.trimStart().startsWith("-") ? "-" : "");
  const begun = () => field.value.trim().slice(sign().length).trim();
  async function offers() {
    if (!begun()) return [];
    const { tags } = await call("tags", { beginning: begun() }, { last: true });
    const others = tags.filter(({ tag }) => tag !== begun() && !passed(tag));
    return others.map(({ tag, count }) => ({ text: `${sign()}${tag}`, hint: studio.count(count) }));
  }
  function put(text) {
    field.value = "";
    if (text) add(text);
  }
  const { box, close } = studio.suggest({ field, id, offers, take: ({ text }) => put(text) });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing || (event.key !== "Enter" && event.key !== ",")) return;
    event.preventDefault();
    close();
    put(field.value.trim());
  });
  return el("span", { className: "tag-field" }, field, box);
};
