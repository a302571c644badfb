"""`make dist`: build the wheel and the source distribution of the last commit into `dist/`, and check both."""

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.engine.processes import SetUpError, run

ROOT = Path(__file__).resolve().parent.parent
_SECONDS = 120.0


def main() -> int:
    """Build and check; the exit code says whether the files can be uploaded."""
    try:
        refuse_uncommitted(ROOT)
        target = ROOT / "dist"
        shutil.rmtree(target, ignore_errors=True)
        with tempfile.TemporaryDirectory() as folder:
            files = build(_committed_tree(Path(folder)), target, epoch=_git("log", "-1", "--format=%ct").strip())
        check(files)
    except SetUpError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print("\n".join(os.path.relpath(file, ROOT) for file in files))
    return 0


def refuse_uncommitted(repository: Path) -> None:
    """Check that what is built has a commit that says what it is.

    Raises:
        SetUpError: files were changed or added since the last commit.
    """
    changed = _git("status", "--porcelain", repository=repository).splitlines()
    if changed:
        files = ", ".join(line[3:] for line in changed)
        raise SetUpError(f"these changes are in no commit: {files}; commit or stash them, then retry")


def build(tree: Path, target: Path, *, epoch: str) -> list[Path]:
    """Build the source distribution and the wheel of `tree` into `target`. The same tree gives the same bytes.

    Args:
        tree: the root of the project.
        target: a folder, which is created if it is missing.
        epoch: the time of all files in them, in seconds since 1970.

    Raises:
        SetUpError: hatchling failed.
    """
    environment = {**os.environ, "SOURCE_DATE_EPOCH": epoch}
    _python("-m", "hatchling", "build", "--directory", str(target), cwd=tree, env=environment)
    return sorted(target.iterdir())


def check(files: Sequence[Path]) -> None:
    """Check what an index would refuse, and what should not be in a wheel.

    Raises:
        SetUpError: a check failed.
    """
    _python("-m", "twine", "--no-color", "check", "--strict", *map(str, files), cwd=ROOT)
    wheels = [str(file) for file in files if file.suffix == ".whl"]
    _python("-m", "check_wheel_contents", *wheels, cwd=ROOT)  # reads its settings from pyproject.toml


def _committed_tree(folder: Path) -> Path:
    archive = folder / "tree.tar"
    _git("archive", "--format=tar", f"--output={archive}", "HEAD")
    tree = folder / "tree"
    tree.mkdir()
    run(["tar", "-xf", archive, "-C", tree], limit=_SECONDS)
    return tree


def _git(*arguments: str, repository: Path = ROOT) -> str:
    return run(["git", *arguments], limit=_SECONDS, cwd=repository)


def _python(*arguments: str, cwd: Path, env: dict[str, str] | None = None) -> None:
    run([sys.executable, *arguments], limit=_SECONDS, cwd=cwd, env=env)


if __name__ == "__main__":
    sys.exit(main())
