"""How much memory is free for processes."""

from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")
"""Limits of a container (cgroup v2)."""


def read_available_bytes() -> int | None:
    """Return the memory that processes can still take; None where the system does not say."""
    amounts = [_read_available(_MEMINFO), _read_left_in_container(_CGROUP)]
    return min((amount for amount in amounts if amount is not None), default=None)


def _read_available(meminfo: Path) -> int | None:
    if not meminfo.is_file():
        return None
    lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
    return 1024 * int(lines["MemAvailable"].split()[0]) if "MemAvailable" in lines else None


def _read_left_in_container(cgroup: Path) -> int | None:
    limit, used = cgroup / "memory.max", cgroup / "memory.current"
    if not (limit.is_file() and used.is_file()) or limit.read_text().strip() == "max":
        return None
    return max(0, int(limit.read_text()) - int(used.read_text()))
