// What a search can say, offered while it is typed: the names of filters, then their values. A listbox under the search line.
(() => {
  const { el, t } = studio;
  const MOST = 9;
  const FIXED = {
    is: ["favourite", "rerun", "edited", "imported", "portrait", "landscape", "square", "missing"],
    has: ["enhancement", "note", "tags", "parent", "lora"],
    rating: [">=4", ">=3", "5", "none"],
    steps: ["8", "9", "20", "28"],
    size: ["1024x1024", "768x1024", "1024x768", "1280x720"],
    guidance: ["0", "4"],
  };
  const NAMES = ["is", "has", "rating", "tag", "in", "checkpoint", "after", "before", "on", "seed", "steps", "size", "guidance", "lora"];
  const quoted = (value) => (/\s/.test(value) ? `"${value}"` : value);

  /** `field` is the search line; `taken()` is told when a suggestion was put into it. */
  studio.gallerySuggest = ({ field, call, collections, taken }) => {
    const box = el("ul", { className: "suggestions", role: "listbox", id: "gallery-suggestions", hidden: true });
    field.setAttribute("role", "combobox");
    field.setAttribute("aria-controls", box.id);
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-expanded", "false");
    let found = []; // [{text, more, hint}]
    let at = -1;
    let turn = 0;

    /** The last piece of what stands before the caret. */
    const piece = () => field.value.slice(0, field.selectionStart).match(/(?:^|\s)(-?[^\s"]*(?:"[^"]*)?)$/)?.[1] ?? "";

    async function values(name, begun) {
      if (name === "tag") return (await call("tags", { beginning: begun }, { last: true })).tags.map((one) => ({ value: one.tag, hint: studio.count(one.count) }));
      if (name === "in") return collections().map((one) => ({ value: one.name, hint: "" }));
      if (name === "checkpoint") return (studio.state?.checkpoints ?? []).map((one) => ({ value: one.name, hint: one.title }));
      if (["after", "before", "on"].includes(name)) {
        const now = new Date();
        const pad = (n) => String(n).padStart(2, "0");
        const month = `${now.getFullYear()}-${pad(now.getMonth() + 1)}`;
        return [`${month}-${pad(now.getDate())}`, month, String(now.getFullYear())].map((value) => ({ value, hint: "" }));
      }
      return (FIXED[name] ?? []).map((value) => ({ value, hint: "" }));
    }
    async function suggest() {
      const mine = ++turn;
      const typed = piece();
      const minus = typed.startsWith("-") ? "-" : "";
      const [, name, begun] = typed.slice(minus.length).match(/^([a-z]+):"?(.*)$/i) ?? [];
      let next = [];
      if (name && NAMES.includes(name.toLowerCase())) {
        const offered = await values(name.toLowerCase(), begun).catch(() => []);
        next = offered.filter(({ value }) => value.toLowerCase().startsWith(begun.toLowerCase()) && value.toLowerCase() !== begun.toLowerCase());
        next = next.map(({ value, hint }) => ({ text: `${minus}${name}:${quoted(value)}`, hint, done: true }));
      } else if (typed.length > minus.length) {
        const word = typed.slice(minus.length).toLowerCase();
        next = NAMES.filter((one) => one.startsWith(word)).map((one) => ({ text: `${minus}${one}:`, hint: t(`gallery.filter_${one}`), done: false }));
      }
      if (mine !== turn) return;
      found = next.slice(0, MOST);
      at = -1;
      draw();
    }
    function draw() {
      box.hidden = !found.length || document.activeElement !== field;
      field.setAttribute("aria-expanded", String(!box.hidden));
      field.removeAttribute("aria-activedescendant");
      box.replaceChildren(...found.map((one, number) => {
        const made = el("li", { role: "option", id: `gallery-suggestion-${number}`, aria: { selected: String(number === at) }, on: { pointerdown: (event) => (event.preventDefault(), take(one)) } });
        made.append(el("b", { text: one.text }), el("span", { text: one.hint }));
        return made;
      }));
      if (at >= 0) field.setAttribute("aria-activedescendant", `gallery-suggestion-${at}`);
    }
    function take({ text, done }) {
      const caret = field.selectionStart;
      const begin = caret - piece().length;
      const rest = field.value.slice(caret);
      field.value = `${field.value.slice(0, begin)}${text}${done && !rest.startsWith(" ") ? " " : ""}${rest}`;
      const end = begin + text.length + (done ? 1 : 0);
      field.setSelectionRange(end, end);
      found = [];
      draw();
      taken();
      if (!done) suggest();
    }
    field.addEventListener("input", suggest);
    field.addEventListener("focus", draw);
    field.addEventListener("blur", () => ((box.hidden = true), field.setAttribute("aria-expanded", "false")));
    field.addEventListener("keydown", (event) => {
      if (box.hidden || event.isComposing) return;
      if (event.key === "ArrowDown") at = (at + 1) % found.length;
      else if (event.key === "ArrowUp") at = at <= 0 ? found.length - 1 : at - 1;
      else if (event.key === "Enter" && at >= 0) return event.preventDefault(), event.stopImmediatePropagation(), take(found[at]);
      else if (event.key === "Tab" && !event.shiftKey) return event.preventDefault(), take(found[Math.max(at, 0)]);
      else if (event.key === "Escape") found = [];
      else return;
      event.preventDefault();
      event.stopImmediatePropagation();
      draw();
    });
    return { box, close: () => ((found = []), draw()) };
  };
})();
