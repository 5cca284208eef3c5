// The collections and saved searches with their covers: creating, opening, renaming and deleting them.

import { button, el, keepFocus, onSingleClick } from "../shared/dom.js";
import { formatTotal } from "../shared/format.js";
import { t } from "../shared/texts.js";
import { orToast, toast } from "../shared/toast.js";

const RELOAD_MS = 250; // pause after a change before the counts are loaded again

/** @typedef {ReturnType<typeof createCollections>} Collections */

/**
 * @param {object} options
 * @param {Call} options.call
 * @param {(collection: Collection | null) => void} options.open shows a collection, or all pictures
 * @param {() => string} options.query the current search
 * @param {() => string | null} options.current the id of the open collection
 */
export function createCollections({ call, open, query, current }) {
  const root = el("div", { className: "shelf", hidden: true });
  /** @type {Collection[]} */
  let all = [];
  /** @type {"save" | "rename" | null} */
  let naming = null;
  /** @type {HTMLInputElement | null} */
  let nameField = null;
  let drawing = false;
  /** @type {string | null} */
  let confirming = null; // the collection whose deletion awaits confirmation
  /** @type {string | null} */
  let scrolledTo = null;
  let reload = 0;

  async function load() {
    all = (await orToast(call("collections")))?.collections ?? all;
    draw();
  }
  /** @param {Collection} collection */
  function tile(collection) {
    const { id, name, query: search, cover_url: cover } = collection;
    const isOpen = current() === id;
    const count = formatTotal({ total: collection.count, capped: collection.capped });
    const click = () => open(isOpen ? null : collection);
    return el("button", { type: "button", className: "book", aria: { pressed: isOpen }, title: search ?? name, on: { click } },
      cover ? el("img", { src: cover, alt: "", loading: "lazy" }) : el("i"),
      el("span", {}, el("b", { text: name }), el("small", { text: search === null ? count : t("gallery.smart", { n: count }) })));
  }
  function draw() {
    const opened = all.find(({ id }) => id === current()) ?? null;
    /** @type {HTMLElement[]} */
    const elements = all.map(tile);
    const index = opened ? all.indexOf(opened) + 1 : 0; // the actions stand beside the open collection
    if (naming) elements.splice(index, 0, (nameField ??= createNameField(opened)));
    else if (opened) elements.splice(index, 0, ...actions(opened));
    else if (query()) elements.unshift(button(t("gallery.save_search"), () => startNaming("save"), { className: "deed" }));
    root.hidden = !elements.length;
    root.setAttribute("aria-label", t("gallery.collections"));
    keepFocus(root, "button", () => {
      drawing = true; // the name field loses its focus without closing
      root.replaceChildren(...elements);
      drawing = false;
    });
    if (opened && opened.id !== scrolledTo) root.scrollLeft = elements[index - 1].offsetLeft - elements[0].offsetLeft; // on a phone they form one row
    if (opened?.id !== confirming) confirming = null;
    scrolledTo = opened?.id ?? null;
    if (naming) nameField?.focus();
  }
  /** @param {Collection} collection */
  function actions(collection) {
    /** @param {string | null} id */
    const confirm = (id) => {
      confirming = id;
      draw();
    };
    if (confirming === collection.id) {
      const remove = onSingleClick(() => removeCollection(collection));
      return [
        button(t("gallery.give_up_sure"), remove, { className: "deed danger" }),
        button(t("keep"), () => confirm(null), { className: "deed" }),
      ];
    }
    return [
      button(t("gallery.rename"), () => startNaming("rename"), { className: "deed" }),
      button(t("gallery.give_up"), () => confirm(collection.id), { className: "deed", title: t("gallery.give_up_title") }),
    ];
  }
  /** @param {"save" | "rename"} what */
  function startNaming(what) {
    naming = what;
    nameField = null;
    draw();
  }
  /** @param {Collection | null} collection */
  function createNameField(collection) {
    const value = naming === "rename" ? collection?.name : "";
    const field = el("input", { type: "text", maxLength: 60, value, placeholder: t("gallery.name"), aria: { label: t("gallery.name") } });
    field.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "Escape") {
        naming = null;
        draw();
        event.stopPropagation();
      } else if (event.key === "Enter" && field.value.trim()) saveName(field.value.trim(), collection);
    });
    field.addEventListener("blur", () => {
      if (!naming || drawing) return;
      naming = null;
      setTimeout(draw);
    });
    return field;
  }
  /**
   * @param {string} name
   * @param {Collection | null} collection
   */
  async function saveName(name, collection) {
    const saving = naming === "save";
    naming = null;
    if (saving) {
      const created = await orToast(call("new_collection", { name, query: query() }));
      if (created) open(created);
    } else await orToast(call("edit_collection", { collection: collection?.id, name }));
    load();
  }
  /** @param {Collection} collection */
  async function removeCollection({ id, name }) {
    confirming = null;
    if (await orToast(call("delete_collection", { collection: id }).then(() => true))) {
      open(null);
      toast(t("gallery.given_up", { name }));
    }
    load();
  }
  /** @param {Collection} collection */
  function replace(collection) {
    all = all.map((other) => (other.id === collection.id ? collection : other));
    draw();
  }
  /** Load counts and covers again after a pause. */
  function reloadSoon() {
    clearTimeout(reload);
    reload = setTimeout(load, RELOAD_MS);
  }
  return { root, load, replace, draw, all: () => all, reloadSoon };
}
