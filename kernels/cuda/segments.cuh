// The launches of passes over segments (shared/segments.hpp).
#pragma once

#include "device_team.cuh"
#include "launch.hpp"
#include "segments.hpp"

namespace infonet::cuda {

constexpr int kThreads = kSegmentThreads;

// As many as a grid holds.
inline std::int64_t rows_a_launch(std::int64_t n) { return kMostBlocksALaunch / segments_of(n); }

}  // namespace infonet::cuda
