"""CloudWatch's GetMetricData for metrics that instances send by themselves; every other metric is moto's.

The points are worked out when they are asked for, from what the instance was and what runs on it. Math over these
metrics is not served. Limits and rounding are those of the CloudWatch API reference ("GetMetricData").
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
from localcloud.ec2.run_instances import ask_moto
from localcloud.ec2.workload import DAY, MINUTE

CONTENT_TYPE = "application/x-amz-json-1.0"
MAX_QUERIES = 500
MAX_DATAPOINTS = 100_800

Json = Mapping[str, Any]  # a request's own words: what is read here is checked here, or by boto3 before it is sent


class Result(TypedDict):
    """What CloudWatch answers to one query."""

    Id: str
    Label: str
    Timestamps: list[float]
    Values: list[float]
    StatusCode: str


def get_metric_data(request: Request) -> Answer:
    """The metrics asked for, in the order of their queries."""
    document: Json | None = request.call.document
    if document is None:
        raise errors.EC2Error("InternalError", "localcloud answers GetMetricData in the JSON protocol alone")
    queries = _checked(document)
    instances = {instance.id: instance for _, instance in request.world.everything(*request.place)}
    results = {
        query["Id"]: _result(request, query, instances.get(_instance_id(query))) for query in queries if _is_ours(query)
    }
    theirs = [query for query in queries if not _is_ours(query)]
    if theirs:
        body = json.dumps({**document, "MetricDataQueries": theirs}).encode()
        answer = ask_moto(replace(request, body=body, environ={**request.environ, "CONTENT_LENGTH": str(len(body))}))
        if answer.code != "OK":
            return answer
        results |= {each["Id"]: each for each in json.loads(answer.body)["MetricDataResults"]}
    ordered = [
        _emptied(results[query["Id"]]) if _loses_its_points(request, number) else results[query["Id"]]
        for number, query in enumerate(queries)
        if query["Id"] in results
    ]
    position = _position(document.get("NextToken"))
    page, token = _page(ordered, position, int(document.get("MaxDatapoints", MAX_DATAPOINTS)))
    answered = {"MetricDataResults": page, "Messages": [], **({"NextToken": token} if token else {})}
    return Answer(200, json.dumps(answered).encode(), headers=(("Content-Type", CONTENT_TYPE),))


def _checked(document: Json) -> Sequence[Json]:
    """The queries, of a request that CloudWatch does not refuse.

    Raises:
        EC2Error: ValidationError.
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
    for given in ids:
        if not re.fullmatch(r"[a-z][a-zA-Z0-9_]*", given):
            raise _invalid(f"The value {given} for parameter id is not matching the pattern ^[a-z][a-zA-Z0-9_]*$.")
    return queries


def _is_ours(query: Json) -> bool:
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
        known = ", ".join(metrics.STATISTICS[name])
        raise errors.EC2Error("InternalError", f"localcloud has the {known} of {name} and no {stat['Stat']}")
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
    """Time and value of each datapoint: up to the minute that EndTime is in, and nothing of the future."""
    document: Json = request.call.document or {}
    world, now = request.world, request.world.aws_now()
    asked = metrics.Asked(
        int(_rounded(document["StartTime"], now)), ceil(document["EndTime"] / MINUTE) * int(MINUTE), period
    )
    interval = metrics.DETAILED if world.is_detailed(instance) else metrics.BASIC
    if world.settings.publish == "at-once":
        buckets = metrics.at_once(asked, now)
    else:
        buckets = metrics.as_aws(asked, interval, now - world.settings.metrics_delay)
    workload, past = world.workload(instance), world.past(instance)
    values = (
        (at, metrics.value(metric, statistic, span, workload=workload, past=past, interval=interval))
        for at, span in buckets
    )
    points = [(float(at), float(value)) for at, value in values if value is not None]
    return points if document.get("ScanBy") == "TimestampAscending" else points[::-1]


def _loses_its_points(request: Request, number: int) -> bool:
    """Whether a fault empties the result of the query of this number, counted from 0."""
    return "no-data" in request.emptied or ("partial" in request.emptied and number % 2 == 1)


def _emptied(result: Result) -> Result:
    return {**result, "Timestamps": [], "Values": []}


def _rounded(start: float, now: float) -> float:
    """Down to the minute; to five minutes where that is 15 days ago, to the hour where it is 63."""
    age = (now - start) / DAY
    grain = MINUTE if age < 15 else 5 * MINUTE if age <= 63 else 60 * MINUTE
    return start // grain * grain


def _page(results: Sequence[Result], skip: int, limit: int) -> tuple[list[Result], str]:
    """So many datapoints after those of the pages before, and the token that leads to the next page."""
    total = sum(len(each["Values"]) for each in results)
    end = skip + limit
    page: list[Result] = []
    first = 0
    for result in results:
        count = len(result["Values"])
        taken = slice(max(skip - first, 0), max(end - first, 0))
        values = result["Values"][taken]
        if values or (not count and skip <= first and (first < end or total <= end)):
            status = "PartialData" if end < first + count else result["StatusCode"]
            page.append({**result, "Timestamps": result["Timestamps"][taken], "Values": values, "StatusCode": status})
        first += count
    return page, base64.b64encode(str(end).encode()).decode() if end < total else ""


def _position(token: str | None) -> int:
    try:
        return int(base64.b64decode(token)) if token else 0
    except ValueError:
        raise errors.EC2Error("InvalidNextToken", "The next token specified is invalid.") from None


def _invalid(message: str) -> errors.EC2Error:
    return errors.EC2Error("ValidationError", message)
