// The ops of the library with CUDA. Of those of one name ONNX Runtime takes that of the execution
// provider that a node is given to, so that sessions on the CPU work with this library, too.
#include "cuda_ops.hpp"

namespace infonet::ort {

// 1.18 brought scratch memory that knows its stream.
Ops ops() {
  return {"the infonet custom ops for CUDA",
          18,
          {soft_rank_op(), joint_histogram_op(), cuda_soft_rank_op(), cuda_joint_histogram_op()}};
}

}  // namespace infonet::ort
