"""Pictures of estimates, drawn with matplotlib (the extra `infonet[plot]`)."""

from infonet.plotting.backend import new_figure, require_matplotlib, save_figure
from infonet.plotting.clustering import cluster_order
from infonet.plotting.matrix import plot_matrix
from infonet.plotting.pair import plot_estimate

__all__ = [
    "cluster_order",
    "new_figure",
    "plot_estimate",
    "plot_matrix",
    "require_matplotlib",
    "save_figure",
]
