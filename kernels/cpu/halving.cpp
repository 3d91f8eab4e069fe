#include "halving.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "dispatch.hpp"
#include "scratch.hpp"
#include "sort.hpp"

namespace infonet {
namespace {

constexpr std::size_t kTabled = 512;  // cells beyond have an asymptotic correction
constexpr int kMostBits = 13;         // of a place along one axis, within a part
constexpr int kPartBits = 6;          // of the number of a part: 2 * 13 + 6 are a short item

// Parts along either axis before halving. Numbers that differ, so that a ridge along a diagonal is
// not cut at the same places by all of them.
constexpr std::array<std::array<int, 2>, kMostDivisions> kParts{{{4, 5}, {5, 4}, {6, 7}, {7, 6}}};

constexpr std::size_t kMostParts = 7;  // along one axis

// Of whole numbers: their logarithms, and sum c log(2 c / m) of the halves of a cell of m samples
// that fall into either half with equal chance.
struct Tables {
  std::array<double, kTabled + 1> log{}, by_chance{};

  Tables() {
    for (std::size_t k = 1; k <= kTabled; ++k) log[k] = std::log(static_cast<double>(k));
    for (std::size_t m = 1; m <= kTabled; ++m) {
      double probability = std::ldexp(1.0, -static_cast<int>(m)), sum = 0.0;
      for (std::size_t c = 1; c <= m; ++c) {
        probability *= static_cast<double>(m - c + 1) / static_cast<double>(c);
        sum += probability * (static_cast<double>(c) * log[c]);
      }
      by_chance[m] = 2.0 * sum - static_cast<double>(m) * (log[m] - log[2]);
    }
  }
};

const Tables& tables() {
  static const Tables made;
  return made;
}

double log_of(std::size_t count) {
  return count <= kTabled ? tables().log[count] : std::log(static_cast<double>(count));
}

double by_chance(std::size_t m) {
  return m <= kTabled ? tables().by_chance[m] : 0.5 + 0.25 / static_cast<double>(m);
}

int size_class(std::size_t m) {
  int found = 0;
  while (m >>= 1) ++found;
  return found;
}

// The bits of a number below 2^16, with a 0 between any two.
inline std::uint32_t spread(std::uint32_t bits) {
  bits = (bits | (bits << 8)) & 0x00FF00FFu;
  bits = (bits | (bits << 4)) & 0x0F0F0F0Fu;
  bits = (bits | (bits << 2)) & 0x33333333u;
  return (bits | (bits << 1)) & 0x55555555u;
}

// Where along one axis: the rank times `scale`, of which the highest bits are the number of a part.
struct Axis {
  double scale;
  std::int32_t last;

  std::uint32_t place(std::uint32_t rank) const {
    const double scaled = static_cast<double>(rank) * scale;
    return static_cast<std::uint32_t>(std::min(static_cast<std::int32_t>(scaled), last));
  }
};

// The number of the part that a sample lies in, and below it the bits of its places within, x
// first.
INFONET_VECTOR_CLONES
void make_codes(const std::uint32_t* first, const std::uint32_t* second, std::size_t n, Axis x_axis,
                Axis y_axis, int bits, std::uint32_t parts_of_y, ShortItem* codes) {
  const std::uint32_t within = (std::uint32_t{1} << bits) - 1;
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t x = x_axis.place(first[i]), y = y_axis.place(second[i]);
    const std::uint32_t part = (x >> bits) * parts_of_y + (y >> bits);
    codes[i] = (part << (2 * bits)) | (spread(x & within) << 1) | spread(y & within);
  }
}

struct Cell {
  std::uint32_t begin, end;  // of its samples
};

struct Columns {
  std::size_t n;
  std::vector<std::uint32_t> first, second;  // twice the rank, 0 to 2 n
};

// One way to divide: `parts` of the first and the second axis, then halves, the first axis first.
class Division {
 public:
  Division(const Columns& columns, int bits, std::array<int, 2> parts, std::size_t fewest,
           Buffer<ShortItem>& scratch)
      : n_(columns.n), bits_(bits), parts_(parts), fewest_(fewest) {
    ShortItem* const codes = scratch.reserve(2 * n_);
    const Axis x_axis = axis_of(parts[0]), y_axis = axis_of(parts[1]);
    make_codes(columns.first.data(), columns.second.data(), n_, x_axis, y_axis, bits,
               static_cast<std::uint32_t>(parts[1]), codes);
    codes_ = sort_short_items(n_, codes, codes + n_, Layout{0, 2 * bits + kPartBits});
  }

  void add(double* information) {
    divide_into_parts(information);
    for (int level = 0; level < 2 * bits_ && !cells_.empty(); ++level) halve(level, information);
  }

 private:
  Axis axis_of(int parts) const {
    const double places = std::ldexp(static_cast<double>(parts), bits_);
    return {places / (2.0 * static_cast<double>(n_)), static_cast<std::int32_t>(places) - 1};
  }

  double width(std::size_t axis, int halvings) const {
    return std::ldexp(1.0 / static_cast<double>(parts_[axis]), -halvings);
  }

  std::uint32_t first_from(std::uint32_t begin, std::uint32_t end, ShortItem code) const {
    return static_cast<std::uint32_t>(std::lower_bound(codes_ + begin, codes_ + end, code) -
                                      codes_);
  }

  void keep(std::uint32_t begin, std::uint32_t end) {
    if (end - begin >= fewest_) next_.push_back({begin, end});
  }

  void divide_into_parts(double* information) {
    const double n = static_cast<double>(n_);
    const int count = parts_[0] * parts_[1];
    double told = 0.0;
    std::uint32_t begin = 0;
    for (int part = 0; part < count; ++part) {
      const ShortItem beyond = static_cast<ShortItem>(part + 1) << (2 * bits_);
      const std::uint32_t end = first_from(begin, static_cast<std::uint32_t>(n_), beyond);
      const double m = end - begin;
      if (end > begin) {
        told += m * (log_of(end - begin) - std::log(n) + std::log(static_cast<double>(count)));
      }
      told -= 0.5 * (1.0 - m * parts_[0] / n) * (1.0 - m * parts_[1] / n);
      keep(begin, end);
      begin = end;
    }
    information[size_class(n_)] += told;
    cells_.swap(next_);
  }

  void halve(int level, double* information) {
    const std::size_t axis = static_cast<std::size_t>(level % 2);
    // Ranks are spread evenly over a whole column: what of a cell is the only one there with
    // samples is no chance.
    const double in_column = static_cast<double>(n_) * width(axis, level / 2);
    const ShortItem bit = ShortItem{1} << (2 * bits_ - 1 - level);
    next_.clear();
    for (const Cell cell : cells_) {
      const std::uint32_t m = cell.end - cell.begin;
      const ShortItem upper_half = (codes_[cell.begin] & ~(2 * bit - 1)) | bit;
      const std::uint32_t middle = first_from(cell.begin, cell.end, upper_half);
      const std::uint32_t lower = middle - cell.begin, upper = cell.end - middle;
      const double all = log_of(m) - tables().log[2];
      double told = 0.0;
      if (lower != 0) told += lower * (log_of(lower) - all);
      if (upper != 0) told += upper * (log_of(upper) - all);
      told -= by_chance(m) * (1.0 - std::min(static_cast<double>(m) / in_column, 1.0));
      information[size_class(m)] += told;
      keep(cell.begin, middle);
      keep(middle, cell.end);
    }
    cells_.swap(next_);
  }

  std::size_t n_;
  int bits_;
  std::array<int, 2> parts_;
  std::size_t fewest_;
  const ShortItem* codes_;
  std::vector<Cell> cells_, next_;
};

// Turned so that reversing a column changes nothing: neither cells nor the order of sums.
Columns oriented(const float* x, const float* y, std::size_t n) {
  Columns columns{n, std::vector<std::uint32_t>(n), std::vector<std::uint32_t>(n)};
  const double twice = 2.0 * static_cast<double>(n);
  double along_x = 0.0, along_y = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    columns.first[i] =
        static_cast<std::uint32_t>(std::nearbyint(static_cast<double>(x[i]) * twice));
    columns.second[i] =
        static_cast<std::uint32_t>(std::nearbyint(static_cast<double>(y[i]) * twice));
    const double a = static_cast<double>(columns.first[i]) - static_cast<double>(n);
    const double b = static_cast<double>(columns.second[i]) - static_cast<double>(n);
    along_x += a * (b * b);
    along_y += b * (a * a);
  }
  const std::uint32_t most = static_cast<std::uint32_t>(2 * n);
  const auto reverse = [most](std::vector<std::uint32_t>& ranks) {
    for (std::uint32_t& rank : ranks) rank = most - rank;
  };
  if (along_x < 0.0) reverse(columns.first);
  if (along_y < 0.0) reverse(columns.second);
  return columns;
}

}  // namespace

void cell_information(const float* x, const float* y, std::size_t n, std::size_t fewest,
                      std::size_t divisions, double* information) {
  Columns columns = oriented(x, y, n);
  int bits = 1;  // a cell is at least as wide as a rank
  while (bits < kMostBits && (kMostParts << (bits + 1)) <= n) ++bits;
  Buffer<ShortItem> scratch;
  std::fill_n(information, kSizes, 0.0);
  for (std::size_t division = 0; division < divisions; ++division) {
    std::array<double, kSizes> both[2] = {};
    for (std::array<double, kSizes>& told : both) {
      Division(columns, bits, kParts[division], fewest, scratch).add(told.data());
      columns.first.swap(columns.second);
    }
    // x and y first, added up: swapped, the same sum
    for (std::size_t j = 0; j < kSizes; ++j) information[j] += both[0][j] + both[1][j];
  }
  for (std::size_t j = 0; j < kSizes; ++j) {
    information[j] /= 2.0 * static_cast<double>(divisions) * static_cast<double>(n);
  }
}

}  // namespace infonet
