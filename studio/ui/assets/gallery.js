// The history: found as one types, by day, newest first. A card shows its text only while it is pointed at or focused.
studio.part("gallery", (it) => {
  const { el, t, button, icon } = studio;
  const PAUSE_MS = 150; // between the last letter and the search
  const PAGE = 24;
  const call = studio.calls(it);
  const home = it.element.querySelector(".gallery");
  const state = { query: "", favourite: false, trash: false, items: [], next: null, total: 0, capped: false, ms: 0, all: null };
  let turn = 0; // the question that counts: the last one
  let loading = false;
  let loaded = false;

  const search = el("input", { type: "search", id: "gallery-search", autocomplete: "off", spellcheck: false, maxLength: 500 });
  const chips = el("div", { className: "chips", role: "group" });
  const tally = el("span", { className: "tally", role: "status" });
  const list = el("div", { className: "days" });
  const nothing = el("p", { className: "nothing", hidden: true });
  const older = button("", () => more(), { className: "older", hidden: true });
  const keys = el("p", { className: "keys" });
  const line = el("div", { className: "find", role: "search" }, icon("search"), search, chips, tally);
  home.append(el("div", { className: "top" }, line), list, nothing, older, keys);

  // What is said, in the language of now.

  function chip(key) {
    const click = () => {
      state[key] = !state[key];
      words();
      find();
    };
    return button(t(`gallery.${key}`), click, { className: "chip", id: `gallery-${key}`, aria: { pressed: state[key] } });
  }

  function words() {
    search.placeholder = t("gallery.search");
    search.setAttribute("aria-label", t("gallery.search"));
    const focused = chips.contains(document.activeElement) ? document.activeElement.id : null;
    chips.replaceChildren(chip("favourite"), chip("trash"));
    chips.setAttribute("aria-label", t("gallery.filters"));
    if (focused) document.getElementById(focused)?.focus();
    older.textContent = t("gallery.older");
    keys.textContent = t("gallery.keys");
    heading();
  }

  const pictures = (n) => t(n === 1 ? "gallery.picture" : "gallery.pictures", { n: studio.count(n) });

  function heading() {
    if (!loaded) return;
    const found = state.capped ? t("gallery.more_than", { n: studio.count(state.total) }) : studio.count(state.total);
    const filtered = state.query || state.favourite;
    const known = filtered && !state.trash && state.all !== null;
    const said = known ? t("gallery.of", { found, all: studio.count(state.all) }) : state.capped ? found : pictures(state.total);
    tally.textContent = `${said} · ${state.ms < 10 ? state.ms : Math.round(state.ms)} ms`;
  }

  function emptiness() {
    if (state.query) return "gallery.nothing_found";
    if (state.trash) return "gallery.trash_empty";
    return state.favourite ? "gallery.no_favourites" : "gallery.no_pictures";
  }

  // Pages. The answer to anything but the last question is thrown away.

  async function page(cursor) {
    const mine = (turn += 1);
    const { query, favourite, trash } = state;
    loading = true;
    home.setAttribute("aria-busy", "true");
    try {
      const answer = await call("history", { query, favourite, trash, cursor }, { last: true });
      if (!query && !favourite && !trash) state.all = answer.total;
      return mine === turn ? answer : null;
    } catch (error) {
      if (mine === turn) studio.excuse(error);
      return null;
    } finally {
      if (mine === turn) {
        loading = false;
        home.removeAttribute("aria-busy");
      }
    }
  }

  async function find() {
    const answer = await page(null);
    if (!answer) return;
    loaded = true;
    const { items, next, total, capped, ms } = answer;
    Object.assign(state, { items, next, total, capped, ms });
    draw();
  }

  async function more() {
    if (loading || !state.next) return;
    const answer = await page(state.next);
    if (!answer) return;
    const known = new Set(state.items.map((item) => item.id));
    state.items.push(...answer.items.filter((item) => !known.has(item.id)));
    state.next = answer.next;
    draw();
  }

  // Look again, where that takes nobody's place away.
  const refresh = () => loaded && !loading && studio.seen(home) && (state.items.length <= PAGE || window.scrollY < 200) && find();

  // Cards. One that is already in the page is kept, so that its picture does not load again.

  const link = (id) => list.querySelector(`[data-id="${CSS.escape(id)}"] a`);
  const links = () => [...list.querySelectorAll(".card a")];

  function draw() {
    const active = document.activeElement?.closest?.(".gallery .card")?.dataset.id;
    const old = new Map([...list.querySelectorAll(".card")].map((made) => [made.dataset.version, made]));
    const days = [];
    for (const item of state.items) {
      const name = studio.day(item.created_at);
      if (days.at(-1)?.name !== name) days.push({ name, cards: [] });
      days.at(-1).cards.push(old.get(version(item)) ?? card(item));
    }
    list.replaceChildren(...days.map(({ name, cards }, index) => {
      const whole = index < days.length - 1 || !state.next; // a day whose end is not here yet is not counted
      const title = el("h3", { className: "day" }, name, whole ? el("span", { text: pictures(cards.length) }) : null);
      return el("section", { aria: { label: name } }, title, el("div", { className: "grid", role: "list" }, ...cards));
    }));
    older.hidden = !state.next;
    nothing.hidden = state.items.length > 0;
    nothing.textContent = t(emptiness());
    keys.hidden = state.items.length === 0;
    heading();
    const focus = active && link(active);
    if (focus) focus.focus({ preventScroll: true });
    tabbable(focus || links()[0]);
  }

  const version = (item) => `${studio.lang} ${JSON.stringify(item)}`;

  function card(item) {
    const facts = [t("seed_n", { n: studio.number(item.seed) }), t("steps_n", { n: item.steps }), item.reasoned ? t("parts.reasoned") : ""];
    const image = { src: item.thumb_url, alt: item.original_prompt, width: item.width, height: item.height, decoding: "async" };
    const caption = el("span", { className: "caption", aria: { hidden: true } },
      el("b", { text: item.original_prompt }), el("i", { text: facts.filter(Boolean).join(" · ") }));
    const open = { href: `?picture=${encodeURIComponent(item.id)}`, tabIndex: -1, on: { click: (event) => pick(event, item) } };
    const star = { type: "button", className: "star", tabIndex: -1, title: t("star"), on: { click: () => favour(item) } };
    return el("div", { className: "card", role: "listitem", data: { id: item.id, version: version(item) } },
      el("a", open, el("img", { loading: "lazy", ...image }), caption),
      el("button", { ...star, aria: { pressed: item.favourite, label: t("star") } }, icon("star")));
  }

  function pick(event, item) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return; // a new tab, as with any link
    event.preventDefault();
    studio.emit("open", { id: item.id });
  }

  // Keyboard: one card is in the tab order, arrows move among all.

  function tabbable(chosen) {
    for (const other of links()) other.tabIndex = other === chosen ? 0 : -1;
  }

  function beside(from, key) {
    const all = links();
    const at = all.indexOf(from);
    if (key === "ArrowRight") return all[at + 1];
    if (key === "ArrowLeft") return all[at - 1];
    if (key === "Home") return all[0];
    if (key === "End") return all.at(-1);
    const here = from.getBoundingClientRect();
    const way = key === "ArrowDown" ? 1 : -1;
    const rows = all.map((other) => ({ other, box: other.getBoundingClientRect() })).filter(({ box }) => way * (box.top - here.top) > 4);
    const near = Math.min(...rows.map(({ box }) => Math.abs(box.top - here.top)));
    const row = rows.filter(({ box }) => Math.abs(box.top - here.top) < near + 4);
    return row.sort((a, b) => Math.abs(a.box.left - here.left) - Math.abs(b.box.left - here.left))[0]?.other;
  }

  list.addEventListener("keydown", (event) => {
    const from = event.target.closest(".card a");
    if (!from || event.ctrlKey || event.metaKey || event.altKey) return;
    const item = state.items.find(({ id }) => id === from.parentElement.dataset.id);
    if (/^(Arrow.*|Home|End)$/.test(event.key)) beside(from, event.key)?.focus();
    else if (event.key === "f") favour(item);
    else if (event.key === "Delete" && !state.trash) remove(item);
    else return;
    event.preventDefault();
  });
  list.addEventListener("focusin", (event) => event.target.matches(".card a") && tabbable(event.target));
  search.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" || !links().length) return;
    links()[0].focus();
    event.preventDefault();
  });

  // Changes, told to every part.

  const tell = (picture, what) => studio.emit("changed", { id: picture.id, what, picture });

  async function favour(item) {
    try {
      tell(await call("edit", { id: item.id, favourite: !item.favourite }), "edited");
    } catch (error) {
      studio.excuse(error);
    }
  }

  async function remove(item) {
    const after = beside(link(item.id), "ArrowRight") ?? beside(link(item.id), "ArrowLeft");
    try {
      const gone = await call("delete", { id: item.id });
      after?.focus();
      tell(gone, "deleted");
      studio.toast(t("deleted"), () => undo(item));
    } catch (error) {
      studio.excuse(error);
    }
  }

  async function undo(item) {
    try {
      tell(await call("restore", { id: item.id }), "restored");
      link(item.id)?.focus();
      studio.toast(t("restored"));
    } catch (error) {
      studio.excuse(error);
    }
  }

  // Keep the page true when a picture changed anywhere: in its place if it belongs here, gone if it does not.

  studio.on("changed", ({ picture, what }) => {
    if (!loaded || !picture) {
      refresh();
      return;
    }
    const at = state.items.findIndex(({ id }) => id === picture.id);
    const belongs = Boolean(picture.deleted_at) === state.trash && (picture.favourite || !state.favourite);
    if (at >= 0 && belongs) {
      state.items[at] = slim(picture);
    } else if (at >= 0) {
      state.items.splice(at, 1);
      state.total -= 1;
    } else if (belongs && (what === "restored" || (what === "drawn" && !state.query))) {
      insert(slim(picture));
      state.total += 1;
    } else if (belongs) {
      refresh();
      return;
    }
    if (!state.query && !state.favourite && !state.trash) state.all = state.total;
    draw();
  });

  function slim(picture) {
    const { id, created_at, thumb_url, width, height, seed, steps, favourite, deleted_at, original_prompt } = picture;
    const reasoned = picture.reasoned ?? Boolean(picture.enhancement);
    return { id, created_at, thumb_url, width, height, seed, steps, favourite, deleted_at, original_prompt, reasoned };
  }

  function insert(item) {
    const order = (one) => `${one.created_at} ${one.id}`;
    const at = state.items.findIndex((other) => order(other) < order(item));
    if (at >= 0) state.items.splice(at, 0, item);
    else if (!state.next) state.items.push(item);
  }

  /** Who is beside a picture here: an id, or null. Asked by the picture's own view. */
  studio.beside = (id, step) => {
    const at = state.items.findIndex((item) => item.id === id);
    if (at < 0) return null;
    if (at + step >= state.items.length - 2) more();
    return state.items[at + step]?.id ?? null;
  };
  studio.on("closed", ({ id }) => link(id)?.focus());

  let pause = null;
  search.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(() => {
      if (state.query === search.value.trim()) return;
      state.query = search.value.trim();
      find();
    }, PAUSE_MS);
  });
  const watch = (target, act, margin = "0px") =>
    new IntersectionObserver((entries) => entries.some((one) => one.isIntersecting) && act(), { rootMargin: margin }).observe(target);
  watch(older, more, "600px");
  watch(home, refresh);
  studio.on("words", () => (words(), loaded && draw()));
  words();
  find();
});
