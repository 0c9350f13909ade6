"""The one exception that is shown to people without a traceback."""


class UserError(Exception):
    """Tells the user what was found, where, what was expected and what to do; the command exits with code 2."""
