// A picture's ancestry: the oldest at the left, one column per generation.

import { el, svg } from "../shared/dom.js";
import { t } from "../shared/texts.js";

const ROW_PX = 78;
const COLUMN_PX = 92;
const SIDE_PX = 56;
const CURVE_PX = 20;

/**
 * The generation of each picture.
 * @param {Ancestry} graph
 */
function generations({ nodes, edges }) {
  /** @type {Map<string, number>} */
  const depth = new Map(nodes.map(({ id }) => [id, 0]));
  const of = (/** @type {string} */ id) => depth.get(id) ?? 0;
  for (let round = 0; round < nodes.length; round += 1) {
    for (const { from, to } of edges) depth.set(to, Math.max(of(to), of(from) + 1));
  }
  return depth;
}

/**
 * The graph as a tree of buttons.
 * @param {Ancestry} graph
 * @param {string} currentId
 * @param {(id: string) => void} show
 */
export function ancestryTree(graph, currentId, show) {
  const depth = generations(graph);
  /** @type {number[]} */
  const rows = []; // number of pictures in each column
  /** @type {Map<string, {x: number, y: number}>} */
  const places = new Map();
  for (const { id } of graph.nodes) {
    const column = depth.get(id) ?? 0;
    rows[column] = (rows[column] ?? 0) + 1;
    places.set(id, { x: column * COLUMN_PX, y: (rows[column] - 1) * ROW_PX });
  }
  const place = (/** @type {string} */ id) => places.get(id) ?? { x: 0, y: 0 };
  const [width, height] = [rows.length * COLUMN_PX, Math.max(...rows) * ROW_PX];
  const paths = graph.edges.map(({ from, to }) => {
    const [x1, y1, x2, y2] = [place(from).x + SIDE_PX, place(from).y + SIDE_PX / 2, place(to).x, place(to).y + SIDE_PX / 2];
    return svg("path", { d: `M${x1} ${y1}C${x1 + CURVE_PX} ${y1} ${x2 - CURVE_PX} ${y2} ${x2} ${y2}` });
  });
  const relations = new Map(graph.edges.map(({ to, relation }) => [to, relation]));
  const nodes = graph.nodes.map(({ id, prompt, thumb_url: src, deleted }) => {
    const relation = relations.has(id) ? t(`picture.by_${relations.get(id)}`) : t("picture.first");
    const isCurrent = id === currentId;
    const label = (/** @type {string} */ separator) => [relation, prompt].filter(Boolean).join(separator); // a photo has no prompt
    return el("button", {
      type: "button", className: "pv-node", title: label(" · "), aria: { label: label(": "), current: isCurrent },
      style: `left:${place(id).x}px;top:${place(id).y}px`, on: { click: () => isCurrent || show(id) },
    }, el("img", { src, alt: "", width: SIDE_PX, height: SIDE_PX, className: deleted ? "gone" : "" }), el("small", { text: relation })); // prettier-ignore
  });
  return el("div", { className: "pv-tree", role: "group", aria: { label: t("picture.family") }, style: `width:${width}px;height:${height}px` },
    svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, ...paths), ...nodes);
}
