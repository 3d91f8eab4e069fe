// Mutual information of two columns of ranks by counts in ever smaller cells.
#pragma once

#include <cstddef>

namespace infonet {

constexpr std::size_t kSizes = 64;         // classes of cells by their number of samples
constexpr std::size_t kMostDivisions = 4;  // ways to begin: 4 x 5, 5 x 4, 6 x 7 and 7 x 6 parts

// The unit square of ranks is divided into parts, and these are halved again and again, along x and
// y in turn, as long as a cell holds `fewest` samples. What a halving tells is sum c log(2 c / m)
// of its halves with c of m samples, less what that is on average where samples are spread evenly
// in the cell, so that independent variables have 0 on average. `information[j]` gets the nats, for
// each sample, that halving cells of 2^j to 2^(j + 1) - 1 samples told, and the first division that
// of all n: summed from j on it is the mutual information that cells of 2^j samples resolve
// (Darbellay & Vajda 1999).
//
// It is the mean of the first `divisions` ways to begin, each with x and with y first. Swapping the
// columns, or reversing one, changes nothing. `x` and `y` are mid-ranks in [0, 1], n is from 1 to
// 2^31 - 1, and `fewest` at least 2.
void cell_information(const float* x, const float* y, std::size_t n, std::size_t fewest,
                      std::size_t divisions, double* information);

}  // namespace infonet
