"""The same fleets brought over by this repository, by metabadger and by Cloud Custodian, on the same embedded EC2."""
