// Which cards are chosen, and what is done with all of them at once: a bar at the foot of the gallery.
(() => {
  const { el, t, button } = studio;
  const ROUND = 250; // pictures that are asked for at once

  /**
   * `call(name, values)` asks the server, `grid()` gives the grid, `state` is the gallery's and `asked()` the question that it shows the answer of, `order` moves in a collection;
   * `changed(pictures, what)` hears what came of it; `weigh(ids)` tells in a sentence what deleting for ever takes.
   */
  studio.gallerySelect = ({ call, grid, state, asked, changed, collections, order, weigh }) => {
    const chosen = new Map(); // id -> item
    let last = null; // where a range begins
    let open = ""; // "tag", "collect", "rate", or nothing
    let sure = ""; // what deleting for ever takes, once somebody has asked for it
    const packing = el("span", { className: "packing", role: "status" }); // how far an export is, or a change of many
    const say = (text) => (packing.textContent = text);
    const bar = el("div", { className: "chosen-bar", role: "toolbar", hidden: true });

    function select(item, event) {
      if (event?.shiftKey && last && last !== item.id) range(last, item.id);
      else if (chosen.has(item.id)) chosen.delete(item.id);
      else chosen.set(item.id, item);
      last = item.id;
      redraw();
    }
    function range(from, to) {
      const all = grid().items();
      const [a, b] = [from, to].map((id) => all.findIndex((item) => item.id === id));
      if (a < 0 || b < 0) return;
      for (const item of all.slice(Math.min(a, b), Math.max(a, b) + 1)) chosen.set(item.id, item);
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
      try {
        const { query, favourite, trash, collection } = asked();
        const { ids, capped } = await call("matching", { query, favourite, trash, collection });
        for (const id of ids) chosen.set(id, grid().byId(id) ?? chosen.get(id) ?? { id });
        if (capped) studio.toast(t("gallery.all_capped", { n: studio.count(ids.length) }));
      } catch (error) {
        studio.excuse(error);
      }
      redraw();
    }
    function clear() {
      if (!chosen.size) return false;
      chosen.clear();
      last = null;
      open = "";
      sure = "";
      redraw();
      return true;
    }
    function redraw() {
      sure = "";
      grid().draw();
      draw();
    }

    // What is done

    const ids = () => [...chosen.keys()];
    const loaded = (many) => many.every((id) => grid().byId(id));

    /** Ask for the same of all of them, so many at a time; what is done by then is told, also where it ends with an error. */
    async function inRounds(name, many, values, what = "", near = loaded(many)) {
      let done = 0;
      try {
        while (done < many.length) {
          const round = many.slice(done, done + ROUND);
          const answer = await call(name, { ids: round, ...values });
          done += round.length;
          const items = answer.items ?? [];
          for (const item of items) if (chosen.has(item.id)) chosen.set(item.id, item);
          if (what) changed(near ? items : items.filter((item) => grid().byId(item.id)), what, round);
          if (many.length > ROUND) say(t("gallery.done_of", { n: studio.count(done), all: studio.count(many.length) }));
          if (done >= many.length) return answer;
        }
      } finally {
        say("");
        if (!near && what) changed(null, what, many);
      }
    }
    async function act(name, values, what, undo = null) {
      const many = ids();
      const near = loaded(many);
      try {
        await inRounds(name, many, values, what, near);
        if (undo) clear();
        if (undo) studio.toast(t(undo.said, { n: many.length }), undo.act ? () => undo.act(many, near) : null);
        else draw();
      } catch (error) {
        studio.excuse(error);
      }
    }
    async function bringBack(many, near) {
      try {
        await inRounds("restore_many", many, {}, "restored", near);
        studio.toast(t("gallery.restored_n", { n: many.length }));
      } catch (error) {
        studio.excuse(error);
      }
    }
    const remove = () => act("delete_many", {}, "deleted", { said: "gallery.deleted_n", act: bringBack });
    const restore = () => act("restore_many", {}, "restored", { said: "gallery.restored_n" });
    const forEver = () => act("purge", {}, "purged", { said: "gallery.purged_n" });
    async function askFirst() {
      const many = ids();
      try {
        sure = await weigh(many);
      } catch (error) {
        studio.excuse(error);
      }
      if (many.join() !== ids().join()) sure = ""; // others are chosen by now
      draw();
    }
    async function collect(id, remove) {
      try {
        const answer = await inRounds("collect", ids(), { collection: id, remove });
        studio.toast(t(remove ? "gallery.taken_n" : "gallery.collected_n", { n: chosen.size, name: answer.name }));
        collections.changed();
        open = "";
        draw();
      } catch (error) {
        studio.excuse(error);
      }
    }
    async function collectNew(name) {
      const there = collections.all().find((one) => one.query === null && one.name.toLowerCase() === name.toLowerCase());
      if (there) return collect(there.id, false);
      try {
        const made = await call("new_collection", { name });
        await collect(made.id, false);
      } catch (error) {
        studio.excuse(error);
      }
    }
    const exported = () => studio.takeAlong("post", { ids: ids().join(",") }, say);

    // The bar

    function toggle(what) {
      open = open === what ? "" : what;
      sure = "";
      draw();
      bar.querySelector(".more-of-it input, .more-of-it button")?.focus();
    }
    function more() {
      if (sure) return el("div", { className: "more-of-it" }, el("p", { role: "alert", text: sure }));
      if (open === "rate") {
        const dots = [0, 1, 2, 3, 4, 5].map((n) => button(n ? "●".repeat(n) : t("gallery.unrated"), () => act("edit_many", { rating: n }, "edited"), { aria: { label: t("picture.rating_n", { n }) } }));
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
      (wanted?.disabled ? other : wanted)?.focus(); // at the end only the way back is left
    }
    function draw() {
      bar.hidden = !chosen.size;
      document.querySelector(".gallery")?.classList.toggle("selecting", chosen.size > 0);
      if (bar.hidden) return;
      const focus = [...bar.querySelectorAll("button, input")].indexOf(document.activeElement);
      const pressed = (what) => ({ aria: { expanded: String(open === what) } });
      const starred = [...chosen.values()].every((item) => item.favourite);
      const found = [el("b", { text: t("gallery.chosen", { n: studio.count(chosen.size) }) })];
      if (state.total > chosen.size) found.push(button(t("gallery.all_n", { n: `${studio.count(state.total)}${state.capped ? "+" : ""}` }), everything));
      if (state.trash) found.push(button(t("picture.restore"), restore), sure ? button(t("gallery.purge_sure"), forEver, { className: "danger" }) : button(t("gallery.purge"), askFirst));
      else {
        found.push(
          button(t(starred ? "unstar" : "star"), () => act("edit_many", { favourite: !starred }, "edited")),
          button(t("picture.rating"), () => toggle("rate"), pressed("rate")),
          button(t("gallery.tag"), () => toggle("tag"), pressed("tag")),
          button(t("gallery.collect"), () => toggle("collect"), pressed("collect")),
        );
        if (state.collection && !state.smart) found.push(button(t("gallery.take_out"), () => collect(state.collection, true).then(() => (changed(loaded(ids()) ? [] : null, "taken", ids()), clear()))));
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

    return { bar, select, extend, selectAll, clear, draw, heard, ids, selected: (id) => chosen.has(id), selecting: () => chosen.size > 0 };
  };
})();
