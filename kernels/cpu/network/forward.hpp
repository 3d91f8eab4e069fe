// From histograms to answers, for up to kTogether samples: what one version of the network runs.
#pragma once

#include "layers.hpp"
#include "parameters.hpp"
#include "read_out.hpp"
#include "turn.hpp"
#include "vectors.hpp"

namespace infonet::network {
namespace {

// Memory that is handed out in whole cache lines. Without memory it only counts.
struct Arena {
  float* next;
  long long used;

  float* take(long long count) {
    count = (count + 15) / 16 * 16;
    float* given = next ? next + used : nullptr;
    used += count;
    return given;
  }
};

struct Workspace {
  Images levels[kMostLevels];   // of all samples
  Images between[kMostLevels];  // of the samples that run together
  float* points;
  float* products;
  float* line;
  float* start;  // of the stem
  ReadOutSpace read_out[kTogether];
  int side_of_coarse;
  float* coarse;  // three planes with a border
  float* fine;    // two planes

  Workspace(const Parameters& net, int samples, Arena& arena) {
    int side = net.side();
    long line_size = 0, most_points = 0;
    for (int l = 0; l < net.levels; ++l, side /= 2) {
      const int channels = net.channels[l];
      levels[l] = {nullptr, side, channels};
      between[l] = levels[l];
      levels[l].data = arena.take(samples * levels[l].size());
      between[l].data = arena.take((l < net.levels_alone() ? 1 : samples) * levels[l].size());
      const long all_points = points_of_tiles(channels) * points_apart(channels);
      if (all_points > most_points) most_points = all_points;
      if (static_cast<long>(side) * channels > line_size) {
        line_size = static_cast<long>(side) * channels;
      }
    }
    points = arena.take(most_points);
    products = arena.take(most_points);
    line = arena.take(line_size);
    side = net.side();
    start = arena.take(static_cast<long long>(side) * side * net.channels[0]);
    side_of_coarse = side + 2;
    coarse = arena.take(3LL * side_of_coarse * side_of_coarse);
    fine = arena.take(2LL * net.grid * net.grid);
    for (int s = 0; s < samples; ++s) read_out[s] = take_read_out(net, arena);
  }

  static ReadOutSpace take_read_out(const Parameters& net, Arena& arena) {
    const long long half = static_cast<long long>(net.grid) * net.grid / 4;
    ReadOutSpace space{};
    space.half = arena.take(half);
    space.quarter = arena.take(half / 4);
    space.table = arena.take(half);
    space.margins = arena.take(2LL * net.grid);
    space.features = arena.take(net.features);
    space.hidden = arena.take(2LL * net.hidden);
    return space;
  }
};

// Means of 2 x 2 cells.
INFONET_INLINE void halve(const float* from, int side, float* to) {
  for (int y = 0; y < side / 2; ++y) {
    const float* upper = from + 2 * y * side;
    const float* lower = upper + side;
    for (int x = 0; x < side / 2; ++x) {
      to[y * (side / 2) + x] =
          0.25f * ((upper[2 * x] + upper[2 * x + 1]) + (lower[2 * x] + lower[2 * x + 1]));
    }
  }
}

// The turned histogram in fine[0] -> densities, then the first layer's images.
INFONET_INLINE void begin(const Parameters& net, Workspace& work, int sample) {
  const int grid = net.grid, side = net.side(), cells = grid * grid;
  float* roots = work.fine;
  float* logs = work.fine + cells;
  ReadOutSpace& space = work.read_out[sample];
  double total = 0;
  for (int y = 0; y < grid; ++y) {
    Vector row = {};
    for (int x = 0; x < grid; x += kLanes) row += load(roots + y * grid + x);
    total += sum(row);
  }
  const float average = static_cast<float>(total / cells);
  const float n = average * static_cast<float>(cells);
  space.n = n < net.n_max ? n : net.n_max;
  space.log_n = log_of(all(space.n))[0];
  const float scaled_log_n = space.log_n / 5 - 1.5f, counts = space.n / static_cast<float>(cells);
  space.scaled_log_n = scaled_log_n;
  for (int i = 0; i < cells; i += kLanes) {
    const Vector relative = load(roots + i) * (1.0f / average);
    store(roots + i, relative);
    store(logs + i, log_of(relative + 1.0f));
  }
  halve(roots, grid, space.half);
  halve(space.half, grid / 2, space.quarter);
  write_roots(roots, counts, cells, roots);

  const int wide = work.side_of_coarse;
  memset(work.coarse, 0, sizeof(float) * 3 * wide * wide);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; x += kLanes) {
      const Vector quarter = load(space.quarter + y * side + x);
      float* to = work.coarse + (y + 1) * wide + x + 1;
      store(to, log_of(quarter * (16 * counts) + 1.0f));
      store(to + 2 * wide * wide, log_of(quarter + 1.0f));
    }
    write_roots(space.quarter + y * side, 1.0f, side, work.coarse + (wide + y + 1) * wide + 1);
  }
  const int channels = net.channels[0];
  for (int i = 0; i < side * side * channels; i += kLanes) {
    store(work.start + i, load(net.stem_start + i) + scaled_log_n * load(net.stem_log_n + i));
  }
  for (int y = 0; y < side; ++y) {
    Segment rows[2 * 4 + 3 * 3];
    int count = 0;
    for (int plane = 0; plane < 2; ++plane) {
      for (int k = 0; k < 4; ++k) {
        rows[count++] = {work.fine + plane * cells + (4 * y + k) * grid, 4, 4};
      }
    }
    for (int plane = 0; plane < 3; ++plane) {
      for (int k = 0; k < 3; ++k) {
        rows[count++] = {work.coarse + (plane * wide + y + k) * wide, 1, 3};
      }
    }
    multiply<true>(rows, count, side, net.stem, 2 * 16 + 3 * 9, channels,
                   work.start + y * side * channels, channels, work.levels[0].cell(sample, y, 0),
                   channels);
  }
}

// Each cell of the first level's images becomes 2 x 2 cells of the table.
INFONET_INLINE void write_table(const Parameters& net, const Images& images, int sample,
                                float* table) {
  typedef float Four __attribute__((vector_size(16)));
  const int side = images.side, width = 2 * side;
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      const float* cell = images.cell(sample, y, x);
      Four sums[4] = {Four{} + net.table_bias};
      for (int c = 0; c < images.channels; c += 4) {
        for (int k = 0; k < 4; ++k) {
          Four w;
          memcpy(&w, net.table + 4 * (c + k), sizeof w);
          sums[k] += cell[c + k] * w;
        }
      }
      const Four value = (sums[0] + sums[1]) + (sums[2] + sums[3]);
      float* to = table + 2 * y * width + 2 * x;
      to[0] = value[0];
      to[1] = value[1];
      to[width] = value[2];
      to[width + 1] = value[3];
    }
  }
}

INFONET_INLINE Images from(const Images& images, int sample) {
  return {images.data + sample * images.size(), images.side, images.channels};
}

void run(const Parameters& net, const float* histograms, int count, float* scratch,
         Answers answers) {
  Arena arena{scratch, 0};
  Workspace work(net, count, arena);
  const int alone = net.levels_alone();
  for (int l = 0; l < net.levels; ++l) {
    work.levels[l].clear_border(count);
    work.between[l].clear_border(l < alone ? 1 : count);
  }

  const auto encode = [&](int level, int sample, int samples) {
    const Images x = from(work.levels[level], sample);
    residual(x, work.between[level], samples, net.encoder[level], work.points, work.products);
    if (level + 1 < net.levels) {
      narrow(x, from(work.levels[level + 1], sample), samples, net.down[level]);
    }
  };
  const auto decode = [&](int level, int sample, int samples) {
    const Images x = from(work.levels[level], sample);
    widen(from(work.levels[level + 1], sample), x, samples, net.up[level], work.line);
    residual(x, work.between[level], samples, net.decoder[level], work.points, work.products);
  };

  int symmetries[kTogether];
  const int cells = net.grid * net.grid;
  for (int s = 0; s < count; ++s) {
    const float* histogram = histograms + static_cast<long>(s) * cells;
    symmetries[s] = choose_symmetry(histogram, net.grid, net.patterns);
    turn(histogram, net.grid, symmetries[s], work.fine);
    begin(net, work, s);
    for (int l = 0; l < alone; ++l) encode(l, s, 1);
  }
  for (int l = alone; l < net.levels; ++l) encode(l, 0, count);
  for (int l = net.levels - 2; l >= alone; --l) decode(l, 0, count);
  const int last_alone = alone < net.levels ? alone - 1 : net.levels - 2;
  const int table_cells = cells / 4, table_side = net.grid / 2;
  for (int s = 0; s < count; ++s) {
    for (int l = last_alone; l >= 0; --l) decode(l, s, 1);
    ReadOutSpace& space = work.read_out[s];
    write_table(net, work.levels[0], s, space.table);
    const float surplus =
        read_out(net, from(work.levels[0], s), from(work.levels[net.levels - 1], s), space,
                 answers.mi + s, answers.quantiles + kQuantiles * s, answers.score + s);
    if (answers.table == nullptr) continue;
    float* table = answers.table + static_cast<long>(s) * table_cells;
    for (int i = 0; i < table_cells; i += kLanes) {
      store(space.table + i, load(space.table + i) - surplus);
    }
    turn(space.table, table_side, inverse_of(symmetries[s]), table);
  }
}

long long scratch_of(const Parameters& net, int samples) {
  Arena arena{nullptr, 0};
  Workspace work(net, samples, arena);
  return arena.used;
}

}  // namespace
}  // namespace infonet::network
