"""What is said to the user when an edit makes no sense."""


class NetworkError(ValueError):
    """An edit that would make the network meaningless; the message is one sentence for the user."""
