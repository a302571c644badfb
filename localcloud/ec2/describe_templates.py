"""DescribeLaunchTemplates, DescribeLaunchTemplateVersions and CreateLaunchTemplateVersion.

Sources: EC2 API reference; the error for versions without a template is that of EC2 (github.com/localstack/localstack,
issue 8606). `ResolveAlias` takes a single version of one template, according to pull request 431 of
github.com/wata727/packer-plugin-amazon-ami-management; the error otherwise is an assumption.
"""

from __future__ import annotations

from collections.abc import Iterator

from moto.ec2.models import ec2_backends
from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateVersion

from localcloud.api import errors
from localcloud.api.answer import Answer
from localcloud.api.metadata_options import validate
from localcloud.ec2 import filters, pages
from localcloud.ec2.modify_options import requested_options
from localcloud.ec2.request import Request
from localcloud.ec2.templates import ALIAS, DEFAULT, LATEST, find_template, find_version, resolve_image

SIZES: pages.Sizes = (1, 200)

_HOW_TO = (
    "To describe the launch template data for all your launch templates, for '--versions' specify '$Latest', "
    "'$Default', or both, and omit '--launch-template-id', '--launch-template-name', and version numbers. To describe "
    "the launch template data for a specific launch template, specify '--launch-template-id' or "
    "'--launch-template-name', and for '--versions' specify one or more of the following values: '$Latest', "
    "'$Default', or one or more version numbers."
)


def describe_templates(request: Request) -> Answer:
    call = request.call
    size = pages.page_size(call, SIZES)
    matches = filters.predicate(call.filters, _template_getter)
    ids, names = call.list_param("LaunchTemplateId"), call.list_param("LaunchTemplateName")
    named = [find_template(request.scope, each, None) for each in ids]
    named += [find_template(request.scope, None, each) for each in names]
    call.refuse_if_dry_run()
    templates = {each.id: each for each in named or _all(request)}
    found = ((key, each) for key, each in pages.after_token(call.params.get("NextToken"), templates) if matches(each))
    page, token = pages.page(found, size)
    result = [
        {
            "LaunchTemplateId": each.id,
            "LaunchTemplateName": each.name,
            "CreateTime": each.create_time,
            "CreatedBy": _creator(request),
            "DefaultVersionNumber": each.default_version_number,
            "LatestVersionNumber": each.latest_version_number,
            "Tags": each.get_tags(),
        }
        for each in page
    ]
    return request.serialized({"LaunchTemplates": result, "NextToken": token})


def describe_versions(request: Request) -> Answer:
    """All templates' `$Latest` and `$Default`, or versions of one template, each once and without filters."""
    call = request.call
    size = pages.page_size(call, SIZES)
    if call.filters:
        raise errors.AWSError("InternalError", "localcloud supports no filters in DescribeLaunchTemplateVersions")
    template_id, name = call.params.get("LaunchTemplateId"), call.params.get("LaunchTemplateName")
    versions = call.list_param("LaunchTemplateVersion")
    if template_id or name:
        selected = list(_versions_of(request, find_template(request.scope, template_id, name)))
    elif not versions:
        raise errors.AWSError("MissingParameter", _HOW_TO)
    elif not set(versions) <= {LATEST, DEFAULT}:
        raise errors.AWSError("InvalidParameterValue", _HOW_TO)
    else:
        selected = [find_version(template, each) for template in _all(request) for each in versions]
    resolves = call.params.get("ResolveAlias") == "true"
    if resolves and (len(versions) != 1 or not (template_id or name)):
        message = "To resolve aliases, specify one launch template and one version."
        raise errors.AWSError("InvalidParameterCombination", message)
    call.refuse_if_dry_run()
    by_key = {f"{each.template.id}:{each.number}": each for each in selected}
    page, token = pages.page(pages.after_token(call.params.get("NextToken"), by_key), size)
    result = [_view(request, each, resolves=resolves) for each in page]
    return request.serialized({"LaunchTemplateVersions": result, "NextToken": token})


def check_options(request: Request) -> None:
    """Check the metadata options of a template that is created.

    Raises:
        AWSError: as for a launch.
    """
    validate(requested_options(request, "LaunchTemplateData.MetadataOptions."))


def create_version(request: Request) -> Answer:
    """Have moto add a version, and let it inherit what it does not name from its `SourceVersion`."""
    check_options(request)
    params = request.call.params
    template = find_template(request.scope, params.get("LaunchTemplateId"), params.get("LaunchTemplateName"))
    inherited = find_version(template, params["SourceVersion"]).data if "SourceVersion" in params else {}
    answer = request.forward()
    if answer.code != "OK":
        return answer
    version = template.latest_version()
    version.data = {**inherited, **version.data}
    return request.serialized({"LaunchTemplateVersion": _view(request, version)})


def _all(request: Request) -> Iterator[LaunchTemplate]:
    account, region = request.scope
    return iter(ec2_backends[account][region].launch_templates.values())


def _versions_of(request: Request, template: LaunchTemplate) -> Iterator[LaunchTemplateVersion]:
    params, versions = request.call.params, request.call.list_param("LaunchTemplateVersion")
    if versions:
        yield from (find_version(template, each) for each in versions)
        return
    for each in reversed(template.versions):
        if int(params.get("MinVersion", 1)) <= each.number <= int(params.get("MaxVersion", each.number)):
            yield each


def _view(request: Request, version: LaunchTemplateVersion, *, resolves: bool = False) -> dict[str, object]:
    data = {name: value for name, value in version.data.items() if value is not None}
    image = str(data.get("ImageId", ""))
    if resolves and image.startswith(ALIAS):
        if request.store.settings.denies("ssm:GetParameters"):
            raise errors.unauthorized(
                "GetParameters", request.call.caller_arn, service="ssm", resource=f"parameter/{image}"
            )
        data["ImageId"] = resolve_image(request.store, request.scope, image)
    return {
        "LaunchTemplateId": version.template.id,
        "LaunchTemplateName": version.template.name,
        "VersionNumber": version.number,
        "VersionDescription": version.description or None,
        "CreateTime": version.create_time,
        "CreatedBy": _creator(request),
        "DefaultVersion": version.template.is_default(version),
        "LaunchTemplateData": data,
    }


def _creator(request: Request) -> str:
    return f"arn:aws:iam::{request.call.account}:root"


def _template_getter(name: str) -> filters.Getter[LaunchTemplate]:
    if name == "launch-template-name":
        return lambda template: (template.name,)
    if name.startswith("tag:"):
        key = name.removeprefix("tag:")
        return lambda template: [each["value"] for each in template.get_tags() if each["key"] == key]
    raise errors.invalid_filter(name)
