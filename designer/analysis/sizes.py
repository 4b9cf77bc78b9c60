"""Sizes in memory, for people."""


def memory(size: int) -> str:
    """Write a number of bytes with three digits."""
    if size < 1024:
        return f"{size} B"
    units = ("KiB", "MiB", "GiB", "TiB")
    step = next((n for n in range(len(units)) if size / 1024 ** (n + 1) < 999.5), len(units) - 1)
    number = size / 1024 ** (step + 1)
    return f"{number:.{max(0, 3 - len(str(int(number))))}f} {units[step]}"
