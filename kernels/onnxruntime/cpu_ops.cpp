// infonet::SoftRank and infonet::JointHistogram on the CPU.
#include "custom_op.hpp"
#include "histogram.hpp"

namespace infonet::ort {
namespace {

class SoftRank : public SoftRankDefinition {
 public:
  static constexpr const char* kProvider = kCpuProvider;

  using SoftRankDefinition::SoftRankDefinition;

  void compute(const OrtApi* api, OrtKernelContext* context) const {
    const Input values = input(api, context, 0);
    const auto [batch, n, columns] = ranked_shape(api, values.shape);
    check(api, kName, check_row_length(n));
    float* const ranks = output(api, context, values.shape);
    parallel_for(
        api, context, kName, batch * columns, [&, n = n, columns = columns](std::int64_t i) {
          const std::int64_t row = i / columns, column = i % columns;
          const std::int64_t offset = row * n * columns + column;
          const std::string where = "row " + std::to_string(row) + ", " +
                                    (columns > 1 ? "column " + std::to_string(column) + ", " : "");
          return soft_rank_row(values.data + offset, columns, static_cast<std::size_t>(n), options,
                               where, ranks + offset);
        });
  }
};

class JointHistogram : public JointHistogramDefinition {
 public:
  static constexpr const char* kProvider = kCpuProvider;

  using JointHistogramDefinition::JointHistogramDefinition;

  void compute(const OrtApi* api, OrtKernelContext* context) const {
    const Input ranks = input(api, context, 0);
    check_pairs(api, ranks.shape);
    const std::int64_t batch = ranks.shape[0], n = ranks.shape[1];
    float* const histogram = output(api, context, {batch, grid, grid});
    parallel_for(api, context, kName, batch, [&](std::int64_t row) {
      const float* const x = ranks.data + row * n * 2;
      const std::size_t count = static_cast<std::size_t>(n);
      for (int column = 0; column < 2; ++column) {
        const std::string where =
            "row " + std::to_string(row) + ", column " + std::to_string(column) + ", ";
        Status status = check_ranks(x + column, 2, count, where);
        if (!status.ok()) return status;
      }
      joint_histogram(x, x + 1, 2, count, grid, histogram + row * grid * grid);
      return Status{};
    });
  }
};

}  // namespace

const OrtCustomOp* soft_rank_op() {
  static const OrtCustomOp op = make_custom_op<SoftRank>();
  return &op;
}

const OrtCustomOp* joint_histogram_op() {
  static const OrtCustomOp op = make_custom_op<JointHistogram>();
  return &op;
}

}  // namespace infonet::ort
