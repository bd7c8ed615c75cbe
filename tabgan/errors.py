"""The one exception a user's mistake raises."""


class TabganError(ValueError):
    """A mistake of the caller's, told in one line: what was expected, what came, and where.

    It is a ``ValueError``, so library users need no new name; commands print its text alone
    and exit with status 1.
    """
