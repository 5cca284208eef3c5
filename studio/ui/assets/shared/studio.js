// Shared by the whole page: texts, an event bus, element construction and the views. No framework, no request.
//
// Every part builds its elements with studio.el(), which only ever sets text and properties: what people wrote is never markup.
// A gr.HTML mounts a part with   js_on_load="studio.mount('gallery', {element, props, trigger, watch})"   and the part registers
// itself with   studio.part('gallery', (it) => { ... it.trigger('pick', {id}) ... })   in its own file.
//
// What is said on the bus, as window events `studio:NAME`:
//   open {id}              show one picture in its own view
//   again | vary | reuse | edit {id}   Create does it with that picture, and comes to the front
//   changed {id, what, picture}   a picture was drawn, starred, deleted or restored
//   job {shot}             news of a job that this page watches
//   private {}             the switch of the bar was turned
//   words {}               the language of the page has changed: write every text again

const parts = new Map();
const waiting = new Map();

export const studio = {
  words: JSON.parse(document.getElementById("texts").textContent), // language -> key -> text, from locales/*.json
  lang: "en",
  zone: Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC", // whose days are meant
  private: "", // the private session of this tab, where nothing of what is drawn from here is kept

  /** The words for a key in the present language; {name} is filled from `values`, {name|word|words} is the one where that is 1.
   * The key itself where nothing is written. */
  t(key, values = {}) {
    const found = studio.words[studio.lang]?.[key] ?? studio.words.en?.[key] ?? key;
    const counted = found.replace(/\{(\w+)\|([^|}]*)\|([^}]*)\}/g, (whole, name, one, many) => (String(values[name]) === "1" ? one : many));
    return counted.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
  },

  /** Hear an event of the bus. */
  on(name, hear) {
    window.addEventListener(`studio:${name}`, (event) => hear(event.detail ?? {}));
  },

  /** Tell everybody who hears `name`. */
  emit(name, detail = {}) {
    window.dispatchEvent(new CustomEvent(`studio:${name}`, { detail }));
  },

  /** An element. `text` and children are text or nodes, never markup; `on` holds listeners, `data` and `aria` attributes. */
  el(tag, { text, on = {}, data = {}, aria = {}, ...rest } = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(rest)) {
      if (value === undefined || value === null) continue;
      if (name in made) made[name] = value;
      else made.setAttribute(name, value);
    }
    for (const [name, value] of Object.entries(data)) made.dataset[name] = value;
    for (const [name, value] of Object.entries(aria)) made.setAttribute(`aria-${name}`, value);
    for (const [name, hear] of Object.entries(on)) made.addEventListener(name, hear);
    if (text !== undefined) made.textContent = text;
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  },

  /** A part of the page: `start(it)` runs once for each gr.HTML that mounts it. */
  part(name, start) {
    parts.set(name, start);
    for (const it of waiting.get(name) ?? []) start(it);
    waiting.delete(name);
  },

  /** From a gr.HTML's js_on_load. `it` is {element, props, trigger, watch}. */
  mount(name, it) {
    if (parts.has(name)) return parts.get(name)(it);
    waiting.set(name, [...(waiting.get(name) ?? []), it]);
  },

  /** A number with thin spaces between its thousands. */
  number(value) {
    return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
  },

  /** Put a text on the clipboard; says whether it worked (a page on plain http away from home has none). */
  async copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return false;
    }
  },

  /** Set what a native field holds, as if it had been typed. */
  type(field, value) {
    if (!field || field.value === String(value)) return;
    const kind = field.tagName === "TEXTAREA" ? HTMLTextAreaElement : HTMLInputElement;
    Object.getOwnPropertyDescriptor(kind.prototype, "value").set.call(field, String(value));
    field.dispatchEvent(new Event("input", { bubbles: true }));
  },

  /** Go to a room: "create", "gallery", "queue" or "machine". */
  go(room) {
    document.querySelector(`#rooms [role=tab][data-tab-id="${room}"]`)?.click();
  },

  /** Which room is open. */
  room() {
    return document.querySelector('#rooms [role=tab][aria-selected="true"]')?.dataset.tabId ?? "create";
  },
};
