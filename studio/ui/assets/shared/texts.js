// Texts in the page's language, from locales/*.json.

/** @type {Record<string, Record<string, string>>} */
const TEXTS = JSON.parse(document.getElementById("texts")?.textContent ?? "{}");
export const EXAMPLES = ["example_1", "example_2", "example_3", "example_4"].map((key) => TEXTS.en[key]);
let language = "en";

/** @returns {string} "en" or "zh" */
export const currentLanguage = () => language;

/** The language and region for dates and numbers. */
export const locale = () => (language === "zh" ? "zh-CN" : "en-GB");

/** @param {string} name */
export function setLanguage(name) {
  language = name;
  document.documentElement.lang = name === "zh" ? "zh-CN" : "en";
}

/** @param {string} key */
export const hasText = (key) => key in TEXTS.en;

/**
 * The text of a key in the page's language. `{name}` is filled from `values`; `{name|word|words}` is the word for that number.
 * An unknown key is its own text.
 * @param {string} key
 * @param {Record<string, unknown>} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
  const found = TEXTS[language]?.[key] ?? TEXTS.en?.[key] ?? key;
  const counted = found.replace(/\{(\w+)\|([^|}]*)\|([^}]*)\}/g, (_, name, singular, plural) => (String(values[name]) === "1" ? singular : plural));
  return counted.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/**
 * A message of the server in the page's language. Its values may be messages, too.
 * @param {any} message
 * @returns {string}
 */
export function localize(message) {
  if (typeof message === "number" && Math.abs(message) >= 1_000) return message.toLocaleString("en");
  if (!message?.key) return message;
  const { key, values, text } = message;
  if (!hasText(key)) return text;
  const shown = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, localize(value)]));
  const label = TEXTS[language]?.[`parameter.${values.parameter}`];
  return t(key, label ? { ...shown, parameter: label } : shown);
}
