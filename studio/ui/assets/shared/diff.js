// The words of a prompt that the original does not contain.

import { el } from "./dom.js";

const CELLS_MAX = 400_000; // of the comparison table; longer texts are not compared

/**
 * Words, spaces and punctuation; Chinese by character.
 * @param {string} text
 * @returns {string[]}
 */
function tokens(text) {
  const found = text.match(/[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*|\s+|[^]/gu) ?? [];
  return found.flatMap((token) => (/\p{Script=Han}/u.test(token) ? [...token] : [token]));
}

/**
 * Split a prompt into pieces `[text, added]`. Added pieces are not part of the longest common sequence with the original.
 * @param {string} original
 * @param {string} prompt
 * @returns {[string, boolean][]}
 */
export function addedPieces(original, prompt) {
  const before = tokens(original).filter((token) => token.trim()).map((token) => token.toLowerCase());
  const after = tokens(prompt);
  if (before.length * after.length > CELLS_MAX) return [[prompt, false]];
  const length = Array.from({ length: before.length + 1 }, () => new Uint16Array(after.length + 1)); // of the common sequence from i, j on
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      length[i][j] = before[i] === after[j].toLowerCase() ? length[i + 1][j + 1] + 1 : Math.max(length[i + 1][j], length[i][j + 1]);
    }
  }
  /** @type {[string, boolean][]} */
  const pieces = [];
  for (let i = 0, j = 0; j < after.length; j += 1) {
    while (i < before.length && length[i][j] === length[i + 1][j]) i += 1;
    const common = i < before.length && before[i] === after[j].toLowerCase();
    if (common) i += 1;
    const last = pieces.at(-1);
    const added = after[j].trim() ? !common : Boolean(last?.[1]);
    if (last?.[1] === added) last[0] += after[j];
    else pieces.push([after[j], added]);
  }
  return pieces;
}

/**
 * The nodes of a prompt whose added words are marked.
 * @param {string} original
 * @param {string} prompt
 * @returns {HTMLElement[]}
 */
export function markedWords(original, prompt) {
  return addedPieces(original, prompt).map(([text, added]) => el(added ? "mark" : "span", { text }));
}
