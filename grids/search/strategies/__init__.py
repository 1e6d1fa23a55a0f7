"""Strategies of the search, one module each with `plan(similarity, measured, settings)`."""
