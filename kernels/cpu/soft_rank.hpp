// Soft ranks of one row of values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "status.hpp"

namespace infonet {

struct SoftRankOptions {
  double eps = 0.0;  // 0: average ranks
  InfonetNormalize normalize = INFONET_MIDRANK;
};

// "midrank", "over_n" or "minmax".
Status parse_normalize(const std::string& name, InfonetNormalize& normalize);
Status check_options(const SoftRankOptions& options);
Status check_row_length(std::int64_t n);

// No NaN and no infinity, for eps > 0. `where` names the row in the error.
Status check_values(const float* values, std::ptrdiff_t stride, std::size_t n,
                    const std::string& where);

// Rank the n values values[i * stride] into ranks[i * stride]. `where` names the row in errors.
// The definition is that of infonet_soft_rank in infonet/kernels.h.
Status soft_rank_row(const float* values, std::ptrdiff_t stride, std::size_t n,
                     const SoftRankOptions& options, const std::string& where, float* ranks);

}  // namespace infonet
