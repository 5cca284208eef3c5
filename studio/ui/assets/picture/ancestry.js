// A picture's note, collections and ancestry.

import { studio } from "../shared/studio.js";

const { el, t, button } = studio;
const ROW = 78;
const COLUMN = 92;
const SIDE = 56;
const SVG = "http://www.w3.org/2000/svg";

/** `call(name, values)` asks the server; `current()` gives the picture, `show(id)` opens another, `change(values)` keeps a change. */
studio.pictureFamily = ({ call, current, show, change, section }) => {
  let graph = null; // of the picture `graphOf`
  let graphOf = null;
  let shelf = null; // {all, in} of the picture `shelfOf`
  let shelfOf = null;

  function note() {
    const field = el("textarea", { className: "pv-noted", rows: 2, maxLength: 5000, value: current().note, placeholder: t("picture.note_hint"), aria: { label: t("picture.note") } });
    const grow = () => {
      field.style.height = "auto";
      field.style.height = `${field.scrollHeight + 2}px`;
    };
    field.addEventListener("input", grow);
    field.addEventListener("change", () => field.value.trim() !== current().note && change({ note: field.value }));
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) field.blur();
      if (event.key === "Escape") (field.value = current().note), field.blur(), event.stopPropagation(), event.preventDefault();
    });
    requestAnimationFrame(grow);
    return section(t("picture.note"), field);
  }

  // Collections

  function collections() {
    const place = el("div", { className: "pv-collections" });
    const made = section(t("gallery.collections"), place);
    if (shelfOf === current().id && shelf) fill(place);
    else {
      shelfOf = current().id;
      load(place);
    }
    return made;
  }
  async function load(place) {
    const id = current().id;
    try {
      const [{ collections: all }, placed] = [await call("collections", {}), await call("placed", { id })];
      if (current()?.id !== id) return;
      shelf = { all: all.filter((one) => one.query === null), in: new Set(placed.in) };
      fill(place);
    } catch {
      /* the rest of the page stands without it */
    }
  }
  function fill(place) {
    const chips = shelf.all.map((one) => {
      const on = shelf.in.has(one.id);
      return button(one.name, () => put(one, on, place), { className: "pv-chip", aria: { pressed: String(on) } });
    });
    const field = el("input", { type: "text", maxLength: 60, placeholder: t("picture.new_collection"), aria: { label: t("picture.new_collection") } });
    field.addEventListener("keydown", async (event) => {
      if (event.key !== "Enter" || event.isComposing || !field.value.trim()) return;
      event.preventDefault();
      await kept(() => call("new_collection", { id: current().id, name: field.value.trim() }), place);
    });
    place.replaceChildren(...chips, field);
  }
  const put = (one, on, place) => kept(() => call("collect", { id: current().id, collection: one.id, remove: on }), place);
  async function kept(act, place) {
    try {
      await act();
    } catch (error) {
      studio.excuse(error);
    }
    load(place);
  }

  // Ancestry: the oldest at the left, one column a generation.

  function ancestry() {
    const picture = current();
    const place = el("div", { className: "pv-family" });
    const made = section(t("picture.family"), place);
    made.hidden = true;
    const drawn = () => {
      if (!graph || graph.nodes.length < 2) return;
      made.hidden = false;
      place.replaceChildren(tree());
    };
    if (graphOf === picture.id && graph) drawn();
    else {
      graphOf = picture.id;
      graph = null;
      call("ancestry", { id: picture.id }).then((found) => graphOf === current()?.id && ((graph = found), drawn()), () => {});
    }
    return made;
  }
  function generations() {
    const depth = new Map(graph.nodes.map((node) => [node.id, 0]));
    for (let round = 0; round < graph.nodes.length; round += 1) {
      for (const { from, to } of graph.edges) depth.set(to, Math.max(depth.get(to), depth.get(from) + 1));
    }
    return depth;
  }
  function tree() {
    const depth = generations();
    const rows = [];
    const places = new Map();
    for (const node of graph.nodes) {
      const column = depth.get(node.id);
      rows[column] = (rows[column] ?? 0) + 1;
      places.set(node.id, { x: column * COLUMN, y: (rows[column] - 1) * ROW });
    }
    const width = rows.length * COLUMN;
    const height = Math.max(...rows) * ROW;
    const lines = document.createElementNS(SVG, "svg");
    for (const [name, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" })) lines.setAttribute(name, value);
    for (const { from, to } of graph.edges) {
      const [a, b] = [places.get(from), places.get(to)];
      const path = document.createElementNS(SVG, "path");
      const [x1, y1, x2, y2] = [a.x + SIDE, a.y + SIDE / 2, b.x, b.y + SIDE / 2];
      path.setAttribute("d", `M${x1} ${y1}C${x1 + 20} ${y1} ${x2 - 20} ${y2} ${x2} ${y2}`);
      lines.append(path);
    }
    const how = new Map(graph.edges.map(({ to, relation }) => [to, relation]));
    const nodes = graph.nodes.map((node) => {
      const { x, y } = places.get(node.id);
      const relation = how.has(node.id) ? t(`picture.by_${how.get(node.id)}`) : t("picture.first");
      const here = node.id === current().id;
      const said = (between) => [relation, node.prompt].filter(Boolean).join(between); // a photo has no prompt
      const made = el("button", { type: "button", className: "pv-node", title: said(" · "), aria: { label: said(": "), current: here ? "true" : "false" }, on: { click: () => here || show(node.id) } });
      made.style.left = `${x}px`;
      made.style.top = `${y}px`;
      made.append(el("img", { src: node.thumb_url, alt: "", width: SIDE, height: SIDE, className: node.deleted ? "gone" : "" }), el("small", { text: relation }));
      return made;
    });
    const box = el("div", { className: "pv-tree", role: "group", aria: { label: t("picture.family") } }, ...nodes);
    box.style.width = `${width}px`;
    box.style.height = `${height}px`;
    box.prepend(lines);
    return box;
  }
  function compared() {
    const { parent_id } = current();
    return parent_id ? button(t("picture.compare_parent"), () => studio.emit("compare", { ids: [parent_id, current().id] }), { className: "pv-link" }) : null;
  }

  return { note, collections, ancestry, compared };
};
