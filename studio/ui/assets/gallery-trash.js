// The trash: what stands over it, and how it is emptied, which is the one act that cannot be undone.
//
// It is emptied page by page, so that what is gone can be told, and so that leaving the page leaves the rest where it is.
(() => {
  const { el, t, button } = studio;

  /** What `purge` would do, in a sentence: how many, how much, and what that takes from pictures that stay. */
  const told = ({ gone, bytes, leaning }) =>
    [t("gallery.purge_told", { n: studio.count(gone), size: studio.size(bytes) }), ...(leaning ? [t("gallery.purge_leaning", { n: studio.count(leaning) })] : [])].join(" ");

  /** `emptied()` hears that all is gone that could go. Gives the line over the trash, and `ask(ids)`: that sentence of some pictures. */
  studio.galleryTrash = ({ call, state, emptied }) => {
    const root = el("div", { className: "trash-line", role: "status", hidden: true });
    let question = ""; // the sentence that waits for yes or no
    let gone = null; // how many, while it is being emptied
    let all = 0;

    const ask = async (ids) => told(await call("purge", { ids, dry_run: true }));

    async function first() {
      try {
        const answer = await call("purge", { ids: null, dry_run: true });
        all = answer.gone;
        question = told(answer);
      } catch (error) {
        studio.excuse(error);
      }
      draw();
      root.querySelector(".no")?.focus();
    }
    function no() {
      question = "";
      draw();
      root.querySelector("button")?.focus();
    }
    async function yes() {
      question = "";
      gone = 0;
      draw();
      try {
        for (let cursor = null, more = true; more; more = cursor !== null) {
          const page = await call("history", { trash: true, cursor });
          if (page.items.length) gone += (await call("purge", { ids: page.items.map((one) => one.id) })).gone;
          cursor = page.next;
          draw();
        }
        studio.toast(t("gallery.purged_n", { n: gone }));
      } catch (error) {
        studio.excuse(error);
      }
      gone = null;
      draw();
      emptied();
    }
    function draw() {
      root.hidden = !state.trash || (!state.total && gone === null);
      if (root.hidden) return (question = ""), undefined;
      if (gone !== null) root.replaceChildren(el("span", { text: t("gallery.purging", { n: studio.count(gone), all: studio.count(Math.max(all, gone)) }) }));
      else if (question) root.replaceChildren(el("span", { text: question }), button(t("gallery.purge_yes"), yes, { className: "danger" }), button(t("keep"), no, { className: "no" }));
      else root.replaceChildren(el("span", { text: t("gallery.trash_days") }), button(t("gallery.trash_now"), first));
    }
    return { root, draw, ask };
  };
})();
