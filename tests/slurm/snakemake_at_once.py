"""Snakemake that asks for its jobs every second.

The executor asks more and more seldom, up to every three minutes, and offers no other limit.
"""

import asyncio
import sys

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor


async def sleep(_executor):
    await asyncio.sleep(1)


RemoteExecutor.sleep = sleep
sys.exit(main())
