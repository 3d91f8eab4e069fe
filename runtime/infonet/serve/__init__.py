"""How do requests of others, over HTTP and gRPC, become estimates?

The Open Inference Protocol (version 2) on the KServe SDK, which the extra `serve` brings. Nothing
here is imported before `infonet serve` runs.
"""
