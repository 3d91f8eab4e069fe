// Colours of the pictures, in light and dark.

const SCALES = {
  light: {
    strength: ["#eef2f8", "#b3d0ea", "#5a9fd4", "#1f6ab0", "#0a2f5e"],
    ratio: ["#2166ac", "#92c5de", "#f4f5f7", "#f4a582", "#b2182b"],
  },
  dark: {
    strength: ["#1c2532", "#1d4a70", "#2b80b9", "#76bfe6", "#e3f4ff"],
    ratio: ["#2f73b8", "#264a73", "#1c2532", "#9a4a3a", "#ff9a80"],
  },
};

export function theme() {
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** A function from 0..1 to [r, g, b]: "strength" from nothing to most, "ratio" from rarer to more common. */
export function scale(name) {
  const stops = SCALES[theme()][name].map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  return (share) => {
    const at = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    return stops[low].map((value, k) => Math.round(value + (at - low) * (stops[low + 1][k] - value)));
  };
}

export const css = ([r, g, b]) => `rgb(${r} ${g} ${b})`;

/** Black or white, whichever is read better on a colour. */
export function inkOn([r, g, b]) {
  return 0.299 * r + 0.587 * g + 0.114 * b > 140 ? "#10161f" : "#ffffff";
}

/** A colour of the style sheet. */
export function styled(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
