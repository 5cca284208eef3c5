// The state that all views share. Knows no element.

/** @type {{zone: string, private: string, facts: Facts | null, engine: EngineState | null}} */
export const page = {
  zone: Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC",
  private: "", // the private session of this tab; "" outside a private session
  facts: null,
  engine: null,
};

/**
 * The constants of the server. Throws before the header is mounted.
 * @returns {Facts}
 */
export function facts() {
  if (!page.facts) throw new Error("The header is not mounted.");
  return page.facts;
}
