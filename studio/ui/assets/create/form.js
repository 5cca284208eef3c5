// Around the native form: token count, section values, keyboard shortcuts, the saved draft and the checkpoints.

import { studio } from "../shared/studio.js";

const PAUSE_MS = 350;
const FILLED_MS = 4000; // stop waiting for the server after this time
const MOST = 512; // tokens that the text encoder reads
const field = (id) => document.querySelector(`#${id} textarea, #${id} input`);
const value = (id) => field(id)?.value ?? "";
const number = (id) => Number(value(id));

let wish = null; // the original prompt of the kept rewrite
const form = {
  field,
  prompt: () => field("prompt"),
  reason: () => document.querySelector("#reason input"),
  draw: () => document.getElementById("draw"),
  setPrompt(text) {
    if (value("enhancement")) studio.type(field("enhancement"), ""); // belongs to another prompt
    studio.type(field("prompt"), text);
    folds();
  },
  setReason(on) {
    const box = form.reason();
    if (box && !box.disabled && box.checked !== on) box.click();
  },
  /** Draw this rewrite of a kept enhancement from now on, until it is let go: the prompt box holds it, and nothing is reasoned anew. */
  keep(id, rewrite, original) {
    form.setPrompt(rewrite);
    studio.type(field("enhancement"), id);
    wish = original;
    folds();
  },
  /** Nothing of what was typed stays. */
  clear() {
    form.setPrompt("");
    for (const id of ["negative", "locks", "seed", "variation", "source", "strength", "adapters"]) studio.type(field(id), "");
    folds();
  },
  letGo() {
    form.setPrompt(wish ?? value("prompt"));
    wish = null;
    field("prompt")?.focus();
  },
  setSeed(seed) {
    studio.type(field("seed"), seed);
    folds();
  },
  tick(id, on) {
    const box = document.querySelector(`#${id} input`);
    if (box && box.checked !== on) box.click();
  },
  /** Choose a checkpoint, and wait until its own settings are filled in. */
  async choose(name) {
    const choice = [...document.querySelectorAll("#checkpoint input")].find((one) => one.value === name);
    if (!choice || choice.checked) return;
    const filled = new Promise((go) => (window.addEventListener("studio:filled", go, { once: true }), setTimeout(go, FILLED_MS)));
    choice.click();
    await filled;
  },
  checkpoint: () => document.querySelector("#checkpoint input:checked")?.value ?? "",
  /** Width over height of what would be drawn now. */
  size: () => ({ width: number("width") || 1, height: number("height") || 1 }),
};
studio.form = form;

// The label of a choice, "" for the default.
const ticked = (id) => Boolean(document.querySelector(`#${id} input`)?.checked);
function chosen(id, usual = "") {
  const input = document.querySelector(`#${id} input:checked`);
  return !input || input.value === usual ? "" : input.closest("label").textContent.trim();
}
/** Native choices speak the page's language; their values stay. */
function choices() {
  const words = { style: (value) => studio.t(value ? `style.${value}` : "style_none"), length: (value) => studio.t(`length_${value}`) };
  words.template = (value) => (value ? value : studio.t("template_usual"));
  for (const [id, say] of Object.entries(words)) {
    for (const input of document.querySelectorAll(`#${id} input`)) {
      const place = input.closest("label").querySelector("span");
      if (place && place.textContent !== say(input.value)) place.textContent = say(input.value);
    }
  }
}

// The value at the right of a section or label. On native labels CSS shows the attribute, so that their text stays.
function folds() {
  const say = (key, text) => {
    const place = document.querySelector(`#fold-${key} output`);
    if (place && place.textContent !== text) place.textContent = text;
  };
  const size = `${value("width")} × ${value("height")}`;
  document.getElementById("shape")?.setAttribute("data-now", size);
  say("size", size);
  const told = [chosen("style"), chosen("length", "auto"), value("locks").trim(), ticked("spread") ? studio.t("spread_short") : ""];
  say("steering", told.filter(Boolean).join(" · ") || studio.t("steering_none"));
  say("steps_model", [value("steps"), value("guidance"), value("variation").trim() && studio.t("variation_short")].filter(Boolean).join(" · "));
  say("adapters", studio.adapters.says() || studio.t("adapters_none"));
  say("model", document.querySelector("#checkpoint label.selected span")?.textContent ?? "");
  document.getElementById("form")?.classList.toggle("from-rewrite", value("enhancement") !== "");
  studio.source.look();
  const locked = value("seed").trim() !== "";
  document.getElementById("seed")?.toggleAttribute("data-locked", locked);
  const unlock = document.querySelector("#seed .unlock");
  if (unlock) unlock.hidden = !locked;
  for (const id of ["width", "height"]) {
    const wrong = number(id) % 16 !== 0 || number(id) < 64 || number(id) > 2048;
    field(id)?.setAttribute("aria-invalid", String(wrong));
  }
}
studio.folds = folds;

// This tab's draft, which survives a reload.
const KEY = "studio-draft";
const KEPT = ["prompt", "seed", "count", "width", "height", "steps", "guidance", "negative", "shift", "truncation", "locks", "enhancement", "variation", "source", "strength", "adapters"];
function save() {
  if (studio.private) return;
  try {
    const draft = Object.fromEntries(KEPT.map((id) => [id, value(id)]));
    draft.reason = form.reason()?.checked;
    draft.normalization = document.querySelector("#normalization input")?.checked;
    draft.checkpoint = form.checkpoint();
    sessionStorage.setItem(KEY, JSON.stringify(draft));
  } catch {
    /* storage is refused or full: the draft lives as long as the page */
  }
}
function recall() {
  let draft = null;
  try {
    draft = JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    /* no draft, or not one of ours */
  }
  if (!draft || typeof draft !== "object") return;
  const same = draft.checkpoint === form.checkpoint(); // sizes and steps depend on the checkpoint
  const fit = KEPT.filter((id) => same || ["prompt", "seed", "count", "enhancement", "variation", "source", "strength"].includes(id));
  for (const id of fit) if (typeof draft[id] === "string" && draft[id] !== "") studio.type(field(id), draft[id]);
  if (typeof draft.reason === "boolean") form.setReason(draft.reason);
  if (same) form.tick("normalization", Boolean(draft.normalization));
}

// Tokens, counted by the encoder's tokenizer after a pause in typing.
studio.part("ask", (it) => {
  const hint = it.element.querySelector(".hint");
  const tokens = it.element.querySelector(".tokens");
  const more = studio.el("button", { type: "button", className: "more-settings", on: { click: unfold } });
  more.append(studio.symbol("M4 7h10M18 7h2M4 17h2M10 17h10M16 5v4M8 15v4"));
  it.element.firstElementChild ? hint.before(more) : it.element.append(more);
  const standing = () => (studio.privateSwitch ? more.before(studio.privateSwitch) : setTimeout(standing, 30));
  standing();
  const letGo = studio.el("button", { type: "button", className: "from-rewrite-chip", on: { click: () => form.letGo() } });
  hint.before(letGo);
  let timer;
  let counted = null;
  let turn = 0;

  function unfold() {
    const open = document.getElementById("form").classList.toggle("open");
    more.setAttribute("aria-expanded", String(open));
  }
  function say() {
    hint.textContent = studio.t("keys");
    letGo.textContent = studio.t("from_rewrite");
    letGo.append(studio.symbol("M7 7l10 10M17 7L7 17"));
    letGo.title = studio.t("from_rewrite_title");
    more.setAttribute("aria-label", studio.t("more"));
    more.setAttribute("aria-expanded", String(document.getElementById("form")?.classList.contains("open") ?? false));
    const over = counted > MOST;
    tokens.textContent = counted === null ? "" : studio.t(over ? "tokens_over" : "tokens", { n: counted, most: MOST });
    it.element.classList.toggle("over", over);
  }
  async function count() {
    const mine = ++turn;
    const prompt = value("prompt");
    if (!prompt.trim()) {
      counted = null;
      return say();
    }
    try {
      const { tokens: n } = await studio.ask("tokens", { prompt });
      if (mine === turn) (counted = n), say();
    } catch {
      /* the count is a help, not a promise */
    }
  }
  function changed(event) {
    if (!event.target.closest("#form")) return;
    save();
    folds();
    if (!event.target.closest("#prompt")) return;
    clearTimeout(timer);
    timer = setTimeout(count, PAUSE_MS);
    studio.emit("typed");
  }
  document.addEventListener("input", changed);
  document.addEventListener("change", (event) => event.target.closest("#form") && setTimeout(() => (save(), folds()), 60));
  studio.on("state", () => counted === null && count());
  studio.on("words", () => (say(), info(), choices(), folds()));
  studio.on("filled", () => setTimeout(() => (choices(), save(), folds()), 30));
  studio.on("reused", () => setTimeout(() => (save(), folds(), count()), 60));

  function info() {
    document.querySelector("#reason .label-text")?.setAttribute("data-now", reasonLine());
  }
  function reasonLine() {
    const facts = studio.facts ?? {};
    if (!facts.can_enhance) return studio.t("reason_off");
    if (facts.remote_model) return studio.t("reason_remote", { model: facts.remote_model });
    return studio.t("reason_own", { title: studio.state?.title ?? facts.title ?? "" });
  }
  studio.on("state", info);

  // A button clears a locked seed.
  function unlocking() {
    const free = () => (form.setSeed(""), field("seed")?.focus());
    const button = studio.el("button", { type: "button", className: "unlock", hidden: true, on: { click: free } });
    button.append(studio.symbol("M7 7l10 10M17 7L7 17"));
    document.getElementById("seed").append(button);
    const say = () => (button.setAttribute("aria-label", studio.t("unlock")), (button.title = studio.t("unlock")));
    studio.on("words", say);
    say();
  }

  // Native fields appear after this part in no defined order: wait for all of them.
  const ready = () => KEPT.every(field) && document.getElementById("draw") && form.checkpoint() && studio.facts;
  const begin = () => (ready() ? (unlocking(), studio.eyes.begin(it), studio.source.begin(it), recall(), choices(), folds(), say(), info(), count()) : setTimeout(begin, 30));
  begin();
});

studio.part("fold", (it) => {
  const key = it.props.key_of_words;
  const button = it.element.querySelector("button");
  const say = () => (button.firstElementChild.textContent = studio.t(key));
  const body = () => document.getElementById(`folded-${key}`);
  button.setAttribute("aria-controls", `folded-${key}`);
  button.addEventListener("click", () => {
    const open = body().classList.toggle("open");
    button.setAttribute("aria-expanded", String(open));
  });
  studio.on("words", say);
  say();
});

// Ctrl+Enter generates, Esc cancels, anywhere in Create unless a dialog is open.
const elsewhere = () => studio.room() !== "create" || document.querySelector("dialog[open], [role=dialog]:not([hidden])");
const draws = (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing || elsewhere()) return;
  event.preventDefault();
  event.stopPropagation(); // it would toggle a focused native switch
  if (event.target.closest?.(".thread .edit")) studio.emit("draw-edited");
  else form.draw()?.click();
};
document.addEventListener("keydown", draws, { capture: true });
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing && !event.defaultPrevented && !elsewhere()) studio.eyes.stop() || studio.emit("escape");
});

// The checkpoints: on disk, and available for download with consent.
studio.part("models", (it) => {
  const box = it.element.querySelector(".models");
  let asking = null;
  function row(one, news) {
    const made = studio.el("div", { className: "model" });
    const fetched = news && news.status === "loading" && news.fraction !== null;
    let says = studio.t("download_absent", { size: one.gb });
    if (one.folder) says = studio.t("folder_broken");
    if (one.on_disk) says = studio.t("download_ready");
    if (fetched) {
      const percent = Math.floor(100 * news.fraction);
      says = news.eta_s === null ? studio.t("download_running", { percent }) : studio.t("download_left", { percent, time: studio.lasting(news.eta_s) });
    }
    made.append(studio.el("span", { text: one.title }), studio.el("small", { text: says }));
    if (!one.on_disk && !one.folder && asking !== one.name && !(news && news.status === "loading") && studio.facts.may_download) {
      made.append(studio.el("button", { type: "button", text: studio.t("download"), on: { click: () => ((asking = one.name), draw()) } }));
    }
    if (news && news.status === "failed") made.append(studio.el("p", { text: news.message, role: "alert" }));
    if (fetched) {
      const bar = studio.el("b", {});
      bar.style.width = `${100 * news.fraction}%`;
      made.append(studio.el("div", { className: "hair" }, bar));
    }
    if (asking === one.name) made.append(consent(one));
    return made;
  }
  function consent(one) {
    const yes = async () => {
      asking = null;
      try {
        studio.heardState(await studio.ask("download", { name: one.name }));
        studio.look();
      } catch (error) {
        studio.toast(error.message);
      }
      draw();
    };
    return studio.el(
      "div",
      { className: "consent" },
      studio.el("p", { text: studio.t("download_ask", { title: one.title, size: one.gb, free: studio.state.free_gb, hub: studio.facts.hub }) }),
      studio.el("button", { type: "button", className: "yes", text: studio.t("download_yes", { size: one.gb }), on: { click: yes } }),
      studio.el("button", { type: "button", text: studio.t("keep"), on: { click: () => ((asking = null), draw()) } }),
    );
  }
  let drawn = "";
  function draw() {
    const state = studio.state;
    if (!state) return;
    bar(state.checkpoints);
    const now = JSON.stringify([state.checkpoints, state.downloads, asking, studio.lang]);
    if (now === drawn) return;
    drawn = now;
    const absent = state.checkpoints.filter((one) => !one.on_disk || state.downloads[one.name]?.status === "loading");
    box.replaceChildren(...absent.map((one) => row(one, state.downloads[one.name])));
  }
  /** What is not on the disk cannot be chosen; the server refuses it, too. The choices may stand later than this part. */
  function bar(checkpoints) {
    const choices = [...document.querySelectorAll("#checkpoint input")];
    for (const choice of choices) choice.disabled = checkpoints.find((one) => one.name === choice.value)?.on_disk === false;
    if (!choices.length) setTimeout(draw, 100);
  }
  studio.on("state", draw);
  studio.on("words", draw);
});
