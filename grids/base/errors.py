"""Errors that end in one line for people; any other leaves its traceback."""


class InputError(ValueError):
    """Bad configuration, file or value: one line that says what is wrong and what is right."""


class NotFiniteError(ArithmeticError):
    """Numbers left what a computation can go on with: another try would meet the same."""
