// The grid: cards under their headings, rendered page by page near the viewport. Distant pages are removed.
//
// Which pages there are is gallery-pages.js. Where some above are let go, a space of their height stays, so that nothing moves.
// One card is in the tab order; arrows move among all.

import { studio } from "../shared/studio.js";

const { el, t, icon } = studio;
const NEAR = 900; // px between the viewport and the end of the rendered pages at which the next one is rendered

/** `fetch(cursor)` gives a page or null; `acts` hears of what is done with cards; `shown()` is told after each drawing. */
studio.galleryGrid = ({ fetch, acts, groupOf, shown }) => {
  const list = el("div", { className: "days" });
  const above = el("div", { className: "space", aria: { hidden: "true" } });
  const top = el("div", { className: "edge" });
  const bottom = el("div", { className: "edge" });
  const older = studio.button("", () => down(), { className: "older", hidden: true });
  const root = el("div", { className: "roll" }, above, top, list, bottom, older);
  const pages = studio.galleryPages({ fetch, wanted: () => studio.seen(root), arrived: () => (owed ? down() : look()) });
  let owed = false; // the next page is wanted and has not arrived

  const { items } = pages;
  const made = (id) => list.querySelector(`[data-id="${CSS.escape(id)}"]`);
  const link = (id) => made(id)?.querySelector("a") ?? null;
  const links = () => [...list.querySelectorAll(".card a")];
  const byId = (id) => items().find((item) => item.id === id) ?? null;

  // Pages

  function begin(page) {
    owed = false;
    pages.begin(page);
    above.style.height = "0";
    draw();
  }
  function down() {
    const moved = lay(true);
    owed = moved === null && pages.ends.older;
    if (moved) above.style.height = `${above.offsetHeight - moved}px`; // the rest moved up by the height of what was removed
    return moved !== null;
  }
  function up() {
    const grown = lay(false);
    if (grown === null) return;
    const space = above.offsetHeight;
    above.style.height = `${Math.max(0, pages.ends.newer ? space - grown : 0)}px`;
    const moved = grown - (space - above.offsetHeight);
    if (moved) window.scrollBy(0, moved); // more pages than may be rendered
  }
  /** Lay out the next page that way: how far what stays moved down within the list, or null where no page waits yet. */
  function lay(below) {
    const stays = items().at(below ? -1 : 0)?.id;
    const top = () => (stays ? made(stays).getBoundingClientRect().top - list.getBoundingClientRect().top : 0);
    const before = top();
    if (!pages.take(below)) return null;
    draw();
    again();
    return top() - before;
  }

  // Cards. Existing elements are reused and only new ones are rendered, so that no picture loads again.

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
    const { newer, older: more } = pages.ends;
    const there = [...list.children];
    arrange(list, groups.map((group, at) => section(group, (at > 0 || !newer) && (at < groups.length - 1 || !more), there)));
    older.hidden = !more;
    const focus = active && link(active);
    if (focus && focus !== document.activeElement) focus.focus({ preventScroll: true });
    tabbable(focus || links()[0]);
    shown(all);
  }
  /** A group under its heading; taken from those that are `there` where it is one of them. */
  function section({ key, name, cards }, whole, there) {
    const at = there.findIndex((one) => one.dataset.group === key && one.dataset.name === name);
    const [found] = at < 0 ? [group(key, name)] : there.splice(at, 1);
    arrange(found.lastChild, cards);
    const said = whole ? t(cards.length === 1 ? "gallery.picture" : "gallery.pictures", { n: studio.count(cards.length) }) : "";
    const place = found.querySelector(".day span");
    if (place && place.textContent !== said) place.textContent = said;
    return found;
  }
  function group(key, name) {
    const title = name ? el("h3", { className: "day" }, el("b", { text: name, title: name }), el("span", {})) : null;
    const grid = el("div", { className: "grid", role: "list" });
    return el("section", { aria: { label: name || t("gallery") }, data: { group: key, name } }, title, grid);
  }
  /** Make these the children, in this order; whoever stands right already is not touched. */
  function arrange(parent, wanted) {
    const stay = new Set(wanted);
    for (const child of [...parent.children]) if (!stay.has(child)) child.remove();
    let at = parent.firstChild;
    for (const one of wanted) {
      if (one === at) at = at.nextSibling;
      else parent.insertBefore(one, at);
    }
  }

  function card(item) {
    const facts = [t("seed_n", { n: studio.number(item.seed) }), t("steps_n", { n: item.steps }), item.reasoned ? t("parts.reasoned") : ""];
    const movable = acts.movable();
    const { width, height } = item;
    const image = { src: item.thumb_url, alt: item.original_prompt, width, height, decoding: "async", draggable: !movable };
    const stars = item.rating ? el("i", { className: "rated", text: "●".repeat(item.rating), aria: { hidden: "true" } }) : null;
    const caption = el("span", { className: "caption", aria: { hidden: true } },
      el("b", { text: item.original_prompt }), el("i", { text: facts.filter(Boolean).join(" · ") }), stars);
    const on = { click: (event) => pick(event, item) };
    const open = { href: `?picture=${encodeURIComponent(item.id)}`, tabIndex: -1, draggable: movable, on };
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
    if (event.ctrlKey || event.metaKey || event.button) return; // a new tab, like any link
    event.preventDefault();
    studio.emit("open", { id: item.id });
  }

  // Keyboard

  function tabbable(chosen) {
    for (const other of list.querySelectorAll('.card a[tabindex="0"]')) if (other !== chosen) other.tabIndex = -1;
    if (chosen) chosen.tabIndex = 0;
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
    else if (event.altKey && acts.movable() && event.key === "ArrowLeft") acts.move(item.id, -1);
    else if (event.altKey && acts.movable() && event.key === "ArrowRight") acts.move(item.id, 1);
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

  function move(ids, before) {
    const done = pages.move(ids, before);
    if (done) draw();
    return done;
  }

  const near = (entries) => entries.some((one) => one.isIntersecting) && look();
  for (const edge of [top, bottom]) new IntersectionObserver(near, { rootMargin: `${NEAR}px` }).observe(edge);
  // An edge that stays visible fires no new event: check again after each page and each scroll.
  let looking = 0;
  function again() {
    looking ||= requestAnimationFrame(() => ((looking = 0), look()));
  }
  function look() {
    if (!studio.seen(root)) return;
    if (bottom.getBoundingClientRect().top < window.innerHeight + NEAR && down()) return;
    if (top.getBoundingClientRect().bottom > -NEAR) up();
  }
  window.addEventListener("scroll", again, { passive: true });

  return {
    root, begin, draw, items, byId, link, links, beside, move, down, again,
    put: pages.put, drop: pages.drop, insert: pages.insert, place: pages.place,
    words: () => (older.textContent = t("gallery.older")),
    get short() {
      return pages.count <= 1;
    },
    get ends() {
      return pages.ends;
    },
  }; // prettier-ignore
};
