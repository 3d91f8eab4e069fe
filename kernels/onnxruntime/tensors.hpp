// Tensors, attributes, shapes and threads of ONNX Runtime, in C++ terms.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ort_abi.hpp"
#include "parallel.hpp"
#include "status.hpp"

namespace infonet::ort {

// A failed call of the interface; carries the status on to the caller.
struct Failure {
  OrtStatus* status;
};

inline void check(OrtStatus* status) {
  if (status != nullptr) throw Failure{status};
}

// Run body(); what it throws becomes the status returned. Nothing is thrown across the interface.
template <typename Body>
OrtStatus* as_ort_status(const OrtApi* api, const Body& body) noexcept {
  OrtStatus* failed = nullptr;
  const Status status = guarded([&]() -> Status {
    try {
      body();
    } catch (const Failure& failure) {
      failed = failure.status;
    }
    return {};
  });
  return status.ok() ? failed : CreateStatus(api, kFail, status.text());
}

// Throw a kernel's failure as a status that starts with the op's name.
void check(const OrtApi* api, const char* op, const Status& status);

// One dimension: its value, or -1 and a name that may be empty.
struct Dimension {
  std::int64_t value;
  std::string name;
  bool known() const { return value >= 0 || !name.empty(); }
};

// The shape of input `index`; empty when there is none.
std::vector<Dimension> input_shape(const OrtApi* api, OrtShapeInferContext* context,
                                   std::size_t index);

// Declare the shape of output 0. Left open when a dimension is unknown: the interface cannot say
// that of one dimension alone.
void set_output_shape(const OrtApi* api, OrtShapeInferContext* context,
                      const std::vector<Dimension>& shape);

struct Input {
  const float* data;
  std::vector<std::int64_t> shape;
};

Input input(const OrtApi* api, OrtKernelContext* context, std::size_t index);
float* output(const OrtApi* api, OrtKernelContext* context, const std::vector<std::int64_t>& shape);

// job(i) -> Status for i in [0, count) on the session's own threads: serial in a session of one.
// The failure of the lowest index is thrown.
template <typename Job>
void parallel_for(const OrtApi* api, const OrtKernelContext* context, const char* op,
                  std::int64_t count, const Job& job) {
  struct Task {
    const Job& job;
    FirstFailure failure;
  } task{job, {}};
  const auto run = [](void* data, std::size_t i) {
    Task& shared = *static_cast<Task*>(data);
    shared.failure.run(static_cast<std::int64_t>(i), shared.job);
  };
  if (count == 1) {
    run(&task, 0);
  } else if (count > 1) {
    check(KernelContext_ParallelFor(api, context, +run, static_cast<std::size_t>(count),
                                    std::size_t{0}, static_cast<void*>(&task)));
  }
  check(api, op, task.failure.take());
}

}  // namespace infonet::ort
