"""GetMetricData for the metrics of `metrics.STATISTICS`; moto answers for all others.

Points are calculated on request from the instance's timeline and workload. Metric math on these metrics is not
supported. Limits and rounding follow the CloudWatch API reference ("GetMetricData").
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil
from typing import Any, TypedDict

from moto.ec2.models.instances import Instance

from localcloud.api import errors
from localcloud.api.answer import Answer
from localcloud.cloudwatch import metrics
from localcloud.ec2.request import Request
from localcloud.ec2.workload import DAY, MINUTE

MAX_QUERIES = 500
MAX_DATAPOINTS = 100_800

Json = Mapping[str, Any]  # a parsed request; boto3 or the checks below validate what is read from it


class Result(TypedDict):
    """The answer to one query."""

    Id: str
    Label: str
    Timestamps: list[float]
    Values: list[float]
    StatusCode: str


def get_metric_data(request: Request) -> Answer:
    document: Json | None = request.call.document
    if document is None:
        raise errors.AWSError("InternalError", "localcloud supports GetMetricData in the JSON protocol only")
    queries = _validated_queries(document)
    instances = {instance.id: instance for _, instance in request.store.instances(*request.scope)}
    results = {
        query["Id"]: _result(request, query, instances.get(_instance_id(query)))
        for query in queries
        if _is_published(query)
    }
    if others := [query for query in queries if not _is_published(query)]:
        body = json.dumps({**document, "MetricDataQueries": others}).encode()
        environ = {**request.environ, "CONTENT_LENGTH": str(len(body))}
        answer = replace(request, body=body, environ=environ).forward()
        if answer.code != "OK":
            return answer
        results |= {each["Id"]: each for each in json.loads(answer.body)["MetricDataResults"]}
    ordered = [
        _without_points(results[query["Id"]]) if _lacks_points(request, number) else results[query["Id"]]
        for number, query in enumerate(queries)
        if query["Id"] in results
    ]
    skip = _decode_token(document.get("NextToken"))
    page, token = _page(ordered, skip, int(document.get("MaxDatapoints", MAX_DATAPOINTS)))
    response = {"MetricDataResults": page, "Messages": [], **({"NextToken": token} if token else {})}
    return Answer.json(json.dumps(response))


def _validated_queries(document: Json) -> Sequence[Json]:
    """The queries of a valid request.

    Raises:
        AWSError: ValidationError.
    """
    queries: Sequence[Json] = document.get("MetricDataQueries") or ()
    if len(queries) > MAX_QUERIES:
        raise _invalid(f"The collection MetricDataQueries must not have a size greater than {MAX_QUERIES}.")
    for name in ("StartTime", "EndTime"):
        if name not in document:
            raise _invalid(f"The parameter {name} is required.")
    if not document["StartTime"] < document["EndTime"]:
        raise _invalid("The parameter StartTime must be less than the parameter EndTime.")
    if not 1 <= int(document.get("MaxDatapoints", 1)) <= MAX_DATAPOINTS:
        raise _invalid(f"The parameter MaxDatapoints must be from 1 to {MAX_DATAPOINTS}.")
    ids = [str(query.get("Id")) for query in queries]
    if len(set(ids)) < len(ids):
        raise _invalid("The values for parameter id in MetricDataQueries are not unique.")
    for each in ids:
        if not re.fullmatch(r"[a-z][a-zA-Z0-9_]*", each):
            raise _invalid(f"The value {each} for parameter id is not matching the pattern ^[a-z][a-zA-Z0-9_]*$.")
    return queries


def _is_published(query: Json) -> bool:
    """Whether the query is for a metric that instances publish."""
    metric = query.get("MetricStat", {}).get("Metric", {})
    dimensions = [each.get("Name") for each in metric.get("Dimensions", ())]
    return (
        metric.get("Namespace") == "AWS/EC2"
        and metric.get("MetricName") in metrics.STATISTICS
        and dimensions == ["InstanceId"]
    )


def _instance_id(query: Json) -> str:
    return str(query["MetricStat"]["Metric"]["Dimensions"][0].get("Value"))


def _result(request: Request, query: Json, instance: Instance | None) -> Result:
    stat, name = query["MetricStat"], query["MetricStat"]["Metric"]["MetricName"]
    period = int(stat["Period"])
    if period < MINUTE or period % MINUTE:
        raise _invalid(f"The value {period} for parameter Period must be a multiple of 60.")
    if stat["Stat"] not in metrics.STATISTICS[name]:
        supported = ", ".join(metrics.STATISTICS[name])
        raise errors.AWSError("InternalError", f"localcloud supports {supported} of {name}, not {stat['Stat']}")
    points = _points(request, name, stat["Stat"], instance, period) if instance is not None else []
    return Result(
        Id=query["Id"],
        Label=query.get("Label", name),
        Timestamps=[at for at, _ in points],
        Values=[value for _, value in points],
        StatusCode="Complete",
    )


def _points(
    request: Request, metric: str, statistic: str, instance: Instance, period: int
) -> list[tuple[float, float]]:
    """Timestamp and value of each point, up to the end of EndTime's minute or now."""
    document: Json = request.call.document or {}
    store, now = request.store, request.store.aws_now()
    query = metrics.Range(
        int(_rounded_start(document["StartTime"], now)), ceil(document["EndTime"] / MINUTE) * int(MINUTE), period
    )
    interval = metrics.DETAILED if store.has_detailed_monitoring(instance) else metrics.BASIC
    if store.settings.publish == "at-once":
        buckets = metrics.at_once(query, now)
    else:
        buckets = metrics.as_aws(query, interval, now - store.settings.metrics_delay)
    workload, timeline = store.workload(instance), store.timeline(instance)
    values = (
        (at, metrics.value(metric, statistic, span, workload=workload, timeline=timeline, interval=interval))
        for at, span in buckets
    )
    points = [(float(at), float(value)) for at, value in values if value is not None]
    return points if document.get("ScanBy") == "TimestampAscending" else points[::-1]


def _lacks_points(request: Request, number: int) -> bool:
    """Whether a fault removes the points of the query with this number, counted from 0."""
    return "no-data" in request.missing_data or ("partial" in request.missing_data and number % 2 == 1)


def _without_points(result: Result) -> Result:
    return {**result, "Timestamps": [], "Values": []}


def _rounded_start(start: float, now: float) -> float:
    """Round down to the minute; to 5 minutes if older than 15 days, to the hour if older than 63 days."""
    age = (now - start) / DAY
    grain = MINUTE if age < 15 else 5 * MINUTE if age <= 63 else 60 * MINUTE
    return start // grain * grain


def _page(results: Sequence[Result], skip: int, limit: int) -> tuple[list[Result], str]:
    """At most `limit` points after the first `skip`, and the NextToken, empty on the last page."""
    total = sum(len(each["Values"]) for each in results)
    end = skip + limit
    page: list[Result] = []
    first = 0
    for result in results:
        count = len(result["Values"])
        part = slice(max(skip - first, 0), max(end - first, 0))
        values = result["Values"][part]
        if values or (not count and skip <= first and (first < end or total <= end)):
            status = "PartialData" if end < first + count else result["StatusCode"]
            page.append({**result, "Timestamps": result["Timestamps"][part], "Values": values, "StatusCode": status})
        first += count
    return page, base64.b64encode(str(end).encode()).decode() if end < total else ""


def _decode_token(token: str | None) -> int:
    try:
        return int(base64.b64decode(token)) if token else 0
    except ValueError:
        raise errors.AWSError("InvalidNextToken", "The next token specified is invalid.") from None


def _invalid(message: str) -> errors.AWSError:
    return errors.AWSError("ValidationError", message)
