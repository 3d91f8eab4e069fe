"""Mutual information of streams: a sliding window, and alerts when dependence changes."""

from infonet.monitor.decisions import Alert
from infonet.monitor.monitor import Evaluation, Monitor

__all__ = ["Alert", "Evaluation", "Monitor"]
