// The trash: its summary, and emptying it, which is permanent.
//
// What goes is what was there when it was weighed, and nothing that was thrown away since. It goes some hundred at a time, so that
// what is gone can be told and the rest can stay.

import { studio } from "../shared/studio.js";

const { el, t, button } = studio;

/** What would go, in a sentence: how many, how much, and what that takes from pictures that stay. */
const told = ({ gone, bytes, leaning, staying }) =>
  [
    gone ? t("gallery.purge_told", { n: studio.count(gone), size: studio.size(bytes) }) : "",
    leaning ? t("gallery.purge_leaning", { n: studio.count(leaning) }) : "",
    staying ? t("gallery.purge_staying", { n: studio.count(staying) }) : "",
  ].filter(Boolean).join(" "); // prettier-ignore

/** `emptied()` hears that all is gone that could go. Gives the line over the trash, and `ask(ids)`: what would go of some pictures. */
studio.galleryTrash = ({ call, state, emptied }) => {
  const root = el("div", { className: "trash-line", role: "status", hidden: true });
  let asked = null; // the summary that awaits confirmation
  let gone = null; // the number removed so far
  let stopped = false;

  async function ask(ids) {
    const answer = await call("weigh", { ids });
    return { said: told(answer), any: answer.gone > 0, ...answer };
  }
  async function first() {
    try {
      asked = await ask(null);
    } catch (error) {
      studio.excuse(error);
    }
    draw();
    root.querySelector(".no")?.focus();
  }
  function no() {
    asked = null;
    draw();
    root.querySelector("button")?.focus();
  }
  async function yes() {
    const { until, gone: all } = asked;
    asked = null;
    gone = 0;
    stopped = false;
    try {
      for (let more = true; more && !stopped; ) {
        draw(all);
        const answer = await call("empty_trash", { until });
        gone += answer.gone;
        more = answer.gone > 0;
      }
      studio.toast(t("gallery.purged_n", { n: studio.count(gone) }));
    } catch (error) {
      studio.excuse(error);
    }
    gone = null;
    draw();
    emptied();
  }
  function draw(all = 0) {
    if (gone !== null && !all) return; // progress is reported
    root.hidden = gone === null && (!state.trash || !state.total);
    if (root.hidden) asked = null;
    else if (gone !== null) root.replaceChildren(el("span", { text: t("gallery.purging", { n: studio.count(gone), all: studio.count(Math.max(all, gone)) }) }), button(t("gallery.stop"), () => (stopped = true)));
    else if (asked) root.replaceChildren(el("span", { text: asked.said }), ...(asked.any ? [button(t("gallery.purge_yes"), studio.surely(yes), { className: "danger" })] : []), button(t("keep"), no, { className: "no" }));
    else root.replaceChildren(el("span", { text: t("gallery.trash_days") }), button(t("gallery.trash_now"), first));
  }
  return { root, draw: () => draw(), ask };
};
