"""CPU kernels of InfoNet: ranks, soft ranks and joint histograms, compiled, with NumPy in and out.

Where no compiled library fits the platform, twins in NumPy serve: the same answers, more slowly.
`why_numpy` says whether they do.

The compiled library registers the ONNX Runtime custom ops of domain ``infonet``, too:
``session_options.register_custom_ops_library(str(infonet_kernels.library_path()))``. The library at
`cuda_library_path`, where it was built, registers them for the CPU and for CUDA.
"""

from infonet_kernels._arrays import NORMALIZATIONS
from infonet_kernels._cells import chi_squared
from infonet_kernels._choice import why_numpy
from infonet_kernels._cuda import cuda_library_path
from infonet_kernels._halving import cell_information
from infonet_kernels._histogram import joint_histogram, pair_histograms
from infonet_kernels._library import include_path, library_path
from infonet_kernels._nearest import neighbour_counts, neighbour_distances
from infonet_kernels._network import CopulaNetwork, NetworkOutput, network_vectors
from infonet_kernels._project import Directions, project
from infonet_kernels._rank_columns import MOST_COUNTED, rank_columns, ranks_within
from infonet_kernels._soft_rank import soft_rank, soft_rank_backward
from infonet_kernels._vine import conditionals, moments, normal_scores, products

__all__ = [
    "MOST_COUNTED",
    "NORMALIZATIONS",
    "CopulaNetwork",
    "Directions",
    "NetworkOutput",
    "cell_information",
    "chi_squared",
    "conditionals",
    "cuda_library_path",
    "include_path",
    "joint_histogram",
    "library_path",
    "moments",
    "neighbour_counts",
    "neighbour_distances",
    "network_vectors",
    "normal_scores",
    "pair_histograms",
    "products",
    "project",
    "rank_columns",
    "ranks_within",
    "soft_rank",
    "soft_rank_backward",
    "why_numpy",
]
