"""What is said to the user when a file cannot be opened or saved."""


class FileError(ValueError):
    """A file that cannot be read or written; the message is one sentence for the user."""
