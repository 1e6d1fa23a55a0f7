"""Tables and figures of a finished tree."""
