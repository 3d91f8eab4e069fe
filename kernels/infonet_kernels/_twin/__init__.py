"""The functions of infonet/kernels.h in NumPy, for platforms that no compiled library fits.

They take the same arguments in the same order, with arrays in the place of pointers, and write to
the same ones. Sums run in the order of the compiled kernels, so that results are the same bytes;
`threads` is ignored. Failures are exceptions with the message of the C function.
"""

from collections.abc import Callable
from typing import Final

from infonet_kernels._twin.cells import chi_squared
from infonet_kernels._twin.halving import cell_information
from infonet_kernels._twin.histograms import joint_histogram, pair_histograms
from infonet_kernels._twin.moments import moments, products
from infonet_kernels._twin.nearest import neighbour_counts, neighbour_distances
from infonet_kernels._twin.project import project
from infonet_kernels._twin.ranks import rank_columns, ranks_within
from infonet_kernels._twin.soft_ranks import soft_rank, soft_rank_backward
from infonet_kernels._twin.vine import conditionals, normal_scores

KERNELS: Final[dict[str, Callable[..., None]]] = {
    "infonet_soft_rank": soft_rank,
    "infonet_soft_rank_f64": soft_rank,
    "infonet_soft_rank_backward": soft_rank_backward,
    "infonet_soft_rank_backward_f64": soft_rank_backward,
    "infonet_rank_columns": rank_columns,
    "infonet_ranks_within": ranks_within,
    "infonet_joint_histogram": joint_histogram,
    "infonet_joint_histogram_f64": joint_histogram,
    "infonet_pair_histograms": pair_histograms,
    "infonet_project": project,
    "infonet_normal_scores": normal_scores,
    "infonet_conditionals": conditionals,
    "infonet_moments": moments,
    "infonet_products": products,
    "infonet_chi_squared": chi_squared,
    "infonet_neighbour_distances": neighbour_distances,
    "infonet_neighbour_counts": neighbour_counts,
    "infonet_cell_information": cell_information,
}
