# Descriptors: whose features a job measures, and with which weights.


def descriptor_weights():
    """Input: the super-resolver's weights where they are made here, `config["weights"]`."""
    return [config["weights"]] if SETTINGS.descriptor.weights == "trained" else []


def descriptor_digest(network="srresnet"):
    """Parameter: content of a descriptor's weights, where it has some that are not made here."""
    weights = SETTINGS.descriptor.weights_of(network)
    if weights in ("trained", ""):
        return weights
    return file_digest(SETTINGS.descriptor.path_of(network))


def described_with(wildcards):
    """Parameter: the network of a job's features, that of the similarity by default."""
    network = getattr(wildcards, "descriptor", SETTINGS.descriptor.network)
    if network not in SETTINGS.descriptor.networks():
        raise WorkflowError(
            f"{network} is no descriptor of the configuration (descriptor.network and"
            f" descriptor.compared): {', '.join(SETTINGS.descriptor.networks())}"
        )
    return network


def describing_weights(wildcards):
    """Input: weights of a job's descriptor where they are made here."""
    network = described_with(wildcards)
    made_here = SETTINGS.descriptor.weights_of(network) == "trained"
    return [config["descriptors"][network]] if made_here else []
