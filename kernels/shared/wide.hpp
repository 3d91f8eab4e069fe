// Whole numbers of 128 bits, in two's complement: exact sums, in any order.
#pragma once

#include <cstdint>

#include "portable.hpp"

namespace infonet {

struct alignas(16) Wide {
  std::uint64_t low;
  std::int64_t high;
};

INFONET_HD Wide wide(std::int64_t value) {
  return {static_cast<std::uint64_t>(value), value < 0 ? -1 : 0};
}

INFONET_HD Wide operator+(Wide a, Wide b) {
  const std::uint64_t low = a.low + b.low;
  return {low, static_cast<std::int64_t>(static_cast<std::uint64_t>(a.high) +
                                         static_cast<std::uint64_t>(b.high) + (low < a.low))};
}

INFONET_HD Wide operator-(Wide a, Wide b) {
  return {a.low - b.low,
          static_cast<std::int64_t>(static_cast<std::uint64_t>(a.high) -
                                    static_cast<std::uint64_t>(b.high) - (a.low < b.low))};
}

// A Wide times a whole number from 0 to 2^31 - 1, in full: 160 bits.
struct Product {
  std::int64_t high;
  std::uint64_t middle;
  std::uint32_t low;
};

INFONET_HD Product product(Wide a, std::uint32_t factor) {
  const std::uint64_t k = factor;
  const std::uint64_t first = (a.low & 0xffffffffu) * k;
  const std::uint64_t second = (a.low >> 32) * k + (first >> 32);
  const std::uint64_t third =
      (static_cast<std::uint64_t>(a.high) & 0xffffffffu) * k + (second >> 32);
  const std::int64_t top = static_cast<std::int64_t>(static_cast<std::int32_t>(a.high >> 32)) *
                               static_cast<std::int64_t>(k) +
                           static_cast<std::int64_t>(third >> 32);
  return {top, (third << 32) | (second & 0xffffffffu), static_cast<std::uint32_t>(first)};
}

INFONET_HD bool at_least(const Product& a, const Product& b) {
  if (a.high != b.high) return a.high > b.high;
  if (a.middle != b.middle) return a.middle > b.middle;
  return a.low >= b.low;
}

// Whether a * i >= b * k, for factors below 2^31.
INFONET_HD bool at_least(Wide a, std::uint32_t i, Wide b, std::uint32_t k) {
#if defined(__SIZEOF_INT128__) && !defined(__CUDA_ARCH__)
  // The same in fewer instructions of a 64-bit processor.
  __extension__ typedef __int128 Int128;
  const Int128 a_low = static_cast<Int128>(a.low) * i, b_low = static_cast<Int128>(b.low) * k;
  const Int128 a_high = static_cast<Int128>(a.high) * i + (a_low >> 64);
  const Int128 b_high = static_cast<Int128>(b.high) * k + (b_low >> 64);
  if (a_high != b_high) return a_high > b_high;
  return static_cast<std::uint64_t>(a_low) >= static_cast<std::uint64_t>(b_low);
#else
  return at_least(product(a, i), product(b, k));
#endif
}

// The product where it is known to fit into 128 bits.
INFONET_HD Wide operator*(Wide a, std::uint32_t factor) {
  const Product p = product(a, factor);
  return {(p.middle << 32) | p.low,
          static_cast<std::int64_t>((static_cast<std::uint64_t>(p.high) << 32) | (p.middle >> 32))};
}

// For values from 0 up.
INFONET_HD double to_double(Wide a) {
  return static_cast<double>(a.high) * 18446744073709551616.0 + static_cast<double>(a.low);
}

}  // namespace infonet
