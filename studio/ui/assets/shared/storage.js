// Values in the browser's storage. Storage can be blocked or full: then nothing is stored.

/**
 * @param {"session" | "local"} kind
 * @returns {Storage}
 */
const area = (kind) => (kind === "session" ? sessionStorage : localStorage);

/**
 * A stored value, or null.
 * @param {"session" | "local"} kind
 * @param {string} name
 */
export function load(kind, name) {
  try {
    return area(kind).getItem(`studio-${name}`);
  } catch {
    return null;
  }
}

/**
 * Store a value; null removes it.
 * @param {"session" | "local"} kind
 * @param {string} name
 * @param {string | null} value
 */
export function store(kind, name, value) {
  try {
    if (value === null) area(kind).removeItem(`studio-${name}`);
    else area(kind).setItem(`studio-${name}`, value);
  } catch {
    // the value lives as long as the page
  }
}
