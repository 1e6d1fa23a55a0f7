"""How much memory is free: on the machine, or as a container or a cluster job limits it."""

import os
from pathlib import Path

MEMINFO = Path("/proc/meminfo")
OWN_GROUPS = Path("/proc/self/cgroup")
GROUPS = Path("/sys/fs/cgroup")

# Of a control group: the files of its limit and of what it uses, and what counts the files' cache.
VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
VERSION_2 = ("memory.max", "memory.current", "inactive_file")


def free() -> int:
    """Bytes that can still be allocated."""
    return min(_free_of_machine(), *_free_of_groups())


def _free_of_machine() -> int:
    if not MEMINFO.exists():
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    line = next(x for x in MEMINFO.read_text().splitlines() if x.startswith("MemAvailable:"))
    return 1024 * int(line.split()[1])


def _free_of_groups() -> list[int]:
    """What the control groups of this process leave, infinity for none."""
    left = [2**63]
    if OWN_GROUPS.exists():
        for line in OWN_GROUPS.read_text().splitlines():
            _, controllers, name = line.split(":", 2)
            if not controllers:
                group, files = GROUPS / name.lstrip("/"), VERSION_2
            elif "memory" in controllers.split(","):
                group, files = GROUPS / "memory" / name.lstrip("/"), VERSION_1
            else:
                continue
            limited = (g for g in (group, *group.parents) if _limited(g, files[0]))
            left += [_free_of_group(g, *files) for g in limited]
    return left


def _limited(group: Path, limit: str) -> bool:
    return (group / limit).exists() and (group / limit).read_text().strip() != "max"


def _free_of_group(group: Path, limit: str, used: str, cache: str) -> int:
    pages = dict(x.split() for x in (group / "memory.stat").read_text().splitlines())
    # The cache of files counts as used, but makes room.
    room = int((group / limit).read_text()) - int((group / used).read_text())
    return room + int(pages.get(cache, 0))
