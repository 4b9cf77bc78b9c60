"""What is said to the user when a file cannot be opened or saved."""

from designer.model.names import plain


class FileError(ValueError):
    """A file that cannot be read or written; the message is one sentence for the user."""

    def __init__(self, sentence: str):
        super().__init__(plain(sentence))  # names of files may hold line breaks, and signs that turn a line around
