"""What holds for every test: nothing of the user's AWS set-up reaches it, and what it notes is shown at the end."""

from __future__ import annotations

import os

import pytest

for name in [each for each in os.environ if each.startswith("AWS_")]:
    del os.environ[name]
# Credentials and profiles in the home folder are AWS set-up too, and the metadata service of the machine is no fixture.
os.environ.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull, AWS_EC2_METADATA_DISABLED="true")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the notes of passed tests. What they print reaches nobody where tests run in processes of their own."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "note":
                terminalreporter.write_line(str(value))
