"""A backend of Pulumi in a bucket of the embedded S3."""

from __future__ import annotations

from urllib.parse import urlsplit

import boto3

from localcloud.client import LocalCloud

REGION = "eu-west-1"


def make_bucket(cloud: LocalCloud, bucket: str) -> dict[str, str]:
    """Make the bucket, and return the variables that lead the engine there.

    The URL says how to reach a stand-in for S3, the rest as whom.
    """
    s3 = boto3.client("s3", **cloud.connection())
    try:
        s3.create_bucket(Bucket=bucket)
    finally:
        s3.close()
    host = urlsplit(cloud.url).netloc
    return {
        "PULUMI_BACKEND_URL": f"s3://{bucket}?endpoint={host}&disableSSL=true&s3ForcePathStyle=true&region={REGION}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
