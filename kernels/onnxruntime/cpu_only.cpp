// The ops of a library without CUDA.
#include "custom_op.hpp"

namespace infonet::ort {

Ops ops() { return {"the infonet custom ops", 17, {soft_rank_op(), joint_histogram_op()}}; }

}  // namespace infonet::ort
