// The network for processors with AVX-512 vectors; CMakeLists.txt has the compiler's options.
#define INFONET_LANES 16
#include "forward.hpp"

namespace infonet::network {

const Version kAvx512 = {kLanes, scratch_of, run};

}  // namespace infonet::network
