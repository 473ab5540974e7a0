"""The machines that train together, as `TF_CONFIG` names them, and waiting until all are there.

The same form as TensorFlow's own: addresses `host:port` by job, and this machine's place.
"""

import json
import logging
import os
import socket
import time

TF_CONFIG = "TF_CONFIG"
EXAMPLE = (
    '{"cluster": {"worker": ["host1:12345", "host2:12345"]}, '
    '"task": {"type": "worker", "index": 0}}'
)
JOBS = ("chief", "worker")
"""Of machines in `TF_CONFIG`; without a chief the first worker is it."""

LOOKS_SECONDS = 1.0
"""Between two looks at the other machines."""

LOOKS_PER_MESSAGE = 60
MAX_ANSWER_SECONDS = 2.0
MAX_PORT = 65535

logger = logging.getLogger(__name__)


def read_tf_config() -> tuple[tuple[str, ...], int]:
    """Read the addresses of the machines, the chief's first, and the place of this one.

    Raises:
        ValueError: `TF_CONFIG` is missing or wrong.
    """
    text = os.environ.get(TF_CONFIG)
    if not text:
        raise ValueError(
            f"train.strategy multi_worker needs {TF_CONFIG} on each machine, such as {EXAMPLE}"
        )
    try:
        config = json.loads(text)
        cluster, job, index = config["cluster"], config["task"]["type"], config["task"]["index"]
        by_job = {name: list(cluster.get(name, [])) for name in JOBS}
        address = dict(enumerate(by_job[job]))[int(index)]  # -1 is none
        machines = tuple(by_job["chief"] + by_job["worker"])
        ports = [_split_address(machine)[1] for machine in machines]
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise ValueError(f"{TF_CONFIG}: expected such as {EXAMPLE}, got {text}") from error
    if set(cluster) - set(JOBS) or len(by_job["chief"]) > 1 or len(set(machines)) < len(machines):
        raise ValueError(
            f"{TF_CONFIG}: expected at most one chief, workers, and each address once, got {text}"
        )
    if not all(0 < port <= MAX_PORT for port in ports):
        raise ValueError(f"{TF_CONFIG}: expected ports from 1 to {MAX_PORT}, got {text}")
    return machines, machines.index(address)


def wait_for_machines(machines: tuple[str, ...], place: int) -> None:
    """Wait until the ports of all machines are open, this one's for the others as well.

    TensorFlow waits, too, but holds Python's lock and takes SIGTERM for itself meanwhile: neither
    Ctrl-C nor SIGTERM would end the process.

    Raises:
        ConnectionError: the port of this machine is taken.
    """
    others = [machine for number, machine in enumerate(machines) if number != place]
    with _open_port(machines[place]) as own:
        looks = 0
        while missing := [machine for machine in others if not _is_open(machine)]:
            if looks % LOOKS_PER_MESSAGE == 0:
                logger.info("waiting for %s", ", ".join(missing))
            looks += 1
            _close_accepted(own)
            time.sleep(LOOKS_SECONDS)


def _open_port(address: str) -> socket.socket:
    """Open the port of an address on all networks of this machine, as TensorFlow does."""
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    place = ("", _split_address(address)[1])
    try:
        opened = socket.create_server(place, family=family, dualstack_ipv6=both)
    except OSError as error:
        raise ConnectionError(
            f"{address}: the port cannot be opened on this machine ({error.strerror}); end what "
            f"uses it, or name another one in {TF_CONFIG} on all machines"
        ) from error
    opened.setblocking(False)
    return opened


def _is_open(address: str) -> bool:
    """Tell whether a machine answers; one whose name is not known (yet) does not."""
    try:
        socket.create_connection(_split_address(address), MAX_ANSWER_SECONDS).close()
    except OSError:
        return False
    return True


def _close_accepted(own: socket.socket) -> None:
    """Close what others have opened to see whether this machine is there."""
    try:
        while True:
            own.accept()[0].close()
    except BlockingIOError:
        return


def _split_address(address: str) -> tuple[str, int]:
    """Split `host:port`; the host may be an IPv6 address in brackets."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)
