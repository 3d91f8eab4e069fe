// The custom ops: what they are on any device, and how three functions make one with one float
// input and one float output.
#pragma once

#include <climits>
#include <memory>
#include <vector>

#include "ort_abi.hpp"
#include "soft_rank.hpp"
#include "tensors.hpp"

namespace infonet::ort {

// The interface table as ONNX Runtime gave it at registration; null before.
extern const OrtApi* registered_api;

// Kernel has:
//   static constexpr const char* kName, *kProvider;
//   Kernel(const OrtApi*, const OrtKernelInfo*);             reads the attributes, may throw
//   void compute(const OrtApi*, OrtKernelContext*) const;    may throw; called by many threads
//   static void infer_shape(const OrtApi*, OrtShapeInferContext*);
template <typename Kernel>
OrtCustomOp make_custom_op() {
  OrtCustomOp op{};
  op.version = kApiVersion;
  op.GetName = [](const OrtCustomOp*) { return Kernel::kName; };
  op.GetExecutionProviderType = [](const OrtCustomOp*) { return Kernel::kProvider; };
  op.GetInputType = [](const OrtCustomOp*, std::size_t) -> int { return kFloat; };
  op.GetInputTypeCount = [](const OrtCustomOp*) { return std::size_t{1}; };
  op.GetOutputType = [](const OrtCustomOp*, std::size_t) -> int { return kFloat; };
  op.GetOutputTypeCount = [](const OrtCustomOp*) { return std::size_t{1}; };
  op.GetInputCharacteristic = [](const OrtCustomOp*, std::size_t) -> int { return kRequired; };
  op.GetOutputCharacteristic = [](const OrtCustomOp*, std::size_t) -> int { return kRequired; };
  op.GetInputMemoryType = [](const OrtCustomOp*, std::size_t) -> int { return kDefaultMemory; };
  op.GetVariadicInputMinArity = [](const OrtCustomOp*) { return 1; };
  op.GetVariadicInputHomogeneity = [](const OrtCustomOp*) { return 1; };
  op.GetVariadicOutputMinArity = [](const OrtCustomOp*) { return 1; };
  op.GetVariadicOutputHomogeneity = [](const OrtCustomOp*) { return 1; };
  op.GetStartVersion = [](const OrtCustomOp*) { return 1; };
  op.GetEndVersion = [](const OrtCustomOp*) { return INT_MAX; };
  op.CreateKernelV2 = [](const OrtCustomOp*, const OrtApi* api, const OrtKernelInfo* info,
                         void** kernel) {
    return as_ort_status(api, [&] { *kernel = new Kernel(api, info); });
  };
  op.KernelDestroy = [](void* kernel) { delete static_cast<Kernel*>(kernel); };
  op.KernelComputeV2 = [](void* kernel, OrtKernelContext* context) {
    return as_ort_status(registered_api, [&] {
      static_cast<const Kernel*>(kernel)->compute(registered_api, context);
    });
  };
  op.InferOutputShapeFn = [](const OrtCustomOp*, OrtShapeInferContext* context) {
    return as_ort_status(registered_api, [&] { Kernel::infer_shape(registered_api, context); });
  };
  return op;
}

constexpr const char* kCpuProvider = "CPUExecutionProvider";

// infonet::SoftRank(values [B, n, d] or [rows, n]; eps, normalize) -> ranks, of the same shape.
struct SoftRankDefinition {
  static constexpr const char* kName = "SoftRank";
  RankOptions options;

  // Throws for attributes that are not there or not allowed.
  SoftRankDefinition(const OrtApi* api, const OrtKernelInfo* info);
  static void infer_shape(const OrtApi* api, OrtShapeInferContext* context);
};

// [batch, n, columns] is ranked along its middle axis, [rows, n] along its last.
struct RankedShape {
  std::int64_t batch, n, columns;
};
RankedShape ranked_shape(const OrtApi* api, const std::vector<std::int64_t>& shape);

// infonet::JointHistogram(ranks [B, n, 2]; grid) -> counts [B, grid, grid].
struct JointHistogramDefinition {
  static constexpr const char* kName = "JointHistogram";
  std::int64_t grid = 0;

  JointHistogramDefinition(const OrtApi* api, const OrtKernelInfo* info);
  static void infer_shape(const OrtApi* api, OrtShapeInferContext* context);
};

// Throws for another shape than [batch, n, 2].
void check_pairs(const OrtApi* api, const std::vector<std::int64_t>& shape);

const OrtCustomOp* soft_rank_op();
const OrtCustomOp* joint_histogram_op();

// What a library registers: ops, those of the same name for different execution providers, and the
// API version of ONNX Runtime (1.17 has 17) that they need.
struct Ops {
  const char* name;
  std::uint32_t api_version;
  std::vector<const OrtCustomOp*> list;
};
Ops ops();

}  // namespace infonet::ort
