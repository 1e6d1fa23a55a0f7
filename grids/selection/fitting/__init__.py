"""How the choice is fitted and judged, on photographs under known degradations."""
