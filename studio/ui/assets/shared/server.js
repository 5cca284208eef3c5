// Calls to the server through the `call` event of a gr.HTML. See studio/ui/calls.py.

import { page } from "./page.js";
import { localize, t } from "./texts.js";

const TIMEOUT_MS = 30_000;

/** @typedef {{name: string, values: object, last: boolean, resolve: (answer: any) => void, reject: (error: Error) => void}} Waiting */

/** @type {Call | null} */
let channel = null;

/** Whether the header's channel is open. */
export const connected = () => channel !== null;

/** @param {Call} call */
export function connect(call) {
  channel = call;
}

/**
 * Call the server through the header's channel.
 * @type {Call}
 */
export const ask = (name, values, options) => {
  if (!channel) return Promise.reject(new Error(t("no_answer")));
  return channel(name, values, options);
};

/**
 * Create the channel of a gr.HTML. Calls run one at a time and are matched with their answers by number.
 * @param {Component} it
 * @returns {Call}
 */
export function createChannel(it) {
  /** @type {Waiting[]} */
  const waiting = [];
  /** @type {(Waiting & {n: number, timer: number}) | null} */
  let open = null;
  let count = 0;

  function next() {
    const call = open ? undefined : waiting.shift();
    if (!call) return;
    const n = (count += 1);
    open = { ...call, n, timer: setTimeout(() => settle({ n, error: t("no_answer") }), TIMEOUT_MS) };
    it.trigger("call", { n, name: call.name, values: call.values, zone: page.zone });
  }
  /** @param {{n: number, answer?: unknown, error?: Message, missing?: boolean} | null} message */
  function settle(message) {
    if (!open || message?.n !== open.n) return;
    const { resolve, reject, timer } = open;
    clearTimeout(timer);
    open = null;
    if (message.error === undefined) resolve(JSON.parse(JSON.stringify(message.answer))); // the component's value is a proxy
    else reject(Object.assign(new Error(localize(message.error)), { missing: message.missing }));
    next();
  }
  it.watch("value", () => settle(it.props.value));

  return (name, values = {}, { last = false } = {}) =>
    new Promise((resolve, reject) => {
      const replaced = last ? waiting.findIndex((call) => call.last && call.name === name) : -1;
      if (replaced >= 0) waiting.splice(replaced, 1); // its promise stays pending
      waiting.push({ name, values, last, resolve, reject });
      next();
    });
}
