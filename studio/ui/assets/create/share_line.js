// The share link of the picture on the stage.

import { button, el } from "../shared/dom.js";
import { copyButton } from "../shared/copy_button.js";
import { formatDate } from "../shared/format.js";
import { ask } from "../shared/server.js";
import { t } from "../shared/texts.js";
import { orToast, toast } from "../shared/toast.js";

/** @param {() => string | undefined} currentId the id of the picture on the stage */
export function createShareLine(currentId) {
  const root = el("div", { className: "sharing", hidden: true });
  /** @type {(ShareLink & {id: string}) | null} */
  let shared = null;

  /** @param {string} id */
  async function share(id) {
    const link = await orToast(ask("share", { id }));
    if (link) shared = { ...link, id };
    draw();
    root.querySelector("input")?.select();
  }
  /** @param {string} token */
  async function revoke(token) {
    if (await orToast(ask("unshare", { token }).then(() => true))) toast(t("share_gone"));
    hide();
  }
  function hide() {
    shared = null;
    draw();
  }
  function draw() {
    root.hidden = !shared || shared.id !== currentId();
    if (!shared || root.hidden) return root.replaceChildren();
    const { token, url, expires_at: expiresAt } = shared;
    const field = el("input", { type: "text", readOnly: true, value: url, aria: { label: t("share_link") } });
    const copy = copyButton(() => (field.select(), url), { className: "yes" });
    root.replaceChildren(
      el("div", { className: "row" }, field, copy, button(t("close"), hide)),
      el("p", {}, el("span", { text: t("share_until", { date: formatDate(expiresAt) }) }), button(t("share_back"), () => revoke(token))),
    );
  }
  /** Hide the link. Returns false if none is shown. */
  function close() {
    if (!shared || root.hidden) return false;
    hide();
    return true;
  }
  return { root, share, draw, close };
}
