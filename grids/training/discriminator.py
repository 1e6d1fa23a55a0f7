"""The discriminator of Real-ESRGAN: a U-Net with spectral normalisation (Wang et al., 2021)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2
FIRST_ITERATIONS = 15
"""Of the power method, at the start: it goes on from step to step."""


class UNetDiscriminator(nn.Module):
    """How real each pixel looks: (batch, 3, height, width) in [0, 1] → (batch, 1, height, width).

    Logits. With 64 features 4,376,897 parameters, and the names of BasicSR's.

    Args:
        features: channels at full size; each of three reductions doubles them.
    """

    def __init__(self, features: int):
        super().__init__()
        self.conv0 = nn.Conv2d(3, features, 3, padding=1)
        self.conv1 = NormalisedConvolution(features, 2 * features, 4, stride=2)
        self.conv2 = NormalisedConvolution(2 * features, 4 * features, 4, stride=2)
        self.conv3 = NormalisedConvolution(4 * features, 8 * features, 4, stride=2)
        self.conv4 = NormalisedConvolution(8 * features, 4 * features, 3)
        self.conv5 = NormalisedConvolution(4 * features, 2 * features, 3)
        self.conv6 = NormalisedConvolution(2 * features, features, 3)
        self.conv7 = NormalisedConvolution(features, features, 3)
        self.conv8 = NormalisedConvolution(features, features, 3)
        self.conv9 = nn.Conv2d(features, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        sizes = [x := F.leaky_relu(self.conv0(x), SLOPE)]
        for reduced in (self.conv1, self.conv2, self.conv3):
            sizes.append(x := F.leaky_relu(reduced(x), SLOPE))
        for enlarged, beside in zip(
            (self.conv4, self.conv5, self.conv6), reversed(sizes[:-1]), strict=True
        ):
            # By a factor of 2 where the sides are multiples of 8.
            x = F.interpolate(x, beside.shape[-2:], mode="bilinear", align_corners=False)
            x = F.leaky_relu(enlarged(x), SLOPE) + beside
        for convolution in (self.conv7, self.conv8):
            x = F.leaky_relu(convolution(x), SLOPE)
        logits: Tensor = self.conv9(x)
        return logits

    def iterate(self) -> None:
        """One step of the power method for each layer, as weights change from step to step."""
        for module in self.modules():
            if isinstance(module, NormalisedConvolution):
                module.iterate()


class NormalisedConvolution(nn.Conv2d):
    """A convolution without bias over its spectral norm, that of the matrix (outputs, the rest).

    The norm is the length of the product with a vector of length 1, `u`, which the power method
    brings to the matrix's first left singular vector (Miyato et al., 2018). The vector is part of
    the state, and stays as it is in a forward pass: so passes of a step agree, in however many
    parts and processes.
    """

    u: Tensor

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1):
        super().__init__(inputs, outputs, kernel, stride, padding=1, bias=False)
        self.register_buffer("u", F.normalize(torch.randn(outputs), dim=0))
        for _ in range(FIRST_ITERATIONS):
            self.iterate()

    def forward(self, x: Tensor) -> Tensor:
        # Autocast would take a product of matrices in half precision.
        product = (self.u[:, None] * self.weight.flatten(1)).sum(0)
        return F.conv2d(x, self.weight / product.norm(), None, self.stride, self.padding)

    @torch.no_grad()
    def iterate(self) -> None:
        """One step of the power method."""
        matrix = self.weight.flatten(1)
        right = F.normalize(self.u @ matrix, dim=0)
        self.u.copy_(F.normalize(matrix @ right, dim=0))
