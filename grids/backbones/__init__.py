"""Networks that restore; one module a network, each with a function `build`."""
