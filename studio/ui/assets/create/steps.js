// The reasoning: its four steps, then the final prompt with the added words marked.

import { studio } from "../shared/studio.js";

const { el } = studio;
const STEPS = ["keep", "solve", "compose", "text"];

studio.thread = (root, acts) => {
  const title = el("h3", {});
  const facts = el("span", { className: "when" });
  const knots = STEPS.map((name) => {
    const words = el("button", { type: "button", className: "step", aria: { expanded: "false" } });
    const text = el("p", {});
    const node = el("li", { data: { step: name } }, el("i", { aria: { hidden: "true" } }), el("div", {}, words, text));
    words.addEventListener("click", () => unfold(node, words));
    return { name, words, text, node };
  });
  // A finished step is collapsed; its name expands it.
  function unfold(node, words) {
    words.setAttribute("aria-expanded", String(node.classList.toggle("open")));
  }
  const list = el("ol", {}, ...knots.map((knot) => knot.node));
  const later = el("p", { className: "later" });
  const label = el("h4", {});
  const text = el("p", { className: "drawn-text" });
  const field = el("textarea", { className: "edit", rows: 4, hidden: true, spellcheck: false });
  const buttons = el("div", { className: "row" });
  const kept = el("p", { className: "kept", hidden: true });
  const told = el("p", { className: "told", hidden: true });
  const fits = el("p", { className: "fits", hidden: true });
  const result = el("div", { className: "result", hidden: true }, text, field, told, kept, fits, buttons);
  const head = el("summary", {}, title, facts);
  const group = el("div", { className: "rewrites", hidden: true });
  const fold = el("details", { className: "thread", open: true }, head, later, list, label, result, group);
  root.append(el("section", { className: "why" }, fold));

  let view = {};
  let editing = false;
  let refining = false; // the field holds an instruction, not the prompt
  let drawnKey = "";
  let copied = false;

  function size() {
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight + 2}px`;
  }
  field.addEventListener("input", size);

  // The final prompt: the enhancement's as far as it is written, or the picture's.
  function prompt() {
    const { enhancement, picture, shot } = view;
    return picture?.prompt ?? shot?.drawn_prompt ?? enhancement?.prompt ?? "";
  }
  function origin() {
    const { enhancement, picture, shot } = view;
    return enhancement?.original ?? picture?.original_prompt ?? shot?.prompt ?? "";
  }

  function drawSteps() {
    const { enhancement, shot } = view;
    const reasoning = shot?.phase === "reasoning" || (shot && enhancement && !enhancement.done);
    const shown = Boolean(enhancement) || shot?.phase === "reasoning";
    list.hidden = !shown;
    later.hidden = shown || Boolean(prompt());
    if (!shown) return;
    const steps = enhancement?.steps ?? [];
    let now = null;
    for (const knot of knots) {
      const step = steps.find((one) => one.name === knot.name);
      const done = Boolean(step?.done) || !reasoning;
      const state = done ? "done" : now === null ? "now" : "later";
      if (state === "now") now = knot.name;
      knot.node.className = knot.node.classList.contains("open") ? `${state} open` : state;
      const says = step?.text || (done ? studio.t("nothing") : "");
      if (knot.text.textContent !== says) knot.text.textContent = says;
      knot.text.classList.toggle("none", !step?.text);
      if (state === "now") knot.node.setAttribute("aria-current", "step");
      else knot.node.removeAttribute("aria-current");
    }
  }
  function drawResult() {
    const says = prompt();
    result.hidden = !says && !editing;
    label.hidden = result.hidden;
    const plain = !view.enhancement;
    const key = JSON.stringify([says, origin(), plain, studio.lang]);
    if (key !== drawnKey) {
      drawnKey = key;
      const pieces = plain ? [[says, false]] : studio.added(origin(), says);
      text.replaceChildren(...pieces.map(([piece, fresh]) => (fresh ? el("mark", { text: piece }) : document.createTextNode(piece))));
    }
    text.hidden = editing && !refining;
    field.hidden = !editing;
    drawTold();
    drawFits();
    drawKept();
    drawGroup();
    drawButtons();
  }
  // The tokens of the final prompt, counted once a prompt, and its truncated end.
  let counted = { prompt: "", tokens: null, unseen: "" };
  async function drawFits() {
    const says = view.enhancement && !view.enhancement.done ? "" : prompt();
    if (says && counted.prompt !== says && studio.ask) {
      counted = { prompt: says, tokens: null, unseen: "" };
      try {
        const found = await studio.ask("tokens", { prompt: says });
        if (counted.prompt === says) Object.assign(counted, found);
      } catch {
        /* the count is a help, not a promise */
      }
    }
    const known = !editing && says && counted.prompt === prompt() && counted.tokens !== null;
    fits.hidden = !known;
    fits.classList.toggle("lost", Boolean(known && counted.unseen));
    if (known) fits.textContent = studio.t(counted.unseen ? "unseen" : "tokens", { n: counted.tokens, most: 512, end: counted.unseen });
  }
  // The enhancement options, and edits of the prompt.
  function drawTold() {
    const { enhancement, picture } = view;
    const says = [];
    const style = enhancement?.style && studio.t(`style.${enhancement.style}`);
    if (style) says.push(style);
    if (enhancement && enhancement.length !== "auto" && enhancement.length) says.push(studio.t(`length_${enhancement.length}`));
    if (enhancement?.locks?.length) says.push(studio.t("locked", { words: enhancement.locks.join(studio.t("list_comma")) }));
    if (enhancement?.instruction) says.push(studio.t("refined", { words: enhancement.instruction }));
    if (picture?.edited) says.push(studio.t("edited"));
    told.textContent = says.join(" · ");
    told.hidden = editing || !says.length;
  }
  // The checks of the prompt: lost items by name, else the kinds that were checked.
  function drawKept() {
    const { enhancement } = view;
    const checks = enhancement?.done && enhancement.prompt === prompt() ? (enhancement.checks ?? []) : [];
    const gone = checks.filter((one) => !one.held);
    kept.hidden = editing || !checks.length;
    kept.classList.toggle("lost", gone.length > 0);
    const names = (gone.length ? gone : checks).map((one) => (one.kind === "text" ? `“${one.wanted}”` : one.wanted)).join(studio.t("list_comma"));
    kept.textContent = studio.t(gone.length ? "check_lost" : "check_held", { names });
  }
  // Pictures with one rewrite each: a rewrite can be viewed, and kept for the next pictures.
  let groupOf = "";
  function drawGroup() {
    const { group: all = [], picture } = view;
    group.hidden = editing || !all.length;
    const now = JSON.stringify([all.map((one) => one.id), picture?.id, studio.lang]);
    if (now === groupOf || !all.length) return;
    groupOf = now;
    const focus = [...group.querySelectorAll("button")].indexOf(document.activeElement);
    const cards = all.map((one) => {
      const shown = one.id === picture?.id;
      const look = el("button", { type: "button", className: "rewrite", aria: { pressed: String(shown) }, on: { click: () => acts.pick(one.id) } });
      look.append(el("img", { src: one.thumb_url, alt: "", loading: "lazy" }), el("span", { text: one.prompt, title: one.prompt }));
      return el("li", {}, look);
    });
    group.replaceChildren(el("h4", { text: studio.t("rewrites", { n: all.length }) }), el("ul", {}, ...cards));
    if (focus >= 0) group.querySelectorAll("button")[focus]?.focus();
  }
  let buttonsOf = "";
  function drawButtons() {
    const done = !view.shot || view.enhancement?.done || view.picture;
    const can = studio.facts?.can_enhance && origin();
    const may = can && view.enhancement?.id && studio.state?.checkpoints.some((one) => one.follows && one.on_disk);
    const keeps = Boolean(view.group?.length && view.picture?.enhancement);
    const now = [editing, refining, Boolean(done), Boolean(can), Boolean(may), view.fresh, keeps, copied, studio.lang].join();
    if (now === buttonsOf) return;
    buttonsOf = now;
    const make = (key, act, extra = {}) => el("button", { type: "button", text: studio.t(key), on: { click: act }, ...extra });
    const found = [];
    if (editing) found.push(make(refining ? "refine" : "draw_this", drawEdited, { className: "yes" }), make("close", close));
    else if (done) {
      if (view.fresh) found.push(make("draw_this", () => acts.draw(prompt(), view.enhancement?.id), { className: "yes" }));
      if (keeps) found.push(make("keep_rewrite", () => acts.keep(view.picture), { title: studio.t("keep_rewrite_title") }));
      found.push(make("edit", edit));
      if (may) found.push(make("refine", refine, { title: studio.t("refine_title") }));
      if (can) found.push(make("another", another, { title: studio.t("another_title") }));
      found.push(make(copied ? "copied" : "copy", copy));
    }
    const focus = buttons.contains(document.activeElement) ? [...buttons.children].indexOf(document.activeElement) : -1;
    buttons.replaceChildren(...found);
    if (focus >= 0) buttons.children[Math.min(focus, buttons.children.length - 1)]?.focus();
  }
  async function copy() {
    copied = await studio.copy(prompt());
    drawButtons();
    setTimeout(() => ((copied = false), drawButtons()), 1500);
  }
  function another() {
    const { style, length, locks } = view.enhancement ?? {};
    acts.another(origin(), view.enhancement?.instruction ? {} : { style, length, locks });
  }
  function refine() {
    open("", "refine_hint", true);
  }
  function edit() {
    open(prompt(), "edit_label", false);
  }
  function open(value, label, refined) {
    fold.open = true;
    editing = true;
    refining = refined;
    field.value = value;
    field.placeholder = refined ? studio.t(label) : "";
    field.setAttribute("aria-label", studio.t(label));
    drawResult();
    size();
    field.focus();
  }
  function close() {
    if (!editing) return false;
    editing = false;
    drawResult();
    return true;
  }
  function drawEdited() {
    const says = field.value;
    if (!editing || !says.trim()) return;
    const id = view.enhancement?.id;
    editing = false;
    if (refining) acts.refine(id, says, prompt());
    else acts.draw(says, id);
  }
  function words() {
    title.textContent = studio.t("why");
    label.textContent = studio.t("what_is_drawn");
    field.setAttribute("aria-label", studio.t("edit_label"));
    list.setAttribute("aria-label", studio.t("why"));
    for (const knot of knots) knot.words.textContent = studio.t(`step_${knot.name}`);
  }
  words();

  // On a phone the reasoning is collapsed at first; beside the stage it is always open.
  const narrow = window.matchMedia("(max-width: 760px)");
  const suit = () => (fold.open = !narrow.matches);
  narrow.addEventListener("change", suit);
  suit();
  head.addEventListener("click", (event) => narrow.matches || event.preventDefault());
  const tab = () => (narrow.matches ? head.removeAttribute("tabindex") : head.setAttribute("tabindex", "-1"));
  narrow.addEventListener("change", tab);
  tab();

  return {
    words,
    edit,
    close,
    drawEdited,
    draw(next) {
      const moved = next.picture?.id !== view.picture?.id || next.shot?.job !== view.shot?.job;
      view = next;
      if (moved) {
        editing = false;
        for (const { node, words } of knots) if (node.classList.contains("open")) unfold(node, words);
      }
      const { enhancement, picture } = view;
      later.textContent = studio.t("why_later");
      const when = [];
      if (enhancement?.seconds) when.push(studio.lasting(enhancement.seconds));
      if (enhancement) when.push(studio.t("seed_n", { n: studio.number(enhancement.seed) }));
      else if (prompt()) when.push(studio.t("drawn_as_written"));
      facts.textContent = when.join(" · ");
      drawSteps();
      drawResult();
    },
  };
};
