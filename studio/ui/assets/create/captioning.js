// Captioning: a picture that is chosen, dropped or pasted is scaled down here and sent to the server's vision model. The prompt grows as it arrives.
//
// What stood in the prompt before is not lost: it comes back where the reading fails or is stopped, and by Undo where it succeeds.
// A reading has a number, so that news of one that was stopped is known for what it is. Where no model reads pictures, nothing is here.

import { studio } from "../shared/studio.js";

const KINDS = ["image/png", "image/jpeg", "image/webp"];
const SIDE = 1600; // pixels of the longer side that is sent; the model sees fewer
const FRAME = "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9.5h.01";

/** A small upright JPEG of a file's pixels, as base64. Rejects where the browser cannot read it. */
async function small(file) {
  const whole = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, SIDE / Math.max(whole.width, whole.height));
  const canvas = studio.el("canvas", { width: Math.max(1, Math.round(whole.width * scale)), height: Math.max(1, Math.round(whole.height * scale)) });
  const ink = canvas.getContext("2d");
  ink.fillStyle = "white"; // transparent pixels as on the server
  ink.fillRect(0, 0, canvas.width, canvas.height);
  ink.imageSmoothingQuality = "high";
  ink.drawImage(whole, 0, 0, canvas.width, canvas.height);
  whole.close();
  return canvas.toDataURL("image/jpeg", 0.9).split(",")[1];
}

let reading = null; // {n, before}: the running request
let stop = () => false;
studio.eyes = {
  begin,
  /** Stop what is being read; whether anything was. */
  stop: () => stop(),
};

function begin(it) {
  if (!studio.facts.can_read_pictures) return;
  const card = document.getElementById("ask");
  const prompt = () => studio.form.prompt();
  const file = studio.el("input", { type: "file", accept: KINDS.join(","), hidden: true, tabIndex: -1, on: { change: chosen } });
  const button = studio.el("button", { type: "button", className: "from-picture", on: { click: () => file.click() } });
  const words = studio.el("span", {});
  button.append(studio.symbol(FRAME), words);
  const news = studio.el("span", { className: "reading", role: "status" });
  const cancel = studio.el("button", { type: "button", className: "reading-cancel", on: { click: () => stop() } });
  it.element.querySelector(".tokens").before(button, news, cancel, file);
  it.element.classList.add("sees");

  function say() {
    words.textContent = studio.t("from_picture");
    button.setAttribute("aria-label", studio.t("from_picture"));
    button.title = studio.t("from_picture_hint", { model: studio.facts.vision_model });
    cancel.textContent = studio.t("reading_cancel");
    news.textContent = reading ? studio.t("reading") : "";
  }
  /** How it stands: what can be pressed, and whether the prompt is being written. */
  function draw() {
    const busy = Boolean(reading);
    it.element.classList.toggle("busy", busy);
    button.hidden = busy;
    cancel.hidden = news.hidden = !busy;
    prompt().readOnly = busy; // text typed between two pieces would be lost
    prompt().setAttribute("aria-busy", String(busy));
    say();
  }

  async function read(picture) {
    if (reading || !picture) return;
    if (!KINDS.includes(picture.type)) return studio.toast(studio.t("read_kinds"));
    const mine = { n: `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`, before: prompt().value };
    reading = mine;
    draw();
    cancel.focus();
    let data = null;
    try {
      data = await small(picture);
    } catch {
      if (reading === mine) end(studio.t("read_broken"));
      return;
    }
    if (reading === mine) it.trigger("read", { n: mine.n, picture: data, language: studio.lang });
  }
  /** It is over: with a sentence what stood there before comes back, without one it can be brought back. */
  function end(sentence = null) {
    const { before } = reading;
    reading = null;
    draw();
    const back = () => studio.form.setPrompt(before);
    if (sentence !== null) back();
    prompt().focus();
    if (sentence !== null) studio.toast(sentence);
    else studio.toast(studio.t("read_done"), before.trim() ? back : null);
  }
  stop = () => {
    if (!reading) return false;
    it.trigger("unread", { n: reading.n });
    end(studio.t("read_stopped"));
    return true;
  };
  it.watch("value", () => {
    const said = it.props.value;
    if (!said || typeof said.n !== "string") return;
    if (said.n !== reading?.n) {
      if (said.prompt === "") it.trigger("unread", { n: said.n }); // stopped before the server received it
      return;
    }
    if (said.error !== undefined) return end(said.error);
    if (said.prompt) studio.form.setPrompt(said.prompt);
    if (said.done) end();
  });
  studio.on("read-ended", () => {
    const mine = reading;
    setTimeout(() => mine && reading === mine && end(studio.t("no_answer")), 300); // its last message may be late
  });

  function chosen() {
    read(file.files[0]);
    file.value = ""; // so that the same file can be selected again
  }
  const pictures = (data) => [...(data?.files ?? [])].filter((one) => one.type.startsWith("image/"));
  card.addEventListener("paste", (event) => {
    const [first] = pictures(event.clipboardData);
    if (!first || event.clipboardData.types.includes("text/plain")) return; // text copied together with a picture
    event.preventDefault();
    read(first);
  });
  studio.dropping(card, read, () => !reading);
  studio.on("words", say);
  draw();
}
