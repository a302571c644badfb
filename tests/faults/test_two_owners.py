"""Two resources that manage the same option of one instance at the same time."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from localcloud.client import LocalCloud
from localcloud.faults import Fault
from tests.faults.scenarios import MODIFY
from tests.support.provider_run import REGION, provider_run
from tests.support.stack_in_process import PROVIDER, Row

WEB = "i-aaaaaaaaaaaaaaaaa"
ANSWER_SECONDS = 1.0


def test_the_second_resource_records_the_value_from_before_the_first_though_that_has_no_answer_yet() -> None:
    inputs = Row("web", WEB, {"httpTokens": "required"}, wait=True).inputs(20.0)
    with LocalCloud.in_process() as cloud:
        cloud.seed([{"id": WEB, "region": REGION}])
        cloud.set_faults(Fault("delay", MODIFY, after=True, seconds=ANSWER_SECONDS))
        with provider_run(cloud), ThreadPoolExecutor() as threads:
            first = threads.submit(PROVIDER.create, inputs)
            while cloud.instance(WEB)["options"]["HttpTokens"] != "required":
                time.sleep(0.01)
            second = threads.submit(PROVIDER.create, inputs)
            previous = [(each.result().outs or {})["previous"] for each in (first, second)]
    assert previous == [{"httpTokens": "optional"}] * 2
