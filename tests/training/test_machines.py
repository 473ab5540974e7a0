"""`TF_CONFIG` is read as TensorFlow reads it; who waits for other machines can be stopped."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from code_map import SOURCE
from deepfake_detector.training import machines
from deepfake_detector.training.machines import read_tf_config, wait_for_machines

MACHINES = ("host1:1", "host2:2", "host3:3")
WAIT = (
    "import logging, signal, sys\n"
    "from deepfake_detector.training.machines import wait_for_machines\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's `&` ignores it
    "logging.basicConfig(level=logging.INFO)\n"
    "wait_for_machines(tuple(sys.argv[1:]), 1)\n"
)


def find_free_addresses(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    addresses = tuple(f"127.0.0.1:{each.getsockname()[1]}" for each in sockets)
    for each in sockets:
        each.close()
    return addresses


def set_config(monkeypatch, cluster, job, index):
    config = {"cluster": cluster, "task": {"type": job, "index": index}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))


@pytest.mark.parametrize(
    ("cluster", "job", "index", "expected"),
    [
        ({"worker": MACHINES}, "worker", 0, 0),
        ({"worker": MACHINES}, "worker", 2, 2),
        ({"chief": MACHINES[:1], "worker": MACHINES[1:]}, "chief", 0, 0),
        ({"chief": MACHINES[:1], "worker": MACHINES[1:]}, "worker", 0, 1),
    ],
)
def test_the_chief_or_else_the_first_worker_comes_first(
    monkeypatch, cluster, job, index, expected
):
    set_config(monkeypatch, cluster, job, index)
    assert read_tf_config() == (MACHINES, expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "needs TF_CONFIG on each machine, such as"),
        ("{", "expected such as"),
        ("[]", "expected such as"),
        ('{"cluster": {"worker": ["a:1"]}}', "expected such as"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}', "such as"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": -1}}', "such as"),
        ('{"cluster": {"worker": ["a"]}, "task": {"type": "worker", "index": 0}}', "such as"),
        (
            '{"cluster": {"worker": ["a:70000"]}, "task": {"type": "worker", "index": 0}}',
            "expected ports from 1 to 65535",
        ),
        (
            '{"cluster": {"worker": ["a:1", "a:1"]}, "task": {"type": "worker", "index": 0}}',
            "each address once",
        ),
        (
            '{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, '
            '"task": {"type": "worker", "index": 0}}',
            "at most one chief, workers",
        ),
    ],
)
def test_a_wrong_tf_config_is_rejected_with_what_is_expected(monkeypatch, text, expected):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match=expected):
        read_tf_config()


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_who_waits_for_a_machine_names_it_and_can_be_stopped(kind):
    addresses = find_free_addresses(2)
    process = subprocess.Popen(
        [sys.executable, "-c", WAIT, *addresses],
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr.readline().endswith(f"waiting for {addresses[0]}\n")
    process.send_signal(kind)
    process.communicate(timeout=30)
    assert process.returncode == -kind


def test_waiting_ends_when_all_machines_are_there(monkeypatch, caplog):
    monkeypatch.setattr(machines, "LOOKS_SECONDS", 0.01)
    monkeypatch.setattr(machines, "LOOKS_PER_MESSAGE", 3)
    caplog.set_level(logging.INFO)
    first, second, third = addresses = find_free_addresses(3)
    waiting = threading.Thread(target=wait_for_machines, args=(addresses, 0), daemon=True)
    waiting.start()
    with socket.create_server(machines._split_address(third)):
        while f"waiting for {second}" not in caplog.messages:
            time.sleep(0.01)
        for _ in range(200):  # more than a port keeps that nobody takes
            socket.create_connection(machines._split_address(first), timeout=5).close()
        assert waiting.is_alive()
        with socket.create_server(machines._split_address(second)):
            waiting.join(timeout=30)
    assert not waiting.is_alive()
    socket.create_server(machines._split_address(first)).close()  # TensorFlow can have the port


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("", 0)) as taken:
        address = f"localhost:{taken.getsockname()[1]}"
        with pytest.raises(ConnectionError, match=f"{address}: the port cannot be opened on"):
            wait_for_machines((address,), 0)


def test_a_machine_whose_name_is_not_known_is_not_there():
    assert not machines._is_open("no-such-machine.invalid:12345")


def test_ipv6_addresses_stand_in_brackets():
    assert machines._split_address("[::1]:12345") == ("::1", 12345)
