// What belongs to a picture: its note, its collections and its ancestry.

import { button, el, fitHeight } from "../shared/dom.js";
import { emit } from "../shared/events.js";
import { t } from "../shared/texts.js";
import { orToast } from "../shared/toast.js";
import { ancestryTree } from "./ancestry.js";

const NOTE_MAX = 5000; // characters
const NAME_MAX = 60;

/**
 * @param {string} title
 * @param {...Child} children
 */
export const section = (title, ...children) => el("section", {}, el("h3", { text: title }), ...children);

/**
 * @param {object} options
 * @param {Call} options.call
 * @param {() => Picture} options.current
 * @param {(id: string) => void} options.show opens another picture
 * @param {(values: object) => unknown} options.change
 */
export function createRelated({ call, current, show, change }) {
  /** @type {{id: string, graph: Ancestry} | null} */
  let ancestry = null;
  /** @type {{id: string, all: Collection[], selected: Set<string>} | null} */
  let collections = null;

  function note() {
    const { note: value } = current();
    const field = el("textarea", { className: "pv-noted", rows: 2, maxLength: NOTE_MAX, value, placeholder: t("picture.note_hint"), aria: { label: t("picture.note") } });
    field.addEventListener("input", () => fitHeight(field));
    field.addEventListener("change", () => field.value.trim() !== current().note && change({ note: field.value }));
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) field.blur();
      if (event.key !== "Escape") return;
      field.value = current().note;
      field.blur();
      event.stopPropagation();
      event.preventDefault();
    });
    requestAnimationFrame(() => fitHeight(field));
    return section(t("picture.note"), field);
  }

  // Collections

  function collectionsSection() {
    const element = el("div", { className: "pv-collections" });
    if (collections?.id === current().id) drawCollections(element);
    else loadCollections(element);
    return section(t("gallery.collections"), element);
  }
  /** @param {HTMLElement} element */
  async function loadCollections(element) {
    const { id } = current();
    try {
      const [{ collections: all }, { in: selected }] = [await call("collections"), await call("placed", { id })];
      if (current()?.id !== id) return;
      collections = { id, all: all.filter(({ query }) => query === null), selected: new Set(selected) };
      drawCollections(element);
    } catch {
      // the view works without the collections
    }
  }
  /** @param {HTMLElement} element */
  function drawCollections(element) {
    if (!collections) return;
    const { id, all, selected } = collections;
    const chips = all.map((collection) => {
      const remove = selected.has(collection.id);
      const toggle = () => save(call("collect", { id, collection: collection.id, remove }), element);
      return button(collection.name, toggle, { className: "pv-chip", aria: { pressed: remove } });
    });
    const hint = t("picture.new_collection");
    const field = el("input", { type: "text", maxLength: NAME_MAX, placeholder: hint, aria: { label: hint } });
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing || !field.value.trim()) return;
      event.preventDefault();
      save(call("new_collection", { id, name: field.value.trim() }), element);
    });
    element.replaceChildren(...chips, field);
  }
  /**
   * @param {Promise<unknown>} request
   * @param {HTMLElement} element
   */
  async function save(request, element) {
    await orToast(request);
    loadCollections(element);
  }

  // Ancestry

  function ancestrySection() {
    const { id } = current();
    const element = el("div", { className: "pv-family" });
    const found = section(t("picture.family"), element);
    found.hidden = true;
    const drawTree = () => {
      if (ancestry?.id !== id || ancestry.graph.nodes.length < 2) return;
      found.hidden = false;
      element.replaceChildren(ancestryTree(ancestry.graph, id, show));
    };
    if (ancestry?.id === id) drawTree();
    else loadAncestry(id).then(drawTree);
    return found;
  }
  /** @param {string} id */
  async function loadAncestry(id) {
    try {
      const graph = await call("ancestry", { id });
      if (current()?.id === id) ancestry = { id, graph };
    } catch {
      // the view works without the ancestry
    }
  }
  /** The button that compares the picture with its parent; null if it has none. */
  function compareButton() {
    const { id, parent_id: parent } = current();
    return parent ? button(t("picture.compare_parent"), () => emit("compare", { ids: [parent, id] }), { className: "pv-link" }) : null;
  }

  return { note, collectionsSection, ancestrySection, compareButton };
}
