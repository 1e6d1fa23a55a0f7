# Image sets, by their content: their digests, indexes and stores.

# Fingerprint of the code that reads photographs; scripts read it from the configuration.
config["reading"] = code("store.py")(None)


@cache
def content_of(name):
    """Digest of what the pixels of an image set depend on, which names its index and its store.

    That is the content of the files, the part of them that is used, and the code that reads them.
    Files that were read before with the same inode, size and time of change are not read again.
    """
    if name not in PHOTOGRAPHS:
        known = ", ".join(PHOTOGRAPHS)
        raise WorkflowError(
            f"no image set {name!r} in the configuration; it has: {known}"
        )
    seen = checksums(
        PHOTOGRAPHS[name],
        places.found(Path(RESULTS), places.INDEX, images=name),
        records.MEMORY / "photographs",
    )
    return reading.content_digest(
        PHOTOGRAPHS[name],
        sets.columns(config["sources"][name], name),
        config["reading"],
        seen,
    )


def content(name=None):
    """Parameter: the content of an image set, that of the wildcard `test_set` by default."""
    return lambda wildcards: content_of(name or wildcards.test_set)


def index_of(name=None):
    """Input: index of an image set, that of the wildcard `test_set` by default.

    A name holds for one content: the time of the file says nothing.
    """
    return lambda wildcards: named_by_content(places.INDEX, name, wildcards)


def store_of(name=None):
    """Input: pixels of an image set, as for its index."""
    return lambda wildcards: named_by_content(places.STORE, name, wildcards)


def named_by_content(place, name, wildcards):
    if workflow.is_main_process:
        before_deciding()
    images = name or wildcards.test_set
    return ancient(whole(at(place, images=images, content=content_of(images))))


def whole(path):
    """A file that appears at once and whose name says what it holds, so that it counts if it is there.

    An interruption just after it appeared leaves it marked as incomplete. Snakemake would make it
    again, take all that needs it for finished meanwhile, since it is `ancient` to that, and end well
    with nothing else done.
    """
    if workflow.is_main_process and Path(path).exists():
        workflow.persistence._unmark_incomplete(path)
    return path


def set_of_pairs(name, use):
    """The image set of a degradation's pairs for a use: `training`, `evaluation` or `pies`."""
    return pair_set(name, {"training": "train", "evaluation": "test"}.get(use, use))


def pairs_of(use, of=members):
    """Input: index and store of each degradation of a job that is given as pairs."""

    def files(wildcards):
        names = [set_of_pairs(name, use) for name in of(wildcards) if name in PAIRED]
        return [
            file(name)(wildcards) for name in names for file in (index_of, store_of)
        ]

    return files
