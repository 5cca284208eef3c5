// The gallery: the search field, collections, an endless grid, and bulk actions.
//
// Knows what is asked for (`state`) and asks for it; the grid, the shelf, the suggestions and the chosen cards are parts of their own.

import { studio } from "../shared/studio.js";

studio.part("gallery", (it) => {
  const { el, t, button, icon } = studio;
  const PAUSE_MS = 150; // pause between the last key and the search
  const CHIPS = { rated: "rating:>=4", reasoned: "has:enhancement", noted: "has:note" };
  const call = studio.calls(it);
  const home = it.element.querySelector(".gallery");
  const state = { query: "", favourite: false, trash: false, collection: null, smart: false, sort: "newest", total: 0, capped: false, ranked: null, ms: 0, all: null };
  let turn = 0; // the number of the latest request
  let asked = null; // the request whose answer is shown
  let loaded = false;
  let group = "day";
  let telling = false;
  let jumped = false; // whether the list starts at a date, not at the newest

  const search = el("input", { type: "search", id: "gallery-search", autocomplete: "off", spellcheck: false, maxLength: 500 });
  const chips = el("div", { className: "chips", role: "group" });
  const tally = el("span", { className: "tally", role: "status" });
  const nothing = el("p", { className: "nothing", hidden: true });
  const wrong = el("p", { className: "wrong", role: "alert", hidden: true });
  const keys = el("p", { className: "keys" });
  const date = el("input", { type: "date", className: "jump" });
  const sort = el("select", { className: "sort" });
  const grouped = el("select", { className: "grouped" });
  const bring = studio.galleryBring({ home, came: () => (find(), shelf.changed(), studio.emit("changed", {})) });
  const wanted = () => [state.query, state.favourite ? "is:favourite" : ""].filter(Boolean).join(" "); // in the form that users type
  const taking = studio.galleryExport({ state, asked: () => asked });
  const line = el("div", { className: "find", role: "search" }, icon("search"), search, tally);
  const tools = el("div", { className: "tools" }, chips, el("span", { className: "views" }, ...bring.openers, ...taking.openers, date, grouped, sort));

  const shelf = studio.galleryShelf({ call, open: openCollection, query: wanted, current: () => state.collection });
  const order = studio.galleryMove({ call, state, grid: () => grid, offered: ownOrder, chosen: () => chosen.ids(), moved: (one) => (one ? shelf.put(one) : find()) });
  const chosen = studio.gallerySelect({ call, state, asked: () => asked, changed: many, collections: shelf, grid: () => grid, order, weigh: (ids) => trash.ask(ids) });
  const grid = studio.galleryGrid({
    fetch: page,
    groupOf,
    shown,
    acts: {
      favour, remove, rate,
      select: chosen.select, extend: chosen.extend, selectAll: chosen.selectAll, selected: chosen.selected, selecting: chosen.selecting,
      movable: () => order.offered(), move: (id, by) => (order.step(order.group(id), by), chosen.draw()),
    },
  }); // prettier-ignore
  const trash = studio.galleryTrash({ call, state, emptied: () => (chosen.clear(), find()) });
  const suggest = studio.gallerySuggest({ field: search, call, collections: shelf.all, taken: typed });
  const top = el("div", { className: "top" }, el("div", { className: "asked" }, line, suggest.box), wrong, tools, shelf.root, trash.root);
  home.append(top, grid.root, nothing, keys, chosen.bar, order.said);
  order.watch(grid.root);

  // Texts in the current language.

  const has = (token) => state.query.split(/\s+/).includes(token);
  function chip(key, on, click) {
    return button(t(`gallery.${key}`), click, { className: "chip", id: `gallery-${key}`, aria: { pressed: on } });
  }
  function flag(key) {
    return chip(key, state[key], () => {
      state[key] = !state[key];
      chosen.clear();
      words();
      find();
    });
  }
  function token(key) {
    const said = CHIPS[key];
    return chip(key, has(said), () => {
      const rest = search.value.split(/\s+/).filter((one) => one && one !== said);
      search.value = (has(said) ? rest : [...rest, said]).join(" ");
      typed();
    });
  }
  function choices(field, keys, now, label) {
    field.replaceChildren(...keys.map((key) => el("option", { value: key, text: t(`gallery.${label}_${key}`), selected: key === now })));
    field.setAttribute("aria-label", t(`gallery.${label}`));
  }
  function words() {
    search.placeholder = t("gallery.search");
    search.setAttribute("aria-label", t("gallery.search"));
    const focused = chips.contains(document.activeElement) ? document.activeElement.id : null;
    chips.replaceChildren(flag("favourite"), ...Object.keys(CHIPS).map(token), flag("trash"));
    chips.setAttribute("aria-label", t("gallery.filters"));
    if (focused) document.getElementById(focused)?.focus();
    choices(sort, ["newest", "relevance"], state.sort, "sort");
    choices(grouped, ["day", "job", "enhancement"], group, "group");
    date.setAttribute("aria-label", t("gallery.jump"));
    date.title = t("gallery.jump");
    grid.words();
    bring.words();
    chosen.draw();
    shelf.draw();
    heading();
  }

  const pictures = (n) => t(n === 1 ? "gallery.picture" : "gallery.pictures", { n: studio.count(n) });

  function heading() {
    if (!loaded) return;
    trash.draw();
    taking.draw();
    chosen.draw();
    date.hidden = grouped.hidden = ownOrder() || Boolean(state.query && state.sort === "relevance"); // they would have no effect
    sort.hidden = !state.query;
    const found = state.capped ? t("gallery.more_than", { n: studio.count(state.total) }) : studio.count(state.total);
    const filtered = state.query || state.favourite || state.collection;
    const known = filtered && !state.trash && state.all !== null;
    let said = known ? t("gallery.of", { found, all: studio.count(state.all) }) : state.capped ? found : pictures(state.total);
    if (state.ranked !== null && state.total > state.ranked) said += ` · ${t("gallery.ranked", { n: studio.count(state.ranked) })}`;
    tally.textContent = `${said} · ${state.ms < 10 ? state.ms : Math.round(state.ms)} ms`;
  }

  function emptiness() {
    if (jumped && state.total) return "gallery.nothing_so_old";
    if (state.query) return "gallery.nothing_found";
    if (state.trash) return "gallery.trash_empty";
    if (state.collection) return "gallery.collection_empty";
    return state.favourite ? "gallery.no_favourites" : "gallery.no_pictures";
  }

  /** Whether a collection that was put together by hand is shown, all of it and in its own order. */
  function ownOrder() {
    return Boolean(state.collection) && !state.smart && !state.query && !state.favourite && !state.trash;
  }

  /** Under which heading a picture stands: its day, its job, its reasoning; in a collection's own order under none. */
  function groupOf(item) {
    if (ownOrder()) return { key: "", name: "" };
    if (state.sort === "relevance" && state.query) return { key: "", name: "" };
    if (group === "job") return { key: item.job, name: item.original_prompt };
    if (group === "enhancement") return { key: item.enhancement ?? "", name: item.enhancement ? item.original_prompt : t("gallery.unreasoned") };
    const name = studio.day(item.created_at);
    return { key: name, name };
  }
  function shown(all) {
    nothing.hidden = all.length > 0 || !loaded;
    nothing.textContent = t(emptiness());
    keys.hidden = all.length === 0;
    keys.textContent = ownOrder() ? `${t("gallery.keys")} ${t("gallery.keys_move")}` : t("gallery.keys");
    heading();
  }

  // Results. Answers to outdated requests are ignored; further pages belong to the shown request.

  const failed = async (error, query) => {
    if (state.collection) await shelf.load();
    if (state.collection && !shelf.all().some((one) => one.id === state.collection)) return openCollection(null), studio.excuse(error); // it was moved elsewhere
    wrong.textContent = studio.said(error.message); // an invalid filter while typing: keep the previous results
    wrong.hidden = !query;
    if (!query) studio.excuse(error);
  };

  async function find(at = null) {
    const mine = (turn += 1);
    const { query, favourite, trash, collection, sort } = state;
    const question = { query, favourite, trash, collection, sort };
    home.setAttribute("aria-busy", "true");
    try {
      const answer = await call("history", { ...question, cursor: null, at }, { last: true });
      if (!query && !favourite && !trash && !collection) state.all = answer.total;
      if (mine !== turn) return;
      wrong.hidden = true;
      began(answer, question, at);
    } catch (error) {
      if (mine === turn) failed(error, query);
    } finally {
      if (mine === turn) home.removeAttribute("aria-busy");
    }
  }
  function began(answer, question, at) {
    loaded = true;
    asked = question;
    jumped = Boolean(at);
    const { total, capped, ranked, ms } = answer;
    Object.assign(state, { total, capped, ranked, ms });
    grid.begin(answer);
    shelf.draw();
    if (studio.seen(home)) window.scrollTo(0, 0);
    grid.again();
  }
  async function page(cursor) {
    const question = asked;
    try {
      const answer = await call("history", { ...question, cursor });
      return question === asked ? answer : null;
    } catch (error) {
      if (question === asked) failed(error, question.query);
      return null;
    }
  }

  // Reload, if that does not move the view.
  const refresh = () => loaded && studio.seen(home) && !chosen.selecting() && !grid.ends.newer && (grid.short || window.scrollY < 200) && find();

  function openCollection(one) {
    state.collection = one?.id ?? null;
    state.smart = Boolean(one?.query);
    state.trash = false;
    chosen.clear();
    if (one?.query && wanted() === one.query) {
      search.value = state.query = "";
      state.favourite = false;
    }
    words();
    find();
    if (one) shelf.load();
  }

  // Changes, sent to every part.

  const tell = (picture, what) => studio.emit("changed", { id: picture.id, what, picture });
  async function edit(item, values) {
    try {
      tell(await call("edit", { id: item.id, ...values }), "edited");
    } catch (error) {
      studio.excuse(error);
    }
  }
  function favour(item) {
    return chosen.means(item.id) ? chosen.favour() : edit(item, { favourite: !item.favourite });
  }
  function rate(item, rating) {
    return chosen.means(item.id) ? chosen.rate(rating) : edit(item, { rating });
  }

  async function remove(item) {
    if (state.trash) return;
    if (chosen.means(item.id)) return chosen.remove();
    const question = asked;
    const after = grid.beside(grid.link(item.id), "ArrowRight") ?? grid.beside(grid.link(item.id), "ArrowLeft");
    try {
      const gone = await call("delete", { id: item.id });
      after?.focus();
      tell(gone, "deleted");
      studio.toast(t("deleted"), () => undo(item, question));
    } catch (error) {
      studio.excuse(error);
    }
  }
  async function undo(item, question) {
    try {
      tell(await call("restore", { id: item.id }), question === asked ? "undone" : "returned");
      grid.link(item.id)?.focus();
      studio.toast(t("restored"));
    } catch (error) {
      studio.excuse(error);
    }
  }
  /** Many were changed: the cards that came of it; null where not all of them are laid out: what is found may be others now. */
  function many(found, what, ids) {
    if (what !== "edited") shelf.changed();
    if (found === null) {
      studio.emit("changed", {});
      if (what !== "edited" || state.query || state.favourite) find();
      return;
    }
    if (["taken", "purged", "missing"].includes(what)) {
      for (const id of ids) grid.drop(id);
      state.total -= ids.length;
      grid.draw();
      return;
    }
    telling = true; // render the grid once for many changes
    for (const picture of found) tell(picture, what);
    telling = false;
    grid.draw();
  }

  // Update a changed picture in its place, or remove it if it no longer matches.

  studio.on("changed", ({ picture, what }) => {
    if (picture?.private) return;
    if (!loaded || !picture) {
      refresh();
      return;
    }
    const here = Boolean(grid.byId(picture.id));
    const belongs = Boolean(picture.deleted_at) === state.trash && (picture.favourite || !state.favourite);
    const item = slim(picture);
    if (["deleted", "restored", "undone", "returned"].includes(what)) shelf.changed();
    chosen.heard(item, !belongs);
    if (here && belongs) grid.put(item);
    else if (here) {
      grid.drop(item.id);
      state.total -= 1;
    } else if (belongs && (what === "undone" || (["restored", "drawn"].includes(what) && !state.query)) && !state.collection) {
      grid.insert(item);
      state.total += 1;
    } else if (belongs) {
      refresh();
      return;
    }
    if (!state.query && !state.favourite && !state.trash && !state.collection) state.all = state.total;
    if (!telling) grid.draw();
  });

  function slim(picture) {
    const { id, created_at, thumb_url, width, height, seed, steps, favourite, rating, missing, deleted_at, original_prompt, job } = picture;
    const reasoned = picture.reasoned ?? Boolean(picture.enhancement);
    const enhancement = typeof picture.enhancement === "object" ? (picture.enhancement?.id ?? null) : picture.enhancement;
    return { id, created_at, thumb_url, width, height, seed, steps, favourite, rating, missing, deleted_at, original_prompt, job, reasoned, enhancement };
  }

  /** Who is beside a picture here: an id, or null. Asked by the picture's own view. */
  studio.beside = (id, step) => {
    const all = grid.items();
    const at = all.findIndex((item) => item.id === id);
    if (at < 0) return null;
    if (at + step >= all.length - 2) grid.down();
    return all[at + step]?.id ?? null;
  };
  studio.on("closed", ({ id }) => grid.link(id)?.focus());

  // User actions

  let pause = null;
  function typed() {
    clearTimeout(pause);
    pause = setTimeout(() => {
      if (state.query === search.value.trim()) return;
      state.query = search.value.trim();
      chosen.clear();
      if (!state.query) state.sort = "newest";
      words();
      find();
    }, PAUSE_MS);
  }
  search.addEventListener("input", typed);
  search.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" || !grid.links().length) return;
    grid.links()[0].focus();
    event.preventDefault();
  });
  sort.addEventListener("change", () => ((state.sort = sort.value), find()));
  grouped.addEventListener("change", () => ((group = grouped.value), grid.draw()));
  date.addEventListener("change", () => {
    if (!date.value) return void find();
    const end = new Date(`${date.value}T00:00`);
    end.setDate(end.getDate() + 1); // that day's newest picture comes first
    if (!Number.isNaN(end.getTime())) find(end.toISOString());
  });
  document.addEventListener("keydown", (event) => {
    if (studio.room() !== "gallery" || event.isComposing || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape" && chosen.clear()) event.preventDefault();
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) (event.preventDefault(), search.focus());
  });

  new IntersectionObserver((entries) => entries.some((one) => one.isIntersecting) && refresh()).observe(home);
  studio.on("words", () => (words(), loaded && grid.draw()));
  words();
  find();
  shelf.load();
});
