// infonet::SoftRank on the CPU.
#include "custom_op.hpp"
#include "definitions.hpp"

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

}  // namespace

const OrtCustomOp* soft_rank_op() {
  static const OrtCustomOp op = make_custom_op<SoftRank>();
  return &op;
}

}  // namespace infonet::ort
