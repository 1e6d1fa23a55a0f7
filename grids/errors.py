"""The one exception for mistakes that a user can mend."""


class InputError(ValueError):
    """Bad configuration, file or value: one line that says what is wrong and what is right."""
