#include "custom_op.hpp"

#include "histogram.hpp"

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

std::string describe(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  }
  return text + "]";
}

}  // namespace

SoftRankDefinition::SoftRankDefinition(const OrtApi* api, const OrtKernelInfo* info) {
  options.eps = static_cast<double>(float_attribute(api, info, "eps"));
  const std::string normalize = string_attribute(api, info, "normalize");
  check(api, kName, parse_normalize(normalize, options.normalize));
  check(api, kName, check_options(options));
}

void SoftRankDefinition::infer_shape(const OrtApi* api, OrtShapeInferContext* context) {
  const std::vector<Dimension> shape = input_shape(api, context, 0);
  if (!shape.empty()) set_output_shape(api, context, shape);
}

RankedShape ranked_shape(const OrtApi* api, const std::vector<std::int64_t>& shape) {
  if (shape.size() != 2 && shape.size() != 3) {
    check(api, SoftRankDefinition::kName,
          Status::invalid("values: got rank " + std::to_string(shape.size()) +
                          "; [batch, n, d] or [rows, n] is needed"));
  }
  return {shape[0], shape[1], shape.size() == 3 ? shape[2] : 1};
}

JointHistogramDefinition::JointHistogramDefinition(const OrtApi* api, const OrtKernelInfo* info) {
  check(KernelInfoGetAttribute_int64(api, info, "grid", &grid));
  check(api, kName, check_grid(grid));
}

void JointHistogramDefinition::infer_shape(const OrtApi* api, OrtShapeInferContext* context) {
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

void check_pairs(const OrtApi* api, const std::vector<std::int64_t>& shape) {
  if (shape.size() == 3 && shape[2] == 2) return;
  check(api, JointHistogramDefinition::kName,
        Status::invalid("ranks: got shape " + describe(shape) + "; [batch, n, 2] is needed"));
}

}  // namespace infonet::ort
