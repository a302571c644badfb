"""Write ``docs/imds.schema.json``, the JSON Schema of a stack file: ``python -m tools.config_schema``."""

from __future__ import annotations

import json

from imds_components.stack_config import KEYS, NAMESPACE
from tools.sandbox import ROOT

SCHEMA_FILE = ROOT / "docs" / "imds.schema.json"


def stack_file_schema() -> dict[str, object]:
    """The schema of ``Pulumi.<stack>.yaml``. It knows the keys of ``imds:``, and allows any others."""
    names = "|".join(key.name for key in KEYS)
    config = {
        "type": "object",
        "properties": {f"{NAMESPACE}:{key.name}": key.schema for key in KEYS},
        "patternProperties": {f"^{NAMESPACE}:(?!(?:{names})$)": False},
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A stack file of the Pulumi project imds",
        "type": "object",
        "properties": {"config": config},
    }


if __name__ == "__main__":
    SCHEMA_FILE.write_text(json.dumps(stack_file_schema(), indent=2) + "\n", encoding="utf-8")
