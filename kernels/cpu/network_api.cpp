// The C functions of the compiled network.
#include <cstdint>
#include <memory>
#include <string>

#include "infonet/kernels.h"
#include "network.hpp"
#include "status.hpp"

using infonet::Network;
using infonet::outcome;
using infonet::Status;

extern "C" int infonet_network_vectors(int64_t* bits) {
  return outcome([&]() -> Status {
    const infonet::network::Version* const version = Network::version();
    *bits = version == nullptr ? 0 : 32 * version->lanes;
    return {};
  });
}

extern "C" int infonet_network_open(int64_t grid, const int64_t* channels, int64_t levels,
                                    int64_t hidden, int64_t polynomials, int64_t knots,
                                    double n_max, const float* parameters, int64_t count,
                                    void** network) {
  return outcome([&]() -> Status {
    *network = nullptr;
    std::unique_ptr<Network> opened;
    Status status = Network::open({grid, levels, hidden, polynomials, knots, channels, n_max},
                                  parameters, count, opened);
    *network = opened.release();
    return status;
  });
}

extern "C" int infonet_network_run(const void* network, const float* histograms, int64_t count,
                                   float* mi, float* quantiles, float* table, float* score) {
  return outcome([&]() -> Status {
    if (network == nullptr) return Status::invalid("network: got NULL; open one first");
    if (count < 0) return Status::invalid("count: got " + std::to_string(count) + "; at least 0");
    return static_cast<const Network*>(network)->run(histograms, count,
                                                     {mi, quantiles, table, score});
  });
}

extern "C" int infonet_network_close(void* network) {
  return outcome([&]() -> Status {
    delete static_cast<Network*>(network);
    return {};
  });
}
