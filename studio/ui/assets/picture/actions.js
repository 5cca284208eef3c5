// The actions of a picture's view: re-run, new seed, edit the prompt, share. Each reports below the actions.
//
// Jobs are watched while the view shows the picture. Leaving stops the watching, not the job.

import { copyButton } from "../shared/copy_button.js";
import { button, el, hasModifier, present, sleep } from "../shared/dom.js";
import { emit } from "../shared/events.js";
import { formatDateTime, formatValue, percent } from "../shared/format.js";
import { page } from "../shared/page.js";
import { fractionOf, queuePosition, stepText, timeLeft } from "../shared/progress.js";
import { localize, t } from "../shared/texts.js";
import { errorText, orToast, toastError } from "../shared/toast.js";
import { pixelDifferenceText } from "./pixels.js";

const POLL_MS = 250;
const FINISHED = ["done", "failed", "cancelled"];
const THUMB_PX = 72;
const HASH_SHOWN = 16; // characters

/** @typedef {"rerun" | "vary" | "draw"} JobAction */

/** @param {JobStatus} job */
function progressText(job) {
  const left = timeLeft(job.eta_s);
  if (job.status === "queued" && job.phase !== "loading") return present([queuePosition(job), left]).join(" · ");
  const step = stepText(job);
  if (!step) return localize(job.message) || t("starting");
  return present([step, job.count > 1 ? t("picture_of", { n: job.index + 1, all: job.count }) : "", left]).join(" · ");
}

/**
 * @param {object} options
 * @param {Call} options.call
 * @param {HTMLElement} options.news the element for reports
 * @param {HTMLElement} options.toolbar
 * @param {() => Picture} options.current
 * @param {(id: string) => void} options.show opens another picture
 */
export function createPictureActions({ call, news, toolbar, current, show }) {
  let latest = 0; // number of the latest action; earlier ones do not report any more

  /** @param {...Node} children */
  function report(...children) {
    news.replaceChildren(...children);
    news.scrollIntoView({ block: "nearest" });
  }
  /**
   * @param {Message} message
   * @param {string} [kind] "good" or "bad"
   * @param {...Node} rest
   */
  function reportText(message, kind = "", ...rest) {
    report(el("p", { className: `pv-said ${kind}` }, el("span", { text: localize(message) }), ...rest));
  }
  /** @param {Picture[]} pictures */
  function strip(pictures) {
    const link = (/** @type {Picture} */ { id, thumb_url: src, seed }) => {
      const click = (/** @type {Event} */ event) => {
        event.preventDefault();
        show(id);
      };
      const image = el("img", { src, width: THUMB_PX, height: THUMB_PX, alt: t("picture.open_new", { n: seed }) });
      return el("a", { href: `?picture=${id}`, on: { click } }, image);
    };
    return el("div", { className: "pv-strip" }, ...pictures.map(link));
  }

  // Jobs

  /**
   * Submit a job, watch it to its end, and report its result.
   * @param {JobAction} name
   * @param {object} values
   * @param {(job: JobStatus) => void} onDone
   */
  async function run(name, values, onDone) {
    const number = (latest += 1);
    const bar = el("b");
    const line = el("span", { text: t("filing") });
    try {
      const { job: id } = await call(name, { id: current().id, private: page.private || false, ...values });
      if (number !== latest) return;
      const cancel = button(t("cancel"), () => orToast(call("cancel", { job: id })), { className: "pv-link" });
      report(el("div", { className: "pv-hair" }, bar), el("div", { className: "pv-line" }, line, cancel));
      for (;;) {
        const job = await call("job", { job: id });
        if (number !== latest) return;
        if (FINISHED.includes(job.status)) return onEnd(job, onDone);
        line.textContent = progressText(job);
        bar.style.width = percent(fractionOf(job));
        await sleep(POLL_MS);
      }
    } catch (error) {
      if (number === latest) reportText(errorText(error), "bad");
    }
  }
  /**
   * @param {JobStatus} job
   * @param {(job: JobStatus) => void} onDone
   */
  function onEnd(job, onDone) {
    for (const picture of job.pictures) emit("changed", { id: picture.id, what: "drawn", picture });
    if (job.status === "failed") reportText(job.error ?? t("picture.failed"), "bad");
    else if (job.status === "cancelled") reportText(t("cancelled_none"));
    else onDone(job);
  }
  const rerun = () => run("rerun", {}, reportRerun);
  /** @param {object} [values] */
  const vary = (values = {}) => run("vary", values, ({ pictures }) => report(el("p", { className: "pv-said", text: t("picture.varied") }), strip(pictures)));

  /** @param {JobStatus} job */
  function reportRerun({ identical, changed, pixels, pictures }) {
    const { id, pixel_sha256: hash } = current();
    if (identical) return reportText(t("identical"), "good", el("code", { text: `${hash.slice(0, HASH_SHOWN)}…`, title: hash }));
    const columns = /** @type {const} */ (["what", "was", "is"]);
    const head = el("tr", {}, ...columns.map((key) => el("th", { scope: "col", text: t(`picture.${key}`) })));
    const rows = (changed ?? []).map((line) => el("tr", {}, ...columns.map((key) => el("td", { text: formatValue(line[key]) }))));
    const table = el("table", { className: "pv-changed" }, el("thead", {}, head), el("tbody", {}, ...rows));
    const compare = button(t("gallery.compare"), () => emit("compare", { ids: [id, pictures[0].id] }), { className: "pv-link" });
    const difference = el("p", { className: "pv-said" }, el("span", { text: pixelDifferenceText(pixels) }), compare);
    report(el("p", { className: "pv-said", text: t("picture.differs") }), table, difference, strip(pictures));
  }

  // Forms below the actions

  /** @param {...Child} children */
  function openForm(...children) {
    const form = el("div", { className: "pv-sheet" }, ...children);
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault(); // closes the form, not the view
      event.stopPropagation();
      close();
    });
    report(form);
    return form;
  }
  function close() {
    news.replaceChildren();
    toolbar.querySelector("button")?.focus();
  }
  /**
   * The last row of a form: its last field, and the buttons.
   * @param {HTMLElement} field
   * @param {string} text
   * @param {() => void} submit
   */
  function formRow(field, text, submit) {
    const cancel = button(t("picture.never_mind"), close, { className: "pv-link" });
    return el("div", { className: "pv-row" }, field, cancel, button(text, submit, { className: "pv-go" }));
  }

  /** The form for variations near the picture: their strength and number. */
  function openVariations() {
    latest += 1;
    const strength = el("input", { type: "range", min: 5, max: 95, step: 5, value: 25, aria: { label: t("picture.how_far") } });
    const count = el("input", { type: "number", min: 1, max: 8, value: 2, aria: { label: t("count") } });
    const output = el("output");
    const drawStrength = () => (output.textContent = `${strength.value} %`);
    strength.addEventListener("input", drawStrength);
    drawStrength();
    openForm(
      el("label", { className: "pv-range" }, el("span", { text: t("picture.how_far") }), strength, output),
      formRow(el("label", {}, t("count"), count), t("draw"), () => vary({ strength: strength.valueAsNumber / 100, count: count.valueAsNumber })),
    );
    strength.focus();
  }
  function openEditor() {
    latest += 1;
    const field = el("textarea", { value: current().prompt, rows: 4, aria: { label: t("edit_label") } });
    const sameSeed = el("input", { type: "checkbox", checked: true });
    const onDone = (/** @type {JobStatus} */ { pictures }) => report(el("p", { className: "pv-said", text: t("picture.redrawn") }), strip(pictures));
    const submit = () => run("draw", { prompt: field.value, same_seed: sameSeed.checked }, onDone);
    const form = openForm(field, formRow(el("label", {}, sameSeed, t("picture.same_seed")), t("draw_this"), submit));
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && hasModifier(event)) submit();
    });
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
  }
  /** The picture's share link, or the form for a new one. */
  async function openSharing() {
    latest += 1;
    const { id } = current();
    try {
      const { links } = await call("links", { id });
      if (current()?.id !== id) return;
      if (links.length) return showLink(links[0]);
    } catch (error) {
      return toastError(error);
    }
    const days = el("input", { type: "number", min: 1, max: 365, value: 30 });
    const submit = async () => {
      const link = await orToast(call("share", { id, days: days.valueAsNumber }));
      if (link) showLink(link);
    };
    const row = formRow(el("label", {}, t("picture.days"), days), t("picture.make_link"), submit);
    const form = openForm(el("p", { text: t("picture.share_hint") }), row);
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target === days) submit();
    });
    days.focus();
  }
  /** @param {ShareLink} link */
  function showLink({ url, token, expires_at: expiresAt }) {
    const field = el("input", { type: "text", readOnly: true, value: url, aria: { label: t("share_link") } });
    field.addEventListener("focus", () => field.select());
    const revoke = async () => {
      if (await orToast(call("unshare", { token }).then(() => true))) reportText(t("share_gone"));
    };
    openForm(
      el("p", { text: t("share_until", { date: formatDateTime(expiresAt) }) }),
      field,
      el("div", { className: "pv-row" }, button(t("share_back"), revoke, { className: "pv-link" }), copyButton(() => url, { className: "pv-go" })),
    );
    field.focus();
  }

  return { rerun, vary, openVariations, openEditor, openSharing, stop: () => void (latest += 1) };
}
