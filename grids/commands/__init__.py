"""The subcommands of `grids`, one module each."""
