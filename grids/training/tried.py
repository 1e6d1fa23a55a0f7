"""Whether procedures fit their networks and degradations, found out before any job.

`python -m grids.training.tried JSON` builds each without memory for its weights, and prints the
first that does not fit: the workflow asks it, which does not load torch itself.
"""

import json
import sys

import torch

from grids.base.errors import InputError
from grids.models import restorers
from grids.models.released import Undrawn
from grids.training.procedure import Task, build


def main(arguments: str) -> None:
    """Tries `[[backbone, sizes, procedure, options, task], …]`, each task as fields of `Task`.

    Ends with the first that raises an InputError, with its line.
    """
    for backbone, sizes, name, options, task in json.loads(arguments):
        with torch.device("meta"), Undrawn():
            network = restorers.build(backbone, sizes)
            try:
                build(name, network, Task(say=lambda line: None, **task), options)
            except InputError as error:
                sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1])
