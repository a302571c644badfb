"""The same fleets under this project, metabadger and Cloud Custodian, on the same embedded EC2."""
