"""What the server counts, for Prometheus; beside the times that the KServe SDK measures."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter(
    "infonet_requests",
    "Requests by protocol (http, grpc), model and status of HTTP.",
    ("protocol", "model", "status"),
)
WAITING = Gauge("infonet_requests_waiting", "Requests that are accepted and not yet answered.")
SECONDS = Histogram(
    "infonet_request_seconds",
    "Seconds from the last byte of a request to its answer.",
    ("model",),
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60),
)
JOINED = Histogram(
    "infonet_pairs_together",
    "Pairs that were estimated in one call, of one request or of several.",
    buckets=(1, 2, 4, 8, 16, 32, 64),
)
