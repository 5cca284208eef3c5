// Adapters in the form: what of the files that are here fits the chosen model, each with a switch, a weight, and the words that it hears.
//
// The form's hidden field holds the choice as a text, `ink 0.8, fur -0.5`, and is the truth: the rows show what it says, and write it.
// A name in it that is not here has a row, too, so that it can be taken out. Without any row the fold is not there.
(() => {
  const { el } = studio;
  const FAR = 2; // the slider's ends; a typed weight may go to MOST
  const MOST = 4;
  const WEIGHT = /\s*(\S.*?)\s+([+-]?(?:\d+\.?\d*|\.\d+))\s*(?:[,，;；]|$)/gs; // as the server reads it
  const field = () => studio.form?.field("adapters");

  let listed = []; // of the checkpoint that is chosen: {name, title, about, triggers, fits}
  let asked = null; // the checkpoint that they were asked for
  let turn = 0;
  let redraw = () => {};

  /** What the field says, as pairs of a name and a weight, in its order. */
  const chosen = () => [...(field()?.value ?? "").matchAll(WEIGHT)].map(([, name, weight]) => [name, Number(weight)]);
  const told = (pairs) => pairs.map(([name, weight]) => `${name} ${weight}`).join(", ");
  const fit = () => listed.filter((one) => one.fits !== false);

  /** Two with one title are told apart by the names of their files. */
  function named(all) {
    const twice = (title) => all.filter((one) => one.title === title && one.fits !== false).length > 1;
    return all.map((one) => (twice(one.title) && one.title !== one.name ? { ...one, title: `${one.title} (${one.name})` } : one));
  }

  studio.adapters = {
    told,
    /** The names of those that fit the chosen model, asked anew. */
    async look(anew = true) {
      const checkpoint = studio.form.checkpoint();
      if (!anew && checkpoint === asked) return fit().map((one) => one.name);
      const mine = (turn += 1);
      try {
        const found = await studio.ask("adapters", { checkpoint });
        if (mine === turn) (listed = named(found.adapters)), (asked = checkpoint), redraw();
        return found.adapters.filter((one) => one.fits !== false).map((one) => one.name);
      } catch {
        return []; // the list is asked for again with the next choice
      }
    },
    /** The fold's present value: what is on, by its title. */
    says() {
      const title = (name) => listed.find((one) => one.name === name)?.title ?? name;
      return chosen().map(([name, weight]) => `${title(name)} ${weight}`).join(", ");
    },
  };

  studio.part("adapters", (it) => {
    const box = it.element.querySelector(".adapters");
    let drawn = "";

    function write(pairs) {
      studio.type(field(), told(pairs));
      draw();
    }
    function turnOn(name, on) {
      const others = chosen().filter(([other]) => other !== name);
      write(on ? [...others, [name, 1]] : others);
    }
    function weigh(name, typed) {
      const weight = Math.max(-MOST, Math.min(MOST, Math.round(100 * typed) / 100));
      if (!Number.isFinite(weight)) return;
      if (!weight) return turnOn(name, false); // it would do nothing
      write(chosen().map(([other, now]) => [other, other === name ? weight : now]));
    }
    function hear(word) {
      const prompt = studio.form.prompt();
      const text = prompt.value.trim();
      if (!text.toLowerCase().includes(word.toLowerCase())) studio.form.setPrompt(text ? `${text.replace(/[,，]$/, "")}, ${word}` : word);
      prompt.focus();
    }

    function row(one, weight) {
      const on = weight !== undefined;
      const made = el("div", { className: "adapter", data: { name: one.name } });
      const tick = el("input", { type: "checkbox", checked: on, on: { change: () => turnOn(one.name, tick.checked) } });
      const missing = one.absent ? [el("small", { text: studio.t("adapter_missing"), role: "alert" })] : [];
      made.append(el("label", { title: one.about ?? "" }, tick, el("span", { text: one.title })), ...missing);
      if (on) made.append(weighing(one, weight));
      if (one.triggers.length) {
        const words = one.triggers.map((word) => studio.button(word, () => hear(word), { className: "trigger", title: studio.t("adapter_word") }));
        made.append(el("div", { className: "triggers" }, ...words));
      }
      return made;
    }
    function weighing(one, weight) {
      const label = studio.t("adapter_weight", { name: one.title });
      const slide = el("input", { type: "range", min: -FAR, max: FAR, step: 0.05, value: weight, aria: { label } });
      const number = el("input", { type: "number", min: -MOST, max: MOST, step: 0.05, value: weight, aria: { label } });
      slide.addEventListener("input", () => (number.value = slide.value)); // the row stays while it is pulled
      slide.addEventListener("change", () => weigh(one.name, slide.valueAsNumber));
      number.addEventListener("change", () => weigh(one.name, number.valueAsNumber));
      return el("div", { className: "weighing" }, slide, number);
    }

    function draw() {
      const pairs = new Map(chosen());
      const names = new Set(fit().map((one) => one.name));
      const absent = [...pairs.keys()].filter((name) => !names.has(name)).map((name) => ({ name, title: name, triggers: [], absent: true }));
      const rows = [...fit(), ...absent];
      document.getElementById("form")?.classList.toggle("has-adapters", rows.length > 0);
      studio.folds?.();
      const now = JSON.stringify([rows, [...pairs], studio.lang]);
      if (now === drawn) return;
      drawn = now;
      const at = document.activeElement;
      const [name, kind] = box.contains(at) ? [at.closest(".adapter")?.dataset.name, at.type] : [];
      box.replaceChildren(...rows.map((one) => row(one, pairs.get(one.name))));
      const again = [...box.children].find((one) => one.dataset.name === name);
      (again?.querySelector(`[type=${kind}]`) ?? again?.querySelector("[type=checkbox]"))?.focus(); // keys go on working
    }
    redraw = draw;

    const look = () => studio.ask && studio.form?.checkpoint() && studio.adapters.look(false).then(draw);
    for (const news of ["filled", "reused"]) studio.on(news, () => setTimeout(look, 80)); // the fields hear of it a moment later
    studio.on("state", look);
    studio.on("words", draw);
    document.addEventListener("input", (event) => event.target === field() && draw());
    document.addEventListener("change", (event) => event.target.closest?.("#checkpoint") && setTimeout(look, 80));
    document.addEventListener("click", (event) => event.target.closest?.("#fold-adapters") && studio.adapters.look()); // files come and go
    const begin = () => (studio.ask && field() && studio.form.checkpoint() ? look() : setTimeout(begin, 30));
    begin();
  });
})();
