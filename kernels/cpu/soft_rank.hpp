// Soft ranks of one row of values, and their gradient.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "rank_formulas.hpp"
#include "status.hpp"

namespace infonet {

// "midrank", "over_n" or "minmax".
inline Status parse_normalize(const std::string& name, InfonetNormalize& normalize) {
  if (name == "midrank") {
    normalize = INFONET_MIDRANK;
  } else if (name == "over_n") {
    normalize = INFONET_OVER_N;
  } else if (name == "minmax") {
    normalize = INFONET_MINMAX;
  } else {
    return Status::invalid("normalize: got '" + name +
                           "'; allowed are 'midrank', 'over_n' and 'minmax'");
  }
  return {};
}

inline Status check_options(const RankOptions& options) {
  if (!(options.eps >= 0.0) || std::isinf(options.eps)) {
    return Status::invalid("eps: got " + std::to_string(options.eps) +
                           "; it must be finite and at least 0 (0: average ranks)");
  }
  if (options.normalize < INFONET_MIDRANK || options.normalize > INFONET_MINMAX) {
    return Status::invalid("normalize: got " + std::to_string(options.normalize) +
                           "; allowed are 0 (midrank), 1 (over_n) and 2 (minmax)");
  }
  return {};
}

inline Status check_row_length(std::int64_t n) {
  if (n >= 0 && n <= std::numeric_limits<std::int32_t>::max()) return {};
  return Status::invalid("values: got rows of " + std::to_string(n) +
                         " values; allowed are 0 to 2147483647");
}

// Rank the n values values[i * stride] into ranks[i * stride]. `where` names the row in errors.
// Value is float or double, here and below. The definition is that of infonet_soft_rank in
// infonet/kernels.h.
template <typename Value>
Status soft_rank_row(const Value* values, std::ptrdiff_t stride, std::size_t n,
                     const RankOptions& options, const std::string& where, Value* ranks);

// The gradient of a function of the row's ranks, by[i * stride] by rank i, as one of its values.
// The definition is that of infonet_soft_rank_backward in infonet/kernels.h.
template <typename Value>
Status soft_rank_backward_row(const Value* values, const Value* by, std::ptrdiff_t stride,
                              std::size_t n, const RankOptions& options, const std::string& where,
                              Value* gradient);

}  // namespace infonet
