// Rows in segments, a block of threads each, for passes that need no sort.
#pragma once

#include "block_row.hpp"

namespace infonet {

constexpr int kSegmentThreads = 256;
constexpr std::uint32_t kSegment = 16384;  // a multiple of 4, so that all of a row begin alike

struct Segment {
  std::int64_t row;
  std::uint32_t number, begin, size;  // `number` of its row; its first value
};

INFONET_HD std::uint32_t segments_of(std::int64_t n) {
  return static_cast<std::uint32_t>((n + kSegment - 1) / kSegment);
}

// The segments of one launch, from `first_row` on.
struct Segments {
  RowLayout layout;
  std::int64_t first_row;
  std::uint32_t a_row;

  INFONET_HD Segment at(std::uint32_t block) const {
    const std::uint32_t number = block % a_row, begin = number * kSegment;
    return {first_row + block / a_row, number, begin, smaller(kSegment, layout.n - begin)};
  }

  // body(i, value) for a thread's values of a segment, four at a time where they lie together; i
  // counts from the row's first value.
  template <typename Body>
  INFONET_HD void each(const float* row, const Segment& segment, int thread,
                       const Body& body) const {
    const std::uint32_t begin = segment.begin, stride = layout.columns;
    if (stride == 1) {
      in_fours(
          row + begin, segment.size, thread, kSegmentThreads,
          [&](std::uint32_t i) { body(begin + i, row[begin + i]); },
          [&](std::uint32_t i) {
            const Four four = *reinterpret_cast<const Four*>(row + begin + i);
            INFONET_UNROLL
            for (std::uint32_t k = 0; k < 4; ++k) body(begin + i + k, four.value[k]);
          });
    } else {
      each_of_row(segment.size, thread, kSegmentThreads,
                  [&](std::uint32_t i) { body(begin + i, row[strided(begin + i, stride)]); });
    }
  }

  // to[i] = function(from[i]) over a thread's values of a segment.
  template <typename Function>
  INFONET_HD void map(const float* from, float* to, const Segment& segment, int thread,
                      const Function& function) const {
    const float* const in = from + strided(segment.begin, layout.columns);
    float* const out = to + strided(segment.begin, layout.columns);
    const bool alike =
        ((reinterpret_cast<std::uintptr_t>(in) ^ reinterpret_cast<std::uintptr_t>(out)) & 15) == 0;
    if (layout.columns == 1 && alike) {
      in_fours(
          in, segment.size, thread, kSegmentThreads,
          [&](std::uint32_t i) { out[i] = function(in[i]); },
          [&](std::uint32_t i) {
            Four four = *reinterpret_cast<const Four*>(in + i);
            INFONET_UNROLL
            for (int k = 0; k < 4; ++k) four.value[k] = function(four.value[k]);
            *reinterpret_cast<Four*>(out + i) = four;
          });
    } else {
      each_of_row(segment.size, thread, kSegmentThreads, [&](std::uint32_t i) {
        const std::size_t at = strided(i, layout.columns);
        out[at] = function(in[at]);
      });
    }
  }
};

// launch(segments, blocks) for all rows, at most `most` of them at a time.
template <typename Launch>
void each_launch(std::int64_t rows, const RowLayout& layout, std::int64_t most,
                 const Launch& launch) {
  Segments segments{layout, 0, segments_of(layout.n)};
  for (; segments.first_row < rows; segments.first_row += most) {
    const std::int64_t now = smaller<std::int64_t>(most, rows - segments.first_row);
    launch(segments, static_cast<unsigned>(now * segments.a_row));
  }
}

}  // namespace infonet
