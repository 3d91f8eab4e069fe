// Long rows side by side in a workspace, and the gradients by them.
#pragma once

#include "gradient_row.hpp"

namespace infonet {

// Each part of the workspace is for all rows.
struct Rows {
  LongRow first;  // its values are those of the array's row 0
  RowLayout layout;
  std::int64_t first_row;  // of the array, the one that is first in the workspace
  std::uint32_t tiles;

  INFONET_HD std::int64_t begin(std::uint32_t i) const { return layout.begin(first_row + i); }
  INFONET_HD std::size_t values_before(std::uint32_t i) const {
    return static_cast<std::size_t>(i) * layout.n;
  }
  INFONET_HD std::size_t tiles_before(std::uint32_t i) const {
    return static_cast<std::size_t>(i) * tiles;
  }

  INFONET_HD LongRow row(std::uint32_t i) const {
    LongRow row = first;
    const std::size_t values = values_before(i), parts = tiles_before(i);
    row.values += begin(i);
    for (int k = 0; k < 2; ++k) {
      row.keys[k] += values;
      row.index[k] += values;
      row.starts[k] += values;
      row.counts[k] += parts;
    }
    row.sums += values + i;
    row.threads += parts * kTileThreads;
    row.bridges += parts;
    row.runs += parts;
    return row;
  }
};

struct GradientRows {
  Rows rows;
  GradientRow first;  // without `row`; its `by` is that of the array's row 0

  INFONET_HD GradientRow row(std::uint32_t i) const {
    GradientRow at = first;
    at.row = rows.row(i);
    at.by += rows.begin(i);
    at.gradient += rows.values_before(i);
    at.heads += rows.tiles_before(i) * kTileThreads;
    at.tile_sums += rows.tiles_before(i);
    at.ends += rows.tiles_before(i);
    return at;
  }
};

// Parts of a workspace one after the other, each aligned to 16 bytes. Without a workspace they are
// only counted.
struct Parts {
  unsigned char* workspace;
  std::size_t used = 0;

  template <typename T>
  T* take(std::size_t count) {
    unsigned char* const part = workspace == nullptr ? nullptr : workspace + used;
    used += (count * sizeof(T) + 15) / 16 * 16;
    return reinterpret_cast<T*>(part);
  }
};

inline Rows lay_out(std::int64_t rows, const RowLayout& layout, bool soft, Parts& parts) {
  Rows all{};
  const std::size_t size = static_cast<std::size_t>(rows) * layout.n;
  all.layout = layout;
  all.tiles = tiles_of(layout.n);
  const std::size_t tiles = static_cast<std::size_t>(rows) * all.tiles;
  LongRow& row = all.first;
  row.n = layout.n;
  row.stride = layout.columns;
  for (int k = 0; k < 2; ++k) {
    row.keys[k] = parts.take<std::uint32_t>(size);
    row.index[k] = parts.take<std::uint32_t>(size);
  }
  if (!soft) return all;
  row.sums = parts.take<Wide>(size + static_cast<std::size_t>(rows));
  for (int k = 0; k < 2; ++k) {
    row.starts[k] = parts.take<std::uint32_t>(size);
    row.counts[k] = parts.take<std::uint32_t>(tiles);
  }
  row.threads = parts.take<std::uint32_t>(tiles * kTileThreads);
  row.bridges = parts.take<Bridge>(tiles);
  row.runs = parts.take<Run>(tiles);
  return all;
}

inline GradientRows lay_out_gradient(std::int64_t rows, const RowLayout& layout, Parts& parts) {
  GradientRows all{};
  all.rows = lay_out(rows, layout, true, parts);
  const std::size_t tiles = static_cast<std::size_t>(rows) * all.rows.tiles;
  all.first.gradient = parts.take<double>(static_cast<std::size_t>(rows) * layout.n);
  all.first.heads = parts.take<double>(tiles * kTileThreads);
  all.first.tile_sums = parts.take<double>(tiles);
  all.first.ends = parts.take<EndSums>(tiles);
  return all;
}

}  // namespace infonet
