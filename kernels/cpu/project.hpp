// Projections of samples onto directions: a matrix product whose rounding is fixed.
#pragma once

#include <cstddef>

namespace infonet {

constexpr std::size_t kPanel = 8;  // directions that lie side by side

// out[p * stride + i] = sum over j of values[i * columns + j] * direction p, entry j, for `rows`
// rows i and `count` directions p. Direction p lies in panel p / 8, at
// panels[(p / 8) * panel_stride + 8 * j + p % 8]; the last panel is whole.
//
// Every sum is taken one term after the other from j = 0 on, so it does not depend on where a row
// or a direction lies, nor on the machine. With `resume` sums continue from what `out` holds:
// blocks of columns, given in order, add up to the bytes of all columns at once.
void project(const double* values, std::size_t rows, std::size_t columns, const double* panels,
             std::size_t panel_stride, std::size_t count, std::size_t stride, bool resume,
             double* out);

}  // namespace infonet
