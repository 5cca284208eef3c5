// The pictures beside a picture in the gallery, for the view of one picture.

/** @type {(id: string, step: number) => string | null} */
let find = () => null;

/** @param {(id: string, step: number) => string | null} finder */
export function setNeighbours(finder) {
  find = finder;
}

/**
 * The id of the picture `step` positions after a picture; null if there is none.
 * @param {string | null} id
 * @param {number} step
 */
export const neighbourOf = (id, step) => (id === null ? null : find(id, step));
