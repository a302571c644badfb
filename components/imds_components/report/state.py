"""Read the records of a report from a stack's state, as `pulumi stack export` writes it. Pure.

Only what this project's resources record is read, whatever program they belong to, and the states of all releases can
be. Values that are encrypted are not known; nothing is decrypted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from imds_provider.errors import ImdsError
from imds_provider.rules.validation import quote

_SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105  the key of every special value in a state
_STACK_TYPE = "pulumi:pulumi:Stack"

Properties = Mapping[str, object]


class NotAStateError(ImdsError):
    """What was read is not the state of a stack."""


@dataclass(frozen=True)
class Resource:
    """A resource of a state. ``is_read`` is one that the program only looks up (``opts.id``)."""

    urn: str
    type: str
    id: str
    parent: str
    inputs: Properties
    outputs: Properties
    is_read: bool

    @property
    def name(self) -> str:
        """Its logical name."""
        return name_of(self.urn)


@dataclass(frozen=True)
class State:
    """A state: its resources but those that wait for deletion, and the operations that an update has not completed."""

    resources: Sequence[Resource]
    pending: Sequence[str]
    written_at: datetime | None

    @classmethod
    def parse(cls, exported: object) -> State:
        """The state in what `pulumi stack export` writes, as JSON has it.

        Raises:
            NotAStateError: it is something else.
        """
        deployment = mapping(exported).get("deployment", exported) if isinstance(exported, Mapping) else None
        manifest = mapping(deployment).get("manifest")
        if not isinstance(manifest, Mapping):
            raise NotAStateError(f"this is not what `pulumi stack export` writes: {quote(exported)}")
        return cls(
            [
                _resource(each)
                for each in map(mapping, sequence(mapping(deployment).get("resources")))
                if not each.get("delete")
            ],
            [
                f"{each.get('type')} {name_of(text(mapping(each.get('resource')).get('urn')))}"
                for each in map(mapping, sequence(mapping(deployment).get("pending_operations")))
            ],
            parse_time(manifest.get("time")),
        )

    @property
    def stack(self) -> str:
        """The name of the stack, "" where the state has no resource."""
        # urn:pulumi:<stack>::<project>::<types>::<name>
        return next((each.urn.split("::")[0].rpartition(":")[2] for each in self.resources), "")

    def of_type(self, token: str) -> Iterator[Resource]:
        return (each for each in self.resources if each.type == token)

    def component_of(self, resource: Resource) -> str:
        """The name of the component that a resource belongs to, "" without one."""
        parent = self._by_urn.get(resource.parent)
        return parent.name if parent and parent.type != _STACK_TYPE else ""

    @cached_property
    def _by_urn(self) -> Mapping[str, Resource]:
        return {each.urn: each for each in self.resources}


def mapping(value: object) -> Properties:
    """The value if it is an object, else an empty one. Of an encrypted value, nothing is known by its keys."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> Sequence[object]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def text(value: object) -> str:
    """The value if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def is_secret(value: object) -> bool:
    """Whether a value is encrypted, or was and is shown by ``--show-secrets``."""
    return isinstance(value, Mapping) and _SECRET in value


def parse_time(value: object) -> datetime | None:
    """A time as Pulumi writes it, with up to nine decimals, which Python 3.10 cannot read."""
    whole = text(value).partition(".")[0].removesuffix("Z")
    try:
        return datetime.fromisoformat(f"{whole}+00:00") if len(whole) == len("2026-01-01T00:00:00") else None
    except ValueError:
        return None


def name_of(urn: str) -> str:
    """The logical name in a URN. Names may hold colons, types do not."""
    return "::".join(urn.split("::")[3:])


def _resource(found: Properties) -> Resource:
    return Resource(
        urn=text(found.get("urn")),
        type=text(found.get("type")),
        id=text(found.get("id")),
        parent=text(found.get("parent")),
        inputs=mapping(found.get("inputs")),
        outputs=mapping(found.get("outputs")),
        is_read=found.get("external") is True,
    )
