"""`infonet serve` in a process of its own, and NVIDIA's client for it, over HTTP and gRPC."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
import time

import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import np_to_triton_dtype


class Server:
    """A server on ports that the system chooses.

    Attributes:
        http, grpc: host and port.
    """

    def __init__(self, *options):
        command = [sys.executable, "-m", "infonet", "serve", "--http-port", "0", "--grpc-port", "0"]
        self.process = subprocess.Popen(
            [*command, *map(str, options)], stderr=subprocess.PIPE, text=True
        )
        said = self.process.stderr.readline()
        found = re.search(r"HTTP at (\S+), gRPC at (\S+)", said)
        assert found, said + self.process.stderr.read()
        self.http, self.grpc = found.groups()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:  # a test failed, or does not care how it ends
            self.process.kill()
            self.process.communicate()

    def stop(self):
        """Ask it to stop; what it said on standard error, and its exit code."""
        self.process.terminate()
        _, said = self.process.communicate(timeout=120)
        return said, self.process.returncode

    def metrics(self):
        """What it counts, by name and labels."""
        connection = http.client.HTTPConnection(self.http, timeout=60)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        lines = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, value in lines}

    def wait_for_a_request(self):
        """Return when a request has been accepted and not yet answered."""
        while not self.metrics()["infonet_requests_waiting"]:
            assert self.process.poll() is None
            time.sleep(0.01)

    def client(self, protocol):
        """A client, for the thread that asks for it."""
        library, address = {
            "http": (tritonclient.http, self.http),
            "grpc": (tritonclient.grpc, self.grpc),
        }[protocol]
        return Client(library, library.InferenceServerClient(address))


class Client:
    def __init__(self, library, connection):
        self.library, self.connection = library, connection

    def ask(self, model, inputs, outputs, parameters=None, binary=None):
        """Outputs by name.

        Args:
            model: its name.
            inputs: arrays by name.
            outputs: names.
            parameters: of the request.
            binary: over HTTP, whether tensors are binary or JSON; None: as the client does.
        """
        more = {} if binary is None else {"binary_data": binary}
        tensors = []
        for name, array in inputs.items():
            tensor = self.library.InferInput(name, array.shape, np_to_triton_dtype(array.dtype))
            tensor.set_data_from_numpy(array, **more)
            tensors.append(tensor)
        wanted = [self.library.InferRequestedOutput(name, **more) for name in outputs]
        found = self.connection.infer(
            model, tensors, request_id="7", outputs=wanted, parameters=parameters
        )
        return {name: found.as_numpy(name) for name in outputs}
