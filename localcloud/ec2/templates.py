"""Launch templates: their versions, the metadata options and the images that these name.

moto creates and keeps them. Sources: EC2 API reference, "Error codes"; Auto Scaling user guide, "Use AWS Systems
Manager parameters instead of AMI IDs in launch templates".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.ec2.models import ec2_backends
from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateVersion

from localcloud.api import errors
from localcloud.api.metadata_options import OPTIONS, Options
from localcloud.ec2.account_levels import Scope
from localcloud.ec2.store import InstanceStore, TemplateVersion

LATEST, DEFAULT = "$Latest", "$Default"
ALIAS = "resolve:ssm:"
"""The start of an image that is the value of an SSM parameter."""


def find_template(scope: Scope, template_id: str | None, name: str | None) -> LaunchTemplate:
    """The template that a request names by either its ID or its name.

    Raises:
        AWSError: InvalidLaunchTemplateId.NotFound, InvalidLaunchTemplateName.NotFoundException; MissingParameter or
            InvalidParameterCombination for neither and both.
    """
    account, region = scope
    backend = ec2_backends[account][region]
    if template_id and name:
        message = "Specify either the launch template ID or the launch template name, not both."
        raise errors.AWSError("InvalidParameterCombination", message)
    if name:
        if name not in backend.launch_template_name_to_ids:
            message = f"The specified launch template, with template name {name}, does not exist."
            raise errors.AWSError("InvalidLaunchTemplateName.NotFoundException", message)
        template_id = backend.launch_template_name_to_ids[name]
    if not template_id:
        raise errors.missing_parameters(("LaunchTemplateId", "LaunchTemplateName"))
    if template_id not in backend.launch_templates:
        message = f"The specified launch template, with template ID {template_id}, does not exist."
        raise errors.AWSError("InvalidLaunchTemplateId.NotFound", message)
    return backend.launch_templates[template_id]


def find_version(template: LaunchTemplate, version: str) -> LaunchTemplateVersion:
    """The version for a number, `$Latest` or `$Default`.

    Raises:
        AWSError: InvalidLaunchTemplateId.VersionNotFound.
    """
    known = {
        **{str(each.number): each for each in template.versions},
        LATEST: template.latest_version(),
        DEFAULT: template.default_version(),
    }
    if version not in known:
        message = f"Could not find the specified version {version} for the launch template with ID {template.id}."
        raise errors.AWSError("InvalidLaunchTemplateId.VersionNotFound", message)
    return known[version]


def specified_version(scope: Scope, specification: Mapping[str, Any]) -> LaunchTemplateVersion:
    """The version that a `LaunchTemplateSpecification` means, `$Default` if it names none.

    Raises:
        AWSError: there is no such template or version.
    """
    named = {name: specification.get(name) for name in ("LaunchTemplateId", "LaunchTemplateName", "Version")}
    template = find_template(scope, named["LaunchTemplateId"], named["LaunchTemplateName"])
    return find_version(template, str(named["Version"] or DEFAULT))


def reference(version: LaunchTemplateVersion) -> TemplateVersion:
    return TemplateVersion(version.template.id, version.template.name, version.number)


def options_of(version: LaunchTemplateVersion) -> Options:
    """The metadata options that a version sets."""
    given: Mapping[str, object] = version.data.get("MetadataOptions") or {}
    return {name: str(given[name]) for name in OPTIONS if given.get(name) is not None}


def resolve_image(store: InstanceStore, scope: Scope, image: str) -> str:
    """The image ID for an ID or an alias, `resolve:ssm:` and the name of an SSM parameter.

    Raises:
        AWSError: SsmInvalidParameter for an alias that does not exist.
    """
    if not image.startswith(ALIAS):
        return image
    name = image.removeprefix(ALIAS)
    # A version or a label may follow the name.
    found = store.parameters.get((*scope, name), store.parameters.get((*scope, name.partition(":")[0])))
    if found is None:
        raise errors.AWSError("SsmInvalidParameter", f"The following aliases are invalid: {image}")
    return found
