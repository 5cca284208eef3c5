// The stage: the picture or its progress, facts, actions, and the strip of newest pictures.

import { studio } from "../shared/studio.js";

const { el } = studio;
const EDGE = 8; // of a neighbour that stays visible in the strip
const SCALE_MOST = 4.5; // largest magnification of a picture
const ICON = {
  star: "M12 3.6l2.6 5.3 5.8.8-4.2 4.1 1 5.8-5.2-2.7-5.2 2.7 1-5.8-4.2-4.1 5.8-.8z",
  more: "M5 12h.01M12 12h.01M19 12h.01",
};
const NEAR = 0.25; // strength of a subtle variation
const EXAMPLES = ["example_1", "example_2", "example_3", "example_4"];

studio.stage = (root, acts) => {
  const frame = el("div", { className: "frame" });
  const place = el("div", { className: "pic" }, frame);
  const hair = el("div", { className: "hair", role: "progressbar", aria: { valuemin: 0, valuemax: 100 } }, el("b"));
  const facts = el("div", { className: "facts" });
  const spoken = el("p", { className: "spoken", role: "status" }); // for screen readers: one message a phase, not one a step
  const deeds = el("div", { className: "deeds" });
  const sharing = el("div", { className: "sharing", hidden: true });
  const strip = el("div", { className: "strip", role: "group" });
  const stage = el("section", { className: "stage" }, place, hair, el("div", { className: "line" }, facts, deeds), sharing, strip, spoken);
  root.append(stage);

  let view = null; // the rendered state
  let filing = false;
  let shared = null; // {id, token, url, expires_at}
  let menu = false;

  // The picture. The next one is decoded before it replaces the current one, so that nothing flickers.
  const image = el("img", { className: "shown", alt: "", decoding: "async", hidden: true });
  const sheet = el("div", { className: "sheet" }, el("span", {}));
  const card = el("div", { className: "card-text" });
  frame.append(sheet, image, card);
  let wanted = null;
  function show(url, alt, preview) {
    image.alt = url ? alt : "";
    if (url === wanted) return;
    wanted = url;
    if (!url) {
      image.removeAttribute("src");
      image.hidden = true;
      return;
    }
    const next = new Image();
    next.src = url;
    const put = () => {
      if (wanted !== url) return;
      image.src = url;
      image.hidden = false;
      image.classList.toggle("preview", preview);
    };
    next.decode().then(put, () => preview || put()); // the preview no longer exists
  }
  function shape({ width, height }) {
    frame.style.setProperty("--ratio", width / height);
    frame.style.setProperty("--cap", `${Math.round(width * SCALE_MOST)}px`);
  }
  image.addEventListener("click", () => view?.picture && acts.open(view.picture.id));

  // The frame without a picture: a welcome, a message or a phase.
  function say(kind, ...nodes) {
    card.className = `card-text ${kind}`;
    card.replaceChildren(...nodes);
    card.hidden = nodes.length === 0;
  }
  function welcome() {
    const examples = EXAMPLES.map((key) => {
      const text = studio.words.en[key];
      return el("button", { type: "button", text, lang: /[\u4e00-\u9fff]/.test(text) ? "zh-CN" : "en", on: { click: () => acts.example(text) } });
    });
    say("welcome", el("h2", { text: studio.t("welcome") }), el("p", { text: studio.t("welcome_more") }), el("div", { className: "examples" }, ...examples));
  }
  function noticed({ sentence, key, ways }) {
    const buttons = ways.map(([words, act]) => el("button", { type: "button", text: studio.t(words), on: { click: act } }));
    say("notice", el("p", { text: sentence ? studio.said(sentence) : studio.t(key), role: "alert" }), el("div", { className: "ways" }, ...buttons));
  }

  // Facts in one line.
  const fact = (text, name = "span") => el(name, { text });
  function working(shot) {
    const { phase, status, position } = shot;
    if (phase === "loading") return [fact(studio.t("loading", { title: studio.state?.title ?? "" }), "b")];
    if (status === "queued") return [fact(position > 0 ? studio.t("before", { n: position }) : studio.t("before_none"), "b")];
    const found = [];
    if (phase === "waiting" && shot.enhancement && !shot.enhancement.done) return [fact(studio.t("lets_by"), "b")];
    if (phase === "reasoning") {
      const step = shot.enhancement?.steps.find((one) => !one.done);
      found.push(fact(studio.t("reasoning"), "b"), ...(step ? [fact(studio.t(`step_${step.name}`))] : []));
    }
    if (phase === "saving") found.push(fact(studio.t("saving"), "b"));
    else if (phase === "drawing" && shot.step + shot.index > 0) found.push(fact(studio.t("step_of", { n: shot.step, all: shot.steps }), "b"));
    else if (phase !== "reasoning" && phase !== "saving") found.push(fact(studio.t("starting"), "b"));
    if (shot.count > 1) found.push(fact(studio.t("picture_of", { n: Math.min(shot.count, shot.index + 1), all: shot.count })));
    if (shot.eta_s !== null && shot.eta_s > 0.05) found.push(fact(studio.t("left", { time: studio.lasting(shot.eta_s) })));
    if (shot.seed !== null) found.push(fact(studio.t("seed_n", { n: studio.number(shot.seed + shot.index) })));
    return found;
  }
  function told(picture, verdict) {
    const seed = el("button", {
      type: "button", className: "seed", title: studio.t("lock_seed"), text: studio.t("seed_n", { n: studio.number(picture.seed) }),
      on: { click: () => (studio.form.setSeed(picture.seed), studio.toast(studio.t("seed_kept", { n: studio.number(picture.seed) }))) },
    }); // prettier-ignore
    const found = [seed, fact(studio.t("steps_n", { n: picture.steps })), fact(`${picture.width} × ${picture.height}`)];
    if (picture.seconds) found.push(fact(studio.lasting(picture.seconds)));
    if (verdict) found.unshift(...judged(verdict, picture));
    return found;
  }
  function judged({ identical, changed, pixels }, picture) {
    if (identical) return [el("b", { className: "same", text: studio.t("identical") })];
    const real = (changed ?? []).filter((one) => one.what !== "pixels");
    const one = ({ what, was, is }) => studio.t("changed_one", { what, was: was ?? studio.t("nothing"), now: is ?? studio.t("nothing") });
    const what = real.length ? real.map(one).join("; ") : studio.t("changed_pixels");
    const click = () => studio.emit("compare", { ids: [picture.parent_id, picture.id] });
    const compare = { type: "button", className: "seed", text: studio.t("gallery.compare"), on: { click } };
    const apart = studio.apart(pixels);
    return [el("b", { className: "other", text: studio.t("changed", { what }) }), ...(apart ? [el("span", { className: "apart", text: apart })] : []), el("button", compare)];
  }
  function progress(shot) {
    if (!shot || shot.status !== "running" || shot.phase === "loading") return null;
    const all = shot.steps * shot.count;
    return all ? Math.min(1, (shot.index * shot.steps + (shot.phase === "saving" ? shot.steps : shot.step)) / all) : 0;
  }

  // Actions on the selected picture.
  function button(key, act, { title, icon, pressed, className } = {}) {
    const made = el("button", { type: "button", className, title: title ? studio.t(title) : undefined, on: { click: act } });
    if (icon) {
      made.append(studio.symbol(ICON[icon]));
      made.setAttribute("aria-label", studio.t(key));
      made.title = studio.t(key);
    } else made.textContent = studio.t(key);
    if (pressed !== undefined) made.setAttribute("aria-pressed", String(pressed));
    return made;
  }
  function possible(picture) {
    const { id } = picture;
    const more = button("more", () => ((menu = !menu), deed(picture, true)), { icon: "more" });
    more.setAttribute("aria-expanded", String(menu));
    more.classList.add("more");
    const list = el(
      "div",
      { className: "menu", hidden: !menu },
      button("vary_near", () => (close(), acts.vary(id, NEAR)), { title: "vary_near_title" }),
      button("edit_prompt", () => (close(), acts.edit(id))),
      button("draw_from", () => (close(), studio.emit("draw-from", { id })), { title: "draw_from_title" }),
      el("a", { href: `${picture.url}?download=1`, download: "", text: studio.t("download_png"), on: { click: close } }),
      button("details", () => (close(), acts.open(id))),
      button(picture.private ? "forget" : "delete", () => (close(), acts.remove(id)), { className: "delete" }),
    );
    const kept = picture.private ? [] : [
      button("share", () => share(id)),
      button(picture.favourite ? "unstar" : "star", () => acts.star(id, !picture.favourite), { icon: "star", pressed: picture.favourite, className: "star" }),
    ]; // prettier-ignore
    return [
      button("again", () => acts.again(id), { title: "again_title" }),
      button("vary", () => acts.vary(id), { title: "vary_title" }),
      button("reuse", () => acts.reuse(id), { title: "reuse_title" }),
      ...kept,
      el("div", { className: "menu-place" }, more, list),
    ];
  }
  let deedsOf = "";
  function deed(picture, force = false) {
    const now = picture ? `${picture.id} ${picture.favourite} ${studio.lang}` : view?.watching ? `cancel ${studio.lang}` : "";
    if (!force && now === deedsOf) return;
    if (now !== deedsOf) menu = false;
    const focus = deeds.contains(document.activeElement) ? [...deeds.querySelectorAll("button, a")].indexOf(document.activeElement) : -1;
    deedsOf = now;
    if (picture) deeds.replaceChildren(...possible(picture));
    else if (view?.watching) deeds.replaceChildren(cancelling());
    else deeds.replaceChildren();
    if (focus >= 0) deeds.querySelectorAll("button, a")[focus]?.focus();
  }
  function cancelling() {
    const made = button("cancel", acts.cancel, { className: "cancel" });
    made.append(el("kbd", { text: "Esc" }));
    return made;
  }
  function close() {
    menu = false;
    if (view?.picture) deed(view.picture, true);
  }
  document.addEventListener("click", (event) => menu && !event.target.closest(".menu-place") && close());
  deeds.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu) return;
    event.preventDefault();
    event.stopPropagation();
    close();
    deeds.querySelector(".more")?.focus();
  });

  // The share link.
  async function share(id) {
    try {
      shared = { id, ...(await acts.share(id)) };
    } catch (error) {
      studio.toast(error.message);
    }
    shareLine();
    sharing.querySelector("input")?.select();
  }
  function shareLine() {
    sharing.hidden = !shared || shared.id !== view?.picture?.id;
    if (sharing.hidden) return sharing.replaceChildren();
    const locale = studio.lang === "zh" ? "zh-CN" : "en-GB";
    const date = new Date(shared.expires_at).toLocaleDateString(locale, { day: "numeric", month: "long", year: "numeric" });
    const link = el("input", { type: "text", readOnly: true, value: shared.url, aria: { label: studio.t("share_link") } });
    const copy = el("button", { type: "button", className: "yes", text: studio.t("copy") });
    copy.addEventListener("click", async () => {
      link.select();
      if (await studio.copy(shared.url)) copy.textContent = studio.t("copied");
    });
    const back = async () => {
      try {
        await acts.unshare(shared.token);
        studio.toast(studio.t("share_gone"));
      } catch (error) {
        studio.toast(error.message);
      }
      shared = null;
      shareLine();
    };
    sharing.replaceChildren(
      el("div", { className: "row" }, link, copy, button("close", () => ((shared = null), shareLine()))),
      el("p", {}, el("span", { text: studio.t("share_until", { date }) }), button("share_back", back)),
    );
  }

  // The strip: one tab stop; arrow keys move within.
  const tiles = new Map();
  function tile(key, make, update) {
    const made = tiles.get(key) ?? make();
    tiles.set(key, made);
    update(made);
    return made;
  }
  function pictureTile(picture, on) {
    const make = () => {
      const thumb = el("img", { src: picture.thumb_url, loading: "lazy", decoding: "async", alt: "" });
      return el("button", { type: "button", className: "tile", on: { click: () => acts.pick(picture.id) } }, thumb);
    };
    return tile(picture.id, make, (made) => {
      made.classList.toggle("on", on);
      made.tabIndex = on ? 0 : -1;
      made.setAttribute("aria-label", studio.t("picture_alt", { prompt: picture.original_prompt.slice(0, 120) }));
      if (on) made.setAttribute("aria-current", "true");
      else made.removeAttribute("aria-current");
    });
  }
  function liveTile(shot, on) {
    const make = () => el("button", { type: "button", className: "tile live", on: { click: () => acts.follow() } }, el("img", { alt: "" }), el("i"));
    return tile("live", make, (made) => {
      made.classList.toggle("on", on);
      made.tabIndex = on ? 0 : -1;
      const preview = image.classList.contains("preview") && on ? image.getAttribute("src") : shot.preview;
      made.firstChild.hidden = !preview;
      if (preview && made.firstChild.getAttribute("src") !== preview) made.firstChild.src = preview;
      made.style.setProperty("--done", `${Math.round(100 * (progress(shot) ?? 0))}%`);
      made.setAttribute("aria-label", studio.t("drawing"));
    });
  }
  function strips() {
    const { pictures, picture } = view;
    const shot = view.shot?.kind === "enhance" ? null : view.shot;
    const list = pictures.slice(0, 60).map((one) => pictureTile(one, one.id === picture?.id));
    if (shot) list.unshift(liveTile(shot, !picture));
    const same = list.length === strip.children.length && list.every((one, at) => strip.children[at] === one);
    if (!same) {
      const focus = strip.contains(document.activeElement) ? document.activeElement : null;
      strip.replaceChildren(...list);
      focus?.focus?.({ preventScroll: true });
      const kept = new Set(list);
      for (const [key, made] of tiles) if (!kept.has(made)) tiles.delete(key);
    }
    if (list.length && !list.some((one) => one.tabIndex === 0)) list[0].tabIndex = 0;
    strip.hidden = list.length === 0;
    const on = strip.querySelector(".on");
    if (on && on !== strip.lastOn) reveal(on);
    strip.lastOn = on;
  }
  /** Scroll the strip to a tile, and nothing around it: on a phone the page stays where it is read. */
  function reveal(one) {
    const [all, box] = [strip.getBoundingClientRect(), one.getBoundingClientRect()];
    if (box.left < all.left) strip.scrollLeft += box.left - all.left - EDGE;
    else if (box.right > all.right) strip.scrollLeft += box.right - all.right + EDGE;
  }
  function step(by, focus = false) {
    const list = [...strip.children];
    const at = list.findIndex((one) => one.classList.contains("on"));
    const next = list[Math.max(0, Math.min(list.length - 1, at + by))];
    if (!next || list[at] === next) return;
    next.click();
    if (focus) next.focus();
  }
  strip.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1, Home: -1000, End: 1000 }[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    step(by, true);
  });

  // Everything.
  function draw(next) {
    const before = view;
    view = next;
    const { shot, picture, notice } = view;
    const job = view.watching ? shot : null;
    if (picture) {
      shape(picture);
      show(picture.url, studio.t("picture_alt", { prompt: picture.original_prompt }), false);
    } else if (job) {
      shape(sizeOf(job));
      const url = job.preview ?? job.pictures.at(-1)?.url ?? null;
      show(url, studio.t("preview_alt", { prompt: job.prompt ?? "" }), Boolean(job.preview));
    } else {
      show(null, "", false);
      shape(studio.form?.size() ?? { width: 1, height: 1 });
    }
    line(job, picture);
    inFrame(job, picture, notice);
    deed(job ? null : picture);
    strips();
    if (before?.picture?.id !== picture?.id) shareLine();
  }
  /** What stands in the frame where there is no picture: a phase, a sentence with a way out, a welcome. */
  function inFrame(job, picture, notice) {
    const bare = !job && !picture && !filing;
    if (job && image.hidden) {
      const told = ["loading", "waiting"].includes(job.phase) && job.message && job.message.key !== "engine.starting"; // the phase says that
      const more = told ? [el("small", { text: studio.said(job.message) })] : [];
      say("phase", el("p", { text: facts.firstChild?.textContent ?? "" }), ...more);
    } else if (bare && notice) noticed(notice);
    else if (bare && view.home && !view.thought && !view.pictures.length) welcome();
    else say("none");
    frame.classList.toggle("bare", bare);
    frame.classList.toggle("busy", !picture && !bare);
    stage.classList.toggle("empty", bare && !view.pictures.length);
  }
  function sizeOf(job) {
    const drawn = job.pictures.at(-1);
    if (drawn) return drawn;
    return job.width && job.height ? job : studio.form.size();
  }
  let lineOf = "";
  function line(job, picture) {
    const done = progress(view.shot);
    hair.classList.toggle("on", done !== null);
    hair.classList.toggle("thinking", Boolean(view.shot) && !done);
    hair.firstChild.style.width = `${Math.round(1000 * (done ?? 0)) / 10}%`;
    hair.setAttribute("aria-valuenow", String(Math.round(100 * (done ?? 0))));
    hair.setAttribute("aria-label", studio.t("drawing"));
    hair.setAttribute("aria-hidden", String(done === null));
    let found = [];
    if (job) found = working(job);
    else if (picture) found = told(picture, view.verdict);
    else if (filing) found = [fact(studio.t("filing"), "b")];
    if (job && view.waiting) found.push(fact(studio.t("waiting_too", { n: view.waiting })));
    const aloud = job?.phase === "drawing" ? studio.t("drawing") : job || !picture ? found[0]?.textContent ?? "" : image.alt;
    if (spoken.textContent !== aloud) spoken.textContent = aloud;
    const now = found.map((one) => one.textContent).join("|");
    if (now === lineOf) return;
    lineOf = now;
    facts.replaceChildren(...found);
  }

  return {
    draw,
    step,
    filing(on) {
      filing = on;
    },
    words() {
      lineOf = deedsOf = "";
      strip.setAttribute("aria-label", studio.t("strip"));
      shareLine();
    },
    closeShare() {
      if (!shared || sharing.hidden) return false;
      shared = null;
      shareLine();
      return true;
    },
  };
};
