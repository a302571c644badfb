"""Faults as data: which calls a fault affects and what it does to them. `http.pipeline` carries them out.

May import `api` only.
"""

from localcloud.faults.fault import Effect, Fault, FaultPlan

__all__ = ["Effect", "Fault", "FaultPlan"]
