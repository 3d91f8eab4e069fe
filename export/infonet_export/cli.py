"""Sub-commands of ``infonet`` that need PyTorch, found through the entry points of the package.

Heavy imports happen inside the commands, so that ``infonet --help`` stays fast.
"""

from infonet_export.commands.build import build
from infonet_export.commands.evaluate import evaluate
from infonet_export.commands.export import export
from infonet_export.commands.train import train

__all__ = ["build", "evaluate", "export", "train"]
