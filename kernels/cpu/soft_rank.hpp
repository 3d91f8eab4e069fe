// Soft ranks of one row of values, and their gradient.
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

// No NaN, and for eps > 0 no infinity. `where` names the row in the error. Value is float or
// double, here and below.
template <typename Value>
Status check_values(const Value* values, std::ptrdiff_t stride, std::size_t n, double eps,
                    const std::string& where);

// For eps > 0: the row's largest value less its smallest is a finite double.
Status check_width(double width, const std::string& where);

// Rank the n values values[i * stride] into ranks[i * stride]. `where` names the row in errors.
// The definition is that of infonet_soft_rank in infonet/kernels.h.
template <typename Value>
Status soft_rank_row(const Value* values, std::ptrdiff_t stride, std::size_t n,
                     const SoftRankOptions& options, const std::string& where, Value* ranks);

// The gradient of a function of the row's ranks, by[i * stride] by rank i, as one of its values.
// The definition is that of infonet_soft_rank_backward in infonet/kernels.h.
template <typename Value>
Status soft_rank_backward_row(const Value* values, const Value* by, std::ptrdiff_t stride,
                              std::size_t n, const SoftRankOptions& options,
                              const std::string& where, Value* gradient);

}  // namespace infonet
