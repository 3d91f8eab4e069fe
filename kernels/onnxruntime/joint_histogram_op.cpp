// infonet::JointHistogram(ranks [B, n, 2]; grid) -> counts [B, grid, grid] on the CPU.
#include "custom_op.hpp"
#include "joint_histogram.hpp"

namespace infonet::ort {
namespace {

class JointHistogram {
 public:
  static constexpr const char* kName = "JointHistogram";
  static constexpr const char* kProvider = "CPUExecutionProvider";

  JointHistogram(const OrtApi* api, const OrtKernelInfo* info) {
    check(KernelInfoGetAttribute_int64(api, info, "grid", &grid_));
    check(api, kName, check_grid(grid_));
  }

  void compute(const OrtApi* api, OrtKernelContext* context) const {
    const Input ranks = input(api, context, 0);
    if (ranks.shape.size() != 3 || ranks.shape[2] != 2) {
      check(api, kName,
            Status::invalid("ranks: got shape " + describe(ranks.shape) +
                            "; [batch, n, 2] is needed"));
    }
    const std::int64_t batch = ranks.shape[0], n = ranks.shape[1];
    float* const histogram = output(api, context, {batch, grid_, grid_});
    parallel_for(api, context, kName, batch, [&](std::int64_t row) {
      const float* const x = ranks.data + row * n * 2;
      const std::size_t count = static_cast<std::size_t>(n);
      for (int column = 0; column < 2; ++column) {
        const std::string where =
            "row " + std::to_string(row) + ", column " + std::to_string(column) + ", ";
        Status status = check_ranks(x + column, 2, count, where);
        if (!status.ok()) return status;
      }
      joint_histogram(x, x + 1, 2, count, grid_, histogram + row * grid_ * grid_);
      return Status{};
    });
  }

  static void infer_shape(const OrtApi* api, OrtShapeInferContext* context) {
    const std::vector<Dimension> shape = input_shape(api, context, 0);
    if (shape.empty()) return;
    const OrtOpAttr* attribute = nullptr;
    std::int64_t grid = 0;
    std::size_t size = 0;
    check(ShapeInferContext_GetAttribute(api, context, "grid", &attribute));
    check(ReadOpAttr(api, attribute, static_cast<int>(kIntegerAttribute), static_cast<void*>(&grid),
                     sizeof grid, &size));
    set_output_shape(api, context, {shape[0], {grid, ""}, {grid, ""}});
  }

 private:
  static std::string describe(const std::vector<std::int64_t>& shape) {
    std::string text = "[";
    for (std::size_t i = 0; i < shape.size(); ++i) {
      text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
    }
    return text + "]";
  }

  std::int64_t grid_ = 0;
};

}  // namespace

const OrtCustomOp* joint_histogram_op() {
  static const OrtCustomOp op = make_custom_op<JointHistogram>();
  return &op;
}

}  // namespace infonet::ort
