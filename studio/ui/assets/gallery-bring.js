// Bringing pictures in: files that are chosen or dropped, first understood, then brought in; and what a dropped picture was drawn with.
//
// A file goes to /media/import, once to be looked at and once to be kept. What is shown of it is text, whatever it tells.
(() => {
  const { el, t, button } = studio;
  const MOST = 200; // files at once
  const SHOWN = 60; // of them that are listed
  const MAKERS = { a1111: "A1111 / Forge", comfyui: "ComfyUI", invokeai: "InvokeAI", swarmui: "SwarmUI", fooocus: "Fooocus", ours: "Z-Image Studio" };

  /** The form's fields that a picture tells of, filled; nothing else is touched. */
  studio.useSettings = (told) => {
    studio.go("create");
    studio.form.setPrompt(told.original_prompt || told.prompt || "");
    const put = (id, value) => value !== null && value !== undefined && studio.type(studio.form.field(id), value);
    put("seed", told.seed);
    const known = studio.state?.checkpoints.some((one) => one.name === told.checkpoint);
    put("steps", known ? told.steps : null); // of another family of models they would mean something else
    put("guidance", known ? told.guidance : null);
    put("width", told.drawn_width - (told.drawn_width % 16));
    put("height", told.drawn_height - (told.drawn_height % 16));
    studio.folds();
    studio.toast(t("bring.used"));
  };

  async function send(file, preview) {
    const answer = await fetch(`/media/import?name=${encodeURIComponent(file.name)}${preview ? "&preview=1" : ""}`, { method: "POST", body: file });
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(told.error ?? told.detail ?? t("bring.failed"));
    return told;
  }

  /** `home` is what files are dropped on; `came()` is told when pictures have come in. */
  studio.galleryBring = ({ home, came }) => {
    const pick = el("input", { type: "file", multiple: true, accept: ".zip,image/png,image/jpeg,image/webp", hidden: true, tabIndex: -1 });
    const opener = button("", () => pick.click(), { className: "bring" });
    const title = el("h2", {});
    const list = el("ul", { className: "bring-list" });
    const line = el("p", { className: "bring-line", role: "status" });
    const hair = el("b", {});
    const row = el("div", { className: "row" });
    const view = el("dialog", { className: "compare-view bring-view", tabIndex: -1 }, title, line, el("div", { className: "hair" }, hair), list, row);
    home.append(pick, view);
    let turn = 0;

    async function look(files) {
      const mine = ++turn;
      const all = [...files].slice(0, MOST);
      if (!all.length) return;
      title.textContent = t("bring.title");
      view.setAttribute("aria-label", t("bring.title"));
      list.replaceChildren();
      row.replaceChildren(button(t("close"), stop));
      hair.style.width = "0";
      if (!view.open) view.showModal();
      const good = [];
      for (const [at, file] of all.entries()) {
        if (mine !== turn) return;
        progress(t("bring.looking", { n: at + 1, all: all.length }), at / all.length);
        try {
          const told = await send(file, true);
          good.push(file);
          if (at < SHOWN) list.append(item(file, told, all.length === 1));
        } catch (error) {
          if (at < SHOWN) list.append(el("li", { className: "bad" }, el("b", { text: file.name }), el("span", { text: studio.said(error.message) })));
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
      return [[maker, `${told.width} × ${told.height}`, seed, steps, told.checkpoint].filter(Boolean).join(" · "), told.prompt ?? "", ...told.notes].filter(Boolean);
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
      row.replaceChildren(button(t("cancel"), stop));
      for (const [at, file] of files.entries()) {
        if (mine !== turn) break;
        progress(t("bring.bringing", { n: at + 1, all: files.length }), at / files.length);
        try {
          await send(file, false);
          kept += 1;
        } catch (error) {
          list.prepend(el("li", { className: "bad" }, el("b", { text: file.name }), el("span", { text: studio.said(error.message) })));
        }
      }
      came();
      if (mine !== turn) return;
      progress(t("bring.done", { n: kept, all: files.length }), 1);
      row.replaceChildren(button(t("close"), stop));
      if (kept === files.length) stop(), studio.toast(t("bring.done", { n: kept, all: files.length }));
    }
    function progress(text, share) {
      line.textContent = text;
      hair.style.width = `${Math.round(100 * share)}%`;
    }
    function stop() {
      turn += 1;
      view.close();
    }
    pick.addEventListener("change", () => (look(pick.files), (pick.value = "")));

    // Dropping anywhere on the gallery.
    const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    home.addEventListener("dragover", (event) => carries(event) && (event.preventDefault(), home.classList.add("over")));
    home.addEventListener("dragleave", (event) => home.contains(event.relatedTarget) || home.classList.remove("over"));
    home.addEventListener("drop", (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      home.classList.remove("over");
      look(event.dataTransfer.files);
    });
    return { opener, words: () => ((opener.textContent = t("bring.open")), (opener.title = t("bring.hint"))) };
  };

  // A picture that is dropped on Create's stage tells what it was drawn with.
  document.addEventListener("dragover", (event) => event.target.closest?.("#canvas") && event.preventDefault());
  document.addEventListener("drop", async (event) => {
    const file = event.target.closest?.("#canvas") ? event.dataTransfer?.files?.[0] : null;
    if (!file) return;
    event.preventDefault();
    try {
      const told = await send(file, true);
      if (told.kind === "picture" && told.prompt) studio.useSettings(told);
      else studio.toast(t("bring.tells_nothing"));
    } catch (error) {
      studio.excuse(error);
    }
  });
})();
