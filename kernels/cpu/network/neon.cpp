// The network for processors with NEON vectors; CMakeLists.txt has the compiler's options.
#define INFONET_LANES 4
#include "forward.hpp"

namespace infonet::network {

const Version kNeon = {kLanes, scratch_of, run};

}  // namespace infonet::network
