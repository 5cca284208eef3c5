// The grid: cards under their headings, rendered page by page near the viewport. Distant pages are removed.
//
// A spacer takes the height of removed pages above, so that nothing moves. One card is in the tab order; arrow keys move among all.

import { button, closest, el, find, findAll, focusedData, hasModifier, iconButton, isVisible, lookUp, present, whenShown } from "../shared/dom.js";
import { emit } from "../shared/events.js";
import { formatSeed, pictureCount } from "../shared/format.js";
import { icon } from "../shared/icons.js";
import { currentLanguage, t } from "../shared/texts.js";
import { createPages } from "./pagination.js";

const MARGIN_PX = 900; // between the viewport and the end of the rendered pages at which the next page is rendered
const ROW_TOLERANCE_PX = 4;

/** @typedef {ReturnType<typeof createGrid>} Grid */
/**
 * @typedef {object} GridActions
 * @property {(item: PictureCard) => void} favour
 * @property {(item: PictureCard) => void} remove
 * @property {(item: PictureCard, rating: number) => void} rate
 * @property {(item: PictureCard, event?: MouseEvent | KeyboardEvent) => void} select
 * @property {(from: PictureCard, to: PictureCard) => void} extend
 * @property {(items: PictureCard[]) => void} selectAll
 * @property {(id: string) => boolean} isSelected
 * @property {() => boolean} isSelecting
 * @property {() => boolean} canReorder
 * @property {(id: string, direction: number) => void} move
 */
/** @typedef {{key: string, name: string}} Group */

/**
 * Make these the children in this order. Children that are in place are not touched.
 * @param {Element} parent
 * @param {Element[]} children
 */
function arrange(parent, children) {
  const kept = new Set(children);
  for (const child of [...parent.children]) if (!kept.has(child)) child.remove();
  let next = parent.firstChild;
  for (const child of children) {
    if (child === next) next = next.nextSibling;
    else parent.insertBefore(child, next);
  }
}

/**
 * @param {object} options
 * @param {(cursor: string | null) => Promise<GalleryPage | null>} options.fetch
 * @param {(item: PictureCard) => Group} options.groupOf
 * @param {(items: PictureCard[]) => void} options.onDraw
 * @param {GridActions} options.actions
 */
export function createGrid({ fetch, groupOf, onDraw, actions }) {
  const list = el("div", { className: "days" });
  const spacer = el("div", { className: "space", aria: { hidden: "true" } });
  const top = el("div", { className: "edge" });
  const bottom = el("div", { className: "edge" });
  const older = button("", () => down(), { className: "older", hidden: true });
  const root = el("div", { className: "roll" }, spacer, top, list, bottom, older);
  const pages = createPages({ fetch, isWanted: () => isVisible(root), onReady: () => (awaiting ? down() : fill()) });
  let awaiting = false; // whether the next page is wanted and not ready

  const { items } = pages;
  /** @param {string} id */
  const cardOf = (id) => lookUp(list, `[data-id="${CSS.escape(id)}"]`);
  /** @param {string} id */
  const link = (id) => cardOf(id)?.querySelector("a") ?? null;
  const links = () => [...list.querySelectorAll("a")];
  /** @param {string | undefined} id */
  const byId = (id) => items().find((item) => item.id === id) ?? null;
  /** @param {HTMLElement} element */
  const itemOf = (element) => byId(element.parentElement?.dataset.id);

  // Pages

  /** @param {GalleryPage} page */
  function begin(page) {
    awaiting = false;
    pages.begin(page);
    spacer.style.height = "0";
    draw();
  }
  function down() {
    const moved = showNext(true);
    awaiting = moved === null && pages.hasOlder();
    if (moved) spacer.style.height = `${spacer.offsetHeight - moved}px`; // the rest moved up by the height of what was removed
    return moved !== null;
  }
  function up() {
    const grown = showNext(false);
    if (grown === null) return;
    const space = spacer.offsetHeight;
    spacer.style.height = `${Math.max(0, pages.hasNewer() ? space - grown : 0)}px`;
    const moved = grown - (space - spacer.offsetHeight);
    if (moved) window.scrollBy(0, moved); // there are more pages than may be rendered
  }
  /**
   * Render the next page. Returns how far the remaining cards moved within the list; null if no page is ready.
   * @param {boolean} below
   */
  function showNext(below) {
    const reference = items().at(below ? -1 : 0)?.id;
    const offset = () => {
      const card = reference ? cardOf(reference) : null;
      return card ? card.getBoundingClientRect().top - list.getBoundingClientRect().top : 0;
    };
    const before = offset();
    if (!pages.take(below)) return null;
    draw();
    fillSoon();
    return offset() - before;
  }

  // Cards. Elements of unchanged pictures are reused, so that no image loads again.

  /** @param {PictureCard} item */
  const version = (item) => `${currentLanguage()} ${actions.isSelected(item.id)} ${actions.canReorder()} ${JSON.stringify(item)}`;

  function draw() {
    const active = focusedData(".gallery .card", "id");
    const existing = new Map(findAll(list, ".card").map((card) => [card.dataset.version, card]));
    /** @type {(Group & {cards: HTMLElement[]})[]} */
    const groups = [];
    for (const item of items()) {
      const group = groupOf(item);
      if (groups.at(-1)?.key !== group.key) groups.push({ ...group, cards: [] });
      groups[groups.length - 1].cards.push(existing.get(version(item)) ?? createCard(item));
    }
    const sections = findAll(list, ".days > section");
    const isComplete = (/** @type {number} */ index) => (index > 0 || !pages.hasNewer()) && (index < groups.length - 1 || !pages.hasOlder());
    arrange(list, groups.map((group, index) => section(group, isComplete(index), sections)));
    older.hidden = !pages.hasOlder();
    const focus = active ? link(active) : null;
    if (focus && focus !== document.activeElement) focus.focus({ preventScroll: true });
    makeTabbable(focus ?? links()[0]);
    onDraw(items());
  }
  /**
   * A group under its heading; one of the `existing` sections, if it is the same group.
   * @param {Group & {cards: HTMLElement[]}} group
   * @param {boolean} isComplete whether all its pictures are loaded
   * @param {HTMLElement[]} existing
   */
  function section({ key, name, cards }, isComplete, existing) {
    const index = existing.findIndex(({ dataset }) => dataset.group === key && dataset.name === name);
    const element = index < 0 ? createSection(key, name) : existing.splice(index, 1)[0];
    arrange(find(element, ".grid"), cards);
    const count = lookUp(element, ".day span");
    const text = isComplete ? pictureCount(cards.length) : "";
    if (count && count.textContent !== text) count.textContent = text;
    return element;
  }
  /**
   * @param {string} key
   * @param {string} name
   */
  function createSection(key, name) {
    const title = name ? el("h3", { className: "day" }, el("b", { text: name, title: name }), el("span")) : null;
    return el("section", { aria: { label: name || t("gallery") }, data: { group: key, name } }, title, el("div", { className: "grid", role: "list" }));
  }
  /** @param {PictureCard} item */
  function createCard(item) {
    const { id, original_prompt: prompt, width, height, rating, favourite } = item;
    const draggable = actions.canReorder();
    const selected = actions.isSelected(id);
    const facts = present([t("seed_n", { n: formatSeed(item.seed) }), t("steps_n", { n: item.steps }), item.reasoned ? t("parts.reasoned") : ""]);
    const image = { src: item.thumb_url, alt: prompt, width, height, loading: "lazy", decoding: "async", draggable: !draggable };
    const caption = el("span", { className: "caption", aria: { hidden: true } },
      el("b", { text: prompt }), el("i", { text: facts.join(" · ") }),
      rating ? el("i", { className: "rated", text: "●".repeat(rating), aria: { hidden: "true" } }) : null);
    const on = { click: (/** @type {MouseEvent} */ event) => open(event, item) };
    return el("div", { className: selected ? "card chosen" : "card", role: "listitem", data: { id, version: version(item) } },
      el("a", { href: `?picture=${encodeURIComponent(id)}`, tabIndex: -1, draggable, on }, el("img", image), caption,
        item.missing ? el("span", { className: "gone", text: t("gallery.missing") }) : null),
      iconButton(icon("check"), t("gallery.select"), (event) => actions.select(item, event), { className: "check", tabIndex: -1, aria: { pressed: selected } }),
      iconButton(icon("star"), t("star"), () => actions.favour(item), { className: "star", tabIndex: -1, aria: { pressed: favourite } }));
  }
  /**
   * @param {MouseEvent} event
   * @param {PictureCard} item
   */
  function open(event, item) {
    if (event.shiftKey || actions.isSelecting()) {
      event.preventDefault();
      actions.select(item, event);
      return;
    }
    if (event.ctrlKey || event.metaKey || event.button) return; // opens a tab, as for any link
    event.preventDefault();
    emit("open", { id: item.id });
  }

  // Keyboard

  /** @param {HTMLElement | undefined} active */
  function makeTabbable(active) {
    for (const other of list.querySelectorAll("a")) if (other !== active && other.tabIndex === 0) other.tabIndex = -1;
    if (active) active.tabIndex = 0;
  }
  /**
   * The link that a key moves to.
   * @param {HTMLElement} from
   * @param {string} key
   * @returns {HTMLAnchorElement | undefined}
   */
  function beside(from, key) {
    const all = links();
    const index = all.findIndex((other) => other === from);
    if (key === "ArrowRight") return all[index + 1];
    if (key === "ArrowLeft") return all[index - 1];
    if (key === "Home") return all[0];
    if (key === "End") return all.at(-1);
    const here = from.getBoundingClientRect();
    const direction = key === "ArrowDown" ? 1 : -1;
    const distance = (/** @type {DOMRect} */ box) => direction * (box.top - here.top);
    const boxes = all.map((other) => ({ other, box: other.getBoundingClientRect() })).filter(({ box }) => distance(box) > ROW_TOLERANCE_PX);
    const nearest = Math.min(...boxes.map(({ box }) => distance(box)));
    const row = boxes.filter(({ box }) => distance(box) < nearest + ROW_TOLERANCE_PX);
    return row.sort((a, b) => Math.abs(a.box.left - here.left) - Math.abs(b.box.left - here.left))[0]?.other;
  }
  /**
   * Move the focus by a key, and extend the selection if Shift is pressed.
   * @param {HTMLElement} from
   * @param {PictureCard} item
   * @param {KeyboardEvent} event
   */
  function moveFocus(from, item, event) {
    const to = beside(from, event.key);
    const target = to ? itemOf(to) : null;
    to?.focus();
    if (event.shiftKey && target) actions.extend(item, target);
  }
  list.addEventListener("keydown", (event) => {
    const from = closest(event, ".card a");
    const item = from ? itemOf(from) : null;
    if (!from || !item) return;
    const { key } = event;
    if ((event.ctrlKey || event.metaKey) && key === "a") actions.selectAll(items());
    else if (event.altKey && actions.canReorder() && key === "ArrowLeft") actions.move(item.id, -1);
    else if (event.altKey && actions.canReorder() && key === "ArrowRight") actions.move(item.id, 1);
    else if (hasModifier(event)) return;
    else if (/^(Arrow.*|Home|End)$/.test(key)) moveFocus(from, item, event);
    else if (key === "f") actions.favour(item);
    else if (key === "x" || key === " ") actions.select(item, event);
    else if (/^[0-5]$/.test(key)) actions.rate(item, Number(key));
    else if (key === "Delete") actions.remove(item);
    else return;
    event.preventDefault();
  });
  list.addEventListener("focusin", (event) => {
    const card = closest(event, ".card a");
    if (card) makeTabbable(card);
  });

  // Rendering at the edges. An edge that stays visible fires no new event, so each page and each scroll checks again.

  let frame = 0;
  function fillSoon() {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      fill();
    });
  }
  function fill() {
    if (!isVisible(root)) return;
    if (bottom.getBoundingClientRect().top < window.innerHeight + MARGIN_PX && down()) return;
    if (top.getBoundingClientRect().bottom > -MARGIN_PX) up();
  }
  for (const edge of [top, bottom]) whenShown(edge, fill, { rootMargin: `${MARGIN_PX}px` });
  window.addEventListener("scroll", fillSoon, { passive: true });

  /**
   * @param {string[]} ids
   * @param {string | null} before
   */
  function move(ids, before) {
    const moved = pages.move(ids, before);
    if (moved) draw();
    return moved;
  }
  return {
    root, begin, draw, items, byId, link, links, beside, move, down, fillSoon,
    replace: pages.replace, remove: pages.remove, insert: pages.insert, position: pages.position,
    hasNewer: pages.hasNewer, hasOlder: pages.hasOlder,
    isShort: () => pages.count() <= 1,
    drawTexts: () => (older.textContent = t("gallery.older")),
  }; // prettier-ignore
}
