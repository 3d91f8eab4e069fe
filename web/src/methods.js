// How an estimate was made, in the words of the package (runtime/infonet/pairs/estimates.py).

const NAMES = {
  network: "network",
  untied: "network, ties in random order",
  counted: "counts",
  label: "counts in bins, or nearest neighbours of a label",
  neighbours: "nearest neighbours of a label",
  shared: "counts, shared by categories",
  parts: "parts, of a frequent value and the others",
  constant: "constant",
};

export function methodName(method) {
  return NAMES[method] ?? "";
}
