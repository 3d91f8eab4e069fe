// What a model file says of its network: the metadata_props of an ONNX file, as runtime/infonet/model/metadata.py.

const METADATA_PROPS = 14; // of ModelProto in onnx.proto

/** The fields of a protocol-buffer message: [number, bytes or null of a number]. */
function* fields(bytes) {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const wire = tag % 8;
    if (wire === 0) {
      varint();
      yield [Math.floor(tag / 8), null];
      continue;
    }
    if (wire !== 1 && wire !== 2 && wire !== 5) throw new Error(`the model has a field of wire type ${wire}`);
    const length = wire === 2 ? varint() : wire === 1 ? 8 : 4;
    yield [Math.floor(tag / 8), bytes.subarray(at, at + length)];
    at += length;
  }
}

/** The entries of an ONNX file, text by name. */
function properties(file) {
  const decoder = new TextDecoder();
  const found = {};
  for (const [number, value] of fields(file)) {
    if (number !== METADATA_PROPS) continue;
    const entry = Object.fromEntries(Array.from(fields(value), ([key, text]) => [key, decoder.decode(text)]));
    found[entry[1]] = entry[2] ?? "";
  }
  return found;
}

/**
 * What the page needs to know of a model file.
 * @param {Uint8Array} file an ONNX file, the core of a copula model
 */
export function readMetadata(file) {
  const entries = properties(file);
  const entry = (name) => entries[`infonet.${name}`];
  const { eps, normalize } = JSON.parse(entry("preprocessing") ?? "{}");
  const levels = JSON.parse(entry("quantile_levels") ?? "[]");
  const fits = entry("format_version") === "1" && entry("architecture") === "copula" && entry("graph") === "core";
  if (!fits || eps !== 0 || normalize !== "midrank" || levels.length !== 3 || entry("test_statistic") !== "score") {
    throw new Error("the model is not the core of a copula model on ranks with three quantiles and a test statistic");
  }
  return {
    histogramGrid: Number(entry("histogram_grid")),
    tableGrid: Number(entry("table_grid")),
    fewest: Number(entry("n_min")),
    version: entry("version"),
    null: entry("null_distribution") ? JSON.parse(entry("null_distribution")) : null,
  };
}
