// Pagination: the rendered pages, and up to two prefetched ones in each direction.
//
// Whatever the archive holds, no more than that is kept. One page is asked for at a time. Knows no element of the page.

import { studio } from "../shared/studio.js";

const SHOWN = 8; // rendered pages
const AHEAD = 2; // prefetched pages in each direction
const CALM_MS = 300; // pause after a new query before prefetching: the user may be typing

/** `fetch(cursor)` gives a page or null; `wanted()` tells whether anybody looks; `arrived()` hears that a page waits. */
studio.galleryPages = ({ fetch, wanted, arrived }) => {
  let shown = []; // [{items, previous, next, from}] in order
  let above = []; // prefetched pages, nearest first
  let below = [];
  let trail = []; // {from, count} of removed pages above, if the order has no backward cursor
  let era = 0; // answers to requests before a new query are ignored
  let asking = false;
  let downwards = true; // the scroll direction
  let calm = null;

  const all = () => [...[...above].reverse(), ...shown, ...below];
  const items = () => shown.flatMap((page) => page.items);

  function begin(page) {
    era += 1;
    asking = false;
    downwards = true;
    shown = page ? [{ ...page, from: null }] : [];
    above = [];
    below = [];
    trail = [];
    clearTimeout(calm);
    calm = setTimeout(ask, CALM_MS);
  }

  /** The next page that way comes among those that are laid out, the farthest goes; false where none waits yet: it is asked for. */
  function take(down) {
    downwards = down;
    const page = (down ? below : above).shift();
    if (page && down) {
      shown.push(page);
      if (shown.length > SHOWN) above.unshift(shown.shift());
    } else if (page) {
      shown.unshift(page);
      if (shown.length > SHOWN) below.unshift(shown.pop());
    }
    letGo();
    ask();
    return Boolean(page);
  }
  function letGo() {
    below.length = Math.min(below.length, AHEAD);
    while (above.length > AHEAD) {
      const gone = above.pop();
      if (!above.at(-1).previous) trail.push({ from: gone.from, count: gone.items.length });
    }
  }

  /** The cursor of the next page that way, undefined where there is none. */
  function cursor(down) {
    const pages = all();
    if (down) return pages.at(-1)?.next ?? undefined;
    return pages[0]?.previous ?? trail.at(-1)?.from;
  }
  const room = (down) => (down ? below : above).length < AHEAD && cursor(down) !== undefined;

  async function ask() {
    if (asking || !shown.length || !wanted()) return;
    const down = [downwards, !downwards].find(room);
    if (down === undefined) return;
    const [mine, from] = [era, cursor(down)];
    asking = true;
    const page = await fetch(from);
    if (mine !== era) return;
    asking = false;
    if (!page) return; // the next scroll asks again
    const fits = room(down) && cursor(down) === from; // the page before it may have been removed after a change of direction
    if (fits) keep({ ...page, from }, down);
    if (fits) arrived();
    ask();
  }
  function keep(page, down) {
    const known = new Set(all().flatMap((other) => other.items.map((item) => item.id)));
    const fresh = { ...page, items: page.items.filter((item) => !known.has(item.id)) };
    if (down) below.push(fresh);
    else {
      const first = all()[0];
      if (!first.previous) trail.pop();
      if (page.items.length) above.push(fresh);
      else first.previous = null; // there is nothing newer
    }
  }

  // Changes of single pictures in place, also in prefetched pages.

  function put(item) {
    for (const page of all()) {
      const at = page.items.findIndex(({ id }) => id === item.id);
      if (at >= 0) page.items[at] = item;
    }
  }
  function drop(id) {
    for (const page of all()) page.items = page.items.filter((item) => item.id !== id);
  }
  function insert(item) {
    const order = (one) => `${one.created_at} ${one.id}`;
    const pages = all();
    for (const [number, page] of pages.entries()) {
      const at = page.items.findIndex((other) => order(other) < order(item));
      if (at < 0) continue;
      if (at > 0 || number > 0 || !page.previous) page.items.splice(at, 0, item);
      return;
    }
    if (pages.length && !pages.at(-1).next) pages.at(-1).items.push(item);
  }
  /** Some before another of them, or with null behind all; false where they stand there already or one is not here. Pages keep their lengths. */
  function move(ids, before) {
    const pages = all();
    const old = pages.flatMap((page) => page.items);
    const moved = ids.map((id) => old.find((item) => item.id === id));
    const list = old.filter((item) => !ids.includes(item.id));
    const to = before === null ? list.length : list.findIndex((item) => item.id === before);
    if (to < 0 || moved.includes(undefined)) return false;
    list.splice(to, 0, ...moved);
    if (list.every((item, at) => item === old[at])) return false;
    for (const page of pages) page.items = list.splice(0, page.items.length);
    return true;
  }
  /** Which one it is in the whole of a collection, from 1 on. */
  function place(id) {
    const before = trail.reduce((sum, { count }) => sum + count, 0);
    return before + 1 + all().flatMap((page) => page.items).findIndex((item) => item.id === id);
  }

  return {
    begin, take, items, put, drop, insert, move, place,
    get count() {
      return shown.length;
    },
    get ends() {
      return { newer: above.length > 0 || cursor(false) !== undefined, older: below.length > 0 || cursor(true) !== undefined };
    },
  }; // prettier-ignore
};
