// Pagination: the rendered pages, and up to two prefetched ones in each direction. Distant pages are dropped. Knows no element.

const SHOWN_MAX = 8; // rendered pages
const AHEAD = 2; // prefetched pages in each direction
const CALM_MS = 300; // pause after a new query before prefetching: the user may be typing

/** @typedef {{items: PictureCard[], previous: string | null, next: string | null, from: string | null}} Page */
/** @typedef {ReturnType<typeof createPages>} Pages */

/**
 * @param {object} options
 * @param {(cursor: string | null) => Promise<GalleryPage | null>} options.fetch
 * @param {() => boolean} options.isWanted whether pages are prefetched now
 * @param {() => void} options.onReady called when a page was prefetched
 */
export function createPages({ fetch, isWanted, onReady }) {
  /** @type {Page[]} */
  let shown = [];
  /** @type {Page[]} */
  let above = []; // prefetched, nearest first
  /** @type {Page[]} */
  let below = [];
  /** @type {{from: string | null, count: number}[]} */
  let dropped = []; // pages above, if the order has no backward cursor
  let era = 0; // answers to requests before a new query are ignored
  let fetching = false;
  let scrollingDown = true;
  let calm = 0;

  const all = () => [...[...above].reverse(), ...shown, ...below];
  const items = () => shown.flatMap((page) => page.items);

  /** @param {GalleryPage} page the first page of a new query */
  function begin(page) {
    era += 1;
    fetching = false;
    scrollingDown = true;
    shown = [{ ...page, from: null }];
    above = [];
    below = [];
    dropped = [];
    clearTimeout(calm);
    calm = setTimeout(prefetch, CALM_MS);
  }

  /**
   * Show the next prefetched page and hide the farthest one. Returns false if none is ready.
   * @param {boolean} down
   */
  function take(down) {
    scrollingDown = down;
    const page = (down ? below : above).shift();
    if (page && down) {
      shown.push(page);
      if (shown.length > SHOWN_MAX) above.unshift(...shown.splice(0, 1));
    } else if (page) {
      shown.unshift(page);
      if (shown.length > SHOWN_MAX) below.unshift(...shown.splice(-1));
    }
    dropDistant();
    prefetch();
    return Boolean(page);
  }
  function dropDistant() {
    below.length = Math.min(below.length, AHEAD);
    while (above.length > AHEAD) {
      const page = above.pop();
      if (page && !above.at(-1)?.previous) dropped.push({ from: page.from, count: page.items.length });
    }
  }

  /**
   * The cursor of the next page in a direction; undefined if there is none.
   * @param {boolean} down
   */
  function cursor(down) {
    const pages = all();
    if (down) return pages.at(-1)?.next ?? undefined;
    return pages[0]?.previous ?? dropped.at(-1)?.from;
  }
  /** @param {boolean} down */
  const wantsPage = (down) => (down ? below : above).length < AHEAD && cursor(down) !== undefined;

  async function prefetch() {
    if (fetching || !shown.length || !isWanted()) return;
    const down = [scrollingDown, !scrollingDown].find(wantsPage);
    if (down === undefined) return;
    const [startEra, from] = [era, cursor(down) ?? null];
    fetching = true;
    const page = await fetch(from);
    if (startEra !== era) return;
    fetching = false;
    if (!page) return; // the next scroll asks again
    if (wantsPage(down) && cursor(down) === from) { // the page before it may have been dropped after a change of direction
      add({ ...page, from }, down);
      onReady();
    }
    prefetch();
  }
  /**
   * @param {Page} page
   * @param {boolean} down
   */
  function add(page, down) {
    const known = new Set(all().flatMap((other) => other.items.map((item) => item.id)));
    const fresh = { ...page, items: page.items.filter((item) => !known.has(item.id)) };
    if (down) return below.push(fresh);
    const first = all()[0];
    if (!first.previous) dropped.pop();
    if (page.items.length) above.push(fresh);
    else first.previous = null; // there is nothing newer
  }

  // Changes of single pictures, also in prefetched pages.

  /** @param {PictureCard} item */
  function replace(item) {
    for (const page of all()) page.items = page.items.map((other) => (other.id === item.id ? item : other));
  }
  /** @param {string} id */
  function remove(id) {
    for (const page of all()) page.items = page.items.filter((item) => item.id !== id);
  }
  /** @param {PictureCard} item */
  function insert(item) {
    const order = (/** @type {PictureCard} */ other) => `${other.created_at} ${other.id}`;
    const pages = all();
    for (const [number, page] of pages.entries()) {
      const index = page.items.findIndex((other) => order(other) < order(item));
      if (index < 0) continue;
      if (index > 0 || number > 0 || !page.previous) page.items.splice(index, 0, item);
      return;
    }
    const last = pages.at(-1);
    if (last && !last.next) last.items.push(item);
  }
  /**
   * Move pictures before another, or to the end for null. The pages keep their lengths. Returns false if nothing changes or a picture is
   * not loaded.
   * @param {string[]} ids
   * @param {string | null} before
   */
  function move(ids, before) {
    const pages = all();
    const old = pages.flatMap((page) => page.items);
    const moved = ids.flatMap((id) => old.filter((item) => item.id === id));
    const list = old.filter((item) => !ids.includes(item.id));
    const index = before === null ? list.length : list.findIndex((item) => item.id === before);
    if (index < 0 || moved.length < ids.length) return false;
    list.splice(index, 0, ...moved);
    if (list.every((item, at) => item === old[at])) return false;
    for (const page of pages) page.items = list.splice(0, page.items.length);
    return true;
  }
  /**
   * The position of a picture in its whole collection, from 1.
   * @param {string} id
   */
  function position(id) {
    const before = dropped.reduce((sum, { count }) => sum + count, 0);
    return before + 1 + all().flatMap((page) => page.items).findIndex((item) => item.id === id);
  }

  return {
    begin, take, items, replace, remove, insert, move, position,
    count: () => shown.length,
    hasNewer: () => above.length > 0 || cursor(false) !== undefined,
    hasOlder: () => below.length > 0 || cursor(true) !== undefined,
  }; // prettier-ignore
}
