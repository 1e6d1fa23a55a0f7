"""Operators; a module each, with `PARAMETERS`, `SEVERITIES` and a function `degrade`.

`PARAMETERS` declares the parameters (see `grids.degrading.parameters`); `SEVERITIES` lists values
for the study of severity, from mild to strong.

`degrade(images, draws, generators)` takes images (B, 3, h, w) in [0, 1], for each image the number
drawn for each parameter, and a torch generator for what is random in its pixels. What it returns
need not be clipped or rounded, or is of type uint8, on 0 … 255. An image's result must not depend
on the others of the batch.
"""
