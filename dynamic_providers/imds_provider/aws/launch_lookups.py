"""Look up what launches instances in a region: autoscaling groups, their templates, configurations and images.

Sources: EC2 API reference, ``DescribeLaunchTemplateVersions``, ``DescribeImages`` and ``GetInstanceMetadataDefaults``;
EC2 Auto Scaling API reference, ``DescribeAutoScalingGroups`` and ``DescribeLaunchConfigurations``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..rules.account_defaults import AccountDefaults, from_ec2
from ..rules.launch_options import Image
from ..rules.launch_sources import Candidate, LaunchSource, UnusedTemplates, unused_templates
from ..rules.options import from_ec2 as options_from_ec2
from .ec2 import MAX_FILTER_VALUES, Ec2, abbreviated, chunks
from .launch_templates import LaunchTemplates, Specification, is_parameter
from .looked_up_once import LookedUpOnce
from .requests import Requests

if TYPE_CHECKING:
    from mypy_boto3_autoscaling.client import AutoScalingClient
    from mypy_boto3_autoscaling.type_defs import AutoScalingGroupTypeDef, LaunchTemplateSpecificationTypeDef

_PAGE_SIZE = 100
"""The most results that the describing actions of EC2 Auto Scaling return on one page."""
_IMDSV2 = "v2.0"


class LaunchLookups:
    """Lookups in one account and region, each answer of AWS asked for once.

    Each raises :class:`AwsError` if AWS does not answer it.
    """

    def __init__(self, ec2: Ec2, connect_autoscaling: Callable[[], AutoScalingClient]) -> None:
        self.region = ec2.region
        self._ec2 = ec2
        self._requests = Requests(ec2)
        self._connect_autoscaling = connect_autoscaling
        self._templates = LaunchTemplates(ec2, self._requests)
        self._images: dict[str, Image] = {}

    @LookedUpOnce
    def _autoscaling(self) -> AutoScalingClient:
        """The client, made when it is needed."""
        client = self._connect_autoscaling()
        client.meta.events.register_first("request-created.autoscaling", self._ec2.before_request)
        return client

    @LookedUpOnce
    def _defaults(self) -> AccountDefaults:
        with self._requests.translated("GetInstanceMetadataDefaults", "the account's defaults"):
            return from_ec2(self._ec2.client.get_instance_metadata_defaults().get("AccountLevel", {}))

    def account_defaults(self) -> AccountDefaults:
        """Return the account's defaults for new instances, as they were when this was first called: one call."""
        return self._defaults

    def groups(self, defaults: AccountDefaults, names: Collection[str] | None = None) -> list[LaunchSource]:
        """Return the autoscaling groups, or those of these names that exist, and what they launch from.

        ``defaults`` are those that launches will find: an image is looked up only where it then decides the tokens. One
        paged call each for all groups, for the templates' default and latest versions, for launch configurations if a
        group uses one, and for each 200 images. One call more for each template of which a group uses other versions,
        and for each version that takes its image from a parameter.
        """
        chosen = [each for each in self._groups if names is None or each["AutoScalingGroupName"] in names]
        self._templates.require({spec for each in chosen for spec, _ in _launchers(each) if spec is not None})
        return self._with_images([self._source(each) for each in chosen], defaults)

    def unused_templates(self, defaults: AccountDefaults) -> UnusedTemplates:
        """Judge the launch templates that no group uses, by their default versions.

        The calls are those of :meth:`groups`. A template that takes its image from a parameter is not resolved.
        """
        used = {spec.key for group in self._groups for spec, _ in _launchers(group) if spec is not None}
        unused = self._templates.defaults_except(used)
        self._look_up_images(each for each in unused if each.needs_image(defaults))
        return unused_templates([self._with_image(each) for each in unused], defaults)

    @LookedUpOnce
    def _groups(self) -> list[AutoScalingGroupTypeDef]:
        # An instance has a tag with its group. Listed here, those of a large account would fill the memory.
        pages = self._autoscaling.get_paginator("describe_auto_scaling_groups").paginate(
            IncludeInstances=False, PaginationConfig={"PageSize": _PAGE_SIZE}
        )
        found = self._requests.pages(pages, "DescribeAutoScalingGroups", "autoscaling groups", "AutoScaling")
        return [group for page in found for group in page["AutoScalingGroups"]]

    @LookedUpOnce
    def _configurations(self) -> dict[str, Candidate]:
        """Every launch configuration by its name."""
        pages = self._autoscaling.get_paginator("describe_launch_configurations").paginate(
            PaginationConfig={"PageSize": _PAGE_SIZE}
        )
        found = self._requests.pages(pages, "DescribeLaunchConfigurations", "launch configurations", "AutoScaling")
        return {
            each["LaunchConfigurationName"]: Candidate(
                f"launch configuration {each['LaunchConfigurationName']}",
                options_from_ec2(each.get("MetadataOptions", {})),
                Image(each["ImageId"]) if each.get("ImageId") else None,
                is_template=False,
            )
            for page in found
            for each in page["LaunchConfigurations"]
        }

    def _source(self, group: AutoScalingGroupTypeDef) -> LaunchSource:
        candidates = [
            self._configuration(group) if spec is None else _from_image(self._templates.candidate(spec), image_id)
            for spec, image_id in _launchers(group)
        ]
        return LaunchSource(group["AutoScalingGroupName"], candidates, group["MaxSize"])

    def _configuration(self, group: AutoScalingGroupTypeDef) -> Candidate:
        name = group.get("LaunchConfigurationName", "")
        missing = Candidate(f"launch configuration {name}".rstrip(), is_template=False, unknown="does not exist")
        return self._configurations.get(name, missing)

    def _with_images(self, sources: Sequence[LaunchSource], defaults: AccountDefaults) -> list[LaunchSource]:
        """The groups with what is known of the images that decide anything."""

        def resolved(candidate: Candidate) -> Candidate:
            return self._templates.with_resolved_image(candidate) if candidate.needs_image(defaults) else candidate

        sources = [source.with_candidates(resolved) for source in sources]
        self._look_up_images(each for source in sources for each in source.candidates if each.needs_image(defaults))
        return [source.with_candidates(self._with_image) for source in sources]

    def _look_up_images(self, candidates: Iterable[Candidate]) -> None:
        ids = {each.image.image_id for each in candidates if each.image is not None}
        unseen = sorted(each for each in ids - self._images.keys() if not is_parameter(each))
        for some in chunks(unseen, MAX_FILTER_VALUES):
            # A filter, since ImageIds fails entirely when one image is gone.
            pages = self._ec2.client.get_paginator("describe_images").paginate(
                Filters=[{"Name": "image-id", "Values": some}], IncludeDeprecated=True
            )
            found = {
                image.get("ImageId", ""): image.get("ImdsSupport") == _IMDSV2
                for page in self._requests.pages(pages, "DescribeImages", abbreviated(some))
                for image in page["Images"]
            }
            not_listed = "EC2 does not list it, so it is deleted, disabled or not shared with this account"
            self._images.update({each: Image(each, found.get(each), not_listed) for each in some})

    def _with_image(self, candidate: Candidate) -> Candidate:
        image = candidate.image
        return candidate if image is None else replace(candidate, image=self._images.get(image.image_id, image))


def _launchers(group: AutoScalingGroupTypeDef) -> list[tuple[Specification | None, str]]:
    """The templates, or None for its launch configuration, that a group launches from, each with an image of its own.

    An override without a template uses that of the whole policy, which nothing else uses.
    """
    policy = group.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {})
    own = policy.get("LaunchTemplateSpecification") or group.get("LaunchTemplate")
    if not own:
        return [(None, "")]
    overrides = policy.get("Overrides") or [{}]
    found = [
        (_specification(each.get("LaunchTemplateSpecification") or own), each.get("ImageId", "")) for each in overrides
    ]
    return list(dict.fromkeys(found))


def _specification(given: LaunchTemplateSpecificationTypeDef) -> Specification:
    return Specification(
        given.get("LaunchTemplateId", ""), given.get("LaunchTemplateName", ""), given.get("Version") or "$Default"
    )


def _from_image(candidate: Candidate, image_id: str) -> Candidate:
    return replace(candidate, image=Image(image_id)) if image_id else candidate
