"""The export: all that is needed to restore photographs on another machine, in one folder."""
