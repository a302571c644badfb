"""A stack with its state in a bucket of the embedded S3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
from pulumi.automation import PulumiCommand

from localcloud.client import LocalCloud
from tests.e2e.fleet import API, BARRIER, WEB, instance, managing, modifications, rows
from tests.support.engine import Stack, copy_project
from tests.support.s3_backend import make_bucket
from tools.sandbox import ROOT

BUCKET = "state"
TWO = {"web": WEB, "api": API}


def recorded(s3: Any) -> set[str]:  # noqa: ANN401  # the stubs of S3 are not among what the project installs
    """The types of the resources in the state that the bucket holds."""
    body = s3.get_object(Bucket=BUCKET, Key=".pulumi/stacks/imds/test.json")["Body"].read()
    return {each["type"] for each in json.loads(body)["checkpoint"]["latest"]["resources"]}


def test_a_stack_with_its_state_in_a_bucket_is_applied_and_then_unchanged(
    cloud: LocalCloud, engine: PulumiCommand, tmp_path: Path
) -> None:
    variables = make_bucket(cloud, BUCKET)
    s3 = boto3.client("s3", **cloud.connection())
    cloud.seed([instance(each) for each in TWO.values()])
    stack = Stack(copy_project(ROOT, tmp_path / "project"), tmp_path, engine, "test", variables=variables)
    stack.configure(managing(cloud, TWO, httpTokens="required"))

    assert stack.up().steps == {"create": {*rows(*TWO), BARRIER}}
    assert set(modifications(cloud)) == set(TWO.values())
    assert "pulumi-python:dynamic/imds:InstanceMetadataOptions" in recorded(s3)
    assert not list(stack.backend.glob("**/*.json")), "nothing is kept on this machine"

    preview = stack.preview()
    assert preview.steps == {}
    assert modifications(cloud) == {}
    s3.close()
