"""What hatchling computes for the package's metadata: the URLs, and a long description that stands by itself.

The repository's address stands once, beside `[tool.hatch.metadata.hooks.custom]` in `pyproject.toml`.
"""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_CODE_OR_LINK = re.compile(
    r"^```.*?^```|`[^`\n]*`(?!\])"
    r"|(?P<image>!?)\[(?P<text>[^\[\]]*)\]\((?!https?://|#)(?P<target>[^)\s]+)\)"
    r'|(?P<source>\b(?:src|srcset)=")(?!https?://)(?P<file>[^"\s]+)',
    re.MULTILINE | re.DOTALL,
)


class RepositoryLinks(MetadataHookInterface):
    """Fills `urls` and `readme` in."""

    def update(self, metadata: dict[str, Any]) -> None:
        repository = self.config["repository"]
        # Links of a release lead to the files of that release.
        tag = f"v{metadata['version']}"
        metadata["urls"] = {
            "Repository": repository,
            "Documentation": f"{repository}/tree/{tag}/docs",
            "Changelog": f"{repository}/blob/main/CHANGELOG.md",
            "Issues": f"{repository}/issues",
        }
        readme = Path(self.root, "README.md").read_text("utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": with_absolute_links(readme, f"{repository}/blob/{tag}", f"{repository}/raw/{tag}"),
        }


def with_absolute_links(markdown: str, pages: str, files: str) -> str:
    """The text with its links to files of the repository made absolute, since an index has none of these files.

    Args:
        markdown: a page at the root of the repository.
        pages: the address below which files are shown as pages, for links.
        files: the address below which files are served as they are, for images.
    """

    def absolute(found: re.Match[str]) -> str:
        image, text, target = found.group("image", "text", "target")
        if found["file"]:
            return f"{found['source']}{files}/{found['file']}"
        if target is None:
            return found.group()
        return f"{image}[{text}]({files if image else pages}/{target})"

    return _CODE_OR_LINK.sub(absolute, markdown)
