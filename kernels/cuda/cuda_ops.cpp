// infonet::SoftRank and infonet::JointHistogram for the CUDA execution provider, on its stream.
//
// Nothing is allocated but what ONNX Runtime's arena has at hand, and nothing waits, so runs may be
// captured into a graph. A bad value cannot fail the run for that: its row becomes NaN.
#include <memory>

#include "custom_op.hpp"
#include "infonet/kernels_cuda.h"

namespace infonet::ort {
namespace {

#if defined(INFONET_TWIN)  // tests run the ops on the CPU, with a twin of the kernels
constexpr const char* kCudaProvider = kCpuProvider;
#else
constexpr const char* kCudaProvider = "CUDAExecutionProvider";
#endif

void check_cuda(const OrtApi* api, const char* op, int code) {
  if (code == INFONET_OK) return;
  check(api, op, Status{static_cast<InfonetCode>(code), infonet_cuda_last_error()});
}

// The arena of the execution provider's device.
class Arena {
 public:
  Arena(const OrtApi* api, const OrtKernelInfo* info) : api_(api) {
    check(KernelInfoGetAllocator(api, info, static_cast<int>(kDefaultMemory), &allocator_));
  }
  Arena(const Arena&) = delete;
  ~Arena() { ReleaseAllocator(api_, allocator_); }

  // Memory for what is put on the stream of `context` while the result lives. The arena knows the
  // stream: it gives the memory to work on the same stream only, or after a synchronisation.
  std::shared_ptr<void> scratch(OrtKernelContext* context, std::size_t bytes) const {
    const OrtMemoryInfo* memory = nullptr;
    void* data = nullptr;
    check(AllocatorGetInfo(api_, static_cast<const OrtAllocator*>(allocator_), &memory));
    check(KernelContext_GetScratchBuffer(api_, static_cast<const OrtKernelContext*>(context),
                                         memory, bytes, &data));
    return std::shared_ptr<void>(data, [this](void* used) {
      if (used == nullptr) return;
      if (OrtStatus* status = AllocatorFree(api_, allocator_, used)) ReleaseStatus(api_, status);
    });
  }

 private:
  const OrtApi* api_;
  OrtAllocator* allocator_ = nullptr;
};

void* stream_of(const OrtApi* api, const OrtKernelContext* context) {
  void* stream = nullptr;
  check(KernelContext_GetGPUComputeStream(api, context, &stream));
  return stream;
}

class SoftRank : public SoftRankDefinition {
 public:
  static constexpr const char* kProvider = kCudaProvider;

  SoftRank(const OrtApi* api, const OrtKernelInfo* info)
      : SoftRankDefinition(api, info), arena_(api, info) {}

  void compute(const OrtApi* api, OrtKernelContext* context) const {
    const Input values = input(api, context, 0);
    const auto [batch, n, columns] = ranked_shape(api, values.shape);
    float* const ranks = output(api, context, values.shape);
    if (batch == 0 || n == 0 || columns == 0) return;
    const std::int64_t rows = batch * columns;
    std::size_t bytes = 0;
    check_cuda(api, kName, infonet_cuda_soft_rank_workspace(rows, n, options.eps, &bytes));
    const std::shared_ptr<void> scratch = arena_.scratch(context, bytes);
    check_cuda(
        api, kName,
        infonet_cuda_soft_rank(values.data, rows, n, columns, options.eps, options.normalize, ranks,
                               scratch.get(), bytes, nullptr, stream_of(api, context)));
  }

 private:
  Arena arena_;
};

class JointHistogram : public JointHistogramDefinition {
 public:
  static constexpr const char* kProvider = kCudaProvider;

  JointHistogram(const OrtApi* api, const OrtKernelInfo* info)
      : JointHistogramDefinition(api, info), arena_(api, info) {}

  void compute(const OrtApi* api, OrtKernelContext* context) const {
    const Input ranks = input(api, context, 0);
    check_pairs(api, ranks.shape);
    const std::int64_t batch = ranks.shape[0], n = ranks.shape[1];
    float* const histogram = output(api, context, {batch, grid, grid});
    if (batch == 0) return;
    std::size_t bytes = 0;
    check_cuda(api, kName, infonet_cuda_histogram_workspace(batch, grid, &bytes));
    const std::shared_ptr<void> scratch = arena_.scratch(context, bytes);
    check_cuda(
        api, kName,
        infonet_cuda_joint_histogram(ranks.data, ranks.data + 1, batch, n, 2, grid, histogram,
                                     scratch.get(), bytes, nullptr, stream_of(api, context)));
  }

 private:
  Arena arena_;
};

}  // namespace

const OrtCustomOp* cuda_soft_rank_op() {
  static const OrtCustomOp op = make_custom_op<SoftRank>();
  return &op;
}

const OrtCustomOp* cuda_joint_histogram_op() {
  static const OrtCustomOp op = make_custom_op<JointHistogram>();
  return &op;
}

#if !defined(INFONET_TWIN)
// Of the ops of one name ONNX Runtime takes that of the execution provider that a node is given to,
// so that sessions on the CPU work with this library, too. 1.18 brought scratch memory that knows
// its stream.
Ops ops() {
  return {"the infonet custom ops for CUDA",
          18,
          {soft_rank_op(), joint_histogram_op(), cuda_soft_rank_op(), cuda_joint_histogram_op()}};
}
#endif

}  // namespace infonet::ort
