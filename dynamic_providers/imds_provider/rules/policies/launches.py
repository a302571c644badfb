"""What a resource launches from, and whether that requires tokens.

A template or configuration that is not in the stack is not known, and unknown never counts as compliant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..options import HTTP_TOKENS
from ..validation import quote
from .resources import CONFIGURATION, TEMPLATE, UNKNOWN, DeclaredResource

_TEMPLATE = "launchTemplate"
_CONFIGURATION = "launchConfiguration"
_MIXED = "mixedInstancesPolicy"
_SPECIFICATION = "launchTemplateSpecification"
_LATEST = "$Latest"
_DEFAULT = "$Default"


@dataclass(frozen=True)
class LaunchReference:
    """A reference to what a resource launches from: where it stands, IDs and names, and a version."""

    key: str
    type: str
    names: tuple[object, ...]
    version: object = None

    def __str__(self) -> str:
        what = "launch template" if self.type == TEMPLATE else "launch configuration"
        known = [str(each) for each in self.names if each is not None and each is not UNKNOWN]
        return f"{what} {known[0]}" if known else f"a {what}"


def launch_references(launching: DeclaredResource) -> Iterator[LaunchReference]:
    """All that a group or instance launches from."""
    properties = launching.properties
    if (name := properties.get(_CONFIGURATION)) not in (None, ""):
        yield LaunchReference(_CONFIGURATION, CONFIGURATION, (name,))
    if (template := properties.get(_TEMPLATE)) is not None:
        yield _template(_TEMPLATE, template, "id", "name")
    if (mixed := properties.get(_MIXED)) is not None:
        for specification in _specifications(mixed):
            yield _template(_MIXED, specification, "launchTemplateId", "launchTemplateName")


def launch_problems(
    launching: DeclaredResource, reference: LaunchReference, resources: Sequence[DeclaredResource]
) -> Iterator[str]:
    """Why the resource may launch without required tokens from what it refers to."""
    found = [each for each in resources if each.type == reference.type and _is_named(each, reference)]
    if not found and UNKNOWN in reference.names:
        sources = launching.dependencies.get(reference.key, ())
        found = [each for each in resources if each.type == reference.type and each.urn in sources]
    if not found:
        yield (
            f"{launching} launches from {reference}, which is not in this stack, so its options are not known: launch "
            "from one of this stack that requires tokens, or configure an exception with the reason."
        )
    for source in found:
        if source.option(HTTP_TOKENS) != "required":
            yield (
                f'{launching} launches from {source}, which does not require tokens: set http_tokens="required" in the '
                "metadata_options of that, or call launch_defaults() before the first resource."
            )
        elif other := _other_version(source, reference.version):
            yield (
                f"{launching} launches from version {other} of {source}, which is not the version that this stack "
                'describes: use its latest_version, or "$Latest".'
            )


def _is_named(source: DeclaredResource, reference: LaunchReference) -> bool:
    own = (source.aws_id if source.type == TEMPLATE else None, source.properties.get("name"))
    return any(isinstance(each, str) and each != "" and each in own for each in reference.names)


def _other_version(template: DeclaredResource, version: object) -> str:
    """The version that is launched, if that is known to be another than what the stack describes."""
    if template.type != TEMPLATE or version is UNKNOWN or version == _LATEST:
        return ""
    latest, default = template.properties.get("latestVersion"), template.properties.get("defaultVersion")
    if version in (None, "", _DEFAULT):
        # A new template is its own default. Without updateDefaultVersion, the next version is not.
        if template.properties.get("updateDefaultVersion") is True or not isinstance(default, int | float):
            return ""
        return "" if default == latest else quote(default)
    return "" if not isinstance(latest, int | float) or str(version) == quote(latest) else str(version)


def _specifications(mixed: object) -> Iterator[object]:
    template = mixed.get(_TEMPLATE) if isinstance(mixed, Mapping) else mixed
    if not isinstance(template, Mapping):
        yield template
        return
    yield template.get(_SPECIFICATION)
    overrides = template.get("overrides")
    for override in overrides if isinstance(overrides, list | tuple) else ():
        if isinstance(override, Mapping) and (own := override.get(_SPECIFICATION)) is not None:
            yield own


def _template(key: str, given: object, *names: str) -> LaunchReference:
    if not isinstance(given, Mapping):
        return LaunchReference(key, TEMPLATE, (UNKNOWN,), UNKNOWN)
    return LaunchReference(key, TEMPLATE, tuple(given.get(name) for name in names), given.get("version"))
