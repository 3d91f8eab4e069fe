#include "network.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "scratch.hpp"

namespace infonet {
namespace {

using network::kPanel;

constexpr std::int64_t kStemInputs = 2 * 4 * 4 + 3 * 3 * 3;
constexpr int kCoarse = 6;  // inputs of the coarse convolution: three densities, log n, position
constexpr std::int64_t kMostChannels = 1024;

// Takes arrays in their order from the parameters, and places for what is made of them. Run twice:
// without memory it only counts.
class Arranger {
 public:
  Arranger(const float* parameters, float* memory) : next_(parameters), memory_(memory) {}

  std::int64_t read() const { return read_; }
  std::int64_t written() const { return written_; }
  bool counts() const { return memory_ == nullptr; }

  const float* take(std::int64_t count) {
    const float* const taken = next_ + read_;
    read_ += count;
    return taken;
  }
  float* place(std::int64_t count) {
    float* const placed = counts() ? nullptr : memory_ + written_;
    written_ += (count + 15) / 16 * 16;
    return placed;
  }
  const float* copy(std::int64_t count) {
    const float* const from = take(count);
    float* const to = place(count);
    if (!counts()) std::copy(from, from + count, to);
    return to;
  }

 private:
  const float* next_;
  float* memory_;
  std::int64_t read_ = 0, written_ = 0;
};

// [inputs, outputs] in panels of 16 outputs; entry(input, output) gives the numbers.
template <typename Entry>
void fill_panels(std::int64_t inputs, std::int64_t outputs, float* to, const Entry& entry) {
  for (std::int64_t panel = 0; panel < outputs; panel += kPanel) {
    for (std::int64_t i = 0; i < inputs; ++i) {
      for (std::int64_t o = panel; o < panel + kPanel; ++o) *to++ = static_cast<float>(entry(i, o));
    }
  }
}

// Weights [outputs, inputs, size, size] of a convolution whose steps are its size.
network::Dense strided(Arranger& arranger, std::int64_t inputs, std::int64_t outputs,
                       std::int64_t size) {
  const std::int64_t square = size * size;
  const float* const weights = arranger.take(outputs * inputs * square);
  float* const to = arranger.place(outputs * inputs * square);
  if (!arranger.counts()) {
    fill_panels(square * inputs, outputs, to, [&](std::int64_t i, std::int64_t o) {
      return weights[(o * inputs + i % inputs) * square + i / inputs];
    });
  }
  return {to, arranger.copy(outputs)};
}

// Weights [channels, channels, 3, 3], transformed for the points of tiles: G w G^T.
network::Dense winograd(Arranger& arranger, std::int64_t channels) {
  constexpr double for_two[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
  constexpr double for_four[6][3] = {{1.0 / 4, 0, 0},
                                     {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                     {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                     {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                     {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                     {0, 0, 1}};
  const int width = network::cells_of_tiles(static_cast<int>(channels)) + 2;
  const double (*const g)[3] = width == 4 ? for_two : for_four;
  const float* const weights = arranger.take(9 * channels * channels);
  float* const to = arranger.place(width * width * channels * channels);
  for (int point = 0; point < width * width && !arranger.counts(); ++point) {
    const double* const rows = g[point / width];
    const double* const columns = g[point % width];
    fill_panels(channels, channels, to + point * channels * channels,
                [&](std::int64_t i, std::int64_t o) {
                  const float* const w = weights + (o * channels + i) * 9;
                  double total = 0;
                  for (int y = 0; y < 3; ++y) {
                    for (int x = 0; x < 3; ++x) total += rows[y] * columns[x] * w[3 * y + x];
                  }
                  return total;
                });
  }
  return {to, arranger.copy(channels)};
}

network::ResidualPair residual(Arranger& arranger, std::int64_t channels) {
  const network::Dense first = winograd(arranger, channels);
  return {first, winograd(arranger, channels)};
}

network::Perceptron perceptron(Arranger& arranger, std::int64_t features, std::int64_t hidden,
                               std::int64_t outputs) {
  network::Perceptron made{};
  made.layers[0] = strided(arranger, features, hidden, 1);
  made.layers[1] = strided(arranger, hidden, hidden, 1);
  const float* const last = arranger.take(outputs * hidden);
  float* const to = arranger.place(outputs * hidden);
  for (std::int64_t i = 0; i < outputs * hidden && !arranger.counts(); ++i) {
    to[i] = last[i % outputs * hidden + i / outputs];
  }
  made.last = to;
  made.last_bias = arranger.copy(outputs);
  made.outputs = static_cast<int>(outputs);
  return made;
}

// The first layer: two planes of the fine histogram, three of the coarse one. What log n and the
// position of a cell add does not depend on the samples otherwise, so it is added beforehand.
struct Stem {
  const float* fine;  // [channels, 2, 4, 4]
  const float* fine_bias;
  const float* coarse;  // [channels, 6, 3, 3]
  const float* coarse_bias;
  float* weights;
  float* start;
  float* log_n;

  Stem(Arranger& arranger, std::int64_t channels, std::int64_t side)
      : fine(arranger.take(channels * 2 * 16)),
        fine_bias(arranger.take(channels)),
        coarse(arranger.take(channels * kCoarse * 9)),
        coarse_bias(arranger.take(channels)),
        weights(arranger.place(kStemInputs * channels)),
        start(arranger.place(side * side * channels)),
        log_n(arranger.place(side * side * channels)) {}

  // position [2, side, side]
  void fill(std::int64_t channels, std::int64_t side, const float* position) const {
    fill_panels(kStemInputs, channels, weights, [&](std::int64_t i, std::int64_t o) {
      return i < 32 ? fine[o * 32 + i] : coarse[o * kCoarse * 9 + i - 32];
    });
    for (std::int64_t cell = 0; cell < side * side; ++cell) {
      for (std::int64_t o = 0; o < channels; ++o) {
        double constant = static_cast<double>(fine_bias[o]) + coarse_bias[o], of_log_n = 0;
        for (std::int64_t k = 0; k < 9; ++k) {
          const std::int64_t y = cell / side + k / 3 - 1, x = cell % side + k % 3 - 1;
          if (y < 0 || y >= side || x < 0 || x >= side) continue;
          const float* const w = coarse + o * kCoarse * 9 + k;
          of_log_n += w[3 * 9];
          for (int plane = 0; plane < 2; ++plane) {
            constant +=
                static_cast<double>(w[(4 + plane) * 9]) * position[(plane * side + y) * side + x];
          }
        }
        start[cell * channels + o] = static_cast<float>(constant);
        log_n[cell * channels + o] = static_cast<float>(of_log_n);
      }
    }
  }
};

// [8, cells], 16 cells of all eight side by side.
const float* patterns(Arranger& arranger, std::int64_t cells) {
  const float* const from = arranger.take(network::kSymmetries * cells);
  float* const to = arranger.place(network::kSymmetries * cells);
  for (std::int64_t i = 0; i < network::kSymmetries * cells && !arranger.counts(); ++i) {
    const std::int64_t pattern = i / cells, cell = i % cells;
    to[(cell / 16 * network::kSymmetries + pattern) * 16 + cell % 16] = from[i];
  }
  return to;
}

network::Parameters arrange(const NetworkSizes& sizes, Arranger& arranger) {
  network::Parameters net{};
  const std::int64_t side = sizes.grid / 4, levels = sizes.levels;
  net.grid = static_cast<int>(sizes.grid);
  net.levels = static_cast<int>(levels);
  net.hidden = static_cast<int>(sizes.hidden);
  net.polynomials = static_cast<int>(sizes.polynomials);
  net.knots = static_cast<int>(sizes.knots);
  net.n_max = static_cast<float>(sizes.n_max);
  for (std::int64_t l = 0; l < levels; ++l) net.channels[l] = static_cast<int>(sizes.channels[l]);
  const std::int64_t* const channels = sizes.channels;
  const std::int64_t features = 6 + 2 * channels[0] + channels[levels - 1] + sizes.polynomials;
  net.features = static_cast<int>(features);

  const Stem stem(arranger, channels[0], side);
  net.stem = stem.weights;
  net.stem_start = stem.start;
  net.stem_log_n = stem.log_n;
  for (std::int64_t l = 0; l < levels; ++l) net.encoder[l] = residual(arranger, channels[l]);
  for (std::int64_t l = 0; l + 1 < levels; ++l) {
    net.down[l] = strided(arranger, channels[l], channels[l + 1], 2);
  }
  for (std::int64_t l = 0; l + 1 < levels; ++l) net.decoder[l] = residual(arranger, channels[l]);
  for (std::int64_t l = 0; l + 1 < levels; ++l) {
    net.up[l] = strided(arranger, channels[l + 1], channels[l], 1);
  }
  net.table = arranger.copy(channels[0] * 4);
  const float* const table_bias = arranger.take(1);
  net.head = perceptron(arranger, features, sizes.hidden, network::kQuantiles);
  net.test = perceptron(arranger, features, sizes.hidden, 1);
  const float* const position = arranger.take(2 * side * side);
  net.basis = arranger.copy(sizes.polynomials * side * side);
  net.factor_knots = arranger.copy(sizes.knots);
  net.factor_bends = arranger.copy(network::kQuantiles * sizes.knots);
  net.factor_start = arranger.copy(network::kQuantiles);
  net.patterns = patterns(arranger, sizes.grid * sizes.grid / 4);
  if (!arranger.counts()) {
    net.table_bias = *table_bias;
    stem.fill(channels[0], side, position);
  }
  return net;
}

Status check(const NetworkSizes& sizes) {
  const auto wrong = [](const char* name, std::int64_t value, const std::string& allowed) {
    return Status::invalid(std::string(name) + ": got " + std::to_string(value) + "; " + allowed);
  };
  if (sizes.levels < 1 || sizes.levels > network::kMostLevels) {
    return wrong("levels", sizes.levels, "1 to " + std::to_string(network::kMostLevels));
  }
  // Cells a side of the deepest level are even, those of the first one fill vectors.
  const std::int64_t unit =
      std::max<std::int64_t>(4 * kPanel, std::int64_t{8} << (sizes.levels - 1));
  if (sizes.grid < unit || sizes.grid > 4096 || sizes.grid % unit != 0) {
    return wrong("grid", sizes.grid, "a multiple of " + std::to_string(unit) + " up to 4096");
  }
  const auto width = [&](const char* name, std::int64_t value) {
    if (value >= kPanel && value <= kMostChannels && value % kPanel == 0) return Status{};
    return wrong(name, value, "a multiple of 16 up to " + std::to_string(kMostChannels));
  };
  for (std::int64_t l = 0; l < sizes.levels; ++l) {
    if (Status status = width("channels", sizes.channels[l]); !status.ok()) return status;
    const std::int64_t side = sizes.grid / 4 >> l;
    const int cells = network::cells_of_tiles(static_cast<int>(sizes.channels[l]));
    if (side % cells != 0) {
      return wrong("grid", sizes.grid,
                   "every level is to have whole tiles of " + std::to_string(cells) + " cells");
    }
  }
  if (Status status = width("hidden", sizes.hidden); !status.ok()) return status;
  if (sizes.polynomials < 1 || sizes.polynomials > 4096) {
    return wrong("polynomials", sizes.polynomials, "1 to 4096");
  }
  if (sizes.knots < 1 || sizes.knots > 4096) return wrong("knots", sizes.knots, "1 to 4096");
  if (!(sizes.n_max >= 1)) return Status::invalid("n_max: it must be at least 1");
  return {};
}

}  // namespace

const network::Version* Network::version() {
#if defined(INFONET_NETWORK_X86)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) return &network::kAvx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &network::kAvx2;
#elif defined(INFONET_NETWORK_NEON)
  return &network::kNeon;
#endif
  return nullptr;
}

Status Network::open(const NetworkSizes& sizes, const float* parameters, std::int64_t count,
                     std::unique_ptr<Network>& opened) {
  if (version() == nullptr) {
    return Status::invalid(
        "this processor has none of the vectors that the network is compiled for");
  }
  if (Status status = check(sizes); !status.ok()) return status;
  Arranger counting(parameters, nullptr);
  arrange(sizes, counting);
  if (counting.read() != count) {
    return Status::invalid("parameters: got " + std::to_string(count) +
                           " numbers; a network of these sizes has " +
                           std::to_string(counting.read()));
  }
  auto network = std::make_unique<Network>();
  network->memory_.resize(static_cast<std::size_t>(counting.written()));
  Arranger arranger(parameters, network->memory_.data());
  network->net_ = arrange(sizes, arranger);
  opened = std::move(network);
  return {};
}

Status Network::run(const float* histograms, std::int64_t count,
                    const network::Answers& answers) const {
  thread_local Buffer<float> kept;
  const network::Version& version = *Network::version();
  const std::int64_t cells = std::int64_t{net_.grid} * net_.grid;
  for (std::int64_t begin = 0; begin < count; begin += network::kTogether) {
    const int some = static_cast<int>(std::min<std::int64_t>(network::kTogether, count - begin));
    const network::Answers part{answers.mi + begin, answers.quantiles + network::kQuantiles * begin,
                                answers.table ? answers.table + begin * cells / 4 : nullptr,
                                answers.score + begin};
    float* const scratch = kept.reserve(static_cast<std::size_t>(version.scratch(net_, some)));
    version.run(net_, histograms + begin * cells, some, scratch, part);
  }
  kept.trim(kMostKeptBytes);
  return {};
}

}  // namespace infonet
