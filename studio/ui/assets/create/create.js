// Create: the jobs, the selected picture and errors. Stage and steps render this state.
//
// Jobs are watched through the page's own listeners: each sends snapshots of its job, and a snapshot holds everything, so that a lost
// one loses nothing. What is shown: the picture that was picked, else the job that runs, else the newest picture, else a welcome.

import { studio } from "../shared/studio.js";

const UNFINISHED = new Set(["queued", "running"]);
const LOST_MS = 6000; // poll a job after this time without a message

studio.part("create", (it) => {
  const root = it.element.querySelector(".canvas");
  const jobs = new Map(); // unfinished jobs by id, oldest first: the latest state of each
  const heardAt = new Map(); // time of a job's latest state, streamed or polled
  let streams = 0; // listeners that stream jobs now
  let pictures = []; // newest first
  let picked = null; // id of the selected picture
  let notice = null; // {sentence, ways: [[words, act]]}: an error, a failure, a cancelled job
  let verdict = null; // {id, identical, changed, pixels} of the last re-run
  let thought = null; // an enhancement without a picture yet
  let reused = null; // the picture whose settings are loaded into the form
  let home = false; // whether the server's state has arrived

  const stage = studio.stage(root, {
    pick, cancel, star, remove, share: (id) => studio.ask("share", { id }), unshare: (token) => studio.ask("unshare", { token }),
    again: (id) => send("again", { id }), vary: (id, strength) => send("vary", strength ? { id, strength } : { id }), reuse,
    edit, example,
    open: (id) => studio.emit("open", { id }),
    follow: () => pick(null),
  }); // prettier-ignore
  const thread = studio.thread(root, {
    draw: (prompt, enhancement) => send("draw", enhancement ? { prompt, enhancement } : { prompt, enhance: false, enhancement: null }),
    another: (prompt, steered) => send("think", { prompt, ...steered }),
    refine: (id, instruction, prompt) => send("refine", { id, instruction, prompt }),
    pick,
    keep,
  });

  function live() {
    const all = [...jobs.values()];
    return all.find((shot) => shot.status === "running") ?? all[0] ?? null;
  }
  const hidden = () => studio.private !== "";
  const by = (id) => pictures.find((picture) => picture.id === id) ?? null;

  /** Fire one of the page's listeners: a wish is on its way. */
  function send(name, values) {
    notice = null;
    thought = null;
    const drawing = !["think", "refine"].includes(name);
    if (drawing) picked = null;
    stage.filing(drawing);
    streams += 1;
    it.trigger(name, { ...values, private: studio.private || false });
    draw();
  }
  function watch(id) {
    streams += 1;
    it.trigger("watch", { id });
  }

  // Messages

  function hear(said) {
    if (!said || typeof said !== "object") return;
    const shot = JSON.parse(JSON.stringify(said)); // a copy of the component's state
    if (shot.refused) refused(shot);
    else if (shot.job) news(shot);
    draw();
  }
  function refused(shot) {
    stage.filing(false);
    notice = { sentence: shot.refused, ways: [] };
    if (shot.parameter === "prompt") studio.form.prompt()?.focus();
    if (shot.parameter === "adapters") document.querySelector("#fold-adapters [aria-expanded=false]")?.click(); // its row has the reason
  }
  function news(shot) {
    stage.filing(false);
    if (shot.private && shot.session !== studio.private) return void jobs.delete(shot.job); // it is being removed, or belongs to another tab
    const known = jobs.get(shot.job);
    heardAt.set(shot.job, performance.now());
    if (!known && shot.status === "done" && shot.pictures.every((one) => by(one.id)) && shot.kind !== "enhance") return;
    if (UNFINISHED.has(shot.status)) {
      if (!known && shot.kind !== "enhance") picked = null;
      jobs.set(shot.job, shot);
    } else jobs.delete(shot.job);
    for (const picture of shot.pictures) add(picture);
    if (!UNFINISHED.has(shot.status)) ended(shot);
    studio.emit("job", { shot });
  }
  function add(picture) {
    if (by(picture.id) || picture.private !== hidden()) return;
    pictures = [picture, ...pictures].slice(0, 120);
    studio.emit("changed", { id: picture.id, what: "drawn", picture });
  }
  function ended(shot) {
    heardAt.delete(shot.job);
    if (shot.status === "done") {
      notice = null; // of an earlier job
      if (shot.kind === "enhance") thought = shot.enhancement;
      const { identical, changed, pixels } = shot;
      if (identical !== undefined && shot.pictures[0]) verdict = { id: shot.pictures[0].id, identical, changed, pixels };
    } else if (shot.status === "failed") notice = { sentence: shot.error ?? "", ways: ways(shot), shot };
    else if (shot.pictures.length) studio.toast(studio.t("cancelled"));
    else notice = { key: "cancelled_none", ways: ways(shot), shot };
  }
  function ways(shot) {
    const found = [["draw_again", () => send("redraw", { id: shot.job })]];
    const unreasoned = shot.kind === "generate" && shot.enhance && !shot.enhancement?.id; // it failed before sampling
    if (shot.status === "failed" && unreasoned && shot.prompt) {
      found.unshift(["draw_plain", () => send("plain", { id: shot.job })]);
    }
    return found;
  }

  // A stream ended or is silent: poll the jobs, and watch those that no listener streams.
  async function check(all) {
    for (const [id] of [...jobs]) {
      const silent = performance.now() - (heardAt.get(id) ?? 0);
      if (!all && silent < LOST_MS) continue;
      heardAt.set(id, performance.now());
      try {
        const shot = await studio.ask("snapshot", { job: id });
        if (jobs.has(id)) hear(shot);
        if (all && jobs.has(id) && streams < jobs.size && silent > 1000) watch(id);
      } catch (error) {
        if (error.missing) jobs.delete(id);
      }
    }
    draw();
  }
  // Jobs of the same owner from another window or the API.
  async function refresh() {
    try {
      const mine = studio.private;
      const found = await studio.ask("home", { private: mine || false });
      if (mine !== studio.private) return; // the switch changed meanwhile, and the new state is loading
      const fresh = found.pictures.filter((one) => !by(one.id));
      pictures = [...fresh, ...pictures].sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
      if (home) for (const picture of fresh) studio.emit("changed", { id: picture.id, what: "found", picture });
      home = true;
      studio.heardState(found.state);
      for (const shot of found.jobs) {
        if (jobs.has(shot.job)) continue;
        hear(shot);
        watch(shot.job);
      }
    } catch (error) {
      if (!home) notice = { sentence: error.message, ways: [] };
      home = true;
    }
    draw();
  }

  // User actions

  function pick(id) {
    picked = id;
    notice = null;
    thought = null;
    draw();
  }
  async function cancel() {
    const shot = live();
    if (!shot) return;
    try {
      await studio.ask("cancel", { job: shot.job });
    } catch (error) {
      studio.toast(error.message);
    }
  }
  function replace(picture) {
    const news = picture.url ? picture : { favourite: picture.favourite }; // the gallery's cards have truncated texts
    pictures = pictures.map((one) => (one.id === picture.id ? { ...one, ...news } : one));
  }
  async function star(id, favourite) {
    await change("star", { id, favourite });
  }
  async function change(name, values) {
    try {
      const picture = await studio.ask(name, values);
      studio.emit("changed", { id: picture.id, what: name, picture });
      return picture;
    } catch (error) {
      studio.toast(error.message);
      return null;
    }
  }
  async function remove(id) {
    const at = pictures.findIndex((one) => one.id === id);
    const gone = await change("delete", { id });
    if (!gone) return;
    if (picked === id) picked = (pictures[at] ?? pictures[at - 1])?.id ?? null;
    draw();
    if (gone.private) return studio.toast(studio.t("private_left"));
    studio.toast(studio.t("deleted"), async () => {
      if (await change("restore", { id })) pick(id), studio.toast(studio.t("restored"));
    });
  }
  function reuse(id, picture = by(id)) {
    reused = picture;
    it.trigger("reuse", { id });
  }
  /** That a picture's settings are in the form, and whether its model is not here. */
  function filled() {
    const here = !reused || studio.state?.checkpoints.some((one) => one.name === reused.checkpoint);
    if (here) return studio.t("reused");
    const name = reused.checkpoint;
    return [studio.t("bring.used"), name ? studio.t("bring.no_model", { name }) : studio.t("reused_no_model")].join(" ");
  }
  function edit(id) {
    picked = id;
    draw();
    thread.edit();
  }
  function keep(picture) {
    studio.form.keep(picture.enhancement.id, picture.prompt, picture.original_prompt);
    studio.toast(studio.t("kept_rewrite"));
  }
  function example(text) {
    studio.form.setPrompt(text);
    setTimeout(() => studio.form.draw()?.click(), 30); // the field notifies Gradio first
  }

  // A picture was changed, generated or deleted anywhere.
  studio.on("changed", ({ picture }) => {
    if (!picture) return;
    if (picture.deleted_at) pictures = pictures.filter((one) => one.id !== picture.id);
    else if (by(picture.id)) replace(picture);
    else if (picture.url && picture.private === hidden()) {
      pictures = [picture, ...pictures].sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
    }
    if (picked && !by(picked)) picked = null;
    draw();
  });
  for (const name of ["again", "vary", "reuse", "edit"]) {
    studio.on(name, async ({ id }) => {
      if (typeof id !== "string") return;
      studio.go("create");
      let picture = by(id);
      if (!picture) {
        try {
          picture = await studio.ask("picture", { id });
          studio.emit("changed", { id, what: "found", picture });
        } catch (error) {
          return studio.toast(error.message);
        }
      }
      if (name === "reuse") pick(id), reuse(id, picture);
      else if (name === "edit") edit(id);
      else send(name, { id });
    });
  }
  studio.on("private", () => {
    pictures = [];
    picked = notice = verdict = thought = null;
    draw();
    refresh();
  });
  studio.on("watch", ({ job }) => typeof job === "string" && !jobs.has(job) && watch(job));
  studio.on("redraw", ({ job }) => typeof job === "string" && (studio.go("create"), send("redraw", { id: job })));
  studio.on("reused", () => studio.toast(filled()));
  studio.on("stream-ended", () => {
    streams = Math.max(0, streams - 1);
    stage.filing(false);
    check(true);
  });
  studio.on("escape", () => (stage.closeShare() || thread.close() ? undefined : jobs.size && cancel()));
  studio.on("draw-edited", () => thread.drawEdited());
  studio.on("words", () => (stage.words(), thread.words(), draw()));
  studio.on("state", draw);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("#draw")) return;
    notice = null;
    picked = null;
    thought = null;
    stage.filing(true);
    streams += 1;
    document.getElementById("form").classList.remove("open");
    draw();
  });
  document.addEventListener("keydown", (event) => {
    const aside = event.target.closest?.("input, textarea, [contenteditable], [role=tab], [role=radio], .strip, [role=dialog]");
    if (studio.room() !== "create" || aside || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") stage.step(event.key === "ArrowRight" ? 1 : -1);
  });

  // Rendering

  function draw() {
    const shot = live();
    const thinking = shot?.kind === "enhance"; // an enhancement without pictures leaves the stage as it is
    const look = picked ? by(picked) : null;
    const watching = Boolean(shot) && (thinking || !look);
    const newest = shot || notice ? null : pictures[0] ?? null;
    const picture = look ?? (thinking ? pictures[0] ?? null : newest);
    stage.draw({
      home, shot, watching, picture, pictures, notice: look ? null : notice, waiting: Math.max(0, jobs.size - 1),
      verdict: picture && verdict?.id === picture.id ? verdict : null,
      thought: Boolean(thought),
    }); // prettier-ignore
    thread.draw(why(shot, watching, picture));
    document.getElementById("draw")?.setAttribute("data-keys", studio.t(jobs.size ? "draw_next" : "draw_keys"));
  }
  /** What the thread tells: of the job that is watched, of reasoning without a picture yet, of what failed, of the picture. */
  function why(shot, watching, picture) {
    if (watching) return { enhancement: shot.enhancement, picture: null, shot, fresh: false, group: rewrites(shot.job) };
    if (thought) return { enhancement: thought, picture: null, shot: null, fresh: true };
    if (picture) return { enhancement: picture.enhancement, picture, shot: null, fresh: false, group: rewrites(picture.job) };
    return { enhancement: notice?.shot?.enhancement ?? null, picture: null, shot: null, fresh: false };
  }

  /** The pictures of a job, oldest first, where each is from a rewrite of its own; else none. */
  function rewrites(job) {
    const found = pictures.filter((one) => one.job === job && one.enhancement).reverse();
    return new Set(found.map((one) => one.enhancement.id)).size > 1 ? found : [];
  }

  it.watch("value", () => hear(it.props.value));

  async function begin() {
    await refresh();
    setInterval(() => document.hidden || check(false), 2000);
    document.addEventListener("visibilitychange", () => document.hidden || refresh());
  }
  draw();
  const wait = () => (studio.ask ? begin() : setTimeout(wait, 30));
  wait();
});
