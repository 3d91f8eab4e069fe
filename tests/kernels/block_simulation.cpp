// The algorithms of the CUDA kernels on the CPU, for ctypes. See test_block_algorithms.py.
#include "simulated_block.hpp"
#include "block_row.hpp"

using namespace infonet;
using infonet::test::Order;
using infonet::test::SimulatedTeam;

namespace {

// As aligned as shared memory, filled with a pattern that no algorithm may rely on.
std::vector<Run> shared_memory(std::size_t bytes) {
  const Wide junk{0xdeadbeefdeadbeefu, -0x1234567};
  return std::vector<Run>(bytes / sizeof(Run) + 1, Run{junk, junk});
}

}  // namespace

// rank_row of rows of n values by `threads` threads, a multiple of 32; returns the number of rows
// that were refused.
extern "C" int simulate_soft_rank(const float* values, std::int64_t rows, std::int64_t n,
                                  double eps, int normalize, int threads, int order,
                                  float* ranks) {
  int refused = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    auto memory = shared_memory(row_memory_bytes(threads));
    std::vector<Wide> sums(static_cast<std::size_t>(n) + 1, Wide{0xdeadbeefu, -77});
    SimulatedTeam team(threads, static_cast<Order>(order));
    const auto rank = eps > 0 ? rank_row<true, SimulatedTeam> : rank_row<false, SimulatedTeam>;
    refused += !rank(
        team, row_memory(reinterpret_cast<unsigned char*>(memory.data()), threads),
        values + row * n, static_cast<std::uint32_t>(n),
        RankOptions{eps, static_cast<InfonetNormalize>(normalize)}, sums.data(), ranks + row * n);
  }
  return refused;
}
