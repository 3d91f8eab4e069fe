// Average ranks of one column of values of any type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "status.hpp"

namespace infonet {

// Rank the n values of a column into ranks[i * rank_stride] by their exact order, and say in
// `ties` which values are equal (InfonetTies), in `entropy` how spread they are (see kernels.h).
// NaN is refused; `where` names the column in errors. Rank is float or double.
template <typename Rank>
Status average_rank(const InfonetColumn& column, std::size_t n, InfonetNormalize normalize,
                    const std::string& where, Rank* ranks, std::ptrdiff_t rank_stride,
                    std::uint8_t& ties, double& entropy);

}  // namespace infonet
