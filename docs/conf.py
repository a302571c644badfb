"""Sphinx builds the pages of this repository and an API reference from the docstrings: `make docs`.

The source directory is the repository's root, so links between pages work as they do on a Git host, and are checked.
"""

import shutil
from importlib.metadata import version as version_of
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

project = "pulumi-imds"
copyright = "the pulumi-imds authors"  # noqa: A001  Sphinx's own name
version = release = version_of(project)

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinxcontrib.mermaid"]
root_doc = "docs/index"
include_patterns = [
    "*.md",
    "docs/**",
    "examples/README.md",
    "examples/*/README.md",
    "policy/README.md",
    "tests/README.md",
    "tests/*/README.md",
]

myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]

autoclass_content = "both"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 100

html_theme = "furo"
html_title = f"{project} {release}"


def unlink_folders(app: Sphinx, doctree: nodes.document) -> None:
    """Keep the text of links to folders: a Git host shows them, but there is no page to link to here."""
    here = Path(app.srcdir, app.env.docname).parent
    for link in list(doctree.findall(pending_xref)):
        if link.get("reftype") == "myst" and (here / link["reftarget"]).is_dir():
            link.replace_self(link.children)


def copy_pictures(app: Sphinx, error: Exception | None) -> None:
    """Copy the pictures that pages name in HTML, for a theme each, of which Sphinx does not know."""
    if error is None and app.builder.format == "html":
        for picture in Path(app.srcdir, "docs").glob("report-*.png"):
            shutil.copy(picture, Path(app.outdir, "docs"))


def setup(app: Sphinx) -> None:
    """Register both."""
    app.connect("doctree-read", unlink_folders)
    app.connect("build-finished", copy_pictures)
