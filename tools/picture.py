"""`python -m tools.picture`: render docs/preview.svg, the README's picture, from a preview of the stack `local`."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import re
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.text import Text

from localcloud.client import LocalCloud
from tools.demo.fleet import FLEET, PORT
from tools.sandbox import ROOT, environment

PICTURE = ROOT / "docs" / "preview.svg"
COMMAND = "pulumi preview --stack local --suppress-outputs"
COLUMNS = 142
_REPAINT = re.compile(r"\x1b\[\d+A")
_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>What pulumi preview prints for the instances of the demo</title>
<style>
.{unique_id}-matrix, .{unique_id}-title {{
font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
font-size: {char_height}px; line-height: {line_height}px
}}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""
"""In place of rich's own template, which loads fonts from the internet."""


def main() -> int:
    """Run the preview against the instances of the demo, and write its last screen as SVG."""
    with (
        tempfile.TemporaryDirectory(prefix="pulumi-imds-picture-") as home,
        LocalCloud.start(f"--port={PORT}", seed=FLEET),
    ):
        variables = {**environment(Path(home)), "TERM": "xterm-256color"}
        in_terminal("pulumi stack init local", variables)
        screen = _REPAINT.split(in_terminal(COMMAND, variables))[-1]
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(f"$ {COMMAND}\n{screen}".rstrip()))
    svg = console.export_svg(title="pulumi preview", code_format=_SVG, unique_id="preview")
    PICTURE.write_text(svg, "utf-8")
    print(f"wrote {PICTURE.relative_to(ROOT)}")
    return 0


def in_terminal(command: str, variables: Mapping[str, str]) -> str:
    """Run the command in a terminal of its own, in which Pulumi draws its tree and colors, and return the output."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", len(FLEET) * 5, COLUMNS, 0, 0))
    output = bytearray()
    with subprocess.Popen(
        command.split(), cwd=ROOT, env=variables, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        with contextlib.suppress(OSError):  # the other end was closed
            while chunk := os.read(ours, 65536):
                output += chunk
        os.close(ours)
    if process.returncode:
        raise SystemExit(f"error: `{command}` failed:\n{output.decode()}")
    return output.decode().replace("\r\n", "\n")


if __name__ == "__main__":
    sys.exit(main())
