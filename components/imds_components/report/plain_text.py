"""Text that others wrote, such as tags and errors, made fit to stand in a line. Pure."""

from __future__ import annotations


def one_line(text: str, most: int | None = None) -> str:
    """The text on one line, without control characters and those that turn its direction.

    ``most`` is how many characters of it are kept; an ellipsis stands for the others.
    """
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return line if most is None or len(line) <= most else f"{line[: most - 1]}…"
