"""How much memory is free: on the machine, or as a container or a cluster job limits it."""

import os
from pathlib import Path

import torch

MEMINFO = Path("/proc/meminfo")
OWN_GROUPS = Path("/proc/self/cgroup")
GROUPS = Path("/sys/fs/cgroup")


def free(device: torch.device) -> int:
    """Bytes that can still be allocated on `device`."""
    if device.type == "cuda":
        outside = torch.cuda.mem_get_info(device)[0]
        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return outside + cached
    return min(_free_of_machine(), *_free_of_groups())


def _free_of_machine() -> int:
    if not MEMINFO.exists():
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    line = next(x for x in MEMINFO.read_text().splitlines() if x.startswith("MemAvailable:"))
    return 1024 * int(line.split()[1])


def _free_of_groups() -> list[int]:
    """What the control groups (version 2) of this process leave, infinity for none."""
    left = [2**63]
    if OWN_GROUPS.exists():
        for line in OWN_GROUPS.read_text().splitlines():
            number, _, name = line.partition("::")
            if number == "0":
                group = GROUPS / name.lstrip("/")
                left += [_free_of_group(g) for g in (group, *group.parents) if _limited(g)]
    return left


def _limited(group: Path) -> bool:
    limit = group / "memory.max"
    return limit.exists() and limit.read_text().strip() != "max"


def _free_of_group(group: Path) -> int:
    used = int((group / "memory.current").read_text())
    pages = dict(x.split() for x in (group / "memory.stat").read_text().splitlines())
    # The cache of files counts as used, but makes room.
    return int((group / "memory.max").read_text()) - used + int(pages.get("inactive_file", 0))
