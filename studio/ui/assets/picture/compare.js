// Comparison of two pictures: a slider, the prompts word by word, settings and environment.

import { studio } from "../shared/studio.js";

const { el, t, button } = studio;

/** How far two pictures' pixels are apart, as a sentence; "" where nobody knows, since a file is gone. */
studio.apart = (pixels) => {
  if (!pixels) return "";
  const { identical, share, mean, most } = pixels;
  if (identical) return t("picture.pixels_same");
  if (share === null) return t("picture.pixels_sizes");
  const percent = 100 * share;
  return t("picture.pixels_apart", { share: few(percent, percent < 1 ? 2 : percent < 10 ? 1 : 0), mean: few(mean, 2), most });
};
/** With so many digits behind the point; what would be nothing is said to be less than the least. */
const few = (value, digits) => (value > 0 && value < 0.005 ? "< 0.01" : value.toFixed(digits));

/** Opens on `compare {ids}`; `call(name, values)` asks the server, `home` holds the dialog. */
studio.pictureCompare = ({ call, home }) => {
  const stage = el("div", { className: "cmp-stage" });
  const said = el("div", { className: "cmp-said" });
  const close = button("", () => view.close(), { className: "pv-link" });
  const title = el("h2", {});
  const view = el("dialog", { className: "compare-view", tabIndex: -1 }, el("div", { className: "cmp-head" }, title, close), stage, said);
  home.append(view);
  let ids = [];

  async function show(wanted) {
    ids = wanted;
    title.textContent = t("picture.compare");
    view.setAttribute("aria-label", t("picture.compare"));
    close.textContent = t("close");
    stage.replaceChildren();
    said.replaceChildren(el("p", { className: "nothing", text: t("parts.wait") }));
    if (!view.open) view.showModal();
    try {
      const [was, now] = [await call("picture", { id: wanted[0] }), await call("picture", { id: wanted[1] })];
      const found = await call("differences", { id: wanted[0], other: wanted[1] });
      if (ids !== wanted) return;
      over(was, now);
      tell(found, was, now);
    } catch (error) {
      said.replaceChildren(el("p", { className: "nothing", role: "alert", text: studio.said(error.message) }));
    }
  }
  function over(was, now) {
    const below = el("img", { src: now.url, alt: now.original_prompt });
    const above = el("img", { src: was.url, alt: was.original_prompt, className: "above" });
    const slider = el("input", { type: "range", min: 0, max: 100, value: 50, aria: { label: t("picture.slider") } });
    const frame = el("div", { className: "cmp-frame" }, below, above, el("i", { aria: { hidden: "true" } }), slider);
    const move = () => frame.style.setProperty("--at", `${slider.value}%`);
    slider.addEventListener("input", move);
    frame.style.aspectRatio = `${Math.max(was.width, now.width)} / ${Math.max(was.height, now.height)}`;
    frame.style.setProperty("--ratio", Math.max(was.width, now.width) / Math.max(was.height, now.height));
    move();
    const name = (one) => el("span", { text: `${t("seed_n", { n: studio.number(one.seed) })} · ${studio.moment(one.created_at)}` });
    stage.replaceChildren(frame, el("div", { className: "cmp-names" }, name(was), name(now)));
  }
  function tell(found, was, now) {
    const parts = [el("p", { className: "cmp-pixels", text: studio.apart(found.pixels) })];
    for (const [key, pieces] of [["picture.original", found.original], ["what_is_drawn", found.prompt]]) {
      if (pieces.some((one) => one.kind !== "same")) parts.push(words(t(key), pieces));
    }
    if (was.prompt === now.prompt && was.original_prompt === now.original_prompt) parts.push(el("p", { className: "pv-quiet", text: t("picture.same_words") }));
    if (found.settings.length) parts.push(table(t("picture.settings"), found.settings));
    if (found.environment.length) parts.push(table(t("picture.environment"), found.environment));
    said.replaceChildren(...parts);
  }
  const words = (title, pieces) =>
    el("section", {}, el("h3", { text: title }), el("p", { className: "cmp-words" }, ...pieces.map(({ kind, text }) => el({ same: "span", gone: "del", new: "ins" }[kind], { text }))));
  function table(title, lines) {
    const plain = (value) => (value === null || value === undefined || value === "" ? "–" : typeof value === "string" ? value : JSON.stringify(value));
    const named = (what) => (studio.words.en[`picture.${what}`] ? t(`picture.${what}`) : what.replaceAll("_", " "));
    const rows = lines.map(({ what, was, is }) => el("tr", {}, el("th", { scope: "row", text: named(what) }), el("td", { text: plain(was) }), el("td", { text: plain(is) })));
    return el("section", {}, el("h3", { text: title }), el("table", { className: "cmp-table" }, el("tbody", {}, ...rows)));
  }
  view.addEventListener("keydown", (event) => event.stopPropagation()); // the picture's own keys are not meant
  studio.on("compare", ({ ids: wanted }) => Array.isArray(wanted) && wanted.length === 2 && show(wanted));
};
