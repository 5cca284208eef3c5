// The form's checkpoints: those on disk can be selected, others are downloaded after the user's consent.

import { component } from "../shared/components.js";
import { button, el, find, inputs } from "../shared/dom.js";
import { pollEngine, setEngineState } from "../shared/engine.js";
import { on } from "../shared/events.js";
import { page } from "../shared/page.js";
import { downloadQuestion, downloadText, progressBar } from "../shared/progress.js";
import { ask } from "../shared/server.js";
import { currentLanguage, localize, t } from "../shared/texts.js";
import { toastError } from "../shared/toast.js";

const RETRY_MS = 100; // until Gradio has built the choices

component("models", (it) => {
  const list = find(it.element, ".models");
  /** @type {string | null} */
  let confirming = null; // the checkpoint whose download awaits consent
  let drawn = "";

  /**
   * @param {Checkpoint} checkpoint
   * @param {Download | undefined} download
   */
  function row(checkpoint, download) {
    const { name, title, on_disk: onDisk, folder } = checkpoint;
    const isLoading = download?.status === "loading";
    const isFailed = download?.status === "failed";
    const canDownload = !onDisk && !folder && !isLoading && confirming !== name && page.facts?.may_download;
    return el("div", { className: "model" },
      el("span", { text: title }), el("small", { text: downloadText(checkpoint, isFailed ? undefined : download) }),
      canDownload ? button(t("download"), () => confirm(name)) : null,
      isFailed ? el("p", { text: localize(download.message), role: "alert" }) : null,
      isLoading && download.fraction !== null ? progressBar(download.fraction, "hair") : null,
      confirming === name ? consent(checkpoint) : null);
  }
  /** @param {Checkpoint} checkpoint */
  function consent(checkpoint) {
    return el("div", { className: "consent" },
      el("p", { text: downloadQuestion(checkpoint, page.engine?.free_gb ?? 0) }),
      button(t("download_yes", { size: checkpoint.gb }), () => download(checkpoint.name), { className: "yes" }),
      button(t("keep"), () => confirm(null)));
  }
  /** @param {string | null} name */
  function confirm(name) {
    confirming = name;
    draw();
  }
  /** @param {string} name */
  async function download(name) {
    confirming = null;
    try {
      setEngineState(await ask("download", { name }));
      pollEngine();
    } catch (error) {
      toastError(error);
    }
    draw();
  }
  function draw() {
    if (!page.engine) return;
    const { checkpoints, downloads } = page.engine;
    disableAbsent(checkpoints);
    const now = JSON.stringify([checkpoints, downloads, confirming, currentLanguage()]);
    if (now === drawn) return;
    drawn = now;
    const absent = checkpoints.filter(({ name, on_disk: onDisk }) => !onDisk || downloads[name]?.status === "loading");
    list.replaceChildren(...absent.map((checkpoint) => row(checkpoint, downloads[checkpoint.name])));
  }
  /**
   * Disable the choices that are not on disk; the server refuses them, too.
   * @param {Checkpoint[]} checkpoints
   */
  function disableAbsent(checkpoints) {
    const choices = inputs(document, "#checkpoint input");
    for (const choice of choices) choice.disabled = checkpoints.find(({ name }) => name === choice.value)?.on_disk === false;
    if (!choices.length) setTimeout(draw, RETRY_MS);
  }
  on("state", draw);
  on("words", draw);
});
