// The collections and saved searches with their covers: creating, opening, renaming and deleting them.

import { studio } from "../shared/studio.js";

const { el, t, button } = studio;
const SOON_MS = 250; // pause after a change before the counts are loaded again

/** `open(collection)` shows one, or null all pictures; `query()` is what is searched for now. */
studio.galleryShelf = ({ call, open, query, current }) => {
  const root = el("div", { className: "shelf", hidden: true });
  let all = [];
  let naming = null; // "save" or "rename" while a name is typed
  let field = null; // the field of that name
  let drawing = false;
  let sure = null; // the id of a collection whose deletion awaits confirmation
  let soon = null;

  async function load() {
    try {
      all = (await call("collections", {})).collections;
    } catch (error) {
      studio.excuse(error);
    }
    draw();
  }
  function book(one) {
    const shown = current() === one.id;
    const count = `${studio.count(one.count)}${one.capped ? "+" : ""}`;
    const made = el("button", { type: "button", className: "book", aria: { pressed: String(shown) }, title: one.query ?? one.name, on: { click: () => open(shown ? null : one) } });
    made.append(
      one.cover_url ? el("img", { src: one.cover_url, alt: "", loading: "lazy" }) : el("i", {}),
      el("span", {}, el("b", { text: one.name }), el("small", { text: one.query === null ? count : t("gallery.smart", { n: count }) })),
    );
    return made;
  }
  let shown = null;
  function draw() {
    const now = all.find((one) => one.id === current()) ?? null;
    const typed = query();
    const found = all.map(book);
    const at = now ? all.indexOf(now) + 1 : 0; // the actions stand beside the open collection, else first
    if (naming) found.splice(at, 0, (field ??= name(now)));
    else if (now) {
      found.splice(at, 0, ...deeds(now));
    } else if (typed) found.unshift(button(t("gallery.save_search"), () => ask("save"), { className: "deed" }));
    root.hidden = !found.length;
    const focus = [...root.querySelectorAll("button")].indexOf(document.activeElement);
    drawing = true; // keep the typed name when new data arrives
    root.replaceChildren(...found);
    drawing = false;
    root.setAttribute("aria-label", t("gallery.collections"));
    if (now && now.id !== shown) root.scrollLeft = found[at - 1].offsetLeft - found[0].offsetLeft; // on a phone they form one row
    if (now?.id !== sure) sure = null;
    shown = now?.id ?? null;
    if (naming) root.querySelector("input").focus();
    else if (focus >= 0) root.querySelectorAll("button")[focus]?.focus();
  }
  function deeds(now) {
    const deed = (key, click, rest = {}) => button(t(key), click, { className: "deed", ...rest });
    const again = (id) => ((sure = id), draw());
    if (sure === now.id) return [deed("gallery.give_up_sure", studio.surely(() => giveUp(now)), { className: "deed danger" }), deed("keep", () => again(null))];
    return [deed("gallery.rename", () => ask("rename")), deed("gallery.give_up", () => again(now.id), { title: t("gallery.give_up_title") })];
  }
  function ask(what) {
    naming = what;
    field = null;
    draw();
  }
  function name(now) {
    const typed = el("input", { type: "text", maxLength: 60, value: naming === "rename" ? now.name : "", placeholder: t("gallery.name"), aria: { label: t("gallery.name") } });
    typed.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "Escape") (naming = null), draw(), event.stopPropagation();
      else if (event.key === "Enter" && typed.value.trim()) keep(typed.value.trim(), now);
    });
    typed.addEventListener("blur", () => naming && !drawing && ((naming = null), setTimeout(draw)));
    return typed;
  }
  async function keep(title, now) {
    const saving = naming === "save";
    naming = null;
    try {
      if (saving) open((await call("new_collection", { name: title, query: query() })) ?? null);
      else await call("edit_collection", { collection: now.id, name: title });
    } catch (error) {
      studio.excuse(error);
    }
    load();
  }
  async function giveUp(now) {
    sure = null;
    try {
      await call("delete_collection", { collection: now.id });
      open(null);
      studio.toast(t("gallery.given_up", { name: now.name }));
    } catch (error) {
      studio.excuse(error);
    }
    load();
  }
  /** What the server says now of one that is here. */
  function put(one) {
    all = all.map((other) => (other.id === one.id ? one : other));
    draw();
  }
  /** Counts and covers may be others now. Asked for once, however many tell so at once. */
  function changed() {
    clearTimeout(soon);
    soon = setTimeout(load, SOON_MS);
  }
  return { root, load, put, draw, all: () => all, changed };
};
