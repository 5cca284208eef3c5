// Which cards are chosen, and what is done with all of them at once: a bar at the foot of the gallery.
(() => {
  const { el, t, button } = studio;

  /**
   * `call(name, values)` asks the server, `grid()` gives the grid, `state` is the gallery's, `order` moves in a collection;
   * `changed(pictures, what)` hears what came of it; `weigh(ids)` tells in a sentence what deleting for ever takes.
   */
  studio.gallerySelect = ({ call, grid, state, changed, collections, order, weigh }) => {
    const chosen = new Map(); // id -> item
    let last = null; // where a range begins
    let open = ""; // "tag", "collect", "rate", or nothing
    let sure = ""; // what deleting for ever takes, once somebody has asked for it
    const packing = el("span", { className: "packing", role: "status" }); // how far an export is
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
    async function act(name, values, what, undo = null) {
      const many = ids();
      try {
        const answer = await call(name, { ids: many, ...values });
        changed(answer.items ?? [], what, many);
        if (undo) clear();
        if (undo) studio.toast(t(undo.said, { n: many.length }), undo.act ? () => undo.act(many) : null);
        else draw();
      } catch (error) {
        studio.excuse(error);
      }
    }
    const remove = () =>
      act("delete_many", {}, "deleted", {
        said: "gallery.deleted_n",
        act: async (many) => {
          try {
            changed((await call("restore_many", { ids: many })).items, "restored", many);
            studio.toast(t("gallery.restored_n", { n: many.length }));
          } catch (error) {
            studio.excuse(error);
          }
        },
      });
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
        const answer = await call("collect", { collection: id, ids: ids(), remove });
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
        await call("new_collection", { name, ids: ids() });
        studio.toast(t("gallery.collected_n", { n: chosen.size, name }));
        collections.changed();
        open = "";
        draw();
      } catch (error) {
        studio.excuse(error);
      }
    }
    /** The browser's own download; how far the server is with it is asked by a token. */
    function exported() {
      const token = [...crypto.getRandomValues(new Uint8Array(12))].map((one) => one.toString(16).padStart(2, "0")).join("");
      const form = el("form", { method: "post", action: `/media/export.zip?token=${token}`, target: "_self" });
      form.append(el("input", { type: "hidden", name: "ids", value: ids().join(",") }));
      document.body.append(form);
      form.submit();
      form.remove();
      follow(token);
    }
    async function follow(token) {
      let quiet = 0; // looks without news
      let last = -1;
      for (let ended = false; !ended && quiet < 60; ) {
        await new Promise((done) => setTimeout(done, 500));
        const told = await fetch(`/media/export/progress?token=${token}`).then((answer) => answer.json()).catch(() => null);
        ended = told?.ended ?? false;
        quiet = told && told.done !== last ? 0 : quiet + 1;
        last = told?.done ?? last;
        packing.textContent = told?.total ? t("gallery.exporting", { n: studio.count(told.done), all: studio.count(told.total) }) : "";
      }
      setTimeout(() => (packing.textContent = ""), 4000);
    }

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
    /** What can be done with one picture of an open collection. */
    function alone(id) {
      if (!state.collection || state.smart) return [];
      const way = (key, by) => button(t(key), () => stepped(id, by), { disabled: !order.can(id, by), data: { by } });
      const ways = order.can(id, -1) || order.can(id, 1) ? [way("gallery.earlier", -1), way("gallery.later", 1)] : [];
      return [...ways, button(t("gallery.cover"), () => cover(id))];
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
    function stepped(id, by) {
      order.step(id, by);
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
      if (state.trash) found.push(button(t("picture.restore"), restore), sure ? button(t("gallery.purge_sure"), forEver, { className: "danger" }) : button(t("gallery.purge"), askFirst));
      else {
        found.push(
          button(t(starred ? "unstar" : "star"), () => act("edit_many", { favourite: !starred }, "edited")),
          button(t("picture.rating"), () => toggle("rate"), pressed("rate")),
          button(t("gallery.tag"), () => toggle("tag"), pressed("tag")),
          button(t("gallery.collect"), () => toggle("collect"), pressed("collect")),
        );
        if (state.collection && !state.smart) found.push(button(t("gallery.take_out"), () => collect(state.collection, true).then(() => (changed([], "taken", ids()), clear()))));
        if (chosen.size === 1) found.push(...alone(ids()[0]));
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

    return { bar, select, extend, selectAll, clear, draw, heard, selected: (id) => chosen.has(id), selecting: () => chosen.size > 0 };
  };
})();
