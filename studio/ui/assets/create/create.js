// The Create view: the stage and the reasoning show the selected picture, else the running job, else the newest picture, else a welcome.
//
// Unfinished jobs are in job_watcher.js; this module has the selected picture, notices and the user's actions.

import { component } from "../shared/components.js";
import { closest, currentView, find, hasModifier, openView } from "../shared/dom.js";
import { isKnown, setEngineState } from "../shared/engine.js";
import { emit, on } from "../shared/events.js";
import { page } from "../shared/page.js";
import { ask, connected } from "../shared/server.js";
import { t } from "../shared/texts.js";
import { errorText, orToast, toast } from "../shared/toast.js";
import { form } from "./form_fields.js";
import { createJobWatcher } from "./job_watcher.js";
import { createReasoning } from "./reasoning.js";
import { createStage } from "./stage.js";

const PICTURES_MAX = 120;
const RETRY_MS = 30; // until the header is mounted
const TYPED_MS = 30; // Gradio reads a typed value a moment later
const NOT_GENERATING = ["think", "refine"]; // listeners that enhance only

/**
 * @param {Picture} a
 * @param {Picture} b
 */
const newestFirst = (a, b) => (a.created_at < b.created_at ? 1 : -1);

component("create", (it) => {
  const root = find(it.element, ".canvas");
  /** @type {Picture[]} */
  let pictures = []; // newest first
  /** @type {string | null} */
  let selected = null; // the id of the picture that the user selected
  /** @type {import("./stage.js").Notice | null} */
  let notice = null;
  /** @type {import("./stage_facts.js").RerunResult | null} */
  let rerun = null; // the latest
  /** @type {Enhancement | null} */
  let draft = null; // an enhancement without a picture
  /** @type {Picture | null} */
  let reused = null; // the picture whose settings are in the form
  let loaded = false; // whether the server's state has arrived

  const jobs = createJobWatcher(it, { onPicture: add, onEnd, onNew: deselect, onSettled: () => stage.setSubmitting(false), onChange: draw, isShown: (id) => byId(id) !== null });
  const stage = createStage(root, {
    pick, cancel, remove, reuse, edit,
    star: (id, favourite) => change("star", { id, favourite }),
    again: (id) => send("again", { id }),
    vary: (id, strength) => send("vary", strength ? { id, strength } : { id }),
    open: (id) => emit("open", { id }),
    example(text) {
      form.setPrompt(text);
      setTimeout(() => form.submitButton()?.click(), TYPED_MS);
    },
  }); // prettier-ignore
  const reasoning = createReasoning(root, {
    draw: (prompt, enhancement) => send("draw", enhancement ? { prompt, enhancement } : { prompt, enhance: false, enhancement: null }),
    another: (prompt, options) => send("think", { prompt, ...options }),
    refine: (id, instruction, prompt) => send("refine", { id, instruction, prompt }),
    pick,
    useRewrite(picture) {
      form.useRewrite(picture.enhancement?.id ?? "", picture.prompt, picture.original_prompt);
      toast(t("kept_rewrite"));
    },
  });

  /** @param {string} id */
  const byId = (id) => pictures.find((picture) => picture.id === id) ?? null;
  const isPrivate = () => page.private !== "";

  /** Clear what the next job replaces. */
  function clearMessages() {
    notice = null;
    draft = null;
  }
  function deselect() {
    selected = null;
  }
  /**
   * Send a request through one of the view's listeners.
   * @param {string} name
   * @param {object} values
   */
  function send(name, values) {
    const isGeneration = !NOT_GENERATING.includes(name);
    clearMessages();
    if (isGeneration) deselect();
    stage.setSubmitting(isGeneration);
    jobs.trigger(name, { ...values, private: page.private || false });
    draw();
  }

  // Messages of the server

  /** @param {JobStatus | Refusal | null} message */
  function receive(message) {
    if (!message || typeof message !== "object") return;
    const copy = JSON.parse(JSON.stringify(message)); // the component's value is a proxy
    if (copy.refused) onRefusal(copy);
    else if (copy.job) jobs.update(copy);
    draw();
  }
  /** @param {Refusal} refusal */
  function onRefusal({ refused, parameter }) {
    stage.setSubmitting(false);
    notice = { message: refused, actions: [] };
    if (parameter === "prompt") form.prompt()?.focus();
    const section = parameter === "adapters" ? document.querySelector("#fold-adapters [aria-expanded=false]") : null; // its row has the reason
    if (section instanceof HTMLElement) section.click();
  }
  /** @param {Picture} picture */
  function add(picture) {
    if (byId(picture.id) || picture.private !== isPrivate()) return;
    pictures = [picture, ...pictures].slice(0, PICTURES_MAX);
    emit("changed", { id: picture.id, what: "drawn", picture });
  }
  /** @param {JobStatus} job */
  function onEnd(job) {
    const [first] = job.pictures;
    if (job.status === "done") {
      notice = null;
      if (job.kind === "enhance") draft = job.enhancement;
      const { identical, changed, pixels } = job;
      if (identical !== undefined && first) rerun = { id: first.id, identical, changed, pixels };
    } else if (job.status === "failed") notice = { message: job.error ?? "", actions: retryActions(job), job };
    else if (first) toast(t("cancelled"));
    else notice = { key: "cancelled_none", actions: retryActions(job), job };
  }
  /**
   * @param {JobStatus} job
   * @returns {[string, () => void][]}
   */
  function retryActions(job) {
    const failedEnhancing = job.status === "failed" && job.kind === "generate" && job.enhance && !job.enhancement?.id;
    /** @type {[string, () => void][]} */
    const actions = [["draw_again", () => send("redraw", { id: job.job })]];
    if (failedEnhancing && job.prompt) actions.unshift(["draw_plain", () => send("plain", { id: job.job })]);
    return actions;
  }
  /** Load the pictures and jobs of the owner, also those of other windows. */
  async function refresh() {
    try {
      const session = page.private;
      const found = await ask("home", { private: session || false });
      if (session !== page.private) return; // the state of the other session is loading
      const added = found.pictures.filter(({ id }) => !byId(id));
      pictures = [...added, ...pictures].sort(newestFirst);
      if (loaded) for (const picture of added) emit("changed", { id: picture.id, what: "found", picture });
      loaded = true;
      setEngineState(found.state);
      for (const job of found.jobs) {
        if (jobs.has(job.job)) continue;
        receive(job);
        jobs.watch(job.job);
      }
    } catch (error) {
      if (!loaded) notice = { message: errorText(error), actions: [] };
      loaded = true;
    }
    draw();
  }

  // User actions

  /** @param {string | null} id */
  function pick(id) {
    selected = id;
    clearMessages();
    draw();
  }
  async function cancel() {
    const job = jobs.current();
    if (job) await orToast(ask("cancel", { job: job.job }));
  }
  /**
   * Change a picture. Returns it, or null after an error.
   * @param {"star" | "delete" | "restore"} name
   * @param {object} values
   */
  async function change(name, values) {
    const picture = await orToast(ask(name, values));
    if (picture) emit("changed", { id: picture.id, what: name, picture });
    return picture;
  }
  /** @param {string} id */
  async function remove(id) {
    const index = pictures.findIndex((picture) => picture.id === id);
    const removed = await change("delete", { id });
    if (!removed) return;
    if (selected === id) selected = (pictures[index] ?? pictures[index - 1])?.id ?? null;
    draw();
    if (removed.private) return toast(t("private_left"));
    toast(t("deleted"), async () => {
      if (!(await change("restore", { id }))) return;
      pick(id);
      toast(t("restored"));
    });
  }
  /**
   * @param {string} id
   * @param {Picture | null} [picture]
   */
  function reuse(id, picture = byId(id)) {
    reused = picture;
    it.trigger("reuse", { id });
  }
  /** The message after a picture's settings were filled in. */
  function reusedText() {
    if (!reused || isKnown(reused.checkpoint)) return t("reused");
    const name = reused.checkpoint;
    return `${t("bring.used")} ${name ? t("bring.no_model", { name }) : t("reused_no_model")}`;
  }
  /** @param {string} id */
  function edit(id) {
    selected = id;
    draw();
    reasoning.edit();
  }
  /**
   * A picture on this page, else from the server.
   * @param {string} id
   */
  async function findPicture(id) {
    const picture = byId(id) ?? (await orToast(ask("picture", { id })));
    if (picture && !byId(id)) emit("changed", { id, what: "found", picture });
    return picture;
  }

  // Events

  on("changed", ({ picture }) => {
    if (!picture) return;
    const isFull = "url" in picture;
    if (picture.deleted_at) pictures = pictures.filter(({ id }) => id !== picture.id);
    else if (byId(picture.id)) {
      const news = isFull ? picture : { favourite: picture.favourite }; // the gallery's cards have truncated texts
      pictures = pictures.map((other) => (other.id === picture.id ? { ...other, ...news } : other));
    } else if (isFull && picture.private === isPrivate()) pictures = [picture, ...pictures].sort(newestFirst);
    if (selected && !byId(selected)) selected = null;
    draw();
  });
  for (const name of /** @type {const} */ (["again", "vary", "reuse", "edit"])) {
    on(name, async ({ id }) => {
      if (typeof id !== "string") return;
      openView("create");
      const picture = await findPicture(id);
      if (!picture) return;
      if (name === "edit") edit(id);
      else if (name === "reuse") {
        pick(id);
        reuse(id, picture);
      } else send(name, { id });
    });
  }
  on("private", () => {
    pictures = [];
    selected = rerun = null;
    clearMessages();
    draw();
    refresh();
  });
  on("reused", () => toast(reusedText()));
  on("escape", () => {
    if (!stage.closeShare() && !reasoning.close() && jobs.count()) cancel();
  });
  on("draw-edited", reasoning.submit);
  on("words", () => {
    stage.drawTexts();
    reasoning.drawTexts();
    draw();
  });
  on("state", draw);
  document.addEventListener("click", (event) => {
    if (!closest(event, "#draw")) return;
    clearMessages();
    deselect();
    stage.setSubmitting(true);
    jobs.expectStream();
    document.getElementById("form")?.classList.remove("open");
    draw();
  });
  document.addEventListener("keydown", (event) => {
    const isElsewhere = closest(event, "input, textarea, [contenteditable], [role=tab], [role=radio], .strip, [role=dialog]");
    if (currentView() !== "create" || isElsewhere || hasModifier(event)) return;
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") stage.step(event.key === "ArrowRight" ? 1 : -1);
  });

  // Rendering

  function draw() {
    const job = jobs.current();
    const isEnhancing = job?.kind === "enhance"; // the stage does not change
    const picked = selected ? byId(selected) : null;
    const watching = job !== null && (isEnhancing || !picked);
    const newest = pictures[0] ?? null;
    const picture = picked ?? (isEnhancing || (!job && !notice) ? newest : null);
    stage.draw({
      loaded, job, watching, picture, pictures,
      notice: picked ? null : notice,
      waiting: Math.max(0, jobs.count() - 1),
      rerun: picture && rerun?.id === picture.id ? rerun : null,
      hasDraft: draft !== null,
    }); // prettier-ignore
    reasoning.draw(reasoningState(watching ? job : null, picture));
    document.getElementById("draw")?.setAttribute("data-keys", t(jobs.count() ? "draw_next" : "draw_keys"));
  }
  /**
   * The reasoning of the watched job, else of the draft, the picture, or the failed job.
   * @param {JobStatus | null} job
   * @param {Picture | null} picture
   * @returns {import("./reasoning.js").ReasoningState}
   */
  function reasoningState(job, picture) {
    if (job) return { enhancement: job.enhancement, picture: null, job, isDraft: false, group: rewritesOf(job.job) };
    if (draft) return { enhancement: draft, picture: null, job: null, isDraft: true };
    if (picture) return { enhancement: picture.enhancement, picture, job: null, isDraft: false, group: rewritesOf(picture.job) };
    return { enhancement: notice?.job?.enhancement ?? null, picture: null, job: null, isDraft: false };
  }
  /**
   * The pictures of a job with one rewrite each, oldest first; none if they share a rewrite.
   * @param {string} job
   */
  function rewritesOf(job) {
    const found = pictures.filter((picture) => picture.job === job && picture.enhancement).reverse();
    return new Set(found.map((picture) => picture.enhancement?.id)).size > 1 ? found : [];
  }

  it.watch("value", () => receive(it.props.value));
  async function start() {
    if (!connected()) return void setTimeout(start, RETRY_MS);
    await refresh();
    jobs.start();
    document.addEventListener("visibilitychange", () => document.hidden || refresh());
  }
  draw();
  start();
});
