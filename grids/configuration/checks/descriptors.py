"""Networks whose features are taken, and the laws that are fitted to them."""

from importlib.util import find_spec

from grids.base.errors import InputError
from grids.base.files import sha256
from grids.base.plugins import names_in, require_known
from grids.configuration.checks._shared import check_batch, check_warmup
from grids.configuration.settings import Descriptor, Settings


def check(settings: Settings) -> None:
    """Descriptors are there with what they need, and no law needs more patches than there are."""
    descriptor, vgg = settings.descriptor, settings.descriptor.vgg
    check_warmup("descriptor", descriptor.warmup, {"iterations": descriptor.iterations})
    check_warmup("descriptor.vgg", vgg.warmup, {"iterations": vgg.iterations})
    check_batch("descriptor", descriptor.batch, settings)
    check_batch("descriptor.vgg", vgg.batch, settings)
    if descriptor.weights != "trained" and not descriptor.path().is_file():
        raise InputError(
            f"descriptor.weights: {descriptor.weights}: no such file; "
            "write 'packaged', 'trained' or a path"
        )
    _check_networks(descriptor)
    if (largest := max(settings.ggd.counts, default=0)) > settings.pies.patches:
        raise InputError(
            f"ggd.counts: {largest} patches, but pies.patches is {settings.pies.patches}"
        )


def _check_networks(descriptor: Descriptor) -> None:
    """The networks whose features are taken are there, with what they need."""
    for key, names in (("network", [descriptor.network]), ("compared", descriptor.compared)):
        for name in names:
            require_known(name, names_in("descriptors"), f"descriptor.{key}")
    networks = descriptor.networks()
    if len(set(networks)) < len(networks):
        raise InputError(
            "descriptor.compared: a network stands there twice, or is descriptor.network"
        )
    if "sift" in networks and not find_spec("cv2"):
        raise InputError("descriptor: sift needs OpenCV; pip install 'grids[sift]'")
    if "vgg" not in networks:
        return
    vgg, path = descriptor.vgg, descriptor.path_of("vgg")
    if not vgg.weights:
        raise InputError(
            "descriptor.vgg.weights: vgg needs weights; write 'trained', or the path of "
            "torchvision's vgg19-dcbb9e9d.pth"
        )
    if vgg.weights == "trained":
        if vgg.sha256:
            raise InputError("descriptor.vgg.sha256: trained weights have none; remove it")
        return
    if not path.is_file():
        raise InputError(
            f"descriptor.vgg.weights: {vgg.weights}: no such file; write 'trained' or a path"
        )
    if vgg.sha256 and not (digest := sha256(path)).startswith(vgg.sha256):
        raise InputError(
            f"descriptor.vgg.sha256: {vgg.weights} has {digest[:16]}…, not {vgg.sha256}: it is "
            "another file"
        )
