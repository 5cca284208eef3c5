// The grid of the gallery: pages of cards, some in sight, the others fetched when somebody comes near; what is far away is let go.
//
// At most WINDOW pages are in the page, whatever the archive holds. Where pages above are let go, a space of their height stays, so that
// nothing moves. One card is in the tab order; arrows move among all.
(() => {
  const { el, t, icon } = studio;
  const WINDOW = 8; // pages
  const NEAR = "900px";

  /** `fetch(cursor)` gives a page or null; `acts` hears of what is done with cards; `shown()` is told after each drawing. */
  studio.galleryGrid = ({ fetch, acts, groupOf, shown }) => {
    const list = el("div", { className: "days" });
    const above = el("div", { className: "space", aria: { hidden: "true" } });
    const top = el("div", { className: "edge" });
    const bottom = el("div", { className: "edge" });
    const older = studio.button("", () => down(), { className: "older", hidden: true });
    const root = el("div", { className: "roll" }, above, top, list, bottom, older);
    let pages = []; // [{items, previous, next}], newest first
    let busy = false;
    let era = 0; // pages that were asked for before another beginning count no more

    const items = () => pages.flatMap((page) => page.items);
    const link = (id) => list.querySelector(`[data-id="${CSS.escape(id)}"] a`);
    const links = () => [...list.querySelectorAll(".card a")];
    const byId = (id) => items().find((item) => item.id === id) ?? null;

    // Pages

    function begin(page) {
      era += 1;
      busy = false;
      pages = page ? [page] : [];
      above.style.height = "0";
      draw();
    }
    async function down() {
      const next = pages.at(-1)?.next;
      if (busy || !next) return;
      const page = await near(next);
      if (!page) return;
      pages.push(page);
      if (pages.length > WINDOW) pages.shift();
      const gone = -shift(draw);
      above.style.height = `${above.offsetHeight + gone}px`;
      again();
    }
    async function up() {
      const previous = pages[0]?.previous;
      if (busy || !previous) return;
      const page = await near(previous);
      if (!page) return;
      if (!page.items.length) {
        pages[0].previous = null;
        return;
      }
      pages.unshift(page);
      if (pages.length > WINDOW) pages.pop();
      const grown = shift(draw);
      const space = above.offsetHeight;
      above.style.height = `${Math.max(0, page.previous ? space - grown : 0)}px`;
      const moved = grown - (space - above.offsetHeight);
      if (moved) window.scrollBy(0, moved); // more came than there was room for
      again();
    }
    /** How far what stays moves down within the list while `change` happens: the height of what came above it, or went. */
    function shift(change) {
      const id = items().find((item) => link(item.id))?.id; // `pages` is changed already, the page is not
      const top = () => link(id).getBoundingClientRect().top - list.getBoundingClientRect().top;
      const before = id ? top() : 0;
      change();
      return id ? top() - before : 0;
    }
    async function near(cursor) {
      busy = true;
      const mine = era;
      try {
        const page = await fetch(cursor);
        if (!page || mine !== era) return null;
        const known = new Set(items().map((item) => item.id));
        return { ...page, items: page.items.filter((item) => !known.has(item.id)) };
      } finally {
        if (mine === era) busy = false;
      }
    }

    // Cards. One that is already in the page is kept, so that its picture does not load again.

    const version = (item) => `${studio.lang} ${acts.selected(item.id)} ${acts.movable()} ${JSON.stringify(item)}`;

    function draw() {
      const active = document.activeElement?.closest?.(".gallery .card")?.dataset.id;
      const old = new Map([...list.querySelectorAll(".card")].map((made) => [made.dataset.version, made]));
      const all = items();
      const groups = [];
      for (const item of all) {
        const { key, name } = groupOf(item);
        if (groups.at(-1)?.key !== key) groups.push({ key, name, cards: [] });
        groups.at(-1).cards.push(old.get(version(item)) ?? card(item));
      }
      const ends = { first: Boolean(pages[0]?.previous), last: Boolean(pages.at(-1)?.next) };
      list.replaceChildren(...groups.map((group, at) => section(group, (at > 0 || !ends.first) && (at < groups.length - 1 || !ends.last))));
      older.hidden = !ends.last;
      const focus = active && link(active);
      if (focus) focus.focus({ preventScroll: true });
      tabbable(focus || links()[0]);
      shown(all);
    }
    function section({ name, cards }, whole) {
      const said = whole ? el("span", { text: t(cards.length === 1 ? "gallery.picture" : "gallery.pictures", { n: studio.count(cards.length) }) }) : null;
      const title = name ? el("h3", { className: "day" }, el("b", { text: name, title: name }), said) : null;
      return el("section", { aria: { label: name || t("gallery") } }, title, el("div", { className: "grid", role: "list" }, ...cards));
    }

    function card(item) {
      const facts = [t("seed_n", { n: studio.number(item.seed) }), t("steps_n", { n: item.steps }), item.reasoned ? t("parts.reasoned") : ""];
      const image = { src: item.thumb_url, alt: item.original_prompt, width: item.width, height: item.height, decoding: "async", draggable: !acts.movable() };
      const stars = item.rating ? el("i", { className: "rated", text: "●".repeat(item.rating), aria: { hidden: "true" } }) : null;
      const caption = el("span", { className: "caption", aria: { hidden: true } },
        el("b", { text: item.original_prompt }), el("i", { text: facts.filter(Boolean).join(" · ") }), stars);
      const open = { href: `?picture=${encodeURIComponent(item.id)}`, tabIndex: -1, draggable: acts.movable(), on: { click: (event) => pick(event, item) } };
      const star = { type: "button", className: "star", tabIndex: -1, title: t("star"), on: { click: () => acts.favour(item) } };
      const chosen = acts.selected(item.id);
      const check = { type: "button", className: "check", tabIndex: -1, title: t("gallery.select"), on: { click: (event) => acts.select(item, event) } };
      const gone = item.missing ? el("span", { className: "gone", text: t("gallery.missing") }) : null;
      return el("div", { className: chosen ? "card chosen" : "card", role: "listitem", data: { id: item.id, version: version(item) } },
        el("a", open, el("img", { loading: "lazy", ...image }), caption, gone),
        el("button", { ...check, aria: { pressed: chosen, label: t("gallery.select") } }, icon("check")),
        el("button", { ...star, aria: { pressed: item.favourite, label: t("star") } }, icon("star")));
    }
    function pick(event, item) {
      if (event.shiftKey || acts.selecting()) {
        event.preventDefault();
        acts.select(item, event);
        return;
      }
      if (event.ctrlKey || event.metaKey || event.button) return; // a new tab, as with any link
      event.preventDefault();
      studio.emit("open", { id: item.id });
    }

    // Keyboard

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
      if (!from) return;
      const item = byId(from.parentElement.dataset.id);
      if ((event.ctrlKey || event.metaKey) && event.key === "a") acts.selectAll(items());
      else if (event.altKey && acts.movable() && /^Arrow(Left|Right)$/.test(event.key)) acts.move(item.id, event.key === "ArrowLeft" ? -1 : 1);
      else if (event.ctrlKey || event.metaKey || event.altKey) return;
      else if (/^(Arrow.*|Home|End)$/.test(event.key)) {
        const to = beside(from, event.key);
        to?.focus();
        if (event.shiftKey && to) acts.extend(item, byId(to.parentElement.dataset.id));
      } else if (event.key === "f") acts.favour(item);
      else if (event.key === "x" || event.key === " ") acts.select(item, event);
      else if (/^[0-5]$/.test(event.key)) acts.rate(item, Number(event.key));
      else if (event.key === "Delete") acts.remove(item);
      else return;
      event.preventDefault();
    });
    list.addEventListener("focusin", (event) => event.target.matches(".card a") && tabbable(event.target));

    // Changes of single pictures: in their places.

    function put(item) {
      for (const page of pages) {
        const at = page.items.findIndex(({ id }) => id === item.id);
        if (at >= 0) page.items[at] = item;
      }
    }
    function drop(id) {
      for (const page of pages) page.items = page.items.filter((item) => item.id !== id);
    }
    /** One before another of them, or with null behind all; false where it stands there already or one is not here. Each page keeps its length. */
    function move(id, before) {
      const all = items();
      const from = all.findIndex((item) => item.id === id);
      const [moved] = from < 0 ? [] : all.splice(from, 1);
      const to = before === null ? all.length : all.findIndex((item) => item.id === before);
      if (!moved || to < 0 || to === from) return false;
      all.splice(to, 0, moved);
      for (const page of pages) page.items = all.splice(0, page.items.length);
      draw();
      return true;
    }
    const place = (id) => items().findIndex((item) => item.id === id) + 1;
    function insert(item) {
      const order = (one) => `${one.created_at} ${one.id}`;
      for (const [number, page] of pages.entries()) {
        const at = page.items.findIndex((other) => order(other) < order(item));
        if (at < 0) continue;
        if (at > 0 || number > 0 || !page.previous) page.items.splice(at, 0, item);
        return;
      }
      if (pages.length && !pages.at(-1).next) pages.at(-1).items.push(item);
    }

    const watch = (target, act) =>
      new IntersectionObserver((entries) => entries.some((one) => one.isIntersecting) && act(), { rootMargin: NEAR }).observe(target);
    watch(bottom, down);
    watch(top, up);
    // An edge that stays in sight, as on a tall screen, tells nothing anew: look again after each page.
    let looked = null;
    function again() {
      clearTimeout(looked);
      looked = setTimeout(() => {
        if (!studio.seen(root)) return;
        if (bottom.getBoundingClientRect().top < window.innerHeight + 900) down();
        if (top.getBoundingClientRect().bottom > -900) up();
      }, 60);
    }
    window.addEventListener("scroll", again, { passive: true });

    return {
      root, begin, draw, items, byId, link, links, beside, put, drop, insert, move, place, down, again,
      words: () => (older.textContent = t("gallery.older")),
      get short() {
        return pages.length <= 1;
      },
      get ends() {
        return { newer: Boolean(pages[0]?.previous), older: Boolean(pages.at(-1)?.next) };
      },
    }; // prettier-ignore
  };
})();
