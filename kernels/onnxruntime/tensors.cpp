#include "tensors.hpp"

namespace infonet::ort {
namespace {

struct InfoDeleter {
  const OrtApi* api;
  Info* info;
  ~InfoDeleter() { ReleaseTensorTypeAndShapeInfo(api, info); }
};

}  // namespace

void check(const OrtApi* api, const char* op, const Status& status) {
  if (status.ok()) return;
  const std::string message = std::string(op) + ": " + status.text();
  const int code = status.code == INFONET_INVALID_ARGUMENT ? kInvalidArgument : kFail;
  throw Failure{CreateStatus(api, code, message.c_str())};
}

std::vector<Dimension> input_shape(const OrtApi* api, OrtShapeInferContext* context,
                                   std::size_t index) {
  Info* info = nullptr;  // belongs to the context
  check(ShapeInferContext_GetInputTypeShape(api, context, index, &info));
  std::size_t rank = 0;
  check(GetDimensionsCount(api, info, &rank));
  std::vector<std::int64_t> values(rank);
  std::vector<const char*> names(rank);
  check(GetDimensions(api, info, values.data(), rank));
  check(GetSymbolicDimensions(api, info, names.data(), rank));
  std::vector<Dimension> shape(rank);
  for (std::size_t i = 0; i < rank; ++i) {
    shape[i] = {values[i], names[i] == nullptr ? "" : names[i]};
  }
  return shape;
}

void set_output_shape(const OrtApi* api, OrtShapeInferContext* context,
                      const std::vector<Dimension>& shape) {
  std::vector<std::int64_t> values;
  std::vector<const char*> names;
  for (const Dimension& dimension : shape) {
    if (!dimension.known()) return;
    values.push_back(dimension.value);
    names.push_back(dimension.name.c_str());
  }
  Info* info = nullptr;
  check(CreateTensorTypeAndShapeInfo(api, &info));
  const InfoDeleter deleter{api, info};
  check(SetTensorElementType(api, info, static_cast<int>(kFloat)));
  check(SetDimensions(api, info, values.data(), values.size()));
  check(SetSymbolicDimensions(api, info, names.data(), names.size()));
  check(ShapeInferContext_SetOutputTypeShape(api, context, std::size_t{0}, info));
}

Input input(const OrtApi* api, OrtKernelContext* context, std::size_t index) {
  const OrtValue* value = nullptr;
  check(KernelContext_GetInput(api, context, index, &value));
  Info* info = nullptr;
  check(GetTensorTypeAndShape(api, value, &info));
  const InfoDeleter deleter{api, info};
  std::size_t rank = 0;
  check(GetDimensionsCount(api, info, &rank));
  Input input{nullptr, std::vector<std::int64_t>(rank)};
  check(GetDimensions(api, info, input.shape.data(), rank));
  void* data = nullptr;
  check(GetTensorMutableData(api, const_cast<OrtValue*>(value), &data));
  input.data = static_cast<const float*>(data);
  return input;
}

float* output(const OrtApi* api, OrtKernelContext* context,
              const std::vector<std::int64_t>& shape) {
  OrtValue* value = nullptr;
  check(KernelContext_GetOutput(api, context, std::size_t{0}, shape.data(), shape.size(), &value));
  void* data = nullptr;
  check(GetTensorMutableData(api, value, &data));
  return static_cast<float*>(data);
}

}  // namespace infonet::ort
