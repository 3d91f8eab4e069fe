#include "isotonic.hpp"

namespace infonet {

std::size_t pool_adjacent_violators(const double* values, std::size_t n, double eps,
                                    Vertex* vertices, Block* blocks) {
  const FixedPoint fixed = fixed_point(static_cast<std::uint32_t>(n), eps);
  Point end{0, wide(0)};
  Wide value = wide(0);  // (values[i] - values[0]) / eps
  std::int64_t rank = 0;
  std::size_t used = 0;
  for (std::size_t i = 0; i < n; ++i) {
    Vertex vertex{end, {}};
    if (i > 0) value = value + wide(step(values[i - 1], values[i], fixed));
    rank += fixed.whole;
    end = {end.at + 1, end.sum + value - wide(rank)};
    vertex.second = end.sum;
    while (used > 0 && violates(vertices[used - 1].begin, vertex.begin, end)) {
      vertex = vertices[--used];
    }
    vertices[used++] = vertex;
  }
  for (std::size_t b = used; b-- > 0;) {
    const Vertex& vertex = vertices[b];
    const std::uint32_t count = end.at - vertex.begin.at;
    blocks[b] = {
        vertex.begin.at, count,
        count == 1 ? 0.0 : block_excess(vertex.begin.sum, vertex.second, end.sum, count, fixed)};
    end = vertex.begin;
  }
  return used;
}

void ranks_of_blocks(double* values, double eps, const Block* blocks, std::size_t used) {
  for (std::size_t b = 0; b < used; ++b) {
    const Block& block = blocks[b];
    if (block.count == 1) {  // what follows, without its divisions
      values[block.first] = static_cast<double>(block.first + 1);
      continue;
    }
    const double offset = block_offset(static_cast<std::uint32_t>(block.first),
                                       static_cast<std::uint32_t>(block.count), block.excess);
    const double origin = values[block.first];
    for (std::size_t i = block.first; i < block.first + block.count; ++i) {
      values[i] = (values[i] - origin) / eps + offset;
    }
  }
}

void gradient_of_blocks(double* gradient, double eps, const Block* blocks, std::size_t used) {
  for (std::size_t b = 0; b < used; ++b) {
    const Block& block = blocks[b];
    double* const begin = gradient + block.first;
    double mean = 0.0;
    for (std::size_t i = 0; i < block.count; ++i) mean += begin[i];
    mean /= static_cast<double>(block.count);
    for (std::size_t i = 0; i < block.count; ++i) begin[i] = (begin[i] - mean) / eps;
  }
}

}  // namespace infonet
