"""NAFNet (Chen et al., Simple Baselines for Image Restoration, ECCV 2022), names as its weights'.

A U-Net whose blocks have no activation function: halves of the channels are multiplied with each
other, and channels are weighed by their means over the image. Every level has half the side and
twice the channels of the one before. The input is added to the output.

The means are those of the image as it comes, padding included. So the output of a tile is not that
part of the whole image's output, and an image much larger than the training patches is weighed by
means that no patch had. (The authors' GoPro and REDS models pool over windows of 1.5 × the training
side instead. That is not done here, and makes no difference up to 384 pixels a side.)

`shuffle: 2` is not the authors': the network then works on pixels of 2 × 2, at a quarter of the
cost a block, between a pixel unshuffle in front and a pixel shuffle behind. Sides that the strides
do not divide are mirrored then, and continued by zeros without it.
"""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from grids.backbones._naf import Block, Up
from grids.backbones._padding import on_multiple
from grids.base.errors import InputError

# Options whose lists may have another length than their defaults.
ANY_LENGTH = ["encoder", "decoder"]


def build(
    *,
    width: int = 32,
    encoder: Sequence[int] = [2, 2, 4, 8],
    middle: int = 12,
    decoder: Sequence[int] = [2, 2, 2, 2],
    shuffle: int = 1,
) -> nn.Module:
    """The restorer: (batch, 3, height, width) → the same shape, nominally in [0, 1].

    The defaults are the authors' for denoising (SIDD), 29,159,715 parameters. Theirs for deblurring
    (GoPro) have `encoder: [1, 1, 1, 28]`, `middle: 1`, `decoder: [1, 1, 1, 1]`: 17,111,907. With
    `width: 64` these are 115,982,915 and 67,888,835.

    Args:
        width: channels of the first level.
        encoder: blocks of each level on the way down, from the first.
        middle: blocks below the last level.
        decoder: blocks of each level on the way up, from the last.
        shuffle: side of the squares of pixels that become channels, 1 for none.

    Raises:
        InputError: encoder and decoder have different numbers of levels.
    """
    if len(encoder) != len(decoder):
        raise InputError(
            "backbones.nafnet: encoder and decoder need a number a level each, "
            f"got {list(encoder)} and {list(decoder)}"
        )
    return NAFNet(width, encoder, middle, decoder, shuffle)


class NAFNet(nn.Module):
    """See `build`, whose arguments these are."""

    def __init__(
        self, width: int, encoder: Sequence[int], middle: int, decoder: Sequence[int], shuffle: int
    ):
        super().__init__()

        def stage(channels: int, count: int) -> nn.Sequential:
            return nn.Sequential(*(Block(channels) for _ in range(count)))

        self.shuffle = shuffle
        self.multiple = shuffle * 2 ** len(encoder)
        # Channels of the levels and, last, below them.
        channels = [width << level for level in range(len(encoder) + 1)]
        seen = 3 * shuffle**2
        self.intro = nn.Conv2d(seen, width, 3, padding=1)
        self.ending = nn.Conv2d(width, seen, 3, padding=1)
        self.encoders = nn.ModuleList(map(stage, channels[:-1], encoder))
        self.decoders = nn.ModuleList(map(stage, channels[-2::-1], decoder))
        self.middle_blks = stage(channels[-1], middle)
        self.ups = nn.ModuleList(map(Up, channels[:0:-1]))
        self.downs = nn.ModuleList(nn.Conv2d(c, 2 * c, 2, stride=2) for c in channels[:-1])

    def forward(self, x: Tensor) -> Tensor:
        """Sides that `multiple` does not divide are continued at the right and lower edge.

        By zeros as the authors' are. With `shuffle` they are mirrored, since a few black lines
        change the means and with them the whole image.
        """
        mode = "constant" if self.shuffle == 1 else "reflect"
        return on_multiple(self._restored, x, self.multiple, mode)

    def _restored(self, x: Tensor) -> Tensor:
        y = self.intro(F.pixel_unshuffle(x, self.shuffle))
        skips = []
        for blocks, down in zip(self.encoders, self.downs, strict=True):
            skips.append(blocks(y))
            y = down(skips[-1])
        y = self.middle_blks(y)
        for blocks, up in zip(self.decoders, self.ups, strict=True):
            y = blocks(up(y) + skips.pop())
        return F.pixel_shuffle(self.ending(y), self.shuffle) + x
