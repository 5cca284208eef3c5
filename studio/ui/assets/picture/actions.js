// The actions of a picture's view: re-run, new seed, edit the prompt, share. Each reports below the actions.
// Jobs are filed here and watched while the view stays with the picture; leaving stops the watching, not the job.

import { studio } from "../shared/studio.js";

const { el, t, button } = studio;
const POLL_MS = 250;

/** A button that copies a text and says so. */
studio.copier = (text, className = "pv-link") => {
  const made = button(t("copy"), async () => {
    made.textContent = t((await copy(text)) ? "copied" : "picture.copy_failed");
    setTimeout(() => (made.textContent = t("copy")), 1600);
  }, { className });
  return made;
};

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // pages without https have no clipboard
  }
}

/** The work on the picture that `current()` gives; `show(id)` opens another. `stop()` forgets the job that is watched. */
studio.pictureWork = ({ call, news, acts, current, show }) => {
  let following = 0; // the job that counts: the last one asked for here

  // What came of it, below the actions; on a phone it may have been scrolled away.
  function report(...children) {
    news.replaceChildren(...children);
    news.scrollIntoView({ block: "nearest" });
  }

  // Jobs: filed here, watched here while the view stays with this picture. Leaving stops the watching, not the job.

  async function follow(name, values, finished) {
    const mine = (following += 1);
    const hair = el("b");
    const line = el("span", { text: t("filing") });
    try {
      const { job } = await call(name, { id: current().id, private: studio.private || false, ...values });
      if (mine !== following) return;
      const stop = button(t("cancel"), () => call("cancel", { job }).catch(studio.excuse), { className: "pv-link" });
      report(el("div", { className: "pv-hair" }, hair), el("div", { className: "pv-line" }, line, stop));
      for (;;) {
        const shot = await call("job", { job });
        if (mine !== following) return;
        if (["done", "failed", "cancelled"].includes(shot.status)) {
          ended(shot, finished);
          return;
        }
        line.textContent = progress(shot);
        const share = shot.steps ? (shot.index + shot.step / shot.steps) / shot.count : 0;
        hair.style.width = `${Math.round(100 * share)}%`;
        await new Promise((go) => setTimeout(go, POLL_MS));
      }
    } catch (error) {
      if (mine === following) said(error.message, "bad");
    }
  }

  function progress(shot) {
    const left = shot.eta_s === null ? "" : t("left", { time: studio.lasting(shot.eta_s) });
    if (shot.status === "queued" && shot.phase !== "loading") {
      const before = shot.position ? t("before", { n: shot.position }) : t("before_none");
      return [before, left].filter(Boolean).join(" · ");
    }
    if (shot.phase !== "drawing" || shot.step + shot.index === 0) return shot.message || t("starting");
    const parts = [t("step_of", { n: shot.step, all: shot.steps }), shot.count > 1 ? t("picture_of", { n: shot.index + 1, all: shot.count }) : "", left];
    return parts.filter(Boolean).join(" · ");
  }

  function ended(shot, finished) {
    for (const made of shot.pictures) studio.emit("changed", { id: made.id, what: "drawn", picture: made });
    if (shot.status === "failed") said(shot.error ?? t("picture.failed"), "bad");
    else if (shot.status === "cancelled") said(t("cancelled_none"));
    else finished(shot);
  }

  const said = (sentence, kind = "", ...rest) =>
    report(el("p", { className: `pv-said ${kind}` }, el("span", { text: studio.said(sentence) }), ...rest));

  const strip = (pictures) => el("div", { className: "pv-strip" }, ...pictures.map((made) =>
    el("a", { href: `?picture=${made.id}`, on: { click: (event) => (event.preventDefault(), show(made.id)) } },
      el("img", { src: made.thumb_url, width: 72, height: 72, alt: t("picture.open_new", { n: made.seed }) }))));

  const again = () => follow("rerun", {}, verdict);
  const vary = (values = {}) => follow("vary", values, (shot) => report(el("p", { className: "pv-said", text: t("picture.varied") }), strip(shot.pictures)));

  /** Variations that stay near: how far they go, and how many. */
  function varying() {
    following += 1;
    const far = el("input", { type: "range", min: 5, max: 95, step: 5, value: 25, aria: { label: t("picture.how_far") } });
    const many = el("input", { type: "number", min: 1, max: 8, value: 2, aria: { label: t("count") } });
    const says = el("output", {});
    const say = () => (says.textContent = `${far.value} %`);
    far.addEventListener("input", say);
    say();
    const go = () => vary({ strength: far.valueAsNumber / 100, count: many.valueAsNumber });
    sheet(
      el("label", { className: "pv-range" }, el("span", { text: t("picture.how_far") }), far, says),
      el("div", { className: "pv-row" }, el("label", {}, t("count"), many),
        button(t("picture.never_mind"), leave, { className: "pv-link" }), button(t("draw"), go, { className: "pv-go" })),
    );
    far.focus();
  }

  function verdict(shot) {
    if (shot.identical) {
      said(t("identical"), "good", el("code", { text: `${current().pixel_sha256.slice(0, 16)}…`, title: current().pixel_sha256 }));
      return;
    }
    const plain = (value) => (typeof value === "string" ? value : JSON.stringify(value ?? null));
    const head = el("tr", {}, ...["what", "was", "is"].map((key) => el("th", { scope: "col", text: t(`picture.${key}`) })));
    const rows = (shot.changed ?? []).map((line) => el("tr", {}, ...["what", "was", "is"].map((key) => el("td", { text: plain(line[key]) }))));
    const table = el("table", { className: "pv-changed" }, el("thead", {}, head), el("tbody", {}, ...rows));
    const ids = [current().id, shot.pictures[0].id];
    const compare = button(t("gallery.compare"), () => studio.emit("compare", { ids }), { className: "pv-link" });
    const apart = el("p", { className: "pv-said" }, el("span", { text: studio.apart(shot.pixels) }), compare);
    report(el("p", { className: "pv-said", text: t("picture.differs") }), table, apart, strip(shot.pictures));
  }

  function editor() {
    following += 1;
    const field = el("textarea", { value: current().prompt, rows: 4, aria: { label: t("edit_label") } });
    const same = el("input", { type: "checkbox", checked: true });
    const go = () => follow("draw", { prompt: field.value, same_seed: same.checked }, (shot) =>
      report(el("p", { className: "pv-said", text: t("picture.redrawn") }), strip(shot.pictures)));
    const form = sheet(
      field,
      el("div", { className: "pv-row" }, el("label", {}, same, t("picture.same_seed")),
        button(t("picture.never_mind"), leave, { className: "pv-link" }), button(t("draw_this"), go, { className: "pv-go" })),
    );
    form.addEventListener("keydown", (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && go());
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
  }

  async function sharing() {
    following += 1;
    const { id } = current();
    try {
      const { links } = await call("links", { id });
      if (current()?.id !== id) return;
      if (links.length) return linked(links[0]);
    } catch (error) {
      return studio.excuse(error);
    }
    const days = el("input", { type: "number", min: 1, max: 365, value: 30 });
    const go = async () => {
      try {
        linked(await call("share", { id, days: days.valueAsNumber }));
      } catch (error) {
        studio.excuse(error);
      }
    };
    const form = sheet(
      el("p", { text: t("picture.share_hint") }),
      el("div", { className: "pv-row" }, el("label", {}, t("picture.days"), days),
        button(t("picture.never_mind"), leave, { className: "pv-link" }), button(t("picture.make_link"), go, { className: "pv-go" })),
    );
    form.addEventListener("keydown", (event) => event.key === "Enter" && event.target === days && go());
    days.focus();
  }

  function linked(link) {
    const field = el("input", { type: "text", readOnly: true, value: link.url, aria: { label: t("share_link") }, on: { focus: () => field.select() } });
    const revoke = async () => {
      try {
        await call("unshare", { token: link.token });
        said(t("share_gone"));
      } catch (error) {
        studio.excuse(error);
      }
    };
    sheet(
      el("p", { text: t("share_until", { date: studio.moment(link.expires_at) }) }),
      field,
      el("div", { className: "pv-row" }, button(t("share_back"), revoke, { className: "pv-link" }), studio.copier(link.url, "pv-go")),
    );
    field.focus();
  }

  function sheet(...children) {
    const form = el("div", { className: "pv-sheet" }, ...children);
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault(); // closes this sheet, not the whole view
      event.stopPropagation();
      leave();
    });
    report(form);
    return form;
  }

  function leave() {
    news.replaceChildren();
    acts.querySelector("button")?.focus();
  }

  return { again, vary, varying, editor, sharing, stop: () => (following += 1) };
};
