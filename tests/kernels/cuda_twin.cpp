// The interface of infonet/kernels_cuda.h over the CPU kernels, in host memory: what calls the CUDA
// library (the custom ops, PyTorch's operators) runs with it where there is no GPU.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "custom_op.hpp"
#include "infonet/kernels_cuda.h"

namespace {

std::string last_error;
std::size_t workspace_asked_for = 0;

int failed(int code) {
  last_error = infonet_last_error();
  return code;
}

// Row r of [rows / columns, n, columns] to and from a row of its own.
std::vector<float> rows_of(const float* values, std::int64_t rows, std::int64_t n,
                           std::int64_t columns) {
  std::vector<float> out(static_cast<std::size_t>(rows * n));
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t i = 0; i < n; ++i) {
      out[r * n + i] = values[((r / columns) * n + i) * columns + r % columns];
    }
  }
  return out;
}

void put_back(const std::vector<float>& from, std::int64_t rows, std::int64_t n,
              std::int64_t columns, float* out) {
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t i = 0; i < n; ++i) {
      out[((r / columns) * n + i) * columns + r % columns] = from[r * n + i];
    }
  }
}

// Working memory is overwritten, as a kernel would. No row is refused without an error.
int use(void* workspace, std::size_t bytes, std::int64_t* refused) {
  if (refused != nullptr) std::memset(refused, 0x7f, sizeof *refused);
  if (bytes < workspace_asked_for) {
    last_error = "workspace: got " + std::to_string(bytes) + " bytes";
    return INFONET_INVALID_ARGUMENT;
  }
  if (bytes > 0) std::memset(workspace, 0xA5, bytes);
  return INFONET_OK;
}

}  // namespace

extern "C" {

INFONET_EXPORT void twin_ask_for_workspace(std::size_t bytes) { workspace_asked_for = bytes; }

int infonet_cuda_check(void) { return INFONET_OK; }
const char* infonet_cuda_last_error(void) { return last_error.c_str(); }

int infonet_cuda_soft_rank_workspace(int64_t, int64_t, double, size_t* bytes) {
  *bytes = workspace_asked_for;
  return INFONET_OK;
}
int infonet_cuda_soft_rank_backward_workspace(int64_t, int64_t, double, size_t* bytes) {
  *bytes = workspace_asked_for;
  return INFONET_OK;
}
int infonet_cuda_histogram_workspace(int64_t, int64_t, size_t* bytes) {
  *bytes = workspace_asked_for;
  return INFONET_OK;
}

int infonet_cuda_soft_rank(const float* values, int64_t rows, int64_t n, int64_t columns,
                           double eps, int normalize, float* ranks, void* workspace,
                           size_t workspace_bytes, int64_t* refused, void*) {
  if (const int code = use(workspace, workspace_bytes, refused)) return code;
  std::vector<float> row = rows_of(values, rows, n, columns);
  if (const int code = infonet_soft_rank(row.data(), rows, n, eps, normalize, 1, row.data())) {
    return failed(code);
  }
  put_back(row, rows, n, columns, ranks);
  return INFONET_OK;
}

int infonet_cuda_soft_rank_backward(const float* values, const float* by, int64_t rows, int64_t n,
                                    int64_t columns, double eps, int normalize, float* gradient,
                                    void* workspace, size_t workspace_bytes, int64_t* refused,
                                    void*) {
  if (const int code = use(workspace, workspace_bytes, refused)) return code;
  const std::vector<float> row = rows_of(values, rows, n, columns);
  const std::vector<float> own = rows_of(by, rows, n, columns);
  std::vector<float> out(row.size());
  if (const int code = infonet_soft_rank_backward(row.data(), own.data(), rows, n, eps, normalize,
                                                  1, out.data())) {
    return failed(code);
  }
  put_back(out, rows, n, columns, gradient);
  return INFONET_OK;
}

int infonet_cuda_joint_histogram(const float* x, const float* y, int64_t rows, int64_t n,
                                 int64_t stride, int64_t grid, float* histogram, void* workspace,
                                 size_t workspace_bytes, int64_t* refused, void*) {
  if (const int code = use(workspace, workspace_bytes, refused)) return code;
  std::vector<float> u(static_cast<std::size_t>(rows * n)), v(u.size());
  for (std::size_t i = 0; i < u.size(); ++i) {
    u[i] = x[i * static_cast<std::size_t>(stride)];
    v[i] = y[i * static_cast<std::size_t>(stride)];
  }
  const int code = infonet_joint_histogram(u.data(), v.data(), rows, n, grid, 1, histogram);
  return code == INFONET_OK ? code : failed(code);
}

int infonet_cuda_pair_histograms(const float* ranks, int64_t columns, int64_t n,
                                 const int64_t* pairs, int64_t count, int64_t grid,
                                 float* histogram, void* workspace, size_t workspace_bytes,
                                 int64_t* refused, void*) {
  if (const int code = use(workspace, workspace_bytes, refused)) return code;
  const int code = infonet_pair_histograms(ranks, columns, n, pairs, count, grid, 1, histogram);
  return code == INFONET_OK ? code : failed(code);
}

int infonet_cuda_tie_entropy_workspace(int64_t, int64_t, size_t* bytes) {
  *bytes = workspace_asked_for;
  return INFONET_OK;
}

int infonet_cuda_tie_entropy(const float* values, const float*, int64_t rows, int64_t n,
                             int64_t columns, double* entropy, void* workspace,
                             size_t workspace_bytes, void*) {
  if (const int code = use(workspace, workspace_bytes, nullptr)) return code;
  std::vector<float> row = rows_of(values, rows, n, columns);
  std::vector<InfonetColumn> each;
  for (std::int64_t r = 0; r < rows; ++r) {
    each.push_back({row.data() + r * n, sizeof(float), INFONET_FLOAT32});
  }
  std::vector<std::uint8_t> ties(static_cast<std::size_t>(rows));
  const int code = infonet_rank_columns(each.data(), rows, n, INFONET_MIDRANK, 1, row.data(),
                                        ties.data(), entropy);
  return code == INFONET_OK ? code : failed(code);
}

}  // extern "C"

namespace infonet::ort {

const OrtCustomOp* cuda_soft_rank_op();
const OrtCustomOp* cuda_joint_histogram_op();

// The ops for CUDA alone, compiled for the CPU's execution provider.
Ops ops() { return {"the twin's ops", 18, {cuda_soft_rank_op(), cuda_joint_histogram_op()}}; }

}  // namespace infonet::ort
