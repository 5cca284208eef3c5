// DOM helpers. Elements are built from text and properties only, never from markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * Create an element. Options that are properties of the element are set as such, others as attributes.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {ElementOptions} [options]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, { text, on = {}, data = {}, aria = {}, ...rest } = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(rest)) {
    if (value === undefined || value === null) continue;
    if (name in element) /** @type {any} */ (element)[name] = value;
    else element.setAttribute(name, String(value));
  }
  for (const [name, value] of Object.entries(data)) element.dataset[name] = String(value);
  for (const [name, value] of Object.entries(aria)) element.setAttribute(`aria-${name}`, String(value));
  for (const [name, listener] of Object.entries(on)) element.addEventListener(name, listener);
  if (text !== undefined) element.textContent = /** @type {string} */ (text);
  element.append(...present(children));
  return element;
}

/**
 * The values that are neither null, undefined nor "".
 * @template T
 * @param {readonly (T | null | undefined | "")[]} values
 * @returns {T[]}
 */
export function present(values) {
  return /** @type {T[]} */ (values.filter((value) => value !== null && value !== undefined && value !== ""));
}

/**
 * Create a button with a text.
 * @param {string} text
 * @param {(event: MouseEvent) => unknown} click
 * @param {ElementOptions} [options]
 */
export function button(text, click, options = {}) {
  return el("button", { type: "button", text, on: { click }, ...options });
}

/**
 * Create a button with a drawing. The label is read out and shown as a tooltip.
 * @param {Node} drawing
 * @param {string} label
 * @param {(event: MouseEvent) => unknown} click
 * @param {ElementOptions} [options]
 */
export function iconButton(drawing, label, click, { aria = {}, ...options } = {}) {
  return el("button", { type: "button", title: label, aria: { label, ...aria }, on: { click }, ...options }, drawing);
}

/**
 * Set an element's label for screen readers, and its tooltip.
 * @param {HTMLElement} element
 * @param {string} label
 * @param {string} [title]
 */
export function setLabel(element, label, title = label) {
  element.setAttribute("aria-label", label);
  element.title = title;
}

/**
 * Set an element's text if it differs, so that screen readers announce changes only.
 * @param {Element | null} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/**
 * Create an SVG element.
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {...Node} children
 */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/**
 * The first element for a selector. Throws if there is none of that type.
 * @template {Element} [T=HTMLElement]
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => T} [type]
 * @returns {T}
 */
export function find(root, selector, type = /** @type {any} */ (HTMLElement)) {
  const element = root.querySelector(selector);
  if (!(element instanceof type)) throw new Error(`No element matches ${selector}.`);
  return element;
}

/**
 * All HTML elements for a selector.
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLElement[]}
 */
export const findAll = (root, selector) => [...root.querySelectorAll(selector)].filter((element) => element instanceof HTMLElement);

/**
 * All inputs for a selector.
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLInputElement[]}
 */
export const inputs = (root, selector) => [...root.querySelectorAll(selector)].filter((element) => element instanceof HTMLInputElement);

/**
 * The first HTML element for a selector, or null.
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export const lookUp = (root, selector) => /** @type {HTMLElement | null} */ (root.querySelector(selector));

/**
 * The element for a selector that contains the event's target, or null.
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export function closest(event, selector) {
  return event.target instanceof Element ? event.target.closest(selector) : null;
}

/**
 * The `data-` attribute of the focused element or of its closest ancestor for a selector.
 * @param {string} selector
 * @param {string} name
 * @returns {string | undefined}
 */
export function focusedData(selector, name) {
  const element = document.activeElement?.closest(selector);
  return element instanceof HTMLElement ? element.dataset[name] : undefined;
}

/**
 * Render again, then focus the element at the place of the focused one, or the last one if there are fewer.
 * @param {ParentNode} root
 * @param {string} selector
 * @param {() => void} render
 */
export function keepFocus(root, selector, render) {
  const index = findAll(root, selector).findIndex((element) => element === document.activeElement);
  render();
  if (index < 0) return;
  const elements = findAll(root, selector);
  elements[Math.min(index, elements.length - 1)]?.focus();
}

/**
 * Whether an element can be seen now.
 * @param {HTMLElement} element
 */
export function isVisible(element) {
  return !document.hidden && element.offsetParent !== null && element.checkVisibility?.() !== false;
}

/**
 * Call `show` each time the element comes into view.
 * @param {Element} element
 * @param {() => void} show
 * @param {IntersectionObserverInit} [options]
 */
export function whenShown(element, show, options) {
  new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && show(), options).observe(element);
}

/**
 * Ignore the second click of a double click: for buttons that replace the one that asked for confirmation.
 * @param {() => unknown} action
 * @returns {(event: MouseEvent) => unknown}
 */
export const onSingleClick = (action) => (event) => event.detail > 1 || action();

/**
 * Whether a key is pressed with Ctrl, Command or Alt.
 * @param {KeyboardEvent | MouseEvent} event
 */
export const hasModifier = (event) => event.ctrlKey || event.metaKey || event.altKey;

/**
 * Set the value of a native field as if it had been typed.
 * @param {HTMLInputElement | HTMLTextAreaElement | null} field
 * @param {unknown} value
 */
export function typeValue(field, value) {
  if (!field || field.value === String(value)) return;
  const type = field instanceof HTMLTextAreaElement ? HTMLTextAreaElement : HTMLInputElement;
  Object.getOwnPropertyDescriptor(type.prototype, "value")?.set?.call(field, String(value)); // Svelte replaces the element's own setter
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/**
 * Grow a text area to the height of its text.
 * @param {HTMLTextAreaElement} field
 */
export function fitHeight(field) {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 2}px`;
}

/**
 * Copy a text. Returns false where the browser has no clipboard, as on plain http.
 * @param {string} text
 */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** 24 random hexadecimal digits. */
export function randomToken() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {number} ms */
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Open a view: "create", "gallery", "queue" or "machine".
 * @param {string} view
 */
export function openView(view) {
  lookUp(document, `#rooms [role=tab][data-tab-id="${view}"]`)?.click();
}

/**
 * The open view.
 * @returns {string}
 */
export function currentView() {
  return lookUp(document, '#rooms [role=tab][aria-selected="true"]')?.dataset.tabId ?? "create";
}
