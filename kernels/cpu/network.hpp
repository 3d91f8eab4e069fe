// The `copula` network, compiled: histograms of ranks in, mutual information out.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "network/parameters.hpp"
#include "status.hpp"

namespace infonet {

// What a network is made of; see infonet_network_open in infonet/kernels.h.
struct NetworkSizes {
  std::int64_t grid, levels, hidden, polynomials, knots;
  const std::int64_t* channels;
  double n_max;
};

class Network {
 public:
  // The version for this processor; null where there is none.
  static const network::Version* version();

  // Arrange `count` parameters for it, or say what does not fit.
  static Status open(const NetworkSizes& sizes, const float* parameters, std::int64_t count,
                     std::unique_ptr<Network>& opened);

  // histograms [count, grid, grid]; one thread. May be called from many threads at once.
  Status run(const float* histograms, std::int64_t count, const network::Answers& answers) const;

 private:
  network::Parameters net_{};
  std::vector<float> memory_;
};

}  // namespace infonet
