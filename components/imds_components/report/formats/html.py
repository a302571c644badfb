"""A posture report as one HTML file, which loads nothing and sends nothing.

Its content security policy allows only the scripts and styles that this version ships, by their hashes. Jinja2 escapes
every value; the rows of the table travel as JSON, which :func:`json_for_html` keeps inside its element.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import TextIO

from jinja2 import Environment, PackageLoader, StrictUndefined

from ..page.bars import LABELS, MEANINGS
from ..page.sources import minute
from ..page.view import link, view_of
from ..posture import STATUSES, Instance, Record, as_json
from ..tally import Tally
from . import Context

STYLES = ("base.css", "summary.css", "table.css", "print.css")
EARLY_SCRIPTS = ("theme.js",)
"""They run before the page is drawn."""
SCRIPTS = ("rows.js", "state.js", "table.js", "copy.js", "main.js")

_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&"}


def write(records: Iterable[Record], tally: Tally, out: TextIO, context: Context) -> None:
    """Write the page. It holds all instances in memory."""
    instances = [record for record in records if isinstance(record, Instance)]
    environment = Environment(
        loader=PackageLoader("imds_components.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["minute"] = minute
    environment.filters["number"] = "{:,}".format
    environment.globals.update(link=link, labels=LABELS, meanings=MEANINGS)
    style, early, script = _joined(STYLES), _joined(EARLY_SCRIPTS), _joined(SCRIPTS)
    page = environment.get_template("page.html.j2")
    data = {
        "statuses": [[status, LABELS[status]] for status in STATUSES],
        "instances": [as_json(each) for each in instances],
    }
    out.writelines(
        page.generate(
            context=context,
            view=view_of(instances, tally, context.made_at.date()),
            policy=content_security_policy(scripts=[early, script], styles=[style]),
            style=style,
            early_script=early,
            script=script,
            data=json_for_html(data),
        )
    )


def json_for_html(value: object) -> str:
    """JSON that cannot end the element it stands in, nor begin a comment or another element.

    It is ASCII, so U+2028 and its like are escaped too.
    """
    return json.dumps(value, separators=(",", ":")).translate(_ESCAPES)


def content_security_policy(*, scripts: Iterable[str], styles: Iterable[str]) -> str:
    """A policy under which these scripts and styles run, and nothing else does or is loaded."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(map(_source, scripts))}",
            f"style-src {' '.join(map(_source, styles))}",
            "img-src data:",  # the icon, without which browsers ask the server for one
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",  # no string becomes HTML or script
            "trusted-types 'none'",
        ]
    )


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _joined(names: tuple[str, ...]) -> str:
    folder = files("imds_components.report") / "page"
    return "\n".join((folder / name).read_text("utf-8") for name in names)
