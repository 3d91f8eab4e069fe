#include <cmath>
#include <limits>

#include "soft_rank.hpp"

namespace infonet {

Status parse_normalize(const std::string& name, InfonetNormalize& normalize) {
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

Status check_options(const SoftRankOptions& options) {
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

Status check_row_length(std::int64_t n) {
  if (n >= 0 && n <= std::numeric_limits<std::int32_t>::max()) return {};
  return Status::invalid("values: got rows of " + std::to_string(n) +
                         " values; allowed are 0 to 2147483647");
}

template <typename Value>
Status check_values(const Value* values, std::ptrdiff_t stride, std::size_t n, double eps,
                    const std::string& where) {
  const Value largest =
      eps > 0.0 ? std::numeric_limits<Value>::max() : std::numeric_limits<Value>::infinity();
  const auto at = [=](std::size_t i) { return values[static_cast<std::ptrdiff_t>(i) * stride]; };
  bool bad = false;
  for (std::size_t i = 0; i < n; ++i) bad |= !(std::fabs(at(i)) <= largest);
  if (!bad) return {};
  std::size_t i = 0;
  while (std::fabs(at(i)) <= largest) ++i;
  const std::string got = std::isnan(at(i)) ? "NaN" : "an infinity";
  const std::string fix = eps > 0.0 ? "with eps > 0 every value must be finite"
                                    : "NaN has no rank: remove or replace it first";
  return Status::invalid("values: " + got + " at " + where + "index " + std::to_string(i) + "; " +
                         fix);
}

Status check_width(double width, const std::string& where) {
  if (width <= std::numeric_limits<double>::max()) return {};
  return Status::invalid("values: " + where +
                         "the largest less the smallest exceeds the largest double; "
                         "with eps > 0 halve the values first");
}

template Status check_values(const float*, std::ptrdiff_t, std::size_t, double, const std::string&);
template Status check_values(const double*, std::ptrdiff_t, std::size_t, double,
                             const std::string&);

}  // namespace infonet
