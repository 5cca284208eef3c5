// The Gallery view: the search field, filters, and the changes of pictures. Grid, collections, selection, trash, import and export are
// modules of their own.

import { component } from "../shared/components.js";
import { button, closest, currentView, el, find, hasModifier, isVisible, lookUp, whenShown } from "../shared/dom.js";
import { emit, on } from "../shared/events.js";
import { formatCount, formatDay, pictureCount } from "../shared/format.js";
import { icon } from "../shared/icons.js";
import { createChannel } from "../shared/server.js";
import { localize, t } from "../shared/texts.js";
import { errorText, toastError } from "../shared/toast.js";
import { createCardActions } from "./card_actions.js";
import { createCollections } from "./collections.js";
import { createExport } from "./export.js";
import { createGrid } from "./grid.js";
import { createImport } from "./import.js";
import { createReorder } from "./reorder.js";
import { createSelection } from "./selection.js";
import { setNeighbours } from "./neighbours.js";
import { suggestFilters } from "./suggest.js";
import { createTrash } from "./trash.js";

const TYPING_MS = 150; // pause after the last key before the search
const TOP_PX = 200; // the gallery reloads by itself only near its top
const FILTER_CHIPS = { rated: "rating:>=4", reasoned: "has:enhancement", noted: "has:note" };
const REMOVED = ["taken", "purged", "missing"]; // changes after which a picture is not in the results any more

/**
 * The fields of a card.
 * @param {Picture | PictureCard} picture
 * @returns {PictureCard}
 */
function cardOf(picture) {
  const { id, created_at, thumb_url, width, height, seed, steps, favourite, rating, missing, deleted_at, original_prompt, job } = picture;
  const reasoned = "reasoned" in picture ? picture.reasoned : Boolean(picture.enhancement);
  const enhancement = typeof picture.enhancement === "string" ? picture.enhancement : (picture.enhancement?.id ?? null);
  return { id, created_at, thumb_url, width, height, seed, steps, favourite, rating, missing, deleted_at, original_prompt, job, reasoned, enhancement };
}

component("gallery", (it) => {
  const call = createChannel(it);
  const view = find(it.element, ".gallery");
  /** @type {GalleryState} */
  const state = { query: "", favourite: false, trash: false, collection: null, smart: false, sort: "newest", total: 0, capped: false, ranked: null, ms: 0, all: null };
  let latest = 0; // number of the latest request
  /** @type {GalleryQuery | null} */
  let shownQuery = null; // the query whose results are shown
  let group = "day";
  let isBatch = false; // the grid is drawn once after a batch of changes
  let jumped = false; // whether the list starts at a date

  const search = el("input", { type: "search", id: "gallery-search", autocomplete: "off", spellcheck: false, maxLength: 500 });
  const chips = el("div", { className: "chips", role: "group" });
  const tally = el("span", { className: "tally", role: "status" });
  const nothing = el("p", { className: "nothing", hidden: true });
  const fault = el("p", { className: "wrong", role: "alert", hidden: true });
  const keys = el("p", { className: "keys" });
  const date = el("input", { type: "date", className: "jump" });
  const sort = el("select", { className: "sort" });
  const grouping = el("select", { className: "grouped" });

  const collections = createCollections({ call, open: openCollection, query: typedQuery, current: () => state.collection });
  const reorder = createReorder({
    call, state, grid: () => grid, isAllowed: isOwnOrder, selected: () => selection.ids(),
    onMove: (collection) => (collection ? collections.replace(collection) : load()),
  }); // prettier-ignore
  const selection = createSelection({ call, state, shownQuery: () => shownQuery, onChange: onBulkChange, collections, grid: () => grid, reorder });
  const grid = createGrid({
    fetch: loadPage, groupOf, onDraw,
    actions: {
      ...createCardActions({ call, state, shownQuery: () => shownQuery, grid: () => grid, selection }),
      select: selection.select, extend: selection.extend, selectAll: selection.selectAll,
      isSelected: selection.isSelected, isSelecting: selection.isSelecting,
      canReorder: reorder.isAllowed, move: (id, direction) => (reorder.step(reorder.groupOf(id), direction), selection.draw()),
    },
  }); // prettier-ignore
  const trash = createTrash({ call, state, onEmptied: () => (selection.clear(), load()) });
  const importer = createImport({ home: view, onImport: () => (load(), collections.reloadSoon(), emit("changed")) });
  const exporter = createExport(state, () => shownQuery);
  const suggestions = suggestFilters({ field: search, call, collections: collections.all, onAccept: onType });
  const line = el("div", { className: "find", role: "search" }, icon("search"), search, tally);
  const tools = el("div", { className: "tools" }, chips, el("span", { className: "views" }, ...importer.elements, ...exporter.elements, date, grouping, sort));
  const top = el("div", { className: "top" }, el("div", { className: "asked" }, line, suggestions.list), fault, tools, collections.root, trash.root);
  view.append(top, grid.root, nothing, keys, selection.bar, reorder.announcement);
  reorder.enableDragging(grid.root);

  // Controls

  /**
   * @param {string} key
   * @param {boolean} pressed
   * @param {() => void} click
   */
  const chip = (key, pressed, click) => button(t(`gallery.${key}`), click, { className: "chip", id: `gallery-${key}`, aria: { pressed } });
  /** @param {"favourite" | "trash"} key */
  function flagChip(key) {
    return chip(key, state[key], () => {
      state[key] = !state[key];
      selection.clear();
      drawControls();
      load();
    });
  }
  /** @param {[string, string]} filter */
  function filterChip([key, filter]) {
    const pressed = state.query.split(/\s+/).includes(filter);
    return chip(key, pressed, () => {
      const others = search.value.split(/\s+/).filter((word) => word && word !== filter);
      search.value = (pressed ? others : [...others, filter]).join(" ");
      onType();
    });
  }
  /**
   * @param {HTMLSelectElement} field
   * @param {string[]} values
   * @param {string} selected
   * @param {string} label
   */
  function drawOptions(field, values, selected, label) {
    field.replaceChildren(...values.map((value) => el("option", { value, text: t(`gallery.${label}_${value}`), selected: value === selected })));
    field.setAttribute("aria-label", t(`gallery.${label}`));
  }
  function drawControls() {
    search.placeholder = t("gallery.search");
    search.setAttribute("aria-label", t("gallery.search"));
    const focused = chips.contains(document.activeElement) ? document.activeElement?.id : null;
    chips.replaceChildren(flagChip("favourite"), ...Object.entries(FILTER_CHIPS).map(filterChip), flagChip("trash"));
    chips.setAttribute("aria-label", t("gallery.filters"));
    if (focused) document.getElementById(focused)?.focus();
    drawOptions(sort, ["newest", "relevance"], state.sort, "sort");
    drawOptions(grouping, ["day", "job", "enhancement"], group, "group");
    date.setAttribute("aria-label", t("gallery.jump"));
    date.title = t("gallery.jump");
    grid.drawTexts();
    importer.drawTexts();
    selection.draw();
    collections.draw();
    drawTally();
  }
  function drawTally() {
    if (!shownQuery) return;
    trash.draw();
    exporter.draw();
    selection.draw();
    date.hidden = grouping.hidden = isOwnOrder() || Boolean(state.query && state.sort === "relevance"); // they would have no effect
    sort.hidden = !state.query;
    const { total, capped, ranked, all, ms } = state;
    const found = capped ? t("gallery.more_than", { n: formatCount(total) }) : formatCount(total);
    const isFiltered = state.query || state.favourite || state.collection;
    let text = capped ? found : pictureCount(total);
    if (isFiltered && !state.trash && all !== null) text = t("gallery.of", { found, all: formatCount(all) });
    if (ranked !== null && total > ranked) text += ` · ${t("gallery.ranked", { n: formatCount(ranked) })}`;
    tally.textContent = `${text} · ${ms < 10 ? ms : Math.round(ms)} ms`;
  }
  function emptyText() {
    if (jumped && state.total) return t("gallery.nothing_so_old");
    if (state.query) return t("gallery.nothing_found");
    if (state.trash) return t("gallery.trash_empty");
    if (state.collection) return t("gallery.collection_empty");
    return t(state.favourite ? "gallery.no_favourites" : "gallery.no_pictures");
  }
  /** The query with the favourite filter as users type it. */
  function typedQuery() {
    return [state.query, state.favourite ? "is:favourite" : ""].filter(Boolean).join(" ");
  }
  /** Whether a whole collection is shown in its own order. */
  function isOwnOrder() {
    return Boolean(state.collection) && !state.smart && !state.query && !state.favourite && !state.trash;
  }
  /**
   * The heading of a picture: its day, job or enhancement; none in a collection's own order.
   * @param {PictureCard} item
   */
  function groupOf(item) {
    if (isOwnOrder() || (state.sort === "relevance" && state.query)) return { key: "", name: "" };
    if (group === "job") return { key: item.job, name: item.original_prompt };
    if (group === "enhancement") return { key: item.enhancement ?? "", name: item.enhancement ? item.original_prompt : t("gallery.unreasoned") };
    const name = formatDay(item.created_at);
    return { key: name, name };
  }
  /** @param {PictureCard[]} items */
  function onDraw(items) {
    nothing.hidden = items.length > 0 || !shownQuery;
    nothing.textContent = emptyText();
    keys.hidden = items.length === 0;
    keys.textContent = isOwnOrder() ? `${t("gallery.keys")} ${t("gallery.keys_move")}` : t("gallery.keys");
    drawTally();
  }

  // Results. Answers to outdated requests are ignored; further pages belong to the shown query.

  /**
   * @param {unknown} error
   * @param {string} query
   */
  async function onFault(error, query) {
    if (state.collection) await collections.load();
    if (state.collection && !collections.all().some(({ id }) => id === state.collection)) { // another window has deleted it
      openCollection(null);
      return toastError(error);
    }
    fault.textContent = localize(errorText(error)); // an invalid filter while typing: keep the previous results
    fault.hidden = !query;
    if (!query) toastError(error);
  }
  /** @param {string | null} [at] a time from which the list starts */
  async function load(at = null) {
    const number = (latest += 1);
    const { query, favourite, trash, collection, sort } = state;
    const asked = { query, favourite, trash, collection, sort };
    view.setAttribute("aria-busy", "true");
    try {
      const answer = await call("history", { ...asked, cursor: null, at }, { last: true });
      if (!query && !favourite && !trash && !collection) state.all = answer.total;
      if (number !== latest) return;
      fault.hidden = true;
      show(answer, asked, at);
    } catch (error) {
      if (number === latest) onFault(error, query);
    } finally {
      if (number === latest) view.removeAttribute("aria-busy");
    }
  }
  /**
   * @param {GalleryPage} answer
   * @param {GalleryQuery} query
   * @param {string | null} at
   */
  function show(answer, query, at) {
    shownQuery = query;
    jumped = Boolean(at);
    const { total, capped, ranked, ms } = answer;
    Object.assign(state, { total, capped, ranked, ms });
    grid.begin(answer);
    collections.draw();
    if (isVisible(view)) window.scrollTo(0, 0);
    grid.fillSoon();
  }
  /** @param {string | null} cursor */
  async function loadPage(cursor) {
    const query = shownQuery;
    try {
      const answer = await call("history", { ...query, cursor });
      return query === shownQuery ? answer : null;
    } catch (error) {
      if (query && query === shownQuery) onFault(error, query.query);
      return null;
    }
  }
  /** Reload, unless that would move the view. */
  function refresh() {
    if (!shownQuery || !isVisible(view) || selection.isSelecting() || grid.hasNewer()) return;
    if (grid.isShort() || window.scrollY < TOP_PX) load();
  }
  /** @param {Collection | null} collection */
  function openCollection(collection) {
    const savedSearch = collection?.query ?? null;
    Object.assign(state, { collection: collection?.id ?? null, smart: Boolean(savedSearch), trash: false });
    selection.clear();
    if (savedSearch && typedQuery() === savedSearch) {
      search.value = state.query = "";
      state.favourite = false;
    }
    drawControls();
    load();
    if (collection) collections.load();
  }

  // Changes

  /**
   * @param {PictureCard[] | null} pictures null if some are not in the grid: the results may be others now
   * @param {string} what
   * @param {string[]} ids
   */
  function onBulkChange(pictures, what, ids) {
    if (what !== "edited") collections.reloadSoon();
    if (pictures === null) {
      emit("changed");
      if (what !== "edited" || state.query || state.favourite) load();
      return;
    }
    if (REMOVED.includes(what)) {
      for (const id of ids) grid.remove(id);
      state.total -= ids.length;
    } else {
      isBatch = true;
      for (const picture of pictures) emit("changed", { id: picture.id, what: /** @type {PictureChange} */ (what), picture });
      isBatch = false;
    }
    grid.draw();
  }

  // Changes anywhere on the page: update the picture in its place, or remove it if it no longer matches.

  on("changed", ({ picture, what = "found" }) => {
    if (picture && "private" in picture && picture.private) return;
    if (!shownQuery || !picture) return refresh();
    const isHere = Boolean(grid.byId(picture.id));
    const matches = Boolean(picture.deleted_at) === state.trash && (picture.favourite || !state.favourite);
    const isNew = what === "undone" || (["restored", "drawn"].includes(what) && !state.query);
    const item = cardOf(picture);
    if (["deleted", "restored", "undone", "returned"].includes(what)) collections.reloadSoon();
    selection.onPictureChange(item, !matches);
    if (isHere && matches) grid.replace(item);
    else if (isHere) {
      grid.remove(item.id);
      state.total -= 1;
    } else if (matches && isNew && !state.collection) {
      grid.insert(item);
      state.total += 1;
    } else if (matches) return refresh();
    if (!state.query && !state.favourite && !state.trash && !state.collection) state.all = state.total;
    if (!isBatch) grid.draw();
  });
  on("closed", ({ id }) => id && grid.link(id)?.focus());
  setNeighbours((id, step) => {
    const items = grid.items();
    const index = items.findIndex((item) => item.id === id);
    if (index < 0) return null;
    if (index + step >= items.length - 2) grid.down();
    return items[index + step]?.id ?? null;
  });

  // Input

  let typing = 0;
  function onType() {
    clearTimeout(typing);
    typing = setTimeout(() => {
      if (state.query === search.value.trim()) return;
      state.query = search.value.trim();
      selection.clear();
      if (!state.query) state.sort = "newest";
      drawControls();
      load();
    }, TYPING_MS);
  }
  search.addEventListener("input", onType);
  search.addEventListener("keydown", (event) => {
    const first = grid.links()[0];
    if (event.key !== "ArrowDown" || !first) return;
    first.focus();
    event.preventDefault();
  });
  sort.addEventListener("change", () => {
    state.sort = sort.value;
    load();
  });
  grouping.addEventListener("change", () => {
    group = grouping.value;
    grid.draw();
  });
  date.addEventListener("change", () => {
    if (!date.value) return void load();
    const end = new Date(`${date.value}T00:00`);
    end.setDate(end.getDate() + 1); // the list starts with the newest picture of that day
    if (!Number.isNaN(end.getTime())) load(end.toISOString());
  });
  document.addEventListener("keydown", (event) => {
    if (currentView() !== "gallery" || event.isComposing || lookUp(document, "dialog[open]")) return;
    if (event.key === "Escape" && selection.clear()) event.preventDefault();
    const isTyping = closest(event, "input, textarea, select, [contenteditable]");
    if (event.key !== "/" || isTyping || hasModifier(event)) return;
    event.preventDefault();
    search.focus();
  });

  whenShown(view, refresh);
  on("words", () => {
    drawControls();
    if (shownQuery) grid.draw();
  });
  drawControls();
  load();
  collections.load();
});
