"""Look up versions of launch templates: the default and latest of all at once, others by template.

Source: EC2 API reference, ``DescribeLaunchTemplateVersions``: version numbers take the ID or name of one template.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..errors import AwsError
from ..rules.launch_options import Image
from ..rules.launch_sources import Candidate
from ..rules.options import from_ec2
from .ec2 import Ec2
from .errors import DENIED_CODES
from .looked_up_once import LookedUpOnce
from .requests import Requests

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import LaunchTemplateVersionTypeDef

_PAGE_SIZE = 200
"""The most versions that DescribeLaunchTemplateVersions returns on one page."""
_PARAMETER = "resolve:"


def is_parameter(image_id: str) -> bool:
    """Whether a template names its image by a parameter of Systems Manager, as in ``resolve:ssm:golden``."""
    return image_id.startswith(_PARAMETER)


@dataclass(frozen=True)
class Specification:
    """A version of a launch template as a group asks for it: ``$Default``, ``$Latest`` or a number."""

    template_id: str
    template_name: str
    version: str

    @property
    def key(self) -> str:
        """The template, by its ID where that is given."""
        return self.template_id or self.template_name

    @property
    def words(self) -> str:
        """``launch template web (lt-0123456789abcdef0)``."""
        return _words(self.template_id, self.template_name)


@dataclass(frozen=True)
class _Version:
    template_id: str
    template_name: str
    number: int
    is_default: bool
    candidate: Candidate


class LaunchTemplates:
    """The versions of launch templates in one account and region, each asked for once."""

    def __init__(self, ec2: Ec2, requests: Requests) -> None:
        self._ec2 = ec2
        self._requests = requests
        self._pinned: dict[tuple[str, int], _Version | str] = {}
        """By template ID and number, a version or why it is not known."""
        self._resolved: dict[str, Image] = {}
        """By launcher, the image that its parameter stands for."""
        self._versions: dict[str, _Version] = {}
        """By launcher."""

    @LookedUpOnce
    def _listed(self) -> dict[str, list[_Version]]:
        """The default and latest version of every template, by its ID and by its name."""
        found: defaultdict[str, list[_Version]] = defaultdict(list)
        pages = self._ec2.client.get_paginator("describe_launch_template_versions").paginate(
            Versions=["$Default", "$Latest"], PaginationConfig={"PageSize": _PAGE_SIZE}
        )
        for page in self._requests.pages(pages, "DescribeLaunchTemplateVersions", "launch templates"):
            for given in page["LaunchTemplateVersions"]:
                version = _version(given)
                found[version.template_id].append(version)
                found[version.template_name].append(version)
        return dict(found)

    def require(self, specifications: Collection[Specification]) -> None:
        """Look up the pinned versions among these that are neither default nor latest: one call per template."""
        missing: defaultdict[str, set[int]] = defaultdict(set)
        for each in specifications:
            listed = self._listed.get(each.key, ())
            if listed and each.version.isdecimal() and int(each.version) not in {one.number for one in listed}:
                missing[listed[0].template_id].add(int(each.version))
        for template_id, numbers in missing.items():
            unseen = {each for each in numbers if (template_id, each) not in self._pinned}
            if unseen:
                self._look_up(template_id, sorted(unseen))

    def _look_up(self, template_id: str, numbers: list[int]) -> None:
        try:
            found = {each.number: each for each in self._describe(template_id, numbers)}
        except AwsError as error:
            if error.code in DENIED_CODES:
                raise
            if len(numbers) > 1:
                # EC2 answers for none of them when one does not exist.
                for each in numbers:
                    self._look_up(template_id, [each])
                return
            if not error.code.startswith("InvalidLaunchTemplate"):
                raise
            found = {}
        self._pinned.update({(template_id, each): found.get(each, "does not exist") for each in numbers})

    def _describe(self, template_id: str, numbers: Iterable[int], *, resolve: bool = False) -> list[_Version]:
        action = "DescribeLaunchTemplateVersions"
        with self._requests.translated(action, f"launch template {template_id}"):
            answer = self._ec2.client.describe_launch_template_versions(
                LaunchTemplateId=template_id,
                Versions=[str(each) for each in numbers],
                **({"ResolveAlias": True} if resolve else {}),  # type: ignore[arg-type]  # a flag of EC2
            )
        return [_version(each) for each in answer["LaunchTemplateVersions"]]

    def candidate(self, wanted: Specification) -> Candidate:
        """The version that a group asks for, which :meth:`require` has looked up."""
        found = self._find(wanted)
        if isinstance(found, str):
            words = wanted.words
            known = self._listed.get(wanted.key)
            return Candidate(f"{words} version {wanted.version}" if known else words, unknown=found)
        alias = f" ({wanted.version})" if wanted.version.startswith("$") else ""
        launcher = f"{found.candidate.launcher}{alias}"
        self._versions[launcher] = found
        return replace(found.candidate, launcher=launcher)

    def _find(self, wanted: Specification) -> _Version | str:
        listed = self._listed.get(wanted.key)
        if not listed:
            return "does not exist"
        if wanted.version == "$Latest":
            return max(listed, key=lambda each: each.number)
        for each in listed:
            if each.is_default if wanted.version == "$Default" else str(each.number) == wanted.version:
                return each
        number = int(wanted.version) if wanted.version.isdecimal() else -1
        return self._pinned.get((listed[0].template_id, number), "does not exist")

    def with_resolved_image(self, candidate: Candidate) -> Candidate:
        """The candidate with the image that its parameter stands for: one call per version with a parameter."""
        launcher, version = candidate.launcher, self._versions.get(candidate.launcher)
        image = candidate.image
        # The parameter of an override is not the version's, which EC2 would resolve.
        if image is None or not is_parameter(image.image_id) or version is None or version.candidate.image != image:
            return candidate
        if launcher not in self._resolved:
            self._resolved[launcher] = self._resolve(image, version.template_id, version.number)
        return replace(candidate, image=self._resolved[launcher])

    def _resolve(self, image: Image, template_id: str, number: int) -> Image:
        try:
            (found,) = self._describe(template_id, [number], resolve=True)
        except AwsError as error:
            needed = " Resolving the image needs ssm:GetParameters" if error.code in DENIED_CODES else ""
            return replace(image, unknown=f"{error}{needed}".rstrip("."))
        resolved = found.candidate.image
        if resolved is None or is_parameter(resolved.image_id):
            return replace(image, unknown="EC2 did not resolve it")
        return resolved

    def defaults_except(self, used: Collection[str]) -> list[Candidate]:
        """The default versions of the templates that are not among these IDs or names."""
        return [
            each.candidate
            for key, versions in self._listed.items()
            for each in versions
            if each.is_default and key == each.template_id and not {each.template_id, each.template_name} & set(used)
        ]


def _version(given: LaunchTemplateVersionTypeDef) -> _Version:
    data = given.get("LaunchTemplateData", {})
    template_id, name = given.get("LaunchTemplateId", ""), given.get("LaunchTemplateName", "")
    number = given.get("VersionNumber", 0)
    image_id = data.get("ImageId")
    return _Version(
        template_id,
        name,
        number,
        given.get("DefaultVersion", False),
        Candidate(
            f"{_words(template_id, name)} version {number}",
            from_ec2(data.get("MetadataOptions", {})),
            Image(image_id) if image_id else None,
        ),
    )


def _words(template_id: str, name: str) -> str:
    known = f"{name} ({template_id})" if name and template_id else name or template_id
    return f"launch template {known}"
