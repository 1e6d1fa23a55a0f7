# What scripts read from the configuration instead of from parameters, and files by their paths where
# parameters have their content.


def descriptor_file(network):
    """Weights of a descriptor, made here or not; a folder's name where it has none."""
    trained = {"srresnet": places.DESCRIPTOR, "vgg": places.VGG}
    if SETTINGS.descriptor.weights_of(network) == "trained":
        return str(Path(SETTINGS.results, trained[network]))
    return str(SETTINGS.descriptor.path_of(network))


# How to compute (device, checkpoints): a change of it must make nothing run again.
config["execution"] = SETTINGS.how()
config["results"] = SETTINGS.results
config["sources"] = {
    name: [str(path) for path in paths] for name, paths in PHOTOGRAPHS.items()
} | SETTINGS.images.sources()
# Weights and tables that are not made here count by their content, which parameters have: as inputs
# they would count by their place and their time too.
config["weights"] = descriptor_file("srresnet")
config["descriptors"] = {
    name: descriptor_file(name) for name in SETTINGS.descriptor.networks()
}
config["start"] = SETTINGS.training.begins_with()
config["networks"] = {name: SETTINGS.network(name) for name in SETTINGS.backbones}
config["procedure_files"] = {
    name: SETTINGS.procedure_files(SETTINGS.procedure(name))
    for name in SETTINGS.backbones
}
config["released"] = {
    name: given.model_dump() for name, given in SETTINGS.released().items()
}
config["measurements"] = str(SETTINGS.search.measured_elsewhere())
config["roots"] = {
    name: str(reading.root_of(paths)) for name, paths in PHOTOGRAPHS.items()
}

# As with execution: whether a failure is declared an answer must train nothing again.
config["failures"] = {
    "recorded": SETTINGS.search.failed == "infeasible",
    "backbone": SETTINGS.search.backbone,
    "references": SINGLES if BOUNDED and not MIX_FIRST else [*SINGLES, MIX],
}

# That a training measures affinities must train nothing again either.
config["measured"] = {
    "of": (
        {"backbone": SETTINGS.search.backbone, "group": MIX}
        if SETTINGS.asks_for_affinities()
        else {}
    ),
    "how": {
        "every": SETTINGS.search.affinity_every,
        "code": fingerprints.fingerprint(
            fingerprints.PACKAGE / "training" / "affinity.py"
        ),
    },
}
