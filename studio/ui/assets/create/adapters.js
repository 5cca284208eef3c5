// The form's adapters: those that fit the checkpoint, each with a switch, a weight and its trigger words.
//
// The form's hidden field holds the choice as JSON, `[["ink",0.8],["fur",-0.5]]`, and is the truth: the rows show what it says, and write
// it. A name in it that is not here has a row, too, so that it can be taken out. Without any row the fold is not there.

import { studio } from "../shared/studio.js";

const { el } = studio;
const FAR = 2; // limits of the slider; a typed weight may go to MOST
const MOST = 4;
const MANY = 9; // a filter appears from this number of rows on
const WORDS = 8; // trigger words offered per adapter
const WAIT_MS = 600; // pause after the last key before an error is shown
const field = () => studio.form?.field("adapters");

let listed = []; // of the selected checkpoint: {name, title, about, triggers, fits}
let asked = null; // their checkpoint
let turn = 0;
let redraw = () => {};
let many = 0; // the latest weight of each

/** What the field says, as pairs of a name and a weight, in its order. */
function chosen() {
  try {
    const pairs = JSON.parse(field()?.value || "[]");
    return Array.isArray(pairs) ? pairs.filter((one) => typeof one?.[0] === "string" && Number.isFinite(one[1])) : [];
  } catch {
    return [];
  }
}
const told = (pairs) => (pairs.length ? JSON.stringify(pairs) : "");
const valid = (weight) => Number.isFinite(weight) && weight !== 0 && Math.abs(weight) <= MOST;
const fit = () => listed.filter((one) => one.fits !== false);

/** Two with one title are told apart by the names of their files. */
function named(all) {
  const twice = (title) => all.filter((one) => one.title === title && one.fits !== false).length > 1;
  return all.map((one) => (twice(one.title) && one.title !== one.name ? { ...one, title: `${one.title} (${one.name})` } : one));
}

/** Whether a text says a word, and not only as a part of another one. Scripts without spaces have no such parts. */
function says(text, word) {
  const letter = (one) => /[\p{L}\p{M}\p{N}_]/u.test(one) && !/[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]/u.test(one);
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const end = at + word.length;
    const goesOn = (one, next) => letter(one) && letter(next ?? "");
    if (!goesOn(word[0], text[at - 1]) && !goesOn(word.at(-1), text[end])) return true;
  }
  return false;
}

studio.adapters = {
  told,
  /** The names of those that fit the chosen model, asked anew. */
  async look(anew = true) {
    const checkpoint = studio.form.checkpoint();
    if (!anew && checkpoint === asked) return fit().map((one) => one.name);
    const mine = (turn += 1);
    try {
      const found = await studio.ask("adapters", { checkpoint });
      if (mine === turn) (listed = named(found.adapters)), (asked = checkpoint), redraw();
      return found.adapters.filter((one) => one.fits !== false).map((one) => one.name);
    } catch {
      return []; // the list is loaded again with the next selection
    }
  },
  /** The fold's present value: what is on, by its title. */
  says() {
    const title = (name) => listed.find((one) => one.name === name)?.title ?? name;
    return chosen().map(([name, weight]) => `${title(name)} ${weight}`).join(", ");
  },
};

studio.part("adapters", (it) => {
  const box = it.element.querySelector(".adapters");
  const filter = el("input", { type: "search", className: "adapter-filter", autocomplete: "off", spellcheck: false, hidden: true });
  const unfound = el("small", { className: "adapter-unfound", role: "status" });
  box.before(filter);
  box.after(unfound);
  let drawn = "";

  filter.addEventListener("input", sift);
  filter.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !filter.value) return;
    event.preventDefault();
    event.stopPropagation();
    filter.value = "";
    sift();
  });
  function sift() {
    const words = filter.value.toLowerCase().split(/\s+/);
    for (const each of box.children) each.hidden = !words.every((word) => each.dataset.says.includes(word));
    unfound.textContent = box.children.length && !box.querySelector(".adapter:not([hidden])") ? studio.t("adapter_unfound") : "";
  }

  function write(pairs) {
    studio.type(field(), told(pairs));
    draw();
  }
  function turnOn(name, on) {
    const others = chosen().filter(([other]) => other !== name);
    write(on ? [...others, [name, 1]] : others);
  }
  function weigh(name, weight) {
    const pairs = chosen().map(([other, now]) => [other, other === name ? weight : now]);
    drawn = stamp(rows(pairs), pairs); // keep the row while it is edited
    write(pairs);
  }
  function hear(word) {
    const prompt = studio.form.prompt();
    const text = prompt.value.trim();
    if (!says(text.toLowerCase(), word.toLowerCase())) studio.form.setPrompt(text ? `${text.replace(/[,，]$/, "")}, ${word}` : word);
    prompt.focus();
  }

  function row(one, weight) {
    const on = weight !== undefined;
    const file = one.absent ? one.name : `${one.name}.safetensors`;
    const made = el("div", { className: "adapter", title: file, data: { name: one.name, says: `${one.title}\n${one.name}`.toLowerCase() } });
    const tick = el("input", { type: "checkbox", checked: on, on: { change: () => turnOn(one.name, tick.checked) } });
    const missing = one.absent ? [el("small", { text: studio.t("adapter_missing"), role: "alert" })] : [];
    made.append(el("label", { title: [one.about, file].filter(Boolean).join("\n") }, tick, el("span", { text: one.title })), ...missing);
    if (on) made.append(...weighing(one, weight));
    if (on && one.triggers.length) {
      const chip = (word) => studio.button(word, () => hear(word), { className: "trigger", title: `${studio.t("adapter_word")}: ${word}` });
      const words = one.triggers.slice(0, WORDS).map(chip);
      made.append(el("div", { className: "triggers" }, ...words));
    }
    return made;
  }
  /** A slider and a number that say the same. What is no weight is marked and told, and gone with the focus. */
  function weighing(one, weight) {
    const label = (far) => studio.t("adapter_weight", { name: one.title, least: -far, most: far });
    const input = (type, far) => el("input", { type, min: -far, max: far, step: 0.05, value: weight, aria: { label: label(far) } });
    const [slide, number] = [input("range", FAR), input("number", MOST)];
    const wrong = el("small", { className: "weight-wrong", id: `weight-wrong-${(many += 1)}`, role: "status" });
    number.setAttribute("aria-describedby", wrong.id);
    let last = weight;
    let timer;

    function mark(is) {
      clearTimeout(timer);
      number.setAttribute("aria-invalid", String(is));
      wrong.textContent = is ? studio.t("adapter_weight_wrong", { least: -MOST, most: MOST, weight: last }) : "";
    }
    function hear(typed, other, settled) {
      if (valid(typed)) {
        other.value = typed;
        mark(false);
        if (typed !== last) weigh(one.name, (last = typed));
      } else if (settled) mark(true);
      else clearTimeout(timer), (timer = setTimeout(() => mark(true), WAIT_MS)); // the user may be typing 0.5
    }
    function back() {
      clearTimeout(timer);
      number.setAttribute("aria-invalid", String(!valid(last))); // keep its message readable
      number.value = slide.value = last;
    }
    mark(!valid(last)); // an imported picture may name any adapter
    slide.addEventListener("input", () => (number.value = slide.value));
    slide.addEventListener("change", () => hear(slide.valueAsNumber, number, true));
    number.addEventListener("input", () => hear(number.valueAsNumber, slide, false));
    number.addEventListener("change", () => hear(number.valueAsNumber, slide, true));
    for (const each of [slide, number]) each.addEventListener("blur", back);
    return [el("div", { className: "weighing" }, slide, number), wrong];
  }

  /** What is on comes first, in the order in which it is put on. */
  function rows(pairs) {
    const here = new Map(fit().map((one) => [one.name, one]));
    const on = pairs.map(([name]) => here.get(name) ?? { name, title: name, triggers: [], absent: true });
    return [...on, ...fit().filter((one) => !pairs.some(([name]) => name === one.name))];
  }
  const stamp = (all, pairs) => JSON.stringify([all, pairs, studio.lang]);

  function draw() {
    const pairs = chosen();
    if (field()?.value && !pairs.length) return studio.type(field(), ""); // hidden adapters are not selected
    const all = rows(pairs);
    document.getElementById("form")?.classList.toggle("has-adapters", all.length > 0);
    studio.folds?.();
    const now = stamp(all, pairs);
    if (now === drawn) return;
    drawn = now;
    const at = document.activeElement;
    const [name, kind] = box.contains(at) ? [at.closest(".adapter")?.dataset.name, at.type] : [];
    const weights = new Map(pairs);
    box.replaceChildren(...all.map((one) => row(one, weights.get(one.name))));
    filter.hidden = all.length < MANY;
    filter.placeholder = studio.t("adapter_filter");
    filter.setAttribute("aria-label", filter.placeholder);
    if (filter.hidden) filter.value = "";
    sift();
    const again = [...box.children].find((one) => one.dataset.name === name);
    (again?.querySelector(`[type=${kind}]`) ?? again?.querySelector("[type=checkbox]"))?.focus(); // keep the keyboard focus
  }
  redraw = draw;

  const look = () => studio.ask && studio.form?.checkpoint() && studio.adapters.look(false).then(draw);
  for (const news of ["filled", "reused"]) studio.on(news, () => setTimeout(look, 80)); // the fields update a moment later
  studio.on("state", look);
  studio.on("words", draw);
  document.addEventListener("input", (event) => event.target === field() && draw());
  document.addEventListener("change", (event) => event.target.closest?.("#checkpoint") && setTimeout(look, 80));
  document.addEventListener("click", (event) => event.target.closest?.("#fold-adapters") && studio.adapters.look()); // the files may have changed
  const begin = () => (studio.ask && field() && studio.form.checkpoint() ? look() : setTimeout(begin, 30));
  begin();
});
