// Selection: the selected cards, and the bar of bulk actions.

import { studio } from "../shared/studio.js";

const { el, t, button } = studio;
/**
 * `call(name, values)` asks the server, `grid()` gives the grid, `state` is the gallery's and `asked()` the question that it shows the
 * answer of, `order` moves in a collection; `changed(pictures, what, ids)` hears what came of it; `weigh(ids)` tells what deleting for
 * ever takes: a sentence, and whether anything can go.
 */
studio.gallerySelect = ({ call, grid, state, asked, changed, collections, order, weigh }) => {
  const chosen = new Map(); // id -> item
  let last = null; // the start of a range
  let open = ""; // "tag", "collect", "rate", or nothing
  let sure = null; // the summary of a permanent deletion that awaits confirmation
  const packing = el("span", { className: "packing", role: "status" }); // progress of an export or bulk action
  const say = (text) => (packing.textContent = text);
  const bar = el("div", { className: "chosen-bar", role: "toolbar", hidden: true });

  function select(item, event) {
    if (many.busy()) return;
    if (event?.shiftKey && last && last !== item.id) range(last, item.id);
    else if (chosen.has(item.id)) chosen.delete(item.id);
    else chosen.set(item.id, item);
    last = item.id;
    redraw();
  }
  const put = (id) => chosen.set(id, grid().byId(id) ?? chosen.get(id) ?? { id });
  /** All from one to another; who lies between is asked for where one of the two is not laid out any more. */
  async function range(from, to) {
    const between = (all) => {
      const [a, b] = [all.indexOf(from), all.indexOf(to)];
      return a < 0 || b < 0 ? [to] : all.slice(Math.min(a, b), Math.max(a, b) + 1);
    };
    const near = grid().byId(from) && grid().byId(to);
    const ranked = asked().sort === "relevance" && asked().query; // their order differs from `matching`
    const all = near ? grid().items().map((item) => item.id) : ranked ? [] : ((await matching())?.ids ?? []); // prettier-ignore
    between(all).forEach(put);
    redraw();
  }
  /** The ids of all that are found. */
  async function matching() {
    const { query, favourite, trash, collection } = asked();
    try {
      return await call("matching", { query, favourite, trash, collection });
    } catch (error) {
      studio.excuse(error);
      return null;
    }
  }
  function extend(from, to) {
    chosen.set(from.id, from);
    chosen.set(to.id, to);
    last = to.id;
    redraw();
  }
  function selectAll(items) {
    for (const item of items) chosen.set(item.id, item);
    redraw();
  }
  /** All that are found, also where they are not laid out. */
  async function everything() {
    const { ids: all, capped } = (await matching()) ?? { ids: [], capped: false };
    all.forEach(put);
    if (capped) studio.toast(t("gallery.all_capped", { n: studio.count(all.length) }));
    redraw();
  }
  function clear() {
    if (many.busy()) return many.stop(), true;
    if (!chosen.size) return false;
    chosen.clear();
    last = null;
    open = "";
    sure = null;
    redraw();
    return true;
  }
  function redraw() {
    sure = null;
    grid().draw();
    draw();
  }

  // Actions

  const ids = () => [...chosen.keys()];
  const many = studio.galleryMany({
    call, grid, changed,
    knew: know,
    heard: (done, all) => (say(all ? t("gallery.done_of", { n: studio.count(done), all: studio.count(all) }) : ""), draw()),
  }); // prettier-ignore
  /** Keep what is known of those that are chosen; what a filter does not show any more is let go. */
  function know(items) {
    for (const item of items) {
      if (!chosen.has(item.id)) continue;
      if (state.favourite && !item.favourite) chosen.delete(item.id);
      else chosen.set(item.id, item);
    }
  }
  /** What is to be said of a run that did not do all that was meant; nothing where it did. */
  function lacking({ done, missing, stopped, error }, all) {
    return [
      missing.length ? t("gallery.missing_n", { n: studio.count(missing.length) }) : "",
      stopped || (error && done.length) ? t("gallery.stopped_n", { n: studio.count(done.length), all: studio.count(all) }) : "",
      error ? studio.said(error.message) : "",
    ].filter(Boolean);
  }
  async function act(name, values, what, undo = null) {
    const all = ids();
    const near = many.loaded(all);
    const came = await many.run(name, all, values, { what, near });
    for (const id of [...came.missing, ...(undo ? came.done : [])]) chosen.delete(id);
    const said = lacking(came, all.length);
    if (undo && came.done.length) said.unshift(t(undo.said, { n: studio.count(came.done.length) }));
    const back = undo?.act && came.done.length ? undo.act(came.done, near, asked()) : null;
    if (said.length) studio.toast(said.join(" "), back);
    redraw();
    return came;
  }
  /** Bring back what was deleted: into its place, where the same question is still shown. */
  const bringBack = (gone, near, question) => async () => {
    const what = question === asked() ? "undone" : "returned";
    const came = await many.run("restore_many", gone, {}, { what, near: near && question === asked() });
    studio.toast([t("gallery.restored_n", { n: studio.count(came.done.length) }), ...lacking(came, gone.length)].join(" "));
  };
  const favour = (to) => act("edit_many", { favourite: to }, "edited");
  const rate = (rating) => act("edit_many", { rating }, "edited");
  const remove = () => act("delete_many", {}, "deleted", { said: "gallery.deleted_n", act: bringBack });
  const restore = () => act("restore_many", {}, "restored", { said: "gallery.restored_n" });
  async function askFirst() {
    const all = ids();
    try {
      sure = await weigh(all);
    } catch (error) {
      studio.excuse(error);
    }
    if (all.join() !== ids().join()) sure = null; // the selection has changed
    draw();
  }
  async function forEver() {
    const all = ids();
    const came = await many.run("purge", all, {});
    const stay = came.done.length - came.gone; // it belongs to an unfinished job
    changed(stay || !many.loaded(all) ? null : [], "purged", came.done);
    chosen.clear();
    studio.toast([t("gallery.purged_n", { n: studio.count(came.gone) }), ...lacking(came, all.length)].join(" "));
    redraw();
  }
  /** Whether all of them are in it now, or out of it. */
  async function collect(id, remove) {
    const all = ids();
    const came = await many.run("collect", all, { collection: id, remove });
    for (const one of came.missing) chosen.delete(one);
    const name = came.answer?.name ?? collections.all().find((one) => one.id === id)?.name;
    const said = came.done.length && name ? [t(remove ? "gallery.taken_n" : "gallery.collected_n", { n: studio.count(came.done.length), name })] : [];
    studio.toast([...said, ...lacking(came, all.length)].join(" "));
    collections.changed();
    open = "";
    draw();
    return came.error === null;
  }
  async function collectNew(name) {
    await collections.load(); // it may have been created elsewhere
    const there = collections.all().find((one) => one.query === null && one.name.toLowerCase() === name.toLowerCase());
    if (there) return collect(there.id, false);
    try {
      const made = await call("new_collection", { name });
      await collect(made.id, false);
    } catch (error) {
      studio.excuse(error);
    }
  }
  async function takeOut() {
    const all = ids();
    const near = many.loaded(all);
    if (!(await collect(state.collection, true))) return;
    changed(near ? [] : null, "taken", all);
    clear();
  }
  const exported = () => studio.takeAlong("post", { ids: ids().join(",") }, say);

  // The bar

  function toggle(what) {
    open = open === what ? "" : what;
    sure = null;
    draw();
    bar.querySelector(".more-of-it input, .more-of-it button")?.focus();
  }
  function more() {
    if (sure) return el("div", { className: "more-of-it" }, el("p", { role: "alert", text: sure.said }));
    if (open === "rate") {
      const dots = [0, 1, 2, 3, 4, 5].map((n) => button(n ? "●".repeat(n) : t("gallery.unrated"), () => rate(n), { aria: { label: t("picture.rating_n", { n }) } }));
      return el("div", { className: "more-of-it" }, ...dots);
    }
    if (open === "tag") {
      const meant = (typed) => (typed.startsWith("-") ? { remove_tags: [typed.slice(1).trim()] } : { add_tags: [typed] });
      const add = (typed) => act("edit_many", meant(typed), "edited");
      const field = studio.tagField({ call, id: "chosen-tags", hint: t("gallery.tag_hint"), add, minus: true });
      return el("div", { className: "more-of-it" }, field);
    }
    if (open === "collect") {
      const into = collections.all().filter((one) => one.query === null).map((one) => button(one.name, () => collect(one.id, false)));
      const field = el("input", { type: "text", maxLength: 60, placeholder: t("gallery.new_collection"), aria: { label: t("gallery.new_collection") } });
      field.addEventListener("keydown", (event) => event.key === "Enter" && !event.isComposing && field.value.trim() && collectNew(field.value.trim()));
      return el("div", { className: "more-of-it" }, ...into, field);
    }
    return null;
  }
  /** What can be done with pictures of an open collection, and with one of them alone. */
  function within() {
    if (!state.collection || state.smart) return [];
    const way = (key, by) => button(t(key), () => stepped(by), { disabled: !order.can(ids(), by), data: { by } });
    const ways = order.can(ids(), -1) || order.can(ids(), 1) ? [way("gallery.earlier", -1), way("gallery.later", 1)] : [];
    return [...ways, ...(chosen.size === 1 ? [button(t("gallery.cover"), () => cover(ids()[0]))] : [])];
  }
  async function cover(id) {
    try {
      const answer = await call("edit_collection", { collection: state.collection, cover: id });
      collections.put(answer);
      studio.toast(t("gallery.covered", { name: answer.name }));
    } catch (error) {
      studio.excuse(error);
    }
  }
  function stepped(by) {
    order.step(ids(), by);
    draw();
    const [wanted, other] = [by, -by].map((one) => bar.querySelector(`[data-by="${one}"]`));
    (wanted?.disabled ? other : wanted)?.focus(); // at the end only undo is left
  }
  /** One button, or both where some are chosen of which nothing is known here. */
  function stars() {
    const known = [...chosen.values()].map((item) => item.favourite);
    const ways = known.includes(undefined) ? [true, false] : [!known.every(Boolean)];
    return ways.map((to) => button(t(to ? "star" : "unstar"), () => favour(to)));
  }
  function draw() {
    const underWay = many.busy() && packing.textContent; // no other action is possible meanwhile
    bar.hidden = !chosen.size && !underWay;
    document.querySelector(".gallery")?.classList.toggle("selecting", chosen.size > 0);
    if (bar.hidden) return;
    const focus = [...bar.querySelectorAll("button, input")].indexOf(document.activeElement);
    const pressed = (what) => ({ aria: { expanded: String(open === what) } });
    const found = [el("b", { text: t("gallery.chosen", { n: studio.count(chosen.size) }) })];
    if (underWay) return bar.replaceChildren(el("div", { className: "row" }, ...(chosen.size ? found : []), packing, button(t("gallery.stop"), many.stop)));
    if (state.total > chosen.size) found.push(button(t("gallery.all_n", { n: `${studio.count(state.total)}${state.capped ? "+" : ""}` }), everything));
    if (state.trash) found.push(button(t("picture.restore"), restore), ...(sure ? (sure.any ? [button(t("gallery.purge_sure"), studio.surely(forEver), { className: "danger" })] : []) : [button(t("gallery.purge"), askFirst)]));
    else {
      found.push(
        ...stars(),
        button(t("picture.rating"), () => toggle("rate"), pressed("rate")),
        button(t("gallery.tag"), () => toggle("tag"), pressed("tag")),
        button(t("gallery.collect"), () => toggle("collect"), pressed("collect")),
      );
      if (state.collection && !state.smart) found.push(button(t("gallery.take_out"), takeOut));
      found.push(...within());
      if (chosen.size === 2) found.push(button(t("gallery.compare"), () => studio.emit("compare", { ids: ids() })));
      found.push(button(t("gallery.export"), exported), button(t("delete"), remove, { className: "danger" }));
    }
    found.push(button(t("gallery.clear"), clear, { className: "clear" }));
    const rest = more();
    bar.setAttribute("aria-label", t("gallery.chosen", { n: chosen.size }));
    bar.replaceChildren(el("div", { className: "row" }, ...found, packing), ...(rest ? [rest] : []));
    if (focus >= 0) bar.querySelectorAll("button, input")[focus]?.focus();
  }

  /** Keep what is known of chosen pictures true, and let go of those that are gone. */
  function heard(item, gone) {
    if (!chosen.has(item.id)) return;
    if (gone) chosen.delete(item.id);
    else chosen.set(item.id, item);
    requestAnimationFrame(draw);
  }

  /** Whether a key on this card means all that are chosen; then what it does with them. */
  const means = (id) => chosen.size > 1 && chosen.has(id);
  return {
    bar, select, extend, selectAll, clear, draw, heard, ids, means, remove, rate,
    favour: () => favour(![...chosen.values()].every((item) => item.favourite)),
    selected: (id) => chosen.has(id), selecting: () => chosen.size > 0,
  }; // prettier-ignore
};
