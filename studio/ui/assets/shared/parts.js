// Shared by gallery, picture and queue: server calls, a toast, dates, and the marked words of a prompt.

import { studio } from "../shared/studio.js";

const { el } = studio;
const PATIENCE_MS = 30000;
const TOAST_MS = 8000;

const PATHS = {
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM20 20l-4-4",
  close: "M6 6l12 12M18 6L6 18",
  check: "M5 12.5l4.5 4.5L19 7.5",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  star: "M12 3.6l2.6 5.3 5.8.8-4.2 4.1 1 5.8-5.2-2.7-5.2 2.7 1-5.8-4.2-4.1 5.8-.8z",
};
const SVG = "http://www.w3.org/2000/svg";

/** A line drawing in the colour of the text; its meaning is said by the button that holds it. */
studio.icon = (name) => {
  const made = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", "aria-hidden": "true", class: `icon icon-${name}` })) {
    made.setAttribute(key, value);
  }
  path.setAttribute("d", PATHS[name]);
  made.append(path);
  return made;
};

/** What a button does that stands where the one that asks for it stood: not by the second click of a double click. */
studio.surely = (act) => (event) => event.detail > 1 || act();

/** A button with words. */
studio.button = (text, click, rest = {}) => el("button", { type: "button", text, on: { click }, ...rest });

/** `call(name, values)` for one part: a promise of the answer. One at a time and answered by number, so none is mistaken or lost. */
studio.calls = (it) => {
  const waiting = [];
  let open = null;
  let count = 0;

  const next = () => {
    if (open || !waiting.length) return;
    open = { ...waiting.shift(), n: (count += 1) };
    open.timer = setTimeout(() => settle({ n: open.n, error: studio.t("no_answer") }), PATIENCE_MS);
    it.trigger("call", { n: open.n, name: open.name, values: open.values, zone: studio.zone });
  };
  const settle = (answer) => {
    if (!open || answer?.n !== open.n) return;
    const { resolve, reject, timer } = open;
    clearTimeout(timer);
    open = null;
    if (answer.error === undefined) resolve(JSON.parse(JSON.stringify(answer.answer)));
    else reject(Object.assign(new Error(studio.said(answer.error)), { missing: answer.missing }));
    next();
  };
  it.watch("value", () => settle(it.props.value));

  // With `last` a call takes the place of one of that name that still waits: its promise stays open, and nobody needs it.
  return (name, values = {}, { last = false } = {}) =>
    new Promise((resolve, reject) => {
      if (last) waiting.filter((one) => one.last && one.name === name).forEach((one) => waiting.splice(waiting.indexOf(one), 1));
      waiting.push({ name, values, last, resolve, reject });
      next();
    });
};

/** A message of the server in the page's language: `{key, values, text}`, where values may be messages. A text stays as it is. */
studio.said = (message) => {
  if (typeof message === "number" && Math.abs(message) >= 1_000) return message.toLocaleString("en");
  if (!message?.key) return message;
  const { key, values, text } = message;
  if (!studio.words.en[key]) return text;
  const shown = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, studio.said(value)]));
  const label = studio.words[studio.lang]?.[`parameter.${values.parameter}`];
  return studio.t(key, label ? { ...shown, parameter: label } : shown);
};

let toastTimer = null;

/** A sentence at the foot of the window, read out politely, with an undo beside it. It waits while it is pointed at or focused. */
studio.toast = (sentence, undo = null) => {
  document.querySelectorAll(".studio-toast").forEach((old) => old.remove());
  const close = () => made.remove();
  const stay = () => clearTimeout(toastTimer);
  const wait = () => {
    stay();
    toastTimer = setTimeout(close, TOAST_MS);
  };
  const on = { pointerenter: stay, pointerleave: wait, focusin: stay, focusout: wait };
  const made = el("div", { className: "studio-toast", role: "status", aria: { live: "polite" }, on });
  (document.querySelector("dialog[open]") ?? document.body).append(made); // in the page before its text, so that it is read out
  const act = () => (close(), undo());
  made.append(el("span", { text: studio.said(sentence) }), ...(undo ? [studio.button(studio.t("undo"), act)] : []));
  wait();
};
/** Files that fall onto a card: it shows that it would take them, as long as it is `ready`, and the first goes to `take`. */
studio.dropping = (card, take, ready = () => true) => {
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  const over = (on) => card.classList.toggle("dropping", on);
  card.addEventListener("dragover", (event) => carries(event) && (event.preventDefault(), over(ready())));
  card.addEventListener("dragleave", (event) => card.contains(event.relatedTarget) || over(false));
  card.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    over(false);
    take(event.dataTransfer.files[0]);
  });
};
studio.excuse = (error) => studio.toast(error.message);

/** A whole number in groups of three. */
studio.count = (value) => Number(value).toLocaleString("en");

const locale = () => (studio.lang === "zh" ? "zh-CN" : "en-GB");
const formatters = new Map(); // making one takes longer than using it a hundred times
const formatter = (form) => {
  const key = `${locale()} ${JSON.stringify(form)}`;
  if (!formatters.has(key)) formatters.set(key, new Intl.DateTimeFormat(locale(), form));
  return formatters.get(key);
};
const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());

/** The name of a day: today, yesterday, a weekday within a week, else the date. */
studio.day = (time) => {
  const then = midnight(new Date(time));
  const now = midnight(new Date());
  const ago = Math.round((now - then) / 86400000);
  if (ago === 0) return studio.t("parts.today");
  if (ago === 1) return studio.t("parts.yesterday");
  const year = then.getFullYear() === now.getFullYear() ? undefined : "numeric";
  const form = ago > 1 && ago < 7 ? { weekday: "long" } : { day: "numeric", month: "long", year };
  return formatter(form).format(then);
};
/** Bytes as people say them. */
studio.size = (bytes) => {
  const unit = bytes >= 1e9 ? [1e9, "gigabyte"] : bytes >= 1e6 ? [1e6, "megabyte"] : [1e3, "kilobyte"];
  return new Intl.NumberFormat(locale(), { style: "unit", unit: unit[1], maximumSignificantDigits: 3 }).format(bytes / unit[0]);
};
studio.moment = (time) => formatter({ dateStyle: "medium", timeStyle: "short" }).format(new Date(time));
studio.clock = (time) => formatter({ timeStyle: "short" }).format(new Date(time));

/** Seconds as people say them; "" for null. */
studio.lasting = (seconds) => {
  if (seconds === null || seconds === undefined) return "";
  if (seconds >= 90) return studio.t("minutes", { n: Math.round(seconds / 60) });
  return studio.t("seconds", { n: seconds < 10 ? Number(seconds).toFixed(1) : Math.round(seconds) });
};

/** Whether somebody can see this element now. */
studio.seen = (element) => !document.hidden && element.offsetParent !== null && element.checkVisibility?.() !== false;

const tokens = (text) => text.match(/[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*|\s+|[^]/gu)?.flatMap((one) => (/\p{Script=Han}/u.test(one) ? [...one] : [one])) ?? [];

/** The drawn prompt as pieces [text, added]: what the original does not hold in this order was added. Long texts are left plain. */
studio.added = (original, drawn) => {
  const [a, b] = [tokens(original).filter((one) => one.trim()), tokens(drawn)];
  const plain = a.map((one) => one.toLowerCase());
  if (a.length * b.length > 400000) return [[drawn, false]];
  const best = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      best[i][j] = plain[i] === b[j].toLowerCase() ? best[i + 1][j + 1] + 1 : Math.max(best[i + 1][j], best[i][j + 1]);
    }
  }
  const pieces = [];
  const put = (text, added) => {
    if (pieces.at(-1)?.[1] === added) pieces.at(-1)[0] += text;
    else pieces.push([text, added]);
  };
  for (let i = 0, j = 0; j < b.length; j += 1) {
    while (i < a.length && best[i][j] === best[i + 1][j]) i += 1;
    const kept = i < a.length && plain[i] === b[j].toLowerCase();
    if (kept) i += 1;
    put(b[j], !b[j].trim() ? Boolean(pieces.at(-1)?.[1]) : !kept);
  }
  return pieces;
};
