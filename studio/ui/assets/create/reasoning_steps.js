// The steps of an enhancement. A finished step is collapsed; its name expands it.

import { el, setText } from "../shared/dom.js";
import { t } from "../shared/texts.js";

export const STEPS = ["keep", "solve", "compose", "text"];

export function createReasoningSteps() {
  const items = STEPS.map((name) => {
    const title = el("button", { type: "button", className: "step", aria: { expanded: "false" } });
    const text = el("p");
    const root = el("li", { data: { step: name } }, el("i", { aria: { hidden: "true" } }), el("div", {}, title, text));
    const toggle = () => title.setAttribute("aria-expanded", String(root.classList.toggle("open")));
    title.addEventListener("click", toggle);
    return { name, title, text, root, toggle };
  });
  const root = el("ol", {}, ...items.map((item) => item.root));

  /**
   * Draw the steps. Returns false if there is no enhancement.
   * @param {Enhancement | null} enhancement
   * @param {JobStatus | null} job
   */
  function draw(enhancement, job) {
    const isWriting = job?.phase === "reasoning" || (job !== null && enhancement !== null && !enhancement.done);
    const isShown = enhancement !== null || job?.phase === "reasoning";
    root.hidden = !isShown;
    if (!isShown) return false;
    let hasCurrent = false;
    for (const item of items) {
      const step = enhancement?.steps.find(({ name }) => name === item.name);
      const isDone = step?.done || !isWriting;
      const status = isDone ? "done" : hasCurrent ? "later" : "now";
      if (status === "now") hasCurrent = true;
      item.root.className = item.root.classList.contains("open") ? `${status} open` : status;
      setText(item.text, step?.text || (isDone ? t("nothing") : ""));
      item.text.classList.toggle("none", !step?.text);
      if (status === "now") item.root.setAttribute("aria-current", "step");
      else item.root.removeAttribute("aria-current");
    }
    return true;
  }
  function collapse() {
    for (const item of items) if (item.root.classList.contains("open")) item.toggle();
  }
  function drawTexts() {
    root.setAttribute("aria-label", t("why"));
    for (const item of items) item.title.textContent = t(`step_${item.name}`);
  }
  return { root, draw, collapse, drawTexts };
}
