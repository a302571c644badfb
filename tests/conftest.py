"""What holds for every test: nothing of the user's AWS set-up reaches it."""

from __future__ import annotations

import os

for name in [each for each in os.environ if each.startswith("AWS_")]:
    del os.environ[name]
# Credentials and profiles in the home folder are AWS set-up too, and the metadata service of the machine is no fixture.
os.environ.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull, AWS_EC2_METADATA_DISABLED="true")
