// The network for processors with AVX2 vectors; CMakeLists.txt has the compiler's options.
#define INFONET_LANES 8
#include "forward.hpp"

namespace infonet::network {

const Version kAvx2 = {kLanes, scratch_of, run};

}  // namespace infonet::network
