"""Read the dynamic resources of an exported state with the Python that runs this, and check and diff each.

The argument is the file; the result is JSON on stdout. `grpc` is compiled for one version of Python and is not needed
here, so a stand-in takes its place.
"""

from __future__ import annotations

import base64
import json
import sys
import types
from pathlib import Path
from typing import Any


class _StandIn(types.ModuleType):
    __path__: list[str] = []  # noqa: RUF012  a module's own
    __version__ = "999"

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever is asked for
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def _stand_in_for_grpc() -> None:
    for name in ("grpc", "grpc.aio", "grpc.experimental", "grpc._utilities"):
        sys.modules[name] = _StandIn(name)
    sys.modules["grpc._utilities"].first_version_is_lower = lambda _one, _other: False  # type: ignore[attr-defined]  # the generated stubs ask whether grpc is too old for them


def main(file: Path) -> None:
    import dill  # type: ignore[import-untyped]  # it has no types  # noqa: PLC0415  all of these after the stand-in
    from pulumi.dynamic import Config, ConfigureRequest  # noqa: PLC0415
    from pulumi.dynamic.dynamic import PROVIDER_KEY, serialize_provider  # noqa: PLC0415

    found = {}
    for resource in json.loads(file.read_text())["deployment"]["resources"]:
        if not resource["type"].startswith("pulumi-python:dynamic"):
            continue
        inputs, outputs = ({**resource[side]} for side in ("inputs", "outputs"))
        provider = dill.loads(base64.b64decode(inputs.pop(PROVIDER_KEY)))  # noqa: S301  a fixture of this repository
        outputs.pop(PROVIDER_KEY)
        provider.configure(ConfigureRequest(Config({"aws:region": "eu-west-1"}, "contract")))
        checked = provider.check(inputs, inputs)
        difference = provider.diff(resource["id"], outputs, checked.inputs)
        found[resource["urn"]] = {
            "provider": f"{type(provider).__module__}.{type(provider).__qualname__}",
            "written": serialize_provider(provider),
            "checked": checked.inputs,
            "failures": [f"{each.property}: {each.reason}" for each in checked.failures],
            "changes": difference.changes,
            "replaces": difference.replaces,
        }
    print(json.dumps(found))  # noqa: T201  the answer


if __name__ == "__main__":
    _stand_in_for_grpc()
    main(Path(sys.argv[1]))
