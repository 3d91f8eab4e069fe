// The ops for the CUDA execution provider.
#pragma once

#include "custom_op.hpp"

namespace infonet::ort {

const OrtCustomOp* cuda_soft_rank_op();
const OrtCustomOp* cuda_joint_histogram_op();

}  // namespace infonet::ort
