"""`grids page`: photographs judged and restored on a page of the browser, by this machine alone."""
