// Import: files that are chosen or dropped are previewed, then imported; and the settings of a dropped picture.
//
// A file goes to /media/import, once to be looked at and once to be kept, and the server tells meanwhile how far it is. A folder is
// read here, file by file, up to a bound. What is shown is text, whatever a file tells.

import { studio } from "../shared/studio.js";

const { el, t, button } = studio;
const MOST = 2000; // files per upload
const DEEP = 40; // depth of folders
const ENDINGS = /\.(png|jpe?g|webp|zip)$/i; // files taken from a folder
const SHOWN = 60; // files listed
const MAKERS = { a1111: "A1111 / Forge", comfyui: "ComfyUI", invokeai: "InvokeAI", swarmui: "SwarmUI", fooocus: "Fooocus", ours: "Z-Image Studio" };

/** The form's fields that a picture tells of, filled; nothing else is touched. */
studio.useSettings = async (told) => {
  studio.go("create");
  const known = studio.state?.checkpoints.some((one) => one.name === told.checkpoint && one.on_disk);
  if (known) await studio.form.choose(told.checkpoint);
  const names = known && told.loras.length ? await studio.adapters.look() : [];
  const here = told.loras.filter(({ name, weight }) => names.includes(name) && weight);
  studio.form.setPrompt(told.original_prompt || told.prompt || "");
  const put = (id, value) => value !== null && value !== undefined && studio.type(studio.form.field(id), value);
  put("seed", told.seed);
  put("width", told.drawn_width - (told.drawn_width % 16));
  put("height", told.drawn_height - (told.drawn_height % 16));
  if (known) {
    for (const id of ["steps", "guidance", "shift"]) put(id, told[id]); // settings of another model family mean something else
    put("variation", varied(told.rest.variation_of));
    put("adapters", studio.adapters.told(here.map(({ name, weight }) => [name, weight])));
    put("source", "");
    if (told.rest.source) await studio.source.use(told.rest.source, { strength: told.rest.strength, sized: false });
    if (told.guidance > 0) {
      put("negative", told.negative_prompt);
      put("truncation", told.rest.cfg_truncation ?? 1);
      studio.form.tick("normalization", told.rest.cfg_normalization === true);
    }
  }
  studio.folds();
  studio.toast([t("bring.used"), ...lacking(told, known, here)].join(" "));
};

/** What of a picture's settings this studio does not have: nothing is left out quietly. */
function lacking(told, known, here) {
  const adapters = told.loras.filter((one) => !here.includes(one)).map(({ name, weight }) => `${name} (${weight})`).join(t("list_comma"));
  return [
    told.checkpoint && !known ? t("bring.no_model", { name: told.checkpoint }) : "",
    adapters ? t("bring.no_adapters", { names: adapters }) : "",
  ].filter(Boolean);
}

/** What our own files tell of a variation, as the form takes it: "42 0.3" for [[42, 0.3]]. */
function varied(text) {
  try {
    return JSON.parse(text).map(([seed, strength]) => `${seed} ${strength}`).join(", ");
  } catch {
    return ""; // none, or not our own
  }
}

/** A file to the server. `heard(done, total)` is told how far the server is with it; `signal` stops it. */
async function send(file, preview, heard = () => {}, signal = undefined) {
  const where = `/media/import?name=${encodeURIComponent(file.name)}${preview ? "&preview=1" : `&made=${file.lastModified}`}`;
  const answer = await fetch(where, { method: "POST", body: file, signal, headers: { Accept: "application/x-ndjson, application/json", "Accept-Language": studio.lang } });
  const streamed = answer.ok && answer.headers.get("Content-Type")?.startsWith("application/x-ndjson");
  const told = streamed ? await followed(answer.body, heard) : await answer.json().catch(() => ({}));
  if (!answer.ok || told.error) throw new Error(told.error ?? told.detail ?? t("bring.failed"));
  return told;
}
/** The lines of an answer as they come, down to the last one: the result, or why there is none. */
async function followed(body, heard) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { error: t("bring.failed") };
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines.map((one) => JSON.parse(one))) {
      if (line.result) return line.result;
      if (line.error) return line;
      heard(line.done, line.total);
    }
  }
}

/** The files of what was dropped, folders with all that lies in them. To be called while the drop is heard: later there is nothing. */
function dropped(data) {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const plain = [...data.files];
  return entries.some((one) => one.isDirectory) ? unfolded(entries) : Promise.resolve(plain);
}
async function unfolded(entries) {
  const found = [];
  const walk = async (entry, depth) => {
    if (found.length > MOST || depth > DEEP) return;
    if (entry.isFile) {
      if (ENDINGS.test(entry.name)) found.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // at most a hundred
      if (!some.length || found.length > MOST) return;
      for (const one of some) await walk(one, depth + 1);
    }
  };
  for (const entry of entries) await walk(entry, 0);
  return found;
}

/** `home` is what files are dropped on; `came()` is told when pictures have come in. */
studio.galleryBring = ({ home, came }) => {
  const pick = el("input", { type: "file", multiple: true, accept: ".zip,image/png,image/jpeg,image/webp", hidden: true, tabIndex: -1 });
  const pickFolder = el("input", { type: "file", multiple: true, hidden: true, tabIndex: -1, className: "folder" });
  pickFolder.webkitdirectory = true;
  const folder = button("", () => pickFolder.click(), { className: "bring whole-folder" });
  const opener = button("", () => pick.click(), { className: "bring" });
  const title = el("h2", {});
  const list = el("ul", { className: "bring-list" });
  const line = el("p", { className: "bring-line", role: "status" });
  const hair = el("b", {});
  const row = el("div", { className: "row" });
  const view = el("dialog", { className: "compare-view bring-view", tabIndex: -1 }, title, line, el("div", { className: "hair" }, hair), list, row);
  home.append(pick, pickFolder, view);
  let turn = 0;
  let sending = null; // stops the current upload

  async function look(files) {
    const mine = ++turn;
    const all = [...files].slice(0, MOST);
    if (!all.length) return studio.toast(t("bring.none"));
    title.textContent = t("bring.title");
    view.setAttribute("aria-label", t("bring.title"));
    list.replaceChildren(...(files.length > MOST ? [el("li", { className: "bad" }, el("span", { text: t("bring.too_many", { most: studio.count(MOST) }) }))] : []));
    row.replaceChildren(button(t("close"), stop));
    hair.style.width = "0";
    if (!view.open) view.showModal();
    const good = [];
    for (const [at, file] of all.entries()) {
      if (mine !== turn) return;
      progress(t("bring.looking", { n: at + 1, all: all.length }), at / all.length);
      try {
        sending = new AbortController();
        const told = await send(file, true, within("bring.looking", at, all.length), sending.signal);
        good.push(file);
        if (at < SHOWN) list.append(item(file, told, all.length === 1));
      } catch (error) {
        if (mine === turn && at < SHOWN) list.append(el("li", { className: "bad" }, el("b", { text: file.name }), el("span", { text: studio.said(error.message) })));
      }
    }
    if (mine !== turn) return;
    progress(t("bring.understood", { n: good.length, all: all.length }), 1);
    const go = good.length ? [button(t("bring.go", { n: good.length }), () => keep(good), { className: "yes" })] : [];
    row.replaceChildren(...go, button(t("close"), stop));
    row.firstChild.focus();
  }
  function item(file, told, alone) {
    const facts = told.kind === "archive" ? archived(told) : pictured(told);
    const use = alone && told.kind === "picture" && told.prompt ? button(t("bring.use"), () => (stop(), studio.useSettings(told)), { className: "pv-link" }) : null;
    return el("li", {}, el("b", { text: file.name }), ...facts.map((text) => el("span", { text })), use);
  }
  function pictured(told) {
    const maker = told.maker ? t("bring.by", { maker: MAKERS[told.maker] ?? told.maker }) : t("bring.by_nobody");
    const seed = told.seed === null ? "" : t("seed_n", { n: studio.number(told.seed) });
    const steps = told.steps === null ? "" : t("steps_n", { n: told.steps });
    return [[maker, `${told.width} × ${told.height}`, seed, steps, told.checkpoint].filter(Boolean).join(" · "), told.prompt ?? "", ...told.notes.map(studio.said)].filter(Boolean);
  }
  function archived(told) {
    const books = told.collections ? [t("bring.collections", { n: studio.count(told.collections) })] : [];
    return [t("bring.archive", { n: studio.count(told.count ?? 0), here: studio.count(told.here ?? 0) }), ...books, ...wrongs(told)];
  }
  function wrongs(told) {
    return (told.wrong ?? []).slice(0, SHOWN).map((one) => `${one.file}${one.line ? `:${one.line}` : ""}: ${studio.said(one.sentence)}`);
  }
  async function keep(files) {
    const mine = ++turn;
    let kept = 0;
    let ended = false;
    row.replaceChildren(button(t("cancel"), stop));
    for (const [at, file] of files.entries()) {
      if (mine !== turn || ended) break;
      progress(t("bring.bringing", { n: at + 1, all: files.length }), at / files.length);
      try {
        sending = new AbortController();
        const told = await send(file, false, within("bring.bringing", at, files.length), sending.signal);
        ended = Boolean(told.ended);
        if (ended) failed(file, t("bring.ended", { n: studio.count(told.brought.length), left: studio.count(told.left), why: studio.said(told.ended) }));
        else kept += 1;
        if (told.kind === "archive") for (const said of [...wrongs(told), ...told.notes.map(studio.said)]) failed(file, said);
      } catch (error) {
        if (mine === turn) failed(file, studio.said(error.message));
      }
    }
    came();
    if (mine !== turn) return;
    progress(t("bring.done", { n: kept, all: files.length }), 1);
    row.replaceChildren(button(t("close"), stop));
    if (kept === files.length && !list.querySelector(".bad")) stop(), studio.toast(t("bring.done", { n: kept, all: files.length }));
  }
  function failed(file, said) {
    list.prepend(el("li", { className: "bad" }, el("b", { text: file.name }), el("span", { text: said })));
  }
  /** Hears how far the server is with one file of many, and says it with the time that is left. */
  function within(key, at, all) {
    const begun = performance.now();
    const mine = turn;
    return (done, total) => {
      if (mine !== turn || total < 2) return;
      const seconds = ((performance.now() - begun) / 1000 / Math.max(done, 1)) * (total - done);
      const time = done ? t("left", { time: studio.lasting(seconds) }) : "";
      const said = t("bring.within", { n: studio.count(done), all: studio.count(total) });
      progress([all > 1 ? t(key, { n: at + 1, all }) : "", said, time].filter(Boolean).join(" · "), (at + done / total) / all);
    };
  }
  function progress(text, share) {
    line.textContent = text;
    hair.style.width = `${Math.round(100 * share)}%`;
  }
  function stop() {
    turn += 1;
    sending?.abort();
    view.close();
  }
  pick.addEventListener("change", () => (look([...pick.files]), (pick.value = "")));
  pickFolder.addEventListener("change", () => (look([...pickFolder.files].filter((file) => ENDINGS.test(file.name))), (pickFolder.value = "")));

  // Drop anywhere on the gallery.
  const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  home.addEventListener("dragover", (event) => carries(event) && (event.preventDefault(), home.classList.add("over")));
  home.addEventListener("dragleave", (event) => home.contains(event.relatedTarget) || home.classList.remove("over"));
  home.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    home.classList.remove("over");
    dropped(event.dataTransfer).then(look, () => studio.toast(t("bring.failed")));
  });
  function words() {
    opener.textContent = t("bring.open");
    opener.title = t("bring.hint");
    folder.textContent = t("bring.folder");
    folder.title = t("bring.folder_hint");
  }
  return { openers: [opener, folder], words };
};

// A picture dropped on Create's stage shows its settings.
// Also beside it; files dropped elsewhere do not replace the page.
const falls = (event) => !event.defaultPrevented && [...(event.dataTransfer?.types ?? [])].includes("Files");
document.addEventListener("dragover", (event) => falls(event) && event.preventDefault());
document.addEventListener("drop", async (event) => {
  if (!falls(event)) return;
  event.preventDefault();
  const file = event.target.closest?.("#room-create, #columns") ? event.dataTransfer.files[0] : null;
  if (!file) return;
  try {
    const told = await send(file, true);
    if (told.kind === "picture" && told.prompt) studio.useSettings(told);
    else if (told.kind === "picture") await studio.source.file(file).then(() => studio.toast(t("bring.tells_nothing")));
    else studio.toast(t("bring.no_picture"));
  } catch (error) {
    studio.excuse(error);
  }
});
