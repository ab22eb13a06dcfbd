"""The base of all errors that a person is meant to read."""


class UserError(Exception):
    """Something that the operator can mend: one line that says what happened and what to do.

    The command line prints it and exits with 1; there is no traceback.
    """
