// Export: a ZIP of the selected pictures or of all matches, as the browser's own download.

import { studio } from "../shared/studio.js";

const { el, t, button } = studio;
const LOOK_MS = 500; // interval between two progress checks
const QUIET = 60; // checks without progress before giving up
const STAYS_MS = 4000; // the latest progress

/** What the server says in place of a zip, in a frame of its own, so that the page stays where it is. */
const refusals = el("iframe", { className: "spoken", name: "taken-along", title: "", tabIndex: -1, aria: { hidden: "true" } });
refusals.addEventListener("load", () => {
  const said = refusals.contentDocument?.body?.textContent?.trim();
  if (said === "") return; // the iframe's initial empty page
  let wrong = null;
  try {
    wrong = JSON.parse(said).error;
  } catch {
    // not our message: the server did not respond as expected
  }
  studio.toast(wrong ?? t("gallery.export_failed"));
});

/** `values` name what goes into the zip, as /media/export.zip takes them; `heard(text)` is told how far the server is, "" at the end. */
studio.takeAlong = (method, values, heard) => {
  const token = [...crypto.getRandomValues(new Uint8Array(12))].map((one) => one.toString(16).padStart(2, "0")).join("");
  const action = method === "post" ? `/media/export.zip?token=${token}` : "/media/export.zip"; // a GET form has its own query
  const form = el("form", { method, action, target: refusals.name });
  const fields = { ...values, ...(method === "post" ? {} : { token }) };
  for (const [name, value] of Object.entries(fields)) if (value) form.append(el("input", { type: "hidden", name, value }));
  if (!refusals.isConnected) document.body.append(refusals);
  document.body.append(form);
  form.submit();
  form.remove();
  follow(token, heard);
};
async function follow(token, heard) {
  let quiet = 0;
  let last = -1;
  for (let ended = false; !ended && quiet < QUIET; ) {
    await new Promise((done) => setTimeout(done, LOOK_MS));
    const told = await fetch(`/media/export/progress?token=${token}`).then((answer) => answer.json()).catch(() => null);
    ended = told?.ended ?? false;
    quiet = told && told.done !== last ? 0 : quiet + 1;
    last = told?.done ?? last;
    heard(told?.total ? t("gallery.exporting", { n: studio.count(told.done), all: studio.count(told.total) }) : "");
  }
  setTimeout(() => heard(""), STAYS_MS);
}

/** The tool that takes along all that are found; `state` is the gallery's, `asked()` the question that it shows the answer of. */
studio.galleryExport = ({ state, asked }) => {
  const packing = el("span", { className: "packing", role: "status" });
  const opener = button("", () => {
    const { query, favourite, collection } = asked();
    studio.takeAlong("get", { query, favourite: favourite ? "1" : "", collection: collection ?? "", zone: studio.zone }, (text) => (packing.textContent = text));
  }, { className: "bring export" }); // prettier-ignore
  function draw() {
    opener.hidden = state.trash || !state.total;
    opener.textContent = t("gallery.export_all");
    const found = `${studio.count(state.total)}${state.capped ? "+" : ""}`;
    opener.title = t(state.total === 1 ? "gallery.export_all_title_1" : "gallery.export_all_title", { n: found });
  }
  return { openers: [opener, packing], draw };
};
