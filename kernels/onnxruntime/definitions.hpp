// What an op is on any device: its attributes, and the shapes of its input and output.
#pragma once

#include "soft_rank.hpp"
#include "tensors.hpp"

namespace infonet::ort {

constexpr const char* kCpuProvider = "CPUExecutionProvider";

// infonet::SoftRank(values [B, n, d] or [rows, n]; eps, normalize) -> ranks, of the same shape.
struct SoftRankDefinition {
  static constexpr const char* kName = "SoftRank";
  SoftRankOptions options;

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

}  // namespace infonet::ort
