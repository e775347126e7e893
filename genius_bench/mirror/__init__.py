"""A copy of everything that a recipe reads from the hub, for machines without one."""

from genius_bench.mirror.pulling import Plan, plan, pull
from genius_bench.mirror.verifying import Finding, verify

__all__ = ["Finding", "Plan", "plan", "pull", "verify"]
