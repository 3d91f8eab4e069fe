#include "halving.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "scratch.hpp"
#include "sort.hpp"

namespace infonet {
namespace {

constexpr std::size_t kTabled = 512;  // cells beyond have an asymptotic correction
constexpr int kMostBits = 13;         // of a place along one axis, within a part
constexpr int kPartBits =
    6;  // of the number of a part: 2 * 13 + 6 are three digits of the radix sort

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

// The bits of a number below 2^20, with a 0 between any two.
std::uint64_t spread(std::uint64_t bits) {
  bits = (bits | (bits << 16)) & 0x0000FFFF0000FFFFu;
  bits = (bits | (bits << 8)) & 0x00FF00FF00FF00FFu;
  bits = (bits | (bits << 4)) & 0x0F0F0F0F0F0F0F0Fu;
  bits = (bits | (bits << 2)) & 0x3333333333333333u;
  return (bits | (bits << 1)) & 0x5555555555555555u;
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
           SortScratch& scratch)
      : n_(columns.n), bits_(bits), parts_(parts), fewest_(fewest) {
    Item* const codes = scratch.front.reserve(n_);
    std::array<double, 2> scale{};
    std::array<std::uint64_t, 2> last{};
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const double places = std::ldexp(static_cast<double>(parts[axis]), bits);
      scale[axis] = places / (2.0 * static_cast<double>(n_));
      last[axis] = static_cast<std::uint64_t>(places) - 1;
    }
    const std::uint64_t within = (std::uint64_t{1} << bits) - 1;
    for (std::size_t i = 0; i < n_; ++i) {
      const auto place = [&](std::uint32_t rank, std::size_t axis) {
        return std::min(static_cast<std::uint64_t>(static_cast<double>(rank) * scale[axis]),
                        last[axis]);
      };
      const std::uint64_t x = place(columns.first[i], 0), y = place(columns.second[i], 1);
      const std::uint64_t part = (x >> bits) * static_cast<std::uint64_t>(parts[1]) + (y >> bits);
      codes[i] = (part << (2 * bits)) | (spread(x & within) << 1) | spread(y & within);
    }
    codes_ = sort_items(n_, scratch, Layout{0, 2 * bits + kPartBits});
  }

  void add(double* information) {
    divide_into_parts(information);
    for (int level = 0; level < 2 * bits_ && !cells_.empty(); ++level) halve(level, information);
  }

 private:
  double width(std::size_t axis, int halvings) const {
    return std::ldexp(1.0 / static_cast<double>(parts_[axis]), -halvings);
  }

  std::uint32_t first_from(std::uint32_t begin, std::uint32_t end, std::uint64_t code) const {
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
      const std::uint64_t beyond = static_cast<std::uint64_t>(part + 1) << (2 * bits_);
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
    const std::uint64_t bit = std::uint64_t{1} << (2 * bits_ - 1 - level);
    next_.clear();
    for (const Cell cell : cells_) {
      const std::uint32_t m = cell.end - cell.begin;
      const std::uint64_t upper_half = (codes_[cell.begin] & ~(2 * bit - 1)) | bit;
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
  const Item* codes_;
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
  SortScratch scratch;
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
