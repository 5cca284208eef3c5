// The starting image: a picture of the studio, or a file that is chosen, dropped or pasted; and its strength.
//
// The form's hidden fields `source` and `strength` hold it, so that a draft, Reuse and a dropped picture of ours bring it back; what is
// shown follows from them. Where a model reads pictures, what falls onto the prompt is read instead.

import { studio } from "../shared/studio.js";

const KINDS = ["image/png", "image/jpeg", "image/webp"];
const FRAME = "M20 12V5H4v14h9M4 16l5-5 4 4 3-3 2 2M15.5 9.5h.01M18 16v6M15 19h6";
const USUAL = "0.6";
const value = (id) => studio.form.field(id)?.value ?? "";
const put = (id, text) => studio.type(studio.form.field(id), text);

let row = null; // its renderer, once Create is built
let shown = ""; // the starting image that the row shows or loads
let asked = Promise.resolve(null); // its details
studio.source = { begin, use, file: taken, look: () => row && look() };

/** Begin with a picture of the archive, by its id or its pixels' hash. With `sized`, the form's size becomes one of its shape. */
async function use(source, { strength = USUAL, sized = true } = {}) {
  put("source", source);
  put("strength", String(strength));
  const found = await look();
  if (found && sized) for (const side of ["width", "height"]) put(side, found[side]);
  studio.folds();
  return Boolean(found);
}
/** A file of anybody's: brought in, in private where that is wished, and begun with. */
async function taken(file) {
  if (!file || !KINDS.includes(file.type)) return void studio.toast(studio.t("read_kinds"));
  const hidden = studio.private ? `&private=${encodeURIComponent(studio.private)}` : "";
  row?.place.classList.add("coming");
  try {
    const answer = await fetch(`/media/import?source=1&name=${encodeURIComponent(file.name)}${hidden}`, { method: "POST", body: file, headers: { "Accept-Language": studio.lang } });
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(told.error ?? told.detail ?? studio.t("bring.failed"));
    await use(told.id);
  } catch (error) {
    studio.excuse(error);
  } finally {
    row?.place.classList.remove("coming");
  }
}
function letGo() {
  for (const id of ["source", "strength"]) put(id, "");
  studio.folds();
  studio.form.prompt()?.focus();
}

/** Show what the form begins with; gives it with the size that it suggests. One that is not here is let go, and said. */
function look() {
  const source = value("source");
  row.slide(Number(value("strength") || USUAL));
  if (source === shown) return asked;
  shown = source;
  row.show(null);
  asked = source ? ask(source) : Promise.resolve(null);
  return asked;
}
async function ask(source) {
  try {
    const found = await studio.ask("begin", { source, checkpoint: studio.form.checkpoint(), private: studio.private !== "" });
    if (source === shown) row.show(found);
    return found;
  } catch (error) {
    if (source === shown) letGo(), studio.excuse(error);
    return null;
  }
}

function begin(it) {
  const { el } = studio;
  const card = document.getElementById("ask");
  const file = el("input", { type: "file", accept: KINDS.join(","), hidden: true, tabIndex: -1 });
  file.addEventListener("change", () => (taken(file.files[0]), (file.value = "")));
  const opener = el("button", { type: "button", className: "begin-with", on: { click: () => file.click() } }, studio.symbol(FRAME));
  const image = el("img", { alt: "", width: 56, height: 56 });
  const open = el("button", { type: "button", className: "source-picture", on: { click: () => row.found && studio.emit("open", { id: row.found.picture.id }) } }, image);
  const range = el("input", { type: "range", min: 5, max: 95, step: 5 });
  const far = el("output", {});
  const away = el("button", { type: "button", className: "source-away", on: { click: letGo } }, studio.symbol("M7 7l10 10M17 7L7 17"));
  const place = el("div", { className: "source", role: "group", hidden: true }, open, el("div", {}, far, range), away);
  range.addEventListener("input", () => (put("strength", String(range.value / 100)), row.slide(range.value / 100)));
  it.element.before(place);
  it.element.querySelector(".hint").before(opener, file);

  row = {
    place, found: null,
    show(found) {
      row.found = found;
      place.hidden = !found;
      if (found) image.src = found.picture.thumb_url;
      else image.removeAttribute("src");
    },
    slide(strength) {
      range.value = Math.round(100 * strength);
      far.textContent = studio.t("source_now", { n: Math.round(100 * strength) });
    },
  }; // prettier-ignore
  function say() {
    place.setAttribute("aria-label", studio.t("source"));
    range.setAttribute("aria-label", studio.t("source_far"));
    range.title = studio.t("source_far_hint");
    row.slide(range.value / 100);
    for (const [one, key] of [[opener, "source_open"], [away, "source_away"], [open, "source_see"]]) {
      one.setAttribute("aria-label", studio.t(key));
      one.title = studio.t(key);
    } // prettier-ignore
  }
  studio.on("words", say);
  studio.on("draw-from", ({ id }) => (studio.go("create"), use(id).then((there) => there && studio.toast(studio.t("source_used")))));
  say();
  if (!studio.facts.can_read_pictures) falls(card);
}
/** Pictures that are dropped or pasted onto the prompt. */
function falls(card) {
  studio.dropping(card, taken);
  card.addEventListener("paste", (event) => {
    const first = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
    if (!first || event.clipboardData.types.includes("text/plain")) return; // text copied together with a picture
    event.preventDefault();
    taken(first);
  });
}
