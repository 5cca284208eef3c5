// The difference between the pixels of two pictures as a text.

import { t } from "../shared/texts.js";

const LEAST_SHOWN = 0.005;

/**
 * A small number with so many digits; "< 0.01" instead of zero.
 * @param {number} value
 * @param {number} digits
 */
const formatSmall = (value, digits) => (value > 0 && value < LEAST_SHOWN ? "< 0.01" : value.toFixed(digits));

/**
 * The text of a difference; "" if a file is missing.
 * @param {PixelDifference | null | undefined} pixels
 */
export function pixelDifferenceText(pixels) {
  if (!pixels) return "";
  const { identical, share, mean, most } = pixels;
  if (identical) return t("picture.pixels_same");
  if (share === null) return t("picture.pixels_sizes");
  const percent = 100 * share;
  return t("picture.pixels_apart", { share: formatSmall(percent, percent < 1 ? 2 : percent < 10 ? 1 : 0), mean: formatSmall(mean, 2), most });
}
