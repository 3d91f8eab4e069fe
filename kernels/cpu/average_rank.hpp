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

// The largest n whose mid-ranks are told apart as floats.
constexpr std::size_t kMostCounted = std::size_t{1} << 21;

// Mid-ranks among themselves of the m samples `inside`, each below n, from mid-ranks of all n
// samples: counted, not sorted. `counts` [2n] is working memory. What is no mid-rank is refused.
Status ranks_within(const float* row, std::size_t n, const std::int64_t* inside, std::size_t m,
                    const std::string& where, std::uint32_t* counts, float* ranks);

}  // namespace infonet
