// The strip of the newest pictures, with a tile for the running job. It has one tab stop; arrow keys move within.

import { el, find, findAll, hasModifier } from "../shared/dom.js";
import { percent } from "../shared/format.js";
import { t } from "../shared/texts.js";

const TILES_MAX = 60;
const MARGIN_PX = 8; // of the neighbour that stays visible
const LABEL_MAX = 120; // characters of a prompt that are read out
/** @type {Record<string, number>} */
const STEPS = { ArrowRight: 1, ArrowLeft: -1, Home: -1000, End: 1000 };

/**
 * @param {(id: string | null) => void} pick selects a picture, or null for the running job
 */
export function createStrip(pick) {
  const root = el("div", { className: "strip", role: "group" });
  /** @type {Map<string, HTMLElement>} */
  const tiles = new Map(); // by the picture's id, or "live"
  /** @type {Element | null} */
  let revealed = null;

  /**
   * The tile of a key, created at first.
   * @param {string} key
   * @param {boolean} selected
   * @param {() => HTMLElement} create
   */
  function tile(key, selected, create) {
    const element = tiles.get(key) ?? create();
    tiles.set(key, element);
    element.classList.toggle("on", selected);
    element.tabIndex = selected ? 0 : -1;
    return element;
  }
  /**
   * @param {Picture} picture
   * @param {boolean} selected
   */
  function pictureTile(picture, selected) {
    const image = () => el("img", { src: picture.thumb_url, loading: "lazy", decoding: "async", alt: "" });
    const element = tile(picture.id, selected, () => el("button", { type: "button", className: "tile", on: { click: () => pick(picture.id) } }, image()));
    element.setAttribute("aria-label", t("picture_alt", { prompt: picture.original_prompt.slice(0, LABEL_MAX) }));
    if (selected) element.setAttribute("aria-current", "true");
    else element.removeAttribute("aria-current");
    return element;
  }
  /**
   * @param {string | null} preview
   * @param {number} fraction
   * @param {boolean} selected
   */
  function liveTile(preview, fraction, selected) {
    const create = () => el("button", { type: "button", className: "tile live", on: { click: () => pick(null) } }, el("img", { alt: "" }), el("i"));
    const element = tile("live", selected, create);
    const image = find(element, "img", HTMLImageElement);
    image.hidden = !preview;
    if (preview && image.getAttribute("src") !== preview) image.src = preview;
    element.style.setProperty("--done", percent(fraction));
    element.setAttribute("aria-label", t("drawing"));
    return element;
  }
  /**
   * @param {Picture[]} pictures
   * @param {string | undefined} selectedId
   * @param {{preview: string | null, fraction: number} | null} live the running job
   */
  function draw(pictures, selectedId, live) {
    const list = pictures.slice(0, TILES_MAX).map((picture) => pictureTile(picture, picture.id === selectedId));
    if (live) list.unshift(liveTile(live.preview, live.fraction, selectedId === undefined));
    if (list.length !== root.children.length || list.some((element, index) => root.children[index] !== element)) replaceTiles(list);
    if (list.length && !list.some((element) => element.tabIndex === 0)) list[0].tabIndex = 0;
    root.hidden = list.length === 0;
    const selected = root.querySelector(".on");
    if (selected && selected !== revealed) reveal(selected);
    revealed = selected;
  }
  /** @param {HTMLElement[]} list */
  function replaceTiles(list) {
    const focused = root.contains(document.activeElement) ? document.activeElement : null;
    root.replaceChildren(...list);
    if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
    for (const [key, element] of tiles) if (!list.includes(element)) tiles.delete(key);
  }
  /**
   * Scroll the strip to a tile. The page itself does not scroll.
   * @param {Element} element
   */
  function reveal(element) {
    const [outer, inner] = [root.getBoundingClientRect(), element.getBoundingClientRect()];
    if (inner.left < outer.left) root.scrollLeft += inner.left - outer.left - MARGIN_PX;
    else if (inner.right > outer.right) root.scrollLeft += inner.right - outer.right + MARGIN_PX;
  }
  /**
   * Select the tile so many positions away.
   * @param {number} offset
   * @param {boolean} [focus]
   */
  function step(offset, focus = false) {
    const list = findAll(root, ".tile");
    const index = list.findIndex((element) => element.classList.contains("on"));
    const next = list[Math.max(0, Math.min(list.length - 1, index + offset))];
    if (!next || list[index] === next) return;
    next.click();
    if (focus) next.focus();
  }
  root.addEventListener("keydown", (event) => {
    const offset = STEPS[event.key];
    if (!offset || hasModifier(event)) return;
    event.preventDefault();
    event.stopPropagation();
    step(offset, true);
  });
  return { root, draw, step, drawTexts: () => root.setAttribute("aria-label", t("strip")) };
}
