// The algorithms of the CUDA kernels with a real thread for each of a block's, as on the device,
// under ThreadSanitizer: it reports what threads do to the same memory without a barrier between.
// Built and run by test_block_races.py.
#include <pthread.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "block_row.hpp"
#include "long_row_gradient.hpp"
#include "row_batch.hpp"

using namespace infonet;

namespace {

class Barrier {
 public:
  explicit Barrier(int threads) { pthread_barrier_init(&barrier_, nullptr, threads); }
  ~Barrier() { pthread_barrier_destroy(&barrier_); }
  void wait() { pthread_barrier_wait(&barrier_); }

 private:
  pthread_barrier_t barrier_;
};

// As DeviceTeam of cuda/device.cuh: one thread's view of its block.
class ThreadTeam {
 public:
  ThreadTeam(int thread, int threads, Barrier& barrier)
      : thread_(thread), threads_(threads), barrier_(&barrier) {}
  int threads() const { return threads_; }

  template <typename Phase>
  void each(const Phase& phase) {
    phase(thread_, registers_);
    barrier_->wait();
  }

 private:
  int thread_, threads_;
  Barrier* barrier_;
  Registers registers_;
};

// kernel(team) in all threads of one block.
template <typename Kernel>
void launch(int threads, const Kernel& kernel) {
  Barrier barrier(threads);
  std::vector<std::thread> block;
  for (int thread = 0; thread < threads; ++thread) {
    block.emplace_back([&, thread] {
      ThreadTeam team(thread, threads, barrier);
      kernel(team);
    });
  }
  for (std::thread& thread : block) thread.join();
}

constexpr InfonetNormalize kNormalizations[] = {INFONET_MIDRANK, INFONET_MINMAX};

// Random values with ties; every other row is in order, reversed in part.
std::vector<float> values_of(std::uint32_t n, int row) {
  std::vector<float> values(n);
  std::srand(static_cast<unsigned>(row));
  for (std::uint32_t i = 0; i < n; ++i) {
    values[i] = row % 2 == 0 ? static_cast<float>(std::rand() % 1000)
                             : static_cast<float>(i < n / 2 ? i : n - i);
  }
  return values;
}

// Rows one after the other in the same shared memory, as short_rows.cu has them.
template <bool kSoft>
void check_short_rows(int threads, std::uint32_t n, std::uint32_t stride) {
  std::vector<Run> shared(row_memory_bytes(threads) / sizeof(Run) + 1);
  std::vector<Wide> sums(n + 1);
  std::vector<std::vector<float>> rows;
  for (int row = 0; row < 4; ++row) rows.push_back(values_of(n * stride, row));
  rows.push_back(std::vector<float>(n * stride, 2.0f));  // constant
  std::vector<float> ranks(n * stride);
  for (const InfonetNormalize normalize : kNormalizations) {
    const RankOptions options{kSoft ? 0.5 / n : 0.0, normalize};
    launch(threads, [&](ThreadTeam& team) {
      const RowMemory memory = row_memory(reinterpret_cast<unsigned char*>(shared.data()), threads);
      for (const std::vector<float>& row : rows) {
        rank_row<kSoft>(team, memory, row.data(), n, stride, options, sums.data(), ranks.data());
      }
    });
  }
}

// The blocks of one launch at the same time: those of a row share its buffers.
template <typename Memory, typename Work>
void launch_tiles(std::uint32_t tiles, const Work& work) {
  std::vector<std::thread> blocks;
  for (std::uint32_t tile = 0; tile < tiles; ++tile) {
    blocks.emplace_back([&, tile] {
      auto memory = std::make_unique<Memory>();
      launch(kTileThreads, [&](ThreadTeam& team) { work(team, tile, *memory); });
    });
  }
  for (std::thread& block : blocks) block.join();
}

void check_long_rows(std::uint32_t n, double eps, InfonetNormalize normalize) {
  const std::vector<float> values = values_of(n, 0), by = values_of(n, 2);
  std::vector<float> out(n);
  const RowLayout layout{n, 1};
  Parts counted{nullptr};
  lay_out_gradient(1, layout, counted);
  std::vector<Run> workspace(counted.used / sizeof(Run) + 1);
  Parts parts{reinterpret_cast<unsigned char*>(workspace.data())};
  GradientRows all = lay_out_gradient(1, layout, parts);
  all.rows.first.values = values.data();
  all.first.by = by.data();
  all.first.options = {eps, normalize};
  const LongRow row = all.rows.row(0);
  const std::uint32_t tiles = all.rows.tiles;
  int sorted = 0, pooled = 0;
  launch_tiles<TileMemory>(tiles, [&](auto& team, std::uint32_t tile, TileMemory& memory) {
    sort_tile(team, row, tile, memory);
  });
  for (std::uint32_t width = 1; width < tiles; width *= 2, sorted = 1 - sorted) {
    launch_tiles<TileMemory>(tiles, [&](auto& team, std::uint32_t tile, TileMemory& memory) {
      merge_tile(team, row, width * kTileSize, sorted, tile, memory);
    });
  }
  const std::uint32_t* const keys = row.keys[sorted];
  const auto pool = [&](const auto& work) { launch_tiles<PoolMemory>(tiles, work); };
  pool([&](auto& team, std::uint32_t tile, PoolMemory& memory) {
    measure_tile(team, row, keys, eps, tile, memory);
  });
  launch_tiles<PoolMemory>(1, [&](auto& team, std::uint32_t, PoolMemory& memory) {
    scan_tiles(team, row, keys, memory);
  });
  pool([&](auto& team, std::uint32_t tile, PoolMemory& memory) {
    hull_tile(team, row, keys, eps, tile, memory);
  });
  pool([&](auto& team, std::uint32_t tile, PoolMemory& memory) {
    join_tile(team, row, keys, eps, tile, memory);
  });
  for (std::uint32_t width = 1; width < tiles; width *= 2, pooled = 1 - pooled) {
    for (std::uint32_t left = 0; left < tiles; left += 2 * width) {
      bridge_tiles(row, width, pooled, left);
    }
    pool([&](auto& team, std::uint32_t tile, PoolMemory&) {
      move_tile(team, row, width, pooled, tile);
    });
  }
  const RankOptions options{eps, normalize};
  pool([&](auto& team, std::uint32_t tile, PoolMemory& memory) {
    rank_tile<true>(team, row, options, sorted, pooled, tile, memory, out.data());
  });
  pool([&](auto& team, std::uint32_t tile, PoolMemory& memory) {
    rank_tile<false>(team, row, options, sorted, pooled, tile, memory, out.data());
  });
  all.first.sorted = sorted;
  all.first.pooled = pooled;
  const GradientRow gradient = all.row(0);
  const auto step = [&](const auto& work) { launch_tiles<GradientMemory>(tiles, work); };
  if (normalize == INFONET_MINMAX) {
    step([&](auto& team, std::uint32_t tile, GradientMemory& memory) {
      normalization_tile(team, gradient, tile, memory);
    });
  }
  step([&](auto& team, std::uint32_t tile, GradientMemory& memory) {
    collect_tile(team, gradient, tile, memory);
  });
  step(
      [&](auto& team, std::uint32_t tile, GradientMemory&) { average_tile(team, gradient, tile); });
  step([&](auto& team, std::uint32_t tile, GradientMemory& memory) {
    center_tile(team, gradient, tile, memory);
  });
  step([&](auto& team, std::uint32_t tile, GradientMemory& memory) {
    finish_tile(team, gradient, tile, memory, out.data());
  });
}

}  // namespace

// ThreadSanitizer makes the exit code 66 if it reports anything.
int main() {
  check_short_rows<false>(32, 500, 1);
  check_short_rows<true>(32, 500, 1);
  check_short_rows<true>(64, 1151, 2);
  check_long_rows(10500, 1.9 / 10500, INFONET_MINMAX);  // three tiles
  std::puts("done");
}
