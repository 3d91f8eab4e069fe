"""Estimates of pairs of ranked columns: the one place that every route of infonet passes."""
