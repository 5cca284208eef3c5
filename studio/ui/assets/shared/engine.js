// The state of the engine and the downloads: polled, and sent to the views with the event `state`.

import { emit } from "./events.js";
import { page } from "./page.js";
import { ask } from "./server.js";

/** @type {Record<string, number>} */
const INTERVAL_MS = { loading: 700, ready: 20_000, failed: 5000 }; // by the engine's status
const DEFAULT_MS = 3000;
const DOWNLOAD_MS = 1000;
const HIDDEN_MS = 20_000;
let timer = 0;

/** @param {EngineState} state */
export function setEngineState(state) {
  page.engine = state;
  emit("state", state);
}

/** @param {string} name a checkpoint */
export const isKnown = (name) => page.engine?.checkpoints.some((checkpoint) => checkpoint.name === name) ?? false;

/** Whether a checkpoint is being downloaded. */
export const downloading = () => Object.values(page.engine?.downloads ?? {}).some(({ status }) => status === "loading");

/** Ask for the state now and at intervals. */
export async function pollEngine() {
  clearTimeout(timer);
  try {
    setEngineState(await ask("state"));
  } catch {
    if (page.engine) setEngineState({ ...page.engine, status: "offline", fraction: null });
  }
  const visible = downloading() ? DOWNLOAD_MS : (INTERVAL_MS[page.engine?.status ?? ""] ?? DEFAULT_MS);
  timer = setTimeout(pollEngine, document.hidden ? HIDDEN_MS : visible);
}
