// RegisterCustomOps: what ONNX Runtime looks up in a custom-op library.
#include <mutex>
#include <string>

#include "custom_op.hpp"
#include "infonet/kernels.h"

namespace infonet::ort {

const OrtApi* registered_api = nullptr;

namespace {

constexpr const char* kDomain = "infonet";

// One domain serves every session of the process: ONNX Runtime keeps only a pointer to it.
class Domain {
 public:
  OrtCustomOpDomain* get(const OrtApi* api) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (domain_ != nullptr) return domain_;
    registered_api = api;
    OrtCustomOpDomain* domain = nullptr;
    check(CreateCustomOpDomain(api, kDomain, &domain));
    for (const OrtCustomOp* op : ops().list) {
      if (OrtStatus* status = CustomOpDomain_Add(api, domain, op); status != nullptr) {
        ReleaseCustomOpDomain(api, domain);
        throw Failure{status};
      }
    }
    return domain_ = domain;
  }

  // The library goes only after the last session that uses it.
  ~Domain() {
    if (domain_ != nullptr) ReleaseCustomOpDomain(registered_api, domain_);
  }

 private:
  std::mutex mutex_;
  OrtCustomOpDomain* domain_ = nullptr;
};

}  // namespace
}  // namespace infonet::ort

extern "C" INFONET_EXPORT OrtStatus* RegisterCustomOps(OrtSessionOptions* options,
                                                       const OrtApiBase* base) {
  using namespace infonet::ort;
  const Ops needed = ops();
  const OrtApi* const api = base->GetApi(needed.api_version);
  if (api == nullptr) {
    const std::string message = std::string(needed.name) + " need ONNX Runtime 1." +
                                std::to_string(needed.api_version) + " or newer; this is " +
                                base->GetVersionString();
    return CreateStatus(base->GetApi(1), kFail, message.c_str());
  }
  return as_ort_status(api, [&] {
    static Domain domain;
    check(AddCustomOpDomain(api, options, domain.get(api)));
  });
}
