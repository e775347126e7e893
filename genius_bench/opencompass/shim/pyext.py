"""Stands in for `pyext`, which does not exist for Python 3.11 and later.

OpenCompass' LiveCodeBench executor makes a module of a program with it and, where it is missing, counts every
program as one that does not compile.
"""

import sys
from types import ModuleType


class RuntimeModule:
    """The one function of it that is used."""

    @staticmethod
    def from_string(name: str, doc: str, source: str) -> ModuleType:
        """A module that is the outcome of running `source`."""
        module = ModuleType(name, doc)
        sys.modules[name] = module
        exec(compile(source, f"<{name}>", "exec"), module.__dict__)
        return module
