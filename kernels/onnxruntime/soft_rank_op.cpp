// infonet::SoftRank(values [B, n, d] or [rows, n]; eps, normalize) on the CPU.
#include "custom_op.hpp"
#include "soft_rank.hpp"

namespace infonet::ort {
namespace {

float float_attribute(const OrtApi* api, const OrtKernelInfo* info, const char* name) {
  float value = 0.0f;
  check(KernelInfoGetAttribute_float(api, info, name, &value));
  return value;
}

std::string string_attribute(const OrtApi* api, const OrtKernelInfo* info, const char* name) {
  std::size_t size = 0;  // with the final zero
  check(KernelInfoGetAttribute_string(api, info, name, static_cast<char*>(nullptr), &size));
  std::string value(size, '\0');
  check(KernelInfoGetAttribute_string(api, info, name, value.data(), &size));
  value.resize(size > 0 ? size - 1 : 0);
  return value;
}

class SoftRank {
 public:
  static constexpr const char* kName = "SoftRank";
  static constexpr const char* kProvider = "CPUExecutionProvider";

  SoftRank(const OrtApi* api, const OrtKernelInfo* info) {
    options_.eps = static_cast<double>(float_attribute(api, info, "eps"));
    const std::string normalize = string_attribute(api, info, "normalize");
    check(api, kName, parse_normalize(normalize, options_.normalize));
    check(api, kName, check_options(options_));
  }

  // [B, n, d] is ranked along its middle axis, [rows, n] along its last.
  void compute(const OrtApi* api, OrtKernelContext* context) const {
    const Input values = input(api, context, 0);
    if (values.shape.size() != 2 && values.shape.size() != 3) {
      check(api, kName,
            Status::invalid("values: got rank " + std::to_string(values.shape.size()) +
                            "; [batch, n, d] or [rows, n] is needed"));
    }
    const std::int64_t batch = values.shape[0], n = values.shape[1];
    const std::int64_t columns = values.shape.size() == 3 ? values.shape[2] : 1;
    check(api, kName, check_row_length(n));
    float* const ranks = output(api, context, values.shape);
    parallel_for(api, context, kName, batch * columns, [&](std::int64_t i) {
      const std::int64_t row = i / columns, column = i % columns;
      const std::int64_t offset = row * n * columns + column;
      const std::string where = "row " + std::to_string(row) + ", " +
                                (columns > 1 ? "column " + std::to_string(column) + ", " : "");
      return soft_rank_row(values.data + offset, columns, static_cast<std::size_t>(n), options_,
                           where, ranks + offset);
    });
  }

  static void infer_shape(const OrtApi* api, OrtShapeInferContext* context) {
    const std::vector<Dimension> shape = input_shape(api, context, 0);
    if (!shape.empty()) set_output_shape(api, context, shape);
  }

 private:
  SoftRankOptions options_;
};

}  // namespace

const OrtCustomOp* soft_rank_op() {
  static const OrtCustomOp op = make_custom_op<SoftRank>();
  return &op;
}

}  // namespace infonet::ort
