// Numbers, dates, sizes and durations in the page's language.

import { locale, t } from "./texts.js";

const DAY_MS = 86_400_000;

/** @type {Map<string, Intl.DateTimeFormat>} */
const formatters = new Map(); // creating a formatter is slow

/** @param {Intl.DateTimeFormatOptions} options */
function formatter(options) {
  const key = `${locale()} ${JSON.stringify(options)}`;
  const found = formatters.get(key) ?? new Intl.DateTimeFormat(locale(), options);
  formatters.set(key, found);
  return found;
}

/**
 * A number with thin spaces between its thousands, as for seeds.
 * @param {number | string} value
 */
export const formatSeed = (value) => String(value).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");

/**
 * A number with commas between its thousands.
 * @param {number} value
 */
export const formatCount = (value) => Number(value).toLocaleString("en");

/**
 * A count that may be a lower bound.
 * @param {{total: number, capped: boolean}} found
 */
export const formatTotal = ({ total, capped }) => `${formatCount(total)}${capped ? "+" : ""}`;

/** @param {number} n */
export const pictureCount = (n) => t(n === 1 ? "gallery.picture" : "gallery.pictures", { n: formatCount(n) });

/** @param {number} fraction */
export const percent = (fraction) => `${Math.round(100 * fraction)}%`;

/** @param {Date} date */
const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());

/**
 * The name of a day: today, yesterday, a weekday within a week, else the date.
 * @param {string} time
 */
export function formatDay(time) {
  const [then, today] = [midnight(new Date(time)), midnight(new Date())];
  const days = Math.round((today.getTime() - then.getTime()) / DAY_MS);
  if (days === 0) return t("parts.today");
  if (days === 1) return t("parts.yesterday");
  if (days > 1 && days < 7) return formatter({ weekday: "long" }).format(then);
  return formatter({ day: "numeric", month: "long", year: then.getFullYear() === today.getFullYear() ? undefined : "numeric" }).format(then);
}

/** @param {string} time */
export const formatDate = (time) => new Date(time).toLocaleDateString(locale(), { day: "numeric", month: "long", year: "numeric" });

/** @param {string} time */
export const formatDateTime = (time) => formatter({ dateStyle: "medium", timeStyle: "short" }).format(new Date(time));

/** @param {string} time */
export const formatTime = (time) => formatter({ timeStyle: "short" }).format(new Date(time));

/** @param {number} bytes */
export function formatBytes(bytes) {
  const [size, unit] = bytes >= 1e9 ? [1e9, "gigabyte"] : bytes >= 1e6 ? [1e6, "megabyte"] : [1e3, "kilobyte"];
  return new Intl.NumberFormat(locale(), { style: "unit", unit, maximumSignificantDigits: 3 }).format(bytes / size);
}

/**
 * A duration; "" if unknown.
 * @param {number | null | undefined} seconds
 */
export function formatDuration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds >= 90) return t("minutes", { n: Math.round(seconds / 60) });
  return t("seconds", { n: seconds < 10 ? Number(seconds).toFixed(1) : Math.round(seconds) });
}

/**
 * A setting's value as text.
 * @param {unknown} value
 */
export const formatValue = (value) => (typeof value === "string" ? value : JSON.stringify(value ?? null));
