"""What a reader sees of a live report while it is made."""

from __future__ import annotations

from imds_components.report.live import Progress
from imds_components.report.posture import Source
from imds_components.report.progress import lines_to_keep, progress_line


def test_the_line_counts_regions_and_instances() -> None:
    assert progress_line(Progress()) == "looking up accounts and regions"
    assert progress_line(Progress(12, 15, 3201)) == "12 of 15 regions read, 3,201 instances"


def test_what_could_not_be_read_is_a_line_that_stays() -> None:
    def lines(progress: Progress) -> list[str]:
        return list(lines_to_keep(progress))

    read = Source("live", "prod", "read", "123456789012", "eu-west-1")
    partly = Source("live", "prod", "read", "123456789012", "eu-west-1", problem="IMDSv1 usage is not known: denied.")
    unread = Source("live", "prod", "unreadable", "123456789012", "eu-west-1", problem="denied.")
    account = Source("live", "nobody", "unreadable", problem="there is no such profile.")
    assert lines(Progress(1, 2, 3, read)) == []
    assert lines(Progress(1, 2, 3, partly)) == ["prod in eu-west-1: IMDSv1 usage is not known: denied."]
    assert lines(Progress(1, 2, 3, unread)) == ["could not read prod in eu-west-1: denied."]
    assert lines(Progress(1, 2, 3, account, note="audit is read once.")) == [
        "audit is read once.",
        "could not read nobody: there is no such profile.",
    ]
