// The view of one picture above the current view. The address names the picture, so that a link or a reload opens it again.

import { studio } from "../shared/studio.js";

studio.part("picture", (it) => {
  const { el, t, button, icon } = studio;
  const SWIPE_PX = 60;
  const STEPS = ["keep", "solve", "compose", "text"];
  const call = studio.calls(it);
  const home = it.element.querySelector(".picture");
  let picture = null;
  let wanted = null; // id that the view shows or is about to show
  let leaving = false; // on the way back to where the view was opened

  const image = el("img", { decoding: "async" });
  const stage = el("div", { className: "pv-stage" }, image);
  const acts = el("div", { className: "pv-acts", role: "toolbar" });
  const news = el("div", { className: "pv-news", role: "status", aria: { live: "polite" } });
  const side = el("div", { className: "pv-side" });
  const bar = el("div", { className: "pv-bar" });
  const view = el("dialog", { className: "picture-view", tabIndex: -1 }, bar, el("div", { className: "pv-left" }, stage, acts, news), side);
  home.append(view);
  const section = (title, ...children) => el("section", {}, el("h3", { text: title }), ...children);
  const work = studio.pictureWork({ call, news, acts, current: () => picture, show });
  const family = studio.pictureFamily({ call, show, section, current: () => picture, change: (values) => change(values) });
  studio.pictureCompare({ call, home });

  // Open, move, close.

  async function show(id) {
    wanted = id;
    work.stop();
    if (!view.open) view.showModal();
    address(id);
    try {
      const found = await call("picture", { id }, { last: true });
      if (wanted !== id) return;
      picture = found;
      draw();
    } catch (error) {
      if (wanted === id) absent(error);
    }
  }

  function absent(error) {
    picture = null;
    view.classList.add("absent");
    bar.replaceChildren(closer());
    const sentence = error.missing ? t("picture.absent") : studio.said(error.message);
    side.replaceChildren(el("p", { className: "nothing", role: "alert", text: sentence }), button(t("close"), leave));
  }

  function close() {
    const id = wanted;
    wanted = null;
    work.stop();
    view.close();
    address(null);
    studio.emit("closed", { id });
  }

  /** Close it as the back button does, where it was opened from within the page: no dead step is left behind. */
  function leave() {
    if (!history.state?.picture) return close();
    if (!leaving) history.back();
    leaving = true;
  }

  function address(id) {
    const url = new URL(location.href);
    if (id === null) url.searchParams.delete("picture");
    else url.searchParams.set("picture", id);
    if (url.href === location.href) return;
    const opens = id !== null && !new URL(location.href).searchParams.has("picture"); // a place of its own: the back button closes it
    const state = { ...history.state, picture: id !== null && (opens || Boolean(history.state?.picture)) };
    history[opens ? "pushState" : "replaceState"](state, "", url);
  }

  function step(by) {
    const id = studio.beside?.(wanted, by);
    if (id) show(id);
  }

  // What is seen.

  function draw() {
    const scrolled = side.dataset.id === picture.id ? side.scrollTop : 0;
    view.classList.remove("absent");
    view.setAttribute("aria-label", t("picture.title"));
    if (side.dataset.id !== picture.id) (news.replaceChildren(), view.scrollTo(0, 0));
    side.dataset.id = picture.id;
    Object.assign(image, { alt: picture.original_prompt, width: picture.width, height: picture.height });
    if (image.getAttribute("src") !== picture.url) image.src = picture.url;
    image.style.aspectRatio = `${picture.width} / ${picture.height}`;
    keepFocus(() => (drawBar(), drawActs()));
    const kept = picture.private ? [] : [opinion(), family.note(), family.collections(), family.ancestry(), family.compared()];
    side.replaceChildren(...[trashed(), asked(), thread(), drawn(), facts(), ...kept].filter(Boolean));
    side.scrollTop = scrolled;
  }

  // Buttons are made anew; the one in use keeps the focus, and where it cannot, the view does, so that keys go on working.
  function keepFocus(make) {
    const box = [bar, acts].find((one) => one.contains(document.activeElement));
    const at = box ? [...box.children].indexOf(document.activeElement) : -1;
    make();
    const again = box?.children[at];
    if (again && !again.disabled) again.focus();
    else if (box || document.activeElement === document.body) view.focus();
  }

  const labelled = (name, label, click, rest = {}) =>
    el("button", { type: "button", className: "pv-round", title: label, aria: { label }, on: { click }, ...rest }, icon(name));
  const closer = () => labelled("close", t("close"), leave);

  function drawBar() {
    const beside = (by) => Boolean(studio.beside?.(picture.id, by));
    bar.replaceChildren(
      closer(),
      labelled("left", t("picture.newer"), () => step(-1), { disabled: !beside(-1) }),
      labelled("right", t("picture.older"), () => step(1), { disabled: !beside(1) }),
    );
  }

  function drawActs() {
    acts.setAttribute("aria-label", t("picture.actions"));
    const star = el("button", { type: "button", className: "pv-star", title: t("star"), on: { click: favour } }, icon("star"));
    star.setAttribute("aria-label", t("star"));
    star.setAttribute("aria-pressed", String(picture.favourite));
    const name = `${t("picture.file")}-${picture.seed}.png`;
    const known = picture.steps > 0; // how it was drawn; of a photo there is nothing to repeat
    const repeating = known ? [
      button(t("again"), work.again, { className: "pv-first", title: t("again_title") }),
      button(t("vary"), () => work.vary(), { title: t("vary_title") }),
      button(t("vary_near"), () => work.varying(), { title: t("vary_near_title") }),
      button(t("reuse"), reuse, { title: t("reuse_title") }),
      button(t("edit_prompt"), () => work.editor(), { title: t("picture.edit_hint") }),
    ] : []; // prettier-ignore
    acts.replaceChildren(
      ...repeating,
      button(t("draw_from"), drawFrom, { className: known ? "" : "pv-first", title: t("draw_from_title") }),
      ...(picture.private ? [] : [button(t("share"), () => work.sharing()), star]),
      el("a", { href: picture.url, download: name, text: t("picture.download") }),
      picture.deleted_at ? button(t("picture.restore"), restore) : button(t(picture.private ? "forget" : "delete"), remove),
    );
  }

  function trashed() {
    if (!picture.deleted_at) return null;
    return el("div", { className: "pv-note" }, el("span", { text: t("picture.in_trash", { day: studio.day(picture.expires_at) }) }), button(t("picture.restore"), restore));
  }

  function asked() {
    const title = el("h2", { text: picture.original_prompt });
    const same = picture.prompt === picture.original_prompt;
    const written = same ? [button(t("edit"), () => work.editor(), { className: "pv-link" }), el("span", { text: t("drawn_as_written") })] : [];
    const row = el("div", { className: "pv-row" }, studio.copier(picture.original_prompt), ...written);
    return el("section", { className: "pv-asked" }, title, row, same ? without() : null);
  }

  function thread() {
    const made = picture.enhancement;
    if (!made) return null;
    const how = [studio.lasting(made.seconds), t("seed_n", { n: studio.number(made.seed) }), made.model].filter(Boolean).join(" · ");
    const steps = STEPS.map((name) => made.steps.find((one) => one.name === name) ?? { name, text: "" });
    const knots = steps.map(({ name, text }) => el("li", { className: "done" }, el("i", { aria: { hidden: true } }),
      el("div", {}, el("b", { text: t(`step_${name}`) }), el("p", { className: text ? "" : "none", text: text || t("nothing") }))));
    const chain = el("div", { className: "thread" }, el("ol", { className: "pv-thread" }, ...knots)); // looks as in Create
    return section(t("why"), el("span", { className: "pv-how", text: how }), chain);
  }

  function without() {
    if (!picture.negative_prompt) return null;
    return el("p", { className: "pv-quiet", text: t("picture.without", { text: picture.negative_prompt }) });
  }

  function drawn() {
    if (picture.prompt === picture.original_prompt) return null;
    const pieces = picture.enhancement ? studio.added(picture.original_prompt, picture.prompt) : [[picture.prompt, false]];
    const text = el("p", { className: "pv-drawn" }, ...pieces.map(([words, added]) => el(added ? "mark" : "span", { text: words })));
    const row = el("div", { className: "pv-row" }, button(t("edit"), () => work.editor()), studio.copier(picture.prompt));
    return section(t("what_is_drawn"), el("div", { className: "pv-box" }, text, without(), row));
  }

  /** The seeds that a variation stays near to, each with how far it goes from there; "" for what is none. */
  const near = (one) => one.variation_of.map(([seed, strength]) => `${seed} (${Math.round(100 * strength)} %)`).join(", ");

  /** The adapters that were on, each with its weight; "" for none. */
  const adapted = (one) => one.adapters.map(({ name, weight }) => `${name} ${weight}`).join(", ");

  function facts() {
    const short = (hash) => (hash && hash.length > 16 ? `${hash.slice(0, 12)}…` : hash);
    const told = (value) => (picture.steps > 0 ? value : null);
    const lines = [
      ["seed", told(picture.seed)], ["variation_of", near(picture)],
      ["strength", picture.strength === null ? "" : t("picture.far", { n: Math.round(100 * picture.strength) }), picture.source], ["size", `${picture.width} × ${picture.height}`], ["steps", told(picture.steps)],
      ["guidance", told(picture.guidance)], ["shift", told(picture.shift)], ["checkpoint", picture.checkpoint],
      ["adapters", adapted(picture), picture.adapters.map(({ name, sha256 }) => `${name} ${sha256.slice(0, 10)}`).join(", ")],
      ["revision", short(picture.revision), picture.revision], ["pixels", short(picture.pixel_sha256), picture.pixel_sha256],
      ["time", picture.seconds ? studio.lasting(picture.seconds) : ""], ["when", studio.moment(picture.created_at)],
    ];
    const table = el("dl", { className: "pv-facts" }, ...lines.filter(([, value]) => value !== null && value !== "")
      .map(([key, value, title]) => el("div", {}, el("dt", { text: t(`picture.${key}`) }), el("dd", { text: value, title: title ?? "" }))));
    const plain = (value) => (typeof value === "string" ? value : JSON.stringify(value));
    const around = Object.entries(picture.environment).map(([key, value]) =>
      el("div", {}, el("dt", { text: key.replaceAll("_", " ") }), el("dd", { text: plain(value) })));
    const fold = el("details", {}, el("summary", { text: t("picture.environment") }), el("dl", { className: "pv-facts" }, ...around));
    return section(t("picture.settings"), table, around.length ? fold : null);
  }

  function opinion() {
    const dots = [1, 2, 3, 4, 5].map((n) => {
      const label = t("picture.rating_n", { n });
      const click = () => change({ rating: picture.rating === n ? 0 : n }, `[data-rating="${n}"]`);
      const chosen = (picture.rating ?? 0) >= n ? "on" : "";
      return el("button", { type: "button", className: chosen, title: label, data: { rating: n }, aria: { label, pressed: picture.rating === n }, on: { click } });
    });
    const rating = el("div", { className: "pv-rating", role: "group", aria: { label: t("picture.rating") } }, ...dots);
    const chips = picture.tags.map((tag) => {
      const label = t("picture.untag", { tag });
      const click = () => change({ tags: picture.tags.filter((other) => other !== tag) }, ".pv-tags input");
      return el("span", { className: "pv-tag" }, tag, el("button", { type: "button", aria: { label }, title: label, on: { click } }, icon("close")));
    });
    const has = (tag) => picture.tags.includes(tag);
    const add = (tag) => has(tag) || change({ tags: [...picture.tags, tag] }, ".pv-tags input");
    const field = studio.tagField({ call, id: "picture-tags", hint: t("picture.tag"), add, passed: has });
    return section(t("picture.opinion"), rating, el("div", { className: "pv-tags" }, ...chips, field));
  }

  // What is done. A change is told to every part; `focus` is found again after the view is drawn anew.

  async function change(values, focus = null, name = "edit", what = "edited") {
    const id = picture.id;
    try {
      const found = await call(name, { id, ...values });
      studio.emit("changed", { id, what, picture: found });
      if (focus) view.querySelector(focus)?.focus();
      return found;
    } catch (error) {
      studio.excuse(error);
      return null;
    }
  }

  const favour = () => change({ favourite: !picture.favourite });

  async function remove() {
    const { id, private: forgotten } = picture;
    const after = studio.beside?.(id, 1) ?? studio.beside?.(id, -1);
    if (!(await change({}, null, "delete", "deleted"))) return;
    if (wanted === id && after) show(after);
    else if (wanted === id) close();
    if (forgotten) return studio.toast(t("private_left"));
    studio.toast(t("deleted"), () => bringBack(id));
  }

  async function bringBack(id) {
    try {
      studio.emit("changed", { id, what: "restored", picture: await call("restore", { id }) });
      if (view.open) show(id);
      studio.toast(t("restored"));
    } catch (error) {
      studio.excuse(error);
    }
  }

  async function restore() {
    if (await change({}, ".pv-first", "restore", "restored")) studio.toast(t("restored"));
  }

  function drawFrom() {
    const { id } = picture;
    close();
    studio.emit("draw-from", { id });
  }
  function reuse() {
    const chosen = picture;
    close();
    studio.emit("reuse", { id: chosen.id, picture: chosen });
  }

  // Keys, fingers, and the other parts.

  view.addEventListener("cancel", (event) => (event.preventDefault(), leave()));
  document.addEventListener("keydown", (event) => {
    if (!view.open || event.target.matches("input, textarea") || event.ctrlKey || event.metaKey || event.altKey || !picture) return;
    if (event.key === "ArrowLeft") step(-1);
    else if (event.key === "ArrowRight") step(1);
    else if (event.key === "f") favour();
    else if (event.key === "Delete" && !picture.deleted_at) remove();
    else return;
    event.preventDefault();
  });
  let from = null;
  stage.addEventListener("touchstart", (event) => (from = event.touches.length === 1 ? event.touches[0] : null), { passive: true });
  stage.addEventListener("touchend", (event) => {
    const to = event.changedTouches[0];
    const across = from ? to.clientX - from.clientX : 0;
    if (from && Math.abs(across) > SWIPE_PX && Math.abs(across) > 2 * Math.abs(to.clientY - from.clientY)) step(across < 0 ? 1 : -1);
    from = null;
  });
  studio.on("open", ({ id }) => show(id));
  studio.on("changed", async ({ picture: told }) => {
    const shown = () => told && picture?.id === told.id && wanted === told.id;
    if (!shown()) return;
    try {
      const found = told.url ? told : await call("picture", { id: told.id }, { last: true }); // the gallery's cards do not tell all
      if (!shown()) return;
      picture = found;
      draw();
    } catch (error) {
      studio.excuse(error);
    }
  });
  studio.on("words", () => view.open && picture && draw());
  addEventListener("popstate", () => {
    leaving = false;
    const id = new URL(location.href).searchParams.get("picture");
    if (id && id !== wanted) show(id);
    else if (!id && view.open) close();
  });
  const named = new URL(location.href).searchParams.get("picture");
  if (named) show(named);
});
