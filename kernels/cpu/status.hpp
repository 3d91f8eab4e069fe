// The outcome of a kernel: a code for the C interface and one line for the user.
#pragma once

#include <string>
#include <utility>

#include "infonet/kernels.h"

namespace infonet {

struct Status {
  InfonetCode code = INFONET_OK;
  std::string message;

  bool ok() const { return code == INFONET_OK; }
  static Status invalid(std::string message) {
    return {INFONET_INVALID_ARGUMENT, std::move(message)};
  }
};

}  // namespace infonet
