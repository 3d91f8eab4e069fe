// Unsigned integers that order as values do.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>

namespace infonet {

// Floats: negative values are complemented, positive ones get the top bit, and -0.0 ties with 0.0.
// Works on bits alone, so that no floating-point mode can flush a denormal. A NaN's key lies
// beyond those of the infinities.
template <typename Bits, typename Float>
inline Bits ordered_bits(Float value) {
  static_assert(sizeof(Bits) == sizeof(Float));
  constexpr Bits top = Bits{1} << (std::numeric_limits<Bits>::digits - 1);
  Bits bits;
  std::memcpy(&bits, &value, sizeof bits);
  bits = bits == top ? Bits{0} : bits;
  return bits & top ? static_cast<Bits>(~bits) : bits | top;
}

inline std::uint32_t ordered_key(float value) { return ordered_bits<std::uint32_t>(value); }
inline std::uint64_t ordered_key(double value) { return ordered_bits<std::uint64_t>(value); }
inline std::uint64_t ordered_key(std::uint64_t value) { return value; }
inline std::uint64_t ordered_key(std::int64_t value) {
  return static_cast<std::uint64_t>(value) ^ (std::uint64_t{1} << 63);
}

}  // namespace infonet
