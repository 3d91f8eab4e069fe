"""An estimate on an installed wheel: right, quick, and without torch and onnx.

Run by .ci/run in an environment that holds the wheel and its dependencies only.
"""

import math
import sys
import time

start = time.process_time()

import infonet  # noqa: E402 - its import is timed
import numpy as np  # noqa: E402

RHO = 0.8
x, noise = np.random.default_rng(0).standard_normal((2, 5000))
y = RHO * x + math.sqrt(1 - RHO**2) * noise
got = infonet.mutual_information(x, y)
seconds = time.process_time() - start

truth = -0.5 * math.log(1 - RHO**2)
heavy = sorted({"torch", "onnx", "pandas", "scipy", "sklearn"} & set(sys.modules))
print(f"mutual information {got:.4f} nats (truth {truth:.4f})")
print(f"import and estimate {seconds:.2f} s of a processor")
print(f"installed in {infonet.__file__}")
assert not heavy, f"the slim runtime imported {heavy}"
assert abs(got - truth) < 0.1, "the estimate is off"
assert seconds < 2.0, "import and first estimate are slow"  # 0.3 s on an idle core
