// The open view in the page's address, so that a reload keeps it and the back button returns to it. Each view keeps its scroll position.

import { currentView, lookUp, openView } from "../shared/dom.js";

const RETRY_MS = 30; // until Gradio has built the tabs

function addressedView() {
  const name = location.hash.slice(1);
  return ["gallery", "queue", "machine"].includes(name) ? name : "create";
}

/** Follow the tabs and the address. */
export function startNavigation() {
  let touched = false; // whether the user has done anything
  /** @type {Map<string | undefined, number>} */
  const scrolled = new Map();

  function openAddressed() {
    if (currentView() !== addressedView()) openView(addressedView());
  }
  function update() {
    const view = currentView();
    if (document.body.dataset.room === view) return;
    if (!touched && addressedView() !== view) return openAddressed(); // Gradio opens the first tab a moment after the page is built
    document.body.dataset.room = view; // for the style sheets
    if (addressedView() !== view) history.pushState(null, "", `${location.pathname}${location.search}${view === "create" ? "" : `#${view}`}`);
    requestAnimationFrame(() => window.scrollTo(0, scrolled.get(view) ?? 0));
  }
  function observe() {
    const tabs = lookUp(document, "#rooms [role=tablist]");
    if (!tabs) return void setTimeout(observe, RETRY_MS);
    new MutationObserver(update).observe(tabs, { subtree: true, attributes: true, attributeFilter: ["aria-selected"] });
    update();
  }
  for (const type of ["pointerdown", "keydown"]) window.addEventListener(type, () => (touched = true), { capture: true, once: true });
  window.addEventListener("scroll", () => scrolled.set(document.body.dataset.room, window.scrollY), { passive: true });
  window.addEventListener("popstate", openAddressed);
  observe();
}
