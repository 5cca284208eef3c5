// The stage: the picture or its progress, facts, actions, and the strip of the newest pictures.

import { button, el, setText } from "../shared/dom.js";
import { EXAMPLES, localize, t } from "../shared/texts.js";
import { form } from "./form_fields.js";
import { createShareLine } from "./share_line.js";
import { createStageActions } from "./stage_actions.js";
import { fact, jobFacts, pictureFacts } from "./stage_facts.js";
import { createStrip } from "./strip.js";

const MAGNIFICATION_MAX = 4.5;

/** @typedef {{message?: Message, key?: string, actions: [string, () => void][], job?: JobStatus}} Notice a message on the stage, or its text key */
/**
 * @typedef {object} StageState
 * @property {boolean} loaded whether the server's state has arrived
 * @property {JobStatus | null} job the running job, else the first in the queue
 * @property {boolean} watching whether the stage shows the job
 * @property {Picture | null} picture
 * @property {Picture[]} pictures newest first
 * @property {Notice | null} notice
 * @property {number} waiting number of further jobs
 * @property {import("./stage_facts.js").RerunResult | null} rerun
 * @property {boolean} hasDraft whether an enhancement without a picture is shown
 */
/** @typedef {Omit<import("./stage_actions.js").PictureActions, "share"> & {pick: (id: string | null) => void, example: (text: string) => void}} StageCallbacks */

/**
 * The sampled fraction of a job; null before sampling.
 * @param {JobStatus | null} job
 */
function sampledFraction(job) {
  if (!job || job.status !== "running" || job.phase === "loading") return null;
  const steps = job.steps * job.count;
  return steps ? Math.min(1, (job.index * job.steps + (job.phase === "saving" ? job.steps : job.step)) / steps) : 0;
}

/**
 * @param {HTMLElement} root
 * @param {StageCallbacks} callbacks
 */
export function createStage(root, callbacks) {
  /** @type {StageState | null} */
  let state = null;
  let submitting = false; // a request is on its way
  let drawnFacts = "";
  /** @type {string | null} */
  let wantedUrl = null;

  const image = el("img", { className: "shown", alt: "", decoding: "async", hidden: true });
  const card = el("div", { className: "card-text" });
  const frame = el("div", { className: "frame" }, el("div", { className: "sheet" }, el("span")), image, card);
  const fill = el("b");
  const bar = el("div", { className: "hair", role: "progressbar", aria: { valuemin: 0, valuemax: 100 } }, fill);
  const facts = el("div", { className: "facts" });
  const announcement = el("p", { className: "spoken", role: "status" }); // one message per phase, for screen readers
  const shareLine = createShareLine(() => state?.picture?.id);
  const actions = createStageActions({ ...callbacks, share: shareLine.share });
  const strip = createStrip(callbacks.pick);
  const line = el("div", { className: "line" }, facts, actions.root);
  const stage = el("section", { className: "stage" }, el("div", { className: "pic" }, frame), bar, line, shareLine.root, strip.root, announcement);
  root.append(stage);
  image.addEventListener("click", () => state?.picture && callbacks.open(state.picture.id));

  /**
   * Show an image once it is decoded, so that nothing flickers.
   * @param {string | null} url
   * @param {string} alt
   * @param {boolean} isPreview
   */
  async function showImage(url, alt, isPreview) {
    image.alt = url ? alt : "";
    if (url === wantedUrl) return;
    wantedUrl = url;
    if (!url) {
      image.removeAttribute("src");
      image.hidden = true;
      return;
    }
    const next = new Image();
    next.src = url;
    const isDecoded = await next.decode().then(() => true, () => false);
    if (wantedUrl !== url || (isPreview && !isDecoded)) return; // a preview may not exist any more
    image.src = url;
    image.hidden = false;
    image.classList.toggle("preview", isPreview);
  }
  /** @param {Size} size */
  function setSize({ width, height }) {
    frame.style.setProperty("--ratio", String(width / height));
    frame.style.setProperty("--cap", `${Math.round(width * MAGNIFICATION_MAX)}px`);
  }

  // The frame without a picture: a welcome, a notice or a phase

  /**
   * @param {string} kind
   * @param {...Node} nodes
   */
  function setCard(kind, ...nodes) {
    card.className = `card-text ${kind}`;
    card.replaceChildren(...nodes);
    card.hidden = nodes.length === 0;
  }
  function drawWelcome() {
    const examples = EXAMPLES.map((text) => button(text, () => callbacks.example(text), { lang: /[\u4e00-\u9fff]/.test(text) ? "zh-CN" : "en" }));
    setCard("welcome", el("h2", { text: t("welcome") }), el("p", { text: t("welcome_more") }), el("div", { className: "examples" }, ...examples));
  }
  /** @param {Notice} notice */
  function drawNotice({ message, key, actions: offered }) {
    const buttons = offered.map(([text, click]) => button(t(text), click));
    setCard("notice", el("p", { text: message ? localize(message) : t(key ?? ""), role: "alert" }), el("div", { className: "ways" }, ...buttons));
  }
  /** @param {JobStatus} job */
  function drawPhase(job) {
    const message = /** @type {any} */ (job.message);
    const isNews = ["loading", "waiting"].includes(job.phase) && message && message.key !== "engine.starting"; // the phase says that
    const more = isNews ? [el("small", { text: localize(message) })] : [];
    setCard("phase", el("p", { text: facts.firstChild?.textContent ?? "" }), ...more);
  }
  /**
   * @param {StageState} next
   * @param {JobStatus | null} job
   */
  function drawFrame({ picture, notice, loaded, hasDraft, pictures }, job) {
    const isEmpty = !job && !picture && !submitting;
    if (job && image.hidden) drawPhase(job);
    else if (isEmpty && notice) drawNotice(notice);
    else if (isEmpty && loaded && !hasDraft && !pictures.length) drawWelcome();
    else setCard("none");
    frame.classList.toggle("bare", isEmpty);
    frame.classList.toggle("busy", !picture && !isEmpty);
    stage.classList.toggle("empty", isEmpty && !pictures.length);
  }

  /**
   * @param {StageState} next
   * @param {JobStatus | null} job
   */
  function drawFacts({ picture, rerun, waiting, job: running }, job) {
    const fraction = sampledFraction(running);
    const percentage = Math.round(1000 * (fraction ?? 0)) / 10;
    bar.classList.toggle("on", fraction !== null);
    bar.classList.toggle("thinking", running !== null && !fraction);
    fill.style.width = `${percentage}%`;
    bar.setAttribute("aria-valuenow", String(Math.round(percentage)));
    bar.setAttribute("aria-label", t("drawing"));
    bar.setAttribute("aria-hidden", String(fraction === null));
    /** @type {HTMLElement[]} */
    let elements = [];
    if (job) elements = jobFacts(job);
    else if (picture) elements = pictureFacts(picture, rerun);
    else if (submitting) elements = [fact(t("filing"), "b")];
    if (job && waiting) elements.push(fact(t("waiting_too", { n: waiting })));
    const isPicture = !job && picture;
    setText(announcement, job?.phase === "drawing" ? t("drawing") : isPicture ? image.alt : (elements[0]?.textContent ?? ""));
    const now = elements.map((element) => element.textContent).join("|");
    if (now === drawnFacts) return;
    drawnFacts = now;
    facts.replaceChildren(...elements);
  }
  /** @param {StageState} next */
  function drawStrip({ pictures, picture, job }) {
    if (!job || job.kind === "enhance") return strip.draw(pictures, picture?.id, null);
    const isShown = !picture && image.classList.contains("preview");
    strip.draw(pictures, picture?.id, { preview: isShown ? image.getAttribute("src") : job.preview, fraction: sampledFraction(job) ?? 0 });
  }
  /** @param {JobStatus} job */
  function drawJobImage(job) {
    const last = job.pictures.at(-1);
    setSize(last ?? (job.width && job.height ? job : form.size()));
    showImage(job.preview ?? last?.url ?? null, t("preview_alt", { prompt: job.prompt ?? "" }), Boolean(job.preview));
  }

  /** @param {StageState} next */
  function draw(next) {
    const before = state?.picture?.id;
    state = next;
    const { picture } = next;
    const job = next.watching ? next.job : null;
    if (picture) {
      setSize(picture);
      showImage(picture.url, t("picture_alt", { prompt: picture.original_prompt }), false);
    } else if (job) drawJobImage(job);
    else {
      setSize(form.size());
      showImage(null, "", false);
    }
    drawFacts(next, job);
    drawFrame(next, job);
    actions.draw(job ? null : picture, next.watching);
    drawStrip(next);
    if (before !== picture?.id) shareLine.draw();
  }

  return {
    draw,
    step: strip.step,
    closeShare: shareLine.close,
    setSubmitting: (/** @type {boolean} */ value) => void (submitting = value),
    drawTexts() {
      drawnFacts = "";
      strip.drawTexts();
      shareLine.draw();
    },
  };
}
